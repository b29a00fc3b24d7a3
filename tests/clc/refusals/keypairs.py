"""Key pairs."""

from __future__ import annotations

from typing import Any

from tests.clc.refusals.table import (
    QUERY_DATE,
    Before,
    Operations,
    Row,
    Step,
    quoted,
    rows_of,
)
from tests.clc.refusals.world import KEY

#: C{ssh-keygen -t ed25519}, in base64.
MATERIAL = (
    "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUNtME1ZQUF4VVNBRkliK2hrQzRk"
    "TC9qOW8zYThzazNPQ2MxV1lpTWdYSzQ="
)


def _more(world: Any) -> None:
    """Alice has as many as she may."""
    for name in "ab":
        world.key_pair(name)


_FULL: tuple[Before, ...] = (_more,)


def _of_a_new_one(operation: str) -> tuple[Row, ...]:
    """What is refused of who makes or imports one."""
    tagged = {
        "TagSpecification.1.ResourceType": "key-pair",
        "TagSpecification.1.Tag.1.Key": "Name",
    }
    return (
        *rows_of(
            operation,
            Step.SYNTAX,
            "MissingParameter",
            ({"KeyName": None}, "KeyName"),
            is_query_only=True,
        ),
        *rows_of(
            operation, Step.SYNTAX, "MissingParameter", ({"KeyName": ""}, "keyName")
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"KeyName": "k" * 256}, "longer than 255"),
            ({"KeyName": "k\u00e4se"}, "(k\u00e4se)"),
        ),
        *rows_of(
            operation,
            Step.SYNTAX,
            "InvalidParameterValue",
            ({**tagged, "TagSpecification.1.ResourceType": "image"}, "'image'"),
            ({**tagged, "TagSpecification.1.Tag.1.Key": "aws:x"}, "(aws:x)"),
            version=QUERY_DATE,
        ),
        *rows_of(
            operation,
            Step.STATE,
            "InvalidKeyPair.Duplicate",
            ({"KeyName": KEY}, f"'{KEY}'"),
        ),
        *rows_of(
            operation,
            Step.LIMIT,
            "ResourceLimitExceeded",
            ({}, "3"),
            before=_FULL,
        ),
    )


OPERATIONS = Operations(
    right={
        "CreateKeyPair": {"KeyName": "new"},
        "ImportKeyPair": {"KeyName": "new", "PublicKeyMaterial": MATERIAL},
        "DeleteKeyPair": {"KeyName": KEY},
        "DescribeKeyPairs": {"KeyName.1": KEY},
    },
    rows=(
        *_of_a_new_one("CreateKeyPair"),
        *rows_of(
            "CreateKeyPair",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"KeyType": "dsa"}, "(dsa)"),
            ({"KeyFormat": "der"}, "(der)"),
            version=QUERY_DATE,
        ),
        *_of_a_new_one("ImportKeyPair"),
        *rows_of(
            "ImportKeyPair",
            Step.SYNTAX,
            "InvalidKey.Format",
            ({"PublicKeyMaterial": "?"}, "base64"),
            ({"PublicKeyMaterial": "AAAA"}, "OpenSSH public key format"),
            ({"PublicKeyMaterial": ""}, "OpenSSH public key format"),
        ),
        *rows_of(
            "DeleteKeyPair",
            Step.SYNTAX,
            "MissingParameter",
            ({"KeyName": ""}, "keyName"),
        ),
        *rows_of(
            "DeleteKeyPair",
            Step.EXISTENCE,
            "InvalidKeyPair.NotFound",
            ({"KeyName": None, "KeyPairId": "key-000000ff"}, "'key-000000ff'"),
            version=QUERY_DATE,
        ),
        *rows_of(
            "DescribeKeyPairs",
            Step.SYNTAX,
            "InvalidParameterValue",
            ({"Filter.1.Name": "colour", "Filter.1.Value.1": "x"}, "'colour'"),
        ),
        *rows_of(
            "DescribeKeyPairs",
            Step.SYNTAX,
            "FilterLimitExceeded",
            ({"Filter.1.Name": "key-name", **quoted(201, "Filter.1.Value.{}")}, "200"),
        ),
        *rows_of(
            "DescribeKeyPairs",
            Step.EXISTENCE,
            "InvalidKeyPair.NotFound",
            ({"KeyName.1": "none"}, "'none'"),
            ({"KeyName.2": "none"}, "'none'"),
        ),
    ),
)
