"""
Calls that block, in threads of their own, that the reactor never waits for.

For libraries whose calls may hang: every call has a time after which its
caller is told so.  A call that has begun cannot be stopped; its thread is busy
until it returns, and whatever is in the same lane waits, but for what may
overtake it.  A call that has not begun by then never will.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
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
    """
    @ivar is_ready: it begins with the next thread that is free, or has begun.
    """

    work: Callable[[], Any]
    pool: _Pool
    lane: str | None
    overtakes: bool
    unwanted: Callable[[Any], object] | None
    answer: Deferred[Any]
    is_ready: bool = False
    has_begun: bool = False
    is_given_up: bool = False

    @property
    def hangs(self) -> bool:
        """It was given up when it had begun, and has not ended."""
        return self.has_begun and self.is_given_up


@define(eq=False)
class _Pool:
    name: str
    size: int
    workers: int = 0
    idle: list[IWorker] = field(factory=list)
    ready: deque[_Call] = field(factory=deque)


def _made(sizes: Mapping[str, int]) -> dict[str, _Pool]:
    return {name: _Pool(name, size) for name, size in sizes.items()}


@define(eq=False)
class BlockingCalls:
    """
    As many calls of a pool at a time as it has threads; those of one lane in
    their order, one at a time, whatever their pools.

    @ivar make_worker: a new thread for a pool, by its name; called as often as
        the pool's size at most.
    @ivar pools: how many threads they have at most, by name.
    """

    _clock: IReactorTime
    _deliver: Deliver
    _make_worker: Callable[[str], IWorker]
    _pools: dict[str, _Pool] = field(converter=_made)
    _lanes: dict[str, list[_Call]] = field(factory=dict, init=False)
    _running: set[_Call] = field(factory=set, init=False)
    _is_stopped: bool = field(default=False, init=False)

    @property
    def hung(self) -> int:
        """How many threads are in a call that was given up."""
        return sum(call.hangs for call in self._running)

    def call(
        self,
        work: Callable[[], T],
        timeout_s: float | None,
        pool: str,
        lane: str | None = None,
        *,
        overtakes: bool = False,
        unwanted: Callable[[T], object] | None = None,
    ) -> Deferred[T]:
        """
        What C{work} returns or raises.  May be cancelled.

        @param timeout_s: None for no limit.
        @param overtakes: what hangs in its lane does not hold it up.
        @param unwanted: called, in the thread, with what C{work} returns when
            nobody waits for it any more: to close it.
        @raise TimeoutError: it has not ended, or not begun, in time.
        """
        if self._is_stopped:
            raise RuntimeError("stopped")
        call = _Call(
            work,
            self._pools[pool],
            lane,
            overtakes,
            unwanted,
            Deferred(lambda _: self._give_up(call)),
        )
        if timeout_s is not None:
            call.answer.addTimeout(timeout_s, self._clock)
        if lane is None:
            self._is_ready(call)
        else:
            self._lanes.setdefault(lane, []).append(call)
            self._go_on(lane)
        return cast("Deferred[T]", call.answer)

    def stop(self) -> None:
        """
        Begin nothing more; who still waits is told C{CancelledError}.
        Threads end with the calls that they are in.
        """
        self._is_stopped = True
        pools = self._pools.values()
        waiting = {call for lane in self._lanes.values() for call in lane}
        for call in waiting.union(self._running, *(pool.ready for pool in pools)):
            call.answer.cancel()
        for pool in pools:
            while pool.idle:
                pool.idle.pop().quit()

    def _give_up(self, call: _Call) -> None:
        call.is_given_up = True
        if not call.has_begun:
            if call.is_ready:
                call.pool.ready.remove(call)
            self._leave(call)
        elif call.lane is not None:
            self._go_on(call.lane)

    def _leave(self, call: _Call) -> None:
        """It is done with; what waits for it in its lane does so no more."""
        if call.lane is None:
            return
        lane = self._lanes[call.lane]
        lane.remove(call)
        if lane:
            self._go_on(call.lane)
        else:
            del self._lanes[call.lane]

    def _go_on(self, lane: str) -> None:
        """Make ready the first of a lane that waits, if nothing holds it up."""
        is_held_up = False
        for call in self._lanes[lane]:
            if call.hangs:
                is_held_up = True
                continue
            if not call.is_ready and (call.overtakes or not is_held_up):
                self._is_ready(call)
            return

    def _is_ready(self, call: _Call) -> None:
        call.is_ready = True
        call.pool.ready.append(call)
        self._begin(call.pool)

    def _begin(self, pool: _Pool) -> None:
        while (
            not self._is_stopped
            and pool.ready
            and (pool.idle or pool.workers < pool.size)
        ):
            if not pool.idle:
                pool.idle.append(self._make_worker(pool.name))
                pool.workers += 1
            call = pool.ready.popleft()
            call.has_begun = True
            self._running.add(call)
            worker = pool.idle.pop()
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
        is_failed = isinstance(outcome, Failure)
        if call.answer.called and not is_failed and call.unwanted is not None:
            # It has ended when that is disposed of.
            call.work, call.unwanted = partial(call.unwanted, outcome), None
            worker.do(partial(self._in_thread, call, worker))
            return
        self._running.discard(call)
        if self._is_stopped:
            worker.quit()
        else:
            call.pool.idle.append(worker)
            self._leave(call)
            self._begin(call.pool)
        if call.answer.called:
            return
        if is_failed:
            call.answer.errback(outcome)
        else:
            call.answer.callback(outcome)
