"""
Another Timestamp is judged than the one that is signed: an old message is made
young again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from lxml import etree

from euca_tw.soap.envelope import SOAP_11
from tests.soap.messages import SECURITY, find
from tests.soap.wrapping.bodies import ACTOR, Place, in_block, wrapped
from tests.soap.wrapping.honest import (
    ALTERED,
    DS,
    LATE_S,
    NO_PART,
    NOT_UNDERSTOOD,
    ONE_SECURITY,
    ONE_STAMP,
    PARTS,
    SIGNATURE_FORM,
    STALE,
    TWO_IDS,
    UNSIGNED_STAMP,
    WSSE,
    Attack,
    Why,
    attack,
    body,
    drop,
    evil_stamp,
    header,
    insecure,
    security,
    signature,
    stamp,
    token,
    usurp_stamp,
)

FAMILY = "Timestamp wrapped"


def _in_second_security(root: etree._Element, element: etree._Element) -> None:
    other = wrapped(element, SECURITY)
    other.set(ACTOR, "urn:somebody")
    header(root).append(other)


PLACES: Mapping[str, tuple[Place, Why]] = {
    "under Header, first": (lambda r, e: header(r).insert(0, e), UNSIGNED_STAMP),
    "under Header, last": (lambda r, e: header(r).append(e), UNSIGNED_STAMP),
    "beside the other, before": (lambda r, e: stamp(r).addprevious(e), ONE_STAMP),
    "beside the other, last": (lambda r, e: security(r).append(e), ONE_STAMP),
    "in a wrapper in Security": (
        lambda r, e: security(r).append(wrapped(e, "{urn:evil}Wrapper")),
        NO_PART,
    ),
    "in the other": (lambda r, e: stamp(r).append(e), NO_PART),
    "in Created": (lambda r, e: stamp(r)[0].append(e), NO_PART),
    "in the token": (lambda r, e: token(r).append(e), NO_PART),
    "in an Object": (
        lambda r, e: signature(r).append(wrapped(e, f"{{{DS}}}Object")),
        SIGNATURE_FORM,
    ),
    "in KeyInfo": (lambda r, e: find(signature(r), "ds:KeyInfo").append(e), NO_PART),
    "in an Embedded token": (
        lambda r, e: security(r).append(wrapped(e, f"{{{WSSE}}}Embedded")),
        NO_PART,
    ),
    "in another header block": (in_block(), NO_PART),
    "in a block that must be understood": (in_block(must="1"), NOT_UNDERSTOOD),
    "in a second Security header": (
        lambda r, e: header(r).append(wrapped(e, SECURITY)),
        ONE_SECURITY,
    ),
    "in a Security header for another actor": (_in_second_security, ONE_SECURITY),
    "under Envelope": (lambda r, e: r.append(e), PARTS),
    "in a nested Envelope": (
        lambda r, e: header(r).append(
            wrapped(e, f"{{{SOAP_11}}}Envelope", f"{{{SOAP_11}}}Header", SECURITY)
        ),
        NO_PART,
    ),
}


def _late(
    name: str, alter: Callable[[etree._Element], object], why: Why
) -> tuple[str, Attack]:
    return FAMILY, attack(f"Timestamp {name}", alter, why, after_s=LATE_S)


def _placed() -> Iterator[tuple[str, Attack]]:
    for name, (place, why) in PLACES.items():
        for suffix, ids in (("", {}), ("; the new one has an id", {"wsu_id": "Other"})):

            def alter(
                root: etree._Element,
                place: Place = place,
                ids: Mapping[str, str] = ids,
            ) -> None:
                place(root, usurp_stamp(root, **ids))

            yield _late(name + suffix, alter, why)
        if why in (UNSIGNED_STAMP, NO_PART):

            def twin(root: etree._Element, place: Place = place) -> None:
                place(root, usurp_stamp(root, wsu_id="Timestamp"))

            yield _late(f"{name}; both have its id", twin, TWO_IDS)


def _second(where: int) -> Callable[[etree._Element], None]:
    return lambda root: security(root).insert(where, evil_stamp())


def _younger(root: etree._Element) -> None:
    for old, new in zip(stamp(root), evil_stamp(), strict=True):
        old.text = new.text


def _longer(root: etree._Element) -> None:
    stamp(root)[1].text = evil_stamp()[1].text


def _two_created(root: etree._Element) -> None:
    stamp(root).insert(0, evil_stamp()[0])


def _lookalike(root: etree._Element) -> None:
    """One of a namespace that is nearly the right one."""
    other = evil_stamp()
    for each in other.iter():
        each.tag = str(each.tag).replace("utility-1.0.xsd", "utility-1.1.xsd")
    security(root).insert(0, other)


_OTHERS = (
    _late("before the signed one", _second(0), ONE_STAMP),
    _late("after the Signature", _second(3), ONE_STAMP),
    _late("removed", lambda root: drop(stamp(root)), ONE_STAMP),
    _late(
        "moved away, with none instead", lambda r: header(r).append(stamp(r)), ONE_STAMP
    ),
    _late("in a header block only", lambda r: in_block()(r, stamp(r)), ONE_STAMP),
    _late("in the Body only", lambda r: body(r)[0].append(stamp(r)), ONE_STAMP),
    _late("altered", _younger, ALTERED),
    _late("with a later end", _longer, ALTERED),
    _late("without an end", lambda root: drop(stamp(root)[1]), ALTERED),
    _late(
        "with Created twice",
        _two_created,
        insecure("must have Created, and may have Expires"),
    ),
    _late("beside one of a namespace like it", _lookalike, STALE),
)


def attacks() -> Iterator[tuple[str, Attack]]:
    """With their families."""
    yield from _placed()
    yield from _OTHERS
