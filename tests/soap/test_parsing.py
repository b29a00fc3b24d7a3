"""Tests for L{euca_tw.soap.parsing}."""

from __future__ import annotations

import threading
from typing import Any

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import MalformedRequest
from euca_tw.soap.parsing import FORGET_BYTES, Parser

#: How many names a thread knows.
names_known = etree.memory_debugger.dict_size  # type: ignore[attr-defined]


def new_names(number: int) -> bytes:
    """A document of names that no other has."""
    inner = "".join(f"<n{number}-{n}/>" for n in range(10_000))
    return f"<a>{inner}</a>".encode()


class ParserTests(SynchronousTestCase):
    def test_encoding(self) -> None:
        """What a document says of its encoding is not heard."""
        parser = Parser()
        for name in ("iso-8859-1", "utf-16", "shift_jis", "utf-7", "klingon"):
            root = parser.parse(
                f'<?xml version="1.0" encoding="{name}"?><a>é</a>'.encode()
            )
            self.assertEqual(root.text, "é")

    def test_not_utf8(self) -> None:
        """Bytes that are no UTF-8, and characters that XML has not, are refused."""
        parser = Parser()
        for wrong in (
            b"\xff",
            b"\xc0\xaf",
            b"\xc1\x81",
            b"\xe0\x80\xaf",
            b"\xf0\x80\x80\xaf",
            b"\xed\xa0\x80",
            b"\xed\xb0\x80",
            b"\xed\xa0\x80\xed\xb0\x80",
            b"\xf4\x90\x80\x80",
            b"\xf8\x88\x80\x80\x80",
            b"\xc3",
            b"\xc3(",
            b"\x80",
            b"\0",
            b"\x01",
            b"\xef\xbf\xbe",
            b"&#0;",
            b"&#xD800;",
            b"&#xFFFE;",
            b"&#x110000;",
        ):
            for document in (
                b"<a>x%sx</a>" % wrong,
                b'<a b="%s"/>' % wrong,
                b"<a%s/>" % wrong,
                b"<a/>%s" % wrong,
            ):
                self.assertRaises(MalformedRequest, parser.parse, document)
        self.assertEqual(parser.parse(b"<a/>").tag, "a")

    def test_what_is_told(self) -> None:
        """What the parser complains of, of a name not all."""
        name = "x" * 40_000
        refused = self.assertRaises(
            MalformedRequest, Parser().parse, f"<{name}></y>".encode()
        )
        self.assertIn("mismatch", refused.message)
        self.assertLess(len(refused.message), 300)

    def test_type_definitions(self) -> None:
        """Also where it is not seen before."""
        for document in (b"<!DOCTYPE a><a/>", b"<!-- --><!DOCTYPE a []><a/>"):
            refused = self.assertRaises(MalformedRequest, Parser().parse, document)
            self.assertIn("type definition", refused.message)

    def test_names_are_forgotten(self) -> None:
        """
        The names of strangers are not kept: after some megabytes they are
        forgotten, in each thread; trees that have them go on.
        """
        found: list[Any] = []

        def work() -> None:
            parser, kept = Parser(), []
            for number in range(90):
                root = parser.parse(new_names(number))
                found.append(names_known())
                if number % 20 == 0:
                    kept.append((number, root))
            for number, root in kept:
                self.assertEqual(root[7].tag, f"n{number}-7")
                self.assertEqual(len(root.findall(f"n{number}-9")), 1)
                self.assertEqual(len(etree.tostring(root)), len(new_names(number)))

        size = len(new_names(30))
        self.assertGreater(90 * size, 2 * FORGET_BYTES)
        work()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        self.assertEqual(len(found), 180)
        self.assertLess(max(found), 10_000 * (FORGET_BYTES // size + 3))

    def test_trees_of_several_dictionaries(self) -> None:
        """What was parsed before the names were forgotten goes with what was after."""
        old = Parser().parse(b'<a xmlns="u:a"><b c="1"/><b/></a>')
        new = Parser().parse(b'<a xmlns="u:a"><b c="1"/><b/></a>')
        new.append(old[0])
        self.assertEqual(len(new.findall("{u:a}b")), 3)
        self.assertEqual([each.get("c") for each in new], ["1", None, "1"])
        self.assertEqual(len(list(old.iterchildren("{u:a}b"))), 1)
