"""Waiting for what becomes of launches that were just placed."""

from __future__ import annotations

from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.cluster import RefusedLaunch


@define
class Outcomes:
    """@ivar patience_s: who waits longer is told that it is taken, as it is."""

    _clock: IReactorTime
    patience_s: float
    _waiting: dict[str, list[Deferred[RefusedLaunch | None]]] = field(
        factory=dict, init=False
    )

    def wait(self, instance_id: str) -> Deferred[RefusedLaunch | None]:
        """Fires with a refusal, or with None when it is taken."""
        waiting: Deferred[RefusedLaunch | None] = Deferred()
        self._waiting.setdefault(instance_id, []).append(waiting)

        def late(result: Any, timeout_s: float) -> None:
            """Nothing is known against it."""

        def done(result: Any) -> Any:
            others = self._waiting.get(instance_id, [])
            if waiting in others:
                others.remove(waiting)
            return result

        waiting.addTimeout(self.patience_s, self._clock, onTimeoutCancel=late)
        return waiting.addBoth(done)

    def tell(self, instance_id: str, refused: RefusedLaunch | None) -> None:
        """What became of it; nothing happens if nobody waits."""
        for each in self._waiting.pop(instance_id, ()):
            each.callback(refused)
