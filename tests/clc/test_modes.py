"""Tests of L{euca_tw.clc.modes}."""

from __future__ import annotations

from euca_tw.clc.modes import living
from euca_tw.model.records import InstanceState
from euca_tw.overlay.settings import MANAGED, STATIC, SYSTEM
from tests.clc.cloud import CloudTestCase


class LivingTests(CloudTestCase):
    """L{living}."""

    def test_modes(self) -> None:
        """What an instance was given tells its mode; who has ended has none."""
        up = InstanceState.RUNNING
        records = (
            self.instance(1, network=7, private_ip="10.128.7.2", state=up),
            self.instance(2, network=0, private_ip="10.90.0.10", state=up),
            self.instance(3, network=0, private_ip="", state=up),
            self.instance(4, network=7, state=InstanceState.TERMINATED),
        )
        modes = [MANAGED, STATIC, SYSTEM]
        for mode in modes:
            self.assertEqual([*living(records, mode).values()], modes)

    def test_starting(self) -> None:
        """
        One that has not run, and is in no network, may run in any mode that is not
        managed.
        """
        starting = InstanceState.PENDING
        records = [self.instance(1, network=0, private_ip="", state=starting)]
        for mode, its in ((MANAGED, STATIC), (STATIC, STATIC), (SYSTEM, SYSTEM)):
            self.assertEqual([*living(records, mode).values()], [its])
