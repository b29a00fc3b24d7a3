"""
VPN gateways: the cloud's ends of VPN connections.  A VPC has at most one.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, members, shape, wire


@shape("CreateVpnGatewayType")
class CreateVpnGateway(Request):
    """
    @ivar type: of its VPN connections: C{ipsec.1}.
    @ivar availability_zone: where it is to be; None: the cloud chooses.
    """

    type: str = wire("type")
    availability_zone: str | None = wire("availabilityZone")


@shape("AttachmentType")
class VpnGatewayAttachment:
    """@ivar state: C{attaching}, C{attached}, C{detaching} or C{detached}."""

    vpc_id: str = wire("vpcId")
    state: str = wire("state")


@shape("VpnGatewayType")
class VpnGateway:
    """
    @ivar vpn_gateway_id: C{vgw-} and hex digits.
    @ivar state: C{pending}, C{available}, C{deleting} or C{deleted}.
    @ivar attachments: the VPCs that it serves, or served; one of them at most is
        C{attached}.
    """

    vpn_gateway_id: str = wire("vpnGatewayId")
    state: str = wire("state")
    type: str = wire("type")
    availability_zone: str | None = wire(
        "availabilityZone", required=((None, "2011-01-01"),)
    )
    attachments: tuple[VpnGatewayAttachment, ...] = wire("attachments")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)


@shape("CreateVpnGatewayResponseType")
class CreateVpnGatewayResponse(Response):
    vpn_gateway: VpnGateway = wire("vpnGateway")


@shape("DescribeVpnGatewaysType")
class DescribeVpnGateways(Request):
    """@ivar vpn_gateway_ids: none: all of the user's."""

    vpn_gateway_ids: tuple[str, ...] = wire(
        "vpnGatewaySet",
        query="VpnGatewayId",
        leaf="vpnGatewayId",
        item_type="VpnGatewayIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)


@shape("DescribeVpnGatewaysResponseType")
class DescribeVpnGatewaysResponse(Response):
    vpn_gateways: tuple[VpnGateway, ...] = wire("vpnGatewaySet")


@members
class GatewayAndVpc(Request):
    vpn_gateway_id: str = wire("vpnGatewayId")
    vpc_id: str = wire("vpcId")


@shape("AttachVpnGatewayType")
class AttachVpnGateway(GatewayAndVpc):
    """Let the gateway's VPN connections reach the VPC."""


@shape("AttachVpnGatewayResponseType")
class AttachVpnGatewayResponse(Response):
    attachment: VpnGatewayAttachment = wire("attachment")


@shape("DetachVpnGatewayType")
class DetachVpnGateway(GatewayAndVpc):
    """They reach it no more."""


@shape("DetachVpnGatewayResponseType")
class DetachVpnGatewayResponse(Acknowledgement):
    """It will be C{detached}."""


@shape("DeleteVpnGatewayType")
class DeleteVpnGateway(Request):
    """One that serves no VPC, and that no VPN connection ends at."""

    vpn_gateway_id: str = wire("vpnGatewayId")


@shape("DeleteVpnGatewayResponseType")
class DeleteVpnGatewayResponse(Acknowledgement):
    """It will be C{deleted}."""


OPERATIONS = (
    Operation(
        "CreateVpnGateway",
        CreateVpnGateway,
        CreateVpnGatewayResponse,
        since="2009-07-15",
    ),
    Operation(
        "DescribeVpnGateways",
        DescribeVpnGateways,
        DescribeVpnGatewaysResponse,
        since="2009-07-15",
    ),
    Operation(
        "AttachVpnGateway",
        AttachVpnGateway,
        AttachVpnGatewayResponse,
        since="2009-07-15",
    ),
    Operation(
        "DetachVpnGateway",
        DetachVpnGateway,
        DetachVpnGatewayResponse,
        since="2009-07-15",
    ),
    Operation(
        "DeleteVpnGateway",
        DeleteVpnGateway,
        DeleteVpnGatewayResponse,
        since="2009-07-15",
    ),
)
