"""Tests of L{euca_tw.common.watch}."""

from __future__ import annotations

from itertools import product
from random import Random

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.silence import (
    AUTOMATIC,
    DECLARERS,
    MOST_S,
    Silence,
    declares_itself,
    left_s,
)
from euca_tw.common.watch import Watch


class Unreachable(Exception):
    pass


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[Deferred[None]] = []
        self.silences: list[float] = []
        self.unheard: list[float] = []
        self.watch = Watch(
            name="north",
            clock=self.clock,
            random=Random(1),
            ask=self.ask,
            failures=(Unreachable,),
            silent=lambda: self.silences.append(self.clock.seconds()),
            silent_after_s=30,
            unheard=lambda: self.unheard.append(self.watch.silence.seconds),
            first_s=1,
            ceiling_s=4,
        )

    def ask(self) -> Deferred[None]:
        self.asked.append(Deferred())
        return self.asked[-1]

    def fail_for(self, seconds: float) -> None:
        until = self.clock.seconds() + seconds
        while self.clock.seconds() < until:
            if not self.asked[-1].called:
                self.asked[-1].errback(Unreachable())
            self.clock.advance(0.5)

    def test_asks_again_at_once(self) -> None:
        """After an answer the next question is asked without delay."""
        self.watch.start()
        for _ in range(3):
            self.asked[-1].callback(None)
        self.assertEqual(len(self.asked), 4)

    def test_back_off(self) -> None:
        """After failures the questions come ever slower, up to a ceiling."""
        self.watch.start()
        self.fail_for(60)
        self.assertGreater(len(self.asked), 60 / 4.8)
        self.assertLess(len(self.asked), 25)

    def test_reset(self) -> None:
        """An answer ends the back-off."""
        self.watch.start()
        self.fail_for(60)
        self.clock.advance(5)
        self.asked[-1].callback(None)
        count = len(self.asked)
        self.asked[-1].errback(Unreachable())
        self.clock.advance(1.2)
        self.assertEqual(len(self.asked), count + 1)

    def test_silent(self) -> None:
        """Silence is told once, so long after the first failure."""
        self.watch.start()
        self.asked[-1].callback(None)
        self.clock.advance(100)
        self.assertEqual(self.silences, [])
        self.fail_for(100)
        self.assertEqual(self.silences, [130])

    def test_never_heard(self) -> None:
        """Who does not answer from the start is silent after that time too."""
        self.watch.start()
        self.clock.advance(30)
        self.assertEqual(self.silences, [30])

    def test_silent_again(self) -> None:
        """Who was heard in between is silent anew."""
        self.watch.start()
        self.fail_for(40)
        self.clock.advance(5)
        self.asked[-1].callback(None)
        self.fail_for(40)
        self.assertEqual(len(self.silences), 2)

    def test_unheard(self) -> None:
        """After each failure it is told how long nothing was heard."""
        self.watch.start()
        self.fail_for(60)
        self.assertEqual(self.unheard, sorted(self.unheard))
        self.assertGreater(self.unheard[-1], 50)
        self.clock.advance(5)
        self.asked[-1].callback(None)
        self.asked[-1].errback(Unreachable())
        self.assertEqual(self.unheard[-1], 0)

    def test_bug(self) -> None:
        """A bug in asking is logged, and asked again all the same."""
        self.watch.start()
        self.asked[-1].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.clock.advance(1.2)
        self.assertEqual(len(self.asked), 2)

    def test_broken_off(self) -> None:
        """A question that somebody else breaks off is asked again."""
        self.watch.start()
        self.asked[-1].errback(CancelledError())
        self.clock.advance(1.2)
        self.assertEqual(len(self.asked), 2)

    def test_stop(self) -> None:
        """A stop cuts the question and leaves nothing behind."""
        self.watch.start()
        self.successResultOf(self.watch.stop())
        self.assertTrue(self.asked[-1].called)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.asked), 1)


class SilenceTests(SynchronousTestCase):
    """How long a peer is known to be silent."""

    def setUp(self) -> None:
        self.silence = Silence()

    def test_counted(self) -> None:
        """It is counted from failure to failure, and an answer ends it."""
        for now in (100, 110, 130):
            self.silence.failed(now)
        self.assertEqual(self.silence.seconds, 30)
        self.silence.heard()
        self.assertEqual(self.silence.seconds, 0)
        self.silence.failed(500)
        self.assertEqual(self.silence.seconds, 0)

    def test_nobody_listened(self) -> None:
        """A clock that leaps, either way, makes up no silence."""
        self.silence.failed(0)
        self.silence.failed(86400)
        self.assertEqual(self.silence.seconds, MOST_S)
        self.silence.failed(100)
        self.assertEqual(self.silence.seconds, MOST_S)

    def test_left(self) -> None:
        """What is left until it may be declared lost is never less than nothing."""
        for seconds, left in ((0, 900), (899, 1), (900, 0), (2000, 0)):
            self.assertEqual(left_s(seconds, 900), left)

    def test_declares_itself(self) -> None:
        """
        Without an operator only where that is the policy, its time has come, and
        no more than half of all are silent.
        """
        for policy, seconds, silent, among in product(
            DECLARERS, (0, 899, 900), range(1, 6), range(1, 6)
        ):
            self.assertEqual(
                declares_itself(policy, seconds, 900, silent, among),
                policy == AUTOMATIC and seconds >= 900 and silent / among <= 0.5,
            )
