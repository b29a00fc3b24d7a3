"""Keys for tests, made once in a run."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache
from hashlib import shake_256

import xmlsec
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import (
    Certificate,
    CertificateBuilder,
    Name,
    NameAttribute,
    SubjectKeyIdentifier,
)
from cryptography.x509.oid import NameOID

from euca_tw.common.certificates import (
    KeyAndCertificate,
    fingerprint,
    make_certificate,
)
from euca_tw.soap.keys import Identity, load_identity

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@cache
def pair(name: str) -> KeyAndCertificate:
    return make_certificate(name, NOW, 365)


@cache
def identity(name: str) -> Identity:
    made = pair(name)
    return load_identity(made.key_pem, made.certificate_pem)


@cache
def twin(name: str) -> Identity:
    """One of those that have certificates of their own, and one key."""
    key = load_pem_private_key(pair("twins").key_pem, None)
    assert isinstance(key, rsa.RSAPrivateKey)
    made = _certificate(name, key, 2 if name == "tom" else 3)
    pem = made.public_bytes(serialization.Encoding.PEM)
    return load_identity(pair("twins").key_pem, pem)


@cache
def elliptic(name: str, curve: type[ec.EllipticCurve] = ec.SECP256R1) -> Identity:
    """One whose key is not RSA, which only users have."""
    key = ec.generate_private_key(curve())
    der = _certificate(name, key, 1).public_bytes(serialization.Encoding.DER)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Identity(
        certificate=der,
        token=b64encode(der).decode(),
        key=xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem, None),
        fingerprint=fingerprint(der),
    )


@cache
def rsa_of(bits: int, exponent: int = 65537) -> rsa.RSAPublicKey:
    """A key of any size, which nobody has the other half of."""
    digits = bytearray(shake_256(b"odd").digest(bits // 8))
    digits[0] |= 0x80
    digits[-1] |= 1
    return rsa.RSAPublicNumbers(exponent, int.from_bytes(digits)).public_key()


@cache
def rsa_certificate(bits: int, exponent: int = 65537) -> bytes:
    """The certificate (DER) of such a key, signed by another."""
    key, by = rsa_of(bits, exponent), ec.generate_private_key(ec.SECP256R1())
    made = _certificate("odd", key, 1, by=by)
    return made.public_bytes(serialization.Encoding.DER)


def _certificate(
    name: str,
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPublicKey,
    serial: int,
    *,
    by: ec.EllipticCurvePrivateKey | None = None,
) -> Certificate:
    public = key if isinstance(key, rsa.RSAPublicKey) else key.public_key()
    signer = key if by is None else by
    assert not isinstance(signer, rsa.RSAPublicKey)
    subject = Name([NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(serial)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .add_extension(SubjectKeyIdentifier.from_public_key(public), False)
        .sign(signer, hashes.SHA256())
    )
