"""The default network, as a VPC with subnets."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from euca_tw.api.ec2.subnets import CreateSubnet, DeleteSubnet, DescribeSubnets
from euca_tw.api.ec2.vpc_attributes import DescribeVpcAttribute, DescribeVpcAttributes
from euca_tw.api.ec2.vpcs import CreateVpc, DeleteVpc, DescribeVpcs
from euca_tw.api.errors import (
    InvalidFilter,
    NoSuchSubnet,
    NoSuchVpc,
    UnsupportedOperation,
)
from euca_tw.api.shapes import Empty
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.vpc_changes import VpcChanges
from euca_tw.clc.vpcs import Vpcs
from euca_tw.model.ranges import Carving
from euca_tw.model.records import InstanceState
from tests.clc.cloud import ALICE, ALICE_ID, AskedFilter, CloudTestCase
from tests.fakes.clusters import RecordingClusters, roomy_zone

#: 16 networks with room for 13 instances each.
RANGE = "10.128.0.0/24"


def network(region: str = "here") -> DefaultNetwork:
    return DefaultNetwork(region=region, carving=Carving(IPv4Network(RANGE), 16))


class VpcsTestCase(CloudTestCase):
    network: DefaultNetwork | None = network()

    def setUp(self) -> None:
        super().setUp()
        self.clusters = RecordingClusters(
            (roomy_zone("one"), roomy_zone("two", is_reachable=False))
        )
        self.vpcs = Vpcs(store=self.store, clusters=self.clusters, network=self.network)

    def describe_vpcs(self, *ids: str, **asked: Any) -> Any:
        return self.vpcs.describe_vpcs(ALICE, DescribeVpcs(vpc_ids=ids, **asked))

    def describe_subnets(self, *ids: str, **asked: Any) -> Any:
        return self.vpcs.describe_subnets(
            ALICE, DescribeSubnets(subnet_ids=ids, **asked)
        )


class DefaultTests(VpcsTestCase):
    """Where networks are managed."""

    def test_vpc(self) -> None:
        """The one VPC is the range of the instances' networks, and the default."""
        [vpc] = self.result(self.describe_vpcs()).vpcs
        self.assertRegex(vpc.vpc_id, r"\Avpc-[0-9a-f]{17}\Z")
        self.assertEqual(
            (vpc.state, vpc.cidr_block, vpc.is_default, vpc.instance_tenancy),
            ("available", RANGE, True, "default"),
        )
        self.assertEqual((vpc.owner_id, vpc.dhcp_options_id), (ALICE_ID, "default"))
        self.assertEqual(self.result(self.describe_vpcs(vpc.vpc_id)).vpcs, (vpc,))
        self.refused(NoSuchVpc, self.describe_vpcs(vpc.vpc_id, "vpc-00000000"))

    def test_subnets(self) -> None:
        """Each zone has a subnet, of the whole range: networks span zones."""
        one, two = self.result(self.describe_subnets()).subnets
        self.assertEqual(
            [each.availability_zone for each in (one, two)], ["one", "two"]
        )
        self.assertNotEqual(one.subnet_id, two.subnet_id)
        for each in one, two:
            self.assertRegex(each.subnet_id, r"\Asubnet-[0-9a-f]{17}\Z")
            self.assertEqual((each.cidr_block, each.is_default_for_az), (RANGE, True))
            self.assertEqual(each.vpc_id, network().vpc_id)
            self.assertFalse(each.map_public_ip_on_launch)
        found = self.result(self.describe_subnets(two.subnet_id)).subnets
        self.assertEqual(found, (two,))
        self.refused(NoSuchSubnet, self.describe_subnets("subnet-00000000"))

    def test_free_addresses(self) -> None:
        """So many addresses are left as instances have not, wherever they are."""

        def left() -> list[int]:
            told = self.result(self.describe_subnets()).subnets
            return [each.available_ip_address_count for each in told]

        self.assertEqual(left(), [16 * 13] * 2)
        self.instance(1, zone="one")
        self.instance(2, zone="two")
        self.instance(3, zone="two", state=InstanceState.TERMINATED)
        self.assertEqual(left(), [16 * 13 - 2] * 2)

    def test_stable(self) -> None:
        """Identifiers are the same after a restart, and another cloud's differ."""
        self.assertEqual(network().vpc_id, network().vpc_id)
        self.assertEqual(network().subnet_id("one"), network().subnet_id("one"))
        self.assertNotEqual(network().vpc_id, network("there").vpc_id)
        self.assertNotEqual(
            network().subnet_id("one"), network("there").subnet_id("one")
        )

    def test_filters_of_vpcs(self) -> None:
        """The VPC is found by all that is told of it."""
        for name, value, found in (
            ("cidr", RANGE, 1),
            ("cidr-block", "10.0.0.0/8", 0),
            ("dhcp-options-id", "default", 1),
            ("is-default", "true", 1),
            ("isDefault", "false", 0),
            ("owner-id", ALICE_ID, 1),
            ("state", "available", 1),
            ("vpc-id", network().vpc_id, 1),
            ("tag:Name", "*", 0),
        ):
            asked = (AskedFilter(name, (value,)),)
            told = self.result(self.describe_vpcs(filters=asked)).vpcs
            self.assertEqual(len(told), found, name)
        unknown = (AskedFilter("x", ()),)
        self.refused(InvalidFilter, self.describe_vpcs(filters=unknown))

    def test_filters_of_subnets(self) -> None:
        """Subnets are found by all that is told of them."""
        for name, value, found in (
            ("availability-zone", "one", 1),
            ("availabilityZone", "three", 0),
            ("availability-zone-id", "two", 1),
            ("available-ip-address-count", "208", 2),
            ("cidr", RANGE, 2),
            ("cidr-block", RANGE, 2),
            ("cidrBlock", "10.0.0.0/8", 0),
            ("default-for-az", "true", 2),
            ("defaultForAz", "false", 0),
            ("map-public-ip-on-launch", "false", 2),
            ("owner-id", ALICE_ID, 2),
            ("state", "available", 2),
            ("subnet-id", network().subnet_id("two"), 1),
            ("vpc-id", network().vpc_id, 2),
            ("tag-key", "*", 0),
        ):
            asked = (AskedFilter(name, (value,)),)
            told = self.result(self.describe_subnets(filters=asked)).subnets
            self.assertEqual(len(told), found, name)
        unknown = (AskedFilter("x", ()),)
        self.refused(InvalidFilter, self.describe_subnets(filters=unknown))

    def test_pages(self) -> None:
        """Subnets are told in pages."""
        first = self.result(self.describe_subnets(max_results=1))
        second = self.result(
            self.describe_subnets(max_results=1, next_token=first.next_token)
        )
        self.assertIs(second.next_token, None)
        zones = {each.availability_zone for each in (*first.subnets, *second.subnets)}
        self.assertEqual(zones, {"one", "two"})
        self.assertEqual(len(self.result(self.describe_vpcs(max_results=5)).vpcs), 1)

    def test_attributes(self) -> None:
        """
        The cloud answers for names, and gives none to public addresses: in the form
        of whichever date asks.
        """
        vpc_id = network().vpc_id
        for name, is_set in (
            ("enable_dns_support", True),
            (
                "enable_dns_hostnames",
                False,
            ),
        ):
            asked: dict[str, Any] = {"vpc_id": vpc_id, name: Empty()}
            told = self.result(
                self.vpcs.describe_vpc_attribute(ALICE, DescribeVpcAttribute(**asked))
            )
            self.assertEqual(
                (told.vpc_id, getattr(told, name).is_set), (vpc_id, is_set)
            )
        both = self.result(
            self.vpcs.describe_vpc_attributes(
                ALICE, DescribeVpcAttributes(vpc_id=vpc_id)
            )
        )
        self.assertEqual(
            (both.vpc_id, both.enable_dns_support, both.enable_dns_hostnames),
            (vpc_id, True, False),
        )

    def test_attributes_of_nothing(self) -> None:
        """What is not there has no attributes."""
        asked = {"vpc_id": "vpc-00000000"}
        self.refused(
            NoSuchVpc,
            self.vpcs.describe_vpc_attribute(
                ALICE, DescribeVpcAttribute(**asked, enable_dns_support=Empty())
            ),
        )
        self.refused(
            NoSuchVpc,
            self.vpcs.describe_vpc_attributes(ALICE, DescribeVpcAttributes(**asked)),
        )


class ClassicTests(VpcsTestCase):
    """Where they are not."""

    network = None

    def test_changes(self) -> None:
        """What would make or delete them says that there are none here."""
        changes = VpcChanges(clusters=self.clusters)
        vpc_id, cidr = network().vpc_id, "10.0.0.0/16"
        for asked in (
            changes.create_vpc(ALICE, CreateVpc(cidr_block=cidr)),
            changes.delete_vpc(ALICE, DeleteVpc(vpc_id=vpc_id)),
            changes.create_subnet(ALICE, CreateSubnet(vpc_id=vpc_id, cidr_block=cidr)),
            changes.delete_subnet(
                ALICE, DeleteSubnet(subnet_id=network().subnet_id("one"))
            ),
        ):
            refusal = self.refused(UnsupportedOperation, asked)
            self.assertIn("no instance is in a VPC", refusal.message)

    def test_nothing(self) -> None:
        """There is no VPC and no subnet."""
        self.assertEqual(self.result(self.describe_vpcs()).vpcs, ())
        self.assertEqual(self.result(self.describe_subnets()).subnets, ())
        self.refused(NoSuchVpc, self.describe_vpcs(network().vpc_id))
        self.refused(NoSuchSubnet, self.describe_subnets(network().subnet_id("one")))
