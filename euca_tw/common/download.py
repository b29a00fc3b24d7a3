"""
Files from the web.

A download that is broken off goes on from where it was: by a range, under the
condition (If-Range) that the file is still the same.  Where the server cannot
do that it begins anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from attrs import Factory, define, frozen
from twisted.internet.defer import TimeoutError as WaitedTooLong
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.web.client import ResponseFailed
from twisted.web.error import SchemeNotSupported
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IAgent, IResponse

from euca_tw.common.body import (
    BrokenOff,
    DownloadFailed,
    Receiver,
    Written,
    too_large,
)
from euca_tw.common.in_thread import InThread

_FOUND, _PART, _NO_SUCH_PART = 200, 206, 416
_SAFE = re.compile(r"[!-~]+\Z")
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)\Z")
_LONGEST_PAUSE_S = 30.0
#: After so much more has come, a server is given all its tries again.
_ENOUGH_BYTES = 1 << 20

#: Told of the length that is to come, or None, before the first piece.
Begin = Callable[[int | None], Any]

__all__ = ["DownloadFailed", "Downloaded", "download", "is_web_address"]


@frozen(kw_only=True)
class Downloaded:
    """@ivar sha256: hex, of all the bytes."""

    size_bytes: int
    sha256: str


async def download(
    agent: IAgent,
    clock: IReactorTime,
    in_thread: InThread,
    url: str,
    write: Callable[[bytes], Any],
    *,
    largest_bytes: int,
    idle_s: float,
    begin: Begin | None = None,
    tries: int = 1,
) -> Downloaded:
    """
    @param write: called with the pieces, in their order, in a thread.
    @param idle_s: how long the server may say nothing.
    @param begin: called in a thread before the first piece, and again when all
        that was written is void, for all comes again from its beginning; None:
        that cannot be.
    @param tries: how often in turn it may be broken off, after it has begun,
        and nothing come of it.
    @raise DownloadFailed: it cannot be had, or C{write} or C{begin} raised
        L{OSError}.
    """
    one = _Download(
        agent=agent,
        clock=clock,
        in_thread=in_thread,
        url=url,
        write=write,
        largest_bytes=largest_bytes,
        idle_s=idle_s,
        begin=begin,
    )
    left, furthest = tries, 0
    while True:
        try:
            await one.go_on()
        except BrokenOff:
            if one.written.size_bytes >= furthest + _ENOUGH_BYTES:
                left = tries
            furthest = max(furthest, one.written.size_bytes)
            left -= 1
            if left <= 0 or not furthest:
                raise
            pause_s = min(2.0 ** (tries - left - 1), _LONGEST_PAUSE_S)
            await deferLater(clock, pause_s)
        else:
            return Downloaded(
                size_bytes=one.written.size_bytes,
                sha256=one.written.digest.hexdigest(),
            )


@define(eq=False, kw_only=True)
class _Download:
    """
    @ivar same_as: what a further part must be of: a strong ETag or a date; C{""}
        if the server names neither, and then there are no parts.
    @ivar total: how long all of it is, if that is known.
    """

    agent: IAgent
    clock: IReactorTime
    in_thread: InThread
    url: str
    write: Callable[[bytes], Any]
    largest_bytes: int
    idle_s: float
    begin: Begin | None
    written: Written = Factory(Written)
    same_as: str = ""
    total: int | None = None

    async def go_on(self) -> None:
        """
        From the beginning, or from where it was.

        @raise BrokenOff: may be tried again.
        @raise DownloadFailed:
        """
        offset = self.written.size_bytes if self.same_as else 0
        response = await self._ask(offset)
        refusal: DownloadFailed | None = None
        try:
            await self._judge(response, offset)
        except DownloadFailed as error:
            refusal = error
        except OSError as error:
            refusal = DownloadFailed(f"it cannot be written: {error.strerror}")
        except BaseException:
            # Given up, or not ours: the server is left all the same.
            self._leave(response)
            raise
        # A short body is delivered whole within deliverBody: so what is to be
        # refused must be known to the receiver before.
        receiver = self._receiver(refusal)
        response.deliverBody(receiver)
        await receiver.finished

    def _leave(self, response: IResponse) -> None:
        """Hear no more of it."""
        receiver = self._receiver(DownloadFailed("it was given up"))
        receiver.finished.addErrback(lambda _: None)
        response.deliverBody(receiver)

    def _receiver(self, refusal: DownloadFailed | None) -> Receiver:
        return Receiver(
            self.clock,
            self.in_thread,
            self.write,
            self.largest_bytes,
            self.idle_s,
            refusal,
            self.written,
        )

    async def _ask(self, offset: int) -> IResponse:
        if not is_web_address(self.url):
            raise DownloadFailed("its address is no web address")
        headers = Headers({"User-Agent": ["euca_tw"]})
        if offset:
            headers.setRawHeaders("Range", [f"bytes={offset}-"])
            headers.setRawHeaders("If-Range", [self.same_as])
        try:
            asked = self.agent.request(b"GET", self.url.encode("ascii"), headers, None)
            return await asked.addTimeout(self.idle_s, self.clock)
        except SchemeNotSupported as error:
            raise DownloadFailed("its address is no web address") from error
        except WaitedTooLong as error:
            raise BrokenOff("the web server did not answer") from error
        except DNSLookupError as error:
            raise BrokenOff("the web server's name is not known") from error
        except ConnectError as error:
            raise BrokenOff("the web server cannot be reached") from error
        except ResponseFailed as error:
            raise BrokenOff("it did not answer as a web server does") from error

    async def _judge(self, response: IResponse, offset: int) -> None:
        """
        Whether what comes can be written where we are; if it is the file from
        its beginning, we go there.
        """
        if response.code == _PART and offset:
            if not self._fits(response, offset):
                self.same_as = ""
                raise BrokenOff("the web server gave another part than was asked for")
        elif response.code == _FOUND:
            await self._begin(response)
        elif response.code == _NO_SUCH_PART and offset:
            self.same_as = ""
            raise BrokenOff("the web server no longer has the rest")
        else:
            said = response.phrase.decode("latin-1")
            kind = BrokenOff if response.code >= 500 else DownloadFailed
            raise kind(f"the web server answered {response.code} {said}")

    def _fits(self, response: IResponse, offset: int) -> bool:
        said = _RANGE.match(_header(response, "Content-Range"))
        named = (_header(response, "ETag"), _header(response, "Last-Modified"))
        return (
            said is not None
            and int(said[1]) == offset
            and (self.total is None or said[3] in ("*", str(self.total)))
            # Of a part the date may be left out.
            and (not any(named) or self.same_as in named)
        )

    async def _begin(self, response: IResponse) -> None:
        length = None if response.length is UNKNOWN_LENGTH else int(response.length)
        if length is not None and length > self.largest_bytes:
            raise too_large(self.largest_bytes)
        if self.written.size_bytes and self.begin is None:
            raise DownloadFailed("the web server broke off")
        tag = _header(response, "ETag")
        date = _header(response, "Last-Modified")
        self.same_as = tag if tag and not tag.startswith("W/") else date
        self.total = length
        self.written = Written()
        begin = self.begin
        if begin is not None:
            await self.in_thread(lambda: begin(length))


def _header(response: IResponse, name: str) -> str:
    headers: Headers | None = response.headers
    values = headers.getRawHeaders(name) if headers is not None else None
    return values[-1] if values else ""


def is_web_address(url: str) -> bool:
    """Whether it is an absolute http(s) URL with a host, and can be asked for."""
    try:
        parts = urlsplit(url)
        has_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https") and has_host and _SAFE.match(url) is not None
    )
