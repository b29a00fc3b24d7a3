"""
That what a cluster tells is kept for those who do not hear it: with what is kept
anyhow, or by itself, at most once in a while.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from euca_tw.common.background import Background
from euca_tw.model.sharing import ClusterReport
from euca_tw.store.interfaces import Change, Conflict, IStore, Put, StoreUnreachable

#: Between two commits of nothing else.
_EVERY_S = 1.0


@define(eq=False)
class Reporting:
    """
    @ivar report: what there is to tell now.
    @ivar may_act: whether it is still this process that tells.
    """

    _clock: IReactorTime
    _store: IStore
    _report: Callable[[], ClusterReport]
    _may_act: Callable[[], bool]
    _background: Background = field(factory=Background, init=False)
    _later: IDelayedCall | None = field(default=None, init=False)
    _not_before: float = field(default=0.0, init=False)

    def look(self) -> None:
        """Something may be different."""
        if self._later is None:
            wait_s = max(0.0, self._not_before - self._clock.seconds())
            self._later = self._clock.callLater(wait_s, self._keep)

    def changes(self) -> tuple[Change, ...]:
        """What to commit together with something else."""
        report = self._report()
        # It is this process that wrote it last, or it is to be written.
        if report == self._store.get(ClusterReport, report.zone):
            return ()
        return (Put(report),)

    def _keep(self) -> None:
        self._later = None
        if self._may_act() and (changes := self.changes()):
            self._not_before = self._clock.seconds() + _EVERY_S
            self._background.run("passing on a cluster's report", self._commit(changes))

    async def _commit(self, changes: tuple[Change, ...]) -> None:
        try:
            await self._store.commit(*changes)
        except (Conflict, StoreUnreachable):
            self.look()

    def stop(self) -> Deferred[Any]:
        """Tell no more."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        # Whoever is next tells anew: nothing is waited for.
        return self._background.stop()


__all__ = ["Reporting"]
