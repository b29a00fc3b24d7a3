"""Tests of L{euca_tw.vnet.trunk.routes}."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import combinations

from hypothesis import given
from hypothesis.strategies import (
    DrawFn,
    binary,
    booleans,
    composite,
    dictionaries,
    frozensets,
    integers,
    sampled_from,
)
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import ROUTER_MAC
from euca_tw.vnet.trunk.frames import Kind, cluster_id
from euca_tw.vnet.trunk.routes import (
    HEAD,
    Fate,
    Hop,
    Table,
    destinations,
    fate,
    is_welcome,
    make_table,
    next_hops,
)
from tests.vnet.views import carried, machines, view

A, B, C = (bytes.fromhex(f"02000000000{each}") for each in "abc")
ALL = b"\xff" * 6
ROUTER = bytes((10, 0, 7, 1))
ROUTER_SENDS = bytes.fromhex(ROUTER_MAC.replace(":", ""))
TABLE = Table(here=frozenset((A,)), away={B: 2, C: 3}, clusters=(2, 3), router=ROUTER)

Links = frozenset[frozenset[int]]


@composite
def meshes(draw: DrawFn) -> tuple[int, Links]:
    """Of up to 12 clusters, 1 and up: how many, and who is connected."""
    size = draw(integers(2, 12))
    pairs = list(combinations(range(1, size + 1), 2))
    kept = draw(integers(0, 2 ** len(pairs) - 1))
    return size, frozenset(
        frozenset(pair) for at, pair in enumerate(pairs) if kept >> at & 1
    )


def linked(links: Links, one: int) -> frozenset[int]:
    return frozenset(
        other for pair in links if one in pair for other in pair if other != one
    )


def arrivals(
    links: Links, told: Mapping[int, frozenset[int]], origin: int, size: int
) -> Counter[int]:
    """
    How often a frame that is for all comes to each, moved until nothing moves.

    @param told: whom each says that it is connected to.
    """
    hops = {one: next_hops(one, linked(links, one), told) for one in range(1, size + 1)}
    came: Counter[int] = Counter()
    moving = [
        (origin, hop.cluster, hop.kind, other, origin)
        for other, hop in hops[origin].items()
    ]
    steps = 0
    while moving:
        steps += 1
        assert steps < 1000, "it goes round"
        peer, at, kind, destination, source = moving.pop()
        match fate(at, peer, kind, destination, source):
            case Fate.DELIVER:
                came[at] += 1
            case Fate.PASS_ON:
                hop = hops[at].get(destination)
                if hop is not None and hop.kind == Kind.DIRECT:
                    onward = (at, hop.cluster, Kind.RELAYED, destination, source)
                    moving.append(onward)
    return came


class MeshTests(SynchronousTestCase):
    """Frames in meshes of any shape."""

    @given(meshes())
    def test_exactly_once(self, mesh: tuple[int, Links]) -> None:
        """
        Who is reached straight or by one between gets a frame once, others not at
        all.
        """
        size, links = mesh
        told = {one: linked(links, one) for one in range(1, size + 1)}
        for origin in told:
            near = told[origin].union(*(told[via] for via in told[origin]))
            self.assertEqual(
                arrivals(links, told, origin, size), Counter(near - {origin})
            )

    @given(
        meshes(),
        dictionaries(integers(1, 12), frozensets(integers(1, 14), max_size=12)),
    )
    def test_never_twice(
        self, mesh: tuple[int, Links], told: Mapping[int, frozenset[int]]
    ) -> None:
        """Whatever lies heads tell each other, nobody gets a frame twice, or back."""
        size, links = mesh
        for origin in range(1, size + 1):
            came = arrivals(links, told, origin, size)
            self.assertTrue(all(times == 1 for times in came.values()), came)
            self.assertNotIn(origin, came)

    def test_chosen(self) -> None:
        """Of those who can pass frames on, the same one is always taken."""
        reach = {2: frozenset((5,)), 3: frozenset((5, 6)), 4: frozenset((5,))}
        found = next_hops(1, (2, 3, 4), reach)
        self.assertEqual(found[3], Hop(3, Kind.DIRECT))
        self.assertEqual(found[6], Hop(3, Kind.TO_RELAY))
        self.assertEqual(found[5].kind, Kind.TO_RELAY)
        for order in ((4, 3, 2), (3, 2, 4)):
            self.assertEqual(next_hops(1, order, reach), found)

    def test_spread(self) -> None:
        """Not all take the same one."""
        reach = {via: frozenset(range(20, 60)) for via in (2, 3, 4)}
        hops = next_hops(1, reach, reach)
        taken = Counter(hops[other].cluster for other in range(20, 60))
        self.assertEqual(set(taken), {2, 3, 4})


class FateTests(SynchronousTestCase):
    """L{fate}."""

    @given(
        sampled_from((Kind.DIRECT, Kind.TO_RELAY, Kind.RELAYED)),
        integers(1, 4),
        integers(1, 4),
    )
    def test_all(self, kind: Kind, destination: int, source: int) -> None:
        """What is not said by the one who may say it is dropped."""
        here, peer = 1, 2
        expected = {
            (Kind.DIRECT, here, peer): Fate.DELIVER,
            (Kind.TO_RELAY, 3, peer): Fate.PASS_ON,
            (Kind.TO_RELAY, 4, peer): Fate.PASS_ON,
            (Kind.RELAYED, here, 3): Fate.DELIVER,
            (Kind.RELAYED, here, 4): Fate.DELIVER,
        }
        self.assertEqual(
            fate(here, peer, kind, destination, source),
            expected.get((kind, destination, source), Fate.DROP),
        )

    def test_not_greeted(self) -> None:
        """Who has not greeted sends no frames."""
        for kind in (Kind.DIRECT, Kind.TO_RELAY, Kind.RELAYED):
            for destination in (1, 3):
                self.assertEqual(fate(1, 0, kind, destination, 2), Fate.DROP)


def head(destination: bytes, source: bytes, rest: bytes = b"\x08\x00") -> bytes:
    return (destination + source + rest)[:HEAD]


class DestinationsTests(SynchronousTestCase):
    """L{destinations} and L{is_welcome}."""

    def test_one(self) -> None:
        """A frame to an instance goes to its cluster, to an unknown one nowhere."""
        self.assertEqual(destinations(TABLE, head(B, A)), (2,))
        self.assertEqual(destinations(TABLE, head(bytes(6), A)), ())
        self.assertEqual(destinations(TABLE, head(A, A)), ())

    def test_all(self) -> None:
        """A frame to many goes to each cluster that has an instance."""
        for group in (ALL, bytes.fromhex("01005e000001"), b"\x33" * 6):
            self.assertEqual(destinations(TABLE, head(group, A)), (2, 3))

    def test_others(self) -> None:
        """What is not from an instance here does not go: what came may not go back."""
        for source in (B, ALL, bytes(6), bytes.fromhex("02005e000001")):
            self.assertEqual(destinations(TABLE, head(ALL, source)), ())

    def test_router(self) -> None:
        """Nobody elsewhere is asked for the router: each cluster has its own."""
        for asked, where in ((ROUTER, ()), (bytes((10, 0, 7, 9)), (2, 3))):
            arp = head(ALL, A, b"\x08\x06" + bytes(24) + asked)
            self.assertEqual(destinations(TABLE, arp), where)

    def test_routed(self) -> None:
        """
        What a head routes from another network is from its router: it goes to one
        instance, and comes from any cluster that has some; nothing else of a
        router's does.
        """
        arp = b"\x08\x06"
        self.assertEqual(destinations(TABLE, head(B, ROUTER_SENDS)), (2,))
        self.assertEqual(destinations(TABLE, head(A, ROUTER_SENDS)), ())
        self.assertEqual(destinations(TABLE, head(ALL, ROUTER_SENDS)), ())
        self.assertEqual(destinations(TABLE, head(B, ROUTER_SENDS, arp)), ())
        for destination, cluster, kind, expected in (
            (A, 2, b"\x08\x00", True),
            (A, 3, b"\x08\x00", True),
            (A, 4, b"\x08\x00", False),
            (B, 2, b"\x08\x00", False),
            (ALL, 2, b"\x08\x00", False),
            (A, 2, arp, False),
            (A, 2, b"", False),
        ):
            frame = head(destination, ROUTER_SENDS, kind)
            self.assertEqual(is_welcome(TABLE, cluster, frame), expected, frame)

    @given(binary(min_size=14, max_size=HEAD))
    def test_any(self, frame: bytes) -> None:
        """Whatever it is, it goes nowhere or to those who have the network."""
        self.assertLessEqual(set(destinations(TABLE, frame)), {2, 3})
        self.assertFalse(is_welcome(TABLE, 4, frame))

    def test_welcome(self) -> None:
        """From the trunk comes what is from an instance of that very cluster."""
        for destination, source, cluster, expected in (
            (A, B, 2, True),
            (ALL, B, 2, True),
            (A, B, 3, False),
            (B, C, 3, False),
            (A, bytes(6), 2, False),
            (A, A, 2, False),
        ):
            frame = head(destination, source)
            self.assertEqual(is_welcome(TABLE, cluster, frame), expected, frame)


class MakeTableTests(SynchronousTestCase):
    """L{make_table}."""

    @given(booleans())
    def test_members(self, has_routed: bool) -> None:
        """A head's table has its own instances, and those of all other clusters."""
        all_machines = machines(
            "a0", "a1", "b0", "b1", "c0", "c1", routed="ab" if has_routed else ""
        )
        network = carried(7, "a1", "a1", "b1", "c1")
        table = make_table(view("a0", all_machines, network), network)
        assert table is not None
        macs = {number: bytes.fromhex(f"d00d000007{number:02x}") for number in range(9)}
        self.assertEqual(table.here, {macs[2], macs[3]})
        self.assertEqual(
            table.away, {macs[4]: cluster_id("b"), macs[5]: cluster_id("c")}
        )
        self.assertEqual(set(table.clusters), {cluster_id("b"), cluster_id("c")})
        self.assertEqual(table.router, bytes((10, 0, 7, 1)))

    def test_none(self) -> None:
        """There is none on a node, in one cluster, and where all are routed."""
        network = carried(7, "a1", "b1")
        plain = machines("a0", "a1", "b0", "b1")
        self.assertIsNone(make_table(view("a1", plain, network), network))
        alone = carried(7, "a1", "a1")
        self.assertIsNone(make_table(view("a0", plain, alone), alone))
        routed = machines("a0", "a1", "b0", "b1", routed="ab")
        self.assertIsNone(make_table(view("a0", routed, network), network))
