"""
The chains of a machine's rules: constant, whatever networks and groups there are.

Pure.  In the bridges' table: what a card may send (C{sending}), what of it is for
this machine (C{input}), what goes on to others (C{crossing}), and what is let in to
a card (C{arriving}).  In the machine's: what of it may be asked, and what may leave
and enter the cloud.
"""

# Note [Two numbers of a packet]
#
# A set of permissions is asked with the class of the card and that of the source.
# nft can look up neither inside another look-up, so both are noted on the packet
# before: the card's as its mark, the source's as its priority.  Nothing else reads
# them: the packet is on its way out of a card, and both are wiped when it goes.
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
from ipaddress import collapse_addresses

from euca_tw.model.networks import ROUTER_MAC, TRANSIT_NUMBER, Role
from euca_tw.vnet.dhcp import ANY, METADATA_ADDRESS
from euca_tw.vnet.filter_settings import Shape, Tracking
from euca_tw.vnet.link_records import (
    VXLAN_PORT,
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
    "refused",
)

#: The same of the machine's table.
MACHINE_COUNTERS = ("not_asked", "closed")

_WIPE = ("meta mark set 0", "meta priority set none")
_ASKING_FOR = "type nat hook prerouting priority dstnat; policy accept;"
_DHCP = "udp dport { 67, 68 }"
#: What a head says of packets that it cannot pass on.
_ERRORS = "icmp type { destination-unreachable, time-exceeded, parameter-problem }"
_ROUTERS_OWN = f"ether saddr {ROUTER_MAC} ether type != ip"

Chains = Mapping[str, Iterable[str]]


def bridge_chains(shape: Shape) -> Chains:
    """Of the bridges' table, by name; the order does not matter."""
    is_head = shape.role is Role.HEAD
    return {
        **({"handed": _handed()} if is_head else {}),
        "deliver": (*_WIPE, "accept"),
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
    if tracking is Tracking.BRIDGE:
        yield "ct state established,related goto deliver"
    else:
        yield f"meta mark {ESTABLISHED} goto deliver"
    yield from _WIPE
    yield "meta mark set oifname map @classes"
    yield "meta priority set ip saddr map @origins"
    # Type and code of ICMP are where others have the port they come from.
    for protocol, field in (("{ tcp, udp }", "dport"), ("icmp", "sport")):
        for source, which in (("ip saddr", "from"), ("meta priority", "of")):
            yield (
                f"meta l4proto {protocol} meta mark . {source} . meta l4proto . "
                f"th {field} @ports_{which} goto deliver"
            )
    yield "meta mark . ip saddr . meta l4proto @protocols_from goto deliver"
    yield (
        "meta protocol ip meta mark . meta priority . meta l4proto "
        "@protocols_of goto deliver"
    )
    yield "counter name refused drop"


def machine_chains(shape: Shape) -> Chains:
    """Of the machine's table, by name."""
    chains: dict[str, Iterable[str]] = {"asked": _asked(shape)}
    if shape.tracking is Tracking.IP:
        for hook in ("forward", "output"):
            chains[f"established_{hook}"] = _established(hook)
    chains["forwarding"] = _forwarded(shape)
    if shape.role is Role.HEAD and shape.settings.outer:
        chains["leaving_as"] = _leaving_as(shape)
        chains["still_private"] = _still_private(shape)
    chains["from_outside"] = _from_outside(shape)
    if translations := [*_asking_for(shape)]:
        # Where nothing is translated the kernel had better not do so by itself.
        chains["asking_for"] = (_ASKING_FOR, *translations)
    return chains


def _asked(shape: Shape) -> Iterator[str]:
    settings = shape.settings
    yield "type filter hook input priority filter; policy accept;"
    yield f"iifname != {BRIDGE} accept"
    yield "ct state established,related accept"
    yield "ip protocol udp udp dport 67 accept"
    if settings.metadata_port == 80:
        yield f"ip daddr {METADATA_ADDRESS} tcp dport 80 accept"
    else:
        yield (
            f"ip daddr {METADATA_ADDRESS} tcp dport {settings.metadata_port} "
            "ct status dnat accept"
        )
    if settings.serves_names:
        for names in (f"{METADATA_ADDRESS}", "@routers"):
            yield f"ip daddr {names} meta l4proto {{ tcp, udp }} th dport 53 accept"
    yield "ip daddr @routers icmp type echo-request accept"
    yield "counter name not_asked drop"


def _established(hook: str) -> Iterator[str]:
    yield f"type filter hook {hook} priority 10; policy accept;"
    yield (f"oifname {BRIDGE} ct state established,related meta mark set {ESTABLISHED}")


def _forwarded(shape: Shape) -> Iterator[str]:
    """Inside the cloud groups decide, at the cards."""
    is_head = shape.role is Role.HEAD
    outer = shape.settings.outer if is_head else ""
    yield "type filter hook forward priority filter; policy accept;"
    if is_head:
        # See Note [One step] of transit.
        yield f"iifname {TRANSIT} oifname {TRANSIT} counter name closed drop"
        yield (
            f"iifname {TRANSIT} ip saddr {RANGE} ct state != related "
            "counter name closed drop"
        )
    yield f"iifname {BRIDGE} oifname {BRIDGE} accept"
    if is_head:
        yield f"iifname {TRANSIT} counter name closed drop"
    yield f"iifname {BRIDGE} ct state established,related accept"
    yield f"oifname {BRIDGE} ct state established,related accept"
    if outer:
        yield f"oifname {BRIDGE} ct status dnat accept"
        yield f"iifname {BRIDGE} ip daddr @machines counter name closed drop"
        if closed := [*collapse_addresses(shape.settings.closed)]:
            written = ", ".join(map(str, closed))
            yield f"iifname {BRIDGE} ip daddr {{ {written} }} counter name closed drop"
        yield f'iifname {BRIDGE} oifname "{outer}" accept'
    yield f"iifname {BRIDGE} counter name closed drop"
    yield f"oifname {BRIDGE} counter name closed drop"


def _from_outside(shape: Shape) -> Iterator[str]:
    """
    What comes from outside is for public addresses, and what another head hands on
    for private ones.

    Before anything is translated: later it could not be told from what we
    translated, for the kernel does so too, when two connections look the same.
    """
    yield "type filter hook prerouting priority mangle; policy accept;"
    if shape.role is Role.HEAD:
        yield f"iifname {TRANSIT} ip daddr != @subnets counter name closed drop"
    for inside in ('"lo"', BRIDGE):
        yield f"iifname {inside} accept"
    yield "ip daddr @subnets counter name closed drop"


def _asking_for(shape: Shape) -> Iterator[str]:
    settings = shape.settings
    if shape.role is Role.HEAD and settings.outer:
        yield "dnat ip to ip daddr map @inward"
    if settings.metadata_port != 80:
        yield (
            f"iifname {BRIDGE} ip daddr {METADATA_ADDRESS} tcp dport 80 "
            f"dnat ip to {METADATA_ADDRESS}:{settings.metadata_port}"
        )


def _leaving_as(shape: Shape) -> Iterator[str]:
    yield "type nat hook postrouting priority srcnat; policy accept;"
    # Who asks for a public address from inside is answered by it, and so must
    # be seen to ask from outside: else the answer would go to it directly.
    for by in (f'oifname "{shape.settings.outer}"', f"oifname {BRIDGE} ct status dnat"):
        yield f"{by} snat ip to ip saddr map @outward"
        if shape.settings.way_out is not None:
            yield f"{by} ip saddr @subnets snat ip to {shape.settings.way_out}"


def _still_private(shape: Shape) -> Iterator[str]:
    """
    Who has no public address, and is given none, stays inside; and who is given the
    head's does not say as the head what machines say to each other.
    """
    yield "type filter hook postrouting priority 110; policy accept;"
    if shape.settings.way_out is not None:
        yield (
            f'oifname "{shape.settings.outer}" ip saddr {shape.settings.way_out} '
            f"ct status snat udp dport {VXLAN_PORT} counter name closed drop"
        )
    for by in (f'oifname "{shape.settings.outer}"', f"oifname {BRIDGE} ct status dnat"):
        yield (f"{by} ct direction original ip saddr @subnets counter name closed drop")
