"""
A cluster's loop: which instance was given to which node, against what the nodes
tell.

All that nodes tell is durable, as far as it must be, before they are asked
again; all that the cloud asks, before it is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.cluster import ChangedInstance, Launch, RefusedLaunch, Stop
from euca_tw.cc import orders, plan, reports
from euca_tw.cc.fleet import Fleet
from euca_tw.cc.nodes import Nodes, NodeView
from euca_tw.cc.outcomes import Outcomes
from euca_tw.cc.records import KnownNode, Placement, needs
from euca_tw.cc.room import Room
from euca_tw.cc.seen import seen
from euca_tw.cc.settings import ClusterSettings
from euca_tw.cc.steps import Steps
from euca_tw.common.changes import Changes
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Amend, Convergence, Rest
from euca_tw.common.evolved import evolve
from euca_tw.model.lifecycle import Phase, Wanted
from euca_tw.store.interfaces import Delete, IStore, Put

_GATHERING = "The cluster was just started and has not heard of all its nodes"
_NO_ROOM = "No node of the cluster has room"
_NEVER = "No node of the cluster is large enough"


class Placements:
    """Makes the nodes run what they were given, and nothing else."""

    _log = Logger()

    def __init__(
        self,
        *,
        store: IStore,
        nodes: Nodes,
        room: Room,
        fleet: Fleet,
        changes: Changes[ChangedInstance],
        steps: Steps,
        clock: IReactorTime,
        random: Random,
        settings: ClusterSettings,
        is_gathering: Callable[[], bool],
        placed: Callable[[str], None] = lambda instance_id: None,
    ) -> None:
        """@param placed: an instance has, or may have, another node."""
        self._store = store
        self._nodes = nodes
        self._changes = changes
        self._steps = steps
        self._clock = clock
        self._settings = settings
        self._is_gathering = is_gathering
        self._placed = placed
        self._room = room
        self._fleet = fleet
        self._refused_by: dict[str, set[str]] = {}
        self._outcomes = Outcomes(clock, settings.placing_s)
        self._convergence = Convergence(
            clock=clock,
            random=random,
            plan=self._plan,
            take=self._take,
            keep=self._commit,
            first_s=settings.retry_first_s,
            ceiling_s=settings.retry_ceiling_s,
        )

    def start(self) -> None:
        """Begin with what is kept."""
        names = [placement.key for placement in self._store.all(Placement)]
        for name in names:
            self._room.count(name)
            self._tell(name)
        self._convergence.wake_all(names)

    def stop(self) -> Deferred[Any]:
        """Cut what is under way."""
        return self._convergence.stop()

    # --- what the cloud asks -------------------------------------------------

    async def launch(self, launches: Iterable[Launch]) -> tuple[RefusedLaunch, ...]:
        """
        Have instances run.  Those not refused are taken, durably.

        @return: those for which there is no place.
        """
        new: list[Launch] = []
        changes: list[Put | Delete] = []
        for launch in launches:
            known = self._store.get(Placement, launch.instance_id)
            if known is None:
                new.append(launch)
            elif known.launch is None and known.wanted is Wanted.RUNNING:
                changes.append(Put(evolve(known, launch=self._steps.addressed(launch))))
        placed, refused = self._place(new)
        changes.extend(Put(placement) for placement in placed)
        waiting = [self._outcomes.wait(placement.key) for placement in placed]
        if changes:
            await self._amend(*changes)
        for each in waiting:
            outcome = await each
            if outcome is not None:
                refused.append(outcome)
        return tuple(refused)

    async def end(self, instance_ids: Iterable[str]) -> None:
        """
        Have instances end; those not known are from now on known as ended.
        """
        now = utc_now(self._clock)
        changed = []
        for name in instance_ids:
            known = self._store.get(Placement, name)
            changed.append(orders.ending(known or orders.never_placed(name, now)))
        await self._keep(changed)

    async def halt(self, stops: Iterable[Stop]) -> None:
        """Have instances stop, if they were not started since that was asked."""
        found = [(self._store.get(Placement, each.instance_id), each) for each in stops]
        await self._keep(
            [orders.halting(known, each) for known, each in found if known]
        )

    async def start_again(
        self, launches: Iterable[Launch]
    ) -> tuple[RefusedLaunch, ...]:
        """
        Have stopped instances run again, each where it is.  Those not refused are
        taken, durably.

        @return: those for which their nodes have no room; they stay stopped.
        """
        found = [
            (self._store.get(Placement, each.instance_id), each) for each in launches
        ]
        starting = [
            (known, orders.starting(known, self._steps.addressed(each)))
            for known, each in found
            if known is not None
        ]
        waiting = [
            self._outcomes.wait(after.key)
            for before, after in starting
            if after != before
        ]
        await self._keep([after for _, after in starting])
        return tuple([told for each in waiting if (told := await each) is not None])

    async def _keep(self, placements: Iterable[Placement]) -> None:
        """Those that are other than they were."""
        changes = [
            Put(each)
            for each in placements
            if each != self._store.get(Placement, each.key)
        ]
        if changes:
            await self._amend(*changes)

    # --- what nodes tell -----------------------------------------------------

    async def heard(self, view: NodeView, changed: Set[str]) -> None:
        """Take in what a node told."""
        now = utc_now(self._clock)
        changes: list[Put | Delete] = []
        self._fleet.changed(view.url)
        for name in changed:
            self._room.count(name)
            if self._store.get(Placement, name) is None and name in view.instances:
                self._log.info(
                    "{instance_id} is learned from {node}",
                    instance_id=name,
                    node=view.url,
                )
                told = view.instances[name]
                learned = orders.learned(told, view.url, now, is_lost=view.is_lost)
                changes.append(Put(learned))
        self._fleet.tell()
        woken = set(changed)
        if view.is_known and self._store.get(KnownNode, view.url) is None:
            changes.append(Put(KnownNode(url=view.url, known_since=now)))
            woken.update(p.key for p in self._store.where(Placement, "node", ""))
        if changes:
            await self._store.commit(*changes)
            for change in changes:
                self._room.count(_key_of(change))
            self._fleet.tell()
        # In an order that is the same each time, as everything on one clock is.
        for name in sorted(changed):
            self._tell(name)
        self._convergence.wake_all(sorted(woken))
        # The node may forget what we say that we have: it must be kept.
        await self._convergence.planned()

    def see(self, view: NodeView) -> None:
        """A node fell silent, is heard again, or was declared lost."""
        self._fleet.changed(view.url)
        self._fleet.tell()
        # What is on no node may have ended, where all that are not lost are known.
        of = (view.url, "") if view.is_lost else (view.url,)
        names = [p.key for url in of for p in self._store.where(Placement, "node", url)]
        for name in names:
            self._tell(name)
        self._convergence.wake_all(names)

    # --- within --------------------------------------------------------------

    def _place(
        self, launches: Sequence[Launch]
    ) -> tuple[list[Placement], list[RefusedLaunch]]:
        if not launches:
            return [], []
        if self._is_gathering():
            return [], [
                orders.refused(each, _GATHERING, is_final=False) for each in launches
            ]
        placed: list[Placement] = []
        refused: list[RefusedLaunch] = []
        for launch in launches:
            url = self._fleet.pick(launch)
            if url is not None:
                placed.append(
                    Placement(
                        instance_id=launch.instance_id,
                        launch=self._steps.addressed(launch),
                        node=url,
                        placed_at=utc_now(self._clock),
                    )
                )
            else:
                refused.append(self._no_room(launch))
        return placed, refused

    def _no_room(self, launch: Launch) -> RefusedLaunch:
        is_final = not self._fleet.can_ever_hold(needs(launch))
        why = _NEVER if is_final else _NO_ROOM
        return orders.refused(launch, why, is_final=is_final)

    def _seen(self, placement: Placement) -> plan.Seen:
        return seen(
            placement,
            self._nodes.views.get(placement.node),
            self._nodes.places(placement.instance_id),
            are_all_known=self._are_all_known,
            is_heard=self._changes.is_heard(placement.instance_id),
        )

    def _are_all_known(self) -> bool:
        """Whether what was on any node ever has a placement here, or has ended."""
        return all(
            view.is_lost or self._store.get(KnownNode, url) is not None
            for url, view in self._nodes.views.items()
        )

    def _tell(self, instance_id: str) -> None:
        self._placed(instance_id)
        placement = self._store.get(Placement, instance_id)
        if placement is None:
            self._changes.drop(instance_id)
        elif placement.node or placement.phase is Phase.TEARDOWN:
            at = self._nodes.views.get(placement.node)
            told = reports.told(
                placement,
                self._seen(placement),
                at.instances.get(instance_id) if at else None,
                is_silent=bool(placement.node) and (at is None or at.is_silent),
            )
            self._changes.put(instance_id, told)

    def _amend(self, *changes: Put | Delete) -> Deferred[None]:
        return self._convergence.amend(changes, [_key_of(each) for each in changes])

    async def _commit(self, changes: Sequence[Put | Delete]) -> None:
        kept = self._store.commit(*changes)
        # At once: who places the next instance is to know of this one.
        for change in changes:
            self._room.count(_key_of(change))
        await kept
        for change in changes:
            self._tell(_key_of(change))

    def _plan(self, instance_id: str) -> Any:
        placement = self._store.get(Placement, instance_id)
        if placement is None:
            return Rest()
        if placement.wanted is not Wanted.RUNNING:
            self._settled(instance_id, None)
        now = utc_now(self._clock)
        decision = plan.plan(
            placement, self._seen(placement), now, self._settings.ended_kept_s
        )
        if isinstance(decision, plan.Become):
            return Amend((Put(decision.placement),))
        if isinstance(decision, plan.Forget):
            return Amend((Delete(Placement, instance_id),))
        return decision

    async def _take(self, instance_id: str, step: plan.Step) -> None:
        if isinstance(step, plan.Terminate):
            await self._steps.terminate(step, instance_id)
            return
        placement = self._store.get(Placement, instance_id)
        if placement is None:
            return
        if isinstance(step, plan.Stop):
            await self._steps.stop(placement)
        elif placement.launch is None:
            return
        elif isinstance(step, plan.Start):
            refusal = await self._steps.start(step.node, placement.launch)
            await self._started(instance_id, placement.launch, refusal)
        elif isinstance(step, plan.Launch):
            refusal = await self._steps.launch(step.node, placement.launch)
            if refusal:
                await self._refused(instance_id, step.node, refusal)
            else:
                self._settled(instance_id, None)

    async def _started(self, instance_id: str, launch: Launch, refusal: str) -> None:
        """What its node says to a start; one that is refused stays stopped."""
        placement = self._store.get(Placement, instance_id)
        if placement is None or placement.launch != launch:
            return
        told = None
        if refusal and placement.wanted is Wanted.RUNNING:
            self._log.info(
                "{node} does not start {instance_id}: {reason}",
                node=placement.node,
                instance_id=instance_id,
                reason=refusal,
            )
            why = f"Its node has no room: {refusal}"
            told = orders.refused(launch, why, is_final=False)
            await self._amend(Put(orders.stays(placement)))
        self._outcomes.tell(instance_id, told)

    async def _refused(self, instance_id: str, node: str, reason: str) -> None:
        """A node will not: give it to another, or to none."""
        placement = self._store.get(Placement, instance_id)
        if placement is None or placement.launch is None or placement.node != node:
            return
        if placement.wanted is Wanted.ENDED:
            return
        refused_by = self._refused_by.setdefault(instance_id, set())
        refused_by.add(node)
        other = self._fleet.pick(placement.launch, refused_by)
        self._log.info(
            "{node} refuses {instance_id}: {reason}; next is {other}",
            node=node,
            instance_id=instance_id,
            reason=reason,
            other=other or "none",
        )
        if other is not None:
            await self._amend(Put(evolve(placement, node=other)))
            return
        await self._amend(Delete(Placement, instance_id))
        why = f"{_NO_ROOM}: {reason}"
        told = orders.refused(placement.launch, why, is_final=False)
        self._settled(instance_id, told)

    def _settled(self, instance_id: str, refused: RefusedLaunch | None) -> None:
        self._refused_by.pop(instance_id, None)
        self._outcomes.tell(instance_id, refused)


def _key_of(change: Put | Delete) -> str:
    key: str = change.record.key if isinstance(change, Put) else change.key
    return key
