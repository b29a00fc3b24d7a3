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
from euca_tw.cc.fleet import Fleet
from euca_tw.cc.interfaces import IScheduler
from euca_tw.cc.lost import LostNodes
from euca_tw.cc.networks import Carriers, ClusterNetworks
from euca_tw.cc.nodes import Nodes, NodeView
from euca_tw.cc.original import OriginalCluster
from euca_tw.cc.plan import Terminate
from euca_tw.cc.records import NODE_LOST, Placement
from euca_tw.cc.room import Room
from euca_tw.cc.schedule import RankedScheduler, by_load
from euca_tw.cc.settings import ClusterSettings
from euca_tw.cc.steps import Steps
from euca_tw.common.changes import Changes
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import Minter
from euca_tw.overlay.settings import MANAGED, STATIC, SYSTEM, disagreement
from euca_tw.soap.interfaces import IPeers
from euca_tw.store.interfaces import IStore

Answer = Callable[[Any], Awaitable[Any]]

#: Where addresses are the site's, nobody here counts them.
_AS_MANY_AS_MAY_BE = 1 << 16


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
        scheduler: tuple[str, IScheduler] | None = None,
        network_mode: str = STATIC,
        carriers: Carriers | None = None,
    ) -> None:
        """
        @param name: the availability zone's.
        @param nodes: URLs of the nodes, in the site's order.
        @param scheduler: what chooses nodes, with its name; it is this cluster's
            alone.  None: the least loaded is taken.
        @param network_mode: of L{euca_tw.overlay.settings}.
        @param carriers: of managed networks.
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
        self._room_told: list[tuple[int, int]] = []
        self._patience: IDelayedCall | None = None
        self._nodes = Nodes(
            urls=nodes,
            peers=peers,
            clock=clock,
            random=random,
            settings=self._settings,
            heard=self._heard,
            changed=self._changed,
            unheard=lambda view: self._lost.unheard(view),
        )
        self._network_mode = network_mode
        self._networks: ClusterNetworks | None = None
        if network_mode == MANAGED and carriers is not None:
            self._networks = ClusterNetworks(
                cluster=name,
                carriers=carriers,
                peers=peers,
                clock=clock,
                random=random,
                epoch=self._minter.uuid(),
                settings=self._settings,
                node_of=self._node_of,
                is_lost=self._is_lost,
                store=store,
            )
        self._epochs: dict[str, str | None] = {}
        steps = Steps(peers, self._settings, network_mode)
        self._room = Room(store, self._nodes)
        chosen, chooser = scheduler or ("least-loaded", RankedScheduler(by_load))
        self._fleet = Fleet(self._nodes, self._room, chooser, chosen)
        self._room.changed = self._fleet.changed
        self._placements = Placements(
            store=store,
            nodes=self._nodes,
            room=self._room,
            fleet=self._fleet,
            changes=self._changes,
            steps=steps,
            clock=clock,
            random=random,
            settings=self._settings,
            is_gathering=lambda: self._is_gathering,
            placed=self._placed,
        )
        self._lost = LostNodes(
            store,
            self._nodes,
            clock,
            self._settings,
            self._changed,
            lambda node, name: steps.terminate(Terminate(node), name),
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
            api.STOP_INSTANCES.name: self._stop_instances,
            api.START_INSTANCES.name: self._start_instances,
            api.SET_SHUTDOWN_BEHAVIOR.name: self._set_shutdown_behavior,
            api.READ_CONSOLE.name: self._read_console,
            api.MAKE_IMAGE.name: self._make_image,
            api.WAIT_FOR_CHANGES.name: self._wait_for_changes,
            api.SET_NETWORKS.name: self._set_networks,
            api.DECLARE_NODE_LOST.name: self._declare_node_lost,
            **self._original.answers,
        }

    # --- the service ---------------------------------------------------------

    def startService(self) -> None:
        super().startService()
        self._patience = self._clock.callLater(
            self._settings.settle_s, self._gathered, "not all nodes have answered"
        )
        self._lost.start()
        self._placements.start()
        self._nodes.start()
        if self._networks is not None:
            self._networks.start()
        if not self._nodes.views:
            self._gathered("it has no nodes")

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        self._cancel_patience()
        self._changes.stop()
        stopping = [self._nodes.stop(), self._lost.stop(), self._placements.stop()]
        if self._networks is not None:
            stopping.append(self._networks.stop())
        return DeferredList(stopping)

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
        taken: list[api.Launch] = []
        refused: list[api.RefusedLaunch] = []
        for launch in request.launches:
            why = disagreement(self._network_mode, launch.network_mode, str(self.name))
            if why:
                told = api.RefusedLaunch(
                    instance_id=launch.instance_id, reason=why, is_final=False
                )
                refused.append(told)
            else:
                taken.append(launch)
        refused.extend(await self._placements.launch(taken))
        return api.LaunchInstancesResponse(refused=tuple(refused))

    async def _stop_instances(
        self, request: api.StopInstances
    ) -> api.StopInstancesResponse:
        await self._placements.halt(request.stops)
        return api.StopInstancesResponse()

    async def _start_instances(
        self, request: api.StartInstances
    ) -> api.StartInstancesResponse:
        refused = await self._placements.start_again(request.launches)
        return api.StartInstancesResponse(refused=refused)

    async def _set_shutdown_behavior(
        self, request: api.SetShutdownBehavior
    ) -> api.SetShutdownBehaviorResponse:
        name = request.instance_id
        telling = node_api.NcSetShutdownBehavior(
            instance_id=name, shutdown_behavior=request.shutdown_behavior
        )
        operation = node_api.NC_SET_SHUTDOWN_BEHAVIOR
        await self._original.ask_node(name, operation, telling)
        return api.SetShutdownBehaviorResponse()

    async def _set_networks(self, request: api.SetNetworks) -> api.SetNetworksResponse:
        if self._networks is None:
            raise UnsupportedOperation(
                f"The networks of {self.name} are {self._network_mode}: set mode in "
                f"[network] of its configuration to {MANAGED}"
            )
        return await self._networks.set(request)

    async def _declare_node_lost(
        self, request: api.DeclareNodeLost
    ) -> api.DeclareNodeLostResponse:
        return await self._lost.declare(request.service_tag)

    async def _read_console(self, request: api.ReadConsole) -> api.ReadConsoleResponse:
        name = request.instance_id
        asking = node_api.NcReadConsole(instance_id=name)
        told = await self._original.ask_node(name, node_api.NC_READ_CONSOLE, asking)
        return api.ReadConsoleResponse(output=told.output, written_at=told.written_at)

    async def _make_image(self, request: api.MakeImage) -> api.MakeImageResponse:
        """The node keeps what is asked; nothing of it is kept here."""
        # An instance that has ended may be forgotten here before its image is made.
        node = self._node_of(request.instance_id) or request.service_tag or ""
        if not node:
            return api.MakeImageResponse(stage="unknown")
        if node not in self._nodes.views:
            why = "Its node was taken out of the cluster"
            return api.MakeImageResponse(stage="failed", reason=why)
        if self._is_lost(node):
            return api.MakeImageResponse(stage="failed", reason=NODE_LOST)
        asking = node_api.NcMakeImage(
            image_id=request.image_id,
            instance_id=request.instance_id,
            is_rebooted=request.is_rebooted,
            url=request.url,
            key=request.key,
        )
        told = await self._original.ask(node, node_api.NC_MAKE_IMAGE, asking)
        return api.MakeImageResponse(
            stage=told.stage,
            reason=told.reason,
            size_bytes=told.size_bytes,
            sha256=told.sha256,
        )

    async def _wait_for_changes(
        self, request: api.WaitForChanges
    ) -> api.WaitForChangesResponse:
        timeout_s = min(request.timeout_s, self._settings.longest_wait_s)
        delta = await self._changes.wait(request.epoch, request.since, timeout_s)
        is_first = request.epoch != delta.epoch
        resources = self._resources(request.instance_types)
        self._room_told = self._fleet.room()
        return api.WaitForChangesResponse(
            epoch=delta.epoch,
            sequence=delta.sequence,
            is_full=delta.is_full and not self._is_gathering,
            instances=delta.values,
            forgotten=delta.forgotten,
            resources=resources,
            service_tags=tuple(self._nodes.views) if is_first else (),
            addresses_per_cluster=(
                _AS_MANY_AS_MAY_BE
                if self._network_mode == SYSTEM
                else self._settings.addresses
            ),
            machines=(
                self._networks.machines
                if self._networks is not None and is_first
                else ()
            ),
            nodes=self._lost.troubles,
        )

    def _resources(
        self, types: Iterable[api.ClusterMachineType]
    ) -> tuple[api.ClusterResource, ...]:
        """What there is room for, on the nodes that answer."""
        asked = tuple(types)
        room = self._fleet.room_for(tuple(map(reports.machine_of, asked)))
        return tuple(
            api.ClusterResource(
                instance_type=told, max_instances=most, available_instances=available
            )
            for told, (most, available) in zip(asked, room, strict=True)
        )

    # --- what nodes tell -----------------------------------------------------

    async def _heard(self, view: NodeView, changed: set[str]) -> None:
        await self._placements.heard(view, changed)
        self._lost.heard(view)
        if self._networks is not None and view.is_known:
            is_another = self._epochs.get(view.url) != view.epoch
            self._epochs[view.url] = view.epoch
            self._networks.heard(view.url, is_another=is_another)
        # What a node has free changes with what is on it, or by itself.  Most of it
        # the cloud has been told already, with the instance that takes it.
        if self._fleet.room() != self._room_told:
            self._changes.touch()
        if self._is_gathering and self._nodes.is_complete:
            self._gathered("all nodes have answered")

    def _changed(self, view: NodeView) -> None:
        self._lost.note(view)
        self._placements.see(view)
        self._changes.touch()
        if not view.is_well:
            # It may have been told in vain meanwhile; it is told when it is heard.
            self._epochs.pop(view.url, None)

    def _node_of(self, instance_id: str) -> str:
        placement = self._store.get(Placement, instance_id)
        return "" if placement is None else placement.node

    def _is_lost(self, url: str) -> bool:
        view = self._nodes.views.get(url)
        return view is not None and view.is_lost

    def _placed(self, instance_id: str) -> None:
        if self._networks is not None:
            self._networks.placed(instance_id)

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
