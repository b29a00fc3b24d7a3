"""Tests of L{euca_tw.common.leading}."""

from __future__ import annotations

from random import Random

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.leading import Duty, Leading, MayAct
from tests.fakes.leases import MemoryLeases, Unreachable


class Process:
    """
    One that contends for C{north}, and notes what it does.

    @ivar is_stopped: its timers do not come, as by SIGSTOP.
    """

    def __init__(self, name: str, clock: Clock, leases: MemoryLeases) -> None:
        self.name = name
        self.world = clock
        self.clock = Clock()
        self.is_stopped = False
        self.may_act: MayAct = lambda: False
        self.acts: list[MayAct] = []
        self.ended = 0
        self.ending: Deferred[None] | None = None
        self.keeps = True
        self.prepared: Deferred[None] | None = None
        self.leading = Leading(
            leases=leases,
            holder=name,
            clock=self.clock,
            random=Random(name),
            monotonic=clock.seconds,
            prepare=lambda: self.prepared or succeed(None),
            keeps=lambda name: succeed(self.keeps),
            failures=(Unreachable,),
        )

    def start(self) -> None:
        self.leading.start([Duty("north", self.begin, self.end)])

    def begin(self, may_act: MayAct) -> None:
        self.may_act = may_act
        self.acts.append(may_act)

    def end(self) -> Deferred[None] | None:
        self.ended += 1
        return self.ending

    @property
    def works(self) -> bool:
        return len(self.acts) > self.ended


class LeadingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.leases = MemoryLeases(self.clock)
        self.one, self.two = (
            Process(name, self.clock, self.leases) for name in ("one", "two")
        )

    def pass_(self, seconds: float) -> None:
        """Time, in which never two may act."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            for each in (self.one, self.two):
                if not each.is_stopped:
                    each.clock.advance(self.clock.seconds() - each.clock.seconds())
            self.assertFalse(self.one.may_act() and self.two.may_act())

    def start(self) -> None:
        self.one.start()
        self.two.start()
        self.pass_(1)

    def test_one(self) -> None:
        """One process does it, for as long as it lives."""
        self.start()
        self.pass_(60)
        self.assertTrue(self.one.may_act())
        self.assertTrue(self.one.leading.leads("north"))
        self.assertEqual((len(self.one.acts), self.one.ended), (1, 0))
        self.assertFalse(self.two.works)
        self.assertFalse(self.two.leading.leads("north"))

    def test_death(self) -> None:
        """What a process did that died is done by another, within seconds."""
        self.start()
        self.one.is_stopped = True
        self.pass_(8)
        self.assertTrue(self.two.may_act())

    def test_stop(self) -> None:
        """A process that was stopped may not act when it goes on, and ends then."""
        self.start()
        self.one.is_stopped = True
        self.pass_(20)
        self.assertTrue(self.one.works)
        self.assertFalse(self.one.may_act())
        self.one.is_stopped = False
        self.pass_(0.2)
        self.assertFalse(self.one.works)
        self.assertTrue(self.two.may_act())

    def test_cut(self) -> None:
        """A process that cannot prolong ends before another can begin."""
        self.start()
        self.leases.is_cut = True
        self.pass_(10)
        self.assertFalse(self.one.works)
        self.leases.is_cut = False
        self.pass_(2)
        self.assertEqual(self.one.works + self.two.works, 1)

    def test_prolonged_too_late(self) -> None:
        """
        What ran out is begun anew, and does not go on, though it was prolonged before
        the alarm came, whose clock may be slower.
        """
        self.start()
        self.two.is_stopped = True
        self.leases.waiting = []
        self.pass_(3)
        late, self.leases.waiting = self.leases.waiting, None
        self.clock.advance(3)  # but not the alarm's
        self.assertFalse(self.one.may_act())
        for each in late:
            each.callback(None)
        self.pass_(3)
        self.assertEqual((len(self.one.acts), self.one.ended), (2, 1))
        self.assertEqual([each() for each in self.one.acts], [False, True])

    def test_late_answer(self) -> None:
        """A lease is counted from when it was asked for, not from the answer."""
        self.leases.waiting = []
        self.start()
        self.pass_(20)
        for each in self.leases.waiting:
            each.callback(None)
        self.assertFalse(self.one.may_act() or self.two.may_act())
        self.assertEqual(self.one.acts + self.two.acts, [])

    def test_gives_back(self) -> None:
        """Who ends well leaves nobody waiting."""
        self.start()
        self.one.ending = Deferred()
        stopped = Deferred.fromCoroutine(self.one.leading.stop())
        self.assertIn("north", self.leases.held)
        self.assertFalse(self.one.may_act())
        self.one.ending.callback(None)
        self.successResultOf(stopped)
        self.two.leading.nudge()
        self.assertTrue(self.two.may_act())

    def test_stop_while_asking(self) -> None:
        """It ends though it is not answered, whether it leads or not."""
        self.start()
        self.leases.waiting = []
        self.pass_(3)
        self.assertGreater(len(self.leases.waiting), 1)
        self.leases.waiting = None
        for each in (self.one, self.two):
            stopping = Deferred.fromCoroutine(each.leading.stop())
            self.assertIsNone(self.successResultOf(stopping))
        self.assertEqual(self.leases.held, {})
        self.pass_(10)
        self.assertFalse(self.one.works or self.two.works)

    def test_left_to_another(self) -> None:
        """What a process is not to keep is ended, and given back."""
        self.start()
        self.one.keeps = False
        self.pass_(4)
        self.assertEqual(self.one.ended, 1)
        self.assertTrue(self.two.may_act())

    def test_ends_before_it_begins(self) -> None:
        """Nothing is begun again before it has ended."""
        self.start()
        self.one.ending = Deferred()
        self.leases.is_cut = True
        self.pass_(10)
        self.two.is_stopped = True
        self.leases.is_cut = False
        self.pass_(10)
        self.assertEqual(len(self.one.acts), 1)
        self.one.ending.callback(None)
        self.pass_(2)
        self.assertEqual(len(self.one.acts), 2)
        self.assertEqual([each() for each in self.one.acts], [False, True])

    def test_slow_preparation(self) -> None:
        """What ran out before it was begun is not begun."""
        self.one.prepared = Deferred()
        self.start()
        self.two.is_stopped = True
        self.pass_(10)
        self.one.prepared.callback(None)
        self.assertFalse(self.one.works)

    def test_cannot_begin(self) -> None:
        """What a process fails to begin is left to others, and is in the log."""

        def fail(may_act: MayAct) -> None:
            raise OSError("no room")

        self.one.leading.start([Duty("north", fail, lambda: None)])
        self.two.start()
        self.pass_(10)
        self.assertTrue(self.two.may_act())
        self.assertGreater(len(self.flushLoggedErrors(OSError)), 0)
