"""
How long a connection is waited for.
"""

# Note [One timer]
#
# To wind a timer at each request, or each read, would cost as much as the
# request does.  So there is one for each connection, which is not touched while
# requests come and go: when it rings, it is found out from what happened since
# whether it should have rung later, and it is wound for that.  Only where the
# end comes nearer (a head or a body of which the rest is missing) it is wound
# at once.

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from math import inf
from typing import Any

from attrs import define
from twisted.internet.interfaces import IReactorTime

from euca_tw.common.connections import ConnectionLimits

#: How long a client that is refused may go on sending before it is cut off.
LINGER_S = 5
#: How long one that is told goodbye may take to read it, where it may be idle
#: for ever.
_GOODBYE_S = 60


class Phase(Enum):
    """What is waited for."""

    IDLE = "a request"
    HEAD = "the rest of its head"
    BODY = "the rest of its body"
    ANSWERING = "the answer"
    REFUSED = "that the client reads the refusal and closes"
    CLOSING = "that the client reads the last answer"


@define(eq=False)
class Patience:
    """
    See Note [One timer].

    @ivar phase: to be changed by L{enter}, but back to idle at will.
    @ivar seen_s: when the client last did something.
    @ivar received: of the body that is being received.
    """

    _clock: IReactorTime
    _idle_s: float | None
    _limits: ConnectionLimits
    _ended: Callable[[], object]
    phase: Phase = Phase.IDLE
    seen_s: float = 0.0
    received: int = 0
    _began_s: float = 0.0
    _call: Any = None

    def start(self) -> None:
        """The connection is made."""
        self.seen()
        self._wind()

    def seen(self) -> None:
        """The client does something."""
        self.seen_s = self._clock.seconds()

    def enter(self, phase: Phase) -> None:
        """From now on, that is waited for."""
        if phase is not self.phase:
            self.phase, self.received = phase, 0
            self._began_s = self._clock.seconds()
            self._wind()

    def stop(self) -> None:
        """The connection is lost."""
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _until(self) -> float:
        phase, began_s = self.phase, self._began_s
        if phase is Phase.REFUSED:
            return began_s + LINGER_S
        silent_s = self._idle_s or inf
        if phase is Phase.CLOSING:
            silent_s = min(silent_s, _GOODBYE_S)
        until = self.seen_s + silent_s
        if phase is Phase.HEAD:
            return min(until, self._limits.head_until(began_s))
        if phase is Phase.BODY:
            return min(until, self._limits.body_until(began_s, self.received))
        return until

    def _wind(self) -> None:
        until = self._until()
        if self._call is None:
            if until < inf:
                left_s = max(0.0, until - self._clock.seconds())
                self._call = self._clock.callLater(left_s, self._look)
        elif until < self._call.getTime():
            self._call.reset(max(0.0, until - self._clock.seconds()))

    def _look(self) -> None:
        self._call = None
        if self._until() <= self._clock.seconds():
            self._ended()
        else:
            self._wind()

    def go_on(self) -> None:
        """Wait as long again, after the end."""
        self.seen()
        self._wind()


__all__ = ["LINGER_S", "Patience", "Phase"]
