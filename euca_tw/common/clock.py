"""
What time it is: for deadlines, and for dates.

The machine's clock is set now and then, by seconds or by hours, and what waits for
a moment of it then waits for too long, or ends what has just begun.  So daemons
reckon by a L{SteadyClock}, and ask the machine's clock itself only where others
have to agree on it (L{wall_now}).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from zope.interface import Interface, alsoProvides

#: Of the time that goes by, a steady clock is faster or slower by this at most.
SLEWED = 0.05


class IWallClock(Interface):
    """A clock that knows what the machine's own has, if that is another."""

    def wall_seconds() -> float:
        """Seconds since 1970; they jump whenever the machine's clock is set."""


@define(eq=False)
class SteadyClock:
    """
    Seconds since 1970 that never jump.

    They begin with the machine's clock, and follow it when it is set by as much as
    L{SLEWED} lets them: one that was ten minutes off is reached after three hours.

    @ivar wall: the machine's clock.
    @ivar monotonic: counts the seconds that go by.
    """

    wall: Callable[[], float]
    monotonic: Callable[[], float]
    _now: float = field(init=False)
    _counted: float = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._now, self._counted = self.wall(), self.monotonic()

    def seconds(self) -> float:
        """The moment."""
        counted = self.monotonic()
        passed = counted - self._counted
        behind = self.wall() - (self._now + passed)
        most = passed * SLEWED
        self._now += passed + max(-most, min(most, behind))
        self._counted = counted
        return self._now


def make_steady(reactor: Any, clock: SteadyClock) -> None:
    """
    Have a reactor's seconds, and so all that it calls later, go by a steady clock.

    Twisted's own reactors go by the machine's.
    """
    reactor.seconds = clock.seconds
    reactor.wall_seconds = clock.wall
    alsoProvides(reactor, IWallClock)


def utc_now(clock: IReactorTime) -> datetime:
    """
    The moment by C{clock}, whose seconds count from 1970: that deadlines are
    reckoned by, and when things are said to have happened.
    """
    return datetime.fromtimestamp(clock.seconds(), UTC)


def wall_seconds(clock: IReactorTime) -> float:
    """
    The seconds since 1970 by the machine's clock: of what others date, or have to
    agree on (messages, certificates, until when somebody is let in).
    """
    apart = IWallClock(clock, None)
    seconds: float = clock.seconds() if apart is None else apart.wall_seconds()
    return seconds


def wall_now(clock: IReactorTime) -> datetime:
    """As L{wall_seconds}."""
    return datetime.fromtimestamp(wall_seconds(clock), UTC)
