"""
Spot instances: they run while the spot price, which follows supply and
demand, is not above what their user bid.

A request for one waits until it is fulfilled, lapses or is cancelled; one that
is persistent waits again when its instance has ended.  Prices are decimal
numbers as text, US dollars an hour.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Filter, GroupItem, Request, Response, Tag
from euca_tw.api.ec2.devices import BlockDeviceMapping
from euca_tw.api.ec2.instance_interfaces import NetworkInterfaceWanted
from euca_tw.api.ec2.instances import (
    InstanceProfileRequest,
    MonitoringRequest,
    PlacementRequest,
    UserData,
)
from euca_tw.api.shapes import Operation, members, shape, wire

# --- what is to be launched -------------------------------------------------


@shape("SpotPlacementRequestType")
class SpotPlacement:
    """L{PlacementRequest} without its tenancy."""

    availability_zone: str | None = wire("availabilityZone")
    group_name: str | None = wire("groupName")


# Note [Halves of a launch specification]
#
# What is told of a launch specification is what was asked, less the user data,
# which stands in its middle; so what both have in common is two halves.


@members
class LaunchedImage:
    """
    The first half.

    @ivar groups: Query asks by C{security_group_names} and
        C{security_group_ids} instead.
    """

    image_id: str = wire("imageId")
    key_name: str | None = wire("keyName")
    groups: tuple[GroupItem, ...] = wire("groupSet", query="")


@members
class LaunchSettings:
    """
    The second half.

    @ivar addressing_type: C{public} or C{direct}; long without meaning.
    @ivar instance_type: C{m1.small}, if Query does not say.
    @ivar early_placement: C{placement}, until 2011-02-28.
    """

    addressing_type: str | None = wire("addressingType")
    instance_type: str | None = wire("instanceType", required=True, query_optional=True)
    early_placement: PlacementRequest | None = wire("placement", until="2011-02-28")
    placement: SpotPlacement | None = wire("placement", since="2011-02-28")
    kernel_id: str | None = wire("kernelId")
    ramdisk_id: str | None = wire("ramdiskId")
    block_device_mappings: tuple[BlockDeviceMapping, ...] = wire(
        "blockDeviceMapping", required=False
    )
    monitoring: MonitoringRequest | None = wire("monitoring")
    subnet_id: str | None = wire("subnetId")
    network_interfaces: tuple[NetworkInterfaceWanted, ...] = wire(
        "networkInterfaceSet",
        query="NetworkInterface",
        since="2011-12-01",
        required=False,
    )
    iam_instance_profile: InstanceProfileRequest | None = wire(
        "iamInstanceProfile", since="2012-06-01"
    )
    ebs_optimized: bool | None = wire("ebsOptimized", since="2012-07-20")


@members
class OnlyAsked:
    """
    What no answer tells: the user data, and Query's words for the groups.

    @ivar user_data: as SOAP says it; Query says C{user_data_text}, in base64,
        too.
    """

    security_group_names: tuple[str, ...] = wire("securityGroup", soap=False)
    security_group_ids: tuple[str, ...] = wire(
        "securityGroupId", since="2011-01-01", soap=False
    )
    user_data: UserData | None = wire("userData", query="")
    user_data_text: str | None = wire("userData", soap=False)


@shape("LaunchSpecificationRequestType")
class LaunchSpecificationRequest(LaunchSettings, OnlyAsked, LaunchedImage):
    """As it is asked for; see Note [Halves of a launch specification]."""


@shape("LaunchSpecificationResponseType")
class LaunchSpecification(LaunchSettings, LaunchedImage):
    """As it is told, without the user data."""


# --- requests ---------------------------------------------------------------


@shape("RequestSpotInstancesType")
class RequestSpotInstances(Request):
    """
    Ask for instances; each becomes a request of its own.

    @ivar spot_price: the most that is paid.
    @ivar instance_count: None: one.
    @ivar type: C{one-time} or C{persistent}; None: C{one-time}.
    @ivar valid_from: not earlier; None: at once.
    @ivar valid_until: not later; None: it does not lapse.
    @ivar launch_group: a name of the user's choice: all requests that have it
        are fulfilled together, and their instances end together.
    @ivar availability_zone_group: likewise: in the same zone.
    """

    spot_price: str = wire("spotPrice")
    instance_count: int | None = wire("instanceCount", xsd="integer")
    type: str | None = wire("type")
    valid_from: datetime | None = wire("validFrom")
    valid_until: datetime | None = wire("validUntil")
    launch_group: str | None = wire("launchGroup")
    availability_zone_group: str | None = wire("availabilityZoneGroup")
    launch_specification: LaunchSpecificationRequest = wire("launchSpecification")


@shape("SpotInstanceStateFaultType")
class SpotInstanceStateFault:
    """
    Why a request, or a datafeed, is not what it should be.

    @ivar code: EC2's word for it.
    @ivar message: a sentence for people.
    """

    code: str = wire("code")
    message: str = wire("message")


@shape("SpotInstanceStatusMessageType")
class SpotInstanceStatus:
    """
    Where a request stands, in more detail than its state.

    @ivar code: C{pending-evaluation}, C{price-too-low}, C{fulfilled}, …
    @ivar message: a sentence for people.
    """

    code: str | None = wire("code")
    update_time: datetime | None = wire("updateTime")
    message: str | None = wire("message")


@shape("SpotInstanceRequestSetItemType")
class SpotInstanceRequest:
    """
    @ivar spot_instance_request_id: C{sir-1a2b3c4d}.
    @ivar spot_price: the most that is paid.
    @ivar type: C{one-time} or C{persistent}.
    @ivar state: C{open}, C{active}, C{closed}, C{cancelled} or C{failed}.
    @ivar instance_id: of the instance that fulfils it; None: none does.
    @ivar product_description: C{Linux/UNIX}, C{SUSE Linux}, C{Windows}; in a
        VPC, with C{ (Amazon VPC)} after it.
    """

    spot_instance_request_id: str = wire("spotInstanceRequestId")
    spot_price: str = wire("spotPrice")
    type: str = wire("type")
    state: str = wire("state")
    fault: SpotInstanceStateFault | None = wire("fault")
    status: SpotInstanceStatus | None = wire("status", since="2012-10-01")
    valid_from: datetime | None = wire("validFrom")
    valid_until: datetime | None = wire("validUntil")
    launch_group: str | None = wire("launchGroup")
    availability_zone_group: str | None = wire("availabilityZoneGroup")
    launch_specification: LaunchSpecification | None = wire("launchSpecification")
    instance_id: str | None = wire("instanceId")
    create_time: datetime | None = wire("createTime")
    product_description: str | None = wire("productDescription")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)
    launched_availability_zone: str | None = wire(
        "launchedAvailabilityZone", since="2011-11-01"
    )


@shape("RequestSpotInstancesResponseType")
class RequestSpotInstancesResponse(Response):
    requests: tuple[SpotInstanceRequest, ...] = wire("spotInstanceRequestSet")


@shape("DescribeSpotInstanceRequestsType")
class DescribeSpotInstanceRequests(Request):
    """@ivar spot_instance_request_ids: none: all of the user's."""

    spot_instance_request_ids: tuple[str, ...] = wire(
        "spotInstanceRequestIdSet",
        query="SpotInstanceRequestId",
        leaf="spotInstanceRequestId",
        item_type="SpotInstanceRequestIdSetItemType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )


@shape("DescribeSpotInstanceRequestsResponseType")
class DescribeSpotInstanceRequestsResponse(Response):
    requests: tuple[SpotInstanceRequest, ...] = wire("spotInstanceRequestSet")


@shape("CancelSpotInstanceRequestsType")
class CancelSpotInstanceRequests(Request):
    """Wait no more; instances that run go on."""

    spot_instance_request_ids: tuple[str, ...] = wire(
        "spotInstanceRequestIdSet",
        query="SpotInstanceRequestId",
        leaf="spotInstanceRequestId",
        item_type="SpotInstanceRequestIdSetItemType",
    )


@shape("CancelSpotInstanceRequestsResponseSetItemType")
class CancelledSpotInstanceRequest:
    """
    @ivar state: what it is now: C{cancelled}, or C{open}, C{active},
        C{closed} or C{completed}.
    """

    spot_instance_request_id: str = wire("spotInstanceRequestId")
    state: str = wire("state")


@shape("CancelSpotInstanceRequestsResponseType")
class CancelSpotInstanceRequestsResponse(Response):
    requests: tuple[CancelledSpotInstanceRequest, ...] = wire(
        "spotInstanceRequestSet", at_least=1
    )


# --- prices -----------------------------------------------------------------


@shape("DescribeSpotPriceHistoryType")
class DescribeSpotPriceHistory(Request):
    """
    @ivar instance_types: none: all.
    @ivar product_descriptions: as those of L{SpotInstanceRequest}; none: all.
    @ivar next_token: as the last answer had it, for what comes after it.
    """

    start_time: datetime | None = wire("startTime")
    end_time: datetime | None = wire("endTime")
    instance_types: tuple[str, ...] = wire(
        "instanceTypeSet",
        query="InstanceType",
        leaf="instanceType",
        item_type="InstanceTypeSetItemType",
        at_least=1,
        required=False,
    )
    product_descriptions: tuple[str, ...] = wire(
        "productDescriptionSet",
        query="ProductDescription",
        leaf="productDescription",
        item_type="ProductDescriptionSetItemType",
        at_least=1,
        required=False,
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    availability_zone: str | None = wire("availabilityZone", since="2011-11-01")
    max_results: int | None = wire("maxResults", xsd="integer", since="2011-11-01")
    next_token: str | None = wire("nextToken", since="2011-11-01")


@shape("SpotPriceHistorySetItemType")
class SpotPrice:
    """@ivar timestamp: since when it is the price, UTC."""

    instance_type: str = wire("instanceType")
    product_description: str = wire("productDescription")
    spot_price: str = wire("spotPrice")
    timestamp: datetime = wire("timestamp")
    availability_zone: str | None = wire("availabilityZone", since="2011-11-01")


@shape("DescribeSpotPriceHistoryResponseType")
class DescribeSpotPriceHistoryResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    prices: tuple[SpotPrice, ...] = wire("spotPriceHistorySet")
    next_token: str | None = wire("nextToken", since="2011-11-01")


OPERATIONS = (
    Operation(
        "RequestSpotInstances",
        RequestSpotInstances,
        RequestSpotInstancesResponse,
        since="2009-11-30",
    ),
    Operation(
        "DescribeSpotInstanceRequests",
        DescribeSpotInstanceRequests,
        DescribeSpotInstanceRequestsResponse,
        since="2009-11-30",
    ),
    Operation(
        "CancelSpotInstanceRequests",
        CancelSpotInstanceRequests,
        CancelSpotInstanceRequestsResponse,
        since="2009-11-30",
    ),
    Operation(
        "DescribeSpotPriceHistory",
        DescribeSpotPriceHistory,
        DescribeSpotPriceHistoryResponse,
        since="2009-11-30",
    ),
)
