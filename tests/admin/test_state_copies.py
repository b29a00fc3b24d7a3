"""Copies of a store for who asks."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.client import Refused
from euca_tw.admin.state_copies import COPY, StateCopies
from euca_tw.store.interfaces import StoreUnusable
from euca_tw.store.memory import MemoryStore


class SlowlyCopied(MemoryStore):
    """Whose copies are made when the test says so."""

    def copy_to(self, path: Path) -> Deferred[None]:
        self.copying: Deferred[None] = Deferred()
        return self.copying


class StateCopiesTests(SynchronousTestCase):
    def test_one_at_a_time(self) -> None:
        """Who asks while a copy is being made is refused; then it is made again."""
        store, directory = SlowlyCopied(), Path(self.mktemp())
        copies = StateCopies(store, directory)
        first = Deferred.fromCoroutine(copies.make())
        self.failureResultOf(Deferred.fromCoroutine(copies.make()), Refused)
        store.copying.callback(None)
        path = self.successResultOf(first)
        self.assertEqual(path, str((directory / COPY).absolute()))
        again = Deferred.fromCoroutine(copies.make())
        store.copying.errback(StoreUnusable("the disk is full"))
        self.failureResultOf(again, StoreUnusable)
        third = Deferred.fromCoroutine(copies.make())
        store.copying.callback(None)
        self.successResultOf(third)
