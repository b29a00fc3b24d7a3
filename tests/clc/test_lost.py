"""Tests of L{euca_tw.clc.lost}, where several cloud controllers share the state."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from euca_tw.clc.cluster_view import ClusterView
from euca_tw.clc.lost import LostClusters, NotDeclared
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.records import LostCluster
from euca_tw.model.sharing import ClusterReport
from euca_tw.store.interfaces import Put
from tests.store.test_shared import SharedCase

REPORT = ClusterReport(zone="north", is_reachable=False, epoch="e", addresses=100)


class Loop:
    """Of a cluster that is silent for long."""

    def __init__(self) -> None:
        self.view, self.silence_s = ClusterView(), 1e6

    def wake_all(self) -> None:
        """There is nothing."""


class LostTests(SharedCase):
    def setUp(self) -> None:
        super().setUp()
        loop: Any = Loop()
        self.lost = LostClusters(
            store=self.one,
            clock=self.clock,
            settings=ConvergenceSettings(),
            names=("north",),
            peer_of=lambda name: self.fail("nobody is asked"),
            zones=lambda: {"north": loop},
            silent=lambda: 1,
        )
        self.kept(self.one.commit(Put(REPORT)))

    def declare(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self.lost.declare("north"))

    def test_declared(self) -> None:
        """It is kept, for all."""
        self.kept(self.declare())
        self.assertIsNotNone(self.two.get(LostCluster, "north"))

    def test_heard_by_another(self) -> None:
        """
        Who leads its work by now and has heard it is not overruled by one that could
        not keep in time what he thought.
        """
        self.journals[0].is_mute = True
        declared = self.declare()
        self.kept(self.two.commit(Put(evolve(REPORT, is_reachable=True))))
        self.journals[0].is_mute = False
        self.clock.advance(1)
        self.refused(declared, NotDeclared)
        self.assertIsNone(self.two.get(LostCluster, "north"))
