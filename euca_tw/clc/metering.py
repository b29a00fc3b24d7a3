"""
How long instances run is measured here, as the store tells of their changes.

What was measured is kept apart from instances: it outlives them.  Should this
process end between an instance's change and what follows of it here, the next one
counts anew what runs: then no more is lost than lay between the two.  Of several
cloud controllers that share their state one measures at a time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from attrs import Factory, define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from euca_tw.clc.anew import Anew
from euca_tw.common.background import Background
from euca_tw.common.clock import utc_now
from euca_tw.common.leading import MayAct
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import Instance, InstanceState
from euca_tw.model.usage import UsageMeter, UsageMonth, meter_key, month_of, time_by_day
from euca_tw.store.interfaces import (
    Change,
    Conflict,
    IStore,
    Put,
    StoreUnreachable,
)

#: An account and a machine type.
_Kind = tuple[AccountId, str]


def _kind_of(instance: Instance) -> _Kind:
    return instance.owner_id, instance.instance_type


#: What runs is counted again so much later, if that could not be kept.
_AGAIN_S = 1.0


@define(eq=False, kw_only=True)
class Metering:
    """
    Keeps the meters of a store, which is open while this is started; this is told
    of its commits (L{changed}).

    @ivar anew: how what others have overtaken is decided again; None: there are no
        others, and nothing is asked of L{lead}.
    """

    store: IStore
    clock: IReactorTime
    anew: Anew | None = None
    background: Background = field(factory=Background)
    _may_act: MayAct = lambda: True
    _is_started: bool = False
    #: The instances that are counted.
    _counted: dict[str, _Kind] = Factory(dict)
    #: What was heard while they were counted; None: they are.
    _meanwhile: list[Change] | None = None

    def lead(self, may_act: MayAct) -> None:
        """Measure, from now on."""
        self._may_act = may_act
        self.background.run("beginning to measure usage", self._begin())

    def follow(self) -> Deferred[object]:
        """Leave it to another."""
        self._is_started = False
        self._may_act = lambda: False
        return self.background.stop()

    async def _begin(self) -> None:
        while self._may_act():
            try:
                await self.start()
            except (Conflict, StoreUnreachable):
                # What is heard until it is counted anew is in that.
                self._is_started, self._meanwhile = False, None
                await deferLater(self.clock, _AGAIN_S)
            else:
                break

    async def start(self) -> None:
        """Count what runs."""
        self._is_started = True
        await self._commit(self._count)
        heard, self._meanwhile = self._meanwhile or [], None
        self.changed(heard)

    def _count(self) -> Sequence[Change]:
        self._meanwhile = []
        running = [
            each
            for each in self.store.all(Instance)
            if each.state is InstanceState.RUNNING
        ]
        self._counted = {each.instance_id: _kind_of(each) for each in running}
        now = utc_now(self.clock)
        counts = Counter(self._counted.values())
        meters: list[UsageMeter] = list(self.store.all(UsageMeter))
        known = {(each.owner_id, each.instance_type): each.running for each in meters}
        changed = {
            kind: counts[kind] - known.get(kind, 0) for kind in {**known, **counts}
        }
        new = [each for each in running if _kind_of(each) not in known]
        return self._moved(changed, now, new)

    async def _commit(self, decide: Callable[[], Sequence[Change]]) -> None:
        if self.anew is None:
            await self.store.commit(*decide())
        else:
            await self.anew.commit(
                self.store, lambda: decide() if self._may_act() else ()
            )

    def changed(self, changes: Sequence[Change]) -> None:
        """These records were committed, by whomsoever."""
        if not self._is_started:
            return
        if self._meanwhile is not None:
            self._meanwhile.extend(changes)
            return
        moved: Counter[_Kind] = Counter()
        for change in changes:
            if isinstance(change, Put):
                if isinstance(change.record, Instance):
                    self._see(change.record, moved)
            elif change.kind is Instance and change.key in self._counted:
                moved[self._counted.pop(change.key)] -= 1
        if any(moved.values()):
            self.background.run("measuring usage", self._keep(moved))

    def _see(self, instance: Instance, moved: Counter[_Kind]) -> None:
        name = instance.instance_id
        runs = instance.state is InstanceState.RUNNING
        if runs and name not in self._counted:
            self._counted[name] = _kind_of(instance)
            moved[_kind_of(instance)] += 1
        elif not runs and name in self._counted:
            moved[self._counted.pop(name)] -= 1

    async def _keep(self, moved: Counter[_Kind]) -> None:
        now = utc_now(self.clock)
        await self._commit(lambda: self._moved(moved, now))

    def _moved(
        self, changed: dict[_Kind, int], now: datetime, new: Iterable[Instance] = ()
    ) -> list[Put]:
        """
        What to commit when so many more, or less, run.

        @param new: of what was never counted: counted from their start.
        """
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        meters: dict[str, UsageMeter] = {}
        past: list[UsageMeter] = [
            UsageMeter(
                owner_id=each.owner_id,
                instance_type=each.instance_type,
                running=1,
                counted_until=each.since,
            )
            for each in new
        ]
        for (owner, kind), more in changed.items():
            if not more:
                continue
            meter = self.store.get(UsageMeter, meter_key(owner, kind))
            if meter is None:
                meter = UsageMeter(
                    owner_id=owner, instance_type=kind, counted_until=now
                )
            past.append(meter)
            meters[meter.key] = evolve(
                meter,
                running=max(0, meter.running + more),
                counted_until=max(now, meter.counted_until),
            )
        months = self._months(past, now)
        return [Put(each) for each in (*months, *meters.values())]

    def _months(self, past: Iterable[UsageMeter], now: datetime) -> list[UsageMonth]:
        """The months that have what meters have not told them yet."""
        months: dict[str, UsageMonth] = {}
        for meter in past:
            for day, milliseconds in time_by_day(meter, now):
                blank = UsageMonth(
                    owner_id=meter.owner_id,
                    instance_type=meter.instance_type,
                    month=month_of(day),
                )
                month = (
                    months.get(blank.key)
                    or self.store.get(UsageMonth, blank.key)
                    or blank
                )
                months[blank.key] = month.with_time(day.day, milliseconds)
        return list(months.values())
