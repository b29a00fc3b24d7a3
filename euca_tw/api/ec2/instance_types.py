"""
Instance types: what a cloud has of them, and where.

Of Query alone, and younger than all dates of SOAP.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Filter, Request, Response
from euca_tw.api.shapes import Operation, shape, wire

_SINCE = "2016-11-15"


@shape("ProcessorInfo")
class ProcessorInfo:
    """@ivar architectures: C{i386}, C{x86_64} or C{arm64}."""

    architectures: tuple[str, ...] = wire("supportedArchitectures")


@shape("VCpuInfo")
class VCpuInfo:
    """@ivar cores: with C{threads_per_core} each, they are the C{vcpus}."""

    vcpus: int = wire("defaultVCpus")
    cores: int = wire("defaultCores")
    threads_per_core: int = wire("defaultThreadsPerCore")


@shape("MemoryInfo")
class MemoryInfo:
    size_mib: int = wire("sizeInMiB", xsd="long")


@shape("DiskInfo")
class DiskInfo:
    """So many disks of one size."""

    size_gb: int = wire("sizeInGB", xsd="long")
    count: int = wire("count")


@shape("InstanceStorageInfo")
class InstanceStorageInfo:
    """
    The disks of an instance's own, which go with it.

    @ivar nvme_support: C{unsupported}, C{supported} or C{required}.
    """

    total_size_gb: int = wire("totalSizeInGB", xsd="long")
    disks: tuple[DiskInfo, ...] = wire("disks")
    nvme_support: str = wire("nvmeSupport")


@shape("EbsInfo")
class EbsInfo:
    """C{unsupported}, all of it, where there are no volumes."""

    optimized_support: str = wire("ebsOptimizedSupport")
    encryption_support: str = wire("encryptionSupport")
    nvme_support: str = wire("nvmeSupport")


@shape("NetworkInfo")
class NetworkInfo:
    """@ivar ena_support: C{unsupported}, C{supported} or C{required}."""

    interfaces: int = wire("maximumNetworkInterfaces")
    network_cards: int = wire("maximumNetworkCards")
    ipv4_addresses_per_interface: int = wire("ipv4AddressesPerInterface")
    ipv6_addresses_per_interface: int = wire("ipv6AddressesPerInterface")
    is_ipv6_supported: bool = wire("ipv6Supported")
    ena_support: str = wire("enaSupport")
    is_efa_supported: bool = wire("efaSupported")


@shape("PlacementGroupInfo")
class PlacementGroupInfo:
    strategies: tuple[str, ...] = wire("supportedStrategies")


@shape("InstanceTypeInfo")
class InstanceTypeInfo:
    """
    @ivar usage_classes: C{on-demand}, C{spot}.
    @ivar root_device_types: C{instance-store}, C{ebs}.
    @ivar virtualization_types: C{hvm}, C{paravirtual}.
    @ivar is_supported: whether any zone has it.
    @ivar hypervisor: C{xen} or C{nitro}; None where it is neither, or not known.
    """

    instance_type: str = wire("instanceType")
    is_current: bool = wire("currentGeneration")
    is_free: bool = wire("freeTierEligible")
    usage_classes: tuple[str, ...] = wire("supportedUsageClasses")
    root_device_types: tuple[str, ...] = wire("supportedRootDeviceTypes")
    virtualization_types: tuple[str, ...] = wire("supportedVirtualizationTypes")
    is_bare_metal: bool = wire("bareMetal")
    hypervisor: str | None = wire("hypervisor")
    processor: ProcessorInfo = wire("processorInfo")
    vcpu: VCpuInfo = wire("vCpuInfo")
    memory: MemoryInfo = wire("memoryInfo")
    has_storage: bool = wire("instanceStorageSupported")
    storage: InstanceStorageInfo = wire("instanceStorageInfo")
    ebs: EbsInfo = wire("ebsInfo")
    network: NetworkInfo = wire("networkInfo")
    placement_group: PlacementGroupInfo = wire("placementGroupInfo")
    can_hibernate: bool = wire("hibernationSupported")
    is_burstable: bool = wire("burstablePerformanceSupported")
    has_dedicated_hosts: bool = wire("dedicatedHostsSupported")
    recovers: bool = wire("autoRecoverySupported")
    is_supported: bool = wire("supportedInRegion")


@shape("DescribeInstanceTypesRequest")
class DescribeInstanceTypes(Request):
    """
    @ivar instance_types: none: all.
    @ivar is_of_all: with those that no zone has.
    """

    instance_types: tuple[str, ...] = wire(
        "instanceTypeSet", query="InstanceType", required=False
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)
    max_results: int | None = wire("maxResults")
    next_token: str | None = wire("nextToken")
    is_of_all: bool | None = wire("includeUnsupportedInRegion")


@shape("DescribeInstanceTypesResult")
class DescribeInstanceTypesResponse(Response):
    instance_types: tuple[InstanceTypeInfo, ...] = wire("instanceTypeSet")
    next_token: str | None = wire("nextToken")


@shape("InstanceTypeOffering")
class InstanceTypeOffering:
    """
    @ivar location_type: C{region}, C{availability-zone} or
        C{availability-zone-id}.
    @ivar location: the name, or the identifier, of one.
    """

    instance_type: str = wire("instanceType")
    location_type: str = wire("locationType")
    location: str = wire("location")


@shape("DescribeInstanceTypeOfferingsRequest")
class DescribeInstanceTypeOfferings(Request):
    """@ivar location_type: None: C{region}."""

    location_type: str | None = wire("locationType")
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)
    max_results: int | None = wire("maxResults")
    next_token: str | None = wire("nextToken")


@shape("DescribeInstanceTypeOfferingsResult")
class DescribeInstanceTypeOfferingsResponse(Response):
    offerings: tuple[InstanceTypeOffering, ...] = wire("instanceTypeOfferingSet")
    next_token: str | None = wire("nextToken")


OPERATIONS = (
    Operation(
        "DescribeInstanceTypes",
        DescribeInstanceTypes,
        DescribeInstanceTypesResponse,
        since=_SINCE,
    ),
    Operation(
        "DescribeInstanceTypeOfferings",
        DescribeInstanceTypeOfferings,
        DescribeInstanceTypeOfferingsResponse,
        since=_SINCE,
    ),
)
