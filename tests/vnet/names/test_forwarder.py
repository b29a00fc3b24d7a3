"""Tests of L{euca_tw.vnet.names.forwarder}, on a network in memory."""

from __future__ import annotations

from random import Random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.names import dns
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.names.forwarder import Forwarder
from tests.fakes.datagrams import MemoryPort, MemoryPorts
from tests.vnet.names.asking import addresses, asked, question, read, record, reply

ONE, TWO = "192.0.2.1", "192.0.2.2"
WWW = record("www.example.com", dns.Record_A("192.0.2.80"))


class ForwarderTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = MemoryPorts()
        self.resolvers = [ONE]
        self.forwarder = Forwarder(
            reactor=self.reactor,
            open_port=self.reactor.open_port,
            random=Random(1),
            resolvers=lambda: self.resolvers,
        )

    def ask(self, *, by_stream: bool = False) -> Deferred[bytes | None]:
        asking = Deferred.fromCoroutine(
            self.forwarder.ask(asked(), question(), by_stream=by_stream)
        )
        self.addCleanup(self.give_up, asking)
        return asking

    @staticmethod
    def give_up(asking: Deferred[bytes | None]) -> None:
        asking.addErrback(lambda _: None)
        asking.cancel()

    @property
    def last(self) -> MemoryPort:
        return self.reactor.ports[-1]

    def sent(self) -> bytes:
        [datagram] = self.last.sent
        return datagram


class DatagramTests(ForwarderTestCase):
    """By UDP."""

    def test_answered(self) -> None:
        """
        A question goes out as it is but for its number, and the answer back, without
        a line in the log.
        """
        with capturedLogs() as logged:
            self.answered()
        self.assertEqual(logged, [])

    def answered(self) -> None:
        asking = self.ask()
        self.assertEqual((self.last.address, self.last.port), (ONE, 53))
        self.assertEqual(self.sent()[2:], question()[2:])
        answer = reply(self.sent(), WWW)
        self.last.hear(answer)
        self.assertEqual(self.successResultOf(asking), answer)
        self.assertFalse(self.last.is_open)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_own_numbers(self) -> None:
        """Each question has a number and a port of its own."""
        numbers = set()
        for _ in range(50):
            self.ask()
            numbers.add(read(self.sent()).id)
        self.assertGreater(len(numbers), 45)
        self.assertEqual(len(self.reactor.ports), 50)

    def test_others(self) -> None:
        """What is not the answer is not heard."""
        asking = self.ask()
        number = read(self.sent()).id
        for datagram in (
            b"",
            self.sent(),
            reply(question(number=number ^ 1), WWW),
            reply(question("xww.example.com", number=number), WWW),
        ):
            self.last.hear(datagram)
            self.assertNoResult(asking)
        self.last.hear(reply(self.sent(), WWW))
        # It may come twice.
        self.last.hear(reply(self.sent(), WWW))
        self.assertEqual(addresses(self.successResultOf(asking) or b""), ["192.0.2.80"])

    def test_silence(self) -> None:
        """Who does not answer is asked three times, within five seconds."""
        asking = self.ask()
        for wait_s in (1.5, 1.5, 2.0):
            self.assertNoResult(asking)
            self.assertTrue(self.last.is_open)
            self.reactor.advance(wait_s)
        self.assertIsNone(self.successResultOf(asking))
        self.assertEqual(len(self.reactor.ports), 3)
        self.assertFalse(any(each.is_open for each in self.reactor.ports))

    def test_next(self) -> None:
        """When one does not answer the next is asked, and from then on first."""
        self.resolvers = [ONE, TWO]
        asking = self.ask()
        self.reactor.advance(1.5)
        self.assertEqual((self.last.address, self.last.port), (TWO, 53))
        self.last.hear(reply(self.sent(), WWW))
        self.successResultOf(asking)
        self.ask()
        self.assertEqual((self.last.address, self.last.port), (TWO, 53))
        self.reactor.advance(1.5)
        self.assertEqual((self.last.address, self.last.port), (ONE, 53))

    def test_unwilling(self) -> None:
        """When one would rather not answer the next is asked, at once."""
        self.resolvers = [ONE, TWO]
        asking = self.ask()
        first = reply(self.sent(), code=dns.EREFUSED)
        self.last.hear(first)
        self.assertEqual((self.last.address, self.last.port), (TWO, 53))
        self.last.hear(reply(self.sent(), code=dns.ENAME))
        answer = self.successResultOf(asking)
        assert answer is not None
        self.assertEqual(read(answer).rCode, dns.ENAME)

    def test_all_unwilling(self) -> None:
        """What the first said of all that would not answer is the answer."""
        self.resolvers = [ONE, TWO]
        asking = self.ask()
        first = reply(self.sent(), code=dns.EREFUSED)
        self.last.hear(first)
        self.last.hear(reply(self.sent(), code=dns.ESERVER))
        self.assertEqual(self.successResultOf(asking), first)

    def test_refused(self) -> None:
        """Where nobody listens the next is asked, at once."""
        self.resolvers = [ONE, TWO]
        asking = self.ask()
        self.last.hear(OSError(111, "Connection refused"))
        self.assertEqual((self.last.address, self.last.port), (TWO, 53))
        self.last.hear(reply(self.sent(), WWW))
        self.successResultOf(asking)

    def test_no_way(self) -> None:
        """Where the kernel knows no way there is no answer, and no trace of it."""
        self.reactor.refuses = OSError(101, "Network is unreachable")
        self.assertIsNone(self.successResultOf(self.ask()))

    def test_none(self) -> None:
        """Where there are no resolvers nobody is asked."""
        self.resolvers = []
        self.assertIsNone(self.successResultOf(self.ask()))
        self.assertEqual(self.reactor.ports, [])

    def test_ipv6(self) -> None:
        """A resolver may have an address of IPv6."""
        self.resolvers = ["2001:db8::1"]
        self.ask()
        self.assertEqual((self.last.address, self.last.port), ("2001:db8::1", 53))

    def test_cancelled(self) -> None:
        """Who does not want to know any more leaves nothing behind."""
        asking = self.ask()
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertFalse(self.last.is_open)
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class StreamTests(ForwarderTestCase):
    """By TCP."""

    def connect(self) -> tuple[Any, StringTransport]:
        host, port, factory, *_ = self.reactor.tcpClients[-1]
        self.assertEqual((host, port), (ONE, 53))
        protocol = factory.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        return protocol, transport

    def test_answered(self) -> None:
        """A question that came by TCP is asked by TCP, and the connection ended."""
        with capturedLogs() as logged:
            self.answered()
        self.assertEqual(logged, [])

    def answered(self) -> None:
        asking = self.ask(by_stream=True)
        protocol, transport = self.connect()
        sent = transport.value()[2:]
        self.assertEqual(sent[2:], question()[2:])
        answer = reply(sent, *[WWW] * 100)
        framed = len(answer).to_bytes(2) + answer
        protocol.dataReceived(b"\0\1x" + framed[:700])
        self.assertNoResult(asking)
        protocol.dataReceived(framed[700:])
        self.assertEqual(self.successResultOf(asking), answer)
        self.assertTrue(transport.disconnecting)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_ended(self) -> None:
        """A resolver that hangs up is asked again, and then given up."""
        asking = self.ask(by_stream=True)
        for _ in range(3):
            self.assertNoResult(asking)
            protocol, _ = self.connect()
            protocol.connectionLost(Failure(ConnectionRefusedError()))
        self.assertIsNone(self.successResultOf(asking))

    def test_silence(self) -> None:
        """Who is not reached, or does not answer, is given up as by UDP."""
        asking = self.ask(by_stream=True)
        self.reactor.advance(1.5)
        self.assertTrue(self.reactor.connectors[0].stoppedConnecting)
        _, transport = self.connect()
        self.reactor.advance(1.5)
        self.assertTrue(transport.disconnecting)
        self.reactor.advance(2)
        self.assertIsNone(self.successResultOf(asking))

    def test_cancelled(self) -> None:
        """Who does not want to know any more is not connected."""
        asking = self.ask(by_stream=True)
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertTrue(self.reactor.connectors[0].stoppedConnecting)
