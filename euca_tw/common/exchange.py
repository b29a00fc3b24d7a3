"""
One request and its answer on the wire, in two ways that look alike.

L{CarefulExchange} is twisted.web's request, which can do everything;
L{QuickExchange} does what nearly all requests need, at a fraction of the
price.  Which of the two it is, the channel decides.
"""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Any

from attrs import define
from twisted.internet.defer import Deferred
from twisted.web.http import RESPONSES
from twisted.web.http_headers import Headers, InvalidHeaderName
from twisted.web.server import Request

from euca_tw.common.asked import Asked, Reply
from euca_tw.common.outgoing import PART

_REASONS = {**RESPONSES, 431: b"Request Header Fields Too Large"}


@lru_cache(maxsize=64)
def status_and_type(status: int, content_type: str) -> bytes:
    """The first two lines of a reply."""
    reason = _REASONS.get(status, b"Unknown Status")
    kind = b" ".join(content_type.encode("latin-1").splitlines())
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n" % (status, reason, kind)


def whole_head(reply: Reply, date: bytes, length: int | None, is_last: bool) -> bytes:
    """
    The head of a reply whose body is at hand.

    @param length: None if it is not known.
    @param is_last: the connection is closed after it.
    """
    lines = [
        status_and_type(reply.status, reply.content_type),
        b"Date: %s\r\n" % date,
    ]
    if reply.headers:
        lines.append(_further(reply))
    if is_last:
        lines.append(b"Connection: close\r\n")
    if length is not None:
        lines.append(b"Content-Length: %d\r\n" % length)
    lines.append(b"\r\n")
    return b"".join(lines)


def _further(reply: Reply) -> bytes:
    """Its own headers; L{Headers} sees to it that each is one line."""
    headers = Headers()
    for name, value in reply.headers:
        headers.addRawHeader(name, value)
    return b"".join(
        b"%s: %s\r\n" % (name, value)
        for name, values in headers.getAllRawHeaders()
        for value in values
    )


@define(eq=False)
class QuickExchange:
    """
    Of a request that is whole, and says nothing special; the connection goes
    on after it.

    """

    _channel: Any
    method: str
    target: bytes
    _headers: dict[str, str]
    _body: bytes
    is_lost: bool = False
    is_head = False

    def asked(self) -> Asked:
        return Asked(
            self.method, self.target, self._header, self._body, self._channel.peer
        )

    def _header(self, name: str) -> str | None:
        return self._headers.get(name.lower())

    def answer_whole(self, reply: Reply, body: bytes, is_all: bool) -> None:
        """C{body} is all there is."""
        channel = self._channel
        head = whole_head(reply, channel.site.date(), len(body), False)
        if len(body) > PART:
            channel.write_long(head, body, channel.exchange_done)
            return
        channel.write_at_once(head + body)
        channel.exchange_done()

    def begin(self, reply: Reply) -> None:
        """The head of an answer in chunks."""
        lines = (
            status_and_type(reply.status, reply.content_type),
            b"Date: %s\r\n" % self._channel.site.date(),
            _further(reply),
            b"Transfer-Encoding: chunked\r\n\r\n",
        )
        self._channel.transport.write(b"".join(lines))

    def write(self, piece: bytes) -> None:
        if piece:
            self._channel.transport.writeSequence(
                (b"%x\r\n" % len(piece), piece, b"\r\n")
            )

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self._channel.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        self._channel.unregisterProducer()

    def finish(self) -> None:
        self._channel.transport.write(b"0\r\n\r\n")
        self._channel.exchange_done()

    def hang_up(self) -> None:
        """So that what was sent is not taken for the whole."""
        self._channel.transport.abortConnection()

    def runs(self, answering: Deferred[None]) -> None:
        """It is being answered, which is cancelled when the client goes away."""
        self._channel.answering = answering

    def lost(self) -> None:
        """The client goes away."""
        self.is_lost = True


class CarefulExchange(Request):
    """A request that parses nothing by itself, and its answer."""

    #: Of ours, which twisted.web cannot know.
    channel: Any
    site: Any
    transport: Any
    content: BytesIO
    _is_refused = False

    def parseCookies(self) -> None:
        """We set none, so none are for us."""

    def gotLength(self, length: int | None) -> None:
        """A length that is announced has been judged by the channel."""
        self.content = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Where no length is announced, each chunk may be the one too many."""
        if self._is_refused:
            return
        received = self.content.tell() + len(data)
        if received > self.channel.site.max_body_bytes:
            self._is_refused = True
            self.channel.refuse_large()
        elif self.channel.body_grows(received):
            self.content.write(data)
        else:
            self._is_refused = True

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self._is_refused:
            return
        self.method, self.uri, self.clientproto = command, path, version
        self.path, self.args = path.partition(b"?")[0], {}
        self.site = self.channel.site
        if self.site.is_answer(self.site.resource):
            self.site.resource.render(self)
        else:
            self.process()

    @property
    def target(self) -> bytes:
        return self.uri

    @property
    def is_head(self) -> bool:
        return self.method == b"HEAD"

    @property
    def is_lost(self) -> bool:
        """Whether there is nobody left to answer."""
        return self.channel is None

    def runs(self, answering: Deferred[None]) -> None:
        """See L{QuickExchange}."""
        self.channel.answering = answering

    def asked(self) -> Asked:
        return Asked(
            self.method.decode("latin-1"),
            self.uri,
            self._header,
            self.content.getvalue(),
            getattr(self.client, "host", ""),
        )

    def _header(self, name: str) -> str | None:
        try:
            values = self.requestHeaders.getRawHeaders(name.encode("latin-1"))
        except (UnicodeEncodeError, InvalidHeaderName):
            return None
        return None if values is None else b",".join(values).decode("latin-1")

    def answer_whole(self, reply: Reply, body: bytes, is_all: bool) -> None:
        """
        Head and body in one write.

        @param is_all: C{body} is all there is, so that its length may be told.
        """
        head = whole_head(
            reply,
            self.site.date(),
            len(body) if is_all else None,
            not self.channel.persistent,
        )
        self.startedWriting = 1
        if len(body) > PART and not self.is_head:
            self.channel.write_long(head, body, self.finish)
            return
        self.channel.write(head if self.is_head else head + body)
        self.finish()

    def begin(self, reply: Reply) -> None:
        """The head of an answer whose length is not known."""
        self.setResponseCode(reply.status)
        self.setHeader(b"Date", self.site.date())
        self.setHeader(b"Content-Type", reply.content_type)
        for name, value in reply.headers:
            self.responseHeaders.addRawHeader(name, value)

    def hang_up(self) -> None:
        """So that what was sent is not taken for the whole."""
        self.transport.abortConnection()


Exchange = QuickExchange | CarefulExchange

__all__ = [
    "CarefulExchange",
    "Exchange",
    "QuickExchange",
    "status_and_type",
    "whole_head",
]
