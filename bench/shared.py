"""
A state that several cloud controllers share: commits that are on the disk when they
are acknowledged, of many who wait at once, against the store of one in SQLite and
against PostgreSQL with a transaction for each; by turns, on the same disk.  How long
it takes to know what others did.  And what it costs to note what is read.

    python -m bench.shared [DIRECTORY]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from random import SystemRandom
from time import perf_counter
from typing import Any

import psycopg
from attrs import frozen
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import Clock
from twisted.trial.unittest import SkipTest

from bench.commits import CROWDS, KEYS, MS, ROUND_S, ROUNDS, sync_ms
from bench.tags import instance, tags_of
from euca_tw.common.threads import thread_worker
from euca_tw.model.records import CLOUD_RECORDS, Instance, ResourceTags, tags_key
from euca_tw.store.codec import Codec
from euca_tw.store.interfaces import IShared, IStore, Put
from euca_tw.store.memory import MemoryStore
from euca_tw.store.memory_journal import Hub, MemoryJournal
from euca_tw.store.postgres_batches import put
from euca_tw.store.postgres_journal import PostgresJournal
from euca_tw.store.shared import SharedStore
from euca_tw.store.sqlite import SqliteStore
from tests.functional.postgresql import Postgresql

#: So many instances are described, each with its tags.
DESCRIBED = 2000
reactor: Any = real_reactor


@frozen
class Round:
    """Commits, or questions, a second; and how long one waits for each."""

    per_s: float
    ms: float


def measured(took: Sequence[float], begun: float) -> Round:
    return Round(len(took) / (perf_counter() - begun), statistics.median(took) * MS)


async def crowd(
    size: int, one: Callable[[int], Any], rounds_s: float = ROUND_S
) -> Round:
    """Of so many at once, each of whom begins again when he was answered."""
    took: list[float] = []
    numbers = cycle(range(KEYS))
    begun = perf_counter()

    async def again() -> None:
        while perf_counter() < begun + rounds_s:
            before = perf_counter()
            await one(next(numbers))
            took.append(perf_counter() - before)

    all_of_them = [Deferred.fromCoroutine(again()) for _ in range(size)]
    await DeferredList(all_of_them, fireOnOneErrback=True)
    return measured(took, begun)


def bare(connection: psycopg.Connection[Any], codec: Codec) -> Round:
    """A transaction for each."""
    took: list[float] = []
    begun = perf_counter()
    while perf_counter() < begun + ROUND_S:
        before = perf_counter()
        with connection.transaction():
            put(connection, [codec.row(instance(len(took) % KEYS))])
        took.append(perf_counter() - before)
    return measured(took, begun)


def median(rounds: Sequence[Round]) -> Round:
    return Round(
        statistics.median(each.per_s for each in rounds),
        statistics.median(each.ms for each in rounds),
    )


def told(what: str, found: Round, ratio: str = "") -> None:
    print(f"{what:38}{found.per_s:10,.0f}{found.ms:10.2f}{ratio:>12}", flush=True)


def store_of(where: str) -> SharedStore:
    return SharedStore(
        PostgresJournal(where, thread_worker, reactor.callFromThread),
        CLOUD_RECORDS,
        reactor,
        SystemRandom(),
        lambda failed: sys.exit(str(failed)),
    )


async def commits(where: str, directory: Path, store: IShared, other: IShared) -> None:
    sqlite = SqliteStore(
        directory / "store.db",
        CLOUD_RECORDS,
        partial(thread_worker, "store"),
        reactor.callFromThread,
        lambda failed: sys.exit(str(failed)),
    )
    await sqlite.open()
    codec = Codec.of(CLOUD_RECORDS)

    def putting(store: IStore, offset: int = 0) -> Callable[[int], Any]:
        return lambda n: store.commit(Put(instance(n + offset)))

    print(f"{'who commit at once':38}{'per s':>10}{'ms each':>10}{'of bare':>12}")
    with psycopg.connect(where, autocommit=True) as connection:
        for size in CROWDS:
            rounds = [
                (
                    bare(connection, codec),
                    await crowd(size, putting(sqlite)),
                    await crowd(size, putting(store)),
                )
                for _ in range(ROUNDS)
            ]
            singly, ours, shared = map(median, zip(*rounds, strict=True))
            if size == CROWDS[0]:
                told("PostgreSQL, one by one", singly, "1.00 x")
            for what, found in (("SQLite", ours), ("shared", shared)):
                ratio = f"{found.per_s / singly.per_s:.2f} x"
                told(f"the store, {what}, {size:,}", found, ratio)
    both = [
        await crowd(
            200,
            lambda n: putting(store)(n) if n % 2 else putting(other, KEYS)(n),
        )
        for _ in range(ROUNDS)
    ]
    told("two shared stores, 100 each", median(both))
    await sqlite.close()


async def following(store: IShared, other: IShared) -> None:
    print(f"\n{'who ask at once what others did':38}{'per s':>10}{'ms each':>10}")
    for size in (1, 100):
        told(f"nothing was done, {size}", await crowd(size, lambda n: store.current()))

    async def seen(n: int) -> None:
        await other.commit(Put(instance(n)))
        before = perf_counter()
        await store.current()
        took.append(perf_counter() - before)

    took: list[float] = []
    begun = perf_counter()
    await crowd(1, seen)
    told("just after a commit, 1", measured(took, begun))


def reading() -> bool:
    """What it costs to note what is read; whether it is too much."""
    clock = Clock()
    shared = SharedStore(
        MemoryJournal(Hub(clock)), CLOUD_RECORDS, clock, SystemRandom(), print
    )
    plain = MemoryStore()
    shared.open()
    for n in range(DESCRIBED):
        for store in (plain, shared):
            store.commit(Put(instance(n)), Put(tags_of(n)))
        clock.advance(0)

    def look(store: IStore) -> float:
        begun = perf_counter()
        for each in store.where(Instance, "owner_id", instance(0).owner_id):
            store.get(ResourceTags, tags_key(each.owner_id, each.instance_id))
        took = perf_counter() - begun
        clock.advance(0)
        return took

    rounds = [(look(plain), look(shared)) for _ in range(51)]
    ours, noted = map(statistics.median, zip(*rounds, strict=True))
    per_read = (noted - ours) / DESCRIBED * 1e9
    print(f"\n{'reads of one request':38}{'µs':>10}{'of plain':>10}")
    print(f"{f'{DESCRIBED:,} records, not noted':38}{ours * 1e6:10.0f}{1:9.2f} x")
    print(f"{'    noted':38}{noted * 1e6:10.0f}{noted / ours:9.2f} x")
    print(f"{'    of each':38}{per_read:10.0f} ns more")
    return per_read > MOST_NS


#: What noting a read may cost; a request spends ten microseconds and more on each
#: record that it describes.
MOST_NS = 1000


async def all_of_it(server: Postgresql, directory: Path) -> None:
    where = server.database()
    store, other = store_of(where), store_of(where)
    await store.open()
    await other.open()
    print(f"fdatasync of 4 KiB: {sync_ms(directory):.2f} ms")
    await commits(where, directory, store, other)
    await following(store, other)
    await other.close()
    await store.close()


def main() -> int:
    is_slow = reading()
    where = sys.argv[1] if len(sys.argv) > 1 else "/var/tmp"
    try:
        server = Postgresql.start(is_durable=True, below=where)
    except SkipTest as skipped:
        print(f"not with PostgreSQL: {skipped}")
        return int(is_slow)
    failed: list[Any] = []

    def begin(directory: Path) -> None:
        done = Deferred.fromCoroutine(all_of_it(server, directory))
        done.addErrback(lambda failure: failed.append(failure.printTraceback()))
        done.addBoth(lambda _: reactor.stop())

    with tempfile.TemporaryDirectory(prefix="euca_tw-bench-", dir=where) as made:
        reactor.callWhenRunning(begin, Path(made))
        reactor.run()
    server.stop()
    return int(is_slow or bool(failed))


if __name__ == "__main__":
    sys.exit(main())
