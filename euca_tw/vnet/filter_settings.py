"""What a machine's rules must be told beside its view."""

from __future__ import annotations

from enum import Enum
from ipaddress import IPv4Address, IPv4Network

from attrs import frozen

from euca_tw.model.networks import Role


class Tracking(Enum):
    """
    Who follows the connections that cross a bridge.

    BRIDGE: the bridge itself (C{nf_conntrack_bridge}).
    IP: the machine's IP, to which the bridges show their packets
        (C{br_netfilter}), where the kernel has only that.
    """

    BRIDGE = "bridge"
    IP = "ip"


@frozen(kw_only=True)
class FilterSettings:
    """
    @ivar metadata_port: where this machine's metadata service listens at
        169.254.169.254; instances see it at 80.
    @ivar serves_names: whether this machine answers DNS there and at the routers.
    @ivar outer: on a head, the interface with the public addresses; empty:
        nothing leaves and nothing enters.
    @ivar way_out: as whom instances leave that have no public address; None:
        they do not.
    @ivar closed: what instances do not reach by this head: the site's own networks.
        The machines of the view are closed to them in any case.
    """

    metadata_port: int = 80
    serves_names: bool = False
    outer: str = ""
    way_out: IPv4Address | None = None
    closed: tuple[IPv4Network, ...] = ()


@frozen(kw_only=True)
class Shape:
    """All that the chains depend on; what else there is, is elements of sets."""

    role: Role
    tracking: Tracking
    settings: FilterSettings = FilterSettings()
