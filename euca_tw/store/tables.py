"""
Records in memory, with their indexes: what every store reads from.

Knows nothing of disks.  A record keeps the place it got when its key was first
put, in every view; a view is a window on the table, not a copy.  A bucket of an
index that got an old record behind younger ones is put in order when somebody
looks: so a change costs the same however many records have the value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic

from attrs import Factory, define, frozen

from euca_tw.store.interfaces import Change, Delete, Put, R


@define(eq=False)
class Table(Generic[R]):
    """
    The records of one class.

    @ivar places: for each key, how old it is; the order of views.
    @ivar indexes: for each indexed field and each value that occurs in it,
        the records that have it, by key; oldest first, but for those in
        C{unordered}: fields and values.
    @ivar is_unordered: C{records}, too, may not be in the order of their places.
    @ivar totals: for an indexed field, a value of it and a summed field: the sum,
        unless it is nothing.
    """

    kind: type[R]
    records: dict[str, R] = Factory(dict)
    places: dict[str, int] = Factory(dict)
    indexes: dict[str, dict[object, dict[str, R]]] = Factory(
        lambda self: {name: {} for name in indexes_of(self.kind)}, takes_self=True
    )
    unordered: set[tuple[str, object]] = Factory(set)
    is_unordered: bool = False
    totals: dict[tuple[str, object, str], int] = Factory(dict)
    _many: tuple[str, ...] = Factory(
        lambda self: _many_indexes_of(self.kind), takes_self=True
    )
    _totalled: Mapping[str, tuple[str, ...]] = Factory(
        lambda self: totals_of(self.kind), takes_self=True
    )
    _next_place: int = 0

    def put(self, record: R) -> None:
        key = record.key
        old = self.records.get(key)
        if old is None:
            self.places[key] = self._next_place
            self._next_place += 1
        self.records[key] = record
        if old is None:
            self._index(key, record)
        else:
            self._index_anew(key, old, record)
        if self._totalled:
            self._count(old, -1)
            self._count(record, 1)

    def _index(self, key: str, record: R) -> None:
        """Of a new one, which is younger than all; at a start all are."""
        for name, index in self.indexes.items():
            value = getattr(record, name)
            for each in value if name in self._many else (value,):
                bucket = index.get(each)
                if bucket is None:
                    index[each] = {key: record}
                else:
                    bucket[key] = record

    def _index_anew(self, key: str, old: R, record: R) -> None:
        for name, index in self.indexes.items():
            was, now = self._values(name, old), self._values(name, record)
            if was == now:  # as of most fields, at most changes
                for value in now:
                    index[value][key] = record
                continue
            for value in was:
                if value not in now:
                    self._take_out(name, value, key)
            for value in now:
                self._add(name, value, key, record)

    def _count(self, record: R | None, sign: int) -> None:
        if record is None:
            return
        for name, summed in self._totalled.items():
            value = getattr(record, name)
            for of in summed:
                which = (name, value, of)
                total = self.totals.get(which, 0) + sign * getattr(record, of)
                if total:
                    self.totals[which] = total
                else:
                    self.totals.pop(which, None)

    def _values(self, name: str, record: R) -> Collection[object]:
        """By which a record is found, in an index."""
        value = getattr(record, name)
        return value if name in self._many else (value,)

    def _add(self, name: str, value: object, key: str, record: R) -> None:
        index = self.indexes[name]
        bucket = index.get(value)
        if bucket is None:
            index[value] = {key: record}
            return
        if key not in bucket and self.places[next(reversed(bucket))] > self.places[key]:
            self.unordered.add((name, value))
        bucket[key] = record

    def _take_out(self, name: str, value: object, key: str) -> None:
        bucket = self.indexes[name][value]
        del bucket[key]
        if not bucket:
            del self.indexes[name][value]
            self.unordered.discard((name, value))

    def delete(self, key: str) -> None:
        old = self.records.pop(key, None)
        if old is None:
            return
        del self.places[key]
        for name in self.indexes:
            for value in self._values(name, old):
                self._take_out(name, value, key)
        self._count(old, -1)

    def restore(self, record: R, place: int) -> None:
        """Put back what was deleted, in the place that it had."""
        key = record.key
        if self.records and self.places[next(reversed(self.records))] > place:
            self.is_unordered = True
        self.places[key] = place
        self.records[key] = record
        for name in self.indexes:
            for value in self._values(name, record):
                self._add(name, value, key, record)
        self._count(record, 1)

    def all_in_order(self) -> dict[str, R]:
        """Every record, oldest first."""
        if self.is_unordered:
            self.is_unordered = False
            places = self.places
            self.records = dict(
                sorted(self.records.items(), key=lambda pair: places[pair[0]])
            )
        return self.records

    def found(self, name: str, value: object) -> dict[str, R]:
        """What has a value of an indexed field, in any order."""
        return self.indexes[name].get(value, {})

    def in_order(self, name: str, value: object) -> dict[str, R]:
        """The same, oldest first."""
        bucket = self.found(name, value)
        if (name, value) in self.unordered:
            self.unordered.discard((name, value))
            places = self.places
            bucket = dict(sorted(bucket.items(), key=lambda pair: places[pair[0]]))
            self.indexes[name][value] = bucket
        return bucket


def _many_indexes_of(kind: type) -> tuple[str, ...]:
    return getattr(kind, "MANY_INDEXES", ())


def totals_of(kind: type) -> Mapping[str, tuple[str, ...]]:
    """By indexed fields of a class: the fields that are summed up."""
    found: Mapping[str, tuple[str, ...]] = getattr(kind, "TOTALS", {})
    return found


def values_of(name: str, record: Any) -> Collection[object]:
    """By which a record is found, in an index of its class."""
    value = getattr(record, name)
    return value if name in _many_indexes_of(type(record)) else (value,)


def indexes_of(kind: type[R]) -> tuple[str, ...]:
    """The fields by which records of a class are found."""
    return (*kind.INDEXES, *_many_indexes_of(kind))


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
        return self._table.found(self._field, self._value)

    def __len__(self) -> int:
        return len(self._found())

    def __iter__(self) -> Iterator[R]:
        if self._field is None:
            return iter(tuple(self._table.all_in_order().values()))
        return iter(tuple(self._table.in_order(self._field, self._value).values()))

    def __contains__(self, record: object) -> bool:
        if not isinstance(record, self._table.kind):
            return False
        return self._found().get(record.key) == record

    def __repr__(self) -> str:
        return repr(list(self))


@frozen(eq=False)
class Step:
    """
    One change that was made.

    @ivar before, after: the record; None where there is none.
    @ivar place: of what was there before.
    """

    kind: type
    key: str
    before: Any
    after: Any
    place: int


@define(eq=False)
class Tables:
    """The reading half of L{euca_tw.store.interfaces.IStore}."""

    _tables: dict[type, Table[Any]] = Factory(dict)

    def table(self, kind: type[R]) -> Table[R]:
        """The one of a class."""
        table = self._tables.get(kind)
        if table is None:
            table = self._tables[kind] = Table(kind)
        return table

    def get(self, kind: type[R], key: str) -> R | None:
        table: Table[R] | None = self._tables.get(kind)
        return None if table is None else table.records.get(key)

    def all(self, kind: type[R]) -> Collection[R]:
        return View(self.table(kind))

    def where(self, kind: type[R], field: str, value: object) -> Collection[R]:
        if field not in indexes_of(kind):
            raise ValueError(f"{kind.__name__} has no index {field!r}")
        return View(self.table(kind), field, value)

    def total(self, kind: type[R], field: str, value: object, of: str) -> int:
        if of not in totals_of(kind).get(field, ()):
            raise ValueError(f"{kind.__name__} has no totals of {of!r} by {field!r}")
        return self.table(kind).totals.get((field, value, of), 0)

    def apply(self, changes: Iterable[Change]) -> None:
        """Make the changes, in their order."""
        for change in changes:
            match change:
                case Put(record):
                    self.table(type(record)).put(record)
                case Delete(kind, key):
                    self.table(kind).delete(key)

    def undoable(self, changes: Iterable[Change]) -> list[Step]:
        """As L{apply}; what was done can be undone."""
        steps = []
        for change in changes:
            match change:
                case Put(record):
                    kind, key = type(record), record.key
                case Delete(kind, key):
                    record = None
            table = self.table(kind)
            before = table.records.get(key)
            steps.append(Step(kind, key, before, record, table.places.get(key, 0)))
            if record is None:
                table.delete(key)
            else:
                table.put(record)
        return steps

    def undo(self, steps: Sequence[Step]) -> None:
        """
        Have everything be as it was before these steps, the last that were made:
        also the order of the records.
        """
        for step in reversed(steps):
            table: Table[Any] = self.table(step.kind)
            if step.before is None:
                table.delete(step.key)
            elif step.key in table.records:
                table.put(step.before)
            else:
                table.restore(step.before, step.place)

    def clear(self) -> None:
        """Forget everything."""
        self._tables.clear()
