"""The tags of what is about to be made."""

from __future__ import annotations

from euca_tw.api.ec2.common import Tag, TagSpecification
from euca_tw.api.errors import InvalidParameterValue, InvalidTagType, TagLimitExceeded
from euca_tw.clc.tags import tags_for, tags_of, with_tags, without_tags
from euca_tw.model.records import ResourceTags
from tests.clc.cloud import ALICE_ID, BOB_ID, CloudTestCase


def said(kind: str, *tags: tuple[str, str]) -> TagSpecification:
    return TagSpecification(
        resource_type=kind, tags=tuple(Tag(key=k, value=v) for k, v in tags)
    )


class TagsForTests(CloudTestCase):
    def test_by_type(self) -> None:
        """What is for one type of resource is not for the other."""
        asked = said("instance", ("a", "1"), ("b", "")), said("volume", ("c", "2"))
        self.assertEqual(
            tags_for(asked, "instance", "volume"),
            {"instance": {"a": "1", "b": ""}, "volume": {"c": "2"}},
        )

    def test_nothing(self) -> None:
        """Without any there are none."""
        self.assertEqual(tags_for((), "image"), {"image": {}})
        self.assertEqual(tags_for((said("image"),), "image"), {"image": {}})

    def test_other_types(self) -> None:
        """Tags for what is not made are refused, with the type."""
        refused = self.assertRaises(InvalidTagType, tags_for, [said("vpc")], "image")
        self.assertIn("'vpc'", refused.message)

    def test_twice(self) -> None:
        """A type is there once, and so is a key."""
        for asked in (
            (said("image", ("a", "")), said("image", ("b", ""))),
            (said("image", ("a", ""), ("a", "")),),
        ):
            self.assertRaises(InvalidParameterValue, tags_for, asked, "image")

    def test_most(self) -> None:
        """There are 50 at most."""
        many = [(f"k{n}", "") for n in range(51)]
        tags_for((said("image", *many[:50]),), "image")
        self.assertRaises(TagLimitExceeded, tags_for, [said("image", *many)], "image")


class KeptTests(CloudTestCase):
    def test_with(self) -> None:
        """Tags are put with what they are on, by key; none needs no record."""
        self.result(
            self.store.commit(
                *with_tags(ALICE_ID, "image", "emi-1", {"b": "", "a": "1"})
            )
        )
        self.assertEqual(
            tags_of(self.store, ALICE_ID, "emi-1"), (("a", "1"), ("b", ""))
        )
        self.assertEqual(tags_of(self.store, BOB_ID, "emi-1"), ())
        self.assertEqual(with_tags(ALICE_ID, "image", "emi-1", {}), ())

    def test_without(self) -> None:
        """They go with it, everybody's, and nothing else does."""
        for account, on in (ALICE_ID, "emi-1"), (BOB_ID, "emi-1"), (BOB_ID, "emi-2"):
            self.result(self.store.commit(*with_tags(account, "image", on, {"a": ""})))
        self.result(self.store.commit(*without_tags(self.store, "emi-1")))
        [left] = self.store.all(ResourceTags)
        self.assertEqual(left.resource_id, "emi-2")
