"""
Instance types: what the cloud's configuration has, and which clusters are large
enough for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import define

from euca_tw.api.ec2.instance_types import (
    DescribeInstanceTypeOfferings,
    DescribeInstanceTypeOfferingsResponse,
    DescribeInstanceTypes,
    DescribeInstanceTypesResponse,
    DiskInfo,
    EbsInfo,
    InstanceStorageInfo,
    InstanceTypeInfo,
    InstanceTypeOffering,
    MemoryInfo,
    NetworkInfo,
    PlacementGroupInfo,
    ProcessorInfo,
    VCpuInfo,
)
from euca_tw.api.errors import (
    InvalidInstanceType,
    InvalidParameterCombination,
    InvalidParameterValue,
)
from euca_tw.clc.filters import Reads, chooser, one, truth
from euca_tw.clc.interfaces import IClusters, Zone
from euca_tw.clc.paging import asked_page
from euca_tw.clc.placement_groups import CLUSTER
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType

REGION, ZONE, ZONE_ID = LOCATION_TYPES = (
    "region",
    "availability-zone",
    "availability-zone-id",
)

#: What every node runs.
ARCHITECTURES = ("i386", "x86_64")
_UNSUPPORTED = "unsupported"
_MIB_PER_GIB = 1024

_NO_VOLUMES = EbsInfo(
    optimized_support=_UNSUPPORTED,
    encryption_support=_UNSUPPORTED,
    nvme_support=_UNSUPPORTED,
)
_ONE_CARD = NetworkInfo(
    interfaces=1,
    network_cards=1,
    ipv4_addresses_per_interface=1,
    ipv6_addresses_per_interface=0,
    is_ipv6_supported=False,
    ena_support=_UNSUPPORTED,
    is_efa_supported=False,
)


def instance_type(machine: MachineType, is_offered: bool) -> InstanceTypeInfo:
    """
    What users are told of a type.

    @param is_offered: whether any zone is large enough for it.
    """
    return InstanceTypeInfo(
        instance_type=machine.name,
        is_current=True,
        is_free=False,
        usage_classes=("on-demand",),
        root_device_types=("instance-store",),
        virtualization_types=("hvm", "paravirtual"),
        is_bare_metal=False,
        processor=ProcessorInfo(architectures=ARCHITECTURES),
        vcpu=VCpuInfo(vcpus=machine.cores, cores=machine.cores, threads_per_core=1),
        memory=MemoryInfo(size_mib=machine.memory_mib),
        has_storage=True,
        storage=InstanceStorageInfo(
            total_size_gb=machine.disk_gib,
            disks=_disks(machine),
            nvme_support=_UNSUPPORTED,
        ),
        ebs=_NO_VOLUMES,
        network=_ONE_CARD,
        placement_group=PlacementGroupInfo(strategies=(CLUSTER,)),
        can_hibernate=False,
        is_burstable=False,
        has_dedicated_hosts=False,
        recovers=False,
        is_supported=is_offered,
    )


def _disks(machine: MachineType) -> tuple[DiskInfo, ...]:
    """The root disk, which is what others leave of all, and the one for use."""
    swap_gib = -(-machine.swap_mib // _MIB_PER_GIB)
    root = DiskInfo(
        size_gb=machine.disk_gib - machine.ephemeral_gib - swap_gib, count=1
    )
    if not machine.ephemeral_gib:
        return (root,)
    return root, DiskInfo(size_gb=machine.ephemeral_gib, count=1)


_TYPE_FILTERS: dict[str, Reads[InstanceTypeInfo]] = {
    "auto-recovery-supported": truth(lambda told: told.recovers),
    "bare-metal": truth(lambda told: told.is_bare_metal),
    "burstable-performance-supported": truth(lambda told: told.is_burstable),
    "current-generation": truth(lambda told: told.is_current),
    "dedicated-hosts-supported": truth(lambda told: told.has_dedicated_hosts),
    "ebs-info.ebs-optimized-support": one(lambda told: told.ebs.optimized_support),
    "ebs-info.encryption-support": one(lambda told: told.ebs.encryption_support),
    "ebs-info.nvme-support": one(lambda told: told.ebs.nvme_support),
    "free-tier-eligible": truth(lambda told: told.is_free),
    "hibernation-supported": truth(lambda told: told.can_hibernate),
    "hypervisor": one(lambda told: told.hypervisor),
    "instance-storage-info.disk.count": lambda told: (
        str(disk.count) for disk in told.storage.disks
    ),
    "instance-storage-info.disk.size-in-gb": lambda told: (
        str(disk.size_gb) for disk in told.storage.disks
    ),
    "instance-storage-info.nvme-support": one(lambda told: told.storage.nvme_support),
    "instance-storage-info.total-size-in-gb": one(
        lambda told: str(told.storage.total_size_gb)
    ),
    "instance-storage-supported": truth(lambda told: told.has_storage),
    "instance-type": one(lambda told: told.instance_type),
    "memory-info.size-in-mib": one(lambda told: str(told.memory.size_mib)),
    "network-info.efa-supported": truth(lambda told: told.network.is_efa_supported),
    "network-info.ena-support": one(lambda told: told.network.ena_support),
    "network-info.ipv4-addresses-per-interface": one(
        lambda told: str(told.network.ipv4_addresses_per_interface)
    ),
    "network-info.ipv6-addresses-per-interface": one(
        lambda told: str(told.network.ipv6_addresses_per_interface)
    ),
    "network-info.ipv6-supported": truth(lambda told: told.network.is_ipv6_supported),
    "network-info.maximum-network-cards": one(
        lambda told: str(told.network.network_cards)
    ),
    "network-info.maximum-network-interfaces": one(
        lambda told: str(told.network.interfaces)
    ),
    "processor-info.supported-architecture": lambda told: told.processor.architectures,
    "supported-root-device-type": lambda told: told.root_device_types,
    "supported-usage-class": lambda told: told.usage_classes,
    "supported-virtualization-type": lambda told: told.virtualization_types,
    "vcpu-info.default-cores": one(lambda told: str(told.vcpu.cores)),
    "vcpu-info.default-threads-per-core": one(
        lambda told: str(told.vcpu.threads_per_core)
    ),
    "vcpu-info.default-vcpus": one(lambda told: str(told.vcpu.vcpus)),
    "vcpu-info.valid-cores": one(lambda told: str(told.vcpu.cores)),
    "vcpu-info.valid-threads-per-core": one(
        lambda told: str(told.vcpu.threads_per_core)
    ),
    # Of what no type of this cloud has, or what is not known of it.
    **dict.fromkeys(
        (
            "ebs-info.attachment-limit-type",
            "ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps",
            "ebs-info.ebs-optimized-info.baseline-iops",
            "ebs-info.ebs-optimized-info.baseline-throughput-in-mbps",
            "ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps",
            "ebs-info.ebs-optimized-info.maximum-iops",
            "ebs-info.ebs-optimized-info.maximum-throughput-in-mbps",
            "ebs-info.maximum-ebs-attachments",
            "instance-storage-info.disk.type",
            "instance-storage-info.encryption-support",
            "network-info.bandwidth-weightings",
            "network-info.efa-info.maximum-efa-interfaces",
            "network-info.encryption-in-transit-supported",
            "network-info.flexible-ena-queues-support",
            "network-info.network-performance",
            "nitro-enclaves-support",
            "nitro-tpm-info.supported-versions",
            "nitro-tpm-support",
            "processor-info.supported-features",
            "processor-info.sustained-clock-speed-in-ghz",
            "reboot-migration-support",
            "supported-boot-mode",
        ),
        lambda told: (),
    ),
}

_OFFERING_FILTERS: dict[str, Reads[InstanceTypeOffering]] = {
    "instance-type": one(lambda offering: offering.instance_type),
    "location": one(lambda offering: offering.location),
}


@define(eq=False, kw_only=True)
class InstanceTypes:
    """
    The operations on instance types.

    @ivar machine_types: by name.
    """

    clusters: IClusters
    region: str
    machine_types: Mapping[str, MachineType]

    async def describe_instance_types(
        self, caller: Caller, request: DescribeInstanceTypes
    ) -> DescribeInstanceTypesResponse:
        """Those that are named; else all that any zone is large enough for."""
        passes = chooser(_TYPE_FILTERS, request.filters)
        asked = asked_page(request.max_results, request.next_token)
        named = dict.fromkeys(request.instance_types)
        if named and request.max_results is not None:
            raise InvalidParameterCombination(
                "The parameter instanceTypes cannot be used with maxResults"
            )
        unknown = [name for name in named if name not in self.machine_types]
        if unknown:
            raise InvalidInstanceType(", ".join(unknown))
        zones = self.clusters.zones()
        views = (
            instance_type(machine, is_offered=_is_offered(name, zones))
            for name, machine in self.machine_types.items()
            if not named or name in named
        )
        is_of_all = bool(named or request.is_of_all)
        told = asked.pick(
            (v for v in views if (is_of_all or v.is_supported) and passes(v)),
            lambda view: view.instance_type,
        )
        return DescribeInstanceTypesResponse(
            instance_types=told.items, next_token=told.next_token
        )

    async def describe_instance_type_offerings(
        self, caller: Caller, request: DescribeInstanceTypeOfferings
    ) -> DescribeInstanceTypeOfferingsResponse:
        of = request.location_type or REGION
        if of not in LOCATION_TYPES:
            known = ", ".join(LOCATION_TYPES)
            raise InvalidParameterValue("LocationType", of, f"This cloud has {known}.")
        passes = chooser(_OFFERING_FILTERS, request.filters)
        asked = asked_page(request.max_results, request.next_token)
        told = asked.pick(
            filter(passes, self._offerings(of)),
            lambda offering: f"{offering.instance_type}/{offering.location}",
        )
        return DescribeInstanceTypeOfferingsResponse(
            offerings=told.items, next_token=told.next_token
        )

    def _offerings(self, of: str) -> Iterator[InstanceTypeOffering]:
        zones = self.clusters.zones()
        places: Mapping[str, tuple[Zone, ...]]
        places = {self.region: zones} if of == REGION else {z.name: (z,) for z in zones}
        for name in self.machine_types:
            for location, its in places.items():
                if _is_offered(name, its):
                    yield InstanceTypeOffering(
                        instance_type=name, location_type=of, location=location
                    )


def _is_offered(name: str, zones: tuple[Zone, ...]) -> bool:
    """
    Whether any of the zones is large enough for a type.  A cluster that has not
    told yet is taken to be: it was, most likely, before the cloud was started.
    """
    return any(zone.most.get(name, 1) for zone in zones)
