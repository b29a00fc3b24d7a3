"""
From XML elements to the declared shapes.

Used for requests and for responses alike.  For each shape, version and
namespace a reader is compiled once; it takes nothing on trust: an element that
the version does not know, one too many, one too few, text where structure
belongs, a value that is not of its type, are each refused with the path of the
element that is to blame.  Only the order of elements is not judged.

What is read here is meant to be the very tree on which a signature was checked,
so nothing is resolved and nothing is moved (no C{href}), and text is read
around comments as canonical XML sees it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import attrs
from attrs import define, frozen
from lxml import etree

from euca_tw.api.dated import dated
from euca_tw.api.errors import (
    ApiError,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    UnknownParameter,
)
from euca_tw.api.fields import choices
from euca_tw.api.scalars import SPACE, NotOfType, boolean, converter
from euca_tw.api.shapes import Field, Shape, Version, shape_of

XSI = "http://www.w3.org/2001/XMLSchema-instance"
NIL = f"{{{XSI}}}nil"

#: No error repeats more of the user's text than this.
_QUOTED = 80

_Reader = Callable[[etree._Element], Any]


def decode(
    shape: Shape, version: Version, element: etree._Element, namespace: str
) -> Any:
    """
    Read C{element} as an instance of C{shape.cls}.

    The element's own name is not looked at; the caller has chosen C{shape} by
    it.  Its children must be in C{namespace}, with or without a slash at the
    end.

    @raise ApiError: it is not an instance of the shape in that version.
    """
    try:
        return reader_of(shape, version, namespace)(element)
    except _Wrong as wrong:
        path = _path(wrong.element, element)
        raise wrong.refusal(path + wrong.below) from None


@define
class _Wrong(Exception):
    """
    @ivar element: what is to blame; its path is only found out now.
    @ivar below: added to the path: what is missing in the element.
    """

    element: etree._Element
    refusal: Callable[[str], ApiError]
    below: str = ""


def _unknown(element: etree._Element, below: str = "") -> _Wrong:
    return _Wrong(element, UnknownParameter, below)


def _missing(element: etree._Element, below: str = "") -> _Wrong:
    return _Wrong(element, MissingParameter, below)


def _invalid(element: etree._Element, value: str, reason: str) -> _Wrong:
    shown = value if len(value) <= _QUOTED else value[:_QUOTED] + "…"
    return _Wrong(element, lambda path: InvalidParameterValue(path, shown, reason))


def _path(element: etree._Element, root: etree._Element) -> str:
    """C{RunInstances.instancesSet.item[2].imageId}; counted from one."""
    steps = [element]
    steps.extend(element.iterancestors())
    depth = steps.index(root)
    return ".".join(
        [_name(root), *(_step(each) for each in reversed(steps[:depth]))],
    )


def _step(element: etree._Element) -> str:
    name, tag = _name(element), str(element.tag)
    before = sum(1 for _ in element.itersiblings(tag, preceding=True))
    is_alone = before == 0 and next(element.itersiblings(tag), None) is None
    return name if is_alone and name != "item" else f"{name}[{before + 1}]"


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname[:_QUOTED]


# --- structures -------------------------------------------------------------


@frozen
class _Member:
    """
    How one field is read.  C{read} gives one value; a list collects them.

    @ivar convert: of a scalar that is no list: its value from its text.
    """

    name: str
    read: _Reader
    convert: Callable[[str], Any] | None
    collects: bool
    is_nillable: bool


def _slashed(namespace: str) -> tuple[str, str]:
    bare = namespace.rstrip("/")
    return bare, bare + "/"


def _by_tag(members: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    return {
        f"{{{uri}}}{wire}": member
        for uri in _slashed(namespace)
        for wire, member in members.items()
    }


@dated
def reader_of(shape: Shape, version: Version, namespace: str) -> _Reader:
    """The function that reads an element of that shape."""
    fields = tuple(shape.elements(version))
    read_by = {f.wire: _member(f, version, namespace) for f in fields}
    members: Mapping[Any, _Member] = _by_tag(read_by, namespace)
    check_presence = _presence(fields, version)
    absent = _absent(shape)
    attributes = {a.name: a.fixed for a in shape.attributes}
    plain = _text_member(shape, fields)
    cls = shape.cls
    is_mixed = bool(attributes)

    def read(element: etree._Element) -> Any:
        if element.attrib:
            _check_attributes(element, attributes)
        values: dict[str, Any] = dict(absent)
        seen: dict[str, Any] = {}
        if not is_mixed:
            _check_blank(element, element.text)
        for child in element:
            if not is_mixed:
                _check_blank(element, child.tail)
            member = members.get(child.tag)
            if member is None:
                if isinstance(child.tag, str):
                    raise _unknown(child)
                _check_ignorable(child, element)
            elif member.convert and not (
                child.attrib or len(child) or member.name in seen
            ):
                # By far the most: one text, and nothing else.
                text = child.text or ""
                try:
                    seen[member.name] = member.convert(text)
                except NotOfType as e:
                    raise _invalid(child, text, e.reason) from None
            elif member.collects:
                if not (member.is_nillable and _is_nil(child)):
                    seen.setdefault(member.name, []).append(member.read(child))
            elif member.name in seen:
                raise _invalid(child, "", "It is given twice")
            elif _is_nil(child):
                if member.is_nillable:
                    seen[member.name] = None
            else:
                seen[member.name] = member.read(child)
        if plain is not None and plain not in seen:
            text = _text_around(element).strip(SPACE)
            if text:
                seen[plain] = text
        check_presence(element, seen)
        for name, value in seen.items():
            values[name] = tuple(value) if isinstance(value, list) else value
        return cls(**values)

    return read


def _absent(shape: Shape) -> dict[str, Any]:
    """What to give for members that have no default and are not there."""
    return {a.name: None for a in attrs.fields(shape.cls) if a.default is attrs.NOTHING}


def _text_member(shape: Shape, fields: tuple[Field, ...]) -> str | None:
    """Of mixed content: the member for which bare text stands (userData)."""
    if not shape.attributes:
        return None
    return next((f.python for f in fields if f.of is str and not f.many), None)


def _children(element: etree._Element) -> Iterator[etree._Element]:
    """The child elements; text between them is refused."""
    _check_blank(element, element.text)
    for child in element:
        _check_blank(element, child.tail)
        if isinstance(child.tag, str):
            yield child
        else:
            _check_ignorable(child, element)


def _check_blank(element: etree._Element, text: str | None) -> None:
    if text is not None and (stray := text.strip(SPACE)):
        raise _invalid(element, stray, "Elements belong here")


def _check_ignorable(node: etree._Element, element: etree._Element) -> None:
    if not isinstance(node, etree._Comment | etree._ProcessingInstruction):
        raise _invalid(element, "", "Entities are not taken")


def _check_attributes(element: etree._Element, fixed: Mapping[str, str]) -> None:
    """
    Those of other namespaces (C{xsi:type}, C{wsu:Id}) say nothing here.  One
    without might (C{href}), and must be known.
    """
    for name, value in element.attrib.items():
        if str(name).startswith("{"):
            continue
        if name not in fixed:
            raise _unknown(element, f"@{name[:_QUOTED]}")
        if value != fixed[str(name)]:
            raise _invalid(element, str(value), f"{name} must be {fixed[str(name)]}")


def _is_nil(element: etree._Element) -> bool:
    said = element.get(NIL)
    if said is None:
        return False
    try:
        if not boolean(said):
            return False
    except NotOfType as e:
        raise _invalid(element, said, e.reason) from None
    if len(element) or element.text:
        raise _invalid(element, element.text or "", "It is nil, and yet not empty")
    return True


def _presence(
    fields: tuple[Field, ...], version: Version
) -> Callable[[etree._Element, Mapping[str, Any]], None]:
    """What must stand there: required members, one of a choice, list sizes."""
    required = [
        (f.python, f.wire)
        for f in fields
        if f.is_required_in(version) and not f.choice_in(version)
    ]
    sizes = [
        (f.python, f.wire, f.at_least_in(version), f.at_most)
        for f in fields
        if f.repeated
    ]
    one_of = [
        ([(f.python, f.wire) for f in members], is_required)
        for members, is_required in choices(fields, version)
    ]

    def check(element: etree._Element, seen: Mapping[str, Any]) -> None:
        for python, wire in required:
            if python not in seen:
                raise _missing(element, f".{wire}")
        for python, wire, at_least, at_most in sizes:
            size = len(seen.get(python, ()))
            if size < at_least:
                raise _missing(element, f".{wire}")
            if at_most is not None and size > at_most:
                raise _invalid(element, wire, f"It is given more than {at_most} times")
        for members, is_required in one_of:
            given = [wire for python, wire in members if python in seen]
            if len(given) > 1:
                raise _Wrong(element, _only_one_of(given))
            if not given and is_required:
                raise _missing(element, f".({'|'.join(w for _, w in members)})")

    return check


def _only_one_of(names: list[str]) -> Callable[[str], ApiError]:
    return lambda path: InvalidParameterCombination(
        f"{path} may contain only one of {', '.join(names)}"
    )


def _member(f: Field, version: Version, namespace: str) -> _Member:
    one = _one(f, version, namespace)
    if f.many and not f.repeated:
        one = _wrapped(f, version, one, namespace)
    convert = converter(f.of, f.xsd) if f.is_scalar and not f.many else None
    return _Member(f.python, one, convert, f.repeated, f.is_nillable)


def _one(f: Field, version: Version, namespace: str) -> _Reader:
    if f.is_scalar:
        return _scalar(f)
    return reader_of(shape_of(f.of), version, namespace)


def _wrapped(f: Field, version: Version, one: _Reader, namespace: str) -> _Reader:
    """C{<set><item>…</item></set>}, or C{<set><item><leaf>…}."""
    tags = _by_tag({"item": True}, namespace)
    read_item = one
    if f.leaf is not None:
        read_item = _leaf(f.leaf, f.is_leaf_required_in(version), one, namespace)
    at_least = f.at_least_in(version)

    def read(element: etree._Element) -> list[Any]:
        if element.attrib:
            _check_attributes(element, {})
        items = []
        for child in _children(element):
            if child.tag not in tags:
                raise _unknown(child)
            item = read_item(child)
            if item is not None:
                items.append(item)
        if len(items) < at_least:
            raise _missing(element, ".item")
        return items

    return read


def _leaf(leaf: str, is_required: bool, one: _Reader, namespace: str) -> _Reader:
    """@param is_required: else an item without it is None."""
    tags = _by_tag({leaf: True}, namespace)

    def read(element: etree._Element) -> Any:
        if element.attrib:
            _check_attributes(element, {})
        found = list(_children(element))
        for child in found:
            if child.tag not in tags:
                raise _unknown(child)
        if not found:
            if is_required:
                raise _missing(element, f".{leaf}")
            return None
        if len(found) > 1:
            raise _invalid(found[1], "", "It is given twice")
        return one(found[0])

    return read


# --- scalars ----------------------------------------------------------------


def _scalar(f: Field) -> _Reader:
    convert = converter(f.of, f.xsd)

    def read(element: etree._Element) -> Any:
        text = _text(element)
        try:
            return convert(text)
        except NotOfType as e:
            raise _invalid(element, text, e.reason) from None

    return read


def _text(element: etree._Element) -> str:
    """All of an element's text, which must be all that is in it."""
    if element.attrib:
        _check_attributes(element, {})
    if not len(element):
        return element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            raise _unknown(child)
        _check_ignorable(child, element)
    return _text_around(element)


def _text_around(element: etree._Element) -> str:
    """The text of an element itself, before, between and after what is in it."""
    return (element.text or "") + "".join(child.tail or "" for child in element)
