"""Tags."""

from __future__ import annotations

from tests.clc.refusals.table import Operations, Step, quoted, rows_of
from tests.clc.refusals.world import (
    HIS_INSTANCE,
    INSTANCE,
    NO_GROUP,
    NO_IMAGE,
    NO_INSTANCE,
)

_NEW = {f"Tag.{n}.Key": f"n{n}" for n in range(1, 52)}

OPERATIONS = Operations(
    right={
        "CreateTags": {
            "ResourceId.1": INSTANCE,
            "Tag.1.Key": "Name",
            "Tag.1.Value": "web",
        },
        "DeleteTags": {"ResourceId.1": INSTANCE, "Tag.1.Key": "Name"},
        "DescribeTags": {"Filter.1.Name": "key", "Filter.1.Value.1": "Name"},
    },
    rows=(
        *rows_of(
            "CreateTags",
            Step.SYNTAX,
            "MissingParameter",
            ({"ResourceId.1": None}, "ResourceId"),
            ({"Tag.1.Key": None, "Tag.1.Value": None}, "Tag"),
        ),
        *rows_of(
            "CreateTags",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Tag.1.Key": "aws:mine"}, "(aws:mine)"),
            ({"Tag.1.Key": "k" * 129}, "longer than 128"),
            ({"Tag.1.Value": "v" * 257}, "longer than 256"),
            ({"Tag.2.Key": "Name", "Tag.2.Value": ""}, "(Name)"),
        ),
        *rows_of(
            "CreateTags",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({f"ResourceId.{n}": f"i-{n:08x}" for n in range(1, 1002)}, "1000"),
        ),
        *rows_of(
            "CreateTags",
            Step.LIMIT,
            "TagLimitExceeded",
            (_NEW, "50"),
        ),
        *rows_of(
            "CreateTags", Step.EXISTENCE, "InvalidID", ({"ResourceId.1": "x-1"}, "x-1")
        ),
        *rows_of(
            "CreateTags",
            Step.EXISTENCE,
            "InvalidInstanceID.NotFound",
            ({"ResourceId.1": NO_INSTANCE}, NO_INSTANCE),
            ({"ResourceId.1": INSTANCE, "ResourceId.2": HIS_INSTANCE}, HIS_INSTANCE),
        ),
        *rows_of(
            "CreateTags",
            Step.EXISTENCE,
            "InvalidAMIID.NotFound",
            ({"ResourceId.1": NO_IMAGE}, NO_IMAGE),
        ),
        *rows_of(
            "CreateTags",
            Step.EXISTENCE,
            "InvalidGroup.NotFound",
            ({"ResourceId.1": NO_GROUP}, NO_GROUP),
        ),
        *rows_of(
            "CreateTags",
            Step.EXISTENCE,
            "InvalidKeyPair.NotFound",
            ({"ResourceId.1": "key-000000ff"}, "key-000000ff"),
        ),
        *rows_of(
            "CreateTags",
            Step.EXISTENCE,
            "InvalidAllocationID.NotFound",
            ({"ResourceId.1": "eipalloc-000000ff"}, "eipalloc-000000ff"),
        ),
        *rows_of(
            "CreateTags",
            Step.LIMIT,
            "TagLimitExceeded",
            ({}, "50"),
            before=(lambda world: world.tag(INSTANCE, 50),),
        ),
        *rows_of(
            "CreateTags",
            Step.LIMIT,
            "ResourceLimitExceeded",
            ({}, "200"),
            before=(lambda world: [world.tag(f"i-{n}", 50) for n in range(4)],),
        ),
        *rows_of(
            "DeleteTags",
            Step.SYNTAX,
            "MissingParameter",
            ({"ResourceId.1": None}, "ResourceId"),
        ),
        *rows_of(
            "DeleteTags",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Tag.1.Key": "aws:mine"}, "(aws:mine)"),
        ),
        *rows_of(
            "DeleteTags", Step.EXISTENCE, "InvalidID", ({"ResourceId.1": "x-1"}, "x-1")
        ),
        *rows_of(
            "DeleteTags",
            Step.EXISTENCE,
            "InvalidInstanceID.NotFound",
            ({"ResourceId.1": NO_INSTANCE}, NO_INSTANCE),
            ({"ResourceId.1": HIS_INSTANCE}, HIS_INSTANCE),
        ),
        *rows_of(
            "DescribeTags",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Filter.1.Name": "colour"}, "'colour'"),
            ({"MaxResults": "0"}, "(0)"),
            ({"MaxResults": "1001"}, "(1001)"),
        ),
        *rows_of(
            "DescribeTags",
            Step.SYNTAX,
            "FilterLimitExceeded",
            (quoted(201, "Filter.1.Value.{}"), "200"),
            ({"Filter.1.Value.1": "v" * 256}, "255"),
        ),
        *rows_of(
            "DescribeTags",
            Step.SYNTAX,
            "InvalidNextToken",
            ({"NextToken": "?"}, "'?'"),
        ),
    ),
)
