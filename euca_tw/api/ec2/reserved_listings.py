"""
Listings of reserved instances that their owner offers to other users.

What is sold is the rest of a term, so its price changes with the months that
remain.  SOAP can ask for several listings at once; Query names one, or the
reserved instances that are listed, and L{DescribeReservedInstancesListingsForm}
reads that.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, members, shape, wire

# --- what a listing is ------------------------------------------------------


@members
class PriceForMonths:
    """
    A price, which holds until one for fewer months does.

    @ivar term: how many months of the term remain when it begins to hold.
    @ivar price: of one instance, for all that remains.
    @ivar currency_code: by ISO 4217 (C{USD}).
    """

    term: int = wire("term", xsd="long")
    price: float = wire("price")
    currency_code: str | None = wire("currencyCode")


@shape("PriceScheduleSetItemType")
class PriceSchedule(PriceForMonths):
    """@ivar is_active: it holds now."""

    is_active: bool = wire("active")


@shape("InstanceCountsSetItemType")
class InstanceCount:
    """
    How many of the instances are in a state.

    @ivar state: C{available}, C{sold}, C{cancelled} or C{pending}.
    """

    state: str = wire("state")
    instance_count: int = wire("instanceCount")


@shape("DescribeReservedInstancesListingsResponseSetItemType")
class ReservedInstancesListing:
    """
    @ivar create_date: UTC.
    @ivar update_date: UTC.
    @ivar status: C{pending}, C{active}, C{cancelled} or C{closed}.
    @ivar status_message: why, for people; may be C{""}.
    @ivar client_token: that it was created with.
    """

    listing_id: str = wire("reservedInstancesListingId")
    reserved_instances_id: str = wire("reservedInstancesId")
    create_date: datetime = wire("createDate")
    update_date: datetime = wire("updateDate")
    status: str = wire("status")
    status_message: str = wire("statusMessage")
    instance_counts: tuple[InstanceCount, ...] = wire("instanceCounts", at_least=1)
    price_schedules: tuple[PriceSchedule, ...] = wire("priceSchedules")
    tags: tuple[Tag, ...] = wire("tagSet", required=False)
    client_token: str | None = wire("clientToken")


@members
class Listings(Response):
    listings: tuple[ReservedInstancesListing, ...] = wire(
        "reservedInstancesListingsSet"
    )


# --- the operations ---------------------------------------------------------


@shape("PriceScheduleRequestSetItemType")
class PriceScheduleWanted(PriceForMonths):
    """A price that the owner asks."""


@shape("CreateReservedInstancesListingType")
class CreateReservedInstancesListing(Request):
    """
    @ivar instance_count: how many of the reserved instances to sell.
    @ivar client_token: the same token again lists nothing more.
    """

    reserved_instances_id: str = wire("reservedInstancesId")
    instance_count: int | None = wire("instanceCount")
    price_schedules: tuple[PriceScheduleWanted, ...] = wire(
        "priceSchedules", at_least=1
    )
    client_token: str = wire("clientToken")


@shape("CreateReservedInstancesListingResponseType")
class CreateReservedInstancesListingResponse(Listings):
    """The new listing."""


@shape("DescribeReservedInstancesListingsType")
class DescribeReservedInstancesListings(Request):
    """No ids: all of the user's."""

    listing_ids: tuple[str, ...] = wire(
        "reservedInstancesListingSet",
        query="",
        leaf="reservedInstancesListingId",
        item_type="DescribeReservedInstancesListingSetItemType",
        at_least=1,
        required=False,
    )
    reserved_instances_ids: tuple[str, ...] = wire(
        "reservedInstancesSet",
        query="",
        leaf="reservedInstancesId",
        item_type="DescribeReservedInstancesSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="", required=False)


@shape("DescribeReservedInstancesListingsResponseType")
class DescribeReservedInstancesListingsResponse(Listings):
    """Those that were asked for."""


@shape("DescribeReservedInstancesListingsForm")
class DescribeReservedInstancesListingsForm(Request):
    """
    How Query asks for listings.

    @ivar early_filters: C{filters}, by the name they had until 2016-09-15.
    """

    listing_id: str | None = wire("reservedInstancesListingId")
    reserved_instances_id: str | None = wire("reservedInstancesId")
    early_filters: tuple[Filter, ...] = wire(
        "filters", until="2016-09-15", required=False
    )
    filters: tuple[Filter, ...] = wire("filter", since="2016-09-15", required=False)

    def request(self) -> DescribeReservedInstancesListings:
        return DescribeReservedInstancesListings(
            is_dry_run=self.is_dry_run,
            listing_ids=_one_or_none(self.listing_id),
            reserved_instances_ids=_one_or_none(self.reserved_instances_id),
            filters=self.early_filters + self.filters,
        )


def _one_or_none(identifier: str | None) -> tuple[str, ...]:
    return () if identifier is None else (identifier,)


@shape("CancelReservedInstancesListingType")
class CancelReservedInstancesListing(Request):
    listing_id: str = wire("reservedInstancesListingId")


@shape("CancelReservedInstancesListingResponseType")
class CancelReservedInstancesListingResponse(Listings):
    """The listing, which sells nothing more."""


OPERATIONS = (
    Operation(
        "CreateReservedInstancesListing",
        CreateReservedInstancesListing,
        CreateReservedInstancesListingResponse,
        since="2012-08-15",
    ),
    Operation(
        "DescribeReservedInstancesListings",
        DescribeReservedInstancesListings,
        DescribeReservedInstancesListingsResponse,
        since="2012-08-15",
        query_form=DescribeReservedInstancesListingsForm,
    ),
    Operation(
        "CancelReservedInstancesListing",
        CancelReservedInstancesListing,
        CancelReservedInstancesListingResponse,
        since="2012-08-15",
    ),
)
