"""
What one network is on a machine: its links, and what is entered in their tables.

Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Interface

from attrs import evolve

from euca_tw.model.networks import (
    ROUTER_MAC,
    TRANSIT_NUMBER,
    Carried,
    Machine,
    Member,
    Network,
)
from euca_tw.vnet.link_records import (
    ALL_ZERO,
    Address,
    Bridge,
    Entry,
    Forward,
    Link,
    Neighbour,
    Pin,
    Route,
    Segment,
    Tap,
    Vxlan,
    bridge_name,
    tap_name,
    vxlan_name,
)
from euca_tw.vnet.paths import TRUNK, Hop, Paths, paths

#: What instances ask for DHCP and metadata, on the machine that runs them.
SERVICE_ADDRESS = IPv4Address("169.254.169.254")


def segment(
    here: Machine,
    carried: Carried,
    carriers: frozenset[Machine],
    *,
    shows_to_ip: bool = False,
) -> Segment:
    """One network on a machine that carries it."""
    network = carried.network
    seen = paths(here, carriers)
    members = _by_address(carried)
    return Segment(
        links=frozenset(_links(here, network, seen, shows_to_ip=shows_to_ip)),
        entries=frozenset(
            (
                *_own_entries(here, network, seen, members),
                *_entries_of_others(here, network, seen, members),
            )
        ),
    )


def transit_segment(
    here: Machine,
    own: IPv4Address,
    carried: Carried,
    carriers: frozenset[Machine],
    routes: Iterable[Route],
) -> Segment:
    """
    The transit network on a head.

    @param own: the head's address in it.
    @param routes: to networks that other heads pass on.
    """
    others = {**_by_address(carried)}
    itself = others.pop(own)
    # Nothing in it is for all.
    seen = evolve(paths(here, carriers), flood=frozenset())
    bridge = Bridge(
        name=bridge_name(TRANSIT_NUMBER),
        mac_address=itself.mac_address,
        mtu=seen.mtu,
        # Who sends may be in a network that this cluster has as well.
        is_loose=True,
    )
    return Segment(
        links=frozenset((bridge, *_ports(here, TRANSIT_NUMBER, seen))),
        entries=frozenset(
            (
                Address(bridge.name, IPv4Interface((own, 32))),
                *routes,
                *_entries_of_others(here, carried.network, seen, others),
            )
        ),
    )


def bridge_mac_address(here: Machine, network: Network) -> str:
    """
    Of the machine itself, as instances see it: its own, and the same whenever it
    is made.
    """
    named = f"{here.name} {network.number}".encode()
    return (b"\xd2\x0d" + hashlib.sha256(named).digest()[:4]).hex(":")


def _by_address(carried: Carried) -> Mapping[IPv4Address, Member]:
    """An address has one member, even while two are said to have it."""
    members = sorted(carried.members, key=lambda each: each.instance_id, reverse=True)
    return {member.private_ip: member for member in members}


def _links(
    here: Machine, network: Network, seen: Paths, *, shows_to_ip: bool
) -> Iterator[Link]:
    number = network.number
    bridge = bridge_name(number)
    is_router = seen.head == here
    yield Bridge(
        name=bridge,
        mac_address=ROUTER_MAC if is_router else bridge_mac_address(here, network),
        mtu=seen.mtu,
        # A router judges what it routes, once; what only crosses its bridge has
        # been judged where it came from, or will be where it goes.
        shows_to_ip=shows_to_ip and not is_router,
    )
    yield from _ports(here, number, seen)


def _ports(here: Machine, number: int, seen: Paths) -> Iterator[Link]:
    """Of the bridge, to other machines."""
    bridge = bridge_name(number)
    yield Vxlan(
        name=vxlan_name(number),
        bridge=bridge,
        number=number,
        local=here.address,
        mtu=seen.mtu,
    )
    if seen.has_trunk:
        yield Tap(name=tap_name(number), bridge=bridge, mtu=seen.mtu)


def _own_entries(
    here: Machine,
    network: Network,
    seen: Paths,
    members: Mapping[IPv4Address, Member],
) -> Iterator[Entry]:
    """What the machine itself is on the network."""
    bridge = bridge_name(network.number)
    is_router = seen.head == here
    if is_router:
        interface = IPv4Interface((network.router, network.subnet.prefixlen))
        yield Address(bridge, interface)
    if not is_router or any(each.machine == here.name for each in members.values()):
        yield Address(bridge, IPv4Interface((SERVICE_ADDRESS, 32)))
    if not is_router:
        yield Route(bridge, network.subnet, SERVICE_ADDRESS)


def _entries_of_others(
    here: Machine,
    network: Network,
    seen: Paths,
    members: Mapping[IPv4Address, Member],
) -> Iterator[Entry]:
    """Who is on the network, and by which way."""
    number = network.number
    bridge = bridge_name(number)
    for address in seen.flood:
        yield Forward(vxlan_name(number), ALL_ZERO, address)
    pinned: dict[str, Hop] = {}
    if seen.head is not None and seen.head != here:
        yield Neighbour(bridge, network.router, ROUTER_MAC)
        pinned[ROUTER_MAC] = seen.head.address
    for address, member in members.items():
        mac_address = member.mac_address.lower()
        hop = seen.hops.get(member.machine)
        if member.machine != here.name:
            if hop is None:
                continue
            pinned.setdefault(mac_address, hop)
        yield Neighbour(bridge, address, mac_address)
    for mac_address, hop in pinned.items():
        if hop is TRUNK:
            yield Pin(bridge, mac_address, tap_name(number))
        else:
            yield Forward(vxlan_name(number), mac_address, hop)
            yield Pin(bridge, mac_address, vxlan_name(number))
