"""
Listening to a peer without end: one long poll after another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from euca_tw.common.background import Background
from euca_tw.common.backoff import Backoff
from euca_tw.common.silence import Silence


@define(kw_only=True)
class Watch:
    """
    Asks again and again; after a failure, with back-off.

    @ivar ask: one question and what is done with the answer.
    @ivar failures: what C{ask} raises when the peer does not answer or will
        not.  Anything else is a bug: it is logged, and asked again too.
    @ivar silent: called once when nothing was heard for C{silent_after_s}
        since the first failure (or the start); C{ask} knows when it is over.
    @ivar unheard: called after each failure.
    @ivar silence: how long nothing was heard.
    """

    name: str
    clock: IReactorTime
    random: Random = field(repr=False)
    ask: Callable[[], Awaitable[None]]
    failures: tuple[type[Exception], ...]
    silent: Callable[[], None]
    silent_after_s: float = 30.0
    unheard: Callable[[], None] = lambda: None
    silence: Silence = field(factory=Silence, init=False)
    first_s: float = 0.5
    ceiling_s: float = 15.0
    _log: ClassVar[Logger] = Logger()
    _background: Background = field(factory=Background, init=False)
    _doubt: IDelayedCall | None = field(default=None, init=False)
    _is_answering: bool = field(default=True, init=False)
    _is_stopped: bool = field(default=False, init=False)

    def start(self) -> None:
        """Begin to ask."""
        self._is_stopped = False
        self._doubted()
        self.silence.failed(self.clock.seconds())
        self._background.run(f"listening to {self.name}", self._listen())

    def stop(self) -> Deferred[Any]:
        """Cut the question; fires when that is done."""
        self._is_stopped = True
        self._trusted()
        return self._background.stop()

    async def _listen(self) -> None:
        backoff = Backoff(
            random=self.random, first_s=self.first_s, ceiling_s=self.ceiling_s
        )
        while not self._is_stopped:
            # (A task of its own for each question would be dear: there are many.)
            try:
                is_well = await self._once(backoff)
            except CancelledError:
                is_well = False
            except Exception:
                self._log.failure("asking {peer} failed", peer=self.name)
                is_well = False
            if not is_well and not self._is_stopped:
                await deferLater(self.clock, backoff.next())

    async def _once(self, backoff: Backoff) -> bool:
        try:
            await self.ask()
        except self.failures as failure:
            self._doubted()
            self.silence.failed(self.clock.seconds())
            self.unheard()
            if self._is_answering:
                self._is_answering = False
                self._log.warn(
                    "{peer} is not heard: {reason}",
                    peer=self.name,
                    reason=str(failure),
                )
            return False
        self._trusted()
        self.silence.heard()
        backoff.reset()
        if not self._is_answering:
            self._is_answering = True
            self._log.info("{peer} is heard again", peer=self.name)
        return True

    def _doubted(self) -> None:
        if self._doubt is None:
            self._doubt = self.clock.callLater(self.silent_after_s, self.silent)

    def _trusted(self) -> None:
        if self._doubt is not None and self._doubt.active():
            self._doubt.cancel()
        self._doubt = None
