"""Tests of L{euca_tw.vnet.trunk.peers}."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import integers, tuples
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.trunk.peers import Standing, replaces

clusters = tuples(integers(1, 99), integers(1, 99)).filter(lambda two: two[0] != two[1])


class ReplacesTests(SynchronousTestCase):
    """L{replaces}."""

    @given(clusters)
    def test_agreed(self, two: tuple[int, int]) -> None:
        """Of two connections that both made, both keep the same one."""
        one, other = two
        kept = []
        for here, peer in (two, two[::-1]):
            for first_by_us in (True, False):
                stands = replaces(
                    here, peer, Standing(7, first_by_us), Standing(7, not first_by_us)
                )
                by_us = first_by_us != stands
                kept.append(here if by_us else peer)
        self.assertEqual(kept, [min(one, other)] * 4)

    @given(clusters)
    def test_anew(self, two: tuple[int, int]) -> None:
        """
        A peer that was started anew, or that connects once more, has forgotten the
        old one.
        """
        for old, new in (
            (Standing(7, True), Standing(8, False)),
            (Standing(7, False), Standing(8, True)),
            (Standing(7, True), Standing(7, True)),
            (Standing(7, False), Standing(7, False)),
        ):
            self.assertTrue(replaces(*two, old, new))
