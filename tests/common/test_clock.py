"""Tests for L{euca_tw.common.clock}."""

from __future__ import annotations

from twisted.internet.base import ReactorBase
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.clock import (
    SLEWED,
    SteadyClock,
    make_steady,
    utc_now,
    wall_now,
    wall_seconds,
)


class Machine:
    """@ivar wall, counted: what its clocks have."""

    def __init__(self) -> None:
        self.wall, self.counted = 1_800_000_000.0, 50.0
        self.clock = SteadyClock(lambda: self.wall, lambda: self.counted)

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.counted += seconds


class SteadyClockTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.machine = Machine()
        self.clock = self.machine.clock

    def test_goes(self) -> None:
        """It has what the machine's clock has, as long as nobody sets that."""
        for seconds in (0.0, 0.001, 3600.0):
            self.machine.passes(seconds)
            self.assertAlmostEqual(self.clock.seconds(), self.machine.wall, places=4)

    def test_never_jumps(self) -> None:
        """When the machine's clock is set, forth or back, it goes on as before."""
        for step in (600.0, -600.0):
            before = self.clock.seconds()
            self.machine.wall += step
            self.assertEqual(self.clock.seconds(), before)
            self.machine.passes(10)
            passed = self.clock.seconds() - before
            self.assertLessEqual(abs(passed - 10), 10 * SLEWED + 1e-6)
            self.machine.wall -= step

    def test_follows(self) -> None:
        """It comes to what the machine's clock was set to, little by little."""
        for step in (30.0, -30.0):
            self.machine.wall += step
            for _ in range(int(30 / SLEWED) + 1):
                self.machine.passes(1)
                self.clock.seconds()
            self.assertAlmostEqual(self.clock.seconds(), self.machine.wall, places=4)


class MakeSteadyTests(SynchronousTestCase):
    def test_dates(self) -> None:
        """
        Deadlines go by the steady clock, and what others must agree on by the
        machine's.
        """
        machine, reactor = Machine(), Clock()
        make_steady(reactor, machine.clock)
        machine.wall += 600
        self.assertEqual(wall_seconds(reactor) - reactor.seconds(), 600)
        self.assertEqual((wall_now(reactor) - utc_now(reactor)).total_seconds(), 600)

    def test_one_clock(self) -> None:
        """Where there is but one clock, both go by it."""
        clock = Clock()
        clock.advance(7)
        self.assertEqual(wall_now(clock), utc_now(clock))

    def test_deadline(self) -> None:
        """
        What a reactor is to call later it calls when that much time has gone by,
        and neither sooner nor later when the machine's clock is set.
        """

        class Reactor(ReactorBase):
            def installWaker(self) -> None:
                """It is never woken."""

        machine = Machine()
        reactor = Reactor()
        make_steady(reactor, machine.clock)
        called: list[None] = []
        reactor.callLater(100, called.append, None)
        machine.wall += 3600
        reactor.runUntilCurrent()
        self.assertEqual(called, [])
        machine.wall -= 7200
        machine.passes(100 / (1 - SLEWED))
        reactor.runUntilCurrent()
        self.assertEqual(called, [None])
