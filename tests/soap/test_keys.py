"""Tests for L{euca_tw.soap.keys}."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import CertificateBuilder, Name
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.certificates import der_of, fingerprint
from euca_tw.soap.keys import UnusableKey, load_identity, public_key
from tests.soap.identities import NOW, elliptic, identity, pair


def certificate_of(key: ed25519.Ed25519PrivateKey) -> bytes:
    """One that is fit for nothing that signs XML."""
    made = (
        CertificateBuilder()
        .subject_name(Name([]))
        .issuer_name(Name([]))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW)
        .not_valid_after(NOW)
        .sign(key, None)
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
        """RSA keys of certificates are of use, and those on three curves."""
        for curve in (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1):
            found = public_key(elliptic("alice", curve).certificate)
            assert isinstance(found, ec.EllipticCurvePublicKey)
            self.assertIsInstance(found.curve, curve)
        found = public_key(identity("alice").certificate)
        self.assertIsInstance(found, rsa.RSAPublicKey)
        for certificate in (
            b"",
            b"\x30\x00",
            elliptic("alice", ec.SECP256K1).certificate,
            certificate_of(ed25519.Ed25519PrivateKey.generate()),
        ):
            self.assertRaises(UnusableKey, public_key, certificate)

    def test_elliptic_identity(self) -> None:
        """We sign by RSA alone: a key of another kind is not taken for ours."""
        key = ec.generate_private_key(ec.SECP256R1())
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        refusal = self.assertRaises(
            UnusableKey, load_identity, pem, pair("alice").certificate_pem
        )
        self.assertIn("RSA", str(refusal))
