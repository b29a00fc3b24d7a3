"""
What a machine's rules shall let through, as elements of sets.

Pure; from a view of the cloud, in one go.  L{euca_tw.vnet.filter_ledger} says the
same step by step, from the same pieces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Address

from euca_tw.model.networks import Group, Member, Rule, View
from euca_tw.vnet.classes import (
    BITS,
    Box,
    Groups,
    allowed_from,
    allowed_of,
    numbered,
    written,
)
from euca_tw.vnet.filter_records import Element, Filters, Set, gathered
from euca_tw.vnet.leases import card_name
from euca_tw.vnet.nat_plan import translated
from euca_tw.vnet.transit import mac_address

_LOW_HALF = 0xFFFF
_NO_RULES: frozenset[Rule] = frozenset()


def wanted(view: View, bits: int = BITS) -> Filters:
    """All elements of all sets."""
    members = [*members_here(view)]
    origins = origins_of(view.sources)
    numbers = numbered((*(m.groups for m in members), *origins.values()), bits)
    of_groups = classes_by_group(set(origins.values()))
    pieces: list[Iterable[tuple[Set, Element]]] = [
        *(card(member, numbers[member.groups]) for member in members),
        (origin(address, numbers[groups]) for address, groups in origins.items()),
        *(
            permitted(numbers[groups], groups, view.groups, of_groups, numbers)
            for groups in {member.groups for member in members}
        ),
        *(of_number(view, n) for n in {*view.networks, *view.extents}),
        machines(view),
        translated(view.elastics.values()),
    ]
    return gathered(element for piece in pieces for element in piece)


def members_here(view: View) -> Iterator[Member]:
    """The members that this machine runs."""
    for carried in view.networks.values():
        for member in carried.members:
            if member.machine == view.here:
                yield member


def origins_of(
    sources: Mapping[str, frozenset[IPv4Address]],
) -> dict[IPv4Address, Groups]:
    """The groups, of those that are a source, that each address is a member of."""
    groups: defaultdict[IPv4Address, set[str]] = defaultdict(set)
    for group, addresses in sources.items():
        for address in addresses:
            groups[address].add(group)
    return {address: frozenset(those) for address, those in groups.items()}


def classes_by_group(classes: Iterable[Groups]) -> dict[str, set[Groups]]:
    """The classes that each group has members in."""
    found: defaultdict[str, set[Groups]] = defaultdict(set)
    for groups in classes:
        for group in groups:
            found[group].add(groups)
    return found


# --- pieces: elements that stand and fall together ---------------------------


def card(member: Member, number: int) -> Iterator[tuple[Set, Element]]:
    """A card sends as itself; it has no address while it asks for one."""
    name = f'"{card_name(member.instance_id)}"'
    mac = member.mac_address.lower()
    yield Set.SENDERS, f"{name} . {mac} . {member.private_ip}"
    yield Set.SENDERS, f"{name} . {mac} . 0.0.0.0"
    yield Set.CLASSES, f"{name} : {number}"


def origin(address: IPv4Address, number: int) -> tuple[Set, Element]:
    """An address is a source of that class."""
    return Set.ORIGINS, f"{address} : {as_source(number)}"


def as_source(number: int) -> str:
    """A class' number in the type of what a packet has room for it in."""
    return f"{number >> 16:x}:{number & _LOW_HALF:x}"


def rules_of(groups: Groups, known: Mapping[str, Group]) -> frozenset[Rule]:
    """All that any of the groups lets in."""
    several = [known[group].rules for group in groups if group in known]
    return several[0] if len(several) == 1 else _NO_RULES.union(*several)


def egress_of(groups: Groups, known: Mapping[str, Group]) -> frozenset[Rule] | None:
    """
    All that any of the groups lets out; None: everything.  A group of which nothing
    is known yet lets out nothing.
    """
    several = [known[group].egress for group in groups if group in known]
    rules = [each for each in several if each is not None]
    if len(rules) < len(several) or not groups:
        return None
    return _NO_RULES.union(*rules)


def named_by(groups: Groups, known: Mapping[str, Group]) -> frozenset[str]:
    """The groups that the rules of any of these name."""
    return frozenset().union(*(known[each].named for each in groups if each in known))


def permitted(
    number: int,
    groups: Groups,
    known: Mapping[str, Group],
    of_groups: Mapping[str, Iterable[Groups]],
    numbers: Mapping[Groups, int],
) -> Iterator[tuple[Set, Element]]:
    """What the class of those groups lets in; and out, if that is not everything."""
    yield from _rules_of_class(
        *(number, rules_of(groups, known), of_groups, numbers),
        ((Set.PORTS_FROM, Set.PROTOCOLS_FROM), (Set.PORTS_OF, Set.PROTOCOLS_OF)),
    )
    egress = egress_of(groups, known)
    if egress is not None:
        yield Set.RESTRICTED, str(number)
        yield from _rules_of_class(
            *(number, egress, of_groups, numbers),
            (
                (Set.PORTS_TO, Set.PROTOCOLS_TO),
                (Set.PORTS_TO_CLASSES, Set.PROTOCOLS_TO_CLASSES),
            ),
        )


def _rules_of_class(
    number: int,
    rules: frozenset[Rule],
    of_groups: Mapping[str, Iterable[Groups]],
    numbers: Mapping[Groups, int],
    sets: tuple[tuple[Set, Set], tuple[Set, Set]],
) -> Iterator[tuple[Set, Element]]:
    """@param sets: of ports and protocols, for networks and for classes."""
    members = {
        rule.source: [
            as_source(numbers[each]) for each in of_groups.get(rule.source, ())
        ]
        for rule in rules
        if isinstance(rule.source, str)
    }
    both = (allowed_from(rules), allowed_of(rules, members))
    for allowed, (ports_set, protocols_set) in zip(both, sets, strict=True):
        for protocol, boxes in allowed.ports.items():
            for source, span in boxes:
                ports = _span(span)
                yield ports_set, f"{number} . {source} . {protocol} . {ports}"
        for box in allowed.protocols:
            yield protocols_set, _whole(number, box)


def of_number(view: View, number: int) -> Iterator[tuple[Set, Element]]:
    """Of a network, carried here or elsewhere: its router, addresses and heads."""
    carried, extent = view.networks.get(number), view.extents.get(number)
    if carried is not None:
        router = str(carried.network.router)
        yield Set.BRIDGED_ROUTERS, router
        yield Set.BROADCASTS, str(carried.network.subnet.broadcast_address)
        yield Set.ROUTERS, router
        yield Set.SUBNETS, written(carried.network.subnet)
    if extent is not None:
        subnet = written(extent.subnet)
        if carried is None:
            yield Set.SUBNETS, subnet
        for cluster in extent.clusters:
            yield Set.SENDING_HEADS, f"{mac_address(cluster)} . {subnet}"


def machines(view: View) -> Iterator[tuple[Set, Element]]:
    """
    Machines are not to be reached; nor are heads where other heads connect to them,
    if they are told of by address.
    """
    addresses = {str(each.address) for each in view.machines.values()}
    for end in view.ends.values():
        host = end.endpoint.rpartition(":")[0]
        with suppress(ValueError):
            addresses.add(str(IPv4Address(host)))
    return ((Set.MACHINES, address) for address in addresses)


def _whole(number: int, box: Box) -> Element:
    source, span = box
    return f"{number} . {source} . {_span(span)}"


def _span(span: tuple[int, int]) -> str:
    low, high = span
    return str(low) if low == high else f"{low}-{high}"
