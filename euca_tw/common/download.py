"""
Files from the web, written in a thread as they come.

A disk may be slower than the network, so the network is made to wait: the
server is read from only while little is unwritten.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from attrs import Factory, define, frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as WaitedTooLong
from twisted.internet.error import ConnectError, DNSLookupError
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone, ResponseFailed
from twisted.web.error import SchemeNotSupported
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH, IAgent, IResponse
from zope.interface import implementer

from euca_tw.common.in_thread import InThread

_FOUND = 200
_SAFE = re.compile(r"[!-~]+\Z")
_MOST_UNWRITTEN = 1 << 20


class DownloadFailed(Exception):
    """
    It cannot be had.  The text says why, without the address, which may carry
    a secret.
    """


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
) -> Downloaded:
    """
    @param write: called with the pieces, in their order, in a thread.
    @param idle_s: how long the server may say nothing.
    @raise DownloadFailed: it cannot be had, or C{write} raised L{OSError}.
    """
    response = await _ask(agent, clock, url, idle_s)
    refusal = None
    if response.code != _FOUND:
        said = response.phrase.decode("latin-1")
        refusal = DownloadFailed(f"the web server answered {response.code} {said}")
    elif response.length is not UNKNOWN_LENGTH and response.length > largest_bytes:
        refusal = _too_large(largest_bytes)
    # A short body is delivered whole within deliverBody: so what is to be
    # refused must be known to the receiver before.
    receiver = _Receiver(clock, in_thread, write, largest_bytes, idle_s, refusal)
    response.deliverBody(receiver)
    return await receiver.finished


async def _ask(
    agent: IAgent, clock: IReactorTime, url: str, idle_s: float
) -> IResponse:
    if not is_web_address(url):
        raise DownloadFailed("its address is no web address")
    headers = Headers({"User-Agent": ["euca_tw"]})
    try:
        asked = agent.request(b"GET", url.encode("ascii"), headers, None)
        return await asked.addTimeout(idle_s, clock)
    except SchemeNotSupported as error:
        raise DownloadFailed("its address is no web address") from error
    except WaitedTooLong as error:
        raise DownloadFailed("the web server did not answer") from error
    except DNSLookupError as error:
        raise DownloadFailed("the web server's name is not known") from error
    except ConnectError as error:
        raise DownloadFailed("the web server cannot be reached") from error
    except ResponseFailed as error:
        raise DownloadFailed("it did not answer as a web server does") from error


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


def _too_large(largest_bytes: int) -> DownloadFailed:
    return DownloadFailed(f"it is larger than {largest_bytes} bytes")


@implementer(IProtocol)
@define(eq=False)
class _Receiver:
    """
    Takes a body.  It is C{_over} when no more of it is wanted; then, when
    nothing is being written any more, C{finished} fires.
    """

    _clock: IReactorTime
    _in_thread: InThread
    _write: Callable[[bytes], Any]
    _largest_bytes: int
    _idle_s: float
    _refusal: DownloadFailed | None
    finished: Deferred[Downloaded] = Factory(
        lambda self: Deferred(lambda _: self._hang_up()), takes_self=True
    )
    _digest: Any = Factory(hashlib.sha256)
    _size: int = 0
    _unwritten: bytearray = Factory(bytearray)
    _is_writing: bool = False
    _is_paused: bool = False
    _over: bool = False
    _transport: IPushProducer | None = None
    _silence: IDelayedCall | None = None

    def makeConnection(self, transport: ITransport) -> None:
        self._transport = cast(IPushProducer, transport)
        if self._refusal is not None:
            self.refuse(self._refusal)
        else:
            self._expect()

    def connectionMade(self) -> None:
        """Nothing to say."""

    def dataReceived(self, data: bytes) -> None:
        if self._over:
            return
        if self._silence is not None:
            self._silence.reset(self._idle_s)
        self._size += len(data)
        if self._size > self._largest_bytes:
            self.refuse(_too_large(self._largest_bytes))
            return
        self._unwritten += data
        if not self._is_writing:
            self._write_all()
        elif len(self._unwritten) > _MOST_UNWRITTEN and not self._is_paused:
            self._is_paused = True
            self._unexpect()
            if self._transport is not None:
                self._transport.pauseProducing()

    def connectionLost(self, reason: Failure) -> None:
        if self._over:
            return
        if not reason.check(ResponseDone, PotentialDataLoss):
            self._refusal = DownloadFailed("the web server broke off")
        self._end()

    def refuse(self, refusal: DownloadFailed) -> None:
        """Take no more, for that reason; nothing happens if all is over."""
        if not self._over:
            self._refusal = refusal
            self._hang_up()
            self._end()

    def _write_all(self) -> None:
        self._is_writing = True
        data, self._unwritten = bytes(self._unwritten), bytearray()
        writing: Deferred[None] = Deferred.fromCoroutine(self._written(data))
        writing.addErrback(self._failed)

    async def _written(self, data: bytes) -> None:
        def write() -> None:
            self._digest.update(data)
            self._write(data)

        try:
            await self._in_thread(write)
        except OSError as error:
            self._unwritten.clear()
            self.refuse(DownloadFailed(f"it cannot be written: {error.strerror}"))
        self._is_writing = False
        if self._unwritten and self._refusal is None:
            self._write_all()
        elif self._over:
            self._finish()
        if self._is_paused and len(self._unwritten) < _MOST_UNWRITTEN:
            self._is_paused = False
            if not self._over and self._transport is not None:
                self._expect()
                self._transport.resumeProducing()

    def _failed(self, failure: Failure) -> None:
        # Who has given up closes the file under the writer: that is no failure.
        if not self.finished.called:
            self._hang_up()
            self.finished.errback(failure)

    def _expect(self) -> None:
        self._silence = self._clock.callLater(
            self._idle_s,
            self.refuse,
            DownloadFailed("the web server has fallen silent"),
        )

    def _unexpect(self) -> None:
        silence, self._silence = self._silence, None
        if silence is not None and silence.active():
            silence.cancel()

    def _hang_up(self) -> None:
        self._unexpect()
        self._over = True
        if self._transport is not None:
            self._transport.stopProducing()

    def _end(self) -> None:
        self._unexpect()
        self._over = True
        if not self._is_writing:
            self._finish()

    def _finish(self) -> None:
        if self.finished.called:
            return
        if self._refusal is not None:
            self.finished.errback(self._refusal)
        else:
            self.finished.callback(
                Downloaded(size_bytes=self._size, sha256=self._digest.hexdigest())
            )
