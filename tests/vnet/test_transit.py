"""Tests of L{euca_tw.vnet.transit}."""

from __future__ import annotations

from collections import Counter

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Extent, TrunkEnd, View
from euca_tw.vnet.transit import (
    RANGE,
    addresses,
    between,
    gateway,
    mac_address,
    next_hops,
    peers,
)
from tests.vnet.views import carried, extent, knowing, machines, view

SITE = machines("x0", "x1", "y0", "y1", "z0", "z1")
clusters = st.sets(st.sampled_from("xyz"), min_size=1).map("".join)
extents = st.dictionaries(st.integers(1, 5), clusters).map(
    lambda some: [extent(number, names) for number, names in some.items()]
)


def hops(made: View) -> dict[int, str]:
    """The cluster by which each network is reached that is not carried."""
    transit = between(made)
    assert transit is not None
    names = {each.private_ip: each.cluster for each in transit.members}
    return {
        number: names[by]
        for number, by in next_hops(made, transit, made.extents).items()
    }


class WhoTests(SynchronousTestCase):
    """Who has a part in it."""

    def heads(self, made: View) -> set[str]:
        transit = between(made)
        return set() if transit is None else {m.machine for m in transit.members}

    def test_members(self) -> None:
        """In it are heads of clusters that have not all networks in common."""
        made = view("x0", SITE, carried(1, "x1"))
        self.assertEqual(self.heads(made), set())
        self.assertEqual(self.heads(knowing(made, n1="x")), set())
        self.assertEqual(self.heads(knowing(made, n1="xy")), set())
        self.assertEqual(self.heads(knowing(made, n1="x", n2="y")), {"x0", "y0"})
        self.assertEqual(self.heads(knowing(made, n1="xy", n2="z")), {"x0", "z0"})

    def test_no_part(self) -> None:
        """A node has none, nor a head that carries nothing, or does not know itself."""
        far = {"n1": "x", "n2": "y"}
        self.assertIsNone(between(knowing(view("x1", SITE, carried(1, "x1")), **far)))
        self.assertIsNone(between(knowing(view("x0", SITE), **far)))
        unknown = knowing(view("w0", SITE, carried(1, "x1")), **far)
        self.assertIsNone(between(unknown))

    def test_headless(self) -> None:
        """A cluster whose head is not known has none."""
        known = machines("x0", "x1", "y1")
        made = knowing(view("x0", known, carried(1, "x1")), n1="x", n2="y")
        self.assertIsNone(between(made))
        self.assertIsNone(gateway(made, known["x0"], 2))

    @given(st.sampled_from("xyz"), extents)
    def test_peers(self, here: str, some: list[Extent]) -> None:
        """They are those with whom there is a network that only one of the two has."""
        having = {
            name: {each.number for each in some if name in each.clusters}
            for name in "xyz"
        }
        self.assertEqual(
            peers(here, some),
            {
                name
                for name in "xyz"
                if name != here and having[name] and having[name] != having[here]
            },
        )

    @given(st.sampled_from("xyz"), st.sampled_from("xyz"), extents)
    def test_each_other(self, one: str, other: str, some: list[Extent]) -> None:
        """Who is in it for one, is so for the other, if both have networks at all."""
        having = {name for each in some for name in each.clusters}
        if {one, other} <= having:
            self.assertEqual(other in peers(one, some), one in peers(other, some))


class AddressTests(SynchronousTestCase):
    """Heads' addresses."""

    def test_different(self) -> None:
        """Of thousands each has its own, of the range, and not its first."""
        found = addresses("c0", [f"c{n}" for n in range(1, 4096)])
        self.assertEqual(len({*found.values()}), 4096)
        self.assertTrue(all(each in RANGE for each in found.values()))
        self.assertNotIn(RANGE[0], found.values())
        macs = {mac_address(cluster) for cluster in found}
        self.assertEqual(len(macs), 4096)
        self.assertEqual({int(each[:2], 16) & 3 for each in macs}, {2})

    def test_stay(self) -> None:
        """Who comes besides changes few, and one's own never."""
        few = addresses("c0", [f"c{n}" for n in range(1, 2000)])
        more = addresses("c0", [f"c{n}" for n in range(1, 2001)])
        self.assertEqual(few["c0"], more["c0"])
        self.assertEqual(few["c0"], addresses("c0", ())["c0"])
        moved = [name for name, each in few.items() if more[name] != each]
        self.assertLess(len(moved), 5)

    def test_full(self) -> None:
        """For more than there is room for there is none, and it ends."""
        found = addresses("c0", (f"c{n}" for n in range(1, 20_000)))
        self.assertEqual(len({*found.values()}), RANGE.num_addresses - 1)


class NextHopTests(SynchronousTestCase):
    """Whom a head hands things to."""

    def test_only_what_is_not_here(self) -> None:
        """What is carried here is handed to nobody."""
        made = view("x0", SITE, carried(1, "x1", "y1"))
        made = knowing(made, n1="xy", n2="y", n3="z")
        self.assertEqual(hops(made), {2: "y", 3: "z"})

    def test_not_to_oneself(self) -> None:
        """
        What is said to be here, and is not carried, goes to others that have it.
        """
        made = view("x0", SITE, carried(1, "x1"))
        self.assertEqual(hops(knowing(made, n1="x", n2="xy", n3="x")), {2: "y"})

    def test_by_vxlan(self) -> None:
        """Who is reached by VXLAN is taken before who is by the trunk."""
        known = machines("x0", "x1", "y0", "z0", routed="xy")
        for number in range(2, 20):
            made = knowing(view("x0", known, carried(1, "x1")), n1="x")
            extents = {**made.extents, number: extent(number, "yz")}
            self.assertEqual(hops(evolve(made, extents=extents)), {number: "y"})

    def test_by_trunk(self) -> None:
        """And that one before who is by neither."""
        made = view("x0", SITE, carried(1, "x1"))
        ends = {
            name: TrunkEnd(cluster=name, endpoint="", certificate="") for name in "xz"
        }
        made = evolve(made, ends=ends)
        for number in range(2, 20):
            where = {"n1": "x", f"n{number}": "yz"}
            self.assertEqual(hops(knowing(made, **where)), {number: "z"})

    def test_spread(self) -> None:
        """Of several that do, one is always taken, of many networks all."""
        made = view("x0", SITE, carried(1, "x1"))
        where = {"n1": "x", **{f"n{number}": "yz" for number in range(2, 60)}}
        found = hops(knowing(made, **where))
        self.assertEqual(set(Counter(found.values())), {"y", "z"})
        again = dict(reversed(where.items()))
        self.assertEqual(hops(knowing(made, **again)), found)

    @given(extents, st.sampled_from("xyz"))
    def test_told(self, some: list[Extent], here: str) -> None:
        """What operators are told is what heads do."""
        known = {each.number: each for each in some}
        own = [carried(n, f"{here}1") for n, e in known.items() if here in e.clusters]
        made = evolve(view(f"{here}0", SITE, *own), extents=known)
        if between(made) is None:
            return
        told = {
            number: head.cluster
            for number in known
            if number not in made.networks
            and (head := gateway(made, SITE[f"{here}0"], number)) is not None
        }
        self.assertEqual(hops(made), told)
