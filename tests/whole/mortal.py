"""
Daemons that can die at any moment, as by kill -9.

Each life of a daemon gets its own clock, store, peers and doors.  When the life
ends, nothing that it had begun goes on: its delayed calls do not come, its
commits that were not yet on the disk are lost, its calls are broken off and the
answers to what it had asked never arrive.  What it did to the world stays done:
the disk, the domains, the messages that left.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from attrs import Factory, define, field
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.soap.interfaces import IPeer, IPeers
from euca_tw.store.interfaces import Change, Delete, IStore, Put, R
from euca_tw.store.memory import MemoryStore
from tests.fakes.clock import StepClock


@implementer(IReactorTime)
class Life:
    """One life of a daemon, and the clock that it knows."""

    def __init__(self, clock: StepClock) -> None:
        self._clock = clock
        self._calls: list[DelayedCall] = []
        self._limbo = Clock()
        self._limbo_things: list[Any] = []
        self.is_over = False
        self._last_words: list[Callable[[], None]] = []

    def seconds(self) -> float:
        return self._clock.seconds()

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> DelayedCall:
        if self.is_over:
            return self._limbo.callLater(delay, callable, *args, **kw)
        call = self._clock.callLater(delay, callable, *args, **kw)
        self._calls.append(call)
        if len(self._calls) > 100:
            self._calls = self.getDelayedCalls()
        return call

    def getDelayedCalls(self) -> list[DelayedCall]:
        return [call for call in self._calls if call.active()]

    def at_end(self, do: Callable[[], None]) -> None:
        """What the world does when this life ends."""
        self._last_words.append(do)

    def keep(self, thing: Any) -> None:
        """What is dead is not collected, lest its coroutines be closed."""
        self._limbo_things.append(thing)

    def end(self) -> None:
        """Kill -9."""
        self.is_over = True
        for call in self.getDelayedCalls():
            call.cancel()
        for do in self._last_words:
            do()

    def later(self, result: Any) -> Deferred[Any]:
        """A result of the world, a turn later, if there is a later."""
        answer: Deferred[Any] = Deferred()
        self.keep(answer)
        if not self.is_over:
            self._clock.callLater(0, self._give, answer, result)
        return answer

    def _give(self, answer: Deferred[Any], result: Any) -> None:
        if self.is_over or answer.called:
            return
        if isinstance(result, Failure):
            answer.errback(result)
        else:
            answer.callback(result)

    def forward(self, awaitable: Awaitable[Any]) -> Deferred[Any]:
        """What an awaitable brings, if this life lasts so long."""

        async def awaited() -> Any:
            return await awaitable

        answer: Deferred[Any] = Deferred(lambda _: inner.cancel())
        inner = Deferred.fromCoroutine(awaited())
        self.keep(answer)
        inner.addBoth(lambda result: self._give(answer, result))
        self.at_end(inner.cancel)
        return answer


class Mortal:
    """
    A door of the world, as one life sees it: what is asked happens at once,
    and is heard of a turn later.
    """

    def __init__(self, door: Any, life: Life, plain: tuple[str, ...] = ()) -> None:
        self._door = door
        self._life = life
        self._plain = plain

    def subscribe(self, changed: Callable[[str | None], None]) -> None:
        def tell(name: str | None) -> None:
            if not self._life.is_over:
                changed(name)

        self._door.subscribe(tell)

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._door, name)
        if name in self._plain:
            return real

        def asked(*args: Any, **kw: Any) -> Deferred[Any]:
            work = Deferred.fromCoroutine(_awaited(real(*args, **kw)))
            answer: Deferred[Any] = Deferred(lambda _: work.cancel())
            self._life.keep(answer)

            def done(result: Any) -> None:
                self._life._clock.callLater(0, self._life._give, answer, result)

            work.addBoth(done)
            self._life.at_end(work.cancel)
            return answer

        return asked


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable


@define
class Disk:
    """What a daemon's lives leave to each other."""

    records: dict[tuple[type, str], Any] = Factory(dict)

    def write(self, changes: Collection[Change]) -> None:
        for change in changes:
            match change:
                case Put(record):
                    self.records[type(record), record.key] = record
                case Delete(kind, key):
                    self.records.pop((kind, key), None)


@implementer(IStore)
@define(eq=False)
class DiskStore:
    """
    A store in memory over a L{Disk}: memory has a commit at once, the disk a
    moment after.

    @ivar later: has something done a moment after.
    """

    disk: Disk
    later: Callable[[Callable[[], None]], Any]
    _memory: MemoryStore = field(factory=MemoryStore, init=False)

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
        done: Deferred[None] = Deferred()
        self._memory.commit(*changes)

        def written() -> None:
            self.disk.write(changes)
            if not done.called:
                done.callback(None)

        self.later(written)
        return done


@implementer(IPeer)
@define(eq=False)
class MortalPeer:
    _peer: Any
    _life: Life

    def call(self, operation: Any, request: Any, timeout_s: float) -> Deferred[Any]:
        return self._life.forward(self._peer.call(operation, request, timeout_s))


@implementer(IPeers)
@define(eq=False)
class MortalPeers:
    """The network, as one life sees it."""

    _peers: Any
    _life: Life
    _known: dict[str, MortalPeer] = Factory(dict)

    def peer(self, url: str) -> MortalPeer:
        if url not in self._known:
            self._known[url] = MortalPeer(self._peers.peer(url), self._life)
        return self._known[url]
