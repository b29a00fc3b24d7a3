"""What a cluster was told is not undone by who knows less."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.networks import NetworkChanges, NetworkPosition
from euca_tw.cc.newer_state import NewestState
from euca_tw.store.memory import MemoryStore


def changes(epoch: str, revision: int, **given: Any) -> NetworkChanges:
    return NetworkChanges(
        epoch=epoch,
        since=0,
        sequence=9,
        is_full=given.pop("is_full", True),
        part=0,
        is_last=True,
        revision=revision,
        **given,
    )


class NewestStateTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = MemoryStore()
        self.newest = NewestState("north", self.store)

    def keep(self, told: NetworkChanges) -> None:
        self.successResultOf(Deferred.fromCoroutine(self.newest.keep(told)))

    def test_first(self) -> None:
        """Who was never told anything takes what he is told first."""
        self.assertTrue(self.newest.lets(changes("a", 1)))
        position = self.newest.with_told(NetworkPosition(sequence=0))
        self.assertIsNone(position.told_epoch)

    def test_kept(self) -> None:
        """What was told last is said in positions, also after a restart."""
        self.keep(changes("a", 4))
        again = NewestState("north", self.store)
        position = again.with_told(NetworkPosition(sequence=0))
        self.assertEqual((position.told_epoch, position.told_revision), ("a", 4))
        self.assertEqual((position.epoch, position.sequence), (None, 0))

    def test_same_run(self) -> None:
        """The run that told it may tell all again, and parts at any time."""
        self.keep(changes("a", 4))
        self.assertTrue(self.newest.lets(changes("a", 5)))
        self.assertTrue(self.newest.lets(changes("b", 5, is_full=False)))

    def test_another_run(self) -> None:
        """Another must name what it replaces, and exactly that."""
        self.keep(changes("a", 4))
        for named in (None, None), ("a", 3), ("a", 5), ("b", 4):
            told = changes("b", 9, replaces_epoch=named[0], replaces_revision=named[1])
            self.assertFalse(self.newest.lets(told), named)
        told = changes("b", 9, replaces_epoch="a", replaces_revision=4)
        self.assertTrue(self.newest.lets(told))
