"""A cloud of two clusters at work: what users see, and how soon."""

from __future__ import annotations

from base64 import b64decode

from euca_tw.api.cluster import (
    LaunchInstances,
    LaunchInstancesResponse,
    RefusedLaunch,
)
from euca_tw.cc.settings import ClusterSettings
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.clc.tags import with_tags
from euca_tw.model.capacity import Resources
from euca_tw.model.records import ClientToken, InstanceState, ResourceTags
from tests.whole.case import WholeTestCase
from tests.whole.judgement import is_ended, is_launched
from tests.whole.site import IMAGE, TWO, url_of


class LaunchTests(WholeTestCase):
    def test_each_cluster_runs_its_own(self) -> None:
        """An instance runs on a node of the zone that it was launched in."""
        [north], [south] = self.running("north"), self.running("south")
        self.assertIn(self.node_of(north), TWO["north"])
        self.assertEqual(self.node_of(south), "south-1")
        for name in (north, south):
            record = self.instance(name)
            self.assertEqual(record.private_ip, "10.90.0.10")
            self.assertEqual(record.node, url_of(self.node_of(name)))

    def test_seen_at_once(self) -> None:
        """
        That an instance runs, or has ended, the cloud knows without any delay
        but the messages': nothing is polled for.
        """
        began = self.site.clock.seconds()
        [name] = self.running()
        self.assertEqual(self.site.clock.seconds(), began)
        self.site.run(1000)
        began = self.site.clock.seconds()
        self.site.machines[self.node_of(name)].hypervisor.power_off(name)
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
        self.assertEqual(self.site.clock.seconds(), began)

    def test_one_chain_of_messages(self) -> None:
        """An end takes one message from each tier to the next to be known."""
        [name] = self.running()
        self.site.run(100)
        self.site.peers.latency_s = 0.01
        self.site.run(100)
        self.site.machines[self.node_of(name)].hypervisor.power_off(name)
        took = self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
        self.assertAlmostEqual(took, 0.02, places=3)

    def test_spread(self) -> None:
        """Instances go to the emptiest node."""
        self.running(count=4)
        nodes = [node for node, _ in self.site.domains()]
        self.assertEqual(sorted(nodes), ["north-1"] * 2 + ["north-2"] * 2)

    def test_idle_is_quiet(self) -> None:
        """A cloud in which nothing happens takes a few steps a minute."""
        self.running(count=4)
        self.site.run(300)
        before = self.site.clock.steps
        self.site.run(3600)
        # Five polls a minute, each some steps; and now and then a listing.
        self.assertLess((self.site.clock.steps - before) / 60, 60)

    def test_metadata(self) -> None:
        """An instance's node can tell it what it is."""
        [name] = self.running()
        node = self.site.daemons[self.node_of(name)].service
        told = node.metadata_of(self.instance(name).private_ip)
        self.assertEqual(
            (told.instance_id, told.image_id, told.zone), (name, IMAGE, "north")
        )
        self.assertIsNone(node.metadata_of("10.90.0.99"))

    def test_console(self) -> None:
        """
        What an instance wrote is heard through both tiers, with when it did;
        after its end too, for as long as its node keeps it.
        """
        [name] = self.running()
        self.site.run(1)
        wrote_at = self.site.clock.seconds()
        for live, words in ((True, name), (False, name), (False, "")):
            self.site.run(100)
            if live:
                self.assertTrue(self.is_in(name, InstanceState.RUNNING))
            asked = self.site.cloud.console(name)
            self.until(lambda waiting=asked: waiting.called)
            told = self.successResultOf(asked)
            said = b64decode(told.output or "").decode()
            self.assertIn(words, said)
            if words:
                late = wrote_at - told.timestamp.timestamp()
                self.assertTrue(0 <= late < 3, late)
            else:
                self.assertEqual(said, "")
            if live:
                self.site.cloud.terminate(name)
                self.until(lambda: self.is_in(name, InstanceState.TERMINATED))
            else:
                self.site.run(200)

    def test_reboot(self) -> None:
        """A reboot is done once, and noted."""
        [name] = self.running()
        self.site.run(1)
        self.site.cloud.reboot(name)
        self.until(lambda: self.instance(name).reboots_done == 1)
        self.site.run(100)
        [consoles] = (
            m.hypervisor.consoles
            for m in self.site.machines.values()
            if m.hypervisor.consoles
        )
        [written] = consoles.values()
        self.assertEqual(written.count(b"Linux version"), 2)

    def test_token(self) -> None:
        """A token's launch is one, over a restart too."""
        first = self.site.cloud.launch("north", 1, "token")
        self.until(lambda: first.called)
        self.site.kill("cloud")
        self.site.start("cloud")
        second = self.site.cloud.launch("north", 1, "token")
        self.until(lambda: second.called)
        self.assertEqual(self.successResultOf(first), self.successResultOf(second))


class EndTests(WholeTestCase):
    def test_terminate(self) -> None:
        """What was ended leaves nothing behind."""
        [name] = self.running()
        self.site.cloud.terminate(name)
        self.until(lambda: is_ended(self.site))
        self.assertTrue(self.is_in(name, InstanceState.TERMINATED))

    def test_crash(self) -> None:
        """A guest that crashed has ended, and its domain is no more."""
        [name] = self.running()
        self.site.machines[self.node_of(name)].hypervisor.crash(name)
        self.until(lambda: is_ended(self.site))
        self.assertEqual(self.instance(name).state_reason_code, "Server.InternalError")

    def test_shut_down(self) -> None:
        """A guest that shut itself down has ended, and that is the reason."""
        [name] = self.running()
        self.site.machines[self.node_of(name)].hypervisor.power_off(name)
        self.until(lambda: is_ended(self.site))
        self.assertEqual(
            self.instance(name).state_reason_code, "Client.InstanceInitiatedShutdown"
        )

    def test_image_missing(self) -> None:
        """An instance whose image cannot be had fails, and says why."""
        for machine in self.site.machines.values():
            machine.instances.missing.add(IMAGE)
        [name] = self.launch()
        self.until(lambda: is_ended(self.site), 700)
        self.assertIn("cannot be fetched", self.instance(name).state_reason)

    def test_records_are_forgotten(self) -> None:
        """An hour after its end an instance's record is no more, nor are its tags."""
        [name] = self.running()
        store = self.site.cloud.store
        noted = with_tags(self.instance(name).owner_id, "instance", name, {"a": "1"})
        store.commit(*noted)
        self.site.cloud.terminate(name)
        self.until(lambda: is_ended(self.site))
        self.site.run(3601)
        self.assertEqual(self.site.cloud.states(), {})
        self.assertEqual(len(store.all(ResourceTags)), 0)

    def test_token_is_forgotten(self) -> None:
        """With the last of a reservation its token is no more, and may be used anew."""
        store = self.site.cloud.store
        for _ in range(2):
            asked = self.site.cloud.launch("north", 2, "token")
            self.until(lambda asked=asked: asked.called)
            self.until(lambda: is_launched(self.site))
            self.assertEqual(len(store.all(ClientToken)), 1)
            for name in self.successResultOf(asked):
                self.site.cloud.terminate(name)
            self.until(lambda: is_ended(self.site))
            self.site.run(3601)
            self.assertEqual(self.site.cloud.states(), {})
            self.assertEqual(len(store.all(ClientToken)), 0)

    def test_hypervisor_down(self) -> None:
        """While a hypervisor is down nothing ends; then what was asked is done."""
        [name] = self.running()
        hypervisor = self.site.machines[self.node_of(name)].hypervisor
        hypervisor.disconnect()
        self.site.run(100)
        self.assertTrue(self.is_in(name, InstanceState.RUNNING))
        self.site.cloud.terminate(name)
        self.site.run(100)
        self.assertTrue(self.is_in(name, InstanceState.SHUTTING_DOWN))
        hypervisor.reconnect()
        self.until(lambda: is_ended(self.site))


class AddressTests(WholeTestCase):
    """Where a cluster has two addresses."""

    cluster_settings = ClusterSettings(subnet="10.90.0.0/28", first_address=13)

    def test_given_again(self) -> None:
        """The address of what has ended is given to others."""
        used = set()
        for _ in range(5):
            [name] = self.running()
            used.add(self.instance(name).private_ip)
            self.site.cloud.terminate(name)
            self.until(lambda: is_ended(self.site))
        self.assertEqual(used, {"10.90.0.13", "10.90.0.14"})


class RoomTests(WholeTestCase):
    """Where a cluster has room for two on each of two nodes."""

    clusters = {"north": ("north-1", "north-2")}
    machine = Resources(cores=2, memory_mib=2048, disk_gib=0)
    cloud_settings = ConvergenceSettings(launch_deadline_s=60)

    def room(self) -> int:
        [zone] = self.site.cloud.clusters.zones()
        return zone.available["m1.small"]

    def test_room_is_counted(self) -> None:
        """Room shrinks when a launch is asked for, and grows when one ends."""
        self.assertEqual(self.room(), 4)
        names = self.launch(count=3)
        self.assertEqual(self.room(), 1)
        self.until(lambda: is_launched(self.site))
        self.site.run(1)
        self.assertEqual(self.room(), 1)
        self.site.cloud.terminate(*names)
        self.until(lambda: is_ended(self.site))
        self.site.run(1)
        self.assertEqual(self.room(), 4)

    def test_node_refuses(self) -> None:
        """What one node refuses another takes."""
        self.site.run(1)
        first = self.site.daemons["north-1"].service
        asked = first.accept
        first._answers["ncLaunchInstance"] = self.refuse(asked)
        names = self.running(count=2)
        self.assertEqual({self.node_of(name) for name in names}, {"north-2"})

    def refuse(self, asked: object) -> object:
        from euca_tw.api.node import NcLaunchInstanceResponse

        async def refused(request: object) -> NcLaunchInstanceResponse:
            return NcLaunchInstanceResponse(refusal="not today")

        return refused

    def test_no_room_in_time(self) -> None:
        """What finds no room until its deadline has failed for want of it."""
        for name in ("north-1", "north-2"):
            node = self.site.daemons[name].service
            node._answers["ncLaunchInstance"] = self.refuse(None)
        [name] = self.launch()
        self.site.run(30)
        self.assertTrue(self.is_in(name, InstanceState.PENDING))
        self.until(lambda: is_ended(self.site), 100)
        record = self.instance(name)
        self.assertEqual(
            record.state_reason_code, "Server.InsufficientInstanceCapacity"
        )
        self.assertIn("not today", record.state_reason)

    def test_never_room(self) -> None:
        """
        What its cluster will never take has failed at once, and why is kept for no
        longer than its record.
        """

        async def refuse(request: LaunchInstances) -> LaunchInstancesResponse:
            refused = RefusedLaunch(
                instance_id=request.launches[0].instance_id,
                reason="too large",
                is_final=True,
            )
            return LaunchInstancesResponse(refused=(refused,))

        self.site.daemons["north"].service._answers["LaunchInstances"] = refuse
        [name] = self.launch()
        self.until(lambda: self.is_in(name, InstanceState.TERMINATED), 5)
        self.assertEqual(self.instance(name).state_reason, "too large")
        self.site.run(3601)
        self.assertEqual(self.site.cloud.states(), {})
        self.assertEqual(self.site.cloud.clusters._zones["north"]._refusals, {})

    def test_room_later(self) -> None:
        """What finds room before its deadline runs."""
        nodes = [self.site.daemons[n].service for n in ("north-1", "north-2")]
        kept = [node._answers["ncLaunchInstance"] for node in nodes]
        for node in nodes:
            node._answers["ncLaunchInstance"] = self.refuse(None)
        self.launch()
        self.site.run(20)
        for node, answer in zip(nodes, kept, strict=True):
            node._answers["ncLaunchInstance"] = answer
        self.until(lambda: is_launched(self.site) and self.site.domains(), 40)
