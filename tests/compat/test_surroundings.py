"""
What surrounds instances (regions, zones, types, the network, placement groups and
limits), by every kind of client; where networks are managed, and where not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any
from unittest import SkipTest
from urllib.parse import urlsplit

import zeep
from botocore.exceptions import ClientError
from libcloud.compute.providers import get_driver
from libcloud.compute.types import Provider
from twisted.trial.unittest import SynchronousTestCase
from zeep.exceptions import Fault

from tests.compat.cloud import UNLIMITED, Cloud, cloud_for, until
from tests.compat.test_boto3 import client_of
from tests.compat.test_zeep import Ec2Signature

#: Where the default network can be described.
STATIC = f'{UNLIMITED}\n[network]\nmode = "static"\n'


def demo_image(ec2: Any) -> str:
    images = ec2.describe_images()["Images"]
    identifiers = [i["ImageId"] for i in images if i["ImageType"] == "machine"]
    return str(identifiers[0])


class SurroundingsTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.cloud: Cloud = cloud_for(__name__)

    def tearDown(self) -> None:
        self.assertNotIn("Traceback", self.cloud.log)

    def euca_tw(self, *arguments: str) -> str:
        """What the operator's command says of the running cloud."""
        told = subprocess.run(
            [
                *(sys.executable, "-m", "euca_tw.admin"),
                *("--config", str(self.cloud.directory / "euca.toml")),
                *("--state-dir", str(self.cloud.directory / "state"), *arguments),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
        return told.stdout


class Boto3Tests(SurroundingsTestCase):
    """boto3."""

    def setUp(self) -> None:
        super().setUp()
        self.ec2 = client_of(self.cloud)

    def refused(self, code: str, ask: Any, **arguments: Any) -> str:
        with self.assertRaises(ClientError) as refused:
            ask(**arguments)
        self.assertEqual(refused.exception.response["Error"]["Code"], code)
        return str(refused.exception.response["Error"]["Message"])

    def running(self, **asked: Any) -> Any:
        """An instance that runs, as it is described."""
        [launched] = self.ec2.run_instances(
            ImageId=demo_image(self.ec2), MinCount=1, MaxCount=1, **asked
        )["Instances"]
        ids = [launched["InstanceId"]]
        self.addCleanup(self.ec2.terminate_instances, InstanceIds=ids)
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 200}
        )
        [told] = self.ec2.describe_instances(InstanceIds=ids)["Reservations"]
        return told["Instances"][0]

    def test_places(self) -> None:
        """The one region tells where it is, and its zone what it offers."""
        [region] = self.ec2.describe_regions(AllRegions=True)["Regions"]
        self.assertEqual(region["RegionName"], "eucalyptus")
        self.assertEqual(region["Endpoint"], urlsplit(self.cloud.url).netloc)
        self.refused(
            "InvalidParameterValue", self.ec2.describe_regions, RegionNames=["mars"]
        )
        [zone] = self.ec2.describe_availability_zones(
            Filters=[{"Name": "zone-type", "Values": ["availability-zone"]}]
        )["AvailabilityZones"]
        self.assertEqual(
            (zone["State"], zone["RegionName"]), ("available", "eucalyptus")
        )
        found = self.ec2.describe_availability_zones(ZoneIds=[zone["ZoneId"]])
        self.assertEqual(len(found["AvailabilityZones"]), 1)
        offered = self.ec2.describe_instance_type_offerings(
            LocationType="availability-zone",
            Filters=[{"Name": "location", "Values": [zone["ZoneName"]]}],
        )["InstanceTypeOfferings"]
        self.assertIn("m1.small", [each["InstanceType"] for each in offered])

    def test_types(self) -> None:
        """Types are told in pages, and what is unknown is refused."""
        pages = self.ec2.get_paginator("describe_instance_types").paginate(
            PaginationConfig={"PageSize": 5}
        )
        told = [each for page in pages for each in page["InstanceTypes"]]
        names = [each["InstanceType"] for each in told]
        self.assertEqual(len(names), len(set(names)))
        [small] = self.ec2.describe_instance_types(InstanceTypes=["m1.small"])[
            "InstanceTypes"
        ]
        self.assertEqual(small["VCpuInfo"]["DefaultVCpus"], 1)
        self.assertEqual(small["MemoryInfo"]["SizeInMiB"], 128)
        self.assertEqual(
            small["ProcessorInfo"]["SupportedArchitectures"], ["i386", "x86_64"]
        )
        message = self.refused(
            "InvalidInstanceType",
            self.ec2.describe_instance_types,
            InstanceTypes=["p9.huge"],
        )
        self.assertIn("p9.huge", message)

    def test_default_vpc(self) -> None:
        """
        Who looks for the default VPC finds it, launches into its subnet with a
        group that he found there, and has the instance's interface described.
        """
        told = self.ec2.describe_account_attributes()["AccountAttributes"]
        attributes = {
            each["AttributeName"]: [
                v["AttributeValue"] for v in each["AttributeValues"]
            ]
            for each in told
        }
        self.assertEqual(attributes["supported-platforms"], ["EC2", "VPC"])
        [vpc] = self.ec2.describe_vpcs(
            Filters=[{"Name": "is-default", "Values": ["true"]}]
        )["Vpcs"]
        self.assertEqual(attributes["default-vpc"], [vpc["VpcId"]])
        self.assertEqual(vpc["CidrBlock"], "10.128.0.0/9")
        in_vpc = {"Name": "vpc-id", "Values": [vpc["VpcId"]]}
        [subnet] = self.ec2.describe_subnets(
            Filters=[in_vpc, {"Name": "default-for-az", "Values": ["true"]}]
        )["Subnets"]
        self.assertGreater(subnet["AvailableIpAddressCount"], 1 << 20)
        named = {"Name": "group-name", "Values": ["default"]}
        [group] = self.ec2.describe_security_groups(Filters=[in_vpc, named])[
            "SecurityGroups"
        ]
        instance = self.running(
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "SubnetId": subnet["SubnetId"],
                    "Groups": [group["GroupId"]],
                }
            ]
        )
        self.assertEqual(
            (instance["VpcId"], instance["SubnetId"]),
            (vpc["VpcId"], subnet["SubnetId"]),
        )
        self.assertEqual(
            instance["Placement"]["AvailabilityZone"], subnet["AvailabilityZone"]
        )
        [shown] = instance["NetworkInterfaces"]
        [described] = self.ec2.describe_network_interfaces(
            NetworkInterfaceIds=[shown["NetworkInterfaceId"]]
        )["NetworkInterfaces"]
        for key in "MacAddress", "PrivateIpAddress", "SubnetId", "VpcId", "Groups":
            self.assertEqual(described[key], shown[key], key)
        self.assertEqual(described["Attachment"]["InstanceId"], instance["InstanceId"])
        [found] = self.ec2.describe_network_interfaces(
            Filters=[
                {"Name": "private-ip-address", "Values": [instance["PrivateIpAddress"]]}
            ]
        )["NetworkInterfaces"]
        self.assertEqual(found["NetworkInterfaceId"], shown["NetworkInterfaceId"])
        name = f"ip-{shown['PrivateIpAddress'].replace('.', '-')}.internal"
        for each in instance, shown, described:
            self.assertEqual(each["PrivateDnsName"], name)
        names = self.ec2.describe_vpc_attribute(
            VpcId=vpc["VpcId"], Attribute="enableDnsHostnames"
        )
        self.assertFalse(names["EnableDnsHostnames"]["Value"])
        names = self.ec2.describe_vpc_attribute(
            VpcId=vpc["VpcId"], Attribute="enableDnsSupport"
        )
        self.assertTrue(names["EnableDnsSupport"]["Value"])

    def test_no_other_vpc(self) -> None:
        """What is not there is not found, and cannot be made."""
        self.refused(
            "InvalidVpcID.NotFound", self.ec2.describe_vpcs, VpcIds=["vpc-00000000"]
        )
        self.refused(
            "InvalidSubnetID.NotFound",
            self.ec2.describe_subnets,
            SubnetIds=["subnet-00000000"],
        )
        self.refused(
            "InvalidNetworkInterfaceID.NotFound",
            self.ec2.describe_network_interfaces,
            NetworkInterfaceIds=["eni-00000000"],
        )
        self.refused("VpcLimitExceeded", self.ec2.create_vpc, CidrBlock="10.0.0.0/16")
        for reason, ask, arguments in (
            ("Spot Instances", self.ec2.describe_spot_instance_requests, {}),
            ("Reserved Instances", self.ec2.describe_reserved_instances, {}),
            ("block storage", self.ec2.describe_snapshots, {}),
            ("internet gateways", self.ec2.describe_internet_gateways, {}),
        ):
            message = self.refused("UnsupportedOperation", ask, **arguments)
            self.assertIn(reason, message)

    def test_placement_groups(self) -> None:
        """Instances are launched into a group, which stays while they run."""
        self.ec2.create_placement_group(GroupName="near", Strategy="cluster")
        [group] = self.ec2.describe_placement_groups(GroupNames=["near"])[
            "PlacementGroups"
        ]
        self.assertEqual((group["State"], group["Strategy"]), ("available", "cluster"))
        self.refused(
            "InvalidPlacementGroup.Duplicate",
            self.ec2.create_placement_group,
            GroupName="near",
            Strategy="cluster",
        )
        instance = self.running(Placement={"GroupName": "near"})
        self.assertEqual(instance["Placement"]["GroupName"], "near")
        self.refused(
            "InvalidPlacementGroup.InUse",
            self.ec2.delete_placement_group,
            GroupName="near",
        )
        ids = [instance["InstanceId"]]
        self.ec2.terminate_instances(InstanceIds=ids)
        self.ec2.get_waiter("instance_terminated").wait(
            InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 200}
        )
        self.ec2.delete_placement_group(GroupName="near")
        self.refused(
            "InvalidPlacementGroup.Unknown",
            self.ec2.delete_placement_group,
            GroupName="near",
        )

    def test_limits(self) -> None:
        """
        An operator gives a user limits of his own, which bind at once, and sees
        what he has used.
        """
        directory = self.cloud.directory / "ann"
        self.euca_tw("user", "add", "ann", "--directory", str(directory))
        self.euca_tw("user", "quota", "ann", "instances=1", "key_pairs=0", "cores=1")
        eucarc = (directory / "eucarc").read_text()
        settings = {
            line.split()[1].partition("=")[0]: line.partition("=")[2].strip("'\"")
            for line in eucarc.splitlines()
            if line.startswith("export AWS_")
        }
        other = Cloud(self.cloud.directory, self.cloud.url, settings, None)  # type: ignore[arg-type]
        ann = client_of(other)
        [told] = ann.describe_account_attributes(AttributeNames=["max-instances"])[
            "AccountAttributes"
        ]
        self.assertEqual(told["AttributeValues"][0]["AttributeValue"], "1")
        self.refused("ResourceLimitExceeded", ann.create_key_pair, KeyName="k")
        launch = {"ImageId": demo_image(ann), "MinCount": 1, "MaxCount": 1}
        self.refused(
            "VcpuLimitExceeded", ann.run_instances, **launch, InstanceType="m1.large"
        )
        [launched] = ann.run_instances(**launch)["Instances"]
        self.refused("InstanceLimitExceeded", ann.run_instances, **launch)
        ids = [launched["InstanceId"]]
        ann.get_waiter("instance_running").wait(
            InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 200}
        )

        def running() -> dict[str, int]:
            [usage] = json.loads(self.euca_tw("usage", "ann", "--json"))
            self.assertEqual(usage["held"]["instances"], len(usage["running"]))
            found: dict[str, int] = usage["running"]
            return found

        self.assertEqual(running(), {"m1.small": 1})
        ann.terminate_instances(InstanceIds=ids)
        ann.get_waiter("instance_terminated").wait(
            InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 200}
        )
        self.assertEqual(running(), {})
        self.assertIn("instance-hours: m1.small", self.euca_tw("usage", "ann"))


class ClassicTests(SurroundingsTestCase):
    """boto3, where networks are not managed."""

    def setUp(self) -> None:
        self.cloud = cloud_for("static", STATIC)

    def test_no_vpc(self) -> None:
        """There is no VPC, and nothing says that there is."""
        ec2 = client_of(self.cloud)
        told = ec2.describe_account_attributes(
            AttributeNames=["supported-platforms", "default-vpc"]
        )["AccountAttributes"]
        values = [v["AttributeValue"] for each in told for v in each["AttributeValues"]]
        self.assertEqual(values, ["EC2", "none"])
        self.assertEqual(ec2.describe_vpcs()["Vpcs"], [])
        self.assertEqual(ec2.describe_subnets()["Subnets"], [])
        [instance] = ec2.run_instances(ImageId=demo_image(ec2), MinCount=1, MaxCount=1)[
            "Instances"
        ]
        self.assertNotIn("VpcId", instance)
        ids = [instance["InstanceId"]]
        by_instance = [{"Name": "attachment.instance-id", "Values": ids}]
        [interface] = until(
            lambda: ec2.describe_network_interfaces(Filters=by_instance)[
                "NetworkInterfaces"
            ],
            bool,
        )
        self.assertNotIn("VpcId", interface)
        ec2.terminate_instances(InstanceIds=ids)


class ZeepTests(SurroundingsTestCase):
    """zeep in its strict mode, with signed requests, at three dates."""

    def service(self, date: str) -> Any:
        settings = self.cloud.settings
        signature = Ec2Signature(settings["EC2_PRIVATE_KEY"], settings["EC2_CERT"])
        client = zeep.Client(
            f"{self.cloud.url}doc/{date}/AmazonEC2.wsdl", wsse=signature
        )
        self.addCleanup(client.transport.session.close)
        return client.create_service(
            f"{{http://ec2.amazonaws.com/doc/{date}/}}AmazonEC2Binding",
            f"{self.cloud.url}services/Eucalyptus",
        )

    def test_2008_12_01(self) -> None:
        """The first date with regions; an administrator is told capacities."""
        ec2 = self.service("2008-12-01")
        [region] = ec2.DescribeRegions(regionSet={}).regionInfo.item
        self.assertEqual(region.regionName, "eucalyptus")
        asked = {"item": [{"zoneName": "verbose"}]}
        zones = ec2.DescribeAvailabilityZones(availabilityZoneSet=asked)
        names = [each.zoneName for each in zones.availabilityZoneInfo.item]
        self.assertIn("|- m1.small", names)

    def test_2010_11_15(self) -> None:
        """The last date of the original's years, with placement groups and VPCs."""
        ec2 = self.service("2010-11-15")
        self.assertTrue(ec2.CreatePlacementGroup(groupName="z", strategy="cluster"))
        groups = ec2.DescribePlacementGroups(placementGroupSet={})
        self.assertIn("z", [each.groupName for each in groups.placementGroupSet.item])
        self.assertTrue(ec2.DeletePlacementGroup(groupName="z"))
        [vpc] = ec2.DescribeVpcs().vpcSet.item
        [subnet] = ec2.DescribeSubnets().subnetSet.item
        self.assertEqual(subnet.vpcId, vpc.vpcId)
        with self.assertRaises(Fault) as refused:
            ec2.DescribeSpotInstanceRequests(spotInstanceRequestIdSet={})
        self.assertIn("UnsupportedOperation", refused.exception.code)
        self.assertIn("no Spot Instances", refused.exception.message)

    def test_2014_06_15(self) -> None:
        """The last date, with attributes of the account, and interfaces."""
        ec2 = self.service("2014-06-15")
        told = ec2.DescribeAccountAttributes().accountAttributeSet.item
        names = [each.attributeName for each in told]
        self.assertIn("supported-platforms", names)
        [vpc] = ec2.DescribeVpcs().vpcSet.item
        self.assertTrue(vpc.isDefault)
        ec2.DescribeNetworkInterfaces()


class AwsCliTests(SurroundingsTestCase):
    """The AWS command line."""

    def aws(self, *arguments: str) -> Any:
        told = subprocess.run(
            [str(Path(sys.executable).with_name("aws")), "ec2", *arguments],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.cloud.directory),
                "AWS_PAGER": "",
                **{k: v for k, v in self.cloud.settings.items() if k[:4] == "AWS_"},
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(told.returncode, 0, told.stderr)
        return json.loads(told.stdout) if told.stdout.strip() else None

    def test_round(self) -> None:
        """What surrounds instances is told from the command line."""
        types = self.aws("describe-instance-types", "--max-items", "3")
        self.assertEqual(len(types["InstanceTypes"]), 3)
        [vpc] = self.aws("describe-vpcs", "--filters", "Name=isDefault,Values=true")[
            "Vpcs"
        ]
        self.assertTrue(vpc["IsDefault"])
        self.aws(
            "create-placement-group", "--group-name", "cli", "--strategy", "cluster"
        )
        self.aws("delete-placement-group", "--group-name", "cli")


class LibcloudTests(SurroundingsTestCase):
    """Apache Libcloud's driver for Eucalyptus, with signature version 2."""

    def test_round(self) -> None:
        """It lists places, networks, interfaces, limits and placement groups."""
        settings = self.cloud.settings
        driver = get_driver(Provider.EUCALYPTUS)(
            *(settings["EC2_ACCESS_KEY"], settings["EC2_SECRET_KEY"]),
            secure=False,
            host="127.0.0.1",
            port=self.cloud.port,
            path=urlsplit(settings["EC2_URL"]).path,
        )
        self.addCleanup(driver.connection.connection.close)
        driver.region_name = "eucalyptus"  # else it asks for zones of us-east-1
        [zone] = driver.ex_list_availability_zones()
        self.assertEqual(zone.zone_state, "available")
        [network] = driver.ex_list_networks()
        [subnet] = driver.ex_list_subnets()
        self.assertEqual(subnet.extra["vpc_id"], network.id)
        driver.ex_list_network_interfaces()
        limits = driver.ex_get_limits()
        self.assertEqual(limits["resource"]["max-instances"], 2**31 - 1)
        self.assertTrue(driver.ex_create_placement_group("libcloud"))
        groups = driver.ex_list_placement_groups()
        self.assertIn("libcloud", [each.name for each in groups])
        self.assertTrue(driver.ex_delete_placement_group("libcloud"))


class OldBotoTests(SurroundingsTestCase):
    """boto 2, with signature version 2."""

    def connection(self, cls: Any) -> Any:
        from boto.ec2.regioninfo import RegionInfo

        settings = self.cloud.settings
        made = cls(
            *(settings["EC2_ACCESS_KEY"], settings["EC2_SECRET_KEY"]),
            is_secure=False,
            port=self.cloud.port,
            path=urlsplit(settings["EC2_URL"]).path,
            region=RegionInfo(name="eucalyptus", endpoint="127.0.0.1"),
        )
        self.addCleanup(self.close, made)
        return made

    def close(self, connection: Any) -> None:
        """What boto would leave to the garbage collector, which tells of it."""
        for pool in connection._pool.host_to_pool.values():
            for each, _ in pool.queue:
                each.close()

    def test_round(self) -> None:
        """It finds the region, zones, attributes, the VPC and placement groups."""
        if sys.version_info >= (3, 12):
            raise SkipTest("boto 2 can be imported by Python 3.11 at the latest")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from boto.vpc import VPCConnection

            ec2 = self.connection(VPCConnection)
            [region] = ec2.get_all_regions()
            self.assertEqual(region.name, "eucalyptus")
            [zone] = ec2.get_all_zones()
            self.assertEqual(zone.state, "available")
            [platforms] = ec2.describe_account_attributes(["supported-platforms"])
            self.assertEqual(platforms.attribute_values, ["EC2", "VPC"])
            [vpc] = ec2.get_all_vpcs()
            [subnet] = ec2.get_all_subnets()
            self.assertEqual(subnet.vpc_id, vpc.id)
            ec2.get_all_network_interfaces()
            self.assertTrue(ec2.create_placement_group("boto2"))
            names = [each.name for each in ec2.get_all_placement_groups()]
            self.assertIn("boto2", names)
            self.assertTrue(ec2.delete_placement_group("boto2"))
