"""L{euca_tw.vnet.bridge_port} with the kernel's own UDP, on the loopback."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address
from typing import Any

from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.trial.unittest import TestCase

from euca_tw.vnet.bridge_port import AT_ONCE, BridgePort

reactor: Any = _reactor
HERE = IPv4Address("127.0.0.1")


class Hearing(DatagramProtocol):
    """@ivar heard: all that came."""

    def __init__(self, count: int) -> None:
        self.heard: list[bytes] = []
        self.count = count
        self.is_all: Deferred[None] = Deferred()

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.heard.append(datagram)
        if datagram == b"bad":
            raise RuntimeError("a bug")
        if len(self.heard) == self.count:
            self.is_all.callback(None)


class BridgePortTests(TestCase):
    def open(self, protocol: DatagramProtocol, number: int = 0) -> BridgePort:
        made = BridgePort(
            reactor, "lo", protocol, address=HERE, number=number, longest=8
        )
        made.startListening()
        self.addCleanup(made.stopListening)
        return made

    def send(self, to: BridgePort, *datagrams: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            for each in datagrams:
                sending.sendto(each, (str(HERE), to.getHost().port))

    async def test_in_turn(self) -> None:
        """Who sends much, be it empty, is heard a few at a time, and wholly."""
        protocol = Hearing(3 * AT_ONCE)
        port = self.open(protocol)
        self.send(port, *[b""] * 3 * AT_ONCE)
        port.doRead()
        self.assertEqual(len(protocol.heard), AT_ONCE)
        await protocol.is_all.addTimeout(2, reactor)

    async def test_failed(self) -> None:
        """A failure with one datagram is logged, and the next is heard; a long one
        in part."""
        protocol = Hearing(2)
        self.send(self.open(protocol), b"bad", b"123456789")
        await protocol.is_all.addTimeout(2, reactor)
        self.assertEqual(protocol.heard, [b"bad", b"12345678"])
        [logged] = self.flushLoggedErrors(RuntimeError)
        self.assertEqual(str(logged.value), "a bug")

    def test_refused(self) -> None:
        """Where a port is taken, or is not there, the kernel's own error says so."""
        taken = self.open(Hearing(0)).getHost().port
        self.assertRaises(OSError, self.open, Hearing(0), taken)
        elsewhere = BridgePort(
            reactor, "none0", Hearing(0), address=HERE, number=0, longest=8
        )
        self.assertRaises(OSError, elsewhere.startListening)
