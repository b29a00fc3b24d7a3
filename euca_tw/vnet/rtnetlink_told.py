"""
What rtnetlink is told and asked of our records.

Pure.  Links, addresses and routes are few, and pyroute2 has their words.  Entries
of forwarding and neighbour tables come in tens of thousands, all alike, so they
are packed here: in a thirtieth of the time.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg
from pyroute2.netlink.rtnl.rtmsg import rtmsg

from euca_tw.vnet.link_records import (
    ALL_ZERO,
    BY_ANOTHER_METRIC,
    OURS,
    ROUTE_PROTOCOL,
    Address,
    Bridge,
    Entry,
    Forward,
    Link,
    Neighbour,
    Other,
    Pin,
    Route,
    Tap,
    Vxlan,
)
from euca_tw.vnet.rtnetlink import (
    AF_BRIDGE,
    APPEND,
    ATTRIBUTE,
    BEGUN,
    CREATE,
    DELADDR,
    DELLINK,
    DELNEIGH,
    DELROUTE,
    DST,
    DUMP,
    ENDING,
    EXCLUSIVE,
    GET_ADDRESSES,
    GET_LINKS,
    GET_NEIGHBOURS,
    GET_ROUTES,
    LLADDR,
    MASTER,
    NEIGHBOUR,
    NEWADDR,
    NEWLINK,
    NEWNEIGH,
    NEWROUTE,
    NOARP,
    ONLINK,
    PERMANENT,
    REPLACE,
    REQUEST,
    SCOPE_LINK,
    SELF,
    SKIP_STATISTICS,
    TABLE_MAIN,
    UNICAST,
    UP,
    message,
)


def _told(made: Any, kind: int, how: int, /, **fields: Any) -> bytes:
    attributes = fields.pop("attributes", ())
    made["attrs"] = [(name, value) for name, value in attributes if value is not None]
    for name, value in fields.items():
        made[name] = value
    made["header"]["type"] = kind
    made["header"]["flags"] = REQUEST | how
    made.encode()
    return bytes(made.data)


def _nested(*attributes: tuple[str, Any]) -> dict[str, Any]:
    return {"attrs": [*attributes]}


def link_made(link: Bridge | Vxlan) -> bytes:
    """
    A link comes to be, on no bridge and not up; see Note [Whose a link is from
    the first].
    """
    if isinstance(link, Bridge):
        kind, changed = "bridge", _kept(link)
        data = (*changed, ("IFLA_BR_FORWARD_DELAY", 0))
    else:
        kind = "vxlan"
        data = (
            *_kept(link),
            ("IFLA_VXLAN_PORT", link.port),
            ("IFLA_VXLAN_LEARNING", int(link.learns_as_device)),
        )
    information = _nested(("IFLA_INFO_KIND", kind), ("IFLA_INFO_DATA", _nested(*data)))
    return _told(
        ifinfmsg(),
        NEWLINK,
        CREATE | EXCLUSIVE,
        attributes=(
            ("IFLA_IFNAME", link.name),
            ("IFLA_GROUP", BEGUN),
            ("IFLA_LINKINFO", information),
        ),
    )


def _kept(link: Link) -> tuple[tuple[str, Any], ...]:
    """What its kind has of its own, and can be changed."""
    if isinstance(link, Bridge):
        return (
            ("IFLA_BR_STP_STATE", int(link.has_stp)),
            ("IFLA_BR_MCAST_SNOOPING", int(link.snoops)),
            ("IFLA_BR_NF_CALL_IPTABLES", int(link.shows_to_ip)),
        )
    if isinstance(link, Vxlan):
        return (
            ("IFLA_VXLAN_ID", link.number),
            ("IFLA_VXLAN_LOCAL", str(link.local)),
        )
    return ()


def link_set(
    link: Link, index: int, master: int | None, *, is_new: bool
) -> Iterator[bytes]:
    """
    A link that is there shall be as it says, all but up.

    @param master: the index of its bridge.
    """
    if data := _kept(link):
        # Alone: of a VXLAN device, this and its MTU cannot be told in one.
        kind = "bridge" if isinstance(link, Bridge) else "vxlan"
        information = _nested(
            ("IFLA_INFO_KIND", kind), ("IFLA_INFO_DATA", _nested(*data))
        )
        yield _changed(index, ("IFLA_LINKINFO", information))
    yield _changed(
        index,
        ("IFLA_IFALIAS", OURS),
        ("IFLA_GROUP", 0 if is_new else None),
        ("IFLA_MTU", None if isinstance(link, Other) else link.mtu),
        ("IFLA_ADDRESS", link.mac_address if isinstance(link, Bridge) else None),
        ("IFLA_MASTER", master),
    )
    if isinstance(link, Vxlan | Tap):
        port = _nested(
            ("IFLA_INFO_SLAVE_KIND", "bridge"),
            (
                "IFLA_INFO_SLAVE_DATA",
                _nested(
                    ("IFLA_BRPORT_LEARNING", int(link.learns)),
                    ("IFLA_BRPORT_NEIGH_SUPPRESS", int(link.suppresses)),
                ),
            ),
        )
        yield _changed(index, ("IFLA_LINKINFO", port))


def _changed(index: int, *attributes: tuple[str, Any]) -> bytes:
    return _told(ifinfmsg(), NEWLINK, 0, index=index, attributes=attributes)


def link_plugged(index: int, master: int) -> bytes:
    """It is a port of that bridge, whatever else it is."""
    return _changed(index, ("IFLA_MASTER", master))


def link_named(name: str) -> bytes:
    """This one is ours."""
    return _told(
        ifinfmsg(),
        NEWLINK,
        0,
        attributes=(("IFLA_IFNAME", name), ("IFLA_IFALIAS", OURS)),
    )


def link_up(index: int) -> bytes:
    return _told(ifinfmsg(), NEWLINK, 0, index=index, flags=UP, change=UP)


def link_gone(index: int) -> bytes:
    return _told(ifinfmsg(), DELLINK, 0, index=index)


def link_ending(index: int) -> bytes:
    """It will go with all others that are told so."""
    return _changed(index, ("IFLA_GROUP", ENDING))


def ending_gone() -> bytes:
    """All that were told so go at once."""
    return _told(ifinfmsg(), DELLINK, 0, attributes=(("IFLA_GROUP", ENDING),))


def entry_put(entry: Entry, index_of: Mapping[str, int]) -> bytes:
    """@param index_of: of the links that the entry names."""
    match entry:
        case Address():
            return _address(entry, index_of, NEWADDR, CREATE | REPLACE)
        case Route(by=None):
            return _route(entry, index_of, NEWROUTE, CREATE | EXCLUSIVE)
        case Route():
            return _route(entry, index_of, NEWROUTE, CREATE | REPLACE)
        case Forward(_, mac_address) if mac_address == ALL_ZERO:
            return _neighbour(entry, index_of, NEWNEIGH, CREATE | APPEND)
    return _neighbour(entry, index_of, NEWNEIGH, CREATE | REPLACE)


def entry_dropped(entry: Entry, index_of: Mapping[str, int]) -> bytes:
    match entry:
        case Address():
            return _address(entry, index_of, DELADDR, 0)
        case Route():
            return _route(entry, index_of, DELROUTE, 0)
    return _neighbour(entry, index_of, DELNEIGH, 0)


def links_named_by(entry: Entry) -> tuple[str, ...]:
    """Those whose indices a message about it needs."""
    return (entry.port,) if isinstance(entry, Pin) else (entry.link,)


def _address(
    entry: Address, index_of: Mapping[str, int], kind: int, flags: int
) -> bytes:
    interface = entry.interface
    network = interface.network
    is_single = network.num_addresses == 1
    return _told(
        ifaddrmsg(),
        kind,
        flags,
        family=socket.AF_INET,
        index=index_of[entry.link],
        prefixlen=network.prefixlen,
        scope=SCOPE_LINK if is_single else 0,
        attributes=(
            ("IFA_LOCAL", str(interface.ip)),
            ("IFA_ADDRESS", str(interface.ip)),
            ("IFA_BROADCAST", None if is_single else str(network.broadcast_address)),
        ),
    )


def _route(entry: Route, index_of: Mapping[str, int], kind: int, flags: int) -> bytes:
    return _told(
        rtmsg(),
        kind,
        flags,
        family=socket.AF_INET,
        dst_len=entry.to.prefixlen,
        table=TABLE_MAIN,
        proto=ROUTE_PROTOCOL,
        scope=SCOPE_LINK if entry.by is None else 0,
        type=UNICAST,
        flags=0 if entry.by is None else ONLINK,
        attributes=(
            ("RTA_DST", str(entry.to.network_address)),
            ("RTA_OIF", index_of[entry.link]),
            ("RTA_PREFSRC", str(entry.source)),
            ("RTA_GATEWAY", None if entry.by is None else str(entry.by)),
            ("RTA_PRIORITY", None if entry.by is None else BY_ANOTHER_METRIC),
        ),
    )


def _neighbour(
    entry: Entry, index_of: Mapping[str, int], kind: int, flags: int
) -> bytes:
    address: IPv4Address | None
    match entry:
        case Forward(link, mac_address, address):
            family, state, table = AF_BRIDGE, PERMANENT, SELF
        case Pin(_, mac_address, link):
            family, state, table, address = AF_BRIDGE, NOARP, MASTER, None
        case Neighbour(link, address, mac_address):
            family, state, table = socket.AF_INET, PERMANENT, 0
        case _:
            raise TypeError(entry)
    body = NEIGHBOUR.pack(family, index_of[link], state, table, 0)
    body += ATTRIBUTE.pack(10, LLADDR) + bytes.fromhex(mac_address.replace(":", ""))
    body += b"\0\0"
    if address is not None:
        body += ATTRIBUTE.pack(8, DST) + address.packed
    return message(kind, REQUEST | flags, body)


# --- what is asked ----------------------------------------------------------


def asked_links() -> bytes:
    return _told(
        ifinfmsg(),
        GET_LINKS,
        DUMP,
        attributes=(("IFLA_EXT_MASK", SKIP_STATISTICS),),
    )


def asked_addresses() -> bytes:
    return _told(ifaddrmsg(), GET_ADDRESSES, DUMP, family=socket.AF_INET)


def asked_routes() -> bytes:
    """Of ours only, however many others there are."""
    return _told(
        rtmsg(),
        GET_ROUTES,
        DUMP,
        family=socket.AF_INET,
        table=TABLE_MAIN,
        proto=ROUTE_PROTOCOL,
    )


def asked_forwards() -> bytes:
    return message(
        GET_NEIGHBOURS, REQUEST | DUMP, NEIGHBOUR.pack(AF_BRIDGE, 0, 0, 0, 0)
    )


def asked_neighbours() -> bytes:
    body = NEIGHBOUR.pack(socket.AF_INET, 0, 0, 0, 0)
    return message(GET_NEIGHBOURS, REQUEST | DUMP, body)
