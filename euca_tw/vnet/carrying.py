"""
Making a machine carry what it shall, again and again until it does.

One view is applied at a time; of those that come meanwhile the last counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.model.networks import View
from euca_tw.vnet.interfaces import NetworkFailed

#: The log has the rest.
_FAULT = "a fault of euca_tw keeps this machine from it: its log has it"


@define(kw_only=True, eq=False)
class Carrying:
    """
    @ivar apply: makes the machine carry a view; idempotent.
    @ivar changed: called when a view is carried, and when one cannot be.
    @ivar carried: the view that is.
    @ivar trouble: why the last is not; C{""} if it is, or is under way.
    @ivar concerned: the networks that the trouble is of; None: of any.
    """

    clock: IReactorTime
    random: Random = field(repr=False)
    apply: Callable[[View], Awaitable[None]]
    changed: Callable[[], None]
    first_s: float = 0.5
    ceiling_s: float = 30.0
    carried: View | None = field(default=None, init=False)
    trouble: str = field(default="", init=False)
    concerned: frozenset[int] | None = field(default=None, init=False)
    _log: ClassVar[Logger] = Logger()
    _wanted: View | None = field(default=None, init=False)
    _is_started: bool = field(default=False, init=False)
    _is_working: bool = field(default=False, init=False)
    _is_doubted: bool = field(default=False, init=False)
    _nap: Deferred[None] | None = field(default=None, init=False)
    _background: Background = field(factory=Background, init=False)

    def start(self) -> None:
        """Begin with the last view there was."""
        self._is_started = True
        self._work()

    def stop(self) -> Deferred[Any]:
        """Apply no more; what is carried stays."""
        self._is_started = False
        # Who starts again makes sure of it.
        self.carried = None
        return self._background.stop()

    def carry(self, view: View) -> None:
        """From now on carry this."""
        self._wanted = view
        if self._nap is not None and not self._nap.called:
            self._nap.cancel()  # what did not go may go with this
        self._work()

    def make_sure(self) -> None:
        """Somebody may have undone a part of what is carried: apply it once more."""
        self._is_doubted = True
        self._work()

    def _work(self) -> None:
        is_idle = self._is_started and not self._is_working
        if is_idle and self._wanted is not None:
            self._is_working = True
            self._background.run("carrying networks", self._go())

    async def _go(self) -> None:
        backoff = Backoff(
            random=self.random, first_s=self.first_s, ceiling_s=self.ceiling_s
        )
        try:
            while self._is_started:
                view = self._wanted
                if view is None or (view is self.carried and not self._is_doubted):
                    return
                if await self._once(view):
                    backoff.reset()
                elif self._wanted is view:
                    await self._sleep(backoff.next())
        finally:
            self._is_working = False

    async def _once(self, view: View) -> bool:
        self._is_doubted = False
        try:
            await self.apply(view)
        except NetworkFailed as failed:
            if self.trouble != str(failed):
                self._log.error(
                    "This machine does not carry what it shall: {reason}",
                    reason=str(failed),
                )
            return self._not_so(str(failed), failed.numbers)
        except CancelledError:
            raise
        except Exception:
            if self.trouble != _FAULT:
                self._log.failure("Carrying networks failed")
            return self._not_so(_FAULT)
        before = {} if self.carried is None else self.carried.networks
        if self.trouble or before.keys() != view.networks.keys():
            self._log.info(
                "Networks that this machine carries: {count}", count=len(view.networks)
            )
        self.carried, self.trouble = view, ""
        self.changed()
        return True

    def _not_so(self, reason: str, concerned: frozenset[int] | None = None) -> bool:
        self._is_doubted = True
        self.trouble, self.concerned = reason, concerned
        self.changed()
        return False

    async def _sleep(self, seconds: float) -> None:
        self._nap = deferLater(self.clock, seconds)
        await self._nap.addErrback(lambda failure: None)
