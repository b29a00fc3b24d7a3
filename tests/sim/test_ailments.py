"""Tests for L{euca_tw.sim.ailments}: machines that do worse than they should."""

from __future__ import annotations

import json
from typing import Any

from euca_tw.common.convergence import NotKept
from euca_tw.sim.scenario import Scenario
from euca_tw.sim.summary import Summary
from euca_tw.store.interfaces import StoreUnusable
from tests.sim.cases import SMALL
from tests.sim.test_run import RunCase


class AilmentCase(RunCase):
    def with_(self, kind: str, target: str, **given: Any) -> Scenario:
        lines = {"kind": kind, "target": target, "at_s": 30, "for_s": 40, **given}
        told = "\n".join(f"{key} = {json.dumps(v)}" for key, v in lines.items())
        return self.scenario(f"{SMALL}[[fault]]\n{told}\n")

    def run_(self, scenario: Scenario) -> tuple[Summary, list[dict[str, Any]]]:
        found = super().run_(scenario)
        # What a full disk has daemons log.
        self.flushLoggedErrors(StoreUnusable, NotKept)
        return found

    def slowest(self, scenario: Scenario, delay: str) -> float:
        summary, _ = self.sound(scenario)
        return max(summary.delays[delay])


class DiskTests(AilmentCase):
    def test_slow(self) -> None:
        """What is kept on a slow disk is acknowledged late, and nothing else."""
        usual = self.slowest(self.scenario(), "until taken")
        slow = self.slowest(self.with_("slow-disk", "cloud", factor=500), "until taken")
        self.assertLess(usual, 0.1)
        # A commit takes a second; two are one behind the other.
        self.assertGreater(slow, 0.9)

    def test_slow_node(self) -> None:
        """So is an instance's disk made late on a node whose disk is slow."""
        usual = self.slowest(self.scenario(), "until running")
        slow = self.slowest(
            self.with_("slow-disk", "north-00001", factor=20), "until running"
        )
        self.assertLess(usual, 15)
        self.assertGreater(slow, 20)

    def test_healed(self) -> None:
        """It is told when a disk is as it should be again."""
        _, events = self.sound(self.with_("slow-disk", "north"))
        [begun], [healed] = self.of(events, "slow-disk"), self.of(events, "healed")
        self.assertEqual((begun["at"], healed["at"]), (30.0, 70.0))
        self.assertEqual((healed["daemon"], healed["of"]), ("north", "slow-disk"))

    def test_full(self) -> None:
        """
        Whose disk is full ends, is started again until there is room, and then goes
        on; what it could not keep it did not acknowledge.
        """
        for name in ("cloud", "north", "north-00001"):
            with self.subTest(daemon=name):
                summary, events = self.sound(self.with_("full-disk", name))
                ended = self.of(events, "ended")
                self.assertEqual({e["daemon"] for e in ended}, {name})
                self.assertEqual(len(ended), len(self.of(events, "restart")))
                self.assertTrue(all(30 <= e["at"] <= 70 for e in ended))
                self.assertEqual(summary.counts.get("failed", 0), 0)

    def test_unavailable(self) -> None:
        """
        Who asks the cloud meanwhile is told that it cannot keep anything, and has
        his instance when it can.
        """
        summary, _ = self.sound(self.with_("full-disk", "cloud"))
        self.assertEqual(summary.counts.get("refused", 0), 0)
        self.assertEqual(summary.counts["asked"], summary.counts["taken"])
        self.assertGreater(max(summary.delays["until taken"]), 5)

    def test_full_of_images(self) -> None:
        """
        A node that has no room for an instance's disk refuses it with that word;
        its user is told.
        """
        _, events = self.run_(self.with_("full-images", "north-00001"))
        failed = self.of(events, "failed")
        self.assertTrue(failed)
        self.assertIn("the node's disk is full", failed[0]["reason"])


class ClockTests(AilmentCase):
    def run_between(self, by_s: float) -> list[float]:
        """When instances came to run while the cluster's clock was wrong."""
        _, events = self.sound(self.with_("clock", "north", by_s=by_s))
        moments = [each["at"] for each in self.of(events, "running")]
        self.assertGreater(max(moments), 75)
        return [at for at in moments if 30.1 < at < 70]

    def test_within_bounds(self) -> None:
        """A clock that is some seconds off does no harm."""
        for by_s in (15.0, -15.0):
            with self.subTest(by_s=by_s):
                self.assertTrue(self.run_between(by_s))

    def test_beyond_bounds(self) -> None:
        """
        Whose clock is off by more is not believed, and believes nobody, until it is
        right again.
        """
        for by_s in (600.0, -600.0, 25.0, -25.0):
            with self.subTest(by_s=by_s):
                self.assertEqual(self.run_between(by_s), [])

    def test_drift(self) -> None:
        """A clock that gains is off by more and more."""
        for ppm, is_harmless in ((100_000.0, True), (800_000.0, False)):
            with self.subTest(ppm=ppm):
                scenario = self.with_("clock", "north", drift_ppm=ppm)
                _, events = self.sound(scenario)
                moments = [each["at"] for each in self.of(events, "running")]
                # After half a minute it is three seconds off, or twenty-four.
                late = [at for at in moments if 60 < at < 70]
                self.assertEqual(bool(late), is_harmless)

    def test_at_random(self) -> None:
        """All that may ail a machine, at random and at once: it ends as it must."""
        faults = (
            "[faults]\nslow_disks_per_hour = 300\nfull_disks_per_hour = 200\n"
            "full_images_per_hour = 100\nwrong_clocks_per_hour = 300\n"
            "ailing_s = 15\nwrong_by_s = 40\n"
        )
        summary, _ = self.sound(self.scenario(SMALL + faults))
        kinds = ("slow-disk", "full-disk", "full-images", "clock")
        self.assertTrue(all(summary.counts.get(kind) for kind in kinds), summary.counts)
