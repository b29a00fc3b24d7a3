"""
WS-Security 1.0 with X.509 signatures, on the raw tree.

Pure: no I/O, no clock, no opinion on who may call.  A verifier must not only
know that I{something} was signed, but that what is run, and the time by which it
is judged, were.  So verification goes in steps, each of which believes only what
the one before has shown:

    1. L{read_claim} finds the parts where they must stand (never by id alone),
       refuses any form that is not on the short list below, and resolves each
       reference, once, to the element itself.
    2. The caller decides whether it knows the certificate; a stranger's key is
       never used.
    3. L{check_signature} computes digests and signature of the elements resolved
       in step 1.
    4. L{euca_tw.soap.freshness} judges the (now signed) Timestamp.

The list: one Security header; one Timestamp; one Signature, whose key is given by
a direct reference to a BinarySecurityToken beside it; canonicalization exclusive
or plain, without comments; RSA with SHA-1 or SHA-2; references to elements of this
message by C{#id}.  No HMAC, no XPath, no XSLT, no external or empty URI, no
KeyValue, no Manifest.

Signing (L{euca_tw.soap.signing}) is xmlsec's.  We verify without it, by libxml2's
canonicalization (which is xmlsec's too) and C{cryptography}: once all form is
known, what is left are some lines; they take a fifth of xmlsec's time; and no id,
key or transform can be found in a message by any other code than the steps above.
Tests hold it against xmlsec and against the messages of other stacks.
"""

from __future__ import annotations

import hashlib
from binascii import a2b_base64
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from hmac import compare_digest
from typing import Any

from attrs import frozen
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from euca_tw.api.errors import (
    AuthFailure,
    InvalidSecurity,
    MissingAuthenticationToken,
)
from euca_tw.api.scalars import NotOfType, moment
from euca_tw.soap.envelope import Envelope
from euca_tw.soap.keys import UnusableKey, public_key

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE = _OASIS + "wssecurity-secext-1.0.xsd"
WSU = _OASIS + "wssecurity-utility-1.0.xsd"
DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
X509_V3 = _OASIS + "x509-token-profile-1.0#X509v3"
BASE64 = _OASIS + "soap-message-security-1.0#Base64Binary"

SECURITY = f"{{{WSSE}}}Security"
TIMESTAMP = f"{{{WSU}}}Timestamp"
TOKEN = f"{{{WSSE}}}BinarySecurityToken"
_SIGNATURE = f"{{{DS}}}Signature"
ID = f"{{{WSU}}}Id"

_ENVELOPED = DS + "enveloped-signature"
#: EC2's own tools know nothing but SHA-1.
_SIGNING: dict[str, hashes.HashAlgorithm] = {
    DS + "rsa-sha1": hashes.SHA1(),  # noqa: S303
    MORE + "rsa-sha256": hashes.SHA256(),
    MORE + "rsa-sha384": hashes.SHA384(),
    MORE + "rsa-sha512": hashes.SHA512(),
}
_DIGESTING = {
    DS + "sha1": hashlib.sha1,
    XENC + "sha256": hashlib.sha256,
    MORE + "sha384": hashlib.sha384,
    XENC + "sha512": hashlib.sha512,
}
#: More parts than anybody signs.
_REFERENCES = 32

_find_ids = etree.XPath(
    "//@wsu:Id | //@Id | //@ID | //@xml:id", namespaces={"wsu": WSU}
)


@frozen
class Canonical:
    """
    How an element becomes bytes.

    @ivar prefixes: those whose namespaces are kept though they are not used.
    """

    is_exclusive: bool
    prefixes: tuple[str, ...]

    def bytes_of(self, element: etree._Element) -> bytes:
        return etree.tostring(
            element,
            method="c14n",
            exclusive=self.is_exclusive,
            with_comments=False,
            inclusive_ns_prefixes=self.prefixes or None,
        )


@frozen
class Part:
    """A signed element, and what its digest should be."""

    element: etree._Element
    canonical: Canonical
    compute: Callable[[bytes], Any]
    digest: bytes

    @property
    def is_intact(self) -> bool:
        found = self.compute(self.canonical.bytes_of(self.element)).digest()
        return compare_digest(found, self.digest)


@frozen(kw_only=True)
class Claim:
    """
    What a message says of itself; nothing of it is believed yet.

    @ivar certificate: whose key is said to have signed (DER).
    @ivar value: the signature itself, by which a repetition is known.
    @ivar parts: what the signature covers, if it is good.
    """

    certificate: bytes
    signed_info: etree._Element
    canonical: Canonical
    hash: hashes.HashAlgorithm
    value: bytes
    parts: tuple[Part, ...]
    created: datetime
    expires: datetime | None


# --- reading ----------------------------------------------------------------


def read_claim(envelope: Envelope, headers: Collection[str] = ()) -> Claim:
    """
    @param headers: names of header blocks that must be there, once each, with
        nothing but text, and be signed; Body and Timestamp must be in any case.
    @raise MissingAuthenticationToken: there is no Security header.
    @raise InvalidSecurity: it is not of the form that we take.
    """
    found = envelope.headers(SECURITY)
    if not found:
        raise MissingAuthenticationToken()
    security = _only(found, "Security header")
    signature = _only(list(security.iterchildren(_SIGNATURE)), "Signature")
    stamp = _only(list(security.iterchildren(TIMESTAMP)), "Timestamp")
    ids = _ids(envelope.root)
    signed_info, value, key_info = _parts(signature, _IN_SIGNATURE)
    canonical, hashing, parts = _signed_info(envelope, security, signed_info, ids)
    covered = [part.element for part in parts]
    needed = [(envelope.body, "Body"), (stamp, "Timestamp")]
    for tag in headers:
        name = etree.QName(tag).localname
        block = _only(envelope.headers(tag), name)
        _text(block)
        needed.append((block, name))
    for element, name in needed:
        if element not in covered:
            raise InvalidSecurity(f"The {name} must be signed")
    created, expires = _times(stamp)
    return Claim(
        certificate=_certificate(key_info, security, ids),
        signed_info=signed_info,
        canonical=canonical,
        hash=hashing,
        value=_bytes(value),
        parts=parts,
        created=created,
        expires=expires,
    )


def _only(found: Sequence[etree._Element], what: str) -> etree._Element:
    if len(found) != 1:
        raise InvalidSecurity(f"There must be exactly one {what}")
    return found[0]


def _ids(root: etree._Element) -> dict[str, etree._Element]:
    """Every id there is, of whatever kind: nothing shall have two meanings."""
    ids: dict[str, etree._Element] = {}
    found: Any = _find_ids(root)
    for value in found:
        if value in ids:
            raise InvalidSecurity("An Id occurs twice")
        ids[str(value)] = value.getparent()
    return ids


def _text(element: etree._Element) -> str:
    """
    Its text, and it has nothing else: a comment, which is not signed, would
    cut it short for who reads C{element.text}.
    """
    if len(element):
        raise InvalidSecurity(f"{etree.QName(element).localname} must have text only")
    return element.text or ""


def _children(element: etree._Element) -> list[etree._Element]:
    """The elements in it."""
    return list(element.iterchildren(etree.Element))


def _named(*names: str) -> list[str]:
    return [f"{{{DS}}}{name}" for name in names]


_IN_SIGNATURE = _named("SignedInfo", "SignatureValue", "KeyInfo")
_IN_SIGNED_INFO = _named("CanonicalizationMethod", "SignatureMethod")
_IN_REFERENCE = _named("Transforms", "DigestMethod", "DigestValue")
_REFERENCE, _TRANSFORM = _named("Reference", "Transform")


def _parts(element: etree._Element, names: list[str]) -> list[etree._Element]:
    """The children, which must be those, in that order."""
    children = list(element)
    if [child.tag for child in children] == names:
        return children
    children = _children(element)
    if [child.tag for child in children] != names:
        needed = ", ".join(etree.QName(name).localname for name in names)
        raise InvalidSecurity(f"{etree.QName(element).localname} must have {needed}")
    return children


def _algorithm(element: etree._Element, allowed: Collection[str]) -> str:
    """Its name; it must have no parameters."""
    name = element.get("Algorithm") or ""
    if name not in allowed:
        raise InvalidSecurity(f"The algorithm {name!r} is not taken")
    if len(element) and _children(element):
        raise InvalidSecurity(f"The algorithm {name!r} has parameters")
    return name


_PLAIN = {name: Canonical(name == EXCLUSIVE, ()) for name in (EXCLUSIVE, INCLUSIVE)}


def _canonical(element: etree._Element) -> Canonical:
    """Its only parameter is a list of prefixes, if it is exclusive."""
    if not len(element) or element.get("Algorithm") != EXCLUSIVE:
        return _PLAIN[_algorithm(element, _PLAIN)]
    kept = _only(_children(element), "parameter of a canonicalization")
    if kept.tag != f"{{{EXCLUSIVE}}}InclusiveNamespaces":
        raise InvalidSecurity("A canonicalization has other parameters")
    prefixes = (kept.get("PrefixList") or "").split()
    return Canonical(True, tuple(prefixes))


def _signed_info(
    envelope: Envelope,
    security: etree._Element,
    signed_info: etree._Element,
    ids: dict[str, etree._Element],
) -> tuple[Canonical, hashes.HashAlgorithm, tuple[Part, ...]]:
    count = len(list(signed_info.iterchildren(_REFERENCE)))
    if not 0 < count <= _REFERENCES:
        raise InvalidSecurity("SignedInfo has too few or too many references")
    how, signing, *references = _parts(
        signed_info, [*_IN_SIGNED_INFO, *[_REFERENCE] * count]
    )
    places = (envelope.header, security)
    return (
        _canonical(how),
        _SIGNING[_algorithm(signing, _SIGNING)],
        tuple(_part(each, envelope.body, places, ids) for each in references),
    )


def _part(
    reference: etree._Element,
    body: etree._Element,
    places: tuple[etree._Element | None, ...],
    ids: dict[str, etree._Element],
) -> Part:
    """What a reference is to; it stands where it has a meaning."""
    element = _resolve(reference.get("URI"), ids)
    if element is not body and element.getparent() not in places:
        raise InvalidSecurity("A reference leads to no part of the message")
    transforms, digesting, digest = _parts(reference, _IN_REFERENCE)
    return Part(
        element,
        _transform(transforms),
        _DIGESTING[_algorithm(digesting, _DIGESTING)],
        _bytes(digest),
    )


def _transform(transforms: etree._Element) -> Canonical:
    """
    One canonicalization; before it, perhaps, enveloped-signature, which leaves
    the parts as they are: the signature is in none of them.
    """
    steps = _children(transforms)
    if len(steps) == 2:
        _algorithm(steps.pop(0), (_ENVELOPED,))
    if len(steps) != 1 or steps[0].tag != _TRANSFORM:
        raise InvalidSecurity("A reference must have one canonicalization")
    return _canonical(steps[0])


def _resolve(uri: str | None, ids: dict[str, etree._Element]) -> etree._Element:
    element = ids.get(uri[1:]) if uri is not None and uri[:1] == "#" else None
    if element is None:
        raise InvalidSecurity("A reference leads to no Id of this message")
    return element


def _certificate(
    key_info: etree._Element,
    security: etree._Element,
    ids: dict[str, etree._Element],
) -> bytes:
    holder = _only(_children(key_info), "key in KeyInfo")
    if holder.tag != f"{{{WSSE}}}SecurityTokenReference":
        raise InvalidSecurity("KeyInfo must have a SecurityTokenReference")
    reference = _only(_children(holder), "key reference")
    if reference.tag != f"{{{WSSE}}}Reference":
        raise InvalidSecurity("The key must be given by a direct reference")
    token = _resolve(reference.get("URI"), ids)
    if token.tag != TOKEN or token.getparent() is not security:
        raise InvalidSecurity("The key must be in a BinarySecurityToken")
    if token.get("ValueType") != X509_V3:
        raise InvalidSecurity("The token must be an X509v3 certificate")
    if token.get("EncodingType", BASE64) != BASE64:
        raise InvalidSecurity("The token must be in base64")
    return _bytes(token)


def _bytes(element: etree._Element) -> bytes:
    """
    What is there in base64.  What is none of its characters is skipped: what
    comes out is only ever compared, byte for byte.
    """
    try:
        decoded = a2b_base64(element.text or "")
    except ValueError:
        decoded = b""
    if not decoded:
        raise InvalidSecurity(f"{etree.QName(element).localname} is not base64")
    return decoded


def _times(stamp: etree._Element) -> tuple[datetime, datetime | None]:
    children = _children(stamp)
    if [child.tag for child in children] not in _IN_TIMESTAMP:
        raise InvalidSecurity("The Timestamp must have Created, and may have Expires")
    try:
        created, *expires = [moment(_text(child)) for child in children]
    except NotOfType:
        raise InvalidSecurity("The Timestamp cannot be read") from None
    return created, expires[0] if expires else None


_IN_TIMESTAMP = (
    [f"{{{WSU}}}Created", f"{{{WSU}}}Expires"],
    [f"{{{WSU}}}Created"],
)


# --- judging ----------------------------------------------------------------


def check_signature(claim: Claim) -> None:
    """
    Compute it.  Takes less than a tenth of a millisecond, and more for large
    messages: those in a thread; nothing else may touch the tree meanwhile.

    @raise AuthFailure: the key did not sign this.
    @raise InvalidSecurity: it cannot be computed.
    """
    try:
        public_key(claim.certificate).verify(
            claim.value,
            claim.canonical.bytes_of(claim.signed_info),
            padding.PKCS1v15(),
            claim.hash,
        )
        is_intact = all(part.is_intact for part in claim.parts)
    except (InvalidSignature, UnusableKey):
        raise AuthFailure() from None
    except etree.C14NError:
        # A namespace that is no absolute URI, say.
        raise InvalidSecurity("What is signed cannot be canonicalized") from None
    if not is_intact:
        raise AuthFailure()
