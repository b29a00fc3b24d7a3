"""Users, their keys and certificates, and who a signer is."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.clc.accounts import (
    Accounts,
    Credentials,
    DuplicateCertificate,
    DuplicateUser,
    InvalidUserName,
    LastAdministrator,
    NoSuchKey,
    NoSuchUser,
    UnusableCertificate,
)
from euca_tw.clc.callers import StoredAccessKeys, StoredCertificates
from euca_tw.clc.sealing import Sealing
from euca_tw.common.certificates import der_of, fingerprint
from euca_tw.common.clock import SteadyClock, make_steady
from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import Minter
from euca_tw.model.records import AccessKey
from euca_tw.query.interfaces import IAccessKeys
from euca_tw.soap.interfaces import ICertificates
from euca_tw.store.memory import MemoryStore
from tests.soap.identities import rsa_of

NOW = 1_796_000_000
RSA_2048 = rsa.generate_private_key(65537, 2048)


def certificate_of(made: Credentials) -> str:
    return fingerprint(der_of(made.identity.certificate_pem))


class AccountsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = clock = Clock()
        clock.advance(NOW)
        self.store = MemoryStore()
        sealing = Sealing(Path(self.mktemp()) / "secrets", Random(8))
        self.accounts = Accounts(
            store=self.store,
            clock=clock,
            minter=Minter(Random(7)),
            in_thread=in_this_thread,
            sealing=sealing,
        )
        self.keys = StoredAccessKeys(self.store, sealing, clock)
        self.certificates = StoredCertificates(self.store, clock)

    def create(self, name: str, is_admin: bool = False) -> Credentials:
        return self.successResultOf(self.accounts.create(name, is_admin))

    def ways_in(self, credentials: Credentials) -> tuple[bool, bool]:
        """Whether the access key lets in, and the certificate."""
        der = der_of(credentials.identity.certificate_pem)
        return (
            self.keys.secret_of(credentials.key.key_id) is not None,
            self.certificates.caller_of(der, "r") is not None,
        )

    def is_let_in(self, credentials: Credentials) -> bool:
        by_key, by_certificate = self.ways_in(credentials)
        self.assertEqual(by_key, by_certificate)
        return by_key

    def test_interfaces(self) -> None:
        """The doors find what they need."""
        verifyObject(IAccessKeys, self.keys)
        verifyObject(ICertificates, self.certificates)

    def test_create(self) -> None:
        """A new user has an account, and all that it takes to sign."""
        made = self.create("alice")
        self.assertRegex(made.user.account_id, r"\A\d{12}\Z")
        self.assertEqual(made.user.created_at.timestamp(), NOW)
        self.assertRegex(made.key.key_id, r"\A[A-Z0-9]{20}\Z")
        self.assertRegex(made.secret, r"\A[A-Za-z0-9]{40}\Z")
        certificate = x509.load_pem_x509_certificate(made.identity.certificate_pem)
        self.assertEqual(certificate.subject.rfc4514_string(), "CN=alice")
        self.assertEqual([user.name for user in self.accounts.users()], ["alice"])

    def test_caller(self) -> None:
        """Both signatures name the user and the request."""
        made = self.create("boss", is_admin=True)
        expected = Caller(
            account_id=made.user.account_id,
            user_name="boss",
            is_admin=True,
            request_id="r-1",
        )
        self.assertEqual(self.keys.caller_of(made.key.key_id, "r-1"), expected)
        self.assertEqual(self.keys.secret_of(made.key.key_id), made.secret)
        der = der_of(made.identity.certificate_pem)
        self.assertEqual(self.certificates.caller_of(der, "r-1"), expected)

    def test_stranger(self) -> None:
        """A stranger is nobody."""
        self.assertIsNone(self.keys.secret_of("NOBODY"))
        self.assertIsNone(self.certificates.caller_of(b"nobody", "r"))

    def test_apart(self) -> None:
        """Users have accounts of their own."""
        accounts = {self.create(name).user.account_id for name in ("a", "b", "c")}
        self.assertEqual(len(accounts), 3)

    def test_duplicate(self) -> None:
        """A name is given once."""
        drafted = self.successResultOf(self.accounts.draft("alice"))
        self.create("alice")
        self.failureResultOf(self.accounts.create("alice"), DuplicateUser)
        self.failureResultOf(self.accounts.add(drafted), DuplicateUser)
        self.assertEqual(len(self.accounts.users()), 1)

    def test_names(self) -> None:
        """A name is a word that can be a file's."""
        for name in ("", "a/b", "../x", ".x", "a b", "ä", "x" * 65, "a\n"):
            self.failureResultOf(self.accounts.create(name), InvalidUserName)
        self.create("a.b_c-d@example+1=")

    def test_deactivate(self) -> None:
        """A user who was deactivated is let in no more, until he is again."""
        made = self.create("alice")
        self.successResultOf(self.accounts.activate("alice", False))
        self.assertFalse(self.is_let_in(made))
        self.successResultOf(self.accounts.activate("alice", True))
        self.assertTrue(self.is_let_in(made))

    def test_last_administrator(self) -> None:
        """An active administrator remains."""
        for name in ("a", "b"):
            self.create(name, is_admin=True)
        self.create("c")
        self.successResultOf(self.accounts.activate("a", False))
        self.failureResultOf(self.accounts.activate("b", False), LastAdministrator)

    def test_expires(self) -> None:
        """A user is let in until his time is over, and again if it is lengthened."""
        made = self.create("alice")
        end = datetime.fromtimestamp(NOW + 60, UTC)
        self.successResultOf(self.accounts.expire("alice", end))
        self.clock.advance(59)
        self.assertTrue(self.is_let_in(made))
        self.clock.advance(1)
        self.assertFalse(self.is_let_in(made))
        for later in (end + timedelta(seconds=1), None):
            self.successResultOf(self.accounts.expire("alice", later))
            self.assertTrue(self.is_let_in(made))

    def test_last_administrator_lasts(self) -> None:
        """An administrator remains whose time is not limited."""
        end = datetime.fromtimestamp(NOW + 60, UTC)
        for name in ("a", "b"):
            self.create(name, is_admin=True)
        self.successResultOf(self.accounts.expire("a", end))
        self.failureResultOf(self.accounts.expire("b", end), LastAdministrator)
        self.failureResultOf(self.accounts.activate("b", False), LastAdministrator)
        self.successResultOf(self.accounts.activate("a", False))

    def test_certificate_expires(self) -> None:
        """A certificate lets nobody in before and after it is valid."""
        made = self.create("alice")
        certificate = x509.load_pem_x509_certificate(made.identity.certificate_pem)
        first = certificate.not_valid_before_utc.timestamp()
        last = certificate.not_valid_after_utc.timestamp()
        for at, expected in (
            (first - 1, False),
            (first, True),
            (last, True),
            (last + 1, False),
        ):
            self.clock.rightNow = at
            self.assertEqual(self.ways_in(made), (True, expected))

    def own(
        self,
        key: Any,
        days: int = 1,
        *,
        issuer: str = "CN=alice",
        serial: int = 1,
        identifier: bytes | None = None,
    ) -> bytes:
        """
        A certificate that a user made himself.

        @param key: a private key; or a public one, that he need not have.
        """
        name = x509.Name.from_rfc4514_string(issuer)
        now = datetime.fromtimestamp(NOW, UTC)
        is_private = hasattr(key, "public_key")
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key() if is_private else key)
            .serial_number(serial)
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + timedelta(days=days))
        )
        if identifier is not None:
            extension = x509.SubjectKeyIdentifier(identifier)
            builder = builder.add_extension(extension, critical=False)
        made = builder.sign(key if is_private else RSA_2048, SHA256())
        return made.public_bytes(Encoding.PEM)

    def add_certificate(self, name: str, pem: bytes) -> str:
        """What is said against it."""
        added: list[Any] = []
        Deferred.fromCoroutine(self.accounts.add_certificate(name, pem)).addBoth(
            added.append
        )
        [found] = added
        if not isinstance(found, Failure):
            return ""
        found.trap(UnusableCertificate)
        return str(found.value)

    def test_others_certificate(self) -> None:
        """
        Nobody's certificate can be taken for another user's: none is added whose
        key or name another has, also one that is not in force.
        """
        made = self.create("alice")
        self.create("mallory")
        alices = x509.load_pem_x509_certificate(made.identity.certificate_pem)
        issuer, serial = alices.issuer.rfc4514_string(), alices.serial_number
        identifier = alices.extensions.get_extension_for_class(
            x509.SubjectKeyIdentifier
        ).value.digest
        for pem, what in (
            (self.own(alices.public_key()), "public key"),
            (self.own(RSA_2048, identifier=identifier), "subject key identifier"),
            (
                self.own(RSA_2048, issuer="CN=ALICE", serial=serial),
                "issuer and serial number",
            ),
        ):
            for is_active in (True, False):
                fingerprint_ = certificate_of(made)
                self.successResultOf(
                    self.accounts.activate_key(fingerprint_, is_active)
                )
                said = self.add_certificate("mallory", pem)
                self.assertIn(f"its {what} is that of", said)
                self.assertIn("alice", said)
                self.assertIn(fingerprint_, said)
        for pem in (
            self.own(RSA_2048, issuer=issuer, serial=serial + 1),
            self.own(RSA_2048, issuer=f"{issuer},O=x", serial=serial, days=2),
            self.own(RSA_2048, serial=7, identifier=identifier[:-1]),
        ):
            self.assertEqual(self.add_certificate("mallory", pem), "")

    def test_others_own_certificate(self) -> None:
        """That is so for those that users made themselves, whoever comes first."""
        for name in ("alice", "mallory"):
            self.create(name)
        key = ec.generate_private_key(ec.SECP256R1())
        self.assertEqual(self.add_certificate("mallory", self.own(key)), "")
        said = self.add_certificate("alice", self.own(key, serial=2))
        self.assertIn("its public key is that of a certificate of mallory", said)

    def test_renewed_certificate(self) -> None:
        """A user may have several certificates of one key, to renew one."""
        self.create("alice")
        for days in (1, 2):
            pem = self.own(RSA_2048, days, identifier=b"mine")
            self.assertEqual(self.add_certificate("alice", pem), "")
            self.assertIsNotNone(self.certificates.caller_of(der_of(pem), "r"))

    def test_unreadable_issuer(self) -> None:
        """Nor is one taken that cannot be told from others."""
        self.create("alice")
        pem = self.own(RSA_2048, issuer="CN=unreadable")
        der = der_of(pem)
        broken = der.replace(b"unreadable", b"\xff" * 10)
        self.assertNotEqual(broken, der)
        text = ssl.DER_cert_to_PEM_cert(broken).encode()
        self.assertIn("cannot be read", self.add_certificate("alice", text))

    def test_own_certificate(self) -> None:
        """A user is let in with a certificate whose key he alone ever had."""
        made = self.create("alice")
        for key in (ec.generate_private_key(ec.SECP256R1()), RSA_2048):
            pem = self.own(key)
            added = self.successResultOf(
                self.accounts.add_certificate("alice", b"text before\n" + pem)
            )
            self.assertNotIn("text", added.pem)
            caller = self.certificates.caller_of(der_of(pem), "r")
            assert caller is not None
            self.assertEqual(caller.account_id, made.user.account_id)
            self.failureResultOf(
                self.accounts.add_certificate("alice", pem), DuplicateCertificate
            )

    def test_own_certificate_by_the_wall(self) -> None:
        """Whether one is good says the machine's clock, as when it is used."""
        self.create("alice")
        pem = self.own(RSA_2048)
        wall = SteadyClock(lambda: NOW, lambda: 0.0)
        make_steady(self.clock, wall)
        wall._now += 3 * 86400  # was set back since
        self.assertEqual(self.add_certificate("alice", pem), "")

    def test_no_own_certificate(self) -> None:
        """Whose certificate is of no use is told why."""
        self.create("alice")
        small = rsa.generate_private_key(65537, 1024)
        for pem, why in (
            (b"", "no certificate"),
            (b"\xff", "no certificate"),
            (self.own(small), "not of RSA with 2048, 3072 or 4096 bits"),
            (self.own(rsa_of(2304)), "not of RSA with 2048, 3072 or 4096 bits"),
            (self.own(rsa_of(16384)), "not of RSA with 2048, 3072 or 4096 bits"),
            (self.own(rsa_of(2048, 2**32 + 1)), "an exponent below 2^32"),
            (self.own(ec.generate_private_key(ec.SECP256K1())), "or on P-256"),
            (self.own(RSA_2048, days=-1), "valid from"),
        ):
            refusal = self.failureResultOf(
                self.accounts.add_certificate("alice", pem), UnusableCertificate
            )
            self.assertIn(why, str(refusal.value))

    def test_renew(self) -> None:
        """Further credentials leave those before in force, or end them."""
        first = self.create("alice")
        second = self.successResultOf(self.accounts.renew("alice", False))
        self.assertTrue(self.is_let_in(first))
        self.assertTrue(self.is_let_in(second))
        third = self.successResultOf(self.accounts.renew("alice", True))
        self.assertFalse(self.is_let_in(first))
        self.assertFalse(self.is_let_in(second))
        self.assertTrue(self.is_let_in(third))
        self.assertEqual(third.user, first.user)

    def test_keys(self) -> None:
        """A user's keys are listed, access keys first, each with when it was made."""
        self.create("bob")
        first = self.create("alice")
        second = self.successResultOf(self.accounts.renew("alice", True))
        found = self.accounts.keys_of("alice")
        expected = [
            *((made.key.key_id, made is second) for made in (first, second)),
            *((certificate_of(made), made is second) for made in (first, second)),
        ]
        self.assertEqual([(each.key, each.is_active) for each in found], expected)
        for each in found:
            assert each.created_at is not None
            self.assertEqual(each.created_at.timestamp(), NOW)

    def test_activate_key(self) -> None:
        """One access key or certificate lets its user in no more, and again."""
        made = self.create("alice")
        other = self.successResultOf(self.accounts.renew("alice", False))
        key_id, mark = made.key.key_id, certificate_of(made)
        with_colons = bytes.fromhex(mark).hex(":").upper()
        for name in (key_id, mark, with_colons):
            for is_active in (False, True):
                self.successResultOf(self.accounts.activate_key(name, is_active))
                by_key, by_certificate = self.ways_in(made)
                self.assertEqual(by_key, is_active or name != key_id)
                self.assertEqual(by_certificate, is_active or name == key_id)
                self.assertTrue(self.is_let_in(other))

    def test_no_key(self) -> None:
        """The state of a key that nobody has cannot be changed."""
        for key_id in ("", "NOBODY", "ab" * 32, "a\nb"):
            refusal = self.failureResultOf(
                self.accounts.activate_key(key_id, False), NoSuchKey
            )
            self.assertNotIn("\n", str(refusal.value))

    def test_secrets_are_sealed(self) -> None:
        """What the store keeps of a user does not sign for him."""
        made = self.create("alice")
        [key] = self.store.all(AccessKey)
        self.assertNotIn(made.secret.encode(), key.sealed_secret)

    def test_nobody(self) -> None:
        """What is asked of a user who is not there is refused."""
        self.failureResultOf(self.accounts.renew("nobody", False), NoSuchUser)
        self.assertRaises(NoSuchUser, self.accounts.keys_of, "nobody")
        self.failureResultOf(self.accounts.expire("nobody", None), NoSuchUser)
        self.failureResultOf(self.accounts.add_certificate("nobody", b""), NoSuchUser)
        refusal = self.failureResultOf(self.accounts.activate("nobody", True))
        self.assertEqual(str(refusal.value), "there is no user nobody")

    def test_secrets_are_not_shown(self) -> None:
        """What is logged of credentials does not open a door."""
        made = self.create("alice")
        self.assertNotIn(made.secret, repr(made))
        self.assertNotIn("PRIVATE", repr(made))
