"""
Calls that block, in threads of their own, that the reactor never waits for.

For libraries whose calls may hang: every call has a time after which its
caller is told so.  A call that has begun cannot be stopped; its thread is busy
until it returns, and whatever is in the same lane waits.  A call that has not
begun by then never will.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar, cast

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from euca_tw.common.threads import Deliver, IWorker

T = TypeVar("T")


@define(eq=False)
class _Call:
    work: Callable[[], Any]
    lane: str | None
    answer: Deferred[Any]
    has_begun: bool = False
    is_given_up: bool = False


@define(eq=False)
class BlockingCalls:
    """
    At most C{size} calls at a time; those of one lane in their order, one at a
    time.

    @ivar make_worker: a new thread; called C{size} times at most.
    """

    _clock: IReactorTime
    _deliver: Deliver
    _make_worker: Callable[[], IWorker]
    _size: int
    _workers: int = field(default=0, init=False)
    _idle: list[IWorker] = field(factory=list, init=False)
    _ready: deque[_Call] = field(factory=deque, init=False)
    _lanes: dict[str, deque[_Call]] = field(factory=dict, init=False)
    _running: set[_Call] = field(factory=set, init=False)
    _is_stopped: bool = field(default=False, init=False)

    @property
    def hung(self) -> int:
        """How many threads are in a call that was given up."""
        return sum(call.is_given_up for call in self._running)

    def call(
        self, work: Callable[[], T], timeout_s: float | None, lane: str | None = None
    ) -> Deferred[T]:
        """
        What C{work} returns or raises.  May be cancelled.

        @param timeout_s: None for no limit.
        @raise TimeoutError: it has not ended, or not begun, in time.
        """
        if self._is_stopped:
            raise RuntimeError("stopped")
        call = _Call(work, lane, Deferred(lambda _: self._give_up(call)))
        if timeout_s is not None:
            call.answer.addTimeout(timeout_s, self._clock)
        if lane is None:
            self._ready.append(call)
        else:
            queue = self._lanes.setdefault(lane, deque())
            queue.append(call)
            if len(queue) == 1:
                self._ready.append(call)
        self._begin()
        return cast("Deferred[T]", call.answer)

    def stop(self) -> None:
        """
        Begin nothing more; who still waits is told C{CancelledError}.
        Threads end with the calls that they are in.
        """
        self._is_stopped = True
        waiting = [call for queue in self._lanes.values() for call in queue]
        for call in {*waiting, *self._ready, *self._running}:
            call.answer.cancel()
        while self._idle:
            self._idle.pop().quit()

    def _give_up(self, call: _Call) -> None:
        call.is_given_up = True
        if call.has_begun:
            return
        if call.lane is None:
            self._ready.remove(call)
            return
        queue = self._lanes[call.lane]
        if queue[0] is call:
            self._ready.remove(call)
            self._leave(call)
        else:
            queue.remove(call)

    def _begin(self) -> None:
        while self._ready and (self._idle or self._workers < self._size):
            if not self._idle:
                self._idle.append(self._make_worker())
                self._workers += 1
            call = self._ready.popleft()
            call.has_begun = True
            self._running.add(call)
            worker = self._idle.pop()
            worker.do(partial(self._in_thread, call, worker))

    def _in_thread(self, call: _Call, worker: IWorker) -> None:
        outcome: Any
        try:
            outcome = call.work()
        except Exception:
            # Whatever it is, it is the caller's; the thread goes on.
            outcome = Failure()
        self._deliver(lambda: self._ended(call, worker, outcome))

    def _ended(self, call: _Call, worker: IWorker, outcome: Any) -> None:
        self._running.discard(call)
        if self._is_stopped:
            worker.quit()
        else:
            self._idle.append(worker)
            if call.lane is not None:
                self._leave(call)
            self._begin()
        if call.answer.called:
            return
        if isinstance(outcome, Failure):
            call.answer.errback(outcome)
        else:
            call.answer.callback(outcome)

    def _leave(self, call: _Call) -> None:
        """The first of a lane is done with; the next is ready."""
        assert call.lane is not None
        queue = self._lanes[call.lane]
        queue.popleft()
        if queue:
            self._ready.append(queue[0])
        else:
            del self._lanes[call.lane]
