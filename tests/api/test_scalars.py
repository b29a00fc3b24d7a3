"""Tests for L{euca_tw.api.scalars}."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.scalars import NotOfType, boolean, converter, moment


class BooleanTests(SynchronousTestCase):
    def test_lexical_forms(self) -> None:
        """There are four forms, with white space around them."""
        self.assertEqual(
            [boolean(text) for text in ("true", " 1\n", "false", "\t0 ")],
            [True, True, False, False],
        )

    def test_nothing_else(self) -> None:
        """Anything else is refused."""
        for text in ("", "yes", "True", "\u00a0true"):
            self.assertRaises(NotOfType, boolean, text)


class IntegerTests(SynchronousTestCase):
    def test_reads(self) -> None:
        """Signs and white space are allowed."""
        read = converter(int, "int")
        self.assertEqual([read(" +7 "), read("-0"), read("007")], [7, 0, 7])

    def test_range_is_the_types(self) -> None:
        """What does not fit in the XML Schema type is refused."""
        self.assertEqual(converter(int, "int")("2147483647"), 2**31 - 1)
        self.assertEqual(converter(int, "int")("-2147483648"), -(2**31))
        self.assertRaises(NotOfType, converter(int, "int"), "2147483648")
        self.assertEqual(converter(int, "long")("2147483648"), 2**31)
        self.assertRaises(NotOfType, converter(int, "long"), "9" * 20)
        self.assertEqual(converter(int, "integer")("9" * 20), 10**20 - 1)

    def test_nothing_else(self) -> None:
        """Python's further notations are none of XML Schema's."""
        for text in ("", "1_000", "1.0", "0x1", "\u0663", "9" * 5000, "one"):
            self.assertRaises(NotOfType, converter(int, "integer"), text)


class DoubleTests(SynchronousTestCase):
    def test_reads(self) -> None:
        """Decimals, exponents and the special values are read."""
        read = converter(float, "double")
        self.assertEqual(
            [read(" 1.5 "), read("-.5"), read("1e3"), read("INF"), read("-INF")],
            [1.5, -0.5, 1000.0, math.inf, -math.inf],
        )
        self.assertTrue(math.isnan(read("NaN")))

    def test_nothing_else(self) -> None:
        """Python's further notations are none of XML Schema's."""
        for text in ("", "inf", "nan", "1_0", "."):
            self.assertRaises(NotOfType, converter(float, "double"), text)


class MomentTests(SynchronousTestCase):
    def test_zones(self) -> None:
        """Every zone is brought to UTC; a moment without one is in UTC."""
        noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
        for text in (
            "2026-11-23T12:00:00Z",
            "2026-11-23T12:00:00.000Z",
            " 2026-11-23T14:00:00+02:00\n",
            "2026-11-23T06:30:00-05:30",
            "2026-11-23T12:00:00",
        ):
            self.assertEqual(moment(text), noon)
            self.assertEqual(moment(text).tzinfo, UTC)

    def test_fractions(self) -> None:
        """A fraction may be of any length; microseconds are kept."""
        self.assertEqual(moment("2026-11-23T12:00:00.5Z").microsecond, 500000)
        self.assertEqual(moment("2026-11-23T12:00:00.12345678901Z").microsecond, 123456)

    def test_midnight_at_the_end(self) -> None:
        """24:00:00 is the next day's midnight."""
        self.assertEqual(
            moment("2026-12-31T24:00:00Z"), datetime(2027, 1, 1, tzinfo=UTC)
        )

    def test_nothing_else(self) -> None:
        """What is no moment, or is out of the calendar's range, is refused."""
        for text in (
            "",
            "2026-11-23",
            "2026-11-23 12:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-11-23T25:00:00Z",
            "2026-11-23T24:00:01Z",
            "2026-11-23T12:00:60Z",
            "2026-11-23T12:00:00+15:00",
            "2026-11-23T12:00:00+01:60",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T24:00:00Z",
            "9999-12-31T23:59:59-14:00",
            "12026-11-23T12:00:00Z",
        ):
            self.assertRaises(NotOfType, moment, text)

    def test_string(self) -> None:
        """A string is its text, white space and all."""
        self.assertEqual(converter(str, "string")(" a "), " a ")
