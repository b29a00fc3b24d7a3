"""What many want at the same time, made once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred

T = TypeVar("T")


@define(eq=False)
class Together(Generic[T]):
    """
    Things by their names.  Nothing is kept of one that was made: who comes later
    has it made anew.
    """

    #: Of what is being made, who else waits for it.
    _waiting: dict[Hashable, list[Deferred[tuple[T] | None]]] = field(
        factory=dict, init=False
    )

    async def get(self, name: Hashable, make: Callable[[], Awaitable[T]]) -> T:
        """
        What is being made for another who wants the same; else what C{make} makes.
        If that fails, or he for whom it is made is cancelled, the next one makes it.
        """
        while (waiting := self._waiting.get(name)) is not None:
            turn: Deferred[tuple[T] | None] = Deferred(waiting.remove)
            waiting.append(turn)
            given = await turn
            if given is not None:
                return given[0]
        mine: list[Deferred[tuple[T] | None]] = []
        self._waiting[name] = mine
        made: tuple[T] | None = None
        try:
            made = (await make(),)
            return made[0]
        finally:
            del self._waiting[name]
            # One after the other and not each by the one before, who could be
            # too many.
            while mine:
                mine.pop(0).callback(made)
