"""Images from the web, piece by piece to a file."""

from __future__ import annotations

import hashlib
import re
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from attrs import Factory, define
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as WaitedTooLong
from twisted.internet.error import (
    ConnectError,
    DNSLookupError,
    TimeoutError,
)
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

from euca_tw.clc.interfaces import ImportFailed, StoredImage

_FOUND = 200
_SAFE = re.compile(r"[!-~]+\Z")


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


async def fetch(
    agent: IAgent,
    clock: IReactorTime,
    url: str,
    into: BinaryIO,
    *,
    largest_bytes: int,
    idle_s: float,
) -> StoredImage:
    """
    Write what C{url} gives into a file.

    @param idle_s: how long the server may say nothing.

    @raise ImportFailed: it cannot be had.
    """
    response = await _ask(agent, clock, url, idle_s)
    receiver = _Receiver(into, largest_bytes, clock, idle_s)
    refusal = None
    if response.code != _FOUND:
        said = response.phrase.decode("latin-1")
        refusal = ImportFailed(f"{url} answered {response.code} {said}")
    elif response.length is not UNKNOWN_LENGTH and response.length > largest_bytes:
        refusal = _too_large(largest_bytes)
    response.deliverBody(receiver)
    if refusal is not None:
        receiver.refuse(refusal)
    return await receiver.finished


async def _ask(
    agent: IAgent, clock: IReactorTime, url: str, idle_s: float
) -> IResponse:
    if not is_web_address(url):
        raise ImportFailed(f"{url} is not a web address")
    headers = Headers({"User-Agent": ["euca_tw"]})
    try:
        asked = agent.request(b"GET", url.encode("ascii"), headers, None)
        return await asked.addTimeout(idle_s, clock)
    except SchemeNotSupported as error:
        raise ImportFailed(f"{url} is not a web address") from error
    except (WaitedTooLong, TimeoutError) as error:
        raise ImportFailed(f"{url} did not answer") from error
    except DNSLookupError as error:
        raise ImportFailed(f"{url} names a machine that is not known") from error
    except ConnectError as error:
        raise ImportFailed(f"{url} cannot be reached") from error
    except ResponseFailed as error:
        raise ImportFailed(f"{url} did not answer as a web server does") from error


def _too_large(largest_bytes: int) -> ImportFailed:
    return ImportFailed(f"It is larger than {largest_bytes} bytes")


@implementer(IProtocol)
@define(eq=False)
class _Receiver:
    """Takes a body; hangs up when it is too large or the server too slow."""

    _into: BinaryIO
    _largest_bytes: int
    _clock: IReactorTime
    _idle_s: float
    finished: Deferred[StoredImage] = Factory(
        lambda self: Deferred(lambda _: self._hang_up()), takes_self=True
    )
    _digest: Any = Factory(hashlib.sha256)
    _size: int = 0
    _transport: IPushProducer | None = None
    _silence: IDelayedCall | None = None

    def makeConnection(self, transport: ITransport) -> None:
        self._transport = cast(IPushProducer, transport)
        self._silence = self._clock.callLater(
            self._idle_s, self.refuse, ImportFailed("The web server has fallen silent")
        )

    def connectionMade(self) -> None:
        """Nothing to say."""

    def dataReceived(self, data: bytes) -> None:
        if self._silence is None:
            return
        self._silence.reset(self._idle_s)
        self._size += len(data)
        if self._size > self._largest_bytes:
            self.refuse(_too_large(self._largest_bytes))
            return
        self._digest.update(data)
        try:
            self._into.write(data)
        except OSError as error:
            self.refuse(
                ImportFailed(f"The image store cannot be written: {error.strerror}")
            )

    def connectionLost(self, reason: Failure) -> None:
        if self._silence is None:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self._end()
            self.finished.callback(
                StoredImage(size_bytes=self._size, sha256=self._digest.hexdigest())
            )
        else:
            self.refuse(ImportFailed("The web server broke off"))

    def refuse(self, refusal: ImportFailed) -> None:
        """Take no more, for that reason; nothing happens if all is over."""
        if self.finished.called:
            return
        self._hang_up()
        self.finished.errback(refusal)

    def _hang_up(self) -> None:
        self._end()
        if self._transport is not None:
            self._transport.stopProducing()

    def _end(self) -> None:
        """Whatever still comes is of no interest."""
        silence, self._silence = self._silence, None
        if silence is not None and silence.active():
            silence.cancel()
