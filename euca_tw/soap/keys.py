"""Keys as the signer and the verifier need them: parsed once, held in memory."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from typing import Any

import xmlsec
from attrs import field, frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_der_x509_certificate

from euca_tw.common.certificates import (
    KEYS,
    PublicKey,
    der_of,
    fingerprint,
    fingerprint_of_key,
    is_taken,
)

__all__ = [
    "Identity",
    "PublicKey",
    "UnusableKey",
    "key_fingerprint",
    "load_identity",
    "public_key",
]


class UnusableKey(Exception):
    """The text says what is wrong with it; no key is in it."""


@frozen(kw_only=True)
class Identity:
    """
    Who we are to our peers.

    @ivar certificate: its bytes (DER), by which peers know us.
    @ivar token: the same, in base64.
    """

    certificate: bytes = field(repr=False)
    token: str = field(repr=False)
    key: Any = field(repr=False)
    fingerprint: str


def load_identity(key_pem: bytes, certificate_pem: bytes) -> Identity:
    """
    What we sign with is RSA.

    @raise UnusableKey: one is unreadable or of another kind, or they do not
        belong together.
    """
    try:
        private = load_pem_private_key(key_pem, None)
        certificate = der_of(certificate_pem)
    except (ValueError, TypeError, UnsupportedAlgorithm) as e:
        raise UnusableKey(str(e)) from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise UnusableKey("The key is not an RSA key")
    if private.public_key() != public_key(certificate):
        raise UnusableKey("The key does not belong to the certificate")
    return Identity(
        certificate=certificate,
        token=b64encode(certificate).decode(),
        key=xmlsec.Key.from_memory(key_pem, xmlsec.constants.KeyDataFormatPem, None),
        fingerprint=fingerprint(certificate),
    )


def public_key(certificate: bytes) -> PublicKey:
    """
    The key of a certificate (DER).  Ask only for certificates that are known:
    strangers shall neither fill the cache nor have their keys parsed.

    @raise UnusableKey: it is no certificate, or of no key that
        L{is taken<euca_tw.common.certificates.is_taken>}: for each of those there
        is a decoy that takes as long (L{euca_tw.soap.decoys}).
    """
    found = _key_or_reason(certificate)
    if isinstance(found, str):
        raise UnusableKey(found)
    return found


@lru_cache(maxsize=1024)
def _key_or_reason(certificate: bytes) -> PublicKey | str:
    """What is of no use is remembered, too: it shall not take longer."""
    try:
        found = load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as e:
        return str(e)
    return found if is_taken(found) else f"The certificate's key is not of {KEYS}"


@lru_cache(maxsize=1024)
def key_fingerprint(certificate: bytes) -> bytes:
    """
    What tells the key of a certificate from all others: certificates of one key
    have the same.  To be asked of the same ones as L{public_key}.

    @raise UnusableKey: as there.
    """
    return fingerprint_of_key(public_key(certificate))
