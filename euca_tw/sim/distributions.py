"""
How long things take, drawn at random: the distributions that a scenario may name.

Knows nothing of what is drawn for.  The source of chance is an argument, so that
each subject of a run has a stream of its own (L{stream}).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from pathlib import Path
from random import Random
from typing import Any, Protocol

from attrs import field, frozen

from euca_tw.common.config import ConfigError, checked, read_section


class Distribution(Protocol):
    """What numbers are drawn from; none is negative."""

    def draw(self, random: Random) -> float:
        """The next one."""


def stream(seed: int, *names: object) -> Random:
    """The chance of one subject: the same for the same seed and names, anywhere."""
    return Random("/".join(map(str, (seed, *names))))  # noqa: S311 (is no secret)


def check_amount(value: float) -> None:
    """@raise ValueError: it is less than nothing."""
    if not 0 <= value < float("inf"):
        raise ValueError(f"{value} must be 0 or more")


def check_positive(value: float) -> None:
    """@raise ValueError: it is nothing, or less."""
    if not 0 < value < float("inf"):
        raise ValueError(f"{value} must be more than 0")


@frozen(kw_only=True)
class Constant:
    """Always the same."""

    value: float = checked(check_amount)

    def draw(self, random: Random) -> float:
        return self.value


@frozen(kw_only=True)
class Uniform:
    """Anything from C{low} to C{high}."""

    low: float = checked(check_amount)
    high: float = checked(check_amount)

    def draw(self, random: Random) -> float:
        return random.uniform(self.low, self.high)


@frozen(kw_only=True)
class Exponential:
    """What has no memory: mostly short, now and then long."""

    mean: float = checked(check_positive)

    def draw(self, random: Random) -> float:
        return random.expovariate(1 / self.mean)


@frozen(kw_only=True)
class Lognormal:
    """
    Half are below the median; C{sigma} is the standard deviation of the logarithm.
    """

    median: float = checked(check_positive)
    sigma: float = checked(check_amount)

    def draw(self, random: Random) -> float:
        return random.lognormvariate(log(self.median), self.sigma)


def _check_values(values: tuple[float, ...]) -> None:
    if not values:
        raise ValueError("must have one value at least")
    for each in values:
        check_amount(each)


@frozen(kw_only=True)
class Empirical:
    """
    What was measured.  Between two neighbours in size it is anything, as if their
    line were drawn: the inverse of the measured distribution.
    """

    values: tuple[float, ...] = checked(_check_values)
    _sorted: tuple[float, ...] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_sorted", tuple(sorted(self.values)))

    def draw(self, random: Random) -> float:
        at = random.random() * (len(self._sorted) - 1)
        below = int(at)
        low, high = self._sorted[below], self._sorted[min(below + 1, len(self) - 1)]
        return low + (high - low) * (at - below)

    def __len__(self) -> int:
        return len(self.values)


@frozen(kw_only=True)
class _Measured:
    values: tuple[float, ...] = checked(_check_values)


KINDS: Mapping[str, type] = {
    "constant": Constant,
    "uniform": Uniform,
    "exponential": Exponential,
    "lognormal": Lognormal,
    "empirical": _Measured,
}


def read_distribution(value: object, *, file: Path, section: str) -> Distribution:
    """
    Make one of what a scenario says: a number, or a table whose C{kind} names one
    of L{KINDS}.

    @param section: of the scenario, for the text of a refusal.
    @raise ConfigError: it is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = {"kind": "constant", "value": value}
    if not isinstance(value, dict):
        raise ConfigError(str(file), section, "", "must be a number or a table")
    table = dict(value)
    kind = table.pop("kind", None)
    if not isinstance(kind, str) or kind not in KINDS:
        raise ConfigError(
            str(file), section, "kind", f"{kind!r} is none of {', '.join(KINDS)}"
        )
    made: Any = read_section(KINDS[kind], table, file=file, section=section)
    if isinstance(made, Uniform) and made.high < made.low:
        raise ConfigError(str(file), section, "high", "must not be less than low")
    return Empirical(values=made.values) if kind == "empirical" else made


__all__ = [
    "KINDS",
    "Constant",
    "Distribution",
    "Empirical",
    "Exponential",
    "Lognormal",
    "Uniform",
    "check_amount",
    "check_positive",
    "read_distribution",
    "stream",
]
