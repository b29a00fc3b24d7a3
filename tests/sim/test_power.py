"""Tests for L{euca_tw.sim.power}."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.sim.power import Meter, Power
from euca_tw.sim.summary import PARTS

POWER = Power(idle_w=100.0, busy_w=200.0, asleep_w=5.0, asleep_after_s=10.0)
PART_S = 100.0


class MeterTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(77)

    def meter(self, *sleepers: str) -> Meter:
        meter = Meter(
            power=POWER,
            clock=self.clock,
            duration_s=PARTS * PART_S,
            cores={"a": 4.0, "b": 4.0},
            sleepers=frozenset(sleepers),
        )
        meter.begin()
        return meter

    def test_load(self) -> None:
        """A node draws what it draws idle, and more with each core in use."""
        meter = self.meter()
        self.clock.advance(PART_S)
        meter.use("a", 2)
        self.clock.advance(PART_S)
        meter.use("a", 2)
        meter.use("b", 4)
        self.clock.advance(PART_S)
        meter.use("a", -4)
        self.clock.advance(PART_S)
        self.assertEqual(meter.drawn.shares()[:4], (200.0, 250.0, 400.0, 300.0))

    def test_sleeps(self) -> None:
        """
        One that may sleep does when it has been empty for so long, and is awake as
        soon as it is needed.
        """
        meter = self.meter("a")
        self.clock.pump([10, 90])
        meter.use("a", 4)
        self.clock.advance(PART_S)
        meter.use("a", -4)
        self.clock.advance(5)  # for too short a time
        meter.use("a", 4)
        self.clock.advance(95)
        self.assertEqual(meter.drawn.shares()[:3], (114.5, 300.0, 295.0))
        self.assertEqual(meter.asleep.shares()[:2], (0.45, 0.0))

    def test_off(self) -> None:
        """One that has lost its power draws none until it has it again."""
        meter = self.meter("a")
        meter.use("a", 4)
        self.clock.advance(PART_S)
        meter.use("a", -4)
        meter.switch("a", False)
        self.clock.advance(PART_S)
        meter.switch("a", True)
        meter.use("a", 4)
        self.clock.advance(PART_S)
        self.assertEqual(meter.drawn.shares()[:3], (300.0, 100.0, 300.0))
