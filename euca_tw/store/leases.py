"""What only one process may have at a time: asked of the journal, in bounded time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from euca_tw.store.interfaces import StoreUnreachable
from euca_tw.store.journal import IJournal
from euca_tw.store.tries import awaited

T = TypeVar("T")


@frozen(eq=False)
class Leases:
    """See L{euca_tw.store.interfaces.IShared.lead}."""

    _journal: IJournal
    _clock: IReactorTime
    _patience_s: float

    def lead(self, name: str, holder: str, for_s: float) -> Deferred[float | None]:
        def granted(is_granted: bool) -> float | None:
            # It is the holder's for so long from when the journal was asked, which
            # was not before this call.
            return for_s if is_granted else None

        leading = self._bounded(lambda: self._journal.lead(name, holder, for_s))
        return leading.addCallback(granted)

    def release(self, name: str, holder: str) -> Deferred[None]:
        return self._bounded(lambda: self._journal.release(name, holder))

    def _bounded(self, ask: Callable[[], Awaitable[T]]) -> Deferred[T]:
        """Asked once: who wants it goes on asking anyhow."""

        def overdue(failure: Failure) -> Failure:
            if failure.check(DeferredTimeout):
                self._journal.hang_up()
                return Failure(StoreUnreachable("the cloud's database does not answer"))
            return failure

        asking: Deferred[T] = Deferred.fromCoroutine(awaited(ask()))
        asking.addTimeout(self._patience_s, self._clock)
        return asking.addErrback(overdue)
