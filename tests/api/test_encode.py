"""Tests of L{euca_tw.api.encode} and L{euca_tw.api.writers}."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.encode import (
    LONG,
    RECORDS_PER_PIECE,
    attribute,
    element,
    moment,
    pieces,
    text,
)
from euca_tw.api.shapes import Attribute, Empty, Version, shape, shape_of, wire
from euca_tw.api.writers import writer

OLD, NEW = Version("2008-02-01"), Version("2011-01-01")
NAMESPACE = "http://ec2.amazonaws.com/doc/2008-02-01/"


@shape("CodeType")
class Code:
    code: str = wire("code")


@shape("SpecialType", attributes=(Attribute("version", "1.0"), Attribute("q", '"')))
class Special:
    data: str | None = wire("data")


@shape("ThingType")
class Thing:
    name: str = wire("name")
    size: int | None = wire("size")
    ratio: float | None = wire("ratio")
    is_on: bool | None = wire("isOn")
    made: datetime | None = wire("made")
    since_new: str | None = wire("sinceNew", since=NEW, required=True)
    until_new: str | None = wire("untilNew", until=NEW)
    codes: tuple[Code, ...] = wire("codeSet", required=False)
    inner: Special | None = wire("special")


@shape("AnswerType")
class Answer:
    things: tuple[Thing, ...] = wire("thingSet")
    names: tuple[str, ...] = wire("nameSet", leaf="name", required=False)
    plain: tuple[int, ...] = wire("plainSet", required=False)
    bare: tuple[str, ...] = wire("bare", repeated=True)
    codes: tuple[Code, ...] = wire("code", repeated=True)
    flag: Empty | None = wire("flag")
    said_in_query: bool | None = wire("dryRun", soap=False)


@shape("ChoiceType")
class Choice:
    permissions: tuple[Code, ...] | None = wire(
        "permissions", choice="which", default=None
    )
    kernel: Code | None = wire("kernel", choice="which")
    group: str | None = wire("group", choice="newer", choice_since=NEW)


@shape("OuterType")
class Outer:
    answers: tuple[Answer, ...] = wire("answerSet")


def written(value: Any, version: Version = OLD) -> str:
    return writer(shape_of(type(value)), version)(value)


class ScalarTests(SynchronousTestCase):
    """How scalars are written."""

    def test_each_type(self) -> None:
        """Every scalar type has its form of XML Schema."""
        thing = Thing(
            name="a",
            size=-3,
            ratio=0.5,
            is_on=True,
            made=datetime(2026, 11, 23, 8, tzinfo=UTC),
        )
        self.assertEqual(
            written(thing),
            "<name>a</name><size>-3</size><ratio>0.5</ratio><isOn>true</isOn>"
            "<made>2026-11-23T08:00:00.000Z</made>",
        )

    def test_false(self) -> None:
        """False is said, not left out."""
        self.assertIn("<isOn>false</isOn>", written(Thing(name="", is_on=False)))

    def test_extreme_doubles(self) -> None:
        """Infinities and NaN are spelled as XML Schema spells them."""
        said = [
            written(Thing(name="", ratio=ratio))
            for ratio in (float("inf"), float("-inf"), float("nan"))
        ]
        self.assertEqual(
            said,
            [f"<name></name><ratio>{each}</ratio>" for each in ("INF", "-INF", "NaN")],
        )

    def test_moments(self) -> None:
        """A moment is told in UTC, to the millisecond, whatever its zone."""
        east = timezone(timedelta(hours=2))
        self.assertEqual(
            [
                moment(datetime(2026, 11, 23, 10, 0, 1, 999999, tzinfo=east)),
                moment(datetime(6, 1, 2, 3, 4, 5)),
            ],
            ["2026-11-23T08:00:01.999Z", "0006-01-02T03:04:05.000Z"],
        )

    def test_markup(self) -> None:
        """Markup in a value is text; line ends survive an XML parser."""
        self.assertEqual(text("a<b>&\r\n\"'\t"), "a&lt;b&gt;&amp;&#13;\n\"'\t")

    def test_markup_in_a_field(self) -> None:
        """Nor is a field's value taken for markup."""
        self.assertEqual(written(Code(code="<&>")), "<code>&lt;&amp;&gt;</code>")

    def test_illegal_characters(self) -> None:
        """What XML cannot carry becomes the replacement character."""
        self.assertEqual(text("\x00a\x1f\ud800\uffff\x7f"), "�a���\x7f")

    def test_attributes(self) -> None:
        """An attribute keeps its quotes, tabs and line ends."""
        self.assertEqual(attribute('<"\n\t\0'), "&lt;&quot;&#10;&#9;�")

    @given(st.text())
    def test_any_text(self, value: str) -> None:
        """Any text makes a document that can be read, and is read unchanged."""
        document = f'<a b="{attribute(value)}">{text(value)}</a>'.encode()
        read = ElementTree.fromstring(document)
        if text(value).count("�") == value.count("�"):
            self.assertEqual((read.text or "", read.get("b")), (value, value))


class StructureTests(SynchronousTestCase):
    """How structures and lists are written."""

    def test_versions(self) -> None:
        """A field is written in the versions that have it, and in no other."""
        thing = Thing(name="a", since_new="n", until_new="o")
        self.assertEqual(
            (written(thing, OLD), written(thing, NEW)),
            (
                "<name>a</name><untilNew>o</untilNew>",
                "<name>a</name><sinceNew>n</sinceNew>",
            ),
        )

    def test_required_but_unknown(self) -> None:
        """A required element whose value nobody knows stands there, empty."""
        self.assertEqual(written(Thing(name="a"), NEW), "<name>a</name><sinceNew/>")

    def test_attributes(self) -> None:
        """Fixed attributes stand on the element of their shape."""
        self.assertEqual(
            written(Thing(name="", inner=Special(data="d"))),
            '<name></name><special version="1.0" q="&quot;"><data>d</data></special>',
        )

    def test_required_wrapper(self) -> None:
        """An empty list keeps its wrapper, unless it is optional."""
        self.assertEqual(written(Answer()), "<thingSet/>")

    def test_lists(self) -> None:
        """Lists have items, leaves in them, or stand bare, as declared."""
        answer = Answer(
            things=(Thing(name="a", codes=(Code(code="c"),)), Thing(name="b")),
            names=("x", "y<"),
            plain=(1, 2),
            bare=("p", "q"),
            codes=(Code(code="r"), Code(code="s")),
        )
        self.assertEqual(
            written(answer),
            "<thingSet><item><name>a</name><codeSet><item><code>c</code></item>"
            "</codeSet></item><item><name>b</name></item></thingSet>"
            "<nameSet><item><name>x</name></item><item><name>y&lt;</name></item>"
            "</nameSet>"
            "<plainSet><item>1</item><item>2</item></plainSet>"
            "<bare>p</bare><bare>q</bare>"
            "<code><code>r</code></code><code><code>s</code></code>",
        )

    def test_empty(self) -> None:
        """A structure of nothing is an empty element."""
        self.assertEqual(written(Answer(flag=Empty())), "<thingSet/><flag/>")

    def test_query_only(self) -> None:
        """What only Query can say is not written."""
        self.assertNotIn("dryRun", written(Answer(said_in_query=True)))

    def test_choice(self) -> None:
        """Of a choice, what was chosen is written, even if it is an empty list."""
        self.assertEqual(
            [
                written(Choice(permissions=())),
                written(Choice(kernel=Code(code="k"))),
                written(Choice(), NEW),
                written(Choice(), OLD),
            ],
            [
                "<permissions/><group/>",
                "<kernel><code>k</code></kernel><group/>",
                "",
                "<group/>",
            ],
        )

    def test_compiled_once(self) -> None:
        """A shape is compiled once for each version."""
        self.assertIs(
            writer(shape_of(Thing), OLD), writer(shape_of(Thing), Version(OLD))
        )


class ElementTests(SynchronousTestCase):
    """Whole elements, at once and in pieces."""

    def in_pieces(self, value: Any, size: int = 65536) -> list[bytes]:
        return list(
            pieces(
                "<?xml?>", "R", NAMESPACE, shape_of(type(value)), OLD, value, "!", size
            )
        )

    def whole(self, value: Any) -> bytes:
        inner = element("R", NAMESPACE, shape_of(type(value)), OLD, value)
        return f"<?xml?>{inner}!".encode()

    def test_element(self) -> None:
        """The root carries the namespace, and its shape's attributes."""
        self.assertEqual(
            element("R", "urn:<a", shape_of(Special), OLD, Special(data="ä")),
            '<R xmlns="urn:&lt;a" version="1.0" q="&quot;"><data>ä</data></R>',
        )

    def test_small(self) -> None:
        """A small answer is one piece."""
        answer = Answer(things=(Thing(name="ä"),), flag=Empty())
        self.assertEqual(self.in_pieces(answer), [self.whole(answer)])

    def test_nothing(self) -> None:
        """An answer of nothing is one piece too."""
        self.assertEqual(
            self.in_pieces(Empty()),
            [b'<?xml?><R xmlns="%s"></R>!' % (NAMESPACE.encode(),)],
        )

    def test_size(self) -> None:
        """Pieces are of about the size asked for, and join to the whole."""
        answer = Answer(
            things=tuple(Thing(name=f"thing {n}") for n in range(200)),
            names=("a",),
            codes=tuple(Code(code=str(n)) for n in range(200)),
        )
        made = self.in_pieces(answer, 1000)
        self.assertEqual(b"".join(made), self.whole(answer))
        self.assertTrue(all(1000 <= len(each) < 1200 for each in made[:-1]))

    def test_records(self) -> None:
        """No piece has more records than is good for the reactor."""
        answer = Answer(things=tuple(Thing(name="") for n in range(1000)))
        counts = [each.count(b"<item>") for each in self.in_pieces(answer)]
        self.assertEqual((sum(counts), max(counts)), (1000, RECORDS_PER_PIECE))

    def test_long_lists_inside(self) -> None:
        """A long list inside a record is cut into pieces as well."""
        inner = Answer(things=tuple(Thing(name="") for n in range(LONG * 20)))
        outer = Outer(answers=(Answer(), inner))
        made = self.in_pieces(outer)
        self.assertEqual(b"".join(made), self.whole(outer))
        self.assertTrue(
            all(each.count(b"<item>") <= RECORDS_PER_PIECE + 1 for each in made)
        )

    def test_lazy(self) -> None:
        """No piece is made before it is asked for."""

        class Touchy(tuple[Any, ...]):
            def __iter__(self) -> Any:
                yield Thing(name="x" * 100)
                raise AssertionError("asked for too early")

        answer = Answer(things=Touchy([None] * 100))
        made = pieces("", "R", NAMESPACE, shape_of(Answer), OLD, answer, "", 50)
        self.assertIn(b"xxx", next(made))
        self.assertRaises(AssertionError, next, made)
