"""Tests for L{euca_tw.soap.keys}."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import CertificateBuilder, Name
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.certificates import der_of, fingerprint
from euca_tw.soap.keys import UnusableKey, load_identity, public_key
from tests.soap.identities import NOW, pair


def elliptic() -> bytes:
    """A certificate of another kind of key."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        CertificateBuilder()
        .subject_name(Name([]))
        .issuer_name(Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.DER)


class KeyTests(SynchronousTestCase):
    def test_identity(self) -> None:
        """An identity has its certificate and fingerprint, and hides its key."""
        alice = pair("alice")
        found = load_identity(alice.key_pem, alice.certificate_pem)
        self.assertEqual(found.certificate, der_of(alice.certificate_pem))
        self.assertEqual(found.fingerprint, fingerprint(found.certificate))
        self.assertEqual(repr(found), f"Identity(fingerprint='{found.fingerprint}')")

    def test_unusable(self) -> None:
        """What is no key, no certificate, or not of one pair is refused."""
        alice, bob = pair("alice"), pair("bob")
        for key, certificate in (
            (b"", alice.certificate_pem),
            (alice.key_pem, b""),
            (alice.key_pem, alice.key_pem),
            (alice.key_pem, bob.certificate_pem),
        ):
            self.assertRaises(UnusableKey, load_identity, key, certificate)

    def test_public_keys(self) -> None:
        """Only RSA keys of certificates are of use."""
        for certificate in (b"", b"\x30\x00", elliptic()):
            self.assertRaises(UnusableKey, public_key, certificate)
