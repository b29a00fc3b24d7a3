"""
What a network is made of on a machine: links, and what is entered in their tables.

Pure.  The records say what shall be and, of the same types, what the kernel says
that there is; so the two can be compared as sets are.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TypeAlias

from attrs import frozen

from euca_tw.model.networks import TRANSIT_NUMBER

#: The alias of every link of ours; one of our names without it is a stranger's.
OURS = "euca_tw"
#: The UDP port of VXLAN.
VXLAN_PORT = 4789
#: To whom VXLAN sends what is for all is entered under this address.
ALL_ZERO = "00:00:00:00:00:00"
#: Tells our routes from others' that go by the same link.
ROUTE_PROTOCOL = 0xE2
#: Of routes by another machine: where the subnet itself is on a link, it is there.
BY_ANOTHER_METRIC = 57802

_NAME = re.compile(r"ev[bxt]([0-9a-f]{6})\Z")


def bridge_name(number: int) -> str:
    """Of the bridge of a network; its instances' cards are ports of it."""
    return f"evb{number:06x}"


def vxlan_name(number: int) -> str:
    """Of the bridge's port to the other machines."""
    return f"evx{number:06x}"


def tap_name(number: int) -> str:
    """Of the bridge's port to the trunk, on a head."""
    return f"evt{number:06x}"


def number_of(name: str) -> int | None:
    """The number of the network whose link is named so; None: none is."""
    found = _NAME.match(name)
    return int(found[1], 16) if found else None


def title(number: int) -> str:
    """How people are told of a network."""
    if number == TRANSIT_NUMBER:
        return "the transit network"
    return f"network {number}"


# --- links ------------------------------------------------------------------
# What has a default is the same on all of ours.


@frozen(kw_only=True)
class Bridge:
    """
    @ivar snoops: whether it looks who listens to which multicast group.
    @ivar shows_to_ip: its packets go by the rules of the machine's IP, too.
    @ivar is_loose: packets are taken whatever way leads back to who sent them; of
        others than the transit network's it is the site's to say, and not looked at.
    """

    name: str
    mac_address: str
    mtu: int
    is_up: bool = True
    has_stp: bool = False
    snoops: bool = False
    shows_to_ip: bool = False
    has_ipv6: bool = False
    sends_redirects: bool = False
    is_loose: bool = False


@frozen(kw_only=True)
class Vxlan:
    """
    @ivar bridge: the name of the link that it is a port of; C{""} for none.
    @ivar local: the address of this machine that it sends from.
    @ivar learns: from what arrives, either as a device or as a port.
    @ivar suppresses: ARP requests do not leave by it that are answered here.
    """

    name: str
    bridge: str
    number: int
    local: IPv4Address
    mtu: int
    port: int = VXLAN_PORT
    is_up: bool = True
    learns: bool = False
    learns_as_device: bool = False
    suppresses: bool = True
    has_ipv6: bool = False


@frozen(kw_only=True)
class Tap:
    """As L{Vxlan}; its other end is held open by the trunk."""

    name: str
    bridge: str
    mtu: int
    is_up: bool = True
    learns: bool = False
    suppresses: bool = True
    has_ipv6: bool = False


@frozen(kw_only=True)
class Other:
    """A link that we made, as its alias says, but that is nothing of the above."""

    name: str


Link: TypeAlias = Bridge | Vxlan | Tap | Other


# --- what is entered in tables ----------------------------------------------
# Of two with one key, the later takes the place of the earlier.


@frozen
class Address:
    """An address of the machine itself."""

    link: str
    interface: IPv4Interface

    @property
    def key(self) -> object:
        return self


@frozen(cache_hash=True)
class Route:
    """
    To a network that is on the link; C{source} is what we are there.

    @ivar by: the machine on the link that passes it on; None: the network is there.
    """

    link: str
    to: IPv4Network
    source: IPv4Address
    by: IPv4Address | None = None

    @property
    def key(self) -> object:
        return self if self.by is None else (Route, self.link, self.to)


@frozen
class Forward:
    """
    Frames to this MAC address leave by VXLAN to a machine.  There are several
    for L{ALL_ZERO}.
    """

    link: str
    mac_address: str
    to: IPv4Address

    @property
    def key(self) -> object:
        if self.mac_address == ALL_ZERO:
            return self
        return (Forward, self.link, self.mac_address)


@frozen
class Pin:
    """On this bridge, frames to this MAC address leave by that port."""

    link: str
    mac_address: str
    port: str

    @property
    def key(self) -> object:
        return (Pin, self.link, self.mac_address)


@frozen
class Neighbour:
    """The MAC address of an address, with which ARP is answered here."""

    link: str
    address: IPv4Address
    mac_address: str

    @property
    def key(self) -> object:
        return (Neighbour, self.link, self.address)


Entry: TypeAlias = Address | Route | Forward | Pin | Neighbour


@frozen(kw_only=True)
class Segment:
    """
    One network on one machine.

    @ivar strangers: links that have a name of ours and are not.
    """

    links: frozenset[Link] = frozenset()
    entries: frozenset[Entry] = frozenset()
    strangers: frozenset[str] = frozenset()


#: Nothing of a network, as on machines that do not carry it.
NOTHING = Segment()
