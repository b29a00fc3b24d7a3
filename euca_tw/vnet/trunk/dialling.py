"""Connecting to a peer, again and again, as long as there is no connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred, TimeoutError
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from euca_tw.common.backoff import Backoff
from euca_tw.vnet.trunk.link import Wire


@define(eq=False, kw_only=True)
class Dialling:
    """
    To one peer.

    @ivar dial: connects, once.
    @ivar connected: told of it.  Whoever is told says L{again} if it came to
        nothing, or when it is over, and L{succeeded} if it came to something.
    @ivar failed: told why it did not.
    """

    clock: IReactorTime
    backoff: Backoff
    timeout_s: float
    dial: Callable[[], Awaitable[Wire]]
    connected: Callable[[Wire], None]
    failed: Callable[[str], None]
    _later: IDelayedCall | None = field(init=False, default=None)
    _trying: Deferred[Wire] | None = field(init=False, default=None)

    def now(self) -> None:
        """Try, if it is not being tried."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._trying is None:
            self._try()

    def again(self) -> None:
        """Try in a while, if nothing is under way."""
        if self._later is None and self._trying is None:
            self._later = self.clock.callLater(self.backoff.next(), self._wake)

    def succeeded(self) -> None:
        """There is a connection, by whomever."""
        self.backoff.reset()
        self.stop()

    def stop(self) -> None:
        """Try no more."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._trying is not None:
            self._trying.cancel()

    def _wake(self) -> None:
        self._later = None
        self._try()

    def _try(self) -> None:
        async def dialled() -> Wire:
            return await self.dial()

        trying = Deferred.fromCoroutine(dialled())
        self._trying = trying
        trying.addTimeout(self.timeout_s, self.clock)
        trying.addCallbacks(self._connected, self._failed)

    def _connected(self, wire: Wire) -> None:
        self._trying = None
        self.connected(wire)

    def _failed(self, failure: Failure) -> None:
        self._trying = None
        if failure.check(CancelledError) is not None:
            return
        failure.trap(OSError, TimeoutError)
        error = failure.value
        self.failed(getattr(error, "strerror", None) or "nobody answers")
        self.again()
