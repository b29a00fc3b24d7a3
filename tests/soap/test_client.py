"""Tests for L{euca_tw.soap.client}, against the door, without sockets."""

from __future__ import annotations

from itertools import count
from random import Random

from twisted.internet.task import Clock, Cooperator
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import cluster
from euca_tw.api.shapes import Dispatch
from euca_tw.common.web import AnswerResource, make_site
from euca_tw.soap.client import SoapPeers
from euca_tw.soap.door import tier_door
from tests.fakes.http import MemoryNetwork
from tests.soap.identities import NOW, identity
from tests.suites.peer import make_ipeer_tests

URL = "http://cluster:8774/axis2/services/EucalyptusCC"


class SoapWire:
    """A cloud's client, a cluster's door, and HTTP between them."""

    url = URL

    def __init__(self, test: SynchronousTestCase, dispatch: Dispatch) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        ids = count(1)
        self.door = tier_door(
            cluster.CLUSTER,
            dispatch,
            identity("cluster"),
            {identity("cloud").certificate: "cloud"},
            self.clock,
            lambda: f"request-{next(ids)}",
        )
        cooperator = Cooperator(
            scheduler=lambda call: self.clock.callLater(0, call),
            terminationPredicateFactory=lambda: lambda: True,
        )
        site = make_site(
            AnswerResource(self.door.answer, cooperator), 1 << 20, self.clock
        )
        self.network = MemoryNetwork(site, self.clock)
        self.peers = SoapPeers(
            api=cluster.CLUSTER,
            agent=self.network.agent(),
            clock=self.clock,
            identity=identity("cloud"),
            certificate_of={URL: identity("cluster").certificate}.get,
            rng=Random(7),
        )

    def pump(self) -> None:
        self.network.pump()

    def break_off(self) -> None:
        self.network.break_off()

    def stop(self) -> None:
        self.network.server = None
        self.network.break_off()


class SoapPeersTests(make_ipeer_tests(SoapWire)):  # type: ignore[misc]
    """The suite, over signed SOAP."""
