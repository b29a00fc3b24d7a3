"""One at a time, of any number."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.one_at_a_time import OneAtATime


class OneAtATimeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.lock = OneAtATime()
        self.came: list[object] = []

    async def come(self, name: object, leave: Deferred[None]) -> None:
        async with self.lock:
            self.came.append(name)
            await leave

    def begin(self, name: object, leave: Deferred[None]) -> Deferred[None]:
        return Deferred.fromCoroutine(self.come(name, leave))

    def test_alone(self) -> None:
        """Who comes alone need not wait."""
        self.successResultOf(self.begin("a", succeed(None)))
        self.assertEqual(self.came, ["a"])
        self.assertFalse(self.lock.is_wanted)

    def test_order(self) -> None:
        """Who comes while another is there waits; they go in as they came."""
        leaves: list[Deferred[None]] = [Deferred() for _ in range(3)]
        for name, leave in enumerate(leaves):
            self.begin(name, leave)
        self.assertEqual(self.came, [0])
        leaves[0].callback(None)
        self.assertEqual(self.came, [0, 1])
        leaves[1].callback(None)
        self.assertEqual(self.came, [0, 1, 2])
        self.assertTrue(self.lock.is_wanted)
        leaves[2].callback(None)
        self.assertFalse(self.lock.is_wanted)

    def test_failure(self) -> None:
        """Who fails inside lets the next one in."""
        leave: Deferred[None] = Deferred()
        failing = self.begin("a", leave)
        self.begin("b", succeed(None))
        leave.errback(ZeroDivisionError())
        self.failureResultOf(failing, ZeroDivisionError)
        self.assertEqual(self.came, ["a", "b"])

    def test_cancelled(self) -> None:
        """Who gives up while he waits is passed over."""
        leave: Deferred[None] = Deferred()
        self.begin("a", leave)
        given_up = self.begin("b", succeed(None))
        last = self.begin("c", succeed(None))
        given_up.cancel()
        self.failureResultOf(given_up, CancelledError)
        leave.callback(None)
        self.successResultOf(last)
        self.assertEqual(self.came, ["a", "c"])

    def test_crowd(self) -> None:
        """Any number may wait that leave at once; nobody overtakes them."""
        leave: Deferred[None] = Deferred()
        self.begin(0, leave)
        crowd = [self.begin(n, succeed(None)) for n in range(1, 5000)]
        crowd[0].addCallback(lambda _: self.begin("late", succeed(None)))
        leave.callback(None)
        for each in crowd:
            self.successResultOf(each)
        self.assertEqual(self.came, [*range(5000), "late"])
        self.assertFalse(self.lock.is_wanted)
