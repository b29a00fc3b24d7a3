"""
Another Body is executed than the one that is signed.

The signed Body is moved to where its id still finds it, and the attacker's
stands where the reader looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy

from lxml import etree

from euca_tw.soap.envelope import SOAP_11, SOAP_12
from tests.soap.messages import find
from tests.soap.wrapping.honest import (
    ALTERED,
    DS,
    ENTRIES,
    EVIL,
    ID,
    NO_ID,
    NO_PART,
    NOT_UNDERSTOOD,
    ONE_SECURITY,
    PARTS,
    SIGNATURE_FORM,
    TWO_IDS,
    UNSIGNED,
    UNSIGNED_BODY,
    WSSE,
    Attack,
    Why,
    attack,
    block,
    body,
    evil_body,
    header,
    malformed,
    security,
    signature,
    stamp,
    token,
    usurp_body,
)

Place = Callable[[etree._Element, etree._Element], object]

MUST = f"{{{SOAP_11}}}mustUnderstand"
ACTOR = f"{{{SOAP_11}}}actor"


def wrapped(element: etree._Element, *tags: str) -> etree._Element:
    """In elements of those names, the outermost first."""
    for tag in reversed(tags):
        outer = etree.Element(tag)
        outer.append(element)
        element = outer
    return element


def in_block(tag: str = "{urn:evil}Wrapper", **attributes: str) -> Place:
    """In a header block."""
    names = {"must": MUST, "actor": ACTOR, "role": f"{{{SOAP_12}}}role"}

    def place(root: etree._Element, element: etree._Element) -> None:
        outer = block(tag)
        for name, value in attributes.items():
            outer.set(names[name], value)
        outer.append(element)
        header(root).append(outer)

    return place


#: Where it is put, and why that is of no use.
PLACES: Mapping[str, Mapping[str, tuple[Place, Why]]] = {
    "Body moved under Header": {
        "first": (lambda r, e: header(r).insert(0, e), UNSIGNED_BODY),
        "last": (lambda r, e: header(r).append(e), UNSIGNED_BODY),
    },
    "Body moved under Security": {
        "first": (lambda r, e: security(r).insert(0, e), UNSIGNED_BODY),
        "before the Signature": (
            lambda r, e: signature(r).addprevious(e),
            UNSIGNED_BODY,
        ),
        "last": (lambda r, e: security(r).append(e), UNSIGNED_BODY),
        "in a wrapper": (
            lambda r, e: security(r).append(wrapped(e, "{urn:evil}Wrapper")),
            NO_PART,
        ),
        "in the Timestamp": (lambda r, e: stamp(r).append(e), NO_PART),
        "in the token": (lambda r, e: token(r).append(e), NO_PART),
    },
    "Body moved into the Signature": {
        "in an Object": (
            lambda r, e: signature(r).append(wrapped(e, f"{{{DS}}}Object")),
            SIGNATURE_FORM,
        ),
        "in an Object that is first": (
            lambda r, e: signature(r).insert(0, wrapped(e, f"{{{DS}}}Object")),
            SIGNATURE_FORM,
        ),
        "in a SignatureProperty": (
            lambda r, e: signature(r).append(
                wrapped(
                    e,
                    f"{{{DS}}}Object",
                    f"{{{DS}}}SignatureProperties",
                    f"{{{DS}}}SignatureProperty",
                )
            ),
            SIGNATURE_FORM,
        ),
        "bare": (lambda r, e: signature(r).append(e), SIGNATURE_FORM),
        "in KeyInfo": (
            lambda r, e: find(signature(r), "ds:KeyInfo").append(e),
            NO_PART,
        ),
        "in an Embedded token": (
            lambda r, e: find(
                signature(r), "ds:KeyInfo/wsse:SecurityTokenReference"
            ).append(wrapped(e, f"{{{WSSE}}}Embedded")),
            NO_PART,
        ),
        "in SignatureValue": (
            lambda r, e: find(signature(r), "ds:SignatureValue").append(e),
            NO_PART,
        ),
    },
    "Body moved into another header block": {
        "a wrapper": (in_block(), NO_PART),
        "a wrapper of the SOAP namespace": (
            in_block(f"{{{SOAP_11}}}Header"),
            NO_PART,
        ),
        "a wrapper that must be understood": (in_block(must="1"), NOT_UNDERSTOOD),
        "a wrapper that must be understood, in words": (
            in_block(must=" true "),
            NOT_UNDERSTOOD,
        ),
        "a wrapper that need not be understood": (in_block(must="0"), NO_PART),
        "a wrapper for the next actor": (
            in_block(actor="http://schemas.xmlsoap.org/soap/actor/next"),
            NO_PART,
        ),
        "a wrapper for the role none": (
            in_block(role="http://www.w3.org/2003/05/soap-envelope/role/none"),
            NO_PART,
        ),
        "wrappers in each other": (
            lambda r, e: header(r).append(wrapped(e, *["{urn:evil}Wrapper"] * 20)),
            NO_PART,
        ),
    },
    "Sibling Bodies": {
        "signed one first": (lambda r, e: body(r).addprevious(e), PARTS),
        "signed one last": (lambda r, e: body(r).addnext(e), PARTS),
        "signed one before Header": (lambda r, e: r.insert(0, e), PARTS),
        "signed one in a trailing element": (
            lambda r, e: r.append(wrapped(e, "{urn:evil}Wrapper")),
            PARTS,
        ),
        "signed one in a second Header": (
            lambda r, e: r.append(wrapped(e, f"{{{SOAP_11}}}Header")),
            PARTS,
        ),
        "signed one in a second Header that is first": (
            lambda r, e: r.insert(0, wrapped(e, f"{{{SOAP_11}}}Header")),
            PARTS,
        ),
    },
    "Signed Body inside the new Body": {
        "as an entry": (lambda r, e: body(r).append(e), ENTRIES),
        "as the first entry": (lambda r, e: body(r).insert(0, e), ENTRIES),
        "in the entry": (lambda r, e: body(r)[0].append(e), NO_PART),
        "in the entry, first": (lambda r, e: body(r)[0].insert(0, e), NO_PART),
        "for an instance": (
            lambda r, e: find(body(r), ".//{*}instanceId").append(e),
            NO_PART,
        ),
        "instead of the entry": (
            lambda r, e: body(r).replace(body(r)[0], e),
            NO_PART,
        ),
    },
    "Nested Envelope": {
        "in a header block": (
            lambda r, e: header(r).append(wrapped(e, f"{{{SOAP_11}}}Envelope")),
            NO_PART,
        ),
        "in Security": (
            lambda r, e: security(r).append(wrapped(e, f"{{{SOAP_11}}}Envelope")),
            NO_PART,
        ),
        "in the entry": (
            lambda r, e: body(r)[0].append(wrapped(e, f"{{{SOAP_11}}}Envelope")),
            NO_PART,
        ),
        "beside the entry": (
            lambda r, e: body(r).append(wrapped(e, f"{{{SOAP_11}}}Envelope")),
            ENTRIES,
        ),
    },
}


def _moved(place: Place, why: Why, title: str, **ids: str) -> Attack:
    return attack(title, lambda root: place(root, usurp_body(root, **ids)), why)


def _placed() -> Iterator[tuple[str, Attack]]:
    """Each place twice: the attacker's Body has no id, or an id of its own."""
    for family, places in PLACES.items():
        for name, (place, why) in places.items():
            yield family, _moved(place, why, f"{family}: {name}")
            title = f"{family}: {name}; the new one has an id"
            yield family, _moved(place, why, title, wsu_id="Other")


# --- whole envelopes --------------------------------------------------------


def _as_entry(root: etree._Element) -> None:
    """The honest envelope becomes the entry of another."""
    inner = deepcopy(root)
    header(root).clear()
    body(root).clear()
    body(root).append(inner)


def _as_entry_with_security(root: etree._Element) -> None:
    inner = deepcopy(root)
    body(root).clear()
    body(root).append(inner)
    header(inner).clear()


def _as_header(root: etree._Element) -> None:
    """The honest envelope becomes a header block of another."""
    inner = deepcopy(root)
    header(root).clear()
    header(root).append(inner)
    root.replace(body(root), evil_body())


def _as_header_doubled(root: etree._Element) -> None:
    inner = deepcopy(root)
    header(root).append(inner)
    root.replace(body(root), evil_body())


def _in_security(root: etree._Element) -> None:
    """So do its Security header and Body: two of them then."""
    inner = deepcopy(root)
    header(root).append(security(inner))
    root.replace(body(root), evil_body())


def _beneath(root: etree._Element) -> None:
    """The root is another element."""
    inner = deepcopy(root)
    root.clear()
    root.tag = "{urn:evil}Envelope"
    root.append(inner)


def _another_entry(root: etree._Element) -> None:
    body(root).replace(body(root)[0], etree.fromstring(EVIL))


def _rename(root: etree._Element, tag: str) -> None:
    body(root).tag = tag
    root.append(evil_body())


def _id_goes_in(root: etree._Element) -> None:
    """The id of the signed Body goes to its entry; both stay where they are."""
    body(root).attrib.pop(ID)
    body(root)[0].set(ID, "Body")


def _entry_only(root: etree._Element) -> None:
    """The signed entry in a header, and its id too."""
    entry = body(root)[0]
    entry.set(ID, "Body")
    root.replace(body(root), evil_body())
    header(root).append(entry)


def _id_taken(root: etree._Element) -> None:
    """The attacker's Body takes the id, the signed one loses it."""
    signed = usurp_body(root, wsu_id="Body")
    signed.attrib.pop(ID)
    header(root).append(signed)


def _in_comment(root: etree._Element) -> None:
    signed = usurp_body(root)
    header(root).append(etree.Comment(etree.tostring(signed).decode()))


def _in_instruction(root: etree._Element) -> None:
    signed = usurp_body(root)
    header(root).append(etree.PI("body", etree.tostring(signed).decode()))


def _in_text(root: etree._Element) -> None:
    signed = usurp_body(root)
    outer = etree.SubElement(header(root), "{urn:evil}Wrapper")
    outer.text = etree.CDATA(etree.tostring(signed).decode())


def _evil_entry(where: int) -> Callable[[etree._Element], None]:
    return lambda root: body(root).insert(where, etree.fromstring(EVIL))


_WHOLE = {
    "Nested Envelope": (
        attack("The honest Envelope as the entry", _as_entry, UNSIGNED),
        attack(
            "The honest Body, in its Envelope, as the entry",
            _as_entry_with_security,
            NO_PART,
        ),
        attack("The honest Envelope as a header block", _as_header, UNSIGNED),
        attack(
            "The honest Envelope as a further header block",
            _as_header_doubled,
            TWO_IDS,
        ),
        attack("Only the Security header twice", _in_security, ONE_SECURITY),
        attack(
            "The honest Envelope under another root",
            _beneath,
            malformed("not a SOAP envelope"),
        ),
    ),
    "Signed Body altered": (
        attack(
            "Another entry instead",
            _another_entry,
            ALTERED,
        ),
        attack("A further entry after it", _evil_entry(1), ENTRIES),
        attack("A further entry before it", _evil_entry(0), ENTRIES),
        attack("The id goes to the entry", _id_goes_in, NO_PART),
        attack("The id goes to the entry, in a header", _entry_only, UNSIGNED_BODY),
        attack("The id goes to the new Body", _id_taken, ALTERED),
    ),
    "Signed Body renamed": (
        attack(
            "In small letters",
            lambda root: _rename(root, f"{{{SOAP_11}}}body"),
            PARTS,
        ),
        attack(
            "In the other SOAP's namespace",
            lambda root: _rename(root, f"{{{SOAP_12}}}Body"),
            PARTS,
        ),
        attack("In no namespace", lambda root: _rename(root, "Body"), PARTS),
        attack(
            "As the Header",
            lambda root: _rename(root, f"{{{SOAP_11}}}Header"),
            PARTS,
        ),
    ),
    "Signed Body in no element": (
        attack("In a comment", _in_comment, NO_ID),
        attack("In a processing instruction", _in_instruction, NO_ID),
        attack("In a CDATA section", _in_text, NO_ID),
    ),
}


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    yield from _placed()
    for family, each in _WHOLE.items():
        for one in each:
            yield family, one
