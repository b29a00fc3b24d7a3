"""
Virtual private clouds: networks of a user's own, apart from all others.

A VPC is one range of private addresses; its subnets are cut out of it.  It
comes with a main route table, a network ACL, and a security group called
C{default}.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    Request,
    Response,
    Tag,
    TagSpecification,
)
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreateVpcType")
class CreateVpc(Request):
    """
    @ivar cidr_block: its addresses, C{10.0.0.0/16}: from a /16 to a /28.
    @ivar instance_tenancy: C{default}, if it is not said, or C{dedicated}:
        whatever is launched in it shares its host with no other user.
    """

    cidr_block: str = wire("cidrBlock")
    instance_tenancy: str | None = wire("instanceTenancy", since="2011-02-28")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("VpcType")
class Vpc:
    """
    @ivar vpc_id: C{vpc-} and hex digits.
    @ivar state: C{pending} or C{available}.
    @ivar dhcp_options_id: what its instances are told by DHCP; C{default}:
        no options of the user's.
    @ivar instance_tenancy: C{default} or C{dedicated}.
    @ivar is_default: where the user's instances go when no subnet is said.
    """

    vpc_id: str = wire("vpcId")
    state: str | None = wire("state")
    cidr_block: str | None = wire("cidrBlock")
    dhcp_options_id: str | None = wire("dhcpOptionsId")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)
    instance_tenancy: str | None = wire("instanceTenancy", since="2011-02-28")
    is_default: bool | None = wire("isDefault", since="2012-12-01")
    owner_id: str | None = wire("ownerId", since="2016-11-15")


@shape("CreateVpcResponseType")
class CreateVpcResponse(Response):
    vpc: Vpc = wire("vpc")


@shape("DescribeVpcsType")
class DescribeVpcs(Request):
    """@ivar vpc_ids: none: all of the user's."""

    vpc_ids: tuple[str, ...] = wire(
        "vpcSet",
        query="VpcId",
        leaf="vpcId",
        item_type="VpcIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)
    max_results: int | None = wire("maxResults", since="2016-11-15")
    next_token: str | None = wire("nextToken", since="2016-11-15")


@shape("DescribeVpcsResponseType")
class DescribeVpcsResponse(Response):
    vpcs: tuple[Vpc, ...] = wire("vpcSet")
    next_token: str | None = wire("nextToken", since="2016-11-15")


@shape("DeleteVpcType")
class DeleteVpc(Request):
    """Refused while anything is in it that it did not come with."""

    vpc_id: str = wire("vpcId")


@shape("DeleteVpcResponseType")
class DeleteVpcResponse(Acknowledgement):
    """It is gone, and what it came with."""


OPERATIONS = (
    Operation("CreateVpc", CreateVpc, CreateVpcResponse, since="2009-07-15"),
    Operation("DescribeVpcs", DescribeVpcs, DescribeVpcsResponse, since="2009-07-15"),
    Operation("DeleteVpc", DeleteVpc, DeleteVpcResponse, since="2009-07-15"),
)
