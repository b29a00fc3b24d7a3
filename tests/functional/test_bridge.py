"""
L{euca_tw.vnet.bridge} on the kernel's own bridge, in namespaces of its own.
"""

from __future__ import annotations

import stat
import sys
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet import reactor as _reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from euca_tw.common.process import CommandFailed, run
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.nodectl.interfaces import NetworkFailed
from euca_tw.vnet.bridge import BridgeNodeNetwork, remove_all
from euca_tw.vnet.leases import card_name
from euca_tw.vnet.names.forwarder import Forwarder
from euca_tw.vnet.names.question_port import QuestionPort
from euca_tw.vnet.names.server import NameServer
from euca_tw.vnet.names.zone import Zone
from euca_tw.vnet.settings import BridgeSettings
from tests.functional.netns import enter_new, make_peer
from tests.model.test_metadata import METADATA
from tests.suites.node_network import LEASE, OTHER, make_inodenetwork_tests

reactor: Any = _reactor
SETTINGS = BridgeSettings(bridge="euca_t0", address="10.231.0.1/24")
FACTS = evolve(METADATA, instance_id=LEASE.instance_id, private_ip=LEASE.private_ip)

#: What a guest does with what DHCP tells it.
CLIENT_SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/$mask dev $interface
set -- $staticroutes
while [ $# -ge 2 ]; do
  if [ $2 = 0.0.0.0 ]; then ip route add $1 dev $interface
  else ip route add $1 via $2 dev $interface; fi
  shift 2
done
echo "bound $ip/$mask $hostname $lease $mtu $serverid"
echo "names $dns"
"""


CONNECT = """
import socket
socket.create_connection(("169.254.169.254", 53), 2)
"""


def metadata_of(private_ip: str) -> InstanceMetadata | None:
    return FACTS if private_ip == FACTS.private_ip else None


def make_network(case: TestCase, names: NameServer | None = None) -> BridgeNodeNetwork:
    enter_new(case)
    network = BridgeNodeNetwork(reactor, SETTINGS, metadata_of, names=names)
    case.addCleanup(lambda: Deferred.fromCoroutine(network.remove()))
    return network


class BridgeSuiteTests(make_inodenetwork_tests(make_network)):
    """The bridge is a network."""


class BridgeNodeNetworkTests(TestCase):
    """What a guest, and the machine, see of it."""

    def setUp(self) -> None:
        self.network = make_network(self)
        self.script = Path(self.mktemp()).absolute()
        self.script.parent.mkdir(parents=True, exist_ok=True)
        self.script.write_text(CLIENT_SCRIPT)
        self.script.chmod(self.script.stat().st_mode | stat.S_IXUSR)

    async def ip(self, *command: str) -> str:
        return (await run(reactor, "ip", *command)).decode()

    async def rules(self) -> str:
        return (await run(reactor, "nft", "list", "ruleset")).decode()

    async def plug(self, name: str, mac_address: str = LEASE.mac_address) -> int:
        """A guest's card on the bridge, in a namespace of its own."""
        guest = make_peer(self)
        await self.ip(
            *("link", "add", name, "type", "veth"),
            *("peer", "name", "eth0", "address", mac_address, "netns", str(guest)),
        )
        await self.ip("link", "set", name, "master", SETTINGS.bridge, "up")
        return guest

    async def within(self, guest: int, *command: str) -> str:
        """What a program says that runs in the guest."""
        said = await run(reactor, "nsenter", "-t", str(guest), "-n", *command)
        return said.decode()

    async def ask_dhcp(self, guest: int) -> str:
        await self.within(guest, "ip", "link", "set", "eth0", "up")
        return await self.within(
            guest,
            *("busybox", "udhcpc", "-f", "-n", "-q", "-i", "eth0"),
            *("-t", "3", "-T", "1", "-A", "1", "-O", "staticroutes", "-O", "mtu"),
            *("-s", str(self.script)),
        )

    async def fetch(self, guest: int, url: str) -> str:
        return await self.within(
            guest, "timeout", "2", "busybox", "wget", "-q", "-O", "-", url
        )

    async def refused(self, guest: int, url: str) -> None:
        try:
            said = await self.fetch(guest, url)
        except CommandFailed:
            return
        self.fail(f"{url} said {said}")

    async def test_guest(self) -> None:
        """
        An instance gets its address and routes by DHCP, and is told of itself;
        detached, it is told no more.
        """
        await self.network.start()
        await self.network.attach(LEASE)
        guest = await self.plug(card_name(LEASE.instance_id))
        self.assertIn(
            "bound 10.231.0.2/24 ip-10-231-0-2 86400 1500 10.231.0.1",
            await self.ask_dhcp(guest),
        )
        routes = await self.within(guest, "ip", "route")
        self.assertIn("default via 10.231.0.1 dev eth0", routes)
        self.assertIn("169.254.169.254 dev eth0", routes)
        url = "http://169.254.169.254/latest/meta-data/instance-id"
        self.assertEqual(await self.fetch(guest, url), LEASE.instance_id)
        await self.network.detach(LEASE.instance_id)
        await self.refused(guest, url)

    async def test_names(self) -> None:
        """An instance is told names, by the node's own server, with both protocols."""
        names = NameServer(
            zone=Zone(domain="internal", ranges=(SETTINGS.interface.network,)),
            forwarder=Forwarder(
                reactor=reactor,
                open_port=partial(QuestionPort, reactor),
                random=Random(1),
                resolvers=tuple,
            ),
            clock=reactor,
        )
        self.addCleanup(names.stop)
        self.network = make_network(self, names)
        await self.network.start()
        await self.network.attach(evolve(LEASE, nameservers=()))
        guest = await self.plug(card_name(LEASE.instance_id))
        self.assertIn("names 169.254.169.254", await self.ask_dhcp(guest))
        name = "ip-10-231-0-2.internal"
        asked = ("busybox", "nslookup", name, "169.254.169.254")
        self.assertIn("10.231.0.2", await self.within(guest, *asked))
        # By TCP, through the same rules.
        await self.within(guest, sys.executable, "-c", CONNECT)
        # At the router's address the node serves nothing.
        away = ("timeout", "1", "busybox", "nslookup", name, "10.231.0.1")
        failure = Deferred.fromCoroutine(self.within(guest, *away))
        await self.assertFailure(failure, CommandFailed)

    async def test_as_another(self) -> None:
        """
        An instance that takes another's addresses is heard by nobody, and
        serves no addresses to others.
        """
        await self.network.start()
        await self.network.attach(LEASE)
        await self.network.attach(OTHER)
        thief = await self.plug(card_name(OTHER.instance_id), OTHER.mac_address)
        await self.ask_dhcp(thief)
        ping = ("busybox", "ping", "-c", "1", "-W", "2", "10.231.0.1")
        await self.within(thief, *ping)
        url = "http://169.254.169.254/latest/meta-data/instance-id"
        own, stolen = f"{OTHER.private_ip}/24", f"{LEASE.private_ip}/24"
        await self.within(thief, "ip", "addr", "del", own, "dev", "eth0")
        await self.within(thief, "ip", "addr", "add", stolen, "dev", "eth0")
        await self.within(
            thief, "ip", "route", "replace", "169.254.169.254", "dev", "eth0"
        )
        await self.refused(thief, url)
        failure = Deferred.fromCoroutine(self.within(thief, *ping))
        await self.assertFailure(failure, CommandFailed)
        mac = ("link", "set", "eth0", "address", LEASE.mac_address)
        await self.within(thief, "ip", *mac)
        await self.refused(thief, url)

    async def test_moved(self) -> None:
        """An instance with a new address sends from that, and no more from the old."""
        await self.network.start()
        await self.network.attach(evolve(LEASE, private_ip="10.231.0.9"))
        await self.network.attach(LEASE)
        self.assertNotIn("10.231.0.9", await self.rules())
        guest = await self.plug(card_name(LEASE.instance_id))
        await self.ask_dhcp(guest)
        url = "http://169.254.169.254/latest/meta-data/instance-id"
        self.assertEqual(await self.fetch(guest, url), LEASE.instance_id)

    async def test_stranger(self) -> None:
        """
        A card that is not known gets no address; whoever takes one by itself
        is told nothing.
        """
        await self.network.start()
        await self.network.attach(OTHER)
        guest = await self.plug("stranger", "02:00:00:00:00:01")
        try:
            await self.ask_dhcp(guest)
        except CommandFailed as error:
            self.assertIn("no lease", error.text)
        else:
            self.fail("a stranger got a lease")
        await self.within(guest, "ip", "addr", "add", "10.231.0.77/24", "dev", "eth0")
        await self.within(guest, "ip", "route", "add", "169.254.169.254", "dev", "eth0")
        await self.refused(guest, "http://169.254.169.254/latest/meta-data/")

    async def test_node_is_closed(self) -> None:
        """
        Instances reach no service of the node's: not at its address, and not
        the metadata service's own port.
        """
        await self.network.start()
        await self.network.attach(LEASE)
        guest = await self.plug(card_name(LEASE.instance_id))
        await self.ask_dhcp(guest)
        port = self.network._metadata.getHost().port
        await self.refused(guest, f"http://10.231.0.1:{port}/latest/")
        await self.within(guest, "busybox", "ping", "-c", "1", "-W", "2", "10.231.0.1")

    async def test_machine_is_not_told(self) -> None:
        """The machine itself, which is no instance, is told nothing."""
        await self.network.start()
        await self.network.attach(LEASE)
        port = self.network._metadata.getHost().port
        try:
            await run(
                reactor,
                *("timeout", "2", "busybox", "wget", "-q", "-O", "-"),
                f"http://10.231.0.1:{port}/latest/",
            )
        except CommandFailed:
            return
        self.fail("the machine was answered")

    async def test_bridge_was_lost(self) -> None:
        """Started again after its bridge was deleted, it serves as before."""
        await self.network.start()
        await self.ip("link", "delete", "dev", SETTINGS.bridge)
        await self.network.start()
        await self.network.attach(LEASE)
        guest = await self.plug(card_name(LEASE.instance_id))
        self.assertIn("bound 10.231.0.2", await self.ask_dhcp(guest))

    async def test_another_process(self) -> None:
        """A node that starts anew takes over what the last one left."""
        await self.network.start()
        before = await self.ip("addr", "show", "dev", SETTINGS.bridge)
        await self.network.stop()
        successor = BridgeNodeNetwork(reactor, SETTINGS, metadata_of)
        await successor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(successor.stop()))
        after = await self.ip("addr", "show", "dev", SETTINGS.bridge)
        self.assertEqual(before, after)
        await successor.attach(LEASE)
        guest = await self.plug(card_name(LEASE.instance_id))
        self.assertIn("bound 10.231.0.2", await self.ask_dhcp(guest))
        url = "http://169.254.169.254/latest/meta-data/instance-id"
        self.assertEqual(await self.fetch(guest, url), LEASE.instance_id)

    async def test_removed(self) -> None:
        """What is removed leaves no link, address or rule; twice is once."""
        links, rules = await self.ip("link"), await self.rules()
        await self.network.start()
        self.assertIn("euca_tw_euca_t0", await self.rules())
        await self.network.remove()
        self.assertEqual(await self.ip("link"), links)
        self.assertEqual(await self.rules(), rules)
        await self.network.remove()

    async def test_all_removed(self) -> None:
        """So are all that were made, whatever they are named, and no other's."""
        await self.network.start()
        await self.ip("link", "add", "br0", "type", "bridge")
        self.assertEqual(await remove_all(reactor, None), ("bridge euca_t0",))
        self.assertNotIn("euca_t", await self.ip("link") + await self.rules())
        await self.ip("address", "add", SETTINGS.address, "dev", "br0")
        of_site = evolve(SETTINGS, bridge="br0")
        self.assertEqual(await remove_all(reactor, None), ())
        removed = await remove_all(reactor, of_site)
        self.assertEqual(removed, ("what was added to br0",))
        self.assertNotIn("10.231.0.1", await self.ip("address"))

    async def test_bridge_of_the_site(self) -> None:
        """A bridge that the site made is used, and left as it was."""
        await self.ip("link", "add", SETTINGS.bridge, "type", "bridge")
        await self.network.start()
        self.assertIn("10.231.0.1/24", await self.ip("addr"))
        await self.network.remove()
        shown = await self.ip("addr", "show", "dev", SETTINGS.bridge)
        self.assertNotIn("10.231.0.1", shown)
        self.assertNotIn("169.254.169.254", shown)

    async def test_no_address(self) -> None:
        """A card without an address of its own is not taken."""
        nameless = self.network.attach(evolve(LEASE, private_ip=""))
        with self.assertRaises(NetworkFailed):
            await nameless
        self.assertEqual(len(self.network.leases), 0)

    async def test_name_is_taken(self) -> None:
        """Where the bridge's name is another device's, it says so."""
        await self.ip("link", "add", SETTINGS.bridge, "type", "veth")
        error = await self.assertFailure(
            Deferred.fromCoroutine(self.network.start()), NetworkFailed
        )
        self.assertIn("euca_t0 is there, but it is no bridge", str(error))
