"""Tests of L{euca_tw.common.watch}."""

from __future__ import annotations

from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.watch import Watch


class Unreachable(Exception):
    pass


class WatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.asked: list[Deferred[None]] = []
        self.silences: list[float] = []
        self.watch = Watch(
            name="north",
            clock=self.clock,
            random=Random(1),
            ask=self.ask,
            failures=(Unreachable,),
            silent=lambda: self.silences.append(self.clock.seconds()),
            silent_after_s=30,
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

    def test_bug(self) -> None:
        """A bug in asking is logged, and asked again all the same."""
        self.watch.start()
        self.asked[-1].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.clock.advance(1.2)
        self.assertEqual(len(self.asked), 2)

    def test_stop(self) -> None:
        """A stop cuts the question and leaves nothing behind."""
        self.watch.start()
        self.successResultOf(self.watch.stop())
        self.assertTrue(self.asked[-1].called)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(len(self.asked), 1)
