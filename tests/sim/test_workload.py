"""Tests for L{euca_tw.sim.workload}."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, takewhile
from random import Random

from euca_tw.sim.distributions import Constant, Uniform
from euca_tw.sim.workload import chooser, diurnal, poisson
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

    def test_count(self) -> None:
        """As many are asked for at once as is drawn, and one at least."""
        made = poisson(
            Random(1), 9, Constant(value=9), lambda _: "t", Uniform(low=0, high=3)
        )
        counts = Counter(next(made).count for _ in range(600))
        self.assertEqual(set(counts), {1, 2, 3})
        self.assertApproximates(counts[1], 300, 50)
