"""Instances that a node is told to stop and to start, in whatever order."""

from __future__ import annotations

from typing import Any

from euca_tw.api import node as api
from euca_tw.api.cluster import ClusterMachineType
from euca_tw.model.lifecycle import INSTANCE_SHUTDOWN, SERVER_ERROR
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.settings import NodeSettings
from tests.fakes.launches import launch
from tests.nodectl.test_node import NodeTestCase

NAME = "i-00000001"


class PowerTests(NodeTestCase):
    settings = NodeSettings(stop_grace_s=30.0, launch_deadline_s=100.0)

    def setUp(self) -> None:
        super().setUp()
        self.launched()
        self.pump()

    def stop(self, starts: int | None = None, *, is_forced: bool = False) -> Any:
        answer = self.told(
            api.NcStopInstance(instance_id=NAME, starts=starts, is_forced=is_forced)
        )
        self.pump()
        return answer.refusal

    def start(self, **given: Any) -> Any:
        answer = self.told(
            api.NcStartInstance(instance_id=NAME, launch=launch(**given))
        )
        self.pump()
        return answer.refusal

    def change(self) -> api.NcChangedInstance:
        [told] = self.told(api.NcWaitForChanges(since=0, timeout_s=0)).instances
        found: api.NcChangedInstance = told
        return found

    def test_as_something_else(self) -> None:
        """What is started runs as what the start says, and tells how often."""
        self.stop(0)
        large = ClusterMachineType(name="m1.large", cores=2, memory=256, disk=2)
        self.assertIsNone(
            self.start(starts=1, instance_type=large, user_data="aGVsbG8=")
        )
        spec = self.hypervisor.spec_of(NAME)
        self.assertEqual((spec.cores, spec.memory_mib), (2, 256))
        told = self.change()
        self.assertEqual((told.life, told.starts), (None, 1))
        self.assertEqual(told.instance_type_name, "m1.large")
        found = self.node.metadata_of("10.90.0.1")
        assert found is not None
        self.assertEqual(found.user_data, b"hello")

    def test_another_kernel(self) -> None:
        """It may have another kernel: its disk is looked for anew, and kept."""
        self.stop(0)
        other = launch().kernel
        assert other is not None
        source = type(other)(image_id="eki-00000002", url="http://images/other")
        self.start(starts=1, kernel=source)
        self.assertIn("eki-00000002", self.hypervisor.spec_of(NAME).kernel or "")

    def test_starting(self) -> None:
        """Until its domain runs, what starts is told to, and is no failure."""
        self.stop(0)
        self.instances.stage_s = 10
        self.start(starts=1)
        told = self.change()
        self.assertEqual((told.life, told.starts), ("starting", 1))
        self.pump(10)
        self.pump()
        self.assertIsNone(self.change().life)

    def test_late_start(self) -> None:
        """A start that comes after the stop of the same start is too late."""
        self.stop(0)
        self.start(starts=1)
        self.stop(1)
        self.assertIsNone(self.start(starts=1))
        self.assertIs(self.record().life, Life.STOPPED)

    def test_stop_before_its_start(self) -> None:
        """A stop that overtakes the start that it is meant for prevents it."""
        self.stop(0)
        self.stop(1)
        self.assertEqual(self.change().starts, 1)
        self.start(starts=1)
        self.assertEqual(self.domains(), [])
        self.start(starts=2)
        self.assertEqual(self.domains(), [NAME])

    def test_late_stop(self) -> None:
        """A stop of an earlier start does not stop a later one."""
        self.stop(0)
        self.start(starts=1)
        self.assertIsNone(self.stop(0))
        self.assertIs(self.record().life, Life.RUNNING)

    def test_forced(self) -> None:
        """A guest that need not be waited for is not, also when it stops already."""
        self.hypervisor.deaf.add(NAME)
        self.stop(0)
        self.assertIs(self.record().life, Life.STOPPING)
        self.stop(0, is_forced=True)
        self.assertIs(self.record().life, Life.STOPPED)
        self.start(starts=1)
        self.stop(1)
        self.assertIs(self.record().life, Life.STOPPING)

    def test_switched_off(self) -> None:
        """A guest that may switch itself off stays stopped, and says why."""
        self.stop(0)
        self.start(starts=1, shutdown_behavior="stop")
        self.hypervisor.power_off(NAME)
        self.pump()
        record = self.record()
        self.assertEqual((record.wanted, record.life), (Goal.STOPPED, Life.STOPPED))
        told = self.change()
        self.assertEqual(
            (told.life, told.reason_code, told.starts),
            ("stopped", INSTANCE_SHUTDOWN, 1),
        )
        self.start(starts=2)
        self.assertIsNone(self.change().reason_code)
        self.assertTrue(self.instances.has_disk(NAME))

    def test_behavior(self) -> None:
        """What becomes of it then may be said while it runs."""
        self.told(api.NcSetShutdownBehavior(instance_id=NAME, shutdown_behavior="stop"))
        self.hypervisor.power_off(NAME)
        self.pump()
        self.assertIs(self.record().life, Life.STOPPED)
        self.start(starts=1)
        self.told(api.NcSetShutdownBehavior(instance_id=NAME))
        self.hypervisor.power_off(NAME)
        self.pump()
        self.assertIs(self.record().life, Life.TERMINATED)
        self.refused(api.NcSetShutdownBehavior(instance_id="i-0000000f"))

    def test_crashed(self) -> None:
        """What crashed has ended: that is nobody's wish."""
        self.stop(0)
        self.start(starts=1, shutdown_behavior="stop")
        self.hypervisor.crash(NAME)
        self.pump()
        self.assertIs(self.record().life, Life.TERMINATED)

    def test_does_not_come_up(self) -> None:
        """What does not come up again stays stopped, says why, and may try again."""
        self.stop(0)
        self.instances.missing.add("emi-00000001")
        self.start(starts=1)
        self.pump(100)
        self.pump()
        record = self.record()
        self.assertEqual((record.wanted, record.life), (Goal.STOPPED, Life.STOPPED))
        self.assertEqual(record.reason_code, SERVER_ERROR)
        self.assertIn("cannot be fetched", record.reason)
        self.assertTrue(self.instances.has_disk(NAME))
        self.instances.missing.clear()
        self.start(starts=2)
        self.assertEqual(self.domains(), [NAME])

    def test_restarted_meanwhile(self) -> None:
        """All of that is kept by a node controller that is started anew."""
        self.stop(0)
        self.instances.stage_s = 10
        self.start(starts=1)
        self.successResultOf(self.node.stopService())
        self.instances.stage_s = 0
        self.begin()
        self.pump()
        told = self.change()
        self.assertEqual((told.life, told.starts), (None, 1))
        self.assertEqual(self.domains(), [NAME])
