"""HTTP without sockets: a real client and a real server, joined in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.interfaces import IProtocolFactory
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.test.iosim import FakeTransport, IOPump, connect
from twisted.web.client import Agent, HTTPConnectionPool
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory
from zope.interface import implementer


class _Transport(FakeTransport):
    """As a TCP connection's, where the simulation lacks it."""

    def getPeer(self) -> Any:
        return self.peerAddress


@implementer(IAgentEndpointFactory)
@define(eq=False)
class MemoryNetwork:
    """
    @ivar server: what listens; None for nothing.
    """

    server: Factory | None
    clock: Clock
    connections: list[IOPump] = field(factory=list)

    def agent(self, *, is_persistent: bool = True) -> IAgent:
        pool = HTTPConnectionPool(self.clock, persistent=is_persistent)
        pool.retryAutomatically = False
        made: IAgent = _Agent(
            Agent.usingEndpointFactory(self.clock, self, pool=pool), self.pump
        )
        return made

    def endpointForURI(self, uri: object) -> MemoryNetwork:
        return self

    def connect(self, factory: IProtocolFactory) -> Deferred[Any]:
        if self.server is None:
            return fail(ConnectionRefusedError())
        client = factory.buildProtocol(None)
        server = self.server.buildProtocol(None)
        assert client is not None and server is not None
        pump = connect(
            server,
            _Transport(server, isServer=True),
            client,
            _Transport(client, isServer=False),
            clock=self.clock,
        )
        self.connections.append(pump)
        return succeed(client)

    def pump(self) -> None:
        """Carry bytes until there are no more, and do what is due."""
        moved: Any = True
        while moved:
            self.clock.advance(0)
            moved = sum(each.pump() for each in self.connections)

    def break_off(self) -> None:
        """Cut every connection."""
        for each in self.connections:
            each.clientIO.abortConnection()
            each.serverIO.abortConnection()
        self.pump()
        self.connections.clear()


@implementer(IAgent)
@define(eq=False)
class _Agent:
    """Moves the bytes of a request at once."""

    _agent: Agent
    _pump: Callable[[], None]

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: Any = None,  # noqa: N803
    ) -> Deferred[Any]:
        requesting = self._agent.request(method, uri, headers, bodyProducer)
        self._pump()
        return requesting
