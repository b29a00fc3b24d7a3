"""
Long answers in pages, as C{MaxResults} and C{NextToken} ask for them.

A token tells the last thing that was shown, by a text in whose order things
are shown: so a page goes on at the right place whatever came or went between.
"""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_right
from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Generic, TypeVar

from attrs import frozen

from euca_tw.api.errors import InvalidNextToken, InvalidParameterValue

T = TypeVar("T")

MOST_RESULTS = 1000


@frozen
class Page(Generic[T]):
    """@ivar next_token: for what comes after it; None: that was all."""

    items: tuple[T, ...]
    next_token: str | None


def page(
    items: Iterable[T],
    place: Callable[[T], str],
    max_results: int | None,
    next_token: str | None,
) -> Page[T]:
    """
    The part of C{items} that a request asks for: all, if it says nothing.

    @param place: different for each, and always the same for one.

    @raise InvalidParameterValue: C{max_results} is out of range.
    @raise InvalidNextToken: it is not one of ours.
    """
    if max_results is None and not next_token:
        return Page(tuple(items), None)
    if max_results is not None and not 1 <= max_results <= MOST_RESULTS:
        raise InvalidParameterValue(
            "maxResults", str(max_results), f"It is between 1 and {MOST_RESULTS}."
        )
    last = _read(next_token) if next_token else ""
    placed = [(place(each), each) for each in items]
    placed.sort(key=itemgetter(0))
    start = bisect_right(placed, last, key=itemgetter(0)) if last else 0
    end = start + (max_results or MOST_RESULTS)
    shown = tuple(each for _, each in placed[start:end])
    return Page(shown, _told(placed[end - 1][0]) if end < len(placed) else None)


def _told(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode("ascii")


def _read(next_token: str) -> str:
    try:
        told = base64.b64decode(
            next_token.encode("ascii"), altchars=b"-_", validate=True
        )
        return told.decode()
    except (binascii.Error, UnicodeError):
        raise InvalidNextToken(next_token) from None
