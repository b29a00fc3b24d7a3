"""Instance types, and where they are offered."""

from __future__ import annotations

from typing import Any

from euca_tw.api.ec2.instance_types import (
    DescribeInstanceTypeOfferings,
    DescribeInstanceTypes,
)
from euca_tw.api.errors import (
    InvalidFilter,
    InvalidInstanceType,
    InvalidNextToken,
    InvalidParameterCombination,
    InvalidParameterValue,
)
from euca_tw.clc.instance_types import InstanceTypes
from euca_tw.model.capacity import MachineType
from tests.clc.cloud import ALICE, TYPES, AskedFilter, CloudTestCase
from tests.fakes.clusters import RecordingClusters, roomy_zone

#: With more disks than one.
SCRATCH = MachineType(
    name="m1.scratch",
    cores=4,
    memory_mib=1024,
    disk_gib=20,
    ephemeral_gib=8,
    swap_mib=1500,
)


class InstanceTypesTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clusters = RecordingClusters(
            (
                roomy_zone("one", most={"m1.small": 4, "m1.large": 1, "m1.scratch": 0}),
                roomy_zone("two", most={"m1.small": 2, "m1.large": 0, "m1.scratch": 0}),
            )
        )
        self.types = InstanceTypes(
            clusters=self.clusters,
            region="here",
            machine_types={**TYPES, SCRATCH.name: SCRATCH},
        )

    def describe(self, *names: str, **asked: Any) -> Any:
        return self.types.describe_instance_types(
            ALICE, DescribeInstanceTypes(instance_types=names, **asked)
        )

    def told(self, *names: str, **asked: Any) -> list[str]:
        told = self.result(self.describe(*names, **asked)).instance_types
        return [each.instance_type for each in told]

    def offerings(self, **asked: Any) -> Any:
        return self.types.describe_instance_type_offerings(
            ALICE, DescribeInstanceTypeOfferings(**asked)
        )

    def offered(self, **asked: Any) -> list[tuple[str, str]]:
        told = self.result(self.offerings(**asked)).offerings
        return [(each.instance_type, each.location) for each in told]


class TypesTests(InstanceTypesTestCase):
    def test_told(self) -> None:
        """A type has what the configuration gives it."""
        [told] = self.result(self.describe("m1.scratch")).instance_types
        self.assertEqual((told.vcpu.vcpus, told.vcpu.threads_per_core), (4, 1))
        self.assertEqual(told.memory.size_mib, 1024)
        self.assertEqual(told.storage.total_size_gb, 20)
        disks = [(disk.size_gb, disk.count) for disk in told.storage.disks]
        self.assertEqual(disks, [(10, 1), (8, 1)])
        self.assertEqual(told.processor.architectures, ("i386", "x86_64"))
        self.assertFalse(told.is_supported)
        [small] = self.result(self.describe("m1.small")).instance_types
        disks = [(disk.size_gb, disk.count) for disk in small.storage.disks]
        self.assertEqual(disks, [(2, 1)])
        self.assertTrue(small.is_supported)

    def test_all(self) -> None:
        """All types are told that a zone is large enough for; or all, if asked."""
        self.assertEqual(self.told(), ["m1.small", "m1.large"])
        self.assertEqual(self.told(is_of_all=True), [*TYPES, "m1.scratch"])

    def test_named(self) -> None:
        """Those that are named are told, each once."""
        self.assertEqual(
            self.told("m1.scratch", "m1.small", "m1.small"), ["m1.small", "m1.scratch"]
        )

    def test_unknown(self) -> None:
        """All that are named and unknown are refused together."""
        refusal = self.refused(
            InvalidInstanceType, self.describe("m1.small", "p9.huge", "p9.tiny")
        )
        self.assertIn("[p9.huge, p9.tiny]", refusal.message)

    def test_filters(self) -> None:
        """Types are found by what they have."""
        every = ["m1.small", "m1.large", "m1.scratch"]
        for name, value, found in (
            ("instance-type", "m1.s*", ["m1.small", "m1.scratch"]),
            ("vcpu-info.default-vcpus", "2", ["m1.large"]),
            ("vcpu-info.default-cores", "4", ["m1.scratch"]),
            ("vcpu-info.valid-cores", "4", ["m1.scratch"]),
            ("vcpu-info.default-threads-per-core", "1", every),
            ("vcpu-info.valid-threads-per-core", "2", []),
            ("memory-info.size-in-mib", "512", ["m1.large"]),
            ("instance-storage-info.total-size-in-gb", "20", ["m1.scratch"]),
            ("instance-storage-info.disk.size-in-gb", "8", ["m1.scratch"]),
            ("instance-storage-info.disk.count", "1", every),
            ("instance-storage-info.nvme-support", "unsupported", every),
            ("instance-storage-supported", "true", every),
            ("processor-info.supported-architecture", "x86_64", every),
            ("processor-info.supported-architecture", "arm64", []),
            ("supported-root-device-type", "instance-store", every),
            ("supported-usage-class", "spot", []),
            ("supported-virtualization-type", "hvm", every),
            ("current-generation", "true", every),
            ("free-tier-eligible", "true", []),
            ("bare-metal", "false", every),
            ("hypervisor", "*", []),
            ("hibernation-supported", "false", every),
            ("burstable-performance-supported", "true", []),
            ("dedicated-hosts-supported", "true", []),
            ("auto-recovery-supported", "false", every),
            ("ebs-info.ebs-optimized-support", "unsupported", every),
            ("ebs-info.encryption-support", "supported", []),
            ("ebs-info.nvme-support", "unsupported", every),
            ("network-info.maximum-network-interfaces", "1", every),
            ("network-info.maximum-network-cards", "1", every),
            ("network-info.ipv4-addresses-per-interface", "1", every),
            ("network-info.ipv6-addresses-per-interface", "0", every),
            ("network-info.ipv6-supported", "true", []),
            ("network-info.ena-support", "unsupported", every),
            ("network-info.efa-supported", "false", every),
            ("nitro-tpm-support", "*", []),
        ):
            asked = (AskedFilter(name, (value,)),)
            told = self.told(is_of_all=True, filters=asked)
            self.assertEqual(told, found, name)
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))

    def test_pages(self) -> None:
        """Types are told in pages, by their names."""
        first = self.result(self.describe(is_of_all=True, max_results=2))
        names = [each.instance_type for each in first.instance_types]
        self.assertEqual(names, ["m1.large", "m1.scratch"])
        rest = self.told(is_of_all=True, max_results=2, next_token=first.next_token)
        self.assertEqual(rest, ["m1.small"])
        self.refused(InvalidNextToken, self.describe(next_token="?"))
        self.refused(
            InvalidParameterCombination, self.describe("m1.small", max_results=5)
        )


class OfferingsTests(InstanceTypesTestCase):
    def test_region(self) -> None:
        """The region offers what any of its zones does."""
        expected = [("m1.small", "here"), ("m1.large", "here")]
        self.assertEqual(self.offered(), expected)
        self.assertEqual(self.offered(location_type="region"), expected)

    def test_zones(self) -> None:
        """A zone offers what its cluster is large enough for."""
        expected = [("m1.small", "one"), ("m1.small", "two"), ("m1.large", "one")]
        for of in "availability-zone", "availability-zone-id":
            self.assertEqual(self.offered(location_type=of), expected)

    def test_silent(self) -> None:
        """A cluster that has not told yet is taken to offer everything."""
        self.clusters.known = (roomy_zone("three", is_reachable=False, most={}),)
        told = self.offered(location_type="availability-zone")
        self.assertEqual(len(told), 3)

    def test_elsewhere(self) -> None:
        """There are no other kinds of places."""
        refusal = self.refused(
            InvalidParameterValue, self.offerings(location_type="outpost")
        )
        self.assertIn("outpost", refusal.message)

    def test_filters(self) -> None:
        """Offerings are found by type and by place."""
        for name, value, found in (
            ("instance-type", "m1.large", [("m1.large", "one")]),
            ("location", "two", [("m1.small", "two")]),
        ):
            asked = (AskedFilter(name, (value,)),)
            told = self.offered(location_type="availability-zone", filters=asked)
            self.assertEqual(told, found)
        self.refused(InvalidFilter, self.offerings(filters=(AskedFilter("x", ()),)))

    def test_pages(self) -> None:
        """Offerings are told in pages."""
        zones = {"location_type": "availability-zone"}
        first = self.result(self.offerings(**zones, max_results=2))
        self.assertEqual(len(first.offerings), 2)
        rest = self.offered(**zones, max_results=2, next_token=first.next_token)
        self.assertEqual(rest, [("m1.small", "two")])
