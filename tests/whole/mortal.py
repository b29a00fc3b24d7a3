"""
What one life of a daemon stands on; see L{euca_tw.sim.life}.

Here a daemon can also be stopped, as by SIGSTOP: then nothing happens in its life
until it goes on, and what was due or arrived meanwhile comes all at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import Factory, define, field
from twisted.internet.base import DelayedCall
from twisted.internet.defer import Deferred
from zope.interface import implementer

from euca_tw.nodectl.interfaces import IHooks, Occasion
from euca_tw.sim import life
from euca_tw.sim.life import Disk, DiskStore, Door
from euca_tw.soap.interfaces import IPeer, IPeers

#: Longer than any test.
_FOR_EVER_S = 1e9


def disk_store(disk: Disk, life: Life) -> DiskStore:
    """A store whose disk has everything a turn after memory."""
    return DiskStore(disk=disk, life=life, commit_s=lambda: 0.0)


@define(eq=False)
class Life(life.Life):
    """One that can be stopped."""

    _calls: list[DelayedCall] = field(factory=list, init=False)
    #: Calls that wait, and when they are due; while it is stopped.
    _put_off: dict[DelayedCall, float] | None = field(default=None, init=False)
    _held: list[Callable[[], object]] = field(factory=list, init=False)

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> Any:
        call: Any = super().callLater(delay, callable, *args, **kw)
        if self._put_off is not None:
            self._delay(call)
        self._calls.append(call)
        if len(self._calls) > 100:
            self._calls = [each for each in self._calls if each.active()]
        return call

    def stop(self) -> None:
        """SIGSTOP."""
        self._put_off = {}
        for call in self._calls:
            if call.active():
                self._delay(call)

    def go_on(self) -> None:
        """SIGCONT: first what was due, in its order, then what has arrived."""
        put_off, held = self._put_off, self._held
        assert put_off is not None
        self._put_off, self._held = None, []
        now = self.seconds()
        for call, at in sorted(put_off.items(), key=lambda each: each[1]):
            if call.active():
                call.reset(max(0.0, at - now))
        for do in held:
            self.world.callLater(0, do)

    def _delay(self, call: DelayedCall) -> None:
        assert self._put_off is not None
        self._put_off[call] = call.getTime()
        call.delay(_FOR_EVER_S)
        # Else it keeps its place until it is found there.
        call.activate_delay()
        call.resetter(call)

    def hear(self, tell: Callable[[], object]) -> None:
        if self._put_off is None:
            super().hear(tell)
        else:
            self._held.append(lambda: self.hear(tell))

    def gated(self, dispatch: Callable[..., Awaitable[Any]]) -> Any:
        """A service, which who is stopped does not give until he goes on."""

        async def dispatched(*args: Any) -> Any:
            if self._put_off is not None:
                awake: Deferred[None] = Deferred()
                self._held.append(lambda: awake.called or awake.callback(None))
                await awake
            return await dispatch(*args)

        return dispatched

    def _live(self, call: Callable[..., object], args: Any, kw: Any) -> None:
        if self._put_off is None:
            super()._live(call, args, kw)
        else:
            self._held.append(lambda: self._live(call, args, kw))

    def _give(self, answer: Deferred[Any], result: Any) -> None:
        if self._put_off is None:
            super()._give(answer, result)
        else:
            self._held.append(lambda: self._give(answer, result))


@implementer(IHooks)
@define(eq=False)
class MortalHooks:
    """The site's own programs, as one life of a node calls them."""

    _hooks: IHooks
    _life: Life

    async def call(self, occasion: Occasion) -> None:
        await Door(self._hooks, self._life).call(occasion)


@implementer(IPeer)
@define(eq=False)
class MortalPeer:
    _peer: Any
    _life: life.Life

    def call(self, operation: Any, request: Any, timeout_s: float) -> Deferred[Any]:
        if self._life.is_over:
            return self._life.never()
        return self._life.begin(self._peer.call(operation, request, timeout_s))


@implementer(IPeers)
@define(eq=False)
class MortalPeers:
    """The network, as one life sees it."""

    _peers: Any
    _life: life.Life
    _known: dict[str, MortalPeer] = Factory(dict)

    def peer(self, url: str) -> MortalPeer:
        if url not in self._known:
            self._known[url] = MortalPeer(self._peers.peer(url), self._life)
        return self._known[url]
