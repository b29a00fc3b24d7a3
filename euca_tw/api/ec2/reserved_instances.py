"""
Reserved instances: the right to run instances cheaply, bought for a term.

An offering is what can be bought: a type of instance, in a zone, for so long,
at a price.  One purchase of it, of however many instances, is what EC2 calls
reserved instances, and has one id.  No instance belongs to it: those that fit
are charged by its price while they run.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, shape, wire


@shape("RecurringChargesSetItemType")
class RecurringCharge:
    """
    What is charged whether an instance runs or not.

    @ivar frequency: C{Hourly}.
    """

    frequency: str = wire("frequency")
    amount: float = wire("amount")


# --- offerings --------------------------------------------------------------


@shape("DescribeReservedInstancesOfferingsType")
class DescribeReservedInstancesOfferings(Request):
    """
    No condition: all there is, less what other users offer.

    @ivar product_description: as L{ReservedInstancesOffering} has it.
    @ivar instance_tenancy: C{default} or C{dedicated}.
    @ivar offering_type: C{Light Utilization}, C{Medium Utilization} or
        C{Heavy Utilization}.
    @ivar include_marketplace: with what other users offer.
    @ivar min_duration: seconds.
    @ivar max_duration: seconds.
    @ivar max_instance_count: none that is for more instances than that.
    @ivar next_token: as the last answer had it, for what comes after it.
    """

    offering_ids: tuple[str, ...] = wire(
        "reservedInstancesOfferingsSet",
        query="ReservedInstancesOfferingId",
        leaf="reservedInstancesOfferingId",
        item_type="DescribeReservedInstancesOfferingsSetItemType",
        required=False,
    )
    instance_type: str | None = wire("instanceType")
    availability_zone: str | None = wire("availabilityZone")
    product_description: str | None = wire("productDescription")
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    instance_tenancy: str | None = wire("instanceTenancy", since="2011-02-28")
    offering_type: str | None = wire("offeringType", since="2011-11-01")
    include_marketplace: bool | None = wire("includeMarketplace", since="2012-08-15")
    min_duration: int | None = wire("minDuration", xsd="long", since="2012-08-15")
    max_duration: int | None = wire("maxDuration", xsd="long", since="2012-08-15")
    max_instance_count: int | None = wire("maxInstanceCount", since="2012-08-15")
    next_token: str | None = wire("nextToken", since="2012-08-15")
    max_results: int | None = wire("maxResults", since="2012-08-15")


@shape("PricingDetailsSetItemType")
class PricingDetail:
    """
    A price that other users ask.

    @ivar price: of one instance, for the term.
    @ivar count: how many instances there are at that price.
    """

    price: float = wire("price")
    count: int = wire("count")


@shape("DescribeReservedInstancesOfferingsResponseSetItemType")
class ReservedInstancesOffering:
    """
    @ivar duration: of the term, in seconds.
    @ivar fixed_price: of one instance, for the term.
    @ivar usage_price: of one instance, for an hour that it runs.
    @ivar product_description: C{Linux/UNIX} or C{Windows}; in a VPC with
        C{ (Amazon VPC)} after it.
    @ivar instance_tenancy: C{default} or C{dedicated}.
    @ivar currency_code: of all its prices, by ISO 4217 (C{USD}).
    @ivar offering_type: C{Light Utilization}, C{Medium Utilization} or
        C{Heavy Utilization}.
    @ivar is_of_marketplace: other users offer it.
    @ivar pricing_details: if other users offer it, their prices.
    """

    offering_id: str = wire("reservedInstancesOfferingId")
    instance_type: str = wire("instanceType")
    availability_zone: str = wire("availabilityZone")
    duration: int = wire("duration", xsd="long")
    fixed_price: float = wire("fixedPrice")
    usage_price: float = wire("usagePrice")
    product_description: str = wire("productDescription")
    instance_tenancy: str = wire("instanceTenancy", since="2011-02-28")
    currency_code: str = wire("currencyCode", since="2011-02-28")
    offering_type: str = wire("offeringType", since="2011-11-01")
    recurring_charges: tuple[RecurringCharge, ...] = wire(
        "recurringCharges", since="2011-11-01"
    )
    is_of_marketplace: bool | None = wire("marketplace", since="2012-08-15")
    pricing_details: tuple[PricingDetail, ...] = wire(
        "pricingDetailsSet", since="2012-08-15", required=False
    )


@shape("DescribeReservedInstancesOfferingsResponseType")
class DescribeReservedInstancesOfferingsResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    offerings: tuple[ReservedInstancesOffering, ...] = wire(
        "reservedInstancesOfferingsSet"
    )
    next_token: str | None = wire("nextToken", since="2012-08-15")


# --- what is bought ---------------------------------------------------------


@shape("ReservedInstanceLimitPriceType")
class LimitPrice:
    """
    @ivar amount: for all the instances together.
    @ivar currency_code: by ISO 4217 (C{USD}).
    """

    amount: float = wire("amount")
    currency_code: str | None = wire("currencyCode")


@shape("PurchaseReservedInstancesOfferingType")
class PurchaseReservedInstancesOffering(Request):
    """@ivar limit_price: of other users, buy nothing that costs more."""

    offering_id: str = wire("reservedInstancesOfferingId")
    instance_count: int = wire("instanceCount")
    limit_price: LimitPrice | None = wire("limitPrice", since="2012-08-15")


@shape("PurchaseReservedInstancesOfferingResponseType")
class PurchaseReservedInstancesOfferingResponse(Response):
    reserved_instances_id: str = wire("reservedInstancesId")


@shape("DescribeReservedInstancesType")
class DescribeReservedInstances(Request):
    """
    @ivar reserved_instances_ids: none: all of the user's.
    @ivar offering_type: as L{ReservedInstances} has it.
    """

    reserved_instances_ids: tuple[str, ...] = wire(
        "reservedInstancesSet",
        query="ReservedInstancesId",
        leaf="reservedInstancesId",
        item_type="DescribeReservedInstancesSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    offering_type: str | None = wire("offeringType", since="2011-11-01")


@shape("DescribeReservedInstancesResponseSetItemType")
class ReservedInstances:
    """
    One purchase; what is said of its price and its kind, as in
    L{ReservedInstancesOffering}.

    @ivar start: of the term, UTC.
    @ivar end: of the term, UTC.
    @ivar state: C{payment-pending}, C{active}, C{payment-failed} or
        C{retired}.
    """

    reserved_instances_id: str = wire("reservedInstancesId")
    instance_type: str = wire("instanceType")
    availability_zone: str = wire("availabilityZone")
    start: datetime = wire("start")
    end: datetime | None = wire("end", since="2013-08-15")
    duration: int = wire("duration", xsd="long")
    fixed_price: float = wire("fixedPrice")
    usage_price: float = wire("usagePrice")
    instance_count: int = wire("instanceCount", xsd="integer")
    product_description: str = wire("productDescription")
    state: str = wire("state")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)
    instance_tenancy: str = wire("instanceTenancy", since="2011-02-28")
    currency_code: str = wire("currencyCode", since="2011-02-28")
    offering_type: str = wire("offeringType", since="2011-11-01")
    recurring_charges: tuple[RecurringCharge, ...] = wire(
        "recurringCharges", since="2011-11-01", required=False
    )


@shape("DescribeReservedInstancesResponseType")
class DescribeReservedInstancesResponse(Response):
    reserved_instances: tuple[ReservedInstances, ...] = wire("reservedInstancesSet")


OPERATIONS = (
    Operation(
        "DescribeReservedInstancesOfferings",
        DescribeReservedInstancesOfferings,
        DescribeReservedInstancesOfferingsResponse,
        since="2009-03-01",
    ),
    Operation(
        "PurchaseReservedInstancesOffering",
        PurchaseReservedInstancesOffering,
        PurchaseReservedInstancesOfferingResponse,
        since="2009-03-01",
    ),
    Operation(
        "DescribeReservedInstances",
        DescribeReservedInstances,
        DescribeReservedInstancesResponse,
        since="2009-03-01",
    ),
)
