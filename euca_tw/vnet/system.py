"""
The instances' network where it is the site's own: a bridge that the site made, with
its DHCP.  Nothing is made, served or judged here.
"""

from __future__ import annotations

from pathlib import Path

from attrs import define
from zope.interface import implementer

from euca_tw.nodectl.interfaces import INodeNetwork, Lease, NetworkFailed, Nic
from euca_tw.vnet.leases import card_name

_LINKS = Path("/sys/class/net")


@implementer(INodeNetwork)
@define(eq=False)
class SystemNodeNetwork:
    """
    @ivar bridge: the site's, whose ports instances' cards become.
    @ivar links: where the kernel shows links.
    """

    bridge: str
    links: Path = _LINKS

    async def start(self) -> None:
        if not (self.links / self.bridge / "bridge").exists():
            raise NetworkFailed(
                f"{self.bridge} is no bridge of this machine: make it, or name "
                "another as bridge in [node_controller]"
            )

    async def stop(self) -> None:
        """It is the site's."""

    async def attach(self, lease: Lease) -> Nic:
        return Nic(
            mac_address=lease.mac_address,
            bridge=self.bridge,
            target=card_name(lease.instance_id),
        )

    async def detach(self, instance_id: str) -> None:
        """Its card goes with its domain."""
