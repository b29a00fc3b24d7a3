"""Tests for L{euca_tw.soap.keys}."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509 import (
    Certificate,
    CertificateBuilder,
    Name,
    load_der_x509_certificate,
)
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.certificates import der_of, fingerprint
from euca_tw.soap import keys
from euca_tw.soap.keys import (
    UnusableKey,
    key_fingerprint,
    load_identity,
    public_key,
)
from tests.soap.identities import (
    NOW,
    elliptic,
    identity,
    pair,
    rsa_certificate,
    rsa_of,
    twin,
)


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

    def test_sizes(self) -> None:
        """
        Of RSA keys some sizes are of use, and no large exponents: what a signature
        costs is known.
        """
        for bits, exponent in ((2048, 3), (3072, 65537), (4096, 2**32 - 1)):
            key = rsa_of(bits, exponent)
            self.assertEqual(public_key(rsa_certificate(bits, exponent)), key)
        for bits, exponent in (
            (1024, 65537),
            (2040, 65537),
            (2304, 65537),
            (8192, 65537),
            (16384, 65537),
            (2048, 2**32 + 1),
            (2048, 2**2040 + 1),
        ):
            refusal = self.assertRaises(
                UnusableKey, public_key, rsa_certificate(bits, exponent)
            )
            self.assertIn("2048, 3072 or 4096 bits", str(refusal))
        # By 1 anybody could sign; such a key cannot be made here, but be in a file.
        good = rsa_certificate(2048, 3)
        end = b"\2\1\3\xa3"
        self.assertEqual(good.count(end), 1)
        for exponent in (1, 2, 4):
            bad = good.replace(end, b"\2\1" + bytes([exponent]) + b"\xa3")
            refusal = self.assertRaises(UnusableKey, public_key, bad)
            self.assertRegex(str(refusal), "^e must be (>= 3|odd)")

    def test_read_once(self) -> None:
        """
        A certificate is read once, though it be of no use: how long that takes
        shall not tell that it is known.
        """
        read: list[bytes] = []

        def reading(certificate: bytes) -> Certificate:
            read.append(certificate)
            return load_der_x509_certificate(certificate)

        self.patch(keys, "load_der_x509_certificate", reading)
        certificate = rsa_certificate(2304, 5)
        for _ in range(3):
            self.assertRaises(UnusableKey, public_key, certificate)
        self.assertEqual(read, [certificate])

    def test_key_fingerprint(self) -> None:
        """Certificates of one key have the same, and no others."""
        tom, tim, alice, ellen = (
            key_fingerprint(each.certificate)
            for each in (twin("tom"), twin("tim"), identity("alice"), elliptic("ellen"))
        )
        self.assertEqual(tom, tim)
        self.assertEqual(len({tom, alice, ellen}), 3)
        self.assertEqual(len(tom), 32)
        self.assertRaises(UnusableKey, key_fingerprint, b"")

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
