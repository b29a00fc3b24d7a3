"""
What rtnetlink answers, as our records.

Pure.  As what is told (L{euca_tw.vnet.rtnetlink_told}): by pyroute2 what is rare,
by hand what is not.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from euca_tw.vnet.link_records import (
    OURS,
    ROUTE_PROTOCOL,
    Address,
    Bridge,
    Forward,
    Link,
    Neighbour,
    Other,
    Pin,
    Route,
    Tap,
    Vxlan,
    number_of,
)
from euca_tw.vnet.rtnetlink import (
    AF_BRIDGE,
    BEGUN,
    BRIDGE,
    DST,
    ENDING,
    GROUP,
    HEADER,
    IFINDEX,
    IFNAME,
    LLADDR,
    MASTER_OF,
    NEIGHBOUR,
    NOARP,
    OF_LINK,
    PERMANENT,
    SELF,
    TAP,
    UP,
    attributes,
)


def name_of(answer: bytes) -> tuple[int, str]:
    """Index and name of a link; quick, for there may be many of others."""
    (index,) = IFINDEX.unpack_from(answer, HEADER.size)
    for kind, value in attributes(answer, HEADER.size + OF_LINK):
        if kind == IFNAME:
            return index, value.rstrip(b"\0").decode("ascii", "replace")
    return index, ""


def is_ending(answer: bytes) -> bool:
    """Whether a link goes with L{rtnetlink_told.ending_gone}."""
    return any(
        kind == GROUP and int.from_bytes(value, sys.byteorder) == ENDING
        for kind, value in attributes(answer, HEADER.size + OF_LINK)
    )


def master_of(answer: bytes) -> int | None:
    """The index of the bridge that a link is a port of, if it is of one."""
    for kind, value in attributes(answer, HEADER.size + OF_LINK):
        if kind == MASTER_OF:
            return int.from_bytes(value, sys.byteorder)
    return None


def link_of(
    answer: bytes,
    names: Mapping[int, str],
    *,
    has_ipv6: bool,
    sends_redirects: bool,
    is_loose: bool = False,
) -> Link | None:
    """
    A link that has a name of ours; None if it is not ours.

    @param names: of all links, by index.
    @param has_ipv6, sends_redirects, is_loose: what only files tell.
    """
    said = ifinfmsg(answer)
    said.decode()
    name: str = said.get_attr("IFLA_IFNAME")
    if said.get_attr("IFLA_IFALIAS") != OURS:
        return Other(name=name) if said.get_attr("IFLA_GROUP") == BEGUN else None
    information = said.get_attr("IFLA_LINKINFO")
    kind = information and information.get_attr("IFLA_INFO_KIND")
    data = information and information.get_attr("IFLA_INFO_DATA")
    if not data or (name[2], kind) not in {
        ("b", "bridge"),
        ("x", "vxlan"),
        ("t", "tun"),
    }:
        return Other(name=name)
    common: dict[str, Any] = {
        "name": name,
        "mtu": said.get_attr("IFLA_MTU"),
        "is_up": bool(said["flags"] & UP),
        "has_ipv6": has_ipv6,
    }
    if kind == "bridge":
        return Bridge(
            **common,
            mac_address=said.get_attr("IFLA_ADDRESS"),
            has_stp=bool(data.get_attr("IFLA_BR_STP_STATE")),
            snoops=bool(data.get_attr("IFLA_BR_MCAST_SNOOPING")),
            # Kernels that show nothing to IP do not tell.
            shows_to_ip=bool(data.get_attr("IFLA_BR_NF_CALL_IPTABLES")),
            sends_redirects=sends_redirects,
            is_loose=is_loose,
        )
    port = information.get_attr("IFLA_INFO_SLAVE_DATA")
    common |= {
        "bridge": names.get(said.get_attr("IFLA_MASTER"), ""),
        "learns": port is None or bool(port.get_attr("IFLA_BRPORT_LEARNING")),
        "suppresses": port is not None
        and bool(port.get_attr("IFLA_BRPORT_NEIGH_SUPPRESS")),
    }
    if kind == "vxlan":
        return Vxlan(
            **common,
            number=data.get_attr("IFLA_VXLAN_ID"),
            local=IPv4Address(data.get_attr("IFLA_VXLAN_LOCAL") or 0),
            port=data.get_attr("IFLA_VXLAN_PORT"),
            learns_as_device=bool(data.get_attr("IFLA_VXLAN_LEARNING")),
        )
    if data.get_attr("IFLA_TUN_TYPE") != TAP:
        return Other(name=name)
    return Tap(**common)


def address_of(answer: bytes, ours: Mapping[int, str]) -> Address | None:
    """@param ours: names of our links, by index."""
    said = ifaddrmsg(answer)
    said.decode()
    if said["index"] not in ours:
        return None
    pair = (said.get_attr("IFA_LOCAL"), said["prefixlen"])
    return Address(ours[said["index"]], IPv4Interface(pair))


def route_of(answer: bytes, ours: Mapping[int, str]) -> Route | None:
    said = rtmsg(answer)
    said.decode()
    link = ours.get(said.get_attr("RTA_OIF"))
    if said["proto"] != ROUTE_PROTOCOL or link is None:
        return None
    to = IPv4Network((said.get_attr("RTA_DST") or 0, said["dst_len"]))
    source = IPv4Address(said.get_attr("RTA_PREFSRC") or 0)
    by = said.get_attr("RTA_GATEWAY")
    return Route(link, to, source, None if by is None else IPv4Address(by))


@lru_cache(256)
def _machine(address: bytes) -> IPv4Address:
    """Thousands of entries name the same few."""
    return IPv4Address(address)


def neighbour_of(
    answer: bytes, ours: Mapping[int, str]
) -> Forward | Pin | Neighbour | None:
    """What was entered for good; not what the kernel found out, or is itself."""
    family, index, state, table, _ = NEIGHBOUR.unpack_from(answer, HEADER.size)
    link = ours.get(index)
    if link is None or number_of(link) is None:
        return None
    address = mac = bridge = None
    for kind, value in attributes(answer, HEADER.size + NEIGHBOUR.size):
        if kind == DST:
            address = value
        elif kind == LLADDR:
            mac = value
        elif kind == BRIDGE:
            bridge = ours.get(int.from_bytes(value, sys.byteorder))
    if mac is None or len(mac) != 6:
        return None
    if family != AF_BRIDGE:
        if not state & PERMANENT or address is None:
            return None
        return Neighbour(link, IPv4Address(address), mac.hex(":"))
    if table & SELF:
        if address is None or len(address) != 4:
            return None
        return Forward(link, mac.hex(":"), _machine(address))
    if bridge is None or not state & NOARP:
        return None
    return Pin(bridge, mac.hex(":"), link)
