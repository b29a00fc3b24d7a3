"""Long lists in steps."""

from __future__ import annotations

from twisted.internet.defer import ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.pace import LONGEST_S, STEP, Turn, paced, steps


class StepsTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """A part has as much as fits in a step, and what is more is one by itself."""
        self.assertEqual(list(map(len, steps(range(STEP + 1)))), [STEP, 1])
        half = STEP // 2
        for weights, parts in (
            ((), []),
            ((1, 2), [[1, 2]]),
            ((half, half, 1), [[half, half], [1]]),
            ((STEP + 1, 1, STEP, STEP), [[STEP + 1], [1], [STEP], [STEP]]),
        ):
            told = [list(part) for part in steps(weights, lambda weight: weight)]
            self.assertEqual(told, parts)


class PacedTests(SynchronousTestCase):
    def test_few(self) -> None:
        """Few things are made at once."""
        made = ensureDeferred(paced(Clock(), [1, 2], str))
        self.assertEqual(self.successResultOf(made), ["1", "2"])

    def test_slow(self) -> None:
        """Of things that take long, as many are made in a step as there is time for."""
        clock, begun = Clock(), []

        def make(thing: int) -> None:
            begun.append(thing)
            clock.rightNow += 0.6 * LONGEST_S

        made = ensureDeferred(paced(clock, range(5), make))
        told = []
        while not made.called:
            told.append(len(begun))
            [call] = clock.calls
            clock.calls.clear()
            call.called = 1
            call.func(*call.args, **call.kw)
        self.successResultOf(made)
        self.assertEqual((told, len(begun)), ([2, 4], 5))

    def test_clock_set_back(self) -> None:
        """A clock that is set back makes no step longer."""
        clock = Clock()
        turn = Turn(clock)
        self.assertFalse(turn.is_over())
        clock.rightNow -= 3600
        self.assertTrue(turn.is_over())

    def test_many(self) -> None:
        """Of many, some are made in each reactor step."""
        clock, begun = Clock(), []
        made = ensureDeferred(paced(clock, range(2 * STEP + 1), begun.append))
        self.assertEqual(len(begun), STEP)
        self.assertNoResult(made)
        clock.advance(0)
        self.assertEqual(len(self.successResultOf(made)), 2 * STEP + 1)
