"""A machine's rules, links and public addresses as one, in the kernel."""

from __future__ import annotations

import json
import sys
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet import reactor as _reactor
from twisted.trial.unittest import TestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.common.process import run as run_program
from euca_tw.model.networks import Elastic, View
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.filter_text import NAME
from euca_tw.vnet.host import NetworkHost
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.public_addresses import PublicAddresses
from euca_tw.vnet.rules import Rules
from tests.functional.vnet.test_netlink import make_links
from tests.suites.network_host import make_inetworkhost_tests
from tests.vnet.views import carried, machines, view

reactor: Any = _reactor
SITE = machines("x0", "x1")
COMMAND = Path(sys.executable).with_name("euca-tw")


def make_host(test: TestCase, outer: str = "") -> NetworkHost:
    return NetworkHost(
        rules=Rules(
            Nft(reactor, in_this_thread), in_this_thread, FilterSettings(outer=outer)
        ),
        links=LinksHost(make_links(test), in_this_thread),
        public=PublicAddresses(reactor, in_this_thread, outer) if outer else None,
    )


class NetworkHostSuite(make_inetworkhost_tests(make_host)):
    """The suite of all hosts, on the kernel: links and rules."""


class NetworkHostTests(TestCase):
    def setUp(self) -> None:
        self.host = make_host(self, "outer0")

    async def said(self, *words: str) -> str:
        return (await run_program(reactor, *words)).decode()

    async def head(self) -> View:
        """A head with a network, and a public address of its instance."""
        ends = ("outer0", "type", "veth", "peer", "name", "world0")
        await self.said("ip", "link", "add", *ends)
        await self.said("ip", "link", "set", "outer0", "up")
        elastic = Elastic(
            public_ip=IPv4Address("192.0.2.9"), private_ip=IPv4Address("10.0.1.2")
        )
        seen = view("x0", SITE, carried(1, "x1"))
        return evolve(seen, elastics={elastic.public_ip: elastic})

    async def test_all(self) -> None:
        """Rules, links and public addresses are there, and go with a purge."""
        await self.host.apply(await self.head())
        self.assertIn(f"table inet {NAME}", await self.said("nft", "list", "tables"))
        self.assertIn("evb000001", await self.said("ip", "link"))
        self.assertIn("192.0.2.9/32", await self.said("ip", "address"))
        removed = await self.host.purge()
        for part in ("address 192.0.2.9 of outer0", "network 1", f"table inet {NAME}"):
            self.assertIn(part, " ".join(removed))
        self.assertEqual(await self.said("nft", "list", "tables"), "")
        left = await self.said("ip", "address")
        self.assertNotIn("evb000001", left)
        self.assertNotIn("192.0.2.9", left)

    async def test_command(self) -> None:
        """C{euca-tw vnet purge} removes all of it, without any daemon."""
        await self.host.apply(await self.head())
        said = await self.said(str(COMMAND), "vnet", "purge")
        for part in ("192.0.2.9 of outer0", "network 1", f"table bridge {NAME}"):
            self.assertIn(part, said)
        self.assertEqual(await self.said("nft", "list", "tables"), "")
        links = json.loads(await self.said("ip", "-j", "link"))
        self.assertEqual({link["ifname"] for link in links}, {"lo", "outer0", "world0"})
        again = await self.said(str(COMMAND), "vnet", "purge")
        self.assertEqual(again, "there is nothing to remove\n")

    async def test_mends(self) -> None:
        """What somebody took away is there again after a look at all."""
        await self.host.apply(await self.head())
        await self.said("nft", "delete", "table", "inet", NAME)
        await self.said("ip", "link", "del", "evb000001")
        await self.said("ip", "address", "del", "192.0.2.9/32", "dev", "outer0")
        await self.host.mend()
        self.assertIn(f"table inet {NAME}", await self.said("nft", "list", "tables"))
        self.assertIn("evb000001", await self.said("ip", "link"))
        self.assertIn("192.0.2.9/32", await self.said("ip", "address"))

    async def test_nothing_to_mend(self) -> None:
        """Before anything is carried there is nothing to mend."""
        await self.host.mend()
        self.assertEqual(await self.said("nft", "list", "tables"), "")
