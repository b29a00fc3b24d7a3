"""Long lists, some of it in each reactor step: others wait no longer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

T = TypeVar("T")
U = TypeVar("U")

#: How many things are made in one step.
STEP = 250


async def paced(
    clock: IReactorTime, things: Sequence[T], make: Callable[[T], U]
) -> list[U]:
    """What C{make} makes of each; without a wait if there are few."""
    made: list[U] = []
    for start in range(0, len(things), STEP):
        if start:
            await deferLater(clock, 0)
        made.extend(map(make, things[start : start + STEP]))
    return made
