"""Launches, on two clusters."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import InstanceState
from tests.whole.site import Site

TWO = {"north": ("north-1", "north-2"), "south": ("south-1",)}


class LaunchTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.site = Site(TWO)
        self.site.start()
        self.site.run_until(self.are_reachable, 5)

    def are_reachable(self) -> bool:
        zones = self.site.cloud.clusters.zones()
        return all(z.is_reachable and z.available.get("m1.small") for z in zones)

    def launch(self, zone: str, count: int = 1) -> tuple[str, ...]:
        asked = self.site.cloud.launch(zone, count)
        self.site.run_until(lambda: asked.called, 5)
        return self.successResultOf(asked)

    def test_each_cluster_runs_its_own(self) -> None:
        """An instance runs on a node of the zone that it was launched in."""
        [north], [south] = self.launch("north"), self.launch("south")
        cloud = self.site.cloud
        running = InstanceState.RUNNING
        took = self.site.run_until(
            lambda: cloud.states() == {north: running, south: running}, 5
        )
        print(took, self.site.clock.steps, self.site.describe())
