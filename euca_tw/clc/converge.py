"""
The cloud's loop for one cluster: what users asked for, against what the cluster
tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api import cluster as api
from euca_tw.clc import decisions, orders, plan
from euca_tw.clc.addresses import without_address
from euca_tw.clc.cluster_view import ClusterView, stranger
from euca_tw.clc.forgetting import forgetting, unused_tokens
from euca_tw.clc.interfaces import IImageStore, Stranger, Zone
from euca_tw.clc.network_entries import network_of
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.clc.steps import Steps
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Amend, Convergence, Rest, Setback
from euca_tw.common.watch import Watch
from euca_tw.model.capacity import MachineType
from euca_tw.model.lifecycle import (
    NO_CAPACITY,
    SERVER_ERROR,
    Phase,
    may_stay_stopped,
    stopped,
    terminated,
)
from euca_tw.model.records import (
    GroupNetwork,
    Image,
    Instance,
    InstanceState,
)
from euca_tw.soap.interfaces import IPeer, PeerRefused, PeerUnreachable
from euca_tw.store.interfaces import IStore, Put

#: Beyond what a cluster may hold a question, the answer may take so long.
_GRACE_S = 10.0
#: Where an instance has no public address any more.
_UNREACHED = (
    InstanceState.STOPPING,
    InstanceState.STOPPED,
    InstanceState.TERMINATED,
)


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
        ended: Callable[[], object] = lambda: None,
    ) -> None:
        """
        @param ended: called when instances have ended, and that is kept.
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
        self._ended = ended
        self._limits = plan.Limits(
            launch_deadline_s=settings.launch_deadline_s,
            ended_kept_s=settings.ended_kept_s,
            since=utc_now(clock),
        )
        self._view = ClusterView()
        self._refusals: dict[str, api.RefusedLaunch] = {}
        self._strangers: dict[str, Stranger] = {}
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
            most=self._view.most,
            strangers=self._strangers.values(),
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
        if self._peer is None:
            return plan.Seen(look=plan.Look.LOST, is_silent=True)
        record = self._store.get(Instance, instance_id)
        return self._view.seen(instance_id, record, self._refusals.get(instance_id))

    # --- what is done --------------------------------------------------------

    def _plan(self, instance_id: str) -> Any:
        record = self._store.get(Instance, instance_id)
        if record is None or record.zone != self.name:
            self._meet(instance_id)
            return Rest()
        now = utc_now(self._clock)
        decision = plan.plan(record, self._seen(instance_id), now, self._limits)
        if isinstance(decision, decisions.Become):
            return Amend(self._changes(record, decision.instance))
        if isinstance(decision, decisions.Forget):
            self._refusals.pop(instance_id, None)
            return Amend(forgetting(self._store, record))
        return decision

    def _meet(self, instance_id: str) -> None:
        """An instance that the cluster tells of and nobody asked for."""
        told = self._view.instances.get(instance_id)
        if told is None or told.instance.state_name == Phase.TEARDOWN.value:
            self._strangers.pop(instance_id, None)
        elif instance_id not in self._strangers:
            self._strangers[instance_id] = stranger(told)
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
        if before.state is after.state or after.state not in _UNREACHED:
            return (Put(after),)
        return (Put(after), *without_address(self._store, after.instance_id))

    async def _keep(self, changes: Sequence[Any]) -> None:
        await self._store.commit(*changes, *unused_tokens(self._store, changes))
        if any(isinstance(each, Put) and _has_ended(each.record) for each in changes):
            self._ended()

    async def _take(self, instance_id: str, step: decisions.Step) -> None:
        assert self._steps is not None
        record = self._store.get(Instance, instance_id)
        if record is None:
            return
        match step:
            case decisions.Launch():
                await self._launch(record)
            case decisions.Start():
                await self._start(record)
            case decisions.TellBehavior(stops_itself):
                await self._steps.tell_behavior(instance_id, stops_itself)
                await self._note(instance_id, is_told_to_stop=stops_itself)
            case decisions.Stop():
                await self._steps.halt(record)
            case decisions.Terminate():
                await self._steps.terminate(instance_id)
                await self._terminated(instance_id)
            case decisions.Reboot(count):
                await self._steps.reboot(instance_id)
                await self._note(instance_id, reboots_done=count)

    def _order(self, record: Instance) -> api.Launch:
        """@raise orders.ImageGone:"""
        kept = self._store.get(GroupNetwork, str(record.network))
        return orders.launch(
            record,
            lambda of: self._store.get(Image, of),
            self._images.url_of,
            network_of(kept) if kept is not None else None,
            self._network_mode,
        )

    async def _start(self, record: Instance) -> None:
        """Of one that is refused it is told why, and no more is tried."""
        assert self._steps is not None
        try:
            launch = self._order(record)
        except orders.ImageGone as e:
            code, why = SERVER_ERROR, f"The image {e} is not there any more"
        else:
            refusal = await self._steps.start_again(launch)
            if refusal is None:
                return
            code, why = NO_CAPACITY, refusal.reason
        now = self._store.get(Instance, record.instance_id)
        # Its user may have ended it meanwhile.
        if now is not None and may_stay_stopped(now, record.starts):
            await self._become(now, stopped(now, code, why))

    async def _launch(self, record: Instance) -> None:
        assert self._steps is not None
        name = record.instance_id
        try:
            launch = self._order(record)
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

    async def _note(self, instance_id: str, **done: Any) -> None:
        """What has been done is kept, if the instance is."""
        record = self._store.get(Instance, instance_id)
        if record is not None:
            await self._become(record, evolve(record, **done))

    async def _become(self, before: Instance, after: Instance) -> None:
        changes = self._changes(before, after)
        await self._convergence.amend(changes, (before.instance_id,))


def _has_ended(record: Any) -> bool:
    return isinstance(record, Instance) and not record.is_live
