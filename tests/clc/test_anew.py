"""Tests of L{euca_tw.clc.anew}."""

from __future__ import annotations

from random import Random

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.anew import Anew
from euca_tw.store.interfaces import Conflict, Put
from euca_tw.store.memory import MemoryStore
from tests.suites.store import key_pair


class AnewTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.anew = Anew(clock=self.clock, random=Random(1), times=4)
        self.tried = 0
        self.conflicts = 2

    async def once(self) -> int:
        self.tried += 1
        if self.tried <= self.conflicts:
            raise Conflict
        return self.tried

    def decided(self) -> Deferred[int]:
        asked = ensureDeferred(self.anew.decide(self.once))
        for _ in range(100):
            self.clock.advance(0.1)
        return asked

    def test_at_once(self) -> None:
        """What nobody overtakes is decided once, at once."""
        self.conflicts = 0
        asked = ensureDeferred(self.anew.decide(self.once))
        self.assertEqual(self.successResultOf(asked), 1)

    def test_again(self) -> None:
        """What was overtaken is decided again."""
        self.assertEqual(self.successResultOf(self.decided()), 3)

    def test_too_often(self) -> None:
        """It is not tried without end."""
        self.conflicts = 10
        self.failureResultOf(self.decided(), Conflict)
        self.assertEqual(self.tried, 4)

    def test_commit(self) -> None:
        """Nothing is committed when there is nothing to be."""
        store = MemoryStore()
        for changes in [Put(key_pair("one"))], []:
            committed = ensureDeferred(
                self.anew.commit(store, lambda changes=changes: changes)  # type: ignore[misc]
            )
            self.assertIs(self.successResultOf(committed), bool(changes))
