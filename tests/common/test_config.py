"""Sections of a configuration file, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from attrs import frozen
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.config import ConfigError, checked, read_section, read_toml


def positive(number: int) -> None:
    if number <= 0:
        raise ValueError(f"{number} is not more than 0")


@frozen(kw_only=True)
class Kitchen:
    name: str
    size: int = checked(positive, 3)
    heat: float = 1.5
    is_open: bool = False
    cupboard: Path | None = None
    guests: tuple[str, ...] = ()


FILE = Path("/etc/house/house.toml")


class ReadSectionTests(SynchronousTestCase):
    def read(self, table: object, **given: Any) -> Kitchen:
        return read_section(Kitchen, table, file=FILE, section="kitchen", **given)

    def refused(self, table: object) -> str:
        return str(self.assertRaises(ConfigError, self.read, table))

    def test_defaults(self) -> None:
        """What is left out has its default."""
        self.assertEqual(self.read({"name": "k"}), Kitchen(name="k"))

    def test_values(self) -> None:
        """Values have their fields' types; paths go from the file's directory."""
        kitchen = self.read(
            {
                "name": "k",
                "size": 4,
                "heat": 2,
                "is_open": True,
                "cupboard": "left/top",
                "guests": ["a", "b"],
            }
        )
        expected = Kitchen(
            name="k",
            size=4,
            heat=2.0,
            is_open=True,
            cupboard=Path("/etc/house/left/top"),
            guests=("a", "b"),
        )
        self.assertEqual(kitchen, expected)
        self.assertIsInstance(kitchen.heat, float)

    def test_absolute(self) -> None:
        """An absolute path stays."""
        cupboard = self.read({"name": "k", "cupboard": "/var/c"}).cupboard
        self.assertEqual(cupboard, Path("/var/c"))

    def test_no_path(self) -> None:
        """The empty text is no path."""
        self.assertIsNone(self.read({"name": "k", "cupboard": ""}).cupboard)

    def test_given(self) -> None:
        """A field that is given is no option."""
        self.assertEqual(self.read({}, name="given").name, "given")
        self.assertRaises(ConfigError, self.read, {"name": "k"}, name="given")

    def test_unknown(self) -> None:
        """An unknown option is named, with those that there are."""
        self.assertEqual(
            self.refused({"name": "k", "nmae": "x"}),
            "/etc/house/house.toml: [kitchen] nmae: there is no such option; "
            "there are cupboard, guests, heat, is_open, name, size",
        )

    def test_missing(self) -> None:
        """A missing option is named."""
        self.assertEqual(
            self.refused({}), "/etc/house/house.toml: [kitchen] name: is missing"
        )

    def test_types(self) -> None:
        """A value of the wrong type is refused with what it must be."""
        for key, value, reason in (
            ("name", 7, "7 must be text in quotes"),
            ("size", "7", "'7' must be a whole number"),
            ("size", True, "True must be a whole number"),
            ("size", 1.0, "1.0 must be a whole number"),
            ("heat", "hot", "'hot' must be a number"),
            ("is_open", 1, "1 must be true or false"),
            ("cupboard", 1, "1 must be text in quotes"),
            ("guests", "a", "must be a list in brackets"),
            ("guests", [1], "1 must be text in quotes"),
        ):
            said = self.refused({"name": "k", key: value})
            self.assertEqual(said, f"{FILE}: [kitchen] {key}: {reason}")

    def test_checked(self) -> None:
        """A value that its validator refuses is named with the reason."""
        said = self.refused({"name": "k", "size": 0})
        self.assertEqual(said, f"{FILE}: [kitchen] size: 0 is not more than 0")

    def test_no_section(self) -> None:
        """A section is no single value."""
        self.assertEqual(self.refused(7), f"{FILE}: [kitchen] must be a section")


class ReadTomlTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.file = Path(self.mktemp())

    def refused(self) -> str:
        return str(self.assertRaises(ConfigError, read_toml, self.file))

    def test_read(self) -> None:
        """TOML gives tables."""
        self.file.write_text('[a]\nb = "ä"\n', encoding="utf-8")
        self.assertEqual(read_toml(self.file), {"a": {"b": "ä"}})

    def test_missing(self) -> None:
        """A file that is not there is named."""
        self.assertEqual(self.refused(), f"{self.file}: No such file or directory")

    def test_not_toml(self) -> None:
        """What is not TOML is refused with its place."""
        self.file.write_text("[a]\nb = \n")
        self.assertIn("line 2", self.refused())

    def test_not_text(self) -> None:
        """What is not text is refused."""
        self.file.write_bytes(b"\xff\xfe")
        self.assertIn("not TOML", self.refused())
