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
import re
import typing
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, dataclass_transform

import attrs
from attrs import field, frozen

from euca_tw.api.fields import (
    SCALARS,
    Field,
    Span,
    Version,
    Wire,
    field_of,
    wire,
    within,
)
from euca_tw.api.style import AMAZON, Style
from euca_tw.common import evolved
from euca_tw.common.evolved import fetching

T = TypeVar("T")


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
    @ivar list_type: the complexType of a list of them, where it is not the
        usual one (see L{list_type_of}).
    @ivar is_kept: the very same values are told again and again; so what is
        written of each is kept.
    """

    name: str
    cls: type
    fields: tuple[Field, ...]
    base: Shape | None
    attributes: tuple[Attribute, ...]
    is_abstract: bool
    list_type: str | None
    is_kept: bool

    def at(self, version: Version) -> Iterator[Field]:
        """The fields that C{version} knows, in wire order."""
        return (f for f in self.fields if f.lives_in(version))

    def elements(self, version: Version) -> Iterator[Field]:
        """The fields that are elements in C{version}, in wire order."""
        return (f for f in self.fields if f.is_element_in(version))


@frozen
class _Declared:
    """What L{shape} was told."""

    name: str
    attributes: tuple[Attribute, ...]
    is_abstract: bool
    list_type: str | None
    is_kept: bool


def list_type_of(item_type: str) -> str:
    """
    What the complexType of a list is usually called, by that of its items:
    of C{GroupItemType} and of C{GroupSetItemType}, C{GroupSetType}.
    """
    return item_type.removesuffix("Type").removesuffix("Item").removesuffix("Set") + (
        "SetType"
    )


# Note [Fields that may be left out]
#
# Which fields need a value is decided by wire() from their type and dates; a
# type checker cannot follow that, so it is told (by not naming wire as a field
# specifier) that none does, and attrs refuses at run time.


@dataclass_transform(frozen_default=True, kw_only_default=True)
def shape(
    name: str,
    *,
    attributes: tuple[Attribute, ...] = (),
    abstract: bool = False,
    list_type: str | None = None,
    kept: bool = False,
) -> Callable[[type[T]], type[T]]:
    """
    Make a class a shape; see L{Shape}.

    @param name: its complexType in the schema.
    """

    def decorate(cls: type[T]) -> type[T]:
        _declare(cls)
        made = frozen(kw_only=True)(cls)
        made.__shape_declared__ = _Declared(name, attributes, abstract, list_type, kept)  # type: ignore[attr-defined]
        return made

    return decorate


@dataclass_transform(frozen_default=True, kw_only_default=True)
def members(cls: type[T]) -> type[T]:
    """
    Make a class one of fields that several shapes have in common.  It is no
    type on the wire; a shape that inherits it has its fields first (of two
    such bases, those of the last first).
    """
    _declare(cls)
    return frozen(kw_only=True, slots=False)(cls)


# Note [What all shapes have in common]
#
# There are hundreds of shapes.  attrs would write, and Python compile, four
# methods for each, which took more than half of the time to import them.
# Only the constructor needs to be its own.


def _is_equal(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return _values(self) == _values(other)


def _hash(self: Any) -> int:
    return hash((self.__class__, *_values(self)))


def _shown(self: Any) -> str:
    cls = self.__class__
    names = (a.name for a in attrs.fields(cls))
    told = (f"{n}={v!r}" for n, v in zip(names, _values(self), strict=True))
    return f"{cls.__qualname__}({', '.join(told)})"


def _values(value: Any) -> tuple[Any, ...]:
    return _fetching(value.__class__)(value)


@cache
def _fetching(cls: type) -> Callable[[Any], tuple[Any, ...]]:
    return fetching(tuple(each.name for each in attrs.fields(cls)))


def _declare(cls: type) -> None:
    """Make attributes of what L{wire} told."""
    # See Note [What all shapes have in common].
    for name, method in (
        ("__eq__", _is_equal),
        ("__hash__", _hash),
        ("__repr__", _shown),
    ):
        setattr(cls, name, method)
    for member, hint in inspect.get_annotations(cls).items():
        told = cls.__dict__.get(member)
        if not isinstance(told, Wire):
            raise TypeError(f"{cls.__name__}.{member} is not declared by wire()")
        default = told.default_of(str(hint))
        setattr(cls, member, attrs.field(metadata={Wire: told}, default=default))


@cache
def shape_of(cls: type) -> Shape:
    """
    The shape of a class that L{shape} made.

    @raise TypeError: it is not a shape.
    """
    try:
        declared: _Declared = cls.__dict__["__shape_declared__"]
    except KeyError:
        raise TypeError(f"{cls.__name__} is not a shape") from None
    hints = typing.get_type_hints(cls)
    bases = [b for b in cls.__mro__[1:] if "__shape_declared__" in b.__dict__]
    return Shape(
        name=declared.name,
        cls=cls,
        fields=tuple(field_of(a, hints[a.name]) for a in attrs.fields(cls)),
        base=shape_of(bases[0]) if bases else None,
        attributes=declared.attributes,
        is_abstract=declared.is_abstract,
        list_type=declared.list_type,
        is_kept=declared.is_kept,
    )


def evolve(value: T, **changes: Any) -> T:
    """A shape like C{value}, with these changes."""
    changeable: Any = value
    made: T = evolved.evolve(changeable, **changes)
    return made


@shape("EmptyElementType")
class Empty:
    """An element that says all by standing there."""


#: Between two words of a name, of which one may be an acronym
#: (C{EnableVolumeIO}).
_word_begins = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@frozen(eq=False)
class Operation:
    """
    One call: its name, what goes in, what comes out, since when.

    @ivar query_form: how Query says the request where it does not follow the
        rules; a shape whose method C{request()} gives the C{request}, or
        raises L{euca_tw.api.errors.ApiError}.
    @ivar soap_actions: the soapAction, and when, where it is not C{name}.
    @ivar early_response_type: until a date, what the response's complexType was
        called: (date, name).
    """

    name: str
    request: type
    response: type
    since: str | None = None
    until: str | None = None
    query_form: type | None = None
    soap_actions: tuple[tuple[Span, str], ...] = ()
    early_response_type: tuple[str, str] | None = None

    def lives_in(self, version: Version) -> bool:
        return within((self.since, self.until), version)

    def soap_action_in(self, version: Version) -> str:
        """What the WSDL of that version calls it in soapAction."""
        for span, action in self.soap_actions:
            if within(span, version):
                return action
        return self.name

    @property
    def method(self) -> str:
        """C{DescribeInstances} is answered by C{describe_instances}."""
        return _word_begins.sub("_", self.name).lower()


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
    "evolve",
    "members",
    "shape",
    "shape_of",
    "wire",
]
