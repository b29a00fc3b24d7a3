"""
What users ask for, and when: a stream of arrivals from a model or from a trace.

Each arrival is one instance.  Streams are made as they are read, so a trace may be
longer than memory is large.
"""

from __future__ import annotations

import csv
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from math import cos, pi
from pathlib import Path
from random import Random

from attrs import frozen

from euca_tw.common.config import ConfigError
from euca_tw.sim.distributions import Distribution

DAY_S = 86400.0

#: The columns of a trace.
COLUMNS = ("arrival", "lifetime", "type")


@frozen(kw_only=True)
class Arrival:
    """
    A user asks for an instance.

    @ivar at_s: since the beginning.
    @ivar lifetime_s: once it runs, its user ends it so long after.
    """

    at_s: float
    lifetime_s: float
    machine: str


def chooser(weights: Mapping[str, float]) -> Callable[[Random], str]:
    """Names by chance, each as often as it weighs."""
    names, sums = tuple(weights), tuple(accumulate(weights.values()))

    def choose(random: Random) -> str:
        return names[min(bisect(sums, random.random() * sums[-1]), len(names) - 1)]

    return choose


def poisson(
    random: Random,
    per_hour: float,
    lifetime: Distribution,
    machine: Callable[[Random], str],
) -> Iterator[Arrival]:
    """Arrivals that do not know of each other, without end."""
    at_s = 0.0
    while True:
        at_s += random.expovariate(per_hour / 3600)
        yield Arrival(
            at_s=at_s, lifetime_s=lifetime.draw(random), machine=machine(random)
        )


def diurnal(
    random: Random,
    per_hour: float,
    lifetime: Distribution,
    machine: Callable[[Random], str],
    *,
    swing: float,
    peak_s: float,
) -> Iterator[Arrival]:
    """
    The same, more by day than by night: the rate goes up and down as a cosine.

    Made by thinning: of arrivals at the highest rate each is kept with the share
    that its moment's rate has of that.

    @param per_hour: in the mean of a day.
    @param swing: by which share of that it goes up and down; from 0 to 1.
    @param peak_s: when in the day it is highest.
    """
    for each in poisson(random, per_hour * (1 + swing), lifetime, machine):
        rate = 1 + swing * cos(2 * pi * (each.at_s - peak_s) / DAY_S)
        if random.random() * (1 + swing) < rate:
            yield each


def trace(file: Path, machines: Sequence[str]) -> Iterator[Arrival]:
    """
    Arrivals from CSV whose first line has the names of L{COLUMNS}: seconds since
    the beginning, in order; seconds; a machine type of the scenario.

    @raise ConfigError: a line is not so; the text has its number.
    """
    with file.open(newline="", encoding="utf-8") as lines:
        rows = csv.reader(lines, strict=True)
        try:
            if tuple(next(rows, ())) != COLUMNS:
                raise _wrong(file, 1, f"must be {','.join(COLUMNS)}")
            latest = 0.0
            for row in rows:
                arrival = _arrival(row, machines)
                if arrival.at_s < latest:
                    raise ValueError(f"{row[0]} comes before the line above")
                latest = arrival.at_s
                yield arrival
        except (ValueError, csv.Error) as error:
            raise _wrong(file, rows.line_num, str(error)) from None


def _arrival(row: Sequence[str], machines: Sequence[str]) -> Arrival:
    """@raise ValueError: it is none."""
    if len(row) != len(COLUMNS):
        raise ValueError(f"has {len(row)} columns in place of {len(COLUMNS)}")
    at_s, lifetime_s = float(row[0]), float(row[1])
    for text, value in zip(row[:2], (at_s, lifetime_s), strict=True):
        if not 0 <= value < float("inf"):
            raise ValueError(f"{text} must be 0 or more")
    if row[2] not in machines:
        raise ValueError(f"{row[2]!r} is none of {', '.join(machines)}")
    return Arrival(at_s=at_s, lifetime_s=lifetime_s, machine=row[2])


def _wrong(file: Path, line: int, reason: str) -> ConfigError:
    return ConfigError(str(file), "", f"line {line}", reason)
