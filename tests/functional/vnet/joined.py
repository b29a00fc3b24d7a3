"""
What may come where in clusters that are whole, what does, and what is to be heard on
the way.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network

from twisted.trial.unittest import TestCase

from euca_tw.model.networks import TRANSIT_NUMBER, Elastic, Machine, Member
from euca_tw.vnet.classes import ICMP, TCP, UDP
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.filter_text import NAME
from euca_tw.vnet.link_records import BY_ANOTHER_METRIC, bridge_name
from euca_tw.vnet.trace import departure, trace
from euca_tw.vnet.transit import mac_address
from euca_tw.vnet.ways import way
from tests.functional.vnet import frames
from tests.functional.vnet.guests import (
    SO_RCVBUFFORCE,
    Guest,
    Probe,
    heard,
    icmp,
    nft,
    received,
    serve,
)
from tests.functional.vnet.sites import PORT
from tests.functional.vnet.streams import Pings, Stream, wait_for
from tests.functional.vnet.whole import Clouds, placed
from tests.vnet.groups import group, lets_in, lets_out, member_of, rule

ECHO = 8 << 8
#: Networks, each of the group in that place.
WEB, APP, DATA, CLOSED, LONE, FAR, HELD = range(1, 8)
GROUPS = (
    group("sg-web", rule(TCP, 80, 80), rule(ICMP, -1, -1)),
    group("sg-app", rule(None, -1, -1, "sg-app"), rule(TCP, 80, 89, "sg-web")),
    group(
        "sg-data",
        rule(TCP, 81, 81, "sg-app"),
        rule(ICMP, 8, -1, IPv4Network("10.0.2.0/24")),
        rule(TCP, 80, 80, IPv4Network("10.0.1.0/29")),
    ),
    group("sg-closed"),
    group(
        "sg-lone",
        rule(TCP, 80, 81),
        rule(TCP, 99, 99, "sg-far"),
        rule(ICMP, -1, -1, "sg-web"),
    ),
    group(
        "sg-far",
        rule(TCP, 80, 80, "sg-lone"),
        rule(TCP, 81, 81, IPv4Network("10.0.1.0/29")),
        rule(ICMP, -1, -1, "sg-lone"),
    ),
    group(
        "sg-held",
        rule(TCP, 80, 99),
        rule(ICMP, -1, -1),
        egress=(
            rule(TCP, 80, 81, "sg-web"),
            rule(ICMP, 8, -1, "sg-web"),
            rule(TCP, 81, 99, IPv4Network("10.0.5.0/24")),
            rule(TCP, 80, 80, IPv4Network("192.0.2.1/32")),
        ),
    ),
)
PORTS: Mapping[int, tuple[int, ...]] = {TCP: (80, 81, 99), ICMP: (ECHO,)}
TRANSIT = bridge_name(TRANSIT_NUMBER)
_SAID = b"what nobody else is to know"


def members(*on: tuple[int, str]) -> tuple[Member, ...]:
    """@param on: a network and a machine; of each network 2 and further."""
    numbers: Counter[int] = Counter()
    made = []
    for network, machine in on:
        numbers[network] += 1
        name = GROUPS[network - 1].group_id
        member = member_of(numbers[network] + 1, machine, name, network=network)
        made.append(placed(member))
    return tuple(made)


class SitesCase(TestCase):
    """What may come where, and what does."""

    clouds: Clouds

    def build(
        self,
        known: Mapping[str, Machine],
        on: Iterable[tuple[int, str]],
        *,
        dialling: str = "",
        shows_all: bool = False,
        is_strict: bool = False,
        elastics: Iterable[Elastic] = (),
        outward: FilterSettings | None = None,
    ) -> None:
        """As L{Clouds}."""
        self.clouds = Clouds(
            self,
            dialling=frozenset(dialling),
            shows_all=shows_all,
            is_strict=is_strict,
            members=members(*on),
            groups=GROUPS,
            elastics=tuple(elastics),
            outward=outward or FilterSettings(),
        )
        self.clouds.build(known.values())
        self.clouds.plug()

    def guest(self, network: int, machine: str) -> Guest:
        return next(
            each
            for each in self.clouds.guests.values()
            if (each.member.network, each.member.machine) == (network, machine)
        )

    # --- for one --------------------------------------------------------------------

    def probes(self) -> list[Probe]:
        guests = self.clouds.guests.values()
        return [
            Probe(source, target.address, protocol, port)
            for source in guests
            for target in guests
            if source is not target
            for protocol, ports in PORTS.items()
            for port in ports
        ]

    def allowed(self, probes: Iterable[Probe]) -> set[Probe]:
        clouds = self.clouds
        known = {each.group_id: each for each in clouds.groups}
        sources = {
            group_id: frozenset(
                each.private_ip for each in clouds.members if group_id in each.groups
            )
            for group_id in known
        }
        targets = {str(each.private_ip): each for each in clouds.members}

        def passes(probe: Probe) -> bool:
            source, target = probe.source.member, targets[probe.address]
            asked = (probe.protocol, probe.port)
            return lets_in(
                known, sources, target, source.private_ip, *asked
            ) and lets_out(known, sources, source, target.private_ip, *asked)

        return {probe for probe in probes if passes(probe)}

    def told(self, probes: Iterable[Probe]) -> set[Probe]:
        """Those of which operators are told that they get there."""
        members = {str(each.private_ip): each for each in self.clouds.members}
        views = {name: self.clouds.whole_view(name) for name in self.clouds.carriers}

        def is_told(probe: Probe) -> bool:
            sender, target = probe.source.member, members[probe.address]
            view = views[target.machine]
            asked = (probe.protocol, probe.port)
            return (
                departure(
                    *(views[sender.machine], sender.instance_id, target.private_ip),
                    *asked,
                ).passes
                and trace(view, target.instance_id, sender.private_ip, *asked).passes
                and way(view, target, sender).is_open
            )

        return {probe for probe in probes if is_told(probe)}

    def assertMatrix(self, least: int = 50) -> None:
        """Of all pairs, exactly those talk that shall, and that are told to."""
        guests = self.clouds.guests.values()
        serving = [serve(self, each, PORTS) for each in guests]
        probes = self.probes()
        found = heard(probes, serving, 1.0)
        allowed = self.allowed(probes)
        # A busy machine may be late.
        found |= heard(allowed - found, serving, 5.0)
        print(f"\n    {len(allowed)} of {len(probes)} are let in", end=" ")
        self.assertGreater(len(allowed), least)
        self.assertEqual(sorted(map(repr, allowed - found)), [], "lost")
        self.assertEqual(sorted(map(repr, found - allowed)), [], "let in")
        self.assertEqual(sorted(map(repr, found ^ self.told(probes))), [], "told")

    # --- between clusters by the transit network ------------------------------------

    def handed_to(self, here: str, there: str, network: int) -> None:
        """From now on, the head of one cluster hands to another's what is for it."""
        host = self.clouds.carriers[f"{here}0"].host
        neighbours = host.ip("neigh", "show", "dev", TRANSIT).splitlines()
        [by] = [each.split()[0] for each in neighbours if mac_address(there) in each]
        host.ip(
            *("route", "replace", f"10.0.{network}.0/24", "via", by, "onlink"),
            *("dev", TRANSIT, "metric", str(BY_ANOTHER_METRIC)),
        )

    def dropped(self, cluster: str, family: str, counter: str) -> int:
        """So many packets a cluster's head has."""
        pid = self.clouds.carriers[f"{cluster}0"].host.pid
        listed = json.loads(
            nft("-j", "list", "counter", family, NAME, counter, pid=pid)
        )
        packets: int = listed["nftables"][-1]["counter"]["packets"]
        return packets

    def assertOneStep(self, one: str, other: str, source: Guest, target: Guest) -> None:
        """
        What a head hands to one that does not carry it goes no further, though that
        one would know to whom, and back to the first.
        """
        self.handed_to(one, other, target.member.network)
        self.handed_to(other, one, target.member.network)
        before = self.dropped(one, "inet", "closed")
        wanted = self.dropped(other, "inet", "closed") + 5
        with source.open(ICMP) as asking:
            for number in range(5):
                asking.sendto(icmp(ECHO, number), (target.address, 0))
            wait_for(
                lambda: self.dropped(other, "inet", "closed") == wanted,
                "it is dropped",
            )
        self.assertEqual(self.dropped(one, "inet", "closed"), before)

    def assertOwnOnly(self, one: str, other: str, sender: Guest, target: Guest) -> None:
        """A head hands on nothing that is from networks that its cluster has not."""
        before = self.dropped(other, "bridge", "spoofed")
        head = Guest(sender.member, self.clouds.carriers[f"{one}0"].host.pid)
        with head.packets(TRANSIT) as card:
            card.send(
                frames.udp(
                    *(mac_address(one), sender.address),
                    *(mac_address(other), target.address, (1, 2)),
                )
            )
        wait_for(
            lambda: self.dropped(other, "bridge", "spoofed") == before + 1,
            "it is dropped",
        )

    # --- for all --------------------------------------------------------------------

    def assertTold(self, count: int = 3) -> None:
        """
        What an instance asks all comes so often to each of its network, and to
        nobody else.
        """
        guests = list(self.clouds.guests.values())
        ears = {each.address: each.packets() for each in guests}
        for ear in ears.values():
            ear.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 22)
            self.addCleanup(ear.close)
        came = {address: Counter[str]() for address in ears}
        for each in guests:
            mac = each.member.mac_address
            nobody = f"10.0.{each.member.network}.250"
            for _ in range(count):
                ears[each.address].send(frames.arp(mac, mac, each.address, nobody))
        wanted = {
            to.address: Counter(
                {
                    each.address: count
                    for each in guests
                    if each.member.network == to.member.network and each is not to
                }
            )
            for to in guests
        }

        def listen() -> bool:
            for address, ear in ears.items():
                while (frame := received(ear, 0)) is not None:
                    if frames.PAYLOAD in frame:
                        sender = socket.inet_ntoa(frame[28:32])
                        # Who speaks hears himself leave.
                        came[address][sender] += sender != address
            return all(came[address] >= wanted[address] for address in came)

        wait_for(listen, "all that was asked came")
        # What is too much would come now.
        time.sleep(0.5)
        listen()
        self.assertEqual({each: +those for each, those in came.items()}, wanted)

    # --- between heads --------------------------------------------------------------

    def say(self, one: Guest, other: Guest, count: int = 10) -> None:
        """What can be looked for."""
        with one.open(UDP) as sender, other.open(UDP, other.address, 5353) as receiver:
            for _ in range(count):
                sender.sendto(_SAID, (other.address, 5353))
                self.assertEqual(received(receiver, 5.0), _SAID)

    def assertSealed(self, overheard: list[bytes]) -> None:
        """Heads say nothing but by TCP, at one port, and nothing that is readable."""
        addresses = {
            socket.inet_aton(self.clouds.address(each.machine.cluster))
            for each in self.clouds.heads
        }
        addresses |= {socket.inet_aton("198.51.100.2")}
        said = [each for each in overheard if each[12:14] != b"\x08\x06"]
        self.assertGreater(len(said), 20)
        for frame in said:
            self.assertEqual(frame[12:15], b"\x08\x00\x45")
            self.assertEqual(frame[23], TCP)
            self.assertLessEqual({frame[26:30], frame[30:34]}, addresses)
            self.assertIn(PORT, struct.unpack("!HH", frame[34:38]))
        whole = b"".join(overheard)
        self.assertNotIn(_SAID[:12], whole)
        for each in self.clouds.guests.values():
            self.assertNotIn(socket.inet_aton(each.address), whole)
            mac_address = each.member.mac_address.replace(":", "")
            self.assertNotIn(bytes.fromhex(mac_address), whole)

    # --- while other things are done ------------------------------------------------

    def pinging(self, one: Guest, other: Guest) -> Pings:
        pings = Pings(one, other)
        self.addCleanup(pings.end)
        return pings

    def streaming(self, one: Guest, other: Guest, port: int = 80) -> Stream:
        stream = Stream.open(one, other, other.address, port)
        stream.start()
        self.flows(stream)
        return stream

    def flows(self, stream: Stream) -> None:
        """Wait until more came by it."""
        until = stream.received + (1 << 20)
        # After some failures TCP itself waits for long before it tries again.
        wait_for(lambda: stream.received > until, "it flows", 60)

    def assertWhole(self, stream: Stream) -> None:
        stream.end()
        self.assertEqual(stream.trouble, [])
        self.assertTrue(stream.is_whole())
