"""Tests of L{euca_tw.clc.controllers}."""

from __future__ import annotations

from collections import Counter
from random import Random

from twisted.internet.defer import Deferred, ensureDeferred, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.controllers import Controllers, assigned
from euca_tw.store.memory import MemoryStore
from tests.fakes.leases import MemoryLeases

DUTIES = [f"zone {n}" for n in range(10)]


class AssignedTests(SynchronousTestCase):
    def test_evenly(self) -> None:
        """No controller has two duties more than another."""
        for many in range(1, 12):
            controllers = [f"c{n}" for n in range(many)]
            loads = Counter(assigned(DUTIES, controllers).values())
            counts = [loads[each] for each in controllers]
            self.assertLessEqual(max(counts) - min(counts), 1)

    def test_in_any_order(self) -> None:
        """All who ask are told the same."""
        self.assertEqual(
            assigned(DUTIES, ["a", "b", "c"]), assigned(DUTIES, ["c", "a", "b"])
        )


class OnceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.leases = MemoryLeases(self.clock)
        self.begun: list[str] = []

    def controllers(self, name: str) -> Controllers:
        return Controllers(
            store=MemoryStore(),
            leases=self.leases,
            current=lambda: succeed(None),
            clock=self.clock,
            random=Random(name),
            monotonic=self.clock.seconds,
            name=name,
            listen=name,
            host=name,
            pid=1,
        )

    def once(self, name: str, work: Deferred[None]) -> Deferred[None]:
        def begin() -> Deferred[None]:
            self.begun.append(name)
            return work

        return ensureDeferred(self.controllers(name).once("first start", begin))

    def pass_(self, seconds: float) -> None:
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)

    def test_nothing_to_wait_for(self) -> None:
        """Work that is done at once is done."""
        done = self.once("one", succeed(None))
        self.pass_(1)
        self.successResultOf(done)
        self.assertEqual(self.leases.held, {})

    def test_one_after_the_other(self) -> None:
        """Who comes later begins when the first has done it, however long it takes."""
        work: Deferred[None] = Deferred()
        first, second = self.once("one", work), self.once("two", succeed(None))
        self.pass_(60)
        self.assertEqual(self.begun, ["one"])
        work.callback(None)
        self.successResultOf(first)
        self.assertNoResult(second)
        self.pass_(2)
        self.successResultOf(second)
        self.assertEqual(self.begun, ["one", "two"])

    def test_failed(self) -> None:
        """Who fails is told why, and another may try."""
        work: Deferred[None] = Deferred()
        first = self.once("one", work)
        self.pass_(1)
        work.errback(OSError("no room"))
        self.failureResultOf(first, OSError)
        self.assertEqual(self.leases.held, {})
