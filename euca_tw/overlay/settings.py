"""What a site sets about its instances' networks; the same on all its machines."""

from __future__ import annotations

from ipaddress import IPv4Network

from attrs import frozen

from euca_tw.common.config import Invalid, checked
from euca_tw.model.hostnames import DOMAIN, check_domain
from euca_tw.model.ranges import Carving

#: See docs/networking.md.
STATIC, MANAGED, SYSTEM = MODES = ("static", "managed", "system")


def check_mode(text: str) -> None:
    """@raise ValueError: it is none; the text is for the operator."""
    if text not in MODES:
        raise ValueError(f"{text!r} is none of {', '.join(MODES)}")


#: What means something on one link only: metadata, and the heads among themselves.
_LINK_LOCAL = IPv4Network("169.254.0.0/16")


def check_private_range(text: str) -> None:
    """@raise ValueError: it is none; the text is for the operator."""
    try:
        network = IPv4Network(text)
    except ValueError:
        raise ValueError(f"{text!r} is no network, as 10.128.0.0/9") from None
    if network.overlaps(_LINK_LOCAL):
        raise ValueError(
            f"{text} has addresses of {_LINK_LOCAL}, which is kept for the metadata "
            "service and for what heads say to each other; use another"
        )


@frozen(kw_only=True)
class NetworkSettings:
    """
    @ivar mode: C{managed}: a network for each security group, wherever its
        instances are.  C{static}: a flat network for each cluster, its addresses by
        the cluster's range.  C{system}: the site's own network and DHCP.
    @ivar private_range: managed networks' addresses.
    @ivar addresses_per_network: a power of two.
    @ivar domain: what names of instances end in.
    """

    mode: str = checked(check_mode, MANAGED)
    private_range: str = checked(check_private_range, "10.128.0.0/9")
    addresses_per_network: int = 256
    domain: str = checked(check_domain, DOMAIN)

    def __attrs_post_init__(self) -> None:
        try:
            self.carving  # noqa: B018 - raises what is wrong
        except ValueError as error:
            raise Invalid("addresses_per_network", str(error)) from None

    @property
    def carving(self) -> Carving:
        """How networks are given from the range."""
        return Carving(IPv4Network(self.private_range), self.addresses_per_network)

    @property
    def is_managed(self) -> bool:
        return self.mode == MANAGED


def disagreement(own: str, told: str | None, whose: str) -> str:
    """
    Why an instance of a cloud of another mode cannot run; C{""} if it can.

    @param own: the mode here.
    @param told: the cloud's.
    @param whose: who is of the mode C{own}, for people.
    """
    cloud = told or STATIC
    if cloud == own:
        return ""
    return (
        f"the cloud's networks are {cloud}, and those of {whose} are {own}: set "
        "mode in [network] of its configuration to the cloud's"
    )
