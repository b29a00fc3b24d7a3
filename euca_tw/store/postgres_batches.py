"""
What a journal in PostgreSQL is asked, in its own words, on one connection.

A batch is one transaction: it locks the head, so that there is one order; reads what
others have written since; and writes what may be made.  That takes two exchanges with
the server, however much it is.  Everything here blocks, and raises what psycopg does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from attrs import frozen

from euca_tw.store.codec import Codec, Row
from euca_tw.store.database import Gone
from euca_tw.store.entry_text import escaped, net_of, read_text, text_of, unescaped
from euca_tw.store.interfaces import StoreUnusable
from euca_tw.store.journal import Appended, Entry, Heard, Position, Proposal
from euca_tw.store.postgres import Connection
from euca_tw.store.validation import Touched, refusals, touches_of

#: So many entries are read at once.
_PAGE = 500
#: So many rows are fetched at once, of all there are.
_FETCHED = 2000

# Note [Texts go in binary]
#
# In an array that goes as text every quotation mark is escaped, by Python code: a
# batch of JSON took five times as long in all.

_LOCK = "SELECT sequence FROM euca_tw.head FOR UPDATE"
_HEAD = "SELECT sequence, batch FROM euca_tw.head"
#: The first one is that of the position itself.
_SINCE = """
    SELECT sequence, batch, number, CASE WHEN sequence > %(after)s THEN entry END
    FROM euca_tw.journal WHERE sequence >= %(after)s ORDER BY sequence
"""
#: The same, as many as fit, at one moment with the head.
_HEARD = """
    SELECT head.sequence, since.sequence, since.batch, since.number,
           CASE WHEN since.sequence > %(after)s THEN since.entry END
    FROM euca_tw.head LEFT JOIN LATERAL (
        SELECT * FROM euca_tw.journal WHERE journal.sequence >= %(after)s
        ORDER BY journal.sequence LIMIT %(page)s
    ) AS since ON true
    ORDER BY since.sequence
"""
#: See Note [Texts go in binary].
_DELETE = """
    DELETE FROM euca_tw.records AS r
    USING unnest(%b::text[], %b::text[]) AS gone (kind, key)
    WHERE r.kind = gone.kind AND r.key = gone.key
"""
_PUT = """
    INSERT INTO euca_tw.records (kind, key, version, body)
    SELECT kind, key, version, body
    FROM unnest(%b::text[], %b::text[], %s::integer[], %b::text[])
        WITH ORDINALITY AS put (kind, key, version, body, place)
    ORDER BY place
    ON CONFLICT (kind, key) DO UPDATE SET version = excluded.version,
                                          body = excluded.body
"""
_ENTER = """
    INSERT INTO euca_tw.journal (sequence, batch, number, entry)
    SELECT sequence, %s, number, entry
    FROM unnest(%s::bigint[], %s::integer[], %b::text[])
        AS made (sequence, number, entry)
"""
_ADVANCE = "UPDATE euca_tw.head SET sequence = %s, batch = %s"
#: Prunes some, so that no statement takes long.
_PRUNE = """
    DELETE FROM euca_tw.journal WHERE sequence IN (
        SELECT sequence FROM euca_tw.journal
        WHERE sequence <= %(head)s - %(least)s
          AND (sequence <= %(head)s - %(most)s
               OR written_at < clock_timestamp() - make_interval(secs => %(age_s)s))
        ORDER BY sequence LIMIT %(some)s
    )
"""
_LEAD = """
    INSERT INTO euca_tw.leases (name, holder, until)
    VALUES (%(name)s, %(holder)s, clock_timestamp() + make_interval(secs => %(for_s)s))
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE leases.holder = excluded.holder OR leases.until <= clock_timestamp()
    RETURNING true
"""
_RELEASE = "DELETE FROM euca_tw.leases WHERE name = %s AND holder = %s"

#: On which those who listen are woken.
CHANNEL = "euca_tw"


@frozen(kw_only=True)
class Keeping:
    """
    How much of the journal is kept.

    @ivar least, most: so many entries are, at least and at most.
    @ivar age_s: what is between is, if it is not older.
    @ivar every: after so many entries it is pruned; and of so many more than that.
    """

    least: int = 1000
    most: int = 100_000
    age_s: float = 3600
    every: int = 256


#: Long enough for whoever lost his way to the database for a while.
KEEPING = Keeping()


def rows_of(connection: Connection) -> Iterator[Row]:
    """All that is kept, oldest first; within a transaction that reads one moment."""
    with connection.cursor("euca_tw_records") as cursor:
        cursor.itersize = _FETCHED
        cursor.execute(
            "SELECT kind, key, version, body FROM euca_tw.records ORDER BY place"
        )
        for kind, key, version, body in cursor:
            yield Row(kind, unescaped(key), version, body)


def copy_in(connection: Connection, rows: Iterable[Row]) -> None:
    """Put records where there are none, within a transaction."""
    copying = "COPY euca_tw.records (kind, key, version, body) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        for row in rows:
            copy.write_row((row.kind, escaped(row.key), row.version, row.body))


def begin_snapshot(connection: Connection) -> Position:
    """Within a transaction: all that it reads is of one moment; which that is."""
    connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    connection.execute("SET LOCAL statement_timeout = 0")
    connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
    row = connection.execute(_HEAD).fetchone()
    assert row is not None
    return Position(*row)


def append(
    connection: Connection,
    codec: Codec,
    position: Position,
    batch: str,
    proposals: Sequence[Proposal],
) -> Appended:
    """See L{euca_tw.store.journal.IJournal.append}."""
    # Before anything is locked.
    touches = [touches_of(each, codec) for each in proposals]
    texts = [
        text_of(each.rows, touched)
        for each, touched in zip(proposals, touches, strict=True)
    ]
    with connection.pipeline(), connection.transaction():
        connection.execute(_LOCK)
        since = connection.execute(_SINCE, {"after": position.sequence})
        entries = _entries(since.fetchall(), codec, position, batch)
        before = {each.number for each in entries if each.batch == batch}
        if before:
            return Appended(entries, frozenset(range(len(proposals))) - before)
        touched = Touched(codec)
        for each in entries:
            touched.add(each.touches)
        refused = refusals(touched, proposals, codec)
        last = entries[-1].sequence if entries else position.sequence
        made = [
            Entry(last + 1 + place, batch, number, touches[number])
            for place, number in enumerate(
                number for number in range(len(proposals)) if number not in refused
            )
        ]
        if made:
            rows = [row for each in made for row in proposals[each.number].rows]
            put(connection, rows)
            _enter(connection, made, texts)
    return Appended([*entries, *made], refused)


def put(connection: Connection, rows: Iterable[Row | Gone]) -> None:
    """Make changes of the records."""
    net = net_of(rows)
    if net.gone:
        kinds, keys = zip(
            *((each.kind, escaped(each.key)) for each in net.gone), strict=True
        )
        connection.execute(_DELETE, [[*kinds], [*keys]])
    if net.kept:
        columns = zip(
            *((e.kind, escaped(e.key), e.version, e.body) for e in net.kept),
            strict=True,
        )
        connection.execute(_PUT, [[*column] for column in columns])


def _enter(connection: Connection, made: Sequence[Entry], texts: Sequence[str]) -> None:
    """Have them in the journal, and the others told."""
    last = made[-1]
    columns = zip(*((e.sequence, e.number, texts[e.number]) for e in made), strict=True)
    connection.execute(_ENTER, [last.batch, *([*column] for column in columns)])
    connection.execute(_ADVANCE, [last.sequence, last.batch])
    connection.execute("SELECT pg_notify(%s, '')", [CHANNEL])


def read(connection: Connection, codec: Codec, position: Position) -> Heard:
    """See L{euca_tw.store.journal.IJournal.read}."""
    rows = connection.execute(
        _HEARD, {"after": position.sequence, "page": _PAGE}
    ).fetchall()
    if not rows:
        raise StoreUnusable("it has no head")
    since = [row[1:] for row in rows if row[1] is not None]
    return Heard(_entries(since, codec, position), rows[0][0])


def _entries(
    rows: Sequence[tuple[Any, ...]], codec: Codec, position: Position, own: str = ""
) -> list[Entry]:
    """
    Those after the position.

    @raise StoreUnusable: it is not in this journal, or is not any more.
    """
    known = [Position(sequence, batch) for sequence, batch, _, _ in rows[:1]]
    if position.sequence:
        if known != [position]:
            raise StoreUnusable(_NOT_THERE if not known else _TOO_FAR)
        rows = rows[1:]
    elif known and known[0].sequence != 1:
        raise StoreUnusable(_TOO_FAR)
    entries = []
    for sequence, batch, number, text in rows:
        touches, changes = read_text(text, codec, is_own=batch == own)
        entries.append(Entry(sequence, batch, number, touches, changes))
    return entries


_TOO_FAR = (
    "it has gone on too far, or was replaced, since this cloud controller has last "
    "heard of it; it starts again from what is there"
)
_NOT_THERE = (
    "it has lost what this cloud controller knows that it had, as after a backup was "
    "restored, or a standby that was behind took over; this starts again from what is "
    "there"
)


def prune(connection: Connection, head: int, keeping: Keeping) -> None:
    """Forget what is too old of the journal; some of it."""
    connection.execute(
        _PRUNE,
        {
            "head": head,
            "least": keeping.least,
            "most": keeping.most,
            "age_s": keeping.age_s,
            "some": 8 * keeping.every,
        },
    )


def lead(connection: Connection, name: str, holder: str, for_s: float) -> bool:
    """See L{euca_tw.store.journal.IJournal.lead}."""
    arguments = {"name": name, "holder": holder, "for_s": for_s}
    return connection.execute(_LEAD, arguments).fetchone() is not None


def release(connection: Connection, name: str, holder: str) -> None:
    """See L{euca_tw.store.journal.IJournal.release}."""
    connection.execute(_RELEASE, [name, holder])
