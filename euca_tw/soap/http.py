"""
One POST over HTTP, whole, bounded, and never sent twice.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
)
from twisted.internet.interfaces import (
    IConsumer,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.web.client import (
    URI,
    Agent,
    BrowserLikePolicyForHTTPS,
    HTTPConnectionPool,
    RequestTransmissionFailed,
    ResponseDone,
    ResponseFailed,
)
from twisted.web.error import SchemeNotSupported
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer
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

#: A connection on which nothing was heard for so long, in seconds, is probed; how
#: often, and how many probes may go unanswered.
IDLE_S, EACH_S, PROBES = 20, 10, 3
GONE_S = IDLE_S + EACH_S * PROBES


@define
class NoAnswer(Exception):
    """@ivar reason: in words, for a log."""

    reason: str


def pooled_agent(reactor: Any, connect_timeout_s: float = 5) -> IAgent:
    """
    An HTTP client that keeps its connections.  It lets go of an idle one
    before the peer does; and what was sent once is not sent again, for the
    peer would take it for a replay.  A peer whose machine is gone is noticed by
    the kernel, however long its answer may take: see L{keep_alive}.
    """
    pool = HTTPConnectionPool(reactor, persistent=True)
    pool.maxPersistentPerHost = 8
    pool.cachedConnectionTimeout = 30
    pool.retryAutomatically = False
    endpoints = _LivelyEndpoints(reactor, connect_timeout_s)
    agent: IAgent = Agent.usingEndpointFactory(reactor, endpoints, pool)
    return agent


def keep_alive(transport: Any) -> None:
    """
    Have the kernel ask a connection's peer now and then whether it is there, and
    break off within L{GONE_S} if it is not.

    @param transport: of TCP, or of TLS over it.
    """
    connection = getattr(transport, "transport", transport).getHandle()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (
        (socket.TCP_KEEPIDLE, IDLE_S),
        (socket.TCP_KEEPINTVL, EACH_S),
        (socket.TCP_KEEPCNT, PROBES),
    ):
        connection.setsockopt(socket.IPPROTO_TCP, option, value)


@implementer(IAgentEndpointFactory)
@define(eq=False)
class _LivelyEndpoints:
    """Where an agent connects."""

    _reactor: Any
    _timeout_s: float
    _policy: BrowserLikePolicyForHTTPS = field(
        factory=BrowserLikePolicyForHTTPS, init=False
    )

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """@raise SchemeNotSupported:"""
        host = uri.host.decode("ascii")
        endpoint = HostnameEndpoint(
            self._reactor, host, uri.port, timeout=self._timeout_s
        )
        if uri.scheme == b"http":
            return _LivelyEndpoint(endpoint)
        if uri.scheme == b"https":
            creator = self._policy.creatorForNetloc(uri.host, uri.port)
            return _LivelyEndpoint(wrapClientTLS(creator, endpoint))
        raise SchemeNotSupported(f"Unsupported scheme: {uri.scheme!r}")


@implementer(IStreamClientEndpoint)
@define(eq=False)
class _LivelyEndpoint:
    """Keeps its connections alive."""

    _endpoint: IStreamClientEndpoint

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        def connected(protocol: Any) -> Any:
            keep_alive(protocol.transport)
            return protocol

        connecting: Deferred[Any] = self._endpoint.connect(factory)
        return connecting.addCallback(connected)


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
