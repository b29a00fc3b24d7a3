"""What every L{IJournal} does."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from attrs import define, field, frozen
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.model.records import CLOUD_RECORDS, Address, KeyPair
from euca_tw.store.codec import Codec
from euca_tw.store.interfaces import Change, Delete, Put, StoreUnusable
from euca_tw.store.journal import Appended, IJournal, Position, Proposal
from euca_tw.store.reads import Read, Reads
from euca_tw.store.tables import Tables
from tests.suites.store import OTHER, OWNER, address, key_pair, names

CODEC = Codec.of(CLOUD_RECORDS)


class Place(Protocol):
    """Where several processes meet."""

    def journal(self) -> Any:
        """The way there of one of them; its answers are there at once."""

    def pass_time(self, seconds: float) -> None:
        """By the clock of leases; C{seconds} may be more."""


@define(eq=False)
class Process:
    """One that has a journal, and its own idea of what there is."""

    case: SynchronousTestCase
    journal: Any
    codec: Codec = CODEC
    tables: Tables = field(init=False, factory=Tables)
    position: Position = field(init=False, factory=Position)

    def open(self) -> None:
        opening = self.journal.open(self.codec, lambda: None)
        loaded = self.case.successResultOf(opening)
        self.tables, self.position = loaded.tables, loaded.position
        self.case.addCleanup(lambda: self.case.successResultOf(self.journal.close()))

    def proposal(self, *changes: Change, reads: Sequence[Read] = ()) -> Proposal:
        """Of what it has read, and what it writes."""
        rows = tuple(
            self.codec.row(each.record)
            if isinstance(each, Put)
            else _gone(self.codec, each)
            for each in changes
        )
        steps = self.tables.undoable(changes)
        self.tables.undo(steps)
        noted = [*reads, *((step.kind, step.key) for step in steps)]
        return Proposal(rows, tuple(steps), Reads(noted, len(noted)))

    def append(self, batch: str, *proposals: Proposal) -> Appended:
        appending = self.journal.append(self.position, batch, proposals)
        appended: Appended = self.case.successResultOf(appending)
        return appended

    def put(self, name: str, *changes: Change, reads: Sequence[Read] = ()) -> bool:
        """A batch of one; whether it was made.  It goes on from there."""
        proposal = self.proposal(*changes, reads=reads)
        appended = self.append(name, proposal)
        for entry in appended.entries:
            self.tables.apply(changes if entry.batch == name else entry.changes)
            self.position = entry.position
        return not appended.refused


def _gone(codec: Codec, change: Delete) -> Any:
    from euca_tw.store.database import Gone

    return Gone(codec.name_of(change.kind), change.key)


def make_ijournal_tests(
    factory: Callable[[SynchronousTestCase], Place],
) -> type[SynchronousTestCase]:
    """
    @param factory: makes, of the running test, a place where nothing was kept yet.
    """

    class IJournalTests(SynchronousTestCase):
        def setUp(self) -> None:
            self.place = factory(self)
            self.one, self.two = self.process(), self.process()

        def process(self, codec: Codec = CODEC) -> Process:
            process = Process(self, self.place.journal(), codec)
            process.open()
            return process

        def test_interface(self) -> None:
            """It provides L{IJournal}."""
            verifyObject(IJournal, self.one.journal)

        def test_nothing(self) -> None:
            """At first there is nothing, and nothing was done."""
            self.assertEqual(self.one.position, Position())
            heard = self.successResultOf(self.one.journal.read(Position()))
            self.assertEqual(([*heard.entries], heard.head), ([], 0))

        def test_append(self) -> None:
            """Proposals are made in their order, each of which is an entry."""
            proposals = [self.one.proposal(Put(key_pair(name))) for name in "ab"]
            appended = self.one.append("first", *proposals)
            self.assertEqual(
                [(e.sequence, e.batch, e.number) for e in appended.entries],
                [(1, "first", 0), (2, "first", 1)],
            )
            self.assertEqual(appended.refused, frozenset())
            third = self.process()
            self.assertEqual(names(third.tables.all(KeyPair)), ["a", "b"])
            self.assertEqual(third.position, Position(2, "first"))

        def test_read(self) -> None:
            """Others hear of what was made, as it was made."""
            changes = (
                Put(key_pair("a")),
                Put(key_pair('näme "<&>\\\0\U0001f600')),
                Delete(KeyPair, key_pair("a").key),
                Put(key_pair("a")),
            )
            self.assertTrue(self.one.put("first", *changes))
            self.assertTrue(self.one.put("second", Delete(Address, "nothing")))
            heard = self.successResultOf(self.two.journal.read(self.two.position))
            self.assertEqual(heard.head, 2)
            self.assertEqual(
                [each.changes for each in heard.entries],
                [changes, (Delete(Address, "nothing"),)],
            )
            self.assertEqual(heard.entries[0].position, Position(1, "first"))
            heard = self.successResultOf(self.two.journal.read(Position(1, "first")))
            self.assertEqual([each.sequence for each in heard.entries], [2])

        def test_loaded(self) -> None:
            """What was kept is loaded, oldest first, as changes have left it."""
            for name in "abcd":
                self.one.put(f"put {name}", Put(key_pair(name)))
            gone = Delete(KeyPair, key_pair("a").key)
            self.one.put("again", gone, Put(key_pair("a")), Put(key_pair("e")))
            self.one.put("b", Put(key_pair("b")), Put(key_pair("f")))
            self.one.put("not", Put(key_pair("g")), Delete(KeyPair, key_pair("g").key))
            self.one.put("odd", Put(key_pair("\\\0\\0ä")))
            self.assertEqual(
                names(self.process().tables.all(KeyPair)), [*"bcdaef", "\\\0\\0ä"]
            )

        def test_refused(self) -> None:
            """
            Who has read what others wrote since is refused, with whom relied on
            him; and is told what they did.
            """
            self.one.put("first", Put(key_pair("a")))
            reads: list[Read] = [(KeyPair, "owner_id", OWNER)]
            proposals = [
                self.two.proposal(Put(address("10.0.0.1")), reads=reads),
                self.two.proposal(Put(key_pair("b", OTHER))),
                self.two.proposal(
                    Put(address("10.0.0.3")), reads=[(Address, "10.0.0.1")]
                ),
            ]
            appended = self.two.append("second", *proposals)
            self.assertEqual(appended.refused, {0, 2})
            self.assertEqual(
                [(e.batch, e.number, e.changes) for e in appended.entries],
                [("first", 0, (Put(key_pair("a")),)), ("second", 1, ())],
            )
            third = self.process()
            self.assertEqual(names(third.tables.all(KeyPair)), ["a", "b"])
            self.assertEqual(len(third.tables.all(Address)), 0)

        def test_all_refused(self) -> None:
            """If all are refused nothing is written."""
            self.one.put("first", Put(key_pair("a")))
            self.assertFalse(self.two.put("second", Put(key_pair("a"))))
            self.assertEqual(self.two.position, Position(1, "first"))
            self.assertEqual(names(self.two.tables.all(KeyPair)), ["a"])

        def test_found_before(self) -> None:
            """A value that a record has no more was touched as well."""
            self.one.put("first", Put(address("10.0.0.1")))
            self.two.position = self.one.position
            self.one.put("second", Put(address("10.0.0.1", "i-1")))
            reads: list[Read] = [(Address, "instance_id", None)]
            self.assertFalse(self.two.put("third", Put(key_pair("a")), reads=reads))

        def test_asked_again(self) -> None:
            """What was asked twice is done once, and the answer is the same."""
            self.one.put("first", Put(key_pair("a")))
            proposals = [self.two.proposal(Put(key_pair(name))) for name in "abc"]
            first = self.two.append("second", *proposals)
            self.one.put("third", Put(key_pair("z")))
            again = self.two.append("second", *proposals)
            self.assertEqual((first.refused, again.refused), ({0}, {0}))
            self.assertEqual(
                [(e.batch, e.number) for e in again.entries],
                [("first", 0), ("second", 1), ("second", 2), ("third", 0)],
            )
            self.assertEqual(
                names(self.process().tables.all(KeyPair)), ["a", "b", "c", "z"]
            )

        def test_large(self) -> None:
            """A batch may be large, and so may what somebody has to catch up with."""
            proposals = [self.one.proposal(Put(key_pair(f"{n}"))) for n in range(1200)]
            self.one.append("large", *proposals)
            position, heard = Position(), []
            while position.sequence < 1200:
                answer = self.successResultOf(self.two.journal.read(position))
                self.assertEqual(answer.head, 1200)
                heard += answer.entries
                position = heard[-1].position
            self.assertEqual([each.number for each in heard], [*range(1200)])

        def test_another_course(self) -> None:
            """Who knows of what is not there is told that he must start again."""
            self.one.put("first", Put(key_pair("a")))
            for position in (Position(1, "other"), Position(2, "more")):
                self.one.position = position
                reading = self.one.journal.read(position)
                self.failureResultOf(reading, StoreUnusable)
                proposal = self.one.proposal(Put(key_pair("b")))
                appending = self.one.journal.append(position, "second", [proposal])
                self.failureResultOf(appending, StoreUnusable)

        def test_unknown(self) -> None:
            """So is who does not understand what another version wrote."""

            @frozen
            class Newer:
                INDEXES = ()
                key: str

            newer = self.process(Codec.of((*CLOUD_RECORDS, Newer)))
            self.assertTrue(newer.put("first", Put(Newer("a"))))
            reading = self.one.journal.read(self.one.position)
            refusal = self.failureResultOf(reading, StoreUnusable)
            self.assertIn("Newer", str(refusal.value))
            appending = self.two.journal.append(
                self.two.position, "second", [self.two.proposal(Put(key_pair("a")))]
            )
            self.failureResultOf(appending, StoreUnusable)
            opening = self.place.journal().open(CODEC, lambda: None)
            self.failureResultOf(opening, StoreUnusable)

        def lead(self, process: Process, name: str, for_s: float) -> bool:
            leading = process.journal.lead("x", name, for_s)
            is_granted: bool = self.successResultOf(leading)
            return is_granted

        def test_lead(self) -> None:
            """One leads, as long as he says so in time, or does not let go."""
            self.assertTrue(self.lead(self.one, "one", 0.2))
            self.assertFalse(self.lead(self.two, "two", 60))
            self.assertTrue(self.lead(self.one, "one", 0.3))
            self.place.pass_time(0.3)
            self.assertTrue(self.lead(self.two, "two", 60))
            self.assertFalse(self.lead(self.one, "one", 60))
            self.successResultOf(self.one.journal.release("x", "one"))
            self.assertFalse(self.lead(self.one, "one", 60))
            self.successResultOf(self.two.journal.release("x", "two"))
            self.assertTrue(self.lead(self.one, "one", 60))

        def test_copy(self) -> None:
            """A copy is a file that a store of one process can open."""
            for name in "abc":
                self.one.put(f"put {name}", Put(key_pair(name)))
            path = Path(self.mktemp())
            self.successResultOf(self.one.journal.copy_to(path))
            self.assertEqual(path.stat().st_mode & 0o777, 0o600)
            connection = sqlite3.connect(path)
            query = "SELECT key FROM records ORDER BY place"
            found = connection.execute(query).fetchall()
            connection.close()
            self.assertEqual(found, [(key_pair(name).key,) for name in "abc"])
            self.assertEqual([*path.parent.glob(f"{path.name}*")], [path])
            self.failureResultOf(self.one.journal.copy_to(path), StoreUnusable)

    return IJournalTests
