"""Calls that block, in threads that the reactor never waits for."""

from __future__ import annotations

from collections.abc import Callable
from threading import current_thread
from typing import Any

from twisted._threads import AlreadyQuit, createMemoryWorker
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from euca_tw.common.calls import BlockingCalls
from euca_tw.common.threads import IWorker, thread_worker


class BlockingCallsTests(SynchronousTestCase):
    """Threads are pumped by hand here: C{work(n)} lets the n-th do its call."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.performers: list[Callable[[], bool]] = []
        self.workers: list[IWorker] = []
        self.done: list[Any] = []
        self.disposed: list[Any] = []
        self.calls = BlockingCalls(
            self.clock,
            lambda deliver: deliver(),
            self.make_worker,
            {"act": 2, "end": 1},
        )

    def make_worker(self, pool: str) -> IWorker:
        worker, perform = createMemoryWorker()
        self.performers.append(perform)
        self.workers.append(worker)
        return worker

    def work(self, thread: int = 0) -> bool:
        return self.performers[thread]()

    def call(
        self,
        what: Any,
        lane: str | None = None,
        timeout_s: float = 10,
        pool: str = "act",
        **given: Any,
    ) -> Deferred[Any]:
        def work() -> Any:
            self.done.append(what)
            if isinstance(what, Exception):
                raise what
            return what

        return self.calls.call(work, timeout_s, pool, lane, **given)

    def test_answer(self) -> None:
        """A call is answered with what it returns."""
        answer = self.call("a")
        self.assertNoResult(answer)
        self.work()
        self.assertEqual(self.successResultOf(answer), "a")

    def test_failure(self) -> None:
        """A call is answered with what it raises; the thread works on."""
        answer = self.call(ValueError("no"))
        self.work()
        self.failureResultOf(answer, ValueError)
        answer = self.call("b")
        self.work()
        self.assertEqual(self.successResultOf(answer), "b")

    def test_threads_are_kept(self) -> None:
        """A thread that is free is used again."""
        for _ in range(3):
            self.call("a")
            self.work()
        self.assertEqual(len(self.performers), 1)

    def test_threads_are_bounded(self) -> None:
        """When all threads are busy the next call waits for one."""
        answers = [self.call(n) for n in range(4)]
        self.assertEqual(len(self.performers), 2)
        self.work(1)
        self.work(1)
        self.work(1)
        self.assertEqual(self.done, [1, 2, 3])
        self.assertNoResult(answers[0])
        self.work(0)
        self.assertEqual(self.successResultOf(answers[0]), 0)

    def test_lane(self) -> None:
        """Calls of one lane are done one after another."""
        self.call("a", lane="i-1")
        second = self.call("b", lane="i-1")
        self.assertEqual(len(self.performers), 1)
        self.work()
        self.work()
        self.assertEqual(self.successResultOf(second), "b")
        self.assertEqual(self.done, ["a", "b"])

    def test_lanes_side_by_side(self) -> None:
        """Calls of different lanes do not wait for each other."""
        self.call("a", lane="i-1")
        other = self.call("b", lane="i-2")
        self.work(1)
        self.assertEqual(self.successResultOf(other), "b")

    def test_timeout(self) -> None:
        """A call that takes too long is given up; its thread is counted."""
        answer = self.call("a", timeout_s=3)
        self.clock.advance(3)
        self.failureResultOf(answer, TimeoutError)
        self.assertEqual(self.calls.hung, 1)
        self.work()
        self.assertEqual(self.calls.hung, 0)

    def test_late_failure(self) -> None:
        """What a call raises after it was given up is nobody's."""
        answer = self.call(ValueError("late"), timeout_s=3)
        self.clock.advance(3)
        self.failureResultOf(answer, TimeoutError)
        self.work()
        self.flushLoggedErrors()
        self.assertEqual(self.calls.hung, 0)

    def test_unwanted(self) -> None:
        """
        What a call returns after it was given up is disposed of, in its thread and
        its lane.
        """
        answer = self.call("a", lane="i-1", timeout_s=3, unwanted=self.disposed.append)
        after = self.call("b", lane="i-1", timeout_s=30)
        self.clock.advance(3)
        self.failureResultOf(answer, TimeoutError)
        self.work()
        self.assertEqual((self.disposed, self.calls.hung), ([], 1))
        self.work()
        self.assertEqual((self.disposed, self.calls.hung), (["a"], 0))
        self.work()
        self.assertEqual(self.successResultOf(after), "b")

    def test_unwanted_failure(self) -> None:
        """Of what fails late, or cannot be disposed of, nothing is left to do."""
        for what, disposed in ((ValueError("late"), []), (0, [0])):
            answer = self.call(what, timeout_s=3, unwanted=self.dispose_wrongly)
            self.clock.advance(3)
            self.failureResultOf(answer, TimeoutError)
            while self.work():
                pass
            self.assertEqual((self.disposed, self.calls.hung), (disposed, 0))

    def dispose_wrongly(self, what: Any) -> None:
        self.disposed.append(what)
        raise ZeroDivisionError

    def test_wanted(self) -> None:
        """What a call returns in time is its caller's."""
        answer = self.call("a", unwanted=self.disposed.append)
        while self.work():
            pass
        self.assertEqual(self.successResultOf(answer), "a")
        self.assertEqual(self.disposed, [])

    def test_unwanted_at_stop(self) -> None:
        """What a call returns after a stop is disposed of, and its thread ends."""
        answer = self.call("a", unwanted=self.disposed.append)
        self.calls.stop()
        self.failureResultOf(answer, CancelledError)
        while self.work():
            pass
        self.assertEqual(self.disposed, ["a"])
        self.assertRaises(AlreadyQuit, self.workers[0].do, lambda: None)

    def test_lane_waits_for_hung(self) -> None:
        """A lane goes on only when its given-up call has really ended."""
        first = self.call("a", lane="i-1", timeout_s=3)
        second = self.call("b", lane="i-1", timeout_s=30)
        self.clock.advance(3)
        self.failureResultOf(first, TimeoutError)
        self.assertNoResult(second)
        self.work()
        self.work()
        self.assertEqual(self.successResultOf(second), "b")

    def end(self, what: str = "end", **given: Any) -> Deferred[Any]:
        return self.call(what, "i-1", pool="end", overtakes=True, **given)

    def test_pools_side_by_side(self) -> None:
        """While all threads of one pool hang, another's do their calls."""
        for n in range(3):
            self.call(n)
        ending = self.call("end", pool="end")
        self.work(2)
        self.assertEqual(self.successResultOf(ending), "end")

    def test_lane_over_pools(self) -> None:
        """Calls of one lane are done one after another, whatever their pools."""
        self.call("a", lane="i-1")
        ending = self.call("b", lane="i-1", pool="end")
        self.assertEqual(len(self.performers), 1)
        self.work()
        self.work(1)
        self.assertEqual(self.successResultOf(ending), "b")
        self.assertEqual(self.done, ["a", "b"])

    def test_overtakes_what_hangs(self) -> None:
        """What may overtake begins when that before it in its lane is given up."""
        first = self.call("first", "i-1", timeout_s=3)
        ending = self.end()
        self.assertEqual(len(self.performers), 1)
        self.clock.advance(3)
        self.failureResultOf(first, TimeoutError)
        self.work(1)
        self.assertEqual(self.successResultOf(ending), "end")
        later = self.call("later", "i-1", timeout_s=30)
        self.assertEqual(len(self.performers), 2)
        self.work(0)
        self.work(0)
        self.assertEqual(self.successResultOf(later), "later")
        self.assertEqual(self.done, ["end", "first", "later"])

    def test_does_not_overtake_what_waits(self) -> None:
        """What waits in a lane keeps its place before what may overtake."""
        first = self.call("first", "i-1", timeout_s=3)
        second = self.call("second", "i-1", timeout_s=5)
        ending = self.end()
        self.clock.advance(3)
        self.failureResultOf(first, TimeoutError)
        self.assertNoResult(second)
        self.assertEqual(len(self.performers), 1)
        self.clock.advance(2)
        self.failureResultOf(second, TimeoutError)
        self.work(1)
        self.assertEqual(self.successResultOf(ending), "end")
        self.assertEqual(self.done, ["end"])

    def test_overtaker_hangs(self) -> None:
        """What has overtaken and hangs, too, can be overtaken when it may be tried."""
        hanging = [self.call("first", "i-1", timeout_s=1)]
        self.clock.advance(1)
        hanging.append(self.end(timeout_s=1))
        again = self.end("again")
        self.clock.advance(1)
        for each in hanging:
            self.failureResultOf(each, TimeoutError)
        self.assertEqual(self.calls.hung, 2)
        self.assertNoResult(again)
        self.work(1)
        self.work(1)
        self.assertEqual(self.successResultOf(again), "again")

    def test_not_begun(self) -> None:
        """A call that was given up before it began never begins."""
        running = [self.call(n) for n in range(2)]
        waiting = self.call("late", timeout_s=1)
        self.clock.advance(1)
        self.failureResultOf(waiting, TimeoutError)
        for thread in range(2):
            while self.work(thread):
                pass
        self.assertEqual(self.done, [0, 1])
        self.assertEqual([self.successResultOf(each) for each in running], [0, 1])

    def test_not_begun_in_lane(self) -> None:
        """A lane skips what was given up in it, at its head or further back."""
        blockers = [self.call(n) for n in range(2)]
        head = self.call("head", lane="i-1")
        middle = self.call("middle", lane="i-1")
        last = self.call("last", lane="i-1")
        head.cancel()
        middle.cancel()
        self.failureResultOf(head, CancelledError)
        self.failureResultOf(middle, CancelledError)
        for _ in range(2):
            self.work(0)
        self.assertEqual(self.done, [0, "last"])
        self.assertEqual(self.successResultOf(last), "last")
        self.work(1)
        self.assertEqual([self.successResultOf(each) for each in blockers], [0, 1])

    def test_last_of_lane_given_up(self) -> None:
        """A lane whose only call was given up can be used again."""
        for n in range(2):
            self.call(n)
        self.failureResultOf(self.cancelled("i-1"), CancelledError)
        again = self.call("again", lane="i-1")
        self.work(0)
        self.work(0)
        self.assertEqual(self.successResultOf(again), "again")

    def cancelled(self, lane: str) -> Deferred[Any]:
        answer = self.call("never", lane=lane)
        answer.cancel()
        return answer

    def test_stop(self) -> None:
        """When it is stopped all who wait are told, and nothing more begins."""
        answers = [self.call(n, lane="i-1") for n in range(2)]
        answers += [self.call(n) for n in range(2, 6)]
        answers.append(self.end())
        self.calls.stop()
        for answer in answers:
            self.failureResultOf(answer, CancelledError)
        self.assertEqual(len(self.performers), 2)
        for thread in range(2):
            while self.work(thread):
                pass
        self.assertEqual(sorted(self.done), [0, 2])
        self.assertRaises(RuntimeError, self.call, "more")

    def test_stop_ends_threads(self) -> None:
        """Threads that are free end at once, busy ones with their call."""
        self.call("a")
        busy = self.call("b")
        self.work(0)
        self.calls.stop()
        self.failureResultOf(busy, CancelledError)
        self.assertEqual([self.has_ended(n) for n in range(2)], [True, False])
        self.work(1)
        self.assertEqual([self.has_ended(n) for n in range(2)], [True, True])

    def has_ended(self, thread: int) -> bool:
        try:
            self.workers[thread].do(lambda: None)
        except AlreadyQuit:
            return True
        return False


class ThreadsTests(TestCase):
    async def test_real_threads(self) -> None:
        """With real threads, work is done elsewhere and answered here."""
        calls = BlockingCalls(
            reactor,  # type: ignore[arg-type]
            reactor.callFromThread,  # type: ignore[attr-defined]
            thread_worker,
            {"calls": 2},
        )
        self.addCleanup(calls.stop)
        names = {
            await calls.call(lambda: current_thread().name, 10, "calls", lane)
            for lane in (None, "a", None)
        }
        self.assertEqual(names, {"calls"})
