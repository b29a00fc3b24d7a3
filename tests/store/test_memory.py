"""L{MemoryStore} is a store."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.store.memory import MemoryStore
from tests.suites.store import make_istore_tests


def opened(case: SynchronousTestCase) -> MemoryStore:
    store = MemoryStore()
    case.successResultOf(store.open())
    return store


class MemoryStoreTests(make_istore_tests(opened)):  # type: ignore[misc]
    """The suite, in memory."""
