"""
A site: one cloud, its clusters, their nodes, and the world they stand in.

The daemons are the real ones; the world is the memory implementations, which
outlive the daemons.  L{Site.kill} ends a daemon at once, L{Site.start} begins
another on the same disk.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred

from euca_tw.api.cluster import CLUSTER
from euca_tw.api.ec2.instances import (
    GetConsoleOutput,
    GetConsoleOutputResponse,
    PlacementRequest,
    RebootInstances,
    RunInstances,
    TerminateInstances,
)
from euca_tw.api.node import NODE
from euca_tw.cc.cluster import ClusterController
from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.clusters import Clusters
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.instances import Instances
from euca_tw.clc.launches import Launches
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType, Resources
from euca_tw.model.identifiers import AccountId, ImageId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    Address,
    Image,
    ImageKind,
    ImageState,
    Instance,
    InstanceState,
)
from euca_tw.nodectl.hooks import NoHooks
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.soap.memory import MemoryPeers
from euca_tw.store.interfaces import Put
from euca_tw.vnet.memory import MemoryNodeNetwork
from tests.fakes.clock import StepClock
from tests.whole.mortal import Disk, DiskStore, Life, Mortal, MortalPeers

ALICE = Caller(account_id="000000000001", user_name="alice", is_admin=True)
SMALL = MachineType(name="m1.small", cores=1, memory_mib=128, disk_gib=2)
TYPES = {SMALL.name: SMALL}
MACHINE = Resources(cores=4, memory_mib=2048, disk_gib=0)
IMAGE = ImageId("emi-00000001")

#: Two clusters, and their nodes.
TWO = {"north": ("north-1", "north-2"), "south": ("south-1",)}


@define(kw_only=True)
class Machine:
    """What a node controller finds when it is started."""

    hypervisor: MemoryHypervisor
    instances: MemoryInstanceStore
    network: MemoryNodeNetwork = field(factory=MemoryNodeNetwork)


@define(kw_only=True)
class Daemon:
    """@ivar begin: makes and starts another, in a new life."""

    begin: Callable[[Life], Any]
    disk: Disk = field(factory=Disk)
    life: Life | None = None
    service: Any = None


class Site:
    """
    @ivar daemons: C{cloud}, each cluster's name, each node's name.
    @ivar machines: by the node's name.
    @ivar always: what must be so after every step.
    """

    always: Callable[[Site], bool] | None = None

    def __init__(
        self,
        clusters: dict[str, tuple[str, ...]],
        seed: int = 1,
        machine: Resources = MACHINE,
        cloud_settings: ConvergenceSettings | None = None,
        cluster_settings: ClusterSettings | None = None,
        node_settings: NodeSettings | None = None,
    ) -> None:
        self.clock = StepClock()
        self.clock.rightNow = datetime(2026, 11, 23, 8, tzinfo=UTC).timestamp()
        self.random = Random(seed)
        self.peers = MemoryPeers(self.clock)
        self.cluster_nodes = dict(clusters)
        self.settings = (cloud_settings, cluster_settings, node_settings)
        self.machines: dict[str, Machine] = {}
        self._graveyard: list[Life] = []
        self.daemons: dict[str, Daemon] = {"cloud": Daemon(begin=self._begin_cloud)}
        for cluster, nodes in clusters.items():
            self.daemons[cluster] = Daemon(
                begin=lambda life, name=cluster: self._begin_cluster(name, life)
            )
            for node in nodes:
                hypervisor = MemoryHypervisor(clock=self.clock, capacity=machine)
                self.machines[node] = Machine(
                    hypervisor=hypervisor,
                    instances=MemoryInstanceStore(
                        clock=self.clock,
                        consoles=hypervisor.consoles,
                        written_at=hypervisor.written_at,
                    ),
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
            daemon.life.keep(daemon.service)
            daemon.life.end()
            self._graveyard.append(daemon.life)
            self.peers.serve(url_of(name), None)
            daemon.life = daemon.service = None

    def _open(self, name: str, life: Life) -> DiskStore:
        store = DiskStore(self.daemons[name].disk, lambda do: life.callLater(0, do))
        store.open()
        return store

    def _begin_cloud(self, life: Life) -> Any:
        return Cloud(self, life, self._open("cloud", life))

    def _begin_cluster(self, name: str, life: Life) -> ClusterController:
        service = ClusterController(
            name=name,
            nodes=[url_of(node) for node in self.cluster_nodes[name]],
            peers=MortalPeers(self.peers, life),
            store=self._open(name, life),
            clock=life,
            random=Random(self.random.random()),
            settings=self.settings[1],
        )
        self.peers.serve(url_of(name), CLUSTER, service.dispatch)
        service.startService()
        return service

    def _begin_node(self, name: str, life: Life) -> NodeController:
        machine = self.machines[name]
        machine.network = MemoryNodeNetwork()
        service = NodeController(
            url=url_of(name),
            store=self._open(name, life),
            hypervisor=Mortal(machine.hypervisor, life, ("document",)),
            instances=Mortal(
                machine.instances, life, ("disk_capacity_gib", "directory_of")
            ),
            network=Mortal(machine.network, life),
            hooks=NoHooks(),
            clock=life,
            random=Random(self.random.random()),
            settings=self.settings[2],
        )
        self.peers.serve(url_of(name), NODE, service.dispatch)
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


class Cloud:
    """One life of the cloud controller: its operations and its convergence."""

    def __init__(self, site: Site, life: Life, store: DiskStore) -> None:
        self.store = store
        random = Random(site.random.random())
        self.clusters = Clusters(
            clusters={name: url_of(name) for name in site.cluster_nodes},
            peers=MortalPeers(site.peers, life),
            store=store,
            images=MemoryImageStore(),
            machine_types=TYPES,
            clock=life,
            random=random,
            settings=site.settings[0],
        )
        self.launches = Launches(
            store=store,
            clusters=self.clusters,
            clock=life,
            minter=Minter(random),
            quotas=Quotas(),
            machine_types=TYPES,
        )
        self.instances = Instances(store=store, clusters=self.clusters, clock=life)
        self.clusters.startService()

    def launch(self, zone: str, count: int = 1, token: str = "") -> Deferred[Any]:
        """Run instances in a zone; fires with their identifiers."""
        request = RunInstances(
            image_id=IMAGE,
            min_count=count,
            max_count=count,
            instance_type=SMALL.name,
            placement=PlacementRequest(availability_zone=zone),
            client_token=token or None,
        )
        asked = Deferred.fromCoroutine(self.launches.run_instances(ALICE, request))
        return asked.addCallback(
            lambda told: tuple(each.instance_id for each in told.instances)
        )

    def terminate(self, *instance_ids: str) -> Deferred[Any]:
        """End instances."""
        request = TerminateInstances(instance_ids=instance_ids)
        return Deferred.fromCoroutine(
            self.instances.terminate_instances(ALICE, request)
        )

    def reboot(self, *instance_ids: str) -> Deferred[Any]:
        """Reboot instances."""
        request = RebootInstances(instance_ids=instance_ids)
        return Deferred.fromCoroutine(self.instances.reboot_instances(ALICE, request))

    def console(self, instance_id: str) -> Deferred[GetConsoleOutputResponse]:
        """What a user is told of an instance's console."""
        request = GetConsoleOutput(instance_id=instance_id)
        return Deferred.fromCoroutine(self.instances.get_console_output(ALICE, request))

    def instance(self, instance_id: str) -> Instance:
        """A record."""
        found = self.store.get(Instance, instance_id)
        assert found is not None, instance_id
        return found

    def states(self) -> dict[str, InstanceState]:
        """The state of every instance."""
        return {each.instance_id: each.state for each in self.store.all(Instance)}


def url_of(name: str) -> str:
    """Where a daemon is reached."""
    return f"http://{name}/"


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
