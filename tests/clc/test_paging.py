"""Long answers in pages."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import InvalidNextToken, InvalidParameterValue
from euca_tw.clc.paging import page


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
