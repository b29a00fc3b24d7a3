"""Tests of L{euca_tw.vnet.carrying}."""

from __future__ import annotations

from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import View
from euca_tw.vnet.carrying import Carrying
from euca_tw.vnet.interfaces import NetworkFailed

ONE, TWO, THREE = (View(here=name) for name in ("one", "two", "three"))


class CarryingTests(SynchronousTestCase):
    """L{Carrying}."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.applied: list[str] = []
        self.waiting: list[Deferred[None]] = []
        self.changes = 0
        self.carrying = Carrying(
            clock=self.clock,
            random=Random(1),
            apply=self.apply,
            changed=self.changed,
        )

    def apply(self, view: View) -> Deferred[None]:
        self.applied.append(view.here)
        self.waiting.append(Deferred())
        return self.waiting[-1]

    def changed(self) -> None:
        self.changes += 1

    def done(self, error: Exception | None = None) -> None:
        waiting = self.waiting.pop()
        if error is None:
            waiting.callback(None)
        else:
            waiting.errback(error)

    def test_last_counts(self) -> None:
        """One is applied at a time, and of those that come meanwhile the last."""
        self.carrying.start()
        for view in (ONE, TWO, THREE):
            self.carrying.carry(view)
        self.assertEqual(self.applied, ["one"])
        self.done()
        self.assertEqual(self.applied, ["one", "three"])
        self.assertIs(self.carrying.carried, ONE)
        self.done()
        self.assertIs(self.carrying.carried, THREE)
        self.assertEqual(self.changes, 2)

    def test_before_start(self) -> None:
        """What came before the start is carried then; nothing, if nothing came."""
        self.carrying.start()
        self.assertEqual(self.applied, [])
        self.carrying.stop()
        self.carrying.carry(ONE)
        self.assertEqual(self.applied, [])
        self.carrying.start()
        self.assertEqual(self.applied, ["one"])

    def test_again(self) -> None:
        """What fails is tried again, less and less often, and said once."""
        self.carrying.start()
        self.carrying.carry(ONE)
        for _ in range(5):
            self.done(NetworkFailed("no room"))
            self.assertEqual(self.carrying.trouble, "no room")
            self.clock.pump([0.1] * 250)
        self.assertEqual(self.applied, ["one"] * 6)
        self.done()
        self.assertEqual(self.carrying.trouble, "")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_another_at_once(self) -> None:
        """Another view is tried at once, though the one before failed."""
        self.carrying.start()
        self.carrying.carry(ONE)
        self.done(NetworkFailed("no room"))
        self.carrying.carry(TWO)
        self.assertEqual(self.applied, ["one", "two"])

    def test_fault(self) -> None:
        """What fails of a fault of ours is logged once, and tried again too."""
        self.carrying.start()
        self.carrying.carry(ONE)
        for _ in range(3):
            self.done(KeyError("evb000007"))
            self.assertIn("its log", self.carrying.trouble)
            self.assertNotIn("evb000007", self.carrying.trouble)
            self.clock.pump([0.1] * 100)
        [_] = self.flushLoggedErrors(KeyError)
        self.assertEqual(self.applied, ["one"] * 4)
        self.done()
        self.assertEqual(self.carrying.trouble, "")

    def test_doubted(self) -> None:
        """What is carried is made sure of when it is doubted; once, if all is well."""
        self.carrying.make_sure()
        self.carrying.start()
        self.carrying.make_sure()
        self.assertEqual(self.applied, [])
        self.carrying.carry(ONE)
        self.done()
        self.carrying.make_sure()
        self.assertEqual(self.applied, ["one", "one"])
        self.carrying.make_sure()
        self.done()
        self.assertEqual(self.applied, ["one", "one", "one"])
        self.done(NetworkFailed("no room"))
        self.clock.advance(1)
        self.assertEqual(self.applied, ["one"] * 4)
        self.done()
        self.clock.advance(100)
        self.assertEqual(self.applied, ["one"] * 4)

    def test_stop(self) -> None:
        """Stopped, nothing more is tried."""
        self.carrying.start()
        self.carrying.carry(ONE)
        self.done(NetworkFailed("no room"))
        self.successResultOf(self.carrying.stop())
        self.clock.advance(100)
        self.assertEqual(self.applied, ["one"])
        self.assertEqual(self.clock.getDelayedCalls(), [])
