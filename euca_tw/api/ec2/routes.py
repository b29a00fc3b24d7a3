"""
Routes: what is put into a route table, and taken out of it.

Users say routes one by one; a virtual private gateway propagates those that
it learns from its VPN connections.  What a table's routes are is told by
L{euca_tw.api.ec2.route_tables}.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Acknowledgement, Request
from euca_tw.api.shapes import Operation, members, shape, wire


@members
class RouteWanted(Request):
    """
    A network, and exactly one target.

    @ivar destination_cidr_block: names the route: a table has one for each.
    @ivar gateway_id: an internet gateway or a virtual private gateway.
    @ivar instance_id: with one network interface; one that has more is said
        by C{network_interface_id}.
    """

    route_table_id: str = wire("routeTableId")
    destination_cidr_block: str = wire("destinationCidrBlock")
    gateway_id: str | None = wire("gatewayId", choice="target")
    instance_id: str | None = wire("instanceId", choice="target")
    network_interface_id: str | None = wire(
        "networkInterfaceId", since="2011-12-01", choice="target"
    )
    vpc_peering_connection_id: str | None = wire(
        "vpcPeeringConnectionId", since="2014-02-01", choice="target"
    )


@shape("CreateRouteType")
class CreateRoute(RouteWanted):
    """A route to a network that the table has none to."""


@shape("CreateRouteResponseType")
class CreateRouteResponse(Acknowledgement):
    """It holds."""


@shape("ReplaceRouteType")
class ReplaceRoute(RouteWanted):
    """Another target for a route that is there."""


@shape("ReplaceRouteResponseType")
class ReplaceRouteResponse(Acknowledgement):
    """The new target holds."""


@shape("DeleteRouteType")
class DeleteRoute(Request):
    route_table_id: str = wire("routeTableId")
    destination_cidr_block: str = wire("destinationCidrBlock")


@shape("DeleteRouteResponseType")
class DeleteRouteResponse(Acknowledgement):
    """It is gone."""


# --- propagation ------------------------------------------------------------


@members
class VgwRoutePropagation(Request):
    """@ivar gateway_id: a virtual private gateway, attached to the VPC."""

    route_table_id: str = wire("routeTableId")
    gateway_id: str = wire("gatewayId")


@shape("EnableVgwRoutePropagationRequestType")
class EnableVgwRoutePropagation(VgwRoutePropagation):
    """The gateway may put its routes into the table."""


@shape("EnableVgwRoutePropagationResponseType")
class EnableVgwRoutePropagationResponse(Acknowledgement):
    """It does from now on."""


@shape("DisableVgwRoutePropagationRequestType")
class DisableVgwRoutePropagation(VgwRoutePropagation):
    """It may no more."""


@shape("DisableVgwRoutePropagationResponseType")
class DisableVgwRoutePropagationResponse(Acknowledgement):
    """The routes that it put there are gone."""


OPERATIONS = (
    Operation("CreateRoute", CreateRoute, CreateRouteResponse, since="2011-01-01"),
    Operation("ReplaceRoute", ReplaceRoute, ReplaceRouteResponse, since="2011-01-01"),
    Operation("DeleteRoute", DeleteRoute, DeleteRouteResponse, since="2011-01-01"),
    Operation(
        "EnableVgwRoutePropagation",
        EnableVgwRoutePropagation,
        EnableVgwRoutePropagationResponse,
        since="2012-08-15",
    ),
    Operation(
        "DisableVgwRoutePropagation",
        DisableVgwRoutePropagation,
        DisableVgwRoutePropagationResponse,
        since="2012-08-15",
    ),
)
