"""
Commits that are on the disk when they are acknowledged: the store, with many who wait
at once, against bare SQLite that syncs after each; by turns, on the same disk.

    python -m bench.commits [DIRECTORY]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import cycle
from pathlib import Path
from time import perf_counter
from typing import Any

from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred, DeferredList

from bench.tags import instance
from euca_tw.common.threads import thread_worker
from euca_tw.model.records import CLOUD_RECORDS
from euca_tw.store.codec import Codec
from euca_tw.store.database import Database
from euca_tw.store.interfaces import Put
from euca_tw.store.sqlite import SqliteStore

#: So many commit at once, each again as soon as it is acknowledged.
CROWDS = (1, 10, 100, 1000)
ROUND_S, ROUNDS = 0.5, 5
#: So many records are written over, one after the other.
KEYS = 10_000
MS = 1000
reactor: Any = real_reactor


def sync_ms(directory: Path) -> float:
    """What one fdatasync after 4 KiB takes."""
    handle = os.open(directory / "synced", os.O_CREAT | os.O_WRONLY, 0o600)
    took = []
    for n in range(50):
        os.pwrite(handle, bytes(4096), n * 4096)
        begun = perf_counter()
        os.fdatasync(handle)
        took.append((perf_counter() - begun) * MS)
    os.close(handle)
    return statistics.median(took)


def bare(database: Database, codec: Codec) -> tuple[float, float]:
    """Commits a second of one who waits for each, and how long each takes in ms."""
    took, begun = [], perf_counter()
    while perf_counter() < begun + ROUND_S:
        before = perf_counter()
        database.write([codec.row(instance(len(took) % KEYS))])
        took.append((perf_counter() - before) * MS)
    return len(took) / (perf_counter() - begun), statistics.median(took)


def crowd(store: SqliteStore, size: int) -> Deferred[tuple[float, float]]:
    """The same, of many at once."""
    took: list[float] = []
    records = map(instance, cycle(range(KEYS)))
    begun = perf_counter()

    async def one() -> None:
        while perf_counter() < begun + ROUND_S:
            before = perf_counter()
            await store.commit(Put(next(records)))
            took.append((perf_counter() - before) * MS)

    all_of_them = [Deferred.fromCoroutine(one()) for _ in range(size)]

    def told(_: object) -> tuple[float, float]:
        return len(took) / (perf_counter() - begun), statistics.median(took)

    return DeferredList(all_of_them, fireOnOneErrback=True).addCallback(told)


async def measured(directory: Path) -> None:
    codec = Codec.of(CLOUD_RECORDS)
    database = Database(directory / "bare.db")
    database.open()
    store = SqliteStore(
        directory / "store.db",
        CLOUD_RECORDS,
        partial(thread_worker, "store"),
        reactor.callFromThread,
        lambda failed: sys.exit(str(failed)),
    )
    await store.open()
    print(f"fdatasync of 4 KiB: {sync_ms(directory):.2f} ms")
    print(f"{'who commit at once':28}{'per s':>10}{'ms each':>10}{'of bare':>10}")
    for size in CROWDS:
        rounds = [
            (bare(database, codec), await crowd(store, size)) for _ in range(ROUNDS)
        ]
        limit = statistics.median(each[0][0] for each in rounds)
        if size == CROWDS[0]:
            waits = statistics.median(each[0][1] for each in rounds)
            print(f"{'bare SQLite, one':28}{limit:10.0f}{waits:10.2f}{1:9.2f} x")
        rate = statistics.median(each[1][0] for each in rounds)
        waits = statistics.median(each[1][1] for each in rounds)
        gain = statistics.median(ours[0] / theirs[0] for theirs, ours in rounds)
        print(f"{f'the store, {size:,}':28}{rate:10.0f}{waits:10.2f}{gain:9.2f} x")
    await store.close()
    database.close()
    print(
        "(One waits for the thread besides; many share a sync, so the dearer that is,\n"
        "the more they gain.)"
    )


def main() -> int:
    failed: list[Any] = []

    def run(work: Callable[[Path], Any], directory: Path) -> None:
        done = Deferred.fromCoroutine(work(directory))
        done.addErrback(lambda failure: (failed.append(1), failure.printTraceback()))
        done.addBoth(lambda _: reactor.stop())

    where = sys.argv[1] if len(sys.argv) > 1 else "/var/tmp"
    with tempfile.TemporaryDirectory(prefix="euca_tw-bench-", dir=where) as made:
        reactor.callWhenRunning(run, measured, Path(made))
        reactor.run()
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
