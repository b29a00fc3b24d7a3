"""
The messages that are in a memory of them: taking one, and forgetting the old.

C{messages} has an entry for each, ordered by when it was made, so that new ones
stand together and old ones go in runs.  C{memory} is one row: it vouches for what
was made from C{since} on, and before C{until}, which is never after the
L{mark<euca_tw.store.mark>}; and entries are kept for C{life} seconds after they
were made.

There are two connections.  By the near one the usual message is taken: one
statement, never waiting for a lock, which may be run where nobody may wait.  By
the far one everything else is done, in a thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define

from euca_tw.common.replays import STEP_S, CannotRemember, Entry, Verdict
from euca_tw.store.mark import Mark

SCHEMA = (
    """
    CREATE TABLE memory (
        boot TEXT NOT NULL,
        since INTEGER NOT NULL,
        until INTEGER NOT NULL,
        life INTEGER NOT NULL
    ) STRICT
    """,
    """
    CREATE TABLE messages (
        made INTEGER NOT NULL,
        value BLOB NOT NULL,
        owner BLOB NOT NULL,
        PRIMARY KEY (made, value)
    ) STRICT, WITHOUT ROWID
    """,
)

#: So far ahead the mark is set.
AHEAD_S = 30
#: So many entries are forgotten in one transaction, and at one L{Messages.tidy}.
_SOME, _MOST = 500, 4000

_TAKE = """
    INSERT OR IGNORE INTO messages SELECT ?1, ?2, ?3 FROM memory
    WHERE ?1 >= since AND ?1 < until AND ?4 <= life
"""
_WHY_NOT = """
    SELECT since, EXISTS (
        SELECT 1 FROM messages WHERE made = ?1 AND value = ?2
    ) FROM memory
"""
_PUT = "INSERT OR IGNORE INTO messages VALUES (?, ?, ?)"
_OLDEST = "SELECT made, value FROM messages WHERE made < ? ORDER BY 1, 2 LIMIT ?"
_FORGET = "DELETE FROM messages WHERE (made, value) <= (?, ?)"
_COUNT = "SELECT made / ?1 * ?1, owner, count(*) FROM messages GROUP BY 1, 2"


class Damaged(CannotRemember):
    """The file must be thrown away, which happens when it is opened again."""


def rows_of(
    connection: sqlite3.Connection, statement: str, *values: object
) -> list[tuple[Any, ...]]:
    """All at once: a statement that is not at its end holds up the WAL."""
    return connection.execute(statement, values).fetchall()


def row_of(entry: Entry) -> tuple[int, bytes, bytes]:
    return entry.made, entry.value, entry.owner


@define(eq=False)
class Messages:
    """
    @ivar _path: for the operator.
    @ivar _near: waits for nobody; of the thread that calls L{take}.
    @ivar _far: of the thread that calls all else.
    """

    _path: Path
    _near: sqlite3.Connection
    _far: sqlite3.Connection
    _mark: Mark

    def take(self, entry: Entry) -> Verdict | None:
        """
        Take the message, if that is all there is to do.  Takes some
        microseconds, and waits for nothing.

        @return: None if it is for L{settle} to tell.
        @raise CannotRemember:
        """
        row = row_of(entry)
        try:
            if self._near.execute(_TAKE, (*row, entry.life)).rowcount == 1:
                return Verdict.FRESH
            [(since, is_there)] = rows_of(self._near, _WHY_NOT, *row[:2])
        except sqlite3.Error as error:
            if is_busy(error):
                return None
            raise self._cannot(error) from error
        if entry.made < since:
            return Verdict.FORGOTTEN
        return Verdict.SEEN if is_there else None

    def settle(self, entries: Sequence[Entry]) -> list[Verdict]:
        """
        Take messages, all in one transaction.  Where one was made later than the
        mark allows, the mark is set first; where one is to live longer than
        others did, all shall.

        @raise CannotRemember: none is taken.
        """
        try:
            self._far.execute("BEGIN IMMEDIATE")
            verdicts = self._settled(entries)
            self._far.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            self._roll_back()
            raise self._cannot(error) from error
        return verdicts

    def _settled(self, entries: Sequence[Entry]) -> list[Verdict]:
        [(since, until)] = rows_of(self._far, "SELECT since, until FROM memory")
        kept = [entry for entry in entries if entry.made >= since]
        latest = max((entry.made for entry in kept), default=since)
        longest = max((entry.life for entry in kept), default=0)
        if kept and latest >= until:
            until = latest + AHEAD_S
            self._mark.set(until)
        self._far.execute(
            "UPDATE memory SET until = ?, life = max(life, ?)", (until, longest)
        )
        return [self._put(entry, since) for entry in entries]

    def _put(self, entry: Entry, since: int) -> Verdict:
        if entry.made < since:
            return Verdict.FORGOTTEN
        is_new = self._far.execute(_PUT, row_of(entry)).rowcount == 1
        return Verdict.FRESH if is_new else Verdict.SEEN

    def tidy(self, now: int) -> None:
        """
        Forget some of what is too old, and begin the WAL anew.

        @raise CannotRemember: that could not be done.
        """
        try:
            [(life,)] = rows_of(self._far, "SELECT life FROM memory")
            for _ in range(_MOST // _SOME):
                if not self._forget(now - life):
                    break
            rows_of(self._far, "PRAGMA wal_checkpoint(RESTART)")
        except sqlite3.Error as error:
            self._roll_back()
            raise self._cannot(error) from error

    def _forget(self, before: int) -> bool:
        """Whether there may be more."""
        self._far.execute("BEGIN IMMEDIATE")
        oldest = rows_of(self._far, _OLDEST, before, _SOME)
        if oldest:
            last = oldest[-1]
            # No more is vouched for what was made then.
            self._far.execute("UPDATE memory SET since = max(since, ?)", (last[0] + 1,))
            self._far.execute(_FORGET, last)
        self._far.execute("COMMIT")
        return len(oldest) == _SOME

    def counts(self) -> list[tuple[int, bytes, int]]:
        """Second, owner, and how many entries of his were made about then."""
        return rows_of(self._far, _COUNT, STEP_S)

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._far.in_transaction:
                self._far.execute("ROLLBACK")

    def _cannot(self, error: sqlite3.Error | OSError) -> CannotRemember:
        if is_damage(error):
            return Damaged(f"{self._path} is damaged ({error})")
        if is_busy(error):
            return CannotRemember(f"{self._path} is held by another process")
        return CannotRemember(f"{self._path} cannot be written: {error}")


# --- errors from below ------------------------------------------------------


def _is_called(error: BaseException, *names: str) -> bool:
    name: str = getattr(error, "sqlite_errorname", "")
    return name.startswith(names)


def is_busy(error: BaseException) -> bool:
    """Whether another process has it."""
    return _is_called(error, "SQLITE_BUSY", "SQLITE_LOCKED")


def is_no_database(error: BaseException) -> bool:
    """Whether it is nothing of SQLite's."""
    return _is_called(error, "SQLITE_NOTADB")


def is_damage(error: BaseException) -> bool:
    """Whether what should be there is not."""
    return is_no_database(error) or _is_called(error, "SQLITE_CORRUPT", "SQLITE_ERROR")
