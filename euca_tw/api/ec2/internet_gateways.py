"""
Internet gateways: the doors between a VPC and the Internet.

A gateway is attached to one VPC at a time, and a VPC has one at most.  Only
subnets whose routes lead to it are reached through it.
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
from euca_tw.api.shapes import Operation, members, shape, wire


@shape("CreateInternetGatewayType")
class CreateInternetGateway(Request):
    """It is attached to nothing yet."""


@shape("InternetGatewayAttachmentType")
class InternetGatewayAttachment:
    """@ivar state: C{attaching}, C{available}, C{detaching}, C{detached}."""

    vpc_id: str = wire("vpcId")
    state: str = wire("state")


@shape("InternetGatewayType")
class InternetGateway:
    """
    @ivar internet_gateway_id: C{igw-} and hex digits.
    @ivar attachments: one, or none.
    @ivar early_tags: C{tags}, until 2011-12-01.
    """

    internet_gateway_id: str = wire("internetGatewayId")
    attachments: tuple[InternetGatewayAttachment, ...] = wire("attachmentSet")
    early_tags: tuple[TagOfResource, ...] = wire(
        "tagSet", until="2011-12-01", required=False
    )
    tags: tuple[Tag, ...] = wire("tagSet", since="2011-12-01", required=False)


@shape("CreateInternetGatewayResponseType")
class CreateInternetGatewayResponse(Response):
    internet_gateway: InternetGateway = wire("internetGateway")


@shape("DescribeInternetGatewaysType")
class DescribeInternetGateways(Request):
    """@ivar internet_gateway_ids: none: all of the user's."""

    internet_gateway_ids: tuple[str, ...] = wire(
        "internetGatewayIdSet",
        query="InternetGatewayId",
        leaf="internetGatewayId",
        item_type="InternetGatewayIdSetItemType",
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)


@shape("DescribeInternetGatewaysResponseType")
class DescribeInternetGatewaysResponse(Response):
    internet_gateways: tuple[InternetGateway, ...] = wire("internetGatewaySet")


@members
class GatewayAndVpc(Request):
    internet_gateway_id: str = wire("internetGatewayId")
    vpc_id: str = wire("vpcId")


@shape("AttachInternetGatewayType")
class AttachInternetGateway(GatewayAndVpc):
    """Routes may lead to it from now on."""


@shape("AttachInternetGatewayResponseType")
class AttachInternetGatewayResponse(Acknowledgement):
    """It is attached."""


@shape("DetachInternetGatewayType")
class DetachInternetGateway(GatewayAndVpc):
    """Refused while a running instance of the VPC has an elastic address."""


@shape("DetachInternetGatewayResponseType")
class DetachInternetGatewayResponse(Acknowledgement):
    """It is detached; routes that lead to it lead nowhere."""


@shape("DeleteInternetGatewayType")
class DeleteInternetGateway(Request):
    """Refused while it is attached."""

    internet_gateway_id: str = wire("internetGatewayId")


@shape("DeleteInternetGatewayResponseType")
class DeleteInternetGatewayResponse(Acknowledgement):
    """It is gone."""


OPERATIONS = (
    Operation(
        "CreateInternetGateway",
        CreateInternetGateway,
        CreateInternetGatewayResponse,
        since="2011-01-01",
    ),
    Operation(
        "DescribeInternetGateways",
        DescribeInternetGateways,
        DescribeInternetGatewaysResponse,
        since="2011-01-01",
    ),
    Operation(
        "AttachInternetGateway",
        AttachInternetGateway,
        AttachInternetGatewayResponse,
        since="2011-01-01",
    ),
    Operation(
        "DetachInternetGateway",
        DetachInternetGateway,
        DetachInternetGatewayResponse,
        since="2011-01-01",
    ),
    Operation(
        "DeleteInternetGateway",
        DeleteInternetGateway,
        DeleteInternetGatewayResponse,
        since="2011-01-01",
    ),
)
