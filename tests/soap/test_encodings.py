"""Tests for L{euca_tw.soap.encodings}."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import MalformedRequest
from euca_tw.soap.encodings import utf8_of

TEXT = "<a>é</a>"

#: What the machine has decoders for, and we do not take.
OTHERS = (
    *("utf-7", "utf-32", "utf-32le", "ucs-4", "iso-10646-ucs-4", "ucs-2"),
    *("shift_jis", "euc-jp", "iso-2022-jp", "gb18030", "hz", "big5", "koi8-r"),
    *("windows-1252", "iso-8859-15", "cp037", "ibm037", "ebcdic", "html"),
    *("klingon", "", "utf-8 ", "rot13", "base64", "idna", "utf-8\0", "x" * 5000),
)


def declared(encoding: str, text: str = TEXT) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'


class TakenTests(SynchronousTestCase):
    """What is taken, and who is believed."""

    def test_nothing_is_said(self) -> None:
        """Then it is UTF-8, and is left alone."""
        self.assertEqual(utf8_of(TEXT.encode()), TEXT.encode())

    def test_declared(self) -> None:
        """Its own declaration is believed if nothing else is said."""
        for name, codec in (
            ("UTF-8", "utf-8"),
            ("utf8", "utf-8"),
            ("iso-8859-1", "latin-1"),
            ("Latin1", "latin-1"),
        ):
            said = declared(name)
            self.assertEqual(utf8_of(said.encode(codec)), said.encode())
        plain = declared("us-ascii", "<a/>")
        self.assertEqual(utf8_of(plain.encode()), plain.encode())

    def test_how_it_is_declared(self) -> None:
        """In either quotes, with any white space, before or without more."""
        for before, after in (
            ("version='1.0' encoding='iso-8859-1'", ""),
            ('version="1.0"\n\tencoding = \r\n"ISO-8859-1"', ' standalone="yes"'),
        ):
            said = f"<?xml {before}{after} ?>{TEXT}"
            self.assertEqual(utf8_of(said.encode("latin-1")), said.encode())

    def test_charset(self) -> None:
        """The charset is believed before the declaration."""
        for charset, codec in (
            ("UTF-8", "utf-8"),
            ("iso-8859-1", "latin-1"),
            ("UTF-16LE", "utf-16-le"),
            ("utf-16be", "utf-16-be"),
        ):
            for said in (TEXT, declared("utf-8"), declared("ISO-8859-1")):
                self.assertEqual(utf8_of(said.encode(codec), charset), said.encode())

    def test_mark(self) -> None:
        """A byte order mark is believed before all, and is gone then."""
        for codec in ("utf-8", "utf-16-le", "utf-16-be"):
            document = f"\ufeff{declared('iso-8859-1')}".encode(codec)
            for charset in (None, "utf-8", "utf-16", "utf-16le", "iso-8859-1"):
                self.assertEqual(
                    utf8_of(document, charset), declared("iso-8859-1").encode()
                )

    def test_later_marks(self) -> None:
        """Elsewhere it is a character like others."""
        for codec in ("utf-8", "utf-16-le"):
            document = "\ufeff\ufeff<a>\ufeff</a>".encode(codec)
            self.assertEqual(utf8_of(document), "\ufeff<a>\ufeff</a>".encode())

    @given(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
    )
    def test_any_text(self, text: str, codec: str) -> None:
        """Whatever is written in one that is taken is read as it was written."""
        whole = f"<a>{text}"
        self.assertEqual(utf8_of(f"\ufeff{whole}".encode(codec)), whole.encode())

    @given(st.binary(max_size=60), st.sampled_from([None, "utf-16le", "us-ascii"]))
    def test_any_bytes(self, document: bytes, charset: str | None) -> None:
        """Whatever comes is taken or refused."""
        try:
            utf8_of(document, charset)
        except MalformedRequest as refused:
            self.assertLess(len(refused.message), 200)


class RefusedTests(SynchronousTestCase):
    """What is not."""

    def assertRefused(
        self, document: bytes, why: str, charset: str | None = None
    ) -> None:
        refused = self.assertRaises(MalformedRequest, utf8_of, document, charset)
        self.assertIn(why, refused.message)
        self.assertLess(len(refused.message), 200)

    def test_other_charsets(self) -> None:
        """A charset that is not on the list, even beside a mark."""
        for name in OTHERS:
            self.assertRefused(TEXT.encode(), "is not taken", name)
            self.assertRefused(TEXT.encode("utf-16"), "is not taken", name)

    def test_other_declarations(self) -> None:
        """A declared name that is not on the list, even if it decides nothing."""
        for name in OTHERS[:-1]:
            for document, charset in (
                (declared(name).encode(), None),
                (declared(name).encode(), "utf-8"),
                (declared(name).encode("utf-16"), None),
                (declared(name).encode("utf-16-be"), "utf-16be"),
            ):
                self.assertRefused(document, "is not taken", charset)

    def test_wide_without_mark(self) -> None:
        """UTF-16 whose order is not said."""
        for codec in ("utf-16-le", "utf-16-be"):
            for charset in (None, "utf-8", "utf-16", "iso-8859-1"):
                for said in (TEXT, declared("UTF-16")):
                    self.assertRefused(
                        said.encode(codec), "needs a byte order mark", charset
                    )

    def test_wide_in_bytes(self) -> None:
        """UTF-16 that is said and not done."""
        for name in ("UTF-16", "utf-16le", "UTF-16BE"):
            for charset in (None, "utf-8", "iso-8859-1"):
                self.assertRefused(
                    declared(name).encode(), "is declared as UTF-16", charset
                )

    def test_recognized(self) -> None:
        """UTF-32 and EBCDIC are recognized."""
        for codec in ("utf-32", "utf-32-le", "utf-32-be"):
            self.assertRefused(TEXT.encode(codec), "UTF-32 is not taken")
        self.assertRefused(b"\0\0\xfe\xff" + TEXT.encode("utf-32-be"), "UTF-32")
        self.assertRefused(declared("ibm037").encode("cp037"), "EBCDIC")

    def test_broken(self) -> None:
        """What is not in its encoding, with the place."""
        wide = TEXT.encode("utf-16-le")
        for document, charset, place in (
            (wide[:-1], "utf-16le", len(wide) - 2),
            (b"\xff\xfe" + wide[:-1], None, len(wide) - 2),
            (wide + b"\0\xd8", "utf-16le", len(wide)),
            (wide + b"\0\xdc" + b"\0\xd8", "utf-16le", len(wide)),
            (declared("us-ascii").encode("latin-1"), None, 44),
            (TEXT.encode(), "us-ascii", 3),
        ):
            self.assertRefused(document, f"at byte {place}", charset)

    def test_endless_declaration(self) -> None:
        """A declaration that hides its encoding behind much else."""
        for said in (
            f'<?xml version="1.0"{" " * 300}encoding="utf-7"?>{TEXT}',
            "<?xml " + "x" * 100_000,
        ):
            self.assertRefused(said.encode(), "declaration does not end")
