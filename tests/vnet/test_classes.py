"""Tests of L{euca_tw.vnet.classes}."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import Rule
from euca_tw.vnet.classes import (
    ICMP,
    TCP,
    UDP,
    Allowed,
    Box,
    allowed_from,
    allowed_of,
    number_of,
    numbered,
    ports_of,
)
from tests.vnet.groups import covers, rule

#: A busy machine takes its time.
patiently = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
NETWORKS = [
    IPv4Network(text)
    for text in (
        *("0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/24", "10.0.1.0/24", "10.0.0.0/23"),
        *("10.0.0.7/32", "10.0.0.6/31", "192.0.2.0/24", "128.0.0.0/1"),
    )
]
ADDRESSES = [
    IPv4Address(text)
    for text in (
        *("10.0.0.6", "10.0.0.7", "10.0.1.7", "10.9.9.9", "192.0.2.1", "8.8.8.8"),
        "255.255.255.255",
    )
]
GROUPS = ("sg-a", "sg-b")
#: Their members are of these classes.
CLASSES = {"sg-a": ("0:1", "0:2"), "sg-b": ("0:2", "0:3")}
PORTS = (0, 1, 21, 22, 23, 24, 25, 80, 2048, 2049, 2050, 65535)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    protocol = draw(st.sampled_from((TCP, UDP, ICMP, 47, None)))
    source = draw(st.one_of(st.sampled_from(NETWORKS), st.sampled_from(GROUPS)))
    low, high = -1, -1
    if protocol == ICMP:
        low = draw(st.sampled_from((-1, 0, 8)))
        high = draw(st.sampled_from((-1, 0, 1))) if low >= 0 else -1
    elif protocol in (TCP, UDP) and draw(st.booleans()):
        low, high = sorted(draw(st.tuples(*[st.sampled_from(PORTS)] * 2)))
    return rule(protocol, low, high, source)


def is_in(allowed: Allowed, sources: set[str], protocol: int, port: int) -> bool:
    def holds(boxes: frozenset[Box], value: int) -> bool:
        return any(
            source in sources and low <= value <= high for source, (low, high) in boxes
        )

    return holds(allowed.ports.get(protocol, frozenset()), port) or holds(
        allowed.protocols, protocol
    )


def overlaps(one: Box, other: Box) -> bool:
    (here, (low, high)), (there, (first, last)) = one, other
    if max(low, first) > min(high, last):
        return False
    if ":" in here:
        return here == there
    return IPv4Network(here).overlaps(IPv4Network(there))


class AllowedTests(SynchronousTestCase):
    """What rules let in together."""

    @patiently
    @given(st.frozensets(rules(), max_size=8))
    def test_from_networks(self, those: frozenset[Rule]) -> None:
        """From each address exactly that comes in which some rule lets in."""
        allowed = allowed_from(those)
        for address in ADDRESSES:
            sources = {
                str(each).removesuffix("/32") for each in NETWORKS if address in each
            } | {str(address)}
            # A box may be of a network that no rule names: of two halves.
            sources |= {
                source
                for boxes in (*allowed.ports.values(), allowed.protocols)
                for source, _ in boxes
                if address in IPv4Network(source)
            }
            for protocol in (TCP, UDP, ICMP, 47, 132):
                for port in PORTS:
                    expected = any(
                        covers(each, protocol, port)
                        for each in those
                        if not isinstance(each.source, str) and address in each.source
                    )
                    self.assertEqual(is_in(allowed, sources, protocol, port), expected)

    @patiently
    @given(st.frozensets(rules(), max_size=8))
    def test_of_groups(self, those: frozenset[Rule]) -> None:
        """Of each class exactly that comes in which a rule lets in of its groups."""
        allowed = allowed_of(those, CLASSES)
        for number in ("0:1", "0:2", "0:3"):
            for protocol in (TCP, UDP, ICMP, 47, 132):
                for port in PORTS:
                    expected = any(
                        covers(each, protocol, port)
                        for each in those
                        if isinstance(each.source, str)
                        and number in CLASSES[each.source]
                    )
                    self.assertEqual(is_in(allowed, {number}, protocol, port), expected)

    @patiently
    @given(st.frozensets(rules(), max_size=8))
    def test_disjoint(self, those: frozenset[Rule]) -> None:
        """No two boxes of a set have a point in common: the kernel takes no such."""
        for allowed in (allowed_from(those), allowed_of(those, CLASSES)):
            for boxes in (*allowed.ports.values(), allowed.protocols):
                for one, other in combinations(boxes, 2):
                    self.assertFalse(overlaps(one, other), (one, other))

    def test_within_another(self) -> None:
        """A network within another, for the same ports, is left out."""
        allowed = allowed_from(
            [rule(TCP, 22, 22), rule(TCP, 22, 22, IPv4Network("10.0.0.0/8"))]
        )
        self.assertEqual(allowed.ports, {TCP: frozenset({("0.0.0.0/0", (22, 22))})})

    def test_backwards(self) -> None:
        """A range that ends before it begins lets in nothing."""
        self.assertEqual(
            allowed_from([rule(TCP, 9, 8), rule(TCP, 80, 80)]),
            allowed_from([rule(TCP, 80, 80)]),
        )
        self.assertEqual(allowed_from([rule(TCP, 9, 8)]).ports, {TCP: frozenset()})
        self.assertEqual(
            allowed_of([rule(TCP, 9, 8, "sg-a")], CLASSES).ports, {TCP: frozenset()}
        )

    def test_icmp(self) -> None:
        """Type and code of ICMP are as one number; any code is a range."""
        self.assertEqual(ports_of(rule(ICMP, 8, -1)), (2048, 2303))
        self.assertEqual(ports_of(rule(ICMP, 3, 4)), (772, 772))
        self.assertIsNone(ports_of(rule(ICMP, -1, -1)))


class NumbersTests(SynchronousTestCase):
    """Numbers of classes."""

    def test_same(self) -> None:
        """A class has the same number everywhere, and it is never 0."""
        self.assertEqual(number_of(frozenset({"sg-2", "sg-1"})), 1790374976)
        for bits in (1, 2, 3):
            self.assertGreater(number_of(frozenset(), bits), 0)

    @patiently
    @given(st.sets(st.frozensets(st.sampled_from("abcd")), max_size=7))
    def test_different(self, classes: set[frozenset[str]]) -> None:
        """No two have the same, in whatever order they come."""
        numbers = numbered(classes, bits=3)
        self.assertEqual(len({*numbers.values()}), len(classes))
        self.assertEqual(numbers, numbered(sorted(classes, key=str), bits=3))
