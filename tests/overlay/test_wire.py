"""Tests of L{euca_tw.overlay.wire}."""

from __future__ import annotations

from collections import Counter

from attrs import evolve
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, text
from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.encode import element
from euca_tw.api.networks import GroupEntry, NetworkChanges
from euca_tw.api.node import NODE
from euca_tw.api.shapes import shape_of
from euca_tw.common.changes import Delta
from euca_tw.model.networks import LARGEST_NUMBER, Group, Rule
from euca_tw.overlay.entries import Entry, key_of
from euca_tw.overlay.wire import WEIGHT, entries_of, entry_of, parts, told_of
from euca_tw.soap.decode import decode
from tests.overlay.world import entries, extent, group, member, network


def delta(*values: Entry, forgotten: tuple[str, ...] = ()) -> Delta[Entry]:
    return Delta(
        epoch="e", sequence=9, is_full=False, values=values, forgotten=forgotten
    )


class WireTests(SynchronousTestCase):
    @settings(deadline=None)
    @given(lists(entries(), max_size=8))
    def test_round_trip(self, known: list[Entry]) -> None:
        """What is read on the other side is what was told, key by key."""
        [told] = parts(delta(*known), 3)
        version = NODE.versions[-1]
        namespace = NODE.namespace_of(version)
        shape = shape_of(NetworkChanges)
        document = element("changes", namespace, shape, version, told)
        root = etree.fromstring(document.encode())
        heard = decode(shape, version, root, namespace)
        self.assertEqual(heard, told)
        self.assertEqual(Counter(entries_of(heard)), Counter(known))

    @settings(deadline=None)
    @given(integers(0, 350), integers(0, 350))
    def test_parts(self, puts: int, gone: int) -> None:
        """A change in parts is all of it, once, and no part is too large."""
        values = [network(1)] * puts
        forgotten = tuple(f"network/{n}" for n in range(gone))
        told = [*parts(delta(*values, forgotten=forgotten), 3)]
        self.assertEqual([each.part for each in told], [*range(len(told))])
        self.assertEqual(
            [each.is_last for each in told], [False] * (len(told) - 1) + [True]
        )
        self.assertEqual(sum(len(each.networks) for each in told), puts)
        self.assertEqual(tuple(k for each in told for k in each.gone), forgotten)
        for each in told:
            self.assertLessEqual(len(each.networks), WEIGHT)
            self.assertLessEqual(len(each.gone), WEIGHT)

    def test_heavy_groups(self) -> None:
        """A group counts by its rules; one that is too heavy comes alone."""
        rules = frozenset(
            Rule(protocol=6, low=n, high=n, source="sg-1") for n in range(WEIGHT)
        )
        heavy = Group(group_id="sg-1", rules=rules)
        light = member(1, 7)
        told = [*parts(delta(light, heavy, light), 3)]
        self.assertEqual(
            [(len(each.members), len(each.groups)) for each in told],
            [(1, 0), (0, 1), (1, 0)],
        )

        told = [*parts(delta(light, evolve(heavy, rules=frozenset(), egress=rules)), 3)]
        self.assertEqual(len(told), 2, "what goes out weighs the same")

    def test_egress(self) -> None:
        """
        Who is told nothing of what goes out, as by an earlier version, takes it that
        all may; that nothing may is told.
        """
        everything = told_of(group("sg-1"))
        self.assertEqual(everything, GroupEntry(group_id="sg-1"))
        self.assertEqual(entry_of(everything), Group(group_id="sg-1"))
        nothing = group("sg-1", egress=())
        self.assertEqual(entry_of(told_of(nothing)), nothing)
        self.assertNotEqual(told_of(nothing), everything)

    def test_impossible(self) -> None:
        """What cannot be is refused, whatever it is."""
        for told in (
            evolve(told_of(network(1)), number=0),
            evolve(told_of(network(1)), number=LARGEST_NUMBER + 1),
            evolve(told_of(extent(1, "north")), number=LARGEST_NUMBER + 1),
            evolve(told_of(extent(1, "north")), clusters=()),
            evolve(told_of(network(1)), subnet="10.0.0.1/24"),
            evolve(told_of(member(1, 1)), private_ip="10.0.0.256"),
        ):
            with self.assertRaises(ValueError):
                entry_of(told)
        [rule] = told_of(group("sg-1", "sg-2")).rules  # type: ignore[union-attr]
        sourceless = evolve(
            told_of(group("sg-1")), rules=(evolve(rule, source_group=None),)
        )
        with self.assertRaises(ValueError):
            entry_of(sourceless)

    @settings(deadline=None)
    @given(text(), text())
    def test_keys(self, one: str, other: str) -> None:
        """Entries of different kinds have different keys, whatever their names."""
        keys = {key_of(group(one)), key_of(evolve(member(1, 1), instance_id=other))}
        self.assertEqual(len(keys), 2)
