"""Tests of L{euca_tw.overlay.extents}."""

from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import booleans, lists, tuples
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.overlay.entries import Difference, Entry, key_of
from euca_tw.overlay.extents import Extents
from tests.overlay.world import entries, extent, extents_of, member, network


class ExtentsTests(SynchronousTestCase):
    """L{Extents}."""

    def setUp(self) -> None:
        self.extents = Extents()

    def told(self, *puts: Entry, gone: tuple[str, ...] = ()) -> Difference:
        return self.extents.change(puts, gone)

    def test_comes_and_goes(self) -> None:
        """
        A network is where its members are: only what is the first in a cluster, or
        the last, is told.
        """
        one, two = member(1, 7, "n1"), member(2, 7, "n2")
        far = member(3, 7, "s1", cluster="south")
        self.assertEqual(self.told(network(7), one), Difference((extent(7, "north"),)))
        self.assertFalse(self.told(two))
        self.assertEqual(self.told(far), Difference((extent(7, "north", "south"),)))
        self.assertFalse(self.told(gone=(key_of(one),)))
        self.assertEqual(
            self.told(gone=(key_of(two),)), Difference((extent(7, "south"),))
        )
        self.assertEqual(self.told(gone=(key_of(far),)), Difference((), ("extent/7",)))

    def test_unplaced(self) -> None:
        """Where no machine was chosen yet nothing carries it."""
        self.assertFalse(self.told(network(7), member(1, 7, "")))
        self.assertEqual(
            self.told(member(1, 7, "n1")), Difference((extent(7, "north"),))
        )

    def test_over(self) -> None:
        """A network that is over is nowhere, whoever is said to be in it."""
        self.told(network(7), member(1, 7, "n1"))
        self.assertEqual(self.told(gone=("network/7",)), Difference((), ("extent/7",)))
        self.assertFalse(self.told(gone=("network/7", "member/i-99999999")))

    @given(lists(tuples(entries(), booleans()), max_size=25))
    def test_always(self, changes: list[tuple[Entry, bool]]) -> None:
        """What was told, change by change, is so of all that there is."""
        self.extents = Extents()
        known: dict[str, Entry] = {}
        heard: dict[str, Entry] = {}
        for entry, is_put in changes:
            key = key_of(entry)
            if is_put:
                known[key] = entry
                told = self.told(entry)
            else:
                known.pop(key, None)
                told = self.told(gone=(key,))
            for gone in told.gone:
                del heard[gone]
            heard.update((key_of(each), each) for each in told.puts)
        wanted = extents_of(known.values())
        self.assertEqual(heard, {key_of(each): each for each in wanted})
