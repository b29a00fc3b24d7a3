"""
Lines that strangers cause, and must not fill the log with.

The first of its kind is logged; those that follow within a minute are counted, and
summed up in one line at the minute's end.  There is a limit to all of it as well,
to lines and to memory: beyond that it is only counted how much was not told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from euca_tw.common.buckets import Buckets

#: How many lines at once, and a second, at most.
LINES, LINES_PER_S = 200, 1.0


@define(eq=False)
class _Told:
    """
    What was told of somebody.

    @ivar count: of what was not, since.
    """

    since: float
    count: int = 0
    is_summed_up: bool = False


def _lines() -> Buckets[str]:
    return Buckets(LINES_PER_S, LINES)


@define(eq=False, kw_only=True)
class SeldomLog:
    """
    @ivar interval_s: how long somebody is told of once.
    @ivar most: of how many it is remembered that they were told of.
    """

    clock: IReactorTime
    log: Logger
    interval_s: float = 60
    most: int = 1024
    #: The oldest first; by the line that sums up, and of whom it is.
    _told: OrderedDict[tuple[str, Hashable], _Told] = field(
        init=False, factory=OrderedDict
    )
    _lines: Buckets[str] = field(init=False, factory=_lines)
    _left_out: int = field(init=False, default=0)
    _waking: IDelayedCall | None = field(init=False, default=None)

    def tell(self, who: Hashable, again: str, text: str, **fields: Any) -> None:
        """
        @param who: whom or what it is about; C{who} in the lines.
        @param again: the line for those that follow, with their C{count} in so
            many C{seconds}.
        @param text: the line for the first.
        """
        told = self._told.get((again, who))
        if told is not None:
            told.count += 1
            return
        self._wake_later()
        if len(self._told) >= self.most:
            self._left_out += 1
            return
        self._told[again, who] = _Told(self.clock.seconds())
        self._say(1, text, who=who, **fields)

    def sum_up(self, who: Hashable, again: str, text: str) -> None:
        """
        Tell what was counted before it is time to, once.

        @param who, again: see L{tell}.
        @param text: the line, with the C{count}.
        """
        told = self._told.get((again, who))
        if told is None or told.is_summed_up:
            return
        told.is_summed_up = True
        count, told.count = told.count, 0
        self._say(count, text, who=who, count=count)

    def stop(self) -> None:
        """Tell all that was counted, now."""
        if self._waking is not None:
            self._waking.cancel()
            self._waking = None
        self._end_until(float("inf"))

    def _say(self, worth: int, text: str, **fields: Any) -> None:
        """@param worth: how much is left out if it is not said."""
        if self._lines.take("", self.clock.seconds()):
            self.log.info(text, **fields)
        else:
            self._left_out += worth

    def _wake_later(self) -> None:
        if self._waking is None:
            self._waking = self.clock.callLater(self.interval_s, self._wake)

    def _wake(self) -> None:
        self._waking = None
        now = self.clock.seconds()
        self._end_until(now - self.interval_s)
        if self._told:
            oldest = next(iter(self._told.values())).since
            wait_s = max(oldest + self.interval_s - now, 0)
            self._waking = self.clock.callLater(wait_s, self._wake)

    def _end_until(self, until: float) -> None:
        """Sum up those who were told of by then."""
        now = self.clock.seconds()
        while self._told:
            (again, who), told = next(iter(self._told.items()))
            if told.since > until:
                break
            del self._told[again, who]
            if told.count:
                seconds = round(now - told.since)
                self._say(told.count, again, who=who, count=told.count, seconds=seconds)
        count, self._left_out = self._left_out, 0
        if count:
            self.log.info("{count} more such events are not told of", count=count)


__all__ = ["LINES", "LINES_PER_S", "SeldomLog"]
