"""Tests for L{euca_tw.common.in_thread}."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from functools import partial
from threading import Event
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase, TestCase

from euca_tw.common.in_thread import PooledThreads, stopped_by
from tests.fakes.threads import MemoryPool


class Body(bytearray):
    """That a reference to it can be looked after."""


class PooledThreadsTests(SynchronousTestCase):
    """Threads that are pumped by hand."""

    def setUp(self) -> None:
        self.pool = MemoryPool()
        self.threads = PooledThreads(self.pool, self.pool)
        self.done: list[str] = []
        # What is in a circle would be held till somebody looks for circles.
        gc.disable()
        self.addCleanup(gc.enable)

    def job(self, name: str) -> Deferred[str]:
        def work() -> str:
            self.done.append(name)
            return name

        return self.threads(work)

    def note(self, told: list[int], number: int, result: Any) -> None:
        told.append(number)

    def large(self) -> tuple[Deferred[Any], Any]:
        """A job that holds much, and a look at what it holds."""
        body = Body(100)
        return self.threads(lambda: len(body)), weakref.ref(body)

    def test_done(self) -> None:
        """It is told what the work returns."""
        job = self.job("a")
        self.assertNoResult(job)
        self.pool.perform()
        self.assertEqual(self.successResultOf(job), "a")

    def test_failed(self) -> None:
        """Or what it raises."""
        job = self.threads(lambda: 1 // 0)
        self.pool.perform()
        self.failureResultOf(job, ZeroDivisionError)
        self.assertEqual(self.threads.waiting, 0)

    def test_in_turn(self) -> None:
        """No more is given to the pool than it has threads; the rest in order."""
        for name in "abcde":
            self.job(name)
        self.assertEqual((len(self.pool.given), self.threads.waiting), (2, 3))
        self.pool.perform(1)
        self.assertEqual((len(self.pool.given), self.threads.waiting), (2, 2))
        while self.pool.given:
            self.pool.perform()
        self.assertEqual(self.done, ["b", "a", "c", "d", "e"])

    def test_cancelled_before(self) -> None:
        """What has not begun when nobody wants it any more leaves nothing."""
        kept = [self.job("a"), self.job("b")]
        job, held = self.large()
        job.cancel()
        self.failureResultOf(job, CancelledError)
        self.assertEqual(self.threads.waiting, 0)
        told = weakref.ref(job)
        del job
        self.assertEqual((held(), told()), (None, None))
        self.pool.perform()
        self.pool.perform()
        self.assertEqual([self.successResultOf(each) for each in kept], ["a", "b"])
        self.assertEqual(len(self.pool.given), 0)

    def test_cancelled_within(self) -> None:
        """Who wants no more of what has begun is told so when it has ended."""
        job, held = self.large()
        for _ in range(3):
            job.cancel()
            self.assertNoResult(job)
        self.assertIsNotNone(held())
        self.pool.perform()
        self.failureResultOf(job, CancelledError)
        del job
        self.assertIsNone(held())

    def test_result(self) -> None:
        """A result is held by nobody but who was told it."""
        job = self.threads(lambda: Body(100))
        self.pool.perform()
        held = weakref.ref(self.successResultOf(job))
        del job
        self.assertIsNone(held())

    def test_cancelled_and_failed(self) -> None:
        """What it raises then is nobody's concern."""
        job = self.threads(lambda: 1 // 0)
        job.cancel()
        self.pool.perform()
        self.failureResultOf(job, CancelledError)
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_cancelled_after(self) -> None:
        """To cancel what is done changes nothing."""
        job = self.job("a")
        self.pool.perform()
        job.cancel()
        self.assertEqual(self.successResultOf(job), "a")

    def test_room_again(self) -> None:
        """A thread is busy with what was cancelled till that ends."""
        first = self.job("a")
        self.job("b")
        self.job("c")
        first.cancel()
        self.assertEqual(len(self.pool.given), 2)
        self.pool.perform()
        self.assertEqual(len(self.pool.given), 2)
        self.failureResultOf(first, CancelledError)

    @given(st.lists(st.tuples(st.sampled_from("gcp"), st.integers(0, 9)), max_size=40))
    def test_any(self, steps: list[tuple[str, int]]) -> None:
        """
        Whatever happens, each job is done at most once, and told of once; what
        waits is what somebody wants.
        """
        self.setUp()
        jobs: list[Deferred[Any]] = []
        told: list[int] = []
        for step, number in steps:
            if step == "g":
                job: Deferred[Any] = self.job(str(len(jobs)))
                job.addBoth(partial(self.note, told, len(jobs)))
                jobs.append(job)
            elif step == "c" and jobs:
                jobs[number % len(jobs)].cancel()
            elif step == "p" and self.pool.given:
                self.pool.perform(number % len(self.pool.given))
            left = len(jobs) - len(told)
            self.assertEqual(left, self.threads.waiting + len(self.pool.given))
            self.assertLessEqual(len(self.pool.given), 2)
            self.assertTrue(not self.threads.waiting or len(self.pool.given) == 2)
        while self.pool.given:
            self.pool.perform()
        self.assertEqual(sorted(told), list(range(len(jobs))))
        self.assertEqual(len(set(self.done)), len(self.done))


class StoppedByTests(SynchronousTestCase):
    """For work that can be told to stop."""

    def setUp(self) -> None:
        self.pool = MemoryPool(max=1)
        self.threads = PooledThreads(self.pool, self.pool)
        self.stopping = Event()

    def job(self, work: Callable[[], Any]) -> Deferred[Any]:
        return stopped_by(self.stopping.set, self.threads(work))

    def test_stopped(self) -> None:
        """Who cancels it has it stop, and hears of it when it has."""
        for work in (self.stopping.is_set, lambda: 1 // 0):
            job = self.job(work)
            for _ in range(2):
                job.cancel()
                self.assertTrue(self.stopping.is_set())
                self.assertNoResult(job)
            self.assertIsNot(self.pool.perform(), False)
            self.failureResultOf(job, CancelledError)
        gc.collect()
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_before(self) -> None:
        """What has not begun does not begin."""
        self.threads(lambda: 1)
        job = self.job(lambda: 2)
        job.cancel()
        self.failureResultOf(job, CancelledError)
        self.assertEqual(self.threads.waiting, 0)

    def test_done(self) -> None:
        """Else it is as without."""
        job = self.job(lambda: 1)
        self.pool.perform()
        self.assertEqual(self.successResultOf(job), 1)
        job = self.job(lambda: 1 // 0)
        self.pool.perform()
        self.failureResultOf(job, ZeroDivisionError)
        self.assertFalse(self.stopping.is_set())


class RealThreadsTests(TestCase):
    """With threads and a reactor as they are."""

    def setUp(self) -> None:
        self.pool = ThreadPool(0, 1, "jobs")
        self.pool.start()
        self.addCleanup(self.pool.stop)
        self.threads = PooledThreads(reactor, self.pool)
        self.opened = Event()
        self.addCleanup(self.opened.set)
        self.ran: list[str] = []

    def blocked(self) -> tuple[Deferred[Any], Deferred[None]]:
        """A job that goes on till C{opened}, and when it has begun."""
        real: Any = reactor
        has_begun: Deferred[None] = Deferred()

        def work() -> str:
            real.callFromThread(has_begun.callback, None)
            self.opened.wait()
            self.ran.append("first")
            return "done"

        return self.threads(work), has_begun

    async def test_done(self) -> None:
        """It is told what the work returns, or raises."""
        self.assertEqual(await self.threads(lambda: 7), 7)
        await self.assertFailure(self.threads(lambda: 1 // 0), ZeroDivisionError)

    async def test_cancelled(self) -> None:
        """What has begun is waited for; what has not never does."""
        first, has_begun = self.blocked()
        second = self.threads(lambda: self.ran.append("second"))
        third = self.threads(lambda: self.ran.append("third"))
        await has_begun
        first.cancel()
        second.cancel()
        self.failureResultOf(second, CancelledError)
        self.assertNoResult(first)
        self.opened.set()
        await self.assertFailure(first, CancelledError)
        await third
        self.assertEqual(self.ran, ["first", "third"])
