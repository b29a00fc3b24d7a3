"""Tests of L{euca_tw.overlay.chart} and L{euca_tw.overlay.views}."""

from __future__ import annotations

from ipaddress import IPv4Address
from time import process_time

from attrs import evolve
from hypothesis import given, settings
from hypothesis.strategies import booleans, lists, sampled_from, tuples
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Elastic, Member, Role
from euca_tw.overlay.chart import HEADS, Chart, Place, Scope
from euca_tw.overlay.entries import Difference, Entry, key_of
from euca_tw.overlay.views import Picture
from tests.overlay.world import (
    PLACES,
    concerning,
    entries,
    extent,
    group,
    machine,
    member,
    network,
    view_of,
)

NORTH, SOUTH = Place(Scope.CLUSTER, "north"), Place(Scope.CLUSTER, "south")
N1, N2 = Place(Scope.NODE, "n1"), Place(Scope.NODE, "n2")
HEAD = Place(Scope.HEAD, "north")


def chart_of(*known: Entry) -> Chart:
    chart = Chart()
    for place in (NORTH, SOUTH, N1, N2, HEAD):
        chart.follow(place)
    chart.change(known)
    return chart


def keys(difference: Difference) -> tuple[set[str], set[str]]:
    return {key_of(each) for each in difference.puts}, {*difference.gone}


class ChartTests(SynchronousTestCase):
    """L{Chart}."""

    def test_first_member(self) -> None:
        """With its first member a machine is told of a network, and who has it."""
        there = member(1, 7, "n2")
        chart = chart_of(
            network(7), machine("n1", "north"), machine("n2", "north"), there
        )
        told = chart.change([member(2, 7, "n1")])
        self.assertEqual(
            keys(told[N1]),
            (
                {"network/7", "member/i-00000001", "member/i-00000002", "machine/n2"},
                set(),
            ),
        )
        self.assertEqual(keys(told[N2]), ({"member/i-00000002", "machine/n1"}, set()))
        self.assertNotIn(SOUTH, told)

    def test_last_member(self) -> None:
        """With its last it forgets all of it."""
        chart = chart_of(
            *(network(7), machine("n1", "north"), machine("n2", "north")),
            *(member(1, 7, "n2"), member(2, 7, "n1")),
        )
        told = chart.change(gone=["member/i-00000002"])
        self.assertEqual(
            keys(told[N1])[1],
            {"network/7", "member/i-00000001", "member/i-00000002", "machine/n2"},
        )
        self.assertEqual(keys(told[N2]), (set(), {"member/i-00000002", "machine/n1"}))

    def test_source(self) -> None:
        """
        Who has a group whose rules let another in is told of the other's members,
        whatever their network, as long as the rule is there.
        """
        chart = chart_of(
            *(network(7), network(8), group("sg-1"), group("sg-2")),
            *(member(1, 7, "n1", ["sg-1"]), member(2, 8, "n2", ["sg-2"])),
        )
        told = chart.change([group("sg-1", "sg-2")])
        self.assertEqual(
            keys(told[N1]), ({"group/sg-1", "group/sg-2", "member/i-00000002"}, set())
        )
        self.assertNotIn(N2, told)
        told = chart.change([group("sg-1")])
        self.assertEqual(
            keys(told[N1]), ({"group/sg-1"}, {"group/sg-2", "member/i-00000002"})
        )

    def test_elastic(self) -> None:
        """A public address follows its instance: its node, its cluster's head."""
        there = member(1, 7, "n1")
        chart = chart_of(network(7), there)
        public = Elastic(
            public_ip=IPv4Address("198.51.100.1"), private_ip=there.private_ip
        )
        told = chart.change([public])
        self.assertEqual(set(told), {NORTH, N1, HEAD})
        told = chart.change([evolve(there, machine="n2")])
        self.assertIn("elastic/198.51.100.1", told[N1].gone)
        self.assertIn(public, told[N2].puts)

    def test_elsewhere(self) -> None:
        """
        A cluster that has instances, and its head, are told of all heads and of where
        all networks are; nodes are not.
        """
        far = machine("south-head", "south")
        chart = chart_of(network(7), network(8), far, extent(8, "south"))
        self.assertNotIn("extent/8", chart.told(NORTH))
        told = chart.change([member(1, 7, "n1")])
        for place in (NORTH, HEAD):
            self.assertLessEqual({far, extent(8, "south")}, {*told[place].puts})
        self.assertEqual(
            keys(told[N1]), ({"network/7", "member/i-00000001"}, set[str]())
        )
        grown = extent(8, "south", "east")
        told = chart.change([grown])
        self.assertEqual({*told}, {NORTH, HEAD})
        self.assertEqual(told[HEAD].puts, (grown,))
        self.assertIn(far, chart.concerning(N1, HEADS))

    def test_asked(self) -> None:
        """It tells who has an address, and what has other topics besides."""
        there = member(1, 8, "n2")
        chart = chart_of(network(7), network(8), member(2, 7, "n1"), there)
        self.assertEqual(chart.member_at(there.private_ip), there)
        self.assertIsNone(chart.member_at(IPv4Address("192.0.2.99")))
        self.assertNotIn(there, chart.concerning(N1))
        self.assertIn(there, chart.concerning(N1, ("network", 8)))

    def test_nothing_new(self) -> None:
        """What is as it was is told to nobody."""
        chart = chart_of(network(7), member(1, 7, "n1"))
        self.assertEqual(chart.change([network(7), member(1, 7, "n1")]), {})
        self.assertEqual(chart.change(gone=["member/i-99999999"]), {})

    def test_costs_by_what_changes(self) -> None:
        """
        With thousands of members a change costs a small part of making it all.
        """
        some = [
            evolve(
                member(n % 200, n % 250, f"n{n % 20}", [f"sg-{n % 250}"]),
                instance_id=f"i-{n:08x}",
                private_ip=IPv4Address("10.0.0.0") + n,
            )
            for n in range(2000)
        ]
        groups = [group(f"sg-{n}", f"sg-{n + 1}") for n in range(250)]
        networks = [network(n) for n in range(250)]
        chart = chart_of()
        began = process_time()
        chart.change([*networks, *groups, *some])
        whole = process_time() - began
        began = process_time()
        for n in range(20):
            moved = evolve(some[0], machine=f"n{n % 2 + 1}")
            self.assertIn(NORTH, chart.change([moved]))
        self.assertLess((process_time() - began) / 20, whole / 20)

    @settings(deadline=None)
    @given(
        lists(tuples(entries(), booleans()), max_size=25),
        lists(sampled_from(PLACES), unique=True),
    )
    def test_always(
        self, changes: list[tuple[Entry, bool]], early: list[Place]
    ) -> None:
        """
        Whatever changes, in whatever order, whoever is followed from when on:
        what was told to each, change by change, is what concerns it.
        """
        chart = Chart()
        heard: dict[Place, dict[str, Entry]] = {}

        def hear(place: Place, difference: Difference) -> None:
            of = heard.setdefault(place, {})
            for key in difference.gone:
                del of[key]
            of.update((key_of(each), each) for each in difference.puts)

        for place in early:
            hear(place, chart.follow(place))
        for entry, is_put in changes:
            # Nobody has another's address.
            there = _with_address(chart, entry)
            puts, gone = ([entry], there) if is_put else ([], [key_of(entry)])
            for place, difference in chart.change(puts, gone).items():
                hear(place, difference)
        for place in PLACES:
            wanted = concerning(chart.entries.values(), place)
            found = chart.concerning(place)
            self.assertEqual({key_of(each): each for each in found}, wanted)
            if place not in early:
                hear(place, chart.follow(place))
            self.assertEqual(heard[place], wanted)
            self.assertEqual(chart.told(place), wanted)


def _with_address(chart: Chart, entry: Entry) -> list[str]:
    if not isinstance(entry, Member):
        return []
    return [
        key
        for key, each in chart.entries.items()
        if isinstance(each, Member)
        and each.private_ip == entry.private_ip
        and key != key_of(entry)
    ]


class PictureTests(SynchronousTestCase):
    """L{Picture}."""

    def picture(self, *known: Entry, here: str = "n1") -> Picture:
        picture = Picture(here, Role.NODE)
        picture.take(Difference(known))
        return picture

    def test_stays(self) -> None:
        """What did not change is the same object."""
        picture = self.picture(
            *(network(7), network(8), machine("n1", "north"), group("sg-1", "sg-1")),
            *(member(1, 7, "n1", ["sg-1"]), member(2, 8, "n1"), member(3, 7, "n2")),
        )
        before = picture.view
        after = picture.take(Difference((evolve(member(3, 7, "n2"), machine="n3"),)))
        self.assertIsNot(after.networks[7], before.networks[7])
        self.assertIs(after.networks[8], before.networks[8])
        for name in ("machines", "groups", "sources", "elastics", "ends"):
            self.assertIs(getattr(after, name), getattr(before, name), name)
        again = picture.take(Difference())
        self.assertIs(again.networks, after.networks)

    def test_half_told(self) -> None:
        """A network that was not told of yet is not carried."""
        picture = self.picture(member(1, 7, "n1"))
        self.assertEqual(picture.view.networks, {})
        self.assertEqual({*picture.take(Difference((network(7),))).networks}, {7})

    def test_unplaced(self) -> None:
        """A member without a machine is in no view."""
        picture = self.picture(network(7), member(1, 7, "n1"), member(2, 7, ""))
        self.assertEqual(len(picture.view.networks[7].members), 1)

    def test_public_ip(self) -> None:
        """A node knows its instances' public addresses, and has no way out."""
        mine = member(1, 7, "n1")
        public = IPv4Address("198.51.100.1")
        elastic = Elastic(public_ip=public, private_ip=mine.private_ip)
        picture = self.picture(network(7), mine, elastic)
        self.assertEqual(picture.public_ip(mine.private_ip), public)
        self.assertEqual(picture.view.elastics, {})
        picture.take(Difference((), (key_of(elastic),)))
        self.assertIsNone(picture.public_ip(mine.private_ip))

    @settings(deadline=None)
    @given(lists(tuples(entries(), booleans()), max_size=25))
    def test_always(self, changes: list[tuple[Entry, bool]]) -> None:
        """
        The view of each machine, made change by change of what it is told, is
        the one that is made at once of all that is known.
        """
        machines = {
            Place(Scope.NODE, "n1"): Picture("n1", Role.NODE),
            Place(Scope.NODE, "s1"): Picture("s1", Role.NODE),
            Place(Scope.HEAD, "north"): Picture("north-head", Role.HEAD),
        }
        chart = Chart()
        for place in machines:
            chart.follow(place)
        for entry, is_put in changes:
            there = _with_address(chart, entry)
            puts, gone = ([entry], there) if is_put else ([], [key_of(entry)])
            for place, difference in chart.change(puts, gone).items():
                machines[place].take(difference)
        for place, picture in machines.items():
            view = picture.take(Difference())
            wanted = view_of(chart.entries.values(), picture.here, place)
            self.assertEqual(view, wanted)
