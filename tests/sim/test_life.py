"""Tests for L{euca_tw.sim.life}."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.model.records import Address
from euca_tw.sim.clock import EventClock
from euca_tw.sim.life import Disk, DiskStore, Door, Life, Moment
from euca_tw.store.interfaces import Delete, Put
from tests.suites.store import make_istore_tests


class LifeCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = EventClock()
        self.life = Life(self.clock)

    def pass_(self, seconds: float = 100) -> None:
        until = self.clock.seconds() + seconds
        while self.clock.step(until):
            pass


class LifeTests(LifeCase):
    def test_interface(self) -> None:
        """A daemon takes it for a reactor's time."""
        verifyObject(IReactorTime, self.life)

    def test_calls_end(self) -> None:
        """What a dead daemon wanted to do later is not done."""
        made: list[str] = []
        self.life.callLater(1, made.append, "before")
        self.life.callLater(3, made.append, "after")
        self.pass_(2)
        self.life.end()
        self.life.callLater(0, made.append, "dead")
        self.pass_()
        self.assertEqual(made, ["before"])

    def test_result(self) -> None:
        """What comes of the world is heard of a turn later."""
        answer = self.life.begin(deferLater(self.clock, 5, lambda: "made"))
        self.pass_(4.9)
        self.assertNoResult(answer)
        self.pass_(0.1)
        self.assertEqual(self.successResultOf(answer), "made")

    def test_failure(self) -> None:
        """So is a failure."""

        async def fail() -> None:
            raise ZeroDivisionError

        answer = self.life.begin(fail())
        self.assertNoResult(answer)
        self.pass_()
        self.failureResultOf(answer, ZeroDivisionError)

    def test_death_between(self) -> None:
        """Who dies before he hears of it does not hear of it; it was done."""
        done: list[str] = []

        async def act() -> None:
            done.append("it")

        answer = self.life.begin(act())
        self.life.end()
        self.pass_()
        self.assertNoResult(answer)
        self.assertEqual(done, ["it"])

    def test_death_meanwhile(self) -> None:
        """What a dead daemon waited for is broken off."""
        broken: list[bool] = []
        waiting: Deferred[None] = Deferred(lambda _: broken.append(True))
        answer = self.life.begin(waiting)
        self.life.end()
        self.pass_()
        self.assertEqual(broken, [True])
        self.assertNoResult(answer)

    def test_cancelled(self) -> None:
        """Who gives up breaks it off too."""
        waiting: Deferred[None] = Deferred()
        answer = self.life.begin(waiting)
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.pass_()


class World:
    """A door to something."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.tell: Callable[[str | None], None] = lambda name: None

    async def do(self, what: str) -> str:
        self.asked.append(what)
        return f"done {what}"

    def name(self) -> str:
        return "world"

    def subscribe(self, changed: Callable[[str | None], None]) -> None:
        self.tell = changed


class DoorTests(LifeCase):
    def setUp(self) -> None:
        super().setUp()
        self.world = World()
        self.door: Any = Door(self.world, self.life, ("name",))

    def test_open(self) -> None:
        """It does what is asked; what answers at once does so."""
        self.assertEqual(self.door.name(), "world")
        answer = self.door.do("it")
        self.pass_()
        self.assertEqual(self.successResultOf(answer), "done it")

    def test_shut(self) -> None:
        """A dead daemon can ask for nothing, and is told nothing."""
        heard: list[str | None] = []
        self.door.subscribe(heard.append)
        self.world.tell("first")
        self.life.end()
        self.world.tell("second")
        self.assertNoResult(self.door.do("it"))
        self.assertEqual((self.world.asked, heard), ([], ["first"]))


ADDRESS = Address(public_ip="192.0.2.1", owner_id=None)  # type: ignore[arg-type]


class _Instant(Life):
    """Nothing takes any time."""

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> Any:
        callable(*args, **kw)

    def after(
        self, delay: float, callable: Callable[..., object], *args: object
    ) -> None:
        callable(*args)


def _at_once(test: SynchronousTestCase) -> Any:
    life = _Instant(EventClock())
    store = DiskStore(disk=Disk(), life=life, commit_s=lambda: 0.0)
    test.successResultOf(store.open())
    return store


class DiskStoreSuite(make_istore_tests(_at_once)):  # type: ignore[misc]
    """A store over a disk is a store."""


class DiskStoreTests(LifeCase):
    def setUp(self) -> None:
        super().setUp()
        self.disk = Disk()
        self.delays = [0.5]

    def store(self, life: Life) -> DiskStore:
        made = DiskStore(
            disk=self.disk,
            life=life,
            commit_s=lambda: self.delays.pop(0) if self.delays else 0.5,
        )
        self.successResultOf(made.open())
        return made

    def test_durable(self) -> None:
        """A commit is on the disk when it is told to be, and not before."""
        store = self.store(self.life)
        done = store.commit(Put(ADDRESS))
        self.assertEqual(store.get(Address, ADDRESS.key), ADDRESS)
        self.pass_(0.4)
        self.assertNoResult(done)
        self.assertEqual(self.disk.records, {})
        self.pass_(0.2)
        self.successResultOf(done)
        next_life = self.store(Life(self.clock))
        self.assertEqual([*next_life.all(Address)], [ADDRESS])

    def test_lost(self) -> None:
        """What was not on the disk when its daemon died is lost, with its answer."""
        done = self.store(self.life).commit(Put(ADDRESS))
        self.life.end()
        self.pass_()
        self.assertNoResult(done)
        self.assertEqual(self.disk.records, {})

    def test_order(self) -> None:
        """Commits come to the disk in their order, however long each takes."""
        self.delays = [5.0, 0.1]
        store = self.store(self.life)
        store.commit(Put(ADDRESS))
        last = store.commit(Delete(Address, ADDRESS.key))
        self.pass_(1)
        self.assertNoResult(last)
        self.pass_()
        self.successResultOf(last)
        self.assertEqual(self.disk.records, {})

    def test_dead(self) -> None:
        """A dead daemon changes nothing."""
        store = self.store(self.life)
        self.life.end()
        self.assertNoResult(store.commit(Put(ADDRESS)))
        self.assertIsNone(store.get(Address, ADDRESS.key))


class MomentTests(LifeCase):
    """A life that ends in the midst of what its daemon does."""

    def setUp(self) -> None:
        super().setUp()
        self.disk = Disk()
        self.made: list[str] = []

    def ending_at(self, moment: Moment) -> Life:
        def ends(at: Moment) -> bool:
            if at is moment:
                life.freeze()
            return at is moment

        life = Life(self.clock, ends)
        return life

    def commit(self, life: Life) -> Deferred[None]:
        store = DiskStore(disk=self.disk, life=life, commit_s=lambda: 0.1)
        done = store.commit(Put(ADDRESS))
        self.pass_()
        return done

    def act(self, life: Life) -> Deferred[Any]:
        made = self.made

        class World:
            async def make(self) -> None:
                made.append("it")

        answer: Deferred[Any] = Door(World(), life).make()
        self.pass_()
        return answer

    def test_before_a_commit(self) -> None:
        """Nothing of the commit is on the disk, and nobody hears of it."""
        self.assertNoResult(self.commit(self.ending_at(Moment.COMMITTING)))
        self.assertEqual(self.disk.records, {})

    def test_after_a_commit(self) -> None:
        """It is on the disk, and nobody hears of it."""
        self.assertNoResult(self.commit(self.ending_at(Moment.COMMITTED)))
        self.assertEqual([*self.disk.records.values()], [ADDRESS])

    def test_before_an_act(self) -> None:
        """Nothing happens in the world."""
        self.assertNoResult(self.act(self.ending_at(Moment.ACTING)))
        self.assertEqual(self.made, [])

    def test_after_an_act(self) -> None:
        """It has happened, and nobody hears of it."""
        self.assertNoResult(self.act(self.ending_at(Moment.ACTED)))
        self.assertEqual(self.made, ["it"])

    def test_another_moment(self) -> None:
        """Who is to die at a moment that does not come lives on."""
        life = self.ending_at(Moment.TOLD)
        self.successResultOf(self.commit(life))
        self.successResultOf(self.act(life))

    def test_wrote(self) -> None:
        """A disk tells what comes to it, before it is there."""
        told: list[tuple[int, Any]] = []
        self.disk.wrote = lambda changes: told.append(
            (len(self.disk.records), tuple(changes))
        )
        self.successResultOf(self.commit(self.life))
        self.assertEqual(told, [(0, (Put(ADDRESS),))])
