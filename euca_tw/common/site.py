"""
Where connections come from.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.web.http import datetimeToString
from twisted.web.resource import Resource
from twisted.web.server import Site

from euca_tw.common.channel import Channel
from euca_tw.common.clock import wall_seconds
from euca_tw.common.connections import ConnectionLimits, Connections
from euca_tw.common.exchange import CarefulExchange
from euca_tw.common.refusals import TooBusy, TooLarge
from euca_tw.common.turns import Turns


class AnswerSite(Site):
    """
    HTTP/1.1 only, and without an access log.

    @ivar is_answer: whether a resource is one that takes exchanges itself.
    @ivar idle_s: see L{euca_tw.common.web.make_site}, as for the others.
    @ivar connections: that there are.
    @ivar turns: of connections with more to do than fits into one.
    """

    protocol: Any = Channel
    requestFactory = CarefulExchange
    resource: Any

    def __init__(
        self,
        resource: Resource,
        max_body_bytes: int,
        clock: IReactorTime,
        *,
        too_large: TooLarge,
        too_busy: TooBusy,
        idle_s: float | None,
        limits: ConnectionLimits,
    ) -> None:
        super().__init__(resource, reactor=clock, parsePOSTFormSubmission=False)
        # Channels wind their own.
        self.timeOut = None
        self.idle_s = idle_s
        self.max_body_bytes = max_body_bytes
        self.too_large = too_large
        self.too_busy = too_busy
        self.connections = Connections(limits)
        self.turns = Turns(clock)
        self._dated_at = -1
        self._date = b""

    @staticmethod
    def is_answer(resource: Resource) -> bool:
        return hasattr(resource, "is_answered")

    def date(self) -> bytes:
        """What the header of that name says; made once a second."""
        now = int(wall_seconds(self.reactor))
        if now != self._dated_at:
            self._dated_at = now
            self._date = datetimeToString(now)
        return self._date

    def startFactory(self) -> None:
        """Nothing to start: there is no log."""

    def stopFactory(self) -> None:
        """Nothing to stop."""

    def log(self, request: Any) -> None:
        """Requests are told of by who answers them, if need be."""

    def acceptableProtocols(self) -> list[bytes]:
        return [b"http/1.1"]


__all__ = ["AnswerSite"]
