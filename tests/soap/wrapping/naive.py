"""
A verifier as attackers wish for one, and a signer that signs anything.

It goes by ids alone: whatever has the id of a reference is what was signed, and
where it stands is no matter.  All real stacks that were broken by wrapping did
so.  It shares no code with ours, so an attack that it takes for well signed is a
real one, and what it finds wrong with the others is a second opinion.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from functools import cache
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from tests.soap.identities import identity, pair
from tests.soap.messages import NAMES, find
from tests.soap.wrapping.honest import (
    DS,
    EXCLUSIVE,
    ID_NAMES,
    WSSE,
    signature,
    signed_info,
)

_USERS = ("alice", "mallory")


def canonical(element: etree._Element, prefixes: str = "") -> bytes:
    return etree.tostring(
        element,
        method="c14n",
        exclusive=True,
        with_comments=False,
        inclusive_ns_prefixes=prefixes.split() or None,
    )


@cache
def private_key(name: str) -> rsa.RSAPrivateKey:
    key = load_pem_private_key(pair(name).key_pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def seal(root: etree._Element, by: str) -> None:
    """Sign anew, by that one's key, whatever the references lead to now."""
    for reference in signed_info(root).iterfind("ds:Reference", NAMES):
        elements = _by_id(root, (reference.get("URI") or "")[1:])
        if elements:
            found = b64encode(_digest(elements[0], reference)).decode()
            find(reference, "ds:DigestValue").text = found
    value = private_key(by).sign(
        canonical(signed_info(root)), padding.PKCS1v15(), hashes.SHA256()
    )
    find(signature(root), "ds:SignatureValue").text = b64encode(value).decode()


def flaw(document: bytes) -> str:
    """
    C{stranger}, C{signature} or C{digest}: what is wrong with the first
    signature in a document, and C{form} if there is none.  Nothing, at best.
    """
    try:
        root = etree.fromstring(document)
        info = find(root, f".//{{{DS}}}SignedInfo")
        key = find(root, f".//{{{DS}}}KeyInfo//{{{WSSE}}}Reference")
    except (etree.XMLSyntaxError, AssertionError):
        return "form"
    held = _bytes(next(iter(_by_id(root, (key.get("URI") or "")[1:])), None))
    names = [name for name in _USERS if identity(name).certificate == held]
    if not names:
        return "stranger"
    try:
        private_key(names[0]).public_key().verify(
            _bytes(root.find(f".//{{{DS}}}SignatureValue")),
            canonical(info),
            padding.PKCS1v15(),
            hashes.SHA256(),
        )
    except InvalidSignature:
        return "signature"
    good = all(_is_intact(root, each) for each in info.iterfind("ds:Reference", NAMES))
    return "" if good else "digest"


def _is_intact(root: etree._Element, reference: etree._Element) -> bool:
    """Of several with one id, that one is taken which fits."""
    digest = _bytes(reference.find(f"{{{DS}}}DigestValue"))
    elements = _by_id(root, (reference.get("URI") or "")[1:])
    return any(_digest(each, reference) == digest for each in elements)


def _by_id(root: etree._Element, value: str) -> list[etree._Element]:
    return [
        element
        for element in root.iter(etree.Element)
        if value in [element.get(name) for name in ID_NAMES.values()]
    ]


def _digest(element: etree._Element, reference: etree._Element) -> bytes:
    kept = reference.find(f".//{{{EXCLUSIVE}}}InclusiveNamespaces")
    prefixes = "" if kept is None else kept.get("PrefixList") or ""
    return sha256(canonical(element, prefixes)).digest()


def _bytes(element: etree._Element | None) -> bytes:
    text = element.text if element is not None else None
    try:
        return b64decode(text or "")
    except ValueError:
        return b""
