"""Tests for L{euca_tw.sim.distributions}."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean, median
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.config import ConfigError
from euca_tw.sim.distributions import read_distribution, stream

FILE = Path("s.toml")


class DistributionTests(SynchronousTestCase):
    def drawn(self, value: object, count: int = 4000) -> list[float]:
        made = read_distribution(value, file=FILE, section="times.boot_s")
        random = stream(1, "test")
        return [made.draw(random) for _ in range(count)]

    def test_constant(self) -> None:
        """A plain number is always the same."""
        self.assertEqual(self.drawn(3, 5), [3.0] * 5)

    def test_uniform(self) -> None:
        """All of a range is drawn, and nothing else."""
        drawn = self.drawn({"kind": "uniform", "low": 2, "high": 6})
        self.assertTrue(all(2 <= each <= 6 for each in drawn))
        self.assertApproximates(fmean(drawn), 4, 0.1)
        self.assertLess(min(drawn), 2.1)
        self.assertGreater(max(drawn), 5.9)

    def test_exponential(self) -> None:
        """The mean is as said, the median ln 2 of it."""
        drawn = self.drawn({"kind": "exponential", "mean": 10})
        self.assertApproximates(fmean(drawn), 10, 0.6)
        self.assertApproximates(median(drawn), 6.93, 0.5)

    def test_lognormal(self) -> None:
        """The median is as said; a few are very long."""
        drawn = self.drawn({"kind": "lognormal", "median": 10, "sigma": 1})
        self.assertApproximates(median(drawn), 10, 0.8)
        self.assertApproximates(fmean(drawn), 16.49, 2)

    def test_empirical(self) -> None:
        """What was measured comes back, and what is between its neighbours."""
        drawn = self.drawn({"kind": "empirical", "values": [30, 1, 2]})
        self.assertTrue(all(1 <= each <= 30 for each in drawn))
        half = sum(each <= 2 for each in drawn) / len(drawn)
        self.assertApproximates(half, 0.5, 0.03)

    def test_one_measurement(self) -> None:
        """One value alone is a constant."""
        self.assertEqual(self.drawn({"kind": "empirical", "values": [4]}, 3), [4.0] * 3)

    def test_refusals(self) -> None:
        """What is none is refused with its section and key."""
        for value, reason in (
            ("soon", "[times.boot_s] must be a number or a table"),
            (True, "[times.boot_s] must be a number or a table"),
            (-1, "[times.boot_s] value: -1.0 must be 0 or more"),
            ({"mean": 1}, "kind: None is none of constant"),
            ({"kind": "gamma"}, "kind: 'gamma' is none of constant"),
            ({"kind": "exponential"}, "mean: is missing"),
            ({"kind": "exponential", "mean": 0}, "mean: 0.0 must be more than 0"),
            ({"kind": "exponential", "median": 1}, "median: there is no such option"),
            ({"kind": "uniform", "low": 2, "high": 1}, "high: must not be less"),
            ({"kind": "empirical", "values": []}, "values: must have one value"),
        ):
            error: Any = self.assertRaises(
                ConfigError, read_distribution, value, file=FILE, section="times.boot_s"
            )
            self.assertIn(reason, str(error))

    def test_streams(self) -> None:
        """Streams of the same names are the same, others are others."""
        first = stream(1, "disk", "north").random()
        self.assertEqual(stream(1, "disk", "north").random(), first)
        for other in (stream(2, "disk", "north"), stream(1, "disk", "south")):
            self.assertNotEqual(other.random(), first)
