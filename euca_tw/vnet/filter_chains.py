"""
The chains of the bridges' rules: constant, whatever networks and groups there are.

Pure.  As whom a card may send (C{sending}), what of it is for
this machine (C{input}), what goes on to others (C{crossing}), and what is let in to
a card (C{arriving}).  What of it is let out is in L{euca_tw.vnet.filter_egress}; the
machine's own table is L{euca_tw.vnet.filter_machine}'s.
"""

# Note [Two numbers of a packet]
#
# A set of permissions is asked with the class of the card and that of the source, or
# of the destination.  nft can look up neither inside another look-up, so both are
# noted on the packet before: the card's as its mark, the other's as its priority.
# Nothing else reads them: the packet is on its way into a card, or out of it, and both
# are wiped when it goes.
#
# Note [Established]
#
# Who is let in is asked of the first packet of a connection; those after it, either
# way, are let through because the connection is known.  Where the bridge follows
# connections, it is asked.  Where it does not, it shows its packets to the machine's
# IP (which the links switch on for our bridges), and rules there mark what is
# established; the mark is wiped from all that comes into a bridge, so nobody can
# bring it along.

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from euca_tw.model.networks import ROUTER_MAC, TRANSIT_NUMBER, Role
from euca_tw.vnet.dhcp import ANY, BROADCAST, METADATA_ADDRESS
from euca_tw.vnet.filter_settings import Shape, Tracking
from euca_tw.vnet.link_records import (
    bridge_name,
    tap_name,
    vxlan_name,
)
from euca_tw.vnet.transit import RANGE

#: Of the interfaces of ours: instances' cards, and bridges with their ports.
CARD, BRIDGE, VXLAN, TAP = '"vn_*"', '"evb*"', '"evx*"', '"evt*"'
#: The transit network's, on heads.
TRANSIT = f'"{bridge_name(TRANSIT_NUMBER)}"'
TRANSIT_PORTS = f'{{ "{vxlan_name(TRANSIT_NUMBER)}", "{tap_name(TRANSIT_NUMBER)}" }}'
#: No class' number.
ESTABLISHED = "0xffffffff"

#: Counted when dropped, by what it is.
COUNTERS = (
    "spoofed",
    "spoofed_arp",
    "dhcp_server",
    "tagged",
    "ipv6",
    "not_ip",
    "kept_in",
    "astray",
    "refused",
)

WIPE = ("meta mark set 0", "meta priority set none")
_DHCP = "udp dport { 67, 68 }"
#: What a head says of packets that it cannot pass on.
_ERRORS = "icmp type { destination-unreachable, time-exceeded, parameter-problem }"
#: Of a MAC address: whether it is not one card's only.
_FOR_ALL, _NO_MAC = "ether daddr & 01:00:00:00:00:00", "00:00:00:00:00:00"
_ROUTERS_OWN = f"ether saddr {ROUTER_MAC} ether type != ip"

Chains = Mapping[str, Iterable[str]]


def bridge_chains(shape: Shape) -> Chains:
    """Of the bridges' table, by name; the order does not matter."""
    is_head = shape.role is Role.HEAD
    return {
        **({"handed": _handed()} if is_head else {}),
        "deliver": (*WIPE, "accept"),
        "prerouting": _prerouting(is_head=is_head),
        "sending": _sending(),
        "sending_ip": _sending_ip(),
        "sending_arp": _sending_arp(),
        "crossing": _crossing(),
        "to_trunk": _to_trunk(),
        "arriving": _arriving(shape.tracking),
        "forwarding": _forwarding(is_head=is_head),
        "answering": _answering(is_head=is_head),
        "input": () if is_head else _input(),
    }


def _handed() -> Iterator[str]:
    """
    By another head, by the transit network.  What a cluster's instances send is from
    its own networks, so a head cannot say what is another cluster's to say.
    """
    yield "ether type != ip counter name not_ip drop"
    yield "ether saddr . ip saddr @sending_heads accept"
    yield f"ip saddr {RANGE} {_ERRORS} accept"
    yield "counter name spoofed drop"


def _prerouting(*, is_head: bool) -> Iterator[str]:
    yield "type filter hook prerouting priority dstnat; policy accept;"
    for port in (CARD, VXLAN, TAP):
        yield f"iifname {port} meta mark set 0"
    if is_head:
        yield f"iifname {TRANSIT_PORTS} goto handed"
    # Of another cluster's router nothing is to be learned.
    yield f"iifname {TAP} {_ROUTERS_OWN} drop"
    yield f"iifname {TAP} arp saddr ip @bridged_routers drop"
    yield f"iifname {CARD} goto sending"


def _sending() -> Iterator[str]:
    yield "ether type { 8021q, 8021ad } counter name tagged drop"
    yield "ether type ip6 counter name ipv6 drop"
    yield "ether type arp goto sending_arp"
    yield "ether type ip goto sending_ip"
    yield "counter name not_ip drop"


def _sending_ip() -> Iterator[str]:
    sender = "iifname . ether saddr . ip saddr @senders"
    yield "udp sport 67 counter name dhcp_server drop"
    # Without an address it asks for one, and says nothing else.
    yield f"ip saddr {ANY} udp dport 67 {sender} accept"
    yield f"ip saddr {ANY} counter name spoofed drop"
    yield f"{sender} accept"
    yield "counter name spoofed drop"


def _sending_arp() -> Iterator[str]:
    # As itself to the bridge, and in what it says.
    yield (
        "iifname . ether saddr . arp saddr ip @senders "
        "iifname . arp saddr ether . arp saddr ip @senders accept"
    )
    yield "counter name spoofed_arp drop"


def _crossing() -> Iterator[str]:
    """What each machine does for its own instances is no other machine's."""
    yield f"{_DHCP} drop"
    yield f"ip daddr {METADATA_ADDRESS} drop"
    yield f"ip saddr {METADATA_ADDRESS} drop"
    yield f"arp daddr ip {METADATA_ADDRESS} drop"
    yield f"arp saddr ip {METADATA_ADDRESS} drop"


def _to_trunk() -> Iterator[str]:
    """Each cluster has its own router; what that took from another network goes."""
    yield f"{_ROUTERS_OWN} drop"
    yield "arp saddr ip @bridged_routers drop"
    yield "arp daddr ip @bridged_routers drop"


def _forwarding(*, is_head: bool) -> Iterator[str]:
    # After the machine's IP has seen it: Note [Established].
    yield "type filter hook forward priority 10; policy accept;"
    if is_head:
        # It is for the head itself, which routes it.
        yield f"iifname {TRANSIT_PORTS} drop"
    for port in (CARD, VXLAN, TAP):
        yield f"iifname {port} jump crossing"
    yield f"oifname {CARD} goto arriving"
    yield f"oifname {TAP} jump to_trunk"
    for port in (VXLAN, TAP):
        yield f"oifname {port} meta mark {ESTABLISHED} meta mark set 0"


def _answering(*, is_head: bool) -> Iterator[str]:
    """What comes from this machine, or by it as a router."""
    yield "type filter hook output priority 10; policy accept;"
    if is_head:
        yield f"oifname {TRANSIT_PORTS} ether type != ip drop"
    yield f"oifname {CARD} udp sport 67 udp dport 68 goto deliver"
    yield f"oifname {CARD} goto arriving"
    for port in (VXLAN, TAP):
        yield f"oifname {port} jump crossing"
        yield f"oifname {port} meta mark {ESTABLISHED} meta mark set 0"
    yield f"oifname {TAP} jump to_trunk"


def _input() -> Iterator[str]:
    """A node is no router: of its instances' packets only these are for it."""
    yield "type filter hook input priority filter; policy accept;"
    yield f"iifname {CARD} ether type arp accept"
    yield f"iifname {CARD} udp dport 67 accept"
    yield f"iifname {CARD} ip daddr {METADATA_ADDRESS} accept"
    for port in (CARD, VXLAN, TAP):
        yield f"iifname {port} drop"


def _arriving(tracking: Tracking) -> Iterator[str]:
    yield "ether type arp goto deliver"
    yield "ether type != ip counter name not_ip drop"
    # To whom it is addressed, or to all: Note [Where it is judged] of filter_egress.
    yield (
        f"{_FOR_ALL} == {_NO_MAC} oifname . ether daddr . ip daddr != @senders "
        "counter name astray drop"
    )
    yield (
        f"{_FOR_ALL} != {_NO_MAC} ip daddr != {{ 224.0.0.0/4, {BROADCAST} }} "
        "ip daddr != @broadcasts counter name astray drop"
    )
    if tracking is Tracking.BRIDGE:
        yield "ct state established,related goto deliver"
    else:
        yield f"meta mark {ESTABLISHED} goto deliver"
    yield from WIPE
    yield "meta mark set oifname map @classes"
    yield "meta priority set ip saddr map @origins"
    yield from permitted("saddr", "from", "of")
    yield "counter name refused drop"


def permitted(address: str, networks: str, classes: str) -> Iterator[str]:
    """
    Delivers what is in the sets of permissions, see Note [Two numbers of a packet].

    @param address: of IP, the one that is looked up in the sets of C{networks}.
    """
    # Type and code of ICMP are where others have the port they come from.
    for protocol, field in (("{ tcp, udp }", "dport"), ("icmp", "sport")):
        for peer, which in ((f"ip {address}", networks), ("meta priority", classes)):
            yield (
                f"meta l4proto {protocol} meta mark . {peer} . meta l4proto . "
                f"th {field} @ports_{which} goto deliver"
            )
    yield f"meta mark . ip {address} . meta l4proto @protocols_{networks} goto deliver"
    yield (
        "meta protocol ip meta mark . meta priority . meta l4proto "
        f"@protocols_{classes} goto deliver"
    )
