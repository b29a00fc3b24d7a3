"""
HTTP/1.1 connections, and where they come from.
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

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, cast

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.internet.tcp import Connection
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import Site

from euca_tw.common.asked import Reply
from euca_tw.common.exchange import CarefulExchange, QuickExchange, status_and_type

#: How long a client that is told 413 may go on sending before it is cut off.
LINGER_S = 5
#: The longest head, and the longest body, of the quick lane.
QUICK_HEAD = 16384
QUICK_BODY = 65536
#: How much may lie ready while a request is being answered.
EAGER = 65536
#: No body that we take has a length of more digits; C{int} of a longer text
#: would take its time, or raise.
_LENGTH_DIGITS = 18

_match_first = re.compile(r"(GET|POST) ([!-~]+) HTTP/1\.1").fullmatch
_is_token = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+").fullmatch
#: What may stand in a line.
_IN_LINES = bytes([9, *range(32, 127), *range(128, 256)])
#: Headers that only the careful lane understands.
_SPECIAL = frozenset({"transfer-encoding", "expect", "upgrade"})

#: What is said to a body that is too large, by its content type.
TooLarge = Callable[[str | None], Reply]


class _Special(Exception):
    """A request that the quick lane leaves alone."""


@define(eq=False)
class _Cut:
    """
    Cuts requests out of what has come.

    @ivar _max_body: of the quick lane.
    @ivar held: what belongs to no request yet.
    @ivar _wanted: how much of it there must be before it is worth a look.
    """

    _max_body: int
    held: bytes = b""
    _wanted: int = 0

    def request(self) -> tuple[str, bytes, dict[str, str], bytes] | None:
        """
        Method, target, headers and body of the next request that is whole.

        @raise _Special: it is none for the quick lane.
        """
        if len(self.held) < self._wanted:
            return None
        end = self.held.find(b"\r\n\r\n", 0, QUICK_HEAD)
        if end < 0:
            # A line without the head's end: it may be wrong already.
            if len(self.held) > QUICK_HEAD or b"\r\n" in self.held:
                raise _Special
            return None
        method, target, headers = _head(self.held[:end])
        start = end + 4
        end = start + _length(headers, self._max_body)
        if len(self.held) < end:
            self._wanted = end
            return None
        body = self.held[start:end]
        self.held, self._wanted = self.held[end:], 0
        return method, target, headers, body


def _head(head: bytes) -> tuple[str, bytes, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    found = _match_first(first)
    if found is None or head.translate(None, _IN_LINES) != b"\r\n" * len(lines):
        raise _Special
    headers: dict[str, str] = {}
    for line in lines:
        written, colon, value = line.partition(":")
        name = _name(written)
        if not colon:
            raise _Special
        value = value.strip(" \t")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return found[1], found[2].encode("ascii"), headers


@lru_cache(maxsize=1024)
def _name(written: str) -> str:
    if not _is_token(written) or len(written) > 100:
        raise _Special
    return written.lower()


def _length(headers: dict[str, str], longest: int) -> int:
    """
    How long the body is.

    @raise _Special: that is not to be said simply, or much.
    """
    if not _SPECIAL.isdisjoint(headers):
        raise _Special
    if headers.get("connection", "keep-alive").lower() != "keep-alive":
        raise _Special
    said = headers.get("content-length", "0")
    if not (said.isascii() and said.isdigit() and len(said) <= _LENGTH_DIGITS):
        raise _Special
    length = int(said)
    if length > longest:
        raise _Special
    return length


class Channel(HTTPChannel):
    """
    One connection.  See Note [Two lanes]; in either, bodies that are too large
    are refused before they are read.
    """

    site: AnswerSite
    transport: Any
    peer = ""
    _is_quick = False
    _is_refusing = False
    _is_cutting = False
    _is_paused = False
    _is_plain = False
    _current: QuickExchange | None = None
    _seen_s = 0.0

    def connectionMade(self) -> None:
        super().connectionMade()
        self.peer = getattr(self.transport.getPeer(), "host", "")
        self._cut = _Cut(min(QUICK_BODY, self.site.max_body_bytes))
        self._is_quick = self.site.is_answer(self.site.resource)
        # Neither TLS, which has its own writing, nor a test's.
        self._is_plain = isinstance(self.transport, Connection) and (
            not self.transport.TLS
        )

    def dataReceived(self, data: bytes) -> None:
        if self._is_quick:
            self._cut.held += data
            self._seen_s = self.site.reactor.seconds()
            if self._current is None:
                self._take_requests()
            elif len(self._cut.held) > EAGER:
                self._is_paused = True
                self.transport.pauseProducing()
        elif not self._is_refusing:
            super().dataReceived(data)

    def _take_requests(self) -> None:
        """Those that are whole, until one must be waited for."""
        self._is_cutting = True
        cut = self._cut
        while cut.held and self._current is None and not self.transport.disconnecting:
            uncut = cut.held
            try:
                found = cut.request()
                if found is None:
                    break
                if not self.site.resource.is_answered(found[1]):
                    raise _Special
            except _Special:
                self._is_quick = False
                self.setTimeout(self.site.idle_s)
                super().dataReceived(uncut)
                break
            exchange = self._current = QuickExchange(self, *found)
            self.site.resource.take(exchange)
        self._is_cutting = False

    def write_at_once(self, data: bytes) -> None:
        """
        Write an answer without waiting for the reactor to find the connection
        writable: it nearly always is, and to ask costs as much as a small
        answer does.  What it does not take now goes the usual way, and so does
        all that comes while some of that waits.
        """
        transport = self.transport
        if self._is_plain and not (transport.dataBuffer or transport._tempDataBuffer):
            taken = transport.writeSomeData(data)
            # What is no number is a connection that was lost.
            data = data[taken:] if isinstance(taken, int) else data
        if data:
            transport.write(data)

    def exchange_done(self) -> None:
        """The current request is answered."""
        self._current = None
        self._seen_s = self.site.reactor.seconds()
        if self._is_paused:
            self._is_paused = False
            self.transport.resumeProducing()
        if not self._is_cutting:
            self._take_requests()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        current, self._current = self._current, None
        if current is not None:
            current.lost()

    def headerReceived(self, line: bytes) -> bool:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            digits = value.strip(b" \t")
            if len(digits) > _LENGTH_DIGITS and digits.isdigit():
                self.refuse_body()
                return False
        return cast(bool, super().headerReceived(line))

    def allHeadersReceived(self) -> None:
        if self.length is not None and self.length > self.site.max_body_bytes:
            self.refuse_body()
        else:
            super().allHeadersReceived()

    def _content_type(self) -> str | None:
        """Of the request whose head is being read, as far as it is known."""
        said = self.requests[-1].requestHeaders.getRawHeaders(b"content-type")
        return said[0].decode("latin-1") if said else None

    def refuse_body(self) -> None:
        """
        Say 413, then throw away what still comes, for a while: to close at
        once would reset the connection before the client has read why.
        """
        self._is_refusing = True
        self.clearLineBuffer()
        reply = self.site.too_large(self._content_type())
        body = b"".join(reply.body)
        self.transport.writeSequence(
            (
                status_and_type(reply.status, reply.content_type),
                b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body),
                body,
            )
        )
        self.setTimeout(LINGER_S)

    def timeoutConnection(self) -> None:
        """
        The quick lane does not wind the clock at each request; so it is asked
        here whether the connection has been silent for that long.
        """
        idle_s = self.site.idle_s
        if self._is_refusing:
            self.transport.abortConnection()
        elif self._is_quick and self._current is not None:
            self.setTimeout(idle_s)
        elif self._is_quick and self._silent_s() < idle_s:
            self.setTimeout(idle_s - self._silent_s())
        else:
            super().timeoutConnection()

    def _silent_s(self) -> float:
        return self.site.reactor.seconds() - self._seen_s


class AnswerSite(Site):
    """
    HTTP/1.1 only, and without an access log.

    @ivar is_answer: whether a resource is one that takes exchanges itself.
    """

    protocol: Any = Channel
    requestFactory = CarefulExchange
    resource: Any
    idle_s: Any

    def __init__(
        self,
        resource: Resource,
        max_body_bytes: int,
        too_large: TooLarge,
        idle_s: float | None,
        clock: IReactorTime,
    ) -> None:
        super().__init__(resource, reactor=clock, parsePOSTFormSubmission=False)
        self.timeOut = self.idle_s = idle_s
        self.max_body_bytes = max_body_bytes
        self.too_large = too_large
        self._dated_at = -1
        self._date = b""

    @staticmethod
    def is_answer(resource: Resource) -> bool:
        return hasattr(resource, "is_answered")

    def date(self) -> bytes:
        """What the header of that name says; made once a second."""
        now = int(self.reactor.seconds())
        if now != self._dated_at:
            self._dated_at = now
            self._date = datetimeToString(now)
        return self._date

    def startFactory(self) -> None:
        """Nothing to start: there is no log."""

    def stopFactory(self) -> None:
        """Nothing to stop."""

    def log(self, request: Any) -> None:
        """Requests are told of by who answers them, if need be."""

    def acceptableProtocols(self) -> list[bytes]:
        return [b"http/1.1"]


__all__ = ["LINGER_S", "QUICK_BODY", "QUICK_HEAD", "AnswerSite", "Channel"]
