"""
Guests that were asked to reboot, until they do or it is plain that they do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger


@define(eq=False)
class Reboots:
    """
    @ivar patience_s: what a guest is given to begin anew.
    @ivar reset: called with the name of one that has not.
    """

    _clock: IReactorTime
    _patience_s: float
    _reset: Callable[[str], None]
    _waiting: dict[str, IDelayedCall] = field(factory=dict, init=False)
    _log: ClassVar[Logger] = Logger()

    def __len__(self) -> int:
        return len(self._waiting)

    def asked(self, name: str) -> bool:
        """
        It is asked; if it was before, that still counts.

        @return: it was not.
        """
        if name in self._waiting:
            return False
        self._waiting[name] = self._clock.callLater(
            self._patience_s, self._has_not, name
        )
        return True

    def forget(self, name: str) -> None:
        """It has begun anew, or ended."""
        waiting = self._waiting.pop(name, None)
        if waiting is not None:
            waiting.cancel()

    def forget_all(self) -> None:
        """Whether they have cannot be known, or is nobody's concern."""
        for name in list(self._waiting):
            self.forget(name)

    def _has_not(self, name: str) -> None:
        del self._waiting[name]
        self._log.info(
            "{name} was asked to reboot and has not for {seconds} s: it is reset",
            name=name,
            seconds=self._patience_s,
        )
        self._reset(name)
