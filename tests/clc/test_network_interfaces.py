"""The one interface of each instance."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import ensureDeferred

from euca_tw.api.ec2.network_interfaces import (
    DescribeNetworkInterfaces,
    NetworkInterface,
)
from euca_tw.api.errors import InvalidFilter, NoSuchNetworkInterface
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.network_interfaces import NetworkInterfaces
from euca_tw.clc.pace import STEP
from euca_tw.model.identifiers import GroupId
from euca_tw.model.records import Address, GroupName, InstanceState
from tests.clc.cloud import (
    ADMIN,
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    AskedFilter,
    CloudTestCase,
)
from tests.clc.test_vpcs import network

WEB = GroupName(group_id=GroupId("sg-0000000a"), name="web")


class InterfacesTestCase(CloudTestCase):
    network: DefaultNetwork | None = network()

    def setUp(self) -> None:
        super().setUp()
        self.interfaces = NetworkInterfaces(
            store=self.store,
            clock=self.clock,
            network=self.network,
            domain="internal",
        )

    def describe(self, *ids: str, **asked: Any) -> Any:
        caller = asked.pop("caller", ALICE)
        return self.interfaces.describe_network_interfaces(
            caller, DescribeNetworkInterfaces(network_interface_ids=ids, **asked)
        )

    def told(self, *ids: str, **asked: Any) -> list[str]:
        told = self.result(self.describe(*ids, **asked)).network_interfaces
        return [each.network_interface_id for each in told]

    def one(self) -> NetworkInterface:
        told: tuple[NetworkInterface, ...]
        told = self.result(self.describe()).network_interfaces
        [found] = told
        return found


class InterfacesTests(InterfacesTestCase):
    def test_told(self) -> None:
        """An instance's interface has its address, its card's, and its groups."""
        self.instance(0x1A, groups=(WEB,))
        told = self.one()
        self.assertEqual(told.network_interface_id, "eni-0000001a")
        self.assertEqual(told.private_ip_address, "10.0.0.26")
        self.assertEqual(told.mac_address, "d0:0d:00:00:00:1a")
        self.assertEqual(told.status, "in-use")
        self.assertEqual([group.group_name for group in told.groups], ["web"])
        self.assertIs(told.association, None)
        [address] = told.private_ip_addresses
        self.assertEqual(
            (address.private_ip_address, address.is_primary), ("10.0.0.26", True)
        )

    def test_name(self) -> None:
        """It is called as its instance is."""
        self.instance(0x1A)
        told = self.one()
        [address] = told.private_ip_addresses
        name = "ip-10-0-0-26.internal"
        self.assertEqual((told.private_dns_name, address.private_dns_name), (name,) * 2)
        for wanted, found in ("ip-10-*.internal", 1), ("10.0.0.26", 0):
            asked = AskedFilter("private-dns-name", (wanted,))
            self.assertEqual(len(self.told(filters=(asked,))), found)
        self.interfaces.domain = ""
        self.assertIs(self.one().private_dns_name, None)

    def test_attachment(self) -> None:
        """It is the first of its instance's, and goes with it."""
        record = self.instance(1)
        told = self.one().attachment
        assert told is not None
        self.assertEqual(told.attachment_id, "eni-attach-00000001")
        self.assertEqual((told.instance_id, told.device_index), ("i-00000001", 0))
        self.assertEqual(told.instance_owner_id, ALICE_ID)
        self.assertEqual(told.attach_time, record.launched_at)
        self.assertEqual((told.status, told.delete_on_termination), ("attached", True))

    def test_public(self) -> None:
        """It has the public address that was given to its instance."""
        held = Address(
            public_ip="192.0.2.1",
            owner_id=ALICE_ID,
            instance_id=self.instance(1).instance_id,
        )
        self.put(held)
        told = self.one()
        for association in (
            told.association,
            told.private_ip_addresses[0].association,
        ):
            assert association is not None
            self.assertEqual(association.public_ip, "192.0.2.1")
            self.assertEqual(association.ip_owner_id, ALICE_ID)
            self.assertEqual(association.allocation_id, held.allocation_id)
            self.assertEqual(association.association_id, held.association_id)

    def test_default_network(self) -> None:
        """It is in its zone's subnet of the default network."""
        self.instance(1, zone="two")
        told = self.one()
        self.assertEqual(told.vpc_id, network().vpc_id)
        self.assertEqual(told.subnet_id, network().subnet_id("two"))
        self.assertEqual(told.availability_zone, "two")

    def test_there(self) -> None:
        """It is there from when it has an address until its instance has ended."""
        self.instance(1, private_ip="", state=InstanceState.PENDING)
        self.instance(2, state=InstanceState.PENDING)
        self.instance(3, state=InstanceState.SHUTTING_DOWN)
        self.instance(4, state=InstanceState.TERMINATED)
        self.assertEqual(self.told(), ["eni-00000002", "eni-00000003"])
        for gone in "eni-00000001", "eni-00000004":
            self.refused(NoSuchNetworkInterface, self.describe(gone))

    def test_owners(self) -> None:
        """A user sees his own, an administrator all."""
        self.instance(1)
        self.instance(2, owner_id=BOB_ID)
        self.assertEqual(self.told(caller=BOB), ["eni-00000002"])
        self.assertEqual(self.told(caller=ADMIN), ["eni-00000001", "eni-00000002"])
        self.refused(NoSuchNetworkInterface, self.describe("eni-00000001", caller=BOB))
        by_group = (AskedFilter("group-id", ("sg-00000001",)),)
        self.assertEqual(self.told(caller=BOB, filters=by_group), ["eni-00000002"])

    def test_named(self) -> None:
        """Those that are named are told, each once; none if one is not there."""
        for number in 1, 2, 3:
            self.instance(number)
        self.assertEqual(
            self.told("eni-00000003", "eni-00000001", "eni-00000003"),
            ["eni-00000003", "eni-00000001"],
        )
        for unknown in "eni-00000009", "i-00000001", "eni-1", "":
            self.refused(NoSuchNetworkInterface, self.describe("eni-00000001", unknown))

    def test_filters(self) -> None:
        """Interfaces are found by all that is told of them."""
        self.instance(1, groups=(WEB,))
        self.instance(2, zone="two")
        self.put(
            Address(
                public_ip="192.0.2.1",
                owner_id=ALICE_ID,
                instance_id=self.instance(3).instance_id,
            )
        )
        for name, value, found in (
            ("addresses.association.owner-id", ALICE_ID, "3"),
            ("addresses.association.public-ip", "192.0.2.1", "3"),
            ("addresses.primary", "true", "123"),
            ("addresses.private-ip-address", "10.0.0.2", "2"),
            ("association.allocation-id", "eipalloc-*", "3"),
            ("association.association-id", "eipassoc-*", "3"),
            ("association.ip-owner-id", ALICE_ID, "3"),
            ("association.public-dns-name", "*", ""),
            ("association.public-ip", "192.0.*", "3"),
            ("attachment.attach-time", "2026-11-23T08:00:00.000Z", "123"),
            ("attachment.attachment-id", "eni-attach-00000001", "1"),
            ("attachment.delete-on-termination", "true", "123"),
            ("attachment.device-index", "0", "123"),
            ("attachment.instance-id", "i-00000002", "2"),
            ("attachment.instance-owner-id", ALICE_ID, "123"),
            ("attachment.status", "detached", ""),
            ("availability-zone", "two", "2"),
            ("availability-zone-id", "two", "2"),
            ("description", "", "123"),
            ("group-id", "sg-0000000a", "1"),
            ("group-name", "web", "1"),
            ("interface-type", "interface", "123"),
            ("ipv6-addresses.ipv6-address", "*", ""),
            ("mac-address", "d0:0d:00:00:00:01", "1"),
            ("network-interface-id", "eni-0000000[12]", ""),
            ("network-interface-id", "eni-00000001", "1"),
            ("operator.managed", "false", "123"),
            ("operator.principal", "*", ""),
            ("owner-id", ALICE_ID, "123"),
            ("private-dns-name", "ip-10-0-0-?.internal", "123"),
            ("private-ip-address", "10.0.0.?", "123"),
            ("requester-id", "*", ""),
            ("requester-managed", "false", "123"),
            ("source-dest-check", "true", "123"),
            ("status", "in-use", "123"),
            ("subnet-id", network().subnet_id("two"), "2"),
            ("vpc-id", network().vpc_id, "123"),
            ("tag:Name", "*", ""),
        ):
            told = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(told, [f"eni-0000000{n}" for n in found], (name, value))
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))

    def test_pages(self) -> None:
        """Interfaces are told in pages, whatever comes between."""
        for number in 2, 4, 6:
            self.instance(number)
        first = self.result(self.describe(max_results=2))
        self.assertEqual(len(first.network_interfaces), 2)
        self.instance(3)
        self.instance(5)
        rest = self.told(max_results=2, next_token=first.next_token)
        self.assertEqual(rest, ["eni-00000005", "eni-00000006"])

    def test_many(self) -> None:
        """Many are told in several steps, so that others wait no longer."""
        for number in range(STEP + 1):
            self.instance(number)
        asked = self.interfaces.describe_network_interfaces(
            ALICE, DescribeNetworkInterfaces()
        )
        answer = ensureDeferred(asked)
        self.assertNoResult(answer)
        self.clock.advance(0)
        told = self.successResultOf(answer)
        self.assertEqual(len(told.network_interfaces), STEP + 1)


class ClassicTests(InterfacesTestCase):
    """Where networks are not managed."""

    network = None

    def test_no_vpc(self) -> None:
        """An interface is there, and in no VPC."""
        self.instance(1)
        told = self.one()
        self.assertEqual((told.vpc_id, told.subnet_id), (None, None))
