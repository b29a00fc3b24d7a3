"""Availability zones."""

from __future__ import annotations

from typing import Any

from euca_tw.api.ec2.zones import DescribeAvailabilityZones
from euca_tw.api.errors import InvalidFilter, NoSuchZone
from euca_tw.clc.zones import Zones
from tests.clc.cloud import ALICE, AskedFilter, CloudTestCase
from tests.fakes.clusters import RecordingClusters, roomy_zone


class ZonesTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.clusters = RecordingClusters(
            (roomy_zone("one"), roomy_zone("two", is_reachable=False))
        )
        self.zones = Zones(clusters=self.clusters, region="here")

    def describe(self, *names: str, **asked: Any) -> Any:
        return self.zones.describe_availability_zones(
            ALICE, DescribeAvailabilityZones(zone_names=names, **asked)
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
        """Zones are found by name, state, region and message."""
        for name, value, found in [
            ("zone-name", "o*", ["one"]),
            ("state", "unavailable", ["two"]),
            ("region-name", "here", ["one", "two"]),
            ("message", "*heard of*", ["two"]),
        ]:
            told = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual([each for each, _ in told], found, name)
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))
