"""Tests of L{euca_tw.common.garbage}."""

from __future__ import annotations

import gc
from weakref import ref

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.garbage import Garbage

FEW = 5000


class Ring:
    """Refers to itself."""

    def __init__(self) -> None:
        self.ring = self


class GarbageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.addCleanup(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(700, 10, 10)  # whatever the tests themselves are run with
        self.garbage = self.begun(rounds=1000)

    def begun(self, rounds: int) -> Garbage:
        garbage = Garbage(few=FEW, rounds=rounds)
        garbage.begin()
        self.addCleanup(garbage.end)
        return garbage

    def came(self) -> list[list[int]]:
        """More than few objects, which the collector has looked at."""
        many = [[number] for number in range(2 * FEW)]
        gc.collect()
        return many

    def test_what_is_there(self) -> None:
        """What is there at first is looked through no more."""
        self.assertLess(len(gc.get_objects()), FEW)

    def test_what_stays(self) -> None:
        """Nor is what came later and stays; without being asked."""
        stays = [[number] for number in range(40 * FEW)]
        self.assertLess(len(gc.get_objects()), 20 * FEW)
        del stays

    def test_few(self) -> None:
        """A little that stays is left to the collector: there may be garbage yet."""
        frozen = gc.get_freeze_count()
        stays = [[number] for number in range(10)]
        gc.collect()
        self.assertLessEqual(gc.get_freeze_count(), frozen)
        del stays

    def test_freed(self) -> None:
        """What was put aside is freed when nobody has it any more."""
        stays = self.came()
        frozen = gc.get_freeze_count()
        del stays
        self.assertLess(gc.get_freeze_count(), frozen - FEW)

    def test_cycle(self) -> None:
        """A cycle that was put aside is found when its time has come."""
        self.garbage.end()
        self.begun(rounds=2)
        ring = Ring()
        gone = ref(ring)
        first = self.came()
        del ring
        gc.collect()
        self.assertIsNotNone(gone())
        second = self.came()
        gc.collect()
        self.assertIsNone(gone())
        del first, second

    def test_twice(self) -> None:
        """To begin twice is to begin once."""
        self.garbage.begin()
        self.assertEqual(gc.callbacks.count(self.garbage._looked), 1)
