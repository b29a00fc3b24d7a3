"""Key pairs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from twisted.internet.defer import Deferred, ensureDeferred

from euca_tw.api.ec2.common import TagSpecification
from euca_tw.api.ec2.keypairs import CreateKeyPair, DeleteKeyPair, DescribeKeyPairs
from euca_tw.api.errors import (
    DuplicateKeyPair,
    InvalidParameterValue,
    MissingParameter,
    NoSuchKeyPair,
    ResourceLimitExceeded,
    UnsupportedOperation,
)
from euca_tw.clc.keypairs import KeyPairs, NewKey, key_facts, new_rsa_key
from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.callers import Caller
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import KeyPair
from tests.clc.cloud import ADMIN, ALICE, ALICE_ID, BOB, AskedFilter, CloudTestCase

KEY = NewKey(private="-----BEGIN", public="ssh-rsa AAAA", fingerprint="aa:bb")


class KeyPairsTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keys = KeyPairs(
            store=self.store,
            quotas=Quotas(key_pairs=2),
            in_thread=in_this_thread,
            new_key=lambda: KEY,
        )

    def create(self, name: str = "k", caller: Caller = ALICE, **given: Any) -> Any:
        return self.keys.create_key_pair(caller, CreateKeyPair(key_name=name, **given))

    def describe(self, *names: str, caller: Caller = ALICE, **asked: Any) -> Any:
        return self.keys.describe_key_pairs(
            caller, DescribeKeyPairs(key_names=names, **asked)
        )

    def names(self, *names: str, **asked: Any) -> list[str]:
        told = self.result(self.describe(*names, **asked))
        return [each.key_name for each in told.key_pairs]

    def test_create(self) -> None:
        """The private key is told once, the public one is kept."""
        told = self.result(self.create())
        self.assertEqual(told.key_name, "k")
        self.assertEqual(told.key_material, KEY.private)
        self.assertEqual(told.key_fingerprint, KEY.fingerprint)
        kept = self.store.get(KeyPair, f"{ALICE_ID}/k")
        self.assertEqual(kept.public_key, "ssh-rsa AAAA k")
        self.assertNotIn("BEGIN", repr(kept))

    def test_duplicate(self) -> None:
        """A name is taken once by an account, and free for others."""
        self.result(self.create())
        self.refused(DuplicateKeyPair, self.create())
        self.result(self.create(caller=BOB))

    def test_at_the_same_time(self) -> None:
        """Of two who ask for one name at once, one gets it."""
        waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

        def in_thread(work: Callable[[], Any]) -> Deferred[Any]:
            answer: Deferred[Any] = Deferred()
            waiting.append((work, answer))
            return answer

        self.keys.in_thread = in_thread
        both = [ensureDeferred(self.create()) for _ in range(2)]
        for work, answer in waiting:
            answer.callback(work())
        self.successResultOf(both[0])
        self.failureResultOf(both[1], DuplicateKeyPair)

    def test_texts(self) -> None:
        """A name is needed, printable, and not too long."""
        self.refused(MissingParameter, self.create(""))
        self.refused(InvalidParameterValue, self.create("a\nb"))
        self.refused(InvalidParameterValue, self.create("x" * 256))

    def test_kinds(self) -> None:
        """Keys are RSA and told as PEM, whether that is said or not."""
        self.result(self.create(key_type="rsa", key_format="pem"))
        self.refused(UnsupportedOperation, self.create("e", key_type="ed25519"))
        self.refused(UnsupportedOperation, self.create("p", key_format="ppk"))
        tags = (TagSpecification(resource_type="key-pair", tags=()),)
        self.refused(UnsupportedOperation, self.create("t", tag_specifications=tags))

    def test_limit(self) -> None:
        """An account has so many key pairs; an administrator any number."""
        for name in "ab":
            self.result(self.create(name))
            self.result(self.create(name, ADMIN))
        self.refused(ResourceLimitExceeded, self.create("c"))
        self.result(self.create("c", ADMIN))

    def delete(self, name: str, caller: Caller = ALICE) -> Any:
        return self.keys.delete_key_pair(caller, DeleteKeyPair(key_name=name))

    def test_delete(self) -> None:
        """A key pair that was deleted is told no more."""
        self.result(self.create())
        self.assertTrue(self.result(self.delete("k")).is_success)
        self.assertEqual(self.names(), [])

    def test_delete_again(self) -> None:
        """Deleting what is not there succeeds."""
        self.assertTrue(self.result(self.delete("k")).is_success)
        self.refused(MissingParameter, self.delete(""))

    def test_delete_anothers(self) -> None:
        """Nobody deletes another's."""
        self.result(self.create())
        self.result(self.delete("k", BOB))
        self.assertEqual(self.names(), ["k"])

    def test_describe(self) -> None:
        """Everybody is told of his own; all, or those that are named."""
        self.result(self.create("a"))
        self.result(self.create("b"))
        self.assertEqual(self.names(), ["a", "b"])
        self.assertEqual(self.names("b", "b"), ["b"])
        self.assertEqual(self.names(caller=BOB), [])

    def test_describe_nothing(self) -> None:
        """A key pair that is not there, or another's, is refused."""
        self.result(self.create())
        self.refused(NoSuchKeyPair, self.describe("x"))
        self.refused(NoSuchKeyPair, self.describe("k", caller=BOB))

    def test_filters(self) -> None:
        """Key pairs are found by name and fingerprint."""
        self.result(self.create("web-1"))
        for name, value in ("key-name", "web-*"), ("fingerprint", "aa:bb"):
            self.assertEqual(
                self.names(filters=(AskedFilter(name, (value,)),)), ["web-1"]
            )
        self.assertEqual(self.names(filters=(AskedFilter("key-name", ("x",)),)), [])


class NewKeyTests(CloudTestCase):
    def test_new(self) -> None:
        """A new key is RSA of 2048 bits, and another each time."""
        made = new_rsa_key()
        key = serialization.load_pem_private_key(made.private.encode(), None)
        self.assertIsInstance(key, rsa.RSAPrivateKey)
        self.assertEqual(key.key_size, 2048)
        self.assertTrue(made.private.startswith("-----BEGIN RSA PRIVATE KEY-----\n"))
        self.assertNotEqual(new_rsa_key(), made)

    def test_public(self) -> None:
        """The public key is the private one's, as OpenSSH writes it."""
        made = new_rsa_key()
        key = serialization.load_pem_private_key(made.private.encode(), None)
        public = serialization.load_ssh_public_key(made.public.encode())
        self.assertEqual(key.public_key().public_numbers(), public.public_numbers())

    def test_fingerprint(self) -> None:
        """
        The fingerprint is what C{openssl pkcs8 -topk8 -nocrypt -outform DER |
        openssl sha1 -c} says of the private key.
        """
        key = rsa.generate_private_key(65537, 1024)
        der = key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        told = key_facts(key).fingerprint
        self.assertRegex(told, r"\A([0-9a-f]{2}:){19}[0-9a-f]{2}\Z")
        self.assertEqual(told.replace(":", ""), hashlib.sha1(der).hexdigest())
