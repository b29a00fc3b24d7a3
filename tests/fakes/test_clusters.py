"""The stand-in for clusters is true to its interface."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.clc.interfaces import IClusters
from tests.fakes.clusters import RecordingClusters


class RecordingClustersTests(SynchronousTestCase):
    def test_interface(self) -> None:
        """It provides the interface."""
        self.assertTrue(verifyObject(IClusters, RecordingClusters()))
