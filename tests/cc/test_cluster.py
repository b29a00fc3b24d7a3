"""Tests of L{euca_tw.cc.cluster} and of the original's operations on it."""

from __future__ import annotations

from base64 import b64decode
from itertools import pairwise
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api import cluster as api
from euca_tw.cc.records import Placement
from euca_tw.cc.settings import ClusterSettings
from euca_tw.soap.interfaces import PeerRefused
from euca_tw.store.interfaces import Delete
from tests.fakes.launches import SMALL, launch
from tests.whole.site import Site, url_of


class ClusterTestCase(SynchronousTestCase):
    """A cluster of one node, spoken to over the wire of the contract."""

    def setUp(self) -> None:
        self.site = Site({"north": ("north-1",)})
        self.site.start("north", "north-1")
        self.site.run(5)

    def call(self, request: Any) -> Deferred[Any]:
        operation = api.CLUSTER.named(type(request).__name__)
        peer = self.site.peers.peer(url_of("north"))
        return Deferred.fromCoroutine(peer.call(operation, request, 100))

    def told(self, request: Any) -> Any:
        waiting = self.call(request)
        self.site.run(1)
        return self.successResultOf(waiting)

    def refused(self, request: Any) -> PeerRefused:
        waiting = self.call(request)
        self.site.run(1)
        refusal: PeerRefused = self.failureResultOf(waiting, PeerRefused).value
        return refusal

    def changes(self, **given: Any) -> Any:
        return self.told(api.WaitForChanges(**{"since": 0, "timeout_s": 0, **given}))


class OwnTests(ClusterTestCase):
    def test_launch(self) -> None:
        """What is launched is given addresses and a node, and told of."""
        told = self.told(
            api.LaunchInstances(launches=(launch(1, private_ip=None), launch(2)))
        )
        self.assertEqual(told.refused, ())
        changes = self.changes(instance_types=(SMALL,))
        self.assertTrue(changes.is_full)
        first, second = changes.instances
        self.assertEqual(first.instance.state_name, "Extant")
        self.assertEqual(first.instance.net_params.private_ip, "10.90.0.11")
        self.assertEqual(second.instance.service_tag, url_of("north-1"))
        [resource] = changes.resources
        self.assertEqual((resource.max_instances, resource.available_instances), (4, 2))
        self.assertEqual(changes.addresses_per_cluster, 4096 - 11)

    def listen(self) -> list[Any]:
        """All answers to one who asks again and again, from now on."""
        answers: list[Any] = []

        async def asking() -> None:
            epoch, since = None, 0
            while True:
                request = api.WaitForChanges(
                    epoch=epoch, since=since, timeout_s=90, instance_types=(SMALL,)
                )
                told = await self.call(request)
                answers.append(told)
                epoch, since = told.epoch, told.sequence

        asked = Deferred.fromCoroutine(asking())
        self.addCleanup(asked.addErrback, lambda failure: None)
        self.addCleanup(asked.cancel)
        return answers

    def test_room_is_told_once(self) -> None:
        """
        What room there is is told when it is other than what was told last, and not
        again: most of it goes with the instance that takes it.
        """
        answers = self.listen()
        self.told(api.LaunchInstances(launches=(launch(1),)))
        self.site.run(5)
        self.told(api.TerminateInstances(instance_ids=("i-00000001",)))
        self.site.run(5)
        rooms = [each.resources[0].available_instances for each in answers]
        self.assertEqual(set(rooms), {4, 3})
        self.assertEqual(rooms[-1], 4)
        for before, after in pairwise(answers):
            tells = after.instances or after.forgotten
            self.assertTrue(tells or before.resources != after.resources)

    def test_room_by_itself(self) -> None:
        """So is what room there is when a machine has become another."""
        answers = self.listen()
        self.site.run(1)
        hypervisor = self.site.machines["north-1"].hypervisor
        hypervisor._capacity = evolve(hypervisor._capacity, cores=2)
        hypervisor.reconnect()
        self.site.run(1)
        self.assertEqual(answers[-1].resources[0].available_instances, 2)

    def test_no_room(self) -> None:
        """What there is no room for now is refused, but not for good."""
        launches = tuple(launch(n) for n in range(1, 7))
        told = self.told(api.LaunchInstances(launches=launches))
        self.assertEqual(
            [r.instance_id for r in told.refused], ["i-00000005", "i-00000006"]
        )
        self.assertEqual([r.is_final for r in told.refused], [False, False])

    def test_never_room(self) -> None:
        """What no node could ever hold is refused for good."""
        of = api.ClusterMachineType(name="x", cores=64, memory=1, disk=1)
        told = self.told(api.LaunchInstances(launches=(launch(1, instance_type=of),)))
        self.assertTrue(told.refused[0].is_final)

    def test_make_image(self) -> None:
        """What is asked of an image goes to the instance's node, its answer back."""
        self.told(api.LaunchInstances(launches=(launch(1),)))
        asked = api.MakeImage(
            image_id="emi-00000002",
            instance_id="i-00000001",
            is_rebooted=False,
            url="memory:///uploads/emi-00000002",
            key="key",
        )
        self.assertEqual(self.told(asked).stage, "wanted")
        told = self.told(asked)
        self.assertEqual(told.stage, "sent")
        maker = self.site.machines["north-1"].maker
        self.assertEqual(told.sha256, maker.sent["emi-00000002"].sha256)
        self.assertEqual(told.size_bytes, maker.sent["emi-00000002"].size_bytes)
        self.site.kill("north-1")
        self.assertEqual(self.refused(asked).code, "Unavailable")

    def test_make_image_of_forgotten(self) -> None:
        """
        Of an instance that the cluster has forgotten the node is asked that is
        said to have had it, if it is one of the cluster's.
        """
        self.told(api.LaunchInstances(launches=(launch(1),)))
        asked = api.MakeImage(
            image_id="emi-00000002",
            instance_id="i-00000001",
            is_rebooted=False,
            url="memory:///uploads/emi-00000002",
            key="key",
            service_tag=url_of("north-1"),
        )
        self.told(asked)
        self.site.daemons["north"].service._store.commit(
            Delete(Placement, "i-00000001")
        )
        self.assertEqual(self.told(asked).stage, "sent")
        other = evolve(asked, instance_id="i-0000000f", image_id="emi-00000003")
        self.assertEqual(self.told(other).stage, "unknown")
        stranger = evolve(other, service_tag="http://elsewhere/")
        self.assertEqual(self.told(stranger).stage, "failed")

    def test_make_image_of_nothing(self) -> None:
        """Of an instance that it does not know a cluster says just that."""
        asked = api.MakeImage(
            image_id="emi-00000002",
            instance_id="i-0000000f",
            is_rebooted=True,
            url="",
            key="",
        )
        self.assertEqual(self.told(asked).stage, "unknown")

    def test_gathering(self) -> None:
        """
        A cluster that was just started and misses a node tells no full report
        and places nothing, for a while; then it does without the node.
        """
        self.site.kill("north", "north-1")
        self.site.start("north")
        self.site.run(2)
        before = self.changes()
        self.assertFalse(before.is_full)
        told = self.told(api.LaunchInstances(launches=(launch(1),)))
        self.assertIn("not heard of all its nodes", told.refused[0].reason)
        self.assertFalse(told.refused[0].is_final)
        self.site.run(20)
        after = self.changes(epoch=before.epoch, since=before.sequence)
        self.assertTrue(after.is_full)
        self.assertNotEqual(after.epoch, before.epoch)


class OriginalTests(ClusterTestCase):
    """What the original's cloud controller says is understood."""

    def run_request(self, **given: Any) -> api.RunInstances:
        return api.RunInstances(
            **{
                "user_id": "alice",
                "image_id": "emi-00000001",
                "kernel_id": "eki-00000001",
                "image_url": "http://walrus/image",
                "kernel_url": "http://walrus/kernel",
                "instance_type": SMALL,
                "key_name": "ssh-rsa AAAA",
                "max_count": 2,
                "min_count": 2,
                "reservation_id": "r-00000001",
                "instance_ids": ("i-00000001", "i-00000002"),
                "net_names": ("default",),
                "mac_addresses": ("d0:0d:00:00:00:01", "d0:0d:00:00:00:02"),
                "network_indexes": (0, 1),
                "vlan": 10,
                "user_data": "",
                "launch_index": "0",
                **given,
            }
        )

    def test_run(self) -> None:
        """RunInstances takes a reservation on."""
        told = self.told(self.run_request())
        self.assertEqual(
            [(i.instance_id, i.launch_index, i.network_index) for i in told.instances],
            [("i-00000001", "0", 0), ("i-00000002", "1", 1)],
        )
        every = self.told(api.DescribeInstances()).instances
        self.assertEqual([i.state_name for i in every], ["Extant", "Extant"])
        [one] = self.told(
            api.DescribeInstances(instance_ids=("i-00000002", "i-0000000f"))
        ).instances
        self.assertEqual(
            (one.owner_id, one.net_params.private_ip), ("alice", "10.90.0.11")
        )

    def test_run_too_many(self) -> None:
        """All that must run together or none."""
        names = tuple(f"i-{n:08x}" for n in range(6))
        refusal = self.refused(
            self.run_request(
                instance_ids=names,
                mac_addresses=tuple(f"d0:0d:00:00:00:0{n}" for n in range(6)),
                network_indexes=tuple(range(6)),
                min_count=6,
                max_count=6,
            )
        )
        self.assertEqual(refusal.code, "InsufficientInstanceCapacity")
        self.site.run(5)
        self.assertEqual(self.site.domains(), [])

    def test_run_malformed(self) -> None:
        """Lists that do not run in parallel are refused."""
        refusal = self.refused(self.run_request(network_indexes=(0,)))
        self.assertEqual(refusal.code, "InvalidParameterValue")

    def test_run_fewer_than_asked(self) -> None:
        """So is who names fewer instances than must run."""
        refusal = self.refused(self.run_request(min_count=3, max_count=3))
        self.assertEqual(refusal.code, "InvalidParameterValue")
        self.site.run(5)
        self.assertEqual(self.site.domains(), [])

    def test_terminate(self) -> None:
        """TerminateInstances says that each will end, known or not."""
        self.told(self.run_request())
        told = self.told(
            api.TerminateInstances(instance_ids=("i-00000001", "i-0000000f"))
        )
        self.assertEqual(told.is_terminated, (True, True))
        self.assertEqual(self.site.domains(), [("north-1", "i-00000002")])

    def test_reboot(self) -> None:
        """RebootInstances reboots what runs, and refuses what does not."""
        self.told(self.run_request())
        told = self.told(api.RebootInstances(instance_ids=("i-00000001",)))
        self.assertTrue(told.is_success)
        self.refused(api.RebootInstances(instance_ids=("i-0000000f",)))
        self.told(api.TerminateInstances(instance_ids=("i-00000001",)))
        self.refused(api.RebootInstances(instance_ids=("i-00000001",)))

    def test_console(self) -> None:
        """GetConsoleOutput passes on what the node has."""
        self.told(self.run_request())
        told = self.told(api.GetConsoleOutput(instance_id="i-00000001"))
        self.assertIn(b"READY", b64decode(told.console_output))
        self.refused(api.GetConsoleOutput(instance_id="i-0000000f"))
        told = self.told(api.ReadConsole(instance_id="i-00000001"))
        self.assertIn(b"READY", b64decode(told.output))
        self.assertIsNotNone(told.written_at)
        self.refused(api.ReadConsole(instance_id="i-0000000f"))
        self.site.kill("north-1")
        self.refused(api.GetConsoleOutput(instance_id="i-00000001"))
        self.refused(api.ReadConsole(instance_id="i-00000001"))

    def test_resources(self) -> None:
        """DescribeResources tells of each type that is asked for."""
        large = api.ClusterMachineType(name="large", cores=2, memory=512, disk=10)
        told = self.told(api.DescribeResources(instance_types=(SMALL, large)))
        self.assertEqual([r.available_instances for r in told.resources], [4, 2])
        self.assertEqual(told.service_tags, (url_of("north-1"),))

    def test_networks(self) -> None:
        """A started network is told of until it is stopped."""
        self.told(api.StartNetwork(user_id="alice", net_name="default", vlan=10))
        told = self.told(api.DescribeNetworks())
        [network] = told.active_networks
        self.assertEqual((network.vlan, network.user_name), (10, "alice"))
        self.assertEqual(told.mode, 0)
        self.told(api.StopNetwork(net_name="default", vlan=10))
        self.assertEqual(self.told(api.DescribeNetworks()).active_networks, ())

    def test_addresses(self) -> None:
        """Public addresses are noted, over a restart too."""
        self.told(api.AssignAddress(source="1.2.3.4", dest="10.90.0.10"))
        self.told(api.AssignAddress(source="1.2.3.5", dest="10.90.0.11"))
        self.told(api.UnassignAddress(source="1.2.3.5", dest="10.90.0.11"))
        self.site.kill("north")
        self.site.start("north")
        told = self.told(api.DescribePublicAddresses())
        self.assertEqual(told.source_addresses, ("1.2.3.4", "1.2.3.5"))
        self.assertEqual(told.dest_addresses, ("10.90.0.10", "0.0.0.0"))

    def test_not_here(self) -> None:
        """Rules and volumes are refused."""
        self.refused(api.ConfigureNetwork())
        self.refused(api.AttachVolume(volume_id="v", instance_id="i"))
        self.refused(api.DetachVolume(volume_id="v", instance_id="i"))


class SettingsTests(SynchronousTestCase):
    def test_addresses(self) -> None:
        """The range holds what is between its first address and the broadcast's."""
        small = ClusterSettings(subnet="10.0.0.0/28", first_address=10)
        self.assertEqual(small.addresses, 5)
        self.assertEqual(str(small.address_of(4)), "10.0.0.14")
        self.assertEqual(small.router_address, "10.0.0.1")
        named = ClusterSettings(router="10.90.0.254")
        self.assertEqual(named.router_address, "10.90.0.254")
