"""Instances: launching them, telling of them, ending them."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from euca_tw.model.records import ImageState, Instance, InstanceState
from tests.clc.refusals.table import (
    QUERY_DATE,
    Before,
    Operations,
    Row,
    Step,
    quoted,
    rows_of,
)
from tests.clc.refusals.world import (
    HIS_GROUP,
    HIS_IMAGE,
    HIS_INSTANCE,
    IMAGE,
    INSTANCE,
    KERNEL,
    KEY,
    NO_GROUP,
    NO_IMAGE,
    NO_INSTANCE,
)

_TAGGED = {
    "TagSpecification.1.ResourceType": "instance",
    "TagSpecification.1.Tag.1.Key": "Name",
}


def _state(state: InstanceState) -> tuple[Before, ...]:
    return (lambda world: world.instance(1, state=state),)


def _protected(world: Any) -> None:
    held = world.store.get(Instance, INSTANCE)
    world.put(evolve(held, is_protected=True))


def _image(state: ImageState) -> tuple[Before, ...]:
    return (lambda world: world.image(IMAGE, state=state),)


def _as_many_as_she_may(world: Any) -> None:
    for number in range(0x30, 0x34):
        world.instance(number)


def _of_those(operation: str) -> tuple[Row, ...]:
    """What is refused of who names instances."""
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidInstanceID.Malformed",
            ({"InstanceId.1": "banana"}, '"banana"'),
            ({"InstanceId.1": INSTANCE, "InstanceId.2": "i-1"}, '"i-1"'),
        ),
        *rows_of(
            operation,
            Step.EXISTENCE,
            "InvalidInstanceID.NotFound",
            ({"InstanceId.1": NO_INSTANCE}, f"'{NO_INSTANCE}'"),
            ({"InstanceId.1": HIS_INSTANCE}, f"'{HIS_INSTANCE}'"),
            ({"InstanceId.1": INSTANCE, "InstanceId.2": NO_INSTANCE}, NO_INSTANCE),
        ),
    )


def _of_changes(operation: str) -> tuple[Row, ...]:
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "MissingParameter",
            ({"InstanceId.1": None}, "nstance"),
            is_query_only=True,
        ),
        *_of_those(operation),
    )


def _of_one(operation: str) -> tuple[Row, ...]:
    """What is refused of who names an instance."""
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidInstanceID.Malformed",
            ({"InstanceId": "banana"}, '"banana"'),
        ),
        *rows_of(
            operation,
            Step.EXISTENCE,
            "InvalidInstanceID.NotFound",
            ({"InstanceId": NO_INSTANCE}, f"'{NO_INSTANCE}'"),
            ({"InstanceId": HIS_INSTANCE}, f"'{HIS_INSTANCE}'"),
        ),
    )


def _from_states(operation: str, *states: InstanceState) -> tuple[Row, ...]:
    return tuple(
        row
        for state in states
        for row in rows_of(
            operation,
            Step.STATE,
            "IncorrectInstanceState",
            ({}, state.value),
            before=_state(state),
        )
    )


_LAUNCH = (
    *rows_of(
        "RunInstances",
        Step.SYNTAX,
        "InvalidParameterValue",
        ({"MinCount": "0"}, "(0)"),
        ({"MinCount": "2"}, "(2)"),
        ({"InstanceType": "p9.huge"}, "(p9.huge)"),
        ({"ClientToken": "t" * 65}, "longer than 64"),
        ({"ClientToken": "tök"}, "(tök)"),
        ({"InstanceInitiatedShutdownBehavior": "sleep"}, "(sleep)"),
    ),
    # In SOAP it is no text of its own.
    *rows_of(
        "RunInstances",
        Step.SYNTAX,
        "InvalidParameterValue",
        ({"UserData": "A" * 4 * 5462}, "16384"),
        is_query_only=True,
    ),
    *rows_of(
        "RunInstances",
        Step.SYNTAX,
        "InvalidUserData.Malformed",
        ({"UserData": "?"}, "BASE64"),
        is_query_only=True,
    ),
    *rows_of(
        "RunInstances",
        Step.SYNTAX,
        "InvalidParameterValue",
        ({**_TAGGED, "TagSpecification.1.ResourceType": "key-pair"}, "'key-pair'"),
        ({**_TAGGED, "TagSpecification.1.Tag.1.Key": "aws:x"}, "(aws:x)"),
        version=QUERY_DATE,
    ),
    *rows_of(
        "RunInstances",
        Step.SYNTAX,
        "UnsupportedOperation",
        ({"EbsOptimized": "true"}, "volumes"),
        ({"Placement.Tenancy": "dedicated"}, "tenancy"),
        ({"PrivateIpAddress": "10.0.0.9"}, "private addresses"),
        ({"IamInstanceProfile.Name": "role"}, "profiles"),
    ),
    *rows_of(
        "RunInstances",
        Step.SYNTAX,
        "InvalidAMIID.Malformed",
        ({"ImageId": "banana"}, '"banana"'),
    ),
    *rows_of(
        "RunInstances",
        Step.EXISTENCE,
        "InvalidAMIID.NotFound",
        ({"ImageId": NO_IMAGE}, NO_IMAGE),
        ({"ImageId": HIS_IMAGE}, HIS_IMAGE),
        ({"ImageId": KERNEL}, KERNEL),
        ({"KernelId": IMAGE}, IMAGE),
    ),
    *rows_of(
        "RunInstances",
        Step.EXISTENCE,
        "InvalidKeyPair.NotFound",
        ({"KeyName": "none"}, "'none'"),
    ),
    *rows_of(
        "RunInstances",
        Step.EXISTENCE,
        "InvalidGroup.NotFound",
        ({"SecurityGroup.1": "none"}, "'none'"),
        ({"SecurityGroupId.1": NO_GROUP}, f"'{NO_GROUP}'"),
        ({"SecurityGroupId.1": HIS_GROUP}, f"'{HIS_GROUP}'"),
        is_query_only=True,
    ),
    *rows_of(
        "RunInstances",
        Step.SYNTAX,
        "InvalidGroupId.Malformed",
        ({"SecurityGroupId.1": "web"}, '"web"'),
        is_query_only=True,
    ),
    *rows_of(
        "RunInstances",
        Step.EXISTENCE,
        "InvalidParameterValue",
        ({"Placement.AvailabilityZone": "nowhere"}, "[nowhere]"),
    ),
    *rows_of(
        "RunInstances",
        Step.EXISTENCE,
        "InvalidPlacementGroup.Unknown",
        ({"Placement.GroupName": "far"}, "'far'"),
    ),
    *(
        row
        for state in (ImageState.PENDING, ImageState.FAILED, ImageState.DEREGISTERED)
        for row in rows_of(
            "RunInstances",
            Step.STATE,
            "InvalidAMIID.Unavailable",
            ({}, f"[{IMAGE}]"),
            before=_image(state),
        )
    ),
    *rows_of(
        "RunInstances",
        Step.LIMIT,
        "InstanceLimitExceeded",
        ({}, "5"),
        before=(_as_many_as_she_may,),
    ),
    *rows_of(
        "RunInstances",
        Step.LIMIT,
        "InsufficientInstanceCapacity",
        ({}, "m1.small"),
        status=503,
        before=(lambda world: world.full(),),
    ),
)

OPERATIONS = Operations(
    right={
        "DescribeInstances": {"InstanceId.1": INSTANCE},
        "RunInstances": {
            "ImageId": IMAGE,
            "MinCount": "1",
            "MaxCount": "1",
            "KeyName": KEY,
            "InstanceType": "m1.small",
        },
        "TerminateInstances": {"InstanceId.1": INSTANCE},
        "RebootInstances": {"InstanceId.1": INSTANCE},
        "StopInstances": {"InstanceId.1": INSTANCE},
        "StartInstances": {"InstanceId.1": INSTANCE},
        "GetConsoleOutput": {"InstanceId": INSTANCE},
        "ConfirmProductInstance": {"InstanceId": INSTANCE, "ProductCode": "A1"},
    },
    setting={"StartInstances": _state(InstanceState.STOPPED)},
    rows=(
        *_of_those("DescribeInstances"),
        *rows_of(
            "DescribeInstances",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Filter.1.Name": "colour", "Filter.1.Value.1": "red"}, "'colour'"),
            ({"InstanceId.1": None, "MaxResults": "0"}, "(0)"),
            ({"InstanceId.1": None, "MaxResults": "1001"}, "(1001)"),
        ),
        *rows_of(
            "DescribeInstances",
            Step.SYNTAX,
            "InvalidParameterCombination",
            ({"InstanceId.1": INSTANCE, "MaxResults": "5"}, "maxResults"),
        ),
        *rows_of(
            "DescribeInstances",
            Step.SYNTAX,
            "InvalidNextToken",
            ({"NextToken": "?"}, "'?'"),
        ),
        *rows_of(
            "DescribeInstances",
            Step.SYNTAX,
            "FilterLimitExceeded",
            ({"Filter.1.Name": "tag-key", **quoted(201, "Filter.1.Value.{}")}, "200"),
        ),
        *_LAUNCH,
        *_of_changes("TerminateInstances"),
        *rows_of(
            "TerminateInstances",
            Step.PERMISSION,
            "OperationNotPermitted",
            ({}, f"'{INSTANCE}'"),
            before=(_protected,),
        ),
        *_of_changes("RebootInstances"),
        *_from_states(
            "RebootInstances",
            InstanceState.PENDING,
            InstanceState.STOPPED,
            InstanceState.SHUTTING_DOWN,
            InstanceState.TERMINATED,
        ),
        *_of_changes("StopInstances"),
        *_from_states(
            "StopInstances", InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED
        ),
        *_of_changes("StartInstances"),
        *_from_states(
            "StartInstances", InstanceState.STOPPING, InstanceState.TERMINATED
        ),
        *_of_one("GetConsoleOutput"),
        *_of_one("ConfirmProductInstance"),
        *rows_of(
            "ConfirmProductInstance",
            Step.SYNTAX,
            "MissingParameter",
            ({"ProductCode": ""}, "productCode"),
        ),
    ),
)
