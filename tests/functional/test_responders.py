"""
L{euca_tw.vnet.responders} on bridges of the kernel, in namespaces of their own.
"""

from __future__ import annotations

import socket
import stat
import sys
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import deferLater
from twisted.logger import capturedLogs, formatEvent
from twisted.names import dns
from twisted.names.common import ResolverBase
from twisted.names.dns import DNSDatagramProtocol
from twisted.names.server import DNSServerFactory
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from euca_tw.common.in_thread import in_this_thread
from euca_tw.common.process import run
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.model.tokens import TokenMaker
from euca_tw.nodectl.interfaces import Lease
from euca_tw.vnet.interfaces import IResponders, NetworkFailed
from euca_tw.vnet.leases import Leases
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.names.forwarder import Forwarder
from euca_tw.vnet.names.question_port import QuestionPort
from euca_tw.vnet.names.server import NameServer
from euca_tw.vnet.names.zone import Zone
from euca_tw.vnet.netlink import KernelLinks
from euca_tw.vnet.responders import BridgeResponders
from tests.functional.netns import enter_new, make_peer
from tests.functional.test_bridge import CLIENT_SCRIPT
from tests.model.test_metadata import METADATA
from tests.suites.node_network import LEASE, OTHER
from tests.vnet.test_managed import managed, view

reactor: Any = _reactor
#: Of another network: as a guest of the first may pretend to be.
FAR = evolve(OTHER, private_ip="10.232.0.3", router="10.232.0.1")
BRIDGES = {"evb000007": LEASE, "evb000008": FAR}
SUBNETS = {"evb000007": "10.231.0.0/24", "evb000008": "10.232.0.0/24"}

#: What a guest asks that keeps to the second version of the service.
ASK = """
from http.client import HTTPConnection
def ask(method, path, name, value):
    at = HTTPConnection("169.254.169.254", timeout=2)
    at.request(method, path, headers={"X-aws-ec2-metadata-token" + name: value})
    answer = at.getresponse()
    return answer.status, answer.read().decode().strip()
_, token = ask("PUT", "/latest/api/token", "-ttl-seconds", "60")
for shown in (token, "none"):
    print(ask("GET", "/latest/meta-data/instance-id", "", shown))
"""

#: Asks for a name by UDP, and tries to by TCP.
ASK_NAMES = """
import socket
asked = bytes.fromhex("0007010000010000000000000f") + b"ip-10-231-0-2\\0\\0\\1\\0\\1"
at = "169.254.169.254", 53
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as by_udp:
    by_udp.settimeout(0.5)
    by_udp.sendto(asked, at)
    try:
        print(by_udp.recv(512))
    except TimeoutError:
        print("silence")
try:
    with socket.create_connection(at, 2) as by_tcp:
        by_tcp.sendall(len(asked).to_bytes(2, "big") + asked)
        print(by_tcp.recv(512) or "ended")
except ConnectionError:
    print("ended")
"""

#: Holds one connection more than a guest may.
CROWD = """
import socket
held = [socket.create_connection(("169.254.169.254", 80), 2) for _ in range(17)]
for each in held[:2]:
    each.settimeout(1)
    try:
        print("ended" if not each.recv(1) else "heard")
    except ConnectionResetError:
        print("ended")
    except TimeoutError:
        print("open")
"""


#: What the C library says of names, with another /etc/resolv.conf.
WITH_RESOLV_CONF = 'mount --bind "$0" /etc/resolv.conf && getent hosts "$@"'


class Elsewhere(ResolverBase):
    """What a site's name server knows."""

    def _lookup(self, name: bytes, cls: int, type: int, timeout: Any) -> Any:
        if name.lower() != b"www.example.com":
            return fail(dns.DomainError(name))
        record = dns.Record_A("192.0.2.80", 60)
        found = [dns.RRHeader(name, dns.A, cls, 60, record)] if type == dns.A else []
        return succeed((found, [], []))


class BridgeRespondersTests(TestCase):
    def setUp(self) -> None:
        enter_new(self)
        self.names = NameServer(
            zone=Zone(domain="internal", ranges=(IPv4Network("10.231.0.0/16"),)),
            forwarder=Forwarder(
                reactor=reactor,
                open_port=partial(QuestionPort, reactor),
                random=Random(1),
                resolvers=lambda: ("127.0.0.53",),
            ),
            clock=reactor,
        )
        self.addCleanup(self.names.stop)
        self.responders = BridgeResponders(
            reactor, TokenMaker(b"secret", reactor.seconds), self.names
        )
        self.addCleanup(self.cease)
        self.leases = Leases()
        for lease in BRIDGES.values():
            self.leases.add(lease)
        self.script = Path(self.mktemp()).absolute()
        self.script.parent.mkdir(parents=True, exist_ok=True)
        self.script.write_text(CLIENT_SCRIPT)
        self.script.chmod(self.script.stat().st_mode | stat.S_IXUSR)

    async def cease(self) -> None:
        for bridge in BRIDGES:
            await self.responders.cease(bridge)

    async def ip(self, *command: str) -> None:
        await run(reactor, "ip", *command)

    async def bridges(self) -> None:
        for name, subnet in SUBNETS.items():
            await self.ip("link", "add", "name", name, "type", "bridge")
            await self.ip("addr", "add", "169.254.169.254/32", "dev", name)
            await self.ip("link", "set", "dev", name, "up")
            await self.ip("route", "add", subnet, "dev", name)

    def serve(self, bridge: str) -> None:
        own = BRIDGES[bridge]

        def lease_of(mac_address: str) -> Lease | None:
            found = self.leases.of_mac(mac_address)
            is_own = found is not None and found.instance_id == own.instance_id
            return found if is_own else None

        def metadata_of(private_ip: str) -> InstanceMetadata | None:
            if private_ip != own.private_ip:
                return None
            return evolve(METADATA, instance_id=own.instance_id)

        def lease_at(private_ip: str) -> Lease | None:
            return own if private_ip == own.private_ip else None

        self.responders.serve(bridge, lease_of, metadata_of, lease_at)

    async def guest(self, bridge: str, lease: Lease) -> int:
        guest = make_peer(self)
        card = f"vn_{guest}"
        await self.ip(
            *("link", "add", card, "type", "veth", "peer", "name", "eth0"),
            *("address", lease.mac_address, "netns", str(guest)),
        )
        await self.ip("link", "set", card, "master", bridge, "up")
        await self.within(guest, "ip", "link", "set", "eth0", "up")
        return guest

    async def within(self, guest: int, *command: str) -> str:
        said = await run(reactor, "nsenter", "-t", str(guest), "-n", *command)
        return said.decode()

    async def bound(self, guest: int) -> str:
        return await self.within(
            guest,
            *("busybox", "udhcpc", "-f", "-n", "-q", "-i", "eth0"),
            *("-t", "2", "-T", "1", "-A", "1", "-O", "staticroutes", "-O", "mtu"),
            *("-s", str(self.script)),
        )

    async def test_each_on_its_own(self) -> None:
        """
        On both bridges at one address: each guest has its lease, is told of
        itself, and has a session token if it asks for one.
        """
        await self.bridges()
        for bridge in BRIDGES:
            self.serve(bridge)
            self.serve(bridge)
        for bridge, lease in BRIDGES.items():
            guest = await self.guest(bridge, lease)
            said = await self.bound(guest)
            self.assertIn(f"bound {lease.private_ip}/24", said)
            self.assertIn("169.254.169.254", said)
            told = await self.within(guest, sys.executable, "-c", ASK)
            first, second = told.splitlines()
            self.assertEqual(first, f"(200, '{lease.instance_id}')")
            self.assertIn("(401, ", second)

    async def test_crowd(self) -> None:
        """A guest has so many connections, and no more: the oldest makes way."""
        await self.bridges()
        self.serve("evb000007")
        guest = await self.guest("evb000007", LEASE)
        await self.bound(guest)
        told = await self.within(guest, sys.executable, "-c", CROWD)
        self.assertEqual(told.split(), ["ended", "open"])

    async def test_not_on_anothers(self) -> None:
        """A guest that takes another's address on its own bridge is told nothing."""
        await self.bridges()
        for bridge in BRIDGES:
            self.serve(bridge)
        guest = await self.guest("evb000007", FAR)
        await self.within(
            guest, "ip", "addr", "add", f"{FAR.private_ip}/24", "dev", "eth0"
        )
        await self.within(guest, "ip", "route", "add", "169.254.169.254", "dev", "eth0")
        # Even where the answers would find it.
        await self.ip("route", "replace", f"{FAR.private_ip}/32", "dev", "evb000007")
        told = await self.within(guest, sys.executable, "-c", ASK)
        self.assertNotIn(FAR.instance_id, told)
        self.assertIn("(404, ", told)
        told = await self.within(guest, sys.executable, "-c", ASK_NAMES)
        self.assertEqual(told.split(), ["silence", "ended"])

    async def test_names(self) -> None:
        """
        A guest is told by DHCP whom to ask for names, and is told them: the cloud's
        own by the node, and others by whom that asks, with UDP and with TCP.
        """
        await self.bridges()
        await self.ip("link", "set", "lo", "up")
        elsewhere = DNSServerFactory(authorities=[Elsewhere()])
        elsewhere.noisy = False
        datagrams = reactor.listenUDP(
            53, DNSDatagramProtocol(elsewhere), interface="127.0.0.53"
        )
        self.addCleanup(datagrams.stopListening)
        streams = reactor.listenTCP(53, elsewhere, interface="127.0.0.53")
        self.addCleanup(streams.stopListening)
        self.serve("evb000007")
        self.leases.add(evolve(LEASE, nameservers=()))
        guest = await self.guest("evb000007", LEASE)
        self.assertIn("names 169.254.169.254", await self.bound(guest))
        mine, far = "ip-10-231-0-2.internal", "www.example.com"
        resolv = self.script.with_suffix(".conf")
        with capturedLogs() as logged:
            for asked, told in (
                (mine, "10.231.0.2"),
                (LEASE.private_ip, mine),
                (far, "192.0.2.80"),
            ):
                said = await self.within(
                    guest, "busybox", "nslookup", asked, "169.254.169.254"
                )
                self.assertIn(told, said)
            for options in ("edns0", "use-vc"):
                resolv.write_text(
                    f"nameserver 169.254.169.254\nsearch internal\noptions {options}\n"
                )
                said = await self.within(
                    guest,
                    *("unshare", "-m", "sh", "-c", WITH_RESOLV_CONF, str(resolv)),
                    *("ip-10-231-0-2", far),
                )
                self.assertEqual(said.split(), ["10.231.0.2", mine, "192.0.2.80", far])
        self.assertEqual([*map(formatEvent, logged)], [])

    async def test_no_bridge(self) -> None:
        """What is not there cannot be served, and says so; later it can."""
        error = self.assertRaises(NetworkFailed, self.serve, "evb000007")
        self.assertIn("evb000007", str(error))
        await self.bridges()
        self.serve("evb000007")
        verifyObject(IResponders, self.responders)

    async def test_names_taken(self) -> None:
        """Where another name server has the port it is told what to do about it."""
        await self.bridges()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(("", 53))
            error = self.assertRaises(NetworkFailed, self.serve, "evb000007")
        self.assertIn("port 53: Address already in use (where another", str(error))
        self.assertIn("serves_names = false", str(error))
        # What was open by then is closed, by and by.
        await deferLater(reactor, 0)
        self.serve("evb000007")

    async def test_made_anew(self) -> None:
        """On a bridge that was made anew it answers when it is told so again."""
        await self.bridges()
        for bridge in BRIDGES:
            self.serve(bridge)
        await self.ip("link", "delete", "dev", "evb000007")
        self.assertRaises(NetworkFailed, self.serve, "evb000007")
        await self.ip("link", "delete", "dev", "evb000008")
        await self.bridges()
        for bridge, lease in BRIDGES.items():
            self.serve(bridge)
            guest = await self.guest(bridge, lease)
            self.assertIn(f"bound {lease.private_ip}/24", await self.bound(guest))
            told = await self.within(guest, sys.executable, "-c", ASK)
            self.assertIn(lease.instance_id, told)

    async def test_mended(self) -> None:
        """
        A bridge that somebody took away is made anew when all is mended, and an
        instance is answered on it.
        """
        links = LinksHost(KernelLinks(), in_this_thread)
        network = managed(host=links, responders=self.responders, clock=reactor)
        await network.start()
        network.carry(view(LEASE))
        await network.attach(LEASE)
        await self.ip("link", "delete", "dev", "evb000007")
        await links.resync()
        network.mended()
        guest = await self.guest("evb000007", LEASE)
        self.assertIn(f"bound {LEASE.private_ip}/24", await self.bound(guest))
        await network.stop()

    async def test_ceases(self) -> None:
        """Where it answers no more another can."""
        await self.bridges()
        self.serve("evb000007")
        await self.responders.cease("evb000007")
        await self.responders.cease("evb000007")
        heir = BridgeResponders(reactor, TokenMaker(b"secret", reactor.seconds))
        heir.serve("evb000007", lambda _: None, lambda _: None, lambda _: None)
        await Deferred.fromCoroutine(heir.cease("evb000007"))
