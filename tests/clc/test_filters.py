"""The filters of Describe operations."""

from __future__ import annotations

from attrs import frozen
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import FilterLimitExceeded, InvalidFilter
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


def fits(pattern: str, text: str) -> bool:
    """What a value with wildcards says of a text, without any haste."""
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == "*":
        return fits(rest, text) or (text != "" and fits(pattern, text[1:]))
    if first == "\\" and rest:
        first, rest = rest[0], rest[1:]
    elif first == "?" and text:
        first = text[0]
    return text[:1] == first and fits(rest, text[1:])


def passes(thing: Thing, *asked: tuple[str, tuple[str, ...]]) -> bool:
    return chooser(KNOWN, [Asked(*each) for each in asked])(thing)


def tagged(thing: Thing) -> tuple[tuple[str, str], ...]:
    """The tags of everything."""
    return (("Name", "web-1"), ("Stack", "prod"), ("a:b", ""))


class TagTests(SynchronousTestCase):
    """Filters on tags."""

    def passes(self, *asked: tuple[str, tuple[str, ...]]) -> bool:
        filters = [Asked(*each) for each in asked]
        return chooser(KNOWN, filters, tagged)(Thing())

    def test_pair(self) -> None:
        """C{tag:<key>} is on the value of the tag with exactly that key."""
        self.assertTrue(self.passes(("tag:Name", ("web-1",))))
        self.assertTrue(self.passes(("tag:Name", ("x", "web-?"))))
        self.assertFalse(self.passes(("tag:Name", ("prod",))))
        self.assertFalse(self.passes(("tag:name", ("web-1",))))
        self.assertFalse(self.passes(("tag:*", ("web-1",))))

    def test_colon(self) -> None:
        """A key may have a colon in it, and a value may be empty."""
        self.assertTrue(self.passes(("tag:a:b", ("",))))

    def test_key_and_value(self) -> None:
        """C{tag-key} and C{tag-value} may be of different tags."""
        self.assertTrue(self.passes(("tag-key", ("Na*",)), ("tag-value", ("prod",))))
        self.assertFalse(self.passes(("tag-key", ("prod",))))
        self.assertFalse(self.passes(("tag-value", ("Name",))))

    def test_others(self) -> None:
        """Other filters are as before, and nothing else is about tags."""
        self.assertFalse(self.passes(("name", ("web-1",))))
        for name in "tag", "tags:Name", "tag-name":
            self.assertRaises(InvalidFilter, self.passes, (name, ("x",)))


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

    def test_no_tags(self) -> None:
        """Of things that cannot have tags, filters on them are not known."""
        for name in "tag:Name", "tag-key", "tag-value":
            self.assertRaises(InvalidFilter, passes, Thing("a"), (name, ("*",)))

    def test_unknown(self) -> None:
        """A filter that is not known is refused by name."""
        refused = self.assertRaises(InvalidFilter, passes, Thing(), ("size", ("1",)))
        self.assertIn("size", refused.message)

    def test_too_many(self) -> None:
        """More than 200 values are refused, in one filter or several."""
        many = tuple(map(str, range(201)))
        for asked in [("name", many)], [("name", many[:101]), ("colour", many[:100])]:
            self.assertRaises(FilterLimitExceeded, passes, Thing(), *asked)
        self.assertFalse(passes(Thing(), ("name", many[:200])))

    def test_too_long(self) -> None:
        """A value of more than 255 characters is refused."""
        self.assertFalse(passes(Thing(), ("name", ("x" * 255,))))
        refused = self.assertRaises(
            FilterLimitExceeded, passes, Thing(), ("name", ("x" * 256,))
        )
        self.assertIn("255", refused.message)

    def test_case(self) -> None:
        """Upper and lower case are not the same."""
        self.assertFalse(passes(Thing("a"), ("name", ("A", "A*"))))

    def test_many_stars(self) -> None:
        """A value made to be slow is not: the text is gone through once."""
        slow = "*a" * 100 + "*c"
        self.assertFalse(passes(Thing("a" * 5000 + "b"), ("name", (slow,))))
        self.assertTrue(passes(Thing("xaabc"), ("name", ("x*a*b*c",))))
        self.assertTrue(passes(Thing("a.a.a"), ("name", ("*a*a*a",))))

    @given(
        st.text(alphabet="ab*?\\\n", max_size=8),
        st.text(alphabet="ab*?\\\n", max_size=8),
    )
    def test_as_read(self, pattern: str, text: str) -> None:
        """A value means what it means, read from its beginning to its end."""
        self.assertEqual(passes(Thing(text), ("name", (pattern,))), fits(pattern, text))

    @given(st.text())
    def test_any_pattern(self, text: str) -> None:
        """No value breaks a filter, and every text matches itself escaped."""
        passes(Thing("a"), ("name", (text,)))
        escaped = "".join(f"\\{c}" if c in "*?\\" else c for c in text)
        self.assertTrue(passes(Thing(text), ("name", (escaped,))))
