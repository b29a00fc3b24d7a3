"""
What is drawn of a run, and of several that are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from euca_tw.sim.plots import Chart, Line
from euca_tw.sim.summary import PARTS, Summary

#: A curve of very many values needs no more points than a screen has.
_POINTS = 400
_HOURS = "hours since the beginning"
_SECONDS = "seconds since an instance was asked for"


def charts(summary: Summary) -> dict[str, Chart]:
    """Of one run, by the name of the file."""
    return {
        "usage": Chart(
            title="In use",
            across=_HOURS,
            lines={
                name: _over_time(summary, parts)
                for name, parts in summary.usage.items()
            },
        ),
        "delays": Chart(
            title="Launches that took no longer",
            across=_SECONDS,
            lines={
                name: [*_distribution(values)]
                for name, values in summary.delays.items()
                if values
            },
            is_log=True,
        ),
        "queueing": Chart(
            title="Seconds until a launch was taken, in the mean",
            across=_HOURS,
            lines={"queueing": _over_time(summary, summary.queueing)},
            is_share=False,
        ),
        "power": Chart(
            title="kW that all nodes drew",
            across=_HOURS,
            lines={"power": _over_time(summary, _kilo(summary.watts))},
            is_share=False,
        ),
    }


def compared(runs: Mapping[str, Sequence[Summary]]) -> dict[str, Chart]:
    """
    Of several that are alike but for what they are called by, each with some seeds:
    what is over time is the mean of these.
    """

    def over_time(of: str) -> dict[str, Line]:
        return {
            name: _over_time(some[0], _means([_parts(each, of) for each in some]))
            for name, some in runs.items()
        }

    return {
        "usage": Chart(title="Cores in use", across=_HOURS, lines=over_time("cores")),
        "delays": Chart(
            title="Launches that ran after no longer",
            across=_SECONDS,
            lines={
                name: [*_distribution(values)]
                for name, some in runs.items()
                if (values := [v for s in some for v in s.delays["until running"]])
            },
            is_log=True,
        ),
        "queueing": Chart(
            title="Seconds until a launch was taken, in the mean",
            across=_HOURS,
            lines=over_time("queueing"),
            is_share=False,
        ),
        "power": Chart(
            title="kW that all nodes drew",
            across=_HOURS,
            lines=over_time("power"),
            is_share=False,
        ),
    }


def _parts(summary: Summary, of: str) -> Sequence[float]:
    if of == "power":
        return _kilo(summary.watts)
    return summary.queueing if of == "queueing" else summary.usage[of]


def _kilo(values: Sequence[float]) -> list[float]:
    return [each / 1000 for each in values]


def _means(rows: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]


def _over_time(summary: Summary, parts: Sequence[float]) -> Line:
    hours = summary.duration_s / PARTS / 3600
    return [((n + 0.5) * hours, value) for n, value in enumerate(parts)]


def _distribution(values: Sequence[float]) -> Iterator[tuple[float, float]]:
    ordered = sorted(values)
    every = max(1, len(ordered) // _POINTS)
    shown = {*range(0, len(ordered), every), len(ordered) - 1}
    for n in sorted(shown):
        # What took no time at all has no place on an axis of logarithms.
        yield max(ordered[n], 0.001), (n + 1) / len(ordered)
