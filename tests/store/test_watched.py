"""Tests of L{euca_tw.store.watched}."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import Address
from euca_tw.store.interfaces import Change, Put, StoreUnusable
from euca_tw.store.memory import MemoryStore
from euca_tw.store.watched import WatchedStore
from tests.suites.store import address, make_istore_tests


def opened(case: SynchronousTestCase) -> WatchedStore:
    store = WatchedStore(MemoryStore())
    case.successResultOf(store.open())
    return store


class WatchedStoreTests(make_istore_tests(opened)):  # type: ignore[misc]
    """The suite, watched."""


class SlowStore(MemoryStore):
    """Whose commits fire when the test says so."""

    def commit(self, *changes: Change) -> Deferred[None]:
        self.waiting: Deferred[None] = Deferred()
        return self.waiting


class JoiningTests(SynchronousTestCase):
    """What is committed with each commit."""

    def test_joined(self) -> None:
        """It is in the same commit, sees what is kept, and is told of as well."""
        kept = MemoryStore()
        store, heard = WatchedStore(kept), []
        store.watch(heard.append)
        store.join(lambda _: (Put(address(f"after {len(store.all(Address))}")),))
        for name in "ab":
            self.successResultOf(store.commit(Put(address(name))))
        self.assertEqual(
            [each.public_ip for each in kept.all(Address)],
            ["a", "after 0", "b", "after 2"],
        )
        self.assertEqual([len(changes) for changes in heard], [2, 2])


class WatchingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.slow = SlowStore()
        self.store = WatchedStore(self.slow)
        self.heard: list[tuple[Change, ...]] = []
        self.store.watch(self.heard.append)
        self.change = Put(address("192.0.2.1"))

    def test_when_durable(self) -> None:
        """Who watches is told when a commit is durable, and not before."""
        done = self.store.commit(self.change)
        self.assertEqual(self.heard, [])
        self.slow.waiting.callback(None)
        self.assertEqual(self.heard, [(self.change,)])
        self.successResultOf(done)

    def test_nobody_waits(self) -> None:
        """Also of a commit that nobody waits for any more."""
        done = self.store.commit(self.change)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.slow.waiting.callback(None)
        self.assertEqual(self.heard, [(self.change,)])

    def test_failed(self) -> None:
        """What was not kept is not told of, but to who committed it."""
        done = self.store.commit(self.change)
        self.slow.waiting.errback(StoreUnusable("full"))
        self.assertEqual(self.heard, [])
        self.failureResultOf(done, StoreUnusable)
