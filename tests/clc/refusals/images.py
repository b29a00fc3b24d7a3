"""Images: registered, made, copied, told of, shared, and deregistered."""

from __future__ import annotations

from typing import Any

from euca_tw.model.records import ImageState, InstanceState
from tests.clc.cloud import BOB_ID
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
    HIS_IMAGE,
    HIS_INSTANCE,
    IMAGE,
    INSTANCE,
    KERNEL,
    NO_IMAGE,
    NO_INSTANCE,
    PUBLIC,
)

TAKEN = "taken"
_TAGS = {
    "TagSpecification.1.ResourceType": "image",
    "TagSpecification.1.Tag.1.Key": "Name",
}


def _image(image_id: str = IMAGE, **given: Any) -> tuple[Before, ...]:
    return (lambda world: world.image(image_id, **given),)


def _instance(state: InstanceState) -> tuple[Before, ...]:
    return (lambda world: world.instance(1, state=state),)


#: One of Alice's has the name; and as many as she may have.
_NAMED = _image("emi-00000002", name=TAKEN)
_FULL = (*_NAMED, *_image("emi-00000003"))
_NOT_HERE = (ImageState.PENDING, ImageState.FAILED, ImageState.DEREGISTERED)


def _of_a_new_one(operation: str) -> tuple[Row, ...]:
    """What is refused of who registers, makes or copies one."""
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidAMIName.Malformed",
            *(({"Name": name}, "") for name in ("ab", "n" * 129, "semi;colon")),
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Description": "d" * 256}, "longer than 255"),
            ({"Description": "k\u00e4se"}, "(k\u00e4se)"),
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidParameterValue",
            ({**_TAGS, "TagSpecification.1.ResourceType": "instance"}, "'instance'"),
            ({**_TAGS, "TagSpecification.1.Tag.1.Key": "aws:x"}, "(aws:x)"),
            version=QUERY_DATE,
        ),
        *rows_of(
            operation,
            Step.STATE,
            "InvalidAMIName.Duplicate",
            ({"Name": TAKEN}, TAKEN),
            before=_NAMED,
        ),
        *rows_of(
            operation, Step.LIMIT, "ResourceLimitExceeded", ({}, "3"), before=_FULL
        ),
    )


def _named(operation: str) -> tuple[Row, ...]:
    """What is refused of who names none, where there must be one."""
    return rows_of(operation, Step.SYNTAX, "MissingParameter", ({"Name": ""}, "name"))


def _of_one(operation: str) -> tuple[Row, ...]:
    """What is refused of who names an image, which must be his own."""
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "MissingParameter",
            ({"ImageId": None}, "ImageId"),
            is_query_only=True,
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidAMIID.Malformed",
            ({"ImageId": "banana"}, "banana"),
            ({"ImageId": INSTANCE}, INSTANCE),
        ),
        *rows_of(
            operation,
            Step.EXISTENCE,
            "InvalidAMIID.NotFound",
            ({"ImageId": NO_IMAGE}, NO_IMAGE),
            ({"ImageId": HIS_IMAGE}, HIS_IMAGE),
        ),
        *rows_of(
            operation,
            Step.PERMISSION,
            "AuthFailure",
            ({"ImageId": PUBLIC}, PUBLIC),
            status=401,
        ),
        *rows_of(
            operation,
            Step.STATE,
            "InvalidAMIID.Unavailable",
            ({}, f"[{IMAGE}]"),
            before=_image(state=ImageState.DEREGISTERED),
        ),
    )


_REGISTER: tuple[Row, ...] = (
    *_of_a_new_one("RegisterImage"),
    *rows_of(
        "RegisterImage",
        Step.SYNTAX,
        "MissingParameter",
        ({"ImageLocation": ""}, "imageLocation"),
    ),
    *rows_of(
        "RegisterImage",
        Step.SYNTAX,
        "InvalidParameterValue",
        ({"ImageLocation": "bucket/manifest.xml"}, "(bucket/manifest.xml)"),
        ({"ImageLocation": "/" + "x" * 1024}, "longer than 1024"),
        ({"Architecture": "m68k"}, "(m68k)"),
        ({"VirtualizationType": "emulated"}, "(emulated)"),
        ({"RootDeviceName": "k\u00e4se"}, "(k\u00e4se)"),
    ),
    *rows_of(
        "RegisterImage",
        Step.SYNTAX,
        "UnsupportedOperation",
        (
            {
                "BlockDeviceMapping.1.DeviceName": "/dev/sdf",
                "BlockDeviceMapping.1.Ebs.VolumeSize": "1",
            },
            "volumes",
        ),
        ({"SriovNetSupport": "simple"}, "enhanced networking"),
    ),
    *rows_of(
        "RegisterImage",
        Step.SYNTAX,
        "InvalidParameterCombination",
        ({"RamdiskId": "eri-00000001", "KernelId": None}, "needs a kernel"),
    ),
    *rows_of(
        "RegisterImage",
        Step.SYNTAX,
        "InvalidAMIID.Malformed",
        ({"KernelId": "banana"}, "banana"),
    ),
    *rows_of(
        "RegisterImage",
        Step.EXISTENCE,
        "InvalidAMIID.NotFound",
        ({"KernelId": "eki-000000ff"}, "eki-000000ff"),
        ({"KernelId": IMAGE}, IMAGE),
        ({"KernelId": KERNEL, "RamdiskId": "eri-000000ff"}, "eri-000000ff"),
    ),
    *rows_of(
        "RegisterImage",
        Step.PERMISSION,
        "UnauthorizedOperation",
        ({"ImageLocation": "/images/vmlinuz"}, "kernel"),
        ({"ImageLocation": "/images/initrd.gz"}, "ramdisk"),
        status=403,
    ),
)

_CREATE: tuple[Row, ...] = (
    *_of_a_new_one("CreateImage"),
    *_named("CreateImage"),
    *rows_of(
        "CreateImage",
        Step.SYNTAX,
        "UnsupportedOperation",
        (
            {
                "BlockDeviceMapping.1.DeviceName": "/dev/sdf",
                "BlockDeviceMapping.1.Ebs.VolumeSize": "1",
            },
            "volumes",
        ),
    ),
    *rows_of(
        "CreateImage",
        Step.SYNTAX,
        "InvalidInstanceID.Malformed",
        ({"InstanceId": "banana"}, "banana"),
    ),
    *rows_of(
        "CreateImage",
        Step.EXISTENCE,
        "InvalidInstanceID.NotFound",
        ({"InstanceId": NO_INSTANCE}, NO_INSTANCE),
        ({"InstanceId": HIS_INSTANCE}, HIS_INSTANCE),
    ),
    *(
        row
        for state in InstanceState
        if state not in (InstanceState.RUNNING, InstanceState.STOPPED)
        for row in rows_of(
            "CreateImage",
            Step.STATE,
            "IncorrectInstanceState",
            ({}, f"it is {state.value}"),
            before=_instance(state),
        )
    ),
)

_COPY: tuple[Row, ...] = (
    *_of_a_new_one("CopyImage"),
    *_named("CopyImage"),
    *rows_of(
        "CopyImage",
        Step.SYNTAX,
        "InvalidParameterValue",
        ({"SourceRegion": "us-east-1"}, "(us-east-1)"),
        ({"ClientToken": "t" * 65}, "longer than 64"),
    ),
    *rows_of(
        "CopyImage",
        Step.SYNTAX,
        "InvalidAMIID.Malformed",
        ({"SourceImageId": "banana"}, "banana"),
    ),
    *rows_of(
        "CopyImage",
        Step.EXISTENCE,
        "InvalidAMIID.NotFound",
        ({"SourceImageId": NO_IMAGE}, NO_IMAGE),
        ({"SourceImageId": HIS_IMAGE}, HIS_IMAGE),
    ),
    *rows_of(
        "CopyImage",
        Step.PERMISSION,
        "UnauthorizedOperation",
        ({"SourceImageId": KERNEL}, "kernel"),
        status=403,
    ),
    *(
        row
        for state in _NOT_HERE
        for row in rows_of(
            "CopyImage",
            Step.STATE,
            "InvalidAMIID.Unavailable",
            ({}, state.value),
            before=_image(state=state),
        )
    ),
)

_DESCRIBE: tuple[Row, ...] = (
    *rows_of(
        "DescribeImages",
        Step.SYNTAX,
        "InvalidParameterValue",
        ({"Filter.1.Name": "banana", "Filter.1.Value.1": "x"}, "'banana'"),
    ),
    *rows_of(
        "DescribeImages",
        Step.SYNTAX,
        "FilterLimitExceeded",
        (
            {"Filter.1.Name": "name", **quoted(201, "Filter.1.Value.{}")},
            "200",
        ),
    ),
    *rows_of(
        "DescribeImages",
        Step.SYNTAX,
        "InvalidUserID.Malformed",
        ({"Owner.1": "bob"}, '"bob"'),
        ({"ExecutableBy.1": "amazon"}, '"amazon"'),
    ),
    *rows_of(
        "DescribeImages",
        Step.SYNTAX,
        "InvalidParameterCombination",
        ({"MaxResults": "5"}, "maxResults"),
        version=QUERY_DATE,
    ),
    *rows_of(
        "DescribeImages",
        Step.SYNTAX,
        "InvalidParameterValue",
        ({"ImageId.1": None, "MaxResults": "1001"}, "(1001)"),
        version=QUERY_DATE,
    ),
    *rows_of(
        "DescribeImages",
        Step.SYNTAX,
        "InvalidNextToken",
        ({"NextToken": "banana!"}, "banana!"),
        version=QUERY_DATE,
    ),
    *rows_of(
        "DescribeImages",
        Step.SYNTAX,
        "InvalidAMIID.Malformed",
        ({"ImageId.1": "banana"}, "banana"),
    ),
    *rows_of(
        "DescribeImages",
        Step.EXISTENCE,
        "InvalidAMIID.NotFound",
        ({"ImageId.1": NO_IMAGE}, NO_IMAGE),
        ({"ImageId.1": HIS_IMAGE}, HIS_IMAGE),
    ),
    *rows_of(
        "DescribeImages",
        Step.STATE,
        "InvalidAMIID.Unavailable",
        ({}, f"[{IMAGE}]"),
        before=_image(state=ImageState.DEREGISTERED),
    ),
)

_ATTRIBUTES: tuple[Row, ...] = (
    *_of_one("DescribeImageAttribute"),
    *_of_one("ModifyImageAttribute"),
    *_of_one("ResetImageAttribute"),
    *rows_of(
        "DescribeImageAttribute",
        Step.SYNTAX,
        "InvalidParameterValue",
        ({"Attribute": "banana"}, "(banana)"),
        is_query_only=True,
    ),
    *rows_of(
        "ModifyImageAttribute",
        Step.SYNTAX,
        "InvalidAMIAttributeItemValue",
        ({"LaunchPermission.Add.1.UserId": "bob"}, '"bob"'),
        (
            {
                "LaunchPermission.Add.1.UserId": None,
                "LaunchPermission.Add.1.Group": "everybody",
            },
            '"everybody"',
        ),
    ),
    *rows_of(
        "ModifyImageAttribute",
        Step.LIMIT,
        "ResourceLimitExceeded",
        ({}, "1000"),
        before=_image(launch_permissions=tuple(f"{n:012}" for n in range(100, 1100))),
    ),
)

OPERATIONS = Operations(
    right={
        "CopyImage": {
            "SourceRegion": "home",
            "SourceImageId": IMAGE,
            "Name": "copy",
        },
        "CreateImage": {"InstanceId": INSTANCE, "Name": "made"},
        "DeregisterImage": {"ImageId": IMAGE},
        "DescribeImageAttribute": {"ImageId": IMAGE, "Attribute": "launchPermission"},
        "DescribeImages": {"ImageId.1": IMAGE},
        "ModifyImageAttribute": {
            "ImageId": IMAGE,
            "LaunchPermission.Add.1.UserId": BOB_ID,
        },
        "RegisterImage": {"ImageLocation": "/images/new.img", "Name": "new"},
        "ResetImageAttribute": {"ImageId": IMAGE, "Attribute": "launchPermission"},
    },
    rows=(
        *_REGISTER,
        *_CREATE,
        *_COPY,
        *_of_one("DeregisterImage"),
        *_DESCRIBE,
        *_ATTRIBUTES,
    ),
)
