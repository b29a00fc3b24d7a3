"""Whether KVM works on this machine, found out as a node does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.logger import capturedLogs
from twisted.trial.unittest import SkipTest, TestCase

from euca_tw.nodectl.kvm_probe import Trial, trial_xml
from euca_tw.nodectl.libvirt import LibvirtHypervisor
from euca_tw.nodectl.machines import KVM, QEMU, Machine
from tests.functional import libvirtd
from tests.functional.test_libvirt import (
    POWER_OFF,
    a_directory,
    a_domain,
    boot_sector,
    until,
)

#: What it may take besides its deadline: qemu's start, and the end of one that
#: hangs.
_BESIDES_S = 25

#: A daemon that tries and is killed meanwhile.
_TRIES = """
import sys
from euca_tw.nodectl.libvirt_connection import connect
from euca_tw.nodectl.libvirt_events import Watchers
uri, name, uuid, xml = sys.argv[1:]
connection = connect(uri, "nc", Watchers(changed=lambda *_: None, lost=lambda: None))
connection.attempt(name, uuid).begin(xml)
print("running", flush=True)
sys.stdin.read()
"""


class TrialTests(TestCase):
    timeout = 40

    def prepare(self, sandbox: libvirtd.Libvirtd) -> None:
        self.sandbox = sandbox
        self.directory = a_directory(sandbox)
        self.disk = self.directory / "trial.img"

    async def started(
        self, tried: Machine, deadline_s: float = 5.0
    ) -> LibvirtHypervisor:
        """One that has tried that, and has else emulation."""
        hypervisor = LibvirtHypervisor(
            reactor=reactor,  # type: ignore[arg-type]
            random=Random(1),
            uri=self.sandbox.uri,
            machine=QEMU,
            faster=Trial(machine=tried, disk=self.disk, deadline_s=deadline_s),
            mark="nc",
        )
        began = reactor.seconds()  # type: ignore[attr-defined]
        with capturedLogs() as captured:
            await hypervisor.start()
        self.said = " ".join(
            line["log_format"].format(**line)
            for line in captured
            if line["log_namespace"] == "euca_tw.nodectl.kvm_probe"
        )
        took = reactor.seconds() - began  # type: ignore[attr-defined]
        self.addCleanup(lambda: Deferred.fromCoroutine(hypervisor.stop()))
        self.assertLess(took, deadline_s + _BESIDES_S)
        self.assert_nothing_is_left()
        return hypervisor

    def assert_nothing_is_left(self) -> None:
        self.assertEqual(self.virsh("list", "--all", "--name"), "")
        self.assertFalse(self.disk.exists())

    def virsh(self, *arguments: str) -> str:
        command = ("virsh", "-q", "-c", self.sandbox.uri, *arguments)
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    async def test_emulation(self) -> None:
        """The guest that is run to find out does end, where guests run at all."""
        self.prepare(libvirtd.shared())
        tried = evolve(QEMU, translation_cache_mib=16)
        hypervisor = await self.started(tried)
        self.assertIs(hypervisor._chosen, tried, self.said)

    async def test_no_kvm(self) -> None:
        """Without /dev/kvm it is said that there is none, and emulation runs."""
        self.prepare(libvirtd.shared())
        hypervisor = await self.started(KVM)
        self.assertIn("kvm is not used", self.said)
        self.assertIn("/dev/kvm is not there", self.said)
        spec = a_domain(self.directory, "i-00000001", then=POWER_OFF)
        await hypervisor.run(spec)
        self.assertIn("type='qemu'", self.virsh("dumpxml", spec.name))
        await hypervisor.destroy(spec.name)

    async def test_too_slow(self) -> None:
        """A guest that has not ended in time is ended, and that is said."""
        self.prepare(libvirtd.shared())
        for _ in range(5):
            hypervisor = await self.started(evolve(QEMU), deadline_s=0)
            # On a busy machine libvirt may give up a start by itself, which is
            # told, and is another matter; or the guest has ended before it is
            # looked at for the first time.
            if "did not run" in self.said:
                break
        self.assertIs(hypervisor._chosen, QEMU)
        self.assertIn("a guest under it did not run within 0 s", self.said)

    async def test_kvm(self) -> None:
        """With /dev/kvm, KVM is taken if guests run under it, and only then."""
        if not os.access("/dev/kvm", os.F_OK):
            raise SkipTest("needs /dev/kvm, working or not")
        sandbox = libvirtd.Libvirtd.start(has_kvm=True)
        self.addCleanup(sandbox.stop)
        self.prepare(sandbox)
        image = self.directory / "image"
        image.write_bytes(boot_sector("", POWER_OFF).ljust(1 << 20, b"\0"))
        took = await deferToThread(self.seconds_without_libvirt, image)
        hypervisor = await self.started(KVM)
        is_taken = hypervisor._chosen is KVM
        said = "instances run by kvm" if is_taken else "a guest under it"
        self.assertIn(said, self.said)
        # Where KVM is itself emulated a guest now hangs and now does not.
        if not 1 < took < float("inf"):
            self.assertEqual(is_taken, took <= 1, self.said)

    def seconds_without_libvirt(self, image: Path) -> float:
        """How long a guest takes to end under KVM; for ever if it does not."""
        command = ("qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "16")
        disk = ("-drive", f"file={image},format=raw,if=virtio")
        quiet = ("-nodefaults", "-display", "none")
        began = reactor.seconds()  # type: ignore[attr-defined]
        try:
            subprocess.run(
                (*command, *disk, *quiet), capture_output=True, timeout=10, check=True
            )
        except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
            return float("inf")
        ended = reactor.seconds()  # type: ignore[attr-defined]
        return float(ended - began)

    def begun(self, *command: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    async def test_killed_meanwhile(self) -> None:
        """What a daemon that was killed has left neither runs on nor stays."""
        self.prepare(libvirtd.shared())
        endless = self.directory / "endless"
        endless.write_bytes(boot_sector("").ljust(1 << 20, b"\0"))
        trial = Trial(machine=QEMU, disk=endless)
        name = "nc-trial"
        command = (sys.executable, "-c", _TRIES, self.sandbox.uri, name, "any")
        trying = self.begun(*command, trial_xml(trial, "nc"))
        assert trying.stdin is not None
        assert trying.stdout is not None
        with trying.stdin, trying.stdout:
            said = await deferToThread(trying.stdout.readline)
            self.assertEqual(said, b"running\n")
            self.assertEqual(self.virsh("domstate", name), "running")
            os.kill(trying.pid, signal.SIGKILL)
            trying.wait()
        await until(lambda: self.virsh("domstate", name) != "running")
        await self.started(QEMU)
