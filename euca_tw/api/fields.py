"""
The members of shapes: what can be said of one.

L{wire} is how a declaration says it, L{Field} how all that is derived from
the declaration hears it.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NewType, Union

import attrs
from attrs import frozen

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
    @ivar leaf_required: when it must stand in its item (ask
        L{is_leaf_required_in}).
    @ivar item_type: of such an item, the complexType's name in the schema.
    @ivar list_type: of a list, likewise, where it is not the usual one.
    @ivar early_types: until a date, what the types of this list and of its
        items were called: (date, list, item).
    @ivar at_least: of a list: how many items there must be (ask
        L{at_least_in}: there are such that asked for one until a date).
    @ivar at_most: of a list: how many there may be; None: any number.
    @ivar is_in_soap: False for what only Query can say (C{DryRun}).
    @ivar soap_spans: when SOAP can say it, where Query can in other versions
        too (ask L{is_element_in}).
    @ivar is_optional_in_query: Query may leave out what SOAP must say.
    @ivar choice: fields next to each other with one choice name exclude each
        other (xs:choice), from C{choice_since} on, before C{choice_until}.
    @ivar is_choice_required: False if the schema says that the whole choice
        may be left out; what is C{required} says the same of its members.
    @ivar xsd: the XML Schema type of a scalar.
    @ivar is_nillable: C{nillable="true"} in the schema.
    @ivar absent: of an answer, the text for C{None} where it must be said.
    """

    python: str
    wire: str
    query: str
    of: type
    many: bool
    repeated: bool
    leaf: str | None
    leaf_required: bool | tuple[Span, ...]
    item_type: str | None
    list_type: str | None
    early_types: tuple[str, str, str] | None
    at_least: int
    at_least_until: str | None
    at_most: int | None
    required: bool | tuple[Span, ...]
    since: str | None
    until: str | None
    is_in_soap: bool
    soap_spans: tuple[Span, ...]
    is_optional_in_query: bool
    choice: str | None
    choice_since: str | None
    choice_until: str | None
    is_choice_required: bool
    xsd: str
    is_nillable: bool
    absent: str

    @property
    def is_scalar(self) -> bool:
        return self.of in SCALARS

    def lives_in(self, version: Version) -> bool:
        return within((self.since, self.until), version)

    def is_element_in(self, version: Version) -> bool:
        """Whether SOAP can say it in that version."""
        return self.is_in_soap and self.lives_in(version) and self._in_spans(version)

    def _in_spans(self, version: Version) -> bool:
        return not self.soap_spans or any(within(s, version) for s in self.soap_spans)

    def at_least_in(self, version: Version) -> int:
        """How many items a list must have, in that version."""
        return self.at_least if within((None, self.at_least_until), version) else 0

    def early_types_in(self, version: Version) -> tuple[str | None, str | None]:
        """What the types of a list and its items are called, if otherwise."""
        if self.early_types is None or version >= self.early_types[0]:
            return None, None
        return self.early_types[1:]

    def choice_in(self, version: Version) -> str | None:
        """The choice that the field belongs to, in that version."""
        span = (self.choice_since, self.choice_until)
        return self.choice if within(span, version) else None

    def is_required_in(self, version: Version) -> bool:
        """Whether the element must stand there (in a choice: one of them)."""
        return _holds(self.required, version)

    def is_leaf_required_in(self, version: Version) -> bool:
        """Whether an item of a list must have its leaf."""
        return _holds(self.leaf_required, version)

    def is_required_in_query(self, version: Version) -> bool:
        """Whether a Query request must say it (in a choice: one of them)."""
        return (
            self.query != ""
            and not self.is_optional_in_query
            and self.is_required_in(version)
        )


def choices(
    fields: Iterable[Field], version: Version
) -> Iterator[tuple[tuple[Field, ...], bool]]:
    """
    The members of each choice that there is in that version, and whether one of
    them must be there.
    """
    found: dict[str, list[Field]] = {}
    for f in fields:
        choice = f.choice_in(version)
        if choice is not None:
            found.setdefault(choice, []).append(f)
    for members in found.values():
        is_required = all(
            f.is_required_in(version) and f.is_choice_required for f in members
        )
        yield tuple(members), is_required


def within(span: Span, version: str) -> bool:
    """Whether a version is in a span of them."""
    since, until = span
    return (since is None or since <= version) and (until is None or version < until)


def _holds(when: bool | tuple[Span, ...], version: str) -> bool:
    """Whether what is always, never, or in spans of versions is so in one."""
    if isinstance(when, bool):
        return when
    return any(within(span, version) for span in when)


def wire(
    name: str,
    *,
    query: str | None = None,
    leaf: str | None = None,
    leaf_required: bool | tuple[Span, ...] = True,
    item_type: str | None = None,
    list_type: str | None = None,
    early_types: tuple[str, str, str] | None = None,
    repeated: bool = False,
    at_least: int = 0,
    at_least_until: str | None = None,
    at_most: int | None = None,
    since: str | None = None,
    until: str | None = None,
    required: bool | tuple[Span, ...] | None = None,
    soap: bool | tuple[Span, ...] = True,
    query_optional: bool = False,
    choice: str | None = None,
    choice_since: str | None = None,
    choice_until: str | None = None,
    choice_required: bool = True,
    xsd: str | None = None,
    nillable: bool = False,
    absent: str = "",
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
    return Wire(
        name=name,
        query=name[:1].upper() + name[1:] if query is None else query,
        leaf=leaf,
        leaf_required=leaf_required,
        item_type=item_type,
        list_type=list_type,
        early_types=early_types,
        repeated=repeated,
        at_least=at_least,
        at_least_until=at_least_until,
        at_most=at_most,
        since=since,
        until=until,
        required=required,
        soap=soap,
        query_optional=query_optional,
        choice=choice,
        choice_since=choice_since,
        choice_until=choice_until,
        choice_required=choice_required,
        xsd=xsd,
        nillable=nillable,
        absent=absent,
        default=default,
    )


@frozen(kw_only=True)
class Wire:
    """What L{wire} was told, until the class around it is made."""

    name: str
    query: str
    leaf: str | None
    leaf_required: bool | tuple[Span, ...]
    item_type: str | None
    list_type: str | None
    early_types: tuple[str, str, str] | None
    repeated: bool
    at_least: int
    at_least_until: str | None
    at_most: int | None
    since: str | None
    until: str | None
    required: bool | tuple[Span, ...] | None
    soap: bool | tuple[Span, ...]
    query_optional: bool
    choice: str | None
    choice_since: str | None
    choice_until: str | None
    choice_required: bool
    xsd: str | None
    nillable: bool
    absent: str
    default: Any

    def default_of(self, hint: str) -> Any:
        """What the attribute is when nothing is said, if it may be."""
        if self.default is not attrs.NOTHING:
            return self.default
        if "None" in hint:
            return None
        if hint.startswith("tuple["):
            return ()
        is_always = self.since is None and self.until is None and self.choice is None
        return attrs.NOTHING if is_always and isinstance(self.soap, bool) else None


def field_of(a: attrs.Attribute[Any], hint: Any) -> Field:
    """The field of an attribute that L{wire} declared, and its type."""
    told: Wire = a.metadata[Wire]
    may_be_none, many = False, False
    if typing.get_origin(hint) in (Union, types.UnionType):
        [hint] = [h for h in typing.get_args(hint) if h is not type(None)]
        may_be_none = True
    if typing.get_origin(hint) is tuple:
        hint, many = typing.get_args(hint)[0], True
    required = told.required
    if required is None:
        required = bool(told.choice) or not (may_be_none or told.repeated)
    return Field(
        python=a.name,
        wire=told.name,
        query=told.query,
        of=hint,
        many=many,
        repeated=told.repeated,
        leaf=told.leaf,
        leaf_required=told.leaf_required,
        item_type=told.item_type,
        list_type=told.list_type,
        early_types=told.early_types,
        at_least=told.at_least,
        at_least_until=told.at_least_until,
        at_most=told.at_most,
        required=required,
        since=told.since,
        until=told.until,
        is_in_soap=told.soap is not False,
        soap_spans=() if isinstance(told.soap, bool) else told.soap,
        is_optional_in_query=told.query_optional,
        choice=told.choice,
        choice_since=told.choice_since,
        choice_until=told.choice_until,
        is_choice_required=told.choice_required,
        xsd=told.xsd or SCALARS.get(hint, ""),
        is_nillable=told.nillable,
        absent=told.absent,
    )
