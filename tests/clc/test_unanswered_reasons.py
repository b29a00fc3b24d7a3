"""Why operations are not answered."""

from __future__ import annotations

from twisted.internet.defer import ensureDeferred
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.table import EC2
from euca_tw.api.errors import UnsupportedOperation
from euca_tw.clc.dispatch import Dispatcher, answers
from euca_tw.clc.subjects import SUBJECTS
from euca_tw.clc.unanswered import FAMILIES, family_of
from tests.clc.cloud import ALICE

#: What of EC2 this cloud does not have, by an operation and a word of the reason.
TOLD = {
    "DescribeReservedInstances": "no Reserved Instances",
    "CreateReservedInstancesListing": "no Reserved Instances",
    "RequestSpotInstances": "no Spot Instances",
    "CreateSpotDatafeedSubscription": "no Spot Instances",
    "DescribeLicenses": "no licenses",
    "CreateCustomerGateway": "no customer gateways",
    "CreateVpnGateway": "no VPN gateways",
    "DescribeVpnConnections": "no VPN connections",
    "CreateDhcpOptions": "no DHCP options",
    "ImportInstance": "register an image instead",
    "ImportVolume": "register an image instead",
    "DescribeConversionTasks": "register an image instead",
    "CreateInstanceExportTask": "register an image instead",
    "GetPasswordData": "nothing for Windows",
    "BundleInstance": "nothing for Windows",
    "CreateVolume": "no block storage",
    "AttachVolume": "no block storage",
    "DescribeSnapshots": "no block storage",
    "ModifySubnetAttribute": "one network",
    "ModifyVpcAttribute": "one network",
    "CreateVpcPeeringConnection": "one network",
    "CreateNetworkInterface": "one network interface",
    "AssignPrivateIpAddresses": "one private address",
    "DescribeInternetGateways": "no internet gateways",
    "DescribeRouteTables": "no route tables",
    "CreateRoute": "no routes",
    "DescribeNetworkAcls": "no network ACLs",
}


class ReasonsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.dispatch = Dispatcher(EC2)
        self.answered = answers(EC2, *SUBJECTS)

    def told(self, name: str) -> str:
        asked = self.dispatch(EC2.named(name), ALICE, None)
        failure = self.failureResultOf(ensureDeferred(asked), UnsupportedOperation)
        message: str = failure.value.message
        return message

    def test_every_operation(self) -> None:
        """Whatever is not answered is of a family that this cloud does not have."""
        unanswered = [o for o in EC2.operations if o not in self.answered]
        for operation in unanswered:
            self.assertIn(family_of(operation), FAMILIES, operation.name)
            told = self.told(operation.name)
            self.assertIn(FAMILIES[family_of(operation)], told)
            self.assertIn(operation.name, told)
        self.assertGreater(len(unanswered), len(TOLD))

    def test_no_more_families(self) -> None:
        """There is no reason that no operation needs."""
        unanswered = {family_of(o) for o in EC2.operations if o not in self.answered}
        self.assertEqual(set(FAMILIES) - unanswered, set())

    def test_reasons(self) -> None:
        """Each says what it is that is not here."""
        for name, reason in TOLD.items():
            self.assertNotIn(EC2.named(name), self.answered)
            self.assertIn(reason, self.told(name), name)
