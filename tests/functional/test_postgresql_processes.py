"""
Several processes on one PostgreSQL, that end, are killed, or are cut off; and the
server, to which the same happens.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from random import SystemRandom
from typing import Any

from attrs import evolve
from twisted.internet import reactor as real_reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from euca_tw.common.threads import thread_worker
from euca_tw.model.records import CLOUD_RECORDS, KeyPair
from euca_tw.store import postgres
from euca_tw.store.interfaces import Conflict, Put, StoreUnreachable, StoreUnusable
from euca_tw.store.postgres_journal import PostgresJournal
from euca_tw.store.shared import PATIENCE_S, SharedStore
from tests.functional.postgresql import Postgresql, durable, shared
from tests.suites.store import key_pair, names

reactor: Any = real_reactor

ROOT = Path(__file__).parents[2]
#: So many commit at once.
CROWD = 8


def store_of(
    where: str,
    on_failure: Callable[[StoreUnusable], None] = print,
    patience_s: float = PATIENCE_S,
) -> SharedStore:
    """As daemons have them."""
    return SharedStore(
        PostgresJournal(where, thread_worker, reactor.callFromThread),
        CLOUD_RECORDS,
        reactor,
        SystemRandom(),
        on_failure,
        patience_s=patience_s,
    )


async def count(store: SharedStore, name: str, times: int) -> None:
    """Add one to a record, so often; whoever else may do so at the same time."""
    for _ in range(times):
        while True:
            found = store.get(KeyPair, key_pair(name).key) or key_pair(name)
            so_far = int(found.fingerprint) if ":" not in found.fingerprint else 0
            try:
                await store.commit(Put(evolve(found, fingerprint=str(so_far + 1))))
            except Conflict:
                continue
            break


# --- in processes of their own ----------------------------------------------


def run(work: Callable[[SharedStore], Coroutine[Any, Any, None]], where: str) -> None:
    async def main() -> None:
        store = store_of(where)
        await store.open()
        await work(store)
        await store.close()
        reactor.stop()

    def failed(failure: Any) -> None:
        failure.printTraceback()
        reactor.stop()

    reactor.callWhenRunning(lambda: Deferred.fromCoroutine(main()).addErrback(failed))
    reactor.run()


def count_to(where: str, times: str) -> None:
    """Several at once, who all count the same."""

    async def work(store: SharedStore) -> None:
        counting = [
            Deferred.fromCoroutine(count(store, "counter", int(times)))
            for _ in range(3)
        ]
        await gatherResults(counting)

    run(work, where)


def hold(where: str, for_s: str) -> None:
    """Lead, say so, and hang."""

    async def work(store: SharedStore) -> None:
        sys.stdout.write(f"{await store.lead('x', 'held', float(for_s))}\n")
        sys.stdout.flush()
        await Deferred()

    run(work, where)


def begun(function: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that does that."""
    words = ", ".join(repr(str(each)) for each in arguments)
    command = f"from {__name__} import {function} as go; go({words})"
    return subprocess.Popen(
        [sys.executable, "-c", command], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


# --- tests ------------------------------------------------------------------


class ServerCase(TestCase):
    timeout = 60

    server: Postgresql

    def setUp(self) -> None:
        # As daemons do; connections are lost here all the time.
        logging.getLogger("psycopg").setLevel(logging.ERROR)
        self.server = self.make_server()
        self.where = self.server.database()
        self.failures: list[StoreUnusable] = []

    def make_server(self) -> Postgresql:
        return shared()

    async def opened(self, patience_s: float = PATIENCE_S) -> SharedStore:
        store = store_of(self.where, self.failures.append, patience_s)
        await store.open()
        self.addCleanup(store.close)
        return store

    async def until(self, is_so: Callable[[], object]) -> None:
        """Soon it is."""
        for _ in range(30 * 50):
            if is_so():
                return
            await deferLater(reactor, 0.02)
        self.fail("it did not come about")

    def written(self) -> list[str]:
        """The names that are in the journal, as often as they are."""
        query = "SELECT entry::json->1->>1 FROM euca_tw.journal ORDER BY sequence"
        found = self.server.ask(query, database=self.where)
        return [str(key).rpartition("/")[2] for (key,) in found]


class TwoStoresTests(ServerCase):
    async def test_heard(self) -> None:
        """What one has committed comes to the other by itself."""
        one, two = await self.opened(), await self.opened()
        heard: list[Any] = []
        two.watch(heard.append)
        await one.commit(Put(key_pair("a")))
        await self.until(lambda: heard)
        self.assertEqual(heard, [(Put(key_pair("a")),)])
        self.assertEqual(names(two.all(KeyPair)), ["a"])

    async def test_opened_again(self) -> None:
        """Also to one that was closed, and opened again."""
        one, two = await self.opened(), await self.opened()
        await two.close()
        await one.commit(Put(key_pair("a")))
        await two.open()
        self.assertEqual(names(two.all(KeyPair)), ["a"])
        heard: list[Any] = []
        two.watch(heard.append)
        await one.commit(Put(key_pair("b")))
        await self.until(lambda: heard)
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )
        await self.until(lambda: self.server.ask(query, database=self.where) == [(2,)])

    async def test_current(self) -> None:
        """Who asks has it at once."""
        one, two = await self.opened(), await self.opened()
        for number in range(20):
            await one.commit(Put(key_pair(f"{number}")))
            await two.current()
            self.assertIsNotNone(two.get(KeyPair, key_pair(f"{number}").key))

    async def test_processes(self) -> None:
        """Processes that change one record at the same time lose no change."""
        others = [begun("count_to", self.where, 15) for _ in range(2)]
        store = await self.opened()
        await count(store, "counter", 40)
        for other in others:
            await self.until(lambda other=other: other.poll() is not None)
            self.assertEqual(other.communicate()[0], "")
        await store.current()
        found = store.get(KeyPair, key_pair("counter").key)
        assert found is not None
        self.assertEqual(found.fingerprint, "130")

    async def test_killed_holder(self) -> None:
        """What a process led that was killed another leads when its time is over."""
        other = begun("hold", self.where, 1.5)
        self.addCleanup(other.communicate)
        self.addCleanup(other.kill)
        assert other.stdout is not None
        self.assertEqual(other.stdout.readline(), "1.5\n")
        store = await self.opened()
        self.assertIsNone(await store.lead("x", "ours", 10))
        other.send_signal(signal.SIGKILL)
        other.wait()
        self.assertIsNone(await store.lead("x", "ours", 10))
        led: list[float | None] = []
        while not any(led):
            await deferLater(reactor, 0.1)
            led.append(await store.lead("x", "ours", 10))
        self.assertGreater(len(led), 1)

    async def test_hung(self) -> None:
        """One that hangs in the midst of a commit does not hold up others for long."""
        store = await self.opened()
        connection = postgres.connect(self.where)
        self.addCleanup(connection.close)
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM euca_tw.head FOR UPDATE")
        await store.commit(Put(key_pair("a")))
        self.assertEqual(self.failures, [])

    async def test_server_hangs(self) -> None:
        """
        What the server does not answer, though it is there, is refused in time, and
        asked on another way.
        """
        store = await self.opened(patience_s=1)
        await store.commit(Put(key_pair("a")))
        await store.current()
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'euca_tw'"
        hung = [int(str(pid)) for (pid,) in self.server.ask(query, database=self.where)]
        self.assertGreater(len(hung), 1)
        for pid in hung:
            os.kill(pid, signal.SIGSTOP)
            self.addCleanup(os.kill, pid, signal.SIGCONT)
        committing, asking = store.commit(Put(key_pair("b"))), store.current()
        for each in (committing, asking):
            await self.assertFailure(each, StoreUnreachable)
        while True:
            try:
                await store.current()
                await store.commit(Put(key_pair("c")))
            except StoreUnreachable:
                await deferLater(reactor, 0.1)
            else:
                break
        self.assertEqual(await store.lead("x", "us", 10), 10)
        self.assertEqual(self.written(), ["a", "b", "c"])
        self.assertEqual(names(store.all(KeyPair)), ["a", "b", "c"])

    async def test_cut(self) -> None:
        """
        While connections are cut, again and again, everything is acknowledged in the
        end, and was made once.
        """
        store, made = await self.opened(), 0
        query = (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'euca_tw'"
        )

        async def commit(worker: int) -> None:
            nonlocal made
            for number in range(40):
                await store.commit(Put(key_pair(f"{worker}-{number}")))
                made += 1

        crowd = gatherResults(
            [Deferred.fromCoroutine(commit(each)) for each in range(CROWD)]
        )
        for part in range(1, 6):
            await self.until(partial(lambda part: made > part * 40, part))
            self.server.ask(query, database=self.where)
        await crowd
        written = self.written()
        self.assertEqual(len(written), CROWD * 40)
        self.assertEqual(len(set(written)), CROWD * 40)


class KillTests(ServerCase):
    """The server itself."""

    def make_server(self) -> Postgresql:
        return durable()

    async def check(self, hurt: Callable[[], None]) -> None:
        """
        The server ends in the midst of commits, and comes back: what was
        acknowledged is there, once, and whoever was not told yet is told what is so.
        """
        one, two = await self.opened(), await self.opened()
        told: dict[str, None] = {}
        heard: list[Any] = []
        two.watch(heard.append)

        async def commit(worker: int, times: int) -> None:
            for number in range(times):
                await one.commit(Put(key_pair(f"{worker}-{number}")))
                told[f"{worker}-{number}"] = None

        crowd = gatherResults(
            [Deferred.fromCoroutine(commit(each, 60)) for each in range(CROWD)]
        )
        await self.until(lambda: len(told) > 100)
        hurt()
        before = {*told}
        self.server.serve()
        written = {*self.written()}
        self.assertLessEqual(before, written)
        await crowd
        written_after = self.written()
        self.assertEqual(len(written_after), CROWD * 60)
        self.assertEqual({*written_after}, {*told})
        # The other hears of everything, once, in the same order.
        await self.until(lambda: len(heard) == CROWD * 60)
        order = [changes[0].record.name for changes in heard]
        self.assertEqual(order, written_after)
        self.assertEqual(names(two.all(KeyPair)), names(one.all(KeyPair)))
        self.assertEqual(self.failures, [])

    async def test_killed(self) -> None:
        """It is killed."""
        await self.check(self.server.kill)

    async def test_restarted(self) -> None:
        """It is stopped in order."""
        await self.check(self.server.end)

    async def test_went_back(self) -> None:
        """Who knows more than the database has ends, and is told why."""
        store = await self.opened()
        await store.commit(Put(key_pair("a")))
        self.server.ask(
            "DELETE FROM euca_tw.journal; UPDATE euca_tw.head SET sequence = 0",
            database=self.where,
        )
        await self.assertFailure(store.commit(Put(key_pair("b"))), StoreUnusable)
        await self.until(lambda: self.failures)
        self.assertIn("lost", str(self.failures[0]))
