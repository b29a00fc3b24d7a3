"""
The chains of a machine's own table: what of it may be asked, and what may leave and
enter the cloud.  Constant, like those of the bridges.

Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import collapse_addresses

from euca_tw.model.networks import Role
from euca_tw.vnet.dhcp import METADATA_ADDRESS
from euca_tw.vnet.filter_chains import BRIDGE, ESTABLISHED, TRANSIT, Chains
from euca_tw.vnet.filter_settings import Shape, Tracking
from euca_tw.vnet.link_records import VXLAN_PORT
from euca_tw.vnet.transit import RANGE

#: Counted when dropped, by what it is.
COUNTERS = ("not_asked", "closed")

_ASKING_FOR = "type nat hook prerouting priority dstnat; policy accept;"


def machine_chains(shape: Shape) -> Chains:
    """Of the machine's table, by name."""
    chains: dict[str, Iterable[str]] = {"asked": _asked(shape)}
    if shape.tracking is Tracking.IP:
        # Errors come in, but do not go out: Note [Where it is judged] of filter_egress.
        for hook, card, states in (
            ("prerouting", "iifname", "established"),
            ("forward", "oifname", "established,related"),
            ("output", "oifname", "established,related"),
        ):
            chains[f"established_{hook}"] = (
                f"type filter hook {hook} priority 10; policy accept;",
                f"{card} {BRIDGE} ct state {states} meta mark set {ESTABLISHED}",
            )
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
