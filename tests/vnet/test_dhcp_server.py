"""Tests of L{euca_tw.vnet.dhcp_server}; its socket's are functional."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Any

from attrs import evolve
from hypothesis import given
from hypothesis.strategies import binary
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.dhcp import Kind, Option, parse, write
from euca_tw.vnet.dhcp_server import DhcpResponder
from euca_tw.vnet.leases import Leases
from tests.suites.node_network import LEASE
from tests.vnet.test_dhcp import MINE, asking


class _Sent:
    """A transport that keeps what is written, or cannot send it."""

    def __init__(self, error: OSError | None = None) -> None:
        self.packets: list[tuple[bytes, Any]] = []
        self.error = error

    def write(self, packet: bytes, addr: Any) -> None:
        if self.error is not None:
            raise self.error
        self.packets.append((packet, addr))


class DhcpResponderTests(SynchronousTestCase):
    """L{DhcpResponder}."""

    def setUp(self) -> None:
        self.leases = Leases()
        self.leases.add(LEASE)
        self.responder = DhcpResponder(IPv4Address("10.231.0.1"), self.leases.of_mac)
        self.sent = _Sent()
        self.responder.transport = self.sent  # type: ignore[assignment]

    def receive(self, datagram: bytes) -> None:
        self.responder.datagramReceived(datagram, ("0.0.0.0", 68))

    def test_known(self) -> None:
        """A card that is served is answered."""
        self.receive(write(asking(Kind.DISCOVER)))
        [(packet, address)] = self.sent.packets
        offer = parse(packet)
        assert offer is not None
        self.assertIs(offer.kind, Kind.OFFER)
        self.assertEqual(offer.given, MINE)
        self.assertEqual(address, ("255.255.255.255", 68))

    def test_names(self) -> None:
        """
        Where names are served a card is told so, unless its site has other name
        servers for it.
        """
        here = IPv4Address("169.254.169.254")
        served = DhcpResponder(IPv4Address("10.231.0.1"), self.leases.of_mac, here)
        for responder, nameservers, told in (
            (served, (), here.packed),
            (served, LEASE.nameservers, MINE.packed[:3] + b"\1"),
            (self.responder, (), None),
        ):
            self.leases.add(evolve(LEASE, nameservers=nameservers))
            responder.transport = self.sent  # type: ignore[assignment]
            responder.datagramReceived(write(asking(Kind.DISCOVER)), ("0.0.0.0", 68))
            offer = parse(self.sent.packets[-1][0])
            assert offer is not None
            self.assertEqual(offer.options.get(Option.NAME_SERVERS), told)

    def test_unknown(self) -> None:
        """A card that is not served hears nothing."""
        stranger = evolve(asking(Kind.DISCOVER), mac_address="02:00:00:00:00:01")
        self.receive(write(stranger))
        self.assertEqual(self.sent.packets, [])

    def test_silence(self) -> None:
        """Where silence is right nothing is sent."""
        self.receive(write(asking(Kind.RELEASE)))
        self.assertEqual(self.sent.packets, [])

    def test_at_once(self) -> None:
        """What is attached or detached is so from the next packet on."""
        self.leases.remove(LEASE.instance_id)
        self.receive(write(asking(Kind.DISCOVER)))
        self.assertEqual(self.sent.packets, [])
        self.leases.add(LEASE)
        self.receive(write(asking(Kind.DISCOVER)))
        self.assertEqual(len(self.sent.packets), 1)

    def test_logged_once(self) -> None:
        """That an instance has its address is logged once, renewed or not."""
        with capturedLogs() as logged:
            for _ in range(3):
                self.receive(write(asking(Kind.REQUEST, client=MINE)))
        self.assertEqual(len(self.sent.packets), 3)
        self.assertEqual(
            [event["instance_id"] for event in logged], [LEASE.instance_id]
        )

    def test_cannot_send(self) -> None:
        """An answer that cannot leave is logged, and nothing stops."""
        self.sent.error = OSError(100, "Network is down")
        with capturedLogs() as logged:
            self.receive(write(asking(Kind.DISCOVER)))
        [event] = logged
        self.assertEqual(event["error"], "Network is down")

    @given(binary())
    def test_any_bytes(self, datagram: bytes) -> None:
        """Any datagram is survived in silence."""
        self.sent.packets.clear()
        self.receive(datagram)
        self.assertEqual(self.sent.packets, [])
