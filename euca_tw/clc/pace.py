"""Long lists, some of it in each reactor step: others wait no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from attrs import Factory, define, field
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

T = TypeVar("T")
U = TypeVar("U")

#: How many things are made in one step, and for how long at most; the thing that is
#: being made then is finished.
STEP = 250
LONGEST_S = 0.005


@define
class Turn:
    """The reactor step that long work is in."""

    _clock: IReactorTime
    _until: float = field(
        init=False,
        default=Factory(lambda self: self._end(), takes_self=True),
    )

    def _end(self) -> float:
        now: float = self._clock.seconds()
        return now + LONGEST_S

    def is_over(self) -> bool:
        """Whether it has taken its time."""
        now: float = self._clock.seconds()
        # A clock that was set back is no reason to go on and on.
        return not self._until - LONGEST_S <= now <= self._until

    async def next(self) -> None:
        """Let others have theirs."""
        await deferLater(self._clock, 0)
        self._until = self._end()


def steps(
    things: Sequence[T], weigh: Callable[[T], int] | None = None
) -> Iterator[Sequence[T]]:
    """
    The parts of a list that are seen to in one step each.

    @param weigh: for how many things each counts; None: for one.
    """
    if weigh is None:
        for start in range(0, len(things), STEP):
            yield things[start : start + STEP]
        return
    start = weight = 0
    for index, thing in enumerate(things):
        more = weigh(thing)
        if weight + more > STEP and index > start:
            yield things[start:index]
            start, weight = index, 0
        weight += more
    if start < len(things):
        yield things[start:]


async def paced(
    clock: IReactorTime, things: Sequence[T], make: Callable[[T], U]
) -> list[U]:
    """What C{make} makes of each; without a wait if there are few."""
    return await paced_in(clock, steps(things), make)


async def paced_in(
    clock: IReactorTime, parts: Iterator[Sequence[T]], make: Callable[[T], U]
) -> list[U]:
    """L{paced}, in parts that L{steps} has made."""
    made: list[U] = []
    turn = Turn(clock)
    for number, part in enumerate(parts):
        if number:
            await turn.next()
        for thing in part:
            if turn.is_over():
                await turn.next()
            made.append(make(thing))
    return made
