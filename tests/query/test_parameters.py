"""Tests of L{euca_tw.query.parameters}."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_to_bytes, urlencode

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.errors import (
    ApiError,
    InvalidParameterCombination,
    InvalidParameterValue,
    MalformedQueryString,
    MissingParameter,
    UnknownParameter,
)
from euca_tw.api.shapes import Empty, Version, shape, shape_of, wire
from euca_tw.query.parameters import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_DOTS,
    MAX_ESCAPES,
    MAX_NAME,
    MAX_PARAMETERS,
    parse,
    read,
    reader,
    tree,
    unique,
)

OLD, NEW = Version("2008-02-01"), Version("2016-11-15")


@shape("FilterType")
class Filter:
    name: str = wire("name")
    values: tuple[str, ...] = wire("valueSet", query="Value", leaf="value")


@shape("DeviceType")
class Device:
    name: str = wire("deviceName")
    size: int | None = wire("size", choice="what")
    nothing: Empty | None = wire("noDevice", choice="what")


@shape("ThingType")
class Thing:
    ids: tuple[str, ...] = wire("idSet", query="Id", leaf="id")
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", since=NEW)
    devices: tuple[Device, ...] = wire("devices", query="Device")
    one: Filter | None = wire("one")
    number: int | None = wire("number")
    ratio: float | None = wire("ratio")
    flag: bool | None = wire("flag")
    made: datetime | None = wire("made")
    hidden: str | None = wire("hidden", query="")
    left: str | None = wire("left", required=False, choice="side")
    far: str | None = wire("far", required=False, choice="other", choice_since=NEW)
    right: str | None = wire("right", required=False, choice="side")


@shape("NeedyType")
class Needy:
    name: str = wire("name")
    ids: tuple[str, ...] = wire("idSet", query="Id", at_least=1)


@shape("SparingType")
class Sparing:
    ids: tuple[str, ...] = wire("idSet", query="Id", at_least=1, required=False)


def thing(version: Version = NEW, **said: str) -> Any:
    return read(Thing, version, {name.replace("_", "."): v for name, v in said.items()})


class ParseTests(SynchronousTestCase):
    """Bytes to parameters."""

    def test_order(self) -> None:
        """Parameters come in their order, each as often as it is there."""
        self.assertEqual(parse(b"b=1&a=2&b="), [("b", "1"), ("a", "2"), ("b", "")])

    def test_nothing(self) -> None:
        """Nothing has no parameters, and nor has nothing between separators."""
        self.assertEqual((parse(b""), parse(b"&&"), parse(b"&+&"[:1])), ([], [], []))
        self.assertEqual(parse(b"a=1&&b=%20&"), [("a", "1"), ("b", " ")])

    def test_escapes(self) -> None:
        """Escapes are UTF-8; a plus is a space; all else stands for itself."""
        self.assertEqual(parse(b"a%3Db=c+d%2B%e4%B8%ad;e"), [("a=b", "c d+\u4e2d;e")])
        self.assertEqual(parse("ä=ö".encode()), [("ä", "ö")])

    def test_no_value(self) -> None:
        """A name alone has an empty value, a value may hold more C{=}."""
        self.assertEqual(parse(b"wsdl&a=b=c"), [("wsdl", ""), ("a", "b=c")])
        self.assertEqual(parse(b"w%73dl"), [("wsdl", "")])

    def test_malformed(self) -> None:
        """Broken escapes and what is not UTF-8 are refused."""
        for raw in (b"a=%", b"a=%4", b"a=%zz", b"a=%ff", b"a=\xff", b"%c0%80=a"):
            self.assertRaises(MalformedQueryString, parse, raw)

    def test_many(self) -> None:
        """A million parameters are not even looked at."""
        parse(b"a&" * (MAX_PARAMETERS - 1))
        self.assertRaises(MalformedQueryString, parse, b"a&" * 1_000_000)

    @given(st.lists(st.tuples(st.text(), st.text())))
    def test_round_trip(self, pairs: list[tuple[str, str]]) -> None:
        """What is encoded by the book is read as it was."""
        pairs = [(n, v) for n, v in pairs]
        self.assertEqual(parse(urlencode(pairs).encode()), pairs)

    @given(st.binary())
    def test_garbage(self, raw: bytes) -> None:
        """Any bytes are parameters, or refused as such."""
        with contextlib.suppress(MalformedQueryString):
            parse(raw)

    @given(
        st.lists(
            st.sampled_from(
                [
                    *("%00", "%0A", "%0d", "%20", "%25", "%2b", "%3D", "%41", "%C3%A9"),
                    *("=", "+", "_", ".", "\n", "\r\n", " ", "\t", "\0", "é", "a"),
                ]
            )
        ).map("".join)
    )
    def test_as_python_has_it(self, value: str) -> None:
        """Escapes are read as Python's library reads them."""
        [(_, found)] = parse(f"A={value}".encode())
        self.assertEqual(found, unquote_to_bytes(value.replace("+", " ")).decode())

    def test_flood(self) -> None:
        """Nobody has so many escapes, nor so many bytes."""
        most = MAX_ESCAPES
        self.assertEqual(parse(b"A=" + b"%41" * most), [("A", "A" * most)])
        for raw in (b"A=" + b"%41" * (most + 1), b"%" * (most + 1)):
            refused = self.assertRaises(MalformedQueryString, parse, raw)
            self.assertIn("escaped characters", refused.message)
        parse(b"A=" + b"x" * (MAX_BYTES - 2))
        for raw in (b"A=" + b"x" * (MAX_BYTES - 1), b"x" * 10_000_000):
            refused = self.assertRaises(MalformedQueryString, parse, raw)
            self.assertIn("bytes in all", refused.message)


class UniqueTests(SynchronousTestCase):
    """Parameters by name."""

    def test_twice(self) -> None:
        """A parameter that is given twice is refused by its name."""
        error = self.assertRaises(
            MalformedQueryString, unique, [("Action", "a"), ("Action", "a")]
        )
        self.assertIn("Action", error.message)

    def test_names(self) -> None:
        """A name is neither empty nor without end."""
        self.assertEqual(unique([("a" * MAX_NAME, "")]), {"a" * MAX_NAME: ""})
        for name in ("", "a" * (MAX_NAME + 1)):
            self.assertRaises(MalformedQueryString, unique, [(name, "")])

    def test_many(self) -> None:
        """URL and body together have no more than either may."""
        self.assertRaises(
            MalformedQueryString,
            unique,
            [(str(n), "") for n in range(MAX_PARAMETERS + 1)],
        )


class TreeTests(SynchronousTestCase):
    """Dotted names."""

    def test_parts(self) -> None:
        """Names with the same beginning grow from one stem."""
        self.assertEqual(
            tree({"A.1.B": "x", "A.1.C": "y", "D": "z"}),
            {"A": {"1": {"B": "x", "C": "y"}}, "D": "z"},
        )

    def test_two_kinds(self) -> None:
        """A name that ends cannot go on, in whichever order they come."""
        for names in (("A", "A.1"), ("A.1", "A"), ("A.1.B", "A.1.B.C.D")):
            self.assertRaises(
                InvalidParameterCombination, tree, dict.fromkeys(names, "")
            )

    def test_deep(self) -> None:
        """A name of more parts than any that we know is not known."""
        tree({"A" + ".A" * MAX_DEPTH: ""})
        self.assertRaises(UnknownParameter, tree, {"A" + ".A" * (MAX_DEPTH + 1): ""})

    def test_dots(self) -> None:
        """Nor have all names together any number of parts."""
        many = {f"A{n}{'.1' * MAX_DEPTH}": "x" for n in range(MAX_DOTS // MAX_DEPTH)}
        self.assertEqual(len(tree(many)), len(many))
        many["B.1.1.1.1.1.1.1.1.1"] = "x"
        refused = self.assertRaises(MalformedQueryString, tree, many)
        self.assertIn("dots in all", refused.message)
        tree({f"IpPermissions.{n}.Groups.1.UserId": "x" for n in range(3999)})


class ListTests(SynchronousTestCase):
    """Lists."""

    def test_places(self) -> None:
        """Items come by their places, whatever the first is and however far apart."""
        self.assertEqual(thing(Id_10="b", Id_2="a", Id_007="c").ids, ("a", "c", "b"))
        self.assertEqual(thing(Id_0="a").ids, ("a",))

    def test_alone(self) -> None:
        """One scalar needs no place."""
        self.assertEqual(thing(Id="a").ids, ("a",))

    def test_none(self) -> None:
        """A list that is not said is empty."""
        self.assertEqual(thing().ids, ())

    def test_not_a_place(self) -> None:
        """What is no number is no place."""
        for part in ("x", "-1", "1" * 10, "\u0661", ""):
            error = self.assertRaises(
                UnknownParameter, read, Thing, NEW, {f"Id.{part}": "a"}
            )
            self.assertEqual(error.parameter, f"Id.{part}")

    def test_taken(self) -> None:
        """Two items cannot have one place."""
        self.assertRaises(InvalidParameterCombination, thing, Id_1="a", Id_01="b")

    def test_structures(self) -> None:
        """Structures in lists, and lists in them."""
        found = thing(
            Filter_1_Name="a",
            Filter_1_Value_1="x",
            Filter_1_Value_2="y",
            Filter_3_Name="b",
            Filter_3_Value="z",
            One_Name="c",
        )
        self.assertEqual(
            (found.filters, found.one),
            (
                (
                    Filter(name="a", values=("x", "y")),
                    Filter(name="b", values=("z",)),
                ),
                Filter(name="c"),
            ),
        )

    def test_at_least(self) -> None:
        """A list that must have an item is missed by its name."""
        error = self.assertRaises(MissingParameter, read, Needy, NEW, {"Name": "a"})
        self.assertEqual(error.parameter, "Id")

    def test_optional_list(self) -> None:
        """A list that may be left out may be, whatever must be in it else."""
        self.assertEqual(read(Sparing, NEW, {}), Sparing())
        self.assertEqual(read(Sparing, NEW, {"Id.1": "x"}), Sparing(ids=("x",)))


class StructureTests(SynchronousTestCase):
    """Structures."""

    def test_unknown(self) -> None:
        """What is not known, in that version, is refused by its full name."""
        for version, said, parameter in (
            (NEW, {"Foo": "a"}, "Foo"),
            (NEW, {"Filter_1_Foo": "a"}, "Filter.1.Foo"),
            (NEW, {"Filter_Name": "a"}, "Filter.Name"),
            (NEW, {"Id_1_X": "a"}, "Id.1.X"),
            (NEW, {"Number_1": "a"}, "Number.1"),
            (NEW, {"Hidden": "a"}, "Hidden"),
            (NEW, {"id": "a"}, "id"),
            (OLD, {"Filter_1_Name": "a"}, "Filter"),
        ):
            error = self.assertRaises(UnknownParameter, thing, version, **said)
            self.assertEqual(error.parameter, parameter)

    def test_missing(self) -> None:
        """What is missing is told by its full name."""
        error = self.assertRaises(MissingParameter, thing, Filter_7_Value_1="a")
        self.assertEqual(error.parameter, "Filter.7.Name")

    def test_value_for_structure(self) -> None:
        """A structure has no value of its own."""
        for name in ("One", "Filter", "Filter_1"):
            self.assertRaises(InvalidParameterValue, thing, **{name: "a"})

    def test_nothing(self) -> None:
        """What says all by being there may have any text, but no parts."""
        found = thing(Device_1_DeviceName="a", Device_1_NoDevice="")
        self.assertEqual(found.devices[0].nothing, Empty())
        error = self.assertRaises(
            UnknownParameter, thing, Device_1_NoDevice_X="", Device_1_DeviceName="a"
        )
        self.assertEqual(error.parameter, "Device.1.NoDevice.X")

    def test_choice(self) -> None:
        """Of a choice, there is no more than one."""
        error = self.assertRaises(
            InvalidParameterCombination,
            thing,
            Device_1_DeviceName="a",
            Device_1_NoDevice="",
            Device_1_Size="1",
        )
        self.assertIn("Device.1.NoDevice cannot be used with", error.message)
        self.assertRaises(InvalidParameterCombination, thing, Left="a", Right="b")

    def test_required_choice(self) -> None:
        """Of a choice that is required, there is one."""
        error = self.assertRaises(MissingParameter, thing, Device_1_DeviceName="a")
        self.assertEqual(error.parameter, "Device.1.Size")

    def test_free_choice(self) -> None:
        """A choice may be left alone if it is not required."""
        self.assertEqual((thing().left, thing(Right="b").right), (None, "b"))

    def test_worked_out_once(self) -> None:
        """How to read a shape at a version is worked out once."""
        self.assertIs(reader(shape_of(Thing), NEW), reader(shape_of(Thing), NEW))


class ScalarTests(SynchronousTestCase):
    """Values."""

    def test_good(self) -> None:
        """Each type is read from its text."""
        found = thing(
            Number="-7", Ratio="0.5", Flag="True", Made="2026-11-23T10:00:00+02:00"
        )
        self.assertEqual(
            (found.number, found.ratio, found.flag, found.made),
            (-7, 0.5, True, datetime(2026, 11, 23, 8, tzinfo=UTC)),
        )

    def test_bad(self) -> None:
        """What cannot be read is told with its parameter, value and reason."""
        for name, value in (
            ("Number", "x"),
            ("Number", str(1 << 31)),
            ("Number", "9" * 5000),
            ("Ratio", "1,5"),
            ("Flag", "yes"),
            ("Made", "yesterday"),
        ):
            error = self.assertRaises(InvalidParameterValue, thing, **{name: value})
            self.assertEqual((error.parameter, error.value), (name, value[:100]))
            self.assertRegex(error.message, r"\. It .+\.$")


OPERATIONS = st.sampled_from(EC2.operations)
NAMES = sorted(
    {
        f.query
        for operation in EC2.operations
        for cls in (operation.request, operation.query_form)
        if cls is not None
        for f in shape_of(cls).fields
    }
    | {"1", "2", "Name", "Value", "Ebs", "NoDevice", "UserId", "Add", ""}
)
PARAMETERS = st.dictionaries(
    st.lists(st.sampled_from(NAMES), min_size=1, max_size=5).map(".".join),
    st.sampled_from(["", "1", "x", "true", "launchPermission", "i-12345678"]),
)


class Ec2Tests(SynchronousTestCase):
    """EC2's own operations."""

    @given(OPERATIONS, st.sampled_from(QUERY_VERSIONS), PARAMETERS)
    def test_anything(
        self, operation: Any, version: Version, parameters: dict[str, str]
    ) -> None:
        """Any parameters make the request, or are refused by EC2's codes."""
        try:
            made = read(operation.query_form or operation.request, version, parameters)
            if operation.query_form:
                made = made.request()
        except ApiError as error:
            self.assertTrue(error.message)
        else:
            self.assertIsInstance(made, operation.request)
