"""Tests for L{euca_tw.common.channel} on connections that take little."""

from __future__ import annotations

from typing import Any

from twisted.internet.main import CONNECTION_LOST
from twisted.internet.task import Clock, Cooperator
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.asked import Asked, Reply
from euca_tw.common.web import AnswerResource, make_site
from tests.common.wires import NarrowConnection


async def echo(asked: Asked) -> Reply:
    return Reply(200, "text/plain", (asked.target,))


class WriteAtOnceTests(SynchronousTestCase):
    def connected(self, transport: NarrowConnection) -> Any:
        clock = Clock()
        cooperator = Cooperator(scheduler=lambda step: clock.callLater(0, step))
        site = make_site(AnswerResource(echo, cooperator), 1000, clock)
        channel = site.buildProtocol(transport.getPeer())
        channel.makeConnection(transport)
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
