"""
Attributes of things, as Query names them.

SOAP says which attribute is asked for, or reset, by an empty element that
stands there, one of a choice; Query says its name in C{Attribute}.  Of old it
says changes in the same way: C{OperationType}, and flat lists of users.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from euca_tw.api.errors import InvalidParameterValue, MissingParameter
from euca_tw.api.shapes import Empty, shape_of

P = TypeVar("P")
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
    cls: type = request
    fields = {
        f.wire: f.python
        for f in shape_of(cls).fields
        if f.of is Empty and f.wire not in unknown
    }
    check_attribute(attribute, fields)
    return request(**{fields[attribute]: Empty()}, **others)


def changes(
    operation_type: str | None,
    flat: tuple[P, ...],
    add: tuple[P, ...],
    remove: tuple[P, ...],
) -> tuple[tuple[P, ...], tuple[P, ...]]:
    """
    What is to be added and what removed, nested parameters and flat ones
    together.

    @param operation_type: what is to be done with the flat ones: C{add} or
        C{remove}.
    @raise InvalidParameterValue: it is neither.
    @raise MissingParameter: it is not said, and there are flat ones.
    """
    if operation_type == "add":
        return add + flat, remove
    if operation_type == "remove":
        return add, remove + flat
    if operation_type is not None:
        raise InvalidParameterValue(
            "OperationType", operation_type, "It is add or remove."
        )
    if flat:
        raise MissingParameter("OperationType")
    return add, remove


__all__ = ["changes", "check_attribute", "naming"]
