"""
Many moments, one delayed call.

A daemon has thousands of things to look at again some time.  A delayed call of
the reactor for each would be dear to make and dearer to move; here a moment is
an entry in a heap, and only the earliest is a delayed call.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime


@define
class Alarms:
    """Calls C{ring(key)} when a key's moment has come."""

    _clock: IReactorTime
    _ring: Callable[[str], None]
    _moments: dict[str, float] = field(factory=dict, init=False)
    _heap: list[tuple[float, str]] = field(factory=list, init=False)
    _call: IDelayedCall | None = field(default=None, init=False)

    def __contains__(self, key: str) -> bool:
        return key in self._moments

    def set(self, key: str, when: float) -> None:
        """Ring at C{when}, in place of any moment set before."""
        if self._moments.get(key) != when:
            self._moments[key] = when
            heappush(self._heap, (when, key))
            self._arm()

    def clear(self, key: str) -> None:
        """Do not ring; nothing happens if no moment was set."""
        self._moments.pop(key, None)

    def stop(self) -> None:
        """Ring no more."""
        self._moments.clear()
        self._heap.clear()
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _arm(self) -> None:
        while self._heap and self._moments.get(self._heap[0][1]) != self._heap[0][0]:
            heappop(self._heap)
        if not self._heap:
            return
        when = self._heap[0][0]
        if self._call is not None:
            if self._call.getTime() <= when:
                return
            self._call.cancel()
        delay = max(0.0, when - self._clock.seconds())
        self._call = self._clock.callLater(delay, self._due)

    def _due(self) -> None:
        self._call = None
        now = self._clock.seconds()
        while self._heap and self._heap[0][0] <= now:
            when, key = heappop(self._heap)
            if self._moments.get(key) == when:
                del self._moments[key]
                self._ring(key)
        self._arm()
