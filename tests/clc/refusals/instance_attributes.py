"""What may be said of instances, and how they fare."""

from __future__ import annotations

from euca_tw.model.records import InstanceState
from tests.clc.refusals.table import (
    Before,
    Operations,
    Row,
    Step,
    quoted,
    rows_of,
)
from tests.clc.refusals.world import (
    GROUP,
    HIS_GROUP,
    HIS_INSTANCE,
    INSTANCE,
    KERNEL,
    NO_GROUP,
    NO_INSTANCE,
)

_STOPPED: tuple[Before, ...] = (
    lambda world: world.instance(1, state=InstanceState.STOPPED),
)
_RUNNING: tuple[Before, ...] = (lambda world: world.instance(1),)


def _of_one(operation: str, parameter: str = "InstanceId") -> tuple[Row, ...]:
    """What is refused of who names an instance."""
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidInstanceID.Malformed",
            ({parameter: "banana"}, '"banana"'),
        ),
        *rows_of(
            operation,
            Step.EXISTENCE,
            "InvalidInstanceID.NotFound",
            ({parameter: NO_INSTANCE}, f"'{NO_INSTANCE}'"),
            ({parameter: HIS_INSTANCE}, f"'{HIS_INSTANCE}'"),
        ),
    )


OPERATIONS = Operations(
    right={
        "DescribeInstanceAttribute": {
            "InstanceId": INSTANCE,
            "Attribute": "instanceType",
        },
        "ModifyInstanceAttribute": {
            "InstanceId": INSTANCE,
            "InstanceType.Value": "m1.large",
        },
        "ResetInstanceAttribute": {"InstanceId": INSTANCE, "Attribute": "kernel"},
        "DescribeInstanceStatus": {"InstanceId.1": INSTANCE},
        "ReportInstanceStatus": {
            "InstanceId.1": INSTANCE,
            "Status": "impaired",
            "ReasonCode.1": "unresponsive",
        },
        "MonitorInstances": {"InstanceId.1": INSTANCE},
        "UnmonitorInstances": {"InstanceId.1": INSTANCE},
    },
    setting={"ModifyInstanceAttribute": _STOPPED, "ResetInstanceAttribute": _STOPPED},
    rows=(
        *_of_one("DescribeInstanceAttribute"),
        *_of_one("ModifyInstanceAttribute"),
        *rows_of(
            "ModifyInstanceAttribute",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"InstanceType.Value": "p9.huge"}, "(p9.huge)"),
            (
                {
                    "InstanceType.Value": None,
                    "InstanceInitiatedShutdownBehavior.Value": "sleep",
                },
                "(sleep)",
            ),
        ),
        *rows_of(
            "ModifyInstanceAttribute",
            Step.SYNTAX,
            "InvalidUserData.Malformed",
            ({"InstanceType.Value": None, "UserData.Value": "?"}, "BASE64"),
        ),
        *rows_of(
            "ModifyInstanceAttribute",
            Step.SYNTAX,
            "InvalidGroupId.Malformed",
            ({"InstanceType.Value": None, "GroupId.1": "web"}, '"web"'),
        ),
        *rows_of(
            "ModifyInstanceAttribute",
            Step.EXISTENCE,
            "InvalidGroup.NotFound",
            ({"InstanceType.Value": None, "GroupId.1": NO_GROUP}, f"'{NO_GROUP}'"),
            (
                {
                    "InstanceType.Value": None,
                    "GroupId.1": GROUP,
                    "GroupId.2": HIS_GROUP,
                },
                f"'{HIS_GROUP}'",
            ),
        ),
        *rows_of(
            "ModifyInstanceAttribute",
            Step.EXISTENCE,
            "InvalidAMIID.NotFound",
            (
                {"InstanceType.Value": None, "Kernel.Value": "eki-000000ff"},
                "eki-000000ff",
            ),
            (
                {"InstanceType.Value": None, "Kernel.Value": "emi-00000001"},
                "emi-00000001",
            ),
        ),
        *rows_of(
            "ModifyInstanceAttribute",
            Step.STATE,
            "IncorrectInstanceState",
            ({}, "running"),
            ({"InstanceType.Value": None, "Kernel.Value": KERNEL}, "running"),
            ({"InstanceType.Value": None, "UserData.Value": "AAAA"}, "running"),
            before=_RUNNING,
        ),
        *_of_one("ResetInstanceAttribute"),
        *rows_of(
            "ResetInstanceAttribute",
            Step.STATE,
            "IncorrectInstanceState",
            ({}, "running"),
            before=_RUNNING,
        ),
        *_of_one("DescribeInstanceStatus", "InstanceId.1"),
        *rows_of(
            "DescribeInstanceStatus",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Filter.1.Name": "colour", "Filter.1.Value.1": "red"}, "'colour'"),
            ({"InstanceId.1": None, "MaxResults": "0"}, "(0)"),
        ),
        *rows_of(
            "DescribeInstanceStatus",
            Step.SYNTAX,
            "InvalidParameterCombination",
            ({"InstanceId.1": INSTANCE, "MaxResults": "5"}, "maxResults"),
        ),
        *rows_of(
            "DescribeInstanceStatus",
            Step.SYNTAX,
            "InvalidNextToken",
            ({"NextToken": "?"}, "'?'"),
        ),
        *rows_of(
            "DescribeInstanceStatus",
            Step.SYNTAX,
            "FilterLimitExceeded",
            (
                {"Filter.1.Name": "event.code", **quoted(201, "Filter.1.Value.{}")},
                "200",
            ),
        ),
        *_of_one("ReportInstanceStatus", "InstanceId.1"),
        *rows_of(
            "ReportInstanceStatus",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Status": "tired"}, "(tired)"),
            ({"ReasonCode.1": "tired"}, "(tired)"),
        ),
        *_of_one("MonitorInstances", "InstanceId.1"),
        *_of_one("UnmonitorInstances", "InstanceId.1"),
    ),
)
