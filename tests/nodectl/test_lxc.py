"""What is otherwise with containers."""

from __future__ import annotations

from pathlib import Path

from attrs import define, field
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.admin.node_doors import check_names, domains_of, limited
from euca_tw.admin.sections import NodeControllerSection
from euca_tw.common.config import ConfigError
from euca_tw.nodectl.libvirt_domain import run_anew, run_domain
from euca_tw.nodectl.lxc import is_lxc, kill, was_outrun
from euca_tw.nodectl.machines import LXC, QEMU, XEN

try:
    import libvirt
except ImportError:
    libvirt = None


@define
class MemoryDomain:
    """Of libvirt's methods, those that are called."""

    signals: list[tuple[int, int, int]] = field(factory=list)

    def getType(self) -> str:
        return "LXC"

    def sendProcessSignal(self, process: int, signal: int, flags: int) -> int:
        self.signals.append((process, signal, flags))
        return 0


class LxcTests(SynchronousTestCase):
    def test_kill(self) -> None:
        """A container ends by its first program being killed."""
        domain = MemoryDomain()
        kill(domain)
        self.assertEqual(domain.signals, [(1, 9, 0)])

    def test_is_lxc(self) -> None:
        """libvirt says which driver a connection has."""
        self.assertTrue(is_lxc(MemoryDomain()))

    def test_was_outrun(self) -> None:
        """
        That a loop device was taken by another is told from other reasons not to
        begin.
        """
        said = "guest failed to start: Failure in libvirt_lxc startup: "
        for why, expected in (
            ("Unable to attach root.raw to loop device: Device or resource busy", True),
            ("Unable to attach root.raw to loop device: Permission denied", False),
            ("Unable to open root.raw: Device or resource busy", False),
        ):
            self.assertIs(was_outrun(said + why), expected, why)


@define
class Outrun:
    """
    A connection to libvirt, and the one domain that it has.

    @ivar times: so often another takes the domain's loop device.
    @ivar is_dead: its first program has ended, which libvirt has not noticed yet.
    """

    times: int
    is_dead: bool = False
    begun: int = 0
    kills: int = 0
    ends: int = 0

    def defineXML(self, xml: str) -> Outrun:
        return self

    def connect(self) -> Outrun:
        return self

    def getType(self) -> str:
        return "LXC"

    def isAlive(self) -> bool:
        return True

    def isPersistent(self) -> bool:
        return True

    def XMLDesc(self, flags: int) -> str:
        return "<domain/>"

    def sendProcessSignal(self, process: int, signal: int, flags: int) -> None:
        self.kills += 1
        if self.is_dead:
            raise Gone("Unable to send 9 signal to process 4711: No such process")

    def destroy(self) -> None:
        self.ends += 1

    def createWithFlags(self, flags: int = 0) -> None:
        if self.times:
            self.times -= 1
            busy = "Unable to attach root.raw to loop device: Device or resource busy"
            raise libvirt.libvirtError(busy)
        self.begun += 1

    create = createWithFlags


class Gone(getattr(libvirt, "libvirtError", Exception)):  # type: ignore[misc]
    """What libvirt says of a process that has ended, as it does, by number."""

    def get_error_code(self) -> int:
        return int(libvirt.VIR_ERR_SYSTEM_ERROR)


class OutrunTests(SynchronousTestCase):
    def setUp(self) -> None:
        if libvirt is None:
            raise SkipTest("libvirt's Python binding is not installed")

    def test_again(self) -> None:
        """A container whose loop device another took is begun again."""
        domain = Outrun(times=3)
        run_domain(domain, "<domain/>", is_kept=True)
        self.assertEqual(domain.begun, 1)

    def test_anew(self) -> None:
        """So is one that reboots."""
        domain = Outrun(times=3)
        run_anew(domain)
        self.assertEqual((domain.ends, domain.begun), (1, 1))

    def test_dead(self) -> None:
        """One whose first program has just ended by itself is ended all the same."""
        domain = Outrun(times=0, is_dead=True)
        run_anew(domain)
        self.assertEqual((domain.kills, domain.ends, domain.begun), (1, 1, 1))


class NodeOfContainersTests(SynchronousTestCase):
    def section(self, hypervisor: str) -> NodeControllerSection:
        return NodeControllerSection(hypervisor=hypervisor, emulator_memory_mib=64)

    def test_by_uri(self) -> None:
        """What domains are follows from the hypervisor's URI."""
        for uri, machine in (
            ("lxc:///system", LXC),
            ("lxc+unix:///system?socket=/run/x", LXC),
            ("xen:///system", XEN),
            ("qemu:///system", QEMU),
        ):
            self.assertIs(domains_of(self.section(uri)), machine, uri)

    def test_no_emulator(self) -> None:
        """A container is given no memory for an emulator, for it has none."""
        section = self.section("lxc:///system")
        self.assertEqual(limited(LXC, section).overhead_mib, 0)
        self.assertEqual(limited(QEMU, section).overhead_mib, 64)

    def test_long_names(self) -> None:
        """A directory whose files cannot be attached to loop devices is refused."""
        check_names(Path("/" + "x" * 36))
        with self.assertRaises(ConfigError) as refused:
            check_names(Path("/" + "x" * 37))
        self.assertIn("instances_dir", str(refused.exception))
        self.assertIn("too long a name by 1 bytes", str(refused.exception))
