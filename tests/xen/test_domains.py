"""What becomes of domains on a real Xen, by their kind."""

from __future__ import annotations

from typing import Any

import libvirt
from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from euca_tw.nodectl.domain_xml import (
    domain_xml,
)
from euca_tw.nodectl.interfaces import (
    Domain,
    DomainRefused,
    DomainSpec,
    DomainState,
    HypervisorUnavailable,
    Nic,
)
from euca_tw.nodectl.libvirt import LibvirtHypervisor
from euca_tw.nodectl.libvirt_link import Patience
from euca_tw.nodectl.machines import (
    XEN,
    XEN_PVH,
    Machine,
)
from tests.functional.test_libvirt import boot_sector
from tests.nodectl.test_domain_xml import DOMAINS
from tests.suites.hypervisor import Changes
from tests.xen.dom0 import GUEST, log_of, shared
from tests.xen.test_libvirt import make_hypervisor

NAME = "i-0000000a"
BRIDGE = "xentest0"
CARD = f"vn_{NAME}"
#: Of one that has no disk.
WAITS = "Waiting for root device"
#: Much is done by another emulator in the emulated machine, on a busy one.
PATIENCE_S = 240.0
#: Of the demo image's kernel, with a system that does nothing.
BOOTS = "it boots"
QUICK = """\
rm /usr/lib/euca_tw/boot
write /tmp/boot /usr/lib/euca_tw/boot
sif /usr/lib/euca_tw/boot mode 0100755
"""
#: The second time it switches itself off.
BOOT = f"""\
#!/bin/sh
exec >/dev/console
mount
echo {BOOTS}
if [ -e /again ]; then sleep 3; poweroff; fi
touch /again
sync
"""
#: What a loader needs on a disk.
WHOLE = f"""\
{QUICK}
mkdir /boot
mkdir /boot/grub
write {GUEST}/vmlinuz /boot/vmlinuz
write {GUEST}/initrd.gz /boot/initrd.gz
write /tmp/grub.cfg /boot/grub/grub.cfg
"""
LOADED = """\
linux /boot/vmlinuz root=/dev/xvda console=hvc0 rw
initrd /boot/initrd.gz
boot
"""


class AcceptedTests(TestCase):
    """Xen's own library reads what we write."""

    def setUp(self) -> None:
        self.connection = libvirt.open(shared().uri)
        self.addCleanup(self.connection.close)

    def test_defined(self) -> None:
        """libvirt's driver of Xen takes a domain of each kind."""
        for name, (spec, machine) in DOMAINS.items():
            if machine.domain_type == "xen":
                with self.subTest(name):
                    xml = domain_xml(spec, machine, "another")
                    domain = self.connection.defineXML(xml)
                    self.assertEqual(domain.name(), spec.name)
                    domain.undefine()

    def test_native(self) -> None:
        """
        In Xen's own words, each kind is what it should be, has its overlay by
        Xen's block driver of qemu, and one card of the name that we gave it.
        """
        builder = {
            "xen-kernel": 'kernel = "',
            "xen-disk": 'builder = "hvm"',
            "xen-pvh-kernel": 'type = "pvh"',
            "xen-pvh-disk": 'type = "pvh"',
        }
        for name, words in builder.items():
            spec, machine = DOMAINS[name]
            xml = domain_xml(spec, machine, "another")
            native = self.connection.domainXMLToNative("xen-xl", xml, 0)
            self.assertIn(words, native)
            self.assertIn("format=qcow2,vdev=xvda,access=rw,backendtype=qdisk", native)
            self.assertRegex(native, "(model=netfront|type=vif),vifname=vn_i-12345678")


class KindTests(TestCase):
    timeout = 360

    def setUp(self) -> None:
        self.dom0 = shared()
        self.dom0.run(f"rm -f {log_of(NAME)}")
        self.changes = Changes()

    async def started(self, machine: Machine = XEN, **given: Any) -> LibvirtHypervisor:
        hypervisor = make_hypervisor(self.dom0, machine, **given)
        hypervisor.subscribe(self.changes)
        await hypervisor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(self.end(hypervisor)))
        return hypervisor

    async def end(self, hypervisor: LibvirtHypervisor) -> None:
        for domain in await hypervisor.list():
            await hypervisor.destroy(domain.name)
        await hypervisor.stop()

    async def says(self, words: str, count: int = 1, file: str = log_of(NAME)) -> None:
        """Wait for what the guest says on its console, so many times."""
        await deferToThread(self.dom0.wait, words, file, count, PATIENCE_S)

    async def gone(self, hypervisor: LibvirtHypervisor) -> None:
        """Look whenever a change is told, and only then, until it is not there."""
        while True:
            changed = self.changes.of(NAME)
            if not await hypervisor.list():
                return
            await changed

    def guest(self) -> DomainSpec:
        self.dom0.run("cat >/tmp/boot", BOOT.encode())
        return self.of(self.dom0.made("quick", QUICK))

    def of(self, image: str) -> DomainSpec:
        # Of another image there is another overlay.
        self.dom0.forget(NAME)
        return self.dom0.guest(NAME, image)

    def whole_disk(self, image: str) -> DomainSpec:
        return evolve(self.of(image), kernel=None, ramdisk=None)

    async def always_runs(self, hypervisor: LibvirtHypervisor, words: str) -> None:
        """Whoever looks sees it running, until it says this again, and then."""
        running = Domain(name=NAME, state=DomainState.RUNNING)
        again = Deferred.fromCoroutine(self.says(words, 2))
        is_over = False
        while not is_over:
            is_over = again.called
            self.assertEqual(await hypervisor.find(NAME), running)
            self.assertEqual(await hypervisor.list(), (running,))
            await deferLater(reactor, 0.3)
        await again

    async def test_paravirtualized(self) -> None:
        """
        A guest that is given a kernel boots from its overlay, and has its card
        on the bridge, by our name.
        """
        self.dom0.run(f"ip link add {BRIDGE} type bridge; ip link set {BRIDGE} up")
        self.addCleanup(self.dom0.run, f"ip link del {BRIDGE}")
        hypervisor = await self.started()
        card = Nic(mac_address="d0:0d:00:00:00:0a", bridge=BRIDGE, target=CARD)
        await hypervisor.run(evolve(self.guest(), nics=(card,)))
        links = self.dom0.run("ip -o link")
        [line] = [line for line in links.splitlines() if f"master {BRIDGE}" in line]
        self.assertIn(f" {CARD}:", line)
        await self.says(BOOTS)
        self.assertIn("/dev/xvda on / type ext4", self.dom0.console(NAME))
        await hypervisor.destroy(NAME)
        self.assertNotIn(CARD, self.dom0.run("ip -o link"))

    async def test_reboots(self) -> None:
        """
        A guest that is asked to reboot does, and though Xen ends its domain
        and makes another, nobody sees it off.  One that switches itself off is
        gone, and is told of.
        """
        hypervisor = await self.started()
        await hypervisor.run(self.guest())
        await self.says(BOOTS)
        await hypervisor.reboot(NAME)
        await self.always_runs(hypervisor, BOOTS)
        self.assertEqual(len(hypervisor._rebooting), 0)
        await self.gone(hypervisor)

    async def test_deaf(self) -> None:
        """
        A guest that does not hear that it shall reboot is run anew: Xen can
        reset none.  Nobody sees it off.
        """
        hypervisor = await self.started(patience=Patience(reboot=1))
        spec = self.dom0.kernel(NAME)
        await hypervisor.run(evolve(spec, command_line="rootwait loglevel=7"))
        await self.says(WAITS)
        await hypervisor.reboot(NAME)
        await self.always_runs(hypervisor, WAITS)

    async def test_pvh_kernel(self) -> None:
        """Where the processor virtualizes, a guest's kernel runs as PVH."""
        hypervisor = await self.started(XEN_PVH)
        spec = self.dom0.kernel(NAME)
        await hypervisor.run(evolve(spec, command_line="rootwait loglevel=7"))
        await self.says(WAITS)

    async def test_pvh_disk(self) -> None:
        """A guest that has its own kernel on its disk is booted by the loader."""
        hypervisor = await self.started(XEN_PVH)
        self.dom0.run("cat >/tmp/boot", BOOT.encode())
        self.dom0.run("cat >/tmp/grub.cfg", LOADED.encode())
        spec = self.whole_disk(self.dom0.made("whole", WHOLE))
        # The loader holds both kernels and ramdisks for a moment.
        await hypervisor.run(evolve(spec, memory_mib=160))
        await self.says(BOOTS)

    async def test_hvm(self) -> None:
        """
        A guest of any system boots from its disk's first sector, and its first
        serial port is its console; when it stops, that is told.
        """
        hypervisor = await self.started()
        image = self.dom0.image("sector", boot_sector("it boots\r\n"))
        spec = self.whole_disk(image)
        await hypervisor.run(spec)
        await self.says("it boots", file=spec.console)
        # Xen ends a guest that waits for nothing for ever.
        await self.gone(hypervisor)

    async def test_crashes(self) -> None:
        """A guest whose kernel crashes is gone, and is told of."""
        hypervisor = await self.started()
        spec = self.dom0.kernel(NAME)
        await hypervisor.run(evolve(spec, command_line=""))
        await self.gone(hypervisor)

    async def test_too_large(self) -> None:
        """
        A guest that is larger than what is free is refused, and that is told;
        one that takes all that guests can have is not.
        """
        hypervisor = await self.started()
        capacity = await hypervisor.capacity()
        guest = self.dom0.kernel(NAME)
        with self.assertRaises(DomainRefused) as refused:
            await hypervisor.run(evolve(guest, memory_mib=capacity.memory_mib + 64))
        self.assertIn("MiB of memory are free", str(refused.exception))
        self.assertEqual(await hypervisor.list(), ())
        await hypervisor.run(evolve(guest, memory_mib=capacity.memory_mib))
        self.assertEqual(await hypervisor.capacity(), capacity)

    async def test_libvirtd_dies(self) -> None:
        """
        When libvirtd is killed, guests run on; it is connected to anew, and
        the guests are known and can be ended.
        """
        hypervisor = await self.started()
        await hypervisor.run(self.dom0.kernel(NAME))
        again = self.changes.of(None)
        self.dom0.run("kill -9 $(pidof libvirtd)")
        while hypervisor._link.is_connected:
            await deferLater(reactor, 0.1)
        with self.assertRaises(HypervisorUnavailable):
            await hypervisor.list()
        await again
        self.assertEqual(
            await hypervisor.list(), (Domain(name=NAME, state=DomainState.RUNNING),)
        )
        ended = self.changes.of(NAME)
        await hypervisor.destroy(NAME)
        await ended
        self.assertEqual(await hypervisor.list(), ())
