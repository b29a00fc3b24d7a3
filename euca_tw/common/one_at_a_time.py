"""A lock for as many as may come."""

from __future__ import annotations

from collections import deque

from attrs import define, field
from twisted.internet.defer import Deferred

# Note [Nobody wakes the next]
#
# Twisted's DeferredLock has each who leaves it wake the next, and wait until that
# one has left.  Where they leave at once that is as deep as they are many: with
# some sixty of them the stack is full, one of them fails in leaving, and nobody
# has his turn ever again.


@define(eq=False)
class OneAtATime:
    """
    C{async with} it: one at a time, in the order in which they came.  Who waits
    may be cancelled.
    """

    _is_taken: bool = field(default=False, init=False)
    _waiting: deque[Deferred[None]] = field(factory=deque, init=False)
    _is_waking: bool = field(default=False, init=False)

    @property
    def is_wanted(self) -> bool:
        """Whether somebody has it, or is about to."""
        return self._is_taken or bool(self._waiting)

    async def __aenter__(self) -> None:
        if self.is_wanted:
            turn: Deferred[None] = Deferred(self._waiting.remove)
            self._waiting.append(turn)
            await turn
        self._is_taken = True

    async def __aexit__(self, *ignored: object) -> None:
        self._is_taken = False
        if self._is_waking:
            return  # see Note [Nobody wakes the next]
        self._is_waking = True
        try:
            while self._waiting and not self._is_taken:
                self._is_taken = True
                self._waiting.popleft().callback(None)
        finally:
            self._is_waking = False
