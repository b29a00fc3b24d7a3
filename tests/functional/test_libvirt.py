"""Real domains, under emulation, by libvirt."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from euca_tw.common.process import run
from euca_tw.nodectl.interfaces import (
    Disk,
    Domain,
    DomainRefused,
    DomainSpec,
    DomainState,
    HypervisorUnavailable,
)
from euca_tw.nodectl.libvirt import LibvirtHypervisor
from euca_tw.nodectl.libvirt_link import Patience
from euca_tw.nodectl.machines import (
    QEMU,
)
from tests.functional import libvirtd
from tests.suites.hypervisor import (
    Changes,
    HypervisorUnderTest,
    make_ihypervisor_tests,
)


def make_hypervisor(uri: str, **given: Any) -> LibvirtHypervisor:
    return LibvirtHypervisor(
        reactor=reactor,  # type: ignore[arg-type]
        random=Random(1),
        uri=uri,
        machine=QEMU,
        **given,
    )


#: What a guest may do when it has said what it says.
POWER_OFF = "ba0406 b80020 ef"  # mov dx, 0x604; mov ax, 0x2000; out dx, ax
PANIC = "ba0505 b001 ee"  # mov dx, 0x505; mov al, 1; out dx, al
FLOOD = "baf803 b07a ee ebfd"  # mov dx, 0x3f8; mov al, 'z'; again: out dx, al


def boot_sector(text: str, then: str = "") -> bytes:
    """
    A disk that writes C{text} to the first serial port and then does nothing,
    not even take time.

    @param then: does this before, in hexadecimal digits.
    """
    act = bytes.fromhex(then)
    begin = (0x7C00 + 22 + len(act)).to_bytes(2, "little").hex()
    code = bytes.fromhex(
        "31c0 8ed8"  # xor ax, ax; mov ds, ax
        f"be{begin}"  # mov si, text
        "ac 84c0 7406"  # next: lodsb; test al, al; jz done
        "baf803 ee ebf5"  # mov dx, 0x3f8; out dx, al; jmp next
        f"{then}"  # done:
        "fa f4 ebfc"  # rest: cli; hlt; jmp rest
    )
    return (code + text.encode() + b"\0").ljust(510, b"\0") + b"\x55\xaa"


def a_domain(directory: Path, name: str, text: str = "", then: str = "") -> DomainSpec:
    """The smallest domain that boots, its disk made."""
    here = directory / name
    if not here.exists():
        here.mkdir(mode=0o755)
        image, disk = here / "image", here / "root.qcow2"
        image.write_bytes(boot_sector(text or f"{name} boots\r\n", then))
        create = ("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b")
        subprocess.run((*create, image, disk, "1M"), check=True)
    return DomainSpec(
        name=name,
        uuid=f"5a5a5a5a-0000-4000-8000-0000{name[2:]}",
        cores=1,
        memory_mib=16,
        disks=(Disk(path=f"{here}/root.qcow2", backing=f"{here}/image"),),
        nics=(),
        console=f"{here}/console.log",
    )


def a_directory(sandbox: libvirtd.Libvirtd) -> Path:
    directory = Path(mkdtemp(dir=sandbox.directory))
    directory.chmod(0o755)
    return directory


def under_test(test: TestCase) -> HypervisorUnderTest:
    sandbox = libvirtd.shared()
    directory = a_directory(sandbox)
    return HypervisorUnderTest(
        hypervisor=make_hypervisor(sandbox.uri),
        again=lambda: make_hypervisor(sandbox.uri),
        spec=lambda name: a_domain(directory, name),
        clock=reactor,  # type: ignore[arg-type]
    )


class LibvirtHypervisorSuite(make_ihypervisor_tests(under_test)):
    """The suite of all hypervisors, on emulated machines."""


async def until(is_so: Any, seconds: float = 20.0) -> None:
    """Wait for what is not told of, such as the content of a file."""
    clock: Any = reactor
    end = clock.seconds() + seconds
    while not is_so():
        if clock.seconds() > end:
            raise AssertionError("it does not become so")
        await deferLater(clock, 0.02)


class RealDomainTests(TestCase):
    timeout = 180

    async def started(self, uri: str | None = None, **given: Any) -> LibvirtHypervisor:
        self.sandbox = libvirtd.shared()
        self.directory = a_directory(self.sandbox)
        self.changes = Changes()
        hypervisor = make_hypervisor(uri or self.sandbox.uri, **given)
        hypervisor.subscribe(self.changes)
        await hypervisor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.end(hypervisor)))
        return hypervisor

    async def end(self, hypervisor: LibvirtHypervisor) -> None:
        for domain in await hypervisor.list():
            await hypervisor.destroy(domain.name)
        await hypervisor.stop()

    async def ended(self, hypervisor: LibvirtHypervisor, name: str) -> DomainState:
        """Look whenever a change is told, and only then, until it has ended."""
        while True:
            changed = self.changes.of(name)
            [domain] = await hypervisor.list()
            # One whose guest panics is paused first.
            if domain.state not in (DomainState.RUNNING, DomainState.PAUSED):
                return domain.state
            await changed

    def console(self, name: str) -> str:
        path = self.directory / name / "console.log"
        return path.read_text() if path.exists() else ""

    async def test_boot(self) -> None:
        """A domain boots from its disk and writes to its console."""
        hypervisor = await self.started()
        await hypervisor.run(a_domain(self.directory, "i-00000001"))
        await until(lambda: "i-00000001 boots" in self.console("i-00000001"))

    async def test_deaf_guest(self) -> None:
        """
        A guest that does not hear that it shall reboot is reset, and writes
        on where its console ended.
        """
        hypervisor = await self.started(patience=Patience(reboot=0.2))
        await hypervisor.run(a_domain(self.directory, "i-00000001"))
        await until(lambda: "i-00000001 boots" in self.console("i-00000001"))
        await hypervisor.reboot("i-00000001")
        await until(lambda: self.console("i-00000001").count("boots") == 2)
        self.assertEqual(
            await hypervisor.list(),
            (Domain(name="i-00000001", state=DomainState.RUNNING),),
        )

    async def test_console_goes_on(self) -> None:
        """A domain that is run anew writes on where its console ended."""
        hypervisor = await self.started()
        for count in (1, 2):
            await hypervisor.run(a_domain(self.directory, "i-00000001"))
            await until(lambda n=count: self.console("i-00000001").count("boots") == n)
            await hypervisor.destroy("i-00000001")

    async def test_powers_off(self) -> None:
        """A guest that shuts itself down has halted, and that is told."""
        hypervisor = await self.started()
        spec = a_domain(self.directory, "i-00000001", then=POWER_OFF)
        await hypervisor.run(spec)
        state = await self.ended(hypervisor, "i-00000001")
        self.assertIs(state, DomainState.HALTED)
        await hypervisor.run(spec)
        await until(lambda: self.console("i-00000001").count("boots") == 2)

    async def test_panics(self) -> None:
        """A guest that panics has crashed, and that is told."""
        hypervisor = await self.started()
        await hypervisor.run(a_domain(self.directory, "i-00000001", then=PANIC))
        state = await self.ended(hypervisor, "i-00000001")
        self.assertIs(state, DomainState.CRASHED)

    async def test_ended_on_the_machine(self) -> None:
        """A domain that somebody ends is told so, by the next daemon too."""
        hypervisor = await self.started()
        await hypervisor.run(a_domain(self.directory, "i-00000001"))
        command = ("virsh", "-q", "-c", self.sandbox.uri, "destroy", "i-00000001")
        await run(reactor, *command)  # type: ignore[arg-type]
        state = await self.ended(hypervisor, "i-00000001")
        self.assertIs(state, DomainState.KILLED)
        again = await self.started()
        self.assertIs((await again.list())[0].state, DomainState.KILLED)

    async def test_shut_down_deaf(self) -> None:
        """A guest that does not listen runs on when it is asked to shut down."""
        hypervisor = await self.started()
        await hypervisor.run(a_domain(self.directory, "i-00000001"))
        self.assertTrue(await hypervisor.shut_down("i-00000001"))
        self.assertIs((await hypervisor.list())[0].state, DomainState.RUNNING)

    async def test_killed(self) -> None:
        """A domain whose emulator is killed has crashed, and that is told."""
        hypervisor = await self.started()
        await hypervisor.run(a_domain(self.directory, "i-00000001"))
        os.kill(libvirtd.emulator_of("i-00000001"), signal.SIGKILL)
        state = await self.ended(hypervisor, "i-00000001")
        self.assertIs(state, DomainState.CRASHED)

    async def test_no_disk(self) -> None:
        """A domain whose disk is not there is refused, without our paths."""
        hypervisor = await self.started()
        spec = a_domain(self.directory, "i-00000001")
        missing = Disk(path=f"{self.directory}/missing/root.qcow2")
        with self.assertRaises(DomainRefused) as refused:
            await hypervisor.run(evolve(spec, disks=(missing,)))
        self.assertIn("root.qcow2", str(refused.exception))
        self.assertNotIn(str(self.directory), str(refused.exception))

    async def test_closed_directory(self) -> None:
        """Where domains cannot get at their disks, that is told."""
        hypervisor = await self.started()
        spec = a_domain(self.directory, "i-00000001")
        self.directory.chmod(0o700)
        with self.assertRaises(DomainRefused) as refused:
            await hypervisor.run(spec)
        self.assertIn("cannot get at their disks", str(refused.exception))
        self.assertNotIn(str(self.directory), str(refused.exception))

    async def test_others_domains(self) -> None:
        """Another's domain is neither listed nor ended."""
        hypervisor = await self.started()
        other = await self.started(mark="another")
        await other.run(a_domain(self.directory, "i-00000001"))
        self.assertEqual(await hypervisor.list(), ())
        await hypervisor.destroy("i-00000001")
        self.assertEqual(len(await other.list()), 1)

    async def test_libvirtd_dies(self) -> None:
        """
        When libvirtd is killed, domains run on; it is connected to anew when
        it is there again, and that is told.
        """
        hypervisor = await self.started()
        await hypervisor.run(a_domain(self.directory, "i-00000001"))
        again = self.changes.of(None)
        self.sandbox.kill()
        await until(lambda: not hypervisor._link.is_connected)
        with self.assertRaises(HypervisorUnavailable):
            await hypervisor.list()
        await again
        self.assertEqual(
            await hypervisor.list(),
            (Domain(name="i-00000001", state=DomainState.RUNNING),),
        )
        ended = self.changes.of("i-00000001")
        await hypervisor.destroy("i-00000001")
        await ended
        self.assertEqual(await hypervisor.list(), ())

    async def test_hung_domain(self) -> None:
        """A domain that hangs keeps nobody from asking, nor others from running."""
        hypervisor = await self.started()
        await hypervisor.run(a_domain(self.directory, "i-00000001"))
        emulator = libvirtd.emulator_of("i-00000001")
        os.kill(emulator, signal.SIGSTOP)
        try:
            began = reactor.seconds()  # type: ignore[attr-defined]
            await hypervisor.list()
            await hypervisor.capacity()
            took = reactor.seconds() - began  # type: ignore[attr-defined]
            await hypervisor.run(a_domain(self.directory, "i-00000002"))
            self.assertLess(took, 2)
        finally:
            os.kill(emulator, signal.SIGCONT)

    async def test_hung_domains_end(self) -> None:
        """
        Domains that hang, in which a call hangs, too, are destroyed; meanwhile
        others are run.  They are as many as libvirtd works on calls of one
        connection.
        """
        hypervisor = await self.started(patience=Patience(ask=0.5))
        names = [f"i-0000001{number}" for number in range(5)]
        for name in names:
            await hypervisor.run(a_domain(self.directory, name))
            os.kill(libvirtd.emulator_of(name), signal.SIGSTOP)
        asking = [Deferred.fromCoroutine(hypervisor.shut_down(name)) for name in names]
        for each in asking:
            with self.assertRaises(HypervisorUnavailable):
                await each
        self.assertEqual(hypervisor.hung_threads, 5)
        ending = [Deferred.fromCoroutine(hypervisor.destroy(name)) for name in names]
        began = reactor.seconds()  # type: ignore[attr-defined]
        await hypervisor.run(a_domain(self.directory, "i-00000001"))
        took = reactor.seconds() - began  # type: ignore[attr-defined]
        self.assertFalse(any(each.called for each in ending))
        self.assertLess(took, 8)
        await gatherResults(ending, consumeErrors=True)
        await until(lambda: not hypervisor.hung_threads)
        self.assertEqual(
            await hypervisor.list(),
            (Domain(name="i-00000001", state=DomainState.RUNNING),),
        )

    async def test_no_libvirtd(self) -> None:
        """Where no libvirtd runs it is told what to do about it."""
        libvirtd.skip_if_impossible()
        hypervisor = make_hypervisor("qemu+unix:///system?socket=/nowhere/libvirt-sock")
        starting = Deferred.fromCoroutine(hypervisor.start())
        await until(lambda: hypervisor._link._why_not != "not started")
        with self.assertRaises(HypervisorUnavailable) as unavailable:
            await hypervisor.list()
        self.assertIn("systemctl start libvirtd", str(unavailable.exception))
        await hypervisor.stop()
        self.failureResultOf(starting, HypervisorUnavailable)
