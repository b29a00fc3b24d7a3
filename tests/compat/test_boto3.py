"""boto3, as users of EC2 write it today."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from twisted.trial.unittest import SynchronousTestCase

from tests.compat.cloud import Cloud, cloud_for, until


def client_of(cloud: Cloud, **config: Any) -> Any:
    return boto3.client(
        "ec2",
        endpoint_url=cloud.url,
        region_name="eucalyptus",
        aws_access_key_id=cloud.settings["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=cloud.settings["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"max_attempts": 1}, **config),
    )


class Boto3Tests(SynchronousTestCase):
    """The round of a user, and what he gets wrong."""

    def setUp(self) -> None:
        self.cloud = cloud_for(__name__)

    def instance(self, ec2: Any, instance_id: str) -> Any:
        answer = ec2.describe_instances(InstanceIds=[instance_id])
        return answer["Reservations"][0]["Instances"][0]

    def demo_image(self, ec2: Any) -> str:
        images = ec2.describe_images()["Images"]
        [image] = [i for i in images if i["ImageType"] == "machine" and i["Public"]]
        return image["ImageId"]

    def round(self, ec2: Any, suffix: str) -> None:
        registered = ec2.register_image(
            ImageLocation=f"{self.cloud.directory}/log",
            Name=f"image{suffix}",
        )["ImageId"]
        until(
            lambda: ec2.describe_images(ImageIds=[registered])["Images"][0]["State"],
            "available".__eq__,
        )
        key = ec2.create_key_pair(KeyName=f"key{suffix}")
        self.assertIn("PRIVATE KEY", key["KeyMaterial"])
        names = [k["KeyName"] for k in ec2.describe_key_pairs()["KeyPairs"]]
        self.assertIn(f"key{suffix}", names)
        ec2.create_security_group(GroupName=f"group{suffix}", Description="web")
        ec2.authorize_security_group_ingress(
            GroupName=f"group{suffix}",
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": 22,
                    "ToPort": 22,
                    "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
                }
            ],
        )
        [group] = ec2.describe_security_groups(GroupNames=[f"group{suffix}"])[
            "SecurityGroups"
        ]
        [permission] = group["IpPermissions"]
        self.assertEqual(permission["IpRanges"][0]["CidrIp"], "10.0.0.0/8")

        run = ec2.run_instances(
            ImageId=self.demo_image(ec2),
            MinCount=1,
            MaxCount=2,
            InstanceType="m1.small",
            KeyName=f"key{suffix}",
            SecurityGroups=[f"group{suffix}"],
            UserData="#!/bin/sh\necho hello\n",
        )
        ids = [i["InstanceId"] for i in run["Instances"]]
        self.assertEqual(len(ids), 2)
        ec2.get_waiter("instance_running").wait(
            InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 200}
        )
        told = self.instance(ec2, ids[0])
        self.assertEqual(told["KeyName"], f"key{suffix}")
        self.assertEqual(told["SecurityGroups"][0]["GroupName"], f"group{suffix}")
        self.assertTrue(told["PrivateIpAddress"])
        until(
            lambda: ec2.get_console_output(InstanceId=ids[0]).get("Output", ""),
            lambda output: ids[0] in output,
        )
        ec2.reboot_instances(InstanceIds=ids)

        with self.assertRaises(ClientError) as refused:
            ec2.delete_security_group(GroupName=f"group{suffix}")
        self.assertIn(
            refused.exception.response["Error"]["Code"],
            ("InvalidGroup.InUse", "DependencyViolation"),
        )
        ended = ec2.terminate_instances(InstanceIds=ids)["TerminatingInstances"]
        self.assertEqual(ended[0]["PreviousState"]["Name"], "running")
        ec2.get_waiter("instance_terminated").wait(
            InstanceIds=ids, WaiterConfig={"Delay": 0, "MaxAttempts": 200}
        )
        ec2.delete_security_group(GroupName=f"group{suffix}")
        ec2.delete_key_pair(KeyName=f"key{suffix}")
        ec2.deregister_image(ImageId=registered)

    def test_round(self) -> None:
        """A user's round works with signature version 4."""
        self.round(client_of(self.cloud), "-v4")

    def test_round_v2(self) -> None:
        """A user's round works with signature version 2."""
        self.round(client_of(self.cloud, signature_version="v2"), "-v2")

    def test_addresses(self) -> None:
        """An address is allocated, associated, told of, and released."""
        ec2 = client_of(self.cloud)
        [instance] = ec2.run_instances(
            ImageId=self.demo_image(ec2), MinCount=1, MaxCount=1
        )["Instances"]
        address = ec2.allocate_address()["PublicIp"]
        ec2.associate_address(PublicIp=address, InstanceId=instance["InstanceId"])
        told = self.instance(ec2, instance["InstanceId"])
        self.assertEqual(told["PublicIpAddress"], address)
        ec2.disassociate_address(PublicIp=address)
        [told] = ec2.describe_addresses(PublicIps=[address])["Addresses"]
        self.assertFalse(told.get("InstanceId"))
        ec2.release_address(PublicIp=address)
        ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

    def test_idempotent_launch(self) -> None:
        """One client token launches once; with another request it is refused."""
        ec2 = client_of(self.cloud)
        launch = {
            "ImageId": self.demo_image(ec2),
            "MinCount": 1,
            "MaxCount": 1,
            "ClientToken": "once",
        }
        first = ec2.run_instances(**launch)
        again = ec2.run_instances(**launch)
        self.assertEqual(first["ReservationId"], again["ReservationId"])
        self.refused(
            "IdempotentParameterMismatch",
            ec2.run_instances,
            **{**launch, "InstanceType": "c1.medium"},
        )
        ec2.terminate_instances(InstanceIds=[first["Instances"][0]["InstanceId"]])

    def refused(self, code: str, ask: Any, **arguments: Any) -> None:
        with self.assertRaises(ClientError) as refused:
            ask(**arguments)
        self.assertEqual(refused.exception.response["Error"]["Code"], code)
        self.assertTrue(refused.exception.response["ResponseMetadata"]["RequestId"])

    def test_refusals(self) -> None:
        """What is wrong is refused with EC2's own codes."""
        ec2 = client_of(self.cloud)
        self.refused(
            "InvalidInstanceID.NotFound",
            ec2.describe_instances,
            InstanceIds=["i-00000000"],
        )
        self.refused(
            "InvalidInstanceID.Malformed",
            ec2.describe_instances,
            InstanceIds=["banana"],
        )
        self.refused(
            "InvalidAMIID.NotFound",
            ec2.run_instances,
            ImageId="emi-00000000",
            MinCount=1,
            MaxCount=1,
        )
        self.refused("DryRunOperation", ec2.describe_instances, DryRun=True)
        self.refused("UnsupportedOperation", ec2.describe_spot_price_history)
        self.refused("InvalidAction", ec2.describe_flow_logs)
        stranger = boto3.client(
            "ec2",
            endpoint_url=self.cloud.url,
            region_name="eucalyptus",
            aws_access_key_id=self.cloud.settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key="wrong",
        )
        self.refused("AuthFailure", stranger.describe_instances)
        self.assertNotIn("Traceback", self.cloud.log)
