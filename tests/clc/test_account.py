"""The region, and attributes of an account."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

from euca_tw.api.ec2.account import DescribeAccountAttributes
from euca_tw.api.ec2.zones import DescribeRegions
from euca_tw.api.errors import InvalidFilter, InvalidParameterValue, NoSuchRegion
from euca_tw.clc.account import Account
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.model.quotas import UNLIMITED, Quotas
from euca_tw.model.ranges import Carving
from euca_tw.model.records import Limit, User
from tests.clc.cloud import ADMIN, ALICE, ALICE_ID, NOW, AskedFilter, CloudTestCase

NETWORK = DefaultNetwork(
    region="here", carving=Carving(IPv4Network("10.128.0.0/9"), 256)
)


class AccountTestCase(CloudTestCase):
    network: DefaultNetwork | None = None

    def setUp(self) -> None:
        super().setUp()
        self.account = Account(
            store=self.store,
            quotas=Quotas(),
            region="here",
            endpoint="cloud.example.com:8773",
            network=self.network,
        )

    def attributes(self, *names: str, **asked: Any) -> Any:
        caller = asked.pop("caller", ALICE)
        return self.account.describe_account_attributes(
            caller, DescribeAccountAttributes(attribute_names=names, **asked)
        )

    def told(self, *names: str, **asked: Any) -> dict[str, tuple[str, ...]]:
        told = self.result(self.attributes(*names, **asked)).attributes
        return {each.name: each.values for each in told}


class RegionsTests(AccountTestCase):
    def describe(self, *names: str, **asked: Any) -> Any:
        return self.account.describe_regions(
            ALICE, DescribeRegions(region_names=names, **asked)
        )

    def test_one(self) -> None:
        """A cloud is one region, and says where it is reached."""
        for names in (), ("here",):
            [region] = self.result(self.describe(*names)).regions
            self.assertEqual(
                (region.region_name, region.region_endpoint),
                ("here", "cloud.example.com:8773"),
            )

    def test_unknown(self) -> None:
        """There is no other."""
        refusal = self.refused(NoSuchRegion, self.describe("here", "us-east-1"))
        self.assertEqual(refusal.code, "InvalidParameterValue")
        self.assertIn("us-east-1", refusal.message)

    def test_filters(self) -> None:
        """It is found by all that is told of it."""
        for name, value, found in (
            ("region-name", "h*", 1),
            ("region-name", "there", 0),
            ("endpoint", "cloud.example.com*", 1),
            ("opt-in-status", "opt-in-not-required", 1),
        ):
            asked = (AskedFilter(name, (value,)),)
            told = self.result(self.describe(filters=asked)).regions
            self.assertEqual(len(told), found, name)
        unknown = (AskedFilter("x", ()),)
        self.refused(InvalidFilter, self.describe(filters=unknown))


class ClassicTests(AccountTestCase):
    """Where networks are not managed."""

    def test_platforms(self) -> None:
        """Instances run as in EC2-Classic, and there is no VPC."""
        told = self.told()
        self.assertEqual(told["supported-platforms"], ("EC2",))
        self.assertEqual(told["default-vpc"], ("none",))
        self.assertEqual(told["vpc-max-elastic-ips"], ("0",))
        self.assertEqual(told["vpc-max-security-groups-per-interface"], ("0",))

    def test_limits(self) -> None:
        """Limits are the account's."""
        wanted = ("max-instances", "max-elastic-ips")
        expected = {"max-instances": ("20",), "max-elastic-ips": ("5",)}
        self.assertEqual(self.told(*wanted), expected)
        limits = (Limit(of="instances", most=50), Limit(of="addresses", most=UNLIMITED))
        self.put(User(account_id=ALICE_ID, name="alice", created_at=NOW, limits=limits))
        expected = {"max-instances": ("50",), "max-elastic-ips": ("2147483647",)}
        self.assertEqual(self.told(*wanted), expected)

    def test_administrator(self) -> None:
        """An administrator's are as many as a client can count."""
        self.put(
            User(
                account_id=ADMIN.account_id,  # type: ignore[arg-type]
                name="admin",
                is_admin=True,
                created_at=NOW,
            )
        )
        told = self.told("max-instances", caller=ADMIN)
        self.assertEqual(told, {"max-instances": (str(2**31 - 1),)})

    def test_unknown(self) -> None:
        """An attribute that there is not is refused, with those that there are."""
        refusal = self.refused(InvalidParameterValue, self.attributes("max-moons"))
        self.assertIn("max-moons", refusal.message)
        self.assertIn("supported-platforms", refusal.message)

    def test_filters(self) -> None:
        """Attributes are found by their names and their values."""
        for name, value, found in (
            ("attribute-name", "max-*", ["max-instances", "max-elastic-ips"]),
            ("attribute-value", "EC2", ["supported-platforms"]),
        ):
            told = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(list(told), found)
        self.refused(
            InvalidFilter, self.attributes(filters=(AskedFilter("x", ("y",)),))
        )


class ManagedTests(AccountTestCase):
    """Where they are."""

    network = NETWORK

    def test_platforms(self) -> None:
        """There is a default VPC, and what is done as in EC2-Classic works too."""
        told = self.told()
        self.assertEqual(told["supported-platforms"], ("EC2", "VPC"))
        self.assertEqual(told["default-vpc"], (NETWORK.vpc_id,))
        self.assertEqual(told["vpc-max-elastic-ips"], ("5",))
        self.assertEqual(told["vpc-max-security-groups-per-interface"], ("500",))
