"""Which records may pass filters, by the indexes."""

from __future__ import annotations

from collections.abc import Collection

from euca_tw.clc.narrowing import KEY, instances_that_may_pass, narrowed
from euca_tw.clc.tags import with_tags
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import GroupId, ReservationId
from euca_tw.model.records import GroupName, Instance, InstanceState
from tests.clc.cloud import (
    ADMIN,
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    AskedFilter,
    CloudTestCase,
)

INDEXES = {
    "instance-id": KEY,
    "reservation-id": "reservation_id",
    "instance-state-name": "state_name",
    "group-id": "group_ids",
}


class NarrowedTests(CloudTestCase):
    """Four of Alice's instances: 1 and 2 launched together, 4 has ended."""

    def setUp(self) -> None:
        super().setUp()
        web = GroupName(group_id=GroupId("sg-000000aa"), name="web")
        together = ReservationId("r-000000aa")
        self.instance(1, reservation_id=together, groups=(web,))
        self.instance(2, reservation_id=together)
        self.instance(3, groups=(web, web))
        self.instance(4, state=InstanceState.TERMINATED)
        self.tag(1, Name="web", Stack="prod")
        self.tag(3, Name="db", Stack="prod", Empty="")
        self.tag(2, BOB_ID, Name="web")

    def tag(self, number: int, account: str = ALICE_ID, **tags: str) -> None:
        changes = with_tags(account, "instance", f"i-{number:08x}", tags)
        self.successResultOf(self.store.commit(*changes))

    def found(
        self, *asked: tuple[str, tuple[str, ...]], otherwise: str = "all"
    ) -> Collection[Instance] | str:
        """Numbers; C{otherwise}, if no index helps."""
        filters = [AskedFilter(*each) for each in asked]
        all_of_them = self.store.all(Instance)
        found = narrowed(self.store, Instance, INDEXES, filters, ALICE_ID, all_of_them)
        if found is all_of_them:
            return otherwise
        return sorted(int(each.instance_id[2:], 16) for each in found)

    def test_nothing_asked(self) -> None:
        """Without filters, and with such that have no index, all may."""
        self.assertEqual(self.found(), "all")
        self.assertEqual(self.found(("image-id", ("emi-1",))), "all")

    def test_key(self) -> None:
        """By their own identifiers; what is not there is not found."""
        asked = ("instance-id", ("i-00000001", "i-00000003", "i-000000ff"))
        self.assertEqual(self.found(asked), [1, 3])

    def test_field(self) -> None:
        """By an indexed field."""
        self.assertEqual(self.found(("reservation-id", ("r-000000aa",))), [1, 2])
        self.assertEqual(self.found(("reservation-id", ("r-00000000",))), [])

    def test_many(self) -> None:
        """By a field of many values, each once."""
        self.assertEqual(self.found(("group-id", ("sg-000000aa",))), [1, 3])
        twice = ("group-id", ("sg-000000aa", "sg-000000aa"))
        self.assertEqual(self.found(twice), [1, 3])

    def test_tags(self) -> None:
        """By tags of one's own: not by those of others."""
        self.assertEqual(self.found(("tag:Name", ("web",))), [1])
        self.assertEqual(self.found(("tag:Name", ("web", "db"))), [1, 3])
        self.assertEqual(self.found(("tag-key", ("Empty",))), [3])
        self.assertEqual(self.found(("tag-value", ("",))), [3])
        self.assertEqual(self.found(("tag-value", ("prod",))), [1, 3])
        self.assertEqual(self.found(("tag:Stack", ("test",))), [])

    def test_least(self) -> None:
        """Of several filters, by that which tells least."""
        asked = [
            ("instance-state-name", ("running",)),
            ("tag:Name", ("db",)),
            ("group-id", ("sg-000000aa",)),
        ]
        self.assertEqual(self.found(*asked), [3])

    def test_no_less(self) -> None:
        """By none, if there are fewer things to go through."""
        asked = ("instance-state-name", ("running", "terminated"))
        self.assertEqual(self.found(asked), "all")

    def test_wildcards(self) -> None:
        """A value that is not exact has no index, nor have those beside it."""
        self.assertEqual(self.found(("instance-id", ("i-00000001", "i-*"))), "all")
        self.assertEqual(self.found(("tag:Name", ("we?",))), "all")
        self.assertEqual(self.found(("tag:Name", ("w\\eb",))), "all")

    def test_other_keys(self) -> None:
        """Where tags are on something else than the key, they narrow nothing."""
        everything = self.store.all(Instance)
        asked = [AskedFilter("tag:Name", ("web",))]
        found = narrowed(self.store, Instance, INDEXES, asked, None, everything)
        self.assertIs(found, everything)

    def test_follows(self) -> None:
        """What changes is found as it is now."""
        self.instance(2, state=InstanceState.STOPPED)
        self.instance(4, state=InstanceState.STOPPED)
        self.assertEqual(self.found(("instance-state-name", ("stopped",))), [2, 4])
        self.tag(1, Name="other")
        self.assertEqual(self.found(("tag:Name", ("web",))), [])
        self.assertEqual(self.found(("tag:Stack", ("prod",))), [3])


class InstancesTests(CloudTestCase):
    """What of them the caller may see."""

    def setUp(self) -> None:
        super().setUp()
        together = ReservationId("r-000000aa")
        for number, owner in (1, ALICE_ID), (2, BOB_ID), (3, ALICE_ID), (4, ALICE_ID):
            self.instance(number, owner_id=owner, reservation_id=together)

    def found(self, caller: Caller, *asked: tuple[str, tuple[str, ...]]) -> list[int]:
        filters = [AskedFilter(*each) for each in asked]
        found = instances_that_may_pass(self.store, caller, INDEXES, filters)
        return sorted(int(each.instance_id[2:], 16) for each in found)

    def test_others(self) -> None:
        """An index knows of others' too; they are not told."""
        asked = ("instance-id", ("i-00000001", "i-00000002"))
        self.assertEqual(self.found(ALICE, asked), [1])
        self.assertEqual(self.found(ADMIN, asked), [1, 2])
        self.assertEqual(self.found(BOB, asked), [2])

    def test_own_are_less(self) -> None:
        """Who has fewer than an index tells of has his own gone through."""
        asked = ("reservation-id", ("r-000000aa",))
        self.assertEqual(self.found(BOB, asked), [2])
        self.assertEqual(self.found(ADMIN, asked), [1, 2, 3, 4])
