"""What a node controller must not gather, however long it runs."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

from attrs import frozen
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase

from euca_tw.nodectl.libvirt import LibvirtHypervisor
from tests.functional import libvirtd
from tests.functional.test_libvirt import (
    a_directory,
    a_domain,
    make_hypervisor,
    until,
)
from tests.nodectl.driver import MACHINE, URI, a_spec, keep_driver
from tests.suites.hypervisor import Changes

#: What there may be more of after 800 cycles: blocks of the allocator's, and objects
#: here and there, but not one for each cycle.
_MOST_KIB, _MOST_OBJECTS = 4096, 400
_PAGE_KIB = os.sysconf("SC_PAGE_SIZE") >> 10
_LANES = 4


@frozen(kw_only=True)
class Held:
    """What this process has."""

    threads: int
    files: int
    memory_kib: int
    objects: int

    @classmethod
    def now(cls) -> Held:
        """Garbage apart."""
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        objects = len(gc.get_objects())
        return cls(
            threads=threading.active_count(),
            files=open_files(),
            memory_kib=pages * _PAGE_KIB,
            objects=objects,
        )

    def grown_to(self, now: Held) -> str:
        """What there is more of now than may be; C{""} if there is not."""
        found = (
            ("KiB", now.memory_kib - self.memory_kib, _MOST_KIB),
            ("objects", now.objects - self.objects, _MOST_OBJECTS),
        )
        return ", ".join(f"{n} {what} more" for what, n, most in found if n > most)

    async def is_all(self, more_threads: int = 0) -> None:
        """
        Wait until no more is held than then: libvirt closes a connection's
        socket in its own thread, soon after it says that it is closed.

        @param more_threads: of pools, which have them made as they need them.
        """
        most = self.threads + more_threads

        def is_so() -> bool:
            return threading.active_count() <= most and open_files() <= self.files

        await until(is_so, 20)


def open_files() -> int:
    """How many this process has."""
    return len([*Path("/proc/self/fd").iterdir()])


async def at_once(cycle: Callable[[str], Awaitable[None]], count: int) -> None:
    """So many cycles, in lanes side by side; each lane has a name."""

    async def lane(number: int) -> None:
        for turn in range(count // _LANES):
            await cycle(f"i-{number:x}{turn % 256:07x}")

    lanes = [Deferred.fromCoroutine(lane(number)) for number in range(_LANES)]
    await gatherResults(lanes, consumeErrors=True)


class RealLeakTests(TestCase):
    """With real domains."""

    timeout = 120

    async def test_connections(self) -> None:
        """Connecting a hundred times leaves no thread and no open file."""
        sandbox = libvirtd.shared()

        async def cycle() -> None:
            hypervisor = make_hypervisor(sandbox.uri)
            await hypervisor.start()
            await hypervisor.list()
            await hypervisor.stop()

        await cycle()
        before = Held.now()
        for _ in range(100):
            await cycle()
        await before.is_all()

    async def test_lost_connections(self) -> None:
        """Losing ten connections leaves no thread and no open file."""
        sandbox = libvirtd.shared()
        changes = Changes()
        hypervisor = make_hypervisor(sandbox.uri)
        hypervisor.subscribe(changes)
        await hypervisor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(hypervisor.stop()))

        async def lose() -> None:
            again = changes.of(None)
            sandbox.kill()
            await again
            await hypervisor.list()

        await lose()
        before = Held.now()
        for _ in range(10):
            await lose()
        await before.is_all()

    async def test_domains(self) -> None:
        """Forty domains that come and go leave no thread and no open file."""
        sandbox = libvirtd.shared()
        directory = a_directory(sandbox)
        hypervisor = make_hypervisor(sandbox.uri)
        await hypervisor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(hypervisor.stop()))

        async def cycle(name: str) -> None:
            await hypervisor.run(a_domain(directory, name))
            await hypervisor.destroy(name)

        await at_once(cycle, _LANES)
        before = Held.now()
        await at_once(cycle, 40)
        self.assertEqual(await hypervisor.list(), ())
        self.assertEqual(hypervisor.hung_threads, 0)
        await before.is_all(more_threads=2 * _LANES)


class ThousandTests(TestCase):
    """
    With libvirt's driver for tests, whose domains are no processes, behind a real
    libvirtd: what is its client's is real.
    """

    timeout = 120

    async def started(self) -> LibvirtHypervisor:
        uri = libvirtd.shared().uri
        assert "qemu+unix:///system" in uri
        hypervisor = LibvirtHypervisor(
            reactor=reactor,  # type: ignore[arg-type]
            random=Random(1),
            uri=uri.replace("qemu+unix:///system", "test+unix:///default"),
            machine=MACHINE,
        )
        hypervisor.subscribe(Changes())
        await hypervisor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(hypervisor.stop()))
        return hypervisor

    async def goes_on(self, cycle: Callable[[str], Awaitable[None]]) -> None:
        """A thousand cycles gather nothing, after the first two hundred."""
        await at_once(cycle, 200)
        before = Held.now()
        await at_once(cycle, 800)
        await before.is_all(more_threads=3 * _LANES)
        self.assertEqual(before.grown_to(Held.now()), "")

    async def assert_idle(self, hypervisor: LibvirtHypervisor) -> None:
        """It remembers nothing of what has come and gone."""
        link = hypervisor._link
        assert link._acting is not None
        assert link._connection is not None
        await until(lambda: not len(hypervisor._rebooting))
        self.assertEqual(link._acting._lanes, {})
        self.assertEqual(link._acting._running, set())
        self.assertEqual(hypervisor.hung_threads, 0)
        self.assertEqual(link._connection._ours, {})  # type: ignore[attr-defined]
        self.assertEqual(hypervisor._background._running, set())
        self.assertEqual(await hypervisor.list(), ())

    async def test_domains(self) -> None:
        """A thousand domains that come and go leave nothing."""
        hypervisor = await self.started()

        async def cycle(name: str) -> None:
            await hypervisor.run(a_spec(name))
            await hypervisor.destroy(name)

        await self.goes_on(cycle)
        await self.assert_idle(hypervisor)

    async def test_lives(self) -> None:
        """A thousand domains that are stopped, run anew and rebooted leave nothing."""
        hypervisor = await self.started()

        async def cycle(name: str) -> None:
            await hypervisor.run(a_spec(name))
            await hypervisor.shut_down(name)
            await hypervisor.run(a_spec(name))
            await hypervisor.reboot(name)
            await hypervisor.find(name)
            await hypervisor.destroy(name)

        await self.goes_on(cycle)
        await self.assert_idle(hypervisor)

    async def test_starts(self) -> None:
        """A thousand starts and stops of the hypervisor leave nothing."""
        keep_driver(self)
        hypervisor = make_hypervisor(URI)

        async def cycle(name: str) -> None:
            await hypervisor.start()
            await hypervisor.list()
            await hypervisor.stop()

        async def cycles(count: int) -> None:
            for _ in range(count):
                await cycle("")

        await cycles(200)
        before = Held.now()
        await cycles(800)
        await before.is_all()
        self.assertEqual(before.grown_to(Held.now()), "")
