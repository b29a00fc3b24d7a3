"""
What it costs to remember a message, against a bare insert into SQLite.

All of one run, in one process, with the memory in a file as daemons have it:
microseconds for each message that is taken on the reactor's thread, with ever
more live ones in the file; the longest step among them; what the thread does
beside that; and the part that it is of a small signed call.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bench.soap import (
    ENTRY,
    Users,
    answered,
    asked_by_soap,
    dispatch,
    per_call_s,
)
from euca_tw.api.ec2.table import EC2
from euca_tw.common.certificates import make_certificate
from euca_tw.common.replays import IReplays, MemoryReplays, Verdict
from euca_tw.common.threads import ThisThread
from euca_tw.soap.door import SoapDoor, ec2_door
from euca_tw.soap.envelope import SOAP_11
from euca_tw.soap.keys import load_identity
from euca_tw.soap.signing import SHA1, signed
from euca_tw.store.replay_file import ReplayFile, connect
from euca_tw.store.replays import FileReplays

#: What a take may cost on the reactor's thread, as a multiple of a bare insert.
LIMIT = 3.0
#: And the part of a small signed call that it may be.
MOST_OF_CALL = 0.2

NOW = datetime.now(UTC).replace(microsecond=0)
LIFE_S = 300
OWNERS = [b"%04d" % number * 250 for number in range(50)]
FEW, MANY = 10_000, 1_000_000


class Shared:
    """A file, and a memory in it whose thread works when it is told to."""

    def __init__(self, path: Path) -> None:
        self.jobs: list[Callable[[], None]] = []
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        self.file = ReplayFile(path, "bench")
        self.replays = FileReplays(
            self.file, self.clock, lambda: self, lambda call: call(), print
        )
        self.work(self.replays.open())

    # An IWorker.

    def do(self, job: Callable[[], None]) -> None:
        self.jobs.append(job)

    def quit(self) -> None:
        """There is nothing to stop."""

    def work(self, waiting: Deferred[Any]) -> list[float]:
        """Seconds of each job."""
        took = []
        while self.jobs:
            started = perf_counter()
            self.jobs.pop(0)()
            took.append(perf_counter() - started)
        assert waiting.called
        return took

    def close(self) -> None:
        self.work(self.replays.close())


def messages() -> Iterator[tuple[bytes, bytes]]:
    """Owners, and signatures as those of RSA-2048."""
    for number in count():
        yield OWNERS[number % len(OWNERS)], os.urandom(256)


def take(replays: IReplays, owner: bytes, value: bytes, made: datetime) -> Any:
    return Deferred.fromCoroutine(
        replays.take(
            owner=owner,
            value=value,
            made=made,
            end=made + timedelta(seconds=LIFE_S),
            now=made,
        )
    )


def fill(shared: Shared, live: int) -> None:
    """Messages of the last five minutes, as a flood would leave them."""
    far = shared.file._connections[0]
    since = int(NOW.timestamp()) - LIFE_S
    far.execute("BEGIN")
    far.execute("UPDATE memory SET since = ?, life = 330", (since,))
    far.executemany(
        "INSERT INTO messages VALUES (?, ?, ?)",
        (
            (since + number * LIFE_S // live, os.urandom(16), os.urandom(8))
            for number in range(live)
        ),
    )
    far.execute("COMMIT")
    far.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def told(name: str, times: list[float]) -> None:
    times = sorted(times)
    print(
        f"{statistics.median(times) * 1e6:8.1f} us  "
        f"{times[len(times) * 99 // 100] * 1e6:8.1f} us p99  "
        f"{times[-1] * 1e3:7.2f} ms longest  {name}"
    )


def bare(directory: Path) -> float:
    """Inserts of such rows, and nothing more: the median of CPU seconds."""
    connection = connect(directory / "bare", 0)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(
        "CREATE TABLE t (a INTEGER, b BLOB, c BLOB, PRIMARY KEY (a, b)) WITHOUT ROWID"
    )
    times = []
    for number in range(FEW):
        row = (number // 1000, os.urandom(16), b"12345678")
        started = perf_counter()
        connection.execute("INSERT INTO t VALUES (?, ?, ?)", row)
        times.append(perf_counter() - started)
        if number % 1000 == 999:
            connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    connection.close()
    told("a bare insert", times)
    return statistics.median(times)


def with_live(directory: Path, live: int) -> float:
    """Takes, where so many live messages are in the file: the median."""
    path = directory / f"live-{live}"
    shared = Shared(path)
    fill(shared, live)
    if live > 1:
        print(
            f"  {path.stat().st_size / live:.0f} bytes on the disk for each of {live}"
        )
    shared.close()
    started = perf_counter()
    shared = Shared(path)
    print(f"  opened in {perf_counter() - started:.2f} s, in the thread")
    of_reactor, of_thread = [], []
    gc.collect()
    for number, (owner, value) in zip(range(FEW), messages(), strict=False):
        # A second of the clock for each thousand.
        made = NOW + timedelta(seconds=number // 1000)
        started = perf_counter()
        taking = take(shared.replays, owner, value, made)
        of_reactor.append(perf_counter() - started)
        of_thread += shared.work(taking)
        assert taking.result in (Verdict.FRESH, Verdict.FULL), taking.result
    told(f"a message taken, {live} live", of_reactor)
    told("  the thread meanwhile, each thousand", of_thread)
    shared.close()
    return statistics.median(of_reactor)


def spread(directory: Path) -> None:
    """As many as there may be, in the order in which they come."""
    path = directory / "spread"
    shared = Shared(path)
    far = shared.file._connections[0]
    number = 200_000
    for start in range(0, number, 1000):
        far.execute("BEGIN")
        far.executemany(
            "INSERT INTO messages VALUES (?, ?, ?)",
            ((start // 3000, os.urandom(16), os.urandom(8)) for _ in range(1000)),
        )
        far.execute("COMMIT")
    shared.close()
    size = path.stat().st_size / number
    print(f"{size:8.0f} bytes on the disk for each message, 3000 a second")


def of_a_call(directory: Path) -> float:
    """The part of a small signed call, CPU time, that the memory is."""
    pems = make_certificate("bench", NOW, 1)
    identity = load_identity(pems.key_pem, pems.certificate_pem)
    users, clock = Users(identity), Clock()
    clock.advance(NOW.timestamp())
    in_file = FileReplays(
        ReplayFile(directory / "call", "bench"),
        clock,
        ThisThread,
        lambda call: call(),
        print,
    )
    in_file.open()
    in_memory = MemoryReplays()
    doors = {
        name: ec2_door(EC2, dispatch, users, clock, lambda: "a" * 36, replays=replays)
        for name, replays in (("file", in_file), ("memory", in_memory))
    }
    numbers = count()

    def by(door: SoapDoor) -> Callable[[], Any]:
        made = NOW + timedelta(milliseconds=next(numbers))
        document = signed(SOAP_11, [], ENTRY, identity, made, suite=SHA1)
        asked = asked_by_soap(document, b"/services/Eucalyptus")
        return partial(answered, door.answer, asked)

    cost = per_call_s({name: partial(by, door) for name, door in doors.items()})
    in_file.close()
    print(f"{cost['file'] * 1e6:8.0f} us  a small signed SOAP call, CPU, all but HTTP")
    print(f"{cost['memory'] * 1e6:8.0f} us  the same, remembered in memory only")
    return 1 - cost["memory"] / cost["file"]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="euca_tw-bench-") as name:
        directory = Path(name)
        insert = bare(directory)
        takes = {live: with_live(directory, live) for live in (1, 100_000, MANY - FEW)}
        spread(directory)
        part = of_a_call(directory)
    ratio = max(takes.values()) / insert
    print(f"a take: {ratio:.2f} of a bare insert  required: <= {LIMIT}")
    print(f"of a signed call: {part:.1%}  required: <= {MOST_OF_CALL:.0%}")
    return int(ratio > LIMIT or part > MOST_OF_CALL)


if __name__ == "__main__":
    sys.exit(main())
