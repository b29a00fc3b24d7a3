"""Tests for L{euca_tw.soap.envelope}."""

from __future__ import annotations

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import MalformedRequest
from euca_tw.soap.envelope import (
    CLOSING,
    SOAP_11,
    SOAP_12,
    check_understood,
    opening,
    read,
)


def document(body: str, header: str = "", soap: str = SOAP_11) -> str:
    return f'<e:Envelope xmlns:e="{soap}" xmlns:x="urn:x">{header}{body}</e:Envelope>'


class ReadTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """Header, Body and the Body's entry are found; white space is nothing."""
        envelope = read(
            document(
                "\n<e:Body> <!-- x --><x:Do/>\n</e:Body><?y?>",
                "<e:Header><x:H/></e:Header>",
            ).encode()
        )
        self.assertEqual(envelope.entry.tag, "{urn:x}Do")
        self.assertEqual([h.tag for h in envelope.headers("{urn:x}H")], ["{urn:x}H"])
        self.assertEqual(envelope.soap, SOAP_11)

    def test_header_may_be_left_out(self) -> None:
        """An envelope without a Header has no headers."""
        envelope = read(document("<e:Body><x:Do/></e:Body>", soap=SOAP_12).encode())
        self.assertEqual(envelope.soap, SOAP_12)
        self.assertEqual(envelope.headers("{urn:x}H"), [])

    def test_what_we_write(self) -> None:
        """The frame that we write is one that we read."""
        for soap in (SOAP_11, SOAP_12):
            written = f"{opening(soap)}<Do/>{CLOSING}"
            self.assertEqual(read(written.encode()).soap, soap)

    def test_malformed(self) -> None:
        """Whatever is not an envelope with one entry is refused."""
        body = "<e:Body><x:Do/></e:Body>"
        for text in (
            "",
            " \n",
            "no XML",
            "<a>",
            "<a/>",
            "<Envelope><Body><Do/></Body></Envelope>",
            f'<e:Fault xmlns:e="{SOAP_11}"/>',
            document("", soap="urn:soap"),
            document(""),
            document("<e:Body/>"),
            document("<e:Body>text</e:Body>"),
            document("<e:Body><x:Do/>text</e:Body>"),
            document("<e:Body><x:Do/><x:Do/></e:Body>"),
            document(body + body),
            document(body + "<x:Trailer/>"),
            document(body + "<e:Header/>"),
            document(body, "<e:Header/><e:Header/>"),
            document(body, "text"),
            document("<x:Body><x:Do/></x:Body>"),
        ):
            self.assertRaises(MalformedRequest, read, text.encode())

    def test_undeclared_prefix(self) -> None:
        """
        A prefix that is not declared is refused, also where a warning about
        something else comes after it, which makes lxml forget the error.
        """
        late = '<x:Do><y xmlns="relative"/></x:Do>'
        for text in (
            document("<e:Body><z:Do/></e:Body>"),
            f"<e:Envelope><e:Body>{late}</e:Body></e:Envelope>",
            document(f"<e:Body>{late.replace('x:', 'z:')}</e:Body>"),
            document('<e:Body><x:Do z:a="1"><y xmlns="relative"/></x:Do></e:Body>'),
        ):
            refused = self.assertRaises(MalformedRequest, read, text.encode())
            self.assertIn("refix", refused.message)
        read(document(f"<e:Body>{late}</e:Body>").encode())

    def test_hostile(self) -> None:
        """No DTD, no entity, no depth without end, no vast text."""
        body = "<e:Body><x:Do>&e;</x:Do></e:Body>"
        for dtd in (
            "<!DOCTYPE a>",
            '<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd">',
            '<!DOCTYPE a [<!ENTITY e "x">]>',
            '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&a;&a;&a;&a;&a;&a;">]>',
        ):
            for text in (body, body.replace("&e;", "")):
                self.assertRaises(
                    MalformedRequest, read, (dtd + document(text)).encode()
                )
        for text in ("<x:a>" * 1000 + "</x:a>" * 1000, "x" * 10_000_001):
            self.assertRaises(
                MalformedRequest,
                read,
                document(f"<e:Body><x:Do>{text}</x:Do></e:Body>").encode(),
            )

    def test_charsets(self) -> None:
        """A document may be in a few encodings, told by HTTP or by itself."""
        text = document("<e:Body><x:Do>é</x:Do></e:Body>")
        for charset, encoded in (
            (None, text.encode()),
            ("UTF-8", text.encode()),
            (None, text.encode("utf-16")),
            ("utf-16", text.encode("utf-16")),
            ("utf-16le", text.encode("utf-16le")),
            ("ISO-8859-1", text.encode("latin-1")),
            (
                None,
                b'<?xml version="1.0" encoding="iso-8859-1"?>' + text.encode("latin-1"),
            ),
        ):
            self.assertEqual(read(encoded, charset).entry.text, "é")

    def test_other_charsets(self) -> None:
        """Others are refused, and so is what is not in the one that is told."""
        text = document("<e:Body><x:Do>é</x:Do></e:Body>")
        for charset, encoded in (
            ("utf-7", text.encode("utf-7")),
            ("rot13", text.encode()),
            ("", text.encode()),
            (None, text.encode("latin-1")),
            ("utf-16be", text.encode()),
        ):
            self.assertRaises(MalformedRequest, read, encoded, charset)


class UnderstoodTests(SynchronousTestCase):
    def check(self, header: str) -> None:
        envelope = read(document("<e:Body><x:Do/></e:Body>", header).encode())
        check_understood(envelope, frozenset({"{urn:x}Known"}))

    def test_understood(self) -> None:
        """Headers that are known, or need not be, are let pass."""
        for header in (
            "",
            "<e:Header/>",
            "<e:Header><x:Other/></e:Header>",
            '<e:Header><x:Other e:mustUnderstand="0"/></e:Header>',
            '<e:Header><x:Known e:mustUnderstand="1"/></e:Header>',
        ):
            self.check(header)

    def test_not_understood(self) -> None:
        """One that must be understood, and is not, is refused by its name."""
        for must in ("1", "true", " 1 "):
            header = f'<e:Header><x:Other e:mustUnderstand="{must}"/></e:Header>'
            refused = self.assertRaises(MalformedRequest, self.check, header)
            self.assertIn("Other", refused.message)


class LibraryTests(SynchronousTestCase):
    def test_tree_is_untouched(self) -> None:
        """Comments and instructions stay in the tree, for the signature."""
        envelope = read(
            document("<e:Body><x:Do><!--c--><?p?></x:Do></e:Body>").encode()
        )
        self.assertIn(b"<!--c--><?p?>", etree.tostring(envelope.entry))
