"""Tests of L{euca_tw.common.buckets}."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.buckets import Buckets

#: Moments of our time: so far from zero, adding seconds is not exact.
NOW = 1_800_000_000.0

waits = st.lists(
    st.one_of(st.just(0.0), st.floats(0, 3), st.floats(0, 500)), max_size=120
)
rates = st.one_of(st.floats(0.1, 200), st.sampled_from([1.0, 100.0]))
bursts = st.integers(1, 60)


def moments(waited: list[float]) -> list[float]:
    now, found = NOW, []
    for wait in waited:
        now += wait
        found.append(now)
    return found


class TakeTests(SynchronousTestCase):
    """What is taken."""

    def test_burst_and_rate(self) -> None:
        """So many at once, and then as they come."""
        buckets: Buckets[str] = Buckets(100.0, 500)
        self.assertEqual(sum(buckets.take("a", NOW) for _ in range(600)), 500)
        self.assertTrue(buckets.is_empty("a", NOW))
        self.assertEqual(sum(buckets.take("a", NOW + 0.5) for _ in range(600)), 50)
        self.assertEqual(sum(buckets.take("a", NOW + 99) for _ in range(600)), 500)

    def test_refused(self) -> None:
        """Who is refused has taken nothing: he waits no longer for it."""
        buckets: Buckets[str] = Buckets(1.0, 1)
        self.assertTrue(buckets.take("a", NOW))
        for tenths in range(10):
            self.assertFalse(buckets.take("a", NOW + tenths / 10))
        self.assertTrue(buckets.take("a", NOW + 1))

    def test_given_back(self) -> None:
        """A token that is given back can be taken again; there are no more for it."""
        buckets: Buckets[str] = Buckets(1.0, 3)
        for _ in range(3):
            self.assertTrue(buckets.take("a", NOW))
        buckets.give_back("a", NOW)
        self.assertEqual([buckets.take("a", NOW) for _ in range(2)], [True, False])
        for _ in range(9):
            buckets.give_back("a", NOW + 1)
        buckets.give_back("b", NOW + 1)
        for key in ("a", "b"):
            taken = [buckets.take(key, NOW + 1) for _ in range(4)]
            self.assertEqual(taken, [True, True, True, False])

    def test_given_back_by_many(self) -> None:
        """Where all share one bucket it goes back there."""
        buckets: Buckets[str] = Buckets(1.0, 3, most=1)
        buckets.take("first", NOW)
        for key in ("a", "b", "c"):
            self.assertTrue(buckets.take(key, NOW))
        buckets.give_back("a", NOW)
        self.assertEqual([buckets.take("d", NOW) for _ in range(2)], [True, False])
        self.assertEqual(len(buckets), 1)

    @given(waits, rates, bursts)
    def test_no_more_in_any_window(
        self, waited: list[float], rate: float, burst: int
    ) -> None:
        """In no time is more taken than the burst and what came in that time."""
        buckets: Buckets[str] = Buckets(rate, burst)
        taken = [now for now in moments(waited) if buckets.take("a", now)]
        for start, first in enumerate(taken):
            for count, last in enumerate(taken[start:], 1):
                self.assertLessEqual(count, burst + rate * (last - first) + 0.01)

    @given(waits, rates, bursts)
    def test_no_less(self, waited: list[float], rate: float, burst: int) -> None:
        """What a bucket holds by the book is had; what it does not is not."""
        buckets: Buckets[str] = Buckets(rate, burst)
        tokens, before = float(burst), NOW
        for now in moments(waited):
            tokens = min(burst, tokens + (now - before) * rate)
            before = now
            if abs(tokens - 1) < 0.01:  # as good as one
                tokens -= buckets.take("a", now)
                continue
            self.assertEqual(buckets.is_empty("a", now), tokens < 1)
            self.assertEqual(buckets.take("a", now), tokens >= 1)
            tokens -= tokens >= 1

    def test_apart(self) -> None:
        """Each key has its own."""
        buckets: Buckets[str] = Buckets(1.0, 1)
        self.assertTrue(buckets.take("a", NOW))
        self.assertTrue(buckets.take("b", NOW))
        self.assertFalse(buckets.take("a", NOW))


class ChargeTests(SynchronousTestCase):
    """What is charged after the fact."""

    def test_says_when_empty(self) -> None:
        """The one that takes the last token is told so."""
        buckets: Buckets[str] = Buckets(1.0, 3)
        self.assertEqual(
            [buckets.charge("a", NOW) for _ in range(4)], [False, False, True, True]
        )

    def test_debt(self) -> None:
        """What was not there is owed, up to a limit."""
        buckets: Buckets[str] = Buckets(1.0, 2, debt=10)
        for _ in range(5):
            buckets.charge("a", NOW)
        self.assertTrue(buckets.is_empty("a", NOW + 3.9))
        self.assertFalse(buckets.is_empty("a", NOW + 4))
        for _ in range(50):
            buckets.charge("b", NOW)
        self.assertTrue(buckets.is_empty("b", NOW + 10.9))
        self.assertFalse(buckets.is_empty("b", NOW + 11))

    def test_clock_set_back(self) -> None:
        """A clock that was set back locks nobody out for longer than a debt does."""
        buckets: Buckets[str] = Buckets(1.0, 2, debt=3)
        buckets.charge("a", NOW)
        self.assertFalse(buckets.take("a", NOW - 3600))
        self.assertFalse(buckets.take("a", NOW - 3600 + 3.9))
        self.assertTrue(buckets.take("a", NOW - 3600 + 4.1))


class MemoryTests(SynchronousTestCase):
    """What is remembered."""

    def test_nothing_of_who_only_looks(self) -> None:
        """To ask whether a bucket is empty leaves nothing behind."""
        buckets: Buckets[int] = Buckets(1.0, 5)
        for key in range(100):
            self.assertFalse(buckets.may_be_empty(key))
            self.assertFalse(buckets.is_empty(key, NOW))
        self.assertEqual(len(buckets), 0)

    def test_idle_keys_are_forgotten(self) -> None:
        """Keys whose buckets are full again make room for others."""
        buckets: Buckets[int] = Buckets(1.0, 5)
        for key in range(1000):
            buckets.charge(key, NOW)
        self.assertEqual(len(buckets), 1000)
        for key in range(1000, 1400):
            buckets.charge(key, NOW + 60)
        self.assertLessEqual(len(buckets), 400)

    def test_none_hides(self) -> None:
        """One that is never idle does not keep the idle ones behind it."""
        buckets: Buckets[int] = Buckets(0.001, 1000)
        buckets.charge(-1, NOW)
        buckets.charge(-2, NOW)
        quick = NOW
        for key in range(10_000):
            quick += 2000
            buckets.charge(-1, quick)
            buckets.charge(key, quick)
        self.assertLess(len(buckets), 10)

    def test_full(self) -> None:
        """Where there is no room, new keys share a bucket, and push nobody out."""
        buckets: Buckets[int] = Buckets(1.0, 3, most=10)
        for key in range(10):
            for _ in range(3):
                buckets.charge(key, NOW)
        taken = sum(buckets.take(key, NOW) for key in range(100, 200))
        self.assertEqual(taken, 3)
        self.assertTrue(buckets.is_empty(999, NOW))
        self.assertTrue(all(buckets.is_empty(key, NOW) for key in range(10)))
        self.assertEqual(len(buckets), 10)
        self.assertFalse(buckets.is_empty(999, NOW + 3))

    @given(
        st.lists(
            st.tuples(st.integers(0, 40), st.floats(0, 2), st.booleans()), max_size=300
        ),
        st.integers(1, 12),
    )
    def test_bound(self, asked: list[tuple[int, float, bool]], most: int) -> None:
        """Whatever is asked, no more keys are held."""
        buckets: Buckets[int] = Buckets(2.0, 4, debt=4, most=most)
        now = NOW
        for key, wait, is_taking in asked:
            now += wait
            if is_taking:
                buckets.take(key, now)
            else:
                buckets.charge(key, now)
            self.assertLessEqual(len(buckets), most)
            if buckets.is_empty(key, now):
                self.assertTrue(buckets.may_be_empty(key))
