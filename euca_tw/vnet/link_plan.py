"""
What the links and tables of a machine shall be, from what it knows of its networks.

Pure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Interface

from attrs import frozen

from euca_tw.model.networks import (
    ROUTER_MAC,
    Carried,
    Machine,
    Member,
    Network,
    Role,
    View,
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
from euca_tw.vnet.paths import TRUNK, Hop, Paths, carriers_of, heads_of, paths

#: What instances ask for DHCP and metadata, on the machine that runs them.
SERVICE_ADDRESS = IPv4Address("169.254.169.254")


@frozen(kw_only=True)
class Planned:
    """
    One network.

    @ivar carried, carriers: what it was planned of.
    """

    carried: Carried
    carriers: frozenset[Machine]
    segment: Segment


@frozen(kw_only=True)
class Links:
    """
    All that a machine shall have.

    @ivar view: what it was planned of.
    @ivar networks: by number.
    @ivar is_router: the machine forwards packets between its networks.
    @ivar shows_to_ip: as it was planned.
    """

    view: View
    networks: Mapping[int, Planned]
    is_router: bool
    shows_to_ip: bool = False

    @property
    def segments(self) -> Mapping[int, Segment]:
        """By number of the network."""
        return {number: each.segment for number, each in self.networks.items()}


def wanted(
    view: View, before: Links | None = None, *, shows_to_ip: bool = False
) -> Links:
    """
    @param shows_to_ip: whether it is the machine's IP that follows connections of
        its instances, so that bridges must show it their packets.
    @param before: what was planned last.  A network of which nothing has changed
        since has the same plan, the object itself.
    @raise KeyError: there are networks, but the view does not know the machine
        that it is of.
    """
    if not view.networks:
        return Links(view=view, networks={}, is_router=False, shows_to_ip=shows_to_ip)
    here = view.machines[view.here]
    last: Mapping[int, Planned] = {}
    is_same_site = False
    if (
        before is not None
        and before.view.machines.get(view.here) == here
        and before.shows_to_ip == shows_to_ip
    ):
        last = before.networks
        is_same_site = before.view.machines == view.machines
    heads = heads_of(view.machines.values())

    def planned(number: int, carried: Carried) -> Planned:
        known = last.get(number)
        if known is not None and known.carried is carried and is_same_site:
            return known
        carriers = carriers_of(view, carried, heads)
        if (
            known is not None
            and known.carried is carried
            and known.carriers == carriers
        ):
            return known
        return Planned(
            carried=carried,
            carriers=carriers,
            segment=segment(here, carried, carriers, shows_to_ip=shows_to_ip),
        )

    return Links(
        view=view,
        networks={n: planned(n, carried) for n, carried in view.networks.items()},
        is_router=here.role is Role.HEAD,
        shows_to_ip=shows_to_ip,
    )


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
