"""
Network ACLs: numbered rules for what enters and leaves the subnets of a VPC.

Every subnet has exactly one, at first its VPC's default.  Unlike a security
group it keeps no state: answers pass by rules of their own.
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

# --- what a network ACL is --------------------------------------------------


@shape("IcmpTypeCodeType")
class IcmpTypeCode:
    """In each, -1 is all."""

    code: int = wire("code")
    type: int = wire("type")


@shape("PortRangeType")
class PortRange:
    """Both ends are in it."""

    from_port: int = wire("from")
    to_port: int = wire("to")


@members
class NetworkAclRule:
    """
    What to do with some of the traffic of a subnet.

    @ivar rule_number: 1 to 32766.  Of the rules that fit, the lowest decides.
    @ivar protocol: its number (C{6} is TCP); C{-1} for all.
    @ivar rule_action: C{allow} or C{deny}.
    @ivar is_egress: it is for what leaves; else for what enters.  Each way has
        its own numbers.
    @ivar cidr_block: whom the traffic is with: C{192.0.2.0/24}.
    @ivar icmp_type_code: for ICMP.
    @ivar port_range: for TCP and UDP: the ports it is sent to.
    """

    rule_number: int = wire("ruleNumber")
    protocol: str = wire("protocol")
    rule_action: str = wire("ruleAction")
    is_egress: bool = wire("egress")
    cidr_block: str = wire("cidrBlock")
    icmp_type_code: IcmpTypeCode | None = wire("icmpTypeCode", query="Icmp")
    port_range: PortRange | None = wire("portRange")


@shape("NetworkAclEntryType")
class NetworkAclEntry(NetworkAclRule):
    """
    A rule as it stands.  The last one of each way is nobody's to change: it
    has the number 32767, and denies the rest.
    """


@shape("NetworkAclAssociationType")
class NetworkAclAssociation:
    """@ivar network_acl_association_id: C{aclassoc-} and hex digits."""

    network_acl_association_id: str = wire("networkAclAssociationId")
    network_acl_id: str = wire("networkAclId")
    subnet_id: str = wire("subnetId")


@shape("NetworkAclType")
class NetworkAcl:
    """
    @ivar network_acl_id: C{acl-} and hex digits.
    @ivar is_default: new subnets of the VPC get it.
    @ivar associations: the subnets that have it.
    @ivar early_tags: C{tags}, until 2011-12-01.
    """

    network_acl_id: str = wire("networkAclId")
    vpc_id: str = wire("vpcId")
    is_default: bool = wire("default")
    entries: tuple[NetworkAclEntry, ...] = wire("entrySet")
    associations: tuple[NetworkAclAssociation, ...] = wire("associationSet")
    early_tags: tuple[TagOfResource, ...] = wire(
        "tagSet", until="2011-12-01", required=False
    )
    tags: tuple[Tag, ...] = wire("tagSet", since="2011-12-01", required=False)


# --- network ACLs -----------------------------------------------------------


@shape("CreateNetworkAclType")
class CreateNetworkAcl(Request):
    vpc_id: str = wire("vpcId")


@shape("CreateNetworkAclResponseType")
class CreateNetworkAclResponse(Response):
    """It lets nothing through, until there are rules."""

    network_acl: NetworkAcl = wire("networkAcl")


@shape("DescribeNetworkAclsType")
class DescribeNetworkAcls(Request):
    """@ivar network_acl_ids: none: all of the user's."""

    network_acl_ids: tuple[str, ...] = wire(
        "networkAclIdSet",
        query="NetworkAclId",
        leaf="networkAclId",
        item_type="NetworkAclIdSetItemType",
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)


@shape("DescribeNetworkAclsResponseType")
class DescribeNetworkAclsResponse(Response):
    network_acls: tuple[NetworkAcl, ...] = wire("networkAclSet")


@shape("DeleteNetworkAclType")
class DeleteNetworkAcl(Request):
    """One that no subnet has, and that is not the default."""

    network_acl_id: str = wire("networkAclId")


@shape("DeleteNetworkAclResponseType")
class DeleteNetworkAclResponse(Acknowledgement):
    """It is gone, with its rules."""


@shape("ReplaceNetworkAclAssociationType")
class ReplaceNetworkAclAssociation(Request):
    """
    Give a subnet another network ACL.

    @ivar association_id: of the subnet with the one it has.
    @ivar network_acl_id: the one it gets.
    """

    association_id: str = wire("associationId")
    network_acl_id: str = wire("networkAclId")


@shape("ReplaceNetworkAclAssociationResponseType")
class ReplaceNetworkAclAssociationResponse(Response):
    new_association_id: str = wire("newAssociationId")


# --- their rules ------------------------------------------------------------


@members
class EntryRequest(Request):
    network_acl_id: str = wire("networkAclId")


@shape("CreateNetworkAclEntryType")
class CreateNetworkAclEntry(NetworkAclRule, EntryRequest):
    """Add a rule, under a number that is free."""


@shape("CreateNetworkAclEntryResponseType")
class CreateNetworkAclEntryResponse(Acknowledgement):
    """It holds."""


@shape("ReplaceNetworkAclEntryType")
class ReplaceNetworkAclEntry(NetworkAclRule, EntryRequest):
    """Put a rule in the place of the one with its number."""


@shape("ReplaceNetworkAclEntryResponseType")
class ReplaceNetworkAclEntryResponse(Acknowledgement):
    """It holds, and the old one does not."""


@shape("DeleteNetworkAclEntryType")
class DeleteNetworkAclEntry(EntryRequest):
    """@ivar is_egress: which of the two rules with that number."""

    rule_number: int = wire("ruleNumber")
    is_egress: bool = wire("egress")


@shape("DeleteNetworkAclEntryResponseType")
class DeleteNetworkAclEntryResponse(Acknowledgement):
    """It holds no more."""


OPERATIONS = (
    Operation(
        "CreateNetworkAcl",
        CreateNetworkAcl,
        CreateNetworkAclResponse,
        since="2011-01-01",
    ),
    Operation(
        "DescribeNetworkAcls",
        DescribeNetworkAcls,
        DescribeNetworkAclsResponse,
        since="2011-01-01",
    ),
    Operation(
        "DeleteNetworkAcl",
        DeleteNetworkAcl,
        DeleteNetworkAclResponse,
        since="2011-01-01",
    ),
    Operation(
        "ReplaceNetworkAclAssociation",
        ReplaceNetworkAclAssociation,
        ReplaceNetworkAclAssociationResponse,
        since="2011-01-01",
    ),
    Operation(
        "CreateNetworkAclEntry",
        CreateNetworkAclEntry,
        CreateNetworkAclEntryResponse,
        since="2011-01-01",
    ),
    Operation(
        "ReplaceNetworkAclEntry",
        ReplaceNetworkAclEntry,
        ReplaceNetworkAclEntryResponse,
        since="2011-01-01",
    ),
    Operation(
        "DeleteNetworkAclEntry",
        DeleteNetworkAclEntry,
        DeleteNetworkAclEntryResponse,
        since="2011-01-01",
    ),
)
