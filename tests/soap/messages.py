"""Signed messages for tests, and ways to alter them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from lxml import etree

from euca_tw.soap.envelope import SOAP_11, Envelope, read
from euca_tw.soap.signing import SHA256, Suite, signed
from euca_tw.soap.wsse import DS, SECURITY, TIMESTAMP, WSSE, WSU
from tests.soap.identities import NOW, identity

ENTRY = '<Do xmlns="urn:test"><what>this</what></Do>'
TO = "{urn:addressing}To"
NAMES = {"s": SOAP_11, "ds": DS, "wsse": WSSE, "wsu": WSU, "t": "urn:test"}

Alter = Callable[[etree._Element], object]


def message(
    entry: str = ENTRY,
    *,
    headers: Sequence[tuple[str, str]] = ((TO, "you"),),
    by: str = "alice",
    now: datetime = NOW,
    suite: Suite = SHA256,
    soap: str = SOAP_11,
    lifetime_s: float = 300,
) -> bytes:
    return signed(
        soap, headers, entry, identity(by), now, suite=suite, lifetime_s=lifetime_s
    )


def altered(alter: Alter, document: bytes | None = None) -> Envelope:
    """The message, after C{alter} has had its way with the tree."""
    root = etree.fromstring(message() if document is None else document)
    alter(root)
    return read(etree.tostring(root))


def find(root: etree._Element, path: str) -> etree._Element:
    found = root.find(path, NAMES)
    assert found is not None, path
    return found


__all__ = [
    "ENTRY",
    "NAMES",
    "SECURITY",
    "TIMESTAMP",
    "TO",
    "Alter",
    "altered",
    "find",
    "message",
]
