"""
Networks on machines, with guests that talk: L{euca_tw.vnet.links_host} on the
kernel's own links.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from ipaddress import IPv4Address

from attrs import evolve
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.model.networks import Carried
from euca_tw.vnet.interfaces import NetworkFailed
from tests.functional.vnet.carriers import GUEST_MTU, Guest, Heard, Site
from tests.functional.vnet.lab import Host
from tests.vnet.views import carried, machine, machines, member


class SiteCase(SynchronousTestCase):
    """With a site, of which nothing is left."""

    def setUp(self) -> None:
        if os.geteuid() != 0:
            raise SkipTest("needs root, for network namespaces")
        self.site = Site()
        self.addCleanup(self.site.close)

    def carry(self, *networks: Carried) -> list[Guest]:
        """@return: all guests, by network and number."""
        self.site.apply(*networks)
        return self.site.plug_all(*networks)

    def told(self, guests: Sequence[Guest], before: Sequence[Heard]) -> list[int]:
        """How many broadcasts have come to each since."""
        pairs = zip(guests, before, strict=True)
        return [each.heard().since(then).told for each, then in pairs]

    def assertReach(self, *guests: Guest) -> None:
        """Each reaches each."""
        for one in guests:
            for other in guests:
                said = f"{one.host.name} to {other.host.name}"
                self.assertEqual(one.ping(other.address), 3, said)

    def assertLost(self, one: Guest, other: Guest) -> None:
        self.assertEqual(one.ping(other.address, 2), 0)


class ClusterTests(SiteCase):
    """One cluster: a head and two nodes."""

    def setUp(self) -> None:
        super().setUp()
        self.site.add(*machines("x0", "x1", "x2").values())

    def test_networks(self) -> None:
        """
        Guests of a network reach each other on whatever node, and their router;
        not those of another network, by no address.
        """
        one, other = carried(1, "x1", "x1", "x2"), carried(2, "x1", "x2")
        a1, a2, a3, b1, b2 = self.carry(one, other)
        self.assertReach(a1, a2, a3)
        self.assertReach(b1, b2)
        self.assertEqual(a1.ping("10.0.1.1"), 3)
        # As if they were on the same network, and not by the router.
        thief, place = b2.host, "10.0.1.77"
        thief.ip("address", "add", f"{place}/24", "dev", "eth0")
        self.assertEqual(b2.ping(a1.address, 2, "-I", place), 0)
        self.assertEqual(a1.ping(place, 2), 0)

    def test_whole_packets(self) -> None:
        """The largest packets of guests come across whole, in one packet each."""
        a1, a2 = self.carry(carried(1, "x1", "x2"))
        self.assertReach(a1, a2)
        before = a2.heard()
        self.assertEqual(a1.ping(a2.address, 2, "-s", str(GUEST_MTU - 28)), 2)
        self.assertEqual(a2.heard().since(before).echoes, 2)
        for name in ("x1", "x2"):
            shown = self.site.carriers[name].host.run("cat", "/proc/net/snmp")
            names, values = (line.split() for line in shown.splitlines()[:2])
            created = dict(zip(names, values, strict=True))["FragCreates"]
            self.assertEqual(created, "0", name)

    def test_broadcast(self) -> None:
        """A broadcast comes to each guest of its network once, and to no other."""
        one, other = carried(1, "x1", "x1", "x2"), carried(2, "x1", "x2")
        guests = self.carry(one, other)
        self.assertReach(*guests[:3])
        before = [each.heard() for each in guests]
        guests[0].broadcast(10)
        self.assertEqual(guests[0].ping(guests[2].address, 1), 1)
        self.assertEqual(self.told(guests, before), [0, 10, 10, 0, 0])

    def test_arp(self) -> None:
        """Who asks for a guest on another node is answered at his own."""
        guests = a1, a2, a3 = self.carry(carried(1, "x1", "x2", "x2"))
        self.assertReach(*guests)
        before = [each.heard() for each in (a2, a3)]
        for asked in (a2, a3):
            a1.host.ip("neigh", "flush", "dev", "eth0")
            self.assertEqual(a1.ping(asked.address, 1), 1)
        for each, then in zip((a2, a3), before, strict=True):
            since = each.heard().since(then)
            self.assertEqual((since.asked, since.echoes), (0, 1))

    def test_joined_by_router(self) -> None:
        """Machines of a cluster may be in subnets that only a router joins."""
        site = Site()
        self.addCleanup(site.close)
        far = evolve(machine("x2"), address=IPv4Address("172.20.200.3"))
        site.add(machine("x0"), machine("x1"), far, is_joined=True)
        network = carried(1, "x1", "x2")
        site.apply(network)
        self.assertReach(*site.plug_all(network))

    def test_restart(self) -> None:
        """
        A process that starts anew takes over what it finds, and loses no packet:
        nor does one that died while it changed things.
        """
        network = carried(1, "x1", "x2")
        more = evolve(network, members=network.members | {member(1, 9, "x2")})
        a1, a2 = self.carry(network)
        self.assertEqual(a1.ping(a2.address), 3)
        running = a1.pinging(a2.address)
        for name in ("x1", "x2", "x0"):
            before = self.site.carriers[name].look()
            self.site.carriers[name].kill()
            self.site.apply(network, to=name)
            self.assertEqual(self.site.carriers[name].look(), before)
        self.site.apply(more, to="x1")
        self.site.carriers["x1"].kill()
        self.site.apply(network, to="x1")
        self.assertEqual(running.lost(), 0)

    def test_come_and_go(self) -> None:
        """Guests that come and go, of the same network and others, disturb none."""
        network = carried(1, "x1", "x2")
        a1, a2 = self.carry(network)
        self.assertEqual(a1.ping(a2.address), 3)
        running = a1.pinging(a2.address)
        for _ in range(3):
            others = {member(1, number, "x2") for number in range(10, 20)}
            more = evolve(network, members=network.members | others)
            other = carried(2, "x1", "x2")
            self.site.apply(more, other)
            a3 = self.site.plug(member(1, 10, "x2"))
            self.assertEqual(a1.ping(a3.address), 3)
            self.site.unplug(a3)
            self.site.apply(network)
        self.assertEqual(running.lost(), 0)

    def test_last(self) -> None:
        """With its last guest a network goes from its machine, and all of it."""
        one = carried(1, "x1", "x2")
        left = evolve(one, members=frozenset({member(1, 3, "x2")}))
        self.carry(one)
        self.site.apply(left)
        self.assertEqual(self.site.carriers["x1"].look(), {})
        self.assertEqual([*self.site.carriers["x2"].look()], [1])
        self.site.apply()
        for carrier in self.site.carriers.values():
            self.assertNotIn("ev", carrier.host.ip("-br", "link"))
            self.assertEqual(carrier.host.ip("route", "show", "proto", "226"), "")

    def test_moved(self) -> None:
        """A guest that is run on another machine is found there, and at once."""
        a1, a2 = self.carry(carried(1, "x1", "x2"))
        self.assertReach(a1, a2)
        self.site.unplug(a2)
        self.site.apply(carried(1, "x1", "x1"))
        a2 = self.site.plug(member(1, 3, "x1"))
        self.assertReach(a1, a2)
        self.site.unplug(a2)
        self.site.apply(carried(1, "x1", "x2"))
        self.assertReach(a1, self.site.plug(member(1, 3, "x2")))

    def test_mended(self) -> None:
        """What somebody broke by hand is mended."""
        a1, a2 = self.carry(carried(1, "x1", "x2"))
        broken = self.site.carriers["x1"]
        wanted = broken.look()
        for words in (
            "ip link set evb000001 down",
            "ip link set evx000001 nomaster",
            "ip link delete evx000001",
            "ip link set evx000001 mtu 1300",
            "ip neigh flush dev evb000001 nud permanent",
            "bridge fdb delete d0:0d:00:00:01:03 dev evx000001 master",
            "bridge fdb replace d0:0d:00:00:01:03 dev evx000001 dst 172.20.1.1 self",
            "bridge fdb append 00:00:00:00:00:00 dev evx000001 dst 172.20.1.2 self",
            "bridge link set dev evx000001 learning on neigh_suppress off",
            "ip address delete 169.254.169.254/32 dev evb000001",
            "ip route delete 10.0.1.0/24 dev evb000001",
            "ip route replace 10.0.1.0/24 dev evb000001 proto 226",
        ):
            with_status = broken.host.run(*words.split())
            self.assertNotEqual(broken.look(), wanted, words + with_status)
            broken.resync()
            self.assertEqual(broken.look(), wanted, words)
            self.assertEqual(a1.ping(a2.address), 3, words)

    def test_cards(self) -> None:
        """
        Running guests whose networks somebody removed, or whose cards he took
        off, have them again.
        """
        a1, a2 = self.carry(carried(1, "x1", "x2"))
        self.assertReach(a1, a2)
        carrier = self.site.carriers["x1"]
        for words in (
            "ip link delete evb000001",
            "ip link set vn_i-00010002 nomaster",
        ):
            carrier.host.run(*words.split())
            self.assertLost(a1, a2)
            carrier.resync()
            self.assertReach(a1, a2)
        carrier.purge()
        self.assertLost(a1, a2)
        self.site.apply(carried(1, "x1", "x2"))
        self.assertReach(a1, a2)


class StrangersTests(SiteCase):
    """What is not ours."""

    def test_untouched(self) -> None:
        """Others' bridges, addresses, routes and tables stay to the letter."""
        self.site.add(*machines("x0", "x1").values())
        host = self.site.carriers["x1"].host
        for words in (
            "link add br0 type bridge",
            "link set br0 up",
            "link add vx7 type vxlan id 7 dstport 8472 local 172.20.23.2",
            "link set vx7 master br0 up",
            "link add name evb000009 type bridge",
            "link set evb000009 alias somebody up",
            "link add euca0 type bridge",
            "link set euca0 alias euca_tw up",
            "address add 198.51.100.1/24 dev br0",
            "route add 203.0.113.0/24 via 198.51.100.9",
            "route add 203.0.114.0/24 via 198.51.100.9 proto 226",
            "neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev br0",
        ):
            host.ip(*words.split())
        host.run(
            *[
                "bridge",
                "fdb",
                "add",
                "02:00:00:00:00:09",
                "dev",
                "vx7",
                "dst",
                "172.20.1.1",
            ]
        )
        listed = (
            "ip address",
            "bridge -d link",
            "ip route show table all",
            "ip neigh",
            "bridge fdb",
        )

        def seen() -> list[str]:
            return [host.run(*words.split()) for words in listed]

        before = seen()
        self.site.apply(carried(1, "x1"), carried(2, "x1"))
        self.assertIn("evb000002", host.ip("link"))
        self.assertEqual(
            self.site.carriers["x1"].purge(),
            ("network 1: evb000001, evx000001", "network 2: evb000002, evx000002"),
        )
        self.assertEqual(seen(), before)

    def test_refused(self) -> None:
        """
        Where a stranger has the name, the number, the port or the route that is
        needed, that is said, and other networks are carried.
        """
        self.site.add(*machines("x0", "x1").values())
        host = self.site.carriers["x1"].host
        for taken, free, said in (
            (
                "link add evb000001 type bridge",
                "link delete evb000001",
                "evb000001 that is not of euca_tw",
            ),
            (
                "link add evx000001 type bridge",
                "link delete evx000001",
                "evx000001 that is not of euca_tw",
            ),
            (
                "tuntap add evx000001 mode tap",
                "link delete evx000001",
                "evx000001 that is not of euca_tw",
            ),
            (
                "link add vx7 type vxlan id 1 dstport 4789",
                "link delete vx7",
                "evx000001 cannot be made: its name, its number or UDP port 4789",
            ),
            (
                "route add 10.0.1.0/24 via 172.20.23.1",
                "route delete 10.0.1.0/24 via 172.20.23.1",
                "10.0.1.0/24 is routed otherwise",
            ),
        ):
            for is_listed in (False, True):
                host.ip(*taken.split())
                before = self.strangers(host)
                if is_listed:
                    self.site.carriers["x1"].kill()
                failed = self.refusal(carried(1, "x1"), carried(2, "x1"))
                self.assertIn(said if is_listed else "network 1", failed)
                self.assertNotIn("network 2", failed)
                self.assertEqual(len(self.site.carriers["x1"].look()[2].entries), 7)
                self.assertEqual(self.strangers(host), before)
                host.ip(*free.split())
                self.site.apply(carried(1, "x1"), carried(2, "x1"), to="x1")
                self.site.apply(to="x1")

    def strangers(self, host: Host) -> list[object]:
        """Links that are not ours, as far as they might have been changed."""
        links = json.loads(host.ip("-j", "link", "show"))
        ours = {each["ifname"] for each in links if each.get("ifalias") == "euca_tw"}
        shown = json.loads(host.ip("-j", "address", "show"))
        kept = ("mtu", "flags", "master", "address", "group", "addr_info")
        others = {
            link["ifname"]: [link.get(name) for name in kept]
            for link in shown
            if link["ifname"] not in ours
        }
        ports = {
            link["ifname"]: link["master"]
            for link in shown
            if link.get("master") in others
        }
        return [others, ports]

    def refusal(self, *networks: Carried) -> str:
        failed = self.assertRaises(NetworkFailed, self.site.apply, *networks, to="x1")
        return str(failed)


class ClustersTests(SiteCase):
    """Two clusters."""

    def test_routed(self) -> None:
        """Where all is routed, nodes send to each other, and no head is passed."""
        known = machines("x0", "x1", "y0", "y1", routed="xy")
        self.site.add(*known.values(), is_joined=True)
        a1, a2 = guests = self.carry(carried(1, "x1", "y1"))
        self.assertReach(*guests)
        for head in ("x0", "y0"):
            host = self.site.carriers[head].host
            self.assertNotIn("evt", host.ip("link"))
            host.ip("link", "set", "lan", "down")
        self.assertReach(a1, a2)

    def test_by_trunk(self) -> None:
        """
        Where only heads reach each other, frames go by their ports to the trunk;
        to all once, and ARP is answered where it is asked.
        """
        self.site.add(*machines("x0", "x1", "x2", "y0", "y1").values())
        network = carried(1, "x1", "x2", "y1")
        a1, a2, a3 = self.carry(network, carried(2, "x1"))[:3]
        self.assertEqual(a1.ping(a3.address, 1), 0)
        self.site.patch("evt000001", "x0", "y0")
        self.assertReach(a1, a2, a3)
        before = [each.heard() for each in (a2, a3)]
        a1.broadcast(10)
        a1.host.ip("neigh", "flush", "dev", "eth0")
        self.assertEqual(a1.ping(a3.address, 1), 1)
        self.assertEqual(self.told((a2, a3), before), [10, 10])
        self.assertEqual(a3.heard().since(before[1]).asked, 0)
        # A head that is restarted keeps the port, and who holds it goes on.
        running = a1.pinging(a3.address)
        self.site.carriers["x0"].kill()
        self.site.apply(network, carried(2, "x1"), to="x0")
        self.assertEqual(running.lost(), 0)
        # While nobody holds it, it keeps what is entered for it.
        before_it = self.site.carriers["x0"].look()
        self.site.unpatch()
        self.assertEqual(a1.ping(a3.address, 1), 0)
        self.assertEqual(self.site.carriers["x0"].look(), before_it)
        self.site.patch("evt000001", "x0", "y0")
        self.assertReach(a1, a2, a3)

    def test_both_ways(self) -> None:
        """
        Where some clusters are joined by VXLAN and others by the trunk, what is
        for all comes to each once, and does not go round.
        """
        known = machines("x0", "x1", "y0", "y1", "z0", "z1", routed="xy")
        joined = {name: each for name, each in known.items() if each.is_routed}
        self.site.add(*joined.values(), is_joined=True)
        self.site.add(known["z0"], known["z1"])
        guests = self.carry(carried(1, "x1", "y1", "z1"))
        self.site.patch("evt000001", "x0", "y0", "z0")
        self.assertReach(*guests)
        for sender in guests:
            before = [each.heard() for each in guests]
            sender.broadcast(10)
            for each in guests:
                if each is not sender:
                    self.assertEqual(sender.ping(each.address, 1), 1)
            self.assertEqual(
                self.told(guests, before),
                [0 if each is sender else 10 for each in guests],
                sender.host.name,
            )
        # What is for one still passes the heads by, where it can.
        self.site.unpatch()
        self.assertReach(*guests[:2])

    def test_cluster_comes(self) -> None:
        """A cluster that joins a network, and leaves, disturbs no one in it."""
        self.site.add(*machines("x0", "x1", "x2", "y0", "y1").values())
        within, across = carried(1, "x1", "x2"), carried(1, "x1", "x2", "y1")
        a1, a2 = self.carry(within)
        self.assertEqual(a1.ping(a2.address), 3)
        running = a1.pinging(a2.address)
        for _ in range(3):
            self.site.apply(across)
            self.assertIn("evt000001", self.site.carriers["x0"].host.ip("link"))
            self.site.apply(within)
            self.assertNotIn("evt", self.site.carriers["x0"].host.ip("link"))
            self.assertNotIn("ev", self.site.carriers["y0"].host.ip("-br", "link"))
        self.assertEqual(running.lost(), 0)
