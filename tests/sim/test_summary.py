"""Tests for L{euca_tw.sim.summary}."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.sim.summary import PARTS, Summary, Usage, Waits, points, quantile


class PointsTests(SynchronousTestCase):
    def test_quantiles(self) -> None:
        """A quantile is a value that was measured."""
        ordered = [*range(1, 101)]
        told = [quantile(ordered, share) for share in (0, 0.5, 0.9, 0.99, 1)]
        self.assertEqual(told, [1, 50, 90, 99, 100])
        self.assertEqual(quantile([7], 0.5), 7)

    def test_points(self) -> None:
        """In any order they are the same; of nothing there are none."""
        self.assertEqual(
            points([3.0, 1.0, 2.0]),
            {"min": 1.0, "median": 2.0, "p90": 3.0, "p99": 3.0, "max": 3.0},
        )
        self.assertEqual(points([]), {})


class UsageTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.usage = Usage(10, PARTS * 10.0)

    def test_nothing(self) -> None:
        """What is not used is not used."""
        self.assertEqual(self.usage.shares(), (0.0,) * PARTS)

    def test_shares(self) -> None:
        """Each part has the mean of what was in use in it."""
        self.usage.change(5, 4)
        self.usage.change(10, 4)
        self.usage.change(25, -8)
        shares = self.usage.shares()
        self.assertEqual(shares[:4], (0.2, 0.8, 0.4, 0.0))
        self.assertEqual(sum(shares[4:]), 0)

    def test_to_the_end(self) -> None:
        """What is in use at the end was so until then, and no longer counts."""
        self.usage.change(0, 10)
        self.usage.change(1000, -10)
        self.assertEqual(self.usage.shares(), (1.0,) * PARTS)

    def test_uneven_parts(self) -> None:
        """No time is lost where borders cannot be told exactly."""
        for duration_s in (0.7, 3600.1, 86400 / 7):
            usage = Usage(1, duration_s)
            usage.change(0, 1)
            for n in range(1000):
                usage.change(duration_s * n / 999, 0)
            self.assertEqual(set(usage.shares()), {1.0})


class WaitsTests(SynchronousTestCase):
    def test_means(self) -> None:
        """Each part has the mean of those who came in it."""
        waits = Waits(PARTS * 10.0)
        for came_at_s, wait_s in ((0, 1), (9.9, 3), (10, 7), (PARTS * 10.0, 4)):
            waits.add(came_at_s, wait_s)
        means = waits.means()
        self.assertEqual((*means[:3], means[-1]), (2.0, 7.0, 0.0, 4.0))


class SummaryTests(SynchronousTestCase):
    def summary(self, **given: Any) -> Summary:
        told: dict[str, Any] = {
            "seed": 1,
            "duration_s": 48.0,
            "nodes": 3,
            "policies": {"north": "least-loaded"},
            "counts": {"taken": 2, "asked": 1234},
            "delays": {"until running": [1.5, 2.5], "until ready": []},
            "usage": {"cores": (0.5,) * PARTS, "memory": (0.0,) * PARTS},
            "watts": (360.0,) * PARTS,
            "queueing": (1.5,) * PARTS,
            **given,
        }
        return Summary(**told)

    def test_json(self) -> None:
        """As JSON it has all that the table has."""
        read = json.loads(self.summary().as_json())
        self.assertEqual(read["counts"], {"asked": 1234, "taken": 2})
        self.assertEqual(read["delays_s"]["until running"]["median"], 1.5)
        self.assertEqual(read["delays_s"]["until ready"], {})
        self.assertEqual(read["usage"]["cores"]["mean"], 0.5)
        self.assertEqual(read["power"]["energy_kwh"], 0.0048)
        self.assertEqual(read["queueing_s"], [1.5] * PARTS)

    def test_table(self) -> None:
        """The table has a line of each."""
        table = "\n".join(self.summary().as_table())
        self.assertIn("seed 1: 3 nodes for 48 s; north least-loaded", table)
        self.assertRegex(table, r"asked +1,234\n")
        self.assertRegex(table, r"until running +1\.500 +1\.500 +2\.500")
        self.assertRegex(table, r"until ready +- +-")
        self.assertRegex(table, r"in the mean +50\.0 +0\.0 +0\.36\n")
        self.assertRegex(table, r"from 46 s +50\.0 +0\.0 +0\.36 +1\.500\n")
        self.assertRegex(table, r"energy, kWh +0\.00$")

    def test_sound(self) -> None:
        """With a violation or a bug it is not sound, and says so."""
        self.assertTrue(self.summary().is_sound)
        for given in ({"violations": ("late",)}, {"bugs": ("late",)}):
            summary = self.summary(**given)
            self.assertFalse(summary.is_sound)
            self.assertIn("late", [*summary.as_table()][-1])
