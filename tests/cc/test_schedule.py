"""Tests of L{euca_tw.cc.schedule}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc.schedule import (
    Candidate,
    can_ever_hold,
    choose,
    greedy,
    place,
    round_robin,
    spread,
)
from euca_tw.model.capacity import Resources

ONE = Resources(cores=1, memory_mib=128, disk_gib=1)


def node(name: str, cores: int = 4, memory_mib: int = 1024) -> Candidate:
    free = Resources(cores=cores, memory_mib=memory_mib, disk_gib=100)
    whole = Resources(cores=8, memory_mib=2048, disk_gib=100)
    return Candidate(url=name, machine=whole, free=free)


class PolicyTests(SynchronousTestCase):
    def test_greedy(self) -> None:
        """Greedy fills one node before it takes the next."""
        nodes = [node("b", cores=2), node("a")]
        self.assertEqual(place(greedy, nodes, [ONE] * 4), ["b", "b", "a", "a"])

    def test_round_robin(self) -> None:
        """Round-robin takes turns, and goes on where it was."""
        nodes = [node("a"), node("b"), node("c")]
        self.assertEqual(place(round_robin, nodes, [ONE] * 4, "a"), list("bcab"))

    def test_spread(self) -> None:
        """Spread takes the emptiest."""
        nodes = [node("a", memory_mib=512), node("b", memory_mib=700)]
        self.assertEqual(place(spread, nodes, [ONE] * 3), ["b", "b", "a"])

    def test_full(self) -> None:
        """What there is no room for goes nowhere; what comes after it may fit."""
        large = Resources(cores=5, memory_mib=128, disk_gib=1)
        self.assertEqual(place(greedy, [node("a")], [large, ONE]), ["", "a"])

    def test_refused(self) -> None:
        """A node that refused is not asked again."""
        nodes = [node("a"), node("b")]
        chosen = choose(greedy, nodes, ONE, refused_by={"a"})
        assert chosen is not None
        self.assertEqual(chosen.url, "b")
        self.assertIsNone(choose(greedy, nodes, ONE, refused_by={"a", "b"}))

    def test_ever(self) -> None:
        """What fits into an empty node may have room some day."""
        self.assertTrue(can_ever_hold([node("a", cores=0)], ONE))
        huge = Resources(cores=9, memory_mib=1, disk_gib=1)
        self.assertFalse(can_ever_hold([node("a")], huge))
