"""A store that lasts as long as the process: for tests."""

from __future__ import annotations

from collections.abc import Collection

from attrs import Factory, define
from twisted.internet.defer import Deferred, succeed
from zope.interface import implementer

from euca_tw.store.interfaces import Change, IStore, R
from euca_tw.store.tables import Tables


@implementer(IStore)
@define(eq=False)
class MemoryStore:
    """
    Keeps records in memory.  Closed and opened again it still has them, as a
    disk would: so a daemon can be killed and started anew on one store.
    """

    _tables: Tables = Factory(Tables)

    def open(self) -> Deferred[None]:
        return succeed(None)

    def close(self) -> Deferred[None]:
        return succeed(None)

    def get(self, kind: type[R], key: str) -> R | None:
        return self._tables.get(kind, key)

    def all(self, kind: type[R]) -> Collection[R]:
        return self._tables.all(kind)

    def where(self, kind: type[R], field: str, value: object) -> Collection[R]:
        return self._tables.where(kind, field, value)

    def total(self, kind: type[R], field: str, value: object, of: str) -> int:
        return self._tables.total(kind, field, value, of)

    def commit(self, *changes: Change) -> Deferred[None]:
        self._tables.apply(changes)
        return succeed(None)
