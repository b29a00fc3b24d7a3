"""Networks of instances that are all in memory: names are given, nothing is made."""

from __future__ import annotations

from collections.abc import Callable

from attrs import Factory, define
from zope.interface import implementer

from euca_tw.model.metadata import InstanceMetadata
from euca_tw.model.networks import TRANSIT_NUMBER, View
from euca_tw.nodectl.interfaces import INodeNetwork, Lease, NetworkFailed, Nic
from euca_tw.vnet import interfaces
from euca_tw.vnet.leases import Leases, card_name
from euca_tw.vnet.transit import between
from euca_tw.vnet.trunk.counters import Report

#: Who has a card by its MAC address, or a private address.
LeaseOf = Callable[[str], Lease | None]
#: What an instance is told of itself, by its private address.
MetadataOf = Callable[[str], InstanceMetadata | None]


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


@implementer(interfaces.INetworkHost)
@define
class MemoryNetworkHost:
    """
    @ivar view: what was applied last, for whoever wants to look; None: nothing.
    @ivar trouble: why nothing can be applied or removed; C{""} if it can.
    @ivar refuses: why some networks cannot be carried, by number.
    """

    view: View | None = None
    trouble: str = ""
    refuses: dict[int, str] = Factory(dict)

    async def apply(self, view: View) -> None:
        if self.trouble:
            raise interfaces.NetworkFailed(self.trouble)
        self.view = view
        transit = () if between(view) is None else (TRANSIT_NUMBER,)
        failed = [
            interfaces.NetworkFailed(why, {number})
            for number, why in self.refuses.items()
            if number in (*view.networks, *transit)
        ]
        if failed:
            raise interfaces.together(failed)

    async def purge(self) -> tuple[str, ...]:
        if self.trouble:
            raise interfaces.NetworkFailed(self.trouble)
        view, self.view = self.view, None
        numbers = () if view is None else sorted(view.networks)
        return tuple(f"network {number}" for number in numbers)


@implementer(interfaces.IResponders)
@define
class MemoryResponders:
    """
    @ivar serving: by bridge: who has a card by its MAC address, what an instance
        by its private address is told, and who has that address.
    @ivar trouble: why nothing can be served; C{""} if it can.
    """

    serving: dict[str, tuple[LeaseOf, MetadataOf, LeaseOf]] = Factory(dict)
    trouble: str = ""

    def serve(
        self,
        bridge: str,
        lease_of: LeaseOf,
        metadata_of: MetadataOf,
        lease_at: LeaseOf,
    ) -> None:
        if self.trouble:
            raise interfaces.NetworkFailed(self.trouble)
        self.serving.setdefault(bridge, (lease_of, metadata_of, lease_at))

    async def cease(self, bridge: str) -> None:
        self.serving.pop(bridge, None)


@implementer(interfaces.ITrunk)
@define
class MemoryTrunk:
    """@ivar view: what was applied last; None: nothing."""

    cluster: str = ""
    view: View | None = None

    def apply(self, view: View) -> None:
        self.view = view

    def report(self) -> Report:
        return Report(cluster=self.cluster, peers=(), networks=())
