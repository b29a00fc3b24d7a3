"""Key pairs."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from euca_tw.api.ec2.common import Tag, TagSpecification
from euca_tw.api.ec2.keypairs import (
    CreateKeyPair,
    DeleteKeyPair,
    DescribeKeyPairs,
    ImportKeyPair,
)
from euca_tw.api.errors import (
    DuplicateKeyPair,
    InvalidKeyFormat,
    InvalidParameterValue,
    InvalidTagType,
    MissingParameter,
    NoSuchKeyPair,
    ResourceLimitExceeded,
)
from euca_tw.clc.keypairs import KeyPairs
from euca_tw.clc.public_keys import NewKey, new_key
from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.callers import Caller
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import KeyPair, ResourceTags
from euca_tw.store.codec import Codec, Row
from tests.clc.cloud import ADMIN, ALICE, ALICE_ID, BOB, NOW, AskedFilter, CloudTestCase

KEY = NewKey(private="-----BEGIN", public="ssh-rsa AAAA", fingerprint="aa:bb")
EDWARDS = NewKey(private="-----BEGIN", public="ssh-ed25519 AAAA", fingerprint="c2hh")

#: Made by C{ssh-keygen -t ed25519}; its fingerprint is what C{ssh-keygen -l} says.
LINE = (
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICm0MYAAxUSAFIb+hkC4dL/j9o3a8sk3OCc1WYiMgXK4"
)
FINGERPRINT = "uEx3SItAFwzIBLSOShjbwX/n84T7VZXDdyYM+mmZq58="

TAGGED = (
    TagSpecification(resource_type="key-pair", tags=(Tag(key="team", value="web"),)),
)


class KeyPairsTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.keys = KeyPairs(
            store=self.store,
            clock=self.clock,
            minter=self.minter,
            quotas=Quotas(key_pairs=2),
            in_thread=in_this_thread,
            new_key=lambda key_type: KEY if key_type == "rsa" else EDWARDS,
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

    def at_once(self, *asked: dict[str, Any]) -> list[Deferred[Any]]:
        """Answers of requests that all wait for their keys at the same time."""
        waiting: list[tuple[Callable[[], Any], Deferred[Any]]] = []

        def in_thread(work: Callable[[], Any]) -> Deferred[Any]:
            answer: Deferred[Any] = Deferred()
            waiting.append((work, answer))
            return answer

        self.keys.in_thread = in_thread
        answers = [ensureDeferred(self.create(**each)) for each in asked]
        for work, answer in waiting:
            answer.callback(work())
        return answers

    def test_at_the_same_time(self) -> None:
        """Of two who ask for one name at once, one gets it."""
        first, second = self.at_once({}, {})
        self.successResultOf(first)
        self.failureResultOf(second, DuplicateKeyPair)

    def test_tags_at_the_same_time(self) -> None:
        """Nor are there more tags than an account may have."""
        self.keys.quotas = Quotas(tags=1)
        first, second = self.at_once(
            *({"name": name, "tag_specifications": TAGGED} for name in "ab")
        )
        self.successResultOf(first)
        self.failureResultOf(second, ResourceLimitExceeded)
        self.assertEqual(self.names(), ["a"])

    def test_texts(self) -> None:
        """A name is needed, printable, and not too long."""
        self.refused(MissingParameter, self.create(""))
        self.refused(InvalidParameterValue, self.create("a\nb"))
        self.refused(InvalidParameterValue, self.create("x" * 256))

    def test_kinds(self) -> None:
        """Keys are RSA, unless Ed25519 is asked for."""
        self.result(self.create("r", key_type="rsa", key_format="pem"))
        made = self.result(self.create("e", key_type="ed25519"))
        self.assertEqual(made.key_fingerprint, EDWARDS.fingerprint)
        told = self.result(self.describe()).key_pairs
        self.assertEqual([t.key_type for t in told], ["rsa", "ed25519"])
        refused = self.refused(InvalidParameterValue, self.create("d", key_type="dsa"))
        self.assertIn("(dsa)", refused.message)

    def test_formats(self) -> None:
        """They are told as PuTTY has them, if that is asked for."""
        self.keys.new_key = new_key
        made = self.result(self.create("p", key_type="ed25519", key_format="ppk"))
        self.assertTrue(
            made.key_material.startswith("PuTTY-User-Key-File-2: ssh-ed25519\n")
        )
        self.assertIn("\nComment: p\n", made.key_material)
        refused = self.refused(
            InvalidParameterValue, self.create("x", key_format="der")
        )
        self.assertIn("(der)", refused.message)

    def test_tags(self) -> None:
        """A key pair may be tagged as it is made, or imported."""
        made = self.result(self.create(tag_specifications=TAGGED))
        brought = self.result(self.bring("i", tag_specifications=TAGGED))
        for answer in made, brought, *self.result(self.describe()).key_pairs:
            self.assertEqual([(t.key, t.value) for t in answer.tags], [("team", "web")])
        for_others = (TagSpecification(resource_type="instance", tags=()),)
        self.refused(InvalidTagType, self.create("t", tag_specifications=for_others))

    def test_identifiers(self) -> None:
        """Each has an identifier of its own, also one of the same name later."""
        first = self.result(self.create()).key_pair_id
        self.assertRegex(first, r"\Akey-[0-9a-f]{8}\Z")
        self.result(self.delete("k"))
        self.assertNotEqual(self.result(self.create()).key_pair_id, first)

    def test_before_identifiers(self) -> None:
        """One that was made when there were none has one by its name."""
        self.put(KeyPair(owner_id=ALICE_ID, name="k", fingerprint="", public_key=""))
        [told] = self.result(self.describe()).key_pairs
        self.assertRegex(told.key_pair_id, r"\Akey-[0-9a-f]{17}\Z")
        self.assertIsNone(told.create_time)
        self.assertEqual(self.names(key_pair_ids=(told.key_pair_id,)), ["k"])

    def test_kept_before(self) -> None:
        """As they were kept then, they are read, and always have the same one."""
        body = '{"owner_id":"000000000001","name":"k","fingerprint":"","public_key":""}'
        row = Row("KeyPair", f"{ALICE_ID}/k", 1, body)
        first, again = (Codec.of((KeyPair,)).record(row) for _ in range(2))
        self.assertEqual(first.key_pair_id, again.key_pair_id)
        self.assertEqual(first.key_type, "rsa")

    def bring(
        self, name: str = "k", line: str = LINE, caller: Caller = ALICE, **given: Any
    ) -> Any:
        material = base64.b64encode(line.encode()).decode()
        asked = ImportKeyPair(key_name=name, public_key_material=material, **given)
        return self.keys.import_key_pair(caller, asked)

    def test_import(self) -> None:
        """A user's own key is kept under the name that he gives it."""
        told = self.result(self.bring(line=f"{LINE} alice@host"))
        self.assertEqual(told.key_name, "k")
        self.assertEqual(told.key_fingerprint, FINGERPRINT)
        kept = self.store.get(KeyPair, f"{ALICE_ID}/k")
        assert kept is not None
        self.assertEqual(kept.public_key, f"{LINE} k")
        self.assertEqual(kept.key_pair_id, told.key_pair_id)
        self.assertEqual((kept.key_type, kept.created_at), ("ed25519", NOW))

    def test_import_refused(self) -> None:
        """What is no key, or has no name, or one that is taken, is refused."""
        self.refused(InvalidKeyFormat, self.bring(line="no key"))
        self.refused(MissingParameter, self.bring(""))
        self.result(self.create("taken"))
        refused = self.refused(DuplicateKeyPair, self.bring("taken"))
        self.assertIn("'taken'", refused.message)
        self.result(self.bring())
        self.refused(ResourceLimitExceeded, self.bring("third"))

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

    def test_delete_by_id(self) -> None:
        """By its identifier, too; then it must be there."""
        made = self.result(self.create(tag_specifications=TAGGED))
        asked = DeleteKeyPair(key_pair_id=made.key_pair_id)
        self.refused(NoSuchKeyPair, self.keys.delete_key_pair(BOB, asked))
        told = self.result(self.keys.delete_key_pair(ALICE, asked))
        self.assertEqual(told.key_pair_id, made.key_pair_id)
        self.assertEqual(self.names(), [])
        self.refused(NoSuchKeyPair, self.keys.delete_key_pair(ALICE, asked))

    def test_delete_tags(self) -> None:
        """Its tags go with it."""
        self.result(self.create(tag_specifications=TAGGED))
        self.result(self.delete("k"))
        self.assertEqual(len(self.store.all(ResourceTags)), 0)

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

    def test_describe_by_id(self) -> None:
        """By identifiers and names together, each is told once."""
        first = self.result(self.create("a")).key_pair_id
        self.result(self.create("b"))
        self.assertEqual(self.names(key_pair_ids=(first,)), ["a"])
        self.assertEqual(self.names("b", "a", key_pair_ids=(first,)), ["b", "a"])
        self.refused(NoSuchKeyPair, self.describe(key_pair_ids=("key-00000000",)))
        self.refused(NoSuchKeyPair, self.describe(key_pair_ids=(first,), caller=BOB))

    def test_describe_public_key(self) -> None:
        """The public key is told to who asks for it."""
        self.result(self.create())
        [told] = self.result(self.describe()).key_pairs
        self.assertIsNone(told.public_key)
        self.assertEqual(told.create_time, NOW)
        [told] = self.result(self.describe(include_public_key=True)).key_pairs
        self.assertEqual(told.public_key, "ssh-rsa AAAA k")

    def test_filters(self) -> None:
        """Key pairs are found by each of the filters."""
        made = self.result(self.create("web-1", tag_specifications=TAGGED))
        self.result(self.bring("other"))
        for name, value in (
            ("key-name", "web-*"),
            ("fingerprint", "aa:bb"),
            ("key-pair-id", made.key_pair_id),
            ("key-type", "rsa"),
            ("tag:team", "w?b"),
            ("tag-key", "team"),
            ("tag-value", "web"),
        ):
            self.assertEqual(
                self.names(filters=(AskedFilter(name, (value,)),)), ["web-1"], name
            )
        self.assertEqual(self.names(filters=(AskedFilter("key-name", ("x",)),)), [])
