"""What a test's daemons stand on is held to the suites of what it stands for."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import KeyPair
from euca_tw.store.interfaces import Delete, Put
from tests.fakes.clock import StepClock
from tests.suites.store import OWNER, key_pair, make_istore_tests
from tests.whole.mortal import Disk, DiskStore, Life


def _at_once(test: SynchronousTestCase) -> Any:
    store = DiskStore(Disk(), lambda do: do())
    test.successResultOf(store.open())
    return store


class DiskStoreTests(make_istore_tests(_at_once)):  # type: ignore[misc]
    """A store over a disk is a store."""


class DeathTests(SynchronousTestCase):
    def test_commit_that_was_not_written(self) -> None:
        """What was not on the disk when the daemon was killed is lost."""
        clock, disk = StepClock(), Disk()
        life = Life(clock)
        store = DiskStore(disk, lambda do: life.callLater(0, do))
        first = store.commit(Put(key_pair("first")))
        clock.step(0)
        self.successResultOf(first)
        second = store.commit(
            Put(key_pair("second")), Delete(KeyPair, f"{OWNER}/first")
        )
        life.end()
        clock.step(1)
        self.assertNoResult(second)
        after = DiskStore(disk, lambda do: do())
        after.open()
        self.assertEqual([each.name for each in after.all(KeyPair)], ["first"])

    def test_nothing_goes_on(self) -> None:
        """What a dead daemon waited for never comes."""
        clock = StepClock()
        life = Life(clock)
        rung: list[str] = []
        life.callLater(1, rung.append, "late")
        asked: Deferred[str] = Deferred()
        answer = life.forward(asked)
        life.end()
        asked.callback("too late")
        while clock.step(5):
            pass
        self.assertEqual(rung, [])
        self.assertNoResult(answer)
        life.callLater(0, rung.append, "posthumous")
        self.assertFalse(clock.step(5))
