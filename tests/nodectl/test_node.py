"""Tests of L{euca_tw.nodectl.node} and of the original's operations on it."""

from __future__ import annotations

from base64 import b64decode
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import node as api
from euca_tw.model.capacity import Resources
from euca_tw.model.lifecycle import Phase
from euca_tw.nodectl.interfaces import DomainSpec, Point
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from euca_tw.nodectl.memory_images import MemoryImageMaker
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.records import HostedInstance
from euca_tw.nodectl.settings import NodeSettings
from euca_tw.soap.interfaces import PeerRefused
from euca_tw.soap.memory import MemoryPeers
from euca_tw.store.memory import MemoryStore
from euca_tw.vnet.memory import MemoryNodeNetwork
from tests.fakes.hooks import RecordingHooks
from tests.fakes.launches import NOW, launch

URL = "http://node/"


class NodeTestCase(SynchronousTestCase):
    """One node, spoken to over the wire of the contract."""

    settings = NodeSettings()

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        self.peers = MemoryPeers(self.clock)
        self.store = MemoryStore()
        machine = Resources(cores=2, memory_mib=512, disk_gib=0)
        self.hypervisor = MemoryHypervisor(clock=self.clock, capacity=machine)
        self.instances = MemoryInstanceStore(
            clock=self.clock,
            consoles=self.hypervisor.consoles,
            disk_gib=100,
            written_at=self.hypervisor.written_at,
        )
        self.hooks = RecordingHooks()
        self.network = MemoryNodeNetwork()
        self.maker = MemoryImageMaker(self.clock, self.instances)
        self.begin()

    def begin(self, **given: Any) -> None:
        self.node = NodeController(
            url=URL,
            store=self.store,
            hypervisor=self.hypervisor,
            instances=self.instances,
            network=self.network,
            hooks=self.hooks,
            clock=self.clock,
            random=Random(1),
            settings=self.settings,
            maker=self.maker,
            **given,
        )
        self.peers.serve(URL, api.NODE, self.node.dispatch)
        self.node.startService()
        self.clock.advance(0)
        self.addCleanup(self.node.stopService)

    def call(self, request: Any) -> Deferred[Any]:
        name = type(request).__name__
        operation = api.NODE.named("n" + name[1:])
        return Deferred.fromCoroutine(
            self.peers.peer(URL).call(operation, request, 100)
        )

    def told(self, request: Any) -> Any:
        waiting = self.call(request)
        self.pump()
        return self.successResultOf(waiting)

    def refused(self, request: Any) -> PeerRefused:
        waiting = self.call(request)
        self.pump()
        refusal: PeerRefused = self.failureResultOf(waiting, PeerRefused).value
        return refusal

    def pump(self, seconds: float = 0) -> None:
        self.clock.pump([0] * 20 + [seconds] + [0] * 20)

    def launched(self, number: int = 1, **given: Any) -> Any:
        return self.told(api.NcLaunchInstance(launch=launch(number, **given)))

    def record(self, number: int = 1) -> HostedInstance:
        found = self.store.get(HostedInstance, f"i-{number:08x}")
        assert found is not None
        return found

    def domains(self) -> list[str]:
        found = Deferred.fromCoroutine(self.hypervisor.list())
        return [domain.name for domain in self.successResultOf(found)]


class OwnTests(NodeTestCase):
    def test_launch(self) -> None:
        """What is launched runs, and is told of."""
        self.assertIsNone(self.launched().refusal)
        self.pump()
        self.assertEqual(self.domains(), ["i-00000001"])
        spec = self.hypervisor.spec_of("i-00000001")
        self.assertEqual((spec.cores, spec.memory_mib), (1, 128))
        told = self.told(api.NcWaitForChanges(since=0, timeout_s=60))
        [changed] = told.instances
        self.assertEqual(changed.instance.state_name, "Extant")
        self.assertEqual(changed.instance.net_params.private_ip, "10.90.0.1")
        self.assertEqual(
            (told.number_of_cores_max, told.number_of_cores_available), (2, 1)
        )

    def test_once(self) -> None:
        """A launch that is repeated changes nothing."""
        self.launched()
        self.pump()
        self.assertIsNone(self.launched().refusal)
        self.pump()
        self.assertEqual(self.hypervisor.consoles.keys(), {self.console()})

    def console(self) -> str:
        return self.hypervisor.spec_of("i-00000001").console

    def test_no_room(self) -> None:
        """What there is no room for is refused, in words."""
        self.launched(1)
        self.launched(2)
        refusal = self.launched(3).refusal
        self.assertEqual(refusal, "too few cores: 1 needed, 0 of 2 free")
        self.assertIsNone(self.store.get(HostedInstance, "i-00000003"))

    def test_ended_before_it_came(self) -> None:
        """A launch that comes after its termination comes too late."""
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.assertIsNone(self.launched().refusal)
        self.pump()
        self.assertEqual(self.domains(), [])
        self.assertIs(self.record().phase, Phase.TEARDOWN)

    def test_long_poll(self) -> None:
        """A change is told at once to who waits for one."""
        first = self.told(api.NcWaitForChanges(since=0, timeout_s=60))
        waiting = self.call(
            api.NcWaitForChanges(epoch=first.epoch, since=first.sequence, timeout_s=60)
        )
        self.pump()
        self.assertNoResult(waiting)
        self.launched()
        self.pump()
        told = self.successResultOf(waiting)
        self.assertFalse(told.is_full)
        self.assertEqual(len(told.instances), 1)

    def test_restarted(self) -> None:
        """A node that is started anew adopts what runs, and serves its card."""
        self.launched()
        self.pump()
        self.successResultOf(self.node.stopService())
        self.network = MemoryNodeNetwork()
        self.begin()
        self.pump()
        self.assertIs(self.record().phase, Phase.EXTANT)
        self.assertEqual(len(self.network.leases), 1)
        told = self.node.metadata_of("10.90.0.1")
        assert told is not None
        self.assertEqual(
            (told.instance_id, told.user_data, told.hostname),
            ("i-00000001", b"#!/bin/sh\n", "ip-10-90-0-1.internal"),
        )

    def test_domain(self) -> None:
        """An instance is told a name of the cloud's domain, in either way."""
        self.successResultOf(self.node.stopService())
        self.begin(domain="a.example")
        self.launched()
        self.pump()
        told = self.node.metadata_of("10.90.0.1")
        lease = self.network.leases.of_ip("10.90.0.1")
        assert told is not None
        assert lease is not None
        self.assertEqual(told.hostname, "ip-10-90-0-1.a.example")
        self.assertEqual(lease.hostname, "ip-10-90-0-1.a.example")

    def test_staging_is_cut(self) -> None:
        """An instance that shall end while its disk is made ends at once."""
        self.instances.stage_s = 1000
        self.launched()
        self.pump()
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.pump()
        self.assertIs(self.record().phase, Phase.TEARDOWN)
        self.assertFalse(self.instances.has_disk("i-00000001"))

    def test_trouble_is_told(self) -> None:
        """Why an instance does not run yet is told, and tried again."""
        self.instances.missing.add("emi-00000001")
        self.launched()
        self.pump()
        told = self.told(api.NcWaitForChanges(since=0, timeout_s=0))
        self.assertIn("cannot be fetched", told.instances[0].reason)
        self.instances.missing.clear()
        self.pump(2)
        self.assertEqual(self.domains(), ["i-00000001"])

    def test_stop_leaves_domains(self) -> None:
        """A stop leaves what runs running, and no delayed call of its own."""
        self.launched()
        self.pump(10)
        self.successResultOf(self.node.stopService())
        self.assertEqual(len(self.hypervisor._guests), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class OriginalTests(NodeTestCase):
    """What the original's cluster controller says is understood."""

    def run_request(self, **given: Any) -> api.NcRunInstance:
        return api.NcRunInstance(
            **{
                "user_id": "alice",
                "image_id": "emi-00000001",
                "kernel_id": "eki-00000001",
                "image_url": "http://walrus/image",
                "kernel_url": "http://walrus/kernel",
                "instance_id": "i-00000001",
                "instance_type": api.NodeMachineType(memory=128, cores=1, disk=2),
                "key_name": "ssh-rsa AAAA",
                "public_mac_address": "d0:0d:00:00:00:01",
                "private_mac_address": "d0:0d:00:00:00:01",
                "reservation_id": "r-00000001",
                "vlan": 10,
                "launch_index": "0",
                **given,
            }
        )

    def test_run(self) -> None:
        """ncRunInstance takes an instance on, as Pending."""
        told = self.told(self.run_request())
        self.assertEqual(told.instance.state_name, "Pending")
        self.assertEqual(told.instance.user_id, "alice")
        record = self.record()
        assert record.launch is not None
        self.assertIsNone(record.launch.ramdisk)
        self.assertEqual(record.launch.public_key, "ssh-rsa AAAA")

    def test_run_refused(self) -> None:
        """ncRunInstance of what there is no room for is refused, and leaves nothing."""
        of = api.NodeMachineType(memory=128, cores=64, disk=2)
        self.refused(self.run_request(instance_type=of))
        self.assertIsNone(self.store.get(HostedInstance, "i-00000001"))

    def test_describe(self) -> None:
        """ncDescribeInstances tells of all, or of those that are asked for."""
        self.launched(1)
        self.launched(2)
        self.pump()
        every = self.told(api.NcDescribeInstances()).instances
        self.assertEqual([i.state_name for i in every], ["Extant", "Extant"])
        [one] = self.told(
            api.NcDescribeInstances(instance_ids=("i-00000002", "i-0000000f"))
        ).instances
        self.assertEqual((one.instance_id, one.service_tag), ("i-00000002", URL))

    def test_terminate(self) -> None:
        """ncTerminateInstance tells what it was."""
        self.launched()
        self.pump()
        told = self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.assertEqual((told.previous_state, told.shutdown_state), ("14", "15"))
        self.pump()
        self.assertIs(self.record().wanted, Goal.ENDED)
        self.assertEqual(self.domains(), [])

    def test_forgotten_when_described(self) -> None:
        """Who is told by ncDescribeInstances has heard of an end, too."""
        self.launched()
        self.pump()
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.pump(1)
        self.told(api.NcDescribeInstances())
        self.pump(181)
        self.pump(200)
        self.assertIsNone(self.store.get(HostedInstance, "i-00000001"))
        self.assertEqual(self.told(api.NcDescribeInstances()).instances, ())

    def test_reboot(self) -> None:
        """ncRebootInstance reboots what runs, and says whether it did."""
        self.launched()
        self.pump(1)
        told = self.told(api.NcRebootInstance(instance_id="i-00000001"))
        self.assertTrue(told.status)
        told = self.told(api.NcRebootInstance(instance_id="i-0000000f"))
        self.assertFalse(told.status)
        [written] = self.hypervisor.consoles.values()
        self.assertEqual(written.count(b"Linux version"), 2)

    def test_reboot_while_down(self) -> None:
        """A reboot that cannot be done is told to be not done."""
        self.launched()
        self.pump(1)
        self.hypervisor.disconnect()
        told = self.told(api.NcRebootInstance(instance_id="i-00000001"))
        self.assertFalse(told.status)

    def test_console(self) -> None:
        """ncGetConsoleOutput tells what was written, in base64."""
        self.launched()
        self.pump(1)
        told = self.told(api.NcGetConsoleOutput(instance_id="i-00000001"))
        self.assertIn(b"READY", b64decode(told.console_output))
        self.refused(api.NcGetConsoleOutput(instance_id="i-0000000f"))

    def test_resource(self) -> None:
        """ncDescribeResource tells what there is, and what is free."""
        self.launched()
        told = self.told(api.NcDescribeResource(resource_type="x"))
        self.assertEqual(
            (told.node_status, told.memory_size_max, told.memory_size_available),
            ("OK", 512, 384),
        )
        self.assertEqual((told.disk_size_max, told.disk_size_available), (100, 98))

    def test_network(self) -> None:
        """ncStartNetwork finds the network there."""
        told = self.told(api.NcStartNetwork(vlan=10))
        self.assertEqual((told.network_status, told.status_message), ("SUCCESS", 0))

    def test_not_here(self) -> None:
        """Volumes and power are refused."""
        self.refused(api.NcPowerDown())
        self.refused(api.NcAttachVolume(volume_id="v", instance_id="i"))
        self.refused(api.NcDetachVolume(volume_id="v", instance_id="i"))


class SmallTests(NodeTestCase):
    settings = NodeSettings(cores=8, memory_mib=4096, disk_gib=7)

    def test_settings(self) -> None:
        """What the site says of a machine holds."""
        told = self.told(api.NcDescribeResource())
        self.assertEqual(
            (told.number_of_cores_max, told.memory_size_max, told.disk_size_max),
            (8, 4096, 7),
        )


class OvercommitTests(NodeTestCase):
    settings = NodeSettings(
        cores_overcommit=4.0, memory_reserve_mib=112, disk_reserve_gib=90
    )

    def test_accounts(self) -> None:
        """What a machine has is promised as often as the site says, less its own."""
        told = self.told(api.NcDescribeResource())
        self.assertEqual(
            (told.number_of_cores_max, told.memory_size_max, told.disk_size_max),
            (8, 400, 10),
        )

    def test_all_that_lacks(self) -> None:
        """A node that cannot place an instance says all that there is too little of."""
        for number in (1, 2, 3):
            self.assertIsNone(self.launched(number).refusal)
        self.assertEqual(
            self.launched(
                4, instance_type=api.ClusterMachineType(cores=9, memory=20, disk=5)
            ).refusal,
            "too few cores: 9 needed, 5 of 8 free; "
            "too little memory: 20 MiB needed, 16 MiB of 400 MiB free; "
            "too little disk: 5 GiB needed, 4 GiB of 10 GiB free",
        )


class StopTests(NodeTestCase):
    settings = NodeSettings(stop_grace_s=30.0)

    def setUp(self) -> None:
        super().setUp()
        self.launched()
        self.pump()
        self.hooks.occasions.clear()

    def stop(self) -> Any:
        answer = self.told(api.NcStopInstance(instance_id="i-00000001"))
        self.pump()
        return answer.refusal

    def start(self) -> Any:
        answer = self.told(api.NcStartInstance(instance_id="i-00000001"))
        self.pump()
        return answer.refusal

    def life(self) -> Any:
        [told] = self.told(api.NcWaitForChanges(since=0, timeout_s=0)).instances
        return told.life

    def test_stop_and_start(self) -> None:
        """
        A stopped instance has no domain and no card, and keeps its disk; it
        runs again from that.
        """
        self.assertIsNone(self.stop())
        self.assertEqual((self.life(), self.domains()), ("stopped", []))
        self.assertTrue(self.instances.has_disk("i-00000001"))
        self.assertEqual(len(self.network.leases), 0)
        self.assertIs(self.record().phase, Phase.EXTANT)
        told = self.told(api.NcDescribeResource())
        self.assertEqual(
            (told.memory_size_available, told.disk_size_available), (512, 98)
        )
        self.assertIsNone(self.start())
        self.assertEqual((self.life(), self.domains()), (None, ["i-00000001"]))
        self.assertEqual(len(self.network.leases), 1)
        self.assertEqual(
            self.hooks.points, ["pre-stop", "post-stop", "pre-boot", "post-boot"]
        )

    def test_card_after_a_start(self) -> None:
        """The card of what was started is taken off again when it stops, or ends."""
        for end in (
            self.stop,
            lambda: self.told(api.NcTerminateInstance(instance_id="i-00000001")),
        ):
            self.stop()
            self.start()
            self.assertEqual(len(self.network.leases), 1)
            end()
            self.pump()
            self.assertEqual(len(self.network.leases), 0)

    def test_again(self) -> None:
        """Stopping and starting twice is as good as once."""
        self.assertIsNone(self.stop())
        self.assertIsNone(self.stop())
        self.assertIsNone(self.start())
        self.assertIsNone(self.start())
        self.assertIs(self.record().life, Life.RUNNING)

    def test_deaf(self) -> None:
        """A guest that does not heed is given its time, and ended then."""
        self.hypervisor.deaf.add("i-00000001")
        self.stop()
        self.pump(29)
        self.assertEqual((self.life(), self.domains()), ("stopping", ["i-00000001"]))
        self.pump(1)
        self.assertEqual((self.life(), self.domains()), ("stopped", []))

    def test_restarted_meanwhile(self) -> None:
        """A node controller started anew gives no new time to a guest."""
        self.hypervisor.deaf.add("i-00000001")
        self.stop()
        self.pump(20)
        self.successResultOf(self.node.stopService())
        self.begin()
        self.pump(9)
        self.assertEqual(self.life(), "stopping")
        self.pump(1)
        self.assertEqual(self.life(), "stopped")

    def test_started_while_stopping(self) -> None:
        """What is started while it stops, stops, and starts."""
        self.hypervisor.deaf.add("i-00000001")
        self.stop()
        self.start()
        self.assertEqual(self.life(), "starting")
        self.pump(30)
        self.pump()
        self.assertIs(self.record().life, Life.RUNNING)
        [written] = self.hypervisor.consoles.values()
        self.assertEqual(written.count(b"Linux version"), 2)

    def test_terminated_while_stopped(self) -> None:
        """A stopped instance can be ended."""
        self.stop()
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.pump()
        self.assertIs(self.record().life, Life.TERMINATED)
        self.assertFalse(self.instances.has_disk("i-00000001"))

    def test_no_room_to_start(self) -> None:
        """What a stopped instance gave up, another may have taken."""
        self.stop()
        for number in (2, 3):
            self.assertIsNone(self.launched(number).refusal)
        self.assertEqual(self.start(), "too few cores: 1 needed, 0 of 2 free")

    def test_refused(self) -> None:
        """What is not here, or not running, is not stopped."""
        told = self.told(api.NcStopInstance(instance_id="i-0000000f"))
        self.assertEqual(told.refusal, "it is not here")
        told = self.told(api.NcStartInstance(instance_id="i-0000000f"))
        self.assertEqual(told.refusal, "it is not here")
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.assertEqual(self.stop(), "it is terminated")
        self.assertEqual(self.start(), "it is terminated")

    def test_hooks_hold_it_up(self) -> None:
        """Hooks may hold up a stop, and not for ever."""
        self.hooks.refusing[Point.PRE_STOP] = "a backup runs"
        self.stop()
        self.pump(29)
        self.assertEqual(self.life(), "stopping")
        [told] = self.told(api.NcWaitForChanges(since=0, timeout_s=0)).instances
        self.assertEqual(told.reason, "a backup runs")
        del self.hooks.refusing[Point.PRE_STOP]
        self.pump(30)
        self.assertEqual(self.life(), "stopped")


class HookTests(NodeTestCase):
    def test_life(self) -> None:
        """Hooks are called at the points of a life, and told of the instance."""
        self.launched()
        self.pump()
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.pump()
        self.assertEqual(
            self.hooks.points,
            ["pre-boot", "post-boot", "pre-terminate", "post-terminate"],
        )
        first = self.hooks.occasions[0]
        self.assertEqual(first.instance_id, "i-00000001")
        self.assertEqual(first.directory, "memory:/instances/i-00000001")
        self.assertIn("<domain", first.domain_xml)
        self.assertEqual(first.facts["EUCA_PRIVATE_IP"], "10.90.0.1")

    def test_refused(self) -> None:
        """A hook that refuses before the boot ends the instance, with its text."""
        self.hooks.refusing[Point.PRE_BOOT] = "The node's hook 10-quota refused: full"
        self.launched()
        self.pump()
        self.assertEqual(self.domains(), [])
        [told] = self.told(api.NcWaitForChanges(since=0, timeout_s=0)).instances
        self.assertEqual(
            (told.instance.state_name, told.reason_code, told.reason),
            (
                "Teardown",
                "Server.InternalError",
                "The node's hook 10-quota refused: full",
            ),
        )

    def test_ended_while_hooks_run(self) -> None:
        """What shall end while its hooks run does so when they have ended."""
        self.hooks.held[Point.PRE_BOOT] = held = Deferred()
        self.launched()
        self.pump()
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.pump()
        self.assertEqual(self.domains(), [])
        held.callback(None)
        self.pump()
        self.assertIs(self.record().life, Life.TERMINATED)
        self.assertEqual(self.domains(), [])

    def test_an_end_is_not_held_up_for_ever(self) -> None:
        """What its user has ended ends, whatever hooks say."""
        self.launched()
        self.pump()
        self.hooks.refusing[Point.PRE_TERMINATE] = "never"
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        for _ in range(29):
            self.pump(10)
        self.assertEqual(self.domains(), ["i-00000001"])
        for _ in range(10):
            self.pump(10)
        self.assertIs(self.record().life, Life.TERMINATED)

    def test_adopted(self) -> None:
        """What a new node controller finds running is told of as adopted, once."""
        self.launched()
        self.pump()
        self.successResultOf(self.node.stopService())
        self.hooks.occasions.clear()
        self.begin()
        self.pump(1000)
        self.assertEqual(self.hooks.points, ["on-adopt"])

    def test_stopped(self) -> None:
        """A node controller that stops waits for no hook that nobody waits for."""
        self.hooks.held[Point.POST_BOOT] = Deferred()
        self.launched()
        self.pump()
        self.assertIs(self.record().life, Life.RUNNING)
        self.successResultOf(self.node.stopService())


class AdoptionTests(NodeTestCase):
    """A node controller that was killed, or has lost all that it kept."""

    def killed(self) -> None:
        self.successResultOf(self.node.stopService())
        self.hooks.occasions.clear()
        self.network = MemoryNodeNetwork()

    def lost_everything(self) -> None:
        self.killed()
        self.store = MemoryStore()

    def test_state_lost(self) -> None:
        """What runs is taken on again by what its domain says of it."""
        self.launched()
        self.pump()
        self.lost_everything()
        self.begin()
        self.pump()
        [told] = self.told(api.NcWaitForChanges(since=0, timeout_s=0)).instances
        self.assertEqual((told.instance.state_name, told.life), ("Extant", None))
        self.assertEqual(told.network_index, 1)
        self.assertEqual(len(self.network.leases), 1)
        metadata = self.node.metadata_of("10.90.0.1")
        assert metadata is not None
        self.assertEqual(metadata.user_data, b"#!/bin/sh\n")
        self.assertEqual(self.told(api.NcDescribeResource()).memory_size_available, 384)
        self.assertEqual(self.hooks.points, ["on-adopt"])
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.pump()
        self.assertEqual(self.domains(), [])
        self.assertFalse(self.instances.has_disk("i-00000001"))

    def run_domain(self, memo: str) -> None:
        spec = DomainSpec(
            name="i-00000001",
            uuid="5a5a5a5a-0000-4000-8000-000000000001",
            cores=1,
            memory_mib=64,
            disks=(),
            nics=(),
            console="",
            memo=memo,
        )
        self.successResultOf(Deferred.fromCoroutine(self.hypervisor.run(spec)))

    def test_stranger(self) -> None:
        """
        A domain that does not say what it is is left alone, and told of, until
        it is launched or ended.
        """
        for memo in ("", "nonsense", "{}", '{"version":1,"launch":{}}'):
            self.run_domain(memo)
            self.pump(1000)
            self.assertEqual(self.domains(), ["i-00000001"])
            told = self.told(api.NcWaitForChanges(since=0, timeout_s=0))
            self.assertEqual(told.instances, ())
            self.assertEqual(told.strangers, ("i-00000001",))
        self.launched()
        self.pump()
        self.assertIs(self.record().phase, Phase.EXTANT)
        told = self.told(api.NcWaitForChanges(since=0, timeout_s=0))
        self.assertEqual(told.strangers, ())

    def test_stranger_is_ended(self) -> None:
        """What is not known and shall end, ends."""
        self.run_domain("")
        self.pump(1000)
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.pump()
        self.assertEqual(self.domains(), [])

    def test_killed_while_staging(self) -> None:
        """What was being staged when its node controller was killed is, again."""
        self.instances.stage_s = 1000
        self.launched()
        self.pump(1)
        self.killed()
        self.instances.stage_s = 0
        self.begin()
        self.pump()
        self.assertIs(self.record().life, Life.RUNNING)

    def test_halted_meanwhile(self) -> None:
        """Who shut himself down while nobody looked did so all the same."""
        for end, code in (
            (self.hypervisor.power_off, "Client.InstanceInitiatedShutdown"),
            (self.hypervisor.crash, "Server.InternalError"),
            (self.hypervisor.vanish, "Server.InternalError"),
        ):
            self.launched()
            self.pump()
            self.killed()
            end("i-00000001")
            self.begin()
            self.pump()
            self.assertEqual(self.record().reason_code, code)
            self.lost_everything()
            self.begin()

    def test_files_without_a_record(self) -> None:
        """Files that no record is of are told of, and left alone."""
        self.launched()
        self.pump()
        self.hypervisor.vanish("i-00000001")
        self.lost_everything()
        with capturedLogs() as logged:
            self.begin()
            self.pump()
        self.assertEqual(
            [each["names"] for each in logged if "names" in each], ["i-00000001"]
        )
        self.assertTrue(self.instances.has_disk("i-00000001"))


class ConsoleTests(NodeTestCase):
    def test_dated(self) -> None:
        """A console is told with when it was last written."""
        self.launched()
        self.pump(1)
        began = self.clock.seconds()
        self.pump(100)
        told = self.told(api.NcReadConsole(instance_id="i-00000001"))
        self.assertIn(b"READY", b64decode(told.output))
        self.assertAlmostEqual(told.written_at.timestamp(), began, delta=2)
        self.refused(api.NcReadConsole(instance_id="i-0000000f"))

    def test_kept(self) -> None:
        """A console can be read until its instance is forgotten."""
        self.launched()
        self.pump(1)
        self.told(api.NcTerminateInstance(instance_id="i-00000001"))
        self.pump(100)
        told = self.told(api.NcReadConsole(instance_id="i-00000001"))
        self.assertIn(b"READY", b64decode(told.output))
