"""
The HTTP shell around both front ends: bytes in, bytes out.

A front end is an L{Answer}: what was L{Asked} goes in, a L{Reply} comes out,
and it never sees twisted.web.  What twisted.web would parse by itself (forms,
cookies, query arguments) is left alone: a signature is over the raw bytes, and
that parsing is dearer than all the rest of a small request.

What a client can do wrong at this level (no HTTP at all, a body without end,
going away) ends its connection, and nothing else: no traceback, no memory held.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from itertools import chain
from typing import Any, cast

from attrs import define, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import CooperativeTask, Cooperator, TaskFinished
from twisted.logger import Logger
from twisted.web.http import RESPONSES, HTTPChannel, datetimeToString
from twisted.web.http_headers import InvalidHeaderName
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request, Site

#: How long a client that is told 413 may go on sending before it is cut off.
LINGER_S = 5
IDLE_S = 60
#: No body that we take has a length of more digits; C{int} of a longer text
#: would take its time, or raise.
_LENGTH_DIGITS = 18


@frozen
class Asked:
    """
    One request, as it came.

    @ivar target: of the request line: path, C{?} and raw query.
    @ivar headers: gives the text of the header of that name (in any case), its
        values joined by commas; None if it is not there.
    @ivar peer: the address that the request came from.
    """

    method: str
    target: bytes
    headers: Callable[[str], str | None]
    body: bytes
    peer: str = ""


@frozen
class Reply:
    """
    @ivar body: pieces; none is asked for before the last one is on its way.
    @ivar headers: further ones, besides those that the shell writes itself.
    """

    status: int
    content_type: str
    body: Iterable[bytes]
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[Asked], Awaitable[Reply]]

_FAILED = Reply(500, "text/plain;charset=UTF-8", (b"Internal Server Error\n",))


class AnswerResource(Resource):
    """
    An L{Answer} in a tree of resources; only below a site of L{make_site}.

    If the client goes away, the answer is cancelled.  A failure before the
    first byte is status 500, later it cuts the connection.
    """

    isLeaf = True
    _log = Logger()

    def __init__(self, answer: Answer, cooperator: Cooperator) -> None:
        """@param cooperator: makes the pieces of long replies, step by step."""
        super().__init__()
        self._answer = answer
        self._cooperator = cooperator

    def render(self, request: Any) -> int:
        running = Deferred.fromCoroutine(self._exchange(cast("_Exchange", request)))
        if not running.called:
            request.notifyFinish().addErrback(lambda lost: running.cancel())
        return NOT_DONE_YET

    async def _exchange(self, request: _Exchange) -> None:
        try:
            reply = await self._answer(request.asked())
            first, rest = _opened(reply.body)
        except Exception as error:
            if request.is_lost and isinstance(error, CancelledError):
                return
            self._log.failure("Answering {target} failed", target=request.uri)
            reply, first, rest = _FAILED, b"".join(_FAILED.body), None
        if request.is_lost:
            pass
        elif rest is None or request.method == b"HEAD":
            request.answer_whole(reply, first, rest is None)
        else:
            await self._stream(request, reply, chain((first,), rest))

    async def _stream(
        self, request: _Exchange, reply: Reply, pieces: Iterator[bytes]
    ) -> None:
        request.begin(reply)
        try:
            await self._write(request, pieces)
        except Exception:
            if request.is_lost:
                return
            self._log.failure("Answering {target} broke off", target=request.uri)
            request.hang_up()
        else:
            request.finish()

    async def _write(self, request: _Exchange, pieces: Iterator[bytes]) -> None:
        """Write piece by piece, as fast as the client takes them."""
        task = self._cooperator.cooperate(request.write(each) for each in pieces)
        request.registerProducer(_Flow(task), True)
        try:
            await task.whenDone()
        finally:
            if not request.is_lost:
                request.unregisterProducer()
            with suppress(TaskFinished):
                task.stop()


def _opened(body: Iterable[bytes]) -> tuple[bytes, Iterator[bytes] | None]:
    """The whole body, if it is of one piece; else its first, and the rest."""
    pieces = iter(body)
    first = next(pieces, b"")
    second = next(pieces, None)
    return first, None if second is None else chain((second,), pieces)


@define(eq=False)
class _Flow:
    """Holds the writing task back while the client does not read."""

    _task: CooperativeTask[Any]
    _is_held: bool = False

    def pauseProducing(self) -> None:
        if not self._is_held:
            self._is_held = True
            self._task.pause()

    def resumeProducing(self) -> None:
        if self._is_held:
            self._is_held = False
            self._task.resume()

    def stopProducing(self) -> None:
        """The connection is lost, which the request will be told."""


class _Exchange(Request):
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
        if self.content.tell() + len(data) > self.channel.site.max_body_bytes:
            self._is_refused = True
            self.channel.refuse_body()
            return
        self.content.write(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self._is_refused:
            return
        self.method, self.uri, self.clientproto = command, path, version
        self.path, self.args = path.partition(b"?")[0], {}
        self.site = self.channel.site
        if isinstance(self.site.resource, AnswerResource):
            self.site.resource.render(self)
        else:
            self.process()

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

    @property
    def is_lost(self) -> bool:
        """Whether there is nobody left to answer."""
        return self.channel is None

    def answer_whole(self, reply: Reply, body: bytes, is_all: bool) -> None:
        """
        Head and body in one write.

        @param is_all: C{body} is all there is, so that its length may be told.
        """
        head = [
            _head(reply.status, reply.content_type),
            b"Date: %s\r\n" % self.site.date(),
        ]
        if reply.headers:
            for name, value in reply.headers:
                self.responseHeaders.addRawHeader(name, value)
            for raw_name, values in self.responseHeaders.getAllRawHeaders():
                head += (b"%s: %s\r\n" % (raw_name, each) for each in values)
        elif not self.channel.persistent:
            head.append(b"Connection: close\r\n")
        if is_all:
            head.append(b"Content-Length: %d\r\n" % len(body))
        head.append(b"\r\n")
        if self.method != b"HEAD":
            head.append(body)
        self.channel.write(b"".join(head))
        self.startedWriting = 1
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


@lru_cache(maxsize=64)
def _head(status: int, content_type: str) -> bytes:
    reason = RESPONSES.get(status, b"Unknown Status")
    kind = content_type.encode("latin-1")
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\n" % (status, reason, kind)


class _Channel(HTTPChannel):
    """Refuses bodies that are too large before they are read."""

    site: _Site
    transport: Any
    _is_refusing = False

    def dataReceived(self, data: bytes) -> None:
        if not self._is_refusing:
            super().dataReceived(data)

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

    def refuse_body(self) -> None:
        """
        Say 413, then throw away what still comes, for a while: to close at
        once would reset the connection before the client has read why.
        """
        self._is_refusing = True
        self.clearLineBuffer()
        reply = self.site.too_large
        body = b"".join(reply.body)
        self.transport.writeSequence(
            (
                _head(reply.status, reply.content_type),
                b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body),
                body,
            )
        )
        self.setTimeout(LINGER_S)

    def timeoutConnection(self) -> None:
        if self._is_refusing:
            self.transport.abortConnection()
        else:
            super().timeoutConnection()


class _Site(Site):
    """HTTP/1.1 only, and without an access log."""

    protocol: Any = _Channel
    requestFactory = _Exchange

    def __init__(
        self,
        resource: Resource,
        max_body_bytes: int,
        too_large: Reply,
        idle_s: float,
        clock: IReactorTime,
    ) -> None:
        super().__init__(
            resource, timeout=idle_s, reactor=clock, parsePOSTFormSubmission=False
        )
        self.max_body_bytes = max_body_bytes
        self.too_large = too_large
        self._dated_at = -1
        self._date = b""

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


def make_site(
    resource: Resource,
    max_body_bytes: int,
    clock: IReactorTime,
    *,
    too_large: Reply | None = None,
    idle_s: float = IDLE_S,
) -> Site:
    """
    The factory to listen with.

    @param resource: an L{AnswerResource} for every path (the fast way), or a
        tree of them and others.  C{request.args} is always empty.
    @param max_body_bytes: a longer body is refused with status 413 before it
        is read.
    @param too_large: what is said then.
    @param idle_s: how long a connection may be silent between requests, or
        within one.
    """
    if too_large is None:
        text = f"The request is larger than {max_body_bytes} bytes\n"
        too_large = Reply(413, "text/plain;charset=UTF-8", (text.encode(),))
    return _Site(resource, max_body_bytes, too_large, idle_s, clock)


__all__ = ["Answer", "AnswerResource", "Asked", "Reply", "make_site"]
