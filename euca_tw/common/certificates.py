"""
Keys and self-signed X.509 certificates.

Users sign SOAP requests with them, and the tiers sign all that they say to each
other.  There is no authority above: a certificate is known or it is not, byte
for byte, so nothing in it is believed but the key.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TypeGuard

from attrs import frozen
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.x509.oid import NameOID

#: RSA, since that is all that EC2's SOAP clients can sign with.
KEY_BITS = 2048

#: What users' own keys may be.  Few sizes, so that what a signature by one costs
#: is known, and is no more than some tenths of a millisecond.
RSA_BITS = (2048, 3072, 4096)
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_EXPONENT_BITS = 32
KEYS = (
    "RSA with 2048, 3072 or 4096 bits and an exponent below 2^32, or on P-256, P-384 "
    "or P-521"
)

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@frozen(kw_only=True)
class KeyAndCertificate:
    """A private key (PKCS #8, not encrypted) and its certificate, as PEM."""

    key_pem: bytes
    certificate_pem: bytes

    def __repr__(self) -> str:
        """Keys are kept out of logs."""
        return f"<{type(self).__name__} {fingerprint(der_of(self.certificate_pem))}>"


def make_certificate(common_name: str, now: datetime, days: int) -> KeyAndCertificate:
    """
    Make a new key and its self-signed certificate, valid from a day before
    C{now} (clocks differ) until C{days} after it.  Takes a tenth of a second
    or a few: call it in a thread where a reactor runs.
    """
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    public = key.public_key()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(public)
        .serial_number(_serial(public))
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(public), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    return KeyAndCertificate(
        key_pem=key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        certificate_pem=certificate.public_bytes(serialization.Encoding.PEM),
    )


def _serial(public: rsa.RSAPublicKey) -> int:
    """As unique as the key itself; at most 159 bits, and positive."""
    return (int.from_bytes(fingerprint_of_key(public)[:19]) >> 1) + 1


def der_of(certificate_pem: bytes) -> bytes:
    """
    The bytes that a PEM text encodes.

    @raise ValueError: it is no certificate.
    """
    return x509.load_pem_x509_certificate(certificate_pem).public_bytes(
        serialization.Encoding.DER
    )


def usable_certificate(pem: bytes, now: datetime) -> bytes:
    """
    A certificate that its owner made himself, as PEM and nothing else.

    @raise ValueError: it is none, of a kind of key that signs nothing here, or
        not valid at the moment; the text says which.
    """
    try:
        certificate = x509.load_pem_x509_certificate(pem)
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("it is no certificate in PEM") from None
    if not is_taken(key):
        raise ValueError(f"its key is not of {KEYS}")
    first, last = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not first <= now <= last:
        raise ValueError(f"it is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d} only")
    return certificate.public_bytes(serialization.Encoding.PEM)


def is_taken(key: object) -> TypeGuard[PublicKey]:
    """Whether it is a public key of L{KEYS}."""
    if isinstance(key, rsa.RSAPublicKey):
        exponent = key.public_numbers().e
        return key.key_size in RSA_BITS and exponent.bit_length() <= _EXPONENT_BITS
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES)


@lru_cache(maxsize=1024)
def validity(certificate_der: bytes) -> tuple[datetime, datetime]:
    """
    From when until when a certificate is good, both included.  Ask only for
    those that are known, as strangers shall not fill the cache.

    @raise ValueError: it is no certificate.
    """
    found = x509.load_der_x509_certificate(certificate_der)
    return found.not_valid_before_utc, found.not_valid_after_utc


def fingerprint_of_key(key: CertificatePublicKeyTypes) -> bytes:
    """SHA-256 over it, in the one form (SubjectPublicKeyInfo) that each key has."""
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return sha256(der).digest()


def key_fingerprint_of(certificate_der: bytes) -> bytes:
    """
    Of the key of a certificate, of whatever kind.

    @raise ValueError: it is none, or its key cannot be read.
    """
    try:
        key = x509.load_der_x509_certificate(certificate_der).public_key()
    except UnsupportedAlgorithm as error:
        raise ValueError(str(error)) from None
    return fingerprint_of_key(key)


def fingerprint(certificate_der: bytes) -> str:
    """SHA-256 over a certificate's bytes, lower-case hex."""
    return sha256(certificate_der).hexdigest()
