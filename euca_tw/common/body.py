"""
The body of one answer from the web, written in a thread as it comes.

A disk may be slower than the network, so the network is made to wait: the
server is read from only while little is unwritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, cast

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IPushProducer,
    IReactorTime,
    ITransport,
)
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from zope.interface import implementer

from euca_tw.common.in_thread import InThread

_MOST_UNWRITTEN = 1 << 20


class DownloadFailed(Exception):
    """
    It cannot be had.  The text says why, without the address, which may carry
    a secret.
    """


class BrokenOff(DownloadFailed):
    """It may be had if it is asked for again."""


def too_large(largest_bytes: int) -> DownloadFailed:
    """The reason, for those who may be told."""
    return DownloadFailed(f"it is larger than {largest_bytes} bytes")


@define(eq=False)
class Written:
    """
    What was written so far, across all answers that it took.

    @ivar digest: SHA-256 of it.
    """

    size_bytes: int = 0
    digest: Any = Factory(hashlib.sha256)


@implementer(IProtocol)
@define(eq=False)
class Receiver:
    """
    Takes a body.  It is C{_over} when no more of it is wanted; then, when
    nothing is being written any more, C{finished} fires.

    @ivar _refusal: why the body is not wanted at all.
    """

    _clock: IReactorTime
    _in_thread: InThread
    _write: Callable[[bytes], Any]
    _largest_bytes: int
    _idle_s: float
    _refusal: DownloadFailed | None
    _written: Written
    finished: Deferred[None] = Factory(
        lambda self: Deferred(lambda _: self._hang_up()), takes_self=True
    )
    _size: int = Factory(lambda self: self._written.size_bytes, takes_self=True)
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
            self.refuse(too_large(self._largest_bytes))
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
            self._refusal = BrokenOff("the web server broke off")
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
        writing: Deferred[None] = Deferred.fromCoroutine(self._put(data))
        writing.addErrback(self._failed)

    async def _put(self, data: bytes) -> None:
        def write() -> None:
            self._write(data)
            self._written.digest.update(data)
            self._written.size_bytes += len(data)

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
            BrokenOff("the web server has fallen silent"),
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
            self.finished.callback(None)
