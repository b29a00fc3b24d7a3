"""
Values as XML's text: how each scalar is written, and what must be escaped.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

_SPECIAL = re.compile('[&<>\r"\n\t\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_IN_TEXT = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}
_IN_ATTRIBUTES = _IN_TEXT | {'"': "&quot;", "\n": "&#10;", "\t": "&#9;"}
_PLAIN_IN_TEXT = frozenset('"\n\t')


def text(value: str) -> str:
    """C{value} as the text of an element."""
    # What is printable needs no more than its markup escaped; to ask that is
    # several times as fast as to search for what is special.
    if (
        value.isprintable()
        and "&" not in value
        and "<" not in value
        and ">" not in value
    ):
        return value
    return _SPECIAL.sub(_text_reference, value)


def _text_reference(found: re.Match[str]) -> str:
    character = found[0]
    if character in _PLAIN_IN_TEXT:
        return character
    return _IN_TEXT.get(character, "\N{REPLACEMENT CHARACTER}")


def attribute(value: str) -> str:
    """C{value} as the text of an attribute, between double quotes."""
    return _SPECIAL.sub(
        lambda found: _IN_ATTRIBUTES.get(found[0], "\N{REPLACEMENT CHARACTER}"), value
    )


@lru_cache(maxsize=8192)
def moment(value: datetime) -> str:
    """To the millisecond, in UTC; what has no time zone is taken as UTC."""
    if value.tzinfo is not None and value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="milliseconds")[:23] + "Z"


def _double(value: float) -> str:
    if math.isfinite(value):
        return repr(float(value))
    return "NaN" if math.isnan(value) else ("INF" if value > 0 else "-INF")


def _boolean(value: bool) -> str:
    return "true" if value else "false"


CONVERT: dict[type, Callable[[Any], str]] = {
    str: text,
    int: str,
    bool: _boolean,
    float: _double,
    datetime: moment,
}

__all__ = ["CONVERT", "attribute", "moment", "text"]
