"""
All that a cloud's PostgreSQL database has, to and from an SQLite file of the very form
that a single cloud controller keeps: so a backup is one thing, wherever it was made.

Everything here blocks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from psycopg import sql

from euca_tw.common.files import sync
from euca_tw.store import postgres, postgres_batches
from euca_tw.store.database import Database, unusable
from euca_tw.store.interfaces import StoreUnusable
from euca_tw.store.postgres import SCHEMA, Connection

#: So many rows are written in one transaction.
_SOME = 2000


def copy_out(where: str, path: Path) -> None:
    """
    Have what is kept at one moment, not before this call, in a new file of mode
    0600, complete in itself; there is none if this fails.

    @raise StoreUnusable:
    """
    if path.exists():
        raise StoreUnusable(f"{path} is there already")
    copy = Database(path)
    try:
        with postgres.opened(where) as connection, postgres.told_of(where):
            copy.open()
            try:
                with connection.transaction():
                    postgres_batches.begin_snapshot(connection)
                    rows = postgres_batches.rows_of(connection)
                    while some := [*islice(rows, _SOME)]:
                        copy.write(some)
            finally:
                copy.close()
        sync(path)
    except BaseException as error:
        for each in path.parent.glob(f"{path.name}*"):
            each.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise unusable(path, error) from error
        raise


class InUse(StoreUnusable):
    """Whoever works with a database must be stopped first."""


@contextmanager
def nobody_else(where: str) -> Iterator[Connection]:
    """
    Have nobody work with the database meanwhile.

    @raise InUse: somebody does.
    @raise StoreUnusable:
    """
    with (
        postgres.opened(where, takes_part=False) as connection,
        postgres.told_of(where),
    ):
        if not postgres.is_nobodys(connection):
            raise InUse(
                f"{postgres.named(where)} is in use: stop every cloud controller that "
                "works with it, on all machines"
            )
        yield connection


def fill(connection: Connection, where: str, path: Path, kept_as: str) -> bool:
    """
    Have what is in an SQLite file, and nothing else, in the database.  All of it
    happens at once, or nothing does.

    @param kept_as: what the schema is called from then on that was there.
    @return: whether there was one.
    @raise StoreUnusable: it is not ours; or what else is wrong.
    """
    source = Database(path)
    source.open()
    try:
        connection.execute("SET statement_timeout = 0")
        with connection.transaction():
            was_there = postgres.has_schema(connection)
            if was_there:
                postgres.version_of(connection, where)
                rename = sql.SQL("ALTER SCHEMA {} RENAME TO {}")
                names = map(sql.Identifier, (SCHEMA, kept_as))
                connection.execute(rename.format(*names))
            postgres.prepare(connection, where)
            postgres_batches.copy_in(connection, source.rows())
    finally:
        source.close()
    return was_there
