"""
A PostgreSQL server for tests: of its own, in one directory, on a socket there, and
gone with the process that started it.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import psycopg
from attrs import define, field
from psycopg import sql
from twisted.trial.unittest import SkipTest

#: Where Debian has them, by version.
_INSTALLED = Path("/usr/lib/postgresql")
#: As whom it runs if root starts it, which it refuses to run as.
_USER = "postgres"
_PATIENCE_S = 30.0


def _programs() -> Path:
    """
    @raise SkipTest: it is not installed.
    @raise AssertionError: likewise, where C{CI} is set: what is not there shall not
        go unnoticed.
    """
    found = [
        path.parent
        for path in _INSTALLED.glob("*/bin/postgres")
        if path.parents[1].name.isdigit()
    ]
    if not found:
        told = "needs Debian's postgresql: run tools/clients"
        raise AssertionError(told) if os.environ.get("CI") else SkipTest(told)
    return max(found, key=lambda path: int(path.parent.name))


@define(eq=False)
class Postgresql:
    """
    @ivar directory: with the cluster, the socket and the log.
    @ivar is_durable: whether it waits for the disk.
    """

    directory: Path
    is_durable: bool
    _databases: itertools.count[int] = field(factory=itertools.count, init=False)
    _process: subprocess.Popen[bytes] = field(init=False)
    _emptied: str | None = field(init=False, default=None)

    @classmethod
    def start(cls, *, is_durable: bool = False, below: str | None = None) -> Postgresql:
        """
        Make a cluster, and serve it: within 3 s.

        @param below: where its directory is.
        @raise SkipTest: it is not installed.
        """
        programs = _programs()
        directory = Path(tempfile.mkdtemp(prefix="euca_tw-pg-", dir=below))
        if os.geteuid() == 0:
            shutil.chown(directory, _USER, _USER)
        server = cls(directory, is_durable)
        command = [programs / "initdb", "-D", directory / "data", "-U", _USER]
        command += ["--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run(
            server._unprivileged(command),
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=directory,
        )
        atexit.register(server.stop)
        server.serve()
        return server

    def _unprivileged(self, command: list[str | Path]) -> list[str | Path]:
        """Ends with the process, or thread, that begins it."""
        if os.geteuid() != 0:
            return ["setpriv", "--pdeathsig", "QUIT", *command]
        return [
            *("setpriv", "--reuid", _USER, "--regid", _USER, "--init-groups"),
            *("--pdeathsig", "QUIT"),
            *command,
        ]

    def serve(self) -> None:
        """Have it run, and answer."""
        settings = {
            "unix_socket_directories": str(self.directory),
            "listen_addresses": "",
            "fsync": "on" if self.is_durable else "off",
            "max_connections": "60",
            "recovery_init_sync_method": "syncfs",
            "shared_buffers": "32MB",
            "dynamic_shared_memory_type": "mmap",
        }
        command = [_programs() / "postgres", "-D", self.directory / "data"]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._unprivileged(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.directory,
            )
        give_up = time.monotonic() + _PATIENCE_S
        while True:
            try:
                psycopg.connect(self.uri(_USER)).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    said = (self.directory / "log").read_text(errors="replace")
                    raise AssertionError(f"PostgreSQL does not start: {said}") from None
                time.sleep(0.02)
            else:
                return

    def uri(self, database: str) -> str:
        """Of a database, for libpq."""
        return f"postgresql://{_USER}@/{database}?host={self.directory}"

    def database(self, options: str = "") -> str:
        """@return: the URI of a new one, with nothing in it."""
        name = f"cloud{next(self._databases)}"
        self.ask(f"CREATE DATABASE {name} {options}", database=_USER)
        return self.uri(name)

    def emptied(self) -> str:
        """
        @return: the URI of one that has nothing in it, and to which nobody is
            connected; always the same.
        """
        if self._emptied is None:
            self._emptied = self.database()
        self.ask(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
            database=self._emptied,
        )
        self.ask("DROP SCHEMA IF EXISTS euca_tw CASCADE", database=self._emptied)
        return self._emptied

    def ask(self, text: str, *, database: str = _USER) -> list[tuple[object, ...]]:
        """What somebody else finds in it, or does to it."""
        uri = database if "://" in database else self.uri(database)
        with psycopg.connect(uri, autocommit=True) as connection:
            cursor = connection.execute(sql.SQL(text))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def _pids(self) -> list[int]:
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return [self._process.pid, *map(int, children.read_text().split())]

    def kill(self) -> None:
        """All of it at once, without warning: C{kill -9}."""
        if self._process.poll() is not None:
            return
        # So that it starts nothing more while it is looked what there is.
        self._process.send_signal(signal.SIGSTOP)
        pids = self._pids()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        # As long as any of them is there no other can have the cluster.
        give_up = time.monotonic() + _PATIENCE_S
        while any(map(_is_there, pids)) and time.monotonic() < give_up:
            time.sleep(0.005)

    def end(self) -> None:
        """In order; who is connected is thrown out."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(_PATIENCE_S)

    def stop(self) -> None:
        """End it; its directory is gone."""
        if self.directory.exists():
            self.kill()
            shutil.rmtree(self.directory, ignore_errors=True)
            atexit.unregister(self.stop)


def _is_there(pid: int) -> bool:
    """Not even as one whose end nobody has noticed: that has no memory any more."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(b")")[2].split()[0] not in (b"Z", b"X")


@cache
def shared() -> Postgresql:
    """
    One for all tests of this process that do not end it.

    @raise SkipTest: it is not installed.
    """
    return Postgresql.start()


@cache
def durable() -> Postgresql:
    """
    One for those that do; they leave it running.

    @raise SkipTest: it is not installed.
    """
    return Postgresql.start(is_durable=True)
