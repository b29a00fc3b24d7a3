"""
XML Schema's simple types, from text.

Strict, and by XML Schema's rules, not Python's: C{" true "} is a boolean,
C{"yes"}, C{"1_000"} and digits of other scripts are nothing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from attrs import define

#: XML's white space; Python's C{strip()} takes more.
SPACE = " \t\r\n"


@define
class NotOfType(Exception):
    """@ivar reason: a sentence for who sent it."""

    reason: str


def converter(of: type, xsd: str) -> Callable[[str], Any]:
    """What turns the text of a scalar into its value, or raises L{NotOfType}."""
    return _integer(xsd) if of is int else _CONVERT[of]


def _string(text: str) -> str:
    return text


_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def boolean(text: str) -> bool:
    """@raise NotOfType: it is none."""
    try:
        return _BOOLEANS[text.strip(SPACE)]
    except KeyError:
        raise NotOfType("It must be true or false") from None


_INTEGER = re.compile(r"[+-]?[0-9]{1,30}")

#: How many bits each XML Schema type has; C{integer} has no end there.
_BITS = {"int": 32, "long": 64, "short": 16, "byte": 8}


def _integer(xsd: str) -> Callable[[str], int]:
    bits = _BITS.get(xsd, 128)
    lowest, beyond = -(1 << (bits - 1)), 1 << (bits - 1)

    def convert(text: str) -> int:
        stripped = text.strip(SPACE)
        if not _INTEGER.fullmatch(stripped):
            raise NotOfType("It must be a whole number")
        value = int(stripped)
        if not lowest <= value < beyond:
            raise NotOfType("It is out of range")
        return value

    return convert


_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_FLOATS = {"INF": math.inf, "-INF": -math.inf, "NaN": math.nan}


def _double(text: str) -> float:
    stripped = text.strip(SPACE)
    if stripped in _FLOATS:
        return _FLOATS[stripped]
    if not _DECIMAL.fullmatch(stripped):
        raise NotOfType("It must be a number")
    return float(stripped)


_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})"
    r"(?:\.([0-9]+))?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_is_usual_moment = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[01][0-9]:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}T2[0-3]:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z"
).fullmatch


def moment(text: str) -> datetime:
    """
    An xsd:dateTime as an aware datetime in UTC; one without a zone is in UTC.

    @raise NotOfType: it is none, or not between the years 1 and 9999.
    """
    try:
        if _is_usual_moment(text):
            return datetime.fromisoformat(text)
        matched = _MOMENT.fullmatch(text.strip(SPACE))
        if matched is None:
            raise ValueError(text)
        return _moment(*matched.groups())
    except (ValueError, OverflowError):
        raise NotOfType("It must be a moment (xsd:dateTime)") from None


def _moment(
    year: str,
    month: str,
    day: str,
    hour: str,
    minute: str,
    second: str,
    fraction: str | None,
    zone: str | None,
) -> datetime:
    fraction = (fraction or "").rstrip("0")
    # 24:00:00 is the midnight at the day's end.
    is_midnight = (hour, minute, second, fraction) == ("24", "00", "00", "")
    found = datetime(
        int(year),
        int(month),
        int(day),
        0 if is_midnight else int(hour),
        int(minute),
        int(second),
        int(fraction[:6].ljust(6, "0")),
        _zone(zone),
    )
    return (found + timedelta(days=int(is_midnight))).astimezone(UTC)


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    hours, minutes = int(text[1:3]), int(text[4:6])
    if minutes > 59 or hours * 60 + minutes > 14 * 60:
        raise ValueError(text)
    offset = timedelta(hours=hours, minutes=minutes)
    return timezone(-offset if text[0] == "-" else offset)


_CONVERT: dict[type, Callable[[str], Any]] = {
    str: _string,
    bool: boolean,
    float: _double,
    datetime: moment,
}
