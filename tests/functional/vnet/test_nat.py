"""
Public addresses: a head in this namespace, a node and the world in others.
"""

from __future__ import annotations

import os
import socket
import struct
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

from attrs import evolve
from twisted.trial.unittest import TestCase

from euca_tw.model.networks import ROUTER_MAC, Elastic, Role, View
from euca_tw.vnet.classes import ICMP, TCP, UDP
from euca_tw.vnet.filter_plan import wanted
from euca_tw.vnet.filter_settings import FilterSettings, Shape
from euca_tw.vnet.filter_text import whole
from euca_tw.vnet.link_records import VXLAN_PORT
from euca_tw.vnet.trace import trace
from tests.functional.netns import enter_new, make_peer
from tests.functional.vnet.grouped import make_rules
from tests.functional.vnet.guests import (
    SO_RCVBUFFORCE,
    Guest,
    Probe,
    heard,
    icmp,
    ip,
    make_bridge,
    make_guest,
    nft,
    received,
    serve,
    tracking,
    until_up,
    use_only_ours,
    without_ipv6,
)
from tests.vnet.groups import group, member_of, rule, view_of

WORLD, HEAD, WAY_OUT = "192.0.2.100", "192.0.2.254", "192.0.2.253"
PUBLIC = [f"192.0.2.{number}" for number in range(1, 4)]
#: What the instances are let in: from the world, and from who is public.
GROUPS = (
    group(
        "sg-x",
        rule(TCP, 80, 80),
        rule(UDP, 53, 53),
        rule(ICMP, -1, -1),
        rule(TCP, 81, 81, IPv4Network(f"{WORLD}/32")),
        rule(TCP, 82, 82, IPv4Network("10.0.0.0/8")),
        rule(TCP, 83, 83, IPv4Network(f"{PUBLIC[0]}/32")),
        rule(TCP, 84, 84, IPv4Network(f"{WAY_OUT}/32")),
    ),
)
PORTS = {TCP: range(80, 86), UDP: (53,), ICMP: (8 << 8,)}
MEMBERS = [
    member_of(2, "a1", "sg-x"),
    member_of(3, "a1", "sg-x"),
    member_of(4, "a1", "sg-x"),
    member_of(2, "a1", "sg-x", network=2),
]


def with_elastics(view: View, *pairs: tuple[str, int]) -> View:
    """@param pairs: public addresses, and of which members."""
    elastics = [
        Elastic(public_ip=IPv4Address(public), private_ip=MEMBERS[number].private_ip)
        for public, number in pairs
    ]
    return evolve(view, elastics={each.public_ip: each for each in elastics})


class NatTests(TestCase):
    """One head, one node, four instances on two networks, and the world."""

    def setUp(self) -> None:
        enter_new(self)
        use_only_ours()
        without_ipv6(os.getpid())
        self.node = make_peer(self)
        use_only_ours(self.node)
        without_ipv6(self.node)
        for number in (1, 2):
            bridge, port = f"evb{number:06x}", f"evx{number:06x}"
            make_bridge(bridge, f"10.0.{number}.1/24")
            ip("link", "set", bridge, "address", ROUTER_MAC)
            ip("link", "set", bridge, "type", "bridge", "nf_call_iptables", "0")
            make_bridge(bridge, pid=self.node)
            # In the place of VXLAN.
            there = ("peer", "name", port, "netns", str(self.node))
            ip("link", "add", port, "type", "veth", *there)
            ip("link", "set", port, "master", bridge, "up")
            ip("link", "set", port, "master", bridge, "up", pid=self.node)
        Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
        self.guests = [
            make_guest(
                self,
                each,
                bridge=f"evb{each.network:06x}",
                router=f"10.0.{each.network}.1",
                machine=self.node,
            )
            for each in MEMBERS
        ]
        self.world = make_peer(self)
        without_ipv6(self.world)
        world_end = ("peer", "name", "eth0", "netns", str(self.world))
        ip("link", "add", "out0", "type", "veth", *world_end)
        for address in (HEAD, WAY_OUT, *PUBLIC):
            ip("addr", "add", f"{address}/24", "dev", "out0")
        ip("link", "set", "out0", "up")
        for command in (
            ("link", "set", "lo", "up"),
            ("addr", "add", f"{WORLD}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            # A neighbour that would like to come in by the back door.
            ("route", "add", "10.0.0.0/8", "via", HEAD),
        ):
            ip(*command, pid=self.world)
        pids = (each.pid for each in self.guests)
        until_up(os.getpid(), self.node, self.world, *pids)
        self.view = view_of("a0", MEMBERS, GROUPS, "a1")
        shape = Shape(role=Role.NODE, tracking=tracking())
        text = whole(shape, wanted(evolve(self.view, here="a1")))
        nft("-f", "-", pid=self.node, text=text)
        self.serving = [serve(self, each, PORTS) for each in self.guests]
        stranger = evolve(MEMBERS[0], private_ip=IPv4Address(WORLD), instance_id="i-0")
        self.stranger = Guest(member=stranger, pid=self.world)
        self.serving.append(serve(self, self.stranger, PORTS))
        self.settings = FilterSettings(outer="out0")
        self.rules = make_rules(self.settings)

    def heard(self, source: Guest, address: str) -> set[tuple[int, int]]:
        """At which ports, by protocol."""
        probes = [
            Probe(source, address, protocol, port)
            for protocol, ports in PORTS.items()
            for port in ports
        ]
        return {(p.protocol, p.port) for p in heard(probes, self.serving)}

    def seen_from(self, source: Guest, address: str, at: Guest) -> str:
        """As whom a guest that asks at port 80 of an address is seen."""
        with at.open(TCP, port=8080) as listening:
            asking = source.open(TCP)
            asking.settimeout(1.0)
            try:
                asking.connect((address, 8080))
                accepted, (seen, _) = listening.accept()
                accepted.close()
            finally:
                asking.close()
        return str(seen)

    #: What sg-x lets in from anywhere.
    EVERYBODY = frozenset({(TCP, 80), (UDP, 53), (ICMP, 8 << 8)})

    async def test_in(self) -> None:
        """
        From outside an instance is reached at its public address, by its groups'
        rules, which see who asks; and by no other way.
        """
        await self.rules.apply(with_elastics(self.view, (PUBLIC[0], 0)))
        expected = self.EVERYBODY | {(TCP, 81)}
        self.assertEqual(self.heard(self.stranger, PUBLIC[0]), expected)
        for address in (PUBLIC[1], "10.0.1.2", "10.0.2.2"):
            found = self.heard(self.stranger, address)
            self.assertEqual(found - {(ICMP, 8 << 8)}, set(), address)
        self.assertEqual(self.heard(self.stranger, "10.0.1.2"), set())

    async def test_back_door(self) -> None:
        """
        Nor does it help to be talking to it already, by what looks the same to the
        kernel: it then translates by itself, and such a packet is not one of ours.
        """
        await self.rules.apply(with_elastics(self.view, (PUBLIC[0], 0)))
        answers = []
        for address in (PUBLIC[0], "10.0.1.2"):
            with self.stranger.open(ICMP) as talking:
                talking.connect((address, 0))
                talking.send(icmp(8 << 8, 99))
                answers.append(received(talking) is not None)
        self.assertEqual(answers, [True, False])

    async def test_trace(self) -> None:
        """What is told of a stranger's way is what the kernel does."""
        view = with_elastics(self.view, (PUBLIC[0], 0))
        await self.rules.apply(view)
        found = self.heard(self.stranger, PUBLIC[0])
        told = {
            (protocol, port)
            for protocol, ports in PORTS.items()
            for port in ports
            if trace(
                view, MEMBERS[0].instance_id, IPv4Address(WORLD), protocol, port
            ).passes
        }
        self.assertEqual(found, told)

    async def test_out(self) -> None:
        """
        Who has a public address leaves as that; who has none does not, unless there
        is a way out, and then leaves as that.
        """
        view = with_elastics(self.view, (PUBLIC[0], 0))
        await self.rules.apply(view)
        everything = {
            (protocol, port) for protocol in PORTS for port in PORTS[protocol]
        }
        self.assertEqual(self.heard(self.guests[0], WORLD), everything)
        self.assertEqual(
            self.seen_from(self.guests[0], WORLD, self.stranger), PUBLIC[0]
        )
        self.assertEqual(self.heard(self.guests[1], WORLD), set())
        rules = make_rules(evolve(self.settings, way_out=IPv4Address(WAY_OUT)))
        await rules.apply(view)
        self.assertEqual(self.heard(self.guests[1], WORLD), everything)
        for guest, seen in ((self.guests[0], PUBLIC[0]), (self.guests[1], WAY_OUT)):
            self.assertEqual(self.seen_from(guest, WORLD, self.stranger), seen)

    async def test_not_as_a_machine(self) -> None:
        """Who leaves as the head does not say what only machines may."""
        rules = make_rules(evolve(self.settings, way_out=IPv4Address(WAY_OUT)))
        await rules.apply(with_elastics(self.view, (PUBLIC[0], 0)))
        with self.stranger.open(UDP, port=VXLAN_PORT) as listening:
            for number, said in ((1, b"as the head"), (0, b"as itself")):
                with self.guests[number].open(UDP) as asking:
                    asking.sendto(said, (WORLD, VXLAN_PORT))
            self.assertEqual(received(listening), b"as itself")

    async def test_closed(self) -> None:
        """Neither machines nor what the site closes are reached by the head."""
        ip("addr", "add", "172.20.0.2/32", "dev", "eth0", pid=self.world)
        ip("addr", "add", "172.30.0.1/32", "dev", "eth0", pid=self.world)
        for net in ("172.20.0.2", "172.30.0.1"):
            ip("route", "add", net, "via", WORLD)
        view = with_elastics(self.view, (PUBLIC[0], 0))
        await self.rules.apply(view)
        self.assertEqual(self.heard(self.guests[0], "172.20.0.2"), set())
        self.assertNotEqual(self.heard(self.guests[0], "172.30.0.1"), set())
        closed = (IPv4Network("172.30.0.0/24"), IPv4Network("172.30.1.0/24"))
        await make_rules(evolve(self.settings, closed=closed)).apply(view)
        self.assertEqual(self.heard(self.guests[0], "172.30.0.1"), set())
        self.assertNotEqual(self.heard(self.guests[0], WORLD), set())

    async def test_inside(self) -> None:
        """From network to network it goes by the router, by private addresses."""
        await self.rules.apply(self.view)
        expected = self.EVERYBODY | {(TCP, 82)}
        self.assertEqual(self.heard(self.guests[3], "10.0.1.2"), expected)
        self.assertEqual(self.heard(self.guests[0], "10.0.2.2"), expected)

    async def test_hairpin(self) -> None:
        """
        At its public address an instance is reached from its own network, from
        another and by itself, and sees who asks by the public address of that.
        """
        view = with_elastics(self.view, (PUBLIC[0], 0), (PUBLIC[1], 1), (PUBLIC[2], 3))
        await self.rules.apply(view)
        as_first = self.EVERYBODY | {(TCP, 83)}
        for source, public, expected in (
            (0, PUBLIC[1], as_first),
            (1, PUBLIC[0], self.EVERYBODY),
            (0, PUBLIC[2], as_first),
            (3, PUBLIC[0], self.EVERYBODY),
            (0, PUBLIC[0], as_first),
        ):
            found = self.heard(self.guests[source], public)
            self.assertEqual(found, expected, (source, public))

    async def test_hairpin_without(self) -> None:
        """
        Who has no public address reaches others' as whom it leaves; if it does not
        leave, not at all.
        """
        view = with_elastics(self.view, (PUBLIC[0], 0))
        await self.rules.apply(view)
        self.assertEqual(self.heard(self.guests[1], PUBLIC[0]), set())
        await make_rules(evolve(self.settings, way_out=IPv4Address(WAY_OUT))).apply(
            view
        )
        for guest in (self.guests[1], self.guests[3]):
            self.assertEqual(self.heard(guest, PUBLIC[0]), self.EVERYBODY | {(TCP, 84)})

    async def test_moved(self) -> None:
        """
        A public address that moves is its new owner's at once, for who was talking
        to the old one as well; others' connections go on, and lose nothing.
        """
        view = with_elastics(self.view, (PUBLIC[0], 0), (PUBLIC[1], 1))
        await self.rules.apply(view)
        talking = self.stranger.open(UDP, port=4000)
        other = self.stranger.open(UDP)
        first, second, third = (
            next(s for s in self.serving[n].sockets if s.type == socket.SOCK_DGRAM)
            for n in (0, 1, 2)
        )
        second.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        self.addCleanup(talking.close)
        self.addCleanup(other.close)
        talking.connect((PUBLIC[0], 53))
        other.connect((PUBLIC[1], 53))
        talking.send(b"to the first")
        self.assertEqual(received(first), b"to the first")
        is_over = Event()
        sent: list[bytes] = []

        def talk() -> None:
            while not is_over.wait(0.001):
                sent.append(struct.pack("!I", len(sent)))
                other.send(sent[-1])

        thread = Thread(target=talk)
        thread.start()
        try:
            began = perf_counter()
            await self.rules.apply(
                with_elastics(self.view, (PUBLIC[0], 2), (PUBLIC[1], 1))
            )
            took_s = perf_counter() - began
        finally:
            is_over.set()
            thread.join()
        self.assertLess(took_s, 1.0)
        talking.send(b"to the third")
        self.assertEqual(received(third), b"to the third")
        self.assertIsNone(received(first))
        self.assertEqual([received(second) for _ in sent], sent)

    async def test_taken_away(self) -> None:
        """Without its public address an instance neither hears nor says any more."""
        view = with_elastics(self.view, (PUBLIC[0], 0))
        await self.rules.apply(view)
        outside = next(
            s for s in self.serving[-1].sockets if s.type == socket.SOCK_DGRAM
        )
        talking = self.guests[0].open(UDP)
        self.addCleanup(talking.close)
        talking.connect((WORLD, 53))
        talking.send(b"1")
        self.assertEqual(received(outside), b"1")
        await self.rules.apply(self.view)
        talking.send(b"2")
        self.assertIsNone(received(outside))
        self.assertEqual(self.heard(self.stranger, PUBLIC[0]) - {(ICMP, 8 << 8)}, set())
