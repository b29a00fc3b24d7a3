"""Tests of L{euca_tw.vnet.trunk.service} and all that it is made of, in memory."""

from __future__ import annotations

from itertools import combinations, count

from attrs import evolve
from hypothesis import given, settings
from hypothesis.strategies import data, integers
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.networks import TRANSIT_NUMBER, Carried, TrunkEnd
from euca_tw.vnet.transit import mac_address
from euca_tw.vnet.trunk.frames import VNET_HEADER, Kind, cluster_id
from euca_tw.vnet.trunk.tapdev import TapFailed
from tests.vnet.trunk.world import (
    BROADCAST,
    NETWORK,
    ROUTER,
    World,
    frame,
    keys_of,
    mac_of,
    table_of,
)
from tests.vnet.views import carried, knowing, machines, view


class TwoHeadsTests(SynchronousTestCase):
    """Two heads."""

    def setUp(self) -> None:
        self.world = World()
        self.world.full_mesh(["a", "b"])
        self.world.settle(2)
        self.a, self.b = self.world.trunks["a"], self.world.trunks["b"]

    def send(self, one: str, other: str, said: bytes) -> None:
        self.world.device(one).outbox.append(frame(mac_of(one), mac_of(other), said))

    def test_one_connection(self) -> None:
        """Where both connect, one connection stays."""
        self.assertEqual(self.world.links("a"), {"b"})
        self.assertEqual(self.world.links("b"), {"a"})
        open_wires = [
            wire
            for *_, wire in self.world.wires
            if not wire.is_closed and not wire.peer.is_closed
        ]
        self.assertEqual(len(open_wires), 1)

    def test_frames(self) -> None:
        """A frame comes to the one that it is for, as it was."""
        self.send("a", "b", b"hello")
        self.send("b", "a", b"olleh" * 13000)
        self.world.settle()
        self.assertEqual(self.world.received("b"), [mac_of("a") + b"\x08\x00hello"])
        self.assertEqual(
            self.world.received("a"), [mac_of("b") + b"\x08\x00" + b"olleh" * 13000]
        )

    def test_sealed(self) -> None:
        """What is said is not read on the way."""
        self.send("a", "b", b"a secret that nobody else knows")
        self.world.settle()
        self.assertEqual(len(self.world.received("b")), 1)
        for *_, wire in self.world.wires:
            for end in (wire, wire.peer):
                self.assertNotIn(b"secret", end.sent)
                self.assertNotIn(mac_of("a"), end.sent)

    def test_counted(self) -> None:
        """What went is counted, by peer and by network."""
        self.send("a", "b", b"x" * 76)
        self.world.settle()
        report = self.a.report()
        [peer], [network] = report.peers, report.networks
        self.assertEqual((peer.name, peer.by, peer.networks), ("b", "b", 1))
        for counts in (peer.counts, network.counts):
            self.assertEqual((counts["frames_out"], counts["bytes_out"]), (1, 100))
        [peer] = self.b.report().peers
        self.assertEqual((peer.counts["frames_in"], peer.counts["bytes_in"]), (1, 100))

    def test_not_ours(self) -> None:
        """
        Frames of those who are not instances of the network here, and to those who
        are nowhere, do not go into the trunk.
        """
        out = self.world.device("a").outbox
        out.append(frame(mac_of("b"), mac_of("b")))
        out.append(frame(bytes(6), BROADCAST))
        out.append(frame(mac_of("a"), bytes.fromhex("020000000001")))
        out.append(b"x" * 12)
        arp = bytes(16) + bytes(8) + ROUTER
        out.append(frame(mac_of("a"), BROADCAST, arp, b"\x08\x06"))
        self.world.settle()
        self.assertEqual(self.world.received("b"), [])

    def test_spoofed(self) -> None:
        """
        What a peer sends for a network that is not here, from what is no instance
        of its own, or to whom is not here, is dropped and counted.
        """
        tables = self.a.carrying.tables[NETWORK]
        lies = table_of("a", ["a", "b"])
        object.__setattr__(lies, "here", frozenset((mac_of("a"), mac_of("x"))))
        object.__setattr__(lies, "away", {**tables.away, mac_of("y"): cluster_id("b")})
        self.a.set_networks({NETWORK: lies, 9: lies})
        self.world.settle()
        self.world.device("a").outbox.append(frame(mac_of("x"), BROADCAST))
        self.world.device("a").outbox.append(frame(mac_of("a"), mac_of("y")))
        self.world.device("a", 9).outbox.append(frame(mac_of("a"), mac_of("b")))
        self.world.settle()
        self.assertEqual(self.world.received("b"), [])
        [peer] = self.b.report().peers
        self.assertEqual(peer.counts["unwelcome"], 3)

    def test_restarted(self) -> None:
        """A head that was started anew is connected at once, whoever dials."""
        for listens, dials in (("a", "b"), ("b", "a")):
            self.world.trunks[dials].stopService()
            self.world.settle(1)
            self.assertEqual(self.world.links(listens), set())
            trunk = self.world.head(dials, {listens: listens}, seed=1)
            trunk.set_networks({NETWORK: table_of(dials, ["a", "b"])})
            trunk.startService()
            self.world.settle()
            self.assertEqual(self.world.links(listens), {dials})
            self.send(listens, dials, b"again")
            self.world.settle()
            self.assertEqual(len(self.world.received(dials)), 1)

    def test_listens_again(self) -> None:
        """
        A head to which others connect is connected within 0.6 s of when it is back,
        if it was away for up to three, and is asked seldom if it stays away.
        """
        for away_s in (0.3, 1.0, 1.7, 2.9):
            world = World()
            world.head("a", {"b": ""})
            world.head("b", {"a": "a"}, listen="", retry_first_s=0.25)
            for trunk in world.trunks.values():
                trunk.startService()
            world.settle(1)
            world.trunks["a"].stopService()
            for _ in range(round(away_s * 10)):
                world.settle(0.1)
            world.head("a", {"b": ""}, seed=1).startService()
            for _ in range(6):
                world.settle(0.1)
            self.assertEqual(world.links("b"), {"a"}, away_s)
            self.assertLess(len(world.wires), 4)

    def test_crashed(self) -> None:
        """
        A head that is back before its crash was noticed replaces what is left of
        it, whoever made that.
        """
        for dials in ("a", "b"):
            other = "b" if dials == "a" else "a"
            self.world.cut("a", "b", is_seen=False)
            self.world.apart.clear()
            trunk = self.world.head(dials, {other: other}, seed=2)
            trunk.startService()
            self.world.settle(0.5)
            self.assertEqual(self.world.links(dials), {other})
            self.assertEqual(self.world.links(other), {dials})

    def test_silent(self) -> None:
        """A peer that is silent is given up, and reached again when it is there."""
        self.world.cut("a", "b", is_seen=False)
        self.world.settle(10)
        self.assertEqual(self.world.links("a"), {"b"})
        with capturedLogs() as logs:
            self.world.settle(15)
        self.assertEqual(self.world.links("a"), set())
        reasons = " ".join(each.get("reason", "") for each in logs)
        self.assertIn("it was silent for 15 s", reasons)
        self.world.apart.clear()
        self.world.settle(40)
        self.assertEqual(self.world.links("a"), {"b"})

    def test_asked(self) -> None:
        """A peer that has nothing to say is there, and how far it is is known."""
        self.world.settle(60)
        self.assertEqual(self.world.links("a"), {"b"})
        [peer] = self.a.report().peers
        self.assertEqual(peer.connections, 1)
        self.assertEqual(peer.rtt_s, 0)

    def test_new_keys(self) -> None:
        """A connection whose keys were used long enough is made anew, in time."""
        for trunk in (self.a, self.b):
            [peer] = trunk.mesh.peers.values()
            assert peer.link is not None
            peer.link.records_out = 1 << 24
        self.world.settle(6)
        for trunk, name in ((self.a, "b"), (self.b, "a")):
            self.assertEqual(self.world.links(trunk.settings.cluster), {name})
            self.assertEqual(trunk.report().peers[0].connections, 2)
        self.send("a", "b", b"hello")
        self.world.settle(60)
        self.assertEqual(len(self.world.received("b")), 1)
        self.assertEqual(self.a.report().peers[0].connections, 2)

    def test_replaced(self) -> None:
        """No frame is lost where one connection replaces another."""
        world = self.world
        for trunk in (self.a, self.b):
            # What is said on the new one is heard before the rest of the old one.
            trunk._turns._epoll.is_reversed = True  # type: ignore[attr-defined]
            for dialling in trunk.mesh._dialling.values():
                for number in range(40):
                    dialling.now()
                    for one, other in ("ab", "ba"):
                        self.send(one, other, b"%d" % number)
                    for each in (self.a, self.b) if number % 2 else (self.b, self.a):
                        each.mesh.pump.turn()
                        world.reactor.advance(0)
                world.settle(6)
        self.assertEqual(len(world.received("a")), 80)
        self.assertEqual(len(world.received("b")), 80)
        self.assertGreater(self.a.report().peers[0].connections, 10)
        open_wires = [
            wire
            for *_, wire in world.wires
            if not wire.is_closed or not wire.peer.is_closed
        ]
        self.assertEqual(len(open_wires), 1)

    def test_full(self) -> None:
        """Of a network whose peers are all full, nothing is read until one is not."""
        for *_, wire in self.world.wires:
            wire.holds = wire.peer.holds = 0
        for _ in range(40):
            self.send("a", "b", b"x" * 60000)
        self.world.settle()
        waiting = len(self.world.device("a").outbox)
        self.assertGreater(waiting, 20)
        self.world.settle()
        self.assertEqual(len(self.world.device("a").outbox), waiting)
        for *_, wire in self.world.wires:
            wire.holds = wire.peer.holds = 100000
        self.world.settle()
        self.assertEqual(len(self.world.received("b")), 40)

    def test_full_and_told(self) -> None:
        """A peer that is told something when it is full again takes frames as well."""
        for *_, wire in self.world.wires:
            wire.holds = wire.peer.holds = 0
        for _ in range(40):
            self.send("a", "b", b"x" * 60000)
        self.world.settle()
        for *_, wire in self.world.wires:
            wire.holds = wire.peer.holds = 1 << 20
        self.a.mesh.carry(frozenset((NETWORK, 9)))
        self.world.settle()
        self.assertEqual(len(self.world.received("b")), 40)

    def test_fair(self) -> None:
        """Of two networks that send, neither gets ahead of the other."""
        tables = {number: table_of("a", ["a", "b"], number) for number in (NETWORK, 9)}
        for number in tables:
            self.b.set_networks(
                {number: table_of("b", ["a", "b"], number) for number in tables}
            )
        self.a.set_networks(tables)
        for *_, wire in self.world.wires:
            wire.holds = wire.peer.holds = 50000
        for number, size in ((NETWORK, 60000), (9, 1000)):
            out = self.world.device("a", number).outbox
            for _ in range(15_000_000 // size):
                out.append(frame(mac_of("a", number), mac_of("b", number), b"x" * size))
        turn = self.a.mesh.pump.turn
        for _ in range(160):
            turn()
            self.b.mesh.pump.turn()
        counts = [each.counts["bytes_out"] for each in self.a.report().networks]
        self.assertGreater(min(counts), 2_000_000)
        # Small frames have a price of their own, which makes 1.5.
        self.assertLess(max(counts), 1.75 * min(counts))

    def test_short_turns(self) -> None:
        """Very many small frames take many turns, and all come, in their order."""
        for number in range(5000):
            self.send("a", "b", b"%d" % number)
        pump = self.b.mesh.pump
        while self.world.device("a").outbox:
            self.a.mesh.pump.turn()
        # Each look at the clock finds that the turn is over.
        pump._seconds = count().__next__
        device, turns = self.world.device("b"), 0
        while len(device.inbox) < 5000:
            turns += 1
            self.assertLess(turns, 500)
            before = len(device.inbox)
            pump.turn()
            self.assertLess(len(device.inbox) - before, 400)
            self.a.mesh.pump.turn()
        numbers = [int(got[VNET_HEADER + 14 :]) for got in device.inbox]
        self.assertEqual(numbers, list(range(5000)))

    def test_network_ends(self) -> None:
        """The device of a network that is no more is closed; others go on."""
        device = self.world.device("a")
        self.a.set_networks({9: table_of("a", ["a", "b"], 9)})
        self.world.settle()
        self.assertTrue(device.is_closed)
        [peer] = self.b.report().peers
        self.assertEqual(peer.networks, 1)
        self.assertEqual(self.b.mesh.peers[cluster_id("a")].carries, {9})

    def test_device_gone(self) -> None:
        """A device that is gone is opened again in a while."""
        with capturedLogs() as logs:
            self.lose_device()
            self.assertEqual(self.a.report().networks, ())
            self.world.settle(3)
        self.assertTrue(any("is gone" in each["log_format"] for each in logs))
        self.send("a", "b", b"again")
        self.world.settle()
        self.assertEqual(len(self.world.received("b")), 1)

    def lose_device(self) -> None:
        self.world.device("a").trouble = OSError(77, "File descriptor in bad state")
        self.world.settle()

    def test_device_gone_with_network(self) -> None:
        """That the device of a network that ends goes before it is no error."""
        with capturedLogs() as logs:
            self.lose_device()
            self.a.set_networks({9: table_of("a", ["a", "b"], 9)})
            self.world.settle(3)
        self.assertFalse(any("is gone" in each["log_format"] for each in logs))

    def test_failed(self) -> None:
        """After a turn that failed, the trunk goes on, unless it was stopped."""
        readers = self.world.reactor.readers
        for stops in (False, True):
            turns = self.a._turns
            readers.discard(turns)
            turns.connectionLost(Failure(ValueError("a bug")))
            if stops:
                self.a.stopService()
            self.world.settle(2)
            self.assertEqual(turns in readers, not stops)

    def test_stopped(self) -> None:
        """A trunk that is stopped leaves nothing open, and nothing to be called."""
        self.b.stopService()
        self.a.stopService()
        self.assertEqual(self.world.reactor.getDelayedCalls(), [])
        self.assertTrue(all(each.is_closed for each in self.world.devices.values()))
        for *_, wire in self.world.wires:
            self.assertTrue(wire.is_closed and wire.peer.is_closed)


class KnownTests(SynchronousTestCase):
    """Who is let in."""

    def setUp(self) -> None:
        self.world = World()

    def test_wrong_certificate(self) -> None:
        """One with another certificate than the configured is not let in."""
        self.world.head("a", {"b": ""}).startService()
        other = self.world.head("b", {"a": "a"})
        settings = other.settings
        self.world.trunks["b"] = liar = self.world.head("x", {"a": "a"})
        del self.world.trunks["x"]
        self.assertNotEqual(settings.certificate_pem, liar.settings.certificate_pem)
        liar.startService()
        with capturedLogs() as logs:
            self.world.settle(3)
        self.assertEqual(self.world.links("a"), set())
        self.assertEqual(liar.mesh.pump.hops, {})
        reasons = {each["reason"] for each in logs if "reason" in each}
        self.assertTrue(any("certificate" in each for each in reasons), reasons)

    def test_wrong_server(self) -> None:
        """Of one that is dialled, the certificate of that very one is wanted."""
        self.world.head("a", {"b": "c", "c": ""}).startService()
        self.world.head("c", {"a": "", "b": ""}).startService()
        self.world.settle(3)
        self.assertEqual(self.world.links("a"), set())

    def test_wrong_name(self) -> None:
        """One that does not call itself what its certificate says is sent away."""
        self.world.head("a", {"b": "b"}).startService()
        b = self.world.head("b", {"a": ""})
        object.__setattr__(b.settings, "cluster", "c")
        b.startService()
        with capturedLogs() as logs:
            self.world.settle(3)
        self.assertEqual(self.world.links("a"), set())
        reasons = " ".join(each.get("reason", "") for each in logs)
        self.assertIn("it calls itself 'c', and has the certificate of b", reasons)

    def test_strangers(self) -> None:
        """Strangers who say nothing are few at a time, and cut off in time."""
        self.world.head("a", {"b": ""}, handshake_s=5.0).startService()
        ends = []
        for number in range(100):
            mine, its = self.world.wire("x", "a")
            self.world._doors["a"](its, f"198.51.100.{number}")
            ends.append(mine)
        self.assertEqual(sum(not each.peer.is_closed for each in ends), 16)
        self.world.head("b", {"a": "a"}).startService()
        self.world.settle(1)
        self.world.settle(6)
        self.assertEqual(sum(not each.peer.is_closed for each in ends), 0)
        self.world.settle(3)
        self.assertEqual(self.world.links("a"), {"b"})

    def test_garbage(self) -> None:
        """A stranger who says nonsense, or much, is cut off at once."""
        self.world.head("a", {"b": ""}).startService()
        for said in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x40\x00\x01" * 9000):
            mine, its = self.world.wire("x", "a")
            self.world._doors["a"](its, "x")
            mine.send(memoryview(said))
            self.world.settle()
            self.assertTrue(its.is_closed)

    def test_peers_change(self) -> None:
        """Peers come, change and go while the others stay connected."""
        self.world.full_mesh(["a", "b", "c"])
        self.world.settle(2)
        mesh = self.world.trunks["a"].mesh
        wanted = dict(self.world.trunks["a"].settings.peers)
        gone = wanted.pop("c")
        mesh.set_peers(wanted)
        self.world.settle(2)
        self.assertEqual(self.world.links("a"), {"b"})
        self.assertEqual(self.world.links("c"), {"b"})
        mesh.set_peers({**wanted, "c": gone})
        self.world.settle(2)
        self.assertEqual(self.world.links("a"), {"b", "c"})
        report = {each.name: each for each in self.world.trunks["a"].report().peers}
        self.assertEqual(report["b"].connections, 1)


class ViewsTests(SynchronousTestCase):
    """What a trunk makes of what its machine must know."""

    def setUp(self) -> None:
        self.world = World()
        self.trunk = self.world.head("a", {})
        self.network = carried(7, "a1", "b1")
        self.machines = machines("a0", "a1", "b0", "b1")
        self.trunk.startService()

    def end(self, name: str, endpoint: str = "", pem: bytes = b"") -> TrunkEnd:
        return TrunkEnd(
            cluster=name,
            endpoint=endpoint,
            certificate=(pem or keys_of(name).certificate_pem).decode(),
        )

    def apply(self, *networks: Carried, **ends: TrunkEnd) -> None:
        seen = view("a0", self.machines, *networks)
        self.trunk.apply(evolve(seen, ends=ends))

    def test_networks(self) -> None:
        """What goes by the trunk is carried, what does not is not."""
        self.apply(self.network, carried(9, "a1"))
        self.assertEqual(set(self.trunk.mesh.pump.ports), {7})
        device = self.world.device("a")
        self.apply(self.network)
        self.assertFalse(device.is_closed)
        self.apply()
        self.assertTrue(device.is_closed)

    def test_transit(self) -> None:
        """
        The transit network is carried as others are, between heads as its members;
        of what did not change nothing is made anew.
        """
        here = view("a0", self.machines, carried(7, "a1"))
        first = knowing(here, n7="a", n8="b")
        self.trunk.apply(first)
        self.assertEqual(set(self.trunk.mesh.pump.ports), {TRANSIT_NUMBER})
        table = self.trunk.carrying.tables[TRANSIT_NUMBER]
        own, other = (
            bytes.fromhex(mac_address(each).replace(":", "")) for each in "ab"
        )
        self.assertEqual(table.here, {own})
        self.assertEqual(table.away, {other: cluster_id("b")})
        self.trunk.apply(evolve(first, networks={**first.networks}))
        self.trunk.apply(knowing(here, n7="a", n8="b", n9="b"))
        self.assertIs(self.trunk.carrying.tables[TRANSIT_NUMBER], table)
        self.trunk.apply(knowing(here, n7="a"))
        self.assertEqual(set(self.trunk.mesh.pump.ports), set())

    def test_many(self) -> None:
        """Very many networks are carried a few at a time, and come and go whole."""
        peer = self.end("b", "b:8776")
        self.apply(*(carried(each, "a1", "b1") for each in range(1, 101)), b=peer)
        ports = self.trunk.mesh.pump.ports
        self.assertLess(len(ports), 20)
        self.world.settle()
        self.assertEqual(set(ports), set(range(1, 101)))
        self.apply(carried(7, "a1", "b1"), b=peer)
        self.apply(*(carried(each, "a1", "b1") for each in range(7, 100)), b=peer)
        self.world.settle()
        self.assertEqual(set(ports), set(range(7, 100)))

    def test_started_again(self) -> None:
        """A trunk that is stopped and started carries what it carried."""
        self.apply(self.network)
        self.trunk.stopService()
        self.assertEqual(self.trunk.mesh.pump.ports, {})
        self.trunk.startService()
        self.assertEqual(set(self.trunk.mesh.pump.ports), {7})

    def test_no_device(self) -> None:
        """A device that cannot be opened is said, and tried again."""
        trouble = [TapFailed("evt000007 cannot be used")] * 2
        opening = self.trunk.carrying._open_device

        def fail(name: str) -> object:
            if trouble:
                raise trouble.pop()
            return opening(name)

        self.trunk.carrying._open_device = fail  # type: ignore[assignment]
        with capturedLogs() as logs:
            self.apply(self.network)
            self.world.settle(2)
        self.assertEqual(self.trunk.mesh.pump.ports, {})
        self.assertEqual(sum("has no trunk" in each["log_format"] for each in logs), 2)
        self.world.settle(4)
        self.assertEqual(set(self.trunk.mesh.pump.ports), {7})

    def test_unchanged(self) -> None:
        """Of what did not change, nothing is made anew."""
        self.apply(self.network)
        table = self.trunk.carrying.tables[7]
        self.apply(self.network, carried(8, "a1", "b1"))
        self.assertIs(self.trunk.carrying.tables[7], table)
        self.apply(carried(7, "a1", "b1", "b1"))
        self.assertEqual(len(self.trunk.carrying.tables[7].away), 2)

    def test_ends(self) -> None:
        """The heads of other clusters are found where the view says."""
        other = self.world.head("b", {"a": ""})
        other.set_networks({NETWORK: table_of("b", ["a", "b"])})
        other.startService()
        self.apply(self.network, a=self.end("a"), b=self.end("b", "b:8776"))
        self.world.settle()
        self.assertEqual(self.world.links("a"), {"b"})
        self.apply(self.network, a=self.end("a"))
        self.world.settle()
        self.assertEqual(self.world.links("b"), set())

    def test_bad_end(self) -> None:
        """An end that says nonsense is told of, and the others are there."""
        with capturedLogs() as logs:
            self.apply(b=self.end("b", "no port"), c=self.end("c", "c:8776"))
            self.apply(b=self.end("b", pem=b"x"), c=self.end("c", "c:8776"))
        names = {each.name for each in self.trunk.mesh.peers.values()}
        self.assertEqual(names, {"c"})
        told = [each for each in logs if each.get("cluster") == "b"]
        self.assertEqual(len(told), 2)

    def test_twins(self) -> None:
        """Two that show the same certificate are told of; all stays as it was."""
        self.apply(b=self.end("b"))
        twin = self.end("c", pem=keys_of("b").certificate_pem)
        with capturedLogs() as logs:
            self.apply(b=self.end("b"), c=twin)
        names = {each.name for each in self.trunk.mesh.peers.values()}
        self.assertEqual(names, {"b"})
        self.assertTrue(any("goes on as it was" in each["log_format"] for each in logs))

    def test_uncut(self) -> None:
        """Segments of UDP go uncut where all peers are known to take them."""
        world = World()
        for name, takes_uso in (("a", True), ("b", True), ("c", False)):
            peers = {each: each for each in "abc" if each != name}
            made = world.head(name, peers)
            trunk = world.trunk(made.settings, takes_uso=takes_uso)
            trunk.set_networks({NETWORK: table_of(name, ["a", "b", "c"])})
        for name in "ab":
            world.trunks[name].startService()
        world.settle(2)
        self.assertFalse(world.device("a").with_uso)
        world.trunks["c"].startService()
        world.settle(2)
        self.assertFalse(world.device("a").with_uso)
        wanted = dict(world.trunks["a"].settings.peers)
        del wanted["c"]
        world.trunks["a"].mesh.set_peers(wanted)
        self.assertTrue(world.device("a").with_uso)


class ManyHeadsTests(SynchronousTestCase):
    """Meshes with holes."""

    @settings(max_examples=8, deadline=None)
    @given(data(), integers(3, 12))
    def test_broadcast(self, choices: object, size: int) -> None:
        """
        Whatever links there are: a broadcast comes once to each that is reached
        straight or by one between, and to nobody twice.
        """
        names = [f"c{number}" for number in range(size)]
        pairs = list(combinations(names, 2))
        lost = choices.draw(integers(0, 2 ** len(pairs) - 1))  # type: ignore[attr-defined]
        world = World()
        world.apart = {
            frozenset(pair) for at, pair in enumerate(pairs) if lost >> at & 1
        }
        world.full_mesh(names, retry_ceiling_s=5.0)
        world.settle(1)
        for name in names:
            straight = {
                other
                for other in names
                if other != name and frozenset((name, other)) not in world.apart
            }
            self.assertEqual(world.links(name), straight)
        for name in names:
            world.device(name).outbox.append(frame(mac_of(name), BROADCAST, b"all"))
        world.settle()
        for name in names:
            near = world.links(name).union(*map(world.links, world.links(name)))
            self.assertEqual(
                sorted(got[:6] for got in world.received(name)),
                sorted(mac_of(other) for other in near - {name}),
            )

    def test_cut(self) -> None:
        """Where a link is cut, frames go by a third head, and straight again after."""
        world = World()
        world.full_mesh(["a", "b", "c"])
        world.settle(2)
        world.cut("a", "b")
        world.settle(1)
        peers = {each.name: each for each in world.trunks["a"].report().peers}
        self.assertEqual((peers["b"].by, peers["b"].where), ("c", ""))
        world.device("a").outbox.append(frame(mac_of("a"), mac_of("b"), b"by c"))
        world.settle()
        self.assertEqual(len(world.received("b")), 1)
        self.assertEqual(world.received("c"), [])
        passed = [each.counts["passed_on"] for each in world.trunks["c"].report().peers]
        self.assertEqual(sorted(passed), [0, 1])
        world.apart.clear()
        world.settle(40)
        peers = {each.name: each for each in world.trunks["a"].report().peers}
        self.assertEqual(peers["b"].by, "b")

    def test_passes_nothing_on(self) -> None:
        """A head that is told not to passes nothing on."""
        world = World()
        world.apart = {frozenset("ab")}
        world.full_mesh(["a", "b", "c"], passes_on=False)
        world.settle(2)
        world.device("a").outbox.append(frame(mac_of("a"), BROADCAST))
        world.settle()
        self.assertEqual(world.received("b"), [])
        self.assertEqual(len(world.received("c")), 1)
        [network] = world.trunks["a"].report().networks
        self.assertEqual(network.counts["nowhere"], 1)

    def test_no_third(self) -> None:
        """Who is asked to pass on what he cannot reach himself drops it."""
        world = World()
        world.apart = {frozenset(pair) for pair in ("ac", "ad", "bd")}
        world.full_mesh(["a", "b", "c", "d"])
        world.settle(2)
        a = world.trunks["a"].mesh
        to_b = a.peers[cluster_id("b")].link
        assert to_b is not None
        a.pump.hops[cluster_id("d")] = (to_b, Kind.TO_RELAY)
        world.device("a").outbox.append(frame(mac_of("a"), mac_of("d")))
        world.settle()
        counts = {each.name: each.counts for each in world.trunks["b"].report().peers}
        self.assertEqual(counts["a"]["nowhere"], 1)
        self.assertEqual(counts["c"]["frames_out"], 0)

    def test_full_peer(self) -> None:
        """A peer that takes nothing keeps no frame from another."""
        world = World()
        world.full_mesh(["a", "b", "c"])
        world.settle(2)
        for *pair, wire in world.wires:
            if set(pair) == {"a", "b"}:
                wire.holds = wire.peer.holds = 0
        for number in range(50):
            for other in ("b", "c"):
                world.device("a").outbox.append(
                    frame(mac_of("a"), mac_of(other), b"%d" % number + bytes(40000))
                )
        world.settle()
        self.assertEqual(len(world.received("c")), 50)
        peers = {each.name: each for each in world.trunks["a"].report().peers}
        self.assertGreater(peers["b"].counts["full"], 30)
