"""
Values by chance: scalars that Hypothesis finds worth trying, and how they are
put together by a seed.

For tests of thousands of shapes: Hypothesis takes longer to begin with each
than to try it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, TypeVar

from attrs import frozen
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

T = TypeVar("T")
_COUNT = 500


def found(strategy: st.SearchStrategy[T]) -> tuple[T, ...]:
    """Some hundred values of a strategy, the plainest first; always the same."""
    values: list[T] = []

    @settings(
        max_examples=_COUNT,
        phases=[Phase.generate],
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(value: T) -> None:
        values.append(value)

    collect()
    return tuple(values)


@frozen
class Chance:
    """
    @ivar _scalars: to choose from, by type; the plainest first.
    @ivar _random: None chooses the first, the least, and what may be left out
        is.
    """

    _scalars: Mapping[type, Sequence[Any]]
    _random: Random | None

    def is_so(self) -> bool:
        """As often as not."""
        return self._random is not None and self._random.random() < 0.5

    def one_of(self, some: Sequence[T]) -> T:
        """Any of them."""
        return some[0] if self._random is None else self._random.choice(some)

    def number(self, least: int, most: int) -> int:
        """Any of these, both included."""
        return least if self._random is None else self._random.randint(least, most)

    def scalar(self, of: type) -> Any:
        """Any value of the type."""
        return self.one_of(self._scalars[of])


def chances(
    scalars: Mapping[type, Sequence[Any]], seed: str, count: int = 2
) -> tuple[Chance, ...]:
    """The least there is, and then so many at random; always the same."""
    others = [Chance(scalars, Random(f"{seed} {n}")) for n in range(count)]
    return (Chance(scalars, None), *others)
