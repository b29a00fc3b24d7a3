"""Tests of L{euca_tw.clc.networks}, and of launches into networks."""

from __future__ import annotations

from ipaddress import IPv4Network
from random import Random
from typing import Any

from attrs import evolve
from twisted.logger import capturedLogs, formatEvent

from euca_tw.api.cluster import WaitForChangesResponse
from euca_tw.api.ec2.instances import RunInstances
from euca_tw.api.errors import InsufficientInstanceCapacity
from euca_tw.api.networks import MachineEntry
from euca_tw.clc import network_entries
from euca_tw.clc.launches import Launches
from euca_tw.clc.networks import CloudNetworks, NoFreeNetwork
from euca_tw.model.identifiers import AccountId, GroupId
from euca_tw.model.networks import Rule
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    Address,
    GroupNetwork,
    GroupSource,
    Instance,
    KnownMachine,
    Permission,
    SecurityGroup,
)
from euca_tw.overlay.settings import MANAGED, NetworkSettings
from euca_tw.soap.memory import MemoryPeers
from tests.clc.cloud import ADMIN, ALICE_ID, TYPES, CloudTestCase
from tests.fakes.clusters import RecordingClusters, roomy_zone

#: Two networks, of 13 instances each.
SMALL = NetworkSettings(
    mode=MANAGED, private_range="10.1.0.0/27", addresses_per_network=16
)


class NetworksTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clusters = RecordingClusters((roomy_zone("one"), roomy_zone("two")))
        self.networks = self.started()
        self.launches = Launches(
            store=self.store,
            clusters=self.clusters,
            clock=self.clock,
            minter=self.minter,
            quotas=Quotas(),
            machine_types=TYPES,
            networks=self.networks,
        )
        self.image()

    def started(self, settings: NetworkSettings = SMALL) -> CloudNetworks:
        networks = CloudNetworks(
            settings=settings,
            clusters={},
            store=self.store,
            clock=self.clock,
            random=Random(1),
        )
        networks.startService()
        return networks

    def group(self, name: str) -> GroupId:
        group_id = GroupId(f"sg-{name:0>8}")
        self.put(
            SecurityGroup(
                group_id=group_id,
                owner_id=AccountId(ADMIN.account_id),
                name=name,
                description=name,
            )
        )
        return group_id

    def launch(self, *groups: str, count: int = 1, **given: Any) -> list[Instance]:
        told = self.result(
            self.launches.run_instances(ADMIN, self.request(*groups, count=count))
        )
        return [self.store.get(Instance, i.instance_id) for i in told.instances]  # type: ignore[misc]

    def request(self, *groups: str, count: int = 1) -> RunInstances:
        return RunInstances(
            image_id="emi-00000001",
            min_count=count,
            max_count=count,
            instance_type="m1.small",
            security_group_names=groups,
        )


class LaunchTests(NetworksTestCase):
    """L{Launches}, where networks are managed."""

    def test_first_group(self) -> None:
        """An instance is in its first group's network, with an address of it."""
        self.group("a")
        self.group("b")
        [one] = self.launch("b", "a")
        [two] = self.launch("b")
        [three] = self.launch("a")
        self.assertEqual(
            [(each.network, each.private_ip) for each in (one, two, three)],
            [(1, "10.1.0.2"), (1, "10.1.0.3"), (2, "10.1.0.18")],
        )
        network = self.store.get(GroupNetwork, "1")
        self.assertEqual(
            network,
            GroupNetwork(
                number=1,
                subnet="10.1.0.0/28",
                group_id=one.groups[0].group_id,
                zones=("one",),
            ),
        )

    def test_zones(self) -> None:
        """The zones of a network are those in which it ever had an instance."""
        self.group("a")
        self.clusters.known = (roomy_zone("one", available={"m1.small": 2}),)
        self.launch("a", count=2)
        self.clusters.known = (roomy_zone("two"),)
        self.launch("a")
        network = self.store.get(GroupNetwork, "1")
        assert network is not None
        self.assertEqual(network.zones, ("one", "two"))

    def test_one_range(self) -> None:
        """Instances that are spread over zones have addresses of one range."""
        self.group("a")
        few = {"m1.small": 3}
        self.clusters.known = (
            roomy_zone("one", available=few),
            roomy_zone("two", available=few),
        )
        launched = self.launch("a", count=5)
        self.assertEqual({each.zone for each in launched}, {"one", "two"})
        self.assertEqual(len({each.private_ip for each in launched}), 5)

    def test_full_network(self) -> None:
        """A network has as many instances as addresses; then launches are refused."""
        self.group("a")
        launched = self.launch("a", count=13)
        refusal = self.refused(
            InsufficientInstanceCapacity,
            self.launches.run_instances(ADMIN, self.request("a")),
        )
        self.assertIn("0 free addresses", refusal.message)
        # Who comes after one that has ended has its address, after all others.
        self.put(evolve(launched[4], state=type(launched[4].state).TERMINATED))
        [heir] = self.launch("a")
        self.assertEqual(heir.private_ip, launched[4].private_ip)

    def test_no_network(self) -> None:
        """When all networks are taken the next group's launch is refused."""
        for name in ("a", "b", "c"):
            self.group(name)
        self.launch("a")
        self.launch("b")
        refusal = self.refused(
            InsufficientInstanceCapacity,
            self.launches.run_instances(ADMIN, self.request("c")),
        )
        self.assertIn("as many networks", refusal.message)
        self.assertEqual(len(self.store.all(GroupNetwork)), 2)

    def test_refused_takes_none(self) -> None:
        """A launch for which there is no room takes no network."""
        self.group("a")
        self.clusters.known = ()
        self.refused(
            InsufficientInstanceCapacity,
            self.launches.run_instances(ADMIN, self.request("a")),
        )
        self.assertEqual(len(self.store.all(GroupNetwork)), 0)
        self.assertEqual(self.networks.network_for("sg-1").number, 2)
        self.assertEqual(self.networks.network_for("sg-1").number, 1)


class NetworksTests(NetworksTestCase):
    """L{CloudNetworks}."""

    def test_restarted(self) -> None:
        """Another life knows which numbers are taken."""
        self.group("a")
        self.launch("a")
        heir = self.started()
        self.assertEqual(heir.network_for("sg-other").number, 2)

    def test_other_carving(self) -> None:
        """
        A site that carves its range anew keeps the networks that there are, and
        gives no others what is theirs.
        """
        group_id = self.group("a")
        self.launch("a")
        carved = evolve(SMALL, private_range="10.1.0.0/26", addresses_per_network=32)
        heir = self.started(carved)
        self.assertEqual(heir.network_for(group_id).subnet, "10.1.0.0/28")
        other = heir.network_for("sg-other")
        self.assertFalse(IPv4Network(other.subnet).overlaps(IPv4Network("10.1.0.0/28")))
        heir.use(other, ("one",))
        self.assertRaises(NoFreeNetwork, heir.network_for, "sg-third")

    def test_left_over(self) -> None:
        """What lost its last instance before a restart is over after it."""
        self.put(GroupNetwork(number=1, subnet="10.1.0.0/28", group_id=GroupId("sg-1")))
        self.started()
        self.clock.advance(1)
        record = self.store.get(GroupNetwork, "1")
        assert record is not None
        self.assertTrue(record.is_over)

    def test_machines(self) -> None:
        """
        What a cluster tells of its machines is kept, till it tells otherwise; what
        cannot be is not.
        """
        networks = CloudNetworks(
            settings=SMALL,
            clusters={"one": MemoryPeers(self.clock).peer("http://one/")},
            store=self.store,
            clock=self.clock,
            random=Random(1),
        )
        node = MachineEntry(
            name="n",
            cluster="other",
            role="node",
            address="192.0.2.1",
            is_routed=True,
            mtu=9000,
        )

        def hear(*machines: MachineEntry, is_another: bool = True) -> list[str]:
            told = WaitForChangesResponse(
                epoch="e",
                sequence=1,
                is_full=True,
                addresses_per_cluster=1,
                machines=machines,
            )
            networks.heard("one", told, is_another=is_another)
            return [each.name for each in self.store.all(KnownMachine)]

        self.assertEqual(hear(node), ["n"])
        [kept] = self.store.all(KnownMachine)
        self.assertEqual((kept.cluster, kept.mtu, kept.is_routed), ("one", 9000, True))
        self.assertEqual(hear(is_another=False), ["n"])
        with capturedLogs() as logs:
            self.assertEqual(hear(evolve(node, address="nowhere")), ["n"])
        self.assertIn("cannot be", formatEvent(logs[-1]))
        self.assertEqual(hear(evolve(node, name="m")), ["m"])


class EntryTests(CloudTestCase):
    """L{network_entries}."""

    def test_rules(self) -> None:
        """A permission is a rule by the numbers of IP."""
        everyone = IPv4Network("0.0.0.0/0")
        source = GroupSource(
            owner_id=ALICE_ID, group_id=GroupId("sg-2"), group_name="web"
        )
        for protocol, low, high, number in (
            ("tcp", 22, 23, 6),
            ("udp", 53, 53, 17),
            ("icmp", 8, -1, 1),
            ("-1", -1, -1, None),
            ("50", -1, -1, 50),
        ):
            permission = Permission(
                protocol=protocol, from_port=low, to_port=high, cidr="0.0.0.0/0"
            )
            self.assertEqual(
                network_entries.rule_of(permission),
                Rule(protocol=number, low=low, high=high, source=everyone),
            )
            of_group = evolve(permission, cidr=None, group=source)
            self.assertEqual(network_entries.rule_of(of_group).source, "sg-2")

    def test_nothing_of_the_ended(self) -> None:
        """Of what has ended, or is in no network, there is no member."""
        flat = self.instance(1)
        self.assertIsNone(network_entries.member_of(flat))
        address = Address(public_ip="192.0.2.1", owner_id=ALICE_ID)
        for holder in (None, flat):
            self.assertIsNone(network_entries.elastic_of(address, holder))

    def test_machine(self) -> None:
        """A machine is as its cluster told."""
        record = KnownMachine(
            name="n", cluster="c", role="head", address="192.0.2.1", mtu=9000
        )
        machine = network_entries.machine_of(record)
        self.assertEqual((machine.role.value, machine.mtu), ("head", 9000))
