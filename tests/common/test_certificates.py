"""Tests for L{euca_tw.common.certificates}."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.certificates import der_of, fingerprint, make_certificate

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class CertificateTests(SynchronousTestCase):
    def test_key_and_certificate_belong_together(self) -> None:
        """The certificate is for the key, signed by it, and names its holder."""
        made = make_certificate("admin", NOW, 365)
        key = serialization.load_pem_private_key(made.key_pem, None)
        certificate = x509.load_pem_x509_certificate(made.certificate_pem)
        assert isinstance(key, rsa.RSAPrivateKey)
        self.assertEqual(certificate.public_key(), key.public_key())
        self.assertEqual(certificate.subject.rfc4514_string(), "CN=admin")
        certificate.verify_directly_issued_by(certificate)

    def test_validity(self) -> None:
        """It is valid for so many days, and for clocks that are behind."""
        made = make_certificate("admin", NOW, 365)
        certificate = x509.load_pem_x509_certificate(made.certificate_pem)
        self.assertEqual(certificate.not_valid_before_utc, NOW - timedelta(days=1))
        self.assertEqual(certificate.not_valid_after_utc, NOW + timedelta(days=365))

    def test_forms(self) -> None:
        """DER says what PEM does, and a fingerprint is of DER."""
        made = make_certificate("admin", NOW, 1)
        der = der_of(made.certificate_pem)
        self.assertEqual(
            x509.load_der_x509_certificate(der),
            x509.load_pem_x509_certificate(made.certificate_pem),
        )
        self.assertRegex(fingerprint(der), "^[0-9a-f]{64}$")

    def test_key_is_not_shown(self) -> None:
        """Its repr tells the certificate's fingerprint and no key."""
        made = make_certificate("admin", NOW, 1)
        self.assertEqual(
            repr(made),
            f"<KeyAndCertificate {fingerprint(der_of(made.certificate_pem))}>",
        )
