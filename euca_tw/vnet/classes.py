"""
Classes of instances, and what each lets in and out, cut so that nothing overlaps.

Pure.  Instances with the same security groups are of one class, which has a
number; what is let in and out is said of classes, so that who joins or leaves a
group is one element of a set, and no rule.

The kernel cannot be given what overlaps: C{10.0.0.0/8} after C{0.0.0.0/0} is
refused, the other way round it is taken, and then either is deleted for the
other.  So what the rules of a class say together is cut into boxes that have no
point in common, the same whatever the order and number of the rules.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from ipaddress import IPv4Network
from itertools import pairwise
from typing import TypeAlias

from attrs import Factory, frozen

from euca_tw.model.networks import Rule

#: The groups of an instance.
Groups: TypeAlias = frozenset[str]
#: Both ends included.
Span: TypeAlias = tuple[int, int]
#: Where from, or where to, as nft writes it: a network, or the number of a class.
Box: TypeAlias = tuple[str, Span]

ICMP, TCP, UDP = 1, 6, 17
EVERY_PORT: Span = (0, (1 << 16) - 1)
EVERY_PROTOCOL: Span = (0, (1 << 8) - 1)
_EVERY_CODE = (1 << 8) - 1
#: The largest number is not a class: it marks what is established.
BITS = 31


class Collided(Exception):
    """Two classes would have the same number."""


def number_of(groups: Groups, bits: int = BITS) -> int:
    """
    Of a class: never 0, and the same on every machine and at every start, so that
    what is found there need not be renumbered.
    """
    digest = hashlib.sha256("\0".join(sorted(groups)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % ((1 << bits) - 1) + 1


def numbered(classes: Iterable[Groups], bits: int = BITS) -> dict[Groups, int]:
    """
    Each class' number; where two would have the same, which happens once in many
    thousand clouds, the later one has the next that is free.
    """
    numbers: dict[Groups, int] = {}
    taken: set[int] = set()
    for groups in sorted(set(classes), key=sorted):
        number = number_of(groups, bits)
        while number in taken:
            number = number % ((1 << bits) - 1) + 1
        taken.add(number)
        numbers[groups] = number
    return numbers


@lru_cache(maxsize=1 << 14)
def written(network: IPv4Network) -> str:
    """As nft lists it."""
    return str(network).removesuffix("/32")


def ports_of(rule: Rule) -> Span | None:
    """
    What a rule says of bytes that go with its protocol: ports; of ICMP the type
    and code, which are as a number of 16 bits.  None: it says nothing.
    """
    if rule.protocol in (TCP, UDP):
        span = (max(rule.low, 0), min(rule.high, EVERY_PORT[1]))
        is_all = (rule.low, rule.high) == (-1, -1) or span == EVERY_PORT
        return None if is_all else span
    if rule.protocol == ICMP and rule.low >= 0:
        code = (0, _EVERY_CODE) if rule.high < 0 else (rule.high, rule.high)
        return (rule.low << 8 | code[0], rule.low << 8 | code[1])
    return None


def protocols_of(rule: Rule) -> Span:
    """The protocols that a rule is about."""
    if rule.protocol is None:
        return EVERY_PROTOCOL
    return (rule.protocol, rule.protocol)


@frozen(kw_only=True)
class Allowed:
    """
    What comes in to a class, or goes out of it, without overlaps.

    @ivar ports: by protocol.
    @ivar protocols: that pass whole.
    """

    ports: Mapping[int, frozenset[Box]] = Factory(dict)
    protocols: frozenset[Box] = frozenset()


def allowed_from(rules: Iterable[Rule]) -> Allowed:
    """What rules let in from networks, or out to them; those about groups do not."""
    ports: defaultdict[int, list[tuple[IPv4Network, Span]]] = defaultdict(list)
    whole: list[tuple[IPv4Network, Span]] = []
    for rule in rules:
        if isinstance(rule.source, str):
            continue
        span = ports_of(rule)
        if span is None:
            whole.append((rule.source, protocols_of(rule)))
        else:
            assert rule.protocol is not None  # who has ports is one protocol
            ports[rule.protocol].append((rule.source, span))
    return _joint(
        {protocol: _cut(boxes) for protocol, boxes in ports.items()}, _cut(whole)
    )


def allowed_of(
    rules: Iterable[Rule], members: Mapping[str, Collection[str]]
) -> Allowed:
    """
    What rules let in from groups, or out to them.

    @param members: by group, the classes of its members, as nft writes them.
    """
    ports: defaultdict[int, list[tuple[str, Span]]] = defaultdict(list)
    whole: list[tuple[str, Span]] = []
    for rule in rules:
        if not isinstance(rule.source, str):
            continue
        span = ports_of(rule)
        for member in members.get(rule.source, ()):
            if span is None:
                whole.append((member, protocols_of(rule)))
            else:
                assert rule.protocol is not None
                ports[rule.protocol].append((member, span))
    return _joint(ports, whole)


def _joint(ports: Mapping[int, Iterable[Box]], whole: Iterable[Box]) -> Allowed:
    return Allowed(
        ports={
            protocol: frozenset(_joined(boxes)) for protocol, boxes in ports.items()
        },
        protocols=frozenset(_joined(whole)),
    )


def _cut(boxes: list[tuple[IPv4Network, Span]]) -> Iterator[Box]:
    """
    The same points, in boxes that do not overlap: where the ports of any begin or
    end all are cut, and in each slice networks within others are left out.
    """
    if len(boxes) == 1:
        ((network, span),) = boxes
        yield written(network), span
        return
    # In this order one that is within another comes after it.
    nets = sorted((*_ends(network), span, network) for network, span in boxes)
    edges = {span[0] for *_, span, _ in nets} | {span[1] + 1 for *_, span, _ in nets}
    for low, after in pairwise(sorted(edges)):
        reached = -1
        for first, _, (lowest, highest), network in nets:
            if first > reached and lowest <= low <= highest:
                reached = int(network.broadcast_address)
                yield written(network), (low, after - 1)


def _ends(network: IPv4Network) -> tuple[int, int]:
    """Its first address, and its last as a number that falls."""
    return int(network.network_address), -int(network.broadcast_address)


def _joined(boxes: Iterable[Box]) -> Iterator[Box]:
    """The same points, with what touches or overlaps in one source made one."""
    spans: defaultdict[str, list[Span]] = defaultdict(list)
    for source, span in boxes:
        if span[0] <= span[1]:
            spans[source].append(span)
    for source, those in spans.items():
        those.sort()
        low, high = those[0]
        for first, last in those:
            if first > high + 1:
                yield source, (low, high)
                low, high = first, last
            high = max(high, last)
        yield source, (low, high)
