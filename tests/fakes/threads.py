"""A pool of threads in memory, whose threads work when they are told to."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.python.failure import Failure


@define(eq=False)
class MemoryPool:
    """
    Of L{twisted.python.threadpool.ThreadPool} what L{deferToThreadPool} needs;
    and of its reactor, too.

    @ivar max: how many threads it says it has.
    @ivar given: what it was given, and has not done.
    """

    max: int = 2
    given: deque[Any] = field(init=False, factory=deque)

    def callInThreadWithCallback(
        self, tell: Callable[[bool, Any], object], work: Callable[[], Any]
    ) -> None:
        self.given.append((tell, work))

    def callFromThread(self, call: Callable[..., object], *arguments: Any) -> None:
        call(*arguments)

    def perform(self, number: int = 0) -> Any:
        """
        Some thread does that one.

        @return: what it returned, or the L{Failure}.
        """
        tell, work = self.given[number]
        del self.given[number]
        result: Any
        try:
            result = work()
        except Exception:
            # As the real one does, whatever it is.
            result = Failure()
        tell(not isinstance(result, Failure), result)
        return result


__all__ = ["MemoryPool"]
