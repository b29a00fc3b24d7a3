"""Tests of L{euca_tw.vnet.memory}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.interfaces import NetworkFailed
from euca_tw.vnet.memory import MemoryNodeNetwork
from tests.suites.node_network import LEASE, make_inodenetwork_tests


class MemorySuiteTests(make_inodenetwork_tests(lambda case: MemoryNodeNetwork())):
    """The memory network is a network."""


class MemoryNodeNetworkTests(SynchronousTestCase):
    """What can be seen from outside."""

    def test_leases(self) -> None:
        """It shows what it serves."""
        network = MemoryNodeNetwork()
        self.successResultOf(network.attach(LEASE))
        self.assertEqual(network.leases.of_ip(LEASE.private_ip), LEASE)
        self.successResultOf(network.detach(LEASE.instance_id))
        self.assertEqual(len(network.leases), 0)

    def test_is_serving(self) -> None:
        """It knows whether it is started."""
        network = MemoryNodeNetwork()
        self.successResultOf(network.start())
        self.assertTrue(network.is_serving)
        self.successResultOf(network.stop())
        self.assertFalse(network.is_serving)

    def test_trouble(self) -> None:
        """It can be one that cannot be made."""
        network = MemoryNodeNetwork(trouble="no bridge")
        failed = self.failureResultOf(network.start(), NetworkFailed)
        self.assertEqual(str(failed.value), "no bridge")
        self.assertFalse(network.is_serving)
