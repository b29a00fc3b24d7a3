"""
The headers of a tier's request, which say what it is and for whom: moved, doubled,
not signed, or written otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

from lxml import etree

from euca_tw.soap.addressing import (
    ACTION,
    RECIPIENT,
    TO,
    WSA,
)
from tests.soap.identities import identity
from tests.soap.wrapping.honest import (
    ALTERED,
    ELSEWHERE,
    ENTRIES,
    ID,
    ID_NAMES,
    NO_ID,
    NO_PART,
    PARTS,
    SIGNATURE_FORM,
    TWO_IDS,
    Attack,
    attack,
    body,
    drop,
    header,
    insecure,
    reference_to,
    security,
    signature,
    signed_info,
    token,
)
from tests.soap.wrapping.tiers import (
    EVIL,
    NAMES,
    OTHER_ACTION,
    PATH,
    always,
    evil,
    head,
    id_of,
    one,
    request,
    resealed,
    unsigned,
    usurped,
    wrapper,
)

# --- moved, doubled, not signed ---------------------------------------------

#: Where the signed header goes, and why that is of no use.
_PLACES: dict[str, tuple[Callable[[etree._Element, etree._Element], object], bool]] = {
    "into Security": (lambda r, e: security(r).append(e), True),
    "into a block": (lambda r, e: header(r).append(wrapper(e)), False),
    "into a block in Security": (lambda r, e: security(r).append(wrapper(e)), False),
    "into the Body": (lambda r, e: body(r).append(e), False),
    "into the entry": (lambda r, e: body(r)[0].append(e), False),
    "into the Signature": (lambda r, e: signature(r).append(e), False),
    "into the token": (lambda r, e: token(r).append(e), False),
    "beside the Header": (lambda r, e: header(r).addprevious(e), False),
}

_NO_FORM = {
    "into the Body": ENTRIES,
    "beside the Header": PARTS,
    "into the Signature": SIGNATURE_FORM,
}


def _moved() -> Iterator[Attack]:
    for tag, name in NAMES.items():
        for where, (place, may_be_signed) in _PLACES.items():

            def usurp(
                root: etree._Element,
                tag: str = tag,
                place: Callable[[etree._Element, etree._Element], object] = place,
            ) -> None:
                place(root, usurped(root, tag))

            why = unsigned(tag) if may_be_signed else NO_PART
            why = _NO_FORM.get(where, why)
            yield attack(f"{name} moved {where}, another for it", usurp, why)

        def leave(root: etree._Element, tag: str = tag) -> None:
            security(root).append(head(root, tag))

        yield attack(f"{name} moved into Security", leave, one(tag))

        def gone(root: etree._Element, tag: str = tag) -> None:
            drop(head(root, tag))

        yield attack(f"{name} dropped", gone, NO_ID)

        def forgotten(root: etree._Element, tag: str = tag) -> None:
            drop(reference_to(root, id_of(head(root, tag))))
            drop(head(root, tag))

        yield attack(f"{name} never there", resealed(forgotten), one(tag))


def _doubled() -> Iterator[Attack]:
    for tag, name in NAMES.items():
        for order, at in (("before", 0), ("after", 9)):

            def double(root: etree._Element, tag: str = tag, at: int = at) -> None:
                header(root).insert(at, evil(tag))

            yield attack(f"Another {name} {order}", double, one(tag))
            for kind, attribute in ID_NAMES.items():

                def same(
                    root: etree._Element,
                    tag: str = tag,
                    at: int = at,
                    attribute: str = attribute,
                ) -> None:
                    other = evil(tag, id_of(head(root, tag)), attribute)
                    header(root).insert(at, other)

                yield attack(f"Another {name} {order}, same {kind}", same, TWO_IDS)

        def both_signed(root: etree._Element, tag: str = tag) -> None:
            header(root).append(evil(tag, "Evil"))
            reference = deepcopy(reference_to(root, id_of(head(root, tag))))
            reference.set("URI", "#Evil")
            signed_info(root).append(reference)

        yield attack(f"Two {name}, both signed", resealed(both_signed), one(tag))

        def copied(root: etree._Element, tag: str = tag) -> None:
            header(root).append(deepcopy(head(root, tag)))

        yield attack(f"{name} twice, the same", copied, TWO_IDS)


def _unsigned() -> Iterator[Attack]:
    for tag, name in NAMES.items():

        def drop_reference(root: etree._Element, tag: str = tag) -> None:
            drop(reference_to(root, id_of(head(root, tag))))

        yield attack(f"The reference to {name} dropped", drop_reference, unsigned(tag))
        yield attack(f"{name} not signed", resealed(drop_reference), unsigned(tag))

        def evil_unsigned(root: etree._Element, tag: str = tag) -> None:
            drop(reference_to(root, id_of(head(root, tag))))
            head(root, tag).text = EVIL[tag]

        yield attack(
            f"Another {name}, not signed", resealed(evil_unsigned), unsigned(tag)
        )

        def to_token(root: etree._Element, tag: str = tag) -> None:
            reference = reference_to(root, id_of(head(root, tag)))
            reference.set("URI", f"#{id_of(token(root))}")

        yield attack(
            f"The token signed instead of {name}", resealed(to_token), unsigned(tag)
        )


# --- ids, names and texts ---------------------------------------------------


def _reided() -> Iterator[Attack]:
    tags = list(NAMES)
    for tag, other in zip(tags, [*tags[1:], tags[0]], strict=True):

        def swapped(root: etree._Element, tag: str = tag, other: str = other) -> None:
            first, second = head(root, tag), head(root, other)
            name = id_of(first)
            first.set(ID, id_of(second))
            second.set(ID, name)

        yield attack(f"{NAMES[tag]} has the id of {NAMES[other]}", swapped, ALTERED)

        def no_id(root: etree._Element, tag: str = tag) -> None:
            head(root, tag).attrib.pop(ID)

        yield attack(f"{NAMES[tag]} without id", no_id, NO_ID)
        for kind, attribute in ID_NAMES.items():
            if attribute == ID:
                continue

            def other_kind(
                root: etree._Element, tag: str = tag, attribute: str = attribute
            ) -> None:
                element = head(root, tag)
                element.set(attribute, element.attrib.pop(ID))

            yield attack(f"{NAMES[tag]} with an {kind}", other_kind, ALTERED)

        def of_body(root: etree._Element, tag: str = tag) -> None:
            head(root, tag).set(ID, id_of(body(root)))

        yield attack(f"{NAMES[tag]} with the Body's id", of_body, TWO_IDS)


def _renamed() -> Iterator[Attack]:
    for tag, name in NAMES.items():
        for new in (
            f"{{http://schemas.xmlsoap.org/ws/2004/08/addressing}}{name}",
            f"{{{WSA}}}{name.lower()}",
            f"{{{WSA}/}}{name}",
            name,
        ):

            def rename(root: etree._Element, tag: str = tag, new: str = new) -> None:
                head(root, tag).tag = new

            yield attack(f"{name} renamed {new}", rename, one(tag))
        for kind, make in (
            ("a comment", lambda: etree.Comment("x")),
            ("an instruction", lambda: etree.PI("x")),
            ("an element", lambda: etree.Element("{urn:evil}x")),
        ):

            def split(
                root: etree._Element,
                tag: str = tag,
                make: Callable[[], etree._Element] = make,
            ) -> None:
                element, inner = head(root, tag), make()
                text = element.text or ""
                element.text, inner.tail = text[:3], text[3:]
                element.append(inner)

            yield attack(
                f"{name} split by {kind}",
                split,
                insecure(f"{name} must have text only"),
            )


def _texts() -> Iterator[Attack]:
    altered = {TO: ELSEWHERE, ACTION: OTHER_ACTION, RECIPIENT: ELSEWHERE}
    for tag, name in NAMES.items():

        def write(root: etree._Element, tag: str = tag) -> None:
            head(root, tag).text = EVIL[tag]

        yield attack(f"Another text in {name}", write, altered.get(tag, ALTERED))
    for name, text, why in (
        ("To", "http://[evil/", ELSEWHERE),
        ("To", "", ELSEWHERE),
        ("To", PATH + "/", ELSEWHERE),
        ("To", PATH + "x", ELSEWHERE),
        ("Action", "", OTHER_ACTION),
        ("Action", "EucalyptusNC#TerminateInstances", OTHER_ACTION),
        ("Action", "EucalyptusCC#terminateInstances", OTHER_ACTION),
        ("Action", "EucalyptusCC#DescribeInstances", OTHER_ACTION),
        ("Action", "TerminateInstances", OTHER_ACTION),
        ("MessageID", "", insecure("MessageID is empty or too long")),
        ("MessageID", "x" * 257, insecure("MessageID is empty or too long")),
        ("MessageID", "x" * 10_000, insecure("has more than 8192 characters")),
        ("Recipient", "", ELSEWHERE),
        ("Recipient", identity("cluster").fingerprint.upper() + " ", ELSEWHERE),
    ):
        made = request(**{("to" if name == "To" else name): text})
        yield Attack(
            name=f"{name} is {text[:50]!r}, of {len(text)}", make=always(made), why=why
        )


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    for family, maker in (
        ("Addressing moved", _moved),
        ("Addressing doubled", _doubled),
        ("Addressing not signed", _unsigned),
        ("Addressing with other ids", _reided),
        ("Addressing renamed and split", _renamed),
        ("Addressing with other texts", _texts),
    ):
        for each in maker():
            yield family, each
