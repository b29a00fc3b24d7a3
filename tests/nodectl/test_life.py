"""Tests of L{euca_tw.nodectl.life}."""

from __future__ import annotations

from itertools import product

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.lifecycle import Phase
from euca_tw.nodectl.life import FOLLOWS, Life, phase_of


class LifeTests(SynchronousTestCase):
    def test_complete(self) -> None:
        """Of every step it is said what may follow."""
        self.assertEqual(set(FOLLOWS), set(Life))

    def test_every_life_ends(self) -> None:
        """From everywhere an end can be reached, and from there nothing."""
        self.assertEqual(FOLLOWS[Life.TERMINATED], frozenset())
        for life in set(Life) - {Life.TERMINATED, Life.SHUTTING_DOWN}:
            self.assertIn(Life.SHUTTING_DOWN, FOLLOWS[life])
        self.assertEqual(FOLLOWS[Life.SHUTTING_DOWN], {Life.TERMINATED})

    def test_all_are_reached(self) -> None:
        """Every step can be come to from the first."""
        reached, new = set[Life](), {Life.STAGING}
        while new:
            reached |= new
            new = {each for life in new for each in FOLLOWS[life]} - reached
        self.assertEqual(reached, set(Life))

    def test_phases_go_forward(self) -> None:
        """What is told goes forward only, whatever steps there are."""
        order = [Phase.PENDING, Phase.EXTANT, Phase.TEARDOWN]
        for life, has_run in product(Life, (False, True)):
            before = order.index(phase_of(life, has_run))
            for after in FOLLOWS[life]:
                has_run_after = has_run or after is Life.RUNNING
                now = order.index(phase_of(after, has_run_after))
                self.assertGreaterEqual(now, before, f"{life} to {after}")

    def test_not_told_to_run(self) -> None:
        """What never ran is never told to run, on its way out neither."""
        self.assertIs(phase_of(Life.SHUTTING_DOWN, has_run=False), Phase.PENDING)
