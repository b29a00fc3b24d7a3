"""Images made of instances and copied, and who may launch them, by real clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from twisted.trial.unittest import SkipTest, SynchronousTestCase
from zeep import xsd
from zeep.exceptions import Fault

from tests.compat.cloud import cloud_for, until
from tests.compat.test_boto3 import client_of
from tests.compat.test_zeep import PUBLISHED, ZeepCase

BOB = "000000000042"
#: By which zeep writes an element that has nothing in it.
EMPTY = xsd.SkipValue


class Boto3Tests(SynchronousTestCase):
    def setUp(self) -> None:
        self.cloud = cloud_for(__name__)
        self.ec2 = client_of(self.cloud)

    def image(self, image_id: str) -> dict[str, Any]:
        [image] = self.ec2.describe_images(ImageIds=[image_id])["Images"]
        return dict(image)

    def available(self, image_id: str) -> dict[str, Any]:
        return dict(
            until(lambda: self.image(image_id), lambda i: i["State"] != "pending")
        )

    def refused(self, code: str, call: Any, **asked: Any) -> None:
        with self.assertRaises(ClientError) as refused:
            call(**asked)
        self.assertEqual(refused.exception.response["Error"]["Code"], code)

    def running(self, image_id: str) -> str:
        told = self.ec2.run_instances(ImageId=image_id, MinCount=1, MaxCount=1)
        instance_id = str(told["Instances"][0]["InstanceId"])

        def state() -> str:
            told = self.ec2.describe_instances(InstanceIds=[instance_id])
            return str(told["Reservations"][0]["Instances"][0]["State"]["Name"])

        until(state, "running".__eq__)
        return instance_id

    def test_round(self) -> None:
        """
        An image is made of an instance, launched, copied, shared, found, and
        deregistered; what is wrong is refused by EC2's codes.
        """
        ec2 = self.ec2
        demo = next(
            each["ImageId"]
            for each in ec2.describe_images(
                Filters=[{"Name": "image-type", "Values": ["machine"]}]
            )["Images"]
        )
        first = self.running(demo)
        made = ec2.create_image(
            InstanceId=first,
            Name="of mine",
            Description="with more on it",
            TagSpecifications=[
                {"ResourceType": "image", "Tags": [{"Key": "for", "Value": "me"}]}
            ],
        )["ImageId"]
        image = self.available(made)
        self.assertEqual(image["State"], "available")
        self.assertEqual(image["SourceInstanceId"], first)
        self.assertEqual(image["Description"], "with more on it")
        self.assertEqual(image["Tags"], [{"Key": "for", "Value": "me"}])
        self.assertEqual(
            (image["Public"], image["KernelId"]), (False, self.image(demo)["KernelId"])
        )
        second = self.running(made)
        self.check_copy(made)
        self.check_permissions(made)
        self.check_refusals(first, made)
        ec2.deregister_image(ImageId=made)
        self.refused(
            "InvalidAMIID.Unavailable",
            ec2.run_instances,
            ImageId=made,
            MinCount=1,
            MaxCount=1,
        )
        ec2.terminate_instances(InstanceIds=[first, second])
        self.assertNotIn("Traceback", self.cloud.log)

    def check_copy(self, made: str) -> None:
        asked = {
            "SourceRegion": "eucalyptus",
            "SourceImageId": made,
            "Name": "a copy",
            "ClientToken": "once",
        }
        copied = self.ec2.copy_image(**asked)["ImageId"]
        self.assertEqual(self.available(copied)["SourceImageId"], made)
        self.assertEqual(self.ec2.copy_image(**asked)["ImageId"], copied)
        self.refused(
            "IdempotentParameterMismatch",
            self.ec2.copy_image,
            **{**asked, "Name": "another"},
        )
        found = self.ec2.describe_images(
            Owners=["self"],
            Filters=[{"Name": "source-image-id", "Values": [made]}],
            IncludeDeprecated=True,
        )["Images"]
        self.assertEqual([each["ImageId"] for each in found], [copied])
        pages = self.ec2.get_paginator("describe_images").paginate(
            Owners=["self"], PaginationConfig={"PageSize": 1}
        )
        listed = [image["ImageId"] for page in pages for image in page["Images"]]
        self.assertIn(copied, listed)
        self.assertEqual(len(listed), len(set(listed)))
        self.ec2.deregister_image(ImageId=copied)

    def check_permissions(self, made: str) -> None:
        change = {"Add": [{"Group": "all"}, {"UserId": BOB}]}
        self.ec2.modify_image_attribute(ImageId=made, LaunchPermission=change)
        told = self.ec2.describe_image_attribute(
            ImageId=made, Attribute="launchPermission"
        )
        self.assertCountEqual(
            told["LaunchPermissions"], [{"Group": "all"}, {"UserId": BOB}]
        )
        self.assertTrue(self.image(made)["Public"])
        found = self.ec2.describe_images(ExecutableUsers=[BOB])["Images"]
        self.assertEqual([each["ImageId"] for each in found], [made])
        self.ec2.reset_image_attribute(ImageId=made, Attribute="launchPermission")
        self.assertFalse(self.image(made)["Public"])

    def check_refusals(self, instance_id: str, made: str) -> None:
        ec2 = self.ec2
        for code, call, asked in (
            (
                "InvalidAMIName.Duplicate",
                ec2.create_image,
                {"InstanceId": instance_id, "Name": "of mine"},
            ),
            (
                "InvalidAMIName.Malformed",
                ec2.create_image,
                {"InstanceId": instance_id, "Name": "a;b"},
            ),
            (
                "InvalidInstanceID.NotFound",
                ec2.create_image,
                {"InstanceId": "i-00000000", "Name": "more"},
            ),
            (
                "UnsupportedOperation",
                ec2.create_image,
                {
                    "InstanceId": instance_id,
                    "Name": "more",
                    "BlockDeviceMappings": [
                        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 1}}
                    ],
                },
            ),
            (
                "InvalidParameterValue",
                ec2.copy_image,
                {"SourceRegion": "us-east-1", "SourceImageId": made, "Name": "more"},
            ),
            ("InvalidUserID.Malformed", ec2.describe_images, {"Owners": ["bob"]}),
        ):
            self.refused(code, call, **asked)


class ZeepImages(ZeepCase):
    def setUp(self) -> None:
        super().setUp()
        self.cloud = cloud_for(__name__)

    def round(self, date: str, digest: str) -> None:
        ec2 = self.service(date, digest)
        everything = {"imagesSet": {}, "ownersSet": {}, "executableBySet": {}}
        demo = next(
            image
            for image in ec2.DescribeImages(**everything).imagesSet.item
            if image.imageType == "machine" and image.isPublic
        )
        launched = ec2.RunInstances(
            imageId=demo.imageId,
            minCount=1,
            maxCount=1,
            groupSet={},
            instanceType="m1.small",
        )
        [instance] = launched.instancesSet.item
        one = {"instancesSet": {"item": [{"instanceId": instance.instanceId}]}}

        def state() -> str:
            [told] = ec2.DescribeInstances(**one).reservationSet.item
            name: str = told.instancesSet.item[0].instanceState.name
            return name

        until(state, "running".__eq__)
        asked = {
            "instanceId": instance.instanceId,
            "name": f"by SOAP {type(self).__name__} {date}",
            "noReboot": True,
        }
        made = ec2.CreateImage(**asked).imageId

        def image() -> Any:
            named = {**everything, "imagesSet": {"item": [{"imageId": made}]}}
            return ec2.DescribeImages(**named).imagesSet.item[0]

        until(image, lambda told: told.imageState == "available")
        with self.assertRaises(Fault) as refused:
            ec2.CreateImage(**asked)
        self.assertIn("Client.InvalidAMIName.Duplicate", refused.exception.code)
        everybody = {"item": [{"group": "all"}]}
        ec2.ModifyImageAttribute(imageId=made, launchPermission={"add": everybody})
        told = ec2.DescribeImageAttribute(imageId=made, launchPermission=EMPTY)
        self.assertEqual(told.launchPermission.item[0].group, "all")
        ec2.ModifyImageAttribute(imageId=made, launchPermission={"remove": everybody})
        self.assertFalse(image().isPublic)
        if date >= "2013-02-01":
            copied = ec2.CopyImage(
                sourceRegion="eucalyptus",
                sourceImageId=made,
                name=f"{asked['name']} again",
            ).imageId
            ec2.DeregisterImage(imageId=copied)
        ec2.DeregisterImage(imageId=made)
        ec2.TerminateInstances(**one)
        self.check_signed(digest)
        self.assertNotIn("Traceback", self.cloud.log)


class PublishedTests(ZeepImages):
    """From what Amazon published."""

    def setUp(self) -> None:
        if not PUBLISHED.is_dir():
            raise SkipTest(f"Amazon's published WSDLs are not in {PUBLISHED}")
        super().setUp()

    def description(self, date: str) -> str:
        return str(Path(PUBLISHED) / f"ec2-{date}.wsdl")

    def test_2009_10_31(self) -> None:
        """The round works at the first date that has CreateImage."""
        self.round("2009-10-31", "sha1")

    def test_2010_11_15(self) -> None:
        """The round works at 2010-11-15."""
        self.round("2010-11-15", "sha256")


class OwnTests(ZeepImages):
    """From what the cloud says of itself."""

    def description(self, date: str) -> str:
        return f"{self.cloud.url}doc/{date}/AmazonEC2.wsdl"

    def test_2009_10_31(self) -> None:
        """The round works at the first date that has CreateImage."""
        self.round("2009-10-31", "sha256")

    def test_newest(self) -> None:
        """The round works at the last date."""
        self.round("2014-06-15", "sha1")


del ZeepCase, ZeepImages
