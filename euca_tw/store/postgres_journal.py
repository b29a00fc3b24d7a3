"""
A journal in PostgreSQL: threads, and connections that are made anew when they break.

One connection writes, one answers all else, and one listens for what others write;
each has a thread.  The journal is pruned by those who write it: who was away for
longer, or for more entries, than it remembers, must start again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import psycopg
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.common.threads import Deliver, IWorker, done_by
from euca_tw.store import postgres, postgres_batches
from euca_tw.store.codec import Codec, Row, Unknown
from euca_tw.store.interfaces import Put, StoreUnreachable, StoreUnusable
from euca_tw.store.journal import (
    Appended,
    Heard,
    IJournal,
    Loaded,
    Position,
    Proposal,
)
from euca_tw.store.postgres import Connection, named, told_of
from euca_tw.store.postgres_batches import KEEPING, Keeping
from euca_tw.store.postgres_copies import copy_out
from euca_tw.store.reads import Reads
from euca_tw.store.tables import Step, Tables

T = TypeVar("T")

#: After so long somebody who could not listen tries again.
_AGAIN_S = 1.0
#: So often, at most, others may be faster while one brings old records up to date.
_UPGRADES = 5


@define(eq=False)
class _Link:
    """A connection that is made when it is needed; of one thread."""

    _where: str
    connection: Connection | None = field(init=False, default=None)

    def ask(self, question: Callable[[Connection], T]) -> T:
        """
        @raise StoreUnreachable: the next question is asked on a new connection.
        @raise StoreUnusable:
        """
        connection = self.connection
        if connection is None or connection.closed:
            connection = postgres.connect(self._where)
            self.connection = connection
            with told_of(self._where):
                found = postgres.version_of(connection, self._where)
            postgres.check_version(found, self._where)
        try:
            with told_of(self._where):
                return question(connection)
        except StoreUnreachable:
            self.close()
            raise
        except Unknown as unknown:
            raise StoreUnusable(
                f"{named(self._where)} has what this version of euca_tw does not "
                f"understand ({unknown}): another cloud controller runs a newer "
                "version; install that one here, too"
            ) from unknown

    def close(self) -> None:
        """Let go of it."""
        if self.connection is not None:
            with suppress(psycopg.Error):
                self.connection.close()
            self.connection = None


@implementer(IJournal)
@define(eq=False)
class PostgresJournal:
    """
    @ivar _where: the database: a URI of libpq's.
    @ivar _make_worker: makes a thread of a name:
        L{euca_tw.common.threads.thread_worker}.
    @ivar _deliver: calls in the reactor's thread.
    @ivar _listens: whether it hears of news; else only if it is asked.
    """

    _where: str
    _make_worker: Callable[[str], IWorker]
    _deliver: Deliver
    _listens: bool = True
    _keeping: Keeping = KEEPING

    _codec: Codec = field(init=False)
    _on_news: Callable[[], None] = field(init=False)
    _writer: _Link = field(init=False)
    _reader: _Link = field(init=False)
    _writing: IWorker = field(init=False)
    _reading: IWorker = field(init=False)
    _is_open: bool = field(init=False, default=False)
    _ends: Event = field(init=False)
    _listener: Connection | None = field(init=False, default=None)
    #: Of the writer's backend: what it notifies of is known here.
    _own_pid: int = field(init=False, default=0)
    #: How far the journal was when this last wrote, and pruned it.
    _head: int = field(init=False, default=0)
    _pruned_at: int = field(init=False, default=0)

    _log = Logger()

    # --- opening and closing ------------------------------------------------

    def open(self, codec: Codec, on_news: Callable[[], None]) -> Deferred[Loaded]:
        self._codec, self._on_news = codec, on_news
        self._writer, self._reader = _Link(self._where), _Link(self._where)
        self._writing = self._make_worker("database writer")
        self._reading = self._make_worker("database reader")
        self._ends = Event()

        def opened(loaded: Loaded) -> Loaded:
            self._is_open = True
            if self._listens:
                worker = self._make_worker("database listener")
                worker.do(partial(self._listen, self._ends))
                worker.quit()  # when it has done that
            return loaded

        def failed(failure: Any) -> Any:
            self._writing.quit()
            self._reading.quit()
            return failure

        return self._in(self._writing, self._load).addCallbacks(opened, failed)

    def close(self) -> Deferred[None]:
        self._is_open = False
        self._ends.set()
        _hang_up(self._listener)

        def closed(result: Any) -> Any:
            self._writing.quit()
            self._reading.quit()
            return result

        closing = self._in(self._reading, self._reader.close)
        closing.addCallback(lambda _: self._in(self._writing, self._writer.close))
        return closing.addBoth(closed)

    def _in(self, worker: IWorker, work: Callable[[], T]) -> Deferred[T]:
        return done_by(worker, self._deliver, work)

    # --- loading ------------------------------------------------------------

    def _load(self) -> Loaded:
        """In the writer's thread."""
        try:
            with postgres.opened(self._where) as connection:
                postgres.prepare(connection, self._where)
            for _ in range(_UPGRADES):
                loaded, old = self._writer.ask(self._read_all)
                if not old:
                    return loaded
                self._upgrade(loaded, old)
        except BaseException:
            self._writer.close()
            raise
        self._writer.close()
        raise StoreUnreachable(
            f"{named(self._where)} is changed by others all the time, so what earlier "
            "versions wrote there cannot be brought up to date"
        )

    def _read_all(self, connection: Connection) -> tuple[Loaded, list[Any]]:
        """@return: and what is to be written anew."""
        tables, old = Tables(), []
        with connection.transaction():
            position = postgres_batches.begin_snapshot(connection)
            for row in postgres_batches.rows_of(connection):
                record = self._codec.record(row)
                tables.apply([Put(record)])
                if not self._codec.is_current(row):
                    old.append(record)
        return Loaded(tables, position), old

    def _upgrade(self, loaded: Loaded, old: Sequence[Any]) -> None:
        rows: tuple[Row, ...] = tuple(map(self._codec.row, old))
        keys: list[Any] = [(type(each), each.key) for each in old]
        steps = tuple(Step(type(each), each.key, each, each, 0) for each in old)
        proposal = Proposal(rows, steps, Reads(keys, len(keys)))
        name = self._writer.ask(postgres.unique)
        self._append(loaded.position, f"upgrade {name}", [proposal])

    # --- writing ------------------------------------------------------------

    def append(
        self, position: Position, batch: str, proposals: Sequence[Proposal]
    ) -> Deferred[Appended]:
        appending = self._in(
            self._writing, lambda: self._append(position, batch, proposals)
        )
        # Nobody waits for that.
        self._writing.do(self._prune)
        return appending

    def _append(
        self, position: Position, batch: str, proposals: Sequence[Proposal]
    ) -> Appended:
        def ask(connection: Connection) -> Appended:
            self._own_pid = connection.info.backend_pid
            return postgres_batches.append(
                connection, self._codec, position, batch, proposals
            )

        appended = self._writer.ask(ask)
        if appended.entries:
            self._head = appended.entries[-1].sequence
        return appended

    def _prune(self) -> None:
        """Now and then, in the writer's thread; nothing is lost if it fails."""
        if self._head < self._pruned_at + self._keeping.every:
            return
        self._pruned_at = self._head
        prune = partial(postgres_batches.prune, head=self._head, keeping=self._keeping)
        with suppress(StoreUnusable):
            self._writer.ask(prune)

    # --- everything else ----------------------------------------------------

    def read(self, position: Position) -> Deferred[Heard]:
        return self._ask(
            partial(postgres_batches.read, codec=self._codec, position=position)
        )

    def lead(self, name: str, holder: str, for_s: float) -> Deferred[bool]:
        return self._ask(
            partial(postgres_batches.lead, name=name, holder=holder, for_s=for_s)
        )

    def release(self, name: str, holder: str) -> Deferred[None]:
        return self._ask(partial(postgres_batches.release, name=name, holder=holder))

    def _ask(self, question: Callable[[Connection], T]) -> Deferred[T]:
        return self._in(self._reading, lambda: self._reader.ask(question))

    def hang_up(self) -> None:
        # The server's own limits of time are of no use where it hangs itself.
        for each in (self._writer.connection, self._reader.connection, self._listener):
            _hang_up(each)

    def copy_to(self, path: Path) -> Deferred[None]:
        worker = self._make_worker("database copier")

        def done(result: Any) -> Any:
            worker.quit()
            return result

        copying = self._in(worker, lambda: copy_out(self._where, path))
        return copying.addBoth(done)

    # --- listening ----------------------------------------------------------

    def _listen(self, ends: Event) -> None:
        """In the listener's thread, until the end."""
        is_told = False
        while not ends.is_set():
            try:
                with postgres.opened(self._where) as connection, told_of(self._where):
                    self._listener = connection
                    if ends.is_set():
                        return
                    connection.execute(f"LISTEN {postgres_batches.CHANNEL}")
                    if is_told:
                        self._log.info("The database answers again")
                    is_told = False
                    # Of what was missed meanwhile.
                    self._deliver(self._on_news)
                    for notify in connection.notifies():
                        if notify.pid != self._own_pid:
                            self._deliver(self._on_news)
            except StoreUnusable as error:
                if not (ends.is_set() or is_told):
                    is_told = True
                    self._log.warn("Cannot listen: {reason}", reason=str(error))
            finally:
                self._listener = None
            ends.wait(_AGAIN_S)


def _hang_up(connection: Connection | None) -> None:
    """Have a thread that waits there find that the connection is lost."""
    if connection is None:
        return
    with suppress(OSError, psycopg.Error):
        own = socket.socket(fileno=os.dup(connection.fileno()))
        with own:
            own.shutdown(socket.SHUT_RDWR)
