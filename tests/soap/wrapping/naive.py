"""
A verifier as attackers wish for one, and a signer that signs anything.

It goes by ids alone: whatever has the id of a reference is what was signed, and
where it stands is no matter.  All real stacks that were broken by wrapping did
so.  It shares no code with ours, so an attack that it takes for well signed is a
real one, and what it finds wrong with the others is a second opinion.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Collection
from functools import cache
from hashlib import sha1, sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import (
    Certificate,
    SubjectKeyIdentifier,
    load_der_x509_certificate,
)
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

USERS = ("alice", "mallory")


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


def flaw(document: bytes, known: Collection[bytes] | None = None) -> str:
    """
    C{stranger}, C{signature} or C{digest}: what is wrong with the first
    signature in a document, and C{form} if there is none.  Nothing, at best.

    @param known: the certificates of those who may sign; those of the two users,
        unless told.
    """
    if known is None:
        known = [identity(name).certificate for name in USERS]
    try:
        root = etree.fromstring(document)
        info = find(root, f".//{{{DS}}}SignedInfo")
        holder = find(root, f".//{{{DS}}}KeyInfo/{{{WSSE}}}SecurityTokenReference")
    except (etree.XMLSyntaxError, AssertionError):
        return "form"
    found = [each for each in known if _is_named(root, holder, each)]
    if len(found) != 1:
        return "stranger"
    value = _bytes(root.find(f".//{{{DS}}}SignatureValue"))
    try:
        _verify(load_der_x509_certificate(found[0]), value, canonical(info))
    except InvalidSignature:
        return "signature"
    good = all(_is_intact(root, each) for each in info.iterfind("ds:Reference", NAMES))
    return "" if good else "digest"


def _verify(certificate: Certificate, value: bytes, signed: bytes) -> None:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        key.verify(value, signed, padding.PKCS1v15(), hashes.SHA256())
        return
    assert isinstance(key, ec.EllipticCurvePublicKey)
    size = (key.key_size + 7) // 8
    if len(value) != 2 * size:
        raise InvalidSignature
    r, s = (int.from_bytes(half) for half in (value[:size], value[size:]))
    key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))


def _is_named(root: etree._Element, holder: etree._Element, certificate: bytes) -> bool:
    """Whether a reference to a key is to that certificate's, by whatever name."""
    reference = holder.find(f"{{{WSSE}}}Reference")
    if reference is not None:
        tokens = _by_id(root, (reference.get("URI") or "")[1:])
        return bool(tokens) and _bytes(tokens[0]) == certificate
    loaded = load_der_x509_certificate(certificate)
    serial = holder.findtext(f".//{{{DS}}}X509SerialNumber")
    if serial is not None:
        issuer = (holder.findtext(f".//{{{DS}}}X509IssuerName") or "").lower()
        name = loaded.issuer.rfc4514_string().lower()
        return (issuer, serial) == (name, str(loaded.serial_number))
    found = holder.find(f"{{{WSSE}}}KeyIdentifier")
    kind = "" if found is None else (found.get("ValueType") or "").partition("#")[2]
    return _bytes(found) == {
        "X509v3": certificate,
        "ThumbprintSHA1": sha1(certificate).digest(),
        "X509SubjectKeyIdentifier": SubjectKeyIdentifier.from_public_key(
            loaded.public_key()
        ).digest,
    }.get(kind)


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
