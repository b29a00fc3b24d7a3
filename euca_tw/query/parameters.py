"""
Query parameters: from raw bytes to a request shape.

Pure, and strict: every parameter must be known, every value must be readable,
nothing is said twice.  Names are dotted paths, C{Filter.1.Value.2}; the parts
are the C{query} names of the declaration, and the places in lists.  What a
place is numbered does not matter, only the order; a list of one scalar needs
no number at all (C{InstanceId=i-1}), as the oldest clients have it.

How to read a shape at a version is worked out once.  What a hostile request
can cost is bounded before it is looked at: so many parameters, so long a name.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from euca_tw.api.dated import dated
from euca_tw.api.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MalformedQueryString,
    MissingParameter,
    UnknownParameter,
)
from euca_tw.api.fields import choices
from euca_tw.api.scalars import NotOfType, converter
from euca_tw.api.shapes import Field, Shape, Version, shape_of

MAX_PARAMETERS = 4000
#: All of them together; an instance's user data, of 16 KiB, is the most that any
#: honest one has.  Two mebibytes are read in ten milliseconds.
MAX_BYTES = 2 << 20
#: What is base64 has one in thirty characters.
MAX_ESCAPES = 100_000
MAX_NAME = 256
#: How many dots a name may have; EC2's own have seven at most.
MAX_DEPTH = 12
#: And all names together: four for each, if there are as many as there may be.
MAX_DOTS = 16_000
#: How much of a bad value, or name, is told back.
_SHOWN = 100

#: A name's parts, and under the last one its text.
Tree = dict[str, Any]
Read = Callable[[Tree, str], Any]
_ReadField = Callable[[Any, str], Any]

_has_broken_escape = re.compile(rb"%(?![0-9A-Fa-f]{2})").search


# --- bytes to parameters ----------------------------------------------------


def parse(raw: bytes) -> list[tuple[str, str]]:
    """
    The parameters of a query string or a form, in their order.  A name
    without C{=} has an empty value.

    @raise MalformedQueryString: it is none, or of too many.
    """
    if not raw:
        return []
    if len(raw) > MAX_BYTES:
        raise MalformedQueryString(
            f"The parameters are longer than {MAX_BYTES} bytes in all"
        )
    if raw.count(b"&") >= MAX_PARAMETERS:
        raise MalformedQueryString(f"There are more than {MAX_PARAMETERS} parameters")
    if raw.count(b"%") > MAX_ESCAPES:
        raise MalformedQueryString(
            f"There are more than {MAX_ESCAPES} escaped characters"
        )
    if _has_broken_escape(raw):
        raise MalformedQueryString("A % is not followed by two hexadecimal digits")
    try:
        pairs = [each.partition("=") for each in raw.decode().split("&")]
        if b"%" in raw or b"+" in raw:
            pairs = [
                (_text(name), equals, _text(value)) for name, equals, value in pairs
            ]
    except UnicodeDecodeError:
        raise MalformedQueryString("The parameters are not UTF-8") from None
    return [(name, value) for name, equals, value in pairs if name or equals]


def _text(part: str) -> str:
    """
    Unescaped.  Quoted-printable is the same with another sign, and is decoded in C:
    a mebibyte of escapes takes milliseconds, not a tenth of a second.
    """
    part = part.replace("+", " ")
    if "%" not in part:
        return part
    return a2b_qp(part.encode().replace(b"=", b"=3D").replace(b"%", b"=")).decode()


def unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """
    The parameters by name.

    @raise MalformedQueryString: one is given twice, or has no good name.
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise MalformedQueryString(
                f"The parameter {name[:_SHOWN]} is given more than once"
            )
        if not name or len(name) > MAX_NAME:
            raise MalformedQueryString(
                f"The parameter name '{name[:_SHOWN]}' is empty or too long"
            )
        found[name] = value
    if len(found) > MAX_PARAMETERS:
        raise MalformedQueryString(f"There are more than {MAX_PARAMETERS} parameters")
    return found


def tree(parameters: Mapping[str, str]) -> Tree:
    """
    The parameters by the parts of their names.

    @raise InvalidParameterCombination: one name goes on where another ends.
    @raise UnknownParameter: one has more parts than any of EC2's.
    @raise MalformedQueryString: all together have more than anybody needs.
    """
    if "".join(parameters).count(".") > MAX_DOTS:
        raise MalformedQueryString(
            f"The parameters' names have more than {MAX_DOTS} dots in all"
        )
    root: Tree = {}
    for name, value in parameters.items():
        if name.count(".") > MAX_DEPTH:
            raise UnknownParameter(name[:_SHOWN])
        node, rest = root, name
        while True:
            part, dot, rest = rest.partition(".")
            if not dot:
                break
            node = node.setdefault(part, {})
            if isinstance(node, str):
                raise _two_kinds(name)
        if part in node:
            raise _two_kinds(name)
        node[part] = value
    return root


def _two_kinds(name: str) -> InvalidParameterCombination:
    return InvalidParameterCombination(
        f"The parameter {name[:_SHOWN]} goes with no parameter whose name is longer "
        "or shorter by a part"
    )


# --- parameters to shapes ---------------------------------------------------


def read(cls: type, version: Version, parameters: Mapping[str, str]) -> Any:
    """
    Make the shape C{cls} of the parameters.

    @raise UnknownParameter:
    @raise MissingParameter:
    @raise InvalidParameterValue:
    @raise InvalidParameterCombination:
    """
    return reader(shape_of(cls), version)(tree(parameters), "")


@dated
def reader(shape: Shape, version: Version) -> Read:
    """The function that makes the shape of a tree, at a path like C{"Filter.1."}."""
    fields = [f for f in shape.at(version) if f.query]
    members = {f.query: (f.python, _field(f, version)) for f in fields}
    required = tuple(f.query for f in fields if _must_be_said(f, version))
    one_of = [
        (
            tuple(f.query for f in members),
            is_required and not any(f.is_optional_in_query for f in members),
        )
        for members, is_required in choices(fields, version)
    ]
    cls = shape.cls

    def structure(node: Tree, path: str) -> Any:
        values: dict[str, Any] = {}
        for name, said in node.items():
            member = members.get(name)
            if member is None:
                raise UnknownParameter(path + name[:_SHOWN])
            values[member[0]] = member[1](said, path + name)
        for name in required:
            if name not in node:
                raise MissingParameter(path + name)
        for names, is_required in one_of:
            _check_choice(names, is_required, node, path)
        return cls(**values)

    return structure


def _must_be_said(f: Field, version: Version) -> bool:
    if f.choice_in(version) is not None:
        return False
    if f.many and not f.at_least_in(version):
        return False
    return f.repeated or f.is_required_in_query(version)


def _check_choice(
    names: tuple[str, ...], is_required: bool, node: Tree, path: str
) -> None:
    said = [path + name for name in names if name in node]
    if len(said) > 1:
        raise InvalidParameterCombination(
            f"The parameter {said[1]} cannot be used with the parameter {said[0]}"
        )
    if is_required and not said:
        raise MissingParameter(path + names[0])


def _field(f: Field, version: Version) -> _ReadField:
    if f.many:
        return _list_of(_one(f, version), f.is_scalar)
    return _one(f, version)


def _one(f: Field, version: Version) -> _ReadField:
    if f.is_scalar:
        return _scalar(f)
    shape = shape_of(f.of)
    if not any(member.query for member in shape.at(version)):
        return _nothing(shape.cls)
    inner = reader(shape, version)

    def structure(said: Any, path: str) -> Any:
        if isinstance(said, str):
            raise InvalidParameterValue(
                path, said[:_SHOWN], "It is a structure, not a value."
            )
        return inner(said, path + ".")

    return structure


def _nothing(cls: type) -> _ReadField:
    """What says all by being there (C{NoDevice=}), whatever its text."""

    def nothing(said: Any, path: str) -> Any:
        _string(said, path)
        return cls()

    return nothing


def _list_of(one: _ReadField, is_scalar: bool) -> _ReadField:
    def several(said: Any, path: str) -> tuple[Any, ...]:
        if isinstance(said, str):
            if not is_scalar:
                return (one(said, path),)
            said = {"1": said}
        places: dict[int, str] = {}
        for part in said:
            if not (part.isascii() and part.isdigit() and len(part) < 10):
                raise UnknownParameter(f"{path}.{part[:_SHOWN]}")
            if places.setdefault(int(part), part) is not part:
                raise InvalidParameterCombination(
                    f"The place {path}.{int(part)} is taken twice"
                )
        return tuple(
            one(said[places[n]], f"{path}.{places[n]}") for n in sorted(places)
        )

    return several


def _scalar(f: Field) -> _ReadField:
    if f.of is str:
        return _string
    convert = converter(f.of, f.xsd)

    def scalar(said: Any, path: str) -> Any:
        text = _string(said, path)
        try:
            return convert(text)
        except NotOfType as refused:
            raise InvalidParameterValue(
                path, text[:_SHOWN], f"{refused.reason}."
            ) from None

    if f.of is bool:
        # EC2 takes True and TRUE, as some languages print it.
        return lambda said, path: scalar(_string(said, path).lower(), path)
    return scalar


def _string(said: Any, path: str) -> str:
    if not isinstance(said, str):
        raise UnknownParameter(f"{path}.{next(iter(said))[:_SHOWN]}")
    return said


__all__ = [
    "MAX_BYTES",
    "MAX_DOTS",
    "MAX_ESCAPES",
    "MAX_NAME",
    "MAX_PARAMETERS",
    "parse",
    "read",
    "reader",
    "tree",
    "unique",
]
