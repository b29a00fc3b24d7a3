"""
Subnets: the parts of a VPC, each in one availability zone.

Instances are launched in a subnet, and have their private addresses from it.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import (
    Acknowledgement,
    BooleanAttributeValue,
    Filter,
    Request,
    Response,
    Tag,
    TagSpecification,
)
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreateSubnetType")
class CreateSubnet(Request):
    """
    @ivar cidr_block: part of the VPC's, or all of it; no other subnet's.
    @ivar availability_zone: None: the cloud chooses.
    """

    vpc_id: str = wire("vpcId")
    cidr_block: str = wire("cidrBlock")
    availability_zone: str | None = wire("availabilityZone")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("SubnetType")
class Subnet:
    """
    @ivar subnet_id: C{subnet-} and hex digits.
    @ivar state: C{pending} or C{available}.
    @ivar available_ip_address_count: how many addresses can still be given.
    @ivar is_default_for_az: where the user's instances go when only its zone
        is said.
    @ivar map_public_ip_on_launch: its instances get a public address, too.
    """

    subnet_id: str = wire("subnetId")
    state: str | None = wire("state")
    vpc_id: str | None = wire("vpcId")
    cidr_block: str | None = wire("cidrBlock")
    available_ip_address_count: int | None = wire("availableIpAddressCount")
    availability_zone: str | None = wire("availabilityZone")
    is_default_for_az: bool | None = wire("defaultForAz", since="2012-12-01")
    map_public_ip_on_launch: bool | None = wire(
        "mapPublicIpOnLaunch", since="2012-12-01"
    )
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)
    availability_zone_id: str | None = wire("availabilityZoneId", since="2016-11-15")
    owner_id: str | None = wire("ownerId", since="2016-11-15")


@shape("CreateSubnetResponseType")
class CreateSubnetResponse(Response):
    subnet: Subnet = wire("subnet")


@shape("DescribeSubnetsType")
class DescribeSubnets(Request):
    """@ivar subnet_ids: none: all of the user's."""

    subnet_ids: tuple[str, ...] = wire(
        "subnetSet",
        query="SubnetId",
        leaf="subnetId",
        item_type="SubnetIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)
    max_results: int | None = wire("maxResults", since="2016-11-15")
    next_token: str | None = wire("nextToken", since="2016-11-15")


@shape("DescribeSubnetsResponseType")
class DescribeSubnetsResponse(Response):
    subnets: tuple[Subnet, ...] = wire("subnetSet")
    next_token: str | None = wire("nextToken", since="2016-11-15")


@shape("ModifySubnetAttributeType")
class ModifySubnetAttribute(Request):
    """
    @ivar map_public_ip_on_launch: for instances launched from now on, unless
        their launch says otherwise.
    """

    subnet_id: str = wire("subnetId")
    map_public_ip_on_launch: BooleanAttributeValue | None = wire(
        "mapPublicIpOnLaunch", choice="attribute"
    )


@shape("ModifySubnetAttributeResponseType")
class ModifySubnetAttributeResponse(Acknowledgement):
    """It is changed."""


@shape("DeleteSubnetType")
class DeleteSubnet(Request):
    """Refused while an instance, or a network interface, is in it."""

    subnet_id: str = wire("subnetId")


@shape("DeleteSubnetResponseType")
class DeleteSubnetResponse(Acknowledgement):
    """It is gone; its addresses can be another subnet's."""


OPERATIONS = (
    Operation("CreateSubnet", CreateSubnet, CreateSubnetResponse, since="2009-07-15"),
    Operation(
        "DescribeSubnets",
        DescribeSubnets,
        DescribeSubnetsResponse,
        since="2009-07-15",
    ),
    Operation(
        "ModifySubnetAttribute",
        ModifySubnetAttribute,
        ModifySubnetAttributeResponse,
        since="2014-06-15",
    ),
    Operation("DeleteSubnet", DeleteSubnet, DeleteSubnetResponse, since="2009-07-15"),
)
