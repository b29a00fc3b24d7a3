"""Tests of L{euca_tw.common.batch}."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.batch import Batch


class Broken(Exception):
    pass


class BatchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.sent: list[Sequence[int]] = []
        self.gate: Deferred[None] = Deferred()
        self.batch: Batch[int, int] = Batch(self.clock, self.send, limit=3)

    async def send(self, numbers: Sequence[int]) -> list[int]:
        self.sent.append(list(numbers))
        await self.gate
        return [number * 10 for number in numbers]

    def test_one_message(self) -> None:
        """What is asked in one turn is one message, and each gets its answer."""
        answers = [self.batch.ask(n) for n in (1, 2)]
        self.clock.advance(0)
        self.assertEqual(self.sent, [[1, 2]])
        self.gate.callback(None)
        self.assertEqual([self.successResultOf(a) for a in answers], [10, 20])

    def test_limit(self) -> None:
        """No message is longer than the limit."""
        for n in range(7):
            self.batch.ask(n)
        self.clock.advance(0)
        self.assertEqual(self.sent, [[0, 1, 2], [3, 4, 5], [6]])

    def test_failure(self) -> None:
        """What sending raises, all are told."""
        answers = [self.batch.ask(n) for n in (1, 2)]
        self.clock.advance(0)
        self.gate.errback(Broken())
        for answer in answers:
            self.failureResultOf(answer, Broken)

    def test_gone(self) -> None:
        """Who does not wait any more does not disturb the others."""
        gone, there = self.batch.ask(1), self.batch.ask(2)
        self.clock.advance(0)
        gone.cancel()
        self.failureResultOf(gone, CancelledError)
        self.gate.callback(None)
        self.assertEqual(self.successResultOf(there), 20)

    def test_stop(self) -> None:
        """What is under way is broken off at a stop."""
        answer = self.batch.ask(1)
        self.clock.advance(0)
        self.successResultOf(self.batch.stop())
        self.failureResultOf(answer, CancelledError)
