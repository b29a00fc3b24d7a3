"""
A site: one cloud, its clusters, their nodes, and the world they stand in.

The daemons are the real ones; the world is the memory implementations, which
outlive the daemons.  L{Site.kill} ends a daemon at once, L{Site.start} begins
another on the same disk.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import IPv4Address
from random import Random
from typing import Any

from attrs import define, field

from euca_tw.api.cluster import CLUSTER
from euca_tw.api.head import HEAD
from euca_tw.api.node import NODE
from euca_tw.cc.cluster import ClusterController
from euca_tw.cc.interfaces import IScheduler
from euca_tw.cc.networks import Carriers
from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.capacity import Resources
from euca_tw.model.identifiers import AccountId
from euca_tw.model.networks import Machine as Carrier
from euca_tw.model.networks import Role
from euca_tw.model.records import (
    Address,
    Image,
    ImageKind,
    ImageState,
)
from euca_tw.nodectl.hooks import NoHooks
from euca_tw.nodectl.interfaces import IHooks
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from euca_tw.nodectl.memory_images import MemoryImageMaker
from euca_tw.nodectl.networks import NodeNetworks
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.overlay.settings import STATIC, NetworkSettings
from euca_tw.sim.life import Disk, DiskStore, door
from euca_tw.soap.memory import MemoryPeers
from euca_tw.store.interfaces import Put
from euca_tw.vnet.head import NetworkHead
from euca_tw.vnet.managed import ManagedNodeNetwork
from euca_tw.vnet.memory import (
    MemoryNetworkHost,
    MemoryNodeNetwork,
    MemoryResponders,
    MemoryTrunk,
)
from tests.fakes.clock import StepClock
from tests.whole.cloud import ALICE, IMAGE, Cloud, url_of
from tests.whole.mortal import Life, MortalHooks, MortalPeers, disk_store

MACHINE = Resources(cores=4, memory_mib=2048, disk_gib=0)

#: Two clusters, and their nodes.
TWO = {"north": ("north-1", "north-2"), "south": ("south-1",)}


@define(kw_only=True)
class Machine:
    """What a node controller finds when it is started."""

    hypervisor: MemoryHypervisor
    instances: MemoryInstanceStore
    maker: MemoryImageMaker
    network: MemoryNodeNetwork | ManagedNodeNetwork = field(factory=MemoryNodeNetwork)
    host: MemoryNetworkHost = field(factory=MemoryNetworkHost)
    responders: MemoryResponders = field(factory=MemoryResponders)


@define(kw_only=True)
class Daemon:
    """@ivar begin: makes and starts another, in a new life."""

    begin: Callable[[Life], Any]
    disk: Disk = field(factory=Disk)
    life: Life | None = None
    service: Any = None


class Site:
    """
    @ivar daemons: C{cloud}, each cluster's name, each node's name; where networks
        are managed, each head's (L{head_of}).
    @ivar machines: by the node's name.
    @ivar heads: what carries networks on the head of each cluster.
    @ivar always: what must be so after every step.
    """

    always: Callable[[Site], bool] | None = None
    #: Makes what chooses nodes, for each cluster that is started, with its name.
    scheduler: Callable[[Random], tuple[str, IScheduler]] | None = None
    #: Of every node.
    hooks: IHooks | None = None

    def __init__(
        self,
        clusters: dict[str, tuple[str, ...]],
        seed: int = 1,
        machine: Resources = MACHINE,
        cloud_settings: ConvergenceSettings | None = None,
        cluster_settings: ClusterSettings | None = None,
        node_settings: NodeSettings | None = None,
        network: NetworkSettings | None = None,
    ) -> None:
        self.network = network or NetworkSettings(mode=STATIC)
        self.heads: dict[str, MemoryNetworkHost] = {}
        self.trunks: dict[str, MemoryTrunk] = {}
        self.clock = StepClock()
        self.clock.rightNow = datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()
        self.random = Random(seed)
        self.peers = MemoryPeers(self.clock)
        self.cluster_nodes = dict(clusters)
        self.settings = (cloud_settings, cluster_settings, node_settings)
        self.machines: dict[str, Machine] = {}
        self.images = MemoryImageStore({IMAGE: "/images/demo"})
        self._graveyard: list[Life] = []
        self.daemons: dict[str, Daemon] = {"cloud": Daemon(begin=self._begin_cloud)}
        for cluster, nodes in clusters.items():
            self.daemons[cluster] = Daemon(
                begin=lambda life, name=cluster: self._begin_cluster(name, life)
            )
            if self.network.is_managed:
                self.heads[cluster] = MemoryNetworkHost()
                self.daemons[head_of(cluster)] = Daemon(
                    begin=lambda life, name=cluster: self._begin_head(name, life)
                )
            for node in nodes:
                hypervisor = MemoryHypervisor(clock=self.clock, capacity=machine)
                instances = MemoryInstanceStore(
                    clock=self.clock,
                    consoles=hypervisor.consoles,
                    written_at=hypervisor.written_at,
                )
                self.machines[node] = Machine(
                    hypervisor=hypervisor,
                    instances=instances,
                    maker=MemoryImageMaker(self.clock, instances),
                )
                self.daemons[node] = Daemon(
                    begin=lambda life, name=node: self._begin_node(name, life)
                )
        self.daemons["cloud"].disk.write([Put(_image(self.clock))])

    # --- daemons ---------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start daemons; all, if none are named."""
        for name in names or tuple(self.daemons):
            daemon = self.daemons[name]
            assert daemon.life is None, f"{name} lives"
            daemon.life = Life(self.clock)
            daemon.service = daemon.begin(daemon.life)

    def kill(self, *names: str) -> None:
        """Kill -9."""
        for name in names:
            daemon = self.daemons[name]
            assert daemon.life is not None, f"{name} is dead"
            daemon.life.end(daemon.service)
            self._graveyard.append(daemon.life)
            self.peers.serve(url_of(name), None)
            daemon.life = daemon.service = None

    def stop(self, name: str) -> None:
        """SIGSTOP: who asks it waits, as long as he has patience."""
        life = self.daemons[name].life
        assert life is not None, f"{name} is dead"
        life.stop()

    def go_on(self, name: str) -> None:
        """SIGCONT."""
        life = self.daemons[name].life
        assert life is not None, f"{name} is dead"
        life.go_on()

    def _open(self, name: str, life: Life) -> DiskStore:
        store = disk_store(self.daemons[name].disk, life)
        store.open()
        return store

    def _begin_cloud(self, life: Life) -> Any:
        return Cloud(
            names=self.cluster_nodes,
            peers=MortalPeers(self.peers, life),
            life=life,
            store=self._open("cloud", life),
            random=Random(self.random.random()),
            settings=self.settings[0],
            network=self.network,
            images=self.images,
        )

    def _begin_cluster(self, name: str, life: Life) -> ClusterController:
        service = ClusterController(
            name=name,
            nodes=[url_of(node) for node in self.cluster_nodes[name]],
            peers=MortalPeers(self.peers, life),
            store=self._open(name, life),
            clock=life,
            random=Random(self.random.random()),
            settings=self.settings[1],
            scheduler=self.scheduler(self.random) if self.scheduler else None,
            network_mode=self.network.mode,
            carriers=self.carriers(name, MortalPeers(self.peers, life)),
        )
        self.peers.serve(url_of(name), CLUSTER, life.gated(service.dispatch))
        service.startService()
        return service

    def carriers(self, cluster: str, peers: MortalPeers) -> Carriers | None:
        """The machines of a cluster, as its configuration would have them."""
        if not self.network.is_managed:
            return None
        names = [head_of(cluster), *self.cluster_nodes[cluster]]
        third = sorted(self.cluster_nodes).index(cluster)
        head, *nodes = (
            Carrier(
                name=url_of(name),
                cluster=cluster,
                role=Role.NODE if n else Role.HEAD,
                address=IPv4Address(f"192.0.{third}.{n + 1}"),
            )
            for n, name in enumerate(names)
        )
        return Carriers(nodes=tuple(nodes), head=head, head_peer=peers.peer(head.name))

    def _begin_head(self, cluster: str, life: Life) -> NetworkHead:
        name = head_of(cluster)
        self.trunks[cluster] = MemoryTrunk(cluster)
        service = NetworkHead(
            url=url_of(name),
            store=self._open(name, life),
            host=door(self.heads[cluster], life),
            trunk=self.trunks[cluster],
            clock=life,
            random=Random(self.random.random()),
        )
        self.peers.serve(url_of(name), HEAD, life.gated(service.dispatch))
        service.startService()
        return service

    def _begin_node(self, name: str, life: Life) -> NodeController:
        machine = self.machines[name]
        store = self._open(name, life)
        networks = None
        found: list[NodeController] = []
        if self.network.is_managed:
            # What answers on bridges ends with the process, what is carried not.
            machine.responders = MemoryResponders()
            managed = machine.network = ManagedNodeNetwork(
                host=door(machine.host, life),
                responders=machine.responders,
                metadata_of=lambda private_ip: found[0].metadata_of(private_ip),
                clock=life,
                random=Random(self.random.random()),
            )
            networks = NodeNetworks(url_of(name), store, managed)
        else:
            machine.network = MemoryNodeNetwork()
        service = NodeController(
            url=url_of(name),
            store=store,
            hypervisor=door(machine.hypervisor, life, ("document",)),
            instances=door(
                machine.instances, life, ("disk_capacity_gib", "directory_of")
            ),
            network=door(machine.network, life),
            hooks=MortalHooks(self.hooks, life) if self.hooks else NoHooks(),
            clock=life,
            random=Random(self.random.random()),
            settings=self.settings[2],
            network_mode=self.network.mode,
            networks=networks,
            maker=door(machine.maker, life),
        )
        found.append(service)
        self.peers.serve(url_of(name), NODE, life.gated(service.dispatch))
        service.startService()
        return service

    # --- time ------------------------------------------------------------------

    def step(self, within_s: float) -> bool:
        """The next thing that happens within a time; whether there was any."""
        is_any = self.clock.step(self.clock.seconds() + within_s)
        if self.always is not None and not self.always(self):
            raise AssertionError(f"unsound:\n{self.describe()}")
        return is_any

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.clock.seconds() + seconds
        while self.step(until - self.clock.seconds()):
            pass

    def run_until(self, reached: Callable[[], bool], within_s: float) -> float:
        """
        Let time pass until something is so.

        @return: the seconds that it took.
        """
        began = self.clock.seconds()
        until = began + within_s
        while not reached():
            if not self.step(until - self.clock.seconds()):
                raise AssertionError(
                    f"not reached within {within_s} s:\n{self.describe()}"
                )
        return self.clock.seconds() - began

    # --- what is, and what shall be ---------------------------------------------

    @property
    def cloud(self) -> Cloud:
        cloud: Cloud = self.daemons["cloud"].service
        return cloud

    def domains(self) -> list[tuple[str, str]]:
        """Every domain there is: its node, its name."""
        return [
            (node, name)
            for node, machine in self.machines.items()
            for name in machine.hypervisor._guests
        ]

    def disks(self) -> set[tuple[str, str]]:
        """Every instance's disk there is: its node, its instance."""
        return {
            (node, name)
            for node, machine in self.machines.items()
            for name in machine.instances._staged
            if machine.instances.has_disk(name)
        }

    def leases(self) -> set[tuple[str, str]]:
        """Every card that is served: its node, its instance."""
        return {
            (node, name)
            for node, machine in self.machines.items()
            for name in machine.network.leases._by_instance
        }

    def describe(self) -> str:
        """The whole site, for a test that fails."""
        lines = [f"at {self.clock.seconds()}, domains {self.domains()}"]
        for name, daemon in self.daemons.items():
            for record in daemon.disk.records.values():
                if not isinstance(record, Image):
                    told = {
                        a: getattr(record, a)
                        for a in (
                            "key",
                            "wanted",
                            "state",
                            "phase",
                            "node",
                            "is_silent",
                            "reason",
                            "state_reason",
                        )
                        if hasattr(record, a)
                    }
                    lines.append(f"{name}: {type(record).__name__} {told}")
        return "\n".join(lines)


def head_of(cluster: str) -> str:
    """What the head of a cluster is called among the daemons."""
    return f"{cluster}-head"


def address(public_ip: str, instance_id: str | None) -> Address:
    """A public address of Alice's."""
    return Address(
        public_ip=public_ip,
        owner_id=AccountId(ALICE.account_id),
        instance_id=instance_id,  # type: ignore[arg-type]
    )


def _image(clock: StepClock) -> Image:
    return Image(
        image_id=IMAGE,
        kind=ImageKind.MACHINE,
        owner_id=AccountId(ALICE.account_id),
        location="/images/demo",
        state=ImageState.AVAILABLE,
        registered_at=datetime.fromtimestamp(clock.seconds(), UTC),
        sha256="00" * 32,
        size_bytes=1,
    )
