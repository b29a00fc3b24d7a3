"""Availability zones."""

from __future__ import annotations

from typing import Any

from euca_tw.api.ec2.zones import DescribeAvailabilityZones
from euca_tw.api.errors import InvalidFilter, NoSuchZone
from euca_tw.clc.zones import Zones
from tests.clc.cloud import ADMIN, ALICE, TYPES, AskedFilter, CloudTestCase
from tests.fakes.clusters import RecordingClusters, roomy_zone


class ZonesTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clusters = RecordingClusters(
            (roomy_zone("one"), roomy_zone("two", is_reachable=False))
        )
        self.zones = Zones(clusters=self.clusters, region="here", machine_types=TYPES)

    def describe(self, *names: str, **asked: Any) -> Any:
        caller = asked.pop("caller", ALICE)
        return self.zones.describe_availability_zones(
            caller, DescribeAvailabilityZones(zone_names=names, **asked)
        )

    def told(self, *names: str, **asked: Any) -> list[tuple[str, str]]:
        zones = self.result(self.describe(*names, **asked)).zones
        return [(each.zone_name, each.zone_state) for each in zones]

    def test_all(self) -> None:
        """Each cluster is a zone, available while it is heard of."""
        self.assertEqual(self.told(), [("one", "available"), ("two", "unavailable")])
        one, two = self.result(self.describe()).zones
        self.assertEqual((one.region_name, one.messages), ("here", ()))
        self.assertEqual(len(two.messages), 1)

    def test_named(self) -> None:
        """Only those that are named are told."""
        self.assertEqual(self.told("two"), [("two", "unavailable")])

    def test_unknown(self) -> None:
        """A zone that is not there is refused."""
        refusal = self.refused(NoSuchZone, self.describe("one", "three"))
        self.assertEqual(refusal.code, "InvalidParameterValue")

    def test_filters(self) -> None:
        """Zones are found by all that is told of them."""
        for name, value, found in [
            ("zone-name", "o*", ["one"]),
            ("state", "unavailable", ["two"]),
            ("region-name", "here", ["one", "two"]),
            ("message", "*heard of*", ["two"]),
            ("zone-id", "two", ["two"]),
            ("zone-type", "availability-zone", ["one", "two"]),
            ("group-name", "here", ["one", "two"]),
            ("opt-in-status", "opt-in-not-required", ["one", "two"]),
            ("group-long-name", "*", []),
            ("parent-zone-id", "*", []),
            ("parent-zone-name", "*", []),
        ]:
            told = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual([each for each, _ in told], found, name)
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))

    def test_identifiers(self) -> None:
        """A zone is found by its identifier, which is its name."""
        [two] = self.result(self.describe(zone_ids=("two",))).zones
        self.assertEqual((two.zone_name, two.zone_id), ("two", "two"))
        self.refused(NoSuchZone, self.describe(zone_ids=("three",)))
        self.assertEqual(len(self.told("one", zone_ids=("two",))), 2)

    def test_verbose(self) -> None:
        """
        An administrator who asks for it is told what each cluster has room for,
        and what it would have with nothing in it.
        """
        self.clusters.known = (
            roomy_zone("one", available={"m1.small": 3}, most={"m1.small": 12}),
            roomy_zone("two", is_reachable=False),
        )
        rows = self.told("verbose", caller=ADMIN)
        self.assertEqual(
            rows[:4],
            [
                ("one", "available"),
                ("|- vm types", "free / max   cpu   ram  disk"),
                ("|- m1.small", "0003 / 0012   1    128     2"),
                ("|- m1.large", "0000 / 0000   2    512    10"),
            ],
        )
        self.assertEqual([name for name, _ in rows[4::4]], ["two"])
        self.assertEqual(len(self.told("verbose", "two", caller=ADMIN)), 4)

    def test_verbose_for_users(self) -> None:
        """To a user there is no such zone."""
        self.refused(NoSuchZone, self.describe("verbose"))

    def test_zone_called_verbose(self) -> None:
        """A zone of that name is told of as any other."""
        self.clusters.known = (roomy_zone("one"), roomy_zone("verbose"))
        self.assertEqual(self.told("verbose", caller=ADMIN), [("verbose", "available")])
