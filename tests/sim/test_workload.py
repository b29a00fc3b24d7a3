"""Tests for L{euca_tw.sim.workload}."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, takewhile
from random import Random
from typing import Any

from euca_tw.common.config import ConfigError
from euca_tw.sim.distributions import Constant
from euca_tw.sim.workload import Arrival, chooser, diurnal, poisson, trace
from tests.sim.cases import ScenarioCase

HOUR_S = 3600.0


class StreamTests(ScenarioCase):
    def test_poisson(self) -> None:
        """As many come as is said, and gaps are as chance has them."""
        made = poisson(Random(1), 100, Constant(value=9), lambda random: "t")
        times = [each.at_s for each in takewhile(lambda a: a.at_s < 50 * HOUR_S, made)]
        self.assertApproximates(len(times), 5000, 250)
        gaps = [b - a for a, b in pairwise(times)]
        mean = sum(gaps) / len(gaps)
        variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
        self.assertApproximates(variance / mean**2, 1, 0.15)

    def test_diurnal(self) -> None:
        """By day more come than by night, and as many in the mean."""
        made = diurnal(
            *(Random(1), 100, Constant(value=9), lambda random: "t"),
            swing=0.8,
            peak_s=14 * HOUR_S,
        )
        days = 10
        hours = Counter(
            int(each.at_s / HOUR_S) % 24
            for each in takewhile(lambda a: a.at_s < days * 24 * HOUR_S, made)
        )
        self.assertApproximates(sum(hours.values()), 24000, 700)
        self.assertApproximates(hours[14] / days, 179, 18)
        self.assertApproximates(hours[2] / days, 21, 8)

    def test_chooser(self) -> None:
        """Each is chosen as often as it weighs; what weighs nothing never."""
        random, choose = Random(1), chooser({"a": 3, "b": 0, "c": 1})
        chosen = Counter(choose(random) for _ in range(4000))
        self.assertApproximates(chosen["a"], 3000, 120)
        self.assertEqual(set(chosen), {"a", "c"})


class TraceTests(ScenarioCase):
    def read(self, text: str) -> list[Arrival]:
        return [*trace(self.written(text), ["small"])]

    def test_read(self) -> None:
        """Each line is an arrival."""
        self.assertEqual(
            self.read("arrival,lifetime,type\n0,60,small\n1.5,0.5,small\n"),
            [
                Arrival(at_s=0, lifetime_s=60, machine="small"),
                Arrival(at_s=1.5, lifetime_s=0.5, machine="small"),
            ],
        )

    def test_refusals(self) -> None:
        """What is wrong is told with its line."""
        head = "arrival,lifetime,type\n0,1,small\n"
        for text, reason in (
            ("", "line 1: must be arrival,lifetime,type"),
            ("arrival,type\n", "line 1: must be arrival,lifetime,type"),
            (f"{head}1,2\n", "line 3: has 2 columns in place of 3"),
            (f"{head}1,soon,small\n", "line 3: could not convert"),
            (f"{head}1,-2,small\n", "line 3: -2 must be 0 or more"),
            (f"{head}nan,2,small\n", "line 3: nan must be 0 or more"),
            (f"{head}1,2,large\n", "line 3: 'large' is none of small"),
            (f"{head}5,2,small\n4,2,small\n", "line 4: 4 comes before the line above"),
        ):
            error: Any = self.assertRaises(ConfigError, self.read, text)
            self.assertIn(reason, str(error))
