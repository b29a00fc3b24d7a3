"""Instances that were running when their machine went down."""

from __future__ import annotations

from twisted.logger import capturedLogs

from euca_tw.api import node as api
from euca_tw.model.lifecycle import SERVER_ERROR
from euca_tw.nodectl.life import Life
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.vnet.memory import MemoryNodeNetwork
from tests.nodectl.test_node import NodeTestCase


class HostBootTests(NodeTestCase):
    settings = NodeSettings(restart_on_host_boot=True, launch_deadline_s=600)

    def setUp(self) -> None:
        super().setUp()
        self.launched()
        self.pump()

    def nobody_there(self) -> None:
        """For an hour there is no node controller."""
        self.successResultOf(self.node.stopService())
        self.network = MemoryNodeNetwork()
        self.hooks.occasions.clear()
        self.clock.advance(3600)

    def power_lost(self) -> None:
        self.hypervisor.vanish("i-00000001")
        self.nobody_there()

    def test_run_again(self) -> None:
        """It runs again, with its disk and address; it was never told to end."""
        self.power_lost()
        with capturedLogs() as logged:
            self.begin()
            self.pump()
        self.assertEqual(self.domains(), ["i-00000001"])
        self.assertIs(self.record().life, Life.RUNNING)
        self.assertEqual(len(self.network.leases), 1)
        [told] = self.told(api.NcWaitForChanges(since=0, timeout_s=0)).instances
        self.assertEqual(told.instance.state_name, "Extant")
        self.assertEqual(told.instance.net_params.private_ip, "10.90.0.1")
        self.assertEqual(self.hooks.points, ["pre-boot", "post-boot"])
        [why] = [each["why"] for each in logged if "why" in each]
        self.assertIn("run again", why)

    def test_lost_twice(self) -> None:
        """The power may be lost again before it runs, and libvirtd come late."""
        self.instances.stage_s = 1000
        self.power_lost()
        self.begin()
        self.pump()
        self.assertIs(self.record().life, Life.BOOTING)
        self.nobody_there()
        self.instances.stage_s = 0
        self.hypervisor.disconnect()
        self.begin()
        self.pump(100)
        self.hypervisor.reconnect()
        self.pump(30)
        self.pump()
        self.assertIs(self.record().life, Life.RUNNING)
        self.assertEqual(self.domains(), ["i-00000001"])

    def test_disk_lost(self) -> None:
        """Without its disk it is not run: its user would take it for his own."""
        self.power_lost()
        self.successResultOf(self.instances.discard("i-00000001"))
        self.begin()
        self.pump()
        record = self.record()
        self.assertEqual(
            (record.reason_code, record.reason), (SERVER_ERROR, "its root disk is gone")
        )
        self.assertEqual(self.domains(), [])

    def test_ended_otherwise(self) -> None:
        """What halted, crashed or was ended by hand is not run again."""
        ends = (
            self.hypervisor.power_off,
            self.hypervisor.crash,
            self.hypervisor.kill,
        )
        for number, end in enumerate(ends, start=2):
            name = f"i-{number:08x}"
            self.launched(number)
            self.pump()
            self.successResultOf(self.node.stopService())
            end(name)
            self.begin()
            self.pump()
            self.assertIs(self.record(number).life, Life.TERMINATED)

    def test_not_while_it_looks(self) -> None:
        """What is gone under a node controller that saw it run has ended."""
        self.hypervisor.vanish("i-00000001")
        self.pump()
        self.assertIs(self.record().life, Life.TERMINATED)

    def test_stopped(self) -> None:
        """What was being stopped is stopped, and stays so."""
        self.hypervisor.deaf.add("i-00000001")
        self.told(api.NcStopInstance(instance_id="i-00000001"))
        self.pump()
        self.power_lost()
        for _ in range(2):
            self.begin()
            self.pump()
            self.assertIs(self.record().life, Life.STOPPED)
            self.assertEqual(self.domains(), [])
            self.nobody_there()
        self.begin()
