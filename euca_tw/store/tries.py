"""Asking again what was not answered, and for how long one waits for that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from euca_tw.common.backoff import Backoff
from euca_tw.store.interfaces import StoreUnreachable, StoreUnusable

T = TypeVar("T")


@define(eq=False)
class Tries(Generic[T]):
    """
    One question at a time, which is asked until it is answered.

    @ivar _ask: asks it, once.
    @ivar _answered: gets the answer.
    @ivar _overdue: told if there is none for so long, or none at once while there
        was none for so long before.
    @ivar _ended: told why there will never be one.
    @ivar failing: why there was no answer for long; None: there is no such trouble.
    """

    _clock: IReactorTime
    _backoff: Backoff
    _patience_s: float
    _ask: Callable[[], Awaitable[T]]
    _answered: Callable[[T], None]
    _overdue: Callable[[StoreUnreachable], None]
    _ended: Callable[[StoreUnusable], None]

    failing: StoreUnreachable | None = field(init=False, default=None)
    is_asking: bool = field(init=False, default=False)
    _is_stopped: bool = field(init=False, default=False)
    _reason: str = field(init=False, default="")
    _patience: IDelayedCall | None = field(init=False, default=None)
    _again: IDelayedCall | None = field(init=False, default=None)

    _log = Logger()

    def begin(self) -> None:
        """Ask; nothing else is being asked."""
        self.is_asking, self._is_stopped = True, False
        self._reason = "it has not answered"
        self._patience = self._clock.callLater(self._patience_s, self._is_overdue)
        self._try()

    def stop(self) -> None:
        """Whatever is answered, nobody wants to know."""
        self._is_stopped = True
        self._done()

    def _try(self) -> None:
        self._again = None
        asked = Deferred.fromCoroutine(awaited(self._ask()))
        asked.addCallbacks(self._succeeded, self._failed)
        asked.addErrback(self._broken)

    def _succeeded(self, answer: T) -> None:
        if self._is_stopped:
            return
        self._done()
        self.failing = None
        self._backoff.reset()
        self._answered(answer)

    def _failed(self, failure: Failure) -> None:
        if self._is_stopped:
            return
        error = failure.value
        if isinstance(error, StoreUnreachable):
            self._reason = str(error)
            self._again = self._clock.callLater(self._backoff.next(), self._try)
        elif isinstance(error, StoreUnusable):
            self._done()
            self._ended(error)
        else:
            self._broken(failure)

    def _broken(self, failure: Failure) -> None:
        """A bug: what memory has may be anything."""
        self._log.failure("The store failed", failure)
        self._done()
        self._ended(StoreUnusable("the store failed, see the log: start again"))

    def _is_overdue(self) -> None:
        self._patience = None
        self.failing = StoreUnreachable(
            f"the cloud's database has not answered for {self._patience_s:.0f} s "
            f"({self._reason})"
        )
        self._overdue(self.failing)

    def _done(self) -> None:
        self.is_asking = False
        for each in (self._patience, self._again):
            if each is not None:
                each.cancel()
        self._patience = self._again = None


async def awaited(asked: Awaitable[T]) -> T:
    """For what wants a coroutine."""
    return await asked
