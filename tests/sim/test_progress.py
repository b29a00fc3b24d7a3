"""Tests for L{euca_tw.sim.progress}."""

from __future__ import annotations

from io import StringIO

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.sim.progress import ProgressBar, length, told


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


class ProgressTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def test_line(self) -> None:
        """It says how much is done, how long that took, and how long the rest takes."""
        line = told(0.25, 1500, 30)
        self.assertIn("25%, 1,500 launches, 0:30, 1:30 to go", line)
        self.assertNotIn("to go", told(0, 0, 30))
        self.assertNotIn("to go", told(1, 9, 30))

    def test_length(self) -> None:
        """Hours are told if there are any."""
        self.assertEqual(
            [length(s) for s in (0, 61.6, 3661)], ["0:00", "1:02", "1:01:01"]
        )

    def test_terminal(self) -> None:
        """A terminal has one line, which changes; at the end it stays."""
        into = Terminal()
        bar = ProgressBar(into, self.clock.seconds)
        for share in (0.1, 0.2, 1.0, 1.0):
            self.clock.advance(0.3)
            bar(share, 1)
        self.assertEqual(into.getvalue().count("\r"), 2)
        self.assertEqual(into.getvalue().count("\n"), 1)

    def test_log(self) -> None:
        """A log has a line now and then."""
        into = StringIO()
        bar = ProgressBar(into, self.clock.seconds)
        for n in range(100):
            self.clock.advance(1)
            bar(n / 100, n)
        self.assertEqual(into.getvalue().count("\n"), 3)
