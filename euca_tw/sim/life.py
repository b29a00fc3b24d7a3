"""
Daemons that can die at any moment, as by kill -9.

Each life of a daemon has its own clock, store and doors.  When it ends, nothing
that it had begun goes on: what it waits for does not come, its commits that were
not yet on the disk are lost.  What it did to the world stays done.

A life tells of every L{Moment} at which its daemon touches the world, before and
after: so that it can be ended exactly there, in the midst of what it does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Coroutine
from enum import Enum
from typing import Any

from attrs import Factory, define, field
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.store.interfaces import (
    Change,
    Delete,
    IStore,
    Put,
    R,
    StoreUnusable,
)
from euca_tw.store.memory import MemoryStore


class Moment(Enum):
    """
    A moment at which a daemon touches the world.

    COMMITTING: nothing of a commit is on the disk yet.  COMMITTED: all of it is,
    and the daemon has not heard.  ACTING, ACTED: the same of what is asked of the
    world: the hypervisor, disks, images.  ASKING: a question is about to leave;
    ASKED: it has left.  HEARING: its answer has come, and is not read.  TOLD: a
    question has come, and is not read; ANSWERING: what it asked for is done, and
    the answer has not left.
    """

    COMMITTING = "committing"
    COMMITTED = "committed"
    ACTING = "acting"
    ACTED = "acted"
    ASKING = "asking"
    ASKED = "asked"
    HEARING = "hearing"
    TOLD = "told"
    ANSWERING = "answering"


def _lives_on(moment: Moment) -> bool:
    return False


@implementer(IReactorTime)
@define(eq=False)
class Life:
    """
    One life of a daemon, and the clock that it knows.

    @ivar ends: told of each moment; whether the daemon dies at it.  If so, it has
        called L{freeze}.
    @ivar world: the clock of what is not the daemon.
    @ivar is_over: it has been killed.
    """

    _clock: IReactorTime
    ends: Callable[[Moment], bool] = _lives_on
    world: IReactorTime = Factory(lambda self: self._clock, takes_self=True)
    is_over: bool = field(default=False, init=False)
    # A dict is a set whose order is the same in every run.
    _begun: dict[Deferred[Any], None] = field(factory=dict, init=False)
    #: What is dead is kept, lest its coroutines be closed and do their last things.
    _remains: list[Any] = field(factory=list, init=False)

    def seconds(self) -> float:
        now: float = self._clock.seconds()
        return now

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        made: IDelayedCall = self._clock.callLater(
            delay, self._live, callable, args, kw
        )
        return made

    def getDelayedCalls(self) -> Any:
        return self._clock.getDelayedCalls()

    def after(
        self, delay: float, callable: Callable[..., object], *args: object
    ) -> None:
        """As L{callLater}, of what does not wait for the daemon's own clock."""
        self.world.callLater(delay, self._live, callable, args, {})

    def _live(self, call: Callable[..., object], args: Any, kw: Any) -> None:
        if self.is_over:
            self._remains.append((call, args, kw))
        else:
            call(*args, **kw)

    def begin(self, work: Awaitable[Any], done: Moment = Moment.ACTED) -> Deferred[Any]:
        """
        Wait for something of the world; it is broken off when this life ends.

        @param done: the moment that it is when it has come about.
        @return: fires a turn after that has come about, in this life.
        """
        if not isinstance(work, Coroutine):
            work = _awaited(work)
        running = Deferred.fromCoroutine(work)
        answer: Deferred[Any] = Deferred(lambda _: running.cancel())
        self._begun[running] = None

        def ended(result: Any) -> None:
            self._begun.pop(running, None)
            if self.is_over or self.ends(done):
                self._remains.append(answer)
            else:
                self.world.callLater(0, self._give, answer, result)

        running.addBoth(ended)
        return answer

    def hear(self, tell: Callable[[], object]) -> None:
        """Something happens in the world that the daemon listens to."""
        if not self.is_over:
            tell()

    def never(self) -> Deferred[Any]:
        """What who is dead waits for."""
        answer: Deferred[Any] = Deferred()
        self._remains.append(answer)
        return answer

    def freeze(self) -> None:
        """
        Have it do nothing more to the world, though it is in the midst of a step;
        to be followed by L{end} when that is over.
        """
        self.is_over = True

    def end(self, *remains: object) -> None:
        """
        Kill -9.

        @param remains: what shall not be collected.
        """
        self.freeze()
        self._remains.extend(remains)
        for running in tuple(self._begun):
            running.cancel()

    def _give(self, answer: Deferred[Any], result: Any) -> None:
        if self.is_over:
            self._remains.append(answer)
        elif answer.called:
            return
        elif isinstance(result, Failure):
            answer.errback(result)
        else:
            answer.callback(result)


async def _awaited(work: Awaitable[Any]) -> Any:
    return await work


class Door:
    """
    A door of the world, as one life sees it: what is asked is heard of a turn
    later, so that a daemon may die between the two.
    """

    def __init__(self, door: Any, life: Life, plain: Collection[str] = ()) -> None:
        """@param plain: its methods that answer at once."""
        self._door = door
        self._life = life
        self._plain = plain

    def subscribe(self, changed: Callable[[str | None], None]) -> None:
        """Have it tell, as long as this life lasts."""

        def tell(name: str | None) -> None:
            self._life.hear(lambda: changed(name))

        self._door.subscribe(tell)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._door, name)
        life = self._life

        def asked(*args: Any, **kw: Any) -> Deferred[Any]:
            if life.is_over or life.ends(Moment.ACTING):
                return life.never()
            return life.begin(real(*args, **kw))

        made = real if name in self._plain else asked
        self.__dict__[name] = made
        return made


def door(real: Any, life: Life, plain: Collection[str] = ()) -> Any:
    """The L{Door} of something: it provides what that provides."""
    return Door(real, life, plain)


@define(eq=False)
class Disk:
    """
    What a daemon's lives leave to each other.

    @ivar wrote: called with what is on it from now on, before it is there.
    @ivar slowness: writes take so many times as long as they should.
    @ivar is_full: nothing more can be written.
    """

    records: dict[tuple[type, str], Any] = Factory(dict)
    wrote: Callable[[Collection[Change]], None] | None = None
    slowness: float = 1.0
    is_full: bool = False

    def write(self, changes: Collection[Change]) -> None:
        """Have these from now on."""
        if self.wrote is not None:
            self.wrote(changes)
        for change in changes:
            match change:
                case Put(record):
                    self.records[type(record), record.key] = record
                case Delete(kind, key):
                    self.records.pop((kind, key), None)


@implementer(IStore)
@define(eq=False, kw_only=True)
class DiskStore:
    """
    A store in memory over a L{Disk}: memory has a commit at once, the disk some
    time after, in the same order.  When a write fails, it is of no more use, as the
    real one.

    @ivar commit_s: how long the disk takes, this time.
    @ivar failed: called when it is of no use any more, once.
    """

    disk: Disk
    life: Life
    commit_s: Callable[[], float]
    failed: Callable[[], object] = lambda: None
    _unusable: StoreUnusable | None = field(default=None, init=False)
    _memory: MemoryStore = field(factory=MemoryStore, init=False)
    _free_at: float = field(default=0.0, init=False)

    def open(self) -> Deferred[None]:
        return self._memory.commit(*map(Put, self.disk.records.values()))

    def close(self) -> Deferred[None]:
        return self._memory.close()

    def get(self, kind: type[R], key: str) -> R | None:
        return self._memory.get(kind, key)

    def all(self, kind: type[R]) -> Collection[R]:
        return self._memory.all(kind)

    def where(self, kind: type[R], field: str, value: object) -> Collection[R]:
        return self._memory.where(kind, field, value)

    def total(self, kind: type[R], field: str, value: object, of: str) -> int:
        return self._memory.total(kind, field, value, of)

    def commit(self, *changes: Change) -> Deferred[None]:
        if self.life.is_over or self.life.ends(Moment.COMMITTING):
            return self.life.never()
        if self._unusable is not None:
            return fail(self._unusable)
        self._memory.commit(*changes)
        now = self.life.world.seconds()
        takes_s = self.commit_s() * self.disk.slowness
        self._free_at = max(self._free_at, now + takes_s)
        done: Deferred[None] = Deferred()
        self.life.after(self._free_at - now, self._written, changes, done)
        return done

    def _written(self, changes: Collection[Change], done: Deferred[None]) -> None:
        if self.disk.is_full or self._unusable is not None:
            self._refuse(done)
            return
        self.disk.write(changes)
        if not (self.life.ends(Moment.COMMITTED) or done.called):
            done.callback(None)

    def _refuse(self, done: Deferred[None]) -> None:
        is_first = self._unusable is None
        self._unusable = self._unusable or StoreUnusable("the disk is full")
        if not done.called:
            done.errback(self._unusable)
        if is_first:
            self.failed()
