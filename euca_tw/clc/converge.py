"""
The cloud's loop for one cluster: what users asked for, against what the cluster
tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api import cluster as api
from euca_tw.clc import orders, plan
from euca_tw.clc.addresses import without_address
from euca_tw.clc.cluster_view import ClusterView
from euca_tw.clc.interfaces import IImageStore, Zone
from euca_tw.clc.network_entries import network_of
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.clc.steps import Steps
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Amend, Convergence, Rest, Setback
from euca_tw.common.watch import Watch
from euca_tw.model.capacity import MachineType
from euca_tw.model.lifecycle import SERVER_ERROR, Phase, terminated
from euca_tw.model.records import (
    ClientToken,
    GroupNetwork,
    Image,
    Instance,
    InstanceState,
)
from euca_tw.soap.interfaces import IPeer, PeerRefused, PeerUnreachable
from euca_tw.store.interfaces import Delete, IStore, Put

#: Beyond what a cluster may hold a question, the answer may take so long.
_GRACE_S = 10.0
_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - the contract's word for none


class ZoneConvergence:
    """Makes one cluster run what users asked for there."""

    _log = Logger()

    def __init__(
        self,
        *,
        name: str,
        peer: IPeer | None,
        store: IStore,
        images: IImageStore,
        machine_types: Mapping[str, MachineType],
        clock: IReactorTime,
        random: Random,
        settings: ConvergenceSettings,
        networks: CloudNetworks | None = None,
        network_mode: str | None = None,
    ) -> None:
        """
        @param peer: None: there is no such cluster any more.
        @param networks: where they are managed.
        @param network_mode: see L{orders.launch}.
        """
        self.name = name
        self._peer = peer
        self._store = store
        self._images = images
        self._machine_types = machine_types
        self._clock = clock
        self._settings = settings
        self._networks = networks
        self._network_mode = network_mode
        self._limits = plan.Limits(
            launch_deadline_s=settings.launch_deadline_s,
            ended_kept_s=settings.ended_kept_s,
        )
        self._view = ClusterView()
        self._refusals: dict[str, api.RefusedLaunch] = {}
        self._strangers: set[str] = set()
        self._convergence = Convergence(
            clock=clock,
            random=random,
            plan=self._plan,
            take=self._take,
            keep=self._keep,
            first_s=settings.retry_first_s,
            ceiling_s=settings.retry_ceiling_s,
        )
        self._steps = Steps(peer, clock, settings) if peer is not None else None
        self._watch = Watch(
            name=name,
            clock=clock,
            random=random,
            ask=self._ask,
            failures=(PeerUnreachable, PeerRefused),
            silent=self._fell_silent,
            silent_after_s=settings.silent_after_s,
        )

    def start(self) -> None:
        """Begin with what is kept."""
        self.wake_all()
        if self._peer is not None:
            self._watch.start()

    def stop(self) -> Deferred[Any]:
        """Cut what is under way; instances go on."""
        return DeferredList(
            [
                self._watch.stop(),
                self._convergence.stop(),
                self._steps.stop() if self._steps is not None else succeed(None),
            ]
        )

    def wake(self, instance_ids: Iterable[str]) -> None:
        """Plan these, for their records have changed."""
        self._convergence.wake_all(instance_ids)

    def wake_all(self) -> None:
        """Plan whatever there is here."""
        here = self._store.where(Instance, "zone", self.name)
        self.wake([record.instance_id for record in here])

    @property
    def zone(self) -> Zone:
        """As it is known now."""
        return Zone(
            name=self.name,
            is_reachable=self._view.is_well,
            available=self._available(),
            addresses=self._view.addresses,
        )

    def _available(self) -> Mapping[str, int]:
        """What the cluster told, less what it could not yet count in."""
        on_their_way = Counter(
            orders.size(record)
            for record in self._store.where(Instance, "starting_in", self.name)
            if record.instance_id not in self._view.instances
        )
        available = {}
        for name, room in self._view.room.items():
            machine = self._machine_types.get(name)
            taken = 0
            if machine is not None:
                taken = sum(
                    count * orders.displaces(size, machine)
                    for size, count in on_their_way.items()
                )
            available[name] = max(0, room - taken)
        return available

    # --- what the cluster tells ----------------------------------------------

    async def _ask(self) -> None:
        assert self._peer is not None
        view, poll_s = self._view, self._settings.poll_s
        request = api.WaitForChanges(
            user_id="eucalyptus",
            epoch=view.epoch,
            since=view.sequence,
            # What is not heard is asked briefly first: it may be told anew.
            timeout_s=int(poll_s) if view.is_well else 0,
            instance_types=tuple(
                orders.machine_type(machine) for machine in self._machine_types.values()
            ),
        )
        try:
            told = await self._peer.call(
                api.WAIT_FOR_CHANGES, request, poll_s + _GRACE_S
            )
        except (PeerUnreachable, PeerRefused):
            if view.is_well:
                view.is_well = False
                self._wake_unsettled()
            raise
        was_complete = view.is_complete
        is_another = told.epoch != view.epoch
        changed = view.hear(told)
        if self._networks is not None and (is_another or not view.is_well):
            self._networks.heard(self.name, told, is_another=is_another)
        if not view.is_well or view.is_silent or view.is_complete != was_complete:
            view.is_well, view.is_silent = True, False
            self._wake_unsettled()
        if told.is_full:
            self._wake_unsettled()
        self._refusals = {
            name: refusal
            for name, refusal in self._refusals.items()
            if name not in view.instances
        }
        # In an order that is the same each time, as everything on one clock is.
        self._convergence.wake_all(sorted(changed))
        # The cluster may forget what we say that we have: it must be kept.
        await self._convergence.planned()

    def _wake_unsettled(self) -> None:
        """Whatever the cluster says of all that lives there, has changed."""
        self._convergence.wake_all(
            [
                record.instance_id
                for record in self._store.where(Instance, "live_in", self.name)
            ]
        )

    def _fell_silent(self) -> None:
        self._view.is_silent = True
        self._wake_unsettled()

    def _seen(self, instance_id: str) -> plan.Seen:
        view = self._view
        if self._peer is None:
            return plan.Seen(look=plan.Look.LOST, is_silent=True)
        told = view.instances.get(instance_id)
        refusal = self._refusals.get(instance_id)
        if not view.is_well:
            look = plan.Look.UNHEARD
        elif told is not None:
            look = plan.LOOKS[Phase(told.instance.state_name)]
        else:
            look = plan.Look.MISSING if view.is_complete else plan.Look.UNHEARD
        return plan.Seen(
            look=look,
            private_ip=self._private_ip(instance_id, told),
            node=(told.instance.service_tag or "") if told else "",
            reason_code=(told.reason_code or "") if told else "",
            reason=(told.reason or "") if told else "",
            refusal=refusal.reason if refusal else "",
            is_refusal_final=refusal.is_final if refusal else False,
            is_silent=view.is_silent or (told.is_silent if told else False),
        )

    def _private_ip(self, instance_id: str, told: api.ChangedInstance | None) -> str:
        """In a network it is the cloud's to give; else the cluster's."""
        record = self._store.get(Instance, instance_id)
        if record is not None and record.network:
            return record.private_ip
        net = told.instance.net_params if told else None
        private_ip = net.private_ip if net else ""
        return private_ip if private_ip != _NO_ADDRESS else ""

    # --- what is done --------------------------------------------------------

    def _plan(self, instance_id: str) -> Any:
        record = self._store.get(Instance, instance_id)
        if record is None or record.zone != self.name:
            self._meet(instance_id)
            return Rest()
        now = utc_now(self._clock)
        decision = plan.plan(record, self._seen(instance_id), now, self._limits)
        if isinstance(decision, plan.Become):
            return Amend(self._changes(record, decision.instance))
        if isinstance(decision, plan.Forget):
            return Amend(self._forgetting(record))
        return decision

    def _meet(self, instance_id: str) -> None:
        """An instance that the cluster tells of and nobody asked for."""
        told = self._view.instances.get(instance_id)
        if told is None or told.instance.state_name == Phase.TEARDOWN.value:
            self._strangers.discard(instance_id)
        elif instance_id not in self._strangers:
            self._strangers.add(instance_id)
            self._log.warn(
                "{zone} runs {instance_id}, which this cloud knows nothing of; "
                "it is left alone",
                zone=self.name,
                instance_id=instance_id,
            )

    def _changes(self, before: Instance, after: Instance) -> tuple[Any, ...]:
        if before.state is not after.state or before.wanted is not after.wanted:
            self._log.info(
                "{instance_id} in {zone} is {state}, shall be {wanted} "
                "({reason_code}: {reason})",
                instance_id=after.instance_id,
                zone=self.name,
                state=after.state.value,
                wanted=after.wanted.value,
                reason_code=after.state_reason_code,
                reason=after.state_reason,
            )
        has_ended = (
            after.state is InstanceState.TERMINATED and before.state is not after.state
        )
        addresses = without_address(self._store, after.instance_id) if has_ended else ()
        return (Put(after), *addresses)

    def _forgetting(self, record: Instance) -> tuple[Any, ...]:
        """With the last of a reservation, its client token is forgotten."""
        changes: list[Any] = [Delete(Instance, record.instance_id)]
        others = self._store.where(Instance, "reservation_id", record.reservation_id)
        if record.client_token and len(others) == 1:
            token = f"{record.owner_id}/{record.client_token}"
            changes.append(Delete(ClientToken, token))
        return tuple(changes)

    async def _keep(self, changes: Sequence[Any]) -> None:
        await self._store.commit(*changes)

    async def _take(self, instance_id: str, step: plan.Step) -> None:
        assert self._steps is not None
        record = self._store.get(Instance, instance_id)
        if record is None:
            return
        match step:
            case plan.Launch():
                await self._launch(record)
            case plan.Terminate():
                await self._steps.terminate(instance_id)
                await self._terminated(instance_id)
            case plan.Reboot(count):
                await self._steps.reboot(instance_id)
                await self._rebooted(instance_id, count)

    async def _launch(self, record: Instance) -> None:
        assert self._steps is not None
        name = record.instance_id
        try:
            kept = self._store.get(GroupNetwork, str(record.network))
            launch = orders.launch(
                record,
                lambda of: self._store.get(Image, of),
                self._images.url_of,
                network_of(kept) if kept is not None else None,
                self._network_mode,
            )
        except orders.ImageGone as e:
            why = f"The image {e} is not there any more"
            await self._become(
                record, terminated(record, utc_now(self._clock), SERVER_ERROR, why)
            )
            return
        refusal = await self._steps.launch(launch)
        if refusal is None:
            self._refusals.pop(name, None)
            return
        self._refusals[name] = refusal
        if not refusal.is_final:
            raise Setback(refusal.reason)

    async def _terminated(self, instance_id: str) -> None:
        record = self._store.get(Instance, instance_id)
        if record is not None:
            now = utc_now(self._clock)
            after = plan.after_terminate(record, self._seen(instance_id), now)
            if after is not None:
                await self._become(record, after)

    async def _rebooted(self, instance_id: str, count: int) -> None:
        record = self._store.get(Instance, instance_id)
        if record is not None:
            await self._become(record, evolve(record, reboots_done=count))

    async def _become(self, before: Instance, after: Instance) -> None:
        changes = self._changes(before, after)
        await self._convergence.amend(changes, (before.instance_id,))
