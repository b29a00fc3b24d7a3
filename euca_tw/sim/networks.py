"""
Managed networks of a simulated site: what carries them on its nodes and on the heads
of its clusters is only remembered; who tells them what to carry is real.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address
from random import Random

from attrs import define, field

from euca_tw.cc.networks import Carriers
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.model.networks import Machine, Role, TrunkEnd, View
from euca_tw.nodectl.networks import NodeNetworks
from euca_tw.overlay.settings import NetworkSettings
from euca_tw.sim.life import Life, door
from euca_tw.sim.scenario import Cluster, Scenario
from euca_tw.soap.interfaces import IPeers
from euca_tw.store.interfaces import IStore
from euca_tw.vnet.head import NetworkHead
from euca_tw.vnet.managed import ManagedNodeNetwork
from euca_tw.vnet.memory import MemoryNetworkHost, MemoryResponders, MemoryTrunk

#: Told of what a machine carries from now on: its name, and that.
CarriedBy = Callable[[str, View], None]


@define(eq=False, kw_only=True)
class SimulatedHost(MemoryNetworkHost):
    """@ivar name: of its machine."""

    name: str
    carried: CarriedBy

    async def apply(self, view: View) -> None:
        await super().apply(view)
        self.carried(self.name, view)


@define(eq=False)
class ManagedNetworks:
    """
    @ivar hosts: what each node and each head carries, by the name of its daemon.
    """

    _scenario: Scenario
    _url_of: Callable[[str], str]
    _carried: CarriedBy
    hosts: dict[str, SimulatedHost] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        for cluster in self._scenario.clusters:
            for name in (cluster.head_name, *cluster.node_names):
                self.hosts[name] = SimulatedHost(name=name, carried=self._carried)

    @property
    def settings(self) -> NetworkSettings:
        """As the cloud's configuration has them."""
        of = self._scenario.network
        return NetworkSettings(
            mode=of.mode,
            private_range=of.private_range,
            addresses_per_network=of.addresses_per_network,
        )

    @property
    def ends(self) -> list[TrunkEnd]:
        """Of all clusters' trunks."""
        return [
            TrunkEnd(cluster=name, endpoint=f"{name}:8776", certificate=name)
            for name in (each.name for each in self._scenario.clusters)
        ]

    def carriers(self, cluster: Cluster, peers: IPeers) -> Carriers:
        """The machines of a cluster, as its configuration has them."""
        number = self._scenario.clusters.index(cluster)
        head, *nodes = (
            Machine(
                name=self._url_of(name),
                cluster=cluster.name,
                role=Role.NODE if n else Role.HEAD,
                address=IPv4Address("192.0.0.1") + (number << 16) + n,
            )
            for n, name in enumerate((cluster.head_name, *cluster.node_names))
        )
        return Carriers(nodes=tuple(nodes), head=head, head_peer=peers.peer(head.name))

    def begin_head(
        self, cluster: Cluster, life: Life, store: IStore, random: Random
    ) -> NetworkHead:
        """One life of the head of a cluster."""
        name = cluster.head_name
        return NetworkHead(
            url=self._url_of(name),
            store=store,
            host=door(self.hosts[name], life),
            trunk=MemoryTrunk(cluster.name),
            clock=life,
            random=random,
        )

    def of_node(
        self,
        name: str,
        life: Life,
        store: IStore,
        random: Random,
        metadata_of: Callable[[str], InstanceMetadata | None],
    ) -> tuple[ManagedNodeNetwork, NodeNetworks]:
        """What a node is given in one life: its network, and what it was told."""
        network = ManagedNodeNetwork(
            host=door(self.hosts[name], life),
            # What answers on bridges ends with the process, what is carried not.
            responders=MemoryResponders(),
            metadata_of=metadata_of,
            clock=life,
            random=random,
        )
        return network, NodeNetworks(self._url_of(name), store, network)

    @property
    def views(self) -> Mapping[str, View | None]:
        """What each machine carries."""
        return {name: host.view for name, host in self.hosts.items()}
