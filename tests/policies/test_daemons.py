"""What daemons choose by is what their configuration names."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve

import euca_tw.cc.tap as cc_tap
from euca_tw.admin.configuration import Configuration
from euca_tw.admin.policies import listed, placement_of
from euca_tw.admin.sections import CloudSection
from euca_tw.cc.schedule import PowerSave
from euca_tw.clc.placement import SteppedPlacement
from euca_tw.common.config import ConfigError
from euca_tw.policies.found import find
from euca_tw.soap.memory import MemoryPeers
from tests.admin.test_daemon import machine
from tests.policies.test_found import GOOD, StrangerCase


class DaemonsTests(StrangerCase):
    def setUp(self) -> None:
        super().setUp()
        self.machine = machine(self.fail)
        self.peers = MemoryPeers(self.machine.reactor)

    def cluster(self, scheduler: str):
        plain = Configuration().cluster_controller
        section = evolve(plain, state_dir=Path(self.mktemp()), scheduler=scheduler)
        section.state_dir.mkdir()
        controller, _ = cc_tap.cluster_of(section, self.machine, self.peers, ())
        return controller._placements._fleet

    def test_cluster(self) -> None:
        """A cluster controller has the scheduler that is named, under its name."""
        fleet = self.cluster("power-save")
        self.assertEqual(fleet.name, "power-save")
        self.assertIsInstance(fleet._scheduler, PowerSave)

    def test_stranger(self) -> None:
        """It may be a stranger's, which is given the daemon's random source."""
        self.add("theirs", GOOD)
        scheduler = self.cluster("mine")._scheduler
        self.assertEqual(type(scheduler).__name__, "Mine")
        self.assertIs(scheduler.random, self.machine.random)

    def test_cloud(self) -> None:
        """A cloud controller has the placement that is named."""
        made = placement_of(CloudSection(placement="round-robin"), self.machine.random)
        self.assertIsInstance(made, SteppedPlacement)

    def test_broken(self) -> None:
        """One that cannot be made is refused by section, key and name."""
        self.add("theirs", GOOD.replace("their_policies:Mine", "no_such_thing:Mine"))
        said = str(self.assertRaises(ConfigError, self.cluster, "mine"))
        self.assertIn("[cluster_controller] scheduler: mine (no_such_thing:Mine)", said)
        self.assertNotIn("\n", said)

    def test_listed(self) -> None:
        """A plugin that is broken is listed as that, in one line, beside all others."""
        self.add("bad", "raise ValueError('two\\nlines')")
        self.add("theirs", GOOD)
        lines = list(listed(find()))
        self.assertIn("scheduler  mine                picks by chance", lines)
        self.assertEqual(
            lines[-1],
            "broken     euca_tw.policies.plugins.bad: ValueError: two lines",
        )
