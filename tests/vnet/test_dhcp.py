"""Tests of L{euca_tw.vnet.dhcp}."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from ipaddress import IPv4Address

from attrs import evolve
from hypothesis import given
from hypothesis.strategies import (
    binary,
    builds,
    dictionaries,
    integers,
    ip_addresses,
    just,
    sampled_from,
)
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.vnet.dhcp import (
    ANY,
    LEASE_S,
    Kind,
    Op,
    Option,
    Packet,
    destination,
    parse,
    reply,
    write,
)
from tests.suites.node_network import LEASE

SERVER = IPv4Address("10.231.0.1")
OTHER_SERVER = IPv4Address("10.231.0.77")
MINE = IPv4Address(LEASE.private_ip)
ELSEWHERE = IPv4Address("192.0.2.9")


def asking(
    kind: Kind,
    *,
    client: IPv4Address = ANY,
    relay: IPv4Address = ANY,
    options: Mapping[int, bytes] = {},
) -> Packet:
    return Packet(
        op=Op.REQUEST,
        transaction=0x3903F326,
        mac_address=LEASE.mac_address,
        flags=0x8000,
        client=client,
        relay=relay,
        options={Option.KIND: bytes((kind,)), **options},
    )


addresses = ip_addresses(v=4)
packets = builds(
    Packet,
    op=sampled_from(Op),
    transaction=integers(0, 2**32 - 1),
    mac_address=binary(min_size=6, max_size=6).map(lambda card: card.hex(":")),
    seconds=integers(0, 2**16 - 1),
    flags=integers(0, 2**16 - 1),
    client=addresses,
    given=addresses,
    relay=addresses,
    options=dictionaries(
        integers(1, 254).filter(lambda code: code != Option.OVERLOAD),
        binary(max_size=600),
        max_size=8,
    ),
)
requests = builds(
    asking,
    kind=sampled_from(Kind),
    client=sampled_from((ANY, MINE, ELSEWHERE)),
    relay=sampled_from((ANY, ELSEWHERE)),
    options=dictionaries(
        sampled_from((Option.SERVER, Option.REQUESTED_ADDRESS, Option.CLIENT)),
        sampled_from((SERVER.packed, MINE.packed, ELSEWHERE.packed, b"", b"\1")),
    ),
)


class CodecTests(SynchronousTestCase):
    """Bytes to packets and back."""

    @given(packets)
    def test_round_trip(self, packet: Packet) -> None:
        """A written packet is read again as it was, long options too."""
        self.assertEqual(parse(write(packet)), packet)

    @given(binary())
    def test_any_bytes(self, datagram: bytes) -> None:
        """Any bytes are read, or are no packet."""
        parse(datagram)

    @given(packets, binary(max_size=400), integers(0, 300))
    def test_damaged(self, packet: Packet, noise: bytes, at: int) -> None:
        """A damaged packet is read or is none, and can be answered or not."""
        good = write(packet)
        read = parse(good[:at] + noise + good[at + len(noise) :])
        if read is not None:
            reply(read, LEASE, SERVER)

    @given(packets, integers(0, 300))
    def test_cut_short(self, packet: Packet, length: int) -> None:
        """A packet may end anywhere."""
        parse(write(packet)[:length])

    def test_long_enough(self) -> None:
        """No packet is shorter than BOOTP's."""
        self.assertGreaterEqual(len(write(asking(Kind.DISCOVER))), 300)

    def test_not_dhcp(self) -> None:
        """What has no cookie, no Ethernet or no known direction is no packet."""
        good = write(asking(Kind.DISCOVER))
        for at, byte in ((0, 3), (1, 6), (2, 16), (236, 0)):
            bad = bytearray(good)
            bad[at] = byte
            self.assertIsNone(parse(bytes(bad)), at)

    def test_overload(self) -> None:
        """Options may go on where the names of files would be."""
        packet = bytearray(
            write(asking(Kind.REQUEST, options={Option.OVERLOAD: b"\3"}))
        )
        requested = bytes((Option.REQUESTED_ADDRESS, 4)) + MINE.packed + b"\xff"
        packet[108 : 108 + len(requested)] = requested
        server = bytes((Option.SERVER, 4)) + SERVER.packed + b"\xff"
        packet[44 : 44 + len(server)] = server
        read = parse(bytes(packet))
        assert read is not None
        self.assertEqual(read.options[Option.REQUESTED_ADDRESS], MINE.packed)
        self.assertEqual(read.options[Option.SERVER], SERVER.packed)

    def test_kind(self) -> None:
        """BOOTP, and a kind that nobody knows, are of no kind."""
        packet = asking(Kind.DISCOVER)
        self.assertIs(packet.kind, Kind.DISCOVER)
        self.assertIsNone(evolve(packet, options={}).kind)
        self.assertIsNone(evolve(packet, options={Option.KIND: b"\xee"}).kind)
        self.assertIsNone(evolve(packet, options={Option.KIND: b"\1\1"}).kind)


class ReplyTests(SynchronousTestCase):
    """What is answered."""

    def answer(self, asked: Packet) -> Packet:
        answered = reply(asked, LEASE, SERVER)
        assert answered is not None
        return answered

    def test_discover(self) -> None:
        """Who looks for an address is offered its own."""
        offer = self.answer(asking(Kind.DISCOVER))
        self.assertIs(offer.op, Op.REPLY)
        self.assertIs(offer.kind, Kind.OFFER)
        self.assertEqual(offer.given, MINE)
        self.assertEqual(offer.client, ANY)
        self.assertEqual(offer.transaction, 0x3903F326)
        self.assertEqual(offer.flags, 0x8000)
        self.assertEqual(offer.mac_address, LEASE.mac_address)
        self.assertEqual(destination(offer), ("255.255.255.255", 68))

    def test_facts(self) -> None:
        """An offer says all of the network."""
        lease = evolve(
            LEASE,
            hostname="ip-10-231-0-2.one.internal",
            nameservers=("10.231.0.1", "192.0.2.53"),
            mtu=1450,
        )
        offer = reply(asking(Kind.DISCOVER), lease, SERVER)
        assert offer is not None
        self.assertEqual(
            offer.options,
            {
                Option.KIND: b"\2",
                Option.SERVER: SERVER.packed,
                Option.LEASE_TIME: struct.pack("!I", LEASE_S),
                Option.RENEWAL_TIME: struct.pack("!I", LEASE_S // 2),
                Option.REBINDING_TIME: struct.pack("!I", LEASE_S * 7 // 8),
                Option.SUBNET_MASK: b"\xff\xff\xff\0",
                Option.ROUTER: SERVER.packed,
                Option.NAME_SERVERS: SERVER.packed + b"\xc0\0\2\x35",
                Option.HOST_NAME: b"ip-10-231-0-2",
                Option.DOMAIN_NAME: b"one.internal",
                Option.MTU: struct.pack("!H", 1450),
                Option.CLASSLESS_ROUTES: b"\x20\xa9\xfe\xa9\xfe\0\0\0\0\0"
                + SERVER.packed,
            },
        )

    def test_open_facts(self) -> None:
        """What the lease leaves open is not said."""
        bare = evolve(LEASE, nameservers=(), hostname="")
        offer = reply(asking(Kind.DISCOVER), bare, SERVER)
        assert offer is not None
        for code in (Option.NAME_SERVERS, Option.HOST_NAME, Option.DOMAIN_NAME):
            self.assertNotIn(code, offer.options)

    def test_selected(self) -> None:
        """Who chose us has its address."""
        asked = asking(
            Kind.REQUEST,
            options={
                Option.SERVER: SERVER.packed,
                Option.REQUESTED_ADDRESS: MINE.packed,
            },
        )
        ack = self.answer(asked)
        self.assertIs(ack.kind, Kind.ACK)
        self.assertEqual(ack.given, MINE)

    def test_other_selected(self) -> None:
        """Who chose another server hears nothing of us."""
        asked = asking(
            Kind.REQUEST,
            options={
                Option.SERVER: OTHER_SERVER.packed,
                Option.REQUESTED_ADDRESS: MINE.packed,
            },
        )
        self.assertIsNone(reply(asked, LEASE, SERVER))

    def test_rebooted(self) -> None:
        """Who remembers its address has it."""
        asked = asking(Kind.REQUEST, options={Option.REQUESTED_ADDRESS: MINE.packed})
        self.assertIs(self.answer(asked).kind, Kind.ACK)

    def test_rebooted_elsewhere(self) -> None:
        """Who remembers another address is told, aloud, that it is wrong."""
        asked = asking(
            Kind.REQUEST, options={Option.REQUESTED_ADDRESS: ELSEWHERE.packed}
        )
        nak = self.answer(asked)
        self.assertIs(nak.kind, Kind.NAK)
        self.assertEqual(nak.given, ANY)
        self.assertEqual(set(nak.options), {Option.KIND, Option.SERVER})
        self.assertEqual(destination(nak), ("255.255.255.255", 68))

    def test_renewed(self) -> None:
        """Who has its address keeps it, and is told there."""
        ack = self.answer(asking(Kind.REQUEST, client=MINE))
        self.assertIs(ack.kind, Kind.ACK)
        self.assertEqual(ack.client, MINE)
        self.assertEqual(destination(ack), (LEASE.private_ip, 68))

    def test_renewed_elsewhere(self) -> None:
        """Who has another's address loses it, and nothing is sent there."""
        nak = self.answer(asking(Kind.REQUEST, client=ELSEWHERE))
        self.assertIs(nak.kind, Kind.NAK)
        self.assertEqual(destination(nak), ("255.255.255.255", 68))

    def test_claims_two(self) -> None:
        """Who asks for its address from another's is refused."""
        asked = asking(
            Kind.REQUEST,
            client=ELSEWHERE,
            options={Option.REQUESTED_ADDRESS: MINE.packed},
        )
        self.assertIs(self.answer(asked).kind, Kind.NAK)

    def test_inform(self) -> None:
        """Who has its address by itself is told the rest, but no lease."""
        ack = self.answer(asking(Kind.INFORM, client=MINE))
        self.assertIs(ack.kind, Kind.ACK)
        self.assertEqual(ack.given, ANY)
        self.assertNotIn(Option.LEASE_TIME, ack.options)
        self.assertNotIn(Option.RENEWAL_TIME, ack.options)
        self.assertIn(Option.ROUTER, ack.options)
        self.assertEqual(destination(ack), (LEASE.private_ip, 68))

    def test_client_identifier(self) -> None:
        """A client's identifier comes back to it, with a refusal too."""
        for kind in (Kind.DISCOVER, Kind.REQUEST):
            asked = asking(kind, client=ELSEWHERE, options={Option.CLIENT: b"\xffme"})
            self.assertEqual(self.answer(asked).options[Option.CLIENT], b"\xffme")

    def test_silence(self) -> None:
        """
        Relays, replies, releases, BOOTP, requests for nothing and requests
        from another's address for facts get no answer.
        """
        discover = asking(Kind.DISCOVER)
        for asked in (
            evolve(discover, relay=ELSEWHERE),
            evolve(discover, op=Op.REPLY),
            evolve(discover, options={}),
            asking(Kind.RELEASE, client=MINE),
            asking(Kind.DECLINE),
            asking(Kind.REQUEST),
            asking(Kind.INFORM),
            asking(Kind.INFORM, client=ELSEWHERE),
        ):
            self.assertIsNone(reply(asked, LEASE, SERVER))

    @given(requests | packets, just(LEASE))
    def test_only_its_own(self, asked: Packet, lease: object) -> None:
        """No request gets a card another address than its own."""
        answered = reply(asked, LEASE, SERVER)
        if answered is not None:
            self.assertIn(answered.given, (MINE, ANY))
            self.assertIn(destination(answered)[0], (str(MINE), "255.255.255.255"))
            self.assertEqual(answered.transaction, asked.transaction)
            self.assertEqual(parse(write(answered)), answered)
