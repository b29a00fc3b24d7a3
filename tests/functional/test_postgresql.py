"""L{PostgresJournal}, on a real PostgreSQL."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import define, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.threads import ThisThread
from euca_tw.model.records import CLOUD_RECORDS, KeyPair
from euca_tw.store import postgres
from euca_tw.store.codec import Codec
from euca_tw.store.interfaces import Put, StoreUnreachable, StoreUnusable
from euca_tw.store.journal import Loaded, Position
from euca_tw.store.postgres_batches import Keeping
from euca_tw.store.postgres_journal import PostgresJournal
from euca_tw.store.shared import SharedStore
from tests.functional.postgresql import shared
from tests.store.test_serial import ACTS, STORES, Act, Done, SerialCase
from tests.suites.journal import CODEC, Process, make_ijournal_tests
from tests.suites.store import key_pair, make_istore_tests


def journal_of(where: str, **given: Any) -> PostgresJournal:
    """One whose answers are there at once."""
    return PostgresJournal(
        where, lambda name: ThisThread(), lambda call: call(), listens=False, **given
    )


def at_once(where: str, clock: Clock, seed: int = 1, **given: Any) -> SharedStore:
    """One whose answers are there at once."""
    journal = journal_of(where)
    failures: list[Any] = given.pop("failures", [])
    kinds = given.pop("kinds", CLOUD_RECORDS)
    return SharedStore(journal, kinds, clock, Random(seed), failures.append, **given)


@define(eq=False)
class _Place:
    where: str

    def journal(self) -> PostgresJournal:
        return journal_of(self.where)

    def pass_time(self, seconds: float) -> None:
        shared().ask(f"SELECT pg_sleep({seconds})")


def place(case: SynchronousTestCase) -> _Place:
    return _Place(shared().emptied())


class PostgresJournalTests(make_ijournal_tests(place)):  # type: ignore[misc]
    """The suite, in PostgreSQL."""


def opened(case: SynchronousTestCase) -> SharedStore:
    store = at_once(shared().emptied(), Clock())
    case.successResultOf(store.open())
    case.addCleanup(lambda: case.successResultOf(store.close()))
    return store


class PostgresStoreTests(make_istore_tests(opened)):  # type: ignore[misc]
    """The suite, in PostgreSQL."""


class PostgresSerialTests(SerialCase):
    @settings(max_examples=12, deadline=None)
    @given(st.lists(ACTS, min_size=5, max_size=25))
    def test_serial(self, acts: list[Act]) -> None:
        """
        Stores that never hear of each other, but by what becomes of their commits,
        are as one on which everything happens one after the other.
        """
        where, clock = shared().emptied(), Clock()
        stores = [at_once(where, clock, seed) for seed in range(STORES)]
        for store in stores:
            self.successResultOf(store.open())
        done: list[Done] = []
        for act in acts:
            done.append(self.act(stores[act.store], act, len(done)))
            clock.advance(0)
        self.assertLessEqual({each.outcome for each in done}, {"made", "refused"})
        one = self.replay([each for each in done if each.outcome == "made"])
        for store in stores:
            self.successResultOf(store.current())
            self.compare(store, one)
            self.successResultOf(store.close())
            self.successResultOf(store.open())
            self.compare(store, one)
            self.successResultOf(store.close())


class OpeningTests(SynchronousTestCase):
    """What is refused, and how that is said; and what is brought up to date."""

    def setUp(self) -> None:
        self.where = shared().emptied()

    def sql(self, text: str) -> list[tuple[object, ...]]:
        return shared().ask(text, database=self.where)

    def opened(self, journal: PostgresJournal, codec: Codec = CODEC) -> Loaded:
        opening = journal.open(codec, lambda: None)
        loaded = self.successResultOf(opening)
        self.addCleanup(lambda: self.successResultOf(journal.close()))
        return loaded

    def refusal(
        self, where: str | None = None, why: type = StoreUnusable, codec: Codec = CODEC
    ) -> str:
        opening = journal_of(where or self.where).open(codec, lambda: None)
        failure = self.failureResultOf(opening, StoreUnusable)
        self.assertIs(failure.type, why, failure.value)
        return str(failure.value)

    def test_newer(self) -> None:
        """What a newer version has made is not touched."""
        self.opened(journal_of(self.where))
        self.sql(
            "COMMENT ON SCHEMA euca_tw IS 'The state of a cloud of euca_tw, version 99'"
        )
        self.assertIn("newer version", self.refusal())

    def test_newer_meanwhile(self) -> None:
        """Nor if it has done so while this was cut off."""
        journal = journal_of(self.where)
        self.opened(journal)
        self.sql(
            "COMMENT ON SCHEMA euca_tw IS 'The state of a cloud of euca_tw, version 99'"
        )
        reading = journal.read(Position())
        self.failureResultOf(reading, StoreUnusable)

    def test_somebody_elses(self) -> None:
        """Nor is what is not ours."""
        self.sql("CREATE SCHEMA euca_tw; CREATE TABLE euca_tw.other (one int)")
        self.assertIn("not euca_tw's", self.refusal())
        self.assertEqual(self.sql("SELECT * FROM euca_tw.other"), [])

    def test_encoding(self) -> None:
        """A database that cannot keep every name is refused."""
        where = shared().database("ENCODING 'LATIN1' TEMPLATE template0")
        self.assertIn("UTF8", self.refusal(where))

    def test_rights(self) -> None:
        """Whoever may not make a schema is told that he must."""
        self.sql("DROP ROLE IF EXISTS weak; CREATE ROLE weak LOGIN")
        where = self.where.replace("//postgres@", "//weak@")
        self.assertIn("must own", self.refusal(where))

    def test_no_database(self) -> None:
        """What is not there is named."""
        said = self.refusal(shared().uri("nothing"), StoreUnreachable)
        self.assertIn('database "nothing" does not exist', said)

    def test_secret(self) -> None:
        """Nobody is told a password."""
        for where in (
            "postgresql://postgres:s3cret@nowhere.invalid/x",
            "postgresql://postgres:s3cret@[/",
            "password=s3cret nonsense",
            "password=s3cret host=/nowhere",
        ):
            opening = journal_of(where).open(CODEC, lambda: None)
            failure = self.failureResultOf(opening, StoreUnusable)
            self.assertNotIn("s3cret", str(failure.value))

    def test_restoring(self) -> None:
        """While a backup is restored nobody opens it."""
        journal = journal_of(self.where)
        self.opened(journal)
        with postgres.opened(self.where, takes_part=False) as connection:
            self.assertFalse(postgres.is_nobodys(connection))
        self.successResultOf(journal.close())
        with postgres.opened(self.where, takes_part=False) as connection:
            self.assertTrue(postgres.is_nobodys(connection))
            self.assertIn("restored", self.refusal(why=StoreUnreachable))

    def test_durable(self) -> None:
        """A server that acknowledges before it has written is told not to."""
        name = self.where.partition("@/")[2].partition("?")[0]
        for setting, expected in (("off", "on"), ("remote_apply", "remote_apply")):
            self.sql(f"ALTER DATABASE {name} SET synchronous_commit = {setting}")
            with postgres.opened(self.where) as connection:
                row = connection.execute("SHOW synchronous_commit").fetchone()
            self.assertEqual(row, (expected,))
        self.sql(f"ALTER DATABASE {name} RESET synchronous_commit")

    def test_upgraded(self) -> None:
        """
        What an earlier version wrote is written anew, once, and others hear of it.
        """

        @frozen
        class Note:
            INDEXES = ()
            UPGRADES = (lambda body: {**body, "text": body["text"].upper()},)
            key: str
            text: str

        codec = Codec.of((Note,))
        first = journal_of(self.where)
        self.opened(first, codec)
        self.sql(
            "INSERT INTO euca_tw.records (kind, key, version, body) VALUES "
            """('Note', 'a', 1, '{"key": "a", "text": "x"}'), """
            """('Note', 'b', 2, '{"key": "b", "text": "y"}')"""
        )
        for _ in range(2):
            loaded = self.opened(journal_of(self.where), codec)
            self.assertEqual(
                [*loaded.tables.all(Note)], [Note("a", "X"), Note("b", "y")]
            )
            self.assertEqual(loaded.position.sequence, 1)
        query = "SELECT version, body FROM euca_tw.records WHERE key = 'a'"
        self.assertEqual(self.sql(query), [(2, '{"key":"a","text":"X"}')])
        heard = self.successResultOf(first.read(Position()))
        self.assertEqual([e.changes for e in heard.entries], [(Put(Note("a", "X")),)])
        # One that does not know the newer form.
        older = Codec.of((type("Note", (Note,), {"UPGRADES": (), "__slots__": ()}),))
        self.assertIn("version 2", self.refusal(codec=older))

    def test_pruned(self) -> None:
        """
        The journal does not grow without bound; who is behind what it remembers is
        told to start again, and then has everything.
        """
        for keeping, expected in (
            (Keeping(least=4, most=10, age_s=3600, every=4), range(6, 15)),
            (Keeping(least=4, most=10, age_s=0, every=4), range(2, 9)),
        ):
            self.where = shared().emptied()
            one = Process(self, journal_of(self.where, keeping=keeping))
            behind = Process(self, journal_of(self.where))
            one.open()
            behind.open()
            for number in range(40):
                one.put(f"{number}", Put(key_pair(f"{number}")))
            [(count,)] = self.sql("SELECT count(*) FROM euca_tw.journal")
            self.assertIn(count, expected)
            reading = behind.journal.read(behind.position)
            self.assertIn(
                "too far", str(self.failureResultOf(reading, StoreUnusable).value)
            )
            self.successResultOf(behind.journal.close())
            behind.open()
            self.assertEqual(len(behind.tables.all(KeyPair)), 40)
