"""
The store of one daemon, in an SQLite file.

Reads come from memory.  Changes are made there at once and handed to a writer
in a thread of its own, which puts all that have come meanwhile into one
transaction: many acknowledged commits to one fsync.

A write that fails ends the store for good: memory then has what the disk has
not, so nobody may be told anything any more, and the daemon must start again
from the disk.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import Factory, define, field, frozen
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from euca_tw.common.threads import Deliver, IWorker, done_by
from euca_tw.store.codec import Codec, Row, Unknown, Upgrade
from euca_tw.store.database import Database, Gone
from euca_tw.store.interfaces import Change, ICopied, Put, R, StoreUnusable
from euca_tw.store.tables import Tables

#: So many who wait for a commit are told in one turn of the reactor; each of
#: them goes on with what it has to do.
_SLICE = 32


@frozen(eq=False)
class _Commit:
    """Changes on their way to the disk, and who waits for them."""

    changes: list[Row | Gone]
    waiting: Deferred[None]


@implementer(ICopied)
@define(eq=False)
class SqliteStore:
    """
    @ivar _kinds: the classes of the records that are kept.
    @ivar _make_worker: makes the writer: L{euca_tw.common.threads.thread_worker}.
    @ivar _deliver: calls in the reactor's thread.
    @ivar _on_failure: told once, with what failed, when a write has failed.
    @ivar _upgrades: the steps that the classes list by a name; called in the
        writer's thread.
    """

    _path: Path
    _kinds: tuple[type, ...]
    _make_worker: Callable[[], IWorker]
    _deliver: Deliver
    _on_failure: Callable[[StoreUnusable], None]
    _open_database: Callable[[Path], Database] = Database
    _upgrades: Mapping[str, Upgrade] = Factory(dict)

    _codec: Codec = field(init=False)
    _tables: Tables = field(init=False, factory=Tables)
    _worker: IWorker = field(init=False)
    _database: Database = field(init=False)
    _queued: deque[_Commit] = field(init=False, factory=deque)
    _is_writing_soon: bool = field(init=False, default=False)
    _is_open: bool = field(init=False, default=False)
    #: Why nothing can be committed; of the reactor's thread.
    _unusable: StoreUnusable | None = field(
        init=False, factory=lambda: StoreUnusable("the store is not open")
    )
    #: Why nothing is written any more; of the writer's thread.
    _write_failure: StoreUnusable | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._codec = Codec.of(self._kinds, self._upgrades)

    # --- opening and closing ------------------------------------------------

    def open(self) -> Deferred[None]:
        self._worker = self._make_worker()
        self._database = self._open_database(self._path)

        def opened(tables: Tables) -> None:
            self._tables = tables
            self._unusable = self._write_failure = None
            self._is_open = True

        def failed(failure: Failure) -> Failure:
            self._worker.quit()
            return failure

        opening = self._in_thread(self._load)
        return opening.addCallbacks(opened, failed)

    def _load(self) -> Tables:
        """In the thread: what the file has, brought up to date."""
        self._database.open()
        try:
            tables, upgraded = Tables(), []
            for row in self._database.rows():
                record = self._codec.record(row)
                tables.apply([Put(record)])
                if not self._codec.is_current(row):
                    upgraded.append(self._codec.row(record))
            if upgraded:
                self._database.replace(upgraded)
        except Unknown as unknown:
            self._database.close()
            raise StoreUnusable(
                f"{self._path} has what this version of euca_tw does not understand "
                f"({unknown}): install the version that wrote it, or start with "
                "another state directory"
            ) from unknown
        except StoreUnusable:
            self._database.close()
            raise
        return tables

    def close(self) -> Deferred[None]:
        if not self._is_open:
            return succeed(None)
        self._is_open = False
        self._unusable = self._unusable or StoreUnusable("the store is closed")

        def closed(result: Any) -> Any:
            self._worker.quit()
            return result

        return self._in_thread(self._database.close).addBoth(closed)

    def _in_thread(self, call: Callable[[], Any]) -> Deferred[Any]:
        """Have something done by the writer, after all that it was given."""
        return done_by(self._worker, self._deliver, call)

    # --- reading ------------------------------------------------------------

    def get(self, kind: type[R], key: str) -> R | None:
        return self._tables.get(kind, key)

    def all(self, kind: type[R]) -> Collection[R]:
        return self._tables.all(kind)

    def where(self, kind: type[R], field: str, value: object) -> Collection[R]:
        return self._tables.where(kind, field, value)

    def total(self, kind: type[R], field: str, value: object, of: str) -> int:
        return self._tables.total(kind, field, value, of)

    # --- writing ------------------------------------------------------------

    def commit(self, *changes: Change) -> Deferred[None]:
        if self._unusable is not None:
            return fail(self._unusable)
        kept = [self._kept(change) for change in changes]
        self._tables.apply(changes)
        waiting: Deferred[None] = Deferred()
        self._queued.append(_Commit(kept, waiting))
        if not self._is_writing_soon:
            self._is_writing_soon = True
            self._worker.do(self._write)
        return waiting

    def _kept(self, change: Change) -> Row | Gone:
        if isinstance(change, Put):
            return self._codec.row(change.record)
        return Gone(self._codec.name_of(change.kind), change.key)

    def _write(self) -> None:
        """In the thread: everything that is queued, in one transaction."""
        self._is_writing_soon = False
        commits: list[_Commit] = []
        while self._queued:
            commits.append(self._queued.popleft())
        if not commits:
            return
        failure = self._write_failure or self._write_failure_of(commits)
        if failure is None:
            self._deliver(lambda: self._fire(commits))
        else:
            self._write_failure = failure
            self._deliver(lambda: self._failed(failure, commits))

    def _write_failure_of(self, commits: Iterable[_Commit]) -> StoreUnusable | None:
        try:
            self._database.write(row for commit in commits for row in commit.changes)
        except StoreUnusable as unusable:
            return unusable
        return None

    def _fire(self, commits: Sequence[_Commit]) -> None:
        """Tell who waits, a slice in each turn of the reactor."""
        for commit in commits[:_SLICE]:
            commit.waiting.callback(None)
        if rest := commits[_SLICE:]:
            self._deliver(lambda: self._fire(rest))

    # --- copying ------------------------------------------------------------

    def copy_to(self, path: Path) -> Deferred[None]:
        if not self._is_open or self._unusable is not None:
            return fail(self._unusable or StoreUnusable("the store is closed"))
        # Between its steps all that waits is written: nobody waits for the copy.
        return self._in_thread(lambda: self._database.copy_to(path, self._write))

    def _failed(self, unusable: StoreUnusable, commits: Iterable[_Commit]) -> None:
        is_first = self._unusable is None
        self._unusable = unusable
        for commit in commits:
            commit.waiting.errback(unusable)
        if is_first:
            self._on_failure(unusable)
