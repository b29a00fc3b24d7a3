"""
VPN connections: between a VPN gateway of the cloud and a customer gateway,
through two tunnels; and the static routes through them.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, members, shape, wire

# --- what a VPN connection is -----------------------------------------------


@shape("VpnConnectionOptionsRequestType")
class VpnConnectionOptionsWanted:
    """@ivar has_static_routes_only: if not, or not said, BGP tells the routes."""

    has_static_routes_only: bool | None = wire("staticRoutesOnly")


@shape("VpnConnectionOptionsResponseType")
class VpnConnectionOptions:
    has_static_routes_only: bool | None = wire("staticRoutesOnly")


@shape("VpnTunnelTelemetryType", list_type="VgwTelemetryType")
class TunnelTelemetry:
    """
    How one of the tunnels does.

    @ivar outside_ip_address: of its end at the VPN gateway.
    @ivar status: C{UP} or C{DOWN}.
    @ivar last_status_change: UTC.
    @ivar status_message: what is wrong, for people.
    @ivar accepted_route_count: how many routes BGP has learned through it.
    """

    outside_ip_address: str = wire("outsideIpAddress")
    status: str = wire("status")
    last_status_change: datetime = wire("lastStatusChange")
    status_message: str | None = wire("statusMessage")
    accepted_route_count: int = wire("acceptedRouteCount")


@shape("VpnStaticRouteType", list_type="VpnStaticRoutesSetType")
class VpnStaticRoute:
    """
    @ivar destination_cidr_block: a network behind the customer gateway.
    @ivar source: who made it: C{Static}, which is the user.
    @ivar state: C{pending}, C{available}, C{deleting} or C{deleted}.
    """

    destination_cidr_block: str = wire("destinationCidrBlock")
    source: str = wire("source")
    state: str = wire("state")


@shape("VpnConnectionType")
class VpnConnection:
    """
    @ivar vpn_connection_id: C{vpn-} and hex digits.
    @ivar state: C{pending}, C{available}, C{deleting} or C{deleted}.
    @ivar customer_gateway_configuration: all that the customer gateway must be
        set up with, the keys too; XML, as text.  None once it is being deleted.
    """

    vpn_connection_id: str = wire("vpnConnectionId")
    state: str = wire("state")
    customer_gateway_configuration: str | None = wire("customerGatewayConfiguration")
    type: str | None = wire("type")
    customer_gateway_id: str = wire("customerGatewayId")
    vpn_gateway_id: str = wire("vpnGatewayId")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)
    telemetry: tuple[TunnelTelemetry, ...] = wire(
        "vgwTelemetry", since="2011-11-01", required=False
    )
    options: VpnConnectionOptions | None = wire("options", since="2012-08-15")
    routes: tuple[VpnStaticRoute, ...] = wire(
        "routes", since="2012-08-15", required=False
    )


# --- VPN connections --------------------------------------------------------


@shape("CreateVpnConnectionType")
class CreateVpnConnection(Request):
    """@ivar type: C{ipsec.1}, as both gateways are."""

    type: str = wire("type")
    customer_gateway_id: str = wire("customerGatewayId")
    vpn_gateway_id: str = wire("vpnGatewayId")
    options: VpnConnectionOptionsWanted | None = wire("options", since="2012-08-15")


@shape("CreateVpnConnectionResponseType")
class CreateVpnConnectionResponse(Response):
    vpn_connection: VpnConnection = wire("vpnConnection")


@shape("DescribeVpnConnectionsType")
class DescribeVpnConnections(Request):
    """@ivar vpn_connection_ids: none: all of the user's."""

    vpn_connection_ids: tuple[str, ...] = wire(
        "vpnConnectionSet",
        query="VpnConnectionId",
        leaf="vpnConnectionId",
        item_type="VpnConnectionIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)


@shape("DescribeVpnConnectionsResponseType")
class DescribeVpnConnectionsResponse(Response):
    vpn_connections: tuple[VpnConnection, ...] = wire("vpnConnectionSet")


@shape("DeleteVpnConnectionType")
class DeleteVpnConnection(Request):
    vpn_connection_id: str = wire("vpnConnectionId")


@shape("DeleteVpnConnectionResponseType")
class DeleteVpnConnectionResponse(Acknowledgement):
    """It will be C{deleted}; both gateways stay."""


# --- their static routes ----------------------------------------------------


@members
class RouteOfConnection(Request):
    """@ivar destination_cidr_block: a network behind the customer gateway."""

    vpn_connection_id: str = wire("vpnConnectionId")
    destination_cidr_block: str = wire("destinationCidrBlock")


@shape("CreateVpnConnectionRouteType")
class CreateVpnConnectionRoute(RouteOfConnection):
    """Send what is for that network through the connection."""


@shape("CreateVpnConnectionRouteResponseType")
class CreateVpnConnectionRouteResponse(Acknowledgement):
    """It will be C{available}."""


@shape("DeleteVpnConnectionRouteType")
class DeleteVpnConnectionRoute(RouteOfConnection):
    """Send it there no more."""


@shape("DeleteVpnConnectionRouteResponseType")
class DeleteVpnConnectionRouteResponse(Acknowledgement):
    """It will be C{deleted}."""


OPERATIONS = (
    Operation(
        "CreateVpnConnection",
        CreateVpnConnection,
        CreateVpnConnectionResponse,
        since="2009-07-15",
    ),
    Operation(
        "DescribeVpnConnections",
        DescribeVpnConnections,
        DescribeVpnConnectionsResponse,
        since="2009-07-15",
    ),
    Operation(
        "DeleteVpnConnection",
        DeleteVpnConnection,
        DeleteVpnConnectionResponse,
        since="2009-07-15",
    ),
    Operation(
        "CreateVpnConnectionRoute",
        CreateVpnConnectionRoute,
        CreateVpnConnectionRouteResponse,
        since="2012-08-15",
    ),
    Operation(
        "DeleteVpnConnectionRoute",
        DeleteVpnConnectionRoute,
        DeleteVpnConnectionRouteResponse,
        since="2012-08-15",
    ),
)
