"""Domains as libvirt's XML."""

from __future__ import annotations

from pathlib import Path

from attrs import evolve
from lxml import etree
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.nodectl.domain_xml import (
    NAMESPACE,
    Found,
    device_name,
    domain_xml,
    found_in,
)
from euca_tw.nodectl.interfaces import Disk, DomainSpec, Nic
from euca_tw.nodectl.machines import (
    KVM,
    LXC,
    QEMU,
    XEN,
    XEN_PVH,
    Machine,
)

GOLDEN = Path(__file__).parent.parent / "golden" / "domain_xml"
SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")

HERE = "/var/lib/euca_tw/node/instances/i-12345678"
IMAGES = "/var/lib/euca_tw/node/images"

WITH_KERNEL = DomainSpec(
    name="i-12345678",
    uuid="5a5a5a5a-0000-4000-8000-000012345678",
    cores=1,
    memory_mib=128,
    kernel=f"{IMAGES}/eki-00000001",
    ramdisk=f"{IMAGES}/eri-00000001",
    command_line="quiet",
    disks=(
        Disk(path=f"{HERE}/root.qcow2", backing=f"{IMAGES}/emi-00000001"),
        Disk(path=f"{HERE}/swap.raw", format="raw", device="vdb"),
    ),
    nics=(
        Nic(mac_address="d0:0d:12:34:56:78", bridge="euca0", target="vn_i-12345678"),
    ),
    console=f"{HERE}/console.log",
)

WHOLE_DISK = evolve(
    WITH_KERNEL,
    cores=2,
    memory_mib=1024,
    kernel=None,
    ramdisk=None,
    command_line="",
    disks=WITH_KERNEL.disks[:1],
)


def limited(machine: Machine) -> Machine:
    return evolve(machine, caps_processors=True, overhead_mib=256)


#: Of everything more than one.
MANY = evolve(
    WITH_KERNEL,
    cores=4,
    memory_mib=2048,
    disks=(
        Disk(
            path=f"{HERE}/root.qcow2",
            backing=f"{IMAGES}/emi-00000001",
            serial="root",
        ),
        *(
            Disk(path=f"{HERE}/{name}.raw", format="raw", device=device, serial=name)
            for name, device in (("ephemeral0", "vdb"), ("swap", "vdc"))
        ),
        Disk(path="/srv/vol-1.qcow2", device="/dev/sdf", serial="vol-00000001"),
    ),
    nics=tuple(
        Nic(mac_address=f"d0:0d:12:34:56:7{n}", bridge=f"euca{n}", target=f"vn{n}_8")
        for n in range(3)
    ),
)

#: With a disk as containers have it.
RAW = evolve(
    WITH_KERNEL,
    disks=(Disk(path=f"{HERE}/root.raw", format="raw", serial="root"),),
)

#: By the name of their golden file.
DOMAINS: dict[str, tuple[DomainSpec, Machine]] = {
    "qemu-kernel": (WITH_KERNEL, QEMU),
    "qemu-disk": (WHOLE_DISK, QEMU),
    "kvm-kernel": (WITH_KERNEL, KVM),
    "kvm-disk": (WHOLE_DISK, KVM),
    "xen-kernel": (WITH_KERNEL, XEN),
    "xen-disk": (WHOLE_DISK, XEN),
    "xen-pvh-kernel": (WITH_KERNEL, XEN_PVH),
    "xen-pvh-disk": (WHOLE_DISK, XEN_PVH),
    "qemu-many": (MANY, limited(QEMU)),
    "kvm-many": (MANY, limited(KVM)),
    "xen-many": (MANY, XEN),
    "xen-pvh-many": (evolve(MANY, kernel=None, ramdisk=None), XEN_PVH),
    "lxc-kernel": (RAW, LXC),
    "lxc-many": (
        evolve(MANY, disks=(*RAW.disks, *MANY.disks[1:])),
        evolve(LXC, caps_processors=True),
    ),
}


class DomainXmlTests(SynchronousTestCase):
    maxDiff = None

    def parsed(self, spec: DomainSpec, machine: Machine = QEMU) -> etree._Element:
        return etree.fromstring(domain_xml(spec, machine, "nc"))

    def test_golden(self) -> None:
        """Each kind of domain on each hypervisor is written as it was reviewed."""
        for name, (spec, machine) in DOMAINS.items():
            golden = (GOLDEN / f"{name}.xml").read_text()
            self.assertEqual(domain_xml(spec, machine, "nc"), golden, name)

    def test_valid(self) -> None:
        """libvirt's own schema accepts every one of them."""
        if not SCHEMA.exists():
            raise SkipTest(f"{SCHEMA} is not there: install libvirt0")
        schema = etree.RelaxNG(etree.parse(SCHEMA))
        for name, (spec, machine) in DOMAINS.items():
            written = etree.fromstring(domain_xml(spec, machine, "nc"))
            self.assertTrue(
                schema.validate(written), f"{name}: {schema.error_log.last_error}"
            )

    def test_nothing_formatted(self) -> None:
        """A text that looks like XML stays a text."""
        command_line = "x='<y>' & \"z\""
        domain = self.parsed(evolve(WITH_KERNEL, command_line=command_line))
        written = domain.findtext("os/cmdline")
        assert written is not None
        self.assertTrue(written.endswith(f" {command_line}"))

    def test_not_in_xml(self) -> None:
        """A text that no XML can carry is refused."""
        spec = evolve(WITH_KERNEL, command_line="\x00")
        self.assertRaises(ValueError, domain_xml, spec, QEMU, "nc")

    def test_memo(self) -> None:
        """What a domain shall carry stands in it, and is read from it."""
        memo = '{"a": "<b> & \\n ]]>"}'
        for spec, machine in DOMAINS.values():
            written = domain_xml(evolve(spec, memo=memo), machine, "nc")
            found = found_in(written, "nc")
            self.assertEqual(found, Found(instance_id="i-12345678", memo=memo))
            self.assertIsNone(found_in(written, "another"))
        if SCHEMA.exists():
            schema = etree.RelaxNG(etree.parse(SCHEMA))
            self.assertTrue(schema.validate(etree.fromstring(written)))

    def test_no_ramdisk(self) -> None:
        """A kernel without a ramdisk is given none."""
        domain = self.parsed(evolve(WITH_KERNEL, ramdisk=None))
        self.assertIsNone(domain.find("os/initrd"))

    def test_no_disk(self) -> None:
        """A kernel may run without any disk."""
        domain = self.parsed(evolve(WITH_KERNEL, disks=()))
        self.assertIn("root=/dev/ram0", domain.findtext("os/cmdline") or "")

    def test_emulator(self) -> None:
        """The emulator may be chosen."""
        domain = self.parsed(WITH_KERNEL, evolve(QEMU, emulator="/opt/qemu"))
        self.assertEqual(domain.findtext("devices/emulator"), "/opt/qemu")

    def test_identity(self) -> None:
        """
        What stands in a machine's tables is its UUID, twice, as systems look for
        that are made for EC2.
        """
        for machine in (QEMU, KVM):
            domain = self.parsed(WITH_KERNEL, machine)
            told = {
                entry.get("name"): entry.text
                for entry in domain.iterfind("sysinfo/system/entry")
            }
            self.assertEqual(told["serial"], WITH_KERNEL.uuid)
            self.assertEqual(told["uuid"], domain.findtext("uuid"))
            smbios = domain.find("os/smbios")
            assert smbios is not None
            self.assertEqual(smbios.get("mode"), "sysinfo")

    def test_limits(self) -> None:
        """
        Where it is wished, a domain has no more processors than it has cores,
        of what is short a part by them, and its emulator some memory.
        """
        for cores, shares in ((1, "1024"), (4, "4096")):
            spec = evolve(WITH_KERNEL, cores=cores, memory_mib=512)
            domain = self.parsed(spec, limited(QEMU))
            tuning = {each.tag: each.text for each in domain.iterfind("cputune/*")}
            self.assertEqual(tuning["shares"], shares)
            self.assertEqual(tuning["quota"], tuning["period"])
            self.assertEqual(domain.findtext("memtune/hard_limit"), "768")

    def test_no_limits(self) -> None:
        """Else nothing is said of it: a machine may have no cgroups."""
        domain = self.parsed(WITH_KERNEL)
        self.assertIsNone(domain.find("cputune"))
        self.assertIsNone(domain.find("memtune"))

    def test_flushes(self) -> None:
        """
        What a guest flushes is flushed where its disk shall outlive the machine's
        power, and else is not.
        """
        for machine, cache in ((QEMU, "unsafe"), (evolve(QEMU, flushes=True), None)):
            for driver in self.parsed(MANY, machine).iterfind("devices/disk/driver"):
                self.assertEqual(driver.get("cache"), cache)

    def test_serial(self) -> None:
        """A disk that has a serial number shows it, where a guest can see it."""
        domain = self.parsed(MANY)
        disks = domain.findall("devices/disk")
        self.assertEqual(
            [disk.findtext("serial") for disk in disks],
            ["root", "ephemeral0", "swap", "vol-00000001"],
        )
        self.assertEqual(self.parsed(MANY, XEN).findall("devices/disk/serial"), [])

    def test_one_card(self) -> None:
        """
        A guest of Xen has one card on the bridge for each that it shall have,
        of the name that the bridge's rules know, and none that is emulated.
        """
        for machine in (XEN, XEN_PVH):
            for spec in (WITH_KERNEL, WHOLE_DISK):
                [model] = self.parsed(spec, machine).findall("devices/interface/model")
                self.assertEqual(model.get("type"), "netfront")

    def test_loader(self) -> None:
        """
        Where a guest's own disk cannot be booted by the machine, it is booted by
        a loader of the machine's, which is told nothing.
        """
        domain = self.parsed(WHOLE_DISK, XEN_PVH)
        self.assertIn("grub", domain.findtext("os/kernel") or "")
        self.assertIsNone(domain.find("os/cmdline"))
        self.assertIsNone(domain.find("os/initrd"))
        self.assertIsNone(domain.find("os/boot"))

    def test_raw_disk(self) -> None:
        """A raw disk has nothing under it."""
        domain = self.parsed(WITH_KERNEL)
        (disk,) = domain.findall("devices/disk/target[@dev='vdb']/..")
        self.assertIsNone(disk.find("backingStore"))


class ContainerTests(SynchronousTestCase):
    def devices(self, spec: DomainSpec) -> etree._Element:
        written = etree.fromstring(domain_xml(spec, LXC, "nc"))
        found = written.find("devices")
        assert found is not None
        return found

    def test_mounted(self) -> None:
        """
        A container's first disk is its root and its ephemeral disk is on /mnt;
        what nothing in it could use is left out.
        """
        devices = self.devices(evolve(MANY, disks=(*RAW.disks, *MANY.disks[1:])))
        mounted = {
            str(each.find("target").get("dir")): each.find("source").get("file")  # type: ignore[union-attr]
            for each in devices.findall("filesystem")
        }
        self.assertEqual(
            mounted, {"/": f"{HERE}/root.raw", "/mnt": f"{HERE}/ephemeral0.raw"}
        )
        self.assertEqual(devices.findall("disk"), [])

    def test_no_kernel(self) -> None:
        """A container is given no kernel, whether its image has one or not."""
        for spec in (RAW, evolve(RAW, kernel=None, ramdisk=None)):
            domain = etree.fromstring(domain_xml(spec, LXC, "nc"))
            self.assertEqual(domain.findtext("os/init"), "/sbin/init")
            self.assertIsNone(domain.find("os/kernel"))

    def test_own_network(self) -> None:
        """A container without a card does not have the machine's."""
        domain = etree.fromstring(domain_xml(evolve(RAW, nics=()), LXC, "nc"))
        self.assertIsNotNone(domain.find("features/privnet"))


class DeviceNameTests(SynchronousTestCase):
    def test_prefix(self) -> None:
        """A disk keeps its letter and takes the hypervisor's prefix."""
        for device in ("vdb", "xvdb", "sdb", "/dev/sdb", "hdb"):
            self.assertEqual(device_name(device, QEMU), "vdb")
            self.assertEqual(device_name(device, XEN), "xvdb")

    def test_no_disk(self) -> None:
        """What names no disk is refused."""
        for device in ("", "vd", "vda1", "eth0", "vda\n", "../vda"):
            self.assertRaises(ValueError, device_name, device, QEMU)


class FoundInTests(SynchronousTestCase):
    def instance_in(self, xml: str) -> str:
        found = found_in(xml, "nc")
        assert found is not None
        return found.instance_id

    def test_ours(self) -> None:
        """Every domain that was written is known again."""
        for spec, machine in DOMAINS.values():
            written = domain_xml(spec, machine, "nc")
            self.assertEqual(self.instance_in(written), "i-12345678")

    def test_element(self) -> None:
        """The metadata element alone is enough."""
        for xml in (
            f"<euca:instance xmlns:euca='{NAMESPACE}' id='i-12345678' mark='nc'/>",
            "<instance id='i-12345678' mark='nc'/>",
        ):
            self.assertEqual(self.instance_in(xml), "i-12345678")

    def test_another_mark(self) -> None:
        """A domain of another node controller is not ours."""
        written = domain_xml(WITH_KERNEL, QEMU, "other")
        self.assertIsNone(found_in(written, "nc"))

    def test_not_ours(self) -> None:
        """A domain of somebody else is not ours, whatever its name."""
        for xml in (
            "<domain><name>i-12345678</name></domain>",
            "<domain><name>i-12345678</name><metadata/></domain>",
            "<domain><metadata><instance id='i-1' mark='nc'/></metadata></domain>",
            f"<x:other xmlns:x='{NAMESPACE}' id='i-1' mark='nc'/>",
            "",
            "nonsense",
        ):
            self.assertIsNone(found_in(xml, "nc"), xml)
