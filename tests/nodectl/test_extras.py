"""What an instance's disks have besides its image, as a node hears and tells of it."""

from __future__ import annotations

from uuid import UUID

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import node as api
from euca_tw.model import metadata
from euca_tw.nodectl import reports
from euca_tw.nodectl.domain_xml import (
    domain_xml,
)
from euca_tw.nodectl.interfaces import Extras
from euca_tw.nodectl.life import Life
from euca_tw.nodectl.machines import (
    QEMU,
    XEN,
)
from tests.fakes.launches import launch
from tests.nodectl.test_node import NodeTestCase

KEY = "ssh-rsa AAAA alice"


class ReportsTests(SynchronousTestCase):
    def test_none(self) -> None:
        """Of a type that has no further disks there are none."""
        plain = evolve(launch(), public_key=None)
        self.assertEqual(reports.extras(plain), Extras())
        devices = reports.metadata(plain).block_devices
        self.assertEqual(devices, (("ami", "sda1"), ("root", "/dev/sda1")))

    def test_all(self) -> None:
        """Disks and key are as the launch has them."""
        whole = evolve(launch(), ephemeral_gib=2, swap_mib=512, public_key=KEY)
        self.assertEqual(
            reports.extras(whole),
            Extras(ephemeral_gib=2, swap_mib=512, public_key=KEY),
        )

    def test_uuid(self) -> None:
        """
        A domain's UUID begins as those of Amazon's instances do, is valid, and
        is each instance's own, always.
        """
        one, other = map(reports.domain_uuid, ("i-00000001", "i-00000002"))
        self.assertEqual((one[:3], other[:3]), ("ec2", "ec2"))
        self.assertEqual(str(UUID(one)), one)
        self.assertNotEqual(one, other)
        self.assertEqual(one, reports.domain_uuid("i-00000001"))

    def test_metadata(self) -> None:
        """The instance is told where they are, under EC2's names."""
        for given, told in (
            (
                {"ephemeral_gib": 2, "swap_mib": 512},
                {"ephemeral0": "sdb", "swap": "sdc"},
            ),
            ({"ephemeral_gib": 2}, {"ephemeral0": "sdb"}),
            ({"swap_mib": 512}, {"swap": "sdb"}),
        ):
            facts = reports.metadata(evolve(launch(), **given))
            base = "/latest/meta-data/block-device-mapping"
            listed = metadata.answer(facts, base)
            assert listed is not None
            self.assertEqual(
                sorted(listed.decode().split()), sorted(["ami", "root", *told])
            )
            for name, device in told.items():
                found = metadata.answer(facts, f"{base}/{name}")
                self.assertEqual(found, device.encode())


class NodeTests(NodeTestCase):
    def test_disks(self) -> None:
        """A domain has its further disks after its root, under their own names."""
        self.launched(1, ephemeral_gib=1, swap_mib=512)
        self.pump()
        spec = self.hypervisor.spec_of("i-00000001")
        self.assertEqual([disk.device for disk in spec.disks], ["vda", "vdb", "vdc"])
        here = "memory:/instances/i-00000001"
        for machine, prefix in ((QEMU, "vd"), (XEN, "xvd")):
            xml = domain_xml(spec, machine, "mark")
            for letter, name in (("b", "ephemeral0"), ("c", "swap")):
                self.assertIn(f'<source file="{here}/{name}.raw"/>', xml)
                self.assertIn(f'dev="{prefix}{letter}"', xml)

    def test_swap_alone(self) -> None:
        """The first further disk is the second disk, whichever it is."""
        self.launched(1, swap_mib=512)
        self.pump()
        _, swap = self.hypervisor.spec_of("i-00000001").disks
        self.assertEqual((swap.device, swap.format), ("vdb", "raw"))

    def test_full(self) -> None:
        """A full disk ends the launch at once, with why; others are as they were."""
        self.launched(1)
        self.pump()
        self.instances.is_full = True
        self.launched(2)
        self.pump()
        record = self.record(2)
        self.assertIs(record.life, Life.TERMINATED)
        self.assertEqual(record.reason, "the node's disk is full")
        self.assertEqual(self.domains(), ["i-00000001"])
        told = self.told(api.NcWaitForChanges(since=0, timeout_s=60))
        reasons = {each.instance.instance_id: each.reason for each in told.instances}
        self.assertEqual(reasons["i-00000002"], "the node's disk is full")
        self.assertIsNone(reasons["i-00000001"])
