"""
Tags, filters, pages, key pairs, groups and addresses, as boto3 and zeep use them.

By SOAP at three dates: the first that has tags, one that has groups by id, and the
last.
"""

from __future__ import annotations

import base64
from typing import Any

from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from twisted.trial.unittest import SynchronousTestCase
from zeep.exceptions import Fault

from tests.compat.cloud import cloud_for
from tests.compat.test_boto3 import client_of
from tests.compat.test_zeep import ZeepCase

DATES = ("2010-08-31", "2011-01-01", "2014-06-15")


def tags(kind: str, **noted: str) -> list[dict[str, Any]]:
    """As boto3 has them for what is about to be made."""
    return [{"ResourceType": kind, "Tags": pairs(noted)}]


def pairs(noted: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in noted.items()]


def filters(**wanted: str) -> list[dict[str, Any]]:
    return [
        {"Name": name.replace("__", ":").replace("_", "-"), "Values": [value]}
        for name, value in wanted.items()
    ]


def wanted(**values: str) -> dict[str, Any]:
    """Filters, as SOAP has them."""
    return {
        "item": [
            {"name": each["Name"], "valueSet": {"item": [{"value": each["Values"][0]}]}}
            for each in filters(**values)
        ]
    }


def openssh_key(key: Any) -> bytes:
    made: bytes = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return made


class BotoTests(SynchronousTestCase):
    """boto3, at the newest date."""

    def setUp(self) -> None:
        self.ec2 = client_of(cloud_for(__name__))

    def image(self) -> str:
        images = self.ec2.describe_images()["Images"]
        [image] = [i for i in images if i["ImageType"] == "machine" and i["Public"]]
        found: str = image["ImageId"]
        return found

    def refused(self, code: str, ask: Any, **arguments: Any) -> None:
        with self.assertRaises(ClientError) as refused:
            ask(**arguments)
        self.assertEqual(refused.exception.response["Error"]["Code"], code)

    def test_instances(self) -> None:
        """What is tagged at its launch is found by its tags, until they are gone."""
        ec2 = self.ec2
        run = ec2.run_instances(
            ImageId=self.image(),
            MinCount=2,
            MaxCount=2,
            TagSpecifications=tags("instance", Name="tagged", Stack="a"),
        )
        ids = [each["InstanceId"] for each in run["Instances"]]
        self.assertEqual(run["Instances"][0]["Tags"][0]["Value"], "tagged")

        def found(**wanted: str) -> list[str]:
            answer = ec2.describe_instances(Filters=filters(**wanted))
            told = [r["Instances"] for r in answer["Reservations"]]
            return sorted(each["InstanceId"] for some in told for each in some)

        self.assertEqual(found(tag__Name="tagged"), sorted(ids))
        ec2.create_tags(Resources=[ids[0]], Tags=pairs({"Name": "other", "x": ""}))
        self.assertEqual(found(tag__Name="tagged"), [ids[1]])
        self.assertEqual(found(tag_key="x"), [ids[0]])
        self.assertEqual(found(tag__Name="o*er", tag__Stack="a"), [ids[0]])
        ec2.delete_tags(Resources=ids, Tags=[{"Key": "Name"}])
        self.assertEqual(found(tag_key="Name"), [])
        told = ec2.describe_tags(Filters=filters(resource_id=ids[0]))["Tags"]
        self.assertEqual([t["Key"] for t in told], ["Stack", "x"])
        self.assertEqual(told[0]["ResourceType"], "instance")
        ec2.delete_tags(Resources=[ids[0]])
        self.assertEqual(
            ec2.describe_tags(Filters=filters(resource_id=ids[0]))["Tags"], []
        )
        ec2.terminate_instances(InstanceIds=ids)

    def test_pages(self) -> None:
        """A paginator goes through all tags, each once."""
        ec2 = self.ec2
        group = ec2.create_security_group(GroupName="paged", Description="d")["GroupId"]
        ec2.create_tags(
            Resources=[group], Tags=pairs({f"k{n:02}": str(n) for n in range(12)})
        )
        pages = ec2.get_paginator("describe_tags").paginate(
            Filters=filters(resource_id=group), PaginationConfig={"PageSize": 5}
        )
        told = [[t["Key"] for t in page["Tags"]] for page in pages]
        self.assertEqual([len(page) for page in told], [5, 5, 2])
        keys = [key for page in told for key in page]
        self.assertEqual(keys, [f"k{n:02}" for n in range(12)])
        ec2.delete_security_group(GroupId=group)

    def test_key_pairs(self) -> None:
        """Keys are made and imported, of both types, and found by what they are."""
        ec2 = self.ec2
        made = ec2.create_key_pair(
            KeyName="made",
            KeyType="ed25519",
            TagSpecifications=tags("key-pair", team="web"),
        )
        private = serialization.load_ssh_private_key(made["KeyMaterial"].encode(), None)
        self.assertIsInstance(private, ed25519.Ed25519PrivateKey)
        putty = ec2.create_key_pair(KeyName="putty", KeyFormat="ppk")
        self.assertTrue(putty["KeyMaterial"].startswith("PuTTY-User-Key-File-2: ssh"))
        ec2.delete_key_pair(KeyName="putty")
        own = rsa.generate_private_key(65537, 2048)
        imported = ec2.import_key_pair(
            KeyName="imported", PublicKeyMaterial=openssh_key(own)
        )
        self.assertRegex(imported["KeyFingerprint"], r"\A([0-9a-f]{2}:){15}[0-9a-f]{2}")
        [told] = ec2.describe_key_pairs(
            KeyPairIds=[imported["KeyPairId"]], IncludePublicKey=True
        )["KeyPairs"]
        self.assertEqual(told["PublicKey"].encode(), openssh_key(own) + b" imported")
        self.assertEqual((told["KeyType"], told["KeyName"]), ("rsa", "imported"))
        [told] = ec2.describe_key_pairs(Filters=filters(tag__team="web"))["KeyPairs"]
        self.assertEqual(told["KeyFingerprint"], made["KeyFingerprint"])
        self.refused(
            "InvalidKey.Format",
            ec2.import_key_pair,
            KeyName="x",
            PublicKeyMaterial=b"no key",
        )
        self.refused(
            "InvalidKeyPair.Duplicate",
            ec2.import_key_pair,
            KeyName="made",
            PublicKeyMaterial=openssh_key(own),
        )
        ec2.delete_key_pair(KeyPairId=made["KeyPairId"])
        ec2.delete_key_pair(KeyName="imported")
        self.assertEqual(ec2.describe_key_pairs()["KeyPairs"], [])

    def test_groups(self) -> None:
        """Groups are tagged as they are made, and found by their rules and tags."""
        ec2 = self.ec2
        group = ec2.create_security_group(
            GroupName="tagged",
            Description="d",
            TagSpecifications=tags("security-group", team="web"),
        )
        self.assertEqual(group["Tags"], pairs({"team": "web"}))
        ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22}
        ssh["IpRanges"] = [{"CidrIp": "198.51.100.0/24"}]  # type: ignore[assignment]
        rules = {"GroupId": group["GroupId"], "IpPermissions": [ssh]}
        ec2.authorize_security_group_ingress(**rules)
        self.refused(
            "InvalidPermission.Duplicate",
            ec2.authorize_security_group_ingress,
            **rules,
        )
        for wanted in (
            {"tag__team": "w?b"},
            {"ip_permission.cidr": "198.51.100.0/24"},
            {"group_id": group["GroupId"], "ip_permission.to_port": "22"},
        ):
            [told] = ec2.describe_security_groups(Filters=filters(**wanted))[
                "SecurityGroups"
            ]
            self.assertEqual(told["GroupName"], "tagged")
        ec2.revoke_security_group_ingress(**rules)
        self.refused(
            "InvalidPermission.NotFound", ec2.revoke_security_group_ingress, **rules
        )
        ec2.delete_security_group(GroupId=group["GroupId"])
        self.refused(
            "InvalidGroup.NotFound",
            ec2.delete_security_group,
            GroupId=group["GroupId"],
        )

    def test_addresses(self) -> None:
        """An address goes by its allocation id, as those of a VPC do."""
        ec2 = self.ec2
        address = ec2.allocate_address(
            Domain="vpc", TagSpecifications=tags("elastic-ip", Name="front")
        )
        [instance] = ec2.run_instances(ImageId=self.image(), MinCount=1, MaxCount=1)[
            "Instances"
        ]
        by_id = {"AllocationId": address["AllocationId"]}
        association = ec2.associate_address(InstanceId=instance["InstanceId"], **by_id)[
            "AssociationId"
        ]
        [told] = ec2.describe_addresses(Filters=filters(tag__Name="front"))["Addresses"]
        self.assertEqual(told["AssociationId"], association)
        self.assertEqual(told["InstanceId"], instance["InstanceId"])
        ec2.disassociate_address(AssociationId=association)
        ec2.release_address(**by_id)
        self.refused("InvalidAllocationID.NotFound", ec2.release_address, **by_id)
        ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

    def test_refusals(self) -> None:
        """What is wrong with tags and filters is told by EC2's codes."""
        ec2 = self.ec2
        group = ec2.create_security_group(GroupName="wrong", Description="d")["GroupId"]
        one = pairs({"a": "1"})
        for code, ask, asked in (
            ("InvalidID", ec2.create_tags, {"Resources": ["x-1"], "Tags": one}),
            (
                "InvalidInstanceID.NotFound",
                ec2.create_tags,
                {"Resources": ["i-00000000"], "Tags": one},
            ),
            (
                "InvalidParameterValue",
                ec2.create_tags,
                {"Resources": [group], "Tags": pairs({"aws:a": ""})},
            ),
            (
                "TagLimitExceeded",
                ec2.create_tags,
                {"Resources": [group], "Tags": pairs({f"k{n}": "" for n in range(51)})},
            ),
            (
                "InvalidParameterValue",
                ec2.describe_instances,
                {"Filters": filters(colour="red")},
            ),
            (
                "FilterLimitExceeded",
                ec2.describe_instances,
                {"Filters": [{"Name": "tag-key", "Values": ["x"] * 201}]},
            ),
            ("InvalidNextToken", ec2.describe_tags, {"NextToken": "?"}),
        ):
            self.refused(code, ask, **asked)
        ec2.delete_security_group(GroupId=group)


class SoapTests(ZeepCase):
    """zeep, by the cloud's own descriptions."""

    def setUp(self) -> None:
        self.cloud = cloud_for(__name__)

    def description(self, date: str) -> str:
        return f"{self.cloud.url}doc/{date}/AmazonEC2.wsdl"

    def round(self, date: str, digest: str = "sha256") -> None:
        ec2 = self.service(date, digest)
        name = f"s{date}"
        key = ed25519.Ed25519PrivateKey.generate()
        material = base64.b64encode(openssh_key(key)).decode()
        ec2.ImportKeyPair(keyName=name, publicKeyMaterial=material)
        [told] = self.items(
            ec2.DescribeKeyPairs(keySet={}, filterSet=wanted(key_name=name))
        )
        self.assertEqual(told.keyName, name)

        [image] = [
            each.imageId
            for each in self.items(
                ec2.DescribeImages(imagesSet={}, ownersSet={}, executableBySet={})
            )
            if each.imageId.startswith("emi-")
        ]
        noted = {"item": [{"key": name, "value": "a&b"}, {"key": "empty", "value": ""}]}
        on_image = {"item": [{"resourceId": image}]}
        ec2.CreateTags(resourcesSet=on_image, tagSet=noted)
        asked = wanted(value="a?b", resource_type="image")
        [told] = self.items(ec2.DescribeTags(filterSet=asked))
        self.assertEqual((told.resourceId, told.key), (image, name))
        [told] = [
            each
            for each in self.items(
                ec2.DescribeImages(imagesSet={}, ownersSet={}, executableBySet={})
            )
            if each.imageId == image
        ]
        self.assertEqual(
            {tag.key: tag.value for tag in told.tagSet.item},
            {name: "a&b", "empty": None},
        )
        ec2.DeleteTags(
            resourcesSet=on_image, tagSet={"item": [{"key": name}, {"key": "empty"}]}
        )
        asked = wanted(resource_id=image)
        self.assertEqual(self.items(ec2.DescribeTags(filterSet=asked)), [])
        with self.assertRaises(Fault) as refused:
            ec2.CreateTags(resourcesSet={"item": [{"resourceId": "x-1"}]}, tagSet=noted)
        self.assertIn("Client.InvalidID", refused.exception.code)
        ec2.DeleteKeyPair(keyName=name)

    def items(self, told: Any) -> list[Any]:
        """Of an answer whose one member may stand for itself."""
        if told is None:
            return []
        if isinstance(told, list):
            return told
        for set_name in ("tagSet", "keySet", "imagesSet"):
            told = getattr(told, set_name, None) or told
        return list(getattr(told, "item", None) or [])

    def test_first(self) -> None:
        """At the first date that has tags."""
        self.round(DATES[0])

    def test_middle(self) -> None:
        """When groups have got identifiers."""
        self.round(DATES[1])

    def test_last(self) -> None:
        """At the last date."""
        self.round(DATES[2])
