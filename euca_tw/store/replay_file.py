"""
The file of messages that were taken: opening it, and whether it can be believed.

An SQLite file in WAL mode, which several processes may share.  It is for one run
of the machine: nothing of it is put on the disk on purpose (C{synchronous=OFF}),
since what a process wrote before it was killed is the kernel's already.  So the
file names the run, by the kernel's boot id, and one of another run is thrown away,
as one that is damaged is.  What may have been taken before is told by the
L{mark<euca_tw.store.mark>} then: the new file's time begins there.

Everything here blocks.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from attrs import define, field, frozen

from euca_tw.store.database import unusable
from euca_tw.store.interfaces import StoreUnusable
from euca_tw.store.mark import Mark
from euca_tw.store.messages import (
    SCHEMA,
    Messages,
    is_busy,
    is_damage,
    is_no_database,
    rows_of,
)

#: Says in the file's header whose it is: the letters "eucr".
APPLICATION_ID = 0x65756372
#: What a newer version wrote is not understood, nor thrown away.  What an earlier
#: one did is thrown away: it told messages apart by other values.
VERSION = 2

Connect = Callable[[Path, float], sqlite3.Connection]


def connect(path: Path, patience_s: float) -> sqlite3.Connection:
    """
    @param patience_s: how long to wait for others' locks.
    """
    # Only a file that nobody has open yet may be opened and closed beside SQLite:
    # to close it gives up the locks that this process has on it.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(
        path, isolation_level=None, timeout=patience_s, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    return connection


@frozen(kw_only=True)
class Found:
    """
    What there was when the file was opened.

    @ivar since: what was made before is refused.
    @ivar life: how long entries are kept.
    @ivar counts: see L{Messages.counts}.
    @ivar lost: why what was there is not any more, if it was.
    """

    since: int
    life: int
    counts: Sequence[tuple[int, bytes, int]]
    lost: str | None


@define(eq=False)
class ReplayFile:
    """
    @ivar messages: while the file is open.
    @ivar _boot: names this run of the machine.
    @ivar _patience_s: how long at most to wait for other processes.
    """

    _path: Path
    _boot: str
    _patience_s: float = 2.0
    _connect: Connect = connect
    messages: Messages = field(init=False)
    _mark: Mark = field(init=False)
    #: The far one, and the near.
    _connections: list[sqlite3.Connection] = field(init=False, factory=list)
    _lost: str | None = field(init=False, default=None)

    def __attrs_post_init__(self) -> None:
        self._mark = Mark(self._path.with_name(f"{self._path.name}-mark"))

    def open(self, now: int) -> Found:
        """
        @param now: in seconds of the epoch; from then on the memory vouches, if
            nothing is known of what was taken before.
        @raise StoreUnusable: with what is wrong and what to do.
        """
        try:
            return self._opened(now)
        except sqlite3.Error as error:
            self.close()
            raise _unusable(self._path, error) from error
        except OSError as error:
            self.close()
            raise unusable(self._path, error) from error
        except StoreUnusable:
            self.close()
            raise

    def _opened(self, now: int) -> Found:
        self._lost = None
        is_alone = self._mark.open()
        mark = self._mark.read()
        if not self._vouches(mark):
            if not (is_alone or self._mark.is_alone()):
                raise StoreUnusable(
                    f"{self._path} must be begun anew: {self._lost}, and it is in use: "
                    "stop all the processes that share it, and start them again"
                )
            mark = self._begin(now if mark is None else mark)
        far, near = self._connections[0], self._connect(self._path, 0)
        self._connections.append(near)
        self.messages = Messages(self._path, near, far, self._mark)
        [(since, until, life)] = self._rows("SELECT since, until, life FROM memory")
        if mark is None or mark < until:
            self._mark.set(until)
        counts = self.messages.counts()
        self._mark.share()
        return Found(since=since, life=life, counts=counts, lost=self._lost)

    def _rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        return rows_of(self._connections[0], statement, *values)

    def _pragma(self, text: str) -> object:
        rows = self._rows(f"PRAGMA {text}")
        return rows[0][0] if rows else None

    def _vouches(self, mark: int | None) -> bool:
        """Whether what is there is ours, whole, and of this run."""
        try:
            self._connections = [self._connect(self._path, self._patience_s)]
            if self._is_empty():
                self._lost = None if mark is None else "it is gone"
                return False
            if self._pragma("user_version") != VERSION:
                self._lost = "an earlier version wrote it"
                return False
            problem = self._pragma("quick_check(1)")
            rows = self._rows("SELECT boot FROM memory")
        except sqlite3.DatabaseError as error:
            # The mark is there before the file is; beside a stranger's is none.
            if mark is None or not is_damage(error):
                raise
            problem, rows = error, []
        if problem != "ok" or len(rows) != 1:
            self._lost = f"it is damaged ({problem})"
        elif rows != [(self._boot,)]:
            self._lost = "the machine was started again"
        return self._lost is None

    def _is_empty(self) -> bool:
        """@raise StoreUnusable: it has what is not ours, or of another version."""
        owner, version = self._pragma("application_id"), self._pragma("user_version")
        if owner == APPLICATION_ID:
            if not isinstance(version, int) or version > VERSION:
                raise StoreUnusable(
                    f"{self._path} was written by a newer version of euca_tw (schema "
                    f"{version}, this one knows {VERSION}): install that version "
                    "again, or remove the file"
                )
            return False
        if self._rows("SELECT 1 FROM sqlite_schema LIMIT 1"):
            raise StoreUnusable(
                f"{self._path} is an SQLite file, but not euca_tw's memory of "
                "messages: name another file"
            )
        return True

    def _begin(self, since: int) -> int:
        """Throw away what is there, and begin anew.  Only for who is alone."""
        self._release()
        # Before there is a file: see _vouches.
        self._mark.set(since)
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(f"{self._path.name}{suffix}").unlink(missing_ok=True)
        self._connections = [self._connect(self._path, self._patience_s)]
        if self._pragma("journal_mode = WAL") != "wal":
            raise StoreUnusable(
                f"{self._path} cannot be shared by processes where it is: name one on "
                "a disk of this machine"
            )
        self._rows("BEGIN IMMEDIATE")
        for statement in SCHEMA:
            self._rows(statement)
        self._rows("INSERT INTO memory VALUES (?, ?, ?, 0)", self._boot, since, since)
        self._pragma(f"application_id = {APPLICATION_ID}")
        self._pragma(f"user_version = {VERSION}")
        self._rows("COMMIT")
        self._pragma("wal_checkpoint(TRUNCATE)")
        return since

    def close(self) -> None:
        """Let go of the files."""
        self._release()
        self._mark.close()

    def _release(self) -> None:
        while self._connections:
            with suppress(sqlite3.Error):  # what was taken is written already
                self._connections.pop().close()


def _unusable(path: Path, error: sqlite3.Error) -> StoreUnusable:
    if is_busy(error):
        return StoreUnusable(f"{path} is held by another process: stop that one")
    if is_no_database(error):
        return StoreUnusable(
            f"{path} is not euca_tw's memory of messages: name another file"
        )
    return unusable(path, error)
