"""Tests for L{euca_tw.common.taking}."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.taking import Taking


class TakingTests(SynchronousTestCase):
    """At 100 bytes a second, and 60 seconds of grace."""

    def setUp(self) -> None:
        self.taking = Taking(100, 60)

    def test_nothing(self) -> None:
        """Who takes nothing has the grace."""
        self.taking.begin(1000, 50_000)
        self.assertFalse(self.taking.is_too_slow(1060, 50_000))
        self.assertTrue(self.taking.is_too_slow(1061, 50_000))

    def test_some(self) -> None:
        """What is taken is worth its time."""
        self.taking.begin(0, 50_000)
        self.assertFalse(self.taking.is_too_slow(100, 46_000))
        self.assertTrue(self.taking.is_too_slow(110, 45_999))

    def test_pauses(self) -> None:
        """Time in which there is nothing to take does not count."""
        for start_s in range(0, 10_000, 1000):
            self.taking.begin(start_s, 1000)
            self.assertFalse(self.taking.is_too_slow(start_s + 10, 0))
        for start_s in range(10_000, 13_000, 1000):
            self.taking.begin(start_s, 1000)
            self.assertFalse(self.taking.is_too_slow(start_s + 30, 0))
        self.taking.begin(20_000, 1000)
        self.assertTrue(self.taking.is_too_slow(20_030, 0))

    def test_nothing_saved(self) -> None:
        """Who was fast may be slow no longer than others."""
        self.taking.begin(0, 10_000_000)
        self.assertFalse(self.taking.is_too_slow(1, 10_000))
        self.assertTrue(self.taking.is_too_slow(62, 10_000))

    def test_nothing_to_take(self) -> None:
        """Where there was nothing to take, nobody is waited for."""
        self.taking.begin(0, 0)
        self.assertFalse(self.taking.is_too_slow(1000, 500))
        self.assertFalse(self.taking.is_too_slow(1060, 500))
        self.assertTrue(self.taking.is_too_slow(1061, 500))

    def test_more(self) -> None:
        """That there is more to take than there was is not held against him."""
        self.taking.begin(0, 1000)
        self.assertFalse(self.taking.is_too_slow(60, 1010))

    @given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 100_000))))
    def test_any(self, steps: list[tuple[int, int]]) -> None:
        """Who keeps to the rate at every look is never too slow."""
        now_s, left = 0, 10**9
        self.taking = Taking(100, 0)
        self.taking.begin(now_s, left)
        for seconds, more in steps:
            now_s += seconds
            left -= seconds * 100 + more
            self.assertFalse(self.taking.is_too_slow(now_s, left))
