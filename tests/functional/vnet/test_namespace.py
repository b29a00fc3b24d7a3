"""L{euca_tw.vnet.namespace} on the kernel, with a machine that is a namespace, too."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Network
from typing import TypeVar

from attrs import evolve
from twisted.trial.unittest import SkipTest, TestCase

from euca_tw.admin.client import Refused
from euca_tw.admin.configuration import Configuration
from euca_tw.admin.namespaces import down_all
from euca_tw.admin.sections import HeadSection
from euca_tw.vnet.interfaces import NetworkFailed
from euca_tw.vnet.link_records import VXLAN_PORT
from euca_tw.vnet.namespace_plan import INNER, NamespaceSettings
from tests.functional.netns import enter_new, make_peer
from tests.functional.vnet.guests import inside, ip, nft, received, until_up
from tests.functional.vnet.streams import wait_for

try:
    from pyroute2 import netns

    from euca_tw.vnet import namespace
    from euca_tw.vnet.namespace_kernel import NAMED
except ImportError:
    namespace = None  # type: ignore[assignment]

T = TypeVar("T")
PUBLIC = IPv4Network("198.51.100.0/28")
OTHER_LINK = IPv4Network("192.168.231.4/30")


class NamespaceTests(TestCase):
    """A head's namespace beside a machine."""

    def setUp(self) -> None:
        if namespace is None:
            raise SkipTest("needs pyroute2: run tools/setup")
        enter_new(self)
        # Names are the mount namespace's: another's tests may run as well.
        self.settings = NamespaceSettings(
            name=f"et{os.getpid()}",
            link=IPv4Network("192.168.231.0/30"),
            public=(PUBLIC,),
        )
        self.addCleanup(self.end)

    def end(self) -> None:
        namespace.down(self.settings.name)

    def within(self, work: Callable[[], T]) -> T:
        """What C{work} returns, done inside."""

        def inside() -> T:
            netns.setns(str(NAMED / self.settings.name), flags=0)
            return work()

        with ThreadPoolExecutor(1) as thread:
            return thread.submit(inside).result()

    def told(self, *command: str) -> bytes:
        """What a program says inside."""
        return self.within(lambda: subprocess.check_output(command))

    def refused(self, work: Callable[[], object]) -> str:
        return str(self.assertRaises(NetworkFailed, work))

    def test_round(self) -> None:
        """
        It is made once, and mended; machine and head reach each other; and it goes
        without a trace.
        """
        before = nft("list", "ruleset")
        self.assertIn("the namespace itself", namespace.up(self.settings))
        self.assertEqual(namespace.up(self.settings), ())
        self.assertEqual(namespace.made_here(), (self.settings.name,))
        ip("link", "set", self.settings.name, "down")
        self.assertNotEqual(namespace.up(self.settings), ())
        self.assertEqual(namespace.up(self.settings), ())
        [route] = json.loads(self.told("ip", "-j", "route", "show", "default"))
        self.assertEqual(route["gateway"], str(self.settings.machine))
        name = self.settings.name
        self.assertEqual(namespace.down(name), (f"cable {name}", f"namespace {name}"))
        self.assertEqual(namespace.down(self.settings.name), ())
        self.assertEqual(nft("list", "ruleset"), before)
        self.assertEqual(namespace.made_here(), ())
        self.assertFalse((NAMED / self.settings.name).exists())

    def test_head_lives(self) -> None:
        """What the head itself has given the cable's end stays."""
        namespace.up(self.settings)
        self.told("ip", "address", "add", f"{PUBLIC[1]}/32", "dev", INNER)
        self.assertEqual(namespace.up(self.settings), ())
        shown = self.told("ip", "address", "show", "dev", INNER)
        self.assertIn(f"{PUBLIC[1]}/32".encode(), shown)

    def test_purge(self) -> None:
        """
        All that are joined to this machine are removed, whatever they are named; and
        the one that is configured, though its cable is gone.
        """
        name = self.settings.name
        removed = (f"cable {name}", f"namespace {name}")
        namespace.up(self.settings)
        self.assertEqual(down_all(Configuration()), removed)
        namespace.up(self.settings)
        ip("link", "del", name)
        self.assertEqual(down_all(Configuration()), ())
        named = evolve(Configuration(), head=HeadSection(namespace=name))
        self.assertEqual(down_all(named), removed[1:])

    def test_purge_inside(self) -> None:
        """From inside, neither the namespace nor its cable is removed."""
        namespace.up(self.settings)
        named = evolve(Configuration(), head=HeadSection(namespace=self.settings.name))
        for configuration in (Configuration(), named):
            self.assertEqual(self.within(partial(down_all, configuration)), ())
        self.assertEqual(namespace.up(self.settings), ())

    def test_purge_some(self) -> None:
        """One that cannot be removed keeps no other from it; both are told."""
        namespace.up(self.settings)
        other = f"{self.settings.name}_b"
        namespace.up(evolve(self.settings, name=other, link=OTHER_LINK, public=()))
        path = NAMED / self.settings.name
        with subprocess.Popen(("nsenter", f"--net={path}", "cat"), stdin=-1) as inside:
            name = self.settings.name
            wait_for(lambda: namespace.processes_of(name) == (inside.pid,), "it is in")
            said = str(self.assertRaises(Refused, down_all, Configuration()))
        self.assertIn(f"the namespace {name} is not removed", said)
        self.assertIn(f"cable {other}", said)
        self.assertEqual(namespace.made_here(), (name,))

    def test_changed(self) -> None:
        """Other settings are come to in place."""
        namespace.up(self.settings)
        other = evolve(
            self.settings, link=IPv4Network("192.168.232.0/30"), public=(), mtu=1550
        )
        done = namespace.up(other)
        self.assertIn(f"away: route of the machine to {PUBLIC} by 192.168.231.2", done)
        self.assertNotIn("the namespace itself", done)
        self.assertEqual(namespace.up(other), ())

    def test_closed(self) -> None:
        """
        From the head nothing of the machine is reached but what carries networks; the
        machine reaches the head.
        """
        namespace.up(self.settings)
        machine, head = str(self.settings.machine), str(self.settings.head)
        with self.within(lambda: socket.create_server((head, 8777))):
            socket.create_connection((head, 8777), 5).close()
        with socket.create_server((machine, 8773)):
            made = self.within(lambda: socket.socket(type=socket.SOCK_STREAM))
            made.settimeout(0.3)
            with made, self.assertRaises(TimeoutError):
                made.connect((machine, 8773))
        # Of another address, as an instance may say that it is for it.
        ip("addr", "add", "192.168.9.1/32", "dev", "lo")
        sending = self.within(lambda: socket.socket(type=socket.SOCK_DGRAM))
        with sending, socket.socket(type=socket.SOCK_DGRAM) as listening:
            listening.bind(("", VXLAN_PORT))
            sending.sendto(b"!", ("192.168.9.1", VXLAN_PORT))
            sending.sendto(b"?", (machine, VXLAN_PORT))
            self.assertEqual(received(listening, 5.0), b"?")

    def test_forwards(self) -> None:
        """
        If the machine forwards, the head reaches what is beyond it, as the machine;
        from there public addresses are reached, and the head itself only at ports
        that the site leads to it.
        """
        namespace.up(evolve(self.settings, forwards=True))
        beyond = make_peer(self)
        ip(
            *("link", "add", "lan0", "type", "veth"),
            *("peer", "name", "eth0", "netns", str(beyond)),
        )
        ip("addr", "add", "192.168.9.1/24", "dev", "lan0")
        ip("link", "set", "lan0", "up")
        for command in (
            ("addr", "add", "192.168.9.2/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("route", "add", "default", "via", "192.168.9.1"),
        ):
            ip(*command, pid=beyond)
        until_up(os.getpid(), beyond)
        public, head = str(PUBLIC[1]), str(self.settings.head)
        self.told("ip", "address", "add", f"{public}/32", "dev", INNER)
        outside = inside(beyond, lambda: socket.create_server(("", 80)))
        with outside:
            self.within(
                lambda: socket.create_connection(("192.168.9.2", 80), 5)
            ).close()
            made, (address, _) = outside.accept()
            made.close()
            self.assertEqual(address, "192.168.9.1")
        with self.within(lambda: socket.create_server(("", 80))):
            inside(beyond, lambda: socket.create_connection((public, 80), 5)).close()
            with self.assertRaises(TimeoutError):
                inside(beyond, lambda: socket.create_connection((head, 80), 0.3))
            # As the site has it, for the trunk.
            nft(
                "-f",
                "-",
                text="table ip site { chain to_head { type nat hook prerouting "
                f"priority dstnat; tcp dport 8778 dnat to {head}:80; }}; }}",
            )
            there = ("192.168.9.1", 8778)
            inside(beyond, lambda: socket.create_connection(there, 5)).close()

    def test_in_it(self) -> None:
        """It is not removed while a process is in it, which is named."""
        namespace.up(self.settings)
        path = NAMED / self.settings.name
        with subprocess.Popen(("nsenter", f"--net={path}", "cat"), stdin=-1) as inside:
            name = self.settings.name
            wait_for(lambda: namespace.processes_of(name) == (inside.pid,), "it is in")
            self.assertIn(f"end {inside.pid} first", self.refused(self.end))

    def test_in_use(self) -> None:
        """Whose network the machine has another route to is not made."""
        ip("link", "add", "lan0", "type", "bridge")
        ip("addr", "add", "192.168.0.1/16", "dev", "lan0")
        ip("link", "set", "lan0", "up")
        said = self.refused(lambda: namespace.up(self.settings))
        self.assertIn("has a route to 192.168.0.0/16: set namespace_link", said)
        ip("addr", "del", "192.168.0.1/16", "dev", "lan0")
        ip("route", "add", str(PUBLIC), "dev", "lan0")
        said = self.refused(lambda: namespace.up(self.settings))
        self.assertIn(f"a route to {PUBLIC} already", said)
        ip("route", "del", str(PUBLIC), "dev", "lan0")
        ip("route", "add", "blackhole", "192.168.231.0/24")
        said = self.refused(lambda: namespace.up(self.settings))
        self.assertIn("has a route to 192.168.231.0/24: set namespace_link", said)
        self.assertFalse((NAMED / self.settings.name).exists())

    def test_stranger(self) -> None:
        """Somebody else's link or namespace of that name is not touched."""
        netns.create(self.settings.name)
        for work in (lambda: namespace.up(self.settings), self.end):
            self.assertIn("ip netns delete", self.refused(work))
        netns.remove(self.settings.name)
        ip("link", "add", self.settings.name, "type", "bridge")
        said = self.refused(lambda: namespace.up(self.settings))
        self.assertIn("is not ours: set namespace in [head]", said)
        self.refused(lambda: namespace.down(self.settings.name))
        self.assertNotIn(self.settings.name, nft("list", "ruleset"))
        ip("link", "del", self.settings.name)
