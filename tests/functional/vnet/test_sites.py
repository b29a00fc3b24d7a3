"""
Clusters whole: rules, links and the trunk together, between machines of which all,
only the heads, or some reach each other.
"""

from __future__ import annotations

import random
import socket
from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from euca_tw.model.networks import Elastic
from euca_tw.vnet.classes import ICMP, TCP
from euca_tw.vnet.filter_settings import FilterSettings
from tests.functional.vnet.guests import Probe, heard, received, serve
from tests.functional.vnet.joined import (
    APP,
    CLOSED,
    DATA,
    ECHO,
    FAR,
    HELD,
    LONE,
    PORTS,
    WEB,
    SitesCase,
    members,
)
from tests.functional.vnet.streams import Stream, wait_for
from tests.vnet.views import machines

#: When processes are killed after they are told something, in seconds.
_MIDWAY = (0.03, 0.06, 0.1)


def everywhere(*clusters: str) -> list[tuple[int, str]]:
    """
    Of most networks one in each cluster, among them such as may not send all that they
    like, and a second of one in the first; of one only in the first, and of another
    only in the last.
    """
    return [
        (WEB, f"{clusters[0]}2"),
        *((WEB, f"{each}1") for each in clusters),
        *((APP, f"{each}1") for each in clusters),
        (DATA, f"{clusters[0]}2"),
        *((DATA, f"{each}1") for each in clusters[1:]),
        (CLOSED, f"{clusters[0]}2"),
        *((CLOSED, f"{each}1") for each in clusters[1:]),
        (LONE, f"{clusters[0]}1"),
        (FAR, f"{clusters[-1]}1"),
        *((HELD, f"{each}1") for each in clusters),
    ]


class MixTests(SitesCase):
    """Machines that reach each other, and such as do not."""

    def test_routed(self) -> None:
        """
        Where all machines reach each other, exactly those instances talk that the
        rules let, in one cluster or two, on one network or two.
        """
        known = machines("x0", "x1", "x2", "y0", "y1", routed="xy")
        self.build(known, everywhere("x", "y"))
        self.assertMatrix()
        self.assertTold()
        for head in self.clouds.heads:
            self.assertNotIn("evt", head.host.ip("link"))

    def test_heads(self) -> None:
        """
        So it is where only heads reach each other, and one of these can only
        connect; and what is between them nobody can read.
        """
        known = machines("x0", "x1", "x2", "y0", "y1")
        self.build(known, everywhere("x", "y"), dialling="y", shows_all=True)
        ear = self.clouds.ear(self.clouds.wan)
        self.clouds.wait_linked({("x", "y")})
        self.assertMatrix()
        self.assertTold()
        self.say(self.guest(APP, "x1"), self.guest(APP, "y1"))
        self.say(self.guest(APP, "y1"), self.guest(APP, "x1"))
        overheard = []
        while (frame := received(ear, 0)) is not None:
            overheard.append(frame)
        self.assertSealed(overheard)

    def test_mixed(self) -> None:
        """
        So it is where two clusters reach each other and a third one only heads.  What
        heads hand each other between networks goes one step only, and is from their
        own clusters' instances.
        """
        known = machines("x0", "x1", "x2", "y0", "y1", "z0", "z1", routed="xy")
        self.build(known, everywhere("x", "y", "z"), is_strict=True)
        self.clouds.wait_linked([*combinations("xyz", 2)])
        self.assertMatrix()
        self.assertTold()
        lone, far = self.guest(LONE, "x1"), self.guest(FAR, "z1")
        for sender, cluster in ((far, "x"), (lone, "z")):
            self.assertOwnOnly(cluster, "y", sender, self.guest(WEB, "y1"))
        self.assertOneStep("x", "y", lone, far)


class PublicTests(SitesCase):
    """Public addresses, beside the trunk."""

    def test_public(self) -> None:
        """
        An instance is reached at its public address, from outside and from another
        cluster, by what its rules and the sender's say, and so at its private one from
        inside; of private addresses nothing leaves.
        """
        elastics = [
            Elastic(
                public_ip=IPv4Address(f"192.0.2.{number}"),
                private_ip=IPv4Address(f"10.0.{number}.2"),
            )
            for number in (WEB, APP, HELD)
        ]
        self.build(
            machines("x0", "x1", "y0", "y1"),
            [(WEB, "x1"), (LONE, "x1"), (APP, "y1"), (CLOSED, "y1"), (HELD, "y1")],
            elastics=elastics,
            outward=FilterSettings(outer="wan", closed=(IPv4Network("10.0.0.0/8"),)),
        )
        world = self.clouds.world("192.0.2.200")
        ear = self.clouds.ear(self.clouds.wan)
        web, lone = self.guest(WEB, "x1"), self.guest(LONE, "x1")
        app, closed = self.guest(APP, "y1"), self.guest(CLOSED, "y1")
        held = self.guest(HELD, "y1")
        serving = [serve(self, each, PORTS) for each in (web, app, lone)]
        probes = [
            Probe(source, to, protocol, port)
            for source in (world, app, closed, lone, held)
            for to in ("192.0.2.1", "192.0.2.2", "10.0.1.2", "10.0.5.2")
            for protocol, ports in PORTS.items()
            for port in ports
            if to != source.address
        ]
        found = heard(probes, serving, 1.0)
        let_in = {
            Probe(source, to, protocol, port)
            for source, to in (
                (world, "192.0.2.1"),
                (app, "192.0.2.1"),
                *((each, "10.0.1.2") for each in (lone, app, closed)),
            )
            for protocol, port in ((TCP, 80), (ICMP, ECHO))
        }
        let_in |= {
            Probe(source, "10.0.5.2", TCP, port)
            for source in (app, closed)
            for port in (80, 81)
        }
        # To a public address by its network, and to private ones by their groups.
        let_in |= {
            Probe(held, "192.0.2.1", TCP, 80),
            Probe(held, "10.0.1.2", TCP, 80),
            Probe(held, "10.0.1.2", ICMP, ECHO),
            Probe(held, "10.0.5.2", TCP, 81),
        }
        self.assertEqual(sorted(map(repr, found)), sorted(map(repr, let_in)))
        overheard = []
        while (frame := received(ear, 0)) is not None:
            if (
                frame[12:14] == b"\x08\x00"
                and socket.inet_ntoa(frame[26:30]) != world.address
            ):
                overheard += [frame[26:30], frame[30:34]]
        self.assertIn(socket.inet_aton("192.0.2.2"), overheard)
        self.assertEqual([each for each in overheard if each[0] == 10], [])


class RestartTests(SitesCase):
    """Processes that die under what instances say."""

    def setUp(self) -> None:
        known = machines("x0", "x1", "x2", "y0", "y1")
        on = ((WEB, "x1"), (WEB, "x2"), (WEB, "y1"), (APP, "x1"), (APP, "y1"))
        self.build(known, (*on, (LONE, "x1"), (FAR, "y1")))
        self.clouds.wait_linked({("x", "y")})

    def streams(self) -> list[Stream]:
        """
        Within a network, from one to another that both clusters have, and to one that
        only the other has; all between clusters.
        """
        app = self.guest(APP, "y1")
        pairs = [
            (self.guest(APP, "x1"), app),
            (self.guest(WEB, "x1"), app),
            (self.guest(LONE, "x1"), self.guest(FAR, "y1")),
        ]
        return [self.streaming(one, other) for one, other in pairs]

    def test_reapplied(self) -> None:
        """Processes of nodes that die, and others that begin, lose no packet."""
        streams = self.streams()
        x1, x2, y1 = (self.guest(WEB, each) for each in ("x1", "x2", "y1"))
        pings = [self.pinging(x1, x2), self.pinging(y1, x1)]
        self.clouds.restart("x1", "x2", "y1")
        for stream in streams:
            self.flows(stream)
        self.assertEqual([each.end().lost for each in pings], [0, 0])
        self.assertGreater(pings[0].sent, 50)
        for stream in streams:
            self.assertWhole(stream)

    def test_heads(self) -> None:
        """
        Heads that die, and ways between heads that are lost for a time, end no
        connection, and what stays inside a cluster loses no packet.
        """
        streams = self.streams()
        x1, x2, y1 = (self.guest(WEB, each) for each in ("x1", "x2", "y1"))
        within, across = self.pinging(x1, x2), self.pinging(y1, x1)

        def recovered() -> None:
            self.clouds.wait_linked({("x", "y")})
            for stream in streams:
                self.flows(stream)

        for head in ("x0", "y0"):
            self.clouds.restart(head)
            recovered()
        self.clouds.cut("x", "y")
        self.clouds.wait_apart("x", "y")
        self.clouds.cut("x", "y", "del")
        recovered()
        stall_s = max(each.gap_s for each in streams)
        print(
            f"\n    longest stall {stall_s:.2f} s, {across.end().lost} of "
            f"{across.sent} pings between clusters lost",
            end=" ",
        )
        self.assertEqual(within.end().lost, 0)
        for stream in streams:
            self.assertWhole(stream)

    def test_midway(self) -> None:
        """
        Processes that die while they change things, again and again, end no
        connection, though the networks of its ends come to more clusters, and leave
        them; what stays in a cluster loses no packet, and all is as it shall be in
        the end.
        """
        streams = self.streams()
        pings = self.pinging(self.guest(WEB, "x1"), self.guest(WEB, "x2"))
        few = self.clouds.members
        others = members((WEB, ""), (WEB, ""), (WEB, ""), (WEB, "y1"), (WEB, "x2"))
        come = members((LONE, ""), (FAR, ""), (LONE, "y1"), (FAR, "x2"))[2:]
        more = (*few, *others[3:], *members((DATA, "x1"), (DATA, "y1")), *come)
        for number, after_s in enumerate(_MIDWAY):
            first, then = (few, more) if number % 2 else (more, few)
            self.clouds.members = first
            self.clouds.die_midway(after_s)
            self.clouds.members = then
            self.clouds.apply()
            self.clouds.wait_linked({("x", "y")})
            for stream in streams:
                self.flows(stream)
        self.assertIs(self.clouds.members, few)
        self.assertEqual(pings.end().lost, 0)
        for stream in streams:
            self.assertWhole(stream)
        for carrier in self.clouds.carriers.values():
            self.assertNotIn("evb000003", carrier.host.ip("link"))
        self.assertMatrix(20)


class MeshTests(SitesCase):
    """Twelve clusters."""

    def test_relayed(self) -> None:
        """
        All instances of a network in twelve clusters reach each other, by a third
        head where two do not reach each other, and so do two of different networks;
        what is for all comes once to each.
        """
        names = "abcdefghijkl"
        pairs = list(combinations(names, 2))
        lost = random.Random(12).sample(pairs, 24)
        known = machines(*(f"{each}{number}" for each in names for number in (0, 1)))
        one, other = lost[0]
        single = (LONE, f"{one}1"), (FAR, f"{other}1")
        self.build(known, [*((APP, f"{each}1") for each in names), *single])
        for pair in lost:
            self.clouds.cut(*pair)
        self.clouds.wait_linked(set(pairs) - set(lost))
        everybody = set(names)
        for head in self.clouds.heads:
            here = head.machine.cluster
            wait_for(
                lambda head=head, here=here: head.ways().keys() | {here} == everybody,  # type: ignore[misc]
                f"{here} knows its ways",
            )
            ways = head.ways()
            relayed = {other for other, by in ways.items() if by != other}
            self.assertEqual(
                relayed,
                {other for pair in lost if here in pair for other in pair} - {here},
            )
        guests = [self.guest(APP, f"{each}1") for each in names]
        probes = [
            Probe(guest, to.address, ICMP, ECHO)
            for guest in guests
            for to in guests
            if guest is not to
        ]
        self.assertEqual(len(probes), 12 * 11)
        lone, far = (self.guest(*each) for each in single)
        probes.append(Probe(lone, far.address, ICMP, ECHO))
        found = heard(probes, (), 3.0)
        self.assertEqual(sorted(map(repr, set(probes) - found)), [])
        self.assertTold()
