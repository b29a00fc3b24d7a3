"""L{euca_tw.vnet.names.question_port} with the kernel's own UDP, on the loopback."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from euca_tw.vnet.names.question_port import QuestionPort

reactor: Any = _reactor


class QuestionPortTests(TestCase):
    def setUp(self) -> None:
        self.other = self.bound("127.0.0.1")
        self.heard: DeferredQueue[bytes | OSError] = DeferredQueue()

    def bound(self, address: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, socket.SOCK_DGRAM)
        self.addCleanup(made.close)
        made.bind((address, 0))
        made.settimeout(2)
        return made

    def open(self, to: socket.socket) -> QuestionPort:
        address, port, *_ = to.getsockname()
        opened = QuestionPort(reactor, address, port, self.heard.put)
        self.addCleanup(opened.close)
        return opened

    def next(self) -> Deferred[bytes | OSError]:
        return self.heard.get().addTimeout(2, reactor)

    async def test_both_ways(self) -> None:
        """What is sent arrives, and what comes back is heard, without a log."""
        for address in ("127.0.0.1", "::1"):
            other = self.bound(address)
            with capturedLogs() as logged:
                port = self.open(other)
                verifyObject(IReadDescriptor, port)
                port.send(b"question")
                said, where = other.recvfrom(100)
                self.assertEqual(said, b"question")
                for answer in (b"first", b""):
                    other.sendto(answer, where)
                    self.assertEqual(await self.next(), answer)
                port.close()
                port.close()
            self.assertEqual(logged, [])

    async def test_others(self) -> None:
        """What comes from elsewhere is not heard."""
        port = self.open(self.other)
        port.send(b"question")
        _, where = self.other.recvfrom(100)
        self.bound("127.0.0.1").sendto(b"forged", where)
        self.other.sendto(b"answer", where)
        self.assertEqual(await self.next(), b"answer")

    async def test_nobody(self) -> None:
        """When nobody listens there the kernel says so."""
        port = self.open(self.other)
        self.other.close()
        port.send(b"question")
        self.assertIsInstance(await self.next(), ConnectionRefusedError)

    async def test_closed(self) -> None:
        """Closed while much is to be heard, it hears no more of it."""
        port = self.open(self.other)
        port.send(b"question")
        _, where = self.other.recvfrom(100)
        for n in range(3):
            self.other.sendto(b"%d" % n, where)
        said = self.next()
        said.addCallback(lambda first: port.close() or first)
        self.assertEqual(await said, b"0")
        await deferLater(reactor, 0)
        self.assertEqual(self.heard.pending, [])

    async def test_no_way(self) -> None:
        """Where there is no way to an address no port is left open."""
        # To all of a network one needs a leave that it does not ask for.
        self.assertRaises(
            OSError, QuestionPort, reactor, "255.255.255.255", 53, self.heard.put
        )
