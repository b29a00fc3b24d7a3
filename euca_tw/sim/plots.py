"""
Charts: lines over one axis, as marks on paper, and these as SVG.

SVG is text: so a plot is the same to the byte, too, and no library of pictures is
needed.  What is to be drawn is L{euca_tw.sim.charts}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10

from attrs import frozen
from lxml import etree

_NAMESPACE = "http://www.w3.org/2000/svg"
WIDTH, HEIGHT = 720, 400
FONT_SIZE = 12
_LEFT, _RIGHT, _TOP, _BOTTOM = 60, 150, 30, 50
#: Told apart by who cannot tell red from green, too.
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_GREY = "#dddddd"

Point = tuple[float, float]
Line = Sequence[Point]


@frozen(kw_only=True)
class Stroke:
    """A line through points; pixels from the upper left."""

    points: Line
    colour: str


@frozen(kw_only=True)
class Label:
    """
    @ivar at: where it stands: its base line.
    @ivar anchor: what of it is there: C{start}, C{middle} or C{end}.
    """

    at: Point
    text: str
    anchor: str = "start"
    colour: str = "#000000"


@frozen(kw_only=True)
class Chart:
    """
    @ivar lines: by name; points from the left to the right.
    @ivar across: what is told below.
    @ivar is_log: distances across are of the logarithm.
    @ivar is_share: upright it is from 0 to 1, and told in percent; else from 0 to
        what holds all.
    """

    title: str
    across: str
    lines: Mapping[str, Line]
    is_log: bool = False
    is_share: bool = True

    def marks(self) -> Iterator[Stroke | Label]:
        """All that is on it; what comes later lies over the earlier."""
        yield Label(at=(_LEFT, 18), text=self.title)
        yield Label(at=(_LEFT, HEIGHT - 10), text=self.across)
        across, up = _Across.of(self), self._top()
        for at, label in across.ticks():
            x = across.x(at)
            yield Stroke(points=((x, _TOP), (x, HEIGHT - _BOTTOM)), colour=_GREY)
            yield Label(at=(x, HEIGHT - _BOTTOM + 16), text=label, anchor="middle")
        for fifth in range(6):
            y = _y(fifth / 5)
            label = f"{20 * fifth} %" if self.is_share else f"{up * fifth / 5:.4g}"
            yield Stroke(points=((_LEFT, y), (WIDTH - _RIGHT, y)), colour=_GREY)
            yield Label(at=(_LEFT - 6, y + 4), text=label, anchor="end")
        for number, (name, line) in enumerate(self.lines.items()):
            colour = _COLOURS[number % len(_COLOURS)]
            points = [(across.x(x), _y(y / up)) for x, y in line]
            yield Stroke(points=points, colour=colour)
            beside = WIDTH - _RIGHT + 10, _TOP + 18 * (number + 1)
            yield Label(at=beside, text=name, colour=colour)

    def svg(self) -> bytes:
        """A file's content."""
        root = etree.Element(
            f"{{{_NAMESPACE}}}svg",
            nsmap={None: _NAMESPACE},
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
        )
        root.set("font-family", "sans-serif")
        root.set("font-size", str(FONT_SIZE))
        _add(root, "rect", width="100%", height="100%", fill="white")
        for mark in self.marks():
            if isinstance(mark, Stroke):
                points = " ".join(f"{x:.2f},{y:.2f}" for x, y in mark.points)
                _add(root, "polyline", points=points, fill="none", stroke=mark.colour)
            else:
                x, y = (f"{each:.2f}" for each in mark.at)
                made = _add(root, "text", x=x, y=y, fill=mark.colour)
                made.set("text-anchor", mark.anchor)
                made.text = mark.text
        written: bytes = etree.tostring(root, pretty_print=True)
        return written

    def _top(self) -> float:
        """What stands at the upper end."""
        if self.is_share:
            return 1.0
        most = max((y for line in self.lines.values() for _, y in line), default=0.0)
        if most <= 0:
            return 1.0
        unit = 10.0 ** floor(log10(most))
        return next(unit * n for n in (1, 1.5, 2, 3, 5, 7.5, 10) if unit * n >= most)


@frozen
class _Across:
    """The lower axis."""

    low: float
    high: float
    is_log: bool

    @classmethod
    def of(cls, chart: Chart) -> _Across:
        xs = [x for line in chart.lines.values() for x, _ in line]
        low, high = min(xs, default=1.0), max(xs, default=1.0)
        if chart.is_log:
            low, high = 10.0 ** floor(log10(low)), 10.0 ** ceil(log10(high))
        return cls(low, high if high > low else low + 1, chart.is_log)

    def x(self, at: float) -> float:
        low, high = self.low, self.high
        if self.is_log:
            low, high, at = log10(low), log10(high), log10(at)
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (at - low) / (high - low)

    def ticks(self) -> Iterator[tuple[float, str]]:
        if self.is_log:
            for power in range(round(log10(self.low)), round(log10(self.high)) + 1):
                yield 10.0**power, f"{10.0**power:g}"
        else:
            for n in range(5):
                at = self.low + (self.high - self.low) * n / 4
                yield at, f"{at:.4g}"


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * share


def _add(root: etree._Element, tag: str, **given: str) -> etree._Element:
    return etree.SubElement(root, f"{{{_NAMESPACE}}}{tag}", given)
