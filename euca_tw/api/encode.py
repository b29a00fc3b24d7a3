"""
Shapes to XML.

Each shape is compiled, at a version, to a function that writes its children
(L{euca_tw.api.writers}).
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
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any

import attrs
from attrs import frozen

from euca_tw.api.dated import dated
from euca_tw.api.lexical import attribute, moment, text
from euca_tw.api.shapes import Field, Shape, Version, shape_of
from euca_tw.api.writers import Write, fixed, tags, writer

#: No piece is made of more records than this, however small they are.
RECORDS_PER_PIECE = 250
PIECE_SIZE = 65536
#: A list inside a record that is longer is walked item by item too.
LONG = 50
#: An answer of no more records than this, none with a long list, is one piece.
SHORT = 8


@lru_cache(maxsize=4096)
def _root(root: str, namespace: str, shape: Shape) -> tuple[str, str]:
    return f'<{root} xmlns="{attribute(namespace)}"{fixed(shape)}>', f"</{root}>"


def element(
    root: str, namespace: str, shape: Shape, version: Version, value: Any
) -> str:
    """The whole element, in one text."""
    start, end = _root(root, namespace, shape)
    return f"{start}{writer(shape, version)(value)}{end}"


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
    before = ""
    for part, frame in _parts(shape, version):
        items = None if frame is None else frame.get(value)
        if frame is None or not items:
            before += part(value)
            continue
        before += frame.start
        for item in items:
            if frame.has_long_list(item):
                yield before + frame.item_start
                yield from _records(frame.inner, version, item)
                yield frame.item_end
            else:
                yield f"{before}{frame.item_start}{frame.write(item)}{frame.item_end}"
            before = ""
        before += frame.end
    yield before


@frozen
class _Frame:
    """What stands around a list of structures, and around each of them."""

    get: Callable[[Any], Any]
    start: str
    item_start: str
    item_end: str
    end: str
    inner: Shape
    write: Write
    inner_lists: tuple[Callable[[Any], Any], ...]

    def has_long_list(self, item: Any) -> bool:
        for get in self.inner_lists:
            found = get(item)
            if found and len(found) > LONG:
                return True
        return False


@dated
def _parts(shape: Shape, version: Version) -> tuple[tuple[Write, _Frame | None], ...]:
    """The shape as runs of fields, and lists of structures on their own."""
    return tuple(
        (
            writer(attrs.evolve(shape, fields=tuple(run), is_kept=False), version),
            _frame(run[0], version) if is_list else None,
        )
        for is_list, group in groupby(shape.elements(version), _is_list_of_structures)
        for run in ([[f] for f in group] if is_list else [list(group)])
    )


def _is_list_of_structures(f: Field) -> bool:
    return f.many and not f.is_scalar


def _frame(f: Field, version: Version) -> _Frame:
    inner = shape_of(f.of)
    start, end = ("", "") if f.repeated else (f"<{f.wire}>", f"</{f.wire}>")
    item_start, item_end = tags(f)
    return _Frame(
        get=attrgetter(f.python),
        start=start,
        item_start=item_start,
        item_end=item_end,
        end=end,
        inner=inner,
        write=writer(inner, version),
        inner_lists=tuple(
            attrgetter(each.python)
            for each in inner.elements(version)
            if _is_list_of_structures(each)
        ),
    )


__all__ = [
    "PIECE_SIZE",
    "RECORDS_PER_PIECE",
    "attribute",
    "element",
    "moment",
    "pieces",
    "text",
]
