"""
The one clock of a simulated cloud: it goes from one delayed call to the next.

C{twisted.internet.task.Clock} sorts all that is due whenever something is added,
which is well for a test and not for ten thousand nodes that each wait for several
things; this one keeps a heap.  Calls that are due at one moment are made in the
order in which they were asked for, so a run is the same each time.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from twisted.internet.base import DelayedCall
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

#: With fewer than so many calls there is nothing to be gained by sweeping.
_FEW = 1000


@implementer(IReactorTime)
class EventClock:
    """@ivar steps: how many calls were made."""

    def __init__(self, begins_at: float = 0.0) -> None:
        self._now = begins_at
        self._heap: list[tuple[float, int, DelayedCall]] = []
        self._added = 0
        self._cancelled = 0
        self.steps = 0

    def seconds(self) -> float:
        return self._now

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> DelayedCall:
        if delay < 0:
            raise ValueError(f"{delay} s is in the past")
        call = DelayedCall(
            self._now + delay,
            callable,
            args,
            kw,
            self._cancel,
            self._push,
            self.seconds,
        )
        self._push(call)
        return call

    def getDelayedCalls(self) -> list[DelayedCall]:
        alive = [entry for entry in sorted(self._heap) if entry[2].active()]
        return list(dict.fromkeys(call for _, _, call in alive))

    def step(self, until: float) -> bool:
        """
        Make the next call that is due by C{until}.

        @return: whether there was any; if not, it is now C{until}.
        """
        heap = self._heap
        while heap and heap[0][0] <= until:
            at, _, call = heappop(heap)
            if call.cancelled:
                self._cancelled -= 1
                continue
            if call.called:
                continue  # it was due earlier than once meant
            if call.getTime() > at:
                call.activate_delay()
                self._push(call)
                continue
            self._now = max(self._now, at)
            call.called = 1
            self.steps += 1
            call.func(*call.args, **call.kw)
            return True
        self._now = max(self._now, until)
        return False

    def _push(self, call: DelayedCall) -> None:
        self._added += 1
        heappush(self._heap, (call.getTime(), self._added, call))

    def _cancel(self, call: DelayedCall) -> None:
        """Most waits end before their time: what is over is swept out by and by."""
        self._cancelled += 1
        if self._cancelled > max(_FEW, len(self._heap) // 2):
            # (It is marked when this returns, and goes with the next sweep.)
            self._heap = [each for each in self._heap if each[2].active()]
            heapify(self._heap)
            self._cancelled = 1
