"""
What users shall want, as a scenario says it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

from attrs import Factory, frozen

from euca_tw.common.config import checked
from euca_tw.model.capacity import MachineType
from euca_tw.sim.distributions import (
    Constant,
    Distribution,
    Exponential,
    check_amount,
    check_positive,
)
from euca_tw.sim.fault_plan import check_share
from euca_tw.sim.traces import FORMATS, Machines
from euca_tw.sim.workload import Arrival, chooser, diurnal, poisson

_WORKLOADS = ("poisson", "diurnal", "trace")


def _check_workload(kind: str) -> None:
    if kind not in _WORKLOADS:
        raise ValueError(f"{kind!r} is none of {', '.join(_WORKLOADS)}")


def _check_format(name: str) -> None:
    if name not in FORMATS:
        raise ValueError(f"{name!r} is none of {', '.join(FORMATS)}")


def _check_swing(swing: float) -> None:
    if not 0 <= swing <= 1:
        raise ValueError(f"{swing} must be from 0 to 1")


@frozen(kw_only=True)
class Workload:
    """
    @ivar kind: C{poisson}, C{diurnal} or C{trace}.
    @ivar per_hour: arrivals, in the mean.
    @ivar lifetime_s: of instances; from when they run.
    @ivar swing, peak_s: of C{diurnal}; see L{euca_tw.sim.workload.diurnal}.
    @ivar file, format: of C{trace}, and as what it is to be read.
    @ivar largest_cores, largest_memory_mib: see L{Machines}.
    @ivar patience_s: who is refused for want of room asks again for so long.
    @ivar retry_s: and so long after each time.
    @ivar count: how many instances are asked for at once, to the nearest whole
        number, and one at least.  All of them are launched, or none.
    @ivar stop_share: of how many of the instances that come to run their users stop
        them again; C{stop_after_s} after that, unless their life is over before.
    @ivar stopped_s: so long they stay stopped until they are started again.
    """

    kind: str = checked(_check_workload)
    per_hour: float = checked(check_positive, 60.0)
    lifetime_s: Distribution = Factory(lambda: Exponential(mean=3600.0))
    swing: float = checked(_check_swing, 0.5)
    peak_s: float = checked(check_amount, 14 * 3600.0)
    file: Path | None = None
    format: str = checked(_check_format, "own")
    largest_cores: float = checked(check_positive, 64.0)
    largest_memory_mib: float = checked(check_positive, 262144.0)
    patience_s: float = checked(check_amount, 0.0)
    retry_s: float = checked(check_positive, 10.0)
    count: Distribution = Factory(lambda: Constant(value=1.0))
    stop_share: float = checked(check_share, 0.0)
    stop_after_s: Distribution = Factory(lambda: Exponential(mean=1800.0))
    stopped_s: Distribution = Factory(lambda: Exponential(mean=3600.0))


def arrivals(
    of: Workload,
    weights: Mapping[str, float],
    types: Mapping[str, MachineType],
    random: Random,
) -> Iterator[Arrival]:
    """
    What users ask for; without end, unless a trace has one.

    @param weights: of machine types, by name.
    """
    if of.kind == "trace":
        assert of.file is not None
        machines = Machines(
            types=types,
            largest_cores=of.largest_cores,
            largest_memory_mib=of.largest_memory_mib,
        )
        return FORMATS[of.format](of.file, machines)
    common: tuple[Any, ...] = (
        *(random, of.per_hour, of.lifetime_s, chooser(weights), of.count),
    )
    if of.kind == "poisson":
        return poisson(*common)
    return diurnal(*common, swing=of.swing, peak_s=of.peak_s)
