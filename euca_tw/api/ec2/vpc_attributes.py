"""
Attributes of VPCs: how names are resolved in them.

One date, 2012-12-01, told and took both attributes together, as plain
booleans; since then each is asked for, and changed, by itself.
"""

from __future__ import annotations

from euca_tw.api.ec2.attribute_forms import naming
from euca_tw.api.ec2.common import (
    Acknowledgement,
    BooleanAttributeValue,
    Request,
    Response,
)
from euca_tw.api.shapes import Empty, Operation, members, shape, wire


@members
class VpcAttribute:
    """
    A VPC, and exactly one of its attributes.

    @ivar enable_dns_support: the cloud's name server answers its instances.
    @ivar enable_dns_hostnames: instances with public addresses get names for
        them; of no effect without C{enable_dns_support}.
    """

    vpc_id: str = wire("vpcId")
    enable_dns_support: BooleanAttributeValue | None = wire(
        "enableDnsSupport", choice="attribute"
    )
    enable_dns_hostnames: BooleanAttributeValue | None = wire(
        "enableDnsHostnames", choice="attribute"
    )


@shape("DescribeVpcAttributeType")
class DescribeVpcAttribute(Request):
    """Exactly one of the attributes is there, and is asked for."""

    vpc_id: str = wire("vpcId")
    enable_dns_support: Empty | None = wire("enableDnsSupport", choice="attribute")
    enable_dns_hostnames: Empty | None = wire("enableDnsHostnames", choice="attribute")


@shape("DescribeVpcAttributeResponseType")
class DescribeVpcAttributeResponse(VpcAttribute, Response):
    """The attribute that was asked for."""


@shape("DescribeVpcAttributeForm")
class DescribeVpcAttributeForm(Request):
    """
    How Query asks for an attribute.

    @ivar attribute: C{enableDnsSupport} or C{enableDnsHostnames}.
    """

    vpc_id: str = wire("vpcId")
    attribute: str = wire("attribute")

    def request(self) -> DescribeVpcAttribute:
        """
        @raise InvalidParameterValue: there is no such attribute.
        """
        return naming(
            DescribeVpcAttribute,
            self.attribute,
            is_dry_run=self.is_dry_run,
            vpc_id=self.vpc_id,
        )


@shape("ModifyVpcAttributeType")
class ModifyVpcAttribute(VpcAttribute, Request):
    """The attribute's new value."""


@shape("ModifyVpcAttributeResponseType")
class ModifyVpcAttributeResponse(Acknowledgement):
    """It is changed."""


# --- of 2012-12-01 alone ----------------------------------------------------


@shape("DescribeVpcAttributesType")
class DescribeVpcAttributes(Request):
    vpc_id: str = wire("vpcId")


@shape("DescribeVpcAttributesResponseType")
class DescribeVpcAttributesResponse(Response):
    vpc_id: str = wire("vpcId")
    enable_dns_support: bool = wire("enableDnsSupport")
    enable_dns_hostnames: bool = wire("enableDnsHostnames")


@shape("ModifyVpcAttributesType")
class ModifyVpcAttributes(Request):
    """What is None stays as it is."""

    vpc_id: str = wire("vpcId")
    enable_dns_support: bool | None = wire("enableDnsSupport")
    enable_dns_hostnames: bool | None = wire("enableDnsHostnames")


@shape("ModifyVpcAttributesResponseType")
class ModifyVpcAttributesResponse(Acknowledgement):
    """They are changed."""


OPERATIONS = (
    Operation(
        "DescribeVpcAttribute",
        DescribeVpcAttribute,
        DescribeVpcAttributeResponse,
        since="2013-02-01",
        query_form=DescribeVpcAttributeForm,
    ),
    Operation(
        "DescribeVpcAttributes",
        DescribeVpcAttributes,
        DescribeVpcAttributesResponse,
        since="2012-12-01",
        until="2013-02-01",
    ),
    Operation(
        "ModifyVpcAttribute",
        ModifyVpcAttribute,
        ModifyVpcAttributeResponse,
        since="2013-02-01",
    ),
    Operation(
        "ModifyVpcAttributes",
        ModifyVpcAttributes,
        ModifyVpcAttributesResponse,
        since="2012-12-01",
        until="2013-02-01",
    ),
)
