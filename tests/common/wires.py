"""Connections in memory, to sites as they are; for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.task import Clock, Cooperator
from twisted.internet.tcp import Connection
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource

from euca_tw.common.web import Answer, AnswerResource, Asked, Reply, make_site

LIMIT = 1000
TURN_S = 0.001
NOON = 1795435200.0  # Mon, 23 Nov 2026 12:00:00 GMT
GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: cloud:8773\r\n\r\n"


class TurningClock(Clock):
    """As a reactor does, it leaves to the next turn what is put off in one."""

    def advance(self, amount: float) -> None:
        self.rightNow += amount
        for call in sorted(self.calls, key=lambda each: each.getTime()):
            if call.active() and call.getTime() <= self.seconds():
                self.calls.remove(call)
                call.called = 1
                call.func(*call.args, **call.kw)


class Transport(StringTransport):
    """Takes everything, and tells whether it was closed or cut."""

    is_cut = False

    def abortConnection(self) -> None:
        self.is_cut = True
        self.loseConnection()


class NarrowConnection(Connection):
    """
    A TCP connection but for its socket: it takes some bytes at once, and some
    more whenever the reactor comes round.

    @ivar room: how many it takes; None: it is broken.
    @ivar is_read: whether what the client sends would be read.
    @ivar is_ended: whether it was told that no more is sent.
    """

    def __init__(self, room: int | None, host: str = "192.0.2.1") -> None:
        FileDescriptor.__init__(self, Clock())
        self.room = room
        self.host = host
        self.taken = b""
        self.connected = True
        self.is_read = True
        self.is_ended = False
        self.is_cut = False

    def writeSomeData(self, data: Any) -> Any:
        if self.room is None:
            return CONNECTION_LOST
        now = bytes(data[: self.room])
        self.taken += now
        return len(now)

    def turns(self, number: int = 1) -> None:
        """The reactor comes round so often."""
        for _ in range(number):
            if self.dataBuffer or self._tempDataBuffer or self._writeDisconnecting:
                self.doWrite()

    def startWriting(self) -> None:
        """The reactor would come round some time."""

    def stopWriting(self) -> None:
        """It need not."""

    def startReading(self) -> None:
        self.is_read = True

    def stopReading(self) -> None:
        self.is_read = False

    def abortConnection(self) -> None:
        self.is_cut = self.disconnecting = True

    def _closeWriteConnection(self) -> None:
        self.is_ended = True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """There is nothing to set it on."""

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", self.host, 4711)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.2", 80)


class Line:
    """One connection to a site."""

    def __init__(self, site: Any, transport: Any, *, is_quick: bool = True) -> None:
        self.transport = transport
        self.channel: Any = site.buildProtocol(None)
        self.channel.makeConnection(transport)
        if not is_quick:
            self.channel._is_quick = False

    def send(self, data: bytes) -> bytes:
        """What comes back at once."""
        self.transport.clear()
        if not self.transport.disconnecting:
            self.channel.dataReceived(data)
        return bytes(self.transport.value())

    def lose(self) -> None:
        self.channel.connectionLost(Failure(ConnectionDone()))


class Wire(Line):
    """A site that answers with what it is given, and a connection to it."""

    def __init__(
        self,
        answer: Answer | Resource,
        is_quick: bool = True,
        *,
        most: int = LIMIT,
        **options: Any,
    ) -> None:
        self.clock = TurningClock()
        self.clock.advance(NOON)
        self.is_quick = is_quick

        def later(step: Callable[[], None]) -> Any:
            return self.clock.callLater(TURN_S, step)

        cooperator = Cooperator(
            scheduler=later, terminationPredicateFactory=lambda: lambda: True
        )
        resource = (
            answer
            if isinstance(answer, Resource)
            else AnswerResource(answer, cooperator)
        )
        self.site: Any = make_site(resource, most, self.clock, **options)
        self.site.doStart()
        super().__init__(self.site, Transport(), is_quick=is_quick)

    def another(self, host: str = "192.168.1.1") -> Line:
        """One more connection, from there."""
        peer = IPv4Address("TCP", host, 4711)
        return Line(self.site, Transport(peerAddress=peer), is_quick=self.is_quick)

    def narrow(self, room: int = 0, host: str = "192.0.2.1") -> Line:
        """One more, which takes so much at once."""
        return Line(self.site, NarrowConnection(room, host), is_quick=self.is_quick)

    def turns(self, number: int = 1) -> bytes:
        """What comes in so many turns of the reactor."""
        self.transport.clear()
        for _ in range(number):
            self.clock.advance(TURN_S)
        return bytes(self.transport.value())


def replying(
    body: Iterable[bytes] = (b"hello",),
    status: int = 200,
    headers: tuple[tuple[str, str], ...] = (),
) -> Answer:
    async def answer(asked: Asked) -> Reply:
        return Reply(status, "text/plain", body, headers)

    return answer
