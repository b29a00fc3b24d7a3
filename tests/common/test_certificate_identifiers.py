"""Tests for L{euca_tw.common.certificate_identifiers}."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha1

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.certificate_identifiers import (
    IssuerSerial,
    SubjectKeyIdentifier,
    Thumbprint,
    identifiers_of,
)
from euca_tw.common.certificates import der_of, make_certificate
from euca_tw.common.distinguished_names import parse_name

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


OID_OF_SKI = ExtensionOID.SUBJECT_KEY_IDENTIFIER


def bare(*extensions: x509.ExtensionType) -> bytes:
    """A certificate with no other extensions."""
    key = ed25519.Ed25519PrivateKey.generate()
    name = x509.Name([])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    return builder.sign(key, None).public_bytes(Encoding.DER)


class IdentifiersTests(SynchronousTestCase):
    def test_all(self) -> None:
        """A certificate of ours is called by its key, its bytes and its issuer."""
        der = der_of(make_certificate("alice", NOW, 365).certificate_pem)
        certificate = x509.load_der_x509_certificate(der)
        key = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key())
        self.assertEqual(
            set(identifiers_of(der)),
            {
                SubjectKeyIdentifier(key.digest),
                Thumbprint(sha1(der).digest()),
                IssuerSerial(parse_name("CN=alice"), certificate.serial_number),
            },
        )

    def test_without_extension(self) -> None:
        """One that does not say its key's identifier is called by the others."""
        der = bare()
        self.assertEqual(
            set(identifiers_of(der)),
            {Thumbprint(sha1(der).digest()), IssuerSerial((), 7)},
        )

    def test_unreadable_extension(self) -> None:
        """So is one whose extension says nothing that can be read."""
        der = bare(x509.UnrecognizedExtension(OID_OF_SKI, b"\xff"))
        self.assertEqual(len(identifiers_of(der)), 2)

    def test_kinds(self) -> None:
        """The same bytes in two roles are two identifiers."""
        self.assertNotEqual(Thumbprint(b"x"), SubjectKeyIdentifier(b"x"))

    def test_none(self) -> None:
        """What is no certificate is refused."""
        for der in (b"", b"\x30\x00", bare()[:-1]):
            self.assertRaises(ValueError, identifiers_of, der)
