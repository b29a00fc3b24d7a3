"""Placement groups, and what is launched into them."""

from __future__ import annotations

from typing import Any

from euca_tw.api.ec2.common import Tag, TagSpecification
from euca_tw.api.ec2.instances import PlacementRequest, RunInstances
from euca_tw.api.ec2.placement_groups import (
    CreatePlacementGroup,
    DeletePlacementGroup,
    DescribePlacementGroups,
)
from euca_tw.api.errors import (
    DuplicatePlacementGroup,
    InsufficientInstanceCapacity,
    InvalidFilter,
    InvalidParameterCombination,
    InvalidParameterValue,
    InvalidTagType,
    MissingParameter,
    NoSuchPlacementGroup,
    PlacementGroupInUse,
    ResourceLimitExceeded,
)
from euca_tw.clc.launches import Launches
from euca_tw.clc.placement_groups import PlacementGroups
from euca_tw.clc.taggable import resource_type_of
from euca_tw.model.callers import Caller
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Instance, InstanceState, ResourceTags
from tests.clc.cloud import ADMIN, ALICE, BOB, TYPES, AskedFilter, CloudTestCase
from tests.fakes.clusters import RecordingClusters, roomy_zone


class PlacementGroupsTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.groups = PlacementGroups(
            store=self.store, minter=self.minter, quotas=Quotas(placement_groups=2)
        )

    def create(
        self, name: str, strategy: str = "cluster", caller: Caller = ALICE
    ) -> Any:
        return self.groups.create_placement_group(
            caller, CreatePlacementGroup(group_name=name, strategy=strategy)
        )

    def delete(self, name: str, caller: Caller = ALICE) -> Any:
        return self.groups.delete_placement_group(
            caller, DeletePlacementGroup(group_name=name)
        )

    def describe(self, *names: str, caller: Caller = ALICE, **asked: Any) -> Any:
        return self.groups.describe_placement_groups(
            caller, DescribePlacementGroups(group_names=names, **asked)
        )

    def told(self, *names: str, **asked: Any) -> list[str]:
        told = self.result(self.describe(*names, **asked)).placement_groups
        return [each.group_name for each in told]


class PlacementGroupsTests(PlacementGroupsTestCase):
    def test_create(self) -> None:
        """A group that was made is described, by its owner's name for it alone."""
        made = self.result(self.create("g")).placement_group
        self.assertRegex(made.group_id, r"\Apg-[0-9a-f]{8}\Z")
        [told] = self.result(self.describe()).placement_groups
        self.assertEqual(told, made)
        self.assertEqual(
            (told.group_name, told.strategy, told.state), ("g", "cluster", "available")
        )
        self.assertEqual(self.told(caller=BOB), [])
        self.refused(NoSuchPlacementGroup, self.describe("g", caller=BOB))
        self.result(self.create("g", caller=BOB))

    def test_refused(self) -> None:
        """What is there, or has no name or an unknown strategy, is not made."""
        self.result(self.create("g"))
        self.refused(DuplicatePlacementGroup, self.create("g"))
        self.refused(MissingParameter, self.create(""))
        self.refused(InvalidParameterValue, self.create("é"))
        refusal = self.refused(InvalidParameterValue, self.create("h", "spread"))
        self.assertIn("cluster", refusal.message)
        self.assertEqual(self.told(), ["g"])

    def test_limit(self) -> None:
        """An account has so many groups; an administrator any number."""
        for name in "ab":
            self.result(self.create(name))
        self.refused(ResourceLimitExceeded, self.create("c"))
        for name in "abc":
            self.result(self.create(name, caller=ADMIN))

    def test_describe(self) -> None:
        """Groups are found by their names and by filters."""
        first = self.result(self.create("first")).placement_group
        self.result(self.create("second"))
        self.assertEqual(self.told("second", "second"), ["second"])
        self.refused(NoSuchPlacementGroup, self.describe("first", "third"))
        for name, value, found in (
            ("group-name", "f*", ["first"]),
            ("group-id", first.group_id, ["first"]),
            ("strategy", "cluster", ["first", "second"]),
            ("state", "available", ["first", "second"]),
            ("state", "deleted", []),
        ):
            told = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(told, found, name)
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))

    def test_delete(self) -> None:
        """A group goes when nothing runs in it any more."""
        self.result(self.create("g"))
        self.refused(NoSuchPlacementGroup, self.delete("g", BOB))
        member = {"placement_group": "g"}
        self.instance(1, **member)
        self.instance(2, **member, state=InstanceState.TERMINATED)
        refusal = self.refused(PlacementGroupInUse, self.delete("g"))
        self.assertIn("1 instances", refusal.message)
        self.instance(1, **member, state=InstanceState.TERMINATED)
        self.result(self.delete("g"))
        self.assertEqual(self.told(), [])
        self.refused(NoSuchPlacementGroup, self.delete("g"))


class TagsTests(PlacementGroupsTestCase):
    """What is noted on groups."""

    def test_tags(self) -> None:
        """A group may be made with tags, is found by them, and takes them along."""
        tags = (Tag(key="b", value="2"), Tag(key="a", value="1"))
        made = self.result(
            self.groups.create_placement_group(
                ALICE,
                CreatePlacementGroup(
                    group_name="g",
                    strategy="cluster",
                    tag_specifications=(
                        TagSpecification(resource_type="placement-group", tags=tags),
                    ),
                ),
            )
        ).placement_group
        self.assertEqual(made.tags, tags[::-1])
        self.result(self.create("h"))
        self.assertEqual(self.told(filters=(AskedFilter("tag:a", ("1",)),)), ["g"])
        self.assertEqual(
            resource_type_of(self.store, ALICE, made.group_id), "placement-group"
        )
        self.assertRaises(
            NoSuchPlacementGroup, resource_type_of, self.store, BOB, made.group_id
        )
        self.result(self.delete("g"))
        self.assertEqual(len(self.store.all(ResourceTags)), 0)

    def test_of_something_else(self) -> None:
        """Tags for another type of resource are refused."""
        tags = (TagSpecification(resource_type="instance", tags=()),)
        asked = CreatePlacementGroup(
            group_name="g", strategy="cluster", tag_specifications=tags
        )
        self.refused(InvalidTagType, self.groups.create_placement_group(ALICE, asked))

    def test_identifiers(self) -> None:
        """Groups are named by their identifiers too."""
        made = self.result(self.create("g")).placement_group
        self.result(self.create("h"))
        self.assertEqual(self.told(group_ids=(made.group_id,)), ["g"])
        self.assertEqual(self.told("g", "h", group_ids=(made.group_id,)), ["g", "h"])
        self.refused(NoSuchPlacementGroup, self.describe(group_ids=("pg-00000000",)))
        self.refused(
            NoSuchPlacementGroup,
            self.describe(group_ids=(made.group_id,), caller=BOB),
        )


class LaunchTests(CloudTestCase):
    """Launches into a group."""

    def setUp(self) -> None:
        super().setUp()
        self.image()
        groups = PlacementGroups(
            store=self.store, minter=self.minter, quotas=Quotas(placement_groups=2)
        )
        made = CreatePlacementGroup(group_name="g", strategy="cluster")
        self.result(groups.create_placement_group(ALICE, made))
        self.use(roomy_zone("one", addresses=3), roomy_zone("two", addresses=5))

    def use(self, *zones: Any) -> None:
        self.launches = Launches(
            store=self.store,
            clusters=RecordingClusters(zones),
            clock=self.clock,
            minter=self.minter,
            quotas=Quotas(),
            machine_types=TYPES,
        )

    def launch(
        self, least: int, most: int, group: str = "g", zone: str | None = None
    ) -> Any:
        placement = PlacementRequest(group_name=group, availability_zone=zone)
        request = RunInstances(
            image_id="emi-00000001",
            min_count=least,
            max_count=most,
            placement=placement,
        )
        return self.launches.run_instances(ALICE, request)

    def zones(self, launched: Any) -> list[str]:
        told = self.result(launched).instances
        for each in told:
            self.assertEqual(each.placement.group_name, "g")
        records = [self.store.get(Instance, each.instance_id) for each in told]
        return [each.zone for each in records]

    def test_together(self) -> None:
        """All are in one zone, the emptiest, be it that others have room too."""
        self.assertEqual(self.zones(self.launch(1, 8)), ["two"] * 5)

    def test_joined(self) -> None:
        """What comes later goes where the others are."""
        self.assertEqual(self.zones(self.launch(1, 1, zone="one")), ["one"])
        self.assertEqual(self.zones(self.launch(1, 8)), ["one"] * 2)
        self.refused(InsufficientInstanceCapacity, self.launch(1, 1))

    def test_elsewhere(self) -> None:
        """In a zone where the others are not, nothing is launched into it."""
        self.zones(self.launch(1, 1, zone="one"))
        refusal = self.refused(
            InvalidParameterCombination, self.launch(1, 1, zone="two")
        )
        self.assertIn("are in one", refusal.message)

    def test_emptied(self) -> None:
        """A group whose instances have all ended may go anywhere."""
        self.zones(self.launch(1, 1, zone="one"))
        [member] = self.store.all(Instance)
        self.instance(
            int(member.instance_id[2:], 16),
            placement_group="g",
            state=InstanceState.TERMINATED,
        )
        self.assertEqual(self.zones(self.launch(1, 1)), ["two"])

    def test_not_spread(self) -> None:
        """What no one zone has room for is not launched."""
        self.refused(InsufficientInstanceCapacity, self.launch(6, 6))
        self.assertEqual(len(self.store.all(Instance)), 0)

    def test_unknown(self) -> None:
        """A group that is not there is refused."""
        self.refused(NoSuchPlacementGroup, self.launch(1, 1, group="h"))
