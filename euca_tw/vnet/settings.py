"""What a site may set about the instances' network on a node."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Interface

from attrs import frozen

from euca_tw.common.config import checked

#: What the kernel and nft both take for a name, without quotes.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,14}\Z")
_LONGEST_PREFIX = 30


def check_bridge_name(name: str) -> None:
    """@raise ValueError: it is none; the text is for the operator."""
    if not _NAME.match(name):
        raise ValueError(
            f"{name!r} is no name for a bridge: up to 15 small letters, digits "
            "and _, a letter first"
        )


def check_address(text: str) -> None:
    """@raise ValueError: it is none; the text is for the operator."""
    try:
        address = IPv4Interface(text)
    except ValueError:
        raise ValueError(f"{text!r} is no address/prefix, as 10.90.0.1/20") from None
    network = address.network
    if "/" not in text or network.prefixlen > _LONGEST_PREFIX:
        raise ValueError(f"{text!r} needs a prefix with room for instances, as /24")
    if address.ip in (network.network_address, network.broadcast_address):
        raise ValueError(f"{text!r} is no host's address")


@frozen(kw_only=True)
class BridgeSettings:
    """
    @ivar bridge: the name of the Linux bridge; it is made if it is not there.
    @ivar address: the node's own on it, with the prefix of the instances'
        subnet; the instances' router.
    @ivar has_way_out: whether instances reach what is beyond the node.  Then
        the kernel forwards (C{net.ipv4.ip_forward}, for all of the machine), and
        what leaves has the node's address (masquerading).
    """

    bridge: str = checked(check_bridge_name, "euca0")
    address: str = checked(check_address, "10.90.0.1/20")
    has_way_out: bool = False

    @property
    def interface(self) -> IPv4Interface:
        """Address and subnet."""
        return IPv4Interface(self.address)

    @property
    def router(self) -> IPv4Address:
        """The address without its prefix."""
        return self.interface.ip
