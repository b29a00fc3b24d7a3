"""
Entries as they are on the wire, and back.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from euca_tw.api.networks import (
    EgressEntry,
    ElasticEntry,
    ExtentEntry,
    GroupEntry,
    MachineEntry,
    MemberEntry,
    NetworkChanges,
    NetworkEntry,
    NetworkPosition,
    RuleEntry,
    TrunkEndEntry,
)
from euca_tw.common.changes import Delta
from euca_tw.model.networks import (
    LARGEST_NUMBER,
    Elastic,
    Extent,
    Group,
    Machine,
    Member,
    Network,
    Role,
    Rule,
    TrunkEnd,
)
from euca_tw.overlay.entries import Entry

#: The shape of an entry.
Told = (
    NetworkEntry
    | MemberEntry
    | MachineEntry
    | GroupEntry
    | ElasticEntry
    | TrunkEndEntry
    | ExtentEntry
)

#: So much goes into one message: an entry is 1, a rule of a group the same.  Some
#: 30 KB, and a few milliseconds of work on both sides.
WEIGHT = 100


def parts(
    delta: Delta[Entry],
    since: int,
    replaces: NetworkPosition | None = None,
    revision: int = 0,
) -> Iterator[NetworkChanges]:
    """
    A change as it is told, in messages that are not too large.

    @param since: what it goes on from, if it is not full.
    @param replaces: what it takes the place of, if it is.
    @param revision: of the state that it is of.
    """
    slices = [*_slices(delta.values, delta.forgotten)]
    for part, (values, gone) in enumerate(slices):
        told = [*map(told_of, values)]
        yield NetworkChanges(
            epoch=delta.epoch,
            since=0 if delta.is_full else since,
            sequence=delta.sequence,
            is_full=delta.is_full,
            part=part,
            is_last=part == len(slices) - 1,
            networks=_of(told, NetworkEntry),
            members=_of(told, MemberEntry),
            machines=_of(told, MachineEntry),
            groups=_of(told, GroupEntry),
            elastics=_of(told, ElasticEntry),
            ends=_of(told, TrunkEndEntry),
            extents=_of(told, ExtentEntry),
            gone=gone,
            revision=revision,
            replaces_epoch=replaces.told_epoch if replaces else None,
            replaces_revision=replaces.told_revision if replaces else None,
        )


def _slices(
    values: Sequence[Entry], gone: Sequence[str]
) -> Iterator[tuple[list[Entry], tuple[str, ...]]]:
    """At least one, which may be empty."""
    some: list[Entry] = []
    weight = 0
    for start in range(0, len(gone) - WEIGHT, WEIGHT):
        yield [], tuple(gone[start : start + WEIGHT])
    rest = tuple(gone[(max(len(gone) - 1, 0)) // WEIGHT * WEIGHT :])
    for entry in values:
        heavy = 1
        if isinstance(entry, Group):
            heavy += len(entry.rules) + len(entry.egress or ())
        if some and weight + heavy > WEIGHT:
            yield some, rest
            some, weight, rest = [], 0, ()
        some.append(entry)
        weight += heavy
    yield some, rest


def _of(told: Iterable[Told], kind: type) -> tuple[Any, ...]:
    return tuple(each for each in told if type(each) is kind)


def told_of(entry: Entry) -> Told:
    """As it is on the wire."""
    match entry:
        case Network():
            return NetworkEntry(number=entry.number, subnet=str(entry.subnet))
        case Member():
            return MemberEntry(
                instance_id=entry.instance_id,
                network=entry.network,
                mac_address=entry.mac_address,
                private_ip=str(entry.private_ip),
                cluster=entry.cluster,
                machine=entry.machine or None,
                group_ids=tuple(sorted(entry.groups)),
            )
        case Machine():
            return MachineEntry(
                name=entry.name,
                cluster=entry.cluster,
                role=entry.role.value,
                address=str(entry.address),
                is_routed=entry.is_routed,
                mtu=entry.mtu,
            )
        case Group():
            return GroupEntry(
                group_id=entry.group_id,
                rules=_told_rules(entry.rules),
                egress=None
                if entry.egress is None
                else EgressEntry(rules=_told_rules(entry.egress)),
            )
        case Elastic():
            return ElasticEntry(
                public_ip=str(entry.public_ip), private_ip=str(entry.private_ip)
            )
        case TrunkEnd():
            return TrunkEndEntry(
                cluster=entry.cluster,
                endpoint=entry.endpoint or None,
                certificate=entry.certificate,
            )
        case Extent():
            return ExtentEntry(
                number=entry.number,
                subnet=str(entry.subnet),
                clusters=tuple(sorted(entry.clusters)),
            )


def _told_rules(rules: Iterable[Rule]) -> tuple[RuleEntry, ...]:
    return tuple(sorted(map(_told_rule, rules), key=repr))


def _told_rule(rule: Rule) -> RuleEntry:
    is_group = isinstance(rule.source, str)
    return RuleEntry(
        protocol=rule.protocol,
        low=rule.low,
        high=rule.high,
        source_net=None if is_group else str(rule.source),
        source_group=str(rule.source) if is_group else None,
    )


def entries_of(changes: NetworkChanges) -> tuple[Entry, ...]:
    """
    What is new or other than it was.

    @raise ValueError: there is something that cannot be so; text for people.
    """
    told: list[Told] = [*changes.networks, *changes.members, *changes.machines]
    told += [*changes.groups, *changes.elastics, *changes.ends]
    told += changes.extents
    return tuple(map(entry_of, told))


def entry_of(told: Told) -> Entry:
    """@raise ValueError: it cannot be so; text for people."""
    match told:
        case NetworkEntry():
            number = _number_of(told)
            return Network(number=number, subnet=IPv4Network(told.subnet))
        case MemberEntry():
            return Member(
                instance_id=told.instance_id,
                network=told.network,
                mac_address=told.mac_address,
                private_ip=IPv4Address(told.private_ip),
                machine=told.machine or "",
                groups=frozenset(told.group_ids),
                cluster=told.cluster,
            )
        case MachineEntry():
            return machine_of(told)
        case GroupEntry():
            egress = told.egress
            return Group(
                group_id=told.group_id,
                rules=frozenset(map(_rule_of, told.rules)),
                egress=None
                if egress is None
                else frozenset(map(_rule_of, egress.rules)),
            )
        case ElasticEntry():
            return Elastic(
                public_ip=IPv4Address(told.public_ip),
                private_ip=IPv4Address(told.private_ip),
            )
        case TrunkEndEntry():
            return TrunkEnd(
                cluster=told.cluster,
                endpoint=told.endpoint or "",
                certificate=told.certificate,
            )
        case ExtentEntry():
            number = _number_of(told)
            if not told.clusters:
                raise ValueError(f"network {number} is in no cluster")
            return Extent(
                number=number,
                subnet=IPv4Network(told.subnet),
                clusters=frozenset(told.clusters),
            )


def _number_of(told: NetworkEntry | ExtentEntry) -> int:
    """@raise ValueError: no network of instances has such a one."""
    if not 1 <= told.number <= LARGEST_NUMBER:
        raise ValueError(f"{told.number} is no number of a network")
    return told.number


def machine_of(told: MachineEntry) -> Machine:
    """@raise ValueError: it cannot be so; text for people."""
    return Machine(
        name=told.name,
        cluster=told.cluster,
        role=Role(told.role),
        address=IPv4Address(told.address),
        is_routed=told.is_routed,
        mtu=told.mtu,
    )


def _rule_of(told: RuleEntry) -> Rule:
    source: IPv4Network | str
    if told.source_group is not None:
        source = told.source_group
    elif told.source_net is not None:
        source = IPv4Network(told.source_net)
    else:
        raise ValueError("a rule has no source")
    return Rule(protocol=told.protocol, low=told.low, high=told.high, source=source)
