"""
Pictures of a run: what was in use over time, and how long users waited.

SVG, which is text: so a plot is the same to the byte, too, and no library of
pictures is needed for two charts of lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10

from attrs import frozen
from lxml import etree

from euca_tw.sim.summary import PARTS, Summary

_NAMESPACE = "http://www.w3.org/2000/svg"
_WIDTH, _HEIGHT = 720, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 150, 30, 50
#: Told apart by who cannot tell red from green, too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
#: A curve of very many values needs no more points than a screen has.
_POINTS = 400

Line = Sequence[tuple[float, float]]


@frozen(kw_only=True)
class Chart:
    """
    Lines over one axis; upright it is from 0 to 1, and told in percent.

    @ivar lines: by name; points from the left to the right.
    @ivar across: what is told below.
    @ivar is_log: distances across are of the logarithm.
    """

    title: str
    across: str
    lines: Mapping[str, Line]
    is_log: bool = False

    def svg(self) -> bytes:
        """A file's content."""
        root = etree.Element(
            f"{{{_NAMESPACE}}}svg",
            nsmap={None: _NAMESPACE},
            viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        )
        root.set("font-family", "sans-serif")
        root.set("font-size", "12")
        _add(root, "rect", width="100%", height="100%", fill="white")
        _text(root, _LEFT, 18, self.title)
        _text(root, _LEFT, _HEIGHT - 10, self.across)
        for at, label in self._ticks():
            x = self._x(at)
            _rule(root, (x, _TOP), (x, _HEIGHT - _BOTTOM))
            _text(root, x, _HEIGHT - _BOTTOM + 16, label, anchor="middle")
        for fifth in range(6):
            y = _y(fifth / 5)
            _rule(root, (_LEFT, y), (_WIDTH - _RIGHT, y))
            _text(root, _LEFT - 6, y + 4, f"{20 * fifth} %", anchor="end")
        for number, (name, line) in enumerate(self.lines.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            points = " ".join(f"{self._x(x):.2f},{_y(y):.2f}" for x, y in line)
            _add(root, "polyline", points=points, fill="none", stroke=colour)
            y = _TOP + 18 * (number + 1)
            _text(root, _WIDTH - _RIGHT + 10, y, name, fill=colour)
        written: bytes = etree.tostring(root, pretty_print=True)
        return written

    def _bounds(self) -> tuple[float, float]:
        xs = [x for line in self.lines.values() for x, _ in line]
        low, high = min(xs, default=1.0), max(xs, default=1.0)
        if self.is_log:
            low, high = 10 ** floor(log10(low)), 10 ** ceil(log10(high))
        return low, high if high > low else low + 1

    def _x(self, x: float) -> float:
        low, high = self._bounds()
        if self.is_log:
            low, high, x = log10(low), log10(high), log10(x)
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (x - low) / (high - low)

    def _ticks(self) -> Iterator[tuple[float, str]]:
        low, high = self._bounds()
        if self.is_log:
            for power in range(round(log10(low)), round(log10(high)) + 1):
                yield 10.0**power, f"{10.0**power:g}"
        else:
            for n in range(5):
                at = low + (high - low) * n / 4
                yield at, f"{at:.4g}"


def usage_chart(summary: Summary) -> Chart:
    """What share of what there is was in use, over time."""
    hours = summary.duration_s / PARTS / 3600
    return Chart(
        title="In use",
        across="hours since the beginning",
        lines={
            name: [((n + 0.5) * hours, share) for n, share in enumerate(shares)]
            for name, shares in summary.usage.items()
        },
    )


def delays_chart(summary: Summary) -> Chart:
    """Which share of launches took no longer than a time."""
    return Chart(
        title="Launches that took no longer",
        across="seconds since an instance was asked for",
        lines={
            name: [*_distribution(values)]
            for name, values in summary.delays.items()
            if values
        },
        is_log=True,
    )


def _distribution(values: Sequence[float]) -> Iterator[tuple[float, float]]:
    ordered = sorted(values)
    every = max(1, len(ordered) // _POINTS)
    shown = {*range(0, len(ordered), every), len(ordered) - 1}
    for n in sorted(shown):
        # What took no time at all has no place on an axis of logarithms.
        yield max(ordered[n], 0.001), (n + 1) / len(ordered)


def _y(share: float) -> float:
    return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * share


def _add(root: etree._Element, tag: str, **given: str) -> etree._Element:
    return etree.SubElement(root, f"{{{_NAMESPACE}}}{tag}", given)


def _rule(
    root: etree._Element, start: tuple[float, float], end: tuple[float, float]
) -> None:
    (x1, y1), (x2, y2) = start, end
    ends = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    told = {name: f"{value:.2f}" for name, value in ends.items()}
    _add(root, "line", stroke="#dddddd", **told)


def _text(
    root: etree._Element,
    x: float,
    y: float,
    text: str,
    anchor: str = "start",
    fill: str = "black",
) -> None:
    made = _add(root, "text", x=f"{x:.2f}", y=f"{y:.2f}", fill=fill)
    made.set("text-anchor", anchor)
    made.text = text
