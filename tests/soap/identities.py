"""Keys for tests, made once in a run."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from functools import cache

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


def _certificate(
    name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, serial: int
) -> Certificate:
    subject = Name([NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .add_extension(SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
