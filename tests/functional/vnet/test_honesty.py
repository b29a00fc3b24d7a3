"""What a guest may say and ask, by L{euca_tw.vnet.rules}."""

from __future__ import annotations

import os
import socket
from ipaddress import IPv4Network

from attrs import evolve

from euca_tw.model.networks import ROUTER_MAC, Group
from euca_tw.vnet.classes import ICMP, TCP, UDP
from euca_tw.vnet.filter_settings import FilterSettings
from tests.functional.vnet import frames as frames_of
from tests.functional.vnet.frames import BROADCAST, PAYLOAD
from tests.functional.vnet.grouped import (
    CLOSED,
    MUTE,
    OPEN,
    Site,
    arrived,
    counters,
    make_rules,
)
from tests.functional.vnet.guests import Guest, Probe, heard, ip, make_guest, serve
from tests.vnet.groups import group, member_of, rule, view_of


class HonestyTests(Site):
    """What a guest may not say."""

    async def begin(self) -> None:
        self.members = [
            member_of(2, "a1", "sg-open"),
            member_of(3, "a1", "sg-open"),
            member_of(4, "a2", "sg-open"),
        ]
        self.view = view_of("a1", self.members, [OPEN], "a2")
        self.sender, self.other, self.afar = self.guests(self.members)
        await self.rules.apply(self.view)
        self.mac, self.other_mac, self.afar_mac = (
            each.mac_address for each in self.members
        )
        self.listening = [each.packets() for each in (self.other, self.afar)]
        self.sending = self.sender.packets()
        for each in (*self.listening, self.sending):
            self.addCleanup(each.close)

    def send(self, *frames: bytes) -> list[list[bytes]]:
        """What the one on this machine hears of it, and the one elsewhere."""
        for each in self.listening:
            arrived(each)
        for frame in frames:
            self.sending.send(frame)
        return [arrived(each) for each in self.listening]

    async def test_honest(self) -> None:
        """As itself it is heard, by ARP and by IP, on either side."""
        await self.begin()
        frames = [
            frames_of.arp(self.mac, self.mac, "10.0.1.2", "10.0.1.3"),
            frames_of.arp(self.mac, self.mac, "0.0.0.0", "10.0.1.2"),
            frames_of.udp(self.mac, "10.0.1.2", BROADCAST, "10.0.1.255", (9, 9)),
        ]
        for heard_by in self.send(*frames):
            self.assertEqual(heard_by, frames)
        self.assertEqual({*counters().values()}, {0})

    async def test_dishonest(self) -> None:
        """
        As another, as a server of addresses, as a router, with a tag or in another
        protocol it is heard by nobody, and it is counted.
        """
        await self.begin()
        as_itself = frames_of.udp(self.mac, "10.0.1.2", BROADCAST, "10.0.1.255", (9, 9))
        for counter, frame in (
            (
                "spoofed",
                frames_of.udp(
                    self.other_mac, "10.0.1.2", BROADCAST, "10.0.1.255", (9, 9)
                ),
            ),
            (
                "spoofed",
                frames_of.udp(self.mac, "10.0.1.3", BROADCAST, "10.0.1.255", (9, 9)),
            ),
            (
                "spoofed",
                frames_of.udp(self.mac, "0.0.0.0", BROADCAST, "10.0.1.255", (9, 9)),
            ),
            (
                "spoofed",
                frames_of.udp(self.mac, "8.8.8.8", BROADCAST, "10.0.1.255", (9, 9)),
            ),
            ("spoofed_arp", frames_of.arp(self.mac, self.mac, "10.0.1.3", "10.0.1.4")),
            (
                "spoofed_arp",
                frames_of.arp(self.mac, self.other_mac, "10.0.1.3", "10.0.1.4"),
            ),
            (
                "spoofed_arp",
                frames_of.arp(self.mac, self.other_mac, "10.0.1.2", "10.0.1.4"),
            ),
            (
                "spoofed_arp",
                frames_of.arp(self.other_mac, self.mac, "10.0.1.2", "10.0.1.4"),
            ),
            (
                "spoofed_arp",
                frames_of.arp(self.mac, self.mac, "10.0.1.1", "10.0.1.4", operation=2),
            ),
            (
                "dhcp_server",
                frames_of.udp(
                    self.mac, "10.0.1.2", BROADCAST, "255.255.255.255", (67, 68)
                ),
            ),
            ("ipv6", frames_of.router_advertisement(self.mac)),
            ("tagged", frames_of.tagged(as_itself)),
            ("tagged", frames_of.tagged(as_itself, frames_of.QINQ)),
            ("tagged", frames_of.tagged(frames_of.tagged(as_itself))),
            ("tagged", frames_of.tagged(frames_of.router_advertisement(self.mac))),
            (
                "not_ip",
                frames_of.ethernet(self.mac, BROADCAST, frames_of.PPPOE, PAYLOAD),
            ),
            ("not_ip", frames_of.ethernet(self.mac, BROADCAST, 0x1234, PAYLOAD)),
        ):
            before = counters()
            self.assertEqual(self.send(frame), [[], []], (counter, frame))
            after = counters()
            self.assertEqual(after.pop(counter), before.pop(counter) + 1, frame)
            self.assertEqual(after, before)

    async def test_own_of_the_machine(self) -> None:
        """
        DHCP, metadata and what bridges say to each other go to no other machine
        and no other guest; nor do they come from there.
        """
        await self.begin()
        frames = [
            frames_of.udp(self.mac, "0.0.0.0", BROADCAST, "255.255.255.255", (68, 67)),
            frames_of.udp(self.mac, "10.0.1.2", BROADCAST, "10.0.1.255", (9, 68)),
            frames_of.udp(
                self.mac, "10.0.1.2", self.afar_mac, "169.254.169.254", (9, 9)
            ),
            frames_of.arp(self.mac, self.mac, "10.0.1.2", "169.254.169.254"),
            frames_of.bridge_protocol(self.mac),
        ]
        self.assertEqual(self.send(*frames), [[], []])
        self.sending = self.afar.packets()
        self.addCleanup(self.sending.close)
        for frame in (
            frames_of.udp(
                self.afar_mac, "10.0.1.4", BROADCAST, "255.255.255.255", (67, 68)
            ),
            frames_of.arp(self.afar_mac, self.afar_mac, "169.254.169.254", "10.0.1.3"),
        ):
            self.assertEqual(self.send(frame)[0], [])

    async def test_unknown_card(self) -> None:
        """A card that no view knows says nothing and hears nothing."""
        await self.begin()
        member = member_of(5, "a1", "sg-open")
        (unknown,) = self.guests([member])
        with unknown.packets() as sending:
            sending.send(
                frames_of.arp(
                    member.mac_address, member.mac_address, "10.0.1.5", "10.0.1.3"
                )
            )
            self.assertEqual([arrived(each) for each in self.listening], [[], []])
        with unknown.packets() as listening:
            self.sending.send(
                frames_of.udp(self.mac, "10.0.1.2", BROADCAST, "10.0.1.255", (9, 9))
            )
            self.assertEqual(arrived(listening), [])


class MachineTests(Site):
    """What a guest can ask of the machine."""

    def setUp(self) -> None:
        super().setUp()
        ip("addr", "add", "172.20.0.2/32", "dev", "lo")
        ip("addr", "add", "10.0.1.1/24", "dev", "evb000001")

    def machine(self) -> Guest:
        """This machine, as if it were one of them."""
        return Guest(member=member_of(1, "a1"), pid=os.getpid())

    async def asked(
        self, settings: FilterSettings, here: str, of: Group = OPEN
    ) -> set[str]:
        """Of all that the machine serves, what a guest of the group hears."""
        members = [member_of(2, here, of.group_id)]
        (guest,) = (
            self.guests(members) if here == "a1" else (make_guest(self, members[0]),)
        )
        ip("route", "add", "169.254.169.254", "dev", "eth0", pid=guest.pid)
        ip("route", "add", "default", "via", "10.0.1.1", pid=guest.pid)
        rules = make_rules(settings)
        await rules.apply(view_of(here, members, [of]))
        machine = self.machine()
        ports = {TCP: (22, 53, 80, 8773, 8775), UDP: (53, 123)}
        addresses = ("169.254.169.254", "10.0.1.1", "172.20.0.2")
        serving = [serve(self, machine, ports, each) for each in addresses]
        probes = [
            Probe(guest, address, protocol, port)
            for address in addresses
            for protocol, those in (*ports.items(), (ICMP, (8 << 8,)))
            for port in those
        ]
        return {f"{p.address} {p.protocol}/{p.port}" for p in heard(probes, serving)}

    async def test_node(self) -> None:
        """Of a node its guests reach the metadata service, and nothing else."""
        self.assertEqual(
            await self.asked(FilterSettings(), "a1"), {"169.254.169.254 6/80"}
        )

    async def test_moved_metadata(self) -> None:
        """
        The metadata service may listen elsewhere: guests see it at port 80, and
        not where it is.
        """
        self.assertEqual(
            await self.asked(FilterSettings(metadata_port=8775), "a1"),
            {"169.254.169.254 6/80"},
        )

    async def test_names(self) -> None:
        """Names are answered where they are served."""
        self.assertEqual(
            await self.asked(FilterSettings(serves_names=True), "a1"),
            {f"169.254.169.254 {port}" for port in ("6/53", "6/80", "17/53")},
        )

    async def test_head(self) -> None:
        """A head answers pings of the router; none of its services is reached."""
        self.assertEqual(
            await self.asked(FilterSettings(), "a0"),
            {"169.254.169.254 6/80", f"10.0.1.1 1/{8 << 8}"},
        )

    async def test_mute(self) -> None:
        """Who may send nothing hears the same of a node."""
        self.assertEqual(
            await self.asked(FilterSettings(serves_names=True), "a1", MUTE),
            {f"169.254.169.254 {port}" for port in ("6/53", "6/80", "17/53")},
        )

    async def test_mute_of_a_head(self) -> None:
        """And of a head, which has the router's MAC address."""
        ip("link", "set", "evb000001", "address", ROUTER_MAC)
        self.assertEqual(
            await self.asked(FilterSettings(), "a0", MUTE),
            {"169.254.169.254 6/80", f"10.0.1.1 1/{8 << 8}"},
        )

    async def test_asks_guest(self) -> None:
        """The machine itself reaches of a guest what the guest's groups let in."""
        members = [member_of(2, "a1", "sg-x")]
        (guest,) = self.guests(members)
        group_x = group("sg-x", rule(TCP, 80, 80, IPv4Network("10.0.1.1/32")))
        await self.rules.apply(
            view_of("a0", [evolve(members[0], machine="a0")], [group_x])
        )
        serving = serve(self, guest, {TCP: (80, 81)})
        probes = [Probe(self.machine(), "10.0.1.2", TCP, port) for port in (80, 81)]
        self.assertEqual(heard(probes, [serving]), {probes[0]})

    async def test_dhcp(self) -> None:
        """A guest's request for an address comes to the machine, and its answer."""
        members = [member_of(2, "a1", "sg-closed")]
        (guest,) = self.guests(members)
        await self.rules.apply(view_of("a1", members, [CLOSED]))
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(server.close)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"evb000001")
        server.bind(("", 67))
        server.settimeout(1.0)
        mac = members[0].mac_address
        with guest.packets() as asking:
            asking.send(
                frames_of.udp(mac, "0.0.0.0", BROADCAST, "255.255.255.255", (68, 67))
            )
            data, sender = server.recvfrom(100)
            self.assertEqual((data, sender), (PAYLOAD, ("0.0.0.0", 68)))
            server.sendto(PAYLOAD, ("255.255.255.255", 68))
            self.assertEqual(len(arrived(asking)), 1)
