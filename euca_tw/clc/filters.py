"""
The filters of C{Describe…}: EC2's names, values with wildcards.

Values of one filter are alternatives; several filters must all hold.  C{*} is
any text, C{?} one character, and a backslash takes their meaning away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from attrs import frozen

from euca_tw.api.errors import FilterLimitExceeded, InvalidFilter

R = TypeVar("R")

#: What a filter looks at: the values that a thing has for it.
Reads = Callable[[R], Iterable[str]]

#: The tags that a thing has, to who asks: keys and values.
Tagged = Callable[[R], Iterable[tuple[str, str]]]

#: EC2's limits: on the values of all filters of a request, and on each.
MOST_VALUES = 200
LONGEST_VALUE = 255


class AskedFilter(Protocol):
    """One filter of a request, as the shapes have it."""

    @property
    def name(self) -> str: ...

    @property
    def values(self) -> tuple[str, ...]: ...


def one(read: Callable[[R], str | None]) -> Reads[R]:
    """A filter on one value; a thing that has none is never found."""

    def reads(thing: R) -> Iterable[str]:
        value = read(thing)
        return () if value is None else (value,)

    return reads


def truth(read: Callable[[R], bool]) -> Reads[R]:
    """A filter on C{true} and C{false}."""
    return lambda thing: ("true" if read(thing) else "false",)


def chooser(
    known: Mapping[str, Reads[R]],
    asked: Iterable[AskedFilter],
    tagged: Tagged[R] | None = None,
) -> Callable[[R], bool]:
    """
    What tells whether a thing passes the filters of a request.

    @param tagged: for things that can have tags: then C{tag:<key>}, C{tag-key}
        and C{tag-value}, each independent of the others, are filters, too.
    @raise InvalidFilter: one of them is not known.
    @raise FilterLimitExceeded: there are too many values, or one is too long.
    """
    _check_limits(asked)
    tests = [
        (_reads(known, tagged, each.name), _matcher(each.values)) for each in asked
    ]

    def passes(thing: R) -> bool:
        return all(any(map(matches, reads(thing))) for reads, matches in tests)

    return passes


def is_exact(value: str) -> bool:
    """Whether a filter's value has no wildcard in it, nor anything escaped."""
    return not _WILD.search(value)


def _check_limits(asked: Iterable[AskedFilter]) -> None:
    values = [value for each in asked for value in each.values]
    if len(values) > MOST_VALUES:
        raise FilterLimitExceeded(
            f"The maximum number of filter values specified on a single call is "
            f"{MOST_VALUES}"
        )
    if any(len(value) > LONGEST_VALUE for value in values):
        raise FilterLimitExceeded(
            f"The maximum length for a filter value is {LONGEST_VALUE} characters"
        )


def _reads(
    known: Mapping[str, Reads[R]], tagged: Tagged[R] | None, name: str
) -> Reads[R]:
    try:
        return known[name]
    except KeyError:
        pass
    if tagged is not None:
        if name == "tag-key":
            return lambda thing: (key for key, _ in tagged(thing))
        if name == "tag-value":
            return lambda thing: (value for _, value in tagged(thing))
        prefix, colon, wanted = name.partition(":")
        if prefix == "tag" and colon:
            return lambda thing: (v for key, v in tagged(thing) if key == wanted)
    raise InvalidFilter(name)


def _matcher(values: Iterable[str]) -> Callable[[str], bool]:
    exact = {value for value in values if is_exact(value)}
    patterns = [_pattern(value) for value in values if value not in exact]

    def matches(text: str) -> bool:
        return text in exact or any(p.fullmatch(text) for p in patterns)

    return matches


_WILD = re.compile(r"[*?\\]")
_PART = re.compile(r"\\(.)|(\*+)|(\?)|([^*?\\]+|\\)", re.DOTALL)


def _pattern(value: str) -> re.Pattern[str]:
    """
    What stands between two stars is looked for once, at its first place (an
    atomic group), and what is after the last one at the end alone: so no value makes
    the match go back and forth for ever.  Marks after a star are put before it, which
    is the same, and leaves less to look at.
    """
    stretches: list[list[str]] = [[]]
    for escaped, star, mark, plain in _PART.findall(value):
        if star:
            stretches.append([])
        else:
            stretches[-1] += "?" if mark else map(re.escape, escaped or plain)
    first, *middle = (_Stretch.of(each) for each in stretches)
    if not middle:
        return re.compile(first.whole, re.DOTALL)
    last = middle.pop()
    sought = "".join(f"(?>.{{{s.marks}}}.*?{s.rest})" for s in middle)
    end = f".{{{last.length},}}+(?<={last.whole})"
    return re.compile(f"{first.whole}{sought}{end}", re.DOTALL)


@frozen
class _Stretch:
    """
    What stands between two stars, as it is looked for.

    @ivar length: that of any text that it is.
    @ivar marks: with how many marks it begins; C{rest} is what comes then.
    """

    length: int
    marks: int
    whole: str
    rest: str

    @classmethod
    def of(cls, characters: Sequence[str]) -> _Stretch:
        """@param characters: one expression for each; C{?} for any."""
        made = ["." if each == "?" else each for each in characters]
        marks = next(
            (n for n, each in enumerate(characters) if each != "?"), len(characters)
        )
        return cls(len(made), marks, "".join(made), "".join(made[marks:]))
