"""
Shapes to XML.

Each shape is compiled, at a version, to a function that writes its children.
Query answers and SOAP bodies are written by the same functions, so the two
cannot drift apart; which envelope goes around them is their own affair.

What is written is exactly what the schema of that version allows: its fields,
in its order.  A field whose value is C{None} is left out, except where that
version requires it: then the element stands there, empty.

    - scalars: C{<wire>text</wire>};
    - lists: C{<wire><item>…</item>…</wire>}, with C{<leaf>} inside each item if
      one is declared; C{repeated} lists have neither wrapper nor items;
    - an optional list that is empty is left out;
    - fields that only Query can say are never written.

Characters that XML cannot carry become U+FFFD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import attrs
from attrs import frozen

from euca_tw.api.fragments import Fragments
from euca_tw.api.lexical import CONVERT, attribute, is_plain, moment, text
from euca_tw.api.shapes import Field, Shape, Version, shape_of

Write = Callable[[str], None]
#: Writes what is inside an element of one shape at one version.
Encode = Callable[[Any, Write], None]

#: No piece is made of more records than this, however small they are.
RECORDS_PER_PIECE = 250
PIECE_SIZE = 65536
#: A list inside a record that is longer is walked item by item too.
LONG = 50
_fragments = Fragments()
#: An answer of no more records than this, none with a long list, is one piece.
SHORT = 8


@cache
def encoder(shape: Shape, version: Version) -> Encode:
    """The function that writes the children of an element of this shape."""
    encode = _encoder(shape, version)
    return _keeping(encode, version) if shape.is_kept else encode


def _keeping(encode: Encode, version: Version) -> Encode:
    """Writes each value once, and then what was written."""

    def kept(value: Any, write: Write) -> None:
        text = _fragments.get(value, version)
        if text is None:
            chunks: list[str] = []
            encode(value, chunks.append)
            text = "".join(chunks)
            if len(text) <= PIECE_SIZE:
                _fragments.keep(value, version, text)
        write(text)

    return kept


def _encoder(shape: Shape, version: Version) -> Encode:
    fields = tuple(_written(shape, version))
    members = tuple((*_tags(f), *_member(f, shape, version)) for f in fields)
    all_of = _getter(fields)

    def encode(value: Any, write: Write) -> None:
        # The loop that all time goes into: strings, by far the most, are
        # looked at here and not in a function of their own.
        for got, (start, end, convert, member, absent) in zip(
            all_of(value), members, strict=True
        ):
            if got is None:
                if absent:
                    write(absent)
            elif convert is text:
                if (
                    is_plain(got)
                    and "&" not in got
                    and "<" not in got
                    and ">" not in got
                ):
                    write(f"{start}{got}{end}")
                else:
                    write(f"{start}{text(got)}{end}")
            elif convert is not None:
                write(f"{start}{convert(got)}{end}")
            else:
                member(got, write)

    return encode


def _getter(fields: tuple[Field, ...]) -> Callable[[Any], tuple[Any, ...]]:
    """Gets all of them at once."""
    names = [f.python for f in fields]
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _written(shape: Shape, version: Version) -> Iterator[Field]:
    return shape.elements(version)


def _tags(f: Field) -> tuple[str, str]:
    """What opens and closes the element of a field."""
    if f.is_scalar:
        return f"<{f.wire}>", f"</{f.wire}>"
    return _open(f.wire if f.repeated or not f.many else "item", f), (
        f"</{f.wire}>" if f.repeated or not f.many else "</item>"
    )


def _open(name: str, f: Field) -> str:
    fixed = "".join(
        f' {a.name}="{attribute(a.fixed)}"' for a in shape_of(f.of).attributes
    )
    return f"<{name}{fixed}>"


_Convert = Callable[[Any], str]


def _member(
    f: Field, shape: Shape, version: Version
) -> tuple[_Convert | None, Encode, str]:
    """How a field is converted if it is a scalar, else written; and its absence."""
    is_required = (
        f.is_required_in(version) and not f.repeated and f.choice_in(version) is None
    )
    absent = f"<{f.wire}/>" if is_required else ""
    if f.many:
        return None, _list(f, version, is_required or _may_be_none(f, shape)), absent
    if f.is_scalar:
        return CONVERT[f.of], _item(f, version), absent
    return None, _structure(f, version), absent


def _may_be_none(f: Field, shape: Shape) -> bool:
    """Whether a list is left out by C{None}, so that an empty one is a list."""
    found: Any = attrs.fields_dict(shape.cls)[f.python]
    return found.default is None


def _structure(f: Field, version: Version) -> Encode:
    inner = shape_of(f.of)
    start, end = _tags(f)
    if not any(_written(inner, version)):
        whole = start[:-1] + "/>"
        return lambda value, write: write(whole)
    encode = encoder(inner, version)

    def structure(value: Any, write: Write) -> None:
        write(start)
        encode(value, write)
        write(end)

    return structure


def _item(f: Field, version: Version) -> Encode:
    """One element of a list, with its tags."""
    if not f.is_scalar:
        return _structure(f, version)
    convert = CONVERT[f.of]
    start, end = _scalar_item_tags(f)
    return lambda value, write: write(start + convert(value) + end)


def _scalar_item_tags(f: Field) -> tuple[str, str]:
    if f.repeated:
        return _tags(f)
    if f.leaf:
        return f"<item><{f.leaf}>", f"</{f.leaf}></item>"
    return "<item>", "</item>"


def _list(f: Field, version: Version, is_written_empty: bool) -> Encode:
    item = _item(f, version)
    if f.repeated:

        def repeated(values: Any, write: Write) -> None:
            for value in values:
                item(value, write)

        return repeated
    start, end, empty = f"<{f.wire}>", f"</{f.wire}>", f"<{f.wire}/>"

    def wrapped(values: Any, write: Write) -> None:
        if not values:
            if is_written_empty:
                write(empty)
            return
        write(start)
        for value in values:
            item(value, write)
        write(end)

    return wrapped


@lru_cache(maxsize=4096)
def _root(root: str, namespace: str, shape: Shape) -> tuple[str, str]:
    fixed = "".join(f' {a.name}="{attribute(a.fixed)}"' for a in shape.attributes)
    return f'<{root} xmlns="{attribute(namespace)}"{fixed}>', f"</{root}>"


def element(
    root: str, namespace: str, shape: Shape, version: Version, value: Any
) -> str:
    """The whole element, in one text."""
    start, end = _root(root, namespace, shape)
    chunks = [start]
    encoder(shape, version)(value, chunks.append)
    chunks.append(end)
    return "".join(chunks)


def pieces(
    before: str,
    root: str,
    namespace: str,
    shape: Shape,
    version: Version,
    value: Any,
    after: str,
    size: int = PIECE_SIZE,
) -> Iterator[bytes]:
    """
    The element between C{before} and C{after}, in pieces of about C{size}
    characters or L{RECORDS_PER_PIECE} records, each made when it is asked for:
    so neither time nor memory is taken for ten thousand records at once.

    Lists of structures are walked item by item, and so are long lists inside
    their items.  Take the first piece before promising success: an answer
    of one piece can then fail cleanly.
    """
    if _is_short(shape, version, value):
        whole = element(root, namespace, shape, version, value)
        yield f"{before}{whole}{after}".encode()
        return
    start, end = _root(root, namespace, shape)
    held, length, records = [before, start], 0, 0
    for record in _records(shape, version, value):
        held.append(record)
        length += len(record)
        records += 1
        if length >= size or records >= RECORDS_PER_PIECE:
            yield "".join(held).encode()
            held, length, records = [], 0, 0
    held += (end, after)
    yield "".join(held).encode()


def _is_short(shape: Shape, version: Version, value: Any) -> bool:
    """Whether it is hardly worth to be cut: a few records, none of them long."""
    for _, frame in _parts(shape, version):
        items = None if frame is None else frame.get(value)
        if frame is None or not items:
            continue
        if len(items) > SHORT or any(frame.has_long_list(item) for item in items):
            return False
    return True


def _records(shape: Shape, version: Version, value: Any) -> Iterator[str]:
    """The children, cut after each item of each list of structures."""
    chunks: list[str] = []
    for part, frame in _parts(shape, version):
        items = None if frame is None else frame.get(value)
        if frame is None or not items:
            part(value, chunks.append)
            continue
        chunks.append(frame.start)
        for item in items:
            chunks.append(frame.item_start)
            if frame.inner.is_kept:
                text = _fragments.get(item, version)
                if text is not None:
                    chunks += (text, frame.item_end)
                    yield "".join(chunks)
                    chunks = []
                    continue
            if frame.has_long_list(item):
                yield "".join(chunks)
                chunks = []
                yield from _records(frame.inner, version, item)
            else:
                frame.encode(item, chunks.append)
            chunks.append(frame.item_end)
            yield "".join(chunks)
            chunks = []
        chunks.append(frame.end)
    yield "".join(chunks)


@frozen
class _Frame:
    """What stands around a list of structures, and around each of them."""

    get: Callable[[Any], Any]
    start: str
    item_start: str
    item_end: str
    end: str
    inner: Shape
    encode: Encode
    inner_lists: tuple[Callable[[Any], Any], ...]

    def has_long_list(self, item: Any) -> bool:
        for get in self.inner_lists:
            found = get(item)
            if found and len(found) > LONG:
                return True
        return False


@cache
def _parts(shape: Shape, version: Version) -> tuple[tuple[Encode, _Frame | None], ...]:
    """The shape as runs of fields, and lists of structures on their own."""
    return tuple(
        (
            encoder(attrs.evolve(shape, fields=tuple(run), is_kept=False), version),
            _frame(run[0], version) if is_list else None,
        )
        for is_list, group in groupby(_written(shape, version), _is_list_of_structures)
        for run in ([[f] for f in group] if is_list else [list(group)])
    )


def _is_list_of_structures(f: Field) -> bool:
    return f.many and not f.is_scalar


def _frame(f: Field, version: Version) -> _Frame:
    inner = shape_of(f.of)
    start, end = ("", "") if f.repeated else (f"<{f.wire}>", f"</{f.wire}>")
    item_start, item_end = _tags(f)
    return _Frame(
        get=attrgetter(f.python),
        start=start,
        item_start=item_start,
        item_end=item_end,
        end=end,
        inner=inner,
        encode=encoder(inner, version),
        inner_lists=tuple(
            attrgetter(each.python)
            for each in _written(inner, version)
            if _is_list_of_structures(each)
        ),
    )


__all__ = [
    "PIECE_SIZE",
    "RECORDS_PER_PIECE",
    "Encode",
    "Write",
    "attribute",
    "element",
    "encoder",
    "moment",
    "pieces",
    "text",
]
