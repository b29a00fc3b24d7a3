"""The filters of Describe operations."""

from __future__ import annotations

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import InvalidFilter, InvalidParameterValue
from euca_tw.clc.filters import chooser, one, truth


@frozen
class Asked:
    name: str
    values: tuple[str, ...]


@frozen
class Thing:
    name: str | None = None
    colours: tuple[str, ...] = ()
    is_new: bool = False


KNOWN = {
    "name": one(lambda thing: thing.name),
    "colour": lambda thing: thing.colours,
    "new": truth(lambda thing: thing.is_new),
}


def passes(thing: Thing, *asked: tuple[str, tuple[str, ...]]) -> bool:
    return chooser(KNOWN, [Asked(*each) for each in asked])(thing)


class FilterTests(SynchronousTestCase):
    def test_none(self) -> None:
        """Without a filter all is found."""
        self.assertTrue(passes(Thing()))

    def test_value(self) -> None:
        """A thing is found by its value, and by no other."""
        self.assertTrue(passes(Thing("a"), ("name", ("a",))))
        self.assertFalse(passes(Thing("a"), ("name", ("b",))))

    def test_absent(self) -> None:
        """A thing without the value is not found."""
        self.assertFalse(passes(Thing(None), ("name", ("*",))))

    def test_alternatives(self) -> None:
        """The values of one filter are alternatives."""
        self.assertTrue(passes(Thing("b"), ("name", ("a", "b"))))

    def test_many_valued(self) -> None:
        """One of a thing's values is enough."""
        self.assertTrue(passes(Thing(colours=("red", "blue")), ("colour", ("blue",))))

    def test_all_filters(self) -> None:
        """Every filter must hold."""
        asked = ("name", ("a",)), ("colour", ("red",))
        self.assertTrue(passes(Thing("a", ("red",)), *asked))
        self.assertFalse(passes(Thing("a", ("blue",)), *asked))

    def test_truth(self) -> None:
        """Truth is spelt C{true} and C{false}."""
        self.assertTrue(passes(Thing(is_new=True), ("new", ("true",))))
        self.assertTrue(passes(Thing(), ("new", ("false",))))

    def test_star(self) -> None:
        """C{*} is any text, also none."""
        for text in "web-1", "web-":
            self.assertTrue(passes(Thing(text), ("name", ("web-*",))))
        self.assertFalse(passes(Thing("db-1"), ("name", ("web-*",))))

    def test_mark(self) -> None:
        """C{?} is one character."""
        self.assertTrue(passes(Thing("i1"), ("name", ("i?",))))
        self.assertFalse(passes(Thing("i11"), ("name", ("i?",))))

    def test_backslash(self) -> None:
        """A backslash takes a wildcard's meaning away."""
        self.assertTrue(passes(Thing("a*"), ("name", (r"a\*",))))
        self.assertFalse(passes(Thing("ab"), ("name", (r"a\*",))))
        self.assertTrue(passes(Thing("a\\"), ("name", ("a\\",))))

    def test_tags(self) -> None:
        """Nothing has tags, so filters on them find nothing."""
        for name in "tag:Name", "tag-key", "tag-value":
            self.assertFalse(passes(Thing("a"), (name, ("*",))))

    def test_unknown(self) -> None:
        """A filter that is not known is refused by name."""
        refused = self.assertRaises(InvalidFilter, passes, Thing(), ("size", ("1",)))
        self.assertIn("size", refused.message)

    def test_too_many(self) -> None:
        """More than 200 values are refused."""
        many = tuple(map(str, range(201)))
        self.assertRaises(InvalidParameterValue, passes, Thing(), ("name", many))

    def test_many_stars(self) -> None:
        """A value made to be slow is not: the text is gone through once."""
        slow = "*a" * 100 + "*c"
        self.assertFalse(passes(Thing("a" * 5000 + "b"), ("name", (slow,))))
        self.assertTrue(passes(Thing("xaabc"), ("name", ("x*a*b*c",))))
        self.assertTrue(passes(Thing("a.a.a"), ("name", ("*a*a*a",))))

    @given(st.text())
    def test_any_pattern(self, text: str) -> None:
        """No value breaks a filter, and every text matches itself escaped."""
        passes(Thing("a"), ("name", (text,)))
        escaped = "".join(f"\\{c}" if c in "*?\\" else c for c in text)
        self.assertTrue(passes(Thing(text), ("name", (escaped,))))
