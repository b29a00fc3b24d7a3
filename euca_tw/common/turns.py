"""
Who has more to do than fits into one turn of the reactor takes turns with others.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from attrs import define, field
from twisted.internet.interfaces import IReactorTime


@define(eq=False)
class Turns:
    """Lets one of those that wait go on in each turn of the reactor, in order."""

    _clock: IReactorTime
    _waiting: OrderedDict[Hashable, Callable[[], object]] = field(factory=OrderedDict)
    _call: Any = None

    def ask(self, who: Hashable, go_on: Callable[[], object]) -> None:
        """Call C{go_on} when it is its turn."""
        self._waiting[who] = go_on
        if self._call is None:
            self._call = self._clock.callLater(0, self._next)

    def leave(self, who: Hashable) -> None:
        """It is not to be called, if it still is to be."""
        if self._waiting.pop(who, None) is not None and not self._waiting:
            self._call.cancel()
            self._call = None

    def _next(self) -> None:
        _, go_on = self._waiting.popitem(last=False)
        self._call = self._clock.callLater(0, self._next) if self._waiting else None
        go_on()


__all__ = ["Turns"]
