"""Tests of L{euca_tw.clc.launches}: what is chosen is what a placement says."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve
from zope.interface import implementer

from euca_tw.api.ec2.instances import PlacementRequest
from euca_tw.clc.interfaces import IPlacement, LaunchWish, ZoneRoom
from euca_tw.clc.placement import (
    OrderedPlacement,
    SteppedPlacement,
    apart,
    in_turn,
    used,
)
from euca_tw.model.records import Instance
from tests.clc.test_launches import LaunchTestCase
from tests.fakes.clusters import roomy_zone


@implementer(IPlacement)
class Stranger:
    """Somebody else's, which says what it is told to, or fails."""

    def __init__(self, *says: str) -> None:
        self.says = says

    def zones(self, rooms: Sequence[ZoneRoom], wish: LaunchWish) -> Sequence[str]:
        if not self.says:
            raise RuntimeError("theirs is broken")
        return self.says


class PlacementTests(LaunchTestCase):
    def by(self, placement: IPlacement, *zones) -> None:
        self.with_clusters(*(zones or map(roomy_zone, ("one", "three", "two"))))
        self.launches = evolve(
            self.launches, placement=placement, placement_name="theirs"
        )

    def zones(self, count: int = 1, **given) -> list[str]:
        return [each.zone for each in self.ran(count, **given)]

    def test_turns(self) -> None:
        """Launches one after the other take turns too."""
        self.by(SteppedPlacement(in_turn))
        self.assertEqual(self.zones(2), ["one", "three"])
        self.assertEqual(self.zones(2), ["two", "one"])

    def test_zone_named(self) -> None:
        """A user who names a zone has it."""
        self.by(SteppedPlacement(in_turn))
        named = PlacementRequest(availability_zone="two")
        self.assertEqual(self.zones(2, placement=named), ["two", "two"])

    def test_groups(self) -> None:
        """Instances of one security group are spread, whatever others there are."""
        self.by(SteppedPlacement(apart))
        for _ in range(2):
            self.assertEqual(sorted(self.zones(3)), ["one", "three", "two"])
        counts = [
            len(self.store.where(Instance, "live_in", zone))
            for zone in ("one", "three", "two")
        ]
        self.assertEqual(counts, [2, 2, 2])

    def test_used(self) -> None:
        """A zone is used in which there is less room than there could be."""
        empty = roomy_zone("a", available={"m1.small": 5})
        half = roomy_zone("b", available={"m1.small": 5}, most={"m1.small": 9})
        self.by(OrderedPlacement(used), empty, half)
        self.assertEqual(self.zones(1), ["b"])

    def test_fails(self) -> None:
        """One that fails is told by its name, and the launch is placed all the same."""
        self.by(Stranger())
        self.assertEqual(self.zones(2), ["one", "one"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_unsound(self) -> None:
        """So is what one says that cannot be."""
        for says in (("nowhere",), ("one",) * 3):
            self.by(Stranger(*says))
            self.assertEqual(self.zones(2), ["one", "one"])
