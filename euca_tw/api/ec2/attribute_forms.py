"""
Attributes of things, as Query names them.

SOAP says which attribute is asked for, or reset, by an empty element that
stands there, one of a choice; Query says its name in C{Attribute}.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from euca_tw.api.errors import InvalidParameterValue
from euca_tw.api.shapes import Empty, shape_of

T = TypeVar("T")


def check_attribute(attribute: str, known: Collection[str]) -> None:
    """
    @raise InvalidParameterValue: it is none of those.
    """
    if attribute not in known:
        raise InvalidParameterValue(
            "Attribute", attribute, f"It is one of {', '.join(known)}."
        )


def naming(
    request: type[T], attribute: str, *, unknown: Collection[str] = (), **others: Any
) -> T:
    """
    The request in which the empty element of that name stands.

    @param unknown: what SOAP can ask for, and Query cannot.
    @param others: its other members.
    @raise InvalidParameterValue: it has no such element.
    """
    of: type[Any] = request
    fields = {
        f.wire: f.python
        for f in shape_of(of).fields
        if f.of is Empty and f.wire not in unknown
    }
    check_attribute(attribute, fields)
    return request(**{fields[attribute]: Empty()}, **others)


__all__ = ["check_attribute", "naming"]
