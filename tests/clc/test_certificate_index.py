"""Tests for L{euca_tw.clc.certificate_index} and who asks it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from attrs import evolve
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.callers import StoredCertificates
from euca_tw.common.certificate_identifiers import (
    SubjectKeyIdentifier,
    Thumbprint,
    identifiers_of,
)
from euca_tw.common.certificates import der_of, fingerprint
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import UserCertificate
from euca_tw.store.interfaces import Delete, Put
from euca_tw.store.memory import MemoryStore

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ACCOUNT = AccountId("1" * 12)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def record(
    key: ec.EllipticCurvePrivateKey,
    issuer: str = "CN=a",
    serial: int = 1,
    days: int = 1,
) -> UserCertificate:
    """A certificate of a key."""
    name = x509.Name.from_rfc4514_string(issuer)
    pem = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(NOW)
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
        )
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    return UserCertificate(
        fingerprint=fingerprint(der_of(pem)), pem=pem.decode(), account_id=ACCOUNT
    )


def der(certificate: UserCertificate) -> bytes:
    return der_of(certificate.pem.encode())


class IndexTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = MemoryStore()
        self.certificates = StoredCertificates(self.store, Clock())

    def keep(self, *records: UserCertificate) -> None:
        self.successResultOf(self.store.commit(*map(Put, records)))

    def forget(self, certificate: UserCertificate) -> None:
        gone = Delete(UserCertificate, certificate.fingerprint)
        self.successResultOf(self.store.commit(gone))

    def found(self, certificate: UserCertificate) -> list[bytes | None]:
        """What is found by each of its identifiers."""
        return [
            self.certificates.certificate_of(each)
            for each in identifiers_of(der(certificate))
        ]

    def assertFound(self, *records: UserCertificate) -> None:
        for each in records:
            self.assertEqual(self.found(each), [der(each)] * 3)

    def assertUnknown(self, *records: UserCertificate) -> None:
        for each in records:
            self.assertEqual(self.found(each), [None] * 3)

    def test_found(self) -> None:
        """A certificate is found by all that stands for it, also a later one."""
        first, second = record(new_key()), record(new_key(), serial=2)
        self.keep(first)
        self.assertFound(first)
        self.assertUnknown(second)
        self.keep(second)
        self.assertFound(first, second)

    def test_refreshed(self) -> None:
        """It may be made ready before anybody asks."""
        first = record(new_key())
        self.keep(first)
        self.certificates.index.refresh()
        self.assertFound(first)

    def test_out_of_force(self) -> None:
        """One that is not in force is not found, until it is again."""
        first = record(new_key())
        self.keep(first)
        self.assertFound(first)
        self.keep(evolve(first, is_active=False))
        self.assertUnknown(first)
        self.keep(first)
        self.assertFound(first)

    def test_deleted(self) -> None:
        """One that was deleted is forgotten, also while another took its place."""
        first, second = record(new_key()), record(new_key(), serial=2)
        self.keep(first)
        self.assertFound(first)
        self.forget(first)
        self.keep(second)
        self.assertFound(second)
        self.assertUnknown(first)
        self.keep(first)
        self.assertFound(first, second)

    def test_ambiguous(self) -> None:
        """What two are called is nobody's; what else each is called is its own."""
        key = new_key()
        first, second = record(key), record(key, days=2)
        self.keep(first)
        self.assertFound(first)
        self.keep(second)
        for each in (first, second):
            identifiers = identifiers_of(der(each))
            expected = {
                identifier: der(each) if isinstance(identifier, Thumbprint) else None
                for identifier in identifiers
            }
            self.assertEqual(
                dict(zip(identifiers, self.found(each), strict=True)), expected
            )
        self.keep(evolve(first, is_active=False))
        self.assertFound(second)
        self.forget(first)
        self.keep(record(new_key(), issuer="CN=b"))
        self.assertUnknown(record(new_key(), issuer="CN=c"))
        self.assertFound(second)

    def test_others(self) -> None:
        """Nothing is found by what nobody is called."""
        self.keep(record(new_key()))
        for identifier in (SubjectKeyIdentifier(b"x"), Thumbprint(b"")):
            self.assertIsNone(self.certificates.certificate_of(identifier))

    def test_objection(self) -> None:
        """
        Against a certificate is what it has in common with another account's; its
        own account's may have all in common, and what went has nothing.
        """
        key, other = new_key(), AccountId("2" * 12)
        first = record(key)
        self.keep(first, evolve(record(new_key(), "CN=b"), is_active=False))
        index = self.certificates.index
        for made, what in (
            (record(key, "CN=x"), "public key"),
            (record(key, days=2), "public key"),
            (record(new_key()), "issuer and serial number"),
            (record(new_key(), "CN=B"), "issuer and serial number"),
            (record(new_key(), serial=2), ""),
        ):
            said = index.objection(der(made), other)
            self.assertEqual(f"its {what} is that of" in said, bool(what), said)
            self.assertEqual(bool(said), bool(what))
            self.assertEqual(index.objection(der(made), ACCOUNT), "")
        self.assertIn(first.fingerprint, index.objection(der(record(key)), other))
        self.forget(first)
        self.assertEqual(index.objection(der(record(key)), other), "")
        self.assertIn("cannot be read", index.objection(b"?", other))

    def test_unreadable(self) -> None:
        """A stored text that is no certificate is in nobody's way."""
        bad = UserCertificate(fingerprint="0" * 64, pem="?", account_id=ACCOUNT)
        first = record(new_key())
        self.keep(bad, first)
        self.assertFound(first)
        self.forget(bad)
        self.assertFound(first)
