"""Instances that are stopped and started, and switch themselves off."""

from __future__ import annotations

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from euca_tw.api.ec2.common import AttributeValue
from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.capacity import Resources
from euca_tw.model.records import InstanceState
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.store.interfaces import Put
from tests.whole.case import WholeTestCase
from tests.whole.judgement import is_ended, is_launched
from tests.whole.site import TWO, address, url_of

STOPPING, STOPPED = InstanceState.STOPPING, InstanceState.STOPPED
RUNNING, PENDING = InstanceState.RUNNING, InstanceState.PENDING


class PowerTests(WholeTestCase):
    machine = Resources(cores=1, memory_mib=2048, disk_gib=0)
    node_settings = NodeSettings(stop_grace_s=30.0)
    cloud_settings = ConvergenceSettings(launch_deadline_s=300.0)
    cluster_settings = ClusterSettings()

    def stopped(self, name: str) -> None:
        """Ask, and wait until it is."""
        self.site.cloud.stop(name)
        self.until(lambda: self.is_in(name, STOPPED))

    def started(self, name: str) -> None:
        self.site.cloud.start(name)
        self.until(lambda: self.is_in(name, RUNNING))

    def test_stop_and_start(self) -> None:
        """
        A stopped instance has its disk and its address and nothing more, and gives
        up its room and its public address; it runs again where it was.
        """
        [name] = self.running()
        before, node = self.instance(name), self.node_of(name)
        self.site.cloud.store.commit(Put(address("198.51.100.1", name)))
        took_s = self.until_stopped(name)
        self.assertLess(took_s, 0.1)
        self.assertEqual(self.site.domains(), [])
        self.assertEqual(self.site.disks(), {(node, name)})
        found = self.instance(name)
        self.assertEqual(found.private_ip, before.private_ip)
        self.assertEqual(found.state_reason_code, "Client.UserInitiatedShutdown")
        self.assertIsNone(
            next(iter(self.site.cloud.addresses_held())).instance_id,
        )
        # Its room is others'.
        others = self.running("north", 2)
        self.site.cloud.terminate(*others)
        self.until(lambda: len(self.site.domains()) == 0)
        self.until(self.is_ready)
        self.started(name)
        self.assertEqual(self.site.domains(), [(node, name)])
        again = self.instance(name)
        self.assertEqual(
            (again.private_ip, again.node, again.starts),
            (before.private_ip, url_of(node), 1),
        )
        self.until(lambda: is_launched(self.site))

    def until_stopped(self, name: str) -> float:
        self.site.cloud.stop(name)
        return self.until(lambda: self.is_in(name, STOPPED))

    def test_pending_till_it_runs(self) -> None:
        """What starts again is pending until its domain runs, and not before."""
        [name] = self.running()
        node = self.node_of(name)
        self.stopped(name)
        self.site.machines[node].instances.stage_s = 40
        self.site.cloud.start(name)
        self.site.run(30)
        self.assertTrue(self.is_in(name, PENDING))
        self.until(lambda: self.is_in(name, RUNNING), 20)

    def test_deaf_guest(self) -> None:
        """A guest that does not heed is stopping for as long as it is given."""
        [name] = self.running()
        self.site.machines[self.node_of(name)].hypervisor.deaf.add(name)
        self.site.cloud.stop(name)
        self.site.run(29)
        self.assertTrue(self.is_in(name, STOPPING))
        self.until(lambda: self.is_in(name, STOPPED), 2)

    def test_forced(self) -> None:
        """One that is forced is not waited for, also when it stops already."""
        first, second = self.running(count=2)
        for name in (first, second):
            self.site.machines[self.node_of(name)].hypervisor.deaf.add(name)
        self.site.cloud.stop(first, force=True)
        self.until(lambda: self.is_in(first, STOPPED), 0.1)
        self.site.cloud.stop(second)
        self.site.run(5)
        self.assertTrue(self.is_in(second, STOPPING))
        self.site.cloud.stop(second, force=True)
        self.until(lambda: self.is_in(second, STOPPED), 2)

    def test_no_room(self) -> None:
        """
        What its node has no room for any more stays stopped, and says why; it may
        be tried again.
        """
        [name] = self.running()
        node = self.node_of(name)
        self.stopped(name)
        others = self.running("north", 2)
        self.site.cloud.start(name)
        self.until(lambda: self.is_in(name, STOPPED), 5)
        found = self.instance(name)
        self.assertEqual(found.state_reason_code, "Server.InsufficientInstanceCapacity")
        self.assertIn("too few cores", found.state_reason)
        self.site.run(120)
        self.assertTrue(self.is_in(name, STOPPED))
        [other] = [each for each in others if self.node_of(each) == node]
        self.site.cloud.terminate(other)
        self.until(lambda: self.is_in(other, InstanceState.TERMINATED))
        self.started(name)
        self.assertEqual(self.instance(name).state_reason_code, "")
        self.assertEqual(self.node_of(name), node)

    def test_node_is_gone(self) -> None:
        """
        What does not come up in time is stopped again, with its disk, and does
        not begin to run when its node is back.
        """
        [name] = self.running()
        node = self.node_of(name)
        self.stopped(name)
        self.site.kill(node)
        self.site.cloud.start(name)
        self.site.run(299)
        self.assertTrue(self.is_in(name, PENDING))
        self.until(lambda: self.is_in(name, STOPPING), 70)
        self.site.start(node)
        self.until(lambda: self.is_in(name, STOPPED))
        self.assertEqual(self.instance(name).state_reason_code, "Server.InternalError")
        self.site.run(120)
        self.assertEqual(self.site.domains(), [])
        self.started(name)
        self.assertEqual(self.site.disks(), {(node, name)})

    def test_does_not_boot(self) -> None:
        """What its hypervisor refuses to run again stays stopped, with its disk."""
        [name] = self.running()
        node = self.node_of(name)
        self.stopped(name)
        self.site.machines[node].instances.missing.add(self.instance(name).image_id)
        self.site.cloud.start(name)
        self.until(lambda: self.is_in(name, STOPPED), 1000)
        found = self.instance(name)
        self.assertEqual(found.state_reason_code, "Server.InternalError")
        self.assertIn("cannot be fetched", found.state_reason)
        self.assertEqual(self.site.disks(), {(node, name)})
        self.site.machines[node].instances.missing.clear()
        self.started(name)

    def test_terminated_while_stopped(self) -> None:
        """A stopped instance ends as others do, and leaves nothing."""
        [name] = self.running()
        self.stopped(name)
        self.site.cloud.terminate(name)
        self.until(lambda: is_ended(self.site), 1)

    def test_switches_itself_off(self) -> None:
        """
        Where that is what its user wants, a guest that switches itself off is
        stopped; else it has ended.
        """
        [name] = self.stopping_itself()
        node = self.node_of(name)
        self.site.machines[node].hypervisor.power_off(name)
        self.until(lambda: self.is_in(name, STOPPED), 1)
        found = self.instance(name)
        self.assertEqual(
            (found.state_reason_code, found.wanted),
            ("Client.InstanceInitiatedShutdown", STOPPED),
        )
        self.site.run(60)
        self.assertEqual(self.site.disks(), {(node, name)})
        self.started(name)
        # And once more, which is another time.
        self.site.machines[node].hypervisor.power_off(name)
        self.until(lambda: self.is_in(name, STOPPED), 1)
        [other] = self.running()
        self.site.machines[self.node_of(other)].hypervisor.power_off(other)
        self.until(lambda: self.is_in(other, InstanceState.TERMINATED), 1)

    def stopping_itself(self) -> tuple[str, ...]:
        asked = self.site.cloud.launch("north", stops_itself=True)
        self.site.run_until(lambda: asked.called, 5)
        names: tuple[str, ...] = self.successResultOf(asked)
        self.until(lambda: is_launched(self.site))
        return names

    def test_behavior_is_changed(self) -> None:
        """What its user wants to become of it then may change while it runs."""
        for first, then, state in (
            (False, True, STOPPED),
            (True, False, InstanceState.TERMINATED),
        ):
            [name] = self.stopping_itself() if first else self.running()
            behavior = "stop" if then else "terminate"
            self.done(self.site.cloud.set_behavior(name, behavior))
            self.site.run(1)
            self.site.machines[self.node_of(name)].hypervisor.power_off(name)
            self.until(partial(self.is_in, name, state), 1)
            self.site.run(10)
            self.assertTrue(self.is_in(name, state))

    def done(self, asked: Deferred[Any]) -> None:
        """It was asked: wait for the answer."""
        self.until(lambda: asked.called, 1)
        self.successResultOf(asked)

    def test_behavior_is_changed_unheard(self) -> None:
        """What its node could not be told is heeded all the same, if it can be."""
        [name] = self.stopping_itself()
        node = self.node_of(name)
        self.site.peers.cut(url_of(node))
        self.site.cloud.set_behavior(name, "terminate")
        self.site.run(100)
        self.site.machines[node].hypervisor.power_off(name)
        self.site.run(1)
        self.site.peers.mend(url_of(node))
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED), 100)
        self.assertEqual(
            self.instance(name).state_reason_code, "Client.InstanceInitiatedShutdown"
        )
        self.until(lambda: is_ended(self.site))

    def test_attributes_take_effect(self) -> None:
        """
        A stopped instance runs again as the type, and with the user data, that it
        was given meanwhile, and has its disk still.
        """
        [name] = self.running()
        node = self.node_of(name)
        self.stopped(name)
        for change in (
            {"instance_type": AttributeValue(value="m1.large")},
            {"user_data": AttributeValue(value="aGVsbG8=")},
        ):
            self.done(self.site.cloud.modify(name, **change))
        self.started(name)
        spec = self.site.machines[node].hypervisor.spec_of(name)
        self.assertEqual((spec.cores, spec.memory_mib), (1, 256))
        told = self.site.daemons[node].service.metadata_of(
            self.instance(name).private_ip
        )
        self.assertEqual((told.user_data, told.instance_type), (b"hello", "m1.large"))
        self.assertEqual(self.site.disks(), {(node, name)})

    def test_switched_off_unheard(self) -> None:
        """What stopped itself while nobody above listened is told when they do."""
        for daemons in (("cloud",), ("north",), ("cloud", "north", *TWO["north"])):
            [name] = self.stopping_itself()
            node = self.node_of(name)
            self.site.kill(*daemons)
            self.site.machines[node].hypervisor.power_off(name)
            self.site.run(100)
            self.site.start(*daemons)
            self.until(partial(self.is_in, name, STOPPED), 100)
            self.assertEqual(
                self.instance(name).state_reason_code,
                "Client.InstanceInitiatedShutdown",
            )
            self.until(self.is_ready)

    def test_cluster_lost_its_records(self) -> None:
        """A cluster learns from its nodes what has stopped, and can start it."""
        [name] = self.running()
        self.stopped(name)
        self.started(name)
        self.stopped(name)
        self.site.kill("north")
        self.site.daemons["north"].disk.records.clear()
        self.site.start("north")
        self.site.run(10)
        self.assertTrue(self.is_in(name, STOPPED))
        self.assertFalse(self.instance(name).is_silent)
        self.started(name)
        self.stopped(name)
        self.site.run(60)
        self.assertTrue(is_launched(self.site), self.site.describe())

    def test_node_lost_its_records(self) -> None:
        """
        What its node knows nothing of any more is told to be silent, is not
        launched anew, and can be ended.
        """
        [name] = self.running()
        node = self.node_of(name)
        self.stopped(name)
        self.site.kill(node)
        self.site.daemons[node].disk.records.clear()
        self.site.start(node)
        self.until(lambda: self.instance(name).is_silent)
        self.site.cloud.start(name)
        self.site.run(400)
        self.assertEqual(self.site.domains(), [])
        self.site.cloud.terminate(name)
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED))

    def test_many(self) -> None:
        """Many are stopped and started by one message to each tier."""
        names = self.running("north", 2)
        [kept] = self.running("south")
        self.site.cloud.stop(*names)
        self.until(lambda: all(self.is_in(name, STOPPED) for name in names), 0.1)
        self.assertTrue(self.is_in(kept, RUNNING))
        self.site.cloud.start(*names)
        self.until(lambda: is_launched(self.site), 1)


class ManyStartsTests(WholeTestCase):
    def test_reboots_are_over(self) -> None:
        """
        Reboots that were asked for before a stop are not done after the next start,
        however far they had come.
        """
        [name] = self.running()
        for steps in range(12):
            self.site.cloud.reboot(name)
            for _ in range(steps):
                self.site.step(1)
            self.site.cloud.reboot(name)
            self.site.cloud.stop(name)
            self.until(lambda: self.is_in(name, STOPPED), 100)
            self.site.run(1)
            record = self.instance(name)
            self.assertEqual(record.reboots_done, record.reboots_wanted, steps)
            self.site.cloud.start(name)
            self.until(lambda: self.is_in(name, RUNNING))

    def test_again_and_again(self) -> None:
        """However often it is stopped and started, it is what was asked last."""
        [name] = self.running()
        for count in range(1, 6):
            self.site.cloud.stop(name)
            self.until(lambda: self.is_in(name, STOPPED))
            self.site.cloud.start(name)
            self.until(lambda: self.is_in(name, RUNNING))
            self.assertEqual(self.instance(name).starts, count)
        self.until(lambda: is_launched(self.site), 1)
