"""
Instances that are stopped, changed, started, protected, monitored and asked how they
fare, as boto3 and zeep do it.

By SOAP at three dates: the first at which instances stop, the last of Eucalyptus's
years, and the last.
"""

from __future__ import annotations

import base64
from typing import Any

from botocore.exceptions import ClientError
from twisted.trial.unittest import SynchronousTestCase
from zeep.exceptions import Fault

from tests.compat.cloud import cloud_for, until
from tests.compat.test_boto3 import client_of
from tests.compat.test_zeep import ZeepCase

DATES = ("2009-10-31", "2010-11-15", "2014-06-15")
QUICK = {"Delay": 0, "MaxAttempts": 400}


class BotoTests(SynchronousTestCase):
    """boto3, at the newest date."""

    def setUp(self) -> None:
        self.ec2 = client_of(cloud_for(__name__))
        images = self.ec2.describe_images()["Images"]
        [self.image] = [
            i["ImageId"] for i in images if i["ImageType"] == "machine" and i["Public"]
        ]

    def launched(self, **given: Any) -> str:
        run = self.ec2.run_instances(
            **{"ImageId": self.image, "MinCount": 1, "MaxCount": 1, **given}
        )
        name: str = run["Instances"][0]["InstanceId"]
        self.ec2.get_waiter("instance_running").wait(
            InstanceIds=[name], WaiterConfig=QUICK
        )
        return name

    def instance(self, name: str) -> dict[str, Any]:
        [reservation] = self.ec2.describe_instances(InstanceIds=[name])["Reservations"]
        [told] = reservation["Instances"]
        found: dict[str, Any] = told
        return found

    def refused(self, code: str, ask: Any, **arguments: Any) -> str:
        with self.assertRaises(ClientError) as refused:
            ask(**arguments)
        error = refused.exception.response["Error"]
        self.assertEqual(error["Code"], code)
        message: str = error["Message"]
        return message

    def attribute(self, name: str, attribute: str) -> Any:
        told = self.ec2.describe_instance_attribute(
            InstanceId=name, Attribute=attribute
        )
        return told[attribute[0].upper() + attribute[1:]].get("Value")

    def test_round(self) -> None:
        """An instance stops, is changed, starts again and ends."""
        ec2 = self.ec2
        name = self.launched(Monitoring={"Enabled": True}, DisableApiTermination=True)
        before = self.instance(name)
        self.assertEqual(before["Monitoring"]["State"], "enabled")
        self.refused(
            "IncorrectInstanceState",
            ec2.modify_instance_attribute,
            InstanceId=name,
            InstanceType={"Value": "m1.large"},
        )
        [stopping] = ec2.stop_instances(InstanceIds=[name])["StoppingInstances"]
        self.assertEqual(stopping["PreviousState"], {"Code": 16, "Name": "running"})
        self.assertEqual(stopping["CurrentState"], {"Code": 64, "Name": "stopping"})
        ec2.get_waiter("instance_stopped").wait(InstanceIds=[name], WaiterConfig=QUICK)
        stopped = self.instance(name)
        self.assertEqual(stopped["State"], {"Code": 80, "Name": "stopped"})
        self.assertEqual(stopped["StateReason"]["Code"], "Client.UserInitiatedShutdown")
        self.assertRegex(
            stopped["StateTransitionReason"],
            r"^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)$",
        )
        self.assertEqual(stopped["PrivateIpAddress"], before["PrivateIpAddress"])
        self.assertNotIn("PublicIpAddress", stopped)
        ec2.modify_instance_attribute(
            InstanceId=name, InstanceType={"Value": "m1.large"}
        )
        ec2.modify_instance_attribute(InstanceId=name, UserData={"Value": b"hello"})
        self.assertEqual(self.attribute(name, "instanceType"), "m1.large")
        told = self.attribute(name, "userData")
        self.assertEqual(base64.b64decode(told), b"hello")
        [starting] = ec2.start_instances(InstanceIds=[name])["StartingInstances"]
        self.assertEqual(starting["CurrentState"], {"Code": 0, "Name": "pending"})
        ec2.get_waiter("instance_running").wait(InstanceIds=[name], WaiterConfig=QUICK)
        again = self.instance(name)
        self.assertEqual(again["InstanceType"], "m1.large")
        self.assertEqual(again["PrivateIpAddress"], before["PrivateIpAddress"])
        self.assertGreater(again["LaunchTime"], before["LaunchTime"])
        message = self.refused(
            "OperationNotPermitted", ec2.terminate_instances, InstanceIds=[name]
        )
        self.assertIn(name, message)
        ec2.modify_instance_attribute(
            InstanceId=name, DisableApiTermination={"Value": False}
        )
        ec2.stop_instances(InstanceIds=[name], Force=True)
        ec2.get_waiter("instance_stopped").wait(InstanceIds=[name], WaiterConfig=QUICK)
        [ended] = ec2.terminate_instances(InstanceIds=[name])["TerminatingInstances"]
        self.assertEqual(ended["PreviousState"]["Name"], "stopped")
        ec2.get_waiter("instance_terminated").wait(
            InstanceIds=[name], WaiterConfig=QUICK
        )
        self.refused("IncorrectInstanceState", ec2.start_instances, InstanceIds=[name])

    def test_attributes(self) -> None:
        """Every attribute can be asked for; what is not here is told as it is."""
        name = self.launched(InstanceInitiatedShutdownBehavior="stop")
        for attribute, value in (
            ("instanceType", "m1.small"),
            ("disableApiTermination", False),
            ("instanceInitiatedShutdownBehavior", "stop"),
            ("rootDeviceName", "/dev/sda1"),
            ("sourceDestCheck", True),
            ("ebsOptimized", False),
            ("sriovNetSupport", None),
            ("userData", None),
        ):
            self.assertEqual(self.attribute(name, attribute), value, attribute)
        told = self.ec2.describe_instance_attribute(
            InstanceId=name, Attribute="groupSet"
        )
        self.assertEqual(len(told["Groups"]), 1)
        told = self.ec2.describe_instance_attribute(
            InstanceId=name, Attribute="blockDeviceMapping"
        )
        self.assertEqual(told["BlockDeviceMappings"], [])
        self.ec2.modify_instance_attribute(
            InstanceId=name,
            Attribute="instanceInitiatedShutdownBehavior",
            Value="terminate",
        )
        self.assertEqual(
            self.attribute(name, "instanceInitiatedShutdownBehavior"), "terminate"
        )
        group = self.ec2.create_security_group(GroupName="other", Description="d")
        self.ec2.modify_instance_attribute(InstanceId=name, Groups=[group["GroupId"]])
        [kept] = self.instance(name)["SecurityGroups"]
        self.assertEqual(kept["GroupName"], "other")
        self.refused(
            "UnsupportedOperation",
            self.ec2.modify_instance_attribute,
            InstanceId=name,
            SourceDestCheck={"Value": False},
        )
        self.ec2.reset_instance_attribute(InstanceId=name, Attribute="sourceDestCheck")
        self.ec2.terminate_instances(InstanceIds=[name])

    def test_status(self) -> None:
        """How an instance fares is told, and whether it is monitored."""
        ec2 = self.ec2
        name = self.launched()
        [told] = ec2.describe_instance_status(InstanceIds=[name])["InstanceStatuses"]
        self.assertEqual(told["SystemStatus"]["Status"], "ok")
        self.assertEqual(told["InstanceStatus"]["Status"], "insufficient-data")
        pages = ec2.get_paginator("describe_instance_status").paginate(
            IncludeAllInstances=True, PaginationConfig={"PageSize": 5}
        )
        found = [s["InstanceId"] for page in pages for s in page["InstanceStatuses"]]
        self.assertIn(name, found)
        self.assertEqual(len(found), len(set(found)))
        for ask, state in (
            (ec2.monitor_instances, "enabled"),
            (ec2.unmonitor_instances, "disabled"),
        ):
            [told] = ask(InstanceIds=[name])["InstanceMonitorings"]
            self.assertEqual(told["Monitoring"]["State"], state)
            self.assertEqual(self.instance(name)["Monitoring"]["State"], state)
        ec2.report_instance_status(
            Instances=[name], Status="impaired", ReasonCodes=["unresponsive"]
        )
        ec2.terminate_instances(InstanceIds=[name])

    def test_interface(self) -> None:
        """Groups may be said of the one network interface."""
        group = self.ec2.create_security_group(GroupName="card", Description="d")
        name = self.launched(
            NetworkInterfaces=[
                {
                    "DeviceIndex": 0,
                    "Groups": [group["GroupId"]],
                    "DeleteOnTermination": True,
                }
            ]
        )
        [kept] = self.instance(name)["SecurityGroups"]
        self.assertEqual(kept["GroupId"], group["GroupId"])
        self.refused(
            "UnsupportedOperation",
            self.launched,
            NetworkInterfaces=[{"DeviceIndex": 0, "AssociatePublicIpAddress": True}],
        )
        self.ec2.terminate_instances(InstanceIds=[name])

    def test_dry_runs(self) -> None:
        """A dry run of each says that it would have been done, and does nothing."""
        ec2 = self.ec2
        name = self.launched()
        for ask, given in (
            (ec2.stop_instances, {"InstanceIds": [name]}),
            (ec2.start_instances, {"InstanceIds": [name]}),
            (ec2.terminate_instances, {"InstanceIds": [name]}),
            (ec2.reboot_instances, {"InstanceIds": [name]}),
            (ec2.monitor_instances, {"InstanceIds": [name]}),
            (ec2.describe_instance_status, {}),
            (
                ec2.modify_instance_attribute,
                {"InstanceId": name, "DisableApiTermination": {"Value": True}},
            ),
            (
                ec2.run_instances,
                {"ImageId": self.image, "MinCount": 1, "MaxCount": 1},
            ),
        ):
            self.refused("DryRunOperation", ask, DryRun=True, **given)
        self.assertEqual(self.instance(name)["State"]["Name"], "running")
        ec2.terminate_instances(InstanceIds=[name])

    def test_windows(self) -> None:
        """What is for Windows is not here, and says so."""
        name = self.launched()
        message = self.refused(
            "UnsupportedOperation", self.ec2.get_password_data, InstanceId=name
        )
        self.assertIn("Windows", message)
        self.ec2.terminate_instances(InstanceIds=[name])


class ZeepTests(ZeepCase):
    """zeep in its strict mode, from what the cloud says of itself."""

    def description(self, date: str) -> str:
        return f"{self.cloud.url}doc/{date}/AmazonEC2.wsdl"

    def power(self, date: str) -> None:
        ec2 = self.service(date, "sha256")
        every = ec2.DescribeImages(imagesSet={}, ownersSet={}, executableBySet={})
        [image] = [i for i in every.imagesSet.item if i.imageId.startswith("emi-")]
        launched = ec2.RunInstances(
            imageId=image.imageId,
            minCount=1,
            maxCount=1,
            groupSet={},
            instanceType="m1.small",
            monitoring={"enabled": True},
            disableApiTermination=True,
            instanceInitiatedShutdownBehavior="stop",
        )
        [instance] = launched.instancesSet.item
        self.assertEqual(instance.monitoring.state, "enabled")
        name = instance.instanceId
        one = {"instancesSet": {"item": [{"instanceId": name}]}}

        def state() -> str:
            [told] = ec2.DescribeInstances(**one).reservationSet.item
            found: str = told.instancesSet.item[0].instanceState.name
            return found

        until(state, "running".__eq__)
        [stopping] = ec2.StopInstances(**one, force=False).instancesSet.item
        self.assertEqual(stopping.currentState.code, 64)
        until(state, "stopped".__eq__)
        [told] = ec2.DescribeInstances(**one).reservationSet.item
        [told] = told.instancesSet.item
        self.assertEqual(told.stateReason.code, "Client.UserInitiatedShutdown")
        ec2.ModifyInstanceAttribute(instanceId=name, instanceType={"value": "m1.large"})
        # To ask for an attribute alone zeep cannot: it leaves empty elements out.
        [told] = ec2.DescribeInstances(**one).reservationSet.item
        self.assertEqual(told.instancesSet.item[0].instanceType, "m1.large")
        [starting] = ec2.StartInstances(**one).instancesSet.item
        self.assertEqual(starting.previousState.name, "stopped")
        until(state, "running".__eq__)
        [off] = ec2.UnmonitorInstances(**one).instancesSet.item
        self.assertEqual(off.monitoring.state, "disabled")
        with self.assertRaises(Fault) as refused:
            ec2.TerminateInstances(**one)
        self.assertIn("Client.OperationNotPermitted", refused.exception.code)
        ec2.ModifyInstanceAttribute(
            instanceId=name, disableApiTermination={"value": False}
        )
        if date >= "2011-12-15":
            told = ec2.DescribeInstanceStatus(**one)
            [fares] = told.instanceStatusSet.item
            self.assertEqual(fares.systemStatus.status, "ok")
        ec2.TerminateInstances(**one)
        until(state, "terminated".__eq__)
        self.assertNotIn("Traceback", self.cloud.log)


def _add_tests() -> None:
    for date in DATES:

        def test(self: ZeepTests, date: str = date) -> None:
            self.power(date)

        test.__name__ = f"test_{date.replace('-', '_')}"
        test.__doc__ = f"An instance stops, is changed, and starts, at {date}."
        setattr(ZeepTests, test.__name__, test)


_add_tests()
