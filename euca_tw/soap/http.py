"""
One POST over HTTP, whole, bounded, and never sent twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import define
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
)
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import (
    Agent,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.error import SchemeNotSupported
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IBodyProducer
from zope.interface import implementer

#: What goes wrong between two machines, or before.
_TROUBLE = (
    ConnectError,
    ConnectionClosed,
    DNSLookupError,
    RequestTransmissionFailed,
    ResponseFailed,
    SchemeNotSupported,
)


@define
class NoAnswer(Exception):
    """@ivar reason: in words, for a log."""

    reason: str


def pooled_agent(reactor: Any, connect_timeout_s: float = 5) -> IAgent:
    """
    An HTTP client that keeps its connections.  It lets go of an idle one
    before the peer does; and what was sent once is not sent again, for the
    peer would take it for a replay.
    """
    pool = HTTPConnectionPool(reactor, persistent=True)
    pool.maxPersistentPerHost = 8
    pool.cachedConnectionTimeout = 30
    pool.retryAutomatically = False
    return Agent(reactor, connectTimeout=connect_timeout_s, pool=pool)


async def post(
    agent: IAgent,
    url: str,
    headers: Mapping[str, str],
    content: bytes,
    max_answer_bytes: int,
) -> tuple[int, bytes]:
    """
    The status of the answer, and its body.

    @raise NoAnswer: there was none, or it was too long.
    """
    try:
        response = await agent.request(
            b"POST",
            url.encode(),
            Headers({name: [value] for name, value in headers.items()}),
            _Body(content),
        )
        collector = _Collector(max_answer_bytes)
        response.deliverBody(collector)
        return response.code, await collector.collected
    except ConnectingCancelledError:
        raise CancelledError() from None
    except _TROUBLE as e:
        if any(each.check(CancelledError) for each in getattr(e, "reasons", ())):
            raise CancelledError() from None
        raise NoAnswer(_reason(e)) from None


def _reason(trouble: Exception) -> str:
    """In words, and without the wrappings of the HTTP client."""
    inner = getattr(trouble, "reasons", ())
    if inner:
        return str(inner[0].getErrorMessage())
    return str(trouble) or type(trouble).__name__


@implementer(IBodyProducer)
class _Body:
    """A request's body, at once."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.length = len(content)

    def startProducing(self, consumer: IConsumer) -> Deferred[None]:
        consumer.write(self._content)
        return succeed(None)

    def pauseProducing(self) -> None:
        """There is no more of it."""

    def resumeProducing(self) -> None:
        """There is no more of it."""

    def stopProducing(self) -> None:
        """There is no more of it."""


class _Collector(Protocol):
    """Gathers a response's body, and hangs up if it is too long."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunks: list[bytes] = []
        self._length = 0
        self.collected: Deferred[bytes] = Deferred(self._cancel)

    def dataReceived(self, data: bytes) -> None:
        self._length += len(data)
        if self._length > self._limit:
            self._chunks.clear()
            self._fire(Failure(NoAnswer("its answer is too long")))
            self._hang_up()
        else:
            self._chunks.append(data)

    def connectionLost(self, reason: Failure = Failure(ResponseDone())) -> None:  # noqa: B008
        # An answer cut short will not have its signature.
        whole = reason.check(ResponseDone, PotentialDataLoss)
        self._fire(b"".join(self._chunks) if whole else reason)

    def _fire(self, result: bytes | Failure) -> None:
        if not self.collected.called:
            self.collected.callback(result)

    def _cancel(self, collected: Deferred[bytes]) -> None:
        collected.errback(CancelledError())
        self._hang_up()

    def _hang_up(self) -> None:
        self.transport.stopProducing()  # type: ignore[union-attr]
