"""
Regions, and availability zones: the clusters of the cloud.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Filter, Request, Response
from euca_tw.api.shapes import Operation, shape, wire


@shape("DescribeAvailabilityZonesType")
class DescribeAvailabilityZones(Request):
    """
    @ivar zone_names: none: all.
    @ivar is_of_all: with those that the user may not use.
    """

    zone_names: tuple[str, ...] = wire(
        "availabilityZoneSet",
        query="ZoneName",
        leaf="zoneName",
        item_type="DescribeAvailabilityZonesSetItemType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    zone_ids: tuple[str, ...] = wire(
        "zoneIdSet", query="ZoneId", since="2016-11-15", required=False
    )
    is_of_all: bool | None = wire("allAvailabilityZones", since="2016-11-15")


@shape("AvailabilityZoneItemType")
class AvailabilityZone:
    """
    @ivar zone_state: C{available}, or C{impaired} and C{unavailable}.
    @ivar messages: about it, for people.
    @ivar zone_id: the same for all accounts, which C{zone_name} need not be.
    @ivar opt_in_status: C{opt-in-not-required}, C{opted-in} or C{not-opted-in}.
    @ivar group_name: of those that an account opts in to together.
    @ivar network_border_group: from which public addresses are told.
    @ivar zone_type: C{availability-zone}, or C{local-zone} and the like.
    """

    zone_name: str = wire("zoneName")
    zone_state: str = wire("zoneState")
    region_name: str = wire("regionName", since="2008-12-01")
    messages: tuple[str, ...] = wire(
        "messageSet",
        leaf="message",
        item_type="AvailabilityZoneMessageType",
        since="2009-07-15",
    )
    zone_id: str | None = wire("zoneId", since="2016-11-15")
    opt_in_status: str | None = wire("optInStatus", since="2016-11-15")
    group_name: str | None = wire("groupName", since="2016-11-15")
    network_border_group: str | None = wire("networkBorderGroup", since="2016-11-15")
    zone_type: str | None = wire("zoneType", since="2016-11-15")


@shape("DescribeAvailabilityZonesResponseType")
class DescribeAvailabilityZonesResponse(Response):
    zones: tuple[AvailabilityZone, ...] = wire("availabilityZoneInfo")


@shape("DescribeRegionsType")
class DescribeRegions(Request):
    """@ivar region_names: none: all."""

    region_names: tuple[str, ...] = wire(
        "regionSet",
        query="RegionName",
        leaf="regionName",
        item_type="DescribeRegionsSetItemType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    is_of_all: bool | None = wire("allRegions", since="2016-11-15")


@shape("RegionItemType")
class Region:
    """
    @ivar region_endpoint: the host that answers for it; no URL.
    @ivar opt_in_status: see L{AvailabilityZone}.
    """

    region_name: str = wire("regionName")
    region_endpoint: str = wire("regionEndpoint")
    opt_in_status: str | None = wire("optInStatus", since="2016-11-15")


@shape("DescribeRegionsResponseType")
class DescribeRegionsResponse(Response):
    regions: tuple[Region, ...] = wire("regionInfo")


OPERATIONS = (
    Operation(
        "DescribeAvailabilityZones",
        DescribeAvailabilityZones,
        DescribeAvailabilityZonesResponse,
        since="2008-02-01",
    ),
    Operation(
        "DescribeRegions",
        DescribeRegions,
        DescribeRegionsResponse,
        since="2008-12-01",
    ),
)
