"""
The cloud's loop for one cluster: what users asked for, against what the cluster
tells.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.api import cluster as api
from euca_tw.clc import decisions, orders, plan
from euca_tw.clc.addresses import without_address
from euca_tw.clc.cluster_view import ClusterView, stranger
from euca_tw.clc.forgetting import forgetting, unused_tokens
from euca_tw.clc.intent import intend
from euca_tw.clc.interfaces import IClusters, IImageStore, Stranger, Zone
from euca_tw.clc.lost import LostClusters
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.reporting import Reporting
from euca_tw.clc.reports import available, report_of
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.clc.steps import Steps
from euca_tw.clc.taking import Taking
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import (
    Amend,
    Convergence,
    Overtaken,
    Rest,
)
from euca_tw.common.leading import MayAct
from euca_tw.common.watch import Watch
from euca_tw.model.capacity import MachineType
from euca_tw.model.records import (
    Instance,
    InstanceState,
)
from euca_tw.model.sharing import ClusterReport
from euca_tw.soap.interfaces import IPeer, PeerRefused, PeerUnreachable
from euca_tw.store.interfaces import Conflict, IStore, Put, StoreUnreachable

#: Beyond what a cluster may hold a question, the answer may take so long.
_GRACE_S = 10.0
#: What could not be kept is tried again so much later, where nothing is asked.
_AGAIN_S = 1.0
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
        lost: LostClusters,
        clusters: IClusters,
        may_act: MayAct = lambda: True,
        is_reported: bool = False,
    ) -> None:
        """
        @param clusters: has what is kept here held for a loop that is begun in the
            place of this one meanwhile.
        @param ended: called when instances have ended, and that is kept.
        @param may_act: whether this process still does the work for the cluster.
        @param is_reported: what the cluster tells is kept for others.
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
        self._lost = lost
        self._clusters = clusters
        self._may_act = may_act
        self._reporting = (
            Reporting(clock, store, self._report, may_act) if is_reported else None
        )
        # Of the instances that start, those that the cluster knows.
        self._counted: set[str] = set()
        self.has_asked = False
        self._is_in_doubt = False
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
        self._taking: Taking | None = None
        if peer is not None:
            self._taking = Taking(
                store=store,
                images=images,
                clock=clock,
                network_mode=network_mode,
                steps=Steps(peer, clock, settings),
                refusals=self._refusals,
                seen=self._seen,
                become=self._become,
            )
        self._watch = Watch(
            name=name,
            clock=clock,
            random=random,
            ask=self._ask,
            failures=(PeerUnreachable, PeerRefused),
            silent=self._fell_silent,
            silent_after_s=settings.silent_after_s,
            unheard=lambda: lost.unheard(name),
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
                self._taking.steps.stop() if self._taking else succeed(None),
                self._reporting.stop() if self._reporting else succeed(None),
            ]
        )

    def hold(self, instance_ids: Iterable[str]) -> Callable[[], None]:
        """Begin nothing for these; see L{Convergence.hold}."""
        return self._convergence.hold(instance_ids)

    def wake(self, instance_ids: Iterable[str]) -> None:
        """Plan these, for their records have changed."""
        self._convergence.wake_all(instance_ids)

    def wake_all(self) -> None:
        """Plan whatever there is here."""
        here = self._store.where(Instance, "zone", self.name)
        self._convergence.wake_all([record.instance_id for record in here])

    @property
    def silence_s(self) -> float:
        """How long it has been silent; see L{euca_tw.common.silence}."""
        return self._watch.silence.seconds

    @property
    def view(self) -> ClusterView:
        """What it has told."""
        return self._view

    @property
    def zone(self) -> Zone:
        """As it is known now."""
        lost_since = self._lost.since(self.name)
        return Zone(
            name=self.name,
            is_reachable=self._view.is_well and lost_since is None,
            lost_since=lost_since,
            nodes=self._view.nodes,
            available=available(
                self._store,
                self.name,
                self._view.room,
                self._view.instances,
                self._machine_types,
            ),
            addresses=self._view.addresses,
            most=self._view.most,
            strangers=self._strangers.values(),
            why=self._view.why,
        )

    def _report(self) -> ClusterReport:
        return report_of(self.name, self._view, self._counted, self._strangers.values())

    def _tell_others(self) -> None:
        self.has_asked = True
        if self._reporting is not None:
            self._reporting.look()

    # --- what the cluster tells ----------------------------------------------

    async def _ask(self) -> None:
        assert self._peer is not None
        if not self._may_act():
            # The cluster would forget what it has told, though that is not kept.
            await Deferred()
        if self._is_in_doubt:
            await self._resolve()
        view = self._view
        # What is not heard is asked briefly first: it may be told anew.
        hold_s, patience_s = 0.0, self._settings.call_timeout_s
        if view.is_well:
            hold_s = self._settings.poll_s
            patience_s = hold_s + _GRACE_S
        request = api.WaitForChanges(
            user_id="eucalyptus",
            epoch=view.epoch,
            since=view.sequence,
            timeout_s=int(hold_s),
            instance_types=tuple(
                orders.machine_type(machine) for machine in self._machine_types.values()
            ),
        )
        try:
            told = await self._peer.call(api.WAIT_FOR_CHANGES, request, patience_s)
        except (PeerUnreachable, PeerRefused) as failure:
            view.why = str(failure)
            if view.is_well:
                view.is_well = False
                self._wake_unsettled()
            self._tell_others()
            raise
        was_complete = view.is_complete
        is_another = told.epoch != view.epoch
        changed = view.hear(told)
        if self._networks is not None and (is_another or not view.is_well):
            self._networks.heard(self.name, told, is_another=is_another)
        if not view.is_well or view.is_silent or view.is_complete != was_complete:
            view.is_well, view.is_silent, view.why = True, False, ""
            self._wake_unsettled()
        if told.is_full:
            self._wake_unsettled()
        for name in self._refusals.keys() & view.instances.keys():
            del self._refusals[name]
        # In an order that is the same each time, as everything on one clock is.
        self._convergence.wake_all(sorted(changed))
        self._tell_others()
        # The cluster may forget what we say that we have: it must be kept.
        await self._convergence.planned()
        self._lost.heard(self.name)

    async def _resolve(self) -> None:
        """
        Something may not have been kept, though memory has it: once it is known, see
        everything anew.
        """
        try:
            await self._store.commit(Put(self._report()))
        except Conflict:
            pass  # which is an answer
        except StoreUnreachable as error:
            raise PeerUnreachable(self.name, str(error)) from None
        self._is_in_doubt = False
        self._view = ClusterView()
        self.wake_all()

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
            return plan.Seen(look=plan.Look.REMOVED, is_silent=True)
        record = self._store.get(Instance, instance_id)
        is_over = record is not None and record.state is InstanceState.TERMINATED
        if self._lost.since(self.name) is not None and not is_over:
            return plan.Seen(look=plan.Look.LOST)
        return self._view.seen(instance_id, record, self._refusals.get(instance_id))

    # --- what is done --------------------------------------------------------

    def _plan(self, instance_id: str) -> Any:
        if self._is_in_doubt or not self._may_act():
            return Rest()
        record = self._store.get(Instance, instance_id)
        self._count(instance_id, record)
        if record is None or record.zone != self.name:
            return self._meet(instance_id)
        now = utc_now(self._clock)
        decision = plan.plan(record, self._seen(instance_id), now, self._limits)
        if isinstance(decision, decisions.Become):
            return Amend(self._changes(record, decision.instance))
        if isinstance(decision, decisions.Forget):
            self._refusals.pop(instance_id, None)
            return Amend(forgetting(self._store, record))
        return decision

    def _count(self, instance_id: str, record: Instance | None) -> None:
        starts_here = record is not None and record.starting_in == self.name
        if starts_here and instance_id in self._view.instances:
            self._counted.add(instance_id)
        else:
            self._counted.discard(instance_id)

    def _meet(self, instance_id: str) -> Rest | decisions.Terminate:
        """An instance that the cluster tells of and nobody asked for."""
        if not self._view.runs(instance_id):
            self._strangers.pop(instance_id, None)
        elif self._lost.since(self.name) is not None:
            # It has ended so long ago that it is forgotten.
            return decisions.Terminate()
        elif instance_id not in self._strangers:
            told = self._view.instances[instance_id]
            self._strangers[instance_id] = stranger(told)
            self._log.warn(
                "{zone} runs {instance_id}, which this cloud knows nothing of; "
                "it is left alone",
                zone=self.name,
                instance_id=instance_id,
            )
        return Rest()

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
        if not self._may_act():
            raise Overtaken("another cloud controller does the work for the cluster")
        told = self._reporting.changes() if self._reporting is not None else ()
        tokens = unused_tokens(self._store, changes)
        puts = (each.record for each in changes if isinstance(each, Put))
        instances = [each for each in puts if isinstance(each, Instance)]
        try:
            await intend(
                self._store, self._clusters, (*changes, *tokens, *told), instances
            )
        except Conflict:
            raise Overtaken("another cloud controller changed it") from None
        except StoreUnreachable as error:
            if self._peer is None:
                await deferLater(self._clock, _AGAIN_S)
            else:
                # Nothing is planned until that is resolved, before it is asked again.
                self._is_in_doubt = True
            raise Overtaken(str(error)) from None
        if any(isinstance(each, Put) and _has_ended(each.record) for each in changes):
            self._ended()

    async def _take(self, instance_id: str, step: decisions.Step) -> None:
        assert self._taking is not None
        if self._may_act():
            await self._taking.take(instance_id, step)

    async def _become(self, before: Instance, after: Instance) -> None:
        changes = self._changes(before, after)
        await self._convergence.amend(changes, (before.instance_id,))


def _has_ended(record: Any) -> bool:
    return isinstance(record, Instance) and not record.is_live
