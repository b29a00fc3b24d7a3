"""How long instances ran, day by day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.identifiers import AccountId
from euca_tw.model.usage import UsageMeter, UsageMonth, month_of, time_by_day

OWNER = AccountId("000000000001")
HOUR_MS = 3_600_000
MOMENTS = st.datetimes(
    datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)
)


def meter(running: int, until: datetime) -> UsageMeter:
    return UsageMeter(
        owner_id=OWNER,
        instance_type="m1.small",
        running=running,
        counted_until=until,
    )


class TimeByDayTests(SynchronousTestCase):
    def test_within_a_day(self) -> None:
        """Each that runs counts."""
        start = datetime(2026, 11, 23, 8, tzinfo=UTC)
        found = list(time_by_day(meter(3, start), start + timedelta(hours=2)))
        self.assertEqual(found, [(date(2026, 11, 23), 3 * 2 * HOUR_MS)])

    def test_days(self) -> None:
        """Each day has what ran on it, by UTC."""
        start = datetime(2026, 12, 31, 1, tzinfo=timezone(timedelta(hours=3)))
        found = list(time_by_day(meter(1, start), start + timedelta(hours=27)))
        self.assertEqual(
            found,
            [
                (date(2026, 12, 30), 2 * HOUR_MS),
                (date(2026, 12, 31), 24 * HOUR_MS),
                (date(2027, 1, 1), HOUR_MS),
            ],
        )

    def test_nothing(self) -> None:
        """Nothing that runs takes no time, and a clock set back takes none off."""
        start = datetime(2026, 11, 23, 8, tzinfo=UTC)
        self.assertEqual(list(time_by_day(meter(0, start), start.replace(hour=9))), [])
        self.assertEqual(list(time_by_day(meter(1, start), start.replace(hour=7))), [])

    @given(start=MOMENTS, ms=st.integers(0, 10**10), running=st.integers(1, 1000))
    def test_all_of_it(self, start: datetime, ms: int, running: int) -> None:
        """No millisecond is lost between days, and no day has more than it has."""
        start = start.replace(microsecond=start.microsecond // 1000 * 1000)
        found = list(
            time_by_day(meter(running, start), start + timedelta(milliseconds=ms))
        )
        self.assertEqual(sum(each for _, each in found), running * ms)
        self.assertTrue(all(0 < each <= 24 * HOUR_MS * running for _, each in found))
        self.assertEqual(len({day for day, _ in found}), len(found))


class MonthTests(SynchronousTestCase):
    def test_with_time(self) -> None:
        """A month has the time of its days."""
        month = UsageMonth(owner_id=OWNER, instance_type="m1.small", month="2026-11")
        filled = month.with_time(3, 5).with_time(1, 2).with_time(3, 1)
        self.assertEqual(
            list(filled.days()),
            [(date(2026, 11, 1), 2), (date(2026, 11, 2), 0), (date(2026, 11, 3), 6)],
        )
        self.assertEqual(month_of(date(2026, 11, 3)), month.month)
