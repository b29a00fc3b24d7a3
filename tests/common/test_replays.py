"""L{MemoryReplays} is a memory of messages; and what such memories count by."""

from __future__ import annotations

from datetime import datetime, timedelta

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.replays import (
    STEP_S,
    Bounds,
    Entry,
    MemoryReplays,
    Tally,
    second_of,
)
from tests.suites.replays import ALICE, BOB, NOW, after, make_ireplays_tests, taking


def opened(case: SynchronousTestCase, bounds: Bounds, since: datetime) -> MemoryReplays:
    return MemoryReplays(bounds, second_of(since))


class MemoryReplaysTests(make_ireplays_tests(opened)):  # type: ignore[misc]
    """The suite, in memory."""

    def test_bounded(self) -> None:
        """What has ended is forgotten."""
        replays = MemoryReplays()
        for number in range(5000):
            self.take(replays, b"%d" % number, made=after(number))
        self.assertLess(len(replays), 400)

    def test_no_beginning(self) -> None:
        """Unless told, its time has no beginning."""
        early = NOW - timedelta(days=10_000)
        self.assertEqual(self.take(MemoryReplays(), made=early), "FRESH")
        self.successResultOf(taking(MemoryReplays(), made=early))


class EntryTests(SynchronousTestCase):
    def entry(self, made: float = 0, end: float = 300, value: bytes = b"v") -> Entry:
        return Entry.of(owner=ALICE, value=value, made=after(made), end=after(end))

    def test_life(self) -> None:
        """It lives to its end, at least, from the second in which it was made."""
        for made, end in ((0, 300), (0.75, 300.75), (0.75, 0.8), (10, 320), (5, 5.5)):
            entry = self.entry(made, end)
            self.assertGreaterEqual(entry.made + entry.life, after(end).timestamp())
            self.assertLess(entry.life, end - made + STEP_S + 1)
        self.assertEqual(self.entry(10, 5).life, 0)

    def test_same(self) -> None:
        """
        It is the same whatever its end and to whomever it counts; and short,
        whatever it is made of.
        """
        self.assertEqual(self.entry(end=300), self.entry(end=10))
        self.assertNotEqual(self.entry(1), self.entry(2))
        bobs = Entry.of(owner=BOB, value=b"v", made=NOW, end=NOW)
        self.assertEqual(self.entry(), bobs)
        self.assertEqual(len({self.entry(), bobs}), 1)
        self.assertNotEqual(self.entry(), self.entry(value=b"w"))
        long = Entry.of(owner=b"o" * 1000, value=b"v" * 1000, made=NOW, end=NOW)
        self.assertEqual((len(long.owner), len(long.value)), (8, 16))


class TallyTests(SynchronousTestCase):
    """Counts by time."""

    def setUp(self) -> None:
        self.tally = Tally(Bounds(of_one=2, of_all=3))

    def test_add_and_remove(self) -> None:
        """What is taken back does not count; what does not count stays so."""
        self.tally.add(100, ALICE, 2)
        self.assertFalse(self.tally.has_room(ALICE))
        self.assertTrue(self.tally.has_room(BOB))
        self.tally.remove(100, ALICE)
        self.assertTrue(self.tally.has_room(ALICE))
        for made, owner in ((100, BOB), (1000, ALICE), (100, ALICE), (100, ALICE)):
            self.tally.remove(made, owner)
        self.assertEqual(len(self.tally), 0)

    def test_drop(self) -> None:
        """What was made before does not count, when its step is over."""
        self.tally.add(STEP_S - 1, ALICE)
        self.tally.add(STEP_S, ALICE)
        self.tally.add(STEP_S, BOB)
        self.tally.drop_before(STEP_S - 1)
        self.assertEqual(len(self.tally), 3)
        self.tally.drop_before(STEP_S)
        self.assertEqual(len(self.tally), 2)
        self.tally.remove(STEP_S - 1, ALICE)
        self.assertEqual(len(self.tally), 2)
