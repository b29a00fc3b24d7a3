"""Blocking work, elsewhere: what is passed to those who must not block."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred

T = TypeVar("T")


class InThread(Protocol):
    """
    Does C{work} in some thread.  A daemon passes
    C{partial(deferToThreadPool, reactor, pool)}.
    """

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """What C{work} returns or raises."""


def in_this_thread(work: Callable[[], T], /) -> Deferred[T]:
    """Do it at once: for tests, on a clock of their own."""
    return maybeDeferred(work)
