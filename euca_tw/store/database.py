"""
The SQLite file: opening, upgrading, reading all, writing many changes at once.

Everything here blocks; L{euca_tw.store.sqlite.SqliteStore} calls it in a thread
of its own.  The file is locked for as long as it is open, so that two daemons
can never work on one state.  WAL with C{synchronous=FULL}: a transaction that
has ended survives a power failure.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path

from attrs import define, field, frozen

from euca_tw.common.files import sync
from euca_tw.store.codec import Row
from euca_tw.store.interfaces import StoreUnusable

#: Says in the file's header whose it is: the letters "euca".
APPLICATION_ID = 0x65756361

#: One step for each version of the schema; C{user_version} counts those done.
#: A step that was ever released is never changed.
SCHEMA: tuple[str, ...] = (
    """
    CREATE TABLE records (
        place INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        key TEXT NOT NULL,
        version INTEGER NOT NULL,
        body TEXT NOT NULL,
        UNIQUE (kind, key)
    ) STRICT
    """,
)

#: Added to C{user_version} while what was replaced is still to be purged.
_PURGE_OWED = 1 << 30

#: So many pages (of 4 KiB) are copied in one step.
_COPIED_PAGES = 512

_PUT = """
    INSERT INTO records (kind, key, version, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version,
                                          body = excluded.body
"""
_DELETE = "DELETE FROM records WHERE kind = ? AND key = ?"


@frozen
class Gone:
    """The deletion of a row."""

    kind: str
    key: str


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, or make it, readable by its owner only."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return sqlite3.connect(path, isolation_level=None, timeout=0)


@define(eq=False)
class Database:
    """Every method raises L{StoreUnusable}, with what to do, and nothing else."""

    _path: Path
    _connect: Callable[[Path], sqlite3.Connection] = connect
    _schema: Sequence[str] = SCHEMA
    _connection: sqlite3.Connection = field(init=False)

    def open(self) -> None:
        """Lock the file and bring its schema up to date."""
        try:
            self._connection = self._connect(self._path)
        except (OSError, sqlite3.Error) as error:
            raise unusable(self._path, error) from error
        try:
            self._pragma("locking_mode = EXCLUSIVE")
            self._pragma("journal_mode = WAL")
            self._pragma("synchronous = FULL")
            self._upgrade()
        except sqlite3.Error as error:
            self._connection.close()
            raise unusable(self._path, error) from error
        except StoreUnusable:
            self._connection.close()
            raise

    def _pragma(self, text: str) -> object:
        row = self._connection.execute(f"PRAGMA {text}").fetchone()
        return row[0] if row else None

    def _upgrade(self) -> None:
        execute = self._connection.execute
        execute("BEGIN EXCLUSIVE")
        version = self._pragma("user_version")
        owner = self._pragma("application_id")
        assert isinstance(version, int)
        owed, version = version & _PURGE_OWED, version & ~_PURGE_OWED
        if version > len(self._schema):
            raise StoreUnusable(
                f"{self._path} was written by a newer version of euca_tw (schema "
                f"{version}, this one knows {len(self._schema)}): install that version "
                "again, or start with another state directory"
            )
        is_empty = not execute("SELECT 1 FROM sqlite_schema").fetchone()
        if owner != APPLICATION_ID and not is_empty:
            raise StoreUnusable(
                f"{self._path} is an SQLite file, but not one of euca_tw: start with "
                "another state directory"
            )
        for step in self._schema[version:]:
            for statement in step.split(";"):
                execute(statement)
        self._pragma(f"application_id = {APPLICATION_ID}")
        self._pragma(f"user_version = {len(self._schema) | owed}")
        execute("COMMIT")
        problem = self._pragma("quick_check(1)")
        if problem != "ok":
            raise StoreUnusable(_CORRUPT.format(path=self._path, error=problem))
        if owed:
            self._purge()

    def rows(self) -> Iterator[Row]:
        """All that is kept, oldest first."""
        try:
            query = "SELECT kind, key, version, body FROM records ORDER BY place"
            for row in self._connection.execute(query):
                yield Row(*row)
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    def write(self, changes: Iterable[Row | Gone]) -> None:
        """Make all the changes in one transaction; they are on the disk then."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._change(changes)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    def _change(self, changes: Iterable[Row | Gone]) -> None:
        many = self._connection.executemany
        for is_put, run in groupby(changes, lambda each: isinstance(each, Row)):
            if is_put:
                many(_PUT, ((r.kind, r.key, r.version, r.body) for r in run))  # type: ignore[union-attr]
            else:
                many(_DELETE, ((gone.kind, gone.key) for gone in run))

    def replace(self, rows: Iterable[Row]) -> None:
        """
        As L{write}, and nothing of what was there before is left in the file
        or its -wal: it may be what nobody shall read any more.  A process that
        is killed before all is purged purges when it opens the file again.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._change(rows)
            self._pragma(f"user_version = {len(self._schema) | _PURGE_OWED}")
            self._connection.execute("COMMIT")
            self._purge()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error

    def copy_to(self, path: Path, meanwhile: Callable[[], None]) -> None:
        """
        Have all that is kept in another file as well, of mode 0600, on the disk
        and complete in itself: there must be none yet, and there is none if this
        fails.

        @param meanwhile: called between two steps of some milliseconds; what it
            writes is in the copy too.
        """
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise unusable(path, error) from error
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as copy:
                # One sync at the end is enough.
                copy.execute("PRAGMA synchronous = OFF")
                self._connection.backup(
                    copy, pages=_COPIED_PAGES, progress=lambda *_: meanwhile()
                )
                # A file by itself, without a -wal beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
            sync(path)
        except BaseException as error:
            path.unlink(missing_ok=True)
            if isinstance(error, sqlite3.Error | OSError):
                raise unusable(path, error) from error
            raise

    def _purge(self) -> None:
        """Have nothing in the file but what is kept."""
        self._connection.execute("VACUUM")
        self._pragma("wal_checkpoint(TRUNCATE)")
        self._pragma(f"user_version = {len(self._schema)}")

    def close(self) -> None:
        """Let go of the file; what no transaction ended is not in it."""
        try:
            self._connection.close()
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error


_CORRUPT = (
    "{path} is damaged ({error}): move it and its -wal file away and put a backup in "
    "their place, or start with another state directory"
)

#: What to do about SQLite's errors, by the beginning of their names.
_ADVICE = {
    "SQLITE_BUSY": (
        "{path} is in use by another process: another daemon runs with this state "
        "directory; stop that one, or start with another state directory"
    ),
    "SQLITE_NOTADB": _CORRUPT,
    "SQLITE_CORRUPT": _CORRUPT,
    "SQLITE_READONLY": (
        "{path} cannot be written ({error}): give the daemon's user the right to write "
        "the file and its directory"
    ),
    "SQLITE_CANTOPEN": (
        "{path} cannot be opened ({error}): the state directory must exist, and the "
        "daemon's user must have the right to write there"
    ),
    "SQLITE_FULL": "{path} cannot grow, the disk is full: make room, then start again",
    "SQLITE_IOERR": (
        "the disk failed under {path} ({error}): see the kernel's log, and start again "
        "when the disk is sound"
    ),
}


def unusable(path: Path, error: sqlite3.Error | OSError) -> StoreUnusable:
    """What to tell of an error from below."""
    if isinstance(error, OSError):
        advice = _ADVICE["SQLITE_CANTOPEN"]
        return StoreUnusable(advice.format(path=path, error=error.strerror))
    name = getattr(error, "sqlite_errorname", "")
    for prefix, advice in _ADVICE.items():
        if name.startswith(prefix):
            return StoreUnusable(advice.format(path=path, error=error))
    return StoreUnusable(f"{path} cannot be used: {error}")
