"""
The vocabulary in which an API is declared.

A shape is a frozen attrs class.  Its fields carry their wire name, their Query
name, and the versions between which they exist and are required.  Nothing here
knows XML, Query strings, Spyne or Twisted: encoders, readers, schemas and
service descriptions are derived from L{Shape} and never written by hand.

Versions are ISO dates; dates order as text.  C{since} is the first version
that has a thing, C{until} the first that has it no more.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, NewType, TypeVar, Union, dataclass_transform

import attrs
from attrs import field, frozen

from euca_tw.api.style import AMAZON, Style

T = TypeVar("T")
Version = NewType("Version", str)

#: The types that a leaf may have, and their XML Schema names.
SCALARS: dict[type, str] = {
    str: "string",
    int: "int",
    bool: "boolean",
    float: "double",
    datetime: "dateTime",
}

#: Occurrence of a required field over time: (first version that requires it,
#: first that does so no more); None is open.
Span = tuple[str | None, str | None]


@frozen
class Field:
    """
    One member of a shape.

    @ivar python: the attribute's name.
    @ivar wire: the element's name in SOAP, and in every response.
    @ivar query: the parameter's name in a Query request, less any C{.n};
        C{""} if Query cannot say it.
    @ivar of: a scalar type, or a shape class.
    @ivar many: a tuple of C{of}.
    @ivar repeated: of a list: its elements stand side by side, with no
        C{<item>} and no wrapper around them.
    @ivar leaf: for many scalars, C{<item><leaf>text</leaf></item>}.
    @ivar at_least: of a list: how many items there must be (ask
        L{at_least_in}: there are such that asked for one until a date).
    @ivar at_most: of a list: how many there may be; None: any number.
    @ivar is_in_soap: False for what only Query can say (C{DryRun}).
    @ivar soap_spans: when SOAP can say it, where Query can in other versions
        too (ask L{is_element_in}).
    @ivar is_optional_in_query: Query may leave out what SOAP must say.
    @ivar choice: fields next to each other with one choice name exclude each
        other (xs:choice), from C{choice_since} on.
    @ivar xsd: the XML Schema type of a scalar.
    @ivar is_nillable: C{nillable="true"} in the schema.
    """

    python: str
    wire: str
    query: str
    of: type
    many: bool
    repeated: bool
    leaf: str | None
    at_least: int
    at_least_until: str | None
    at_most: int | None
    required: bool | tuple[Span, ...]
    since: str | None
    until: str | None
    absent_in: tuple[str, ...]
    is_in_soap: bool
    soap_spans: tuple[Span, ...]
    is_optional_in_query: bool
    choice: str | None
    choice_since: str | None
    xsd: str
    is_nillable: bool

    @property
    def is_scalar(self) -> bool:
        return self.of in SCALARS

    def lives_in(self, version: Version) -> bool:
        return (
            _within((self.since, self.until), version) and version not in self.absent_in
        )

    def is_element_in(self, version: Version) -> bool:
        """Whether SOAP can say it in that version."""
        return self.is_in_soap and self.lives_in(version) and self._in_spans(version)

    def _in_spans(self, version: Version) -> bool:
        return not self.soap_spans or any(_within(s, version) for s in self.soap_spans)

    def at_least_in(self, version: Version) -> int:
        """How many items a list must have, in that version."""
        return self.at_least if _within((None, self.at_least_until), version) else 0

    def choice_in(self, version: Version) -> str | None:
        """The choice that the field belongs to, in that version."""
        if self.choice_since is not None and version < self.choice_since:
            return None
        return self.choice

    def is_required_in(self, version: Version) -> bool:
        """Whether the element must stand there (in a choice: one of them)."""
        if isinstance(self.required, bool):
            return self.required
        return any(_within(span, version) for span in self.required)

    def is_required_in_query(self, version: Version) -> bool:
        """Whether a Query request must say it (in a choice: one of them)."""
        return (
            self.query != ""
            and not self.is_optional_in_query
            and self.is_required_in(version)
        )


def _within(span: Span, version: str) -> bool:
    since, until = span
    return (since is None or since <= version) and (until is None or version < until)


@frozen
class Attribute:
    """An XML attribute with one fixed value (C{userData@version})."""

    name: str
    fixed: str


@frozen(eq=False)
class Shape:
    """
    @ivar name: the complexType's name in the schema.
    @ivar base: the shape it extends, whose fields come first.
    @ivar attributes: fixed XML attributes; a shape with any is mixed content.
    @ivar is_abstract: only what extends it is ever sent.
    """

    name: str
    cls: type
    fields: tuple[Field, ...]
    base: Shape | None
    attributes: tuple[Attribute, ...]
    is_abstract: bool

    def at(self, version: Version) -> Iterator[Field]:
        """The fields that C{version} knows, in wire order."""
        return (f for f in self.fields if f.lives_in(version))

    def elements(self, version: Version) -> Iterator[Field]:
        """The fields that are elements in C{version}, in wire order."""
        return (f for f in self.fields if f.is_element_in(version))


def wire(
    name: str,
    *,
    query: str | None = None,
    leaf: str | None = None,
    repeated: bool = False,
    at_least: int = 0,
    at_least_until: str | None = None,
    at_most: int | None = None,
    since: str | None = None,
    until: str | None = None,
    absent_in: tuple[str, ...] = (),
    required: bool | tuple[Span, ...] | None = None,
    soap: bool | tuple[Span, ...] = True,
    query_optional: bool = False,
    choice: str | None = None,
    choice_since: str | None = None,
    xsd: str | None = None,
    nillable: bool = False,
    default: Any = attrs.NOTHING,
) -> Any:
    """
    Declare a field of a shape.

    Left out, C{required} follows the type: C{T | None} and tuples of
    repeated elements are optional, anything else is required (a list's
    wrapper too, though the list may be empty).  A field that does not live in
    every version, is in a choice, is a list, or may be C{None} needs no value.

    @param query: the name in Query, when it is not C{name} with a capital
        (of a list: its singular, as EC2 has it); C{""} for none.
    @param soap: False for what only Query can say, or the spans in which SOAP
        can say it, too.
    """
    metadata = {
        "wire": name,
        "query": query,
        "leaf": leaf,
        "repeated": repeated,
        "at_least": at_least,
        "at_least_until": at_least_until,
        "at_most": at_most,
        "since": since,
        "until": until,
        "absent_in": absent_in,
        "required": required,
        "soap": soap,
        "query_optional": query_optional,
        "choice": choice,
        "choice_since": choice_since,
        "xsd": xsd,
        "nillable": nillable,
    }
    return attrs.field(metadata=metadata, default=default)


# Note [Fields that may be left out]
#
# Which fields need a value is decided by wire() from their type and dates; a
# type checker cannot follow that, so it is told (by not naming wire as a field
# specifier) that none does, and attrs refuses at run time.


@dataclass_transform(frozen_default=True, kw_only_default=True)
def shape(
    name: str, *, attributes: tuple[Attribute, ...] = (), abstract: bool = False
) -> Callable[[type[T]], type[T]]:
    """Make a class a shape; C{name} is its complexType in the schema."""

    def decorate(cls: type[T]) -> type[T]:
        _supply_defaults(cls)
        made = frozen(kw_only=True)(cls)
        made.__shape_declared__ = (name, attributes, abstract)  # type: ignore[attr-defined]
        return made

    return decorate


@dataclass_transform(frozen_default=True, kw_only_default=True)
def members(cls: type[T]) -> type[T]:
    """
    Make a class one of fields that several shapes have in common.  It is no
    type on the wire; a shape that inherits it has its fields first (of two
    such bases, those of the last first).
    """
    _supply_defaults(cls)
    return frozen(kw_only=True, slots=False)(cls)


def _supply_defaults(cls: type) -> None:
    for member, hint in inspect.get_annotations(cls).items():
        _supply_default(cls, member, hint)


def _supply_default(cls: type, member: str, hint: Any) -> None:
    """Give what may be left out its empty value, so that callers may too."""
    declared = cls.__dict__.get(member)
    meta = getattr(declared, "metadata", None)
    if meta is None or declared._default is not attrs.NOTHING:  # type: ignore[union-attr]
        return
    text = hint if isinstance(hint, str) else str(hint)
    if text.startswith("tuple[") and "None" not in text:
        declared._default = ()  # type: ignore[union-attr]
    elif "None" in text or meta["since"] or meta["until"] or meta["choice"]:
        declared._default = None  # type: ignore[union-attr]


@cache
def shape_of(cls: type) -> Shape:
    """
    The shape of a class that L{shape} made.

    @raise TypeError: it is not a shape.
    """
    try:
        name, attributes, is_abstract = cls.__dict__["__shape_declared__"]
    except KeyError:
        raise TypeError(f"{cls.__name__} is not a shape") from None
    hints = typing.get_type_hints(cls)
    bases = [b for b in cls.__mro__[1:] if "__shape_declared__" in b.__dict__]
    return Shape(
        name=name,
        cls=cls,
        fields=tuple(_field(a, hints[a.name]) for a in attrs.fields(cls)),
        base=shape_of(bases[0]) if bases else None,
        attributes=attributes,
        is_abstract=is_abstract,
    )


def _field(a: attrs.Attribute[Any], hint: Any) -> Field:
    meta, may_be_none, many = a.metadata, False, False
    if typing.get_origin(hint) in (Union, types.UnionType):
        [hint] = [h for h in typing.get_args(hint) if h is not type(None)]
        may_be_none = True
    if typing.get_origin(hint) is tuple:
        hint, many = typing.get_args(hint)[0], True
    required = meta["required"]
    if required is None:
        required = bool(meta["choice"]) or not (may_be_none or meta["repeated"])
    query = meta["query"]
    if query is None:
        query = meta["wire"][:1].upper() + meta["wire"][1:]
    return Field(
        python=a.name,
        wire=meta["wire"],
        query=query,
        of=hint,
        many=many,
        repeated=meta["repeated"],
        leaf=meta["leaf"],
        at_least=meta["at_least"],
        at_least_until=meta["at_least_until"],
        at_most=meta["at_most"],
        required=required,
        since=meta["since"],
        until=meta["until"],
        absent_in=meta["absent_in"],
        is_in_soap=meta["soap"] is not False,
        soap_spans=meta["soap"] if isinstance(meta["soap"], tuple) else (),
        is_optional_in_query=meta["query_optional"],
        choice=meta["choice"],
        choice_since=meta["choice_since"],
        xsd=meta["xsd"] or SCALARS.get(hint, ""),
        is_nillable=meta["nillable"],
    )


@shape("EmptyElementType")
class Empty:
    """An element that says all by standing there."""


@frozen(eq=False)
class Operation:
    """
    One call: its name, what goes in, what comes out, since when.

    @ivar query_form: how Query says the request where it does not follow the
        rules; a shape whose method C{request()} gives the C{request}, or
        raises L{euca_tw.api.errors.ApiError}.
    @ivar soap_actions: the soapAction, and when, where it is not C{name}.
    """

    name: str
    request: type
    response: type
    since: str | None = None
    until: str | None = None
    query_form: type | None = None
    soap_actions: tuple[tuple[Span, str], ...] = ()

    def lives_in(self, version: Version) -> bool:
        return _within((self.since, self.until), version)

    def soap_action_in(self, version: Version) -> str:
        """What the WSDL of that version calls it in soapAction."""
        for span, action in self.soap_actions:
            if _within(span, version):
                return action
        return self.name

    @property
    def method(self) -> str:
        """C{DescribeInstances} is answered by C{describe_instances}."""
        return "".join("_" + c.lower() if c.isupper() else c for c in self.name).lstrip(
            "_"
        )


@frozen(eq=False)
class Api:
    """
    A named set of operations, and the dated versions it is served under.

    @ivar name: of the WSDL's service (C{AmazonEC2}).
    @ivar namespace: with C{{version}} in it where it is dated.
    @ivar versions: oldest first.
    @ivar type_names: of shapes that are called otherwise here, because
        another has their name.
    """

    name: str
    namespace: str
    versions: tuple[Version, ...]
    operations: tuple[Operation, ...]
    style: Style = AMAZON
    type_names: Mapping[type, str] = field(factory=dict)

    def at(self, version: Version) -> Iterator[Operation]:
        return (o for o in self.operations if o.lives_in(version))

    def find(self, name: str, version: Version) -> Operation | None:
        """The operation of that name, if that version has it."""
        found = self._by_name.get(name)
        return found if found is not None and found.lives_in(version) else None

    def named(self, name: str) -> Operation:
        """
        The operation of that name in any version.

        @raise KeyError: there is none.
        """
        return self._by_name[name]

    @property
    def _by_name(self) -> dict[str, Operation]:
        return _by_name(self)

    def namespace_of(self, version: Version) -> str:
        return self.namespace.format(version=version)


@cache
def _by_name(api: Api) -> dict[str, Operation]:
    return {o.name: o for o in api.operations}


#: What stands behind a door: the operation, who calls, what is asked; the
#: response comes back, or L{euca_tw.api.errors.ApiError} is raised.
Dispatch = Callable[[Operation, Any, Any], Awaitable[Any]]

__all__ = [
    "SCALARS",
    "Api",
    "Attribute",
    "Dispatch",
    "Empty",
    "Field",
    "Operation",
    "Shape",
    "Span",
    "Version",
    "members",
    "shape",
    "shape_of",
    "wire",
]
