"""
How long instances have run, by whom and of which type: kept for good.

What runs is a number that changes at moments; what is told is the time under it.
Of each account and machine type there is one L{UsageMeter}, which says how many
run since when, and one L{UsageMonth} for each month in which any ran, with the
time of each of its days.  So a change costs the same whatever runs, and what is
kept grows with months and accounts, not with instances.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar

from attrs import evolve, field, frozen
from attrs.validators import ge

from euca_tw.model.identifiers import AccountId

_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)


@frozen(kw_only=True)
class UsageMeter:
    """
    @ivar running: how many instances run.
    @ivar counted_until: to that moment, the months have it.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id",)

    owner_id: AccountId
    instance_type: str
    running: int = field(default=0, validator=ge(0))
    counted_until: datetime

    @property
    def key(self) -> str:
        return meter_key(self.owner_id, self.instance_type)


@frozen(kw_only=True)
class UsageMonth:
    """
    @ivar month: C{2026-11}; of UTC, as all days here.
    @ivar milliseconds: that instances ran, on each of its days up to the last
        on which any did.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id",)

    owner_id: AccountId
    instance_type: str
    month: str
    milliseconds: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        return f"{self.owner_id}/{self.instance_type}/{self.month}"

    def with_time(self, day: int, milliseconds: int) -> UsageMonth:
        """With so much more on a day, 1 and up."""
        told = list(self.milliseconds)
        told.extend([0] * (day - len(told)))
        told[day - 1] += milliseconds
        return evolve(self, milliseconds=tuple(told))

    def days(self) -> Iterator[tuple[date, int]]:
        """Each day, and the milliseconds of it."""
        year, _, month = self.month.partition("-")
        for n, milliseconds in enumerate(self.milliseconds):
            yield date(int(year), int(month), n + 1), milliseconds


def meter_key(owner_id: str, instance_type: str) -> str:
    """Under which the L{UsageMeter} of an account and a type is kept."""
    return f"{owner_id}/{instance_type}"


def time_by_day(meter: UsageMeter, now: datetime) -> Iterator[tuple[date, int]]:
    """
    What a meter has not told the months yet: days, and the milliseconds that its
    instances ran on each.
    """
    start = meter.counted_until.astimezone(UTC)
    while meter.running and start < now:
        midnight = datetime.combine(start.date() + _DAY, time(), UTC)
        end = min(now, midnight)
        yield start.date(), meter.running * ((end - start) // _MILLISECOND)
        start = end


def month_of(day: date) -> str:
    """As L{UsageMonth.month}."""
    return f"{day:%Y-%m}"
