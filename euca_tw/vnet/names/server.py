"""
The name server of a node: what it answers to which instance, and how much it does
for each.

Of the cloud's own names it tells itself; what else there is the site's resolvers are
asked, once for all who want to know the same at the same time.  Who asks is not
judged here: whoever hands in a message says which instance it is from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.names import dns

from euca_tw.common.background import Background
from euca_tw.common.buckets import Buckets
from euca_tw.common.connections import ConnectionLimits, Connections
from euca_tw.vnet.names.forwarder import Forwarder
from euca_tw.vnet.names.kept import KeptAnswers
from euca_tw.vnet.names.messages import Asked, Unanswerable, answer, parse
from euca_tw.vnet.names.passed_on import fitted
from euca_tw.vnet.names.zone import Zone

#: Whole zones are nobody's business here, and come in many messages.
_TRANSFERS = (dns.IXFR, dns.AXFR)
_LONGEST_STREAMED = 65_535
#: On all bridges together.
_CONNECTIONS = ConnectionLimits(most=256, most_per_source=8)
#: That nobody answers is logged so often at most.
_TOLD_EVERY_S = 60.0


@define(eq=False, kw_only=True, repr=False)
class NameServer:
    """
    @ivar most: questions that others are asked at the same time, for all instances;
        C{most_each}: for one of them.  What is more is refused.
    @ivar connections: of TCP; the oldest that says nothing makes way for a new one.
    @ivar rate, burst: of questions that are read at all, a second and at once, of
        one instance.  What is more is dropped.
    """

    zone: Zone
    forwarder: Forwarder
    clock: IReactorTime
    kept: KeptAnswers = field(factory=KeptAnswers)
    connections: Connections = field(factory=lambda: Connections(_CONNECTIONS))
    most: int = 512
    most_each: int = 64
    rate: float = 256
    burst: float = 1024
    _read: Buckets[str] = field(init=False)
    _asking: Counter[str] = field(factory=Counter, init=False)
    _waiting: dict[Hashable, list[Deferred[bytes | None]]] = field(
        factory=dict, init=False
    )
    _background: Background = field(factory=Background, init=False)
    _told_at_s: float | None = field(default=None, init=False)
    _log: ClassVar[Logger] = Logger()

    @_read.default
    def _full(self) -> Buckets[str]:
        return Buckets(self.rate, self.burst)

    async def answer(
        self, message: bytes, instance_id: str, *, by_stream: bool
    ) -> bytes | None:
        """
        @param message: whatever came.
        @param instance_id: from whom.
        @param by_stream: it came by TCP.
        @return: what to send back; None for nothing.
        """
        if not self._read.take(instance_id, self.clock.seconds()):
            return None
        try:
            asked = parse(message)
        except Unanswerable as told:
            return told.reply
        if asked is None:
            return None
        if asked.cls != dns.IN or asked.kind in _TRANSFERS:
            return answer(asked, dns.EREFUSED)
        own = self.zone.answer(asked)
        if own is not None:
            return own
        most = _LONGEST_STREAMED if by_stream else asked.size
        key = by_stream, asked.key
        kept = self.kept.get(key, self.clock.seconds())
        if kept is not None:
            return fitted(kept, asked, most=most)
        if (
            self._asking[instance_id] >= self.most_each
            or self._asking.total() >= self.most
        ):
            return answer(asked, dns.EREFUSED)
        self._asking[instance_id] += 1
        try:
            heard = await self._shared(key, asked, message, by_stream=by_stream)
        finally:
            self._asking[instance_id] -= 1
            if not self._asking[instance_id]:
                del self._asking[instance_id]
        if heard is None:
            return answer(asked, dns.ESERVER)
        return fitted(heard, asked, most=most)

    def _shared(
        self, key: Hashable, asked: Asked, message: bytes, *, by_stream: bool
    ) -> Deferred[bytes | None]:
        """
        Ask others; who asks the same meanwhile waits for the same answer.  (Many
        questions at once for one name are what helps to forge an answer.)
        """
        mine: Deferred[bytes | None] = Deferred()
        waiting = self._waiting.get(key)
        if waiting is not None:
            waiting.append(mine)
            return mine
        self._waiting[key] = [mine]
        asking = self._ask(key, asked, message, by_stream=by_stream)
        self._background.run("asking the site's name servers", asking)
        return mine

    async def _ask(
        self, key: Hashable, asked: Asked, message: bytes, *, by_stream: bool
    ) -> None:
        heard: bytes | None = None
        try:
            heard = await self.forwarder.ask(asked, message, by_stream=by_stream)
            self._tell(is_heard=heard is not None)
            if heard is not None:
                self.kept.put(key, asked, heard, self.clock.seconds())
        finally:
            for each in self._waiting.pop(key):
                if not each.called:
                    each.callback(heard)

    def _tell(self, *, is_heard: bool) -> None:
        """Once a minute, however many ask in vain."""
        now, told_at_s = self.clock.seconds(), self._told_at_s
        if is_heard or (told_at_s is not None and 0 <= now - told_at_s < _TOLD_EVERY_S):
            return
        self._told_at_s = now
        resolvers = self.forwarder.resolvers()
        if resolvers:
            self._log.warn(
                "Instances are not told names but the cloud's: no answer from "
                "{resolvers}",
                resolvers=", ".join(resolvers),
            )
        else:
            self._log.warn(
                "Instances are not told names but the cloud's: this machine has no "
                "name servers (set resolvers in [node_controller], or nameserver in "
                "/etc/resolv.conf)"
            )

    def stop(self) -> Deferred[object]:
        """Ask nobody any more; fires when all who waited have been answered."""
        return self._background.stop()
