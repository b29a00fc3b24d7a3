"""Tests for L{euca_tw.sim.plots}."""

from __future__ import annotations

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.sim.plots import Chart

SVG = "{http://www.w3.org/2000/svg}"


class ChartTests(SynchronousTestCase):
    def drawn(self, chart: Chart) -> etree._Element:
        self.assertEqual(chart.svg(), chart.svg())
        return etree.fromstring(chart.svg())

    def lines(self, root: etree._Element) -> list[list[tuple[float, ...]]]:
        return [
            [tuple(map(float, pair.split(","))) for pair in each.get("points").split()]
            for each in root.iter(f"{SVG}polyline")
            if each.get("stroke") != "#dddddd"
        ]

    def texts(self, root: etree._Element) -> list[str | None]:
        return [each.text for each in root.iter(f"{SVG}text")]

    def test_corners(self) -> None:
        """A line goes from the lower left to the upper right of the axes."""
        root = self.drawn(
            Chart(title="t", across="a", lines={"one": [(2, 0.0), (4, 0.5), (6, 1.0)]})
        )
        self.assertEqual(
            self.lines(root), [[(60.0, 350.0), (315.0, 190.0), (570.0, 30.0)]]
        )
        for text in ("t", "a", "one", "2", "4", "6", "0 %", "100 %"):
            self.assertIn(text, self.texts(root))

    def test_logarithm(self) -> None:
        """On an axis of logarithms each power of ten is as far from the last."""
        chart = Chart(
            title="t",
            across="a",
            lines={"one": [(0.1, 0), (1, 0), (10, 1)]},
            is_log=True,
        )
        root = self.drawn(chart)
        [[first, second, third]] = self.lines(root)
        self.assertApproximates(second[0] - first[0], third[0] - second[0], 0.02)
        self.assertTrue({"0.1", "1", "10"} <= {*self.texts(root)})

    def test_nothing(self) -> None:
        """Of nothing there is an empty chart."""
        for is_log in (False, True):
            root = self.drawn(Chart(title="t", across="a", lines={}, is_log=is_log))
            self.assertEqual(self.lines(root), [])

    def test_upright(self) -> None:
        """What is no share has an axis from 0 to a round number that holds all."""
        for most, told in ((1234.0, "1500"), (0.02, "0.02"), (7.6, "10"), (0.0, "1")):
            chart = Chart(
                title="t", across="a", lines={"one": [(1, most)]}, is_share=False
            )
            texts = self.texts(self.drawn(chart))
            self.assertIn(told, texts)
            self.assertNotIn("100 %", texts)
