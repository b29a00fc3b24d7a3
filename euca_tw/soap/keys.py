"""Keys as the signer and the verifier need them: parsed once, held in memory."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from typing import Any

import xmlsec
from attrs import field, frozen
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_der_x509_certificate

from euca_tw.common.certificates import CURVES, der_of, fingerprint

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


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


@lru_cache(maxsize=1024)
def public_key(certificate: bytes) -> PublicKey:
    """
    The key of a certificate (DER).  Ask only for certificates that are known:
    strangers shall neither fill the cache nor have their keys parsed.

    @raise UnusableKey: it is no certificate, or neither of an RSA key nor of one
        on the curves P-256, P-384 and P-521.
    """
    try:
        found = load_der_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as e:
        raise UnusableKey(str(e)) from None
    if isinstance(found, rsa.RSAPublicKey):
        return found
    if isinstance(found, ec.EllipticCurvePublicKey) and isinstance(found.curve, CURVES):
        return found
    raise UnusableKey("The certificate is of a kind of key that is not taken")
