"""
WS-Security 1.0 with X.509 signatures, on the raw tree.

Pure: no I/O, no clock, no opinion on who may call.  A verifier must not only
know that I{something} was signed, but that what is run, and the time by which it
is judged, were.  So verification goes in steps, each of which believes only what
the one before has shown:

    1. L{read_claim} finds the parts where they must stand (never by id alone),
       refuses any form that is not on the short list below, and resolves each
       reference, once, to the element itself.
    2. The caller decides whether it knows the certificate, which it may have to
       find first (L{Claim.identifier}); a stranger's key is never used.  Who shall
       not be told that he is one is judged by a key that is nobody's.
    3. L{check_signature} computes digests and signature of the elements resolved
       in step 1.
    4. L{euca_tw.soap.freshness} judges the (now signed) Timestamp.

The list: one Security header; one Timestamp; one Signature, whose key is given in
one of the forms of L{euca_tw.soap.key_info}; canonicalization exclusive or plain,
without comments; the algorithms of L{euca_tw.soap.algorithms}; references to
elements of this message by C{#id}.  No HMAC, no XPath, no XSLT, no external or
empty URI, no KeyValue, no Manifest.

Signing (L{euca_tw.soap.signing}) is xmlsec's.  We verify without it, by libxml2's
canonicalization (which is xmlsec's too) and C{cryptography}: once all form is
known, what is left are some lines; they take a fifth of xmlsec's time; and no id,
key or transform can be found in a message by any other code than the steps above.
Tests hold it against xmlsec and against the messages of other stacks.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from attrs import evolve, frozen
from cryptography.exceptions import InvalidSignature
from lxml import etree

from euca_tw.api.errors import (
    AuthFailure,
    InvalidSecurity,
    MissingAuthenticationToken,
)
from euca_tw.api.scalars import NotOfType, moment
from euca_tw.common.certificate_identifiers import CertificateIdentifier
from euca_tw.soap.algorithms import (
    ALL,
    MORE,
    WITHOUT_SHA1,
    XENC,
    Algorithms,
)
from euca_tw.soap.elements import (
    BASE64,
    DS,
    ID,
    SECURITY,
    TIMESTAMP,
    TOKEN,
    WSSE,
    WSU,
    X509_V3,
    check_few,
    children,
    decoded,
    named,
    only,
    parts,
    text_of,
)
from euca_tw.soap.envelope import Envelope
from euca_tw.soap.key_info import read_key_info
from euca_tw.soap.keys import PublicKey, UnusableKey, public_key
from euca_tw.soap.signed_info import (
    EXCLUSIVE,
    INCLUSIVE,
    Canonical,
    Part,
    SignedInfo,
    read_signed_info,
)

#: The names of the standards are had from here too.
__all__ = [
    "BASE64",
    "DS",
    "EXCLUSIVE",
    "ID",
    "INCLUSIVE",
    "MORE",
    "NOBODYS",
    "OF_PEERS",
    "OF_USERS",
    "SECURITY",
    "TIMESTAMP",
    "TOKEN",
    "WSSE",
    "WSU",
    "X509_V3",
    "XENC",
    "Canonical",
    "Claim",
    "Forms",
    "Part",
    "check_signature",
    "read_claim",
]

[_SIGNATURE] = named("Signature")
_IN_SIGNATURE = named("SignedInfo", "SignatureValue", "KeyInfo")
_UNSIGNED = "The {} must be signed"
_NOT_CANONICAL = "What is signed cannot be canonicalized"


@frozen(kw_only=True)
class Forms:
    """
    What is taken of what the standards allow.

    @ivar takes_sha1: in signatures and digests.
    @ivar takes_identifiers: whether the certificate need not be in a token; see
        L{euca_tw.soap.key_info}.
    """

    takes_sha1: bool = True
    takes_identifiers: bool = False

    @property
    def algorithms(self) -> Algorithms:
        return ALL if self.takes_sha1 else WITHOUT_SHA1


OF_PEERS = Forms()
OF_USERS = Forms(takes_identifiers=True)


#: The certificate of no signature that is right.
NOBODYS = b""


@frozen(kw_only=True)
class Claim:
    """
    What a message says of itself; nothing of it is believed yet.

    @ivar certificate: whose key is said to have signed (DER); L{NOBODYS} if the
        message has only an C{identifier} of it.
    @ivar identifier: by which to find the certificate; see L{of}.
    @ivar value: what of the signature nobody else can change, by which a
        repetition is known.
    """

    certificate: bytes
    identifier: CertificateIdentifier | None = None
    signed_info: SignedInfo
    signature: bytes
    value: bytes
    created: datetime
    expires: datetime | None

    @property
    def parts(self) -> Sequence[Part]:
        """What the signature covers, if it is good."""
        return self.signed_info.parts

    def of(self, certificate: bytes) -> Claim:
        """The same, now that the certificate was found."""
        return evolve(self, certificate=certificate)


# --- reading ----------------------------------------------------------------


def read_claim(
    envelope: Envelope, headers: Collection[str] = (), forms: Forms = OF_PEERS
) -> Claim:
    """
    @param headers: names of header blocks that must be there, once each, with
        nothing but text, and be signed; Body and Timestamp must be in any case.
    @param forms: the strictest that all can do with, unless told.
    @raise MissingAuthenticationToken: there is no Security header.
    @raise InvalidSecurity: it is not of the form that we take.
    """
    found = envelope.headers(SECURITY)
    if not found:
        raise MissingAuthenticationToken()
    security = only(found, "Security header")
    check_few(security)
    blocks = [(block.tag, block) for block in security]
    signature = only([b for tag, b in blocks if tag == _SIGNATURE], "Signature")
    stamp = only([b for tag, b in blocks if tag == TIMESTAMP], "Timestamp")
    ids = ids_of(envelope)
    what, value, key_info = parts(signature, _IN_SIGNATURE)
    try:
        signed_info = read_signed_info(envelope, security, what, ids, forms.algorithms)
    except etree.C14NError:
        raise InvalidSecurity(_NOT_CANONICAL) from None
    covered = [part.element for part in signed_info.parts]
    if envelope.body not in covered:
        raise InvalidSecurity(_UNSIGNED.format("Body"))
    if stamp not in covered:
        raise InvalidSecurity(_UNSIGNED.format("Timestamp"))
    for tag in headers:
        name = etree.QName(tag).localname
        block = only(envelope.headers(tag), name)
        text_of(block)
        if block not in covered:
            raise InvalidSecurity(_UNSIGNED.format(name))
    created, expires = _times(stamp)
    key = read_key_info(key_info, security, ids, is_direct=not forms.takes_identifiers)
    signature_value = decoded(value)
    return Claim(
        certificate=key if isinstance(key, bytes) else NOBODYS,
        identifier=None if isinstance(key, bytes) else key,
        signed_info=signed_info,
        signature=signature_value,
        value=signed_info.method.unrepeatable(signature_value),
        created=created,
        expires=expires,
    )


def ids_of(envelope: Envelope) -> dict[str, etree._Element]:
    """Nothing shall have two meanings."""
    ids = dict(envelope.ids)
    if len(ids) != len(envelope.ids):
        raise InvalidSecurity("An Id occurs twice")
    return ids


def _times(stamp: etree._Element) -> tuple[datetime, datetime | None]:
    inner = list(stamp)
    if [child.tag for child in inner] not in _IN_TIMESTAMP:
        inner = children(stamp)
    if [child.tag for child in inner] not in _IN_TIMESTAMP:
        raise InvalidSecurity("The Timestamp must have Created, and may have Expires")
    try:
        created, *expires = [moment(text_of(child)) for child in inner]
    except NotOfType:
        raise InvalidSecurity("The Timestamp cannot be read") from None
    return created, expires[0] if expires else None


_IN_TIMESTAMP = (
    [f"{{{WSU}}}Created", f"{{{WSU}}}Expires"],
    [f"{{{WSU}}}Created"],
)


# --- judging ----------------------------------------------------------------


def check_signature(claim: Claim, *, is_known: bool = True) -> None:
    """
    Compute it.  Takes less than a tenth of a millisecond, and more for large
    messages: those in a thread; nothing else may touch the tree meanwhile.

    @param is_known: whether the certificate is one whose key may be used.  If it
        is not, this takes as long as for a known one whose signature is wrong.
    @raise AuthFailure: the key did not sign this, or is not known.
    @raise InvalidSecurity: it cannot be computed.
    """
    try:
        claim.signed_info.method.verify(
            _key_of(claim.certificate) if is_known else None,
            claim.signature,
            claim.signed_info.canonical,
        )
        is_intact = all(part.is_intact for part in claim.parts)
    except InvalidSignature:
        raise AuthFailure() from None
    except etree.C14NError:
        # A namespace that is no absolute URI, say.
        raise InvalidSecurity(_NOT_CANONICAL) from None
    if not is_intact:
        raise AuthFailure()
    claim.signed_info.remember()


def _key_of(certificate: bytes) -> PublicKey | None:
    try:
        return public_key(certificate)
    except UnusableKey:
        return None
