"""
Distinguished names, to be compared.

One name is written in many ways: with the country first or last, with or without
spaces, its attributes by name or by number, its characters escaped or not.  So
names are brought into a form that does not tell these apart, nor capital from
small letters; it finds a certificate that is known, and proves nothing.

Read is what RFC 4514, RFC 2253 and RFC 1779 have, and what Java, .NET and OpenSSL
write.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from unicodedata import normalize

from cryptography.x509 import Name
from cryptography.x509.oid import NameOID

#: Attributes, as (number, value), some of them joined; both in sorted order.
DistinguishedName = tuple[tuple[tuple[str, str], ...], ...]

#: Longer than any name; what is longer is not read.
LONGEST = 4096

_NUMBERS = {
    word: oid.dotted_string
    for words, oid in (
        ("CN COMMONNAME", NameOID.COMMON_NAME),
        ("C COUNTRY COUNTRYNAME", NameOID.COUNTRY_NAME),
        ("L LOCALITY LOCALITYNAME", NameOID.LOCALITY_NAME),
        ("ST S SP STATEORPROVINCENAME", NameOID.STATE_OR_PROVINCE_NAME),
        ("STREET STREETADDRESS", NameOID.STREET_ADDRESS),
        ("O ORGANIZATION ORGANIZATIONNAME", NameOID.ORGANIZATION_NAME),
        ("OU ORGANIZATIONALUNITNAME", NameOID.ORGANIZATIONAL_UNIT_NAME),
        ("DC DOMAINCOMPONENT", NameOID.DOMAIN_COMPONENT),
        ("UID USERID", NameOID.USER_ID),
        ("E EMAIL EMAILADDRESS", NameOID.EMAIL_ADDRESS),
        ("SERIALNUMBER", NameOID.SERIAL_NUMBER),
        ("SN SURNAME", NameOID.SURNAME),
        ("G GN GIVENNAME", NameOID.GIVEN_NAME),
        ("I INITIALS", NameOID.INITIALS),
        ("T TITLE", NameOID.TITLE),
        ("GENERATION GENERATIONQUALIFIER", NameOID.GENERATION_QUALIFIER),
        ("DNQ DNQUALIFIER", NameOID.DN_QUALIFIER),
        ("PSEUDONYM", NameOID.PSEUDONYM),
        ("POSTALCODE", NameOID.POSTAL_CODE),
    )
    for word in words.split()
}

#: No part of it is tried in two ways, so it takes time by the text's length.
_ATTRIBUTE = re.compile(
    r"""\s*+ (?: (?:oid\.)?+ (?P<number>[0-9]++(?:\.[0-9]++)++)
               | (?P<word>[a-z][a-z0-9-]*+) )
        \s*+ = \s*+
        (?: " (?P<quoted>(?:[^"\\]|\\.)*+) " \s*+ | (?P<plain>(?:[^"\\,;+]|\\.)*+) )
        (?P<end>[,;+]|\Z)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL | re.ASCII,
)
_ESCAPED = re.compile(rb"\\([0-9A-Fa-f]{2}|.)", re.DOTALL)

#: ASN.1's kinds of text, by tag.
_ENCODINGS = {
    12: "utf-8",
    18: "ascii",
    19: "ascii",
    20: "latin-1",
    22: "ascii",
    26: "ascii",
    28: "utf-32-be",
    30: "utf-16-be",
}


def name_of(name: Name) -> DistinguishedName:
    """That of a certificate."""
    return _sorted(
        [(each.oid.dotted_string, _folded(each.value)) for each in part]
        for part in name.rdns
    )


def parse_name(text: str) -> DistinguishedName:
    """
    The name that was written.

    @raise ValueError: it is none.
    """
    if len(text) > LONGEST:
        raise ValueError("the name is too long")
    if not text.strip():
        return ()
    parts: list[list[tuple[str, str]]] = [[]]
    position, end = 0, ","
    while end:
        found = _ATTRIBUTE.match(text, position)
        if found is None:
            raise ValueError(f"no attribute is at {text[position : position + 20]!r}")
        position, end = found.end(), found["end"]
        parts[-1].append((_number(found), _folded(_value(found))))
        if end in (",", ";"):
            parts.append([])
    return _sorted(parts)


def _sorted(parts: Iterable[list[tuple[str, str]]]) -> DistinguishedName:
    return tuple(sorted(tuple(sorted(part)) for part in parts))


def _folded(value: str | bytes) -> str:
    """As two values are compared: by neither case nor the number of spaces."""
    text = f"#{value.hex()}" if isinstance(value, bytes) else value
    return " ".join(normalize("NFKC", text).casefold().split())


def _number(found: re.Match[str]) -> str:
    word = found["word"]
    if word is None:
        return found["number"]
    try:
        return _NUMBERS[word.upper()]
    except KeyError:
        raise ValueError(f"no attribute is named {word!r}") from None


def _value(found: re.Match[str]) -> str:
    quoted, plain = found["quoted"], found["plain"]
    if quoted is None and plain.startswith("#"):
        return _encoded(bytes.fromhex(plain[1:]))
    written = (plain if quoted is None else quoted).encode()
    return _ESCAPED.sub(_unescaped, written).decode()


def _unescaped(found: re.Match[bytes]) -> bytes:
    escaped = found[1]
    return bytes.fromhex(escaped.decode()) if len(escaped) == 2 else escaped


def _encoded(der: bytes) -> str:
    """A value that is written as the bytes it has in a certificate."""
    encoding = _ENCODINGS.get(der[0]) if len(der) > 1 else None
    if encoding is None:
        raise ValueError("the value is not a text")
    start, size = 2, der[1]
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start])
    if len(der) != start + size:
        raise ValueError("the value is longer or shorter than it says")
    return der[start:].decode(encoding)
