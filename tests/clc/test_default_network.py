"""Instances, groups and launches in a cloud whose network can be described."""

from __future__ import annotations

from typing import Any

from euca_tw.api.ec2.groups import CreateSecurityGroup, DescribeSecurityGroups
from euca_tw.api.ec2.instance_interfaces import NetworkInterfaceWanted
from euca_tw.api.ec2.instances import (
    DescribeInstances,
    PlacementRequest,
    RunInstances,
)
from euca_tw.api.ec2.instances import Instance as InstanceView
from euca_tw.api.ec2.network_interfaces import DescribeNetworkInterfaces
from euca_tw.api.errors import (
    InvalidParameterCombination,
    NoSuchSubnet,
    NoSuchVpc,
    UnsupportedOperation,
)
from euca_tw.clc.groups import Groups
from euca_tw.clc.instances import Instances
from euca_tw.clc.launches import Launches
from euca_tw.clc.network_interfaces import NetworkInterfaces
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Address, Instance, InstanceState
from tests.clc.cloud import ALICE, ALICE_ID, TYPES, AskedFilter, CloudTestCase
from tests.clc.test_vpcs import network
from tests.fakes.clusters import RecordingClusters, roomy_zone

NETWORK = network()


class DescribedTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.instances = Instances(
            store=self.store, clusters=self.clusters, clock=self.clock, network=NETWORK
        )

    def told(self, **asked: Any) -> list[InstanceView]:
        request = DescribeInstances(**asked)
        answer = self.result(self.instances.describe_instances(ALICE, request))
        return [each for r in answer.reservations for each in r.instances]

    def test_where(self) -> None:
        """An instance is in the VPC, and in its zone's subnet."""
        self.instance(1, zone="two")
        [told] = self.told()
        self.assertEqual(
            (told.vpc_id, told.subnet_id), (NETWORK.vpc_id, NETWORK.subnet_id("two"))
        )

    def test_interface(self) -> None:
        """Its interface is the one that is described by itself."""
        record = self.instance(1)
        self.put(
            Address(
                public_ip="192.0.2.1",
                owner_id=ALICE_ID,
                instance_id=record.instance_id,
            )
        )
        [[shown]] = [each.network_interfaces for each in self.told()]
        subject = NetworkInterfaces(store=self.store, clock=self.clock, network=NETWORK)
        asked = subject.describe_network_interfaces(ALICE, DescribeNetworkInterfaces())
        [described] = self.result(asked).network_interfaces
        for name in (
            *("network_interface_id", "subnet_id", "vpc_id", "owner_id", "status"),
            *("mac_address", "private_ip_address", "source_dest_check", "groups"),
        ):
            self.assertEqual(getattr(shown, name), getattr(described, name), name)
        self.assertEqual(
            shown.attachment.attachment_id, described.attachment.attachment_id
        )
        self.assertEqual(shown.association.public_ip, "192.0.2.1")
        self.assertEqual(described.association.public_ip, "192.0.2.1")

    def test_no_interface(self) -> None:
        """What has no address, or has ended, has no interface."""
        self.instance(1, private_ip="", state=InstanceState.PENDING)
        self.instance(2, state=InstanceState.TERMINATED)
        self.assertEqual([each.network_interfaces for each in self.told()], [(), ()])

    def test_filters(self) -> None:
        """Instances are found by VPC and by subnet."""
        self.instance(1, zone="one")
        self.instance(2, zone="two")
        for name, value, found in (
            ("vpc-id", NETWORK.vpc_id, 2),
            ("vpc-id", "vpc-00000000", 0),
            ("subnet-id", NETWORK.subnet_id("two"), 1),
            ("network-interface.vpc-id", NETWORK.vpc_id, 2),
            ("network-interface.subnet-id", NETWORK.subnet_id("one"), 1),
        ):
            told = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(len(told), found, (name, value))


class GroupTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.groups = Groups(
            store=self.store,
            clock=self.clock,
            minter=self.minter,
            quotas=Quotas(),
            vpc_id=NETWORK.vpc_id,
        )

    def create(self, name: str, vpc_id: str) -> Any:
        return self.groups.create_security_group(
            ALICE,
            CreateSecurityGroup(group_name=name, group_description="d", vpc_id=vpc_id),
        )

    def test_create(self) -> None:
        """A group is made in the VPC, and in no other."""
        self.result(self.create("web", NETWORK.vpc_id))
        self.refused(NoSuchVpc, self.create("db", "vpc-00000000"))

    def test_described(self) -> None:
        """Every group is in the VPC, and is found by that."""
        for value, found in ((NETWORK.vpc_id, ["default"]), ("vpc-00000000", [])):
            asked = (AskedFilter("vpc-id", (value,)),)
            request = DescribeSecurityGroups(filters=asked)
            told = self.result(
                self.groups.describe_security_groups(ALICE, request)
            ).groups
            self.assertEqual([each.group_name for each in told], found)
            self.assertTrue(all(each.vpc_id == NETWORK.vpc_id for each in told))


class LaunchTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image()
        self.use(NETWORK)

    def use(self, described: Any) -> None:
        self.launches = Launches(
            store=self.store,
            clusters=RecordingClusters((roomy_zone("one"), roomy_zone("two"))),
            clock=self.clock,
            minter=self.minter,
            quotas=Quotas(),
            machine_types=TYPES,
            network=described,
        )

    def launch(self, **given: Any) -> Any:
        request = RunInstances(
            image_id="emi-00000001", min_count=1, max_count=1, **given
        )
        return self.launches.run_instances(ALICE, request)

    def zone_of(self, **given: Any) -> str:
        [told] = self.result(self.launch(**given)).instances
        self.assertEqual(told.vpc_id, NETWORK.vpc_id)
        zone: str = self.store.get(Instance, told.instance_id).zone
        self.assertEqual(told.subnet_id, NETWORK.subnet_id(zone))
        return zone

    def test_subnet(self) -> None:
        """A subnet stands for its zone, said of the instance or its interface."""
        for zone in "one", "two":
            subnet_id = NETWORK.subnet_id(zone)
            self.assertEqual(self.zone_of(subnet_id=subnet_id), zone)
            card = NetworkInterfaceWanted(device_index=0, subnet_id=subnet_id)
            self.assertEqual(self.zone_of(network_interfaces=(card,)), zone)
            placement = PlacementRequest(availability_zone=zone)
            self.assertEqual(
                self.zone_of(subnet_id=subnet_id, placement=placement), zone
            )

    def test_unknown(self) -> None:
        """A subnet that is not there is refused."""
        self.refused(NoSuchSubnet, self.launch(subnet_id="subnet-00000000"))

    def test_contradiction(self) -> None:
        """Two subnets, and a subnet of another zone, are refused."""
        one, two = NETWORK.subnet_id("one"), NETWORK.subnet_id("two")
        card = NetworkInterfaceWanted(device_index=0, subnet_id=two)
        for asked in (
            {"subnet_id": one, "network_interfaces": (card,)},
            {"subnet_id": one, "placement": PlacementRequest(availability_zone="two")},
        ):
            self.refused(InvalidParameterCombination, self.launch(**asked))
        self.assertEqual(len(self.store.all(Instance)), 0)

    def test_classic(self) -> None:
        """Where networks are not managed, there are no subnets."""
        self.use(None)
        subnet_id = NETWORK.subnet_id("one")
        card = NetworkInterfaceWanted(device_index=0, subnet_id=subnet_id)
        self.refused(UnsupportedOperation, self.launch(subnet_id=subnet_id))
        self.refused(UnsupportedOperation, self.launch(network_interfaces=(card,)))
        [told] = self.result(self.launch()).instances
        self.assertEqual((told.vpc_id, told.subnet_id), (None, None))
        self.assertEqual(told.network_interfaces, ())
