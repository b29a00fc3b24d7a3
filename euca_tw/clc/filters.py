"""
The filters of C{Describe…}: EC2's names, values with wildcards.

Values of one filter are alternatives; several filters must all hold.  C{*} is
any text, C{?} one character, and a backslash takes their meaning away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol, TypeVar

from euca_tw.api.errors import InvalidFilter, InvalidParameterValue

R = TypeVar("R")

#: What a filter looks at: the values that a thing has for it.
Reads = Callable[[R], Iterable[str]]

#: EC2's limit on the values of all filters of a request.
MOST_VALUES = 200


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
    known: Mapping[str, Reads[R]], asked: Iterable[AskedFilter]
) -> Callable[[R], bool]:
    """
    What tells whether a thing passes the filters of a request.

    @raise InvalidFilter: one of them is not known.
    @raise InvalidParameterValue: there are too many values.
    """
    tests = [(_reads(known, each.name), _matcher(each.values)) for each in asked]
    if sum(len(each.values) for each in asked) > MOST_VALUES:
        raise InvalidParameterValue(
            "Filter", "...", f"The maximum number of filter values is {MOST_VALUES}"
        )

    def passes(thing: R) -> bool:
        return all(any(map(matches, reads(thing))) for reads, matches in tests)

    return passes


def _reads(known: Mapping[str, Reads[R]], name: str) -> Reads[R]:
    if name.startswith("tag:") or name in ("tag-key", "tag-value"):
        return lambda thing: ()  # nothing has tags, so they find nothing
    try:
        return known[name]
    except KeyError:
        raise InvalidFilter(name) from None


def _matcher(values: Iterable[str]) -> Callable[[str], bool]:
    exact = {value for value in values if not _WILD.search(value)}
    patterns = [_pattern(value) for value in values if value not in exact]

    def matches(text: str) -> bool:
        return text in exact or any(p.fullmatch(text) for p in patterns)

    return matches


_WILD = re.compile(r"[*?\\]")
_PART = re.compile(r"\\(.)|(\*+)|(\?)|([^*?\\]+|\\)", re.DOTALL)


def _pattern(value: str) -> re.Pattern[str]:
    """
    What stands between two stars is looked for once, at its first place (an
    atomic group): so no value makes the match go back and forth for ever.
    """
    stretches = [""]
    for escaped, star, mark, plain in _PART.findall(value):
        if star:
            stretches.append("")
        else:
            stretches[-1] += "." if mark else re.escape(escaped or plain)
    first, *middle = stretches
    if not middle:
        return re.compile(first, re.DOTALL)
    last = middle.pop()
    sought = "".join(f"(?>.*?{stretch})" for stretch in middle)
    return re.compile(f"{first}{sought}.*{last}", re.DOTALL)
