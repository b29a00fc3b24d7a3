"""Threads for what blocks: one thread, one queue, answers on the reactor."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

from twisted._threads import IWorker, ThreadWorker
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

T = TypeVar("T")

#: Calls a function in the reactor's thread: C{reactor.callFromThread}.
Deliver = Callable[[Callable[[], Any]], Any]


def thread_worker(name: str) -> IWorker:
    """
    A worker with a thread of its own, which does what it is given in turn.
    It must be told to C{quit}; the process does not wait for it otherwise.
    """
    return ThreadWorker(
        lambda work: Thread(target=work, name=name, daemon=True).start(),
        SimpleQueue(),
    )


@implementer(IWorker)
class ThisThread:
    """A worker that does everything at once, in the caller's thread."""

    def do(self, task: Callable[[], None]) -> None:
        task()

    def quit(self) -> None:
        """There is nothing to stop."""


def done_by(worker: IWorker, deliver: Deliver, work: Callable[[], T]) -> Deferred[T]:
    """
    Have something done by a worker, after all that it was given before.

    @return: what C{work} returns or raises.
    """
    waiting: Deferred[T] = Deferred()

    def do() -> None:
        try:
            result = work()
        except BaseException:  # whatever it is, the reactor's side is told
            failure = Failure()
            deliver(lambda: waiting.errback(failure))
        else:
            deliver(lambda: waiting.callback(result))

    worker.do(do)
    return waiting


__all__ = ["Deliver", "IWorker", "ThisThread", "done_by", "thread_worker"]
