"""
What a run comes to: counts, delays, and how much of what there is was in use.

Pure; the same numbers as a table and as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from attrs import define, field, frozen

#: What is told of a list of delays.
POINTS = {"min": 0.0, "median": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
#: The time of a run is told in so many parts.
PARTS = 24


def quantile(ordered: Sequence[float], share: float) -> float:
    """The least of the values that at least C{share} of them do not exceed."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]


def points(values: Sequence[float]) -> dict[str, float]:
    """L{POINTS} of them; nothing of none."""
    ordered = sorted(values)
    return {
        name: round(quantile(ordered, share), 6)
        for name, share in POINTS.items()
        if ordered
    }


@define(eq=False)
class Usage:
    """
    How much of something was in use, from the beginning to the end of a run.

    @ivar total: what there is.
    """

    total: float
    duration_s: float
    _now: float = field(default=0.0, init=False)
    _since_s: float = field(default=0.0, init=False)
    _sums: list[float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._sums = [0.0] * PARTS

    def change(self, at_s: float, by: float) -> None:
        """So much more is in use from now on; less, if it is below 0."""
        self._until(at_s)
        self._now += by

    def _until(self, at_s: float) -> None:
        part_s = self.duration_s / PARTS
        at_s = min(at_s, self.duration_s)
        while self._since_s < at_s:
            part = min(PARTS - 1, int(self._since_s / part_s))
            end_s = at_s if part == PARTS - 1 else min(at_s, (part + 1) * part_s)
            if end_s <= self._since_s:  # of a border that cannot be told exactly
                part, end_s = part + 1, min(at_s, (part + 2) * part_s)
            self._sums[part] += self._now * (end_s - self._since_s)
            self._since_s = end_s

    def shares(self) -> tuple[float, ...]:
        """Of L{PARTS} parts of the run; from 0 to 1."""
        self._until(self.duration_s)
        part_s = self.duration_s / PARTS
        return tuple(round(each / part_s / self.total, 6) for each in self._sums)


@define(eq=False)
class Waits:
    """How long those waited who came in each part of a run."""

    duration_s: float
    _parts: list[list[float]] = field(
        factory=lambda: [[] for _ in range(PARTS)], init=False
    )

    def add(self, came_at_s: float, wait_s: float) -> None:
        """One has waited."""
        part = int(came_at_s / self.duration_s * PARTS)
        self._parts[min(PARTS - 1, part)].append(wait_s)

    def means(self) -> tuple[float, ...]:
        """Of L{PARTS} parts of the run; 0 where nobody came."""
        return tuple(
            round(sum(each) / len(each), 6) if each else 0.0 for each in self._parts
        )


@frozen(kw_only=True)
class Summary:
    """
    @ivar counts: of launches and events.
    @ivar delays: in seconds, by what they are of.
    @ivar usage: the shares of parts of the run, by what was in use.
    @ivar watts: what all nodes drew, in the mean of each part of the run.
    @ivar queueing: how long those waited until their launch was taken, in the mean of
        those who came in each part.
    @ivar violations: what was not as it must be.
    @ivar bugs: failures that a daemon logged as its own.
    """

    seed: int
    duration_s: float
    nodes: int
    policies: Mapping[str, str]
    counts: Mapping[str, int]
    delays: Mapping[str, Sequence[float]]
    usage: Mapping[str, Sequence[float]]
    watts: Sequence[float] = (0.0,) * PARTS
    queueing: Sequence[float] = (0.0,) * PARTS
    violations: Sequence[str] = ()
    bugs: Sequence[str] = ()

    @property
    def is_sound(self) -> bool:
        """Nothing was found that must not be."""
        return not (self.violations or self.bugs)

    @property
    def energy_kwh(self) -> float:
        """What all nodes used."""
        return round(_mean(self.watts) * self.duration_s / 3.6e6, 6)

    def as_json(self) -> str:
        """One document, and a line's end."""
        told: dict[str, Any] = {
            "seed": self.seed,
            "duration_s": self.duration_s,
            "nodes": self.nodes,
            "policies": dict(self.policies),
            "counts": dict(sorted(self.counts.items())),
            "delays_s": {name: points(v) for name, v in self.delays.items()},
            "usage": {
                name: {"mean": _mean(shares), "parts": list(shares)}
                for name, shares in self.usage.items()
            },
            "power": {
                "energy_kwh": self.energy_kwh,
                "mean_w": _mean(self.watts),
                "parts_w": list(self.watts),
            },
            "queueing_s": list(self.queueing),
            "violations": list(self.violations),
            "bugs": list(self.bugs),
        }
        return json.dumps(told, indent=2) + "\n"

    def as_table(self) -> Iterator[str]:
        """Lines for people."""
        policies = ", ".join(f"{name} {p}" for name, p in self.policies.items())
        yield (
            f"seed {self.seed}: {self.nodes} nodes for {self.duration_s:g} s; "
            f"{policies}"
        )
        yield ""
        for name, count in sorted(self.counts.items()):
            yield f"{name:24}{count:>12,}"
        yield ""
        yield f"{'seconds':24}" + "".join(f"{name:>12}" for name in POINTS)
        for name, values in self.delays.items():
            told = points(values)
            cells = (f"{told[p]:>12.3f}" if told else f"{'-':>12}" for p in POINTS)
            yield f"{name:24}" + "".join(cells)
        yield ""
        names = list(self.usage)
        heads = "".join(f"{name:>12}" for name in (*names, "kW", "queueing s"))
        yield f"{'in use, % of':24}{heads}"
        part_s = self.duration_s / PARTS
        for n, shares in enumerate(zip(*self.usage.values(), strict=True)):
            cells = (f"{100 * share:>12.1f}" for share in shares)
            further = f"{self.watts[n] / 1000:>12.2f}{self.queueing[n]:>12.3f}"
            yield f"{f'from {n * part_s:,.0f} s':24}" + "".join(cells) + further
        means = (f"{100 * _mean(self.usage[name]):>12.1f}" for name in names)
        watts = f"{_mean(self.watts) / 1000:>12.2f}"
        yield f"{'in the mean':24}" + "".join(means) + watts
        yield f"{'energy, kWh':24}{self.energy_kwh:>12.2f}"
        for what, found in (("violation", self.violations), ("bug", self.bugs)):
            for each in found:
                yield f"{what}: {each}"


def _mean(shares: Sequence[float]) -> float:
    return round(sum(shares) / len(shares), 6)
