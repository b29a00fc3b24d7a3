"""Tests of L{euca_tw.vnet.trace}."""

from __future__ import annotations

from ipaddress import IPv4Address

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Elastic, Rule, View
from euca_tw.vnet.classes import ICMP, TCP, UDP
from euca_tw.vnet.trace import departure, trace
from tests.vnet.groups import (
    MEMBERSHIP,
    SITE,
    group,
    lets_in,
    lets_out,
    member_of,
    view_of,
)
from tests.vnet.test_classes import ADDRESSES, PORTS, patiently, rules

MEMBERS = [
    member_of(number, "a1" if number % 4 else "a2", *groups)
    for number, groups in enumerate(MEMBERSHIP, 2)
]
VIEW = view_of("a1", MEMBERS, SITE, "a2")
STRANGER = IPv4Address("198.51.100.7")


def public(view: View, number: int) -> View:
    elastic = Elastic(
        public_ip=IPv4Address("192.0.2.1"), private_ip=MEMBERS[number - 2].private_ip
    )
    return evolve(view, elastics={elastic.public_ip: elastic})


class TraceTests(SynchronousTestCase):
    """What is told of a packet's way."""

    def told(
        self, number: int, source: str, protocol: int, port: int, view: View = VIEW
    ) -> str:
        instance_id = MEMBERS[number - 2].instance_id
        return trace(view, instance_id, IPv4Address(source), protocol, port).text

    def test_by_network(self) -> None:
        """The rule is told that lets it in."""
        self.assertEqual(
            self.told(2, "10.0.1.3", TCP, 80),
            "From i-00010003 on a1, by network 1, to i-00010002, 10.0.1.2, on a1.\n"
            "sg-web lets in tcp 80: tcp 80 from 0.0.0.0/0.",
        )

    def test_by_group(self) -> None:
        """A source that is a group's is told to be."""
        self.assertIn(
            "sg-web lets in icmp type 8 code 0: icmp type 8 from sg-app, of which "
            "10.0.1.5 is a member.",
            self.told(2, "10.0.1.5", ICMP, 8 << 8),
        )

    def test_refused(self) -> None:
        """What no rule lets in is refused, by all groups together."""
        self.assertIn(
            "None of the 9 rules of sg-db, sg-web lets in tcp 443 from 10.0.1.2: "
            "refused.",
            self.told(7, "10.0.1.2", TCP, 443),
        )

    def test_elsewhere(self) -> None:
        """It is told where the rules are kept."""
        self.assertIn("The rules are kept at a2.", self.told(4, "10.0.1.2", TCP, 22))

    def test_stranger(self) -> None:
        """From outside only who has a public address is reached."""
        self.assertIn(
            "198.51.100.7 is outside, and i-00010002 has no public address at a1: "
            "refused",
            self.told(2, str(STRANGER), TCP, 80),
        )
        self.assertEqual(
            self.told(2, str(STRANGER), TCP, 80, public(VIEW, 2)),
            "From 198.51.100.7, by 192.0.2.1, to i-00010002, 10.0.1.2, on a1.\n"
            "sg-web lets in tcp 80: tcp 80 from 0.0.0.0/0.",
        )

    def test_router(self) -> None:
        """From another network it comes by the router."""
        other = member_of(2, "a1", network=2)
        view = view_of("a1", [*MEMBERS, other], SITE)
        self.assertIn("inside, by the router", self.told(2, "10.0.2.2", TCP, 80, view))

    def test_nothing_to_ask(self) -> None:
        """Without groups, without their rules, without the instance: it is said."""
        self.assertIn(
            "i-00010009 is in no security group: protocol 47 is refused.",
            self.told(9, "10.0.1.2", 47, 0),
        )
        self.assertIn(
            "a1 knows no rule of sg-none.",
            self.told(8, "10.0.1.2", UDP, 5, evolve(VIEW, groups={})),
        )
        found = trace(VIEW, "i-0", STRANGER, TCP, 80)
        self.assertEqual(
            (found.passes, found.text), (False, "No network of a1 has i-0.")
        )

    def test_written(self) -> None:
        """Rules of every kind are told as people say them."""
        for each, text in (
            (Rule(protocol=None, source="sg-app"), "any protocol from sg-app"),
            (Rule(protocol=47, source="sg-app"), "protocol 47 from sg-app"),
            (Rule(protocol=1, low=3, high=4, source="sg-app"), "icmp type 3 code 4"),
            (Rule(protocol=6, low=1, high=9, source="sg-app"), "tcp 1 to 9 from"),
        ):
            view = evolve(VIEW, groups={"sg-web": group("sg-web", each)})
            protocol = each.protocol or UDP
            port = 3 << 8 | 4 if protocol == ICMP else 9
            self.assertIn(text, self.told(2, "10.0.1.4", protocol, port, view))

    def leaving(self, number: int, destination: str, protocol: int, port: int) -> str:
        instance_id = MEMBERS[number - 2].instance_id
        address = IPv4Address(destination)
        return departure(VIEW, instance_id, address, protocol, port).text

    def test_departure(self) -> None:
        """The rule is told that lets it out, by network or by group."""
        self.assertEqual(
            self.leaving(2, "198.51.100.7", TCP, 80), "sg-web lets out everything."
        )
        self.assertEqual(
            self.leaving(10, "10.0.1.3", ICMP, 8 << 8),
            "sg-held lets out icmp type 8 code 0: icmp type 8 to 10.0.1.3/32.",
        )
        self.assertEqual(
            self.leaving(10, "10.0.1.4", UDP, 54),
            "sg-held lets out udp 54: udp 53 to 55 to sg-app, of which 10.0.1.4 is a "
            "member.",
        )

    def test_kept_in(self) -> None:
        """What no rule lets out stays where it is, by all groups together."""
        self.assertEqual(
            self.leaving(11, "10.0.1.2", UDP, 53),
            "None of the 8 rules of sg-asks, sg-held lets out udp 53 to 10.0.1.2: it "
            "does not leave i-0001000b.",
        )

    def test_served(self) -> None:
        """Who serves an instance is asked whatever rules say."""
        for address in ("169.254.169.254", "10.0.1.1"):
            self.assertIn("may always ask it", self.leaving(13, address, UDP, 53))

    def test_nothing_to_leave(self) -> None:
        """Without groups, without their rules, without the instance: it is said."""
        self.assertIn("in no security group", self.leaving(9, "10.0.1.2", TCP, 80))
        self.assertIn("No network of a1", departure(VIEW, "i-0", STRANGER, 6, 1).text)
        view = evolve(VIEW, groups={})
        self.assertIn(
            "a1 knows no rule of sg-mute.",
            departure(view, MEMBERS[11].instance_id, STRANGER, TCP, 80).text,
        )

    @patiently
    @given(
        st.one_of(st.none(), st.frozensets(rules(), max_size=4)),
        st.sampled_from(ADDRESSES),
        st.sampled_from((TCP, UDP, ICMP, 47)),
        st.sampled_from(PORTS),
    )
    def test_departure_agrees(
        self,
        those: frozenset[Rule] | None,
        destination: IPv4Address,
        protocol: int,
        port: int,
    ) -> None:
        """Of what leaves it says what EC2's rules say, too."""
        member = member_of(2, "a1", "sg-x")
        groups = {"sg-x": group("sg-x", egress=those)}
        view = evolve(
            view_of("a1", [member], groups.values()),
            sources={"sg-a": frozenset({ADDRESSES[0]}), "sg-b": frozenset()},
        )
        found = departure(view, member.instance_id, destination, protocol, port)
        expected = lets_out(groups, view.sources, member, destination, protocol, port)
        self.assertEqual(found.passes, expected, found.text)

    @patiently
    @given(
        st.frozensets(rules(), max_size=4),
        st.sampled_from(ADDRESSES),
        st.sampled_from((TCP, UDP, ICMP, 47)),
        st.sampled_from(PORTS),
    )
    def test_agrees(
        self, those: frozenset[Rule], source: IPv4Address, protocol: int, port: int
    ) -> None:
        """It says what EC2's rules say."""
        member = member_of(2, "a1", "sg-x")
        groups = {"sg-x": group("sg-x", *those)}
        view = evolve(
            public(view_of("a1", [member], groups.values()), 2),
            sources={"sg-a": frozenset({ADDRESSES[0]}), "sg-b": frozenset()},
        )
        found = trace(view, member.instance_id, source, protocol, port)
        expected = lets_in(groups, view.sources, member, source, protocol, port)
        self.assertEqual(found.passes, expected, found.text)
