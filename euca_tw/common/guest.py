"""
What one connection may cost: its place among the others, the time that it is
waited for, and its end.
"""

from __future__ import annotations

from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure

from euca_tw.common import refusals
from euca_tw.common.asked import Reply
from euca_tw.common.connections import TOLD_MOST, Place, TooManyConnections
from euca_tw.common.exchange import whole_head
from euca_tw.common.outgoing import unsent
from euca_tw.common.patience import Patience, Phase
from euca_tw.common.quick import QUICK_BODY
from euca_tw.common.strict import StrictChannel
from euca_tw.common.taking import Taking

T = TypeVar("T")


class GuestChannel(StrictChannel):
    """
    One connection, which has a place as long as it keeps to the limits.

    @ivar peer: the address that it comes from; empty where there is none.
    @ivar answering: the answer to its latest request.  It may go on after having
        been cancelled, if a thread is at it: till it ends, what it works on is
        accounted for.
    """

    transport: Any
    peer = ""
    answering: Deferred[None] | None = None
    _place: Place | None = None
    _is_plain = False
    #: That there is no place for it.
    _is_told = False
    #: What the client had not taken when that was looked at, and when.
    _stuck = (0, -1.0)
    #: How fast it takes what it has to; None if there is no limit, or was none.
    _taking: Taking | None = None

    def forget(self) -> None:
        """What came, and read on only to throw that away, too."""
        raise NotImplementedError

    def connectionMade(self) -> None:
        super().connectionMade()
        site = self.site
        self.peer = getattr(self.transport.getPeer(), "host", "") or ""
        # Neither TLS, which has its own writing, nor a test's.
        self._is_plain = isinstance(self.transport, Connection) and (
            not self.transport.TLS
        )
        limits = site.connections.limits
        self._patience = Patience(site.reactor, site.idle_s, limits, self._waited)
        self._patience.start()
        try:
            self._place = site.connections.enter(
                self.peer, self._make_way, self._patience.seen_s
            )
        except TooManyConnections as error:
            self._turn_away(str(error))

    def _turn_away(self, reason: str) -> None:
        """Of those that are told why there are not too many, either."""
        if self.site.connections.told >= TOLD_MOST:
            self._make_way()
        else:
            self.site.connections.told += 1
            self._is_told = True
            self.refuse(self.site.too_busy(None, reason))

    def _make_way(self) -> None:
        """At once: what still had to be sent would hold what another needs."""
        self._is_deaf = True
        self.transport.abortConnection()
        self.forget()

    def loseConnection(self) -> None:
        """When the client has taken what was written."""
        self._patience.enter(Phase.CLOSING)
        if self._place is not None:
            self.site.connections.idle(self._place, self._patience.seen_s)
        super().loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._is_deaf = True
        self.forget()
        self._patience.stop()
        if self._is_told:
            self._is_told = False
            self.site.connections.told -= 1
        super().connectionLost(reason)
        if self._place is not None:
            self.site.connections.leave(self._place)
        answering, self.answering = self.answering, None
        if answering is not None:
            answering.cancel()
            answering.addBoth(self._let_go)
        else:
            self._let_go(None)

    def _let_go(self, result: T) -> T:
        """Nobody has what came of a large body any more."""
        if self._place is not None:
            self.site.connections.hold(self._place, 0)
        return result

    def has_room(self, size: int) -> bool:
        place, connections = self._place, self.site.connections
        if size <= QUICK_BODY or place is None or size <= place.pending:
            return True
        if connections.hold(place, size):
            return True
        reason = "Too many large requests are being received or answered"
        self.refuse(self.site.too_busy(self.content_type(), reason))
        return False

    def refuse(self, reply: Reply) -> None:
        """
        Say it, then throw away what still comes, for a while: to close at once
        would reset the connection before the client has read why.
        """
        if self._is_deaf:
            return
        self._is_deaf = True
        self.forget()
        body = b"".join(reply.body)
        head = whole_head(reply, self.site.date(), len(body), True)
        self.transport.write(head + body)
        self._patience.enter(Phase.REFUSED)
        if self._place is not None:
            self.site.connections.hold(self._place, 0)
            self.site.connections.idle(self._place, self._patience.seen_s)
        if self._is_plain:
            network: Any = self._networkProducer
            network.unregisterProducer()
            self.transport.loseWriteConnection()

    def _waited(self) -> None:
        """As long as there is patience for."""
        patience = self._patience
        if patience.phase is Phase.HEAD:
            self.refuse(refusals.HEAD_TIMEOUT)
        elif patience.phase is Phase.BODY:
            self.refuse(refusals.BODY_TIMEOUT)
        elif patience.phase is Phase.REFUSED:
            self.transport.abortConnection()
        else:
            self._look_whether_stuck()

    def _look_whether_stuck(self) -> None:
        """Whether the client takes its answer, and fast enough."""
        phase, left = self._patience.phase, unsent(self.transport)
        before, looked_s = self._stuck
        is_same = looked_s == self._patience.seen_s
        # When it took the last of it is known where it was paused for that; else
        # it may have been long ago.
        is_known = self._waitingForTransport or (is_same and left)
        if (
            (is_same and before and left >= before)
            or (is_known and self.takes_slowly(left))
            or (phase is Phase.CLOSING and not left)
        ):
            self.transport.abortConnection()
        elif phase is Phase.IDLE and not left:
            self.loseConnection()
        else:
            self._patience.go_on()
            self._stuck = (left, self._patience.seen_s)
            if not is_known:
                self.must_take(left)

    def must_take(self, left: int) -> None:
        """From now on, the client is waited for: it has so much to take."""
        taking, idle_s = self._taking, self.site.idle_s
        if taking is None:
            rate = self.site.connections.limits.slowest_bytes_per_s
            if not (rate and idle_s):
                return
            taking = self._taking = Taking(rate, idle_s)
        taking.begin(self.site.reactor.seconds(), left)

    def takes_slowly(self, left: int) -> bool:
        """Whether it has been, for too long; so much is left of that."""
        taking = self._taking
        return taking is not None and taking.is_too_slow(
            self.site.reactor.seconds(), left
        )


__all__ = ["GuestChannel"]
