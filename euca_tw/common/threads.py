"""Threads for what blocks: one thread, one queue, answers on the reactor."""

from __future__ import annotations

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from twisted._threads import IWorker, ThreadWorker
from zope.interface import implementer

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


__all__ = ["Deliver", "IWorker", "ThisThread", "thread_worker"]
