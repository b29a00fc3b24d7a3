"""
zeep in its strict mode, with signed requests: loaded from Amazon's own WSDLs, and
from the descriptions that the cloud gives of itself.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import xmlsec
from lxml import etree
from twisted.trial.unittest import SkipTest, SynchronousTestCase
from zeep import Client
from zeep.exceptions import Fault
from zeep.wsse.signature import BinarySignature
from zeep.wsse.utils import get_security_header

from tests.compat.cloud import cloud_for, until
from tests.compat.signed_form import ec2_form, form_of

PUBLISHED = Path(__file__).resolve().parents[3] / "shared" / "wsdl" / "amazon"
WSU = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
)


#: The arguments of zeep's signatures, by digest; sha1 is its default.
METHODS: dict[str, dict[str, Any]] = {
    "sha1": {},
    "sha256": {
        "signature_method": xmlsec.constants.TransformRsaSha256,
        "digest_method": xmlsec.constants.TransformSha256,
    },
}


class Ec2Signature(BinarySignature):
    """
    Timestamp and Body signed, as EC2 wants them; EC2's answers are not.

    @ivar sent: the last message.
    """

    sent = ""

    def apply(self, envelope: Any, headers: Any) -> Any:
        stamp = etree.SubElement(get_security_header(envelope), f"{{{WSU}}}Timestamp")
        now = datetime.now(UTC)
        for name, moment in ("Created", now), ("Expires", now + timedelta(minutes=5)):
            element = etree.SubElement(stamp, f"{{{WSU}}}{name}")
            element.text = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
        message, headers = super().apply(envelope, headers)
        self.sent = etree.tostring(message, encoding="unicode")
        return message, headers

    def verify(self, envelope: Any) -> Any:
        return envelope


class ZeepCase(SynchronousTestCase):
    """A user's round by SOAP."""

    def setUp(self) -> None:
        self.cloud = cloud_for(__name__)

    def description(self, date: str) -> str:
        """Where the service's description at a date is."""
        raise NotImplementedError

    def service(self, date: str, digest: str) -> Any:
        settings = self.cloud.settings
        self.signature = Ec2Signature(
            settings["EC2_PRIVATE_KEY"], settings["EC2_CERT"], **METHODS[digest]
        )
        client = Client(self.description(date), wsse=self.signature)
        self.addCleanup(client.transport.session.close)
        return client.create_service(
            f"{{http://ec2.amazonaws.com/doc/{date}/}}AmazonEC2Binding",
            f"{self.cloud.url}services/Eucalyptus",
        )

    def check_signed(self, digest: str) -> None:
        """The last message was signed as it was meant to be."""
        self.assertEqual(form_of(self.signature.sent), ec2_form(digest))

    def machine_image(self, ec2: Any, date: str, registered: str) -> str:
        images = (
            ec2.DescribeImages(imagesSet={}, ownersSet={}, executableBySet={})
            if date > "2006-06-26"
            else ec2.DescribeImages(imagesSet={})
        )
        items = images if isinstance(images, list) else images.item
        ids = [i.imageId for i in items]
        self.assertIn(registered, ids)
        [image] = [i for i in ids if i.startswith("emi-") and i != registered]
        return image

    def launch(self, date: str, image: str) -> dict[str, Any]:
        one = {"imageId": image, "minCount": 1, "maxCount": 1, "keyName": f"k{date}"}
        groups = {"groupSet": {"item": [{"groupId": f"g{date}"}]}}
        if date < "2007-08-29":
            return {"instancesSet": {"item": [one]}, **groups}
        return {**one, "instanceType": "m1.small", **groups}

    def round(self, date: str, digest: str) -> None:
        ec2 = self.service(date, digest)
        registered = ec2.RegisterImage(imageLocation=f"{self.cloud.directory}/log")
        image = self.machine_image(ec2, date, registered)
        self.assertIn("PRIVATE KEY", ec2.CreateKeyPair(keyName=f"k{date}").keyMaterial)
        ec2.CreateSecurityGroup(groupName=f"g{date}", groupDescription="by SOAP")
        ec2.AuthorizeSecurityGroupIngress(
            userId=self.cloud.settings["EC2_USER_ID"],
            groupName=f"g{date}",
            ipPermissions={
                "item": [
                    {
                        "ipProtocol": "tcp",
                        "fromPort": 22,
                        "toPort": 22,
                        "groups": {},
                        "ipRanges": {"item": [{"cidrIp": "0.0.0.0/0"}]},
                    }
                ]
            },
        )
        reservation = ec2.RunInstances(**self.launch(date, image))
        [instance] = reservation.instancesSet.item
        one = {"instancesSet": {"item": [{"instanceId": instance.instanceId}]}}

        def state() -> str:
            told = ec2.DescribeInstances(**one)
            items = told if isinstance(told, list) else told.item
            name: str = items[0].instancesSet.item[0].instanceState.name
            return name

        until(state, "running".__eq__)
        if date > "2006-10-01":
            console = ec2.GetConsoleOutput(instanceId=instance.instanceId)
            self.assertTrue(console.output)
            self.assertTrue(ec2.RebootInstances(**one))
        ec2.TerminateInstances(**one)
        until(state, "terminated".__eq__)
        self.assertTrue(ec2.DeleteSecurityGroup(groupName=f"g{date}"))
        self.assertTrue(ec2.DeleteKeyPair(keyName=f"k{date}"))
        self.assertTrue(ec2.DeregisterImage(imageId=registered))
        with self.assertRaises(Fault) as refused:
            ec2.DeregisterImage(imageId="emi-00000000")
        self.assertIn("Client.InvalidAMIID.NotFound", refused.exception.code)
        self.check_signed(digest)
        self.assertNotIn("Traceback", self.cloud.log)

    def newest(self, digest: str) -> None:
        """
        At the last date answers have all that it requires; what nobody answers
        yet is refused by that.
        """
        ec2 = self.service("2014-06-15", digest)
        every = ec2.DescribeImages(imagesSet={}, ownersSet={}, executableBySet={})
        [image] = [i for i in every.imagesSet.item if i.imageId.startswith("emi-")]
        launched = ec2.RunInstances(
            imageId=image.imageId,
            minCount=1,
            maxCount=1,
            groupSet={},
            instanceType="m1.small",
        )
        [instance] = launched.instancesSet.item
        one = {"instancesSet": {"item": [{"instanceId": instance.instanceId}]}}
        [told] = ec2.DescribeInstances(**one).reservationSet.item
        self.assertEqual(told.reservationId, launched.reservationId)
        group = told.instancesSet.item[0].groupSet.item[0]
        self.assertEqual(group.groupName, "default")
        self.assertTrue(group.groupId.startswith("sg-"))
        groups = ec2.DescribeSecurityGroups(securityGroupSet={}, securityGroupIdSet={})
        self.assertTrue(groups.securityGroupInfo.item)
        zones = ec2.DescribeAvailabilityZones(availabilityZoneSet={})
        self.assertTrue(zones.availabilityZoneInfo.item[0].regionName)
        ec2.DescribeAddresses(publicIpsSet={}, allocationIdsSet={})
        ended = ec2.TerminateInstances(**one)
        self.assertEqual(ended.instancesSet.item[0].currentState.name, "shutting-down")
        with self.assertRaises(Fault) as refused:
            ec2.DescribeVolumes(volumeSet={})
        self.assertIn("Client.UnsupportedOperation", refused.exception.code)
        self.check_signed(digest)
        self.assertNotIn("Traceback", self.cloud.log)


class PublishedTests(ZeepCase):
    """From what Amazon published."""

    def setUp(self) -> None:
        if not PUBLISHED.is_dir():
            raise SkipTest(f"Amazon's published WSDLs are not in {PUBLISHED}")
        super().setUp()

    def description(self, date: str) -> str:
        return str(PUBLISHED / f"ec2-{date}.wsdl")

    def test_2006_06_26(self) -> None:
        """The round works at the first date, signed by rsa-sha1."""
        self.round("2006-06-26", "sha1")

    def test_2007_08_29(self) -> None:
        """The round works at 2007-08-29, signed by rsa-sha256."""
        self.round("2007-08-29", "sha256")

    def test_2008_02_01(self) -> None:
        """The round works at 2008-02-01, signed by rsa-sha256."""
        self.round("2008-02-01", "sha256")

    def test_newest(self) -> None:
        """A shorter round works at the last date, signed by rsa-sha256."""
        self.newest("sha256")


class OwnTests(ZeepCase):
    """From what the cloud says of itself."""

    def description(self, date: str) -> str:
        return f"{self.cloud.url}doc/{date}/AmazonEC2.wsdl"

    def test_2006_06_26(self) -> None:
        """The round works at the first date, signed by rsa-sha256."""
        self.round("2006-06-26", "sha256")

    def test_2008_02_01(self) -> None:
        """The round works at 2008-02-01, signed by rsa-sha1."""
        self.round("2008-02-01", "sha1")

    def test_newest(self) -> None:
        """A shorter round works at the last date, signed by rsa-sha1."""
        self.newest("sha1")
