"""Work that nobody waits for right now, but that is neither lost nor silent."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, ClassVar

from attrs import Factory, define
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure


@define
class Background:
    """
    Runs coroutines, logs the failure of each, and waits for all at the end.
    """

    _log: ClassVar[Logger] = Logger()
    _running: set[Deferred[Any]] = Factory(set)

    def run(self, what: str, work: Coroutine[Any, Any, Any]) -> Deferred[Any]:
        """
        Start C{work} now.

        @param what: what it is, for the log: C{"importing emi-12345678"}.
        @return: fires with None when it has ended, however; may be cancelled.
        """
        running: Deferred[Any] = Deferred.fromCoroutine(work)
        self._running.add(running)

        def ended(result: Any) -> Any:
            self._running.discard(running)
            if not isinstance(result, Failure):
                return result
            if not isinstance(result.value, CancelledError):
                self._log.failure("{what} failed", result, what=what)
            return None

        return running.addBoth(ended)

    def stop(self) -> Deferred[Any]:
        """Cancel what still runs; fires when all has ended."""
        running = list(self._running)
        for each in running:
            each.cancel()
        return DeferredList(running, consumeErrors=True)
