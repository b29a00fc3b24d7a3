"""Tests of L{euca_tw.soap.decoys}, and of what is checked by them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import evolve
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import AuthFailure
from euca_tw.common.certificates import RSA_BITS, is_taken
from euca_tw.soap import algorithms, decoys
from euca_tw.soap.algorithms import MORE, WITHOUT_SHA1
from euca_tw.soap.decoys import decoy, is_out_of_range
from euca_tw.soap.envelope import read
from euca_tw.soap.keys import PublicKey, UnusableKey, public_key
from euca_tw.soap.wsse import check_signature, read_claim
from tests.soap.identities import rsa_certificate, rsa_of
from tests.soap.messages import message

RSA = WITHOUT_SHA1.signing[MORE + "rsa-sha256"]
ECDSA = WITHOUT_SHA1.signing[MORE + "ecdsa-sha256"]
CURVES = {64: ec.SECP256R1, 96: ec.SECP384R1, 132: ec.SECP521R1}
SIGNED = b"signed"


def raw(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A good signature, as XML has it."""
    size = (key.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(SIGNED, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(size) + s.to_bytes(size)


class DecoyTests(SynchronousTestCase):
    """Which key stands for nobody's."""

    def test_kind_and_size(self) -> None:
        """It is of the kind and the size of the signature."""
        for bits in RSA_BITS:
            size = bits // 8
            found = decoy(False, size)
            self.assertIsInstance(found, rsa.RSAPublicKey)
            self.assertEqual(found.key_size, 8 * size)
            self.assertIs(decoy(False, size), found)
        for size, curve in CURVES.items():
            found = decoy(True, size)
            assert isinstance(found, ec.EllipticCurvePublicKey)
            self.assertIsInstance(found.curve, curve)

    def test_other_sizes(self) -> None:
        """
        For what no key has made that is taken there is one all the same; so there
        are no keys of such sizes, which would be told from it.
        """
        for size in (0, 1, 128, 255, 257, 288, 1024, 2048, 10_000):
            self.assertEqual(decoy(False, size).key_size, 2048)
            self.assertEqual(decoy(True, size).key_size, 256)
        for bits in (1024, 2304, 8192, 16384):
            stored = rsa_certificate(bits)
            self.assertRaises(UnusableKey, public_key, stored)
            self.assertFalse(is_taken(rsa_of(bits)))

    def test_range(self) -> None:
        """No signature is too large a number for it; for another's, some are."""
        for size in (256, 384, 512):
            self.assertFalse(is_out_of_range(decoy(False, size), b"\xfe" * size))
        key = rsa.generate_private_key(65537, 2048).public_key()
        modulus = key.public_numbers().n
        self.assertFalse(is_out_of_range(key, (modulus - 1).to_bytes(256)))
        self.assertTrue(is_out_of_range(key, modulus.to_bytes(256)))
        self.assertFalse(is_out_of_range(decoy(True, 64), b"\xff" * 64))


class VerifyTests(SynchronousTestCase):
    """What is computed for whom."""

    def setUp(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.wrong = self.key.sign(b"x", padding.PKCS1v15(), hashes.SHA256())

    @contextmanager
    def computed(self) -> Iterator[list[PublicKey]]:
        """The keys that signatures are computed with."""
        found: list[PublicKey] = []
        method = algorithms.SignatureMethod
        really = method._verify

        def verify(self, key: PublicKey, signature: bytes, signed: bytes) -> None:
            found.append(key)
            really(self, key, signature, signed)

        patch = self.patch(method, "_verify", verify)
        yield found
        patch.restore()

    def test_right(self) -> None:
        """For a signature that is right no decoy is needed."""
        good = self.key.sign(SIGNED, padding.PKCS1v15(), hashes.SHA256())
        with self.computed() as found:
            RSA.verify(self.key.public_key(), good, SIGNED)
        self.assertEqual(found, [self.key.public_key()])

    def test_nobody(self) -> None:
        """As much is computed for nobody as for somebody."""
        elliptic = ec.generate_private_key(ec.SECP256R1())
        for method, key, signature in (
            (RSA, self.key.public_key(), self.wrong),
            (ECDSA, elliptic.public_key(), b"\1" * 64),
        ):
            for one in (key, None):
                with self.computed() as found:
                    self.assertRaises(
                        InvalidSignature, method.verify, one, signature, SIGNED
                    )
                [with_key] = found
                self.assertIs(type(with_key), type(key))
                self.assertEqual(with_key.key_size, key.key_size)

    def test_stored_size(self) -> None:
        """
        For a certificate that is known, of a key of no size that is taken, as much
        is computed as for nobody, by signatures of any size.
        """
        for bits in (1024, 2304, 16384):
            certificate = rsa_certificate(bits)
            for size in (bits // 8, 256):
                claim = read_claim(read(message())).of(certificate)
                claim = evolve(claim, signature=b"\1" * size)
                times = []
                for is_known in (True, False):
                    with self.computed() as found:
                        self.assertRaises(
                            AuthFailure, check_signature, claim, is_known=is_known
                        )
                    self.assertEqual({*map(id, found)}, {id(decoy(False, 256))})
                    times.append(len(found))
                self.assertEqual(times[0], times[1])

    def test_other_kind(self) -> None:
        """A key of another kind or size is never used: its decoy is."""
        elliptic = ec.generate_private_key(ec.SECP256R1()).public_key()
        larger = ec.generate_private_key(ec.SECP384R1()).public_key()
        for method, key, signature in (
            (RSA, elliptic, self.wrong),
            (RSA, self.key.public_key(), self.wrong * 2),
            (ECDSA, self.key.public_key(), b"\1" * 64),
            (ECDSA, larger, b"\1" * 64),
            (ECDSA, elliptic, b"\1" * 96),
        ):
            with self.computed() as found:
                self.assertRaises(
                    InvalidSignature, method.verify, key, signature, SIGNED
                )
            self.assertEqual(found, [decoy(method.is_elliptic, len(signature))])

    def test_out_of_range(self) -> None:
        """What a key need not compute, since no number is as large, a decoy does."""
        with self.computed() as found:
            self.assertRaises(
                InvalidSignature, RSA.verify, self.key.public_key(), b"\xff" * 256, b""
            )
        self.assertEqual(found, [self.key.public_key(), decoy(False, 256)])

    def test_decoy_is_not_believed(self) -> None:
        """Even a signature that is right by a decoy is wrong."""
        for size, curve in CURVES.items():
            number = int.from_bytes(decoys.shake_256(b"nobody").digest(16))
            private = ec.derive_private_key(number, curve())
            self.assertEqual(private.public_key(), decoy(True, size))
            self.assertRaises(
                InvalidSignature, ECDSA.verify, None, raw(private), SIGNED
            )
            ECDSA.verify(private.public_key(), raw(private), SIGNED)
