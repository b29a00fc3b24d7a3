"""
Long answers in pages, as C{MaxResults} and C{NextToken} ask for them.

A token tells the last thing that was shown, by a text in whose order things
are shown: so a page goes on at the right place whatever came or went between.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest
from operator import itemgetter
from typing import Generic, TypeVar

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.errors import InvalidNextToken, InvalidParameterValue
from euca_tw.clc.pace import Turn, paced, paced_in, steps

T = TypeVar("T")
U = TypeVar("U")

MOST_RESULTS = 1000


@frozen
class Page(Generic[T]):
    """@ivar next_token: for what comes after it; None: that was all."""

    items: tuple[T, ...]
    next_token: str | None


@frozen
class AskedPage:
    """
    The part of a long answer that a request asks for.

    @ivar most: how many things; None: all.
    @ivar after: the place of the last thing that was shown before; None: none
        was.
    """

    most: int | None
    after: str | None

    def has(self, place: str) -> bool:
        """Whether what is there comes after what was shown."""
        return self.after is None or place > self.after

    def pick(self, items: Iterable[T], place: Callable[[T], str]) -> Page[T]:
        """
        The page.

        @param items: all that there are, in any order, which stays if all are
            asked for.
        @param place: different for each, and always the same for one.
        """
        if self.most is None:
            return Page(tuple(items), None)
        placed = ((place(each), each) for each in items)
        coming = [pair for pair in placed if self.has(pair[0])]
        first = nsmallest(self.most + 1, coming, key=itemgetter(0))
        told = self.cut(first, itemgetter(0))
        return Page(tuple(each for _, each in told.items), told.next_token)

    def cut(self, items: Sequence[T], place: Callable[[T], str]) -> Page[T]:
        """
        The page.

        @param items: in the order of their places; all that it L{has}, or of
            these the first, one more than C{most} at least.
        """
        if self.most is None or len(items) <= self.most:
            return Page(tuple(items), None)
        shown = tuple(items[: self.most])
        return Page(shown, _told(place(shown[-1])))


def asked_page(max_results: int | None, next_token: str | None) -> AskedPage:
    """
    What a request asks for: all, if it says nothing.

    @raise InvalidParameterValue: C{max_results} is out of range.
    @raise InvalidNextToken: it is not one of ours.
    """
    if max_results is None and not next_token:
        return AskedPage(None, None)
    if max_results is not None and not 1 <= max_results <= MOST_RESULTS:
        raise InvalidParameterValue(
            "maxResults", str(max_results), f"It is between 1 and {MOST_RESULTS}."
        )
    return AskedPage(
        max_results or MOST_RESULTS, _read(next_token) if next_token else None
    )


def page(
    items: Iterable[T],
    place: Callable[[T], str],
    max_results: int | None,
    next_token: str | None,
) -> Page[T]:
    """L{asked_page}, and what it picks; see there."""
    return asked_page(max_results, next_token).pick(items, place)


async def paged(
    clock: IReactorTime,
    things: Sequence[T],
    place: Callable[[T], str],
    asked: AskedPage,
    show: Callable[[T], U | None],
    weigh: Callable[[T], int] | None = None,
) -> Page[U]:
    """
    The page of what C{show} makes of things, but for those of which it makes
    None: some in each reactor step, and no more of them than the page needs.

    @param things: in any order, which stays if all are asked for.
    @param place: as of L{AskedPage.pick}.
    @param weigh: as of L{euca_tw.clc.pace.steps}.
    """
    most = asked.most
    if most is None:
        made = await paced_in(clock, steps(things, weigh), show)
        return Page(tuple(each for each in made if each is not None), None)
    placed = await paced(clock, things, lambda thing: (place(thing), thing))
    coming = [pair for pair in placed if asked.has(pair[0])]
    coming.sort(key=itemgetter(0))
    shown: list[tuple[str, U]] = []
    weigh_pair = None if weigh is None else lambda pair: weigh(pair[1])
    turn = Turn(clock)
    for number, part in enumerate(steps(coming, weigh_pair)):
        if number:
            await turn.next()
        for at, thing in part:
            if turn.is_over():
                await turn.next()
            view = show(thing)
            if view is not None:
                shown.append((at, view))
        if len(shown) > most:
            break
    told = asked.cut(shown, itemgetter(0))
    return Page(tuple(view for _, view in told.items), told.next_token)


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
