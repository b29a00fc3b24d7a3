"""Long answers in pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import InvalidNextToken, InvalidParameterValue
from euca_tw.clc.pace import STEP
from euca_tw.clc.paging import Page, asked_page, page, paged


def pages(items: list[str], size: int) -> Iterator[tuple[str, ...]]:
    token = None
    while True:
        told = page(items, str, size, token)
        yield told.items
        if told.next_token is None:
            return
        token = told.next_token


class PageTests(SynchronousTestCase):
    def test_unasked(self) -> None:
        """Nobody who did not ask for pages gets one; the order stays."""
        told = page(["b", "a"], str, None, None)
        self.assertEqual((told.items, told.next_token), (("b", "a"), None))

    def test_pages(self) -> None:
        """Each page goes on where the last ended."""
        self.assertEqual(
            list(pages(list("cabed"), 2)), [("a", "b"), ("c", "d"), ("e",)]
        )

    def test_exact(self) -> None:
        """A last page that is full has no token."""
        self.assertEqual(list(pages(list("ab"), 2)), [("a", "b")])

    def test_nothing(self) -> None:
        """A page of nothing is empty."""
        self.assertEqual(list(pages([], 2)), [()])

    def test_changes_meanwhile(self) -> None:
        """What comes or goes between two pages neither hides nor doubles others."""
        first = page(list("abcd"), str, 2, None)
        second = page(list("acde"), str, 2, first.next_token)
        self.assertEqual(second.items, ("c", "d"))

    def test_token_alone(self) -> None:
        """A token without a size gives the rest."""
        first = page(list("abcd"), str, 1, None)
        self.assertEqual(
            page(list("abcd"), str, None, first.next_token).items, tuple("bcd")
        )

    def test_size_out_of_range(self) -> None:
        """A page has at least one thing, and no more than a thousand."""
        for size in 0, -1, 1001:
            self.assertRaises(InvalidParameterValue, page, [], str, size, None)

    def test_bad_token(self) -> None:
        """A token that is not ours is refused."""
        for token in "!", "abc", "\N{SNOWMAN}", "_w==":
            self.assertRaises(InvalidNextToken, page, [], str, None, token)

    @given(st.lists(st.text(min_size=1), unique=True), st.integers(1, 5))
    def test_all_pages(self, items: list[str], size: int) -> None:
        """All pages together are everything, once, in order."""
        items = [i for i in items if i.isprintable()]
        together = [each for one in pages(items, size) for each in one]
        self.assertEqual(together, sorted(items))


class PagedTests(SynchronousTestCase):
    """Pages of many things, some of which are not shown."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.shown: list[int] = []

    def show(self, number: int) -> str | None:
        """Even numbers, in letters."""
        self.shown.append(number)
        return None if number % 2 else f"n{number}"

    def asked(
        self, things: list[int], most: int | None = None, token: str | None = None
    ) -> Deferred[Page[str]]:
        asked = asked_page(most, token)
        answer = paged(
            self.clock, things, lambda number: f"{number:05}", asked, self.show
        )
        return Deferred.fromCoroutine(answer)

    def told(self, *asked: Any) -> Page[str]:
        answer = self.asked(*asked)
        while not answer.called:
            self.clock.advance(0)
        return self.successResultOf(answer)

    def test_all(self) -> None:
        """Who asks for no page is told all, in the order given."""
        told = self.told([4, 1, 2])
        self.assertEqual((told.items, told.next_token), (("n4", "n2"), None))

    def test_pages(self) -> None:
        """A page is of what is shown, in the order of places, and goes on there."""
        first = self.told([6, 5, 4, 3, 2, 1], 2)
        self.assertEqual(first.items, ("n2", "n4"))
        second = self.told([8, 6, 5, 3, 1], 2, first.next_token)
        self.assertEqual((second.items, second.next_token), (("n6", "n8"), None))

    def test_exact(self) -> None:
        """A page that is full and the last has no token."""
        self.assertIsNone(self.told([1, 2, 3, 4, 5], 2).next_token)

    def test_no_more_than_needed(self) -> None:
        """Of many things so many are looked at as the page needs."""
        told = self.told(list(range(20 * STEP)), 10)
        self.assertEqual(len(told.items), 10)
        self.assertEqual(len(self.shown), STEP)

    def test_steps(self) -> None:
        """Long lists take several turns; few things none."""
        for asked in ([*range(2 * STEP)],), ([*range(2 * STEP)], 1000):
            self.assertNoResult(self.asked(*asked))
        for asked in ([1, 2],), ([1, 2], 1):
            self.successResultOf(self.asked(*asked))

    @given(st.sets(st.integers(0, 99)), st.integers(1, 7))
    def test_all_pages(self, numbers: set[int], size: int) -> None:
        """All pages together are all that is shown, once, in order."""
        seen: list[str] = []
        told = self.told(list(numbers), size)
        while told.next_token is not None:
            self.assertEqual(len(told.items), size)
            seen.extend(told.items)
            told = self.told(list(numbers), size, told.next_token)
        seen.extend(told.items)
        self.assertEqual(seen, [f"n{n}" for n in sorted(numbers) if n % 2 == 0])
