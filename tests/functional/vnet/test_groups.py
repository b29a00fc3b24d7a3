"""Who may talk to whom, by L{euca_tw.vnet.rules}, while the rules change as well."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Network
from random import Random
from threading import Event, Thread
from typing import Any

from attrs import evolve
from twisted.internet import reactor as _reactor

from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.networks import Group, Member, View
from euca_tw.vnet.classes import TCP, UDP
from euca_tw.vnet.filter_plan import wanted
from euca_tw.vnet.filter_text import NAME
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.trace import departure, trace
from tests.functional.vnet.grouped import CLOSED, Site, counters, make_rules
from tests.functional.vnet.guests import (
    SO_RCVBUFFORCE,
    Guest,
    Probe,
    heard,
    ip,
    nft,
    received,
    serve,
)
from tests.vnet.groups import (
    MEMBERSHIP,
    PORTS,
    SITE,
    group,
    lets_in,
    lets_out,
    member_of,
    rule,
    view_of,
)

reactor: Any = _reactor


class MatrixTests(Site):
    """Who may talk to whom, and who does."""

    def probes(self, guests: list[Guest]) -> list[Probe]:
        return [
            Probe(source, target.address, protocol, port)
            for source in guests
            for target in guests
            if source is not target
            for protocol, ports in PORTS.items()
            for port in ports
        ]

    def allowed(self, view: View, probes: list[Probe]) -> set[Probe]:
        members = {
            str(m.private_ip): m for c in view.networks.values() for m in c.members
        }

        def passes(probe: Probe) -> bool:
            source, target = probe.source.member, members[probe.address]
            asked = (probe.protocol, probe.port)
            known = (view.groups, view.sources)
            return (
                target.machine != "a1"
                or lets_in(*known, target, source.private_ip, *asked)
            ) and (
                source.machine != "a1"
                or lets_out(*known, source, target.private_ip, *asked)
            )

        return {probe for probe in probes if passes(probe)}

    async def test_matrix(self) -> None:
        """
        Of all pairs of instances, here and elsewhere, at all ports, exactly those
        talk that a rule lets.
        """
        members = [
            member_of(number, "a1" if number % 4 else "a2", *groups)
            for number, groups in enumerate(MEMBERSHIP, 2)
        ]
        guests = self.guests(members)
        view = view_of("a1", members, SITE, "a0", "a2")
        await self.rules.apply(view)
        serving = [serve(self, guest, PORTS) for guest in guests]
        probes = self.probes(guests)
        found = heard(probes, serving, 1.0)
        allowed = self.allowed(view, probes)
        self.assertGreater(len(allowed), 50)
        self.assertLess(len(allowed), len(probes) - 50)
        self.assertEqual(sorted(map(repr, allowed - found)), [], "lost")
        self.assertEqual(sorted(map(repr, found - allowed)), [], "let in")
        # And what is told of each is what was so.
        instances = {str(each.private_ip): each for each in members}
        for probe in probes:
            target, source = (
                instances[a] for a in (probe.address, probe.source.address)
            )
            asked = (probe.protocol, probe.port)
            told = [
                *(
                    departure(view, source.instance_id, target.private_ip, *asked)
                    for _ in range(source.machine == "a1")
                ),
                *(
                    trace(view, target.instance_id, source.private_ip, *asked)
                    for _ in range(target.machine == "a1")
                ),
            ]
            passes = all(each.passes for each in told)
            self.assertEqual(passes, probe in found, (repr(probe), told))


class ChangeTests(Site):
    """What goes on while the rules change."""

    async def flowing(self, members: list[Member], groups: list[Group]) -> list[Guest]:
        guests = self.guests(members)
        await self.rules.apply(view_of("a1", members, groups))
        return guests

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

    async def test_flows_go_on(self) -> None:
        """
        Over 200 changes of others' rules no packet of a flow is lost, and a stream
        runs on.
        """
        members = [member_of(number, "a1", "sg-web") for number in (2, 3)]
        web = group("sg-web", rule(TCP, 80, 80), rule(UDP, 53, 53))
        source, target = await self.flowing(members, [web])
        asking, accepted = self.connected(source, target)
        server = target.open(UDP, port=53)
        server.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        client = source.open(UDP)
        client.connect((target.address, 53))
        for each in (server, client):
            self.addCleanup(each.close)
        is_over = Event()
        sent: list[int] = []

        def send() -> None:
            number = 0
            while not is_over.wait(0.001):
                number += 1
                client.send(struct.pack("!I", number))
                asking.sendall(struct.pack("!I", number))
                sent.append(number)

        thread = Thread(target=send)
        thread.start()
        try:
            for number in range(200):
                other = member_of(4 + number % 100, "a1", "sg-other")
                rules = [rule(TCP, 1 + number, 1 + number % 7 * 100 + number)]
                others = group("sg-other", *rules, egress=rules if number % 3 else None)
                await self.rules.apply(view_of("a1", [*members, other], [web, others]))
        finally:
            is_over.set()
            thread.join()
        got = [received(server) for _ in sent]
        self.assertEqual(got, [struct.pack("!I", number) for number in sent])
        self.assertGreater(len(sent), 100)
        stream = b""
        while len(stream) < 4 * len(sent):
            stream += accepted.recv(1 << 16)
        self.assertEqual(stream, struct.pack(f"!{len(sent)}I", *sent))

    async def test_revoked(self) -> None:
        """What a rule let in goes on when it is revoked; nothing more comes in."""
        members = [member_of(number, "a1", "sg-web") for number in (2, 3)]
        web = group("sg-web", rule(TCP, 80, 80))
        source, target = await self.flowing(members, [web])
        asking, accepted = self.connected(source, target)
        await self.rules.apply(view_of("a1", members, [group("sg-web")]))
        asking.sendall(b"still")
        self.assertEqual(accepted.recv(10), b"still")
        serving = serve(self, target, {TCP: (80,)})
        self.assertEqual(
            heard([Probe(source, target.address, TCP, 80)], [serving]), set()
        )

    async def test_successor(self) -> None:
        """
        An address that another instance has now does not inherit what its
        predecessor was let in.
        """
        members = [member_of(2, "a1", "sg-web"), member_of(3, "a1", "sg-web")]
        web = group("sg-web", rule(UDP, 53, 53))
        source, target = await self.flowing(members, [web, CLOSED])
        server = target.open(UDP, port=53)
        client = source.open(UDP)
        for each in (server, client):
            self.addCleanup(each.close)
        client.connect((target.address, 53))
        client.send(b"1")
        self.assertEqual(received(server), b"1")
        server.sendto(b"2", client.getsockname())
        self.assertEqual(received(client), b"2")
        # The same machine plays its successor.
        successor = evolve(
            members[1], instance_id="i-99", groups=frozenset({"sg-closed"})
        )
        ip("link", "set", "vn_i-00010003", "down")
        ip("link", "set", "vn_i-00010003", "name", "vn_i-99")
        ip("link", "set", "vn_i-99", "up")
        await self.rules.apply(view_of("a1", [members[0], successor], [web, CLOSED]))
        client.send(b"3")
        self.assertIsNone(received(server))

    async def test_broadcast(self) -> None:
        """What is for all comes to those whose groups let it in."""
        members = [
            member_of(2, "a1", "sg-x"),
            member_of(3, "a1", "sg-x"),
            member_of(4, "a1", "sg-closed"),
        ]
        group_x = group("sg-x", rule(UDP, 5000, 5000, "sg-x"))
        source, *others = await self.flowing(members, [group_x, CLOSED])
        listening = [each.open(UDP, port=5000) for each in others]
        sending = source.open(UDP, port=4000)
        for each in (*listening, sending):
            self.addCleanup(each.close)
        sending.sendto(b"all", ("10.0.1.255", 5000))
        self.assertEqual([received(each) for each in listening], [b"all", None])

    async def test_another_process(self) -> None:
        """Another process goes on from what it finds; nothing is loaded anew."""
        members = [member_of(number, "a1", "sg-web") for number in (2, 3)]
        web = group("sg-web", rule(TCP, 80, 80))
        source, target = await self.flowing(members, [web, *SITE[1:]])
        self.assertEqual(heard([Probe(source, target.address, TCP, 81)]), set())
        before = nft("-a", "list", "ruleset")
        self.assertGreater(counters()["refused"], 0)
        successor = make_rules()
        await successor.apply(view_of("a1", members, [web, *SITE[1:]]))
        self.assertEqual(nft("-a", "list", "ruleset"), before)
        more = group("sg-web", rule(TCP, 80, 81))
        await successor.apply(view_of("a1", members, [more]))
        serving = serve(self, target, {TCP: (81,)})
        probe = Probe(source, target.address, TCP, 81)
        self.assertEqual(heard([probe], [serving]), {probe})
        self.assertGreater(counters()["refused"], 0, "not loaded anew")

    async def test_found_is_wanted(self) -> None:
        """What is listed is what was written, of rules of every kind."""
        members = [
            member_of(number, "a1", *groups)
            for number, groups in enumerate(MEMBERSHIP, 2)
        ]
        view = view_of("a1", members, SITE, "a2")
        await self.rules.apply(view)
        found = await Nft(reactor, in_this_thread).found()
        assert found is not None
        self.assertEqual(found.filters, wanted(view))

    async def test_overlaps(self) -> None:
        """
        Rules that overlap come and go in any order, and the kernel has exactly what
        it should: it would itself delete one for another.
        """
        chance = Random(1)
        networks = [IPv4Network((10 << 24, prefix)) for prefix in (8, 9, 24, 32)]
        networks.append(IPv4Network("0.0.0.0/0"))
        ranges = [(22, 22), (20, 30), (25, 40), (1, 65535), (-1, -1)]
        every = [
            rule(protocol, *span, source)
            for protocol in (TCP, UDP)
            for span in ranges
            for source in (*networks, "sg-x")
        ]
        members = [member_of(2, "a1", "sg-x"), member_of(3, "a1", "sg-x", "sg-y")]
        for _ in range(40):
            groups = [
                group(
                    name,
                    *chance.sample(every, chance.randrange(12)),
                    egress=chance.sample(every, chance.randrange(12)),
                )
                for name in ("sg-x", "sg-y")
            ]
            view = view_of("a1", members, groups)
            await self.rules.apply(view)
            found = await Nft(reactor, in_this_thread).found()
            assert found is not None
            self.assertEqual(found.filters, wanted(view))

    async def test_lost(self) -> None:
        """Rules that somebody took away are there again with the next change."""
        members = [member_of(2, "a1", "sg-web")]
        await self.rules.apply(view_of("a1", members, SITE))
        nft("flush", "ruleset")
        members.append(member_of(3, "a1", "sg-web"))
        await self.rules.apply(view_of("a1", members, SITE))
        listed = nft("list", "table", "bridge", NAME)
        self.assertIn("vn_i-00010002", listed)
        self.assertIn("vn_i-00010003", listed)
        nft("flush", "ruleset")
        self.rules.distrust()
        await self.rules.apply(view_of("a1", members, SITE))
        self.assertIn("vn_i-00010002", nft("list", "table", "bridge", NAME))

    async def test_meddled(self) -> None:
        """Elements that somebody else changed are put right when looked at."""
        members = [member_of(2, "a1", "sg-web")]
        view = view_of("a1", members, SITE)
        await self.rules.apply(view)
        before = nft("-s", "list", "ruleset")
        nft(
            "add",
            "element",
            "bridge",
            NAME,
            "senders",
            '{ "vn_x" . 02:00:00:00:00:01 . 10.0.1.9 }',
        )
        nft("delete", "element", "bridge", NAME, "classes", '{ "vn_i-00010002" }')
        self.rules.distrust()
        await self.rules.apply(view)
        self.assertEqual(nft("-s", "list", "ruleset"), before)

    async def test_purge(self) -> None:
        """All of ours goes, and nothing of a stranger's; twice is once."""
        nft("-f", "-", text="table inet stranger {\n\tchain c {\n\t}\n}\n")
        before = nft("list", "ruleset")
        await self.rules.apply(view_of("a1", [member_of(2, "a1")], []))
        self.assertNotEqual(nft("list", "ruleset"), before)
        self.assertEqual(
            await self.rules.purge(),
            ("table bridge euca_tw_vnet", "table inet euca_tw_vnet"),
        )
        self.assertEqual(nft("list", "ruleset"), before)
        self.assertEqual(await self.rules.purge(), ())
