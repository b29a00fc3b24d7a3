"""
What users ask for, and when: a stream of arrivals from a model or from a trace.

Streams are made as they are read, so a trace may be
longer than memory is large.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from math import cos, pi
from random import Random

from attrs import frozen

from euca_tw.sim.distributions import Constant, Distribution

DAY_S = 86400.0

#: How many instances are asked for at once, if nothing is said of it.
ONE: Distribution = Constant(value=1.0)


@frozen(kw_only=True)
class Arrival:
    """
    A user asks for instances.

    @ivar at_s: since the beginning.
    @ivar lifetime_s: once one runs, its user ends it so long after.
    @ivar count: how many, all alike.
    """

    at_s: float
    lifetime_s: float
    machine: str
    count: int = 1


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
    count: Distribution = ONE,
) -> Iterator[Arrival]:
    """Arrivals that do not know of each other, without end."""
    at_s = 0.0
    while True:
        at_s += random.expovariate(per_hour / 3600)
        yield Arrival(
            at_s=at_s,
            lifetime_s=lifetime.draw(random),
            machine=machine(random),
            count=max(1, round(count.draw(random))),
        )


def diurnal(
    random: Random,
    per_hour: float,
    lifetime: Distribution,
    machine: Callable[[Random], str],
    count: Distribution = ONE,
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
    for each in poisson(random, per_hour * (1 + swing), lifetime, machine, count):
        rate = 1 + swing * cos(2 * pi * (each.at_s - peak_s) / DAY_S)
        if random.random() * (1 + swing) < rate:
            yield each
