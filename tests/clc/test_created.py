"""
Eventual results never contradict themselves: what one answer has told of, the next
knows.

Whatever makes something is asked at Query's door, and then whatever tells of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree

from attrs import frozen

from tests.clc.cloud import ALICE
from tests.clc.refusals.keypairs import MATERIAL
from tests.clc.refusals.table import QUERY_DATE
from tests.clc.refusals.world import GROUP, IMAGE, INSTANCE, World
from tests.clc.test_refusals import NEVER_RIGHT
from tests.query.requests import signed_2

#: Operations of these names make what another tells of.
MAKES = re.compile(
    r"(Allocate|Associate|Authorize|Copy|Create|Import|Register|Run)[A-Z]"
)


@frozen
class Made:
    """
    @ivar asked: what makes it.
    @ivar element: of the answer, that names it; C{""}: C{name} is its name.
    @ivar told_by: the operation that tells of it, and how it is asked, with
        C{{}} in the place of the name.
    """

    asked: Mapping[str, str]
    element: str
    told_by: str
    how: Mapping[str, str]
    name: str = ""


MADE = {
    "AllocateAddress": Made(
        {}, "allocationId", "DescribeAddresses", {"AllocationId.1": "{}"}
    ),
    "AssociateAddress": Made(
        {"PublicIp": "192.0.2.1", "InstanceId": INSTANCE},
        "associationId",
        "DescribeAddresses",
        {"Filter.1.Name": "association-id", "Filter.1.Value.1": "{}"},
    ),
    "AuthorizeSecurityGroupEgress": Made(
        {"GroupId": GROUP, "IpProtocol": "tcp", "FromPort": "22", "ToPort": "22"}
        | {"CidrIp": "198.51.100.0/24"},
        "",
        "DescribeSecurityGroups",
        {"Filter.1.Name": "egress.ip-permission.cidr", "Filter.1.Value.1": "{}"},
        "198.51.100.0/24",
    ),
    "AuthorizeSecurityGroupIngress": Made(
        {"GroupName": "web", "IpProtocol": "tcp", "FromPort": "22", "ToPort": "22"}
        | {"CidrIp": "198.51.100.0/24"},
        "",
        "DescribeSecurityGroups",
        {"Filter.1.Name": "ip-permission.cidr", "Filter.1.Value.1": "{}"},
        "198.51.100.0/24",
    ),
    "CopyImage": Made(
        {"SourceRegion": "home", "SourceImageId": IMAGE, "Name": "copy"},
        "imageId",
        "DescribeImages",
        {"ImageId.1": "{}"},
    ),
    "CreateImage": Made(
        {"InstanceId": INSTANCE, "Name": "made"},
        "imageId",
        "DescribeImages",
        {"ImageId.1": "{}"},
    ),
    "CreateKeyPair": Made(
        {"KeyName": "new"}, "keyPairId", "DescribeKeyPairs", {"KeyPairId.1": "{}"}
    ),
    "CreatePlacementGroup": Made(
        {"GroupName": "near", "Strategy": "cluster"},
        "",
        "DescribePlacementGroups",
        {"GroupName.1": "{}"},
        "near",
    ),
    "CreateSecurityGroup": Made(
        {"GroupName": "new", "GroupDescription": "for tests"},
        "groupId",
        "DescribeSecurityGroups",
        {"GroupId.1": "{}"},
    ),
    "CreateTags": Made(
        {"ResourceId.1": INSTANCE, "Tag.1.Key": "Name", "Tag.1.Value": "noted"},
        "",
        "DescribeInstances",
        {"Filter.1.Name": "tag:Name", "Filter.1.Value.1": "{}"},
        "noted",
    ),
    "ImportKeyPair": Made(
        {"KeyName": "own", "PublicKeyMaterial": MATERIAL},
        "keyPairId",
        "DescribeKeyPairs",
        {"Filter.1.Name": "key-pair-id", "Filter.1.Value.1": "{}"},
    ),
    "RegisterImage": Made(
        {"ImageLocation": "/images/new.img", "Name": "new"},
        "imageId",
        "DescribeImages",
        {"ImageId.1": "{}"},
    ),
    "RunInstances": Made(
        {"ImageId": IMAGE, "MinCount": "1", "MaxCount": "1"},
        "instanceId",
        "DescribeInstances",
        {"Filter.1.Name": "instance-id", "Filter.1.Value.1": "{}"},
    ),
}


class CreatedTests(World):
    def asked(self, operation: str, parameters: Mapping[str, str]) -> str:
        """The answer."""
        self.keys.caller = ALICE
        said = {"Action": operation, "Version": QUERY_DATE, **parameters}
        reply = self.reply(self.query.answer(signed_2(said)))
        told = b"".join(reply.body).decode()
        self.assertEqual(reply.status, 200, told)
        return told

    def named(self, told: str, element: str) -> str:
        for each in ElementTree.fromstring(told).iter():
            if each.tag.rpartition("}")[2] == element and each.text:
                return each.text
        raise AssertionError(f"{element} is not in {told}")

    def test_next_call(self) -> None:
        """What was made is told by the next call, by name, id or filter."""
        for operation, made in MADE.items():
            self.renew()
            told = self.asked(operation, made.asked)
            name = self.named(told, made.element) if made.element else made.name
            how = {key: value.format(name) for key, value in made.how.items()}
            self.assertIn(f">{name}<", self.asked(made.told_by, how), operation)

    def test_all(self) -> None:
        """Whatever makes something is among them."""
        makes = {o.name for o in self.dispatch.answered if MAKES.match(o.name)}
        self.assertEqual(makes - set(NEVER_RIGHT), set(MADE))
