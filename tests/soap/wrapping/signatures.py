"""Two of what there must be one of, and parts of two messages mixed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

from lxml import etree

from tests.soap.messages import NAMES, SECURITY, find, message
from tests.soap.wrapping.bodies import ACTOR, MUST, wrapped
from tests.soap.wrapping.honest import (
    ALTERED,
    DS,
    EVIL,
    FORGED,
    ID,
    NOT_UNDERSTOOD,
    ONE_SECURITY,
    ONE_SIGNATURE,
    PARTS,
    SIGNATURE_FORM,
    TWO_IDS,
    TWO_REFERENCES,
    UNSIGNED,
    WSSE,
    Attack,
    Why,
    attack,
    body,
    drop,
    evil_body,
    evil_stamp,
    header,
    on_both,
    security,
    signature,
    signed_info,
    stamp,
    usurp_body,
)

Alter = Callable[[etree._Element], object]
AlterBoth = Callable[[etree._Element, etree._Element], object]


def evil_message(by: str = "mallory") -> etree._Element:
    """What another one signed, and well."""
    return etree.fromstring(message(EVIL, headers=(), by=by))


def without_ids(element: etree._Element) -> etree._Element:
    for each in element.iter(etree.Element):
        each.attrib.pop(ID, None)
    return element


# --- Security headers -------------------------------------------------------


def _second_security(where: int, *, attributes: dict[str, str], full: bool) -> Alter:
    """
    @param full: it is all of Mallory's, and Mallory's the Body; else it has
        but a Timestamp.
    """

    def alter(root: etree._Element) -> None:
        if full:
            other = evil_message()
            added = security(other)
            root.replace(body(root), body(other))
        else:
            added = wrapped(evil_stamp(), SECURITY)
        for name, value in attributes.items():
            added.set(name, value)
        header(root).insert(where, added)

    return alter


_ROLE = "{http://www.w3.org/2003/05/soap-envelope}role"
_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"


def _security_attacks() -> Iterator[Attack]:
    for place, where in (("before", 0), ("after", 1)):
        for kind, full in (("with a Timestamp", False), ("that signs well", True)):
            for audience, attributes in (
                ("", {}),
                (", for the next actor", {ACTOR: _NEXT}),
                (", for another actor", {ACTOR: "urn:somebody"}),
                (", for a role", {_ROLE: "urn:somebody"}),
                (", that need not be understood", {MUST: "0"}),
            ):
                yield attack(
                    f"A second Security {place} the signed one, {kind}{audience}",
                    _second_security(where, attributes=attributes, full=full),
                    ONE_SECURITY,
                )
    yield attack("An empty second Security", _empty_security, ONE_SECURITY)
    yield attack("Security in a header block", _moved_to_block, UNSIGNED)
    yield attack("Security in the entry", _moved_to_entry, UNSIGNED)
    yield attack("Security under Envelope", lambda r: r.append(security(r)), PARTS)
    yield attack("Security removed", lambda r: drop(security(r)), UNSIGNED)
    yield attack("Header removed", _without_header, UNSIGNED)
    yield attack(
        "Security of a namespace that is not known", _renamed(must=True), NOT_UNDERSTOOD
    )
    yield attack(
        "Security of a namespace that is not known, and need not be understood",
        _renamed(must=False),
        UNSIGNED,
    )


def _empty_security(root: etree._Element) -> None:
    header(root).append(etree.Element(SECURITY))


def _moved_to_block(root: etree._Element) -> None:
    usurp_body(root)
    header(root).append(wrapped(security(root), "{urn:evil}Wrapper"))


def _moved_to_entry(root: etree._Element) -> None:
    body(root)[0].append(security(root))


def _without_header(root: etree._Element) -> None:
    drop(header(root))
    root.replace(body(root), evil_body())


def _renamed(*, must: bool) -> Alter:
    def alter(root: etree._Element) -> None:
        held = security(root)
        held.tag = "{http://schemas.xmlsoap.org/ws/2003/06/secext}Security"
        if not must:
            held.attrib.pop(MUST)
        root.replace(body(root), evil_body())

    return alter


# --- Signatures -------------------------------------------------------------


def _second_signature(before: bool, by: str) -> Alter:
    """Alice's covers her Body, in the Header; the other one covers the Body."""

    def alter(root: etree._Element) -> None:
        other = evil_message(by)
        signed = body(root)
        root.replace(signed, body(other))
        header(root).append(signed)
        place = signature(root)
        (place.addprevious if before else place.addnext)(signature(other))

    return alter


def _into_object(root: etree._Element) -> None:
    inner = signature(evil_message())
    signature(root).append(wrapped(inner, f"{{{DS}}}Object"))


def _outside(root: etree._Element) -> None:
    header(root).append(signature(root))


def _wrapped_in_security(root: etree._Element) -> None:
    security(root).append(wrapped(signature(root), f"{{{WSSE}}}Embedded"))


def _doubled(path: str, where: int, evil: bool) -> Alter:
    def alter(root: etree._Element) -> None:
        source = evil_message() if evil else root
        other = without_ids(deepcopy(find(signature(source), path)))
        signature(root).insert(where, other)

    return alter


def _in_another_order(root: etree._Element) -> None:
    signature(root).insert(0, find(signature(root), "ds:KeyInfo"))


def _manifest(root: etree._Element) -> None:
    """The Body is in a Manifest, which a verifier need not check."""
    held = etree.Element(f"{{{DS}}}Manifest")
    held.append(find(signed_info(root), "ds:Reference[@URI='#Body']"))
    signature(root).append(wrapped(held, f"{{{DS}}}Object"))
    root.replace(body(root), evil_body())


def _signature_attacks() -> Iterator[Attack]:
    for place, before in (("before", True), ("after", False)):
        for by in ("mallory", "eve"):
            yield attack(
                f"A second Signature, of {by}, {place} the honest one",
                _second_signature(before, by),
                ONE_SIGNATURE,
            )
    yield attack("The honest Signature twice", _twice, ONE_SIGNATURE)
    yield attack("No Signature", lambda r: drop(signature(r)), ONE_SIGNATURE)
    yield attack("The Signature outside Security", _outside, ONE_SIGNATURE)
    yield attack("The Signature in a wrapper", _wrapped_in_security, ONE_SIGNATURE)
    yield attack("A second Signature in an Object", _into_object, SIGNATURE_FORM)
    yield attack("A Manifest for the Body", _manifest, SIGNATURE_FORM)
    yield attack("KeyInfo first", _in_another_order, SIGNATURE_FORM)
    for what in ("SignedInfo", "SignatureValue", "KeyInfo"):
        for order, where in (("first", 0), ("last", 3)):
            yield attack(
                f"A second {what}, {order}",
                _doubled(f"ds:{what}", where, evil=True),
                SIGNATURE_FORM,
            )
        yield attack(
            f"The same {what} twice",
            _doubled(f"ds:{what}", 1, evil=False),
            SIGNATURE_FORM,
        )


def _twice(root: etree._Element) -> None:
    signature(root).addnext(without_ids(deepcopy(signature(root))))


# --- two honest messages ----------------------------------------------------


def _swap(part: Callable[[etree._Element], etree._Element]) -> AlterBoth:
    """That part of the one message is in the other."""

    def alter(root: etree._Element, other: etree._Element) -> None:
        mine = part(root)
        parent = mine.getparent()
        assert parent is not None
        parent.replace(mine, part(other))

    return alter


def _value(root: etree._Element) -> etree._Element:
    return find(signature(root), "ds:SignatureValue")


def _digest_of_body(root: etree._Element) -> etree._Element:
    return find(signed_info(root), "ds:Reference[@URI='#Body']/ds:DigestValue")


def _body_and_digest(root: etree._Element, other: etree._Element) -> None:
    _swap(_digest_of_body)(root, other)
    _swap(body)(root, other)


def _references(root: etree._Element, other: etree._Element) -> None:
    """The references of both, in one SignedInfo."""
    for reference in signed_info(other).findall("ds:Reference", NAMES):
        signed_info(root).append(reference)


def _both_bodies(root: etree._Element, other: etree._Element) -> None:
    header(root).append(body(root))
    root.append(body(other))


def _both_securities(root: etree._Element, other: etree._Element) -> None:
    header(root).append(security(other))
    root.replace(body(root), body(other))


def _both_signatures(root: etree._Element, other: etree._Element) -> None:
    signature(root).addnext(signature(other))


_SWAPS: tuple[tuple[str, AlterBoth, Why], ...] = (
    ("The Body of another message", _swap(body), ALTERED),
    ("The Security header of another message", _swap(security), ALTERED),
    ("The Signature of another message", _swap(signature), ALTERED),
    ("The Timestamp of another message", _swap(stamp), ALTERED),
    ("The SignedInfo of another message", _swap(signed_info), FORGED),
    ("The SignatureValue of another message", _swap(_value), FORGED),
    ("The digest of another message's Body", _swap(_digest_of_body), FORGED),
    ("The Body, with its digest, of another message", _body_and_digest, FORGED),
    ("The references of two messages", _references, TWO_REFERENCES),
    ("The Bodies of two messages", _both_bodies, TWO_IDS),
    ("The Security headers of two messages", _both_securities, ONE_SECURITY),
    ("The Signatures of two messages", _both_signatures, ONE_SIGNATURE),
)


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for one in _security_attacks():
        yield "Second Security", one
    for one in _signature_attacks():
        yield "Second Signature", one
    for name, alter, why in _SWAPS:
        made = Attack(name=name, make=on_both(alter), why=why)
        yield "Two honest messages mixed", made
