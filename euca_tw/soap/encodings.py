"""
In which encoding a document is, decided before anybody parses it.

A document says so in three places: a byte order mark, the C{charset} of the HTTP
header, and its own declaration; in this order they are believed (RFC 7303).  What
it says last is a name that a parser would hand to whatever decoder of that name
the machine has: UTF-7, Shift_JIS, EBCDIC.  Ours is never asked: it gets UTF-8, and
is told that it is.
"""

from __future__ import annotations

import re

from euca_tw.api.errors import MalformedRequest

#: Python's names of the encodings that are taken, by those of IANA and those
#: that are written for them.
_TAKEN = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "latin-1",
    "latin1": "latin-1",
    "utf-16": "utf-16",
    "utf-16le": "utf-16-le",
    "utf-16be": "utf-16-be",
}
_WIDE = frozenset({"utf-16", "utf-16-le", "utf-16-be"})
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
#: How a document in EBCDIC begins, in all its variants.
_EBCDIC = b"\x4c\x6f\xa7\x94"

#: Nearly all say so, and are spared the rest.
_USUAL = tuple(
    f"<?xml version={q}1.0{q} encoding={q}{name}{q}?>".encode()
    for q in ("'", '"')
    for name in ("UTF-8", "utf-8")
)
_USUAL_CHARSETS = frozenset({None, "utf-8", "UTF-8"})

#: A declaration has some fifty characters.
_LONGEST = 256
_begins_declared = re.compile(rb"<\?xml[ \t\r\n]").match
_find_name = re.compile(
    rb"[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*[\"']([^\"']*)[\"']"
).search
#: No error repeats more of a name.
_TOLD = 40


def utf8_of(document: bytes, charset: str | None = None) -> bytes:
    """
    The document in UTF-8, without a byte order mark.  If it was in UTF-8, or said
    so, that it is well formed is still to be seen.

    @param charset: as the HTTP header has it; None if it says nothing.
    @raise MalformedRequest: it is in an encoding that is not taken, not in the
        one that it says, or one cannot tell.
    """
    if document.startswith(_USUAL) and charset in _USUAL_CHARSETS:
        return document
    told = None if charset is None else _taken(charset)
    encoding, document = _marked(document)
    encoding = encoding or told
    if encoding is None or encoding not in _WIDE:
        declared = _declared(document)
        if declared in _WIDE:
            raise MalformedRequest("It is declared as UTF-16, and is not in it")
        return _narrow(document, encoding or declared or "utf-8")
    if encoding == "utf-16":
        raise MalformedRequest("A document in UTF-16 needs a byte order mark")
    recoded = _recoded(document, encoding)
    _declared(recoded)
    return recoded


def _taken(name: str) -> str:
    encoding = _TAKEN.get(name.lower())
    if encoding is None:
        raise MalformedRequest(f"The encoding {name[:_TOLD]!r} is not taken")
    return encoding


def _marked(document: bytes) -> tuple[str | None, bytes]:
    """What the byte order mark says, and the document without it."""
    start = document[:4]
    if start[:1] == b"<" and b"\0" not in start:
        return None, document
    if start in (b"\xff\xfe\0\0", b"\0\0\xfe\xff", b"<\0\0\0", b"\0\0\0<"):
        raise MalformedRequest("UTF-32 is not taken")
    if start == _EBCDIC:
        raise MalformedRequest("EBCDIC is not taken")
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding, document[len(mark) :]
    return None, document


def _declared(document: bytes) -> str | None:
    """What its own declaration says."""
    if not _begins_declared(document):
        return None
    end = document.find(b"?>", 0, _LONGEST)
    if end < 0:
        raise MalformedRequest("The XML declaration does not end")
    found = _find_name(document, 0, end)
    return None if found is None else _taken(found[1].decode("latin-1"))


def _narrow(document: bytes, encoding: str) -> bytes:
    if b"\0" in document[:4]:
        raise MalformedRequest("A document in UTF-16 needs a byte order mark")
    if encoding == "utf-8" or document.isascii():
        return document
    return _recoded(document, encoding)


def _recoded(document: bytes, encoding: str) -> bytes:
    try:
        return document.decode(encoding).encode()
    except UnicodeDecodeError as e:
        raise MalformedRequest(
            f"It is not in {encoding} at byte {e.start}: {e.reason}"
        ) from None


__all__ = ["utf8_of"]
