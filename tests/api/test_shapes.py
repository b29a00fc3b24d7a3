"""Tests for L{euca_tw.api.shapes} and L{euca_tw.api.fields}."""

from __future__ import annotations

from attrs.exceptions import FrozenInstanceError
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.fields import Field
from euca_tw.api.shapes import (
    Api,
    Empty,
    Operation,
    Version,
    evolve,
    members,
    shape,
    shape_of,
    wire,
)

EARLY, MIDDLE, LATE = (
    Version("2007-01-01"),
    Version("2008-01-01"),
    Version("2009-01-01"),
)


@members
class Traced:
    trace: str | None = wire("trace")


@members
class Sized:
    size: int = wire("size", xsd="long")


@shape("BaseType", abstract=True)
class Ground:
    ground: str = wire("ground")


@shape("ThingType")
class Thing(Ground):
    colour: str | None = wire("colour")
    tags: tuple[str, ...] = wire("tagSet", query="Tag", leaf="tag", at_least=1)
    notes: tuple[str, ...] = wire("note", repeated=True)
    weight: float = wire("weight", since="2008-01-01", required=((None, "2009-01-01"),))
    height: float = wire("height", until="2008-01-01")
    left: str = wire("left", choice="side", choice_since="2008-01-01")
    right: tuple[str, ...] | None = wire("right", choice="side")
    here: str | None = wire("here", choice="place", choice_until="2008-01-01")
    dry: bool = wire("dry", soap=False, default=False)
    flat: int = wire("flat", soap=((None, "2008-01-01"), ("2009-01-01", None)))
    kind: str = wire("kind", query_optional=True, default="plain")
    unsaid: str | None = wire("unsaid", query="", required=True)
    few: tuple[int, ...] = wire(
        "few", at_least=1, at_least_until="2008-01-01", at_most=3, nillable=True
    )


@shape("JoinedType")
class Joined(Sized, Traced):
    own: str = wire("own")


def field(name: str) -> Field:
    [found] = [f for f in shape_of(Thing).fields if f.python == name]
    return found


class Fields(SynchronousTestCase):
    """What a field says of itself."""

    def test_lives_in(self) -> None:
        """From C{since} on, before C{until}."""
        lives = {
            name: [field(name).lives_in(v) for v in (EARLY, MIDDLE, LATE)]
            for name in ("colour", "weight", "height")
        }
        self.assertEqual(
            lives,
            {
                "colour": [True, True, True],
                "weight": [False, True, True],
                "height": [True, False, False],
            },
        )

    def test_is_required_in(self) -> None:
        """By its type, if nothing is said, or in spans of versions."""
        self.assertTrue(field("ground").is_required_in(EARLY))
        self.assertFalse(field("colour").is_required_in(EARLY))
        self.assertTrue(field("tags").is_required_in(EARLY))
        self.assertFalse(field("notes").is_required_in(EARLY))
        self.assertTrue(field("weight").is_required_in(MIDDLE))
        self.assertFalse(field("weight").is_required_in(LATE))
        self.assertTrue(field("right").is_required_in(LATE))

    def test_is_required_in_query(self) -> None:
        """Not what Query cannot say, nor what it need not."""
        self.assertTrue(field("ground").is_required_in_query(EARLY))
        self.assertFalse(field("colour").is_required_in_query(EARLY))
        self.assertFalse(field("kind").is_required_in_query(EARLY))
        self.assertFalse(field("unsaid").is_required_in_query(EARLY))

    def test_choice_in(self) -> None:
        """A choice may be younger than its members, and end before them."""
        self.assertEqual(field("here").choice_in(EARLY), "place")
        self.assertEqual(field("here").choice_in(MIDDLE), None)
        self.assertEqual(field("left").choice_in(EARLY), None)
        self.assertEqual(field("left").choice_in(MIDDLE), "side")
        self.assertEqual(field("right").choice_in(EARLY), "side")
        self.assertEqual(field("colour").choice_in(LATE), None)

    def test_is_element_in(self) -> None:
        """What only Query says is none; some are in certain versions only."""
        elements = {
            name: [field(name).is_element_in(v) for v in (EARLY, MIDDLE, LATE)]
            for name in ("ground", "dry", "flat", "height")
        }
        self.assertEqual(
            elements,
            {
                "ground": [True, True, True],
                "dry": [False, False, False],
                "flat": [True, False, True],
                "height": [True, False, False],
            },
        )
        self.assertTrue(field("flat").lives_in(MIDDLE))

    def test_lists(self) -> None:
        """How many there must be, and may be."""
        self.assertEqual(field("tags").at_least_in(LATE), 1)
        self.assertEqual([field("few").at_least_in(v) for v in (EARLY, MIDDLE)], [1, 0])
        self.assertEqual((field("few").at_most, field("tags").at_most), (3, None))

    def test_names(self) -> None:
        """Query's name is the wire's with a capital, or as it is said."""
        self.assertEqual(field("colour").query, "Colour")
        self.assertEqual(field("tags").query, "Tag")
        self.assertEqual(field("unsaid").query, "")

    def test_types(self) -> None:
        """Scalars know their type in XML Schema."""
        self.assertEqual((field("flat").of, field("flat").xsd), (int, "int"))
        self.assertEqual(shape_of(Joined).fields[1].xsd, "long")
        self.assertTrue(field("few").is_nillable)
        self.assertTrue(field("few").is_scalar)
        self.assertTrue(field("right").many)


class Shapes(SynchronousTestCase):
    """What a class becomes."""

    def test_defaults(self) -> None:
        """What need not be in every version and message may be left out."""
        thing = Thing(ground="under")
        self.assertEqual((thing.colour, thing.tags, thing.right), (None, (), None))
        self.assertEqual((thing.weight, thing.left, thing.flat), (None, None, None))
        self.assertEqual((thing.kind, thing.dry), ("plain", False))
        self.assertRaises(TypeError, Thing)

    def test_extension(self) -> None:
        """A shape that inherits a shape extends it, and has its fields first."""
        made = shape_of(Thing)
        self.assertIs(made.base, shape_of(Ground))
        self.assertEqual(made.fields[0].python, "ground")
        self.assertEqual(
            (made.is_abstract, shape_of(Ground).is_abstract), (False, True)
        )

    def test_members(self) -> None:
        """What inherits plain members just has them: the last base's first."""
        made = shape_of(Joined)
        self.assertIs(made.base, None)
        self.assertEqual([f.python for f in made.fields], ["trace", "size", "own"])
        self.assertRaises(TypeError, shape_of, Traced)

    def test_by_version(self) -> None:
        """A version has some of the fields, and fewer elements."""
        made = shape_of(Thing)
        names = {f.python for f in made.at(MIDDLE)}
        self.assertEqual({f.python for f in made.fields} - names, {"height"})
        elements = {f.python for f in made.elements(MIDDLE)}
        self.assertEqual(names - elements, {"dry", "flat"})

    def test_not_a_shape(self) -> None:
        """Any other class is none."""
        error = self.assertRaises(TypeError, shape_of, str)
        self.assertEqual(str(error), "str is not a shape")

    def test_undeclared(self) -> None:
        """A member that is no field is a slip."""

        class Slip:
            name: str = "x"

        error = self.assertRaises(TypeError, shape("SlipType"), Slip)
        self.assertEqual(str(error), "Slip.name is not declared by wire()")

    def test_values(self) -> None:
        """Shapes are values: equal, hashed and shown by what is in them."""
        one, same = Joined(size=1, own="x"), Joined(size=1, own="x")
        other = Joined(size=2, own="x")
        self.assertEqual((one, hash(one)), (same, hash(same)))
        self.assertNotEqual(one, other)
        self.assertNotEqual(one, Sized(size=1))
        self.assertNotEqual(Sized(size=1), Joined(size=1, own="x"))
        self.assertEqual(len({one, same, other}), 2)
        self.assertEqual(repr(one), "Joined(trace=None, size=1, own='x')")
        self.assertRaises(FrozenInstanceError, setattr, one, "own", "y")

    def test_evolve(self) -> None:
        """A changed copy leaves the first as it is."""
        first = Joined(size=1, own="x")
        self.assertEqual(evolve(first, trace="t"), Joined(size=1, own="x", trace="t"))
        self.assertEqual(first.trace, None)


class Apis(SynchronousTestCase):
    """Operations and the versions that have them."""

    old = Operation("MakeThing", Thing, Empty, until="2008-01-01")
    new = Operation(
        "BreakThing",
        Thing,
        Empty,
        since="2008-01-01",
        soap_actions=(((None, "2009-01-01"), "Brake"),),
    )
    api = Api("Things", "http://x.example/{version}/", (EARLY, MIDDLE), (old, new))

    def test_at(self) -> None:
        """Each version has its operations."""
        self.assertEqual(list(self.api.at(EARLY)), [self.old])
        self.assertEqual(list(self.api.at(LATE)), [self.new])

    def test_find(self) -> None:
        """An operation is found where it lives; C{named} finds it anywhere."""
        self.assertIs(self.api.find("MakeThing", EARLY), self.old)
        self.assertIs(self.api.find("MakeThing", LATE), None)
        self.assertIs(self.api.find("EatThing", LATE), None)
        self.assertIs(self.api.named("MakeThing"), self.old)
        self.assertRaises(KeyError, self.api.named, "EatThing")

    def test_names(self) -> None:
        """What an operation is called here and there."""
        self.assertEqual(self.new.method, "break_thing")
        for name, method in (
            ("EnableVolumeIO", "enable_volume_io"),
            ("CreateVPCEndpoint", "create_vpc_endpoint"),
        ):
            self.assertEqual(Operation(name, Thing, Thing).method, method)
        self.assertEqual(self.new.soap_action_in(MIDDLE), "Brake")
        self.assertEqual(self.new.soap_action_in(LATE), "BreakThing")
        self.assertEqual(self.api.namespace_of(LATE), "http://x.example/2009-01-01/")
