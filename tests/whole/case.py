"""What tests of the whole begin with."""

from __future__ import annotations

from collections.abc import Callable

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.capacity import Resources
from euca_tw.model.records import Instance, InstanceState
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.overlay.settings import STATIC, NetworkSettings
from tests.whole.judgement import is_launched
from tests.whole.site import TWO, Site


class WholeTestCase(SynchronousTestCase):
    """A site that is ready."""

    clusters: dict[str, tuple[str, ...]] = TWO
    machine = Resources(cores=4, memory_mib=2048, disk_gib=0)
    cloud_settings = ConvergenceSettings()
    cluster_settings = ClusterSettings()
    node_settings = NodeSettings()
    network = NetworkSettings(mode=STATIC)

    def setUp(self) -> None:
        self.site = Site(
            self.clusters,
            machine=self.machine,
            cloud_settings=self.cloud_settings,
            cluster_settings=self.cluster_settings,
            node_settings=self.node_settings,
            network=self.network,
        )
        self.site.start()
        self.site.run_until(self.is_ready, 5)

    def is_ready(self) -> bool:
        zones = self.site.cloud.clusters.zones()
        return all(z.is_reachable and z.available.get("m1.small") for z in zones)

    def launch(self, zone: str = "north", count: int = 1) -> tuple[str, ...]:
        """Ask, and wait for the answer only."""
        asked = self.site.cloud.launch(zone, count)
        self.site.run_until(lambda: asked.called, 5)
        names: tuple[str, ...] = self.successResultOf(asked)
        return names

    def running(self, zone: str = "north", count: int = 1) -> tuple[str, ...]:
        """Ask, and wait until they run."""
        names = self.launch(zone, count)
        self.until(lambda: is_launched(self.site))
        return names

    def until(self, reached: Callable[[], bool], within_s: float = 60) -> float:
        return self.site.run_until(reached, within_s)

    def instance(self, name: str) -> Instance:
        return self.site.cloud.instance(name)

    def is_in(self, name: str, state: InstanceState) -> bool:
        return self.instance(name).state is state

    def node_of(self, name: str) -> str:
        [node] = [node for node, domain in self.site.domains() if domain == name]
        return node
