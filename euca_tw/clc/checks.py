"""Values of requests that must be of a form, or that this cloud cannot do."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sized
from ipaddress import IPv4Network

from euca_tw.api.errors import (
    InvalidParameterValue,
    MalformedUserData,
    MissingParameter,
    UnsupportedOperation,
)

_PRINTABLE = re.compile(r"[ -~]+\Z")
_SPACE = re.compile(r"[ \t\r\n]+")
_ACCOUNT = re.compile(r"[0-9]{12}\Z")
LONGEST_NAME = 255


def is_account(text: str) -> bool:
    """Whether it could be the number of an account."""
    return _ACCOUNT.match(text) is not None


def checked_text(parameter: str, value: str, longest: int = LONGEST_NAME) -> str:
    """
    C{value}, if it is printable ASCII and not too long.

    @raise MissingParameter: it is empty.
    @raise InvalidParameterValue: it is not of that form.
    """
    if not value:
        raise MissingParameter(parameter)
    if len(value) > longest:
        raise InvalidParameterValue(
            parameter, f"{value[:32]}...", f"It is longer than {longest} characters."
        )
    if not _PRINTABLE.match(value):
        raise InvalidParameterValue(
            parameter, value, "It may contain printable ASCII characters only."
        )
    return value


def checked_network(parameter: str, cidr: str) -> IPv4Network:
    """
    The network of a CIDR block; what its address has beyond that does not count.

    @raise InvalidParameterValue: it is not of that form.
    """
    refusal = InvalidParameterValue(
        parameter, cidr, "It is not a network such as 192.0.2.0/24."
    )
    address, slash, bits = cidr.partition("/")
    if not (slash and bits.isascii() and bits.isdigit() and len(bits) <= 2):
        raise refusal
    try:
        return IPv4Network((address, int(bits)), strict=False)
    except ValueError:
        raise refusal from None


def unsupported(thing: str, asked: Sized | bool | str | None) -> None:
    """
    Refuse what this cloud does not have, if it was asked for.

    @raise UnsupportedOperation: it was.
    """
    if asked:
        raise UnsupportedOperation(f"This cloud does not have {thing}")


def checked_user_data(encoded: str | None, largest_bytes: int) -> str:
    """
    User data as it is kept: base64, all in one line; C{""} for none.

    @raise MalformedUserData: it is not base64.
    @raise InvalidParameterValue: it is too large.
    """
    if not encoded:
        return ""
    try:
        data = base64.b64decode(_SPACE.sub("", encoded), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedUserData("Invalid BASE64 encoding of user data.") from None
    if len(data) > largest_bytes:
        raise InvalidParameterValue(
            "UserData", "...", f"User data is limited to {largest_bytes} bytes"
        )
    return base64.b64encode(data).decode("ascii")
