"""Whether peers are there, asked now and then."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from euca_tw.vnet.trunk.frames import Ping
from euca_tw.vnet.trunk.peers import Peer

#: Sealed by one key, either way: half of what AES-GCM is good for (RFC 8446, 5.5).
_RECORDS = 1 << 23


@define(eq=False, kw_only=True)
class Asking:
    """
    Ends connections of those that are not.

    @ivar every_s: how often they are asked.
    @ivar silent_s: who says nothing for so long is not there.
    @ivar renew: connects once more, where keys were used long enough.
    """

    clock: IReactorTime
    every_s: float
    silent_s: float
    peers: Mapping[int, Peer]
    renew: Callable[[Peer], object]
    _next: IDelayedCall | None = field(init=False, default=None)
    _tokens: Iterator[int] = field(init=False, factory=count)

    @property
    def is_running(self) -> bool:
        """Whether it was started."""
        return self._next is not None

    def start(self) -> None:
        """Ask from now on."""
        self._next = self.clock.callLater(self.every_s, self._ask)

    def stop(self) -> None:
        """Ask no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _ask(self) -> None:
        self.start()
        now = self.clock.seconds()
        for peer in self.peers.values():
            link = peer.link
            if link is None:
                continue
            trouble = peer.silence(now, self.silent_s)
            if trouble:
                link.fail(trouble)
                continue
            if link.is_dialler and max(link.records_in, link.records_out) > _RECORDS:
                self.renew(peer)
            token = next(self._tokens)
            peer.asked(token, now)
            link.say(Ping(token))
