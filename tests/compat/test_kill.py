"""
A cloud that is killed without warning, right after it has said yes.

With the memory hypervisor domains are part of the process, and die with it: so
here the node, too, finds what it had gone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.compat.cloud import Cloud, until
from tests.compat.test_boto3 import client_of

RULE = {
    "IpProtocol": "tcp",
    "FromPort": 22,
    "ToPort": 22,
    "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
}


class KillTests(SynchronousTestCase):
    """What was acknowledged is there when the cloud is back."""

    def setUp(self) -> None:
        self.cloud = Cloud.start()
        self.addCleanup(self.check_log)
        self.addCleanup(self.cloud.stop)
        self.ec2 = client_of(self.cloud)
        images = self.ec2.describe_images()["Images"]
        [self.image] = [i["ImageId"] for i in images if i["ImageType"] == "machine"]

    def check_log(self) -> None:
        self.assertNotIn("Traceback", self.log)
        self.assertNotIn("Unhandled", self.log)

    def killed(self, ask: Callable[..., Any], **asked: Any) -> Any:
        """What is answered; the cloud is killed at once, and started again."""
        answer = ask(**asked)
        self.cloud.kill()
        self.cloud.restart()
        self.log = self.cloud.log
        return answer

    def launched(self, **asked: Any) -> dict[str, Any]:
        return {"ImageId": self.image, "MinCount": 1, "MaxCount": 1, **asked}

    def instance(self, instance_id: str) -> Any:
        [told] = self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
        return told["Instances"][0]

    def is_in(self, instance_id: str, *states: str) -> Any:
        """The instance, when it is in one of these states."""
        return until(
            lambda: self.instance(instance_id),
            lambda told: told["State"]["Name"] in states,
        )

    def running(self) -> str:
        launched = self.ec2.run_instances(**self.launched())
        instance_id: str = launched["Instances"][0]["InstanceId"]
        self.is_in(instance_id, "running")
        return instance_id

    def test_belongings(self) -> None:
        """Key pairs, groups, rules, addresses and images, whichever came last."""
        ec2 = self.ec2
        key = self.killed(ec2.create_key_pair, KeyName="k")["KeyFingerprint"]
        group = self.killed(
            ec2.create_security_group, GroupName="g", Description="web"
        )["GroupId"]
        self.killed(
            ec2.authorize_security_group_ingress, GroupName="g", IpPermissions=[RULE]
        )
        address = self.killed(ec2.allocate_address)["PublicIp"]
        image = self.killed(
            ec2.register_image, ImageLocation="/some/where", Name="mine"
        )["ImageId"]

        [told] = ec2.describe_key_pairs(KeyNames=["k"])["KeyPairs"]
        self.assertEqual(told["KeyFingerprint"], key)
        [told] = ec2.describe_security_groups(GroupNames=["g"])["SecurityGroups"]
        self.assertEqual(told["GroupId"], group)
        [rule] = told["IpPermissions"]
        self.assertEqual(rule["IpRanges"], RULE["IpRanges"])
        [told] = ec2.describe_addresses()["Addresses"]
        self.assertEqual(told["PublicIp"], address)
        until(
            lambda: ec2.describe_images(ImageIds=[image])["Images"][0],
            lambda told: (told["Name"], told["State"]) == ("mine", "available"),
        )

        self.killed(ec2.delete_key_pair, KeyName="k")
        self.killed(ec2.release_address, PublicIp=address)
        self.killed(ec2.deregister_image, ImageId=image)
        self.assertEqual(ec2.describe_key_pairs()["KeyPairs"], [])
        self.assertEqual(ec2.describe_addresses()["Addresses"], [])
        images = [each["ImageId"] for each in ec2.describe_images()["Images"]]
        self.assertNotIn(image, images)

    def test_launch(self) -> None:
        """
        A launch goes on, or, if its domain ran already, is told to have ended;
        asked again under its token, it is the same launch.
        """
        asked = self.launched(ClientToken="once", UserData="hello")
        launch = self.killed(self.ec2.run_instances, **asked)
        instance_id = launch["Instances"][0]["InstanceId"]
        told = self.is_in(instance_id, "running", "terminated")
        if told["State"]["Name"] == "terminated":
            self.check_vanished(told)
        again = self.ec2.run_instances(**asked)
        self.assertEqual(again["ReservationId"], launch["ReservationId"])
        self.assertEqual(len(self.ec2.describe_instances()["Reservations"]), 1)

    def test_termination(self) -> None:
        """A termination comes to its end, for the reason that was given first."""
        instance_id = self.running()
        self.killed(self.ec2.terminate_instances, InstanceIds=[instance_id])
        told = self.is_in(instance_id, "terminated")
        self.assertEqual(told["StateReason"]["Code"], "Client.UserInitiatedShutdown")

    def test_running(self) -> None:
        """
        An instance whose domain vanished with the node is terminated, says so,
        and gives back its address; the place that it had is free.
        """
        instance_id = self.running()
        address = self.ec2.allocate_address()["PublicIp"]
        self.killed(
            self.ec2.associate_address, PublicIp=address, InstanceId=instance_id
        )
        self.check_vanished(self.is_in(instance_id, "terminated"))
        [told] = self.ec2.describe_addresses()["Addresses"]
        self.assertEqual((told["PublicIp"], told.get("InstanceId")), (address, None))
        other = self.running()
        self.ec2.associate_address(PublicIp=address, InstanceId=other)
        self.assertEqual(self.instance(other)["PublicIpAddress"], address)

    def check_vanished(self, told: Any) -> None:
        self.assertEqual(told["StateReason"]["Code"], "Server.InternalError")
        self.assertIn("domain was gone", told["StateReason"]["Message"])
        self.assertIn("domain was gone", told["StateTransitionReason"])
