"""The secrets of access keys, sealed in the store."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.callers import StoredAccessKeys
from euca_tw.clc.sealing import Sealing, SealingKeyUnusable
from euca_tw.common.threads import ThisThread
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import CLOUD_RECORDS, AccessKey
from euca_tw.store.interfaces import StoreUnusable
from euca_tw.store.sqlite import SqliteStore

SECRET = "A1b2C3d4" * 5
ALICE = AccountId("000000000001")


def key_of(sealing: Sealing, key_id: str, secret: str = SECRET) -> AccessKey:
    sealed = sealing.seal(key_id, secret)
    return AccessKey(key_id=key_id, sealed_secret=sealed, account_id=ALICE)


class SealingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp()) / "keys" / "secrets"
        self.sealing = Sealing(self.path, Random(1))

    def another(self, seed: int = 2) -> Sealing:
        """As after a restart."""
        return Sealing(self.path, Random(seed))

    def refused(self, *keys: AccessKey, sealing: Sealing | None = None) -> str:
        """What an operator is told at the start: one line, without a key."""
        checked = sealing or self.another()
        said = str(self.assertRaises(SealingKeyUnusable, checked.check, keys))
        self.assertNotIn("\n", said)
        self.assertIn(str(checked.path), said)
        return said

    @given(st.text(), st.text())
    def test_opens(self, key_id: str, secret: str) -> None:
        """What was sealed opens, for its access key, also after a restart."""
        sealed = self.sealing.seal(key_id, secret)
        self.assertEqual(self.sealing.open(key_id, sealed), secret)
        self.assertEqual(self.another().open(key_id, sealed), secret)

    def test_sealed(self) -> None:
        """What is kept does not show the secret, and is other each time."""
        once, twice = (self.sealing.seal("K", SECRET) for _ in range(2))
        self.assertNotIn(SECRET.encode(), once)
        self.assertNotEqual(once, twice)

    def test_moved(self) -> None:
        """A secret that is moved to another access key does not open there."""
        key = key_of(self.sealing, "K")
        self.assertRaises(SealingKeyUnusable, self.sealing.open, "L", key.sealed_secret)

    def test_changed(self) -> None:
        """A secret of which one bit was changed, or some is missing, does not open."""
        sealed = self.sealing.seal("K", SECRET)
        for at in range(len(sealed)):
            changed = bytearray(sealed)
            changed[at] ^= 1
            for bad in (bytes(changed), sealed[:at]):
                self.assertRaises(SealingKeyUnusable, self.sealing.open, "K", bad)

    def test_file(self) -> None:
        """The key is made with the first secret, of 256 bits, for its owner alone."""
        self.sealing.check(())
        self.assertFalse(self.path.exists())
        self.sealing.seal("K", SECRET)
        self.assertEqual(len(bytes.fromhex(self.path.read_text())), 32)
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)
        before = self.path.read_bytes()
        self.another().seal("L", SECRET)
        self.assertEqual(self.path.read_bytes(), before)

    def test_checked(self) -> None:
        """At the start all secrets open."""
        self.another().check([key_of(self.sealing, "K"), key_of(self.sealing, "L")])

    def test_missing(self) -> None:
        """A key that is missing is missed, and no other is made in its place."""
        key = key_of(self.sealing, "K")
        self.path.unlink()
        self.assertIn("is missing", self.refused(key))
        self.assertFalse(self.path.exists())

    def test_wrong(self) -> None:
        """A key that is another's is told from the right one."""
        key = key_of(self.sealing, "K")
        self.path.unlink()
        self.another().seal("M", SECRET)
        self.assertIn("of access key K does not open", self.refused(key))

    def test_no_key(self) -> None:
        """A file that holds no key is refused, and left as it is."""
        key = key_of(self.sealing, "K")
        for content in (b"", b"\xff" * 64, b"ab" * 31, b"ab" * 33, b"x" * 64):
            self.path.write_bytes(content)
            self.assertIn("is no key", self.refused(key))
            self.assertIn("is no key", self.refused())
            self.assertRaises(SealingKeyUnusable, self.another().seal, "L", SECRET)
            self.assertEqual(self.path.read_bytes(), content)

    def test_open_to_others(self) -> None:
        """A key that others may read is refused."""
        key = key_of(self.sealing, "K")
        for mode in (0o640, 0o604, 0o620):
            self.path.chmod(mode)
            self.assertIn("chmod 600", self.refused(key))
        self.path.chmod(0o400)
        self.another().check([key])

    def test_unreadable(self) -> None:
        """A file that cannot be read, or written, is named."""
        self.path.mkdir(parents=True)
        self.assertIn("Is a directory", self.refused())
        below = Sealing(Path(__file__) / "keys" / "secrets", Random(1))
        said = str(self.assertRaises(SealingKeyUnusable, below.seal, "K", SECRET))
        self.assertIn("Not a directory", said)

    def test_unwritable(self) -> None:
        """A key that cannot be kept seals nothing."""
        self.path.parent.mkdir(parents=True)
        self.path.with_name(f".{self.path.name}.part").mkdir()
        self.assertRaises(SealingKeyUnusable, self.sealing.seal, "K", SECRET)
        self.assertFalse(self.path.exists())

    def test_not_shown(self) -> None:
        """What is logged of keys opens no door."""
        key = key_of(self.sealing, "K")
        shown = repr(key) + repr(self.sealing)
        self.assertNotIn(SECRET, shown)
        self.assertNotIn(repr(key.sealed_secret), shown)
        self.assertNotIn(self.path.read_text(), shown)


class ClearSecretsTests(SynchronousTestCase):
    """A store in which secrets lie in clear, as the first version wrote them."""

    OLD = (
        '{{"key_id":"{key_id}","secret":"{secret}","account_id":"000000000001",'
        '"is_active":{is_active}}}'
    )
    USER = (
        '{"account_id":"000000000001","name":"alice","is_admin":false,'
        '"is_active":true,"created_at":"2026-11-23T08:00:00+00:00"}'
    )

    def setUp(self) -> None:
        directory = Path(self.mktemp())
        directory.mkdir()
        self.path = directory / "cloud.db"
        self.sealing = Sealing(directory / "keys" / "secrets", Random(1))
        self.secrets = {f"KEY{n:05}": f"{n:05}{SECRET[5:]}" for n in range(200)}
        store = self.store()
        self.successResultOf(store.open())
        self.successResultOf(store.close())
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("PRAGMA secure_delete = OFF")
        put = "INSERT INTO records (kind, key, version, body) VALUES (?, ?, 1, ?)"
        connection.execute(put, ("User", "000000000001", self.USER))
        for key_id, secret in self.secrets.items():
            body = self.OLD.format(key_id=key_id, secret=secret, is_active="true")
            connection.execute(put, ("AccessKey", key_id, body))
        # One that was replaced leaves its bytes behind, in a page that is free.
        connection.execute(put, ("AccessKey", "GONE", "x" * 9000 + SECRET))
        connection.execute("DELETE FROM records WHERE key = 'GONE'")
        connection.close()

    def store(self, sealing: Sealing | None = None) -> SqliteStore:
        return SqliteStore(
            self.path,
            CLOUD_RECORDS,
            ThisThread,
            lambda call: call(),
            lambda failed: None,
            upgrades={"seal_secret": (sealing or self.sealing).seal_body},
        )

    def files(self) -> bytes:
        """All that lies on the disk of the store."""
        found = self.path.parent.glob("cloud.db*")
        return b"".join(path.read_bytes() for path in sorted(found))

    def bodies(self) -> list[str]:
        connection = sqlite3.connect(self.path)
        found = connection.execute("SELECT body FROM records").fetchall()
        connection.close()
        return [body for (body,) in found]

    def test_before(self) -> None:
        """The secrets lie there, also one that was deleted."""
        self.assertGreater(self.files().count(SECRET[5:].encode()), 200)

    def test_let_in(self) -> None:
        """Whoever was let in is let in, and at every later start."""
        for _ in range(2):
            store = self.store()
            self.successResultOf(store.open())
            sealing = Sealing(self.sealing.path, Random(3))
            sealing.check(store.all(AccessKey))
            keys = StoredAccessKeys(store, sealing, Clock())
            found = {key_id: keys.secret_of(key_id) for key_id in self.secrets}
            self.assertEqual(found, self.secrets)
            self.successResultOf(store.close())

    def test_gone(self) -> None:
        """When the store is open no secret is left in its files."""
        store = self.store()
        self.successResultOf(store.open())
        self.assertNotIn(SECRET[5:].encode(), self.files())
        self.assertIn(b"KEY00007", self.files())
        self.successResultOf(store.close())
        self.assertNotIn(SECRET[5:].encode(), self.files())

    def test_no_key(self) -> None:
        """Without a key that can be used the store is left as it was."""
        self.sealing.path.parent.mkdir()
        self.sealing.path.write_bytes(b"nonsense")
        self.sealing.path.chmod(0o600)
        before = self.bodies()
        failure = self.failureResultOf(self.store().open(), StoreUnusable)
        self.assertIn("is no key", str(failure.value))
        self.assertEqual(self.bodies(), before)

    def test_damaged(self) -> None:
        """An old record that has no secret is refused, and no other is shown."""
        for body in (
            '{"key_id":"K","account_id":"1"}',
            '{"key_id":"K","secret":7,"account_id":"1"}',
            f'{{"secret":"{SECRET}","account_id":"1"}}',
            f'["{SECRET}"]',
        ):
            connection = sqlite3.connect(self.path, isolation_level=None)
            update = "UPDATE records SET body = ? WHERE key = 'KEY00007'"
            connection.execute(update, (body,))
            connection.close()
            failure = self.failureResultOf(self.store().open(), StoreUnusable)
            self.assertIn("AccessKey KEY00007 cannot be read", str(failure.value))
            self.assertNotIn(SECRET, str(failure.value))
