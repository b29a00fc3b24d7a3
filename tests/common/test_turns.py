"""Tests for L{euca_tw.common.turns}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.turns import Turns
from tests.common.wires import TurningClock


class TurnsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = TurningClock()
        self.turns = Turns(self.clock)
        self.went: list[str] = []

    def ask(self, name: str) -> None:
        self.turns.ask(name, lambda: self.went.append(name))

    def test_one_a_turn(self) -> None:
        """In each turn of the reactor one goes on, in order."""
        for name in "abc":
            self.ask(name)
        self.assertEqual(self.went, [])
        for name in "abc":
            self.clock.advance(0)
            self.assertEqual(self.went[-1], name)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_again(self) -> None:
        """Who asks again comes after those that wait."""

        def again() -> None:
            self.went.append("a")
            self.ask("a")

        self.turns.ask("a", again)
        self.ask("b")
        self.clock.pump([0, 0, 0])
        self.assertEqual(self.went, ["a", "b", "a"])

    def test_leave(self) -> None:
        """Who leaves is not called, and nothing is left of the last one."""
        self.ask("a")
        self.ask("b")
        self.turns.leave("a")
        self.turns.leave("a")
        self.clock.advance(0)
        self.assertEqual(self.went, ["b"])
        self.ask("c")
        self.turns.leave("c")
        self.assertEqual(self.clock.getDelayedCalls(), [])
