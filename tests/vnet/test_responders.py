"""Tests of L{euca_tw.vnet.responders} that need no bridge of the kernel."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.tokens import TokenMaker
from euca_tw.vnet.responders import BridgeResponders, Served


@define(eq=False)
class Port:
    """One that takes a while to close."""

    closed: list[Deferred[None]] = Factory(list)

    def stopListening(self) -> Deferred[None]:
        self.closed.append(Deferred())
        return self.closed[-1]


class CeaseTests(SynchronousTestCase):
    """L{BridgeResponders.cease}."""

    def test_cancelled(self) -> None:
        """Who waits for it may go: all is closed nevertheless."""
        responders = BridgeResponders(None, TokenMaker(b"secret", lambda: 0.0))
        ports: tuple[Any, ...] = (Port(), Port())
        responders._served["evb000007"] = Served(7, ports)
        ceasing = Deferred.fromCoroutine(responders.cease("evb000007"))
        ceasing.cancel()
        self.failureResultOf(ceasing, CancelledError)
        self.assertEqual([len(each.closed) for each in ports], [1, 1])
