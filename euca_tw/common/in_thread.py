"""Blocking work, elsewhere: what is passed to those who must not block."""

# Note [Begun is begun]
#
# No thread can be made to stop.  So who cancels work that has begun is told
# that it is cancelled only when it has ended: till then it holds what it was
# given (a request's body, a lock, its place among the requests in work), and
# whoever keeps count of that counts it.
# What has not begun is forgotten at once, with all that it holds.  So nothing
# waits but what somebody waits for, and no stranger can make that queue longer
# than his requests that are in work: to hang up takes them out of it.

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Protocol, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.failure import Failure

T = TypeVar("T")


class InThread(Protocol):
    """Does C{work} in some thread.  A daemon passes L{PooledThreads}."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """
        What C{work} returns or raises.  May be cancelled; see Note [Begun is
        begun].
        """


def in_this_thread(work: Callable[[], T], /) -> Deferred[T]:
    """Do it at once: for tests, on a clock of their own."""
    return maybeDeferred(work)


@define(eq=False)
class _Job(Generic[T]):
    """
    @ivar cancelled: L{CancelledError}, if that is what is to be told when it
        has ended.
    """

    _cancel: Callable[[_Job[T]], None]
    work: Callable[[], T] | None
    is_running: bool = False
    cancelled: Failure | None = None
    _told: Deferred[T] | None = None

    def begin_telling(self) -> Deferred[T]:
        """What is told of it now."""
        # When the canceller returns, the Deferred fails; so the errback is what
        # can make that wait.
        self._told = told = Deferred[T](lambda _: self._cancel(self))
        told.addErrback(self._failed)
        return told

    def _failed(self, failure: Failure) -> Failure | Deferred[T]:
        if not self.is_running:
            return failure
        self.cancelled = failure
        return self.begin_telling()

    def end(self, result: T | Failure) -> None:
        self.is_running = False
        told = self._told
        assert told is not None
        if self.cancelled is not None:
            told.errback(self.cancelled)
        elif isinstance(result, Failure):
            told.errback(result)
        else:
            told.callback(result)


@define(eq=False)
class PooledThreads:
    """
    An L{InThread}: does things in the threads of a pool, in the order in which
    they come.  To be called in the reactor's thread.

    The pool is given no more than it has threads, for what it was given cannot
    be had back.
    """

    _reactor: Any
    _pool: Any
    _running: int = field(init=False, default=0)
    _jobs: OrderedDict[_Job[Any], None] = field(init=False, factory=OrderedDict)

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._jobs)

    def __call__(self, work: Callable[[], T], /) -> Deferred[T]:
        job: _Job[T] = _Job(self._forget, work)
        told = job.begin_telling()
        self._jobs[job] = None
        self._begin()
        return told

    def _forget(self, job: _Job[Any]) -> None:
        if not job.is_running:
            job.work = None
            del self._jobs[job]

    def _begin(self) -> None:
        while self._jobs and self._running < self._pool.max:
            job, _ = self._jobs.popitem(last=False)
            work, job.work = job.work, None
            assert work is not None
            self._running += 1
            job.is_running = True
            running = deferToThreadPool(self._reactor, self._pool, work)
            running.addBoth(self._ended, job)

    def _ended(self, result: Any, job: _Job[Any]) -> None:
        self._running -= 1
        self._begin()
        job.end(result)


def stopped_by(stop: Callable[[], object], job: Awaitable[T]) -> Deferred[T]:
    """
    The same job, for work that looks now and then whether to go on: who cancels
    it has it stop, and is told so when it has.
    """

    async def awaited() -> T:
        return await job

    def cancel(_: _Job[T]) -> None:
        stop()
        running.cancel()

    running = Deferred.fromCoroutine(awaited())
    stoppable: _Job[T] = _Job(cancel, None, is_running=True)
    told = stoppable.begin_telling()
    running.addBoth(stoppable.end)
    return told


__all__ = ["InThread", "PooledThreads", "in_this_thread", "stopped_by"]
