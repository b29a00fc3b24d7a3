"""Tests of L{euca_tw.store.shared}, on a journal in memory."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, evolve, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.model.records import CLOUD_RECORDS, Address, Image, KeyPair
from euca_tw.store.codec import Row
from euca_tw.store.interfaces import (
    Change,
    Conflict,
    Delete,
    IShared,
    Put,
    StoreUnreachable,
    StoreUnusable,
)
from euca_tw.store.journal import IJournal
from euca_tw.store.memory_journal import Hub, MemoryJournal
from euca_tw.store.shared import PATIENCE_S, SharedStore
from euca_tw.store.watched import WatchedStore
from tests.suites.store import (
    OTHER,
    OWNER,
    address,
    image,
    key_pair,
    make_istore_tests,
    names,
)


def opened(case: SynchronousTestCase) -> SharedStore:
    return World(case).store()


class SharedStoreTests(make_istore_tests(opened)):  # type: ignore[misc]
    """The suite, on a journal in memory."""


def watched(case: SynchronousTestCase) -> WatchedStore:
    return WatchedStore(opened(case))


class WatchedSharedStoreTests(make_istore_tests(watched)):  # type: ignore[misc]
    """The suite, watched."""


@define(eq=False)
class World:
    """Stores on one hub."""

    case: SynchronousTestCase
    delay_s: float | None = None
    clock: Clock = field(init=False, factory=Clock)
    hub: Hub = field(init=False)
    failures: list[StoreUnusable] = field(init=False, factory=list)
    _seed: int = 0

    def __attrs_post_init__(self) -> None:
        self.hub = Hub(self.clock, self.delay_s)

    def journal(self) -> MemoryJournal:
        return MemoryJournal(self.hub)

    def store(
        self,
        journal: MemoryJournal | None = None,
        kinds: tuple[type, ...] = CLOUD_RECORDS,
    ) -> SharedStore:
        """Another one, opened."""
        self._seed += 1
        store = SharedStore(
            journal or self.journal(),
            kinds,
            self.clock,
            Random(self._seed),
            self.failures.append,
        )
        opening = store.open()
        self.settle()
        self.case.successResultOf(opening)
        return store

    def settle(self) -> None:
        """Everything that is on its way arrives."""
        for _ in range(20):
            self.clock.advance(self.delay_s or 0)


class SharedCase(SynchronousTestCase):
    """Two stores, each of whose commits takes its time."""

    delay_s: float | None = 0.01

    def setUp(self) -> None:
        self.world = World(self, self.delay_s)
        self.journals = [self.world.journal(), self.world.journal()]
        self.one, self.two = map(self.world.store, self.journals)
        self.clock, self.hub = self.world.clock, self.world.hub

    def settle(self) -> None:
        self.world.settle()

    def kept(self, committing: Deferred[None]) -> None:
        """It is, soon."""
        self.settle()
        self.assertIsNone(self.successResultOf(committing))

    def refused(self, committing: Deferred[None], why: type = Conflict) -> Any:
        self.settle()
        return self.failureResultOf(committing, why).value


class FollowingTests(SharedCase):
    """What one does, others see."""

    def test_interfaces(self) -> None:
        """They are what they say."""
        verifyObject(IShared, self.one)
        verifyObject(IJournal, self.journals[0])

    def test_heard(self) -> None:
        """What one has committed is in the memory of others soon."""
        self.kept(self.one.commit(Put(key_pair("a")), Put(key_pair("b"))))
        self.kept(self.one.commit(Delete(KeyPair, key_pair("a").key)))
        self.assertEqual(names(self.two.all(KeyPair)), ["b"])
        self.assertEqual(names(self.two.where(KeyPair, "owner_id", OWNER)), ["b"])

    def test_not_yet(self) -> None:
        """Not before it is durable; who committed it has it at once."""
        committing = self.one.commit(Put(key_pair("a")))
        self.assertNoResult(committing)
        self.assertEqual(names(self.one.all(KeyPair)), ["a"])
        self.assertEqual(names(self.two.all(KeyPair)), [])
        self.kept(committing)

    def test_same_order(self) -> None:
        """Records are as old in one store as in another, and after a restart."""
        committing = [self.one.commit(Put(key_pair(name))) for name in "ab"]
        committing += [self.two.commit(Put(address(name))) for name in "xyz"]
        committing += [self.two.commit(Put(key_pair("c")))]
        for each in committing:
            self.kept(each)
        found = [names(store.all(KeyPair)) for store in (self.one, self.two)]
        found.append(names(self.world.store().all(KeyPair)))
        self.assertEqual(found, [found[0]] * 3)
        self.assertEqual(len(found[0]), 3)

    def test_current(self) -> None:
        """What was durable before somebody asked is there when he is answered."""
        self.journals[1].is_deaf = True
        self.kept(self.one.commit(Put(key_pair("a"))))
        self.assertEqual(names(self.two.all(KeyPair)), [])
        asked = self.two.current()
        self.assertNoResult(asked)
        self.kept(asked)
        self.assertEqual(names(self.two.all(KeyPair)), ["a"])

    def test_current_shared(self) -> None:
        """Who asks while a question is under way waits for the next one."""
        self.journals[1].is_deaf = True
        first = self.two.current()
        self.clock.advance(0.01)  # it has reached the hub
        committing = self.one.commit(Put(key_pair("a")))
        others = [self.two.current() for _ in range(3)]
        self.clock.advance(0.01)
        self.successResultOf(first)
        self.kept(committing)
        for each in others:
            self.kept(each)
        self.assertEqual(names(self.two.all(KeyPair)), ["a"])
        self.assertEqual(self.journals[1].questions, 2)

    def test_current_while_writing(self) -> None:
        """Also while own commits are on their way, one after the other."""
        self.journals[1].is_deaf = True
        busy: list[Deferred[None]] = []
        committing = self.one.commit(Put(key_pair("a")))
        for number in range(10):
            busy.append(self.two.commit(Put(address(f"10.0.0.{number}"))))
            self.clock.advance(0.005)
        self.kept(committing)
        asked = self.two.current()
        for number in range(10, 20):
            busy.append(self.two.commit(Put(address(f"10.0.0.{number}"))))
            self.clock.advance(0.005)
        self.successResultOf(asked)
        self.assertEqual(names(self.two.all(KeyPair)), ["a"])
        self.settle()
        for each in busy:
            self.kept(each)

    def test_current_tells(self) -> None:
        """Who watches was told of all of it, too, however much that is."""
        self.journals[1].is_deaf = True
        heard: list[Any] = []
        self.two.watch(heard.append)
        for number in range(100):
            self.one.commit(Put(address(f"10.0.0.{number}")))
        self.settle()
        told: list[int] = []
        asked = self.two.current()
        asked.addCallback(lambda _: told.append(len(heard)))
        self.kept(asked)
        self.assertEqual(told, [100])

    def test_watched(self) -> None:
        """
        Who watches hears of everybody's commits in their one order, and of an own
        one before its maker.
        """
        heard: list[list[Any]] = [[], []]
        for store, into in zip((self.one, self.two), heard, strict=True):
            WatchedStore(store).watch(into.append)
        committing = []
        for number in range(3):
            committing.append(self.one.commit(Put(address(f"10.0.0.{number}"))))
            committing.append(self.two.commit(Put(key_pair(f"{number}"))))
        told: list[int] = []
        committing[0].addCallback(lambda _: told.append(len(heard[0])))
        self.settle()
        self.assertEqual(heard[0], heard[1])
        self.assertEqual(len(heard[0]), 6)
        self.assertEqual(told, [1])

    def test_many_at_once(self) -> None:
        """What comes while an answer is awaited is proposed all at once."""
        committing = [self.one.commit(Put(address(f"10.0.0.{n}"))) for n in range(100)]
        self.settle()
        for each in committing:
            self.kept(each)
        self.assertEqual(len({each.batch for each in self.hub.entries}), 2)


class ConflictTests(SharedCase):
    """Who was slower is told so, and what he did is not."""

    def race(
        self, decide: Callable[[SharedStore], Change], *, both: bool = False
    ) -> None:
        """Of two who decide at the same time by what they read, one may."""
        first = self.one.commit(decide(self.one))
        second = self.two.commit(decide(self.two))
        self.kept(first)
        if both:
            self.kept(second)
        else:
            self.refused(second)

    def test_same_key(self) -> None:
        """Of two who change a record, without looking, one may."""
        self.race(lambda store: Put(key_pair("a")))

    def test_absence(self) -> None:
        """Nor may one rely on it that there is none."""
        self.kept(self.one.commit(Put(key_pair("a"))))

        def decide(store: SharedStore) -> Change:
            if store is self.one:
                return Put(key_pair("b"))
            self.assertIsNone(store.get(KeyPair, key_pair("b").key))
            return Delete(KeyPair, key_pair("a").key)

        self.race(decide)

    def test_where(self) -> None:
        """Of two who count what has a value, and add to it, one may."""

        def decide(store: SharedStore) -> Change:
            count = len(store.where(KeyPair, "owner_id", OWNER))
            return Put(key_pair(f"{store is self.one} {count}"))

        self.race(decide)

    def test_where_left(self) -> None:
        """A record that has the value no more counts as well."""
        self.kept(self.one.commit(Put(address("10.0.0.1"))))

        def decide(store: SharedStore) -> Change:
            if store is self.one:
                return Put(address("10.0.0.1", "i-1"))
            [_free] = store.where(Address, "instance_id", None)
            return Put(key_pair("a"))

        self.race(decide)

    def test_total(self) -> None:
        """Of two who see what is used, and add to it, one may."""

        def decide(store: SharedStore) -> Change:
            used = store.total(Image, "owner_id", OWNER, "size_bytes")
            return Put(image(1 if store is self.one else 2, size_bytes=used + 1))

        self.race(decide)

    def test_all(self) -> None:
        """Of two who see all of a class, and add to it, one may."""
        self.race(
            lambda store: Put(key_pair(f"{store is self.one} {[*store.all(KeyPair)]}"))
        )

    def test_late_look(self) -> None:
        """A view counts when it is looked at, however old it is."""
        view = self.two.where(KeyPair, "owner_id", OWNER)
        self.settle()

        def decide(store: SharedStore) -> Change:
            return Put(key_pair("a" if store is self.one else f"b{len(view)}"))

        self.race(decide)

    def test_nothing_in_common(self) -> None:
        """Who have nothing to do with each other do not disturb each other."""
        views = [store.where(KeyPair, "owner_id", OWNER) for store in (self.one,)]

        def decide(store: SharedStore) -> Change:
            owner = OWNER if store is self.one else OTHER
            count = len(store.where(KeyPair, "owner_id", owner))
            return Put(key_pair(f"a{count}", owner))

        self.race(decide, both=True)
        self.assertEqual(len(views[0]), 1)

    def test_another_turn(self) -> None:
        """What was read before the turn in which somebody commits does not matter."""
        self.assertEqual(len(self.two.all(KeyPair)), 0)
        self.settle()
        self.race(
            lambda store: Put(key_pair("a" if store is self.one else "b")), both=True
        )

    def test_undone(self) -> None:
        """Memory is as if it had never been, and has what the other did."""
        for name in "abcde":
            self.kept(self.one.commit(Put(address(name)), Put(image(ord(name)))))
        first = self.one.commit(Put(address("b", "i-1")))
        second = self.two.commit(
            Delete(Address, "b"),
            Put(address("z")),
            Delete(Image, image(ord("c")).key),
            Put(evolve(image(ord("d")), size_bytes=7)),
        )
        self.kept(first)
        self.refused(second)
        for store in (self.one, self.two, self.world.store()):
            self.assertEqual(
                [(each.public_ip, each.instance_id) for each in store.all(Address)],
                [("a", None), ("b", "i-1"), ("c", None), ("d", None), ("e", None)],
            )
            self.assertEqual(
                [*store.where(Image, "owner_id", OWNER)],
                [image(ord(name)) for name in "abcde"],
            )
            self.assertEqual(store.total(Image, "owner_id", OWNER, "size_bytes"), 0)

    def test_dependent(self) -> None:
        """Who decided by what is refused is refused; others of the batch are not."""
        first = self.one.commit(Put(key_pair("a")))
        slow = self.two.commit(Put(key_pair("x", OTHER)))
        self.clock.advance(0)
        base = self.two.commit(Put(key_pair("a")), Put(address("10.0.0.1")))
        self.clock.advance(0)
        self.assertIsNotNone(self.two.get(Address, "10.0.0.1"))
        dependent = self.two.commit(Put(address("10.0.0.2")))
        self.clock.advance(0)
        other = self.two.commit(Put(address("10.0.0.3")))
        for each in (first, slow, other):
            self.kept(each)
        for each in (base, dependent):
            self.refused(each)
        for store in (self.one, self.two):
            self.assertEqual(
                [each.public_ip for each in store.all(Address)], ["10.0.0.3"]
            )

    def test_decided_anew(self) -> None:
        """Who is refused finds what the other did, and may then do his."""
        self.race(lambda store: Put(key_pair("a", OWNER)))
        found = self.two.get(KeyPair, key_pair("a").key)
        assert found is not None
        self.kept(self.two.commit(Put(evolve(found, fingerprint="two"))))
        again = self.one.get(KeyPair, found.key)
        assert again is not None
        self.assertEqual(again.fingerprint, "two")

    def test_changed_while_queued(self) -> None:
        """What waits to be proposed is refused as soon as it is known that it must."""
        self.two.commit(Put(address("10.0.0.9")))  # is on its way
        first = self.one.commit(Put(key_pair("a")))
        self.clock.advance(0.011)
        queued = self.two.commit(Put(key_pair("a")))
        self.clock.advance(0)
        other = self.two.commit(Put(address("10.0.0.8")))
        self.kept(first)
        self.refused(queued)
        self.kept(other)


class AtOnceTests(SharedCase):
    """Where answers are there at once, within the call."""

    delay_s = None

    def test_spoiled(self) -> None:
        """
        Who goes on after a refusal, without having looked, does not get through
        with what he decided before.
        """
        self.journals[1].is_deaf = True
        seen = len(self.two.where(KeyPair, "owner_id", OWNER))
        self.successResultOf(self.one.commit(Put(key_pair("a"))))
        first = self.two.commit(Put(address("10.0.0.1")))
        second = self.two.commit(Put(key_pair(f"only {seen}")))
        for each in (first, second):
            self.failureResultOf(each, Conflict)
        self.clock.advance(0)
        self.successResultOf(self.two.commit(Put(key_pair("b"))))


class UnreachableTests(SharedCase):
    """The journal is not reached, for a while."""

    def test_soon_again(self) -> None:
        """Commits wait, and are made."""
        self.hub.is_down = True
        committing = self.one.commit(Put(key_pair("a")))
        self.clock.pump([1] * 10)
        self.assertNoResult(committing)
        self.hub.is_down = False
        self.clock.pump([1] * 4)
        self.kept(committing)

    def test_lost_answer(self) -> None:
        """What was made, though the answer was lost, is made once."""
        self.journals[0].loses_answers = True
        committing = self.one.commit(Put(key_pair("a")))
        self.clock.pump([0.1] * 10)
        self.assertNoResult(committing)
        self.kept(self.two.commit(Put(key_pair("b", OTHER))))
        self.journals[0].loses_answers = False
        self.clock.pump([1] * 4)
        self.kept(committing)
        self.assertEqual(len(self.hub.entries), 2)
        for store in (self.one, self.two):
            self.assertEqual(names(store.all(KeyPair)), ["a", "b"])

    def test_lost_refusal(self) -> None:
        """What was refused, and the answer lost, stays so; the rest is made once."""
        self.kept(self.one.commit(Put(address("10.0.0.1"))))
        self.journals[0].loses_answers = True
        first = self.two.commit(Put(key_pair("a")))
        self.one.commit(Put(address("10.0.0.2")))
        made = self.one.commit(Put(address("10.0.0.3")))
        lost = self.one.commit(Put(key_pair("a")))
        self.clock.pump([0.1] * 10)
        self.kept(first)
        self.journals[0].loses_answers = False
        self.clock.pump([1] * 4)
        self.kept(made)
        self.refused(lost)

    def test_long(self) -> None:
        """After a while commits fail, and so do those that come, at once."""
        self.hub.is_down = True
        proposed = self.one.commit(Put(key_pair("a")))
        queued = self.one.commit(Put(key_pair("b")))
        self.clock.pump([1] * (int(PATIENCE_S) + 1))
        doubt = self.failureResultOf(proposed, StoreUnreachable)
        self.assertIn("not known", str(doubt.value))
        self.failureResultOf(queued, StoreUnreachable)
        # It may have been made; the other was not.
        self.assertEqual(names(self.one.all(KeyPair)), ["a"])
        late = self.one.commit(Put(key_pair("c")))
        self.failureResultOf(late, StoreUnreachable)
        self.failureResultOf(self.one.current(), StoreUnreachable)
        self.assertEqual(names(self.one.all(KeyPair)), ["a"])
        self.hub.is_down = False
        self.clock.pump([1] * 10)
        self.kept(self.one.commit(Put(key_pair("d"))))
        self.assertEqual(names(self.one.all(KeyPair)), ["a", "d"])
        self.assertEqual(names(self.two.all(KeyPair)), ["a", "d"])
        self.assertEqual(self.world.failures, [])

    def test_doubt_resolved(self) -> None:
        """Of what was in doubt memory has the truth in the end: it was not made."""
        self.journals[0].is_cut = True
        doubtful = self.one.commit(Put(key_pair("a")))
        self.clock.pump([1] * (int(PATIENCE_S) + 1))
        self.failureResultOf(doubtful, StoreUnreachable)
        self.kept(self.two.commit(Put(evolve(key_pair("a"), fingerprint="two"))))
        self.journals[0].is_cut = False
        self.clock.pump([1] * 10)
        [found] = self.one.all(KeyPair)
        self.assertEqual(found.fingerprint, "two")

    def test_current(self) -> None:
        """Who asks what others did is told in time that it is not to be known."""
        self.hub.is_down = True
        asked = self.one.current()
        self.clock.pump([1] * (int(PATIENCE_S) + 1))
        self.failureResultOf(asked, StoreUnreachable)
        self.failureResultOf(self.one.current(), StoreUnreachable)
        self.hub.is_down = False
        self.clock.pump([1] * 10)
        self.kept(self.one.current())

    def test_missed(self) -> None:
        """What was not heard while the way was cut is heard afterwards."""
        self.journals[1].is_cut = True
        self.kept(self.one.commit(Put(key_pair("a"))))
        self.journals[1].is_cut = False
        self.journals[1].hear()  # as one that is connected anew does
        self.settle()
        self.assertEqual(names(self.two.all(KeyPair)), ["a"])

    def test_close(self) -> None:
        """A store that is closed writes what waits; but not for ever."""
        committing = [self.one.commit(Put(key_pair(name))) for name in "ab"]
        closing = self.one.close()
        self.settle()
        for each in (*committing, closing):
            self.successResultOf(each)
        self.failureResultOf(self.one.commit(Put(key_pair("c"))), StoreUnusable)
        self.hub.is_down = True
        lost = self.two.commit(Put(key_pair("d")))
        closing = self.two.close()
        self.clock.pump([1] * (int(PATIENCE_S) + 1))
        self.successResultOf(closing)
        self.failureResultOf(lost, StoreUnusable)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_open(self) -> None:
        """A store that is opened before its database is up waits for it."""
        self.hub.is_down = True
        store = SharedStore(
            self.world.journal(), CLOUD_RECORDS, self.clock, Random(9), lambda _: None
        )
        opening = store.open()
        self.clock.pump([1] * 5)
        self.assertNoResult(opening)
        self.hub.is_down = False
        self.clock.pump([1] * 5)
        self.successResultOf(opening)
        self.hub.is_down = True
        opening = store.open()
        self.clock.pump([1] * 30)
        self.failureResultOf(opening, StoreUnreachable)


@frozen
class _Newer:
    """A record of a class that others do not know."""

    INDEXES = ()
    key: str


class VersionsTests(SharedCase):
    """Several versions of the software at once."""

    def test_unknown(self) -> None:
        """
        Who does not understand what another version wrote ends, and says why; the
        other goes on.
        """
        newer = self.world.store(kinds=(*CLOUD_RECORDS, _Newer))
        self.kept(newer.commit(Put(_Newer("a"))))
        for store in (self.one, self.two):
            self.failureResultOf(store.commit(Put(key_pair("a"))), StoreUnusable)
        self.assertEqual(len(self.world.failures), 2)
        self.assertIn("_Newer", str(self.world.failures[0]))
        self.kept(newer.commit(Put(key_pair("b"))))

    def test_unknown_index(self) -> None:
        """A field that a writer did not know to be an index may have any value."""

        @frozen
        class Note:
            INDEXES = ("owner",)
            key: str
            owner: str

        older = Note
        newer = type("Note", (Note,), {"INDEXES": ("owner", "key"), "__slots__": ()})
        old, new = (self.world.store(kinds=(each,)) for each in (older, newer))
        self.journals[0].is_deaf = True
        first = old.commit(Put(older("a", "x")))
        self.assertEqual(len(new.where(newer, "key", "b")), 0)
        second = new.commit(Put(newer("b", "y")))
        self.kept(first)
        self.refused(second)

    def test_earlier(self) -> None:
        """What an earlier version wrote is read as what it is now."""
        row = self.one._codec.row(key_pair("a"))
        self.hub.write("old", 0, (Row(row.kind, row.key, 1, row.body),), ())
        self.kept(self.one.current())
        self.assertEqual(names(self.one.all(KeyPair)), ["a"])


class LeadingTests(SharedCase):
    """Only one has what only one may have."""

    def lead(self, store: SharedStore, holder: str) -> float | None:
        leading = store.lead("x", holder, 10)
        self.settle()
        return self.successResultOf(leading)

    def test_one(self) -> None:
        """One has it, and may go on having it; another, when it was not prolonged."""
        self.assertEqual(self.lead(self.one, "one"), 10)
        self.assertIsNone(self.lead(self.two, "two"))
        self.clock.advance(8)
        self.assertEqual(self.lead(self.one, "one"), 10)
        self.clock.advance(8)
        self.assertIsNone(self.lead(self.two, "two"))
        self.clock.advance(8)
        self.assertEqual(self.lead(self.two, "two"), 10)
        self.assertIsNone(self.lead(self.one, "one"))

    def test_release(self) -> None:
        """Or when its holder let go of it; nobody else can."""
        self.assertEqual(self.lead(self.one, "one"), 10)
        self.kept(self.two.release("x", "two"))
        self.assertIsNone(self.lead(self.two, "two"))
        self.kept(self.one.release("x", "one"))
        self.assertEqual(self.lead(self.two, "two"), 10)

    def test_unreachable(self) -> None:
        """Who is not answered does not know."""
        self.hub.is_down = True
        leading = self.one.lead("x", "one", 10)
        self.settle()
        self.failureResultOf(leading, StoreUnreachable)
