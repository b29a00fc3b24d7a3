"""Tests of L{euca_tw.vnet.link_plan}."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import ROUTER_MAC, TRANSIT_NUMBER, View
from euca_tw.vnet.link_plan import Links, wanted
from euca_tw.vnet.link_records import (
    ALL_ZERO,
    Address,
    Bridge,
    Forward,
    Neighbour,
    Pin,
    Route,
    Segment,
    Tap,
    Vxlan,
    number_of,
)
from euca_tw.vnet.transit import addresses, mac_address
from tests.vnet.views import carried, knowing, machine, machines, member, view

SITE = machines("x0", "x1", "x2", "y0", "y1")
B, X, T = "evb00000a", "evx00000a", "evt00000a"


def segment_of(here: str, *on: str) -> Segment:
    """Of network 10, with instances on these machines."""
    return wanted(view(here, SITE, carried(10, *on))).segments[10]


def mac(number: int) -> str:
    return member(10, number, "").mac_address.lower()


def ip(number: int) -> IPv4Address:
    return member(10, number, "").private_ip


class NodeTests(SynchronousTestCase):
    """What a node shall have."""

    def test_links(self) -> None:
        """A network is a bridge, and a port of it to the other machines."""
        bridge, vxlan = sorted(segment_of("x1", "x1").links, key=lambda it: it.name)
        assert isinstance(bridge, Bridge)
        self.assertEqual(
            bridge, Bridge(name=B, mac_address=bridge.mac_address, mtu=1450)
        )
        self.assertEqual(
            vxlan,
            Vxlan(
                name=X,
                bridge=B,
                number=10,
                local=machine("x1").address,
                mtu=1450,
            ),
        )

    def test_mac_address(self) -> None:
        """A bridge's MAC address is its own, stays, and is of a single card."""
        macs = {
            link.mac_address
            for here in ("x1", "x2", "x1")
            for link in segment_of(here, "x1", "x2").links
            if isinstance(link, Bridge)
        }
        self.assertEqual(len(macs), 2)
        for each in macs:
            self.assertEqual(int(each[:2], 16) & 3, 2, each)

    def test_entries(self) -> None:
        """
        Members of its own cluster are pinned to their machines, the router to
        the head, those behind the trunk to the head as well; the node serves.
        """
        to = {name: machine(name).address for name in ("x0", "x2")}
        self.assertEqual(
            segment_of("x1", "x1", "x2", "y1").entries,
            {
                Address(B, IPv4Interface("169.254.169.254/32")),
                Route(B, IPv4Network("10.0.10.0/24"), IPv4Address("169.254.169.254")),
                *(Forward(X, ALL_ZERO, address) for address in to.values()),
                Forward(X, ROUTER_MAC, to["x0"]),
                Pin(B, ROUTER_MAC, X),
                Neighbour(B, IPv4Address("10.0.10.1"), ROUTER_MAC),
                Neighbour(B, ip(2), mac(2)),
                Forward(X, mac(3), to["x2"]),
                Pin(B, mac(3), X),
                Neighbour(B, ip(3), mac(3)),
                Forward(X, mac(4), to["x0"]),
                Pin(B, mac(4), X),
                Neighbour(B, ip(4), mac(4)),
            },
        )

    def test_unreachable(self) -> None:
        """Nobody is answered for who cannot be reached."""
        known = machines("x1", "y0", "y1")
        planned = wanted(view("x1", known, carried(10, "x1", "y1")))
        entries = planned.segments[10].entries
        self.assertNotIn(Neighbour(B, ip(3), mac(3)), entries)
        self.assertFalse([each for each in entries if isinstance(each, Pin | Forward)])

    def test_shown_to_ip(self) -> None:
        """
        Where the machine's IP follows connections, bridges show it their packets;
        but not a router's, which has its packets to route.
        """
        for here, is_shown in (("x1", True), ("x0", False)):
            site = view(here, SITE, carried(10, "x1"))
            first = wanted(site)
            second = wanted(site, first, shows_to_ip=True)
            for planned, shows in ((first, False), (second, is_shown)):
                [bridge] = [
                    each
                    for each in planned.segments[10].links
                    if isinstance(each, Bridge)
                ]
                self.assertIs(bridge.shows_to_ip, shows)

    def test_router(self) -> None:
        """A node forwards nothing, and nobody takes the router's MAC address."""
        self.assertFalse(wanted(view("x1", SITE, carried(10, "x1"))).is_router)
        network = carried(10, "x1")
        thief = evolve(member(10, 9, "x2"), mac_address=ROUTER_MAC)
        network = evolve(network, members=network.members | {thief})
        entries = wanted(view("x1", SITE, network)).segments[10].entries
        self.assertEqual(
            {
                e
                for e in entries
                if isinstance(e, Forward) and e.mac_address != ALL_ZERO
            },
            {Forward(X, ROUTER_MAC, machine("x0").address)},
        )


class HeadTests(SynchronousTestCase):
    """What a head shall have."""

    def test_one_cluster(self) -> None:
        """The head is the router, and knows where all members are."""
        segment = segment_of("x0", "x1")
        self.assertIn(Bridge(name=B, mac_address=ROUTER_MAC, mtu=1450), segment.links)
        self.assertEqual(len(segment.links), 2)
        self.assertEqual(
            segment.entries,
            {
                Address(B, IPv4Interface("10.0.10.1/24")),
                Forward(X, ALL_ZERO, machine("x1").address),
                Forward(X, mac(2), machine("x1").address),
                Pin(B, mac(2), X),
                Neighbour(B, ip(2), mac(2)),
            },
        )

    def test_trunk(self) -> None:
        """What is in other clusters is behind the port to the trunk."""
        segment = segment_of("x0", "x1", "y1")
        self.assertIn(Tap(name=T, bridge=B, mtu=1450), segment.links)
        self.assertIn(Pin(B, mac(3), T), segment.entries)
        self.assertIn(Neighbour(B, ip(3), mac(3)), segment.entries)
        self.assertNotIn(
            mac(3), {e.mac_address for e in segment.entries if isinstance(e, Forward)}
        )

    def test_with_instances(self) -> None:
        """A head that runs instances is their router and serves them, too."""
        addresses = {
            str(entry.interface)
            for entry in segment_of("x0", "x0").entries
            if isinstance(entry, Address)
        }
        self.assertEqual(addresses, {"10.0.10.1/24", "169.254.169.254/32"})

    def test_forwarding(self) -> None:
        """A machine forwards if it is the router of something."""
        self.assertTrue(wanted(view("x0", SITE, carried(10, "x1"))).is_router)
        self.assertFalse(wanted(view("x0", SITE)).is_router)
        self.assertFalse(wanted(View(here="x0")).is_router)


class TransitTests(SynchronousTestCase):
    """What a head shall have of the transit network."""

    def setUp(self) -> None:
        near = carried(10, "x1", "y1")
        self.view = knowing(view("x0", SITE, near), n10="xy", n11="y", n12="y")

    def addresses(self) -> tuple[IPv4Address, IPv4Address]:
        found = addresses("x", "y")
        return found["x"], found["y"]

    def test_by_trunk(self) -> None:
        """
        It has routes by the other head to what only others have, and a way to that
        one; nothing is for all.
        """
        own, other = self.addresses()
        bridge, vxlan, tap = "evbffffff", "evxffffff", "evtffffff"
        segment = wanted(self.view).segments[TRANSIT_NUMBER]
        self.assertEqual(
            segment.links,
            {
                Bridge(
                    name=bridge, mac_address=mac_address("x"), mtu=1450, is_loose=True
                ),
                Vxlan(
                    name=vxlan,
                    bridge=bridge,
                    number=TRANSIT_NUMBER,
                    local=machine("x0").address,
                    mtu=1450,
                ),
                Tap(name=tap, bridge=bridge, mtu=1450),
            },
        )
        self.assertEqual(
            segment.entries,
            {
                Address(bridge, IPv4Interface((own, 32))),
                Route(bridge, IPv4Network("10.0.11.0/24"), own, other),
                Route(bridge, IPv4Network("10.0.12.0/24"), own, other),
                Neighbour(bridge, other, mac_address("y")),
                Pin(bridge, mac_address("y"), tap),
            },
        )

    def test_routed(self) -> None:
        """Heads that reach each other do so by VXLAN."""
        site = machines(*SITE, routed="xy")
        segment = wanted(evolve(self.view, machines=site)).segments[TRANSIT_NUMBER]
        self.assertEqual(len(segment.links), 2)
        self.assertEqual(
            {each for each in segment.entries if isinstance(each, Forward)},
            {Forward("evxffffff", mac_address("y"), machine("y0").address)},
        )

    def test_nowhere(self) -> None:
        """Nodes, and heads that need nobody else, have none of it."""
        for made in (
            view("x0", SITE, carried(10, "x1")),
            knowing(view("x1", SITE, carried(10, "x1")), n10="x", n11="y"),
            knowing(view("x0", SITE), n11="y"),
        ):
            self.assertNotIn(TRANSIT_NUMBER, wanted(made).segments)

    def test_again(self) -> None:
        """
        It is planned anew when networks are elsewhere, or others are carried; what
        leads where it did is the same object.
        """
        first = wanted(self.view)
        same = wanted(evolve(self.view, networks={**self.view.networks}), first)
        self.assertIs(same.transit, first.transit)
        both = {**self.view.networks, 12: carried(12, "x1", "y1")}
        own, other = self.addresses()
        route = Route("evbffffff", IPv4Network("10.0.12.0/24"), own, other)
        fewer = {n: each for n, each in self.view.extents.items() if n != 12}
        last = first
        for made, has_it in (
            (evolve(self.view, networks=both), False),
            (self.view, True),
            (evolve(self.view, extents=fewer), False),
        ):
            second = wanted(made, last)
            self.assertEqual(second.segments, wanted(made).segments)
            entries = second.segments[TRANSIT_NUMBER].entries
            self.assertEqual(route in entries, has_it)
            assert second.transit is not None
            assert last.transit is not None
            self.assertIs(second.transit.routes[11], last.transit.routes[11])
            last = second
        alone = wanted(knowing(self.view, n10="xy"), last)
        self.assertIsNone(alone.transit)


class AgainTests(SynchronousTestCase):
    """What is planned once more."""

    def again(self, before: View, after: View) -> tuple[Links, Links]:
        first = wanted(before)
        return first, wanted(after, first)

    def test_unchanged(self) -> None:
        """What has not changed is not planned anew; what has, is."""
        still = carried(10, "x1", "x2")
        first, second = self.again(
            view("x1", SITE, still, carried(11, "x1")),
            view("x1", SITE, still, carried(11, "x1", "x2"), carried(12, "x1")),
        )
        self.assertIs(first.networks[10], second.networks[10])
        self.assertNotEqual(first.networks[11], second.networks[11])
        self.assertEqual([*second.networks], [10, 11, 12])

    def test_other_machine(self) -> None:
        """A machine that is of no concern to a network does not touch its plan."""
        still = carried(10, "x1")
        first, second = self.again(
            view("x1", SITE, still), view("x1", {**SITE, **machines("x7")}, still)
        )
        self.assertIs(first.networks[10], second.networks[10])

    def test_machine_moved(self) -> None:
        """What reaches a machine is planned anew when its address is another."""
        still = carried(10, "x1", "x2")
        moved = evolve(SITE["x2"], address=IPv4Address("172.20.9.9"))
        before = view("x1", SITE, still)
        after = view("x1", {**SITE, "x2": moved}, still)
        second = self.again(before, after)[1]
        self.assertIn(Forward(X, ALL_ZERO, moved.address), second.segments[10].entries)
        self.assertEqual(second.segments, wanted(after).segments)

    def test_moved_itself(self) -> None:
        """All is planned anew for a machine that is another itself."""
        still = carried(10, "x1")
        moved = evolve(SITE["x1"], address=IPv4Address("172.20.9.9"))
        after = view("x1", {**SITE, "x1": moved}, still)
        first, second = self.again(view("x1", SITE, still), after)
        self.assertEqual(second.segments, wanted(after).segments)
        self.assertNotEqual(first.segments, second.segments)


class NameTests(SynchronousTestCase):
    def test_number(self) -> None:
        """The number of a network is read in its links' names, and no others."""
        for name in ("evb00000a", "evx00000a", "evt00000a"):
            self.assertEqual(number_of(name), 10)
        for name in ("evb0000a", "evc00000a", "evb00000A", "evb00000a0", "eth0"):
            self.assertIsNone(number_of(name), name)
