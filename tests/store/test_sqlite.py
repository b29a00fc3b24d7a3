"""L{SqliteStore} is a store, and stands what disks and time do to it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define, evolve, frozen
from twisted._threads import createMemoryWorker
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.threads import ThisThread
from euca_tw.model.records import CLOUD_RECORDS, KeyPair
from euca_tw.store.database import Database, connect
from euca_tw.store.interfaces import Delete, Put, StoreUnusable
from euca_tw.store.sqlite import SqliteStore
from tests.suites.store import key_pair, make_istore_tests, names


def make(path: Path, **arguments: Any) -> SqliteStore:
    arguments.setdefault("kinds", CLOUD_RECORDS)
    return SqliteStore(
        path,
        arguments.pop("kinds"),
        arguments.pop("make_worker", ThisThread),
        lambda call: call(),
        arguments.pop("on_failure", lambda failure: None),
        **arguments,
    )


def opened(case: SynchronousTestCase) -> SqliteStore:
    store = make(Path(case.mktemp()))
    case.successResultOf(store.open())
    case.addCleanup(store.close)
    return store


class SqliteStoreTests(make_istore_tests(opened)):  # type: ignore[misc]
    """The suite, on SQLite."""


class GroupCommitTests(SynchronousTestCase):
    """Commits wait for the disk, and share its work."""

    def setUp(self) -> None:
        worker, self.perform = createMemoryWorker()
        self.batches: list[list[Any]] = []
        batches = self.batches

        @define(eq=False)
        class Watched(Database):
            def write(self, changes: Any) -> None:
                batches.append(list(changes))
                super().write(batches[-1])

        self.store = make(
            Path(self.mktemp()), make_worker=lambda: worker, open_database=Watched
        )
        opening = self.store.open()
        self.assertNoResult(opening)
        self.perform()
        self.successResultOf(opening)

    def test_waits(self) -> None:
        """A commit is not acknowledged before it is written."""
        waiting = self.store.commit(Put(key_pair("a")))
        self.assertNoResult(waiting)
        self.perform()
        self.successResultOf(waiting)

    def test_shares(self) -> None:
        """Commits that come while the writer is busy share a transaction."""
        all_waiting = [self.store.commit(Put(key_pair(name))) for name in "abc"]
        while self.perform():
            pass
        for waiting in all_waiting:
            self.successResultOf(waiting)
        self.assertEqual([len(batch) for batch in self.batches], [3])

    def test_slices(self) -> None:
        """Of many who share a transaction, all are told."""
        all_waiting = [self.store.commit(Put(key_pair(str(n)))) for n in range(100)]
        while self.perform():
            pass
        for waiting in all_waiting:
            self.successResultOf(waiting)

    def test_cancelled(self) -> None:
        """Who waits no more does not undo the commit."""
        waiting = self.store.commit(Put(key_pair("a")))
        waiting.cancel()
        self.failureResultOf(waiting)
        self.perform()
        self.assertEqual(names(self.store.all(KeyPair)), ["a"])
        self.assertEqual([len(batch) for batch in self.batches], [1])

    def test_close_writes(self) -> None:
        """To close writes first what is still to be written."""
        waiting = self.store.commit(Put(key_pair("a")))
        closing = self.store.close()
        while self.perform():
            pass
        self.successResultOf(waiting)
        self.successResultOf(closing)


class Refusals(SynchronousTestCase):
    """What cannot be used is refused with what to do, and left as it is."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def refused(self, store: SqliteStore) -> str:
        return str(self.failureResultOf(store.open(), StoreUnusable).value)

    def fill(self, *changes: Any) -> None:
        store = make(self.path)
        self.successResultOf(store.open())
        self.successResultOf(store.commit(*changes))
        self.successResultOf(store.close())

    def sql(self, *statements: str) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    def test_locked(self) -> None:
        """A second daemon cannot open the store of a running one."""
        first = make(self.path)
        self.successResultOf(first.open())
        second = make(self.path)
        self.assertIn("in use by another process", self.refused(second))
        self.successResultOf(first.commit(Put(key_pair("a"))))
        self.successResultOf(first.close())
        self.successResultOf(second.open())
        self.assertEqual(names(second.all(KeyPair)), ["a"])
        self.successResultOf(second.close())

    def test_private(self) -> None:
        """Nobody but its owner can read the file."""
        self.fill(Put(key_pair("a")))
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_not_a_database(self) -> None:
        """A file of something else is refused."""
        self.path.write_bytes(b"something else " * 1000)
        self.assertIn("is damaged", self.refused(make(self.path)))

    def test_truncated(self) -> None:
        """A file that lost its end is refused, and one that lost all but its begin."""
        self.fill(*(Put(key_pair(f"{n:0200}")) for n in range(200)))
        content = self.path.read_bytes()
        for left in (len(content) - 4096, len(content) // 2, 5000, 100, 50):
            self.path.write_bytes(content[:left])
            self.assertIn("is damaged", self.refused(make(self.path)), left)

    def test_damaged(self) -> None:
        """A database with damaged pages is refused."""
        self.fill(*(Put(key_pair(f"{n:0200}")) for n in range(200)))
        content = bytearray(self.path.read_bytes())
        for at in range(4096, len(content)):
            content[at] ^= 0x5A
        self.path.write_bytes(content)
        self.assertIn("is damaged", self.refused(make(self.path)))

    def test_foreign(self) -> None:
        """An SQLite file of another program is refused."""
        self.sql("CREATE TABLE songs (title)")
        self.assertIn("not one of euca_tw", self.refused(make(self.path)))

    def test_newer(self) -> None:
        """A file with a newer schema is refused."""
        self.fill()
        self.sql("PRAGMA user_version = 99")
        self.assertIn("newer version of euca_tw", self.refused(make(self.path)))

    def test_no_directory(self) -> None:
        """A path that cannot be is refused."""
        store = make(self.path / "nowhere" / "state.db")
        self.assertIn("directory must exist", self.refused(store))

    def test_read_only(self) -> None:
        """A file that cannot be written is refused."""
        self.fill()

        def read_only(path: Path) -> sqlite3.Connection:
            connection = connect(path)
            connection.execute("PRAGMA query_only = 1")
            return connection

        store = make(self.path, open_database=partial(Database, connect=read_only))
        self.assertIn("cannot be written", self.refused(store))

    def test_no_permission(self) -> None:
        """A file that may not be opened is refused."""

        def forbidden(path: Path) -> sqlite3.Connection:
            raise PermissionError(13, "Permission denied")

        store = make(self.path, open_database=partial(Database, connect=forbidden))
        self.assertIn("Permission denied", self.refused(store))

    def test_unknown_kind(self) -> None:
        """A record of a kind that this version does not know is refused."""
        self.fill(Put(key_pair("a")))
        self.assertIn("unknown kind", self.refused(make(self.path, kinds=())))

    def test_newer_record(self) -> None:
        """A record of a newer version is refused."""
        self.fill(Put(key_pair("a")))
        self.sql("UPDATE records SET version = 2")
        self.assertIn("has version 2", self.refused(make(self.path)))

    def test_unreadable_records(self) -> None:
        """A body that does not fit its class is refused."""
        for body in (
            "{",
            "[]",
            "7",
            '{"owner_id":"1","name":"a","fingerprint":"f"}',
            '{"owner_id":"1","name":"a","fingerprint":"f","public_key":7}',
            '{"owner_id":"1","name":"a","fingerprint":"f","public_key":"k","x":1}',
        ):
            self.fill(Put(key_pair("a")))
            self.sql(f"UPDATE records SET body = '{body}'")
            self.assertIn("does not understand", self.refused(make(self.path)))
            self.sql("DELETE FROM records")

    def test_refused_twice(self) -> None:
        """A store that could be opened after a refusal opens."""
        self.path.write_bytes(b"something else " * 1000)
        store = make(self.path)
        self.refused(store)
        self.path.unlink()
        self.successResultOf(store.open())
        self.successResultOf(store.close())

    def test_not_open(self) -> None:
        """Nothing can be committed before the opening or after the closing."""
        store = make(self.path)
        self.failureResultOf(store.commit(), StoreUnusable)
        self.successResultOf(store.open())
        self.successResultOf(store.close())
        self.failureResultOf(store.commit(), StoreUnusable)
        self.successResultOf(store.close())

    def test_not_kept(self) -> None:
        """What cannot be kept is refused, and memory has nothing of it."""
        store = make(self.path)
        self.successResultOf(store.open())
        strange = evolve(key_pair("a"), fingerprint=object())
        self.assertRaises(TypeError, store.commit, Put(key_pair("b")), Put(strange))
        self.assertRaises(TypeError, store.commit, Put(7))
        self.assertRaises(ValueError, store.commit, Put(key_pair("\ud800")))
        self.assertEqual(len(store.all(KeyPair)), 0)
        self.successResultOf(store.close())


class FailingDisk(SynchronousTestCase):
    """A write that fails ends the store."""

    def test_full(self) -> None:
        """
        After a failed write nothing is acknowledged any more, the daemon is
        told once, and what was acknowledged before is on the disk.
        """
        path = Path(self.mktemp())
        failures: list[StoreUnusable] = []

        def small(path: Path) -> sqlite3.Connection:
            connection = connect(path)
            connection.execute("PRAGMA max_page_count = 12")
            return connection

        store = make(
            path,
            open_database=partial(Database, connect=small),
            on_failure=failures.append,
        )
        self.successResultOf(store.open())
        self.successResultOf(store.commit(Put(key_pair("a"))))
        failure = self.failureResultOf(
            store.commit(*(Put(key_pair("b" * 9000 + str(n))) for n in range(9)))
        )
        self.assertIn("the disk is full", str(failure.value))
        self.failureResultOf(store.commit(Put(key_pair("c"))), StoreUnusable)
        self.failureResultOf(
            store.commit(Delete(KeyPair, key_pair("a").key)), StoreUnusable
        )
        self.assertEqual([str(each) for each in failures], [str(failure.value)])
        self.successResultOf(store.close())

        again = make(path)
        self.successResultOf(again.open())
        self.assertEqual(names(again.all(KeyPair)), ["a"])
        self.successResultOf(again.close())

    def test_queued_behind(self) -> None:
        """What was queued behind a failed write fails too, and is not written."""
        path = Path(self.mktemp())
        worker, perform = createMemoryWorker()
        delivered: list[Callable[[], Any]] = []

        @define(eq=False)
        class Failing(Database):
            def write(self, changes: Any) -> None:
                if any("bad" in change.key for change in changes):
                    raise StoreUnusable("broken")
                super().write(changes)

        store = SqliteStore(
            path,
            CLOUD_RECORDS,
            lambda: worker,
            delivered.append,
            lambda failure: None,
            Failing,
        )
        opening = store.open()
        perform()
        delivered.pop()()
        self.successResultOf(opening)
        first = store.commit(Put(key_pair("bad")))
        perform()
        second = store.commit(Put(key_pair("good")))
        perform()
        for call in delivered:
            call()
        self.failureResultOf(first, StoreUnusable)
        self.failureResultOf(second, StoreUnusable)


class Copies(SynchronousTestCase):
    """A store is copied while it is used."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.copy = self.path.with_name(f"{self.path.name}-copy")

    def opened(self, **arguments: Any) -> SqliteStore:
        store = make(self.path, **arguments)
        self.successResultOf(store.open())
        self.addCleanup(store.close)
        return store

    def kept(self) -> list[str]:
        store = make(self.copy)
        self.successResultOf(store.open())
        found = names(store.all(KeyPair))
        self.successResultOf(store.close())
        return found

    def test_copied(self) -> None:
        """
        The copy is one file, for its owner alone, with all that was acknowledged;
        what is changed later is not in it.
        """
        store = self.opened()
        self.successResultOf(store.commit(Put(key_pair("a"))))
        self.successResultOf(store.copy_to(self.copy))
        self.successResultOf(store.commit(Put(key_pair("b"))))
        self.assertEqual([*self.copy.parent.glob(f"{self.copy.name}*")], [self.copy])
        self.assertEqual(self.copy.stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.kept(), ["a"])

    def test_commits_go_on(self) -> None:
        """What is committed while a large store is copied does not wait for it."""
        worker, perform = createMemoryWorker()
        during: list[Any] = []

        @define(eq=False)
        class Slow(Database):
            def copy_to(self, path: Path, meanwhile: Callable[[], None]) -> None:
                def busy() -> None:
                    if not during:
                        during.append(store.commit(Put(key_pair("late"))))
                    meanwhile()
                    during.append(during[0].called)

                super().copy_to(path, busy)

        store = make(self.path, make_worker=lambda: worker, open_database=Slow)
        opening = store.open()
        perform()
        self.successResultOf(opening)
        filled = store.commit(*(Put(key_pair(f"{n:04000}")) for n in range(1000)))
        perform()
        self.successResultOf(filled)
        copying = store.copy_to(self.copy)
        perform()
        self.successResultOf(copying)
        self.assertGreater(len(during), 2, "the copy is made in several steps")
        self.assertTrue(during[1], "acknowledged in the middle of the copy")
        closing = store.close()
        while perform():
            pass
        self.successResultOf(closing)
        self.assertEqual(len(self.kept()), 1001)

    def test_not_over_another(self) -> None:
        """A file that is there is left as it is."""
        store = self.opened()
        self.copy.write_text("precious")
        refused = self.failureResultOf(store.copy_to(self.copy), StoreUnusable)
        self.assertIn("File exists", str(refused.value))
        self.assertEqual(self.copy.read_text(), "precious")

    def test_fails(self) -> None:
        """Of a copy that could not be made nothing is left, and the store goes on."""

        @define(eq=False)
        class Full(Database):
            def copy_to(self, path: Path, meanwhile: Callable[[], None]) -> None:
                def full() -> None:
                    raise OSError(28, "No space left on device")

                super().copy_to(path, full)

        store = self.opened(open_database=Full)
        refused = self.failureResultOf(store.copy_to(self.copy), StoreUnusable)
        self.assertIn("No space left", str(refused.value))
        self.assertFalse(self.copy.exists())
        self.successResultOf(store.commit(Put(key_pair("a"))))

    def test_not_open(self) -> None:
        """A store that is not open cannot be copied."""
        self.failureResultOf(make(self.path).copy_to(self.copy), StoreUnusable)


@frozen
class Note:
    """A record whose step is listed by a name."""

    INDEXES = ()
    UPGRADES = ("shout",)
    text: str

    @property
    def key(self) -> str:
        return "n"


class Upgrades(SynchronousTestCase):
    """An older file is brought up to date when it is opened."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def older(self, *statements: str) -> None:
        """A database as an older version left it, written by hand."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        for statement in statements:
            connection.execute(statement)
        connection.close()

    def test_schema(self) -> None:
        """The steps that a file lacks are done, in order, once."""
        self.older(
            "PRAGMA application_id = 0x65756361",
            "CREATE TABLE record (kind TEXT, name TEXT, version INTEGER, body TEXT)",
            "PRAGMA user_version = 1",
            """INSERT INTO record VALUES ('KeyPair', '1/a', 1,
            '{"owner_id":"1","name":"a","fingerprint":"f","public_key":"k"}')""",
        )
        steps = (
            "SELECT never",
            "ALTER TABLE record RENAME TO records; SELECT 1",
            "ALTER TABLE records RENAME COLUMN name TO key",
            "ALTER TABLE records ADD COLUMN place INTEGER DEFAULT 1; "
            "CREATE UNIQUE INDEX by_key ON records (kind, key)",
        )
        for _ in range(2):
            store = make(self.path, open_database=partial(Database, schema=steps))
            self.successResultOf(store.open())
            self.assertEqual(names(store.all(KeyPair)), ["a"])
            self.successResultOf(store.close())

    def test_failed_step(self) -> None:
        """A step that fails leaves the file as it was."""
        self.older(
            "PRAGMA application_id = 0x65756361",
            "CREATE TABLE old (x)",
            "PRAGMA user_version = 1",
        )
        steps = ("SELECT never", "DROP TABLE old", "ALTER TABLE nothing RENAME TO x")
        store = make(self.path, open_database=partial(Database, schema=steps))
        self.failureResultOf(store.open(), StoreUnusable)
        connection = sqlite3.connect(self.path)
        self.assertEqual(connection.execute("PRAGMA user_version").fetchone(), (1,))
        self.assertEqual(connection.execute("SELECT * FROM old").fetchall(), [])
        connection.close()

    def test_records(self) -> None:
        """A record goes through each step from its version on, and is rewritten."""

        @frozen
        class Song:
            INDEXES = ()
            UPGRADES = (
                lambda body: {"title": body["name"]},
                lambda body: {
                    "title": body["title"],
                    "seconds": 60 * body.get("minutes", 3),
                },
            )
            title: str
            seconds: int

            @property
            def key(self) -> str:
                return self.title

        def song(place: int, title: str, version: int, body: str) -> str:
            return (
                f"INSERT INTO records VALUES ({place}, 'Song', '{title}', {version}, "
                f"'{body}')"
            )

        make_new = partial(make, self.path, kinds=(Song,))
        store = make_new()
        self.successResultOf(store.open())
        self.successResultOf(store.close())
        self.older(
            song(1, "first", 1, '{"name":"first"}'),
            song(2, "second", 2, '{"title":"second","minutes":2}'),
            song(3, "third", 3, '{"title":"third","seconds":7}'),
        )
        for _ in range(2):
            store = make_new()
            self.successResultOf(store.open())
            self.assertEqual(
                list(store.all(Song)),
                [Song("first", 180), Song("second", 120), Song("third", 7)],
            )
            self.successResultOf(store.close())
        connection = sqlite3.connect(self.path)
        versions = connection.execute("SELECT DISTINCT version FROM records")
        self.assertEqual(versions.fetchall(), [(3,)])
        connection.close()

    def old_note(self) -> None:
        """A file with a record of an older version, and a large one deleted."""
        store = make(self.path, kinds=(Note,))
        self.successResultOf(store.open())
        self.successResultOf(store.close())
        put = "INSERT INTO records (kind, key, version, body) VALUES ('Note', "
        self.older(
            "PRAGMA secure_delete = OFF",
            f"""{put}'n', 1, '{{"text":"what was"}}')""",
            f"{put}'m', 1, '{'x' * 9000}what was')",
            "DELETE FROM records WHERE key = 'm'",
        )

    def note_store(self, database: type[Database] = Database) -> SqliteStore:
        upgrades = {"shout": lambda body: {"text": body["text"].upper()[:6]}}
        return make(self.path, kinds=(Note,), upgrades=upgrades, open_database=database)

    def files(self) -> bytes:
        found = self.path.parent.glob(f"{self.path.name}*")
        return b"".join(path.read_bytes() for path in found)

    def test_named_step(self) -> None:
        """A step that a class lists by a name is who opens the store's to give."""
        self.old_note()
        refusal = self.failureResultOf(make(self.path, kinds=(Note,)).open())
        self.assertIn("shout", str(refusal.value))
        for _ in range(2):
            store = self.note_store()
            self.successResultOf(store.open())
            self.assertEqual(list(store.all(Note)), [Note("WHAT W")])
            self.successResultOf(store.close())

    def test_replaced(self) -> None:
        """Nothing of what a step replaced is left in the open store's files."""
        self.old_note()
        self.assertEqual(self.files().count(b"what was"), 2)
        store = self.note_store()
        self.successResultOf(store.open())
        self.assertNotIn(b"what was", self.files())
        self.successResultOf(store.close())

    def test_killed_before_the_purge(self) -> None:
        """What a killed process left of it is gone when the file opens again."""

        @define(eq=False)
        class Killed(Database):
            def _purge(self) -> None:
                raise StoreUnusable("killed")

        self.old_note()
        self.failureResultOf(self.note_store(Killed).open(), StoreUnusable)
        self.assertIn(b"WHAT W", self.files())
        self.assertIn(b"what was", self.files())
        for _ in range(2):
            store = self.note_store()
            self.successResultOf(store.open())
            self.assertNotIn(b"what was", self.files())
            self.assertEqual(list(store.all(Note)), [Note("WHAT W")])
            self.successResultOf(store.close())
        connection = sqlite3.connect(self.path)
        self.assertEqual(connection.execute("PRAGMA user_version").fetchone(), (1,))
        connection.close()
