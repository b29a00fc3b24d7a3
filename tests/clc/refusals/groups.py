"""Security groups."""

from __future__ import annotations

from typing import Any

from euca_tw.model.identifiers import GroupId
from euca_tw.model.records import EVERYTHING, Permission, SecurityGroup
from tests.clc.cloud import ALICE_ID
from tests.clc.refusals.table import (
    QUERY_DATE,
    Before,
    Operations,
    Row,
    Step,
    quoted,
    rows_of,
)
from tests.clc.refusals.world import GROUP, HIS_GROUP, NO_GROUP

_SSH = Permission(protocol="tcp", from_port=22, to_port=22, cidr="192.0.2.0/24")
_RULE = {
    "IpPermissions.1.IpProtocol": "tcp",
    "IpPermissions.1.FromPort": "22",
    "IpPermissions.1.ToPort": "22",
    "IpPermissions.1.IpRanges.1.CidrIp": "192.0.2.0/24",
}
#: A rule has a source, and it may be another.
_NO_CIDR = {"IpPermissions.1.IpRanges.1.CidrIp": None}


def _many() -> tuple[Permission, ...]:
    """So many rules as a group may have."""
    return tuple(
        Permission(protocol="tcp", from_port=n, to_port=n, cidr="192.0.2.0/24")
        for n in range(5)
    )


def _web(
    *permissions: Permission, egress: tuple[Permission, ...] = (EVERYTHING,)
) -> tuple[Before, ...]:
    """The group has these rules."""
    group = SecurityGroup(
        group_id=GroupId(GROUP),
        owner_id=ALICE_ID,
        name="web",
        description="for tests",
        permissions=permissions,
        egress=egress,
    )
    return (lambda world: world.put(group),)


def _more(world: Any) -> None:
    """Alice has as many as she may."""
    world.put(
        *(
            SecurityGroup(
                group_id=GroupId(f"sg-000000f{n}"),
                owner_id=ALICE_ID,
                name=f"more{n}",
                description="for tests",
            )
            for n in range(3)
        )
    )


def _of_one(operation: str) -> tuple[Row, ...]:
    """What is refused of who names a group."""
    return (
        *rows_of(
            operation, Step.SYNTAX, "MissingParameter", ({"GroupName": ""}, "groupName")
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidGroupId.Malformed",
            ({"GroupName": None, "GroupId": "web"}, '"web"'),
        ),
        *rows_of(
            operation,
            Step.EXISTENCE,
            "InvalidGroup.NotFound",
            ({"GroupName": "none"}, "'none'"),
            ({"GroupName": None, "GroupId": NO_GROUP}, f"'{NO_GROUP}'"),
            ({"GroupName": None, "GroupId": HIS_GROUP}, f"'{HIS_GROUP}'"),
        ),
    )


def _of_egress(operation: str) -> tuple[Row, ...]:
    """What is refused of who names rules of what goes out: only groups by their ids."""
    return (
        *rows_of(
            *(operation, Step.SYNTAX, "InvalidGroupId.Malformed"),
            ({"GroupId": "web"}, '"web"'),
        ),
        *rows_of(
            *(operation, Step.EXISTENCE, "InvalidGroup.NotFound"),
            ({"GroupId": NO_GROUP}, f"'{NO_GROUP}'"),
            ({"GroupId": HIS_GROUP}, f"'{HIS_GROUP}'"),
        ),
        *_of_said(operation),
    )


def _of_rules(operation: str) -> tuple[Row, ...]:
    """What is refused of who names rules."""
    return (*_of_one(operation), *_of_said(operation))


def _of_said(operation: str) -> tuple[Row, ...]:
    """What is refused of rules themselves."""
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "MissingParameter",
            (dict.fromkeys(_RULE), "ipPermissions"),
            ({"IpPermissions.1.FromPort": None}, "fromPort"),
            ({"IpPermissions.1.ToPort": None}, "toPort"),
            ({"IpPermissions.1.IpRanges.1.CidrIp": None}, "cidrIp"),
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidPermission.Malformed",
            ({"IpPermissions.1.IpProtocol": "ipx"}, '"ipx"'),
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"IpPermissions.1.FromPort": "65536"}, "(65536)"),
            ({"IpPermissions.1.FromPort": "23"}, "(23)"),
            (
                {
                    "IpPermissions.1.IpProtocol": "icmp",
                    "IpPermissions.1.FromPort": "256",
                },
                "(256)",
            ),
            ({"IpPermissions.1.IpRanges.1.CidrIp": "192.0.2.0"}, "(192.0.2.0)"),
            (
                {
                    "IpPermissions.1.IpRanges.1.CidrIp": "192.0.2.0/24",
                    "IpPermissions.1.IpRanges.2.CidrIp": "192.0.2.7/24",
                },
                "multiple times",
            ),
        ),
        *rows_of(
            *(operation, Step.SYNTAX, "InvalidParameterValue"),
            (
                {**_NO_CIDR, "IpPermissions.1.Ipv6Ranges.1.CidrIpv6": "fe80::/300"},
                "(fe80::/300) for parameter remote-ipv6-range",
            ),
            version=QUERY_DATE,
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidGroupId.Malformed",
            ({**_NO_CIDR, "IpPermissions.1.Groups.1.GroupId": "web"}, '"web"'),
        ),
        *rows_of(
            operation,
            Step.EXISTENCE,
            "InvalidGroup.NotFound",
            ({**_NO_CIDR, "IpPermissions.1.Groups.1.GroupName": "none"}, "'none'"),
            ({**_NO_CIDR, "IpPermissions.1.Groups.1.GroupId": HIS_GROUP}, HIS_GROUP),
        ),
    )


OPERATIONS = Operations(
    right={
        "CreateSecurityGroup": {"GroupName": "new", "GroupDescription": "for tests"},
        "DeleteSecurityGroup": {"GroupName": "web"},
        "DescribeSecurityGroups": {"GroupName.1": "web"},
        "AuthorizeSecurityGroupIngress": {"GroupName": "web", **_RULE},
        "RevokeSecurityGroupIngress": {"GroupName": "web", **_RULE},
        "AuthorizeSecurityGroupEgress": {"GroupId": GROUP, **_RULE},
        "RevokeSecurityGroupEgress": {"GroupId": GROUP, **_RULE},
    },
    setting={
        "RevokeSecurityGroupIngress": _web(_SSH),
        "RevokeSecurityGroupEgress": _web(egress=(_SSH,)),
    },
    rows=(
        *rows_of(
            "CreateSecurityGroup",
            Step.SYNTAX,
            "MissingParameter",
            ({"GroupName": ""}, "groupName"),
            ({"GroupDescription": ""}, "groupDescription"),
        ),
        *rows_of(
            "CreateSecurityGroup",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"GroupName": "g" * 256}, "longer than 255"),
            ({"GroupName": "sg-12345678"}, "(sg-12345678)"),
            ({"GroupDescription": "k\u00e4se"}, "(k\u00e4se)"),
        ),
        *rows_of(
            "CreateSecurityGroup",
            Step.SYNTAX,
            "InvalidParameterValue",
            (
                {
                    "TagSpecification.1.ResourceType": "image",
                    "TagSpecification.1.Tag.1.Key": "Name",
                },
                "'image'",
            ),
            version=QUERY_DATE,
        ),
        *rows_of(
            "CreateSecurityGroup",
            Step.SYNTAX,
            "InvalidGroup.Reserved",
            ({"GroupName": "default"}, "'default'"),
        ),
        *rows_of(
            "CreateSecurityGroup",
            Step.EXISTENCE,
            "InvalidVpcID.NotFound",
            ({"VpcId": "vpc-000000ff"}, "'vpc-000000ff'"),
        ),
        *rows_of(
            "CreateSecurityGroup",
            Step.STATE,
            "InvalidGroup.Duplicate",
            ({"GroupName": "web"}, "'web'"),
        ),
        *rows_of(
            "CreateSecurityGroup",
            Step.LIMIT,
            "SecurityGroupLimitExceeded",
            ({}, "4"),
            before=(_more,),
        ),
        *_of_one("DeleteSecurityGroup"),
        *rows_of(
            "DeleteSecurityGroup",
            Step.PERMISSION,
            "InvalidGroup.Reserved",
            ({"GroupName": "default"}, "'default'"),
        ),
        *rows_of(
            "DeleteSecurityGroup",
            Step.STATE,
            "InvalidGroup.InUse",
            ({}, "'web'"),
            before=(lambda world: world.in_group(),),
        ),
        *rows_of(
            "DescribeSecurityGroups",
            Step.SYNTAX,
            "InvalidGroupId.Malformed",
            ({"GroupId.1": "web"}, '"web"'),
        ),
        *rows_of(
            "DescribeSecurityGroups",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Filter.1.Name": "colour", "Filter.1.Value.1": "x"}, "'colour'"),
        ),
        *rows_of(
            "DescribeSecurityGroups",
            Step.SYNTAX,
            "FilterLimitExceeded",
            ({"Filter.1.Name": "group-id", **quoted(201, "Filter.1.Value.{}")}, "200"),
        ),
        *rows_of(
            "DescribeSecurityGroups",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"MaxResults": "0"}, "(0)"),
            version=QUERY_DATE,
        ),
        *rows_of(
            "DescribeSecurityGroups",
            Step.SYNTAX,
            "InvalidNextToken",
            ({"NextToken": "?"}, "'?'"),
            version=QUERY_DATE,
        ),
        *rows_of(
            "DescribeSecurityGroups",
            Step.EXISTENCE,
            "InvalidGroup.NotFound",
            ({"GroupName.1": "none"}, "'none'"),
            ({"GroupId.1": NO_GROUP}, f"'{NO_GROUP}'"),
            ({"GroupId.1": HIS_GROUP}, f"'{HIS_GROUP}'"),
        ),
        *_of_rules("AuthorizeSecurityGroupIngress"),
        *(
            row
            for wrong in ("it's", "d" * 256)
            for row in rows_of(
                "AuthorizeSecurityGroupIngress",
                Step.SYNTAX,
                "InvalidParameterValue",
                (
                    {
                        **dict.fromkeys(_RULE),
                        "IpPermissions.1.IpProtocol": "tcp",
                        "IpPermissions.1.FromPort": "22",
                        "IpPermissions.1.ToPort": "22",
                        "IpPermissions.1.IpRanges.1.CidrIp": "192.0.2.0/24",
                        "IpPermissions.1.IpRanges.1.Description": wrong,
                    },
                    "rule description",
                ),
                version=QUERY_DATE,
            )
        ),
        *rows_of(
            "AuthorizeSecurityGroupIngress",
            Step.STATE,
            "InvalidPermission.Duplicate",
            ({}, "peer: 192.0.2.0/24, TCP, from port: 22, to port: 22, ALLOW"),
            before=_web(_SSH),
        ),
        *rows_of(
            "AuthorizeSecurityGroupIngress",
            Step.LIMIT,
            "RulesPerSecurityGroupLimitExceeded",
            ({}, "5"),
            before=_web(*_many()),
        ),
        *(
            row
            for operation in (
                "AuthorizeSecurityGroupIngress",
                "AuthorizeSecurityGroupEgress",
            )
            for row in rows_of(
                *(operation, Step.SYNTAX, "InvalidParameterValue"),
                (
                    {**_NO_CIDR, "IpPermissions.1.Ipv6Ranges.1.CidrIpv6": "::/0"},
                    "(::/0) for parameter remote-ipv6-range",
                ),
                version=QUERY_DATE,
            )
        ),
        *_of_egress("AuthorizeSecurityGroupEgress"),
        *rows_of(
            *("AuthorizeSecurityGroupEgress", Step.STATE),
            "InvalidPermission.Duplicate",
            ({}, "peer: 192.0.2.0/24, TCP, from port: 22, to port: 22, ALLOW"),
            before=_web(egress=(_SSH,)),
        ),
        *rows_of(
            *("AuthorizeSecurityGroupEgress", Step.LIMIT),
            "RulesPerSecurityGroupLimitExceeded",
            ({}, "5"),
            before=_web(egress=_many()),
        ),
        *_of_egress("RevokeSecurityGroupEgress"),
        *rows_of(
            *("RevokeSecurityGroupEgress", Step.STATE),
            "InvalidPermission.NotFound",
            ({}, "peer: 192.0.2.0/24, TCP, from port: 22, to port: 22, ALLOW"),
            before=_web(),
        ),
        *rows_of(
            *("RevokeSecurityGroupEgress", Step.STATE, "InvalidPermission.NotFound"),
            (
                {**_NO_CIDR, "IpPermissions.1.Ipv6Ranges.1.CidrIpv6": "::/0"},
                "peer: ::/0, TCP",
            ),
            version=QUERY_DATE,
        ),
        *_of_rules("RevokeSecurityGroupIngress"),
        *rows_of(
            "RevokeSecurityGroupIngress",
            Step.STATE,
            "InvalidPermission.NotFound",
            ({}, "peer: 192.0.2.0/24, TCP, from port: 22, to port: 22, ALLOW"),
            before=_web(),
        ),
    ),
)
