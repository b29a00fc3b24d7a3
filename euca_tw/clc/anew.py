"""
Deciding again what others have overtaken.

Where several cloud controllers share one state, one may have changed what another
read before that could commit: then nothing was made, and all that is to be done is
to read and decide again, from what is now.  Who was overtaken waits a moment that
is different for each, longer each time, lest two overtake each other for ever.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TypeVar

from attrs import field, frozen
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from euca_tw.store.interfaces import Change, Conflict, IStore

T = TypeVar("T")

#: Who was overtaken first waits up to so long, then up to twice as long each time.
_FIRST_S = 0.004
_LONGEST_S = 0.5

#: So often at most a user's request is decided; all told it waits some 2 seconds.
OF_REQUESTS = 12
#: So often what nobody waits for.
OF_THE_CLOUD = 60


@frozen(eq=False, kw_only=True)
class Anew:
    """@ivar times: how often it is decided, at most."""

    clock: IReactorTime
    random: Random = field(repr=False)
    times: int = OF_REQUESTS

    async def decide(self, once: Callable[[], Awaitable[T]]) -> T:
        """
        The result of C{once}, which reads, decides and commits; what it did before
        that can be done again.

        @raise Conflict: each time another was faster.
        """
        within_s = _FIRST_S
        for _ in range(self.times - 1):
            try:
                return await once()
            except Conflict:
                await deferLater(self.clock, self.random.uniform(0, within_s))
                within_s = min(2 * within_s, _LONGEST_S)
        return await once()

    async def commit(
        self, store: IStore, decide: Callable[[], Sequence[Change]]
    ) -> bool:
        """
        Commit what C{decide} says, unless it is nothing.

        @return: whether anything was.
        @raise Conflict: each time another was faster.
        """

        async def once() -> bool:
            changes = decide()
            if changes:
                await store.commit(*changes)
            return bool(changes)

        return await self.decide(once)
