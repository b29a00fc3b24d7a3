"""
DHCP options: what the instances of a VPC are told of their network.

A set of options never changes: who wants others makes another set, and
associates the VPC with that.  A VPC has one set, or none; a set may have
many VPCs.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, shape, wire


@shape("DhcpConfigurationItemType", list_type="DhcpConfigurationItemSetType")
class DhcpConfiguration:
    """
    One option, and its values.

    @ivar key: C{domain-name}, C{domain-name-servers}, C{ntp-servers},
        C{netbios-name-servers} or C{netbios-node-type}.
    @ivar values: of servers, their addresses, or C{AmazonProvidedDNS}: the
        cloud's own name server.
    """

    key: str = wire("key")
    values: tuple[str, ...] = wire(
        "valueSet", query="Value", leaf="value", item_type="DhcpValueType"
    )


@shape("CreateDhcpOptionsType")
class CreateDhcpOptions(Request):
    configurations: tuple[DhcpConfiguration, ...] = wire(
        "dhcpConfigurationSet", query="DhcpConfiguration"
    )


@shape("DhcpOptionsType")
class DhcpOptions:
    """
    A set of options.

    @ivar dhcp_options_id: C{dopt-} and hex digits.
    """

    dhcp_options_id: str = wire("dhcpOptionsId")
    configurations: tuple[DhcpConfiguration, ...] = wire("dhcpConfigurationSet")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)


@shape("CreateDhcpOptionsResponseType")
class CreateDhcpOptionsResponse(Response):
    dhcp_options: DhcpOptions = wire("dhcpOptions")


@shape("DescribeDhcpOptionsType")
class DescribeDhcpOptions(Request):
    """@ivar dhcp_options_ids: none: all of the user's."""

    dhcp_options_ids: tuple[str, ...] = wire(
        "dhcpOptionsSet",
        query="DhcpOptionsId",
        leaf="dhcpOptionsId",
        item_type="DhcpOptionsIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )


@shape("DescribeDhcpOptionsResponseType")
class DescribeDhcpOptionsResponse(Response):
    dhcp_options: tuple[DhcpOptions, ...] = wire("dhcpOptionsSet")


@shape("AssociateDhcpOptionsType")
class AssociateDhcpOptions(Request):
    """@ivar dhcp_options_id: C{default}: none from now on."""

    dhcp_options_id: str = wire("dhcpOptionsId")
    vpc_id: str = wire("vpcId")


@shape("AssociateDhcpOptionsResponseType")
class AssociateDhcpOptionsResponse(Acknowledgement):
    """Instances hear of it when they renew their leases."""


@shape("DeleteDhcpOptionsType")
class DeleteDhcpOptions(Request):
    """Refused while a VPC is associated with it."""

    dhcp_options_id: str = wire("dhcpOptionsId")


@shape("DeleteDhcpOptionsResponseType")
class DeleteDhcpOptionsResponse(Acknowledgement):
    """It is gone."""


OPERATIONS = (
    Operation(
        "CreateDhcpOptions",
        CreateDhcpOptions,
        CreateDhcpOptionsResponse,
        since="2009-07-15",
    ),
    Operation(
        "DescribeDhcpOptions",
        DescribeDhcpOptions,
        DescribeDhcpOptionsResponse,
        since="2009-07-15",
    ),
    Operation(
        "AssociateDhcpOptions",
        AssociateDhcpOptions,
        AssociateDhcpOptionsResponse,
        since="2009-07-15",
    ),
    Operation(
        "DeleteDhcpOptions",
        DeleteDhcpOptions,
        DeleteDhcpOptionsResponse,
        since="2009-07-15",
    ),
)
