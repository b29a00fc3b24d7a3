"""
What groups let out, as boto3 and zeep say it; and by the calls, in their order, of who
declares what there shall be.
"""

from __future__ import annotations

from typing import Any

import zeep
from botocore.exceptions import ClientError
from twisted.trial.unittest import SynchronousTestCase
from zeep.exceptions import Fault

from tests.compat.cloud import Cloud, cloud_for
from tests.compat.test_boto3 import client_of
from tests.compat.test_surroundings import STATIC
from tests.compat.test_zeep import Ec2Signature

EVERYTHING = {
    "IpProtocol": "-1",
    "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
}
#: Of a rule that is told; what there is none of is told as empty.
NONE = {
    "IpRanges": [],
    "Ipv6Ranges": [],
    "UserIdGroupPairs": [],
}


def tcp(port: int, *networks: str, **more: Any) -> dict[str, Any]:
    ranges = [{"CidrIp": each} for each in networks]
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port,
        **({"IpRanges": ranges} if ranges else {}),
        **more,
    }


class BotoCase(SynchronousTestCase):
    cloud: Cloud
    ec2: Any

    def tearDown(self) -> None:
        self.assertNotIn("Traceback", self.cloud.log)

    def refused(self, code: str, call: Any, **asked: Any) -> str:
        with self.assertRaises(ClientError) as refused:
            call(**asked)
        error = refused.exception.response["Error"]
        self.assertEqual(error["Code"], code, error)
        return str(error["Message"])

    def made(self, name: str) -> str:
        made = self.ec2.create_security_group(GroupName=name, Description="d")
        group_id = str(made["GroupId"])
        self.addCleanup(self.ec2.delete_security_group, GroupId=group_id)
        return group_id

    def told(self, group_id: str) -> dict[str, Any]:
        [told] = self.ec2.describe_security_groups(GroupIds=[group_id])[
            "SecurityGroups"
        ]
        return dict(told)


class BotoTests(BotoCase):
    """boto3, at the newest date."""

    def setUp(self) -> None:
        self.cloud = cloud_for(__name__)
        self.ec2 = client_of(self.cloud)

    def test_rules(self) -> None:
        """Rules are let out, shown, described, found and revoked."""
        ec2, db = self.ec2, self.made("db")
        group_id = self.made("out")
        self.assertEqual(
            self.told(group_id)["IpPermissionsEgress"], [{**NONE, **EVERYTHING}]
        )
        rules = [
            tcp(443, "192.0.2.0/24", "10.0.0.0/8"),
            tcp(3306, UserIdGroupPairs=[{"GroupId": db, "Description": "data"}]),
            {
                "IpProtocol": "icmp",
                "FromPort": 8,
                "ToPort": -1,
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
            },
        ]
        asked = {"GroupId": group_id, "IpPermissions": rules}
        self.refused(
            "DryRunOperation", ec2.authorize_security_group_egress, DryRun=True, **asked
        )
        self.assertTrue(ec2.authorize_security_group_egress(**asked)["Return"])
        self.refused(
            "InvalidPermission.Duplicate", ec2.authorize_security_group_egress, **asked
        )
        everything, https, data, ping = self.told(group_id)["IpPermissionsEgress"]
        self.assertEqual(everything, {**NONE, **EVERYTHING})
        self.assertEqual(https, {**NONE, **rules[0]})
        [pair] = data["UserIdGroupPairs"]
        self.assertEqual((pair["GroupId"], pair["Description"]), (db, "data"))
        self.assertEqual(ping, {**NONE, **rules[2]})
        self.refused("InvalidGroup.InUse", ec2.delete_security_group, GroupId=db)
        found = ec2.describe_security_groups(
            Filters=[{"Name": "egress.ip-permission.group-id", "Values": [db]}]
        )["SecurityGroups"]
        self.assertEqual([each["GroupId"] for each in found], [group_id])
        ec2.revoke_security_group_egress(**asked)
        self.refused(
            "InvalidPermission.NotFound", ec2.revoke_security_group_egress, **asked
        )
        self.assertEqual(
            self.told(group_id)["IpPermissionsEgress"], [{**NONE, **EVERYTHING}]
        )

    def test_as_declared(self) -> None:
        """
        A tool that makes what is declared takes the first rule away, by IPv4 and by
        IPv6, adds its own, finds exactly these, changes them and takes them away.
        """
        ec2, group_id = self.ec2, self.made("declared")
        everything = {**EVERYTHING, "FromPort": 0, "ToPort": 0}
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[everything])
        by_ipv6 = {
            "IpProtocol": "-1",
            "FromPort": 0,
            "ToPort": 0,
            "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
        }
        self.refused(
            "InvalidPermission.NotFound",
            ec2.revoke_security_group_egress,
            GroupId=group_id,
            IpPermissions=[by_ipv6],
        )
        told = self.told(group_id)
        self.assertEqual((told["IpPermissions"], told["IpPermissionsEgress"]), ([], []))
        itself = {
            "IpProtocol": "-1",
            "FromPort": 0,
            "ToPort": 0,
            "UserIdGroupPairs": [{"GroupId": group_id}],
        }
        ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=[itself])
        ec2.authorize_security_group_egress(
            GroupId=group_id, IpPermissions=[everything]
        )
        told = self.told(group_id)
        [rule] = told["IpPermissions"]
        # Ports that say nothing would be another rule than was declared.
        self.assertEqual({"FromPort", "ToPort"} & {*rule}, set())
        self.assertEqual(told["IpPermissionsEgress"], [{**NONE, **EVERYTHING}])
        ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[everything])
        https = tcp(443, "0.0.0.0/0")
        ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=[https])
        self.assertEqual(
            self.told(group_id)["IpPermissionsEgress"], [{**NONE, **https}]
        )
        cards = ec2.describe_network_interfaces(
            Filters=[{"Name": "group-id", "Values": [group_id]}]
        )
        self.assertEqual(cards["NetworkInterfaces"], [])

    def test_ipv6(self) -> None:
        """That nothing is let out by IPv6 is said."""
        said = self.refused(
            "InvalidParameterValue",
            self.ec2.authorize_security_group_egress,
            GroupId=self.made("six"),
            IpPermissions=[tcp(443, Ipv6Ranges=[{"CidrIpv6": "::/0"}])],
        )
        self.assertIn("remote-ipv6-range", said)


class ClassicTests(BotoCase):
    """boto3, where no group is in a VPC."""

    def setUp(self) -> None:
        self.cloud = cloud_for("static", STATIC)
        self.ec2 = client_of(self.cloud)

    def test_rules(self) -> None:
        """There are no such rules, and why is said."""
        group_id = self.made("classic")
        self.assertNotIn("IpPermissionsEgress", self.told(group_id))
        for call in (
            self.ec2.authorize_security_group_egress,
            self.ec2.revoke_security_group_egress,
        ):
            said = self.refused(
                "InvalidParameterValue",
                call,
                GroupId=group_id,
                IpPermissions=[EVERYTHING],
            )
            self.assertIn("in no VPC", said)


class ZeepTests(SynchronousTestCase):
    """zeep in its strict mode, with signed requests."""

    def setUp(self) -> None:
        self.cloud = cloud_for(__name__)

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

    def test_rules(self) -> None:
        """At the first date that has such rules, and at the last."""
        for date in ("2011-01-01", "2014-06-15"):
            ec2 = self.service(date)
            name = f"out{date}"
            group_id = ec2.CreateSecurityGroup(
                groupName=name, groupDescription="d"
            ).groupId
            self.addCleanup(ec2.DeleteSecurityGroup, groupId=group_id)
            everything = _said("-1", "0.0.0.0/0")
            https = _said("tcp", "192.0.2.0/24", fromPort=443, toPort=443)
            asked = {"groupId": group_id}
            ec2.RevokeSecurityGroupEgress(**asked, ipPermissions=everything)
            with self.assertRaises(Fault) as refused:
                ec2.RevokeSecurityGroupEgress(**asked, ipPermissions=everything)
            self.assertIn("InvalidPermission.NotFound", refused.exception.code)
            ec2.AuthorizeSecurityGroupEgress(**asked, ipPermissions=https)
            [told] = ec2.DescribeSecurityGroups(
                securityGroupSet={},
                securityGroupIdSet={"item": [{"groupId": group_id}]},
            ).securityGroupInfo.item
            [rule] = told.ipPermissionsEgress.item
            self.assertEqual(
                (rule.ipProtocol, rule.fromPort, rule.toPort), ("tcp", 443, 443)
            )
            [where] = rule.ipRanges.item
            self.assertEqual(where.cidrIp, "192.0.2.0/24")


def _said(protocol: str, network: str, **ports: int) -> dict[str, Any]:
    ranges = {"item": [{"cidrIp": network}]}
    rule = {"ipProtocol": protocol, "groups": {}, "ipRanges": ranges, **ports}
    return {"item": [rule]}
