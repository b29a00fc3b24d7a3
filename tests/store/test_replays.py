"""L{FileReplays} is a memory of messages; and what can happen to its file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted._threads import createMemoryWorker
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.common.replays import BOUNDS, Bounds, CannotRemember, second_of
from euca_tw.common.threads import IWorker, ThisThread
from euca_tw.store.interfaces import StoreUnusable
from euca_tw.store.mark import Mark
from euca_tw.store.messages import AHEAD_S
from euca_tw.store.replay_file import Connect, ReplayFile, connect
from euca_tw.store.replays import FileReplays
from tests.suites.replays import BOB, NOW, after, make_ireplays_tests, taking

ROOT = Path(__file__).parent.parent.parent


def make(
    path: Path,
    since: datetime = NOW,
    *,
    boot: str = "boot",
    bounds: Bounds = BOUNDS,
    make_worker: Callable[[], IWorker] = ThisThread,
    connect: Connect = connect,
    patience_s: float = 0.01,
    failures: list[StoreUnusable] | None = None,
) -> FileReplays:
    """A memory whose clock stands still."""
    clock = Clock()
    clock.advance(since.timestamp())
    said: list[StoreUnusable] = [] if failures is None else failures
    return FileReplays(
        ReplayFile(path, boot, patience_s, connect),
        clock,
        make_worker,
        lambda call: call(),
        said.append,
        bounds=bounds,
    )


def opened(case: SynchronousTestCase, bounds: Bounds, since: datetime) -> FileReplays:
    replays = make(Path(case.mktemp()), since, bounds=bounds)
    case.successResultOf(replays.open())
    case.addCleanup(replays.close)
    return replays


class FileReplaysTests(make_ireplays_tests(opened)):  # type: ignore[misc]
    """The suite, in a file."""


class FileCase(SynchronousTestCase):
    """A path, and memories there."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.mark = self.path.with_name(f"{self.path.name}-mark")

    def opened(self, since: datetime = NOW, **given: Any) -> FileReplays:
        replays = make(self.path, since, **given)
        self.successResultOf(replays.open())
        self.addCleanup(replays.close)
        return replays

    def close(self, replays: FileReplays) -> None:
        self.successResultOf(replays.close())

    def take(self, replays: FileReplays, value: bytes = b"value", **given: Any) -> str:
        return self.successResultOf(taking(replays, value, **given)).name

    def taken(self, *values: bytes, made: datetime = NOW) -> None:
        """Messages that one process has taken which is no more."""
        replays = self.opened()
        for value in values:
            self.assertEqual(self.take(replays, value, made=made, now=NOW), "FRESH")
        self.close(replays)

    def sql(self, *statements: str) -> list[Any]:
        """What another program finds in the file; of the last statement."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        found: list[Any] = []
        for statement in statements:
            found = connection.execute(statement).fetchall()
        connection.close()
        return found

    def refused(self, replays: FileReplays) -> str:
        return str(self.failureResultOf(replays.open(), StoreUnusable).value)


class RestartTests(FileCase):
    """What the file knows when it is opened."""

    def test_first(self) -> None:
        """
        Where nobody could sign before, what was made before is taken; but what is
        known of an earlier time goes before that.
        """
        old = NOW - timedelta(seconds=60)
        for expected in ("FRESH", "SEEN"):
            replays = make(self.path, NOW)
            self.successResultOf(replays.open(is_first=True))
            self.assertEqual(self.take(replays, made=old, now=NOW), expected)
            self.close(replays)
        replays = make(self.path, NOW, boot="another")
        self.successResultOf(replays.open(is_first=True))
        self.assertEqual(self.take(replays, made=old, now=NOW), "FORGOTTEN")
        self.close(replays)

    def check_begun_anew(self, why: str, replays: FileReplays | None = None) -> None:
        """
        The memory's time begins where no message can have been taken before,
        and the operator is told why.
        """
        mark = int(self.mark.read_bytes())
        begin = datetime.fromtimestamp(mark, NOW.tzinfo)
        with capturedLogs() as events:
            replays = self.opened(after(5))
        [event] = [e for e in events if e["log_level"] is LogLevel.warn]
        self.assertIn(why, event["reason"])
        self.assertEqual(event["since"], begin.isoformat())
        for value in (b"a", b"b", b"other"):
            self.assertEqual(
                self.take(replays, value, made=after(AHEAD_S - 1)), "FORGOTTEN"
            )
        self.assertEqual(self.take(replays, b"a", made=begin), "FRESH")
        self.assertEqual(self.take(replays, b"a", made=begin), "SEEN")
        self.close(replays)
        with capturedLogs() as events:
            replays = self.opened()
        self.assertEqual(events, [])
        self.assertEqual(self.take(replays, b"a", made=begin), "SEEN")

    def test_restart(self) -> None:
        """Another process knows what one knew, and vouches for as much."""
        self.taken(b"a", b"b")
        with capturedLogs() as events:
            replays = self.opened(after(200))
        self.assertEqual(events, [])
        for value in (b"a", b"b"):
            self.assertEqual(self.take(replays, value, now=after(200)), "SEEN")
        self.assertEqual(self.take(replays, b"c", now=after(200)), "FRESH")

    def test_first_start(self) -> None:
        """A new file begins with the second in which it is made, and is silent."""
        with capturedLogs() as events:
            replays = self.opened(after(0.7))
        self.assertEqual(events, [])
        self.assertEqual(self.take(replays, made=after(-0.1)), "FORGOTTEN")
        self.assertEqual(self.take(replays, made=NOW), "FRESH")

    def test_private(self) -> None:
        """Nobody but their owner can read the files."""
        replays = self.opened()
        self.take(replays)
        found = [*self.path.parent.glob(f"{self.path.name}*")]
        self.assertEqual(len(found), 4)
        for path in found:
            self.assertEqual(path.stat().st_mode & 0o777, 0o600, path)

    def test_other_boot(self) -> None:
        """After another start of the machine, nothing that was taken is."""
        self.taken(b"a", b"b")
        self.sql("UPDATE memory SET boot = 'before'")
        self.check_begun_anew("the machine was started again")

    def test_of_the_future(self) -> None:
        """Nor what was taken of a sender whose clock was ahead."""
        self.taken(b"a", made=after(250))
        replays = self.opened(after(200), boot="another")
        self.assertEqual(self.take(replays, b"a", made=after(250)), "FORGOTTEN")
        late = after(250 + AHEAD_S)
        self.assertEqual(self.take(replays, b"b", made=late), "FRESH")

    def test_after_long(self) -> None:
        """Started long after, it takes everything that was made since."""
        self.taken(b"a", b"b")
        replays = self.opened(after(1000), boot="another")
        made = after(AHEAD_S + 1)
        self.assertEqual(self.take(replays, made=made, now=after(1000)), "FRESH")

    def test_gone(self) -> None:
        """Without its file the memory begins anew."""
        self.taken(b"a", b"b")
        self.path.unlink()
        self.check_begun_anew("it is gone")

    def test_damaged(self) -> None:
        """So it does with one that is damaged, wherever that is."""
        self.taken(*(b"%d" % number for number in range(2000)))
        whole = self.path.read_bytes()
        self.assertGreater(len(whole), 16 * 4096)
        for start, end in (
            (4096, len(whole)),
            (0, 4096),
            (100, 4096),
            (40_000, 45_000),
        ):
            self.mark.unlink()
            self.path.unlink()
            self.taken(b"a", b"b")
            content = bytearray(whole)
            content[start:end] = bytes(byte ^ 0x5A for byte in content[start:end])
            self.path.write_bytes(content)
            self.check_begun_anew("is damaged")

    def test_truncated(self) -> None:
        """And with one that is not all there any more."""
        self.taken(*(b"%d" % number for number in range(2000)))
        whole = self.path.read_bytes()
        for length, why in (
            (len(whole) - 4096, "is damaged"),
            (4096, "is damaged"),
            (100, "is damaged"),
            (0, "is gone"),
        ):
            self.mark.unlink()
            self.path.unlink()
            self.taken(b"a", b"b")
            self.path.write_bytes(whole[:length])
            self.check_begun_anew(why)

    def test_zeros(self) -> None:
        """And with what a power failure may leave of a file: nothing but zeros."""
        self.taken(b"a", b"b")
        self.path.write_bytes(bytes(10 * 4096))
        self.check_begun_anew("is damaged")

    def test_earlier_version(self) -> None:
        """And with one of an earlier version, which told messages apart otherwise."""
        self.taken(b"a", b"b")
        self.sql("PRAGMA user_version = 1")
        self.check_begun_anew("an earlier version wrote it")

    def test_earlier_version_in_use(self) -> None:
        """But not while processes of that version have it."""
        self.taken(b"a", b"b")
        self.sql("PRAGMA user_version = 1")
        other = Mark(self.mark)
        self.assertTrue(other.open())
        other.share()
        self.addCleanup(other.close)
        said = self.refused(make(self.path))
        self.assertIn("an earlier version wrote it, and it is in use", said)
        self.assertEqual(len(self.sql("SELECT * FROM messages")), 2)

    def test_without_tables(self) -> None:
        """And with one that has not what it should have."""
        self.taken(b"a", b"b")
        self.sql("DROP TABLE memory")
        self.check_begun_anew("is damaged")

    def test_new_with_zeros(self) -> None:
        """A mark that was never on the disk is none."""
        self.mark.write_bytes(bytes(21))
        self.assertEqual(self.take(self.opened()), "FRESH")

    def test_mark_is_late(self) -> None:
        """The mark is never before what was taken, though it be restored from old."""
        self.taken(b"a", made=after(100))
        self.mark.write_bytes(b"%020d\n" % second_of(NOW))
        self.close(self.opened())
        self.assertGreater(int(self.mark.read_bytes()), second_of(after(100)))


class RefusalTests(FileCase):
    """What cannot be used is refused with what to do, and left as it is."""

    def test_foreign(self) -> None:
        """Another program's file, of SQLite or not."""
        self.sql("CREATE TABLE songs (title)", "INSERT INTO songs VALUES ('Hey')")
        self.assertIn("not euca_tw's memory", self.refused(make(self.path)))
        self.assertEqual(self.sql("SELECT title FROM songs"), [("Hey",)])
        self.path.write_text("Dear diary, " * 1000)
        self.assertIn("not euca_tw's memory", self.refused(make(self.path)))
        self.assertIn("Dear diary", self.path.read_text())

    def test_newer(self) -> None:
        """A newer version's, of this run of the machine or another."""
        self.taken(b"a")
        self.sql("PRAGMA user_version = 99")
        for boot in ("boot", "another"):
            said = self.refused(make(self.path, boot=boot))
            self.assertIn("newer version of euca_tw", said)
        self.assertEqual(len(self.sql("SELECT * FROM messages")), 1)

    def test_foreign_mark(self) -> None:
        """A mark that is none."""
        self.mark.write_text("Dear diary")
        self.assertIn("-mark is not what euca_tw", self.refused(make(self.path)))
        self.assertEqual(self.mark.read_text(), "Dear diary")

    def test_no_directory(self) -> None:
        """A path that cannot be."""
        replays = make(self.path / "nowhere" / "replays.db")
        self.assertIn("directory must exist", self.refused(replays))

    def test_read_only(self) -> None:
        """A file that cannot be written."""

        def read_only(path: Path, patience_s: float) -> sqlite3.Connection:
            connection = connect(path, patience_s)
            connection.execute("PRAGMA query_only = 1")
            return connection

        said = self.refused(make(self.path, connect=read_only))
        self.assertIn("cannot be written", said)

    def test_held(self) -> None:
        """A file that another process does not let go of."""
        self.close(self.opened())
        self.sql("PRAGMA journal_mode = DELETE")
        other = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("BEGIN EXCLUSIVE")
        self.assertIn("held by another process", self.refused(make(self.path)))

    def test_damaged_and_shared(self) -> None:
        """A damaged one is not thrown away while another process has it."""
        other = self.opened()
        self.take(other, b"a")
        self.sql("DROP TABLE memory")
        self.assertIn("stop all the processes", self.refused(make(self.path)))
        self.close(other)
        self.assertEqual(self.take(self.opened(), b"a"), "FORGOTTEN")

    def test_opened_later(self) -> None:
        """What was refused can be opened when it is right."""
        self.mark.write_text("Dear diary")
        replays = make(self.path)
        self.refused(replays)
        self.mark.unlink()
        self.successResultOf(replays.open())
        self.assertEqual(self.take(replays), "FRESH")
        self.close(replays)


@define
class Disk:
    """Connections to files that can be given less room than they need."""

    connections: list[sqlite3.Connection] = field(factory=list)

    def connect(self, path: Path, patience_s: float) -> sqlite3.Connection:
        connection = connect(path, patience_s)
        self.connections.append(connection)
        return connection

    @contextmanager
    def full(self) -> Iterator[None]:
        def limit(pages: int) -> None:
            for connection in self.connections[-2:]:
                connection.execute(f"PRAGMA max_page_count = {pages}").fetchall()

        limit(1)  # as many as there are
        yield
        limit(1 << 30)


class TroubleTests(FileCase):
    """What happens while messages are taken."""

    def fails(self, replays: FileReplays, value: bytes = b"value", **given: Any) -> str:
        taking_it = taking(replays, value, **given)
        return str(self.failureResultOf(taking_it, CannotRemember).value)

    def test_not_open(self) -> None:
        """Before it is open, and when it is closed, nothing is taken."""
        replays = make(self.path)
        self.assertIn("not open", self.fails(replays))
        self.successResultOf(replays.close())
        self.successResultOf(replays.open())
        self.close(replays)
        self.assertIn("not open", self.fails(replays))

    def test_full_disk(self) -> None:
        """
        On a full disk nothing is taken.  It is said once, and when there is room
        again; what was refused is taken then.
        """
        disk, failures = Disk(), []
        replays = self.opened(connect=disk.connect, failures=failures)
        with capturedLogs() as events:
            values = (b"%d" % number for number in range(10_000))
            with disk.full():
                while self.result_of(replays, value := next(values)) == "FRESH":
                    pass
                self.assertIn("cannot be written", self.fails(replays, value))
                self.assertIn("cannot be written", self.fails(replays, value))
            self.assertEqual(self.take(replays, value), "FRESH")
        told = [e["log_level"] for e in events]
        self.assertEqual(told, [LogLevel.error, LogLevel.info])
        self.assertEqual(failures, [])

    def result_of(self, replays: FileReplays, value: bytes) -> str:
        results: list[Any] = []
        taking(replays, value).addBoth(results.append)
        return getattr(results[0], "name", "")

    def test_no_mark(self) -> None:
        """Where the mark cannot be set, what lies behind it is not taken."""
        replays = self.opened()
        self.take(replays)
        os.close(replays._file._mark._handle)
        self.addCleanup(setattr, replays._file._mark, "_handle", -1)
        self.assertIn("cannot be written", self.fails(replays, made=after(100)))
        self.assertEqual(self.take(replays, b"before"), "FRESH")
        self.assertEqual(
            self.sql("SELECT max(made) FROM messages"), [(second_of(NOW),)]
        )

    def test_damage(self) -> None:
        """A file that gets damaged is told of, once: it must be opened again."""
        failures: list[StoreUnusable] = []
        replays = self.opened(failures=failures)
        self.take(replays)
        with capturedLogs() as events:
            self.sql("DROP TABLE memory")
            for _ in range(2):
                self.assertIn("is damaged", self.fails(replays, b"other"))
        self.assertEqual(len(failures), 1)
        self.assertEqual([e["log_level"] for e in events], [LogLevel.error])


class WaitingTests(FileCase):
    """The reactor waits for nobody."""

    def setUp(self) -> None:
        super().setUp()
        self.other: Any = None
        self.begin()

    def begin(self, bounds: Bounds = BOUNDS) -> None:
        """A memory whose thread works when it is told to."""
        worker, self.perform = createMemoryWorker()
        self.replays = make(self.path, make_worker=lambda: worker, bounds=bounds)
        opening = self.replays.open()
        self.assertNoResult(opening)
        self.perform()
        self.successResultOf(opening)
        first = taking(self.replays, b"first")
        self.assertNoResult(first)  # it sets the mark, which is a thread's
        self.perform()
        self.successResultOf(first)
        self.other = sqlite3.connect(self.path, isolation_level=None)
        self.addCleanup(self.close_all)

    def close_all(self) -> None:
        self.other.close()
        closing = self.replays.close()
        self.perform_all()
        self.successResultOf(closing)

    def perform_all(self) -> None:
        while self.perform():
            pass

    def test_usual(self) -> None:
        """The usual message is answered at once."""
        self.assertEqual(self.take(self.replays, b"a"), "FRESH")
        self.assertEqual(self.take(self.replays, b"a"), "SEEN")

    def test_patience(self) -> None:
        """SQLite is told not to wait, but in the thread."""
        asked = [
            connection.execute("PRAGMA busy_timeout").fetchall()
            for connection in self.replays._file._connections
        ]
        self.assertEqual(asked, [[(10,)], [(0,)]])

    def test_held(self) -> None:
        """What comes while another process holds the file waits for it."""
        self.other.execute("BEGIN IMMEDIATE")
        waiting = [taking(self.replays, b"%d" % (n % 50)) for n in range(100)]
        for each in waiting:
            self.assertNoResult(each)
        self.other.execute("COMMIT")
        self.perform_all()
        told = [self.successResultOf(each).name for each in waiting]
        self.assertEqual(told, ["FRESH"] * 50 + ["SEEN"] * 50)

    def test_held_too_long(self) -> None:
        """It does not wait for ever, and all who wait do so together."""
        self.other.execute("BEGIN IMMEDIATE")
        waiting = [taking(self.replays, b"%d" % n) for n in range(100)]
        self.perform()
        for each in waiting:
            failure = self.failureResultOf(each, CannotRemember)
            self.assertIn("held by another process", str(failure.value))
        self.other.execute("COMMIT")
        self.assertEqual(self.take(self.replays, b"0"), "FRESH")

    def test_bounds_while_waiting(self) -> None:
        """Those who wait count already."""
        self.close_all()
        self.path.unlink()
        self.mark.unlink()
        self.begin(Bounds(of_one=3, of_all=5))
        self.other.execute("BEGIN IMMEDIATE")
        waiting = [taking(self.replays, b"%d" % number) for number in range(2)]
        self.assertEqual(self.take(self.replays, b"more"), "FULL")
        self.perform()
        for each in waiting:
            self.failureResultOf(each, CannotRemember)
        self.other.execute("COMMIT")
        self.assertEqual(self.take(self.replays, b"more"), "FRESH")

    def test_cancelled(self) -> None:
        """Who waits no more may have been taken, and counts."""
        self.other.execute("BEGIN IMMEDIATE")
        waiting = taking(self.replays, b"a")
        waiting.cancel()
        self.failureResultOf(waiting)
        self.other.execute("COMMIT")
        self.perform_all()
        self.assertEqual(self.take(self.replays, b"a"), "SEEN")

    def test_closed_while_waiting(self) -> None:
        """Closing waits for those who wait."""
        self.other.execute("BEGIN IMMEDIATE")
        waiting = taking(self.replays, b"a")
        self.other.execute("COMMIT")
        closing = self.replays.close()
        self.perform_all()
        self.assertEqual(self.successResultOf(waiting).name, "FRESH")
        self.successResultOf(closing)

    def test_tidied_elsewhere(self) -> None:
        """The file is tidied in the thread, and nobody waits for that."""
        for number in range(2500):
            self.take(self.replays, b"%d" % number)
        tidied = 0
        while self.perform():
            tidied += 1
        self.assertEqual(tidied, 2)


class SizeTests(FileCase):
    """The file stays small."""

    def rows(self) -> int:
        [(count,)] = self.sql("SELECT count(*) FROM messages")
        return count

    def test_rows(self) -> None:
        """What has ended is forgotten, over many lives and restarts."""
        replays, most = self.opened(), 0
        for number in range(20_000):
            if number % 5000 == 4999:
                self.close(replays)
                replays = self.opened(after(number // 4))
            made = after(number // 4)
            self.assertEqual(self.take(replays, b"%d" % number, made=made), "FRESH")
            if number % 500 == 0:
                most = max(most, self.rows())
        # Four a second for 330 seconds, and what comes before the next time.
        self.assertLess(most, 4 * (330 + 60))

    def test_after_a_flood(self) -> None:
        """After a flood it is forgotten faster than more comes."""
        replays = self.opened()
        for number in range(20_000):
            self.take(replays, b"%d" % number)
        for number in range(10):
            self.take(replays, made=after(1000 + 31 * number))
        self.assertLess(self.rows(), 20)

    def test_wal(self) -> None:
        """The WAL is begun anew; it does not grow with what comes."""
        replays, sizes = self.opened(), []
        wal = self.path.with_name(f"{self.path.name}-wal")
        for number in range(10_000):
            self.take(replays, b"%d" % number, made=after(number // 100))
            sizes.append(wal.stat().st_size)
        self.assertLess(max(sizes), 16 << 20)
        self.assertLess(max(sizes), 2 * max(sizes[:2000]))


# --- processes -----------------------------------------------------------------

RACERS, RACES = 3, 200


def take_all(path: str, boot: str) -> None:
    """
    In a process of its own: take the messages that it is told of on its
    standard input, and say of each what became of it.
    """
    from twisted.internet import reactor
    from twisted.internet.defer import Deferred, ensureDeferred
    from twisted.internet.threads import deferToThread

    from euca_tw.common.threads import thread_worker

    replays = FileReplays(
        ReplayFile(Path(path), boot),
        reactor,  # type: ignore[arg-type]
        lambda: thread_worker("replays"),
        reactor.callFromThread,  # type: ignore[attr-defined]
        print,
    )

    def say(*words: object) -> None:
        sys.stdout.write(f"{' '.join(map(str, words))}\n")
        sys.stdout.flush()

    async def one(value: str) -> None:
        made = after(int(value) % 40)
        say(value, (await taking(replays, value.encode(), made=made)).name)

    async def main() -> None:
        await replays.open()
        say("ready")
        while values := await deferToThread(sys.stdin.readline):
            for each in [Deferred.fromCoroutine(one(v)) for v in values.split()]:
                await each
        await replays.close()

    ensureDeferred(main()).addErrback(print).addBoth(
        lambda _: reactor.stop()  # type: ignore[attr-defined]
    )
    reactor.run()  # type: ignore[attr-defined]


class ProcessTests(FileCase):
    """Several processes, and their ends."""

    def start(self, boot: str = "boot") -> subprocess.Popen[str]:
        command = "from tests.store.test_replays import take_all as go; "
        command += f"go({str(self.path.absolute())!r}, {boot!r})"
        process = subprocess.Popen(
            [sys.executable, "-c", command],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        assert process.stdin is not None
        self.addCleanup(process.stdin.close)
        self.addCleanup(process.stdout.close)
        self.assertEqual(process.stdout.readline(), "ready\n")
        return process

    def tell(self, process: subprocess.Popen[str], values: str) -> None:
        assert process.stdin is not None
        process.stdin.write(f"{values}\n")
        process.stdin.flush()

    def told(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        assert process.stdout is not None
        value, verdict = process.stdout.readline().split()
        return value, verdict

    def test_killed(self) -> None:
        """What a process answered for, it is remembered though it be killed."""
        self.close(self.opened())
        taken: dict[str, str] = {}
        for start in (0, 1000):
            process = self.start()
            numbers = [str(number) for number in range(start, start + 400)]
            self.tell(process, " ".join(numbers))
            for _ in range(200):
                value, verdict = self.told(process)
                taken[value] = verdict
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.assertEqual([*taken.values()], ["FRESH"] * 400)
        with capturedLogs() as events:
            replays = self.opened()
        self.assertEqual(events, [])
        for value in taken:
            made = after(int(value) % 40)
            self.assertEqual(self.take(replays, value.encode(), made=made), "SEEN")

    def test_race(self) -> None:
        """Of several processes that get the same message, one takes it."""
        self.close(self.opened())
        processes = [self.start() for _ in range(RACERS)]
        numbers = [str(number) for number in range(RACES)]
        orders = (numbers, numbers[::-1], numbers[100:] + numbers[:100])
        for process, order in zip(processes, orders, strict=True):
            self.tell(process, " ".join(order))
        verdicts: dict[str, list[str]] = {number: [] for number in numbers}
        for process in processes:
            for _ in numbers:
                value, verdict = self.told(process)
                verdicts[value].append(verdict)
        for value, told in verdicts.items():
            self.assertEqual(sorted(told), ["FRESH", "SEEN", "SEEN"], value)

    def test_restarted_beside(self) -> None:
        """A process that is started beside others knows what they know."""
        self.close(self.opened())
        first = self.start()
        self.tell(first, "7")
        self.assertEqual(self.told(first), ("7", "FRESH"))
        second = self.start()
        self.tell(second, "7 8")
        self.assertEqual(self.told(second), ("7", "SEEN"))
        self.assertEqual(self.told(second), ("8", "FRESH"))
        self.tell(first, "8")
        self.assertEqual(self.told(first), ("8", "SEEN"))

    def test_other_owner(self) -> None:
        """And the test's own process shares with them, too."""
        replays = self.opened()
        process = self.start()
        self.tell(process, "1")
        self.assertEqual(self.told(process)[1], "FRESH")
        self.assertEqual(self.take(replays, b"1", made=after(1)), "SEEN")
        taken = self.take(replays, b"1", made=after(1), owner=BOB)
        self.assertEqual(taken, "SEEN")
