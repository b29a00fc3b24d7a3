"""What surrounds instances: places, types, the network, placement groups."""

from __future__ import annotations

from euca_tw.model.identifiers import derived_identifier
from euca_tw.model.records import PlacementGroup
from tests.clc.cloud import ALICE_ID, BOB_ID
from tests.clc.refusals.table import (
    QUERY_DATE,
    Before,
    Operations,
    Row,
    Step,
    rows_of,
)
from tests.clc.refusals.world import (
    HIS_INSTANCE,
    INSTANCE,
    NO_INSTANCE,
    SUBNET,
    VPC,
)

#: The one date of both attributes together.
BOTH_DATE = "2012-12-01"


def _group(name: str, owner: str = ALICE_ID) -> Before:
    group = PlacementGroup(
        owner_id=owner,  # type: ignore[arg-type]
        name=name,
        group_id=derived_identifier("pg", f"{owner}/{name}"),
    )
    return lambda world: world.put(group)


def _each(
    parameter: str, *values: str
) -> tuple[tuple[dict[str, str | None], str], ...]:
    """What is said back in quotes."""
    return tuple(({parameter: value}, f"'{value}'") for value in values)


def _full(world: object) -> None:
    """Alice has as many as she may."""
    for name in "ab":
        _group(name)(world)


def _member(world: object) -> None:
    """An instance of hers is in the group."""
    world.instance(1, placement_group="near")  # type: ignore[attr-defined]


def _filtered(*operations: str, version: str = QUERY_DATE) -> tuple[Row, ...]:
    """An unknown filter, and more of them than there may be."""
    return tuple(
        row
        for operation in operations
        for row in rows_of(
            operation,
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Filter.1.Name": "colour", "Filter.1.Value.1": "red"}, "'colour'"),
            version=version,
        )
    )


def _paged(*operations: str) -> tuple[Row, ...]:
    """Pages that there are not."""
    return tuple(
        row
        for operation in operations
        for code, wrong, says in (
            ("InvalidParameterValue", {"MaxResults": "0"}, "(0)"),
            ("InvalidParameterValue", {"MaxResults": "1001"}, "(1001)"),
            ("InvalidNextToken", {"NextToken": "\u00e4"}, "'\u00e4'"),
        )
        for row in rows_of(
            operation, Step.SYNTAX, code, (wrong, says), version=QUERY_DATE
        )
    )


_PAGED = ("DescribeVpcs", "DescribeSubnets", "DescribeNetworkInterfaces")
_OF_TYPES = ("DescribeInstanceTypes", "DescribeInstanceTypeOfferings")


def _card(instance_id: str) -> str:
    return f"eni-{instance_id[2:]}"


OPERATIONS = Operations(
    right={
        "CreatePlacementGroup": {"GroupName": "near", "Strategy": "cluster"},
        "DeletePlacementGroup": {"GroupName": "near"},
        "DescribeAccountAttributes": {"AttributeName.1": "max-instances"},
        "DescribeAvailabilityZones": {"ZoneName.1": "one"},
        "DescribeInstanceTypeOfferings": {},
        "DescribeInstanceTypes": {},
        "DescribeNetworkInterfaces": {},
        "DescribePlacementGroups": {"GroupName.1": "near"},
        "DescribeRegions": {"RegionName.1": "home"},
        "DescribeSubnets": {},
        "DescribeVpcAttribute": {"VpcId": VPC, "Attribute": "enableDnsSupport"},
        "DescribeVpcAttributes": {"VpcId": VPC},
        "DescribeVpcs": {},
    },
    never_right={
        "CreateSubnet": {"VpcId": VPC, "CidrBlock": "10.128.0.0/28"},
        "CreateVpc": {"CidrBlock": "10.0.0.0/16"},
        "DeleteSubnet": {"SubnetId": SUBNET},
        "DeleteVpc": {"VpcId": VPC},
    },
    setting={
        "DeletePlacementGroup": (_group("near"),),
        "DescribePlacementGroups": (_group("near"),),
    },
    rows=(
        # Placement groups.
        *rows_of(
            "CreatePlacementGroup",
            Step.SYNTAX,
            "MissingParameter",
            ({"GroupName": ""}, "groupName"),
        ),
        *rows_of(
            "CreatePlacementGroup",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"GroupName": "g" * 256}, "longer than 255"),
            ({"GroupName": "n\u00e4he"}, "(n\u00e4he)"),
            ({"Strategy": "spread"}, "(spread)"),
        ),
        *rows_of(
            "CreatePlacementGroup",
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
            "CreatePlacementGroup",
            Step.EXISTENCE,
            "InvalidPlacementGroup.Duplicate",
            ({}, "'near'"),
            before=(_group("near"),),
        ),
        *rows_of(
            "CreatePlacementGroup",
            Step.LIMIT,
            "ResourceLimitExceeded",
            ({}, "placement groups has been reached: 2"),
            before=(_full,),
        ),
        *rows_of(
            "DeletePlacementGroup",
            Step.SYNTAX,
            "MissingParameter",
            ({"GroupName": ""}, "groupName"),
        ),
        *rows_of(
            "DeletePlacementGroup",
            Step.EXISTENCE,
            "InvalidPlacementGroup.Unknown",
            *_each("GroupName", "far", "his"),
            before=(_group("his", BOB_ID),),
        ),
        *rows_of(
            "DeletePlacementGroup",
            Step.STATE,
            "InvalidPlacementGroup.InUse",
            ({}, "'near'"),
            before=(_member,),
        ),
        *rows_of(
            "DescribePlacementGroups",
            Step.EXISTENCE,
            "InvalidPlacementGroup.Unknown",
            *_each("GroupName.1", "far", "his"),
            before=(_group("his", BOB_ID),),
        ),
        # Places and limits.
        *rows_of(
            "DescribeRegions",
            Step.EXISTENCE,
            "InvalidParameterValue",
            ({"RegionName.1": "mars"}, "[mars]"),
        ),
        *rows_of(
            "DescribeAvailabilityZones",
            Step.EXISTENCE,
            "InvalidParameterValue",
            ({"ZoneName.1": "mars"}, "[mars]"),
            ({"ZoneName.1": "verbose"}, "[verbose]"),
        ),
        *rows_of(
            "DescribeAccountAttributes",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"AttributeName.1": "max-moons"}, "(max-moons)"),
        ),
        # Instance types.
        *rows_of(
            "DescribeInstanceTypes",
            Step.EXISTENCE,
            "InvalidInstanceType",
            ({"InstanceType.1": "p9.huge"}, "[p9.huge]"),
            version=QUERY_DATE,
        ),
        *rows_of(
            "DescribeInstanceTypes",
            Step.SYNTAX,
            "InvalidParameterCombination",
            ({"InstanceType.1": "m1.small", "MaxResults": "5"}, "maxResults"),
            version=QUERY_DATE,
        ),
        *rows_of(
            "DescribeInstanceTypeOfferings",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"LocationType": "outpost"}, "(outpost)"),
            version=QUERY_DATE,
        ),
        # The network.
        *rows_of(
            "DescribeVpcs",
            Step.EXISTENCE,
            "InvalidVpcID.NotFound",
            *_each("VpcId.1", "vpc-000000ff", "x"),
        ),
        *rows_of(
            "DescribeSubnets",
            Step.EXISTENCE,
            "InvalidSubnetID.NotFound",
            *_each("SubnetId.1", "subnet-000000ff", "x"),
        ),
        *rows_of(
            "DescribeVpcAttribute",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Attribute": "colour"}, "(colour)"),
            is_query_only=True,
        ),
        *rows_of(
            "DescribeVpcAttribute",
            Step.EXISTENCE,
            "InvalidVpcID.NotFound",
            *_each("VpcId", "vpc-000000ff", "x"),
        ),
        *rows_of(
            "DescribeVpcAttributes",
            Step.EXISTENCE,
            "InvalidVpcID.NotFound",
            *_each("VpcId", "vpc-000000ff", "x"),
            version=BOTH_DATE,
        ),
        *(
            row
            for operation in ("CreateVpc", "CreateSubnet")
            for row in (
                *rows_of(
                    operation,
                    Step.SYNTAX,
                    "InvalidParameterValue",
                    ({"CidrBlock": ""}, "cidrBlock"),
                    ({"CidrBlock": "10.0.0.0"}, "(10.0.0.0)"),
                    ({"CidrBlock": "10.0.0.0/33"}, "(10.0.0.0/33)"),
                    ({"CidrBlock": "fe80::/64"}, "(fe80::/64)"),
                ),
            )
        ),
        *rows_of(
            "CreateVpc",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"InstanceTenancy": "shared"}, "(shared)"),
        ),
        *(
            row
            for operation in ("CreateVpc", "CreateSubnet")
            for row in rows_of(
                operation,
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
            )
        ),
        *rows_of(
            "CreateVpc",
            Step.STATE,
            "InvalidVpc.Range",
            ({"CidrBlock": "10.0.0.0/8"}, "'10.0.0.0/8'"),
            ({"CidrBlock": "10.0.0.0/29"}, "'10.0.0.0/29'"),
        ),
        *rows_of(
            "CreateVpc", Step.LIMIT, "VpcLimitExceeded", ({}, "maximum number of VPCs")
        ),
        *rows_of(
            "DeleteVpc",
            Step.EXISTENCE,
            "InvalidVpcID.NotFound",
            *_each("VpcId", "vpc-000000ff", "x"),
        ),
        *rows_of("DeleteVpc", Step.STATE, "OperationNotPermitted", ({}, f"'{VPC}'")),
        *rows_of(
            "CreateSubnet",
            Step.EXISTENCE,
            "InvalidVpcID.NotFound",
            *_each("VpcId", "vpc-000000ff", "x"),
        ),
        *rows_of(
            "CreateSubnet",
            Step.EXISTENCE,
            "InvalidParameterValue",
            ({"AvailabilityZone": "mars"}, "[mars]"),
        ),
        *rows_of(
            "CreateSubnet",
            Step.STATE,
            "InvalidSubnet.Range",
            ({"CidrBlock": "10.129.0.0/24"}, "'10.129.0.0/24'"),
            ({"CidrBlock": "10.128.0.0/29"}, "'10.128.0.0/29'"),
        ),
        *rows_of(
            "CreateSubnet",
            Step.LIMIT,
            "InvalidSubnet.Conflict",
            ({}, "'10.128.0.0/28'"),
        ),
        *rows_of(
            "DeleteSubnet",
            Step.EXISTENCE,
            "InvalidSubnetID.NotFound",
            *_each("SubnetId", "subnet-000000ff", "x"),
        ),
        *rows_of(
            "DeleteSubnet", Step.STATE, "OperationNotPermitted", ({}, f"'{SUBNET}'")
        ),
        *rows_of(
            "DescribeNetworkInterfaces",
            Step.EXISTENCE,
            "InvalidNetworkInterfaceID.NotFound",
            *_each(
                "NetworkInterfaceId.1",
                _card(NO_INSTANCE),
                _card(HIS_INSTANCE),
                INSTANCE,
            ),
        ),
        *_paged(*_PAGED, *_OF_TYPES),
        *_filtered(
            *(*_PAGED, *_OF_TYPES, "DescribePlacementGroups"),
            *("DescribeRegions", "DescribeAvailabilityZones"),
        ),
    ),
)
