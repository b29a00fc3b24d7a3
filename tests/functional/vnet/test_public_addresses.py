"""L{euca_tw.vnet.public_addresses} at an interface of a namespace."""

from __future__ import annotations

import json
import os
import subprocess
from ipaddress import IPv4Address
from typing import Any

from attrs import evolve
from twisted.internet import reactor as _reactor
from twisted.trial.unittest import TestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.networks import View
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.public_addresses import PublicAddresses
from tests.functional.netns import enter_new, make_peer
from tests.functional.vnet.guests import Guest, ip, received, until_up, without_ipv6
from tests.functional.vnet.test_nat import HEAD, MEMBERS, PUBLIC, WORLD, with_elastics

reactor: Any = _reactor


class PublicAddressesTests(TestCase):
    """The addresses at the outer interface."""

    def setUp(self) -> None:
        enter_new(self)
        without_ipv6(os.getpid())
        world = make_peer(self)
        without_ipv6(world)
        ip(
            "link",
            "add",
            "out0",
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            str(world),
        )
        ip("addr", "add", f"{HEAD}/24", "dev", "out0")
        ip("addr", "add", f"{PUBLIC[2]}/32", "dev", "out0")
        ip("link", "set", "out0", "up")
        ip("link", "set", "eth0", "up", pid=world)
        until_up(os.getpid(), world)
        member = evolve(MEMBERS[0], private_ip=IPv4Address(WORLD))
        self.world = Guest(member=member, pid=world)
        self.addresses = self.make()
        self.before = self.shown()

    def make(self) -> PublicAddresses:
        return PublicAddresses(reactor, in_this_thread, "out0")

    def shown(self) -> set[str]:
        look = ("ip", "-j", "address", "show", "dev", "out0")
        (link,) = json.loads(
            subprocess.run(look, check=True, capture_output=True).stdout
        )
        return {f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"]}

    def view(self, *publics: str) -> View:
        return with_elastics(View(here="a0"), *((each, 0) for each in publics))

    async def test_given(self) -> None:
        """They are there, and all are told where; another process finds them."""
        with self.world.packets() as listening:
            await self.addresses.apply(self.view(PUBLIC[0]))
            frame = received(listening)
        assert frame is not None
        self.assertEqual(frame[28:32], IPv4Address(PUBLIC[0]).packed)
        self.assertEqual(self.shown() - self.before, {f"{PUBLIC[0]}/32"})
        await self.make().apply(self.view(PUBLIC[1]))
        self.assertEqual(self.shown() - self.before, {f"{PUBLIC[1]}/32"})

    async def test_changed(self) -> None:
        """Others come and go, what somebody gave or took by hand included."""
        await self.addresses.apply(self.view(PUBLIC[0], PUBLIC[2]))
        ip("addr", "del", f"{PUBLIC[0]}/32", "dev", "out0")
        await self.addresses.apply(self.view(PUBLIC[1], PUBLIC[2]))
        self.assertEqual(self.shown() - self.before, {f"{PUBLIC[1]}/32"})
        await self.addresses.apply(self.view())
        self.assertEqual(self.shown(), self.before)

    async def test_purge(self) -> None:
        """Only ours are taken away."""
        await self.addresses.apply(self.view(PUBLIC[0], PUBLIC[2]))
        gone = await self.make().purge()
        self.assertEqual(gone, (f"address {PUBLIC[0]} of out0",))
        self.assertEqual(self.shown(), self.before)

    async def test_no_interface(self) -> None:
        """Without the interface it is said which."""
        addresses = PublicAddresses(reactor, in_this_thread, "out9")
        with self.assertRaises(NetworkFailed) as caught:
            await addresses.apply(self.view(PUBLIC[0]))
        self.assertIn("out9 cannot be given", str(caught.exception))
