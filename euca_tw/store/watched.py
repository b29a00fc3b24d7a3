"""A store that tells what was committed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.store.interfaces import Change, IShared, IStore, R

#: Told of changes that are durable.
Heard = Callable[[tuple[Change, ...]], None]

#: What is to be committed with changes, in the same transaction.
Further = Callable[[tuple[Change, ...]], tuple[Change, ...]]


@implementer(IStore)
@define(eq=False)
class WatchedStore:
    """
    Another store, and who wants to know of its commits: each is told of when it
    is durable, in the order in which that comes about.
    """

    _store: IStore
    _watchers: list[Heard] = field(factory=list, init=False)
    _joined: list[Further] = field(factory=list, init=False)
    #: The same, if it tells of what is durable by itself.
    _shared: IShared | None = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._shared = None
        if IShared.providedBy(self._store):
            shared: Any = self._store
            self._shared = shared

    def watch(self, heard: Heard) -> None:
        """
        Have C{heard} told of what is committed from now on; in a store that several
        processes work on, by whom ever.
        """
        if self._shared is None:
            self._watchers.append(heard)
        else:
            self._shared.watch(heard)

    def join(self, further: Further) -> None:
        """Have what C{further} gives committed with each commit, all or none."""
        self._joined.append(further)

    def open(self) -> Awaitable[None]:
        opened: Awaitable[None] = self._store.open()
        return opened

    def close(self) -> Awaitable[None]:
        closed: Awaitable[None] = self._store.close()
        return closed

    def get(self, kind: type[R], key: str) -> R | None:
        found: R | None = self._store.get(kind, key)
        return found

    def all(self, kind: type[R]) -> Collection[R]:
        found: Collection[R] = self._store.all(kind)
        return found

    def where(self, kind: type[R], field: str, value: object) -> Collection[R]:
        found: Collection[R] = self._store.where(kind, field, value)
        return found

    def total(self, kind: type[R], field: str, value: object, of: str) -> int:
        found: int = self._store.total(kind, field, value, of)
        return found

    def commit(self, *changes: Change) -> Deferred[None]:
        answer: Deferred[None] = Deferred()
        for further in self._joined:
            changes = (*changes, *further(changes))
        # Told also when nobody waits for the answer any more.
        kept = Deferred.fromCoroutine(_awaited(self._store.commit(*changes)))
        kept.addCallback(self._tell, changes)
        kept.addBoth(_answer, answer)
        return answer

    def _tell(self, result: None, changes: tuple[Change, ...]) -> None:
        for heard in self._watchers:
            heard(changes)


async def _awaited(committed: Awaitable[None]) -> None:
    await committed


def _answer(result: Any, answer: Deferred[None]) -> None:
    if answer.called:
        return
    if isinstance(result, Failure):
        answer.errback(result)
    else:
        answer.callback(result)
