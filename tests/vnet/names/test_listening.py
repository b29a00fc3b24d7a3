"""Tests of L{euca_tw.vnet.names.listening}; its sockets' are functional."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport
from twisted.logger import capturedLogs
from twisted.names import dns
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.leases import Leases
from euca_tw.vnet.names.listening import (
    AT_ONCE,
    IDLE_S,
    NameDatagrams,
    NameStreams,
)
from tests.fakes.datagrams import MemoryPorts
from tests.suites.node_network import LEASE, OTHER
from tests.vnet.names.asking import addresses, question, read, record, reply
from tests.vnet.names.test_server import ADDRESS, MINE, server

HERE = (LEASE.private_ip, 40_000)


@define
class Sent:
    """A transport that keeps what is written, or cannot send it."""

    datagrams: list[tuple[bytes, Any]] = Factory(list)
    error: OSError | None = None

    def write(self, datagram: bytes, addr: Any) -> None:
        if self.error is not None:
            raise self.error
        self.datagrams.append((datagram, addr))


class NameDatagramsTests(SynchronousTestCase):
    """L{NameDatagrams}."""

    def setUp(self) -> None:
        self.reactor = MemoryPorts()
        self.leases = Leases()
        self.leases.add(LEASE)
        names = server(self.reactor)
        self.addCleanup(names.stop)
        self.protocol = NameDatagrams(names, self.leases.of_ip)
        self.sent = Sent()
        self.protocol.makeConnection(self.sent)  # type: ignore[arg-type]

    def test_answered(self) -> None:
        """An instance is answered where it asks from."""
        self.protocol.datagramReceived(question(MINE), HERE)
        [(answer, to)] = self.sent.datagrams
        self.assertEqual((addresses(answer), to), (["10.231.0.2"], HERE))

    def test_stranger(self) -> None:
        """Who is no instance here is told nothing, and nobody is asked for it."""
        for message in (question(MINE), question(), b"?"):
            self.protocol.datagramReceived(message, (OTHER.private_ip, 40_000))
        self.assertEqual(self.sent.datagrams, [])
        self.assertEqual(self.reactor.ports, [])

    def test_later(self) -> None:
        """Who must wait is answered when there is an answer."""
        self.protocol.datagramReceived(question(), HERE)
        self.assertEqual(self.sent.datagrams, [])
        asked = self.reactor.ports[-1]
        asked.hear(reply(asked.sent[0], ADDRESS))
        [(answer, to)] = self.sent.datagrams
        self.assertEqual((addresses(answer), to), (["192.0.2.80"], HERE))

    def test_cannot_send(self) -> None:
        """An answer that cannot leave is lost, without a word."""
        self.sent.error = OSError(22, "Invalid argument")
        with capturedLogs() as logged:
            self.protocol.datagramReceived(question(MINE), (LEASE.private_ip, 0))
        self.assertEqual(logged, [])

    def test_closed(self) -> None:
        """When the bridge goes nobody there is answered any more."""
        self.protocol.datagramReceived(question(), HERE)
        self.protocol.doStop()
        asked = self.reactor.ports[-1]
        asked.hear(reply(asked.sent[0], ADDRESS))
        self.assertEqual(self.sent.datagrams, [])

    @given(st.binary(max_size=600))
    def test_any_bytes(self, datagram: bytes) -> None:
        """Any datagram is survived, without a line in the log."""
        with capturedLogs() as logged:
            self.protocol.datagramReceived(datagram, HERE)
        self.assertEqual(logged, [])


class Wire(StringTransport):
    """@ivar is_aborted: whether it was ended at once."""

    is_aborted = False

    def abortConnection(self) -> None:
        self.is_aborted = True
        super().abortConnection()

    def pauseProducing(self) -> None:
        self.producerState = "paused"


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(2) + message


class NameStreamsTests(SynchronousTestCase):
    """L{NameStreams}."""

    def setUp(self) -> None:
        self.reactor = MemoryPorts()
        self.leases = Leases()
        self.leases.add(LEASE)
        names = server(self.reactor)
        self.addCleanup(names.stop)
        self.factory = NameStreams(names, self.leases.of_ip)

    def connect(self, host: str = LEASE.private_ip) -> tuple[Any, Wire]:
        wire = Wire(peerAddress=IPv4Address("TCP", host, 40_000))
        protocol: Any = self.factory.buildProtocol(wire.getPeer())
        protocol.makeConnection(wire)
        return protocol, wire

    def asked(self) -> tuple[Any, bytes]:
        """The connection to a resolver, and what it was asked there."""
        _, _, factory, *_ = self.reactor.tcpClients[-1]
        protocol, wire = factory.buildProtocol(None), StringTransport()
        protocol.makeConnection(wire)
        return protocol, wire.value()[2:]

    def end(self, protocol: Any) -> None:
        protocol.connectionLost(None)

    def test_answered(self) -> None:
        """Several questions are answered in one connection, each when it is known."""
        protocol, wire = self.connect()
        sent = framed(question(number=1)) + framed(question(MINE, number=2))
        for at in range(0, len(sent), 7):
            protocol.dataReceived(sent[at : at + 7])
        self.assertEqual(read(wire.value()[2:]).id, 2)
        wire.clear()
        asking, asked = self.asked()
        long = reply(asked, *[record("a", dns.Record_A("192.0.2.1"))] * 99)
        asking.dataReceived(framed(long))
        self.assertEqual(read(wire.value()[2:]).id, 1)
        self.assertEqual(len(addresses(wire.value()[2:])), 99)
        self.end(protocol)

    def test_stranger(self) -> None:
        """Who is no instance here is not listened to."""
        protocol, wire = self.connect(OTHER.private_ip)
        self.assertTrue(wire.is_aborted)
        self.end(protocol)
        self.assertEqual(self.factory.names.connections.count, 0)

    def test_gone(self) -> None:
        """Nor is who was one when it connected."""
        protocol, wire = self.connect()
        self.leases.remove(LEASE.instance_id)
        protocol.dataReceived(framed(question(MINE)))
        self.assertTrue(wire.is_aborted)
        self.assertEqual(wire.value(), b"")
        self.end(protocol)

    def test_idle(self) -> None:
        """Who asks nothing for a while is cut off; a question begins it anew."""
        protocol, wire = self.connect()
        self.reactor.advance(IDLE_S - 1)
        protocol.dataReceived(framed(question(MINE)))
        self.reactor.advance(IDLE_S - 1)
        protocol.dataReceived(b"\0")
        self.assertFalse(wire.is_aborted)
        self.reactor.advance(1)
        self.assertTrue(wire.is_aborted)
        self.end(protocol)

    def test_crowd(self) -> None:
        """An instance has eight connections: the oldest that is idle makes way."""
        wires = [self.connect() for _ in range(9)]
        self.assertEqual([each.is_aborted for _, each in wires], [True, *([False] * 8)])
        for protocol, _ in wires:
            self.end(protocol)
        self.assertEqual(self.factory.names.connections.count, 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_too_long(self) -> None:
        """Who announces what is no question is cut off."""
        protocol, wire = self.connect()
        protocol.dataReceived(b"\xff\xff")
        self.assertTrue(wire.is_aborted)
        self.end(protocol)

    def test_deaf(self) -> None:
        """Who does not take its answers is not read from, until it does."""
        protocol, wire = self.connect()
        wire.producer.pauseProducing()
        self.assertEqual(wire.producerState, "paused")
        protocol.dataReceived(framed(question(MINE)))
        self.assertEqual(wire.value(), b"")
        wire.producer.resumeProducing()
        self.assertEqual(addresses(wire.value()[2:]), ["10.231.0.2"])
        self.end(protocol)

    def test_in_turn(self) -> None:
        """Who asks much at once, be it nothing, is heard a few at a time."""
        protocol, wire = self.connect()
        many = 2 * AT_ONCE + 1
        protocol.dataReceived(framed(question(MINE)) * many)
        self.assertEqual(wire.value().count(b"\x0a\xe7\x00\x02"), AT_ONCE)
        self.reactor.advance(0)
        self.assertEqual(wire.value().count(b"\x0a\xe7\x00\x02"), many)
        self.assertEqual(wire.producerState, "producing")
        protocol.dataReceived(framed(b"") * (AT_ONCE - 1))
        self.assertEqual(wire.producerState, "paused")
        self.reactor.advance(0)
        self.assertEqual(wire.producerState, "producing")
        self.end(protocol)

    def test_deaf_in_turn(self) -> None:
        """Its turn alone is not enough for who does not take its answers, nor that
        it takes them for whose turn it is not."""
        protocol, wire = self.connect()
        protocol.dataReceived(framed(question(MINE)) * 2 * AT_ONCE)
        wire.producer.pauseProducing()
        self.reactor.advance(0)
        self.assertEqual(wire.producerState, "paused")
        wire.producer.resumeProducing()
        self.assertEqual(wire.value().count(b"\x0a\xe7\x00\x02"), 2 * AT_ONCE)
        wire.producer.pauseProducing()
        wire.producer.resumeProducing()
        self.assertEqual(wire.producerState, "paused")
        self.end(protocol)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_hung_up(self) -> None:
        """What comes for who has hung up goes nowhere."""
        protocol, wire = self.connect()
        protocol.dataReceived(framed(question()))
        asking, asked = self.asked()
        self.end(protocol)
        with capturedLogs() as logged:
            asking.dataReceived(framed(reply(asked, ADDRESS)))
        self.assertEqual((wire.value(), logged), (b"", []))

    @given(st.binary(max_size=600))
    def test_any_bytes(self, data: bytes) -> None:
        """Any stream is survived, without a line in the log."""
        protocol, _ = self.connect()
        with capturedLogs() as logged:
            protocol.dataReceived(data)
        self.assertEqual(logged, [])
        self.end(protocol)
