"""Tests of L{euca_tw.cc.ranking}."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc.ranking import Ranking
from euca_tw.model.capacity import NOTHING, Resources


def memory(mib: int) -> Resources:
    return Resources(cores=1, memory_mib=mib, disk_gib=1)


class RankingTests(SynchronousTestCase):
    def test_order(self) -> None:
        """The first by rank is found, of equals the first by URL."""
        ranking = Ranking()
        for url, rank in (("c", 1), ("b", 1), ("a", 2)):
            ranking.put(url, (rank,), memory(1))
        self.assertEqual(ranking.first(NOTHING), "b")
        self.assertEqual(ranking.first(NOTHING, {"b"}), "c")
        self.assertEqual(ranking.first(NOTHING, {"b", "c"}), "a")
        self.assertEqual(ranking.first(NOTHING, after=(1, "b")), "c")
        self.assertIsNone(ranking.first(NOTHING, after=(2, "a")))

    def test_each_thing(self) -> None:
        """Who has one thing only, beside one who has the other, has no room."""
        ranking = Ranking()
        ranking.put("a", (), Resources(cores=9, memory_mib=1, disk_gib=9))
        ranking.put("b", (), Resources(cores=1, memory_mib=9, disk_gib=9))
        ranking.put("c", (), Resources(cores=9, memory_mib=9, disk_gib=1))
        self.assertIsNone(ranking.first(Resources(cores=9, memory_mib=9, disk_gib=9)))

    def test_apart(self) -> None:
        """Fewest of a group is by what is there now, however many nodes there are."""
        ranking = Ranking()
        for n in range(300):
            ranking.put(f"{n:03}", (n,), memory(9), {"g": 3})
        self.assertEqual(ranking.first_apart(memory(1), "g"), "000")
        ranking.put("299", (299,), memory(9), {"g": 2})
        self.assertEqual(ranking.first_apart(memory(1), "g"), "299")
        self.assertEqual(ranking.first_apart(memory(1), "g", {"299"}), "000")
        ranking.put("299", (299,), memory(0), {"g": 2})
        self.assertEqual(ranking.first_apart(memory(1), "g"), "000")
        self.assertEqual(ranking.first_apart(memory(1), "other"), "000")

    @settings(max_examples=40, deadline=None)
    @given(st.randoms(use_true_random=False), st.integers(1, 700))
    def test_pieces(self, random, size: int) -> None:
        """It holds what was put and not dropped, in order, whatever its size."""
        ranking, held = Ranking(), {}
        for step in range(2 * size):
            url = f"{random.randrange(size)}"
            if random.random() < 0.3:
                ranking.drop(url)
                held.pop(url, None)
            else:
                rank, room = random.randrange(9), random.randrange(99)
                ranking.put(url, (rank,), memory(room))
                held[url] = (rank, url, room)
            if step % 50 and step != 2 * size - 1:
                continue
            wanted = random.randrange(99)
            after = (random.randrange(9), "5")
            fits = sorted(
                (rank, at)
                for rank, at, room in held.values()
                if room >= wanted and (rank, at) > after
            )
            found = ranking.first(memory(wanted), after=after)
            self.assertEqual(found, fits[0][1] if fits else None)
            self.assertEqual(len(ranking), len(held))
