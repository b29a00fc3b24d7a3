"""
A simulated site: one cloud, its clusters, their nodes, and the world they stand in.

The daemons are the real ones.  L{Site.kill} ends one at once, L{Site.start} begins
another on the same disk.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, datetime
from functools import partial
from typing import Any

from attrs import define, field
from twisted.logger import Logger

from euca_tw.api.cluster import CLUSTER
from euca_tw.api.head import HEAD
from euca_tw.api.node import NODE
from euca_tw.cc.cluster import ClusterController
from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.config import ConfigError
from euca_tw.model.identifiers import AccountId, ImageId
from euca_tw.model.records import Image, ImageKind, ImageState, Instance
from euca_tw.nodectl.hooks import NoHooks
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.policies.found import placement_named, scheduler_named
from euca_tw.sim.clock import EventClock, MachineClock
from euca_tw.sim.cloud import USER, Cloud
from euca_tw.sim.distributions import stream
from euca_tw.sim.life import Disk, DiskStore, Life, Moment, door
from euca_tw.sim.machines import Machine, Sees, machine
from euca_tw.sim.network import Network, Peers, as_record, as_xml
from euca_tw.sim.networks import CarriedBy, ManagedNetworks
from euca_tw.sim.scenario import Cluster, Scenario
from euca_tw.store.interfaces import Change, Put
from euca_tw.vnet.head import NetworkHead
from euca_tw.vnet.memory import MemoryNodeNetwork

#: When every run begins.
BEGINS = datetime(2026, 1, 1, tzinfo=UTC)


@define(eq=False)
class _Doom:
    """
    @ivar left: how many such moments there are to be until then.
    @ivar struck: called a turn after the daemon has ceased.
    """

    moment: Moment
    left: int
    struck: Callable[[], None]


@define(kw_only=True)
class Daemon:
    """
    @ivar begin: makes and starts another, in a new life.
    @ivar clock: its machine's.
    @ivar dooms: when it is to die in the midst of what it does.
    """

    begin: Callable[[Life, Peers], Any]
    clock: MachineClock
    disk: Disk = field(factory=Disk)
    life: Life | None = None
    peers: Peers | None = None
    service: Any = None
    lives: int = 0
    dooms: list[_Doom] = field(factory=list)


class Site:
    """
    @ivar daemons: C{cloud}, each cluster's name, each node's name.
    @ivar machines: by the node's name.
    @ivar image_ids: in the scenario's order.
    @ivar ended: told of each daemon that has ended by itself.
    """

    _log = Logger()

    def __init__(
        self,
        scenario: Scenario,
        sees: Sees,
        told: Callable[[Instance], None],
        wrote: Callable[[str, Collection[Change]], None] = lambda name, changes: None,
        carried: CarriedBy = lambda name, view: None,
    ) -> None:
        """
        @param sees: is told of domains and disks.
        @param told: is told of instances, as the cloud has them.
        @param wrote: is told what is on the disk of which daemon from now on.
        @param carried: is told which machine carries what, of managed networks.
        """
        self.scenario = scenario
        self._told = told
        self.clock = EventClock(BEGINS.timestamp())
        seed = scenario.run.seed
        self.network = Network(
            clock=self.clock,
            random=stream(seed, "network"),
            latency=scenario.network.latency_s,
            faults=scenario.faults,
            carry=as_xml if scenario.network.is_xml else as_record,
        )
        self._graveyard: list[Life] = []
        sizes = {f"emi-{n:08x}": i.size_mib for n, i in enumerate(scenario.images, 1)}
        self.image_ids = tuple(sizes)
        self._images = MemoryImageStore({ImageId(n): f"/images/{n}" for n in sizes})
        self.ended: Callable[[str], object] = lambda name: None
        self.daemons: dict[str, Daemon] = {}
        self.networks: ManagedNetworks | None = None
        if scenario.network.is_managed:
            self.networks = ManagedNetworks(scenario, url_of, carried)
        self._add_daemon("cloud", self._begin_cloud)
        self.machines: dict[str, Machine] = {}
        for cluster in scenario.clusters:
            self._add(cluster, sizes.__getitem__, sees)
        for name, daemon in self.daemons.items():
            daemon.disk.wrote = partial(wrote, name)
        self.daemons["cloud"].disk.write([Put(_image(*item)) for item in sizes.items()])

    def _add(
        self, cluster: Cluster, size_mib: Callable[[str], int], sees: Sees
    ) -> None:
        self._add_daemon(
            cluster.name, lambda life, peers: self._begin_cluster(cluster, life, peers)
        )
        if self.networks is not None:
            self._add_daemon(
                cluster.head_name,
                lambda life, peers: self._begin_head(cluster, life),
            )
        for name in cluster.node_names:
            self.machines[name] = machine(
                clock=self.clock,
                node=name,
                random=stream(self.scenario.run.seed, "machine", name),
                room=cluster.machine,
                times=self.scenario.times,
                size_mib=size_mib,
                sees=sees,
            )
            self._add_daemon(
                name,
                partial(self._begin_node, name),
            )

    def _add_daemon(self, name: str, begin: Callable[[Life, Peers], Any]) -> None:
        clock = self.network.clocks[name] = MachineClock(self.clock)
        self.daemons[name] = Daemon(begin=begin, clock=clock)

    @property
    def cloud(self) -> Cloud | None:
        """None while it is dead."""
        found: Cloud | None = self.daemons["cloud"].service
        return found

    def is_alive(self, name: str) -> bool:
        """Whether a daemon runs."""
        return self.daemons[name].life is not None

    def start(self, name: str) -> None:
        """Start a daemon that does not run."""
        daemon = self.daemons[name]
        assert daemon.life is None, f"{name} lives"
        daemon.lives += 1
        daemon.life = life = Life(
            daemon.clock.steady(), lambda moment: self._ends(name, moment), self.clock
        )
        daemon.peers = self.network.seen_from(name, life)
        daemon.service = daemon.begin(daemon.life, daemon.peers)

    def start_all(self) -> None:
        """Start every one."""
        for name in self.daemons:
            self.start(name)

    def kill(self, name: str) -> None:
        """Kill -9."""
        daemon = self.daemons[name]
        assert daemon.life is not None, f"{name} is dead"
        assert daemon.peers is not None
        daemon.life.end(daemon.service, daemon.peers)
        self._graveyard.append(daemon.life)
        daemon.peers.hang_up()
        self.network.drop(url_of(name))
        daemon.life = daemon.peers = daemon.service = None

    def doom(
        self, name: str, moment: Moment, nth: int, struck: Callable[[], None]
    ) -> None:
        """
        Have a daemon cease in the midst of what it does, once.

        @param nth: of such moments from now on, in whatever life.
        @param struck: called when it has; it is to L{kill} it.
        """
        self.daemons[name].dooms.append(_Doom(moment, nth, struck))

    def lift_dooms(self) -> None:
        """Have none die that has not."""
        for daemon in self.daemons.values():
            daemon.dooms.clear()

    def _ends(self, name: str, moment: Moment) -> bool:
        daemon = self.daemons[name]
        if not daemon.dooms:
            return False
        for doom in daemon.dooms:
            if doom.moment is moment:
                doom.left -= 1
                if not doom.left:
                    daemon.dooms.remove(doom)
                    assert daemon.life is not None
                    daemon.life.freeze()
                    self.network.hush(url_of(name))
                    self.clock.callLater(0, doom.struck)
                    return True
        return False

    def step(self, until: float) -> bool:
        """
        The next thing that happens by then; whether there was any.  What fails is
        in the log, and the others go on, as it is with a reactor.

        @raise ConfigError: of the trace of users that is being read.
        """
        try:
            return self.clock.step(until)
        except ConfigError:
            raise
        except Exception:
            self._log.failure("a step failed")
            return True

    def run(self, seconds: float) -> None:
        """Let time pass."""
        until = self.clock.seconds() + seconds
        while self.step(until):
            pass

    # --- daemons ---------------------------------------------------------------

    def _open(self, name: str, life: Life) -> DiskStore:
        commit_s, random = self.scenario.times.commit_s, self._random("disk", name)
        store = DiskStore(
            disk=self.daemons[name].disk,
            life=life,
            commit_s=lambda: commit_s.draw(random),
            failed=lambda: self.clock.callLater(0, self._give_up, name, life),
        )
        store.open()
        return store

    def _give_up(self, name: str, life: Life) -> None:
        """
        What it has to keep it cannot: it ends, as it really does, a turn after it has
        said so to who waits for it.
        """
        if self.daemons[name].life is life:
            self.kill(name)
            self.ended(name)

    def _random(self, what: str, name: str) -> Any:
        """Of this life of a daemon."""
        return stream(self.scenario.run.seed, what, name, self.daemons[name].lives)

    def _begin_cloud(self, life: Life, peers: Peers) -> Cloud:
        tiers = self.scenario.tiers
        return Cloud(
            urls={each.name: url_of(each.name) for each in self.scenario.clusters},
            peers=peers,
            life=life,
            store=self._open("cloud", life),
            random=self._random("daemon", "cloud"),
            settings=ConvergenceSettings(
                poll_s=tiers.poll_s,
                silent_after_s=tiers.silent_after_s,
                launch_deadline_s=tiers.launch_deadline_s,
                ended_kept_s=tiers.cloud_ended_kept_s,
            ),
            machine_types={each.name: each.machine for each in self.scenario.kinds},
            images=self._images,
            told=self._told,
            networks=self.networks,
            placement=(
                self.scenario.cloud.placement,
                placement_named(
                    self.scenario.cloud.placement, self._random("placement", "cloud")
                ),
            ),
        )

    def _begin_cluster(
        self, cluster: Cluster, life: Life, peers: Peers
    ) -> ClusterController:
        tiers = self.scenario.tiers
        service = ClusterController(
            name=cluster.name,
            nodes=[url_of(name) for name in cluster.node_names],
            peers=peers,
            store=self._open(cluster.name, life),
            clock=life,
            random=self._random("daemon", cluster.name),
            scheduler=(
                cluster.scheduler,
                scheduler_named(
                    cluster.scheduler, self._random("scheduler", cluster.name)
                ),
            ),
            settings=ClusterSettings(
                subnet=cluster.subnet,
                poll_s=tiers.poll_s,
                silent_after_s=tiers.silent_after_s,
            ),
            network_mode=self.scenario.network.mode,
            carriers=(
                self.networks.carriers(cluster, peers)
                if self.networks is not None
                else None
            ),
        )
        self.network.serve(
            cluster.name, url_of(cluster.name), CLUSTER, service.dispatch, life
        )
        service.startService()
        return service

    def _begin_head(self, cluster: Cluster, life: Life) -> NetworkHead:
        assert self.networks is not None
        name = cluster.head_name
        service = self.networks.begin_head(
            cluster, life, self._open(name, life), self._random("daemon", name)
        )
        self.network.serve(name, url_of(name), HEAD, service.dispatch, life)
        service.startService()
        return service

    def _begin_node(self, name: str, life: Life, peers: Peers) -> NodeController:
        found, store = self.machines[name], self._open(name, life)
        random = self._random("daemon", name)
        network, networks = MemoryNodeNetwork(), None
        if self.networks is not None:
            managed, networks = self.networks.of_node(
                name, life, store, random, lambda ip: service.metadata_of(ip)
            )
            network = door(managed, life)
        service = NodeController(
            url=url_of(name),
            store=store,
            hypervisor=door(found.hypervisor, life, ("document",)),
            instances=door(
                found.instances, life, ("disk_capacity_gib", "directory_of")
            ),
            network=network,
            hooks=NoHooks(),
            clock=life,
            random=random,
            network_mode=self.scenario.network.mode,
            networks=networks,
            settings=NodeSettings(
                launch_deadline_s=self.scenario.tiers.launch_deadline_s
            ),
            maker=door(found.maker, life),
        )
        self.network.serve(name, url_of(name), NODE, service.dispatch, life)
        service.startService()
        return service


def url_of(name: str) -> str:
    """Where a daemon is reached."""
    return f"http://{name}/"


def name_of(url: str) -> str:
    """Undo L{url_of}."""
    return url.removeprefix("http://").removesuffix("/")


def _image(image_id: str, size_mib: int) -> Image:
    return Image(
        image_id=ImageId(image_id),
        kind=ImageKind.MACHINE,
        owner_id=AccountId(USER.account_id),
        location=f"/images/{image_id}",
        state=ImageState.AVAILABLE,
        registered_at=BEGINS,
        sha256="00" * 32,
        size_bytes=size_mib << 20,
    )
