"""Tests for L{euca_tw.sim.case}."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from euca_tw.common.config import ConfigError
from euca_tw.sim.case import Case, Request, read_case, written
from euca_tw.sim.distributions import Empirical
from euca_tw.sim.draw import case
from tests.sim.cases import SMALL, ScenarioCase

CLOUD, _, _ = SMALL.partition("[workload]")
LAUNCH = '[[request]]\nat_s = 1\nverb = "launch"\nlaunch = 1\n'


class CaseTests(ScenarioCase):
    def read(self, text: str) -> Case:
        return read_case(self.written(text))

    def again(self, of: Case) -> Case:
        """Written and read; it is the same, but for the names of files."""
        read = self.read(written(of))
        return evolve(read, scenario=evolve(read.scenario, file=of.scenario.file))

    def refused(self, text: str) -> str:
        error: Any = self.assertRaises(ConfigError, self.read, text)
        return str(error).partition(": ")[2]

    def test_read(self) -> None:
        """A case is a scenario whose users are told what to ask for, and when."""
        read = self.read(CLOUD + LAUNCH)
        self.assertEqual(read.scenario.clusters[0].name, "north")
        self.assertEqual(read.requests, (Request(at_s=1, verb="launch", launch=1),))

    def test_written(self) -> None:
        """What is written is read as what it was, whatever was drawn."""
        for seed in range(50):
            of = case(seed)
            self.assertEqual(self.again(of), of, seed)

    def test_distributions(self) -> None:
        """Times that are drawn from what was measured are written, too."""
        of = case(1)
        times = evolve(of.scenario.times, boot_s=Empirical(values=(1.0, 3.0)))
        of = evolve(of, scenario=evolve(of.scenario, times=times))
        self.assertEqual(self.again(of), of)

    def test_found(self) -> None:
        """What it showed is told in its file, for people."""
        text = written(evolve(case(1), found=("at 1 s: it was two",)))
        self.assertTrue(text.startswith("# at 1 s: it was two\n"))
        self.assertEqual(self.read(text).found, ())

    def test_refusals(self) -> None:
        """What is wrong is told with its place."""
        for before, after, told in (
            ('"launch"', '"lunch"', "[request 1] verb: 'lunch' is none of launch, "),
            ("at_s = 1", "at_s = -1", "[request 1] at_s: -1.0 must be 0 or more"),
            ("at_s = 1\n", "", "[request 1] at_s: is missing"),
            ("[[request]]", "[request]", "[request] must be written as [[request]]"),
        ):
            self.assertIn(told, self.refused(CLOUD + LAUNCH.replace(before, after)))
        self.assertIn("[workload] has no place in a case", self.refused(SMALL))
