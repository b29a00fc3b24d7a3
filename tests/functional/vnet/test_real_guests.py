"""
All of it at once: one network over two clusters, on the kernel, with real guests.
"""

from __future__ import annotations

import re
import socket
import time

from euca_tw.model.hostnames import private_hostname
from euca_tw.vnet.classes import ICMP, TCP
from tests.functional.daemons import until
from tests.functional.vnet.guests import Probe, heard, ip
from tests.functional.vnet.real_guests import (
    GROUP,
    SSH,
    ZONES,
    RealGuestsCase,
    from_all,
    from_group,
    left_on,
    reaches,
    silence,
    subnet,
    tell,
)
from tests.functional.vnet.streams import Stream, wait_for
from tests.functional.vnet.two_clusters import (
    CLOUD,
    CLOUD_INSIDE,
    OUTSIDE,
    PORTS,
    TRUNK,
)

ECHO = 8 << 8
COPY, TICKS, WEB = 5001, 5002, 8000
COPY_MIB = 1024
#: What instances are told to do: say what DHCP and the metadata service say.
LEASE = (
    "printf '#!/bin/sh\\n[ $1 != bound ] || echo $1 $ip >&2\\n' >/tmp/told; "
    "chmod 755 /tmp/told; udhcpc -i eth0 -n -q -t 5 -T 1 -s /tmp/told 2>&1 |"
    " grep ^bound"
)
TOKEN = (
    r"printf 'PUT /latest/api/token HTTP/1.0\r\n"
    r"X-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n' |"
    " nc 169.254.169.254 80 | tail -n 1"
)
OF_NOBODY = "wget -q -O - http://169.254.169.254/latest/meta-data/instance-id"
OF_TOKEN = (
    r"printf 'GET /latest/meta-data/instance-id HTTP/1.0\r\n"
    r"X-aws-ec2-metadata-token: %s\r\n\r\n' {token} |"
    " nc 169.254.169.254 80 | tail -n 1"
)


class RealGuestsTests(RealGuestsCase):
    """Two clusters that only heads join, with an instance in each."""

    def test_round(self) -> None:
        """
        Instances of one security group, in two clusters whose heads alone reach each
        other, are in one network; what their group lets in comes in, what else is
        refused.  Their public addresses follow them, those who have none reach the
        world all the same, and none of them reaches the site.  Killed daemons cost
        them nothing.  Nothing is left of them in the end.
        """
        self.prepare()
        self.ec2.create_security_group(GroupName=GROUP, Description="both")
        self.north, self.south = (self.launched_in(zone) for zone in ZONES)
        self.check_opened()
        self.check_public()
        self.check_insides()
        self.check_way_out()
        self.check_site_closed()
        self.check_copy()
        self.check_restarts()
        self.check_boots()
        self.check_closed()
        self.check_moved()
        self.check_end()
        logs = self.daemons.logs()
        self.assertNotIn("Traceback", logs)
        self.assertNotIn("#error]", logs)

    def check_opened(self) -> None:
        """Nobody gets in before there is a rule, and who it lets in soon after."""
        self.guests = [self.guest(each) for each in (self.north, self.south)]
        for each in self.guests:
            console = self.wait_ready(each.member.instance_id)
            self.assertIn(f"euca_tw: address {each.address}/24", console)
            self.assertIn(f"instance-id {each.member.instance_id}", console)
        north, south = self.guests
        self.assertEqual(subnet(north.address), subnet(south.address))
        probes = self.between()
        self.assertEqual(heard(probes), set())
        self.let_in(from_group("icmp", -1, -1))
        self.let_in(from_all("tcp", SSH, SSH))
        self.soon("a rule", lambda: heard(probes, patience_s=0.05) == probes)

    def between(self) -> set[Probe]:
        """Of ssh and ping from each of both to the other."""
        north, south = self.guests
        return {
            Probe(one, other.address, protocol, port)
            for one, other in ((north, south), (south, north))
            for protocol, port in ((TCP, SSH), (ICMP, ECHO))
        }

    def check_public(self) -> None:
        """A public address is reached from the world and from inside."""
        self.public = self.ec2.allocate_address()["PublicIp"]
        self.ec2.associate_address(InstanceId=self.north, PublicIp=self.public)
        self.soon("a public address", lambda: reaches(self.public, SSH))
        within = {Probe(each, self.public, TCP, SSH) for each in self.guests}
        self.assertEqual(heard(within, patience_s=2.0), within)

    def check_insides(self) -> None:
        """
        They log in to each other, ping each other, know each other's names, and are
        told of themselves.
        """
        north, south = self.guests
        for one, other in ((north, south), (south, north)):
            said = self.inside(one, f"ping -c 3 -q -s 1422 {other.address}; {TOKEN}")
            self.assertIn("3 packets received", said)
            name = private_hostname(str(other.address))
            told = self.inside(one, f"nslookup -type=a {name}")
            self.assertRegex(told, rf"Name:\s+{name}\s+Address: {other.address}\b")
            said = self.inside(one, OF_TOKEN.format(token=said.split()[-1]))
            self.assertEqual(said, one.member.instance_id)
            said = self.inside(one, "ip link show dev eth0")
            self.assertIn("mtu 1450", said)

    def check_way_out(self) -> None:
        """They are seen by their public address, or else by their head's."""
        seen = (self.public, "192.0.2.2")
        with socket.create_server((OUTSIDE, WEB)) as server:
            server.settimeout(5)
            for guest, expected in zip(self.guests, seen, strict=True):
                probe = Probe(guest, OUTSIDE, TCP, WEB)
                self.assertEqual(heard({probe}, patience_s=2.0), {probe})
                made, (address, _) = server.accept()
                made.close()
                self.assertEqual(address, expected)

    def check_site_closed(self) -> None:
        """
        No daemon is reached, by whatever address of its machine and by whatever way,
        though who is outside may.
        """
        self.assertTrue(reaches("192.0.2.1", PORTS["euca-cc"]))
        machines = [f"172.20.{n}.{place}" for n in (1, 2) for place in (1, 2, 10)]
        outer = (CLOUD, CLOUD_INSIDE, "192.0.2.1", "192.0.2.2")
        router = subnet(self.guests[0].address) + ".1"
        probes = {
            Probe(guest, address, TCP, port)
            for guest in self.guests
            for address in (*machines, *outer, router, "169.254.169.254")
            for port in (*PORTS.values(), TRUNK)
        }
        self.assertEqual(heard(probes, patience_s=1.0), set())
        straight = ("via", "169.254.169.254", "dev", "eth0", "onlink")
        for number, guest in enumerate(self.guests, 1):
            ip("route", "add", f"172.20.{number}.2", *straight, pid=guest.pid)
        self.assertEqual(heard(probes, patience_s=1.0), set())

    def check_copy(self) -> None:
        """Much arrives whole, through the trunk; the operator's command counts it."""
        self.let_in(from_all("tcp", COPY, TICKS))
        north, south = self.guests
        stream = Stream.open(north, south, south.address, COPY)
        began = time.monotonic()
        stream.start()
        wait_for(lambda: stream.sent >= COPY_MIB << 20, "all is sent", 60)
        stream.end()
        took = time.monotonic() - began
        self.assertTrue(stream.is_whole())
        for cluster in self.cloud.clusters:
            shown = self.cloud.told(cluster.head, "vnet", "show")
            counted = re.findall(r"evt000001 .* (\d+) bytes .* (\d+) bytes", shown)
            self.assertGreater(max(map(int, *counted)), COPY_MIB << 20, shown)
        rate = stream.received * 8e-9 / took
        tell(f"{stream.received >> 20} MiB copied in {took:.1f} s, {rate:.2f} Gbit/s")

    def check_restarts(self) -> None:
        """What is said from one to the other goes on, whoever dies between."""
        north, south = self.guests
        ticks = "while :; do date +%s; usleep 10000; done"
        speak = f"({ticks}) | nc {south.address} {TICKS}"
        with self.beginning(south, f"nc -l -p {TICKS}") as receiving:
            self.until_listening(south, TICKS)
            with self.beginning(north, speak) as sending:
                silence(receiving, 0.5)
                for name in reversed(self.cloud.names()):
                    self.cloud.kill(name)
                    self.cloud.run(name)
                    longest = silence(receiving, 1.0)
                    tell(f"{name} killed: nothing for {longest:.2f} s")
                    self.cloud.wait_for(name)
                silence(receiving, 1.0)
                self.assertEqual((sending.poll(), receiving.poll()), (None, None))
        for each in self.guests:
            said = self.inside(each, f"{LEASE}; {OF_NOBODY}")
            told = ["bound", each.address, each.member.instance_id]
            self.assertEqual(said.split(), told)

    def check_boots(self) -> None:
        """Instances that have booted anew are where they were."""
        instance_ids = [self.north, self.south]
        self.ec2.reboot_instances(InstanceIds=instance_ids)
        for each in instance_ids:
            self.wait_ready(each, boots=2)
        self.guests = [self.guest(each) for each in instance_ids]
        probes = self.between()
        self.assertEqual(heard(probes, patience_s=2.0), probes)
        self.assertTrue(reaches(self.public, SSH))

    def check_closed(self) -> None:
        """What is let in no more does not get in, soon after; the rest does."""
        echoes = {each for each in self.between() if each.protocol == ICMP}
        self.ec2.revoke_security_group_ingress(
            GroupName=GROUP,
            IpPermissions=[from_group("icmp", -1, -1)],
        )
        self.soon("its end", lambda: not heard(echoes, patience_s=0.1))
        rest = self.between() - echoes
        self.assertEqual(heard(rest, patience_s=2.0), rest)

    def check_moved(self) -> None:
        """A public address is soon another's, in another cluster."""
        listening = self.guests[1].open(TCP, port=COPY)
        self.addCleanup(listening.close)
        self.assertFalse(reaches(self.public, COPY))
        self.ec2.associate_address(InstanceId=self.south, PublicIp=self.public)
        self.soon("its move", lambda: reaches(self.public, COPY))

    def check_end(self) -> None:
        """Nothing is left on any machine; what is constant goes by command."""
        machines = [host for it in self.cloud.clusters for host in (it.head, it.node)]
        self.assertTrue(all(map(left_on, machines)))
        self.ec2.terminate_instances(InstanceIds=[self.north, self.south])
        for each in (self.north, self.south):
            self.wait_for(each, "terminated")
        left: list[str] = []

        def is_clean() -> bool:
            left[:] = [line for host in machines for line in left_on(host)]
            return not left

        until(is_clean, 20, f"there is nothing left: {left}")
        self.cloud.stop()
        for host in machines:
            self.cloud.told(host, "vnet", "purge")
            self.assertEqual(host.run("nft", "list", "ruleset"), "")
