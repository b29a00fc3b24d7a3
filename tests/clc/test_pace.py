"""Long lists in steps."""

from __future__ import annotations

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.pace import STEP, paced


class PacedTests(SynchronousTestCase):
    def test_few(self) -> None:
        """Few things are made at once."""
        made = ensureDeferred(paced(Clock(), [1, 2], str))
        self.assertEqual(self.successResultOf(made), ["1", "2"])

    def test_many(self) -> None:
        """Of many, some are made in each reactor step."""
        clock, begun = Clock(), []
        made = ensureDeferred(paced(clock, range(2 * STEP + 1), begun.append))
        self.assertEqual(len(begun), STEP)
        self.assertNoResult(made)
        clock.advance(0)
        self.assertEqual(len(self.successResultOf(made)), 2 * STEP + 1)
