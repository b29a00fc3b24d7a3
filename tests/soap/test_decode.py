"""Tests for L{euca_tw.soap.decode}."""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import (
    ApiError,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
    UnknownParameter,
)
from euca_tw.api.shapes import Attribute, Empty, Version, shape, shape_of, wire
from euca_tw.soap.decode import decode

NAMESPACE = "http://example.com/doc/2008-02-01/"
OLD, NEW = Version("2007-01-01"), Version("2008-02-01")


@shape("UserDataType", attributes=(Attribute("version", "1.0"),))
class UserData:
    data: str | None = wire("data")


@shape("CountsType", attributes=(Attribute("version", "1.0"),))
class Counts:
    count: int | None = wire("count")


@shape("StateType")
class State:
    code: int = wire("code")
    name: str = wire("name")


@shape("ThingType")
class Thing:
    thing_id: str = wire("thingId")
    is_on: bool | None = wire("isOn")
    since: datetime | None = wire("since")
    weight: float | None = wire("weight")
    user_data: UserData | None = wire("userData")
    state: State | None = wire("state")
    ids: tuple[str, ...] = wire("idSet", leaf="id", required=False)
    seen_ids: tuple[str, ...] = wire(
        "seenSet", leaf="id", leaf_required=(("2008-01-01", None),), required=False
    )
    names: tuple[str, ...] = wire("nameSet", required=False, at_least=1)
    states: tuple[State, ...] = wire("stateSet", required=False)
    tags: tuple[str, ...] = wire("tags", repeated=True)
    notes: tuple[str, ...] = wire("notes", repeated=True, nillable=True)
    comment: str | None = wire("comment", nillable=True)
    added: str = wire("added", since="2008-01-01")
    query_only: bool | None = wire("queryOnly", soap=False)


@shape("ModifyType")
class Modify:
    image_id: str | None = wire("imageId", choice="what")
    launch: Empty | None = wire("launch", choice="what")
    kernel: Empty | None = wire(
        "kernel", choice="what", choice_since="2008-01-01", required=False
    )


@shape("ManyType")
class Many:
    at_least_two: tuple[str, ...] = wire("one", repeated=True, at_least=2, at_most=3)


@shape("UndefaultedType")
class Undefaulted:
    gone: str = wire("gone", required=((None, "2008-01-01"),))
    wanted: tuple[str, ...] = wire("wanted")


def read(cls: type, text: str, version: Version = NEW, root: str = "Do") -> object:
    document = f'<{root} xmlns="{NAMESPACE}" xmlns:n="urn:other">{text}</{root}>'
    return read_document(cls, document, version)


def read_document(cls: type, document: str, version: Version = NEW) -> object:
    element = etree.fromstring(document, etree.XMLParser(resolve_entities=False))
    return decode(shape_of(cls), version, element, NAMESPACE)


THING = "<thingId>t-1</thingId><added>yes</added>"


class DecodeTests(SynchronousTestCase):
    """What is read, and as what."""

    def test_scalars(self) -> None:
        """Each scalar becomes a value of its Python type."""
        self.assertEqual(
            read(
                Thing,
                "<isOn> true </isOn><since>2026-01-01T01:00:00+01:00</since>"
                f"<weight>1.5</weight>{THING}",
            ),
            Thing(
                thing_id="t-1",
                is_on=True,
                since=datetime(2026, 1, 1, tzinfo=UTC),
                weight=1.5,
                added="yes",
            ),
        )

    def test_structures_and_lists(self) -> None:
        """Structures, items, leaves and repeated elements are read in order."""
        self.assertEqual(
            read(
                Thing,
                f"{THING}<state><name>on</name><code>16</code></state>"
                "<idSet><item><id>a</id></item><item><id>b</id></item></idSet>"
                "<nameSet><item>x</item></nameSet>"
                "<stateSet><item><code>1</code><name>n</name></item></stateSet>"
                "<tags>one</tags><tags>two</tags>",
            ),
            Thing(
                thing_id="t-1",
                added="yes",
                state=State(code=16, name="on"),
                ids=("a", "b"),
                names=("x",),
                states=(State(code=1, name="n"),),
                tags=("one", "two"),
            ),
        )

    def test_version_decides(self) -> None:
        """A member exists, and is required, only in its versions."""
        self.assertEqual(
            read(Thing, "<thingId>t-1</thingId>", OLD),
            Thing(thing_id="t-1", added=None),  # type: ignore[arg-type]
        )
        self.assertRefused(UnknownParameter, "Do.added", THING, version=OLD)
        self.assertRefused(MissingParameter, "Do.added", "<thingId>t</thingId>")

    def test_no_default(self) -> None:
        """A member that may be left out is None, even if declared without it."""
        found = read(Undefaulted, "<wanted/>")
        self.assertIsNone(found.gone)  # type: ignore[attr-defined]

    def test_namespace_without_slash(self) -> None:
        """The namespace may lack the slash at its end."""
        document = f'<Do xmlns="{NAMESPACE.rstrip("/")}">{THING}</Do>'
        self.assertEqual(
            read_document(Thing, document), Thing(thing_id="t-1", added="yes")
        )

    def test_space_comments_and_instructions(self) -> None:
        """White space between, comments and instructions say nothing."""
        self.assertEqual(
            read(
                Thing,
                "\n <!-- a --> <?pi b?>\n<thingId>t<!-- c -->-<?pi d?>1</thingId>"
                "<added>yes</added>",
            ),
            Thing(thing_id="t-1", added="yes"),
        )

    def test_nil(self) -> None:
        """A nil element is as one left out; C{nil="false"} says nothing."""
        xsi = 'xmlns:x="http://www.w3.org/2001/XMLSchema-instance"'
        found = read(
            Thing,
            f'{THING}<isOn {xsi} x:nil="true"/><state {xsi} x:nil="1"/>'
            f'<comment {xsi} x:nil="true"/><notes {xsi} x:nil="true"/>'
            f'<weight {xsi} x:nil="false">1</weight>',
        )
        self.assertEqual(found, Thing(thing_id="t-1", added="yes", weight=1.0))
        self.assertRefused(
            MissingParameter,
            "Do.thingId",
            f'<thingId {xsi} x:nil="true"/><added>yes</added>',
        )
        for what in ('x:nil="true">b</comment>', 'x:nil="maybe"/>'):
            self.assertRefused(
                InvalidParameterValue, "Do.comment", f"{THING}<comment {xsi} {what}"
            )
        self.assertRefused(
            InvalidParameterValue,
            "Do.comment",
            f'{THING}<comment {xsi} x:nil="true"><a/></comment>',
        )

    def test_user_data(self) -> None:
        """Mixed content: its attributes are optional, bare text is its value."""
        for text in (
            '<userData version="1.0" n:more="2"><data>YQ==</data></userData>',
            "<userData>\n<data>YQ==</data>\n</userData>",
            "<userData>YQ==</userData>",
        ):
            found = read(Thing, THING + text)
            self.assertEqual(found.user_data, UserData(data="YQ=="))  # type: ignore[attr-defined]
        found = read(Thing, f"{THING}<userData/>")
        self.assertEqual(found.user_data, UserData())  # type: ignore[attr-defined]
        self.assertRefused(
            InvalidParameterValue,
            "Do.userData",
            f'{THING}<userData version="2.0"/>',
        )
        self.assertRefused(
            UnknownParameter, "Do.userData@href", f'{THING}<userData href="#a"/>'
        )

    def test_mixed_without_string(self) -> None:
        """Text in mixed content that has no place for it is ignored."""
        self.assertEqual(read(Counts, "a<count>1</count>b"), Counts(count=1))

    def test_choice(self) -> None:
        """Of a choice there is one member; an empty one says all."""
        self.assertEqual(read(Modify, "<launch/>"), Modify(launch=Empty()))
        self.assertRefused(
            InvalidParameterCombination,
            None,
            "<launch/><imageId>i</imageId>",
            cls=Modify,
        )

    def test_required_choice(self) -> None:
        """Where all members are required, one must be there."""
        self.assertEqual(read(Modify, ""), Modify())
        self.assertRefused(
            MissingParameter,
            "Do.(imageId|launch)",
            "",
            cls=Modify,
            version=OLD,
        )

    def assertRefused(
        self,
        error: type[ApiError],
        path: str | None,
        text: str,
        cls: type = Thing,
        version: Version = NEW,
    ) -> None:
        refused = self.assertRaises(error, read, cls, text, version)
        if path is not None:
            self.assertEqual(refused.parameter, path)

    def test_refusals_name_the_path(self) -> None:
        """Whatever is wrong is named with the path of what is to blame."""
        pair = "<code>1</code><name>n</name>"
        for error, path, text in (
            (UnknownParameter, "Do.other", "<other/>"),
            (UnknownParameter, "Do.queryOnly", "<queryOnly>true</queryOnly>"),
            (UnknownParameter, "Do.isOn", "<n:isOn>true</n:isOn>"),
            (UnknownParameter, "Do.isOn", '<isOn xmlns="">true</isOn>'),
            (UnknownParameter, "Do.isOn.b", "<isOn>true<b/></isOn>"),
            (UnknownParameter, "Do.isOn@href", '<isOn href="#a"/>'),
            (UnknownParameter, "Do.state@href", '<state href="#a"/>'),
            (UnknownParameter, "Do.idSet@href", '<idSet href="#a"/>'),
            (UnknownParameter, "Do.idSet.member", "<idSet><member/></idSet>"),
            (
                UnknownParameter,
                "Do.idSet.item[1].other",
                "<idSet><item><other/></item></idSet>",
            ),
            (
                UnknownParameter,
                "Do.idSet.item[1]@a",
                '<idSet><item a="b"><id/></item></idSet>',
            ),
            (
                MissingParameter,
                "Do.idSet.item[2].id",
                "<idSet><item><id>a</id></item><item/></idSet>",
            ),
            (
                InvalidParameterValue,
                "Do.idSet.item[1].id[2]",
                "<idSet><item><id>a</id><id>b</id></item></idSet>",
            ),
            (
                InvalidParameterValue,
                "Do.stateSet.item[2].code",
                f"<stateSet><item>{pair}</item>"
                "<item><code>x</code><name/></item></stateSet>",
            ),
            (MissingParameter, "Do.nameSet.item", "<nameSet/>"),
            (InvalidParameterValue, "Do.isOn[2]", "<isOn>true</isOn><isOn>true</isOn>"),
            (InvalidParameterValue, "Do.isOn", "<isOn>maybe</isOn>"),
            (InvalidParameterValue, "Do.since", "<since>today</since>"),
            (InvalidParameterValue, "Do.state", f"<state>text{pair}</state>"),
            (InvalidParameterValue, "Do.state", f"<state>{pair}text</state>"),
        ):
            self.assertRefused(error, path, THING + text)

    def test_root(self) -> None:
        """The root itself is judged too."""
        self.assertRefused(InvalidParameterValue, "Do", f"text{THING}")

    def test_at_least(self) -> None:
        """A repeated element stands there as often as it must."""
        self.assertEqual(
            read(Many, "<one>a</one><one>b</one>"), Many(at_least_two=("a", "b"))
        )
        for text in ("", "<one>a</one>"):
            self.assertRefused(MissingParameter, "Do.one", text, cls=Many)

    def test_at_most(self) -> None:
        """And not more often than it may."""
        text = "<one>a</one>" * 4
        self.assertRefused(InvalidParameterValue, "Do", text, cls=Many)

    def test_optional_leaf(self) -> None:
        """An item may be without its leaf where its date says so, and is none."""
        items = "<seenSet><item/><item><id>a</id></item></seenSet>"
        found = read(Thing, f"<thingId>t</thingId>{items}", version=OLD)
        self.assertEqual(found, Thing(thing_id="t", seen_ids=("a",)))
        self.assertRefused(MissingParameter, "Do.seenSet.item[1].id", THING + items)

    def test_required_list(self) -> None:
        """The wrapper of a required list must be there, though empty."""
        self.assertRefused(MissingParameter, "Do.wanted", "", cls=Undefaulted)

    def test_value_is_quoted_in_part(self) -> None:
        """No refusal repeats a long value in full."""
        refused = self.assertRaises(
            InvalidParameterValue, read, Thing, f"<isOn>{'x' * 10000}</isOn>"
        )
        self.assertEqual(refused.value, "x" * 80 + "…")

    def test_entity(self) -> None:
        """An entity that was not resolved is not taken for text."""
        document = (
            '<!DOCTYPE Do [<!ENTITY e "true">]>'
            f'<Do xmlns="{NAMESPACE}">%s<isOn>%s</isOn></Do>'
        )
        for where in (("", "&e;"), ("&e;", "")):
            self.assertRaises(
                InvalidParameterValue, read_document, Thing, document % where
            )
