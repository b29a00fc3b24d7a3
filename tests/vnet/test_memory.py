"""Tests of L{euca_tw.vnet.memory}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.interfaces import NetworkFailed
from euca_tw.vnet import interfaces
from euca_tw.vnet.memory import MemoryNetworkHost, MemoryNodeNetwork
from tests.suites.network_host import make_inetworkhost_tests
from tests.suites.node_network import LEASE, make_inodenetwork_tests
from tests.vnet.views import carried, machines, view


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


class MemoryHostSuiteTests(make_inetworkhost_tests(lambda case: MemoryNetworkHost())):
    """The memory host is a host of networks."""


class MemoryNetworkHostTests(SynchronousTestCase):
    """What can be seen from outside."""

    VIEW = view("x1", machines("x0", "x1"), carried(1, "x1"))

    def test_view(self) -> None:
        """It shows what was applied, till it is removed."""
        host = MemoryNetworkHost()
        self.successResultOf(host.apply(self.VIEW))
        self.assertIs(host.view, self.VIEW)
        self.successResultOf(host.purge())
        self.assertIsNone(host.view)

    def test_trouble(self) -> None:
        """It can be one that fails; what was applied stays."""
        host = MemoryNetworkHost()
        self.successResultOf(host.apply(self.VIEW))
        host.trouble = "no permission"
        for work in (host.apply(self.VIEW), host.purge()):
            failed = self.failureResultOf(work, interfaces.NetworkFailed)
            self.assertEqual(str(failed.value), "no permission")
        self.assertIs(host.view, self.VIEW)
