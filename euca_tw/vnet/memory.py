"""A network of instances that is all in memory: names are given, nothing is made."""

from __future__ import annotations

from attrs import Factory, define
from zope.interface import implementer

from euca_tw.nodectl.interfaces import INodeNetwork, Lease, NetworkFailed, Nic
from euca_tw.vnet.leases import Leases, card_name


@implementer(INodeNetwork)
@define
class MemoryNodeNetwork:
    """
    @ivar leases: what is served now, for whoever wants to look.
    @ivar is_serving: whether it is started.
    @ivar trouble: why it cannot be started; C{""} if it can.
    """

    bridge: str = "euca0"
    leases: Leases = Factory(Leases)
    is_serving: bool = False
    trouble: str = ""

    async def start(self) -> None:
        if self.trouble:
            raise NetworkFailed(self.trouble)
        self.is_serving = True

    async def stop(self) -> None:
        self.is_serving = False

    async def attach(self, lease: Lease) -> Nic:
        self.leases.add(lease)
        return Nic(
            mac_address=lease.mac_address,
            bridge=self.bridge,
            target=card_name(lease.instance_id),
        )

    async def detach(self, instance_id: str) -> None:
        self.leases.remove(instance_id)
