"""Rules of security groups."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.groups import (
    IpPermission,
    IpRange,
    Ipv6Range,
    UserIdGroupPair,
)
from euca_tw.api.encode import element
from euca_tw.api.errors import (
    ApiError,
    InvalidParameterValue,
    MalformedPermission,
    MissingParameter,
    RepeatedPermission,
)
from euca_tw.api.shapes import Version, shape_of
from euca_tw.clc.rules import open_to, permissions, refuse_ipv6, told
from euca_tw.clc.views import permissions as view
from euca_tw.model.identifiers import AccountId, GroupId
from euca_tw.model.records import GroupSource, Permission

WEB = GroupSource(
    owner_id=AccountId("000000000001"),
    group_id=GroupId("sg-00000001"),
    group_name="web",
)


def asked(protocol: str = "tcp", *ports: int | None, **given: Any) -> IpPermission:
    low, high = ports or (22, 22)
    given.setdefault("ip_ranges", (IpRange(cidr_ip="0.0.0.0/0"),))
    return IpPermission(ip_protocol=protocol, from_port=low, to_port=high, **given)


def rule(
    protocol: str = "tcp", low: int = 22, high: int = 22, **given: Any
) -> Permission:
    given = given or {"cidr": "0.0.0.0/0"}
    return Permission(protocol=protocol, from_port=low, to_port=high, **given)


def read(*each: IpPermission) -> tuple[Permission, ...]:
    return permissions(each, lambda pair: WEB)


class PermissionsTests(SynchronousTestCase):
    def test_one_for_each_source(self) -> None:
        """A rule with many sources is as many rules."""
        made = read(
            asked(
                ip_ranges=(
                    IpRange(cidr_ip="10.0.0.0/8"),
                    IpRange(cidr_ip="11.0.0.0/8"),
                ),
                groups=(UserIdGroupPair(group_name="web"),),
            )
        )
        self.assertEqual(
            made, (rule(cidr="10.0.0.0/8"), rule(cidr="11.0.0.0/8"), rule(group=WEB))
        )

    def test_protocols(self) -> None:
        """Protocols have names, in any case, or numbers."""
        for said, kept in [
            *(("tcp", "tcp"), ("UDP", "udp"), ("6", "tcp"), ("17", "udp")),
            ("006", "tcp"),
        ]:
            self.assertEqual(read(asked(said)), (rule(kept),))
        for said, kept in ("50", "50"), ("255", "255"), ("-1", "-1"), ("all", "-1"):
            self.assertEqual(read(asked(said)), (rule(kept, -1, -1),))
        self.assertEqual(read(asked("1", 8, 0)), (rule("icmp", 8, 0),))

    def test_no_protocol(self) -> None:
        """What is no protocol is refused."""
        for said in (
            "",
            "http",
            "256",
            "-2",
            "1e1",
            "00066",
            "9" * 5000,
            "\N{SUPERSCRIPT TWO}",
        ):
            self.assertRaises(MalformedPermission, read, asked(said))

    def test_ports(self) -> None:
        """Ports are between 0 and 65535, the first not after the last."""
        self.assertEqual(read(asked("tcp", 0, 65535)), (rule("tcp", 0, 65535),))
        for low, high in (-1, -1), (0, 65536), (23, 22):
            self.assertRaises(InvalidParameterValue, read, asked("tcp", low, high))

    def test_missing_ports(self) -> None:
        """TCP and UDP need both ports."""
        for low, high in (None, 22), (22, None):
            self.assertRaises(MissingParameter, read, asked("udp", low, high))

    def test_icmp(self) -> None:
        """ICMP has types and codes; -1 is all."""
        for low, high in (-1, -1), (8, -1), (8, 0), (255, 255):
            self.assertEqual(read(asked("icmp", low, high)), (rule("icmp", low, high),))
        self.assertEqual(read(asked("icmp", None, None)), (rule("icmp", -1, -1),))
        for low, high in (-2, 0), (256, 0), (8, 256), (-1, 0):
            self.assertRaises(InvalidParameterValue, read, asked("icmp", low, high))

    def test_networks(self) -> None:
        """Networks are kept in their plainest form."""
        for said, kept in ("10.1.2.3/8", "10.0.0.0/8"), ("1.2.3.4/32", "1.2.3.4/32"):
            made = read(asked(ip_ranges=(IpRange(cidr_ip=said),)))
            self.assertEqual(made, (rule(cidr=kept),))

    def test_no_network(self) -> None:
        """What is no network is refused."""
        for said in (
            *("", "10.0.0.0", "10.0.0.0/", "10.0.0/8", "10.0.0.0/33", "::/0"),
            *("10.0.0.0/255.0.0.0", "256.0.0.0/8", "a/8", "1/8", "10.0.0.0/-1"),
            "10.0.0.0/0080",
        ):
            self.assertRaises(
                InvalidParameterValue, read, asked(ip_ranges=(IpRange(cidr_ip=said),))
            )

    def test_ipv6(self) -> None:
        """A network of IPv6 is read, but nothing is let in or out by it."""
        said = asked(ip_ranges=(), ipv6_ranges=(Ipv6Range(cidr_ipv6="2001:DB8::1/32"),))
        self.assertEqual([each.cidr for each in read(said)], ["2001:db8::/32"])
        refusal = self.assertRaises(InvalidParameterValue, refuse_ipv6, [said])
        self.assertIn("remote-ipv6-range", refusal.message)
        refuse_ipv6([asked()])

    def test_no_source(self) -> None:
        """A rule without a source is refused."""
        self.assertRaises(MissingParameter, read, asked(ip_ranges=()))

    def test_no_rule(self) -> None:
        """No rule at all is refused."""
        self.assertRaises(MissingParameter, read)

    def test_twice(self) -> None:
        """A rule twice in one request is refused."""
        self.assertRaises(RepeatedPermission, read, asked(), asked("6"))

    @given(st.text(), st.integers(), st.integers(), st.text())
    def test_anything(self, protocol: str, low: int, high: int, cidr: str) -> None:
        """Whatever is asked is a rule or is refused."""
        try:
            read(asked(protocol, low, high, ip_ranges=(IpRange(cidr_ip=cidr),)))
        except ApiError as refusal:
            self.assertTrue(refusal.message)


class TellingTests(SynchronousTestCase):
    def test_told(self) -> None:
        """A rule is told in words."""
        self.assertEqual(
            told(rule()), "peer: 0.0.0.0/0, TCP, from port: 22, to port: 22, ALLOW"
        )
        self.assertIn("peer: 000000000001/web, TCP", told(rule(group=WEB)))

    def test_together(self) -> None:
        """Rules of the same ports are shown as one with many sources."""
        [one, other] = view([rule(), rule("udp"), rule(group=WEB)])
        self.assertEqual(one.ip_ranges, (IpRange(cidr_ip="0.0.0.0/0"),))
        [pair] = one.groups
        self.assertEqual((pair.user_id, pair.group_name), (WEB.owner_id, "web"))
        self.assertEqual(other.ip_protocol, "udp")

    def test_without_ports(self) -> None:
        """Where a protocol has no ports none are told; but to who must be told some."""
        for protocol in ("-1", "50"):
            [shown] = view([rule(protocol, -1, -1)])
            self.assertEqual((shown.from_port, shown.to_port), (None, None))
            shape, old = shape_of(IpPermission), Version("2010-11-15")
            text = element("item", "urn:x", shape, old, shown)
            self.assertIn("<fromPort>-1</fromPort><toPort>-1</toPort>", text)
            text = element("item", "urn:x", shape, Version("2016-11-15"), shown)
            self.assertNotIn("Port", text)
        [icmp] = view([rule("icmp", -1, -1)])
        self.assertEqual((icmp.from_port, icmp.to_port), (-1, -1))

    def test_there_and_back(self) -> None:
        """What is shown can be asked for again, and is the same."""
        rules = (*open_to(WEB), rule(), rule("50", -1, -1), rule("-1", -1, -1))
        self.assertEqual(set(read(*view(rules))), set(rules))
