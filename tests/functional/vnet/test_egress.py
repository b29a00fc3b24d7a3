"""What of instances is let out, by L{euca_tw.vnet.rules}; there is no way around."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Network

from attrs import evolve

from euca_tw.model.networks import ROUTER_MAC, Member, Rule
from euca_tw.vnet.classes import ICMP, TCP, UDP
from tests.functional.vnet import frames as frames_of
from tests.functional.vnet.frames import BROADCAST
from tests.functional.vnet.grouped import OPEN, Site, arrived, counters
from tests.functional.vnet.guests import (
    BRIDGE,
    Guest,
    Probe,
    heard,
    ip,
    received,
    serve,
)
from tests.vnet.groups import group, member_of, rule, view_of

METADATA = "169.254.169.254"
ROUTER = "10.0.1.1"


class EgressTests(Site):
    """One that may not send all that it likes, and others, here and elsewhere."""

    async def begin(self, *egress: Rule) -> None:
        self.members = [
            member_of(2, "a1", "sg-held"),
            member_of(3, "a1", "sg-open"),
            member_of(4, "a2", "sg-open"),
        ]
        self.held, self.other, self.afar = self.guests(self.members)
        self.mac, self.other_mac, self.afar_mac = (
            each.mac_address for each in self.members
        )
        await self.hold(*egress)

    async def hold(self, *egress: Rule, members: list[Member] | None = None) -> None:
        """Let out only what these say."""
        held = group("sg-held", rule(None, -1, -1), egress=egress)
        self.members = members or self.members
        view = view_of("a1", self.members, [OPEN, held], "a2")
        await self.rules.apply(view)

    def asking(self, target: Guest, protocol: int, port: int) -> bool:
        """Whether it comes there."""
        serving = serve(self, target, {protocol: (port,)})
        probe = Probe(self.held, target.address, protocol, port)
        try:
            return bool(heard([probe], [serving]))
        finally:
            for each in serving.sockets:
                each.close()

    def connected(self, source: Guest, target: Guest) -> tuple[socket.socket, ...]:
        with target.open(TCP, port=80) as listening:
            asking = source.open(TCP)
            asking.settimeout(2.0)
            asking.connect((target.address, 80))
            accepted, _ = listening.accept()
        accepted.settimeout(2.0)
        for each in (asking, accepted):
            self.addCleanup(each.close)
        return asking, accepted

    def packets(self, guest: Guest) -> socket.socket:
        made = guest.packets()
        self.addCleanup(made.close)
        return made

    async def test_answers(self) -> None:
        """
        Who may send nothing answers whoever its groups let in, from here and from
        elsewhere, by TCP and UDP, and begins nothing.
        """
        await self.begin()
        for source in (self.other, self.afar):
            asking, accepted = self.connected(source, self.held)
            asking.sendall(b"question")
            self.assertEqual(accepted.recv(20), b"question")
            accepted.sendall(b"answer")
            self.assertEqual(asking.recv(20), b"answer")
            probe = Probe(source, self.held.address, UDP, 53)
            serving = [serve(self, self.held, {UDP: (53,)}, self.held.address)]
            self.assertEqual(heard([probe], serving), {probe})
            for each in serving[0].sockets:
                each.close()
            self.assertFalse(self.asking(source, TCP, 80))
        self.assertGreater(counters()["kept_in"], 0)

    async def test_errors(self) -> None:
        """
        By an error about a connection of others nothing is said to who has that, nor
        by one about an own one, unless a rule lets it out.
        """
        await self.begin()
        ear = self.packets(self.afar)
        sending = self.packets(self.held)
        errors = []
        for target in (self.other, self.held):
            asking, _ = self.connected(self.afar, target)
            port = asking.getsockname()[1]
            quoted = _ip(
                TCP, "10.0.1.4", target.address, struct.pack("!HHI", port, 80, 0)
            )
            said = struct.pack("!BBHI", 3, 3, 0, 0) + quoted
            said = said[:2] + struct.pack("!H", _checksum(said)) + said[4:]
            errors.append(
                frames_of.ethernet(
                    *(self.mac, self.afar_mac, frames_of.IP),
                    _ip(ICMP, "10.0.1.2", "10.0.1.4", said),
                )
            )
        for error in errors:
            sending.send(error)
        self.assertEqual(_errors(ear), [])
        self.assertEqual(counters()["kept_in"], 2)
        await self.hold(rule(ICMP, 3, -1))
        for error in errors:
            sending.send(error)
        self.assertEqual(len(_errors(ear)), 2)

    async def test_changes(self) -> None:
        """
        What is let out goes at once; when that is revoked a connection goes on that
        it let out, and no other begins.
        """
        await self.begin()
        self.assertFalse(self.asking(self.other, TCP, 80))
        await self.hold(rule(TCP, 80, 80))
        asking, accepted = self.connected(self.held, self.other)
        await self.hold()
        asking.sendall(b"still")
        self.assertEqual(accepted.recv(10), b"still")
        self.assertFalse(self.asking(self.other, TCP, 80))

    async def test_joining(self) -> None:
        """Who joins a group is reached by what is said of that, and not before."""
        to_group = rule(TCP, 80, 80, "sg-names")
        await self.begin(to_group)
        self.assertFalse(self.asking(self.afar, TCP, 80))
        joined = evolve(self.members[2], groups=frozenset({"sg-open", "sg-names"}))
        await self.hold(to_group, members=[*self.members[:2], joined])
        self.assertTrue(self.asking(self.afar, TCP, 80))
        self.assertFalse(self.asking(self.other, TCP, 80))

    async def test_several_groups(self) -> None:
        """One group more that lets out everything is enough."""
        await self.begin()
        self.assertFalse(self.asking(self.other, TCP, 80))
        freed = evolve(self.members[0], groups=frozenset({"sg-held", "sg-open"}))
        await self.hold(members=[freed, *self.members[1:]])
        self.assertTrue(self.asking(self.other, TCP, 80))

    async def test_served(self) -> None:
        """
        Metadata, addresses and the router are asked by who may send nothing; but not
        with options that could name another destination.
        """
        await self.begin()
        ip("route", "add", f"{METADATA}/32", "dev", "eth0", pid=self.held.pid)
        ip("route", "add", "10.0.1.0/24", "dev", BRIDGE)
        with socket.create_server((METADATA, 80)):
            asking = self.held.open(TCP)
            self.addCleanup(asking.close)
            asking.settimeout(2.0)
            asking.connect((METADATA, 80))
        ear = _ear(BRIDGE)
        self.addCleanup(ear.close)
        sending = self.packets(self.held)
        asked = frames_of.udp(
            self.mac, "0.0.0.0", BROADCAST, "255.255.255.255", (68, 67)
        )
        sending.send(asked)
        self.assertEqual(arrived(ear), [asked])
        before = counters()
        router = frames_of.udp(self.mac, "10.0.1.2", ROUTER_MAC, ROUTER, (9, 53))
        sending.send(router)
        arrived(ear)
        self.assertEqual(counters()["kept_in"], before["kept_in"])
        sending.send(_with_options(router))
        arrived(ear)
        self.assertEqual(counters()["kept_in"], before["kept_in"] + 1)

    async def test_not_served(self) -> None:
        """
        The address of who serves does not get anything to somebody else, whoever it
        is sent to.
        """
        await self.begin()
        ears = [self.packets(each) for each in (self.other, self.afar)]
        sending = self.packets(self.held)
        for address, ports in (
            (METADATA, (9, 80)),
            (ROUTER, (9, 53)),
            ("255.255.255.255", (68, 67)),
            ("10.0.1.3", (68, 67)),
            ("10.0.1.4", (68, 67)),
        ):
            for mac in (self.other_mac, self.afar_mac, BROADCAST):
                sending.send(frames_of.udp(self.mac, "10.0.1.2", mac, address, ports))
        self.assertEqual([arrived(each) for each in ears], [[], []])

    async def test_to_anothers_card(self) -> None:
        """
        What is addressed to one by IP, and may go there, does not come to another by
        whose MAC address it is sent; nor to all.
        """
        await self.begin(rule(UDP, 53, 53, IPv4Network("10.0.1.99/32")))
        ears = [self.packets(each) for each in (self.other,)]
        sending = self.packets(self.held)
        for mac in (self.other_mac, BROADCAST):
            sending.send(frames_of.udp(self.mac, "10.0.1.2", mac, "10.0.1.99", (9, 53)))
        self.assertEqual([arrived(each) for each in ears], [[]])
        self.assertEqual(counters()["astray"], 2)

    async def test_broadcasts(self) -> None:
        """What is for all goes where a rule lets it, and ARP always."""
        await self.begin()
        ears = [self.packets(each) for each in (self.other, self.afar)]
        sending = self.packets(self.held)
        to_all = frames_of.udp(self.mac, "10.0.1.2", BROADCAST, "10.0.1.255", (9, 9))
        asking = frames_of.arp(self.mac, self.mac, "10.0.1.2", "10.0.1.3")
        sending.send(to_all)
        sending.send(asking)
        self.assertEqual([arrived(each) for each in ears], [[asking], [asking]])
        await self.hold(rule(UDP, 9, 9, IPv4Network("10.0.1.255/32")))
        sending.send(to_all)
        self.assertEqual([arrived(each) for each in ears], [[to_all], [to_all]])

    async def test_fragments(self) -> None:
        """A packet in pieces is judged as a whole."""
        await self.begin(rule(UDP, 53, 53))
        for target in (self.other, self.afar):
            for port, is_let_out in ((53, True), (54, False)):
                listening = target.open(UDP, port=port)
                sending = self.held.open(UDP)
                for each in (listening, sending):
                    self.addCleanup(each.close)
                # So large that no port is in most of it.
                sending.sendto(b"x" * 4000, (target.address, port))
                came = received(listening, 0.3)
                self.assertEqual(came is not None, is_let_out, (target, port))
        self.assertGreater(counters()["kept_in"], 0)


def _ear(card: str) -> socket.socket:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
    made.bind((card, 0))
    made.setblocking(False)
    return made


def _errors(ear: socket.socket) -> list[bytes]:
    """The errors of ICMP that came within a moment."""
    came: list[bytes] = []
    while (frame := received(ear, 0.2)) is not None:
        if frame[23] == ICMP and frame[34] == 3:
            came.append(frame)
    return came


def _ip(protocol: int, source: str, target: str, body: bytes) -> bytes:
    addresses = socket.inet_aton(source) + socket.inet_aton(target)
    length = 20 + len(body)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, 1, 0, 64, protocol, 0) + addresses
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + body


def _checksum(text: bytes) -> int:
    total = sum(struct.unpack(f"!{len(text) // 2}H", text))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


def _with_options(frame: bytes) -> bytes:
    """The same, with a word of options that say nothing."""
    head = bytearray(frame[14:34])
    head[0] = 0x46
    head[2:4] = struct.pack("!H", len(frame) - 14 + 4)
    head[10:12] = bytes(2)
    whole = bytes(head) + b"\x01\x01\x01\x00"
    return (
        frame[:14]
        + whole[:10]
        + struct.pack("!H", _checksum(whole))
        + (whole[12:] + frame[34:])
    )
