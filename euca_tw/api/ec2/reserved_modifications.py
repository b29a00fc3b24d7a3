"""
Modifications of reserved instances: to another zone, platform or type.

Some that are alike go in, one or more configurations are asked for, and for
each of these new reserved instances come out, with an id of their own.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Filter, Request, Response
from euca_tw.api.shapes import Operation, shape, wire


@shape("ReservedInstancesConfigurationSetItemType")
class ReservedInstancesConfiguration:
    """
    What Query may leave out stays as it was.

    @ivar platform: C{EC2-Classic} or C{EC2-VPC}.
    @ivar instance_type: None: as it was.
    """

    availability_zone: str | None = wire(
        "availabilityZone", required=True, query_optional=True
    )
    platform: str | None = wire("platform")
    instance_count: int | None = wire(
        "instanceCount", required=True, query_optional=True
    )
    instance_type: str | None = wire("instanceType", since="2013-10-01")


@shape("ModifyReservedInstancesType")
class ModifyReservedInstances(Request):
    """@ivar client_token: the same token again modifies nothing more."""

    reserved_instances_ids: tuple[str, ...] = wire(
        "reservedInstancesSet",
        query="ReservedInstancesId",
        leaf="reservedInstancesId",
        item_type="ModifyReservedInstancesSetItemType",
        at_least=1,
    )
    target_configurations: tuple[ReservedInstancesConfiguration, ...] = wire(
        "targetConfigurationSet",
        query="ReservedInstancesConfigurationSetItemType",
        at_least=1,
    )
    client_token: str | None = wire("clientToken")


@shape("ModifyReservedInstancesResponseType")
class ModifyReservedInstancesResponse(Response):
    modification_id: str = wire("reservedInstancesModificationId")


@shape("DescribeReservedInstancesModificationsType")
class DescribeReservedInstancesModifications(Request):
    """
    @ivar modification_ids: none: all of the user's.
    @ivar next_token: as the last answer had it, for what comes after it.
    """

    modification_ids: tuple[str, ...] = wire(
        "reservedInstancesModificationSet",
        query="ReservedInstancesModificationId",
        leaf="reservedInstancesModificationId",
        item_type="DescribeReservedInstancesModificationSetItemType",
        required=False,
    )
    next_token: str | None = wire("nextToken")
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)


@shape("ReservedInstancesModificationResultSetItemType")
class ModificationResult:
    """@ivar reserved_instances_id: of the new ones, once they are there."""

    reserved_instances_id: str | None = wire("reservedInstancesId")
    target_configuration: ReservedInstancesConfiguration = wire("targetConfiguration")


@shape("DescribeReservedInstancesModificationsResponseSetItemType")
class ReservedInstancesModification:
    """
    @ivar reserved_instances_ids: of those that are modified.
    @ivar create_date: UTC.
    @ivar update_date: UTC.
    @ivar effective_date: when the new ones take the place of the old, UTC.
    @ivar status: C{processing}, C{fulfilled} or C{failed}.
    @ivar status_message: why, for people.
    @ivar client_token: that it was asked for with.
    """

    modification_id: str = wire("reservedInstancesModificationId")
    reserved_instances_ids: tuple[str, ...] = wire(
        "reservedInstancesSet",
        leaf="reservedInstancesId",
        item_type="ModifyReservedInstancesResponseSetItemType",
        at_least=1,
    )
    results: tuple[ModificationResult, ...] = wire("modificationResultSet", at_least=1)
    create_date: datetime = wire("createDate")
    update_date: datetime = wire("updateDate")
    effective_date: datetime = wire("effectiveDate")
    status: str = wire("status")
    status_message: str | None = wire("statusMessage")
    client_token: str | None = wire("clientToken")


@shape("DescribeReservedInstancesModificationsResponseType")
class DescribeReservedInstancesModificationsResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    modifications: tuple[ReservedInstancesModification, ...] = wire(
        "reservedInstancesModificationsSet"
    )
    next_token: str | None = wire("nextToken")


OPERATIONS = (
    Operation(
        "ModifyReservedInstances",
        ModifyReservedInstances,
        ModifyReservedInstancesResponse,
        since="2013-08-15",
    ),
    Operation(
        "DescribeReservedInstancesModifications",
        DescribeReservedInstancesModifications,
        DescribeReservedInstancesModificationsResponse,
        since="2013-08-15",
    ),
)
