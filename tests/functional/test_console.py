"""Guests that flood their consoles."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.task import LoopingCall, deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from euca_tw.nodectl.console import CONSOLE_BYTES, ConsoleKeeper, Consoles
from euca_tw.nodectl.interfaces import DomainSpec
from tests.functional.libvirtd import Libvirtd
from tests.functional.test_libvirt import (
    FLOOD,
    a_directory,
    a_domain,
    make_hypervisor,
    until,
)

MOST = 1 << 20
#: How far it may be beyond its bound: what is written in two periods, what
#: virtlogd rolls by itself, and the end that is kept.
BEYOND = 6 << 20
SECONDS = 8


def staged(directory: Path) -> DomainSpec:
    """A domain that floods its console, which is made as a node makes it."""
    spec = a_domain(directory, "i-00000001", then=FLOOD)
    Path(spec.console).touch(mode=0o600)
    return spec


class FloodTests(TestCase):
    timeout = 120

    async def test_virtlogd_rolls(self) -> None:
        """A flood is bounded where virtlogd begins new files by itself."""
        await self.flood(Libvirtd.start())

    async def test_nothing_rolls(self) -> None:
        """A flood is bounded where nothing but we bounds it."""
        await self.flood(Libvirtd.start(log_bytes=0))

    async def flood(self, sandbox: Libvirtd) -> None:
        self.addCleanup(sandbox.stop)
        directory = a_directory(sandbox)
        spec = staged(directory)
        here = Path(spec.console).parent
        hypervisor = make_hypervisor(sandbox.uri)
        await hypervisor.start()
        self.addCleanup(hypervisor.stop)
        consoles = Consoles(directory=directory)
        keeper = ConsoleKeeper(
            clock=reactor,  # type: ignore[arg-type]
            in_thread=partial(deferToThread),
            consoles=consoles,
            most_bytes=MOST,
        )
        keeper.startService()
        self.addCleanup(keeper.stopService)
        await hypervisor.run(spec)
        self.addCleanup(hypervisor.destroy, "i-00000001")
        await until(lambda: (here / "console.log.cut").exists(), 60)

        taken: list[int] = []
        late: list[float] = []
        before = [reactor.seconds()]  # type: ignore[attr-defined]

        def tick() -> None:
            now = reactor.seconds()  # type: ignore[attr-defined]
            late.append(now - before[0] - 0.01)
            before[0] = now
            if len(late) % 10 == 0:
                files = [e.stat() for e in os.scandir(here) if "console" in e.name]
                taken.append(sum(e.st_blocks * 512 for e in files))

        ticking = LoopingCall(tick)
        ticking.start(0.01, now=False)
        await deferLater(reactor, SECONDS)
        ticking.stop()
        print(
            f"\n  consoles took {max(taken) / 2**20:.1f} MiB at most, with a bound "
            f"of {MOST / 2**20:.0f}; the reactor was late by "
            f"{sorted(late)[len(late) * 99 // 100] * 1000:.1f} ms at the 99th "
            f"percentile, {max(late) * 1000:.1f} at most"
        )
        self.assertLess(max(taken), MOST + BEYOND)
        said = await deferToThread(consoles.read, "i-00000001")
        self.assertTrue(said.output.endswith(b"z" * 1000))
        self.assertLessEqual(len(said.output), CONSOLE_BYTES)
