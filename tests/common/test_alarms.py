"""Tests of L{euca_tw.common.alarms}."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.alarms import Alarms


class AlarmsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.rung: list[tuple[float, str]] = []
        self.alarms = Alarms(
            self.clock, lambda key: self.rung.append((self.clock.seconds(), key))
        )

    def test_rings_in_time(self) -> None:
        """Each rings at its moment, in whatever order they were set."""
        for key, when in (("c", 3), ("a", 1), ("b", 2)):
            self.alarms.set(key, when)
        self.clock.pump([1, 1, 1])
        self.assertEqual(self.rung, [(1, "a"), (2, "b"), (3, "c")])

    def test_one_delayed_call(self) -> None:
        """However many moments are set, one delayed call waits."""
        for n in range(100, 0, -1):
            self.alarms.set(str(n), n)
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)

    def test_set_again(self) -> None:
        """The moment set last is the one."""
        self.alarms.set("a", 1)
        self.alarms.set("a", 3)
        self.clock.advance(2)
        self.assertEqual(self.rung, [])
        self.clock.advance(1)
        self.assertEqual(self.rung, [(3, "a")])

    def test_past(self) -> None:
        """A moment that has passed rings at once, but not within the call."""
        self.clock.advance(10)
        self.alarms.set("a", 1)
        self.assertEqual(self.rung, [])
        self.clock.advance(0)
        self.assertEqual(self.rung, [(10, "a")])

    def test_clear_and_stop(self) -> None:
        """What is cleared or stopped does not ring; nothing is left behind."""
        self.alarms.set("a", 1)
        self.alarms.set("b", 2)
        self.alarms.clear("a")
        self.alarms.clear("never set")
        self.clock.advance(1)
        self.alarms.stop()
        self.alarms.stop()
        self.clock.advance(10)
        self.assertEqual(self.rung, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])
