"""Tests of L{euca_tw.common.changes}."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common import changes
from euca_tw.common.changes import Changes, Delta


class ChangesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.changes: Changes[str] = Changes(self.clock, "first")

    def wait(self, since: int, epoch: str | None = "first") -> Deferred[Delta[str]]:
        return Deferred.fromCoroutine(self.changes.wait(epoch, since, 60))

    def test_first_is_full(self) -> None:
        """Who asks without an epoch is told everything, at once."""
        self.changes.put("a", "1")
        told = self.successResultOf(self.wait(0, None))
        self.assertEqual(
            told,
            Delta(epoch="first", sequence=1, is_full=True, values=("1",), forgotten=()),
        )

    def test_delta(self) -> None:
        """Who knows some is told what changed after that, in order."""
        for key, value in (("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")):
            self.changes.put(key, value)
        told = self.successResultOf(self.wait(2))
        self.assertEqual((told.values, told.is_full), (("3", "4"), False))

    def test_same_is_no_change(self) -> None:
        """To put what is there changes nothing."""
        self.changes.put("a", "1")
        self.changes.put("a", "1")
        self.assertEqual(self.changes.sequence, 1)
        self.assertEqual(self.changes.get("a"), "1")
        self.assertIsNone(self.changes.get("b"))

    def test_waits_for_a_change(self) -> None:
        """Who knows all waits, and hears of a change in the next turn."""
        waiting = self.wait(0)
        self.assertNoResult(waiting)
        self.changes.put("a", "1")
        self.changes.put("b", "2")
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(waiting).values, ("1", "2"))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_waits_no_longer_than_asked(self) -> None:
        """An answer without changes comes when time is up."""
        waiting = self.wait(0)
        self.clock.advance(60)
        told = self.successResultOf(waiting)
        self.assertEqual((told.values, told.is_full, told.sequence), ((), False, 0))

    def test_touch(self) -> None:
        """What goes with every answer may change too."""
        waiting = self.wait(0)
        self.changes.touch()
        self.clock.advance(0)
        self.assertEqual(self.successResultOf(waiting).sequence, 1)

    def test_forgotten(self) -> None:
        """What is dropped is told as forgotten, unless it comes back."""
        self.changes.put("a", "1")
        self.changes.put("b", "2")
        self.changes.drop("a")
        self.changes.drop("never there")
        told = self.successResultOf(self.wait(2))
        self.assertEqual((told.values, told.forgotten), ((), ("a",)))
        self.changes.put("a", "3")
        told = self.successResultOf(self.wait(2))
        self.assertEqual((told.values, told.forgotten), (("3",), ()))

    def test_other_epoch(self) -> None:
        """A number of another epoch, or of the future, says nothing."""
        self.changes.put("a", "1")
        self.assertTrue(self.successResultOf(self.wait(1, "other")).is_full)
        self.assertTrue(self.successResultOf(self.wait(7)).is_full)

    def test_begin(self) -> None:
        """With another epoch everybody is told everything again."""
        self.changes.put("a", "1")
        waiting = self.wait(1)
        self.changes.begin("second")
        self.clock.advance(0)
        told = self.successResultOf(waiting)
        self.assertEqual(
            (told.epoch, told.is_full, told.values), ("second", True, ("1",))
        )

    def test_too_old(self) -> None:
        """Who missed what is not remembered as forgotten is told everything."""
        self.patch(changes, "_FORGOTTEN_KEPT", 2)
        for key in "abcd":
            self.changes.put(key, key)
        for key in "abc":
            self.changes.drop(key)
        self.assertTrue(self.successResultOf(self.wait(4)).is_full)
        told = self.successResultOf(self.wait(5))
        self.assertEqual((told.is_full, told.forgotten), (False, ("b", "c")))

    def test_heard(self) -> None:
        """What was told is heard when the caller asks from there."""
        self.changes.put("a", "1")
        self.assertFalse(self.changes.is_heard("a"))
        self.successResultOf(self.wait(0, None))
        self.assertFalse(self.changes.is_heard("a"))
        self.wait(1)
        self.assertTrue(self.changes.is_heard("a"))
        self.assertTrue(self.changes.is_heard("what nobody needs to hear"))
        self.changes.put("a", "2")
        self.assertFalse(self.changes.is_heard("a"))
        self.changes.stop()

    def test_future_is_not_heard(self) -> None:
        """Nobody has heard what was not told yet."""
        self.wait(9)
        self.changes.put("a", "1")
        self.assertFalse(self.changes.is_heard("a"))

    def test_cancelled(self) -> None:
        """A caller that is gone leaves nothing behind."""
        waiting = self.wait(0)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.changes.put("a", "1")
        self.clock.advance(0)

    def test_stop(self) -> None:
        """At a stop all who wait are answered."""
        waiting = self.wait(0)
        self.changes.put("a", "1")
        self.changes.stop()
        self.successResultOf(waiting)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertIn("a", self.changes)
