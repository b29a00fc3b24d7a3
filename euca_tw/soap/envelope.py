"""
SOAP envelopes, read once and hardened, and the frames of those we write.

The tree that comes out of L{read} is the one on which the signature is checked
and from which the request is decoded.  Its encoding is decided by
L{euca_tw.soap.encodings}; nothing in it was fetched, expanded or resolved
(L{euca_tw.soap.parsing}); of what costs more than its bytes it has not much
(L{euca_tw.soap.bounds}).  Texts of more than 10 MB are refused by libxml2, and
longer documents by the HTTP shell.
"""

from __future__ import annotations

from threading import local

from attrs import frozen
from lxml import etree

from euca_tw.api.errors import MalformedRequest
from euca_tw.soap.bounds import BLOCKS, OF_REQUESTS, Bounds, TreeCheck, check_text
from euca_tw.soap.encodings import utf8_of
from euca_tw.soap.parsing import Parser

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"

#: By namespace: what an answer's C{Content-Type} is.
CONTENT_TYPES = {
    SOAP_11: "text/xml; charset=utf-8",
    SOAP_12: "application/soap+xml; charset=utf-8",
}

#: No error repeats more of a name.
_TOLD = 100

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@frozen(kw_only=True)
class Envelope:
    """
    A message whose outer form is right.

    @ivar soap: the namespace of the SOAP version.
    @ivar entry: the one child of Body.
    @ivar ids: of whatever kind; each with its element, in the document's order.
    @ivar size: how many bytes it was read from; or, if it takes longer to verify
        than such messages do, how many those have that take as long.
    """

    root: etree._Element
    soap: str
    header: etree._Element | None
    body: etree._Element
    entry: etree._Element
    ids: list[tuple[str, etree._Element]]
    size: int

    def headers(self, tag: str) -> list[etree._Element]:
        """The header blocks of that name."""
        if self.header is None:
            return []
        return [block for block in self.header if block.tag == tag]


def _form(soap: str) -> tuple[str, tuple[list[str], list[str]]]:
    body, header = f"{{{soap}}}Body", f"{{{soap}}}Header"
    return soap, ([header, body], [body])


#: By the root's name: the namespace, and what may be in it.
_FORMS = {f"{{{soap}}}Envelope": _form(soap) for soap in CONTENT_TYPES}


class _Reader(local):
    """Of each thread its own, for none of these is to be shared."""

    def __init__(self) -> None:
        self.parser = Parser()
        self.tree = TreeCheck()


_reader = _Reader()


def read(
    document: bytes, charset: str | None = None, bounds: Bounds = OF_REQUESTS
) -> Envelope:
    """
    @param charset: as the HTTP header has it; else the document tells.
    @raise MalformedRequest: it is not XML, or not an envelope with exactly
        one entry in its Body; or it has more than C{bounds} allow of.
    """
    if not document.strip():
        raise MalformedRequest("The request is empty")
    text = utf8_of(document, charset)
    weight = check_text(text, bounds)
    root = _reader.parser.parse(text)
    size = _reader.tree.check(root, weight, bounds)
    form = _FORMS.get(str(root.tag))
    if form is None:
        raise MalformedRequest("It is not a SOAP envelope")
    soap, allowed = form
    parts = _elements(root)
    if [part.tag for part in parts] not in allowed:
        raise MalformedRequest("An envelope has at most one Header, then one Body")
    if len(parts) == 2 and len(parts[0]) > BLOCKS:
        raise MalformedRequest(f"The Header has more than {BLOCKS} blocks")
    entries = _elements(parts[-1])
    if len(entries) != 1:
        raise MalformedRequest("The Body must have exactly one entry")
    return Envelope(
        root=root,
        soap=soap,
        header=parts[0] if len(parts) == 2 else None,
        body=parts[-1],
        entry=entries[0],
        ids=_reader.tree.ids(root),
        size=size,
    )


def _elements(parent: etree._Element) -> list[etree._Element]:
    """The elements in it; of more than two, three."""
    found: list[etree._Element] = []
    if not _is_blank(parent.text):
        raise MalformedRequest(_STRAY)
    for child in parent:
        if not _is_blank(child.tail):
            raise MalformedRequest(_STRAY)
        if isinstance(child.tag, str):
            found.append(child)
            if len(found) > 2:
                break
    return found


def _is_blank(text: str | None) -> bool:
    return text is None or not text.strip()


_STRAY = "There is text between the elements of the envelope"


def opening(soap: str) -> str:
    """What stands before the entry of a Body, in a message without headers."""
    return f'{_DECLARATION}<soap:Envelope xmlns:soap="{soap}"><soap:Body>'


CLOSING = "</soap:Body></soap:Envelope>"


def check_understood(envelope: Envelope, understood: frozenset[str]) -> None:
    """
    @raise MalformedRequest: it has a header that must be understood, and that
        is not among those.
    """
    if envelope.header is None:
        return
    attribute = f"{{{envelope.soap}}}mustUnderstand"
    for block in envelope.header.iterchildren(etree.Element):
        must = block.get(attribute)
        if must is None or block.tag in understood:
            continue
        if must.strip() in ("1", "true"):
            name = etree.QName(block).localname
            raise MalformedRequest(f"The header {name[:_TOLD]} is not understood here")
