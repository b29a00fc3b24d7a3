"""A clock that goes one step at a time."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable

from twisted.internet.base import DelayedCall
from twisted.internet.task import Clock


class StepClock(Clock):
    """
    A clock that can be advanced by one delayed call.

    @ivar steps: how many calls were made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> DelayedCall:
        """Puts it in its place; L{Clock} would sort all calls for each."""
        call = DelayedCall(
            self.rightNow + delay,
            callable,
            args,
            kw,
            self.calls.remove,
            self._put_again,
            self.seconds,
        )
        insort(self.calls, call, key=DelayedCall.getTime)
        return call

    def _put_again(self, call: DelayedCall) -> None:
        """It is due at another time."""
        self.calls.sort(key=DelayedCall.getTime)

    def step(self, until: float) -> bool:
        """
        Make the next call that is due by C{until}.

        @return: whether there was any; if not, it is now C{until}.
        """
        if not self.calls or self.calls[0].getTime() > until:
            self.rightNow = max(self.rightNow, until)
            return False
        call = self.calls.pop(0)
        self.rightNow = max(self.rightNow, call.getTime())
        call.called = 1
        self.steps += 1
        call.func(*call.args, **call.kw)
        return True
