"""
Route tables: where packets go that leave the subnets of a VPC.

Each subnet is associated with one table; those that are not follow the main
table of their VPC.  Of a table's routes the most specific holds.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    Request,
    Response,
    Tag,
    TagOfResource,
)
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreateRouteTableType")
class CreateRouteTable(Request):
    """It has the VPC's own route, and no subnet yet."""

    vpc_id: str = wire("vpcId")


@shape("RouteType")
class Route:
    """
    Where packets go that are for a network.

    An instance is a target by one of its network interfaces: since
    2011-12-01 both are told, and C{instance_id} is None if nobody has the
    interface.

    @ivar destination_cidr_block: that network; C{0.0.0.0/0} is all others.
    @ivar gateway_id: C{igw-…}, C{vgw-…}, or C{local}: within the VPC.
    @ivar state: C{active}, or C{blackhole}: its target is not there, or does
        not take them.
    @ivar origin: the operation that it came by: C{CreateRouteTable},
        C{CreateRoute} or C{EnableVgwRoutePropagation}.
    """

    destination_cidr_block: str = wire("destinationCidrBlock")
    gateway_id: str | None = wire(
        "gatewayId",
        required=False,
        choice="target",
        choice_until="2011-12-01",
        choice_required=False,
    )
    instance_id: str | None = wire(
        "instanceId",
        required=False,
        choice="target",
        choice_until="2011-12-01",
        choice_required=False,
    )
    instance_owner_id: str | None = wire("instanceOwnerId", since="2011-12-01")
    network_interface_id: str | None = wire("networkInterfaceId", since="2011-12-01")
    vpc_peering_connection_id: str | None = wire(
        "vpcPeeringConnectionId", since="2014-02-01"
    )
    state: str = wire("state")
    origin: str = wire("origin", since="2012-08-15")


@shape("RouteTableAssociationType")
class RouteTableAssociation:
    """
    Who follows a table: one of two.

    @ivar route_table_association_id: C{rtbassoc-} and hex digits.
    @ivar is_main: all subnets of the VPC that are not associated with any.
    """

    route_table_association_id: str = wire("routeTableAssociationId")
    route_table_id: str = wire("routeTableId")
    subnet_id: str | None = wire("subnetId", choice="who")
    is_main: bool | None = wire("main", choice="who")


@shape("RouteTableType")
class RouteTable:
    """
    @ivar route_table_id: C{rtb-} and hex digits.
    @ivar propagating_gateway_ids: virtual private gateways that put the
        routes they learn into it.
    @ivar early_tags: C{tags}, until 2011-12-01.
    """

    route_table_id: str = wire("routeTableId")
    vpc_id: str = wire("vpcId")
    routes: tuple[Route, ...] = wire("routeSet")
    associations: tuple[RouteTableAssociation, ...] = wire("associationSet")
    propagating_gateway_ids: tuple[str, ...] = wire(
        "propagatingVgwSet",
        leaf="gatewayId",
        item_type="PropagatingVgwType",
        since="2012-08-15",
    )
    early_tags: tuple[TagOfResource, ...] = wire(
        "tagSet", until="2011-12-01", required=False
    )
    tags: tuple[Tag, ...] = wire("tagSet", since="2011-12-01", required=False)


@shape("CreateRouteTableResponseType")
class CreateRouteTableResponse(Response):
    route_table: RouteTable = wire("routeTable")


@shape("DescribeRouteTablesType")
class DescribeRouteTables(Request):
    """@ivar route_table_ids: none: all of the user's."""

    route_table_ids: tuple[str, ...] = wire(
        "routeTableIdSet",
        query="RouteTableId",
        leaf="routeTableId",
        item_type="RouteTableIdSetItemType",
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)


@shape("DescribeRouteTablesResponseType")
class DescribeRouteTablesResponse(Response):
    route_tables: tuple[RouteTable, ...] = wire("routeTableSet")


@shape("DeleteRouteTableType")
class DeleteRouteTable(Request):
    """Refused while a subnet is associated with it, or if it is the main one."""

    route_table_id: str = wire("routeTableId")


@shape("DeleteRouteTableResponseType")
class DeleteRouteTableResponse(Acknowledgement):
    """It is gone, with its routes."""


# --- associations -----------------------------------------------------------


@shape("AssociateRouteTableType")
class AssociateRouteTable(Request):
    """Both are of the same VPC."""

    route_table_id: str = wire("routeTableId")
    subnet_id: str = wire("subnetId")


@shape("AssociateRouteTableResponseType")
class AssociateRouteTableResponse(Response):
    association_id: str = wire("associationId")


@shape("ReplaceRouteTableAssociationType")
class ReplaceRouteTableAssociation(Request):
    """
    @ivar association_id: of a subnet; or that of the main table, and another
        becomes it.
    @ivar route_table_id: the table to follow from now on.
    """

    association_id: str = wire("associationId")
    route_table_id: str = wire("routeTableId")


@shape("ReplaceRouteTableAssociationResponseType")
class ReplaceRouteTableAssociationResponse(Response):
    """@ivar new_association_id: the old one is gone."""

    new_association_id: str = wire("newAssociationId")


@shape("DisassociateRouteTableType")
class DisassociateRouteTable(Request):
    """@ivar association_id: not that of the main table."""

    association_id: str = wire("associationId")


@shape("DisassociateRouteTableResponseType")
class DisassociateRouteTableResponse(Acknowledgement):
    """The subnet follows the main table."""


OPERATIONS = (
    Operation(
        "CreateRouteTable",
        CreateRouteTable,
        CreateRouteTableResponse,
        since="2011-01-01",
    ),
    Operation(
        "DescribeRouteTables",
        DescribeRouteTables,
        DescribeRouteTablesResponse,
        since="2011-01-01",
    ),
    Operation(
        "DeleteRouteTable",
        DeleteRouteTable,
        DeleteRouteTableResponse,
        since="2011-01-01",
    ),
    Operation(
        "AssociateRouteTable",
        AssociateRouteTable,
        AssociateRouteTableResponse,
        since="2011-01-01",
    ),
    Operation(
        "ReplaceRouteTableAssociation",
        ReplaceRouteTableAssociation,
        ReplaceRouteTableAssociationResponse,
        since="2011-01-01",
    ),
    Operation(
        "DisassociateRouteTable",
        DisassociateRouteTable,
        DisassociateRouteTableResponse,
        since="2011-01-01",
    ),
)
