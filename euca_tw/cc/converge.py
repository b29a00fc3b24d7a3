"""
A cluster's loop: which instance was given to which node, against what the nodes
tell.

All that nodes tell is durable, as far as it must be, before they are asked
again; all that the cloud asks, before it is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from euca_tw.api.cluster import ChangedInstance, Launch, RefusedLaunch
from euca_tw.cc import plan, reports, schedule
from euca_tw.cc.nodes import Nodes, NodeView
from euca_tw.cc.outcomes import Outcomes
from euca_tw.cc.records import KnownNode, Placement, needs
from euca_tw.cc.settings import ClusterSettings
from euca_tw.cc.steps import Steps
from euca_tw.common.changes import Changes
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Amend, Convergence, Rest
from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.lifecycle import USER_SHUTDOWN, Phase, Wanted
from euca_tw.store.interfaces import Delete, IStore, Put

_GATHERING = "The cluster was just started and has not heard of all its nodes"
_NO_ROOM = "No node of the cluster has room"
_ALIVE = (Phase.PENDING, Phase.EXTANT)
_NEVER = "No node of the cluster is large enough"


class Placements:
    """Makes the nodes run what they were given, and nothing else."""

    _log = Logger()

    def __init__(
        self,
        *,
        store: IStore,
        nodes: Nodes,
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
        self._policy = schedule.POLICIES[settings.policy]
        self._is_gathering = is_gathering
        self._placed = placed
        self._last_node = ""
        # What nodes were given and have not told of, by instance and in sum.
        self._on_its_way: dict[str, tuple[str, Resources]] = {}
        self._promised: dict[str, Resources] = {}
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
            self._count(name)
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
        changes: list[Put | Delete] = []
        for name in instance_ids:
            known = self._store.get(Placement, name)
            if known is None:
                changes.append(Put(_never_placed(name, now)))
            elif known.wanted is Wanted.RUNNING:
                changes.append(Put(evolve(known, wanted=Wanted.ENDED)))
        if changes:
            await self._amend(*changes)

    def free(self, view: NodeView) -> Resources:
        """What of a node is promised to nobody."""
        return view.free - self._promised.get(view.url, NOTHING)

    # --- what nodes tell -----------------------------------------------------

    async def heard(self, view: NodeView, changed: Set[str]) -> None:
        """Take in what a node told."""
        now = utc_now(self._clock)
        changes: list[Put | Delete] = []
        for name in changed:
            self._count(name)
            if self._store.get(Placement, name) is None and name in view.instances:
                changes.append(Put(self._learned(view, name, now)))
        woken = set(changed)
        if view.is_known and self._store.get(KnownNode, view.url) is None:
            changes.append(Put(KnownNode(url=view.url, known_since=now)))
            woken.update(p.key for p in self._store.where(Placement, "node", ""))
        if changes:
            await self._store.commit(*changes)
        # In an order that is the same each time, as everything on one clock is.
        for name in sorted(changed):
            self._tell(name)
        self._convergence.wake_all(sorted(woken))
        # The node may forget what we say that we have: it must be kept.
        await self._convergence.planned()

    def see(self, view: NodeView) -> None:
        """A node fell silent, or is heard again."""
        names = [p.key for p in self._store.where(Placement, "node", view.url)]
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
            return [], [_refused(each, _GATHERING, is_final=False) for each in launches]
        candidates = self._candidates()
        urls = schedule.place(
            self._policy,
            candidates,
            [needs(each) for each in launches],
            self._last_node,
        )
        placed: list[Placement] = []
        refused: list[RefusedLaunch] = []
        for launch, url in zip(launches, urls, strict=True):
            if url:
                self._last_node = url
                placed.append(
                    Placement(
                        instance_id=launch.instance_id,
                        launch=self._steps.addressed(launch),
                        node=url,
                        placed_at=utc_now(self._clock),
                    )
                )
            else:
                refused.append(self._no_room(launch, candidates))
        return placed, refused

    def _no_room(
        self, launch: Launch, candidates: Sequence[schedule.Candidate]
    ) -> RefusedLaunch:
        is_final = self._nodes.is_complete and not schedule.can_ever_hold(
            candidates, needs(launch)
        )
        return _refused(launch, _NEVER if is_final else _NO_ROOM, is_final=is_final)

    def _candidates(self) -> list[schedule.Candidate]:
        return [
            schedule.Candidate(url=v.url, machine=v.machine, free=self.free(v))
            for v in self._nodes.views.values()
            if v.is_known and v.is_well
        ]

    def _learned(self, view: NodeView, name: str, now: datetime) -> Placement:
        """An instance that this store knows nothing of."""
        self._log.info(
            "{instance_id} is learned from {node}", instance_id=name, node=view.url
        )
        told = view.instances[name]
        phase = Phase(told.instance.state_name)
        has_ended = phase is Phase.TEARDOWN
        return Placement(
            instance_id=name,
            launch=None,
            node=view.url,
            wanted=Wanted.ENDED if has_ended else Wanted.RUNNING,
            phase=phase,
            reason_code=told.reason_code or "" if has_ended else "",
            reason=told.reason or "" if has_ended else "",
            was_seen=True,
            placed_at=now,
            ended_at=now if has_ended else None,
        )

    def _seen(self, placement: Placement) -> plan.Seen:
        told = None
        strays = []
        for view in self._nodes.places(placement.instance_id):
            sighting = view.instances[placement.instance_id]
            if view.url == placement.node:
                told = sighting
            elif view.is_well and Phase(sighting.instance.state_name) in _ALIVE:
                strays.append(view.url)
        look = plan.Look.ABSENT
        at = self._nodes.views.get(placement.node)
        if not placement.node:
            if not self._are_all_known():
                look = plan.Look.UNHEARD
        elif at is None:
            look = plan.Look.LOST
        elif not (at.is_known and at.is_well):
            look = plan.Look.UNHEARD
        elif told is not None:
            look = plan.LOOKS[Phase(told.instance.state_name)]
        return plan.Seen(
            look=look,
            reason_code=(told.reason_code or "") if told else "",
            reason=(told.reason or "") if told else "",
            strays=tuple(strays),
            is_heard=self._changes.is_heard(placement.instance_id),
        )

    def _are_all_known(self) -> bool:
        """Whether what was on any node ever has a placement here."""
        return all(self._store.get(KnownNode, url) for url in self._nodes.views)

    def _count(self, instance_id: str) -> None:
        """Its placement is another, or its node has told something else of it."""
        url, needed = self._on_its_way.pop(instance_id, ("", NOTHING))
        if url:
            self._promised[url] -= needed
        placement = self._store.get(Placement, instance_id)
        if placement is None or placement.launch is None or not placement.node:
            return
        at = self._nodes.views.get(placement.node)
        is_told = at is not None and instance_id in at.instances
        if not is_told and placement.phase is not Phase.TEARDOWN:
            url, needed = placement.node, needs(placement.launch)
            self._on_its_way[instance_id] = url, needed
            self._promised[url] = self._promised.get(url, NOTHING) + needed

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
            self._count(_key_of(change))
        await kept
        for change in changes:
            self._tell(_key_of(change))

    def _plan(self, instance_id: str) -> Any:
        placement = self._store.get(Placement, instance_id)
        if placement is None:
            return Rest()
        if placement.wanted is Wanted.ENDED:
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

    async def _take(self, instance_id: str, step: plan.Launch | plan.Terminate) -> None:
        if isinstance(step, plan.Terminate):
            await self._steps.terminate(step, instance_id)
            return
        placement = self._store.get(Placement, instance_id)
        if placement is None or placement.launch is None:
            return
        refusal = await self._steps.launch(step.node, placement.launch)
        if refusal:
            await self._refused(instance_id, step.node, refusal)
        else:
            self._settled(instance_id, None)

    async def _refused(self, instance_id: str, node: str, reason: str) -> None:
        """A node will not: give it to another, or to none."""
        placement = self._store.get(Placement, instance_id)
        if placement is None or placement.launch is None or placement.node != node:
            return
        if placement.wanted is Wanted.ENDED:
            return
        refused_by = self._refused_by.setdefault(instance_id, set())
        refused_by.add(node)
        other = schedule.choose(
            self._policy,
            self._candidates(),
            needs(placement.launch),
            refused_by,
            self._last_node,
        )
        self._log.info(
            "{node} refuses {instance_id}: {reason}; next is {other}",
            node=node,
            instance_id=instance_id,
            reason=reason,
            other=other.url if other else "none",
        )
        if other is not None:
            await self._amend(Put(evolve(placement, node=other.url)))
            return
        await self._amend(Delete(Placement, instance_id))
        told = _refused(placement.launch, f"{_NO_ROOM}: {reason}", is_final=False)
        self._settled(instance_id, told)

    def _settled(self, instance_id: str, refused: RefusedLaunch | None) -> None:
        self._refused_by.pop(instance_id, None)
        self._outcomes.tell(instance_id, refused)


def _key_of(change: Put | Delete) -> str:
    key: str = change.record.key if isinstance(change, Put) else change.key
    return key


def _refused(launch: Launch, reason: str, *, is_final: bool) -> RefusedLaunch:
    return RefusedLaunch(
        instance_id=launch.instance_id, reason=reason, is_final=is_final
    )


def _never_placed(instance_id: str, now: datetime) -> Placement:
    return Placement(
        instance_id=instance_id,
        launch=None,
        node="",
        wanted=Wanted.ENDED,
        reason_code=USER_SHUTDOWN,
        reason="It was ended before it was placed",
        placed_at=now,
    )
