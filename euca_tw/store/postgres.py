"""
The PostgreSQL database that several cloud controllers share: connecting, its schema,
and what went wrong in words that say what to do.

Everything here blocks.  All tables are in a schema of their own, L{SCHEMA}; whoever
has a connection that this module opened holds a lock that tells so (L{IN_USE}).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import conninfo

from euca_tw.store.interfaces import StoreUnreachable, StoreUnusable

Connection = psycopg.Connection[tuple[Any, ...]]

SCHEMA = "euca_tw"

#: Of L{SCHEMA}'s version, one step for each.  A step that was ever released is never
#: changed.
STEPS: tuple[str, ...] = (
    """
    CREATE TABLE euca_tw.records (
        place bigint GENERATED ALWAYS AS IDENTITY,
        kind text COLLATE "C" NOT NULL,
        key text COLLATE "C" NOT NULL,
        version integer NOT NULL,
        body text NOT NULL,
        PRIMARY KEY (kind, key)
    ) WITH (fillfactor = 85);
    CREATE TABLE euca_tw.journal (
        sequence bigint PRIMARY KEY,
        batch text COLLATE "C" NOT NULL,
        number integer NOT NULL,
        written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
        entry text NOT NULL
    );
    CREATE TABLE euca_tw.head (
        is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
        sequence bigint NOT NULL,
        batch text COLLATE "C" NOT NULL
    );
    INSERT INTO euca_tw.head (sequence, batch) VALUES (0, '');
    CREATE TABLE euca_tw.leases (
        name text COLLATE "C" PRIMARY KEY,
        holder text COLLATE "C" NOT NULL,
        until timestamptz NOT NULL
    );
    """,
)

#: The oldest PostgreSQL that has all that is used here.
OLDEST = 130000

#: Keys of advisory locks: held, shared, by every connection; and by who makes or
#: changes the schema.  The letters "euca", and a number.
IN_USE, CHANGING = 0x65756361_00000001, 0x65756361_00000002

#: What a server that is gone, or a controller that hangs, is found out by.  The URI
#: may say otherwise.
_DEFAULTS = {
    "application_name": "euca_tw",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
    "target_session_attrs": "read-write",
}
#: Set in every session.  Who holds the head and does nothing is hung, or gone.
_SETTINGS = {
    "statement_timeout": "10s",
    "idle_in_transaction_session_timeout": "5s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "3",
    "tcp_keepalives_count": "3",
    "default_transaction_isolation": "read committed",
    "client_encoding": "UTF8",
    "timezone": "UTC",
    "bytea_output": "hex",
}


def named(where: str) -> str:
    """
    A database, for people: without what is secret of its URI.

    @raise StoreUnusable: it is no URI that libpq understands.
    """
    told = _parts(where)
    host = told.get("host") or told.get("hostaddr") or "this machine"
    name = told.get("dbname") or told.get("user") or ""
    return f"the PostgreSQL database {name} on {host}"


def _parts(where: str) -> dict[str, Any]:
    try:
        return conninfo.conninfo_to_dict(where)
    except psycopg.ProgrammingError as error:
        # It may quote the URI, and a password with it.
        raise StoreUnusable(
            "[cloud] store is no URI of PostgreSQL's: write it as "
            "postgresql://USER@HOST/DATABASE, or as key=value pairs"
        ) from error


@contextmanager
def told_of(where: str) -> Iterator[None]:
    """
    @raise StoreUnreachable, StoreUnusable: in place of the driver's errors.
    """
    try:
        yield
    except psycopg.Error as error:
        raise unusable(where, error) from error


def unusable(where: str, error: psycopg.Error) -> StoreUnusable:
    """What to tell of an error from below."""
    what = " ".join(str(error).split())
    name = named(where)
    state = error.sqlstate or ""
    if state in ("42501", "42P01", "3F000", "42703"):
        return StoreUnusable(
            f"{name} does not let us work ({what}): the role that [cloud] store names "
            f"must own the database, or the schema {SCHEMA} in it"
        )
    if state.startswith(("XX", "58")):
        return StoreUnusable(
            f"{name} is damaged, or its disk ({what}): see the server's log, and "
            "restore a backup if it is"
        )
    if state == "25006":
        return StoreUnreachable(f"{name} is a standby that nobody can write ({what})")
    if state.startswith("53"):
        return StoreUnreachable(f"{name} lacks room, or connections ({what})")
    if state in ("25P03", "25P04", "40001", "40P01", "55P03", "57014"):
        return StoreUnreachable(f"{name}, or we, were too slow: {what}")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreUnreachable(f"{name} does not answer: {what}")
    return StoreUnusable(f"{name} cannot be used: {what}")


def connect(where: str, *, takes_part: bool = True) -> Connection:
    """
    A connection that commits each statement unless told otherwise.

    @param takes_part: have it be known that the database is in use.
    @raise StoreUnreachable: likewise while somebody restores a backup there.
    @raise StoreUnusable:
    """
    given = _parts(where)
    with told_of(where):
        defaults = {k: v for k, v in _DEFAULTS.items() if not given.get(k)}
        connection = psycopg.connect(
            where,
            autocommit=True,
            **defaults,  # type: ignore[arg-type]
        )
        try:
            _begin(connection, where, takes_part=takes_part)
        except BaseException:
            connection.close()
            raise
    return connection


@contextmanager
def opened(where: str, *, takes_part: bool = True) -> Iterator[Connection]:
    """As L{connect}, and closed afterwards."""
    connection = connect(where, takes_part=takes_part)
    try:
        yield connection
    finally:
        connection.close()


def _begin(connection: Connection, where: str, *, takes_part: bool) -> None:
    version = connection.info.server_version
    if version < OLDEST:
        raise StoreUnusable(
            f"{named(where)} is of PostgreSQL {version // 10000}: euca_tw needs "
            f"{OLDEST // 10000} or later"
        )
    encoding = connection.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise StoreUnusable(
            f"{named(where)} is encoded in {encoding}: make one in UTF8 (createdb "
            "--encoding=UTF8 --template=template0)"
        )
    settings = ", ".join("set_config(%s, %s, false)" for _ in _SETTINGS)
    connection.execute(
        f"SELECT {settings}", [part for pair in _SETTINGS.items() for part in pair]
    )
    # A commit that was told to anybody survives the server's power failure.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') IN ('off', 'local')"
    )
    if takes_part and not _is_true(
        connection, "SELECT pg_try_advisory_lock_shared(%s)", IN_USE
    ):
        raise StoreUnreachable(f"a backup is being restored to {named(where)}")


def _is_true(connection: Connection, query: str, *arguments: object) -> bool:
    row = connection.execute(query, arguments).fetchone()
    return row is not None and row[0] is True


def unique(connection: Connection) -> str:
    """What nobody else ever gets."""
    row = connection.execute("SELECT gen_random_uuid()::text").fetchone()
    return "" if row is None else str(row[0])


def is_nobodys(connection: Connection) -> bool:
    """
    Whether no one takes part, nor can until the connection is closed.  Who has just
    gone may still be there for a moment.
    """
    connection.execute("SET lock_timeout = '1s'")
    try:
        connection.execute("SELECT pg_advisory_lock(%s)", [IN_USE])
    except psycopg.errors.LockNotAvailable:
        return False
    return True


def has_schema(connection: Connection) -> bool:
    """Whether there is anything of ours."""
    query = "SELECT count(*) > 0 FROM pg_namespace WHERE nspname = %s"
    return _is_true(connection, query, SCHEMA)


def prepare(connection: Connection, where: str, steps: Sequence[str] = STEPS) -> None:
    """
    Make the schema, or bring it up to date.

    @raise StoreUnreachable:
    @raise StoreUnusable: it is of a newer version, or not ours.
    """
    with told_of(where), connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [CHANGING])
        if not has_schema(connection):
            connection.execute(f"CREATE SCHEMA {SCHEMA}")
            _note_version(connection, 0)
        version = version_of(connection, where)
        check_version(version, where, steps)
        for step in steps[version:]:
            connection.execute(step)
        if version < len(steps):
            _note_version(connection, len(steps))


def version_of(connection: Connection, where: str) -> int:
    """
    The schema's.

    @raise StoreUnusable: it is not ours.
    """
    row = connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace "
        "WHERE nspname = %s",
        [SCHEMA],
    ).fetchone()
    said = "" if row is None else row[0] or ""
    head, _, number = said.partition(_ABOUT)
    if head or not number.isascii() or not number.isdigit():
        raise StoreUnusable(
            f"{named(where)} has a schema {SCHEMA} which is not euca_tw's: name "
            "another database"
        )
    return int(number)


def check_version(version: int, where: str, steps: Sequence[str] = STEPS) -> None:
    """
    @raise StoreUnusable: the schema is not as we know it.
    """
    if version > len(steps):
        raise StoreUnusable(
            f"{named(where)} was written by a newer version of euca_tw (schema "
            f"{version}, this one knows {len(steps)}): install that version"
        )


#: What the comment on the schema says, before its version.
_ABOUT = "The state of a cloud of euca_tw, version "


def _note_version(connection: Connection, version: int) -> None:
    connection.execute(f"COMMENT ON SCHEMA {SCHEMA} IS '{_ABOUT}{version}'")
