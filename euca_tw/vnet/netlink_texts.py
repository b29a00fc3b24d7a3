"""
What is said of steps that failed: which network, what, why, and what to do.

Pure.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from ipaddress import IPv4Address

from euca_tw.vnet.link_diff import Drop, Make, Mend, Plug, Put, Step, Unmake
from euca_tw.vnet.link_records import (
    VXLAN_PORT,
    Address,
    Bridge,
    Entry,
    Forward,
    Neighbour,
    Pin,
    Route,
    Tap,
    Vxlan,
    number_of,
    title,
)

#: Where TAP devices come from.
TUN = "/dev/net/tun"
#: Modules of the kernel, by what they make.
_MODULES: Mapping[type, str] = {Bridge: "bridge", Vxlan: "vxlan", Tap: "tun"}
#: So many networks are told of by their own reasons.
_TOLD = 3


def name_of(step: Step) -> str:
    """The link that a step is about."""
    match step:
        case Make(link) | Mend(link):
            return link.name
        case Put(entry) | Drop(entry):
            return entry.link
        case Unmake(name):
            return name
        case Plug(_, bridge):
            return bridge


def explained(step: Step, error: OSError) -> str:
    """What failed and what to do, of one network, for people."""
    number, code = number_of(name_of(step)), error.errno
    assert number is not None
    what = title(number)
    why = error.strerror or str(error)
    match step:
        case _ if code in {errno.EPERM, errno.EACCES}:
            return (
                "the kernel does not let this process change links: it needs the "
                "capability CAP_NET_ADMIN"
            )
        case Make(Tap()) if code in {errno.ENOENT, errno.ENODEV, errno.ENXIO}:
            why = f"there is no {TUN}; the kernel needs its module tun (modprobe tun)"
        case Make(link) if code == errno.EOPNOTSUPP:
            module = _MODULES[type(link)]
            why = f"the kernel needs its module {module} (modprobe {module})"
        case Make(link) if code in {errno.EEXIST, errno.EBUSY}:
            why = (
                f"its name, its number or UDP port {VXLAN_PORT} is another's "
                f"({error.strerror}); remove that, or move it"
            )
        case Make(Vxlan()) | Mend(Vxlan()) if code == errno.EADDRINUSE:
            why = f"another program has UDP port {VXLAN_PORT}; end it, or move it"
        case Put(Route() as route) if code == errno.EEXIST:
            why = "there is a route to it that is not of euca_tw; remove that"
            return f"{what}: {route.to} is routed otherwise: {why}"
        case Put(Route(by=IPv4Address() as by)) if code == errno.EINVAL:
            why = f"this machine has {by} itself; remove that address"
    return f"{what}: {_said(step)}: {why}"


def _said(step: Step) -> str:
    """What it is that failed."""
    match step:
        case Make(link):
            return f"{link.name} cannot be made"
        case Mend(link):
            return f"{link.name} cannot be set"
        case Unmake(name):
            return f"{name} cannot be removed"
        case Put(entry):
            return f"{_entry_said(entry)} cannot be entered"
        case Drop(entry):
            return f"{_entry_said(entry)} cannot be removed"
        case Plug(card, bridge):
            return f"the card {card} cannot be put on {bridge}"


def _entry_said(entry: Entry) -> str:
    match entry:
        case Address(link, interface):
            return f"address {interface} on {link}"
        case Route(link, to):
            return f"the route to {to} by {link}"
        case Forward(link, mac_address, to):
            return f"the way of {mac_address} by {link} to {to}"
        case Pin(_, mac_address, port):
            return f"the way of {mac_address} by {port}"
        case Neighbour(link, address):
            return f"the neighbour {address} on {link}"


def together(failures: Mapping[int, str]) -> str:
    """What is told of networks that failed, not too much at once."""
    texts = [*dict.fromkeys(failures[number] for number in sorted(failures))]
    more = len(texts) - _TOLD
    told = "; ".join(texts[:_TOLD])
    return f"{told}; and {more} networks more" if more > 0 else told
