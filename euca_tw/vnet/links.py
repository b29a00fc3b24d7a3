"""
The bridge by C{ip}: what is there, and the commands that make or remove it.

Pure; the commands are given without their first word, C{ip}.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Interface
from typing import Any, TypeAlias

from attrs import frozen

from euca_tw.nodectl.interfaces import NetworkFailed
from euca_tw.vnet.dhcp import METADATA_ADDRESS
from euca_tw.vnet.link_records import number_of
from euca_tw.vnet.settings import BridgeSettings

Command: TypeAlias = tuple[str, ...]

#: Prints what L{parse} reads.
LOOK: Command = ("-json", "-details", "address", "show")

#: The alias of a bridge that we made; only such a one is ever deleted.
OURS = "euca_tw"

_METADATA = IPv4Interface((METADATA_ADDRESS, 32))


@frozen(kw_only=True)
class Link:
    """A network device, as found."""

    kind: str
    alias: str
    is_up: bool
    addresses: frozenset[IPv4Interface]


def parse(shown: bytes, name: str) -> Link | None:
    """The device of that name in what C{ip} printed, if it is there."""
    links: Sequence[dict[str, Any]] = json.loads(shown)
    for link in links:
        if link.get("ifname") == name:
            return Link(
                kind=link.get("linkinfo", {}).get("info_kind", ""),
                alias=link.get("ifalias", ""),
                is_up="UP" in link.get("flags", ()),
                addresses=frozenset(
                    IPv4Interface((each["local"], each["prefixlen"]))
                    for each in link.get("addr_info", ())
                    if each.get("family") == "inet"
                ),
            )
    return None


def ours(shown: bytes) -> tuple[str, ...]:
    """
    The bridges that we made, in what C{ip} printed; those of managed networks are
    others' to remove (L{euca_tw.vnet.link_diff}).
    """
    names = [link.get("ifname", "") for link in json.loads(shown)]
    found = {name: parse(shown, name) for name in names if number_of(name) is None}
    return tuple(
        sorted(
            name
            for name, link in found.items()
            if link is not None and (link.kind, link.alias) == ("bridge", OURS)
        )
    )


def mac_address(name: str) -> str:
    """
    A bridge's own MAC address: one that stays, whatever cards come and go, so
    that no guest has to learn it anew.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return (b"\xd2\x0d" + digest[:4]).hex(":")


def making(wanted: BridgeSettings, found: Link | None) -> Iterator[Command]:
    """
    What makes the bridge as wanted.

    @raise NetworkFailed: the name is taken by what is no bridge.
    """
    name = wanted.bridge
    if found is None:
        yield (
            *("link", "add", "name", name, "address", mac_address(name)),
            # Guests may talk at once; there are no loops to look for.
            *("type", "bridge", "stp_state", "0", "forward_delay", "0"),
            *("mcast_snooping", "0"),
        )
        yield ("link", "set", "dev", name, "alias", OURS)
    elif found.kind != "bridge":
        raise NetworkFailed(f"{name} is there, but it is no bridge")
    has = frozenset() if found is None else found.addresses
    if wanted.interface not in has:
        yield ("address", "add", str(wanted.interface), "brd", "+", "dev", name)
    if _METADATA not in has:
        yield ("address", "add", str(_METADATA), "scope", "link", "dev", name)
    if found is None or not found.is_up:
        yield ("link", "set", "dev", name, "up")


def removing(wanted: BridgeSettings, found: Link | None) -> Iterator[Command]:
    """
    What removes it: the bridge itself if we made it, else what we added.
    """
    if found is None or found.kind != "bridge":
        return
    if found.alias == OURS:
        yield ("link", "delete", "dev", wanted.bridge)
        return
    for address in (wanted.interface, _METADATA):
        if address in found.addresses:
            yield ("address", "delete", str(address), "dev", wanted.bridge)
