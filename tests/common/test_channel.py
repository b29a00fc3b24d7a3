"""Tests for L{euca_tw.common.channel} on connections that take little."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.task import Clock, Cooperator
from twisted.internet.tcp import Connection
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.asked import Asked, Reply
from euca_tw.common.web import AnswerResource, make_site


class NarrowConnection(Connection):
    """
    Takes some bytes at once, and the rest when the reactor comes round.

    @ivar room: how many it takes at once; None: it is broken.
    """

    def __init__(self, room: int | None) -> None:
        FileDescriptor.__init__(self, Clock())
        self.room = room
        self.taken = b""
        self.connected = True

    def writeSomeData(self, data: Any) -> Any:
        if self.room is None:
            return CONNECTION_LOST
        now = bytes(data[: self.room])
        self.taken += now
        return len(now)

    def startWriting(self) -> None:
        """The reactor would come round some time."""

    def stopWriting(self) -> None:
        """It need not."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """There is nothing to set it on."""

    def getPeer(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.1", 4711)

    def getHost(self) -> IPv4Address:
        return IPv4Address("TCP", "192.0.2.2", 80)


async def echo(asked: Asked) -> Reply:
    return Reply(200, "text/plain", (asked.target,))


class WriteAtOnceTests(SynchronousTestCase):
    def connected(self, transport: NarrowConnection) -> Any:
        clock = Clock()
        cooperator = Cooperator(scheduler=lambda step: clock.callLater(0, step))
        site = make_site(AnswerResource(echo, cooperator), 1000, clock)
        channel = site.buildProtocol(transport.getPeer())
        channel.makeConnection(transport)
        self.addCleanup(channel.setTimeout, None)
        return channel

    def ask(self, channel: Any, *targets: str) -> None:
        for target in targets:
            channel.dataReceived(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())

    def test_at_once(self) -> None:
        """An answer for which there is room is gone before the reactor turns."""
        transport = NarrowConnection(10_000)
        self.ask(self.connected(transport), "/one")
        self.assertTrue(transport.taken.endswith(b"\r\n\r\n/one"))

    def test_rest(self) -> None:
        """What there is no room for follows in order, answers behind it too."""
        transport = NarrowConnection(20)
        channel = self.connected(transport)
        self.ask(channel, "/one", "/two", "/three")
        self.assertEqual(len(transport.taken), 20)
        transport.room = 10_000
        while transport.dataBuffer or transport._tempDataBuffer:
            transport.doWrite()
        bodies = [part[:6] for part in transport.taken.split(b"\r\n\r\n")[1:]]
        self.assertEqual(
            [body.removesuffix(b"HT") for body in bodies], [b"/one", b"/two", b"/three"]
        )

    def test_broken(self) -> None:
        """A broken connection is the reactor's to find."""
        transport = NarrowConnection(None)
        self.ask(self.connected(transport), "/one")
        self.assertEqual(transport.doWrite(), CONNECTION_LOST)
