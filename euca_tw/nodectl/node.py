"""
The node controller: runs instances on this machine, and tells of them.

What it was asked is durable before it is acknowledged; L{converge} makes it so.
What it has to tell is a table of numbered changes, which the cluster controller
hears by a long poll.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.api import node as api
from euca_tw.api.cluster import Launch
from euca_tw.api.errors import NoSuchInstance, UnsupportedOperation
from euca_tw.api.shapes import Operation
from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.common.changes import Changes
from euca_tw.common.clock import utc_now
from euca_tw.common.evolved import evolve
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.hostnames import DOMAIN
from euca_tw.model.identifiers import Minter
from euca_tw.model.lifecycle import USER_SHUTDOWN, Phase
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.nodectl import reports
from euca_tw.nodectl.accounting import Ledger, for_instances
from euca_tw.nodectl.converge import Guests
from euca_tw.nodectl.interfaces import (
    HypervisorUnavailable,
    IHooks,
    IHypervisor,
    IImageMaker,
    IInstanceStore,
    INodeNetwork,
    NetworkFailed,
)
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.makings import Makings
from euca_tw.nodectl.networks import NodeNetworks, setting
from euca_tw.nodectl.original import OriginalNode
from euca_tw.nodectl.power import Power
from euca_tw.nodectl.records import HostedInstance, condemned, held, needs
from euca_tw.nodectl.served import ServedMetadata
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.nodectl.steps import Steps
from euca_tw.overlay.settings import STATIC, disagreement
from euca_tw.store.interfaces import IStore

Answer = Callable[[Any], Awaitable[Any]]


class NodeController(Service):
    """
    Instances on one machine.  Its store is open before it is started, and
    closed after it has stopped; a stop leaves the domains running.
    """

    _log = Logger()

    def __init__(
        self,
        *,
        url: str,
        store: IStore,
        hypervisor: IHypervisor,
        instances: IInstanceStore,
        network: INodeNetwork,
        hooks: IHooks,
        clock: IReactorTime,
        random: Random,
        settings: NodeSettings | None = None,
        network_mode: str = STATIC,
        networks: NodeNetworks | None = None,
        maker: IImageMaker | None = None,
        domain: str = DOMAIN,
    ) -> None:
        """
        @param url: where this node is reached: its service tag.
        @param network_mode: of L{euca_tw.overlay.settings}.
        @param networks: where they are managed.
        @param maker: of images; None: none are made here.
        @param domain: what instances' names end in.
        """
        self.url = url
        self._store = store
        self._hypervisor = hypervisor
        self._instances = instances
        self._network = network
        self._clock = clock
        self._settings = settings or NodeSettings()
        self._network_mode = network_mode
        self._networks = networks
        self._background = Background()
        self._changes: Changes[api.NcChangedInstance] = Changes(
            clock, Minter(random).uuid()
        )
        self._makings = Makings(
            store=store,
            hypervisor=hypervisor,
            maker=maker,
            clock=clock,
            random=random,
            settings=self._settings,
            changed=lambda instance_id: self._guests.wake(instance_id),
        )
        self._guests = Guests(
            steps=Steps(
                store=store,
                hypervisor=hypervisor,
                instances=instances,
                network=network,
                hooks=hooks,
                command_line=self._settings.command_line,
                now=self.now,
                hooks_wait_s=self._settings.hooks_wait_s,
                domain=domain,
            ),
            clock=clock,
            random=random,
            settings=self._settings,
            is_heard=self._changes.is_heard,
            changed=self._changed,
            met=self._changes.touch,
            makings=self._makings,
        )
        self._again = Backoff(
            random=random,
            first_s=self._settings.retry_first_s,
            ceiling_s=self._settings.retry_ceiling_s,
        )
        self._ledger = Ledger()
        # The record of each instance, and its trouble, as it was last told.
        self._told: dict[str, tuple[HostedInstance, str]] = {}
        self._power = Power(store, self._guests, self._ledger, self.now)
        self._served = ServedMetadata(store, domain)
        original = OriginalNode(self, instances)
        self._answers: dict[str, Answer] = {
            api.NC_LAUNCH_INSTANCE.name: self._launch_instance,
            api.NC_STOP_INSTANCE.name: self._stop_instance,
            api.NC_START_INSTANCE.name: self._start_instance,
            api.NC_SET_SHUTDOWN_BEHAVIOR.name: self._set_shutdown_behavior,
            api.NC_READ_CONSOLE.name: self._read_console,
            api.NC_MAKE_IMAGE.name: self._makings.make,
            api.NC_WAIT_FOR_CHANGES.name: self._wait_for_changes,
            api.NC_SET_NETWORKS.name: setting(networks, network_mode),
            **original.answers,
        }

    # --- the service ---------------------------------------------------------

    def startService(self) -> None:
        super().startService()
        if self._networks is not None:
            self._networks.begin()
        for record in self._store.all(HostedInstance):
            self._changed(record.instance_id)
        self._hypervisor.subscribe(self._domain_changed)
        self._background.run("starting the node", self._start())

    async def _start(self) -> None:
        await self._start_network()
        await self._hypervisor.start()
        await self._measure()
        self._guests.start()
        self._makings.start()

    async def _start_network(self) -> None:
        """As often as it takes: what stands in its way may be taken away."""
        while True:
            try:
                return await self._network.start()
            except NetworkFailed as failed:
                wait_s = self._again.next()
                self._log.error(
                    "Instances have no network; again in {wait_s:.0f} s: {reason}",
                    reason=str(failed),
                    wait_s=wait_s,
                )
                await deferLater(self._clock, wait_s)

    def stopService(self) -> Deferred[Any]:
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._changes.stop()
        # First, so that no guest is left standing still.
        await self._makings.stop()
        await DeferredList([self._background.stop(), self._guests.stop()])
        await self._hypervisor.stop()
        await self._network.stop()

    async def dispatch(self, operation: Operation, caller: Caller, request: Any) -> Any:
        """
        Answer a cluster controller.

        @raise euca_tw.api.errors.ApiError: it was not done.
        """
        try:
            answer = self._answers[operation.name]
        except KeyError:
            raise UnsupportedOperation(
                f"This node does not do {operation.name}"
            ) from None
        return await answer(request)

    def metadata_of(self, private_ip: str) -> InstanceMetadata | None:
        """What the instance with that address may know of itself."""
        metadata = self._served.of(private_ip)
        if metadata is None or self._networks is None:
            return metadata
        return evolve(metadata, public_ip=self._networks.public_ip(private_ip))

    # --- what there is -------------------------------------------------------

    @property
    def machine(self) -> Resources:
        """What this node has for instances; nothing until it is known."""
        return self._ledger.machine

    @property
    def free(self) -> Resources:
        """What of it is not promised to any."""
        return self._ledger.free

    def records(self, instance_ids: tuple[str, ...]) -> tuple[HostedInstance, ...]:
        """Those that are here; all, if none are named."""
        if not instance_ids:
            return tuple(self._store.all(HostedInstance))
        found = (self._store.get(HostedInstance, name) for name in instance_ids)
        return tuple(record for record in found if record is not None)

    def now(self) -> datetime:
        """By this node's clock."""
        return utc_now(self._clock)

    def told_all(self) -> None:
        """All that there is has been told, outside of the long poll."""
        self._changes.heard(self._changes.sequence)

    async def _measure(self) -> None:
        try:
            found = await self._hypervisor.capacity()
        except HypervisorUnavailable as e:
            self._log.warn("the machine cannot be measured: {reason}", reason=str(e))
            return
        disk_gib = self._instances.disk_capacity_gib()
        machine = for_instances(evolve(found, disk_gib=disk_gib), self._settings)
        if machine != self._ledger.machine:
            self._ledger.machine = machine
            self._changes.touch()

    # --- what is asked -------------------------------------------------------

    async def accept(self, launch: Launch) -> str:
        """
        Take an instance on; nothing happens if it is or was here.

        @return: why not; C{""} if it is taken.
        """
        if self._store.get(HostedInstance, launch.instance_id) is not None:
            return ""
        refusal = disagreement(
            self._network_mode, launch.network_mode, self.url
        ) or self._ledger.refusal(needs(launch))
        if refusal:
            self._log.info(
                "{instance_id} is refused: {reason}",
                instance_id=launch.instance_id,
                reason=refusal,
            )
            return refusal
        record = HostedInstance(
            instance_id=launch.instance_id, launch=launch, began_at=self.now()
        )
        kept = self._guests.keep(record)
        self._ledger.hold(record.instance_id, held(record))
        await kept
        return ""

    async def end(self, instance_id: str) -> Phase:
        """
        Have an instance end; one that is not known is from now on known as
        ended.

        @return: what it was.
        """
        record = self._store.get(HostedInstance, instance_id)
        if record is None:
            now = utc_now(self._clock)
            record = HostedInstance(
                instance_id=instance_id,
                launch=None,
                wanted=Goal.ENDED,
                life=Life.TERMINATED,
                reason_code=USER_SHUTDOWN,
                reason="It was ended before it came here",
                began_at=now,
                ended_at=now,
            )
            await self._guests.keep(record)
        elif record.wanted is not Goal.ENDED:
            why = "User initiated shutdown"
            await self._guests.keep(condemned(record, USER_SHUTDOWN, why, self.now()))
        return record.phase

    async def reboot(self, instance_id: str) -> bool:
        """Have an instance rebooted; whether it was."""
        return await self._guests.reboot(instance_id)

    async def _launch_instance(
        self, request: api.NcLaunchInstance
    ) -> api.NcLaunchInstanceResponse:
        refusal = await self.accept(request.launch)
        return api.NcLaunchInstanceResponse(refusal=refusal or None)

    async def _stop_instance(
        self, request: api.NcStopInstance
    ) -> api.NcStopInstanceResponse:
        refusal = await self._power.stop(
            request.instance_id,
            is_forced=bool(request.is_forced),
            starts=request.starts,
        )
        return api.NcStopInstanceResponse(refusal=refusal or None)

    async def _start_instance(
        self, request: api.NcStartInstance
    ) -> api.NcStartInstanceResponse:
        refusal = await self._power.start(request.instance_id, request.launch)
        return api.NcStartInstanceResponse(refusal=refusal or None)

    async def _set_shutdown_behavior(
        self, request: api.NcSetShutdownBehavior
    ) -> api.NcSetShutdownBehaviorResponse:
        name, behavior = request.instance_id, request.shutdown_behavior
        if not await self._power.set_behavior(name, behavior):
            raise NoSuchInstance(name)
        return api.NcSetShutdownBehaviorResponse()

    async def _read_console(
        self, request: api.NcReadConsole
    ) -> api.NcReadConsoleResponse:
        if self._store.get(HostedInstance, request.instance_id) is None:
            raise NoSuchInstance(request.instance_id)
        console = await self._instances.console(request.instance_id)
        return reports.console(console)

    async def _wait_for_changes(
        self, request: api.NcWaitForChanges
    ) -> api.NcWaitForChangesResponse:
        timeout_s = min(request.timeout_s, self._settings.longest_wait_s)
        delta = await self._changes.wait(request.epoch, request.since, timeout_s)
        machine, free = self.machine, self.free
        return api.NcWaitForChangesResponse(
            epoch=delta.epoch,
            sequence=delta.sequence,
            is_full=delta.is_full,
            instances=delta.values,
            forgotten=delta.forgotten,
            memory_size_max=machine.memory_mib,
            memory_size_available=max(0, free.memory_mib),
            disk_size_max=machine.disk_gib,
            disk_size_available=max(0, free.disk_gib),
            number_of_cores_max=machine.cores,
            number_of_cores_available=max(0, free.cores),
            strangers=self._guests.strangers,
        )

    # --- what changes --------------------------------------------------------

    def _domain_changed(self, name: str | None) -> None:
        self._guests.look(name)
        if name is None:
            self._background.run("measuring the machine", self._measure())

    def _changed(self, instance_id: str) -> None:
        record = self._store.get(HostedInstance, instance_id)
        self._makings.see(instance_id)
        if record is None:
            self._told.pop(instance_id, None)
            self._changes.drop(instance_id)
        else:
            guest = self._guests.guests.get(instance_id)
            trouble = guest.trouble if guest else ""
            before, told = self._told.get(instance_id, (None, ""))
            if before is record and told == trouble:
                return
            self._told[instance_id] = record, trouble
            self._changes.put(instance_id, reports.told(record, trouble, self.url))
            self._served.note(record)
        taken = NOTHING if record is None else held(record)
        if self._ledger.hold(instance_id, taken):
            self._changes.touch()
