"""
The messages that are meant to cost, by name; see L{tests.soap.hostile}.
"""

from __future__ import annotations

from collections.abc import Callable

from euca_tw.soap.signed_info import EXCLUSIVE, INCLUSIVE
from tests.soap.hostile import declarations, frame, times

DTD = "A document type definition is not taken"
NAMESPACES = "too many namespaces for its size"
ITEM = "<item><instanceId>i-12345678</instanceId></item>"
#: What is told to who was not found to have signed.
UNKNOWN = "not able to validate the provided access credentials"


def _numbered(form: str, size: int) -> str:
    return "".join(
        form.format(f"{n:07x}") for n in range(size // len(form.format("0" * 7)))
    )


def _attributes(form: str, size: int) -> str:
    return f"<a {_numbered(form + ' ', size)}/>"


def _bomb(levels: int) -> str:
    entities = "".join(
        f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, levels)
    )
    return f'<!DOCTYPE x [<!ENTITY a0 "{"x" * 100}">{entities}]>'


def _in_scope(size: int) -> bytes:
    """As many namespaces in scope of as many elements as are taken."""
    count = min(size // 5, 99_000)
    most = min(int((20_000_000 / (count + 300)) ** 0.5) - 5, 55)
    opened = "".join(f"<a xmlns:p{n}='u:'>" for n in range(most))
    return frame(INCLUSIVE).filled(f"{opened}{'<b/>' * count}{'</a>' * most}")


Make = Callable[[int], bytes]

_REFERENCE = "</ds:Reference>"


def _references(size: int) -> str:
    text = frame().filled().decode()
    start = text.index("<ds:Reference ")
    return times(text[start : text.index(_REFERENCE) + len(_REFERENCE)], size)


#: By name: what it is, and a part of what is said of it.
FLOODS: dict[str, tuple[Make, str]] = {
    # Of one thing.
    "one text": (lambda n: frame().filled("x" * n), UNKNOWN),
    "one attribute's value": (
        lambda n: frame().filled(f'<item a="{"x" * n}"/>'),
        UNKNOWN,
    ),
    "one long name": (lambda n: frame().filled(f"<{'x' * n}/>"), "not well-formed"),
    "one long comment": (lambda n: frame().filled(f"<!--{'x' * n}-->"), UNKNOWN),
    # Many of one kind.
    "elements": (lambda n: frame().filled(times("<a/>", n)), "tags"),
    "elements in the Body": (
        lambda n: frame().altered("</soap:Body>", times("<a/>", n) + "</soap:Body>"),
        "tags",
    ),
    "elements after the Body": (
        lambda n: frame().filled(outer=times("<a/>", n)),
        "tags",
    ),
    "header blocks": (lambda n: frame().filled(header=times("<a/>", n)), "tags"),
    "few header blocks": (
        lambda n: frame().filled(header=times(f'<a b="{"x" * 200}"/>', n)),
        "blocks",
    ),
    "elements in Security": (
        lambda n: frame().altered(
            "</wsse:Security>", times("<a></a>", n) + "</wsse:Security>"
        ),
        "tags",
    ),
    "few elements in Security": (
        lambda n: frame().altered(
            "</wsse:Security>", times(f"<a>{'x' * 99}</a>", n) + "</wsse:Security>"
        ),
        "more than 100 parts",
    ),
    "mixed content": (lambda n: frame().filled(times("x<a/>", n)), "tags"),
    "nested": (
        lambda n: frame().filled("<a>" * (n // 8) + "</a>" * (n // 8)),
        "tags",
    ),
    "nested, not too deep": (
        lambda n: frame().filled(times("<aa>" * 200 + " " * 4000 + "</aa>" * 200, n)),
        "deep",
    ),
    "comments": (lambda n: frame().filled(times("<!---->", n)), "tags"),
    "instructions": (lambda n: frame().filled(times("<?a?>", n)), "tags"),
    "CDATA sections": (lambda n: frame().filled(times("<![CDATA[]]>", n)), UNKNOWN),
    "character references": (lambda n: frame().filled(times("&#120;", n)), UNKNOWN),
    "entities of XML": (lambda n: frame().filled(times("&amp;", n)), UNKNOWN),
    "entities of nobody": (
        lambda n: frame().filled(times("&a;", n)),
        "not well-formed",
    ),
    "other names": (
        lambda n: frame().filled(_numbered("<x{0}>12345678901</x{0}>", n)),
        UNKNOWN,
    ),
    "honest items": (lambda n: frame().filled(times(ITEM, n)), UNKNOWN),
    # Attributes and namespaces.
    "attributes of one": (
        lambda n: frame().filled(_attributes("a{0}=''", n)),
        "attributes",
    ),
    "few attributes of one": (
        lambda n: frame().filled(
            _attributes("a{0}='x'", 12000) + "x" * max(0, n - 13000)
        ),
        "attributes",
    ),
    "attributes of many": (
        lambda n: frame().filled(times("<a b='' c='' d='' e=''/>", n)),
        "attributes",
    ),
    "namespaces of one": (
        lambda n: frame().filled(_attributes("xmlns:a{0}='u:'", n)),
        NAMESPACES,
    ),
    "namespaces of the Envelope": (
        lambda n: frame().filled(attributes=_numbered("xmlns:a{0}='u:' ", n)),
        NAMESPACES,
    ),
    "namespaces of many": (
        lambda n: frame().filled(times("<a xmlns='u:a' >1234567890</a>", n)),
        UNKNOWN,
    ),
    "namespaces in each other": (
        lambda n: frame().filled(
            "".join(f"<a xmlns:p{i}='u:'>" for i in range(55))
            + times("<b/>" + " " * 16, n)
            + "</a>" * 55
        ),
        NAMESPACES,
    ),
    "one long namespace, often": (
        lambda n: frame().filled(
            times("<p:a/>", min(n, 400_000) // 2),
            attributes=f"xmlns:p='u:{'x' * (n // 2)}'",
        ),
        "name of a namespace",
    ),
    "the longest namespace, often": (
        lambda n: frame().filled(
            times("<p:a/>", min(n, 500_000)), attributes=f"xmlns:p='u:{'x' * 250}'"
        ),
        UNKNOWN,
    ),
    "namespaces that are no URIs": (
        lambda n: frame().filled(times("<a xmlns='::::'>12345678</a>", n)),
        "not well-formed",
    ),
    "prefixes of nobody": (
        lambda n: frame().filled(times("<z:a>12345678901</z:a>", n)),
        "not well-formed",
    ),
    # Canonicalization.
    "inclusive, with much in scope": (_in_scope, UNKNOWN),
    "exclusive, with many prefixes": (
        lambda n: frame(EXCLUSIVE, " ".join(f"p{i}" for i in range(32))).filled(
            times("<b/>", min(n, 390_000)), attributes=declarations(9)
        ),
        UNKNOWN,
    ),
    "a long list of prefixes": (
        lambda n: (
            frame(EXCLUSIVE, "p")
            .filled()
            .replace(b'PrefixList="p"', f'PrefixList="{times("p ", n)}"'.encode(), 1)
        ),
        "SignedInfo has more than 65536 bytes",
    ),
    # Ids and references.
    "ids": (
        lambda n: frame().filled(_numbered("<a wsu:Id='a{0}'>12345</a>", n)),
        "ids",
    ),
    "ids of XML": (lambda n: frame().filled(_numbered("<a xml:id='a{0}'/>", n)), "ids"),
    "ids without namespace": (
        lambda n: frame().filled(_numbered("<a Id='a{0}'>123456</a>", n)),
        "ids",
    ),
    "references": (
        lambda n: frame().altered(
            "</ds:SignedInfo>", _references(n) + "</ds:SignedInfo>"
        ),
        "too few or too many references",
    ),
    "what looks like digests": (
        lambda n: frame().altered(
            "<ds:SignedInfo", f'<ds:SignedInfo x="{times("DigestValue>", n)}"'
        ),
        "SignedInfo has more than 65536 bytes",
    ),
    "what looks like references": (
        lambda n: frame().altered(
            "<ds:SignedInfo", "<ds:SignedInfo x='" + times(' URI="', n) + "'"
        ),
        "attributes",
    ),
    "elements in a digest": (
        lambda n: (
            frame()
            .filled()
            .replace(
                b"</ds:DigestValue>",
                times("<a> 123</a>", n // 2).encode() + b"</ds:DigestValue>",
            )
        ),
        "tags",
    ),
    "a long signature": (
        lambda n: frame().altered(
            "<ds:SignatureValue>", "<ds:SignatureValue>" + "A" * n
        ),
        "more than 65536 characters",
    ),
    "a long token": (
        lambda n: frame().altered(
            "</wsse:BinarySecurityToken>", "A" * n + "</wsse:BinarySecurityToken>"
        ),
        "more than 65536 characters",
    ),
    "a long moment": (
        lambda n: frame().altered("</wsu:Created>", " " * n + "</wsu:Created>"),
        "more than 8192 characters",
    ),
    "a long algorithm": (
        lambda n: frame().altered(
            'SignatureMethod Algorithm="', 'SignatureMethod Algorithm="' + "x" * n
        ),
        "SignedInfo has more than 65536 bytes",
    ),
    "a long name of a key": (
        lambda n: frame().altered('URI="#Token"', f'URI="#{"x" * n}"'),
        "leads to no Id",
    ),
    # Document types.
    "an entity bomb": (
        lambda n: frame().filled("&a9;" * 9, prolog=_bomb(10)),
        DTD,
    ),
    "a flat entity bomb": (
        lambda n: frame().filled(
            times("&a;", n // 2),
            prolog=f'<!DOCTYPE x [<!ENTITY a "{"x" * (n // 2)}">]>',
        ),
        DTD,
    ),
    "many entities": (
        lambda n: frame().filled(
            prolog="<!DOCTYPE x [" + _numbered("<!ENTITY a{0} 'x'>", n) + "]>"
        ),
        DTD,
    ),
    "attributes by default": (
        lambda n: frame().filled(
            times("<item/>", n // 2),
            prolog="<!DOCTYPE x ["
            + _numbered('<!ATTLIST item a{0} CDATA "x">', n // 2)
            + "]>",
        ),
        DTD,
    ),
    "parameter entities": (
        lambda n: frame().filled(
            prolog=f"<!DOCTYPE x [<!ENTITY % a '{'<!-- -->' * 99}'>{times('%a;', n)}]>"
        ),
        DTD,
    ),
    "a type from outside": (
        lambda n: frame().filled(prolog='<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x">'),
        DTD,
    ),
    "a file": (
        lambda n: frame().filled(
            "&f;", prolog='<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
        ),
        DTD,
    ),
    "a type after comments": (
        lambda n: frame().filled(
            prolog=times("<!-- <a> is no type -->", n) + "<!DOCTYPE x>"
        ),
        DTD,
    ),
    # What others would heed.
    "an inclusion": (
        lambda n: frame().filled(
            '<i:include xmlns:i="http://www.w3.org/2001/XInclude" '
            'href="file:///etc/passwd" parse="text"/>'
        ),
        UNKNOWN,
    ),
    "a style sheet": (
        lambda n: frame().filled(
            prolog='<?xml-stylesheet type="text/xsl" href="http://127.0.0.1:9/x"?>'
        ),
        UNKNOWN,
    ),
}

__all__ = ["FLOODS", "Make"]
