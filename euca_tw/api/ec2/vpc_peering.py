"""
VPC peering connections: two VPCs that route to each other.

The owner of one asks, the owner of the other accepts or rejects; either may
end it.  They may be the same user.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, shape, wire


@shape("VpcPeeringConnectionVpcInfoType")
class PeeringVpc:
    """One of the two VPCs."""

    owner_id: str = wire("ownerId")
    vpc_id: str = wire("vpcId")
    cidr_block: str = wire("cidrBlock")


@shape("VpcPeeringConnectionStateReasonType")
class PeeringStatus:
    """
    @ivar code: C{initiating-request}, C{pending-acceptance}, C{provisioning},
        C{active}; C{failed}, C{expired}, C{rejected} or C{deleted}.
    @ivar message: the same for people, and why.
    """

    code: str = wire("code")
    message: str | None = wire("message")


@shape("VpcPeeringConnectionType")
class VpcPeeringConnection:
    """
    @ivar vpc_peering_connection_id: C{pcx-} and hex digits.
    @ivar requester: the VPC whose owner asked.
    @ivar accepter: the other one.
    @ivar expiration_time: until when it may be accepted, UTC; None when
        there is nothing to accept.
    """

    vpc_peering_connection_id: str = wire("vpcPeeringConnectionId")
    requester: PeeringVpc = wire("requesterVpcInfo")
    accepter: PeeringVpc = wire("accepterVpcInfo")
    status: PeeringStatus = wire("status")
    expiration_time: datetime | None = wire("expirationTime")
    tags: tuple[Tag, ...] = wire("tagSet")


@shape("CreateVpcPeeringConnectionType")
class CreateVpcPeeringConnection(Request):
    """
    @ivar vpc_id: the caller's own VPC.
    @ivar peer_owner_id: of the other; the caller, if it is not said.
    """

    vpc_id: str = wire("vpcId")
    peer_vpc_id: str = wire("peerVpcId")
    peer_owner_id: str | None = wire("peerOwnerId")


@shape("CreateVpcPeeringConnectionResponseType")
class CreateVpcPeeringConnectionResponse(Response):
    """It waits for the other owner."""

    vpc_peering_connection: VpcPeeringConnection = wire("vpcPeeringConnection")


@shape("DescribeVpcPeeringConnectionsType")
class DescribeVpcPeeringConnections(Request):
    """@ivar vpc_peering_connection_ids: none: all, asked for by either side."""

    vpc_peering_connection_ids: tuple[str, ...] = wire(
        "vpcPeeringConnectionIdSet",
        query="VpcPeeringConnectionId",
        leaf="vpcPeeringConnectionId",
        item_type="VpcPeeringConnectionIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)


@shape("DescribeVpcPeeringConnectionsResponseType")
class DescribeVpcPeeringConnectionsResponse(Response):
    vpc_peering_connections: tuple[VpcPeeringConnection, ...] = wire(
        "vpcPeeringConnectionSet"
    )


@shape("AcceptVpcPeeringConnectionType")
class AcceptVpcPeeringConnection(Request):
    """The accepter's owner agrees."""

    vpc_peering_connection_id: str = wire("vpcPeeringConnectionId")


@shape("AcceptVpcPeeringConnectionResponseType")
class AcceptVpcPeeringConnectionResponse(Response):
    vpc_peering_connection: VpcPeeringConnection = wire("vpcPeeringConnection")


@shape("RejectVpcPeeringConnectionType")
class RejectVpcPeeringConnection(Request):
    """The accepter's owner does not agree."""

    vpc_peering_connection_id: str = wire("vpcPeeringConnectionId")


@shape("RejectVpcPeeringConnectionResponseType")
class RejectVpcPeeringConnectionResponse(Acknowledgement):
    """It is C{rejected}."""


@shape("DeleteVpcPeeringConnectionType")
class DeleteVpcPeeringConnection(Request):
    """Either owner ends it; its requester's may take a request back, too."""

    vpc_peering_connection_id: str = wire("vpcPeeringConnectionId")


@shape("DeleteVpcPeeringConnectionResponseType")
class DeleteVpcPeeringConnectionResponse(Acknowledgement):
    """It is C{deleted}."""


OPERATIONS = (
    Operation(
        "CreateVpcPeeringConnection",
        CreateVpcPeeringConnection,
        CreateVpcPeeringConnectionResponse,
        since="2014-02-01",
    ),
    Operation(
        "DescribeVpcPeeringConnections",
        DescribeVpcPeeringConnections,
        DescribeVpcPeeringConnectionsResponse,
        since="2014-02-01",
    ),
    Operation(
        "AcceptVpcPeeringConnection",
        AcceptVpcPeeringConnection,
        AcceptVpcPeeringConnectionResponse,
        since="2014-02-01",
    ),
    Operation(
        "RejectVpcPeeringConnection",
        RejectVpcPeeringConnection,
        RejectVpcPeeringConnectionResponse,
        since="2014-02-01",
    ),
    Operation(
        "DeleteVpcPeeringConnection",
        DeleteVpcPeeringConnection,
        DeleteVpcPeeringConnectionResponse,
        since="2014-02-01",
    ),
)
