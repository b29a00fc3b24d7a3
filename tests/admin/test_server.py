"""The admin socket's protocol, without a socket."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.admin.client import Refused
from euca_tw.admin.server import AdminFactory, AdminProtocol


class AdminProtocolTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.answer: Any = Deferred()
        self.asked: list[Any] = []
        self.transport = StringTransport()
        factory = AdminFactory(self.perform)
        self.protocol: AdminProtocol = factory.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    async def perform(self, name: str, arguments: dict[str, Any]) -> Any:
        self.asked.append((name, arguments))
        return await self.answer

    def ask(self, line: bytes) -> None:
        self.protocol.dataReceived(line + b"\n")

    def answered(self) -> Any:
        return json.loads(self.transport.value())

    def test_done(self) -> None:
        """What was done is answered when it is done."""
        self.ask(b'{"do": "dance", "with": {"who": "me"}}')
        self.assertEqual(self.asked, [("dance", {"who": "me"})])
        self.assertEqual(self.transport.value(), b"")
        self.answer.callback({"steps": 3})
        self.assertEqual(self.answered(), {"done": {"steps": 3}})

    def test_refused(self) -> None:
        """A refusal says why."""
        self.ask(b'{"do": "dance", "with": {}}')
        self.answer.errback(Refused("no music"))
        self.assertEqual(self.answered(), {"refused": "no music"})

    def test_not_understood(self) -> None:
        """What is no request is refused, and nothing is done."""
        for line in (b"", b"{", b"\xff", b"7", b"{}", b'{"do": 1, "with": {}}'):
            self.transport.clear()
            self.ask(line)
            self.assertIn("a request is", self.answered()["refused"])
        self.assertEqual(self.asked, [])

    def test_bug(self) -> None:
        """A failure of ours is logged, and ends the connection."""
        self.ask(b'{"do": "dance", "with": {}}')
        self.answer.errback(ZeroDivisionError())
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_too_long(self) -> None:
        """A line without end ends the connection."""
        self.protocol.dataReceived(b"x" * (AdminProtocol.MAX_LENGTH + 1))
        self.assertTrue(self.transport.disconnecting)
