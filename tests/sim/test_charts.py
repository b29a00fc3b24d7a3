"""Tests for L{euca_tw.sim.charts} and L{euca_tw.sim.png}."""

from __future__ import annotations

from importlib.util import find_spec
from io import BytesIO
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.sim.charts import charts, compared
from euca_tw.sim.plots import HEIGHT, WIDTH
from euca_tw.sim.summary import PARTS, Summary

KINDS = {"usage", "delays", "queueing", "power"}


def summary(**given: Any) -> Summary:
    told: dict[str, Any] = {
        "seed": 1,
        "duration_s": 7200.0,
        "nodes": 1,
        "policies": {},
        "counts": {},
        "delays": {"until running": [*map(float, range(2000))], "until ready": []},
        "usage": {"cores": (0.5,) * PARTS},
        "watts": (2000.0,) * PARTS,
        **given,
    }
    return Summary(**told)


class ChartsTests(SynchronousTestCase):
    def test_of_a_run(self) -> None:
        """A run's charts have its names, and a curve that ends at all of it."""
        drawn = charts(summary())
        self.assertEqual(drawn.keys(), KINDS)
        self.assertEqual(len(drawn["usage"].lines["cores"]), PARTS)
        self.assertEqual([*drawn["delays"].lines], ["until running"])
        curve = drawn["delays"].lines["until running"]
        self.assertLess(len(curve), 500)
        self.assertEqual(curve[-1], (1999.0, 1.0))
        self.assertEqual({y for _, y in drawn["power"].lines["power"]}, {2.0})

    def test_compared(self) -> None:
        """Of several each has a line: over time, the mean of its seeds."""
        drawn = compared(
            {
                "one": [summary(), summary(watts=(4000.0,) * PARTS)],
                "other": [summary(delays={"until running": []})],
            }
        )
        self.assertEqual(drawn.keys(), KINDS)
        self.assertEqual({y for _, y in drawn["power"].lines["one"]}, {3.0})
        self.assertEqual([*drawn["usage"].lines], ["one", "other"])
        self.assertEqual([*drawn["delays"].lines], ["one"])


class PngTests(SynchronousTestCase):
    if find_spec("PIL") is None:
        skip = "Pillow is not installed"

    def test_drawn(self) -> None:
        """A chart is the same as PNG: with its colours, where they are in SVG."""
        from PIL import Image

        from euca_tw.sim.png import png

        chart = charts(summary())["usage"]
        written = png(chart)
        self.assertEqual(written, png(chart))
        image = Image.open(BytesIO(written))
        self.assertEqual((image.format, image.size), ("PNG", (2 * WIDTH, 2 * HEIGHT)))
        # The middle of the line at one half: blue.
        red, green, blue = image.getpixel((2 * 315, 2 * 190))
        self.assertGreater(blue, green)
        self.assertGreater(green, red)
