"""Tests for L{euca_tw.sim.clock}."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.sim.clock import EventClock, MachineClock


class EventClockTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = EventClock(100.0)
        self.made: list[str] = []

    def all_until(self, until: float) -> list[str]:
        while self.clock.step(until):
            pass
        return self.made

    def test_interface(self) -> None:
        """It tells the time as a reactor does."""
        verifyObject(IReactorTime, self.clock)

    def test_order(self) -> None:
        """Calls come when they are due; those of one moment as they were asked for."""
        self.clock.callLater(2, self.made.append, "late")
        for name in "abc":
            self.clock.callLater(1, self.made.append, name)
        self.assertEqual(self.all_until(101.5), ["a", "b", "c"])
        self.assertEqual(self.clock.seconds(), 101.5)
        self.assertEqual(self.all_until(200), ["a", "b", "c", "late"])
        self.assertEqual(self.clock.steps, 4)

    def test_moment(self) -> None:
        """A call sees the moment that it is due at."""
        seen: list[float] = []
        self.clock.callLater(1.25, lambda: seen.append(self.clock.seconds()))
        self.all_until(110)
        self.assertEqual(seen, [101.25])

    def test_cancelled(self) -> None:
        """What is cancelled does not come, and cannot be cancelled again."""
        call = self.clock.callLater(1, self.made.append, "x")
        call.cancel()
        self.assertRaises(AlreadyCancelled, call.cancel)
        self.assertEqual(self.all_until(110), [])

    def test_called(self) -> None:
        """What has come is not active any more."""
        call = self.clock.callLater(0, self.made.append, "x")
        self.assertTrue(call.active())
        self.all_until(100)
        self.assertFalse(call.active())
        self.assertRaises(AlreadyCalled, call.cancel)

    def test_moved(self) -> None:
        """A call may be put off and brought forward, and comes once."""
        for name, move in (("off", 5.0), ("forward", 0.5)):
            call = self.clock.callLater(1, self.made.append, name)
            call.reset(move)
        self.assertEqual(self.all_until(101), ["forward"])
        self.assertEqual(self.all_until(120), ["forward", "off"])

    def test_past(self) -> None:
        """Nothing can be asked for that is over."""
        self.assertRaises(ValueError, self.clock.callLater, -1, self.made.append, "x")

    def test_as_twisted_has_it(self) -> None:
        """Whatever is asked, moved and cancelled: it does as Twisted's own clock."""
        theirs = Clock()
        theirs.rightNow = self.clock.seconds()
        by_theirs: list[tuple[float, int]] = []
        by_ours: list[tuple[float, int]] = []
        for clock, log in ((self.clock, by_ours), (theirs, by_theirs)):
            self.ask_at_random(clock, log)
        while self.clock.step(200):
            pass
        theirs.advance(100)
        self.assertEqual(sorted(by_ours), sorted(by_theirs))
        self.assertGreater(len(by_ours), 500)
        moments = [moment for moment, _ in by_ours]
        self.assertEqual(moments, sorted(moments))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def ask_at_random(self, clock: Any, log: list[tuple[float, int]]) -> None:
        random, calls = Random(5), []

        def note(n: int) -> None:
            log.append((calls[n].getTime(), n))

        for n in range(4000):
            calls.append(clock.callLater(random.choice((0, 1, 2.5, 40)), note, n))
            victim, chance = random.choice(calls), random.random()
            if victim.active() and chance < 0.6:
                victim.cancel()
            elif victim.active() and chance < 0.8:
                victim.reset(random.choice((0.25, 3, 50)))

    def test_swept(self) -> None:
        """What was cancelled does not pile up."""
        for _ in range(50_000):
            self.clock.callLater(60, self.made.append, "x").cancel()
        self.assertLess(len(self.clock._heap), 2000)


class MachineClockTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = EventClock(1000.0)
        self.clock = MachineClock(self.world)
        self.made: list[tuple[str, float]] = []

    def after(self, by: Any, delay: float, name: str) -> Any:
        return by.callLater(
            delay, lambda: self.made.append((name, self.world.seconds()))
        )

    def until(self, moment: float) -> list[tuple[str, float]]:
        while self.world.step(moment):
            pass
        return self.made

    def test_interface(self) -> None:
        """A daemon goes by something that tells the time as a reactor does."""
        self.clock.set(1.0)
        verifyObject(IReactorTime, self.clock.steady())

    def test_right(self) -> None:
        """One that was not set is right."""
        self.assertEqual(self.clock.seconds(), 1000.0)
        self.assertTrue(self.clock.is_right)
        self.assertIs(self.clock.steady(), self.world)

    def test_set(self) -> None:
        """Who has started is not concerned when it is set; who starts then, is."""
        before = self.clock.steady()
        self.after(before, 5, "a")
        self.clock.set(-100.0)
        self.assertEqual(self.clock.seconds(), 900.0)
        self.assertEqual(before.seconds(), 1000.0)
        after = self.clock.steady()
        self.assertEqual(after.seconds(), 900.0)
        self.clock.set(0.0)
        call = self.after(after, 6, "b")
        self.assertEqual(call.getTime(), 906.0)
        self.assertEqual(after.getDelayedCalls(), [call])
        self.assertEqual(self.until(2000), [("a", 1005.0), ("b", 1006.0)])
        self.assertEqual(after.seconds(), 1900.0)

    def test_drift(self) -> None:
        """One that gains a tenth is ten seconds ahead after a hundred."""
        self.clock.set(0.0, 100_000.0)
        self.until(1100)
        self.assertEqual(self.clock.seconds(), 1110.0)

    def test_moved(self) -> None:
        """A call is put off and brought forward by the seconds that go by."""
        self.clock.set(50.0)
        clock = self.clock.steady()
        self.after(clock, 11, "reset").reset(22)
        self.after(clock, 11, "delay").delay(22)
        self.assertEqual(self.until(1100), [("reset", 1022.0), ("delay", 1033.0)])
