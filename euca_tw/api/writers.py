"""
Functions that write shapes, compiled.

What writes a shape at a version is made as Python source, as one would write it
by hand for these fields: a loop over the fields costs more than their text.
What is made of it is told by L{euca_tw.api.encode}; here is nothing of pieces
or envelopes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import attrs
from attrs import define, field

from euca_tw.api.dated import dated
from euca_tw.api.fields import Field, Version
from euca_tw.api.fragments import Fragments
from euca_tw.api.lexical import CONVERT, attribute
from euca_tw.api.shapes import Shape, shape_of

#: The children of an element, as text.
Write = Callable[[Any], str]

#: What is longer is not kept; it is cut in pieces, and those of it are.
LONGEST_KEPT = 65536
fragments = Fragments()


@dated
def writer(shape: Shape, version: Version, keeps: bool = True) -> Write:
    """
    @param keeps: whether what is written of a shape that C{is_kept} is kept:
        not inside of another one, whose text has it already.
    """
    if shape.is_kept and keeps:
        return _keeping(writer(shape, version, False), version)
    return _Source(version, keeps and not shape.is_kept).compiled(shape)


def _keeping(write: Write, version: Version) -> Write:
    """Writes each value once, and then what was written."""

    def kept(value: Any) -> str:
        written = fragments.get(value, version)
        if written is None:
            written = write(value)
            if len(written) <= LONGEST_KEPT:
                fragments.keep(value, version, written)
        return written

    return kept


@define
class _Source:
    """
    The source of one function, as it grows.

    @ivar names: what it knows besides its argument.
    """

    version: Version
    keeps: bool
    lines: list[str] = field(factory=list)
    names: dict[str, Any] = field(factory=dict)

    def compiled(self, shape: Shape) -> Write:
        fields = tuple(shape.elements(self.version))
        if not fields:
            return lambda value: ""
        self.lines.append("def write(value):")
        for number, f in enumerate(fields):
            self._member(number, shape, f)
        joined = "".join(f"{{part_{number}}}" for number in range(len(fields)))
        self.lines.append(f"    return f{joined!r}")
        code = compile("\n".join(self.lines), f"<{shape.name} {self.version}>", "exec")
        # The source has nothing in it but our own declaration.
        exec(code, self.names)  # noqa: S102
        made: Write = self.names["write"]
        return made

    def _member(self, number: int, shape: Shape, f: Field) -> None:
        """C{part_N}, of one field."""
        is_required = (
            f.is_required_in(self.version)
            and not f.repeated
            and f.choice_in(self.version) is None
        )
        absent = f"<{f.wire}>{f.absent}</{f.wire}>" if f.absent else f"<{f.wire}/>"
        self.lines += [
            f"    got = value.{f.python}",
            "    if got is None:",
            f"        part_{number} = {absent if is_required else ''!r}",
        ]
        if f.many:
            is_written_empty = is_required or _may_be_none(f, shape)
            ways = self._list(number, f, is_written_empty=is_written_empty)
        elif f.is_scalar:
            ways = self._scalar(number, f.of, f"<{f.wire}>", f"</{f.wire}>")
        else:
            ways = self._structure(number, f)
        for condition, expression in ways:
            branch = "else:" if condition is None else f"elif {condition}:"
            self.lines += [f"    {branch}", f"        part_{number} = {expression}"]

    def _scalar(
        self, number: int, of: type, start: str, end: str
    ) -> Iterator[tuple[str | None, str]]:
        if of is str:
            # By far the most; those in which nothing is to be escaped are
            # looked at here, and not in a function of its own.
            yield (
                "got.isprintable() and '&' not in got and '<' not in got and "
                "'>' not in got",
                f"{start!r} f'{{got}}' {end!r}",
            )
        yield None, f"{start!r} + {self._convert(number, of)}(got) + {end!r}"

    def _convert(self, number: int, of: type) -> str:
        return self._named(f"convert_{number}", CONVERT[of])

    def _structure(self, number: int, f: Field) -> Iterator[tuple[None, str]]:
        start, end = tags(f)
        inner = shape_of(f.of)
        if not any(inner.elements(self.version)):
            yield None, repr(f"{start[:-1]}/>")
            return
        write = self._writer(number, inner)
        yield None, f"{start!r} + {write}(got) + {end!r}"

    def _list(
        self, number: int, f: Field, *, is_written_empty: bool
    ) -> Iterator[tuple[str | None, str]]:
        start, end = item_tags(f)
        before, after = ("", "") if f.repeated else (f"<{f.wire}>", f"</{f.wire}>")
        if f.is_scalar:
            convert = self._convert(number, f.of)
        elif any(shape_of(f.of).elements(self.version)):
            convert = self._writer(number, shape_of(f.of))
        else:
            start, end = f"{start[:-1]}/>", ""
            convert = self._named(f"write_{number}", lambda value: "")
        yield (
            "got",
            f"{before + start!r} + {end + start!r}.join([{convert}(item) for item in "
            f"got]) + {end + after!r}",
        )
        empty = f"<{f.wire}/>" if is_written_empty and not f.repeated else ""
        yield None, repr(empty)

    def _writer(self, number: int, inner: Shape) -> str:
        """What writes an inner shape; it is made when it is first called for."""
        name = f"write_{number}"
        names, version, keeps = self.names, self.version, self.keeps

        def first(value: Any) -> str:
            write = names[name] = writer(inner, version, keeps)
            return write(value)

        return self._named(name, first)

    def _named(self, name: str, what: Any) -> str:
        self.names[name] = what
        return name


def tags(f: Field) -> tuple[str, str]:
    """What opens and closes one element of a field, which is no scalar in a list."""
    name = f.wire if f.repeated or not f.many else "item"
    attributes = "" if f.is_scalar else fixed(shape_of(f.of))
    return f"<{name}{attributes}>", f"</{name}>"


def item_tags(f: Field) -> tuple[str, str]:
    """What opens and closes an item of a list."""
    start, end = tags(f)
    if f.leaf and not f.repeated:
        return f"{start}<{f.leaf}>", f"</{f.leaf}>{end}"
    return start, end


def fixed(shape: Shape) -> str:
    """The attributes that every element of a shape has, in its start tag."""
    return "".join(f' {a.name}="{attribute(a.fixed)}"' for a in shape.attributes)


def _may_be_none(f: Field, shape: Shape) -> bool:
    """Whether a list is left out by C{None}, so that an empty one is a list."""
    found: Any = attrs.fields_dict(shape.cls)[f.python]
    return found.default is None


__all__ = ["LONGEST_KEPT", "Write", "fixed", "fragments", "item_tags", "tags", "writer"]
