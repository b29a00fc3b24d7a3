"""
Many stores on one journal, in any interleaving, are as one store on which everything
happens one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, evolve, field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.records import Address, Image, KeyPair
from euca_tw.store.interfaces import (
    Change,
    Conflict,
    Delete,
    IStore,
    Put,
    StoreUnreachable,
)
from euca_tw.store.memory import MemoryStore
from euca_tw.store.memory_journal import MemoryJournal
from euca_tw.store.shared import SharedStore
from tests.store.test_shared import World
from tests.suites.store import OTHER, OWNER, address, image, key_pair

STORES = 3
NUMBERS = st.integers(0, 2)
OWNERS = st.sampled_from([OWNER, OTHER])
INSTANCES = st.sampled_from([None, "i-1", "i-2"])

#: What may be read, of a store.
Look = Callable[[IStore], object]


def _look_at_key(number: int) -> Look:
    return lambda store: store.get(Address, f"10.0.0.{number}")


def _look_at_owner(owner: Any) -> Look:
    return lambda store: tuple(store.where(KeyPair, "owner_id", owner))


def _count(instance: Any) -> Look:
    return lambda store: len(store.where(Address, "instance_id", instance))


def _sum(owner: Any) -> Look:
    return lambda store: store.total(Image, "owner_id", owner, "size_bytes")


def _everything(kind: Any) -> Look:
    return lambda store: tuple(store.all(kind))


LOOKS = st.one_of(
    NUMBERS.map(_look_at_key),
    OWNERS.map(_look_at_owner),
    INSTANCES.map(_count),
    OWNERS.map(_sum),
    st.sampled_from([KeyPair, Address]).map(_everything),
)


def _put_address(number: int, instance: str | None) -> Change:
    return Put(address(f"10.0.0.{number}", instance))


def _put_key_pair(number: int, owner: Any) -> Change:
    return Put(key_pair(f"key{number}", owner))


def _put_image(number: int, owner: Any, size: int) -> Change:
    return Put(image(number, owner_id=owner, size_bytes=size))


CHANGES = st.one_of(
    st.builds(_put_address, NUMBERS, INSTANCES),
    st.builds(_put_key_pair, NUMBERS, OWNERS),
    st.builds(_put_image, NUMBERS, OWNERS, NUMBERS),
    NUMBERS.map(lambda n: Delete(Address, f"10.0.0.{n}")),
    NUMBERS.map(lambda n: Delete(KeyPair, key_pair(f"key{n}").key)),
    NUMBERS.map(lambda n: Delete(Image, image(n).key)),
)


@frozen
class Act:
    """Somebody reads and commits, without an C{await}."""

    store: int
    looks: list[Look]
    changes: list[Change]


@frozen
class Trouble:
    """A store's way to the journal becomes so."""

    store: int
    is_cut: bool
    loses_answers: bool


ACTS = st.builds(
    Act,
    st.integers(0, STORES - 1),
    st.lists(LOOKS, max_size=3),
    st.lists(CHANGES, min_size=1, max_size=3),
)
TROUBLES = st.builds(Trouble, st.integers(0, 1), st.booleans(), st.booleans())
#: So many seconds pass; an answer takes two.
PAUSES = st.sampled_from([0, 0.5, 1, 1, 2, 5])


@define(eq=False)
class Done:
    """What somebody read, and did."""

    number: int
    act: Act
    found: list[object]
    changes: tuple[Change, ...]
    outcome: str = field(init=False, default="")

    def made(self, _: object) -> None:
        self.outcome = "made"

    def not_made(self, failure: Any) -> None:
        failure.trap(Conflict, StoreUnreachable)
        self.outcome = "refused" if failure.check(Conflict) else "in doubt"


def mark(number: int) -> Put:
    """What is put with all else, so that an entry of the journal tells whose it is."""
    return Put(evolve(key_pair(f"mark{number}", OWNER), fingerprint=str(number)))


class SerialCase(SynchronousTestCase):
    """Who acts, and whether it was all one after the other."""

    def act(self, store: SharedStore, act: Act, number: int) -> Done:
        found = [look(store) for look in act.looks]
        changes = (*act.changes, mark(number))
        done = Done(number, act, found, changes)
        committing: Deferred[None] = store.commit(*changes)
        committing.addCallbacks(done.made, done.not_made)
        return done

    def replay(self, order: list[Done]) -> MemoryStore:
        """One after the other, each reads what it read."""
        one = MemoryStore()
        for each in order:
            self.assertEqual([look(one) for look in each.act.looks], each.found)
            one.commit(*each.changes)
        return one

    def compare(self, store: IStore, one: IStore) -> None:
        """They have the same, in the same order."""
        for kind in (KeyPair, Address, Image):
            self.assertEqual([*store.all(kind)], [*one.all(kind)])
        for owner in (OWNER, OTHER):
            for kind in (KeyPair, Image):
                found = (s.where(kind, "owner_id", owner) for s in (store, one))
                self.assertEqual(*map(list, found))
            sums = [
                s.total(Image, "owner_id", owner, "size_bytes") for s in (store, one)
            ]
            self.assertEqual(*sums)


class SerialTests(SerialCase):
    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.one_of(ACTS, ACTS, PAUSES), min_size=10, max_size=40), st.booleans()
    )
    def test_serial(self, steps: list[Any], is_quick: bool) -> None:
        """
        Everything that was made is made in one order, and everybody who was not
        refused has read what was so at his place in it.
        """
        self.check(steps, None if is_quick else 1)

    @settings(max_examples=100, deadline=None)
    @given(st.lists(st.one_of(ACTS, ACTS, TROUBLES, PAUSES), min_size=10, max_size=40))
    def test_serial_in_trouble(self, steps: list[Any]) -> None:
        """Also when questions, and answers, are lost."""
        self.check(steps, 1)

    def check(self, steps: list[Any], delay_s: float | None) -> None:
        world = World(self, delay_s)
        journals = [world.journal() for _ in range(STORES)]
        stores = [world.store(each) for each in journals]
        told: list[list[Any]] = [[] for _ in stores]
        for store, heard in zip(stores, told, strict=True):
            store.watch(heard.append)
        done: list[Done] = []
        for step in steps:
            if isinstance(step, Act):
                done.append(self.act(stores[step.store], step, len(done)))
            elif isinstance(step, Trouble):
                journals[step.store].is_cut = step.is_cut
                journals[step.store].loses_answers = step.loses_answers
            else:
                world.clock.advance(step)
        self.calm(world, journals)
        self.assertEqual(world.failures, [])
        by_number = {str(each.number): each for each in done}
        order = [by_number[_marked(entry)] for entry in world.hub.entries]
        self.assertEqual(len({each.number for each in order}), len(order))
        for each in done:
            if each.outcome != "in doubt":
                self.assertEqual(each in order, each.outcome == "made", each.outcome)
        one = self.replay(order)
        for store, heard in zip(stores, told, strict=True):
            self.assertEqual(heard, [each.changes for each in order])
            self.compare(store, one)
        self.compare(world.store(), one)

    def calm(self, world: World, journals: list[MemoryJournal]) -> None:
        """Everything is reached again, and time passes."""
        for journal in journals:
            journal.is_cut = journal.loses_answers = False
        world.clock.pump([1] * 40)
        for journal in journals:
            journal.hear()
        world.clock.pump([1] * 20)


def _marked(entry: Any) -> str:
    """The number of who made it."""
    marks = [row.body for row in entry.rows if "/mark" in row.key]
    return str(marks[-1].split('"fingerprint":"')[1].split('"')[0])
