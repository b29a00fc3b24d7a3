"""Tests for L{euca_tw.soap.bounds}: by L{euca_tw.soap.envelope.read}."""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import MalformedRequest
from euca_tw.soap.bounds import (
    ATTRIBUTES,
    BLOCKS,
    DEPTH,
    IDS,
    NAMESPACE_LENGTH,
    OF_ANSWERS,
    SMALL,
    STEP,
    Bounds,
)
from euca_tw.soap.elements import WSU
from euca_tw.soap.envelope import SOAP_11, read

#: White space, so that a document is not small.
LARGE = " " * SMALL
FEW = Bounds(marks=1000, equals=1000, namespace_work=1_000_000)


def document(inner: str, header: str = "", attributes: str = "") -> bytes:
    return (
        f'<e:Envelope xmlns:e="{SOAP_11}" xmlns:u="{WSU}" {attributes}>'
        f"<e:Header>{header}</e:Header><e:Body><x>{inner}</x></e:Body></e:Envelope>"
    ).encode()


def declarations(count: int, uri: str = "u:") -> str:
    return " ".join(f'xmlns:p{n}="{uri}{n}"' for n in range(count))


class BoundsCase(SynchronousTestCase):
    def assertTaken(self, text: bytes, bounds: Bounds = FEW) -> int:
        return read(text, None, bounds).size

    def assertRefused(self, text: bytes, why: str, bounds: Bounds = FEW) -> None:
        refused = self.assertRaises(MalformedRequest, read, text, None, bounds)
        self.assertIn(why, refused.message)


class TextTests(BoundsCase):
    """What is counted in the text."""

    def test_tags(self) -> None:
        """Elements, comments and instructions are counted alike."""
        for mark in ("<a/>", "<!---->", "<?a?>", "<![CDATA[]]>"):
            self.assertTaken(document(LARGE + mark * 900))
            self.assertRefused(document(LARGE + mark * 1000), "1000 tags")

    def test_attributes(self) -> None:
        """So are attributes, and namespaces that are declared."""
        for one in ('<a b=""/>', "<a b\n=''/>", '<a xmlns=""/>'):
            self.assertTaken(document(LARGE + one * 450))
            self.assertRefused(document(LARGE + one * 1010), "1000 ")

    def test_more_for_answers(self) -> None:
        """What a cluster reports may have more."""
        self.assertTaken(document("<a/>" * 150_000), OF_ANSWERS)
        self.assertRefused(document("<a/>" * 150_000), "tags", Bounds())

    def test_ids_of_xml(self) -> None:
        """C{xml:id} is counted before the parser makes a table of them."""
        many = "".join(f'<a xml:id="a{n}"/>' for n in range(IDS + 1))
        self.assertRefused(document(LARGE + many), "ids", Bounds())

    def test_every_step(self) -> None:
        """What is counted is found wherever it stands in a long document."""
        for place in range(SMALL, 600_000, 65_521):
            text = " " * place + "<a/>" * 1000
            self.assertRefused(document(text), "1000 tags")
        empty = document("")
        head = empty.index(b"</x>")
        # From the last declaration that is there anyway, it goes step by step.
        first = empty.rindex(b"xmlns", 0, head) + 5
        for place in range(first + STEP - 12, first + STEP + 12):
            text = " " * (place - head) + f'<a xmlns="u:{"x" * 300}"/>'
            self.assertRefused(document(text), "name of a namespace")
        many = "".join(f'<a xml:id="a{n}"/>' for n in range(IDS))
        for place in range(STEP - 12, STEP + 2):
            text = " " * (place - head) + '<a xml:id="b"/>' + many
            self.assertRefused(document(text), "ids", Bounds())
            at = document(text).index(b"xml:id")
            self.assertEqual(at, place + 3)

    def test_long_namespaces(self) -> None:
        """The name of a namespace is short, however it is written."""
        room = NAMESPACE_LENGTH - 2
        self.assertTaken(document(f'{LARGE}<a xmlns="u:{"x" * room}"/>'))
        for said in (
            'xmlns="u:{}"',
            "xmlns='u:{}'",
            'xmlns:p="u:{}"',
            'xmlns:pppppppppppp = "u:{}"',
            'xmlns\n=\t"u:{}"',
            "xmlns" + " " * 40 + '="u:{}"',
            "xmlns:p=" + "\n" * 40 + '"u:{}"',
            "xmlns:" + "p" * 200 + '="u:{}"',
            "xmlns:xmlns='u:{}'",
        ):
            declared = said.format("x" * (room + 1))
            self.assertRefused(document(f"{LARGE}<a {declared}/>"), "namespace")

    def test_odd_names_cost_nothing(self) -> None:
        """What begins like a declaration again and again is looked at once."""
        for odd in ("xmlns", "xmlns:", "xmlns=", "xmlns ", 'xmlns="', "xmlns:p="):
            text = document(odd * 20_000)
            try:
                read(text)
            except MalformedRequest as refused:
                self.assertIn("namespace", refused.message)

    def test_type_definitions(self) -> None:
        """A document type is refused unparsed, whatever is before it."""
        bomb = b'<!ENTITY a "' + b"x" * 1000 + b'"><!ENTITY b "' + b"&a;" * 1000 + b'">'
        body = document("")
        for before in (
            b"",
            b'<?xml version="1.0"?>',
            b"\n\t ",
            b"<!-- <a> -->",
            b"<!--x--><?y z?>\n<!--x-->" * 500,
            b'<?xml version="1.0"?>' + b"<!-- -- -->" * 10,
        ):
            for inner in (b"", b"[" + bomb + b"]", b' SYSTEM "http://127.0.0.1/x"'):
                self.assertRefused(
                    before + b"<!DOCTYPE a " + inner + b">" + body, "type definition"
                )

    def test_late_type_definition(self) -> None:
        """One that is far behind is found by the parser."""
        late = b"<!-- -->" * 9000 + b"<!DOCTYPE a>" + document("")
        self.assertRefused(late, "type definition", Bounds())

    def test_no_type_definition(self) -> None:
        """Text and comments may tell of one."""
        for before in (b"<!-- <!DOCTYPE a> -->", b"<?a <!DOCTYPE a>?>"):
            self.assertTaken(before + document("<!-- <!DOCTYPE a> -->"))
            self.assertTaken(document("<![CDATA[<!DOCTYPE a>]]>"))


class TreeTests(BoundsCase):
    """What is found in the tree."""

    def test_depth(self) -> None:
        """Elements are not in each other without end."""
        most = DEPTH - 3
        self.assertTaken(document(LARGE + "<a>" * most + "</a>" * most))
        most += 1
        self.assertRefused(document(LARGE + "<a>" * most + "</a>" * most), "deep")
        self.assertRefused(document("<a>" * 300 + "</a>" * 300), "depth")

    def test_width(self) -> None:
        """An element has not any number of attributes."""

        def wide(count: int) -> bytes:
            attributes = " ".join(f"a{n}=''" for n in range(count))
            return document(f"{LARGE}<a {attributes}/>")

        self.assertTaken(wide(ATTRIBUTES))
        self.assertRefused(wide(ATTRIBUTES + 1), "attributes")

    def test_ids(self) -> None:
        """Nor has a message any number of ids, of all kinds together."""

        def many(count: int) -> bytes:
            kinds = ("Id", "ID", "u:Id", "xml:id")
            return document(
                "".join(f'<a {kinds[n % 4]}="a{n}"/>' for n in range(count))
            )

        self.assertTaken(many(IDS))
        self.assertRefused(many(IDS + 1), "ids")

    def test_blocks(self) -> None:
        """Nor its Header any number of blocks."""
        for block in ("<x/>", "<!---->", "<?x?>"):
            self.assertTaken(document("", block * BLOCKS))
            self.assertRefused(document("", block * (BLOCKS + 1)), "blocks")

    def test_namespaces_in_scope(self) -> None:
        """
        Many namespaces, or many elements, but not both; on one element or on
        several that are in each other.
        """

        def nested(count: int) -> str:
            opened = "".join(f'<a xmlns:p{n}="u:"><b/>' for n in range(count))
            return opened + "<c/>" * 400 + "</a>" * count

        for text in (
            document("<a/>" * 4000, attributes=declarations(10)),
            document(LARGE + "<a/>" * 200, attributes=declarations(60)),
            document('<a xmlns="u:a" xmlns:b="u:b"/>' * 300),
            document(nested(30)),
        ):
            self.assertTaken(text, Bounds(namespace_work=1_000_000))
        for text in (
            document("<a/>" * 900, attributes=declarations(40)),
            document("<a/>" * 400, attributes=declarations(60)),
            document(f"<a {declarations(300)}/>"),
            document(nested(55)),
        ):
            self.assertRefused(text, "too many namespaces for its size")

    def test_small(self) -> None:
        """A small message may be odd, but has not many namespaces either."""
        self.assertTaken(document("<a>" * 100 + "</a>" * 100))
        bounds = Bounds(namespace_work=200_000)
        self.assertTaken(document(f"<a {declarations(10)}/>"), bounds)
        self.assertRefused(
            document(f"<a {declarations(60)}/>"), "too many namespaces", bounds
        )


class SizeTests(BoundsCase):
    """What a message weighs."""

    def test_ordinary(self) -> None:
        """An ordinary one weighs as much as it has bytes."""
        for text in (
            document(""),
            document("<item><id>i-12345678</id></item>" * 5000),
        ):
            self.assertEqual(self.assertTaken(text, Bounds()), len(text))

    def test_heavy(self) -> None:
        """One with many namespaces weighs more, and goes to a thread."""
        text = document("<a/>" * 2500, attributes=declarations(25))
        self.assertLess(len(text), 20_000)
        self.assertGreater(self.assertTaken(text, Bounds()), 50_000)

    def test_dense(self) -> None:
        """So does one that is of nothing but tags."""
        text = document("<a/>" * 10_000)
        self.assertGreater(self.assertTaken(text, Bounds()), 1.9 * len(text))

    def test_wide(self) -> None:
        """In whatever encoding: what it has in UTF-8 is weighed."""
        text = document("<item>i-1</item>" * 1000)
        wide = text.decode().encode("utf-16")
        self.assertEqual(self.assertTaken(wide, Bounds()), len(text))


def honest() -> Iterator[bytes]:
    """The largest that anybody sends."""
    yield document("<item><instanceId>i-12345678</instanceId></item>" * 20_000)
    yield document(f"<data>{'QUJD' * 300_000}</data>")
    typed = '<item xsi:type="xsd:string">i-12345678</item>'
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    yield document(
        typed * 20_000,
        attributes=f'xmlns:xsi="{xsi}" xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
    )
    yield document('<item xmlns="http://ec2.amazonaws.com/doc/2008-02-01/"/>' * 15_000)


class HonestTests(BoundsCase):
    def test_largest(self) -> None:
        """A mebibyte of what honest messages have is taken."""
        for text in honest():
            self.assertGreater(len(text), 750_000)
            self.assertTaken(text, Bounds())
            root = etree.fromstring(text)
            self.assertEqual(etree.tostring(read(text).root), etree.tostring(root))
