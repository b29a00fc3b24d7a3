"""
Policies compared: the same users, faults and chance under each, and what comes of it.

Each policy has the same seeds.  So beside the mean over seeds, and how far off it may
be, there is the difference from the first policy, seed by seed: what differs between
seeds and not between policies falls out of it.  Pure.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from math import sqrt
from statistics import fmean, stdev

from attrs import evolve, frozen

from euca_tw.sim.scenario import Scenario
from euca_tw.sim.summary import Summary, quantile

#: Student's t for 95 %, two-sided, by the degrees of freedom; beyond, the normal's.
_T_95 = (
    *(12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228),
    *(2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086),
    *(2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042),
)
_NORMAL_95 = 1.96
#: Of what must not be, so much is told.
_MOST = 20

#: What is measured of a run, by what it is called.
MEASURES: Mapping[str, Callable[[Summary], float]] = {
    "taken": lambda of: of.counts.get("taken", 0),
    "refused": lambda of: of.counts.get("refused", 0),
    "failed": lambda of: of.counts.get("failed", 0),
    "queueing s, mean": lambda of: _mean(of.delays["until taken"]),
    "running s, mean": lambda of: _mean(of.delays["until running"]),
    "running s, p99": lambda of: _p99(of.delays["until running"]),
    "cores in use %": lambda of: 100 * fmean(of.usage["cores"]),
    "energy kWh": lambda of: of.energy_kwh,
}


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else 0.0


def _p99(values: Sequence[float]) -> float:
    return quantile(sorted(values), 0.99) if values else 0.0


@frozen(kw_only=True)
class Variant:
    """@ivar name: of its policies."""

    name: str
    scenario: Scenario


def variants(
    scenario: Scenario, schedulers: Sequence[str], placements: Sequence[str]
) -> tuple[Variant, ...]:
    """
    A scenario with each of these; of none, with its own.  One scheduler is that of
    all clusters.
    """
    made = []
    for scheduler, placement in product(schedulers or ("",), placements or ("",)):
        clusters, cloud = scenario.clusters, scenario.cloud
        if scheduler:
            clusters = tuple(evolve(c, scheduler=scheduler) for c in clusters)
        if placement:
            cloud = evolve(cloud, placement=placement)
        made.append(
            Variant(
                name=" / ".join(filter(None, (scheduler, placement))) or "as it is",
                scenario=evolve(scenario, clusters=clusters, cloud=cloud),
            )
        )
    return tuple(made)


@frozen(kw_only=True)
class Estimate:
    """
    @ivar half: by so much at most the mean is off, with 95 % certainty; None, of one
        value alone.
    """

    mean: float
    half: float | None

    def __str__(self) -> str:
        if self.half is None:
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} ± {self.half:.3f}"


def estimate(values: Sequence[float]) -> Estimate:
    """Of what was measured with each seed."""
    mean, count = fmean(values), len(values)
    if count < 2:
        return Estimate(mean=round(mean, 6), half=None)
    t = _T_95[count - 2] if count - 2 < len(_T_95) else _NORMAL_95
    half = t * stdev(values) / sqrt(count)
    return Estimate(mean=round(mean, 6), half=round(half, 6))


@frozen(kw_only=True)
class Comparison:
    """@ivar runs: by variant, one for each seed, in one order of these."""

    runs: Mapping[str, Sequence[Summary]]

    @property
    def unsound(self) -> list[str]:
        """Runs that found what must not be."""
        return [
            f"{name}, seed {each.seed}: {found}"
            for name, some in self.runs.items()
            for each in some
            for found in (*each.violations, *each.bugs)
        ]

    def means(self, name: str) -> dict[str, Estimate]:
        """Of each measure."""
        return {
            measure: estimate([take(each) for each in self.runs[name]])
            for measure, take in MEASURES.items()
        }

    def differences(self, name: str) -> dict[str, Estimate]:
        """From the first, seed by seed."""
        first = next(iter(self.runs.values()))
        pairs = [*zip(self.runs[name], first, strict=True)]
        return {
            measure: estimate([take(one) - take(other) for one, other in pairs])
            for measure, take in MEASURES.items()
        }

    def as_table(self) -> Iterator[str]:
        """Lines for people."""
        names = [*self.runs]
        seeds = [each.seed for each in self.runs[names[0]]]
        yield (
            f"mean over {len(seeds)} seeds ({seeds[0]} to {seeds[-1]})"
            + (", ± its 95 % confidence interval" if len(seeds) > 1 else "")
        )
        yield from _rows(names, [self.means(name) for name in names])
        if names[1:]:
            yield ""
            yield f"difference from {names[0]}, seed by seed"
            yield from _rows(names[1:], [self.differences(n) for n in names[1:]])
        unsound = self.unsound
        for each in unsound[:_MOST]:
            yield f"unsound: {each}"
        if unsound[_MOST:]:
            yield f"unsound: and {len(unsound) - _MOST} more"

    def as_json(self) -> str:
        """One document, and a line's end."""
        told = {
            name: {
                "seeds": [each.seed for each in some],
                "values": {
                    measure: [round(take(each), 6) for each in some]
                    for measure, take in MEASURES.items()
                },
                "means": _told(self.means(name)),
                "differences": _told(self.differences(name)),
            }
            for name, some in self.runs.items()
        }
        return json.dumps(told, indent=2) + "\n"


def _rows(
    names: Sequence[str], columns: Sequence[Mapping[str, Estimate]]
) -> Iterator[str]:
    texts = [{m: str(column[m]) for m in MEASURES} for column in columns]
    widths = [
        max(len(name), *map(len, told.values())) + 3
        for name, told in zip(names, texts, strict=True)
    ]
    yield f"{'':20}" + "".join(
        f"{name:>{width}}" for name, width in zip(names, widths, strict=True)
    )
    for measure in MEASURES:
        yield f"{measure:20}" + "".join(
            f"{told[measure]:>{width}}"
            for told, width in zip(texts, widths, strict=True)
        )


def _told(estimates: Mapping[str, Estimate]) -> dict[str, dict[str, float | None]]:
    return {
        name: {"mean": each.mean, "half": each.half} for name, each in estimates.items()
    }
