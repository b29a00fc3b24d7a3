"""
The cluster controller: gives instances to nodes, and tells the cloud of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from euca_tw.api import cluster as api
from euca_tw.api import node as node_api
from euca_tw.api.errors import UnsupportedOperation
from euca_tw.api.shapes import Operation
from euca_tw.cc import reports
from euca_tw.cc.converge import Placements
from euca_tw.cc.nodes import Nodes, NodeView
from euca_tw.cc.original import OriginalCluster
from euca_tw.cc.settings import ClusterSettings
from euca_tw.cc.steps import Steps
from euca_tw.common.changes import Changes
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import Resources
from euca_tw.model.identifiers import Minter
from euca_tw.soap.interfaces import IPeers
from euca_tw.store.interfaces import IStore

Answer = Callable[[Any], Awaitable[Any]]


class ClusterController(Service):
    """
    One availability zone.  Its store is open before it is started, and closed
    after it has stopped; a stop leaves all instances running.

    After a start it I{gathers}: it waits, for a while, for every node's word.
    Until then it tells what it knows but never that this is all (no report is
    full), and places nothing.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        name: str,
        nodes: Iterable[str],
        peers: IPeers,
        store: IStore,
        clock: IReactorTime,
        random: Random,
        settings: ClusterSettings | None = None,
    ) -> None:
        """
        @param name: the availability zone's.
        @param nodes: URLs of the nodes, in the site's order.
        """
        self.name = name
        self._store = store
        self._clock = clock
        self._settings = settings or ClusterSettings()
        self._minter = Minter(random)
        self._changes: Changes[api.ChangedInstance] = Changes(
            clock, self._minter.uuid()
        )
        self._is_gathering = True
        self._resources_told: dict[str, tuple[Resources, Resources]] = {}
        self._patience: IDelayedCall | None = None
        self._nodes = Nodes(
            urls=nodes,
            peers=peers,
            clock=clock,
            random=random,
            settings=self._settings,
            heard=self._heard,
            changed=self._changed,
        )
        steps = Steps(peers, self._settings)
        self._placements = Placements(
            store=store,
            nodes=self._nodes,
            changes=self._changes,
            steps=steps,
            clock=clock,
            random=random,
            settings=self._settings,
            is_gathering=lambda: self._is_gathering,
        )
        self._original = OriginalCluster(
            name=name,
            store=store,
            nodes=self._nodes,
            peers=peers,
            placements=self._placements,
            changes=self._changes,
            clock=clock,
            settings=self._settings,
            resources=self._resources,
        )
        self._answers: dict[str, Answer] = {
            api.LAUNCH_INSTANCES.name: self._launch_instances,
            api.READ_CONSOLE.name: self._read_console,
            api.WAIT_FOR_CHANGES.name: self._wait_for_changes,
            **self._original.answers,
        }

    # --- the service ---------------------------------------------------------

    def startService(self) -> None:
        super().startService()
        self._patience = self._clock.callLater(
            self._settings.settle_s, self._gathered, "not all nodes have answered"
        )
        self._placements.start()
        self._nodes.start()
        if not self._nodes.views:
            self._gathered("it has no nodes")

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        self._cancel_patience()
        self._changes.stop()
        return DeferredList([self._nodes.stop(), self._placements.stop()])

    async def dispatch(self, operation: Operation, caller: Caller, request: Any) -> Any:
        """
        Answer the cloud controller.

        @raise euca_tw.api.errors.ApiError: it was not done.
        """
        try:
            answer = self._answers[operation.name]
        except KeyError:
            raise UnsupportedOperation(
                f"This cluster does not do {operation.name}"
            ) from None
        return await answer(request)

    # --- what is asked -------------------------------------------------------

    async def _launch_instances(
        self, request: api.LaunchInstances
    ) -> api.LaunchInstancesResponse:
        refused = await self._placements.launch(request.launches)
        return api.LaunchInstancesResponse(refused=refused)

    async def _read_console(self, request: api.ReadConsole) -> api.ReadConsoleResponse:
        name = request.instance_id
        asking = node_api.NcReadConsole(instance_id=name)
        told = await self._original.ask_node(name, node_api.NC_READ_CONSOLE, asking)
        return api.ReadConsoleResponse(output=told.output, written_at=told.written_at)

    async def _wait_for_changes(
        self, request: api.WaitForChanges
    ) -> api.WaitForChangesResponse:
        timeout_s = min(request.timeout_s, self._settings.longest_wait_s)
        delta = await self._changes.wait(request.epoch, request.since, timeout_s)
        return api.WaitForChangesResponse(
            epoch=delta.epoch,
            sequence=delta.sequence,
            is_full=delta.is_full and not self._is_gathering,
            instances=delta.values,
            forgotten=delta.forgotten,
            resources=self._resources(request.instance_types),
            service_tags=tuple(self._nodes.views),
            addresses_per_cluster=self._settings.addresses,
        )

    def _resources(
        self, types: Iterable[api.ClusterMachineType]
    ) -> tuple[api.ClusterResource, ...]:
        """What there is room for, on the nodes that answer."""
        well = [v for v in self._nodes.views.values() if v.is_known and v.is_well]
        free = [self._placements.free(view) for view in well]
        found = []
        for told in types:
            machine = reports.machine_of(told)
            found.append(
                api.ClusterResource(
                    instance_type=told,
                    max_instances=sum(v.machine.times(machine) for v in well),
                    available_instances=sum(each.times(machine) for each in free),
                )
            )
        return tuple(found)

    # --- what nodes tell -----------------------------------------------------

    async def _heard(self, view: NodeView, changed: set[str]) -> None:
        await self._placements.heard(view, changed)
        # What a node has free changes with what is on it, or by itself.
        if self._resources_told.get(view.url) != (view.machine, view.free):
            self._resources_told[view.url] = (view.machine, view.free)
            self._changes.touch()
        if self._is_gathering and self._nodes.is_complete:
            self._gathered("all nodes have answered")

    def _changed(self, view: NodeView) -> None:
        self._placements.see(view)
        self._changes.touch()

    def _gathered(self, why: str) -> None:
        """From now on a report can be full."""
        self._cancel_patience()
        self._log.info("{cluster} is ready: {why}", cluster=self.name, why=why)
        self._is_gathering = False
        self._changes.begin(self._minter.uuid())

    def _cancel_patience(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        self._patience = None
