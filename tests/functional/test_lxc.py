"""Real containers, by libvirt."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from euca_tw.common.process import run
from euca_tw.nodectl.console import ConsoleKeeper, Consoles
from euca_tw.nodectl.container_consoles import ContainerConsoles
from euca_tw.nodectl.interfaces import (
    Disk,
    Domain,
    DomainRefused,
    DomainSpec,
    DomainState,
    HypervisorUnavailable,
)
from euca_tw.nodectl.libvirt import LibvirtHypervisor, Patience
from euca_tw.nodectl.machines import LXC
from tests.functional import containers
from tests.functional.asked_containers import AskedHypervisor
from tests.functional.containers import DEAF, a_container
from tests.functional.test_libvirt import a_directory, until
from tests.suites.hypervisor import Changes, HypervisorUnderTest, make_ihypervisor_tests

ONE, TWO = "i-00000001", "i-00000002"
#: Writes as fast as it can.
FLOOD = "while :; do $b yes zzzzzzzzzzzzzzz | $b head -c 1048576; done"
TALKS = 'n=0; while :; do n=$((n + 1)); echo "line $n"; $b usleep 100000; done'


def make_hypervisor(uri: str, **given: Any) -> LibvirtHypervisor:
    return AskedHypervisor(
        reactor=reactor,  # type: ignore[arg-type]
        random=Random(1),
        uri=uri,
        machine=LXC,
        **given,
    )


def under_test(test: TestCase) -> HypervisorUnderTest:
    sandbox = containers.shared()
    directory = a_directory(sandbox)
    return HypervisorUnderTest(
        hypervisor=make_hypervisor(sandbox.uri),
        again=lambda: make_hypervisor(sandbox.uri),
        spec=lambda name: a_container(directory, name),
        clock=reactor,  # type: ignore[arg-type]
        can_hold=False,
    )


class LxcHypervisorSuite(make_ihypervisor_tests(under_test)):
    """The suite of all hypervisors, on containers."""


class ContainerTests(TestCase):
    """What is particular of them."""

    timeout = 60

    async def started(self, **given: Any) -> LibvirtHypervisor:
        self.sandbox = containers.shared()
        self.directory = a_directory(self.sandbox)
        self.changes = Changes()
        return await self.connected(**given)

    async def connected(self, **given: Any) -> LibvirtHypervisor:
        """A node controller's hypervisor, with its consoles."""
        self.hypervisor = make_hypervisor(self.sandbox.uri, **given)
        self.hypervisor.subscribe(self.changes)
        self.consoles = ContainerConsoles(
            reactor=reactor,  # type: ignore[arg-type]
            in_thread=partial(deferToThread),
            hypervisor=self.hypervisor,
            path_of=lambda name: self.directory / name / "console.log",
        )
        self.consoles.startService()
        await self.hypervisor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.end(self.hypervisor)))
        return self.hypervisor

    async def end(self, hypervisor: LibvirtHypervisor) -> None:
        await hypervisor.start()
        try:
            for domain in await hypervisor.list():
                await hypervisor.destroy(domain.name)
        finally:
            await self.disconnect()

    async def disconnect(self) -> None:
        await self.hypervisor.stop()
        await self.consoles.stopService()

    async def ended(self, name: str) -> DomainState:
        """Look whenever a change is told, and only then, until it has ended."""
        while True:
            changed = self.changes.of(name)
            domain = await self.hypervisor.find(name)
            assert domain is not None
            if domain.state is not DomainState.RUNNING:
                return domain.state
            await changed

    def console(self, name: str) -> str:
        path = self.directory / name / "console.log"
        return path.read_text().replace("\r", "") if path.exists() else ""

    async def booted(self, name: str, times: int = 1) -> None:
        await until(lambda: self.console(name).count(f"{name} boots") == times)

    async def run_one(self, then: str = containers.LISTENS, **given: Any) -> None:
        await self.started(**given)
        await self.hypervisor.run(a_container(self.directory, ONE, then))
        await self.booted(ONE)

    async def test_console(self) -> None:
        """What a container says is in its console's file."""
        await self.run_one("echo container=$container; $b sleep 1000000")
        await until(lambda: "container=lxc-libvirt\n" in self.console(ONE))

    async def test_shuts_down(self) -> None:
        """A guest that is asked to shuts itself down, has halted, and can run anew."""
        await self.run_one()
        self.assertTrue(await self.hypervisor.shut_down(ONE))
        self.assertIs(await self.ended(ONE), DomainState.HALTED)
        await self.hypervisor.run(a_container(self.directory, ONE))
        await self.booted(ONE, times=2)

    async def test_last_words(self) -> None:
        """What a container says just before it ends is in the file, too."""
        # Of one that ends at once libvirt itself may not have read it.
        words = "0) echo last words; $b usleep 300000; "
        await self.run_one(containers.LISTENS.replace("0) ", words))
        await self.hypervisor.shut_down(ONE)
        self.assertIs(await self.ended(ONE), DomainState.HALTED)
        await until(lambda: "last words" in self.console(ONE))

    async def test_reboots(self) -> None:
        """A guest that is asked to reboots, on the same disk and console."""
        await self.run_one("echo $b >>/k; $b wc -l /k;" + containers.LISTENS)
        await self.hypervisor.reboot(ONE)
        await self.booted(ONE, times=2)
        await until(lambda: "2 /k" in self.console(ONE))
        self.assertEqual(
            await self.hypervisor.list(),
            (Domain(name=ONE, state=DomainState.RUNNING),),
        )

    async def test_deaf_guest(self) -> None:
        """One that does not hear that it shall reboot is ended and run anew."""
        await self.run_one(DEAF, patience=Patience(reboot=1.0))
        await self.hypervisor.reboot(ONE)
        await self.booted(ONE, times=2)
        # It is kept as before, when it ends.
        command = ("virsh", "-q", "-c", self.sandbox.uri, "destroy", ONE)
        await run(reactor, *command)  # type: ignore[arg-type]
        self.assertIs(await self.ended(ONE), DomainState.KILLED)

    async def test_destroy_deaf(self) -> None:
        """One that does not hear is destroyed as soon as any."""
        await self.run_one(DEAF)
        began = reactor.seconds()  # type: ignore[attr-defined]
        await self.hypervisor.destroy(ONE)
        self.assertLess(reactor.seconds() - began, 1.5)  # type: ignore[attr-defined]
        self.assertEqual(await self.hypervisor.list(), ())
        await until(lambda: not containers.loop_devices(self.sandbox.directory))

    async def test_controller_killed(self) -> None:
        """
        Of one that somebody kills on the machine no more is told than that it is
        off.
        """
        await self.run_one()
        os.kill(controller_of(ONE), signal.SIGKILL)
        self.assertIs(await self.ended(ONE), DomainState.HALTED)

    async def test_no_network(self) -> None:
        """A container without a card sees none, not the machine's."""
        await self.run_one("echo cards: $($b ls /sys/class/net); $b sleep 1000000")
        await until(lambda: "cards: lo\n" in self.console(ONE))

    async def test_further_disk(self) -> None:
        """A container's ephemeral disk is mounted, and it can write to it."""
        await self.started()
        spec = a_container(
            self.directory, ONE, "echo x >/mnt/x && echo wrote; $b sleep 1000000"
        )
        path = a_container(self.directory, TWO).disks[0].path
        disk = Disk(path=path, format="raw", device="vdb", serial="ephemeral0")
        await self.hypervisor.run(evolve(spec, disks=(*spec.disks, disk)))
        await until(lambda: "wrote" in self.console(ONE))

    async def test_no_file_system(self) -> None:
        """What cannot be mounted is refused, without our paths, and is not kept."""
        await self.started()
        spec = a_container(self.directory, ONE)
        spoil(spec)
        with self.assertRaises(DomainRefused) as refused:
            await self.hypervisor.run(spec)
        self.assertNotIn(str(self.directory), str(refused.exception))
        self.assertEqual(await self.hypervisor.list(), ())

    async def test_libvirtd_dies(self) -> None:
        """
        When libvirtd is killed containers run on, are found again, and their
        consoles go on.
        """
        await self.run_one(TALKS)
        again = self.changes.of(None)
        self.sandbox.kill()
        with self.assertRaises(HypervisorUnavailable):
            while True:
                await self.hypervisor.list()
        await again
        self.assertEqual(
            await self.hypervisor.list(),
            (Domain(name=ONE, state=DomainState.RUNNING),),
        )
        last = lines(self.console(ONE))[-1]
        await until(lambda: lines(self.console(ONE))[-1] > last + 3)

    async def test_daemon_restarts(self) -> None:
        """
        What a container says while no node controller is there is told when it
        is there again.
        """
        await self.run_one(TALKS)
        await self.disconnect()
        await deferLater(reactor, 0.5)
        await self.connected()
        last = lines(self.console(ONE))[-1]
        await until(lambda: lines(self.console(ONE))[-1] > last + 3)
        told = lines(self.console(ONE))
        self.assertEqual(told, list(range(1, len(told) + 1)))

    async def test_flood(self) -> None:
        """
        Containers that flood their consoles take little of the disk and of the
        reactor's time, and keep nobody's words from being heard.
        """
        await self.started()
        keeper = ConsoleKeeper(
            clock=reactor,  # type: ignore[arg-type]
            in_thread=partial(deferToThread),
            consoles=Consoles(directory=self.directory),
            most_bytes=1 << 20,
            period_s=0.5,
        )
        keeper.startService()
        self.addCleanup(keeper.stopService)
        floods = [f"i-0000001{number}" for number in range(4)]
        for name in floods:
            await self.hypervisor.run(a_container(self.directory, name, FLOOD))
        talks = a_container(self.directory, ONE, TALKS)
        late: list[float] = []
        before = [reactor.seconds()]  # type: ignore[attr-defined]

        def tick() -> None:
            now = reactor.seconds()  # type: ignore[attr-defined]
            late.append(now - before[0] - 0.01)
            before[0] = now

        ticking = LoopingCall(tick)
        ticking.start(0.01, now=False)
        await self.hypervisor.run(talks)
        await until(lambda: "line 20" in self.console(ONE))
        ticking.stop()
        sizes = [
            sum(each.stat().st_size for each in self.directory.glob(f"{name}/console*"))
            for name in floods
        ]
        print(
            f"\n  four floods took {max(sizes) / 1024:.0f} KiB each at most; the "
            f"reactor was late by {sorted(late)[len(late) * 99 // 100] * 1000:.1f} ms "
            f"at the 99th percentile, {max(late) * 1000:.1f} at most"
        )
        self.assertLess(max(sizes), 3 << 20)
        self.assertGreater(min(sizes), 1 << 16)


def spoil(spec: DomainSpec) -> None:
    """Have nothing on its disk."""
    Path(spec.disks[0].path).write_bytes(bytes(1 << 20))


def lines(console: str) -> list[int]:
    """The numbers of those that are told whole."""
    told = console[: console.rfind("\n") + 1].splitlines()
    return [int(each.split()[1]) for each in told if each.startswith("line ")]


def controller_of(name: str) -> int:
    """libvirt's process that sees to a container."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if words[0].endswith(b"libvirt_lxc") and name.encode() in words:
            return int(path.parent.name)
    raise LookupError(name)
