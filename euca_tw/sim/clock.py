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
from typing import Any

from twisted.internet.error import AlreadyCalled, AlreadyCancelled
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from zope.interface import implementer

#: With fewer than so many calls there is nothing to be gained by sweeping.
_FEW = 1000


@implementer(IDelayedCall)
class EventCall:
    """
    One call, of an L{EventClock}.

    @ivar at: when it is due, or was last; by the world's clock.
    @ivar by: the clock that whoever waits for it reads.
    @ivar is_due: it was neither made nor cancelled.
    """

    __slots__ = ("_clock", "_is_called", "args", "at", "by", "call", "is_due", "kw")

    def __init__(
        self,
        clock: EventClock,
        by: EventClock | AheadClock,
        at: float,
        call: Callable[..., object],
        args: tuple[Any, ...],
        kw: dict[str, Any],
    ) -> None:
        self._clock = clock
        self.by = by
        self._is_called = False
        self.is_due = True
        self.at = at
        self.call = call
        self.args = args
        self.kw = kw

    def getTime(self) -> float:
        return self.by.told(self.at)

    def cancel(self) -> None:
        self._check_due()
        self.is_due = False
        self._clock.note_cancelled()

    def delay(self, seconds: float) -> None:
        self._check_due()
        self.move(max(self._clock.seconds(), self.at + seconds))

    def reset(self, seconds: float) -> None:
        self._check_due()
        self.move(max(self._clock.seconds(), self._clock.seconds() + seconds))

    def active(self) -> bool:
        return self.is_due

    def begin(self) -> None:
        """It is made now."""
        self.is_due, self._is_called = False, True
        self.call(*self.args, **self.kw)

    def _check_due(self) -> None:
        if not self.is_due:
            raise AlreadyCalled if self._is_called else AlreadyCancelled

    def move(self, at: float) -> None:
        """It is due then, by the world's clock."""
        self.at = at
        self._clock.push(self)


@implementer(IReactorTime)
class EventClock:
    """@ivar steps: how many calls were made."""

    def __init__(self, begins_at: float = 0.0) -> None:
        self._now = begins_at
        # An entry whose moment is not its call's any more says nothing, nor one
        # whose call was cancelled.
        self._heap: list[tuple[float, int, EventCall]] = []
        self._added = 0
        self._cancelled = 0
        self.steps = 0

    def seconds(self) -> float:
        return self._now

    def told(self, at: float) -> float:
        """What it shows at a moment of the world's."""
        return at

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> EventCall:
        if delay < 0:
            raise ValueError(f"{delay} s is in the past")
        return self.add(self, self._now + delay, callable, args, kw)

    def add(
        self,
        by: EventClock | AheadClock,
        at: float,
        call: Callable[..., object],
        args: tuple[Any, ...],
        kw: dict[str, Any],
    ) -> EventCall:
        """A call at a moment, for one who reads the clock C{by}."""
        made = EventCall(self, by, at, call, args, kw)
        self._added += 1
        heappush(self._heap, (at, self._added, made))
        return made

    def getDelayedCalls(self) -> list[EventCall]:
        entries = sorted(self._heap)
        alive = [call for at, _, call in entries if call.is_due and call.at == at]
        return list(dict.fromkeys(alive))

    def step(self, until: float) -> bool:
        """
        Make the next call that is due by C{until}.

        @return: whether there was any; if not, it is now C{until}.
        """
        heap = self._heap
        while heap and heap[0][0] <= until:
            at, _, call = heappop(heap)
            if not call.is_due or call.at != at:
                continue
            if at > self._now:
                self._now = at
            self.steps += 1
            call.begin()
            return True
        self._now = max(self._now, until)
        return False

    def push(self, call: EventCall) -> None:
        """It is due at another moment."""
        self._added += 1
        heappush(self._heap, (call.at, self._added, call))

    def note_cancelled(self) -> None:
        """Most waits end before their time: what is over is swept out by and by."""
        self._cancelled += 1
        if self._cancelled > max(_FEW, len(self._heap) // 2):
            self._heap = [
                entry
                for entry in self._heap
                if entry[2].is_due and entry[2].at == entry[0]
            ]
            heapify(self._heap)
            self._cancelled = 0


@implementer(IReactorTime)
class AheadClock:
    """An L{EventClock}, as one sees it who was told another time when he began."""

    def __init__(self, world: EventClock, ahead_s: float) -> None:
        self._world = world
        self._ahead_s = ahead_s

    def seconds(self) -> float:
        return self._world.seconds() + self._ahead_s

    def told(self, at: float) -> float:
        """What it shows at a moment of the world's."""
        return at + self._ahead_s

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> EventCall:
        if delay < 0:
            raise ValueError(f"{delay} s is in the past")
        return self._world.add(self, self._world.seconds() + delay, callable, args, kw)

    def getDelayedCalls(self) -> list[EventCall]:
        return [call for call in self._world.getDelayedCalls() if call.by is self]


class MachineClock:
    """
    What one machine has for the time.

    Daemons read it when they start; from then on they count the seconds that go by,
    as L{euca_tw.common.clock.SteadyClock} has it, but that here they do not follow it
    by and by.  Only what others have to agree on is dated by the clock itself.
    """

    def __init__(self, world: EventClock) -> None:
        self._world = world
        self._since = self._offset_s = self._rate = 0.0

    @property
    def is_right(self) -> bool:
        """It shows what the world's does."""
        return not (self._offset_s or self._rate)

    def seconds(self) -> float:
        """What it shows."""
        now = self._world.seconds()
        return now + self._offset_s + self._rate * (now - self._since)

    def set(self, offset_s: float, drift_ppm: float = 0.0) -> None:
        """
        Have it be off from now on.

        @param offset_s: so far ahead; behind, if it is below 0.
        @param drift_ppm: by so many parts in a million it goes too fast.
        """
        self._since = self._world.seconds()
        self._offset_s, self._rate = offset_s, drift_ppm / 1e6

    def steady(self) -> EventClock | AheadClock:
        """What a daemon goes by that is started now."""
        ahead_s = self.seconds() - self._world.seconds()
        return AheadClock(self._world, ahead_s) if ahead_s else self._world
