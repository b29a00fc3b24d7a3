"""What kind of domains a node makes, by its configuration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from euca_tw.admin.configuration import Configuration
from euca_tw.nodectl.libvirt import LibvirtHypervisor
from euca_tw.nodectl.tap import node_of
from tests.admin.test_daemon import machine

try:
    import libvirt
except ImportError:
    libvirt = None


class DomainTypeTests(SynchronousTestCase):
    def setUp(self) -> None:
        if libvirt is None:
            raise SkipTest("libvirt's Python binding is not installed")
        self.directory = Path(self.mktemp())
        self.directory.mkdir()

    def hypervisor(self, **given: Any) -> LibvirtHypervisor:
        section = evolve(
            Configuration().node_controller, state_dir=self.directory, **given
        )
        controller, _ = node_of(section, machine(self.fail), "http://node/")
        hypervisor = controller._hypervisor
        assert isinstance(hypervisor, LibvirtHypervisor)
        return hypervisor

    def test_tried(self) -> None:
        """Where nothing is said KVM is tried, where domains can get at its disk."""
        hypervisor = self.hypervisor(caps_processors=True)
        self.assertEqual(hypervisor.machine.domain_type, "qemu")
        assert hypervisor.faster is not None
        tried = hypervisor.faster.machine
        self.assertEqual((tried.domain_type, tried.caps_processors), ("kvm", True))
        disk = hypervisor.faster.disk
        self.assertTrue(disk.is_absolute())
        self.assertEqual(disk.parent, self.directory.absolute() / "instances")

    def test_said(self) -> None:
        """What is said is obeyed, and nothing is tried."""
        for kind in ("qemu", "kvm"):
            hypervisor = self.hypervisor(domain_type=kind)
            self.assertEqual(hypervisor.machine.domain_type, kind)
            self.assertIsNone(hypervisor.faster)

    def test_xen(self) -> None:
        """On Xen there is nothing to try."""
        hypervisor = self.hypervisor(hypervisor="xen:///system")
        self.assertEqual(hypervisor.machine.domain_type, "xen")
        self.assertIsNone(hypervisor.faster)
