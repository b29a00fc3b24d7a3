"""A L{euca_tw.nodectl.node} whose network cannot be made."""

from __future__ import annotations

from random import Random

from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.hooks import NoHooks
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from euca_tw.nodectl.node import NodeController
from euca_tw.store.memory import MemoryStore
from euca_tw.vnet.memory import MemoryNodeNetwork


class StartTests(SynchronousTestCase):
    """A node's start."""

    def test_network_is_tried_again(self) -> None:
        """
        A node whose network cannot be made says why, and makes it when it can.
        """
        clock = Clock()
        hypervisor = MemoryHypervisor(
            clock, Resources(cores=1, memory_mib=1024, disk_gib=0)
        )
        network = MemoryNodeNetwork(trouble="euca0 is no bridge")
        node = NodeController(
            url="http://node1/",
            store=MemoryStore(),
            hypervisor=hypervisor,
            instances=MemoryInstanceStore(clock, hypervisor.consoles),
            network=network,
            hooks=NoHooks(),
            clock=clock,
            random=Random(1),
        )
        with capturedLogs() as logged:
            node.startService()
            clock.advance(2)
        self.addCleanup(lambda: self.successResultOf(node.stopService()))
        self.assertEqual({e.get("reason") for e in logged}, {"euca0 is no bridge"})
        self.assertFalse(network.is_serving)
        network.trouble = ""
        clock.advance(5)
        self.assertTrue(network.is_serving)
        self.assertEqual(self.flushLoggedErrors(), [])
