"""
The XML Schema of one version of an API, made from its shapes.

Types are named as their shapes are.  The types of lists, which have no shape,
are named for their items; where that would say nothing, for the type that holds
the list and the element that it is.  Names of types are never on the wire, but
code generators make class names of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from attrs import Factory, define
from lxml import etree
from lxml.builder import ElementMaker

from euca_tw.api.shapes import (
    Api,
    Field,
    Operation,
    Shape,
    Version,
    list_type_of,
    shape_of,
)

XS = "http://www.w3.org/2001/XMLSchema"

_xs = ElementMaker(namespace=XS)


class TypeNameClash(Exception):
    """Two different types of one API want one name; a slip in a declaration."""


def schema_element(api: Api, version: Version) -> etree._Element:
    """
    The C{xs:schema}.

    @raise TypeNameClash: the declaration is wrong.
    """
    namespace = api.namespace_of(version)
    made = etree.Element(
        f"{{{XS}}}schema",
        {"targetNamespace": namespace, "elementFormDefault": "qualified"},
        nsmap={"xs": XS, "tns": namespace},
    )
    types = _Types(api, version)
    for operation in api.at(version):
        (request, asked), (response, answer) = bodies(operation)
        called = _early(operation.early_response_type, version)
        for name, type_name in (
            (request, types.of(asked)),
            (response, types.of(answer, called)),
        ):
            root = _xs.element(name=name, type=f"tns:{type_name}")
            if api.style.is_root_nillable:
                root.set("nillable", "true")
            made.append(root)
    made.extend(types)
    return made


def bodies(operation: Operation) -> tuple[tuple[str, Shape], tuple[str, Shape]]:
    """The elements in the bodies of an operation's messages."""
    return (
        (operation.name, shape_of(operation.request)),
        (f"{operation.name}Response", shape_of(operation.response)),
    )


@define
class _Types:
    """
    The complex types that have been asked for, and those that they need.

    @ivar _named: under each name, what it stands for (a shape's class, or
        what is in a list) and its definition.
    """

    _api: Api
    _version: Version
    _named: dict[str, tuple[object, etree._Element]] = Factory(dict)

    def __iter__(self) -> Iterator[etree._Element]:
        return (made for _, made in self._named.values())

    def of(self, shape: Shape, called: str | None = None) -> str:
        """
        The name of a shape's type.

        @param called: where it is called otherwise.
        """
        name = called or self._name_of(shape)
        if name in self._named and self._named[name][0] is shape.cls:
            return name
        self._same(name, *self._content(shape), meaning=shape.cls)
        made = self._named[name][1]
        if shape.is_abstract:
            made.set("abstract", "true")
        if shape.attributes:
            made.set("mixed", "true")
        return name

    def _content(self, shape: Shape) -> list[etree._Element]:
        """What is in a shape's type."""
        fields = list(shape.elements(self._version))
        if shape.base is not None:
            inherited = {f.python for f in shape.base.fields}
            fields = [f for f in fields if f.python not in inherited]
        content = [_xs.sequence(*self._members(shape, fields))] if fields else []
        content += [
            _xs.attribute(name=a.name, type="xs:string", use="required", fixed=a.fixed)
            for a in shape.attributes
        ]
        if shape.base is None:
            return content
        extension = _xs.extension(*content, base=f"tns:{self.of(shape.base)}")
        return [_xs.complexContent(extension)]

    def _name_of(self, shape: Shape) -> str:
        return self._api.type_names.get(shape.cls, shape.name)

    def _members(self, shape: Shape, fields: list[Field]) -> Iterator[etree._Element]:
        """The elements of fields; neighbours of one choice in an C{xs:choice}."""
        for choice, members in groupby(fields, lambda f: f.choice_in(self._version)):
            of_one = list(members)
            elements = [self._element(shape, f) for f in of_one]
            if choice is None or len(elements) == 1:
                yield from elements
            elif all(f.is_choice_required for f in of_one):
                yield _xs.choice(*elements)
            else:
                for element in elements:
                    element.attrib.pop("minOccurs", None)
                yield _xs.choice(*elements, minOccurs="0")

    def _element(self, shape: Shape, f: Field) -> etree._Element:
        made = _xs.element(name=f.wire, type=self._type_of(shape, f))
        if f.repeated:
            _limit(made, f, self._version)
        elif not f.is_required_in(self._version):
            made.set("minOccurs", "0")
        if f.is_nillable:
            made.set("nillable", "true")
        return made

    def _type_of(self, shape: Shape, f: Field) -> str:
        if f.many and not f.repeated:
            return f"tns:{self._list(shape, f)}"
        return self._type_of_one(f)

    def _type_of_one(self, f: Field) -> str:
        return f"xs:{f.xsd}" if f.is_scalar else f"tns:{self.of(shape_of(f.of))}"

    def _list(self, shape: Shape, f: Field) -> str:
        """C{<item>…</item>} again and again."""
        early_list, early_item = f.early_types_in(self._version)
        listed = early_list or f.list_type
        if f.leaf is not None:
            named = early_item or f.item_type or f"{_place(shape, f)}ItemType"
            item_type = self._leaf(named, f)
            listed = listed or list_type_of(item_type)
            of = f"tns:{item_type}"
        elif f.is_scalar:
            of = self._type_of_one(f)
        else:
            inner = shape_of(f.of)
            of = f"tns:{self.of(inner, early_item)}"
            usual = inner.list_type or list_type_of(self._name_of(inner))
            listed = listed or usual
        item = _xs.element(name="item", type=of)
        _limit(item, f, self._version)
        return self._same(listed or f"{_place(shape, f)}Type", _xs.sequence(item))

    def _leaf(self, name: str, f: Field) -> str:
        """What is in an item that is a single scalar."""
        leaf = _xs.element(name=str(f.leaf), type=self._type_of_one(f))
        if not f.is_leaf_required_in(self._version):
            leaf.set("minOccurs", "0")
        return self._same(name, _xs.sequence(leaf))

    def _same(self, name: str, *content: etree._Element, meaning: object = None) -> str:
        """A type of that content; another may have that name, and the same in it."""
        if name not in self._named:
            self._named[name] = (meaning, _xs.complexType(*content, name=name))
        elif _texts(self._named[name][1]) != _texts(content):
            raise TypeNameClash(f"{name} is {self._named[name][0]} and {meaning}")
        return name


def _texts(elements: Iterable[etree._Element]) -> tuple[str, ...]:
    return tuple(etree.tostring(each, method="c14n").decode() for each in elements)


def _early(early: tuple[str, str] | None, version: Version) -> str | None:
    return early[1] if early is not None and version < early[0] else None


def _place(shape: Shape, f: Field) -> str:
    """What a type that has no name is called for: where it is."""
    return shape.name.removesuffix("Type") + f.wire[0].upper() + f.wire[1:]


def _limit(element: etree._Element, f: Field, version: Version) -> None:
    element.set("minOccurs", str(f.at_least_in(version)))
    element.set("maxOccurs", "unbounded" if f.at_most is None else str(f.at_most))
