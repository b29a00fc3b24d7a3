"""
References that lead elsewhere.

No outsider can change a reference, for it is signed.  So each of these messages
is signed anew by Alice's own key, as a careless client of hers would, where
what is referred to can be computed at all: it is not the signature for which
they are refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy

from lxml import etree

from tests.soap.wrapping.honest import (
    ID,
    NO_ID,
    NO_PART,
    TWO_REFERENCES,
    UNSIGNED_BODY,
    UNSIGNED_STAMP,
    Attack,
    Why,
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
from tests.soap.wrapping.naive import seal

_NOWHERE = {
    "empty": "",
    "a bare hash": "#",
    "no hash": "Body",
    "to nothing": "#nothing",
    "to the whole by XPointer": "#xpointer(/)",
    "to the id by XPointer": "#xpointer(id('Body'))",
    "by an element scheme": "#element(/1/2)",
    "by an xpath scheme": "#xpath(//*[local-name()='Body'])",
    "external": "http://evil.example/body.xml#Body",
    "to a file": "file:///etc/hostname",
    "to an attachment": "cid:Body",
    "to data": "data:text/xml,<Body/>#Body",
    "relative": "message.xml#Body",
    "to the same document, in full": "?#Body",
    "percent-encoded": "#%42ody",
    "percent-encoded hash": "%23Body",
    "in small letters": "#body",
    "in capitals": "#BODY",
    "with space before": " #Body",
    "with space after": "#Body ",
    "with space in it": "# Body",
    "two hashes": "##Body",
    "two fragments": "#Body#Body",
    "with a null": "#Body%00",
    "in letters that look alike": "#\u0412ody",
    "in full-width letters": "#\uff22ody",
    "with a joiner": "#Bo\u200bdy",
}


def _leads(uri: str | None) -> Callable[[etree._Element], None]:
    """The Body's reference."""

    def alter(root: etree._Element) -> None:
        reference = reference_to(root, "Body")
        reference.attrib.pop("URI")
        if uri is not None:
            reference.set("URI", uri)
        seal(root, "alice")

    return alter


def _to(
    pick: Callable[[etree._Element], etree._Element],
) -> Callable[[etree._Element], None]:
    """It leads to that element, which gets an id."""

    def alter(root: etree._Element) -> None:
        element = pick(root)
        element.set(ID, "Target")
        reference_to(root, "Body").set("URI", "#Target")
        seal(root, "alice")

    return alter


_ELEMENTS: dict[str, tuple[Callable[[etree._Element], etree._Element], Why]] = {
    "the Envelope": (lambda root: root, NO_PART),
    "the Header": (header, NO_PART),
    "the Security header": (security, UNSIGNED_BODY),
    "the Signature": (signature, UNSIGNED_BODY),
    "SignedInfo": (signed_info, NO_PART),
    "the entry": (lambda root: body(root)[0], NO_PART),
    "the instance": (lambda root: body(root)[0][0][0][0], NO_PART),
}


def _dropped(name: str) -> Callable[[etree._Element], None]:
    def alter(root: etree._Element) -> None:
        drop(reference_to(root, name))
        seal(root, "alice")

    return alter


def _doubled(root: etree._Element) -> None:
    """Two references, both to the Timestamp."""
    reference_to(root, "Body").set("URI", "#Timestamp")
    seal(root, "alice")


def _none(root: etree._Element) -> None:
    for name in ("Body", "Timestamp"):
        drop(reference_to(root, name))
    seal(root, "alice")


def _many(root: etree._Element) -> None:
    for _ in range(100):
        signed_info(root).append(deepcopy(reference_to(root, "Timestamp")))
    seal(root, "alice")


def _to_token(root: etree._Element) -> None:
    """Only the token and the Timestamp are signed."""
    reference_to(root, "Body").set("URI", f"#{token(root).get(ID)}")
    seal(root, "alice")


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    family = "References"
    for name, uri in _NOWHERE.items():
        yield family, attack(f"A reference {name}", _leads(uri), NO_ID)
    yield family, attack("A reference without URI", _leads(None), NO_ID)
    for name, (pick, why) in _ELEMENTS.items():
        yield family, attack(f"A reference to {name}", _to(pick), why)
    few = insecure("too few or too many references")
    for name, alter, why in (
        ("The Body is not signed", _dropped("Body"), UNSIGNED_BODY),
        ("The Timestamp is not signed", _dropped("Timestamp"), UNSIGNED_STAMP),
        ("The Timestamp is signed twice", _doubled, TWO_REFERENCES),
        ("The token is signed instead of the Body", _to_token, UNSIGNED_BODY),
        ("Nothing is signed", _none, few),
        ("Much is signed", _many, few),
    ):
        yield family, attack(name, alter, why)
