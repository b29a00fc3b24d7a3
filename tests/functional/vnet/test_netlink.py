"""
L{euca_tw.vnet.netlink} and L{euca_tw.vnet.links_host} on the kernel, in a
namespace of their own.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from twisted.internet import reactor as _reactor
from twisted.internet.task import LoopingCall
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import TestCase

from euca_tw.admin.command import run
from euca_tw.common.in_thread import PooledThreads, in_this_thread
from euca_tw.common.process import run as run_program
from euca_tw.model.networks import Carried, Member, Network, View
from euca_tw.vnet.link_plan import wanted
from euca_tw.vnet.link_records import Bridge, Vxlan
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.netlink import KernelLinks
from euca_tw.vnet.netlink_socket import open_netlink
from euca_tw.vnet.rtnetlink_told import link_ending, link_made
from tests.functional.netns import enter_new
from tests.suites.links import make_ilinks_tests
from tests.suites.network_host import make_inetworkhost_tests
from tests.vnet.views import carried, knowing, machines, view

reactor: Any = _reactor
SITE = machines("x0", "x1", "x2")
COMMAND = Path(sys.executable).with_name("euca-tw")


def make_links(case: TestCase) -> KernelLinks:
    enter_new(case)
    return KernelLinks()


class KernelLinksTests(make_ilinks_tests(make_links)):
    """The kernel's links are links."""


class LinksHostSuiteTests(
    make_inetworkhost_tests(lambda case: LinksHost(make_links(case), in_this_thread))
):
    """What keeps links is half of a host."""


class SettingsTests(TestCase):
    """What no list of links shows."""

    def setUp(self) -> None:
        self.host = LinksHost(make_links(self), in_this_thread)

    def shown(self, path: str) -> str:
        return Path("/proc/sys/net", path).read_text().strip()

    def put(self, path: str, value: str) -> None:
        Path("/proc/sys/net", path).write_text(value)

    async def test_quiet(self) -> None:
        """Our links say nothing by themselves: no IPv6, no redirects."""
        await self.host.apply(view("x0", SITE, carried(1, "x1")))
        for name in ("evb000001", "evx000001"):
            self.assertEqual(self.shown(f"ipv6/conf/{name}/disable_ipv6"), "1")
        self.assertEqual(self.shown("ipv4/conf/evb000001/send_redirects"), "0")
        self.assertEqual(self.shown("ipv4/conf/all/send_redirects"), "0")

    async def test_files_mended(self) -> None:
        """So it is again when somebody changed that."""
        one = view("x1", SITE, carried(1, "x1"))
        await self.host.apply(one)
        for what, value in (
            ("ipv6/conf/evx000001/disable_ipv6", "0"),
            ("ipv4/conf/evb000001/send_redirects", "1"),
        ):
            before = self.shown(what)
            self.put(what, value)
            await self.host.resync()
            self.assertEqual(self.shown(what), before)

    async def test_loose(self) -> None:
        """
        The transit network takes what comes by it, whatever the site has set for all
        links; of others that is the site's to say.
        """
        near = view("x0", machines("x0", "x1", "y0"), carried(1, "x1"))
        await self.host.apply(knowing(near, n1="x", n2="y"))
        before = self.shown("ipv4/conf/evb000001/rp_filter")
        transit = "ipv4/conf/evbffffff/rp_filter"
        self.assertEqual(self.shown(transit), "2")
        self.put(transit, "1")
        self.put("ipv4/conf/evb000001/rp_filter", "1")
        await self.host.resync()
        self.assertEqual(self.shown(transit), "2")
        self.assertEqual(self.shown("ipv4/conf/evb000001/rp_filter"), "1")
        self.put("ipv4/conf/evb000001/rp_filter", before)

    async def test_forwarding(self) -> None:
        """A head forwards packets, and a node does not."""
        self.put("ipv4/ip_forward", "0")
        await self.host.apply(view("x1", SITE, carried(1, "x1")))
        self.assertEqual(self.shown("ipv4/ip_forward"), "0")
        await self.host.apply(view("x0", SITE, carried(1, "x1")))
        self.assertEqual(self.shown("ipv4/ip_forward"), "1")


class CommandTests(TestCase):
    """C{euca-tw vnet}."""

    def said(self, verb: str) -> str:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            self.assertEqual(run(["vnet", verb]), 0)
        return said.getvalue()

    async def test_show_and_purge(self) -> None:
        """It shows what this machine carries, and removes all of it."""
        host = LinksHost(make_links(self), in_this_thread)
        self.assertEqual(self.said("show"), "this machine carries no networks\n")
        await host.apply(view("x1", SITE, carried(1, "x1", "x2"), carried(2, "x1")))
        for words in (
            "link add vn_i-00010002 type veth peer name other",
            "link set vn_i-00010002 master evb000001",
        ):
            await run_program(reactor, "ip", *words.split())
        said = self.said("show")
        self.assertIn("network 1  10.0.1.0/24  evb000001, evx000001\n", said)
        self.assertIn("cards here: vn_i-00010002\n", said)
        self.assertIn("10.0.1.3  d0:0d:00:00:01:03  by 172.20.23.3\n", said)
        self.assertIn("cards here: none\n", said)
        self.assertIn("    evx000001  in 0 frames, 0 bytes  out ", said)
        self.assertIn("    vn_i-00010002  in 0 frames, 0 bytes  out ", said)
        purged = await run_program(reactor, str(COMMAND), "vnet", "purge")
        self.assertIn(b"network 2: evb000002, evx000002\n", purged)
        self.assertEqual(KernelLinks().look(), {})
        self.assertEqual(self.said("show"), "this machine carries no networks\n")


class HalfMadeTests(TestCase):
    """What a process left that ended while it made a link."""

    async def test_found(self) -> None:
        """Such a link is ours, and is made anew, or removed."""
        host = LinksHost(make_links(self), in_this_thread)
        one = view("x1", SITE, carried(1, "x1"))
        await host.apply(one)
        whole = KernelLinks().look()
        await host.purge()
        with open_netlink() as kernel:
            for link in whole[1].links:
                assert isinstance(link, Bridge | Vxlan)
                self.assertEqual(kernel.tell([link_made(link)]), {})
        await host.apply(one)
        self.assertEqual(KernelLinks().look(), whole)
        await host.purge()
        with open_netlink() as kernel:
            for link in whole[1].links:
                assert isinstance(link, Bridge | Vxlan)
                kernel.tell([link_made(link)])
        self.assertEqual(await host.purge(), ("network 1: evb000001, evx000001",))
        self.assertEqual(KernelLinks().look(), {})


class TogetherTests(TestCase):
    """What goes at once."""

    async def test_stranger(self) -> None:
        """A stranger that is in our group by chance does not go with ours."""
        host = LinksHost(make_links(self), in_this_thread)
        await run_program(reactor, "ip", "link", "add", "br0", "type", "bridge")
        with open_netlink() as kernel:
            kernel.tell([link_ending(socket.if_nametoindex("br0"))])
        await host.apply(view("x1", SITE, carried(1, "x1"), carried(2, "x1")))
        self.assertEqual(len(await host.purge()), 2)
        self.assertEqual(KernelLinks().look(), {})
        self.assertTrue(socket.if_nametoindex("br0"))


class PermissionTests(TestCase):
    def test_none(self) -> None:
        """Who may not change links is told what it takes, once."""
        make_links(self)
        script = (
            "from twisted.internet.defer import Deferred\n"
            "from euca_tw.common.in_thread import in_this_thread\n"
            "from euca_tw.vnet.links_host import LinksHost\n"
            "from euca_tw.vnet.netlink import KernelLinks\n"
            "from tests.vnet.views import carried, machines, view\n"
            "host = LinksHost(KernelLinks(), in_this_thread)\n"
            "shall = view('x1', machines('x0', 'x1'), carried(1, 'x1'), "
            "carried(2, 'x1'))\n"
            "Deferred.fromCoroutine(host.apply(shall)).addErrback("
            "lambda failure: print(failure.type.__name__, failure.value))\n"
        )
        ran = subprocess.run(
            ("setpriv", "--bounding-set=-net_admin", sys.executable, "-c", script),
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )
        self.assertEqual(
            ran.stdout,
            "NetworkFailed the kernel does not let this process change links: it "
            "needs the capability CAP_NET_ADMIN\n",
            ran.stderr,
        )


@frozen(kw_only=True)
class Taken:
    """
    @ivar wall_s, cpu_s: from asking to the answer; and of these the thread's own.
    @ivar kept_s: the most that the thread computed from one turn of the reactor
        to the next.
    """

    wall_s: float
    cpu_s: float
    kept_s: float


class SpeedTests(TestCase):
    """200 networks of 25 members, of which 5 are here."""

    def setUp(self) -> None:
        links = make_links(self)
        # As daemons do when they have started.
        gc.collect()
        gc.freeze()
        self.addCleanup(gc.unfreeze)
        # Threads begin in the namespace of the one that starts them.
        self.pool = ThreadPool(1, 1)
        self.pool.start()
        self.addCleanup(self.pool.stop)
        self.in_thread = PooledThreads(reactor, self.pool)
        self.host = LinksHost(links, self.in_thread)
        self.links = links
        self.machines = machines(*(f"x{number}" for number in range(6)))

    def network(self, number: int, count: int = 25) -> Carried:
        subnet = IPv4Network((0x0A000000 + number * 256, 24))
        return Carried(
            network=Network(number=number, subnet=subnet),
            members=frozenset(
                Member(
                    instance_id=f"i-{number:04x}{each:04x}",
                    network=number,
                    mac_address=f"d0:0d:00:{number:02x}:00:{each:02x}",
                    private_ip=subnet[each + 2],
                    machine=f"x{each % 5 + 1}",
                )
                for each in range(count)
            ),
        )

    async def timed(self, work: Callable[[], Awaitable[object]]) -> Taken:
        late: list[float] = []
        clock = time.pthread_getcpuclockid(self.pool.threads[0].ident)
        first = last = time.clock_gettime(clock)

        def tick() -> None:
            nonlocal last
            now = time.clock_gettime(clock)
            late.append(now - last)
            last = now

        ticking = LoopingCall(tick)
        ticking.start(0)
        begin = time.perf_counter()
        try:
            await work()
            return Taken(
                wall_s=time.perf_counter() - begin,
                cpu_s=time.clock_gettime(clock) - first,
                kept_s=max(late),
            )
        finally:
            ticking.stop()

    async def test_speed(self) -> None:
        """
        The first time is seconds; a change is milliseconds, and keeps the reactor
        from nothing.
        """
        networks = {number: self.network(number) for number in range(1, 201)}
        shall = View(here="x1", machines=self.machines, networks=networks)
        taken = {"first": await self.timed(lambda: self.host.apply(shall))}
        self.assertEqual(self.links.look(), wanted(shall).segments)
        changes = []
        for turn in range(20):
            changed = self.network(7, 25 if turn % 2 else 26)
            shall = evolve(shall, networks={**shall.networks, 7: changed})
            changes.append(await self.timed(partial(self.host.apply, shall)))
        taken["a member"] = sorted(changes, key=lambda each: each.cpu_s)[10]
        successor = LinksHost(self.links, self.in_thread)
        taken["another process"] = await self.timed(lambda: successor.apply(shall))
        taken["resync"] = await self.timed(self.host.resync)
        taken["purge"] = await self.timed(self.host.purge)
        print("\n200 networks of 25 members: ms, of the thread's CPU, kept the reactor")
        for what, each in taken.items():
            figures = (each.wall_s, each.cpu_s, each.kept_s)
            print(f"  {what:16}", *(f"{figure * 1e3:8.1f}" for figure in figures))
        self.assertLess(taken["a member"].cpu_s, 0.01)
        self.assertLess(max(each.kept_s for each in changes), 0.01)
        self.assertLess(taken["first"].cpu_s, 5)
