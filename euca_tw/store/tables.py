"""
Records in memory, with their indexes: what every store reads from.

Knows nothing of disks.  A record keeps the place it got when its key was first
put, in every view; a view is a window on the table, not a copy.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Generic

from attrs import Factory, define

from euca_tw.store.interfaces import Change, Delete, Put, R


@define(eq=False)
class Table(Generic[R]):
    """
    The records of one class.

    @ivar places: for each key, how old it is; the order of views.
    @ivar indexes: for each indexed field and each value that occurs in it,
        the records that have it, by key, oldest first.
    """

    kind: type[R]
    records: dict[str, R] = Factory(dict)
    places: dict[str, int] = Factory(dict)
    indexes: dict[str, dict[object, dict[str, R]]] = Factory(
        lambda self: {name: {} for name in self.kind.INDEXES}, takes_self=True
    )
    _next_place: int = 0

    def put(self, record: R) -> None:
        key = record.key
        old = self.records.get(key)
        if old is None:
            self.places[key] = self._next_place
            self._next_place += 1
        self.records[key] = record
        for name, index in self.indexes.items():
            value = getattr(record, name)
            if old is not None and (was := getattr(old, name)) != value:
                _take_out(index, was, key)
            bucket = index.setdefault(value, {})
            is_late = bucket and key not in bucket
            if is_late and self.places[next(reversed(bucket))] > self.places[key]:
                bucket[key] = record
                index[value] = dict(
                    sorted(bucket.items(), key=lambda pair: self.places[pair[0]])
                )
            else:
                bucket[key] = record

    def delete(self, key: str) -> None:
        old = self.records.pop(key, None)
        if old is None:
            return
        del self.places[key]
        for name, index in self.indexes.items():
            _take_out(index, getattr(old, name), key)


def _take_out(index: dict[object, dict[str, R]], value: object, key: str) -> None:
    bucket = index[value]
    del bucket[key]
    if not bucket:
        del index[value]


@define(eq=False)
class View(Collection[R]):
    """
    Some records of a table, as they are at the moment of asking.

    Iteration goes over those that were there when it began, so the table may
    be changed meanwhile.

    @ivar field: None for all of them.
    """

    _table: Table[R]
    _field: str | None = None
    _value: object = None

    def _found(self) -> dict[str, R]:
        if self._field is None:
            return self._table.records
        return self._table.indexes[self._field].get(self._value, {})

    def __len__(self) -> int:
        return len(self._found())

    def __iter__(self) -> Iterator[R]:
        return iter(tuple(self._found().values()))

    def __contains__(self, record: object) -> bool:
        if not isinstance(record, self._table.kind):
            return False
        return self._found().get(record.key) == record

    def __repr__(self) -> str:
        return repr(list(self))


@define(eq=False)
class Tables:
    """The reading half of L{euca_tw.store.interfaces.IStore}."""

    _tables: dict[type, Table[Any]] = Factory(dict)

    def _table(self, kind: type[R]) -> Table[R]:
        table = self._tables.get(kind)
        if table is None:
            table = self._tables[kind] = Table(kind)
        return table

    def get(self, kind: type[R], key: str) -> R | None:
        table: Table[R] | None = self._tables.get(kind)
        return None if table is None else table.records.get(key)

    def all(self, kind: type[R]) -> Collection[R]:
        return View(self._table(kind))

    def where(self, kind: type[R], field: str, value: object) -> Collection[R]:
        if field not in kind.INDEXES:
            raise ValueError(f"{kind.__name__} has no index {field!r}")
        return View(self._table(kind), field, value)

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes, in their order."""
        for change in changes:
            match change:
                case Put(record):
                    self._table(type(record)).put(record)
                case Delete(kind, key):
                    self._table(kind).delete(key)

    def clear(self) -> None:
        """Forget everything."""
        self._tables.clear()
