"""Tests of L{euca_tw.overlay.modes}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.overlay.modes import trouble
from euca_tw.overlay.settings import MANAGED, STATIC, SYSTEM


class TroubleTests(SynchronousTestCase):
    """L{trouble}."""

    def test_none(self) -> None:
        """Instances of the mode that is set are no trouble, nor is to have none."""
        self.assertEqual(trouble(MANAGED, {}), "")
        self.assertEqual(trouble(STATIC, {"i-1": STATIC, "i-2": STATIC}), "")

    def test_others(self) -> None:
        """Those of another are named, with the way back."""
        said = trouble(MANAGED, {"i-2": STATIC, "i-1": STATIC, "i-3": MANAGED})
        self.assertIn("i-1, i-2 of static networks; and", said)
        self.assertIn("is managed (which it is if nothing is said)", said)
        self.assertIn('set mode = "static", terminate them', said)
        self.assertNotIn("i-3", said)

    def test_many(self) -> None:
        """Of many, a few are named; each mode that they have is."""
        living = {f"i-{number}": STATIC for number in range(9)}
        said = trouble(SYSTEM, {**living, "i-m": MANAGED})
        self.assertIn("i-3, i-4 and 4 more of static networks", said)
        self.assertIn("i-m of managed networks", said)
        self.assertIn('"static" or "managed"', said)
        self.assertNotIn("nothing is said", said)
