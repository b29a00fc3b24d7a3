"""
HTTP/1.1 connections.
"""

# Note [Two lanes]
#
# Nearly every request is GET or POST, of HTTP/1.1, with ordinary headers and a
# body of a known, small length.  Such a request is cut out of the stream by
# rules that are stricter than HTTP: whatever they do not allow, or that says
# anything about connections or encodings, goes to twisted.web's own parser,
# and so does all that follows on that connection.
# So the quick lane decides nothing that the careful one would decide otherwise;
# tests hold the two against each other.  Measured, it halves what a small
# request costs.

# Note [What is held]
#
# Of a connection there is never more in memory than
#  - of requests: a head and a small body that are not whole yet, or, while it is
#    answered or others have their turn, EAGER bytes of what follows; and what one
#    read brings in addition;
#  - of answers: the buffer that the transport fills before it asks for a pause,
#    and the piece that was written last, no longer than PART where we cut it.
# Larger bodies are accounted for by the site's L{Connections}.
# Reading is stopped while either is full: by L{Channel._set_reading} alone.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from euca_tw.common.exchange import QuickExchange
from euca_tw.common.guest import GuestChannel
from euca_tw.common.outgoing import LongAnswer, unsent, write_at_once
from euca_tw.common.patience import Phase
from euca_tw.common.quick import QUICK_BODY, Cut, Special

#: How much may lie ready while a request is being answered.
EAGER = 16384
#: How many requests of one connection are taken in one turn.
BATCH = 8

_IDLE = Phase.IDLE


class Channel(GuestChannel):
    """
    One connection.  See Note [Two lanes] and Note [What is held].
    """

    _is_quick = False
    _is_reading = True
    #: It has more to do, but it is the turn of others.
    _awaits_turn = False
    #: In one of the loops that take requests, to which all returns.
    _is_taking = False
    #: Of the quick lane.
    _current: QuickExchange | None = None
    #: How many requests of the careful lane there were in this turn.
    _in_turn = 0
    #: What is left of a long answer.
    _long: LongAnswer | None = None

    # --- beginning and end ---------------------------------------------------

    def connectionMade(self) -> None:
        self._cut = Cut(min(QUICK_BODY, self.site.max_body_bytes))
        # What is looked at for each request is cheaper to find here than in the
        # class.
        self._current, self._awaits_turn = None, False
        self._waitingForTransport = False
        self._is_quick = self.site.is_answer(self.site.resource)
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._long = None
        self.site.turns.leave(self)
        current, self._current = self._current, None
        if current is not None:
            current.lost()
        super().connectionLost(reason)

    def forget(self) -> None:
        self._is_quick = False
        self.clearLineBuffer()
        self._ahead = self._cut.held = b""
        self._set_reading()

    # --- the quick lane ------------------------------------------------------

    def dataReceived(self, data: bytes) -> None:
        self._patience.seen_s = self.site.reactor.seconds()
        if self._is_quick:
            cut = self._cut
            cut.held += data
            if self._current is None and not self._awaits_turn:
                self._take_requests()
            elif len(cut.held) > EAGER:
                self._set_reading()
        elif not self._is_deaf:
            self._feed(data)

    def _take_requests(self) -> None:
        """Those that are whole, until one must be waited for, or others had none."""
        self._is_taking = True
        cut, site, left = self._cut, self.site, BATCH
        while not (self._waitingForTransport or self.transport.disconnecting):
            if not left:
                self._ask_turn()
                break
            uncut = cut.held
            try:
                found = cut.request()
                if found is None:
                    break
                if not site.resource.is_answered(found[1]):
                    raise Special
            except Special:
                self._is_quick, cut.held = False, b""
                self._feed(uncut)
                return
            left -= 1
            exchange = self._current = QuickExchange(self, *found)
            site.resource.take(exchange)
            if not cut.held or self._current is not None:
                break
        self._is_taking = False
        if left < BATCH:
            patience, place = self._patience, self._place
            patience.phase = _IDLE
            if place is not None:
                site.connections.used(place, patience.seen_s)
        if cut.held or self._current is not None:
            self._settle()

    def exchange_done(self) -> None:
        """The current request of the quick lane is answered."""
        self._current = None
        if not self._is_taking:
            self._patience.seen()
            self._go_on()

    # --- the careful lane ----------------------------------------------------

    def _feed(self, data: bytes) -> None:
        self._is_taking, self._in_turn = True, 0
        self.parse(data)
        self._is_taking = False
        self._settle()
        self._set_reading()

    def body_grows(self, received: int) -> bool:
        """
        So much of the body has come.

        @return: whether there is room for it; if not, the client was told.
        """
        self._patience.received = received
        return self.has_room(received)

    def requestDone(self, request: Any) -> None:
        """The current request of the careful lane is answered."""
        if self._place is not None:
            self.site.connections.hold(self._place, 0)
        self._patience.seen()
        self._in_turn += 1
        if self.persistent and self._waitingForTransport:
            self.paused = True
        elif self.persistent and self._in_turn >= BATCH:
            self.paused = True
            self._ask_turn()
        super().requestDone(request)
        if not self._waitingForTransport:
            self._is_reading = True
        if self.persistent:
            self._become_idle()
            if not self._is_taking:
                self._go_on()

    # --- both ----------------------------------------------------------------

    def _ask_turn(self) -> None:
        self._awaits_turn = True
        self.site.turns.ask(self, self._has_turn)

    def _has_turn(self) -> None:
        self._awaits_turn = False
        self._go_on()

    def _go_on(self) -> None:
        """With what was put off, if there is nothing in its way any more."""
        if self._is_taking or self._awaits_turn or self._is_deaf:
            return
        if self._is_quick:
            if self._current is None:
                self._become_idle()
                if self._cut.held:
                    self._take_requests()
        elif not self._handlingRequest and not self._waitingForTransport:
            self.paused = False
            self._become_idle()
            data, self._ahead = self._ahead, b""
            self._feed(data)
        self._set_reading()

    def _become_idle(self) -> None:
        """Till it is found that there is more."""
        self._patience.phase = _IDLE
        if self._place is not None:
            self.site.connections.idle(self._place, self._patience.seen_s)

    def _settle(self) -> None:
        """Say what is waited for, after all that came was looked at."""
        if self._is_deaf or self.transport.disconnecting:
            return
        phase, place = self._phase(), self._place
        if phase is Phase.HEAD and self.is_hopeless():
            return
        self._patience.enter(phase)
        if place is None:
            return
        if phase is Phase.BODY or self._waitingForTransport:
            self.site.connections.halfway(place)
        elif phase is Phase.ANSWERING:
            self.site.connections.answering(place)

    def _phase(self) -> Phase:
        if self._awaits_turn or self._waitingForTransport:
            return Phase.ANSWERING
        if not self._is_quick:
            return self.phase()
        if self._current is not None:
            return Phase.ANSWERING
        self._patience.received = self._cut.received
        if self._cut.wanted:
            return Phase.BODY
        return Phase.HEAD if self._cut.held else _IDLE

    def _set_reading(self) -> None:
        """No more is read than can be looked at, or while answers are not taken."""
        if self.transport.disconnecting:
            return
        if self._is_quick:
            is_behind = self._current is not None or self._awaits_turn
            is_full = is_behind and len(self._cut.held) > EAGER
        else:
            is_full = len(self._ahead) > EAGER
        wanted = self._is_deaf or not (is_full or self._waitingForTransport)
        if wanted != self._is_reading:
            self._is_reading = wanted
            if wanted:
                self._networkProducer.resumeProducing()
            else:
                self._networkProducer.pauseProducing()

    # --- writing -------------------------------------------------------------

    def write_at_once(self, data: bytes) -> None:
        """See L{outgoing.write_at_once}."""
        write_at_once(self.transport, self._is_plain, data)

    def write_long(self, head: bytes, body: bytes, done: Callable[[], object]) -> None:
        """An answer, in parts as the client takes them, and then C{done}."""
        self._long = LongAnswer(memoryview(body), done)
        self.transport.write(head)
        self._write_on()

    def _write_on(self) -> None:
        while (long := self._long) is not None and not self._waitingForTransport:
            part = long.part()
            if part:
                self.transport.write(part)
            else:
                self._long = None
                long.done()

    def pauseProducing(self) -> None:
        """The transport has enough to send."""
        if not self._waitingForTransport:
            self._waitingForTransport = True
            self.must_take(unsent(self.transport))
        if self._requestProducer is not None:
            self._requestProducer.pauseProducing()
        if self._place is not None:
            self.site.connections.halfway(self._place)
        self._set_reading()

    def resumeProducing(self) -> None:
        """The client has taken all of that."""
        if self.takes_slowly(unsent(self.transport)):
            self._make_way()
            return
        self._waitingForTransport, self._stuck = False, (0, -1.0)
        self._patience.seen()
        if self._requestProducer is not None:
            self._requestProducer.resumeProducing()
        self._write_on()
        if not self._waitingForTransport:
            self._go_on()
            self._settle()
            self._set_reading()


__all__ = ["BATCH", "EAGER", "Channel"]
