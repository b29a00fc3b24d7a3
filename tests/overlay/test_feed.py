"""Tests of L{euca_tw.overlay.feed}, L{euca_tw.overlay.replica} and L{…kept}."""

from __future__ import annotations

from random import Random

from attrs import evolve
from hypothesis import given, settings
from hypothesis.strategies import booleans, integers, lists, sampled_from, tuples
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.networks import NetworkChanges, NetworkPosition
from euca_tw.overlay.entries import Difference, Entry, key_of
from euca_tw.overlay.feed import Feed
from euca_tw.overlay.kept import OVERLAY_RECORDS, KeptEntry, KeptReplica
from euca_tw.overlay.replica import Replica
from euca_tw.overlay.wire import WEIGHT
from euca_tw.sim.life import Disk, Life
from euca_tw.soap.interfaces import PeerUnreachable
from euca_tw.store.codec import Codec
from euca_tw.store.interfaces import Change
from euca_tw.store.memory import MemoryStore
from tests.fakes.clock import StepClock
from tests.overlay.world import entries, group, member, network
from tests.whole.mortal import disk_store

CODEC = Codec.of(OVERLAY_RECORDS)
LOST = PeerUnreachable("peer", "no answer")


class Peer:
    """
    Who is told, over a network with its ways.

    @ivar heard: every message that came.
    @ivar fate: of each message to come: what becomes of it; then all is well.
    """

    def __init__(self, clock: StepClock) -> None:
        self.clock = clock
        self.replica = Replica()
        self.heard: list[NetworkChanges] = []
        self.fate: list[str] = []

    async def send(self, changes: NetworkChanges) -> NetworkPosition:
        fate = self.fate.pop(0) if self.fate else "well"
        if fate == "lost":
            raise LOST
        if fate == "restarted":
            self.replica = Replica()
        self.heard.append(changes)
        self.replica.hear(changes)
        if fate == "twice":
            self.replica.hear(changes)
        if fate == "late":
            self.clock.callLater(3, self.replica.hear, changes)
        if fate == "unanswered":
            raise LOST
        await self.pause()
        return self.replica.position

    def pause(self) -> Deferred[None]:
        answered: Deferred[None] = Deferred()
        self.clock.callLater(0.001, answered.callback, None)
        return answered


FATES = ("well", "lost", "restarted", "twice", "late", "unanswered")


class FeedTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = StepClock()
        self.peer = Peer(self.clock)
        self.feed = self.another("first")

    def another(self, epoch: str) -> Feed:
        return Feed(
            name="peer",
            clock=self.clock,
            random=Random(1),
            epoch=epoch,
            send=self.peer.send,
        )

    def put(self, *puts: Entry, gone: tuple[str, ...] = ()) -> None:
        self.feed.put(Difference(puts, gone))

    def run_for(self, seconds: float) -> None:
        until = self.clock.seconds() + seconds
        while self.clock.step(until):
            pass

    def knows(self, *known: Entry) -> bool:
        return self.peer.replica.entries == {key_of(each): each for each in known}


class FeedTests(FeedTestCase):
    """L{Feed}, and L{Replica} on the other side."""

    def test_all_at_first(self) -> None:
        """At first all is told in one message; an empty all, too."""
        self.feed.start()
        self.run_for(1)
        self.assertTrue(self.peer.replica.is_complete)
        self.put(network(1), member(1, 1))
        self.run_for(1)
        self.assertTrue(self.knows(network(1), member(1, 1)))
        self.assertEqual([each.is_full for each in self.peer.heard], [True, False])
        self.assertTrue(self.feed.is_settled)

    def test_at_once(self) -> None:
        """A change is told within one turn, all changes of a turn in one message."""
        self.feed.start()
        self.run_for(1)
        began = self.clock.seconds()
        self.put(network(1))
        self.put(network(2))
        self.clock.step(began)
        self.assertTrue(self.knows(network(1), network(2)))
        self.assertEqual(self.clock.seconds(), began)

    def test_idle_is_silent(self) -> None:
        """When all is known nothing is sent, and nothing waits to be."""
        self.feed.start()
        self.put(network(1))
        self.run_for(10)
        heard = len(self.peer.heard)
        self.put(network(1))
        self.run_for(1000)
        self.assertEqual(len(self.peer.heard), heard)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many(self) -> None:
        """Much is told in parts, and is so when the last part has come."""
        many = [
            evolve(member(1, 1), instance_id=f"i-{n:08x}") for n in range(5 * WEIGHT)
        ]
        self.put(*many)
        self.feed.start()
        while len(self.peer.heard) < 5:
            self.assertEqual(self.peer.replica.entries, {})
            self.clock.step(1)
        self.run_for(1)
        self.assertTrue(self.knows(*many))
        self.assertEqual(len(self.peer.heard), 5)

    def test_peer_restarted(self) -> None:
        """A peer that forgot all is told all, when it is asked where it stands."""
        self.put(network(1))
        self.feed.start()
        self.run_for(1)
        self.peer.replica = Replica()
        self.feed.ask()
        self.run_for(1)
        self.assertTrue(self.knows(network(1)))

    def test_teller_restarted(self) -> None:
        """Another life tells all, and what is no more is gone."""
        self.put(network(1), network(2))
        self.feed.start()
        self.run_for(1)
        self.feed.stop()
        self.feed = self.another("second")
        self.put(network(2))
        self.feed.start()
        self.run_for(1)
        self.assertTrue(self.knows(network(2)))

    def test_unreachable(self) -> None:
        """A peer that does not answer is told again, less and less often."""
        self.peer.fate = ["lost"] * 1000
        self.feed.start()
        self.run_for(600)
        tries = 1000 - len(self.peer.fate)
        self.assertTrue(15 < tries < 40, tries)
        self.peer.fate = []
        self.run_for(40)
        self.assertTrue(self.feed.is_settled)

    def test_fault(self) -> None:
        """What fails of a fault of ours is logged once, and told again too."""
        sends, self.feed.send = self.feed.send, self.fail_to_send
        self.put(network(1))
        self.feed.start()
        self.run_for(100)
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        self.feed.send = sends
        self.run_for(40)
        self.assertTrue(self.knows(network(1)))
        self.assertTrue(self.feed.is_settled)

    async def fail_to_send(self, changes: NetworkChanges) -> NetworkPosition:
        raise KeyError("epoch")

    def test_heard_again(self) -> None:
        """A peer that is heard again is told at once."""
        self.peer.fate = ["lost"] * 1000
        self.put(network(1))
        self.feed.start()
        self.run_for(600)
        self.peer.fate = []
        self.feed.ask()
        self.run_for(0.01)
        self.assertTrue(self.knows(network(1)))

    @settings(deadline=None)
    @given(
        lists(tuples(entries(), booleans(), integers(0, 2)), max_size=8),
        lists(sampled_from(FATES), max_size=8),
    )
    def test_always(
        self, changes: list[tuple[Entry, bool, int]], fates: list[str]
    ) -> None:
        """
        Messages may be lost, come twice or late, stay unanswered, and their
        reader may forget all: in the end it knows what there is to be known.
        """
        self.setUp()
        known: dict[str, Entry] = {}
        self.feed.start()
        self.peer.fate = fates
        for entry, is_put, wait_s in changes:
            if is_put:
                known[key_of(entry)] = entry
                self.put(entry)
            else:
                known.pop(key_of(entry), None)
                self.put(gone=(key_of(entry),))
            self.run_for(wait_s / 1000)
        self.run_for(300)
        self.peer.fate.clear()
        self.feed.ask()
        self.run_for(10)
        self.assertTrue(self.knows(*known.values()))
        self.assertTrue(self.feed.is_settled)


class JudgingTests(FeedTestCase):
    """A L{Feed} that does not tell who knows of a newer state."""

    def setUp(self) -> None:
        super().setUp()
        self.told: tuple[str | None, int | None] = (None, None)
        self.ours: set[str | None] = {None}

    def another(self, epoch: str) -> Feed:
        async def send(changes: NetworkChanges) -> NetworkPosition:
            position = await self.peer.send(changes)
            return NetworkPosition(
                epoch=position.epoch,
                sequence=position.sequence,
                told_epoch=self.told[0],
                told_revision=self.told[1],
            )

        return Feed(
            name="peer",
            clock=self.clock,
            random=Random(1),
            epoch=epoch,
            send=send,
            judge=lambda position: position.told_epoch in self.ours,
            revision=lambda: 7,
        )

    def wholes(self) -> list[NetworkChanges]:
        return [each for each in self.peer.heard if each.is_full]

    def test_ours(self) -> None:
        """Who was told by an earlier run of ours is told all, in place of that."""
        self.told, self.ours = ("before", 5), {"before"}
        self.put(network(1))
        self.feed.start()
        self.run_for(1)
        [told] = self.wholes()
        self.assertEqual(
            (told.replaces_epoch, told.replaces_revision, told.revision),
            ("before", 5, 7),
        )
        self.assertTrue(self.feed.has_told)
        self.assertTrue(self.knows(network(1)))

    def test_held(self) -> None:
        """
        Who was told by another is asked from time to time, and told nothing; until
        he is to be, or was told by ours after all.
        """
        self.told = ("other", 5)
        self.put(network(1))
        self.feed.start()
        self.run_for(600)
        self.assertEqual(self.wholes(), [])
        self.assertLess(len(self.peer.heard), 60)
        self.assertFalse(self.feed.has_told or self.feed.is_settled)
        assert self.feed.held is not None
        self.assertEqual(self.feed.held.told_epoch, "other")
        self.feed.accept()
        self.run_for(1)
        self.assertTrue(self.knows(network(1)))
        self.assertIsNone(self.feed.held)

    def test_accepted_is_one(self) -> None:
        """What was accepted is that state, and not what it is told meanwhile."""
        self.told = ("other", 5)
        self.put(network(1))
        self.feed.start()
        self.run_for(60)
        self.told = ("other", 6)
        self.feed.accept()
        self.run_for(60)
        self.assertEqual(self.wholes(), [])


class ReplicaTests(FeedTestCase):
    def test_never_on_the_way(self) -> None:
        """What is another part, or of another change, is not taken."""
        many = [
            evolve(member(1, 1), instance_id=f"i-{n:08x}") for n in range(3 * WEIGHT)
        ]
        self.put(*many)
        self.feed.start()
        self.run_for(1)
        first, second, third = self.peer.heard
        for order in ((first, third), (second, third), (first, second, first, third)):
            replica = Replica()
            for each in order:
                replica.hear(each)
            self.assertFalse(replica.is_complete)
        replica = Replica()
        for each in (first, first, second, third):
            replica.hear(each)
        self.assertEqual(len(replica.entries), 3 * WEIGHT)

    def test_late(self) -> None:
        """An earlier message that comes late is not taken."""
        self.feed.start()
        for each in (network(1), network(2)):
            self.put(each)
            self.run_for(1)
        for each in self.peer.heard:
            self.assertIsNone(self.peer.replica.hear(each))
        self.assertTrue(self.knows(network(1), network(2)))


class KeptReplicaTests(FeedTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = MemoryStore()
        self.taken: list[Difference] = []
        self.put(network(1), network(2), group("sg-1", "sg-2"))
        self.feed.start()
        self.run_for(1)
        self.put(gone=("network/2",))
        self.run_for(1)

    def hear(self, kept: KeptReplica, changes: NetworkChanges) -> Deferred[None]:
        return Deferred.fromCoroutine(kept.hear(changes))

    def test_goes_on(self) -> None:
        """Another life knows what the one before knew, and where it stood."""
        kept = KeptReplica(self.store, self.taken.append)
        kept.begin()
        self.assertEqual(self.taken, [])
        for each in self.peer.heard:
            self.successResultOf(self.hear(kept, each))
        self.assertEqual([len(each.puts) for each in self.taken], [3, 0])
        self.assertEqual(self.taken[1].gone, ("network/2",))
        heir = KeptReplica(self.store, self.taken.append)
        heir.begin()
        self.assertEqual(
            {key_of(each) for each in self.taken[2].puts}, {"network/1", "group/sg-1"}
        )
        self.assertEqual(heir.position, self.peer.replica.position)
        self.assertEqual(heir.position, kept.position)

    def test_nobody_waits(self) -> None:
        """What was taken in counts, though who told it did not wait for that."""
        durable: list[Deferred[None]] = []

        class SlowStore(MemoryStore):
            def commit(self, *changes: Change) -> Deferred[None]:
                durable.append(Deferred())
                return durable[-1]

        kept = KeptReplica(SlowStore(), self.taken.append)
        heard = self.hear(kept, self.peer.heard[0])
        heard.cancel()
        self.failureResultOf(heard, CancelledError)
        self.assertEqual(self.taken, [])
        durable.pop().callback(None)
        self.assertEqual(len(self.taken), 1)

    def test_told_twice(self) -> None:
        """Who tells it once more has no answer either before it is kept."""
        clock = Clock()
        store = disk_store(Disk(), Life(clock))
        kept = KeptReplica(store, self.taken.append)
        whole, change = self.peer.heard
        self.hear(kept, whole)
        clock.advance(0)
        first, again = (self.hear(kept, change) for _ in range(2))
        self.assertNoResult(again)
        clock.pump([0, 0])
        self.successResultOf(first)
        self.successResultOf(again)
        self.assertEqual(len(self.taken), 2)
        self.successResultOf(self.hear(kept, change))
        self.assertEqual(clock.getDelayedCalls(), [])

    @settings(deadline=None)
    @given(entries())
    def test_on_disk(self, entry: Entry) -> None:
        """Every entry is read from the disk as it was written."""
        read = CODEC.record(CODEC.row(KeptEntry.of(entry)))
        self.assertEqual(read.entry, entry)
        self.assertEqual(read.key, key_of(entry))
