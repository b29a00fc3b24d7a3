"""
SOAP envelopes, read once and hardened, and the frames of those we write.

The tree that comes out of L{read} is the one on which the signature is checked
and from which the request is decoded.  Nothing in it was fetched, expanded or
resolved; nesting deeper than 256 elements and texts of more than 10 MB are
refused by libxml2, and longer documents by the HTTP shell.
"""

from __future__ import annotations

from threading import local

from attrs import frozen
from lxml import etree

from euca_tw.api.errors import MalformedRequest

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"

#: By namespace: what an answer's C{Content-Type} is.
CONTENT_TYPES = {
    SOAP_11: "text/xml; charset=utf-8",
    SOAP_12: "application/soap+xml; charset=utf-8",
}

#: What a C{charset} in the HTTP header may be; anything else is refused, and
#: not handed to whatever decoders the machine has.
_CHARSETS = frozenset(
    {"utf-8", "us-ascii", "utf-16", "utf-16le", "utf-16be", "iso-8859-1"}
)

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


@frozen(kw_only=True)
class Envelope:
    """
    A message whose outer form is right.

    @ivar soap: the namespace of the SOAP version.
    @ivar entry: the one child of Body.
    @ivar size: of the document that it was read from.
    """

    root: etree._Element
    soap: str
    header: etree._Element | None
    body: etree._Element
    entry: etree._Element
    size: int

    def headers(self, tag: str) -> list[etree._Element]:
        """The header blocks of that name."""
        return [] if self.header is None else list(self.header.iterchildren(tag))


def _parser(charset: str | None = None) -> etree.XMLParser:
    return etree.XMLParser(
        encoding=charset,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        remove_comments=False,
        remove_pis=False,
        strip_cdata=True,
    )


class _Parsers(local):
    """Of each thread its own: a parser knows the errors of its last document."""

    def __init__(self) -> None:
        self.usual = _parser()


_parsers = _Parsers()


def read(document: bytes, charset: str | None = None) -> Envelope:
    """
    @param charset: as the HTTP header has it; else the document tells.
    @raise MalformedRequest: it is not XML, or not an envelope with exactly
        one entry in its Body.
    """
    root = _parse(document, charset)
    soap = etree.QName(root).namespace or ""
    if soap not in CONTENT_TYPES or root.tag != f"{{{soap}}}Envelope":
        raise MalformedRequest("It is not a SOAP envelope")
    parts = _elements(root)
    tags = [part.tag for part in parts]
    body, header = f"{{{soap}}}Body", f"{{{soap}}}Header"
    if tags not in ([header, body], [body]):
        raise MalformedRequest("An envelope has at most one Header, then one Body")
    entries = _elements(parts[-1])
    if len(entries) != 1:
        raise MalformedRequest("The Body must have exactly one entry")
    return Envelope(
        root=root,
        soap=soap,
        header=parts[0] if len(parts) == 2 else None,
        body=parts[-1],
        entry=entries[0],
        size=len(document),
    )


def _parse(document: bytes, charset: str | None) -> etree._Element:
    if not document.strip():
        raise MalformedRequest("The request is empty")
    parser = _choose(charset)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as e:
        raise MalformedRequest(f"It is not well-formed XML: {e.msg}") from None
    # A prefix that is not declared is an error that libxml2 recovers from, and
    # lxml overlooks if a warning comes after it.
    for entry in parser.error_log:
        if entry.level >= etree.ErrorLevels.ERROR:
            raise MalformedRequest(f"It is not well-formed XML: {entry.message}")
    if root.getroottree().docinfo.internalDTD is not None:
        raise MalformedRequest("A document type definition is not taken")
    return root


def _choose(charset: str | None) -> etree.XMLParser:
    if charset is None:
        return _parsers.usual
    name = charset.lower()
    if name not in _CHARSETS:
        raise MalformedRequest(f"The charset {charset!r} is not taken")
    # With these two the document itself knows better (UTF-16: its byte order).
    return _parsers.usual if name in ("utf-8", "utf-16") else _parser(name)


def _elements(parent: etree._Element) -> list[etree._Element]:
    found = []
    if not _is_blank(parent.text):
        raise MalformedRequest(_STRAY)
    for child in parent:
        if not _is_blank(child.tail):
            raise MalformedRequest(_STRAY)
        if isinstance(child.tag, str):
            found.append(child)
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
            raise MalformedRequest(f"The header {name} is not understood here")
