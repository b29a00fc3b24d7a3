"""
Security groups and their rules.

Query says a rule in two forms, flat and nested; L{RulesForm} reads both.
"""

from __future__ import annotations

from typing import TypeVar

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    Request,
    Response,
    Tag,
    TagSpecification,
)
from euca_tw.api.errors import InvalidParameterCombination, MissingParameter
from euca_tw.api.shapes import Operation, members, shape, wire


@shape("UserIdGroupPairType")
class UserIdGroupPair:
    """
    A security group as where traffic comes from, or goes to.

    @ivar user_id: the group's owner; the caller, if it is not said.
    @ivar description: see L{IpRange}.
    """

    user_id: str | None = wire("userId", required=((None, "2011-01-01"),))
    group_id: str | None = wire("groupId", since="2011-01-01")
    group_name: str | None = wire("groupName", required=((None, "2011-01-01"),))
    description: str | None = wire("description", since="2016-11-15")


@shape("IpRangeItemType")
class IpRange:
    """
    @ivar cidr_ip: C{192.0.2.0/24}.
    @ivar description: what its user says of the rule with this source.
    """

    cidr_ip: str = wire("cidrIp")
    description: str | None = wire("description", since="2016-11-15")


@shape("Ipv6RangeType")
class Ipv6Range:
    """
    @ivar cidr_ipv6: C{2001:db8::/64}.
    @ivar description: see L{IpRange}.
    """

    cidr_ipv6: str = wire("cidrIpv6")
    description: str | None = wire("description")


@shape("IpPermissionType")
class IpPermission:
    """
    A protocol, its ports, and whom they are open to.

    @ivar ip_protocol: C{tcp}, C{udp}, C{icmp}, a number; C{-1} for all.
    @ivar from_port: of ICMP, the type; -1 is all.
    @ivar to_port: of ICMP, the code; -1 is all.
    """

    ip_protocol: str = wire("ipProtocol")
    from_port: int | None = wire(
        "fromPort", required=((None, "2011-01-01"),), absent="-1"
    )
    to_port: int | None = wire("toPort", required=((None, "2011-01-01"),), absent="-1")
    groups: tuple[UserIdGroupPair, ...] = wire("groups")
    ip_ranges: tuple[IpRange, ...] = wire("ipRanges")
    ipv6_ranges: tuple[Ipv6Range, ...] = wire("ipv6Ranges", since="2016-11-15")


@shape("CreateSecurityGroupType")
class CreateSecurityGroup(Request):
    group_name: str = wire("groupName")
    group_description: str = wire("groupDescription")
    vpc_id: str | None = wire("vpcId", since="2011-01-01")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("CreateSecurityGroupResponseType")
class CreateSecurityGroupResponse(Acknowledgement):
    group_id: str = wire("groupId", since="2011-01-01")
    tags: tuple[Tag, ...] = wire("tagSet", since="2016-11-15", required=False)


@shape("DeleteSecurityGroupType")
class DeleteSecurityGroup(Request):
    group_id: str | None = wire("groupId", since="2011-01-01", choice="group")
    group_name: str | None = wire(
        "groupName", required=True, choice="group", choice_since="2011-01-01"
    )


@shape("DeleteSecurityGroupResponseType")
class DeleteSecurityGroupResponse(Acknowledgement):
    """It is gone."""

    group_id: str | None = wire("groupId", since="2016-11-15")


@shape("DescribeSecurityGroupsType")
class DescribeSecurityGroups(Request):
    """No names and no ids: all of the user's."""

    group_names: tuple[str, ...] = wire(
        "securityGroupSet",
        query="GroupName",
        leaf="groupName",
        item_type="DescribeSecurityGroupsSetItemType",
    )
    group_ids: tuple[str, ...] = wire(
        "securityGroupIdSet",
        query="GroupId",
        leaf="groupId",
        item_type="DescribeSecurityGroupsIdSetItemType",
        since="2011-01-01",
        required=False,
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    next_token: str | None = wire("nextToken", since="2016-11-15")
    max_results: int | None = wire("maxResults", since="2016-11-15")


@shape("SecurityGroupItemType")
class SecurityGroup:
    """
    @ivar ip_permissions: what may come in.
    @ivar ip_permissions_egress: what may go out; None: it is in no VPC.
    """

    owner_id: str = wire("ownerId")
    group_id: str = wire("groupId", since="2011-01-01")
    group_name: str = wire("groupName")
    group_description: str = wire("groupDescription")
    vpc_id: str | None = wire("vpcId", since="2011-01-01")
    ip_permissions: tuple[IpPermission, ...] = wire("ipPermissions")
    ip_permissions_egress: tuple[IpPermission, ...] | None = wire(
        "ipPermissionsEgress", since="2011-01-01", required=False
    )
    tags: tuple[Tag, ...] = wire("tagSet", since="2011-01-01", required=False)


@shape("DescribeSecurityGroupsResponseType")
class DescribeSecurityGroupsResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    groups: tuple[SecurityGroup, ...] = wire("securityGroupInfo")
    next_token: str | None = wire("nextToken", since="2016-11-15")


# --- rules ------------------------------------------------------------------


@members
class Ingress(Request):
    """
    Rules of a group.

    @ivar user_id: the group's owner; only ever the caller.
    """

    user_id: str | None = wire("userId", query="", required=((None, "2011-01-01"),))
    group_id: str | None = wire("groupId", since="2011-01-01", choice="group")
    group_name: str | None = wire(
        "groupName", required=True, choice="group", choice_since="2011-01-01"
    )
    ip_permissions: tuple[IpPermission, ...] = wire("ipPermissions")


@shape("AuthorizeSecurityGroupIngressType")
class AuthorizeSecurityGroupIngress(Ingress):
    """Let traffic in."""


@shape("AuthorizeSecurityGroupIngressResponseType")
class AuthorizeSecurityGroupIngressResponse(Acknowledgement):
    """It may come in."""


@shape("RevokeSecurityGroupIngressType")
class RevokeSecurityGroupIngress(Ingress):
    """Let it in no more."""


@shape("RevokeSecurityGroupIngressResponseType")
class RevokeSecurityGroupIngressResponse(Acknowledgement):
    """It may not come in by that rule."""


#: What a group without a protocol stands for: everything there was.
_EVERYTHING = (("tcp", 1, 65535), ("udp", 1, 65535), ("icmp", -1, -1))


@members
class RulesForm(Request):
    """
    How Query says rules: one, flat, or many, nested.

    @ivar source_security_group_name: if there is no protocol, all traffic is
        meant.
    """

    ip_permissions: tuple[IpPermission, ...] = wire("ipPermissions")
    source_security_group_name: str | None = wire("sourceSecurityGroupName")
    source_security_group_owner_id: str | None = wire("sourceSecurityGroupOwnerId")
    ip_protocol: str | None = wire("ipProtocol")
    from_port: int | None = wire("fromPort")
    to_port: int | None = wire("toPort")
    cidr_ip: str | None = wire("cidrIp")

    def permissions(self) -> tuple[IpPermission, ...]:
        """
        The nested rules, and then the flat one.

        @raise MissingParameter: half a rule is said.
        @raise InvalidParameterCombination: it is for a network and a group.
        """
        return self.ip_permissions + self._flat_permissions()

    def _flat_permissions(self) -> tuple[IpPermission, ...]:
        groups, ranges = self._flat_groups(), self._flat_ranges()
        if groups and ranges:
            raise InvalidParameterCombination(
                "A rule has either CidrIp or SourceSecurityGroupName, not both"
            )
        if self.ip_protocol is not None:
            rule = IpPermission(
                ip_protocol=self.ip_protocol,
                from_port=self.from_port,
                to_port=self.to_port,
                groups=groups,
                ip_ranges=ranges,
            )
            return (rule,)
        if ranges or self.from_port is not None or self.to_port is not None:
            raise MissingParameter("IpProtocol")
        return tuple(
            IpPermission(ip_protocol=p, from_port=low, to_port=high, groups=groups)
            for p, low, high in _EVERYTHING
            if groups
        )

    def _flat_groups(self) -> tuple[UserIdGroupPair, ...]:
        name = self.source_security_group_name
        owner = self.source_security_group_owner_id
        if name is not None:
            return (UserIdGroupPair(user_id=owner, group_name=name),)
        if owner is not None:
            raise MissingParameter("SourceSecurityGroupName")
        return ()

    def _flat_ranges(self) -> tuple[IpRange, ...]:
        return () if self.cidr_ip is None else (IpRange(cidr_ip=self.cidr_ip),)


Rules = TypeVar("Rules", bound=Ingress)


@members
class IngressForm(RulesForm):
    group_id: str | None = wire("groupId", since="2011-01-01", choice="group")
    group_name: str | None = wire(
        "groupName", required=True, choice="group", choice_since="2011-01-01"
    )

    def _made(self, cls: type[Rules]) -> Rules:
        return cls(
            is_dry_run=self.is_dry_run,
            group_id=self.group_id,
            group_name=self.group_name,
            ip_permissions=self.permissions(),
        )


@shape("AuthorizeSecurityGroupIngressForm")
class AuthorizeSecurityGroupIngressForm(IngressForm):
    def request(self) -> AuthorizeSecurityGroupIngress:
        return self._made(AuthorizeSecurityGroupIngress)


@shape("RevokeSecurityGroupIngressForm")
class RevokeSecurityGroupIngressForm(IngressForm):
    def request(self) -> RevokeSecurityGroupIngress:
        return self._made(RevokeSecurityGroupIngress)


OPERATIONS = (
    Operation(
        "CreateSecurityGroup",
        CreateSecurityGroup,
        CreateSecurityGroupResponse,
    ),
    Operation(
        "DescribeSecurityGroups",
        DescribeSecurityGroups,
        DescribeSecurityGroupsResponse,
    ),
    Operation(
        "DeleteSecurityGroup",
        DeleteSecurityGroup,
        DeleteSecurityGroupResponse,
    ),
    Operation(
        "AuthorizeSecurityGroupIngress",
        AuthorizeSecurityGroupIngress,
        AuthorizeSecurityGroupIngressResponse,
        query_form=AuthorizeSecurityGroupIngressForm,
    ),
    Operation(
        "RevokeSecurityGroupIngress",
        RevokeSecurityGroupIngress,
        RevokeSecurityGroupIngressResponse,
        query_form=RevokeSecurityGroupIngressForm,
    ),
)
