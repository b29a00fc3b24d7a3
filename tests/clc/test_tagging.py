"""The operations on tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import ensureDeferred

from euca_tw.api.ec2.common import Tag
from euca_tw.api.ec2.tags import CreateTags, DeleteTags, DescribeTags, TagToDelete
from euca_tw.api.errors import (
    InvalidFilter,
    InvalidId,
    InvalidNextToken,
    InvalidParameterValue,
    MissingParameter,
    NoSuchAllocation,
    NoSuchGroup,
    NoSuchImage,
    NoSuchInstance,
    NoSuchKeyPair,
    ResourceLimitExceeded,
    TagLimitExceeded,
)
from euca_tw.clc.tagging import STEP, Tags
from euca_tw.clc.tags import tags_of
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import GroupId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Address, KeyPair, ResourceTags, SecurityGroup
from tests.clc.cloud import (
    ADMIN,
    ALICE,
    ALICE_ID,
    BOB,
    AskedFilter,
    CloudTestCase,
)

I1, I2, IMAGE = "i-00000001", "i-00000002", "emi-00000001"


class TagsTestCase(CloudTestCase):
    """Alice has two instances and an image."""

    def setUp(self) -> None:
        super().setUp()
        self.tags = Tags(store=self.store, clock=self.clock, quotas=Quotas())
        self.instance(1)
        self.instance(2)
        self.image(IMAGE)

    def create(self, *ids: str, caller: Caller = ALICE, **tags: str) -> Any:
        return self.create_all(ids, tags.items(), caller)

    def create_all(
        self,
        ids: Iterable[str],
        tags: Iterable[tuple[str, str]],
        caller: Caller = ALICE,
    ) -> Any:
        asked = CreateTags(
            resource_ids=tuple(ids), tags=tuple(Tag(key=k, value=v) for k, v in tags)
        )
        return self.tags.create_tags(caller, asked)

    def delete(self, *ids: str, caller: Caller = ALICE, **tags: str | None) -> Any:
        asked = tuple(TagToDelete(key=k, value=v) for k, v in tags.items())
        return self.tags.delete_tags(caller, DeleteTags(resource_ids=ids, tags=asked))

    def describe(
        self,
        *filters: tuple[str, tuple[str, ...]],
        caller: Caller = ALICE,
        **asked: Any,
    ) -> Any:
        request = DescribeTags(
            filters=tuple(AskedFilter(*each) for each in filters),  # type: ignore[arg-type]
            **asked,
        )
        return self.tags.describe_tags(caller, request)

    def told(self, *filters: tuple[str, tuple[str, ...]], **asked: Any) -> list[str]:
        """C{resource key=value} of each."""
        answer = self.result(self.describe(*filters, **asked))
        return [f"{t.resource_id} {t.key}={t.value}" for t in answer.tags]


class CreateTests(TagsTestCase):
    def test_create(self) -> None:
        """Every tag is put on every resource."""
        self.assertTrue(self.result(self.create(I1, IMAGE, a="1", b="")).is_success)
        self.assertEqual(
            self.told(), [f"{IMAGE} a=1", f"{IMAGE} b=", f"{I1} a=1", f"{I1} b="]
        )

    def test_types(self) -> None:
        """A tag tells what type of resource it is on."""
        self.put(
            SecurityGroup(
                group_id=GroupId("sg-00000001"),
                owner_id=ALICE_ID,
                name="web",
                description="web",
            ),
            KeyPair(
                owner_id=ALICE_ID,
                name="k",
                fingerprint="",
                public_key="",
                key_pair_id="key-00000001",
            ),
            Address(
                public_ip="192.0.2.1",
                owner_id=ALICE_ID,
                allocation_id="eipalloc-00000001",
            ),
        )
        types = {
            I1: "instance",
            IMAGE: "image",
            "sg-00000001": "security-group",
            "key-00000001": "key-pair",
            "eipalloc-00000001": "elastic-ip",
        }
        self.result(self.create(*types, a="1"))
        answer = self.result(self.describe())
        self.assertEqual({t.resource_id: t.resource_type for t in answer.tags}, types)

    def test_again(self) -> None:
        """A tag of the same key is replaced, the others stay."""
        self.result(self.create(I1, a="1", b="2"))
        self.result(self.create(I1, a="3"))
        self.assertEqual(self.told(), [f"{I1} a=3", f"{I1} b=2"])

    def test_same_again(self) -> None:
        """Noting the same again changes nothing."""
        self.result(self.create(I1, a="1"))
        before = tags_of(self.store, ALICE_ID, I1)
        self.result(self.create(I1, I1, a="1"))
        self.assertIs(tags_of(self.store, ALICE_ID, I1), before)

    def test_not_there(self) -> None:
        """What is not there is refused as its type has it, and nothing is tagged."""
        for kind, missing in (
            (NoSuchInstance, "i-000000ff"),
            (NoSuchImage, "emi-000000ff"),
            (NoSuchGroup, "sg-000000ff"),
            (NoSuchKeyPair, "key-000000ff"),
            (NoSuchAllocation, "eipalloc-000000ff"),
        ):
            refused = self.refused(kind, self.create(I1, missing, a="1"))
            self.assertIn(missing, refused.message)
        self.assertEqual(self.told(), [])

    def test_anothers(self) -> None:
        """Nobody tags what he cannot see."""
        self.refused(NoSuchInstance, self.create(I1, a="1", caller=BOB))
        self.refused(NoSuchImage, self.create(IMAGE, a="1", caller=BOB))

    def test_shared(self) -> None:
        """Who tags another's public image sees his tags, and only he does."""
        self.image(IMAGE, is_public=True)
        self.result(self.create(IMAGE, whose="alice"))
        self.result(self.create(IMAGE, whose="bob", caller=BOB))
        self.assertEqual(self.told(), [f"{IMAGE} whose=alice"])
        self.assertEqual(self.told(caller=BOB), [f"{IMAGE} whose=bob"])
        self.assertEqual(self.told(caller=ADMIN), [])

    def test_malformed(self) -> None:
        """What is no identifier of a resource is refused with it."""
        for wrong in "i-1", "x-00000001", "nothing", "", "i-0000000g", "r-00000001":
            refused = self.refused(InvalidId, self.create(wrong, a="1"))
            self.assertIn(f"'{wrong}'", refused.message)

    def test_nothing(self) -> None:
        """Resources and tags must be said."""
        self.refused(MissingParameter, self.create(a="1"))
        self.refused(MissingParameter, self.create(I1))
        self.refused(MissingParameter, self.create_all([I1], [("", "x")]))

    def test_limits_of_texts(self) -> None:
        """A key has up to 128 characters, a value up to 256."""
        self.result(self.create_all([I1], [("ä" * 128, "ß" * 256)]))
        for key, value in ("k" * 129, ""), ("k", "v" * 257):
            self.refused(InvalidParameterValue, self.create_all([I1], [(key, value)]))

    def test_reserved(self) -> None:
        """Keys that begin with C{aws:} are nobody's to write."""
        for key in "aws:x", "AWS:x":
            refused = self.refused(
                InvalidParameterValue, self.create_all([I1], [(key, "")])
            )
            self.assertIn(key, refused.message)
        self.result(self.create_all([I1], [("awsome", "")]))

    def test_unspeakable(self) -> None:
        """What no answer could say is not kept."""
        for key, value in ("k", "a\x00b"), ("k\x1b", ""):
            self.refused(InvalidParameterValue, self.create_all([I1], [(key, value)]))
        self.result(self.create_all([I1], [("line", "1\n2\t3")]))

    def test_twice(self) -> None:
        """One request has a key once."""
        refused = self.refused(
            InvalidParameterValue, self.create_all([I1], [("a", "1"), ("a", "2")])
        )
        self.assertIn("(a)", refused.message)

    def test_most_tags(self) -> None:
        """A resource has 50 tags; one more is refused, for all that were named."""
        self.result(self.create_all([I1], [(f"k{n}", "") for n in range(49)]))
        self.refused(
            TagLimitExceeded, self.create_all([I2, I1], [("x", ""), ("y", "")])
        )
        self.assertEqual(len(self.told(("resource-id", (I2,)))), 0)
        self.result(self.create_all([I1], [("x", ""), ("k0", "changed")]))
        self.assertEqual(len(self.told()), 50)
        self.result(self.create_all([I1], [("x", "again")]))

    def test_quota(self) -> None:
        """An account has as many tags as its limits say."""
        self.tags.quotas = Quotas(tags=3)
        self.result(self.create(I1, a="", b="", c=""))
        self.result(self.create(I1, a="2"))
        self.refused(ResourceLimitExceeded, self.create(I2, a=""))
        self.result(self.delete(I1, a=None))
        self.refused(ResourceLimitExceeded, self.create(I2, IMAGE, a=""))
        self.result(self.create(I2, a=""))

    def test_many_resources(self) -> None:
        """A thousand resources are tagged in steps, and more are refused."""
        ids = [f"i-{n:08x}" for n in range(1, 1002)]
        for n in range(1, 1002):
            self.instance(n)
        self.refused(InvalidParameterValue, self.create(*ids, a="1"))
        waiting = ensureDeferred(self.create(*ids[:1000], a="1"))
        self.assertNoResult(waiting)
        while not waiting.called:
            self.clock.advance(0)
        self.successResultOf(waiting)
        self.assertEqual(len(self.store.all(ResourceTags)), 1000)

    def test_one_of_many_is_wrong(self) -> None:
        """All resources are looked at before any is touched."""
        ids = [f"i-{n:08x}" for n in range(1, 2 * STEP + 1)]
        for n in range(1, 2 * STEP + 1):
            self.instance(n)
        waiting = ensureDeferred(self.create(*ids, "i-00ffffff", a="1"))
        while not waiting.called:
            self.clock.advance(0)
        self.failureResultOf(waiting, NoSuchInstance)
        self.assertEqual(len(self.store.all(ResourceTags)), 0)


class DeleteTests(TagsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.result(self.create(I1, I2, a="1", b=""))

    def test_by_key(self) -> None:
        """A key without a value means whatever its value is."""
        self.assertTrue(self.result(self.delete(I1, a=None)).is_success)
        self.assertEqual(self.told(), [f"{I1} b=", f"{I2} a=1", f"{I2} b="])

    def test_by_value(self) -> None:
        """With a value, also an empty one, it must have it."""
        self.result(self.delete(I1, a="", b=""))
        self.assertEqual(self.told(("resource-id", (I1,))), [f"{I1} a=1"])
        self.result(self.delete(I1, a="1"))
        self.assertEqual(self.told(("resource-id", (I1,))), [])

    def test_all(self) -> None:
        """Without a tag in the request all go."""
        self.result(self.delete(I1))
        self.assertEqual(self.told(), [f"{I2} a=1", f"{I2} b="])
        self.assertEqual(len(self.store.all(ResourceTags)), 1)

    def test_again(self) -> None:
        """Deleting what is not there succeeds."""
        for _ in range(2):
            self.assertTrue(self.result(self.delete(I1, a=None, x="y")).is_success)

    def test_own_only(self) -> None:
        """Nobody deletes another's tags."""
        self.image(IMAGE, is_public=True)
        self.result(self.create(IMAGE, a="alice"))
        self.result(self.delete(IMAGE, a=None, caller=BOB))
        self.assertEqual(self.told(("resource-id", (IMAGE,))), [f"{IMAGE} a=alice"])

    def test_unshared(self) -> None:
        """Who may not see a thing any more can take his tags away, and no more."""
        self.image(IMAGE, is_public=True)
        self.result(self.create(IMAGE, a="bob", b="", caller=BOB))
        self.image(IMAGE)
        self.refused(NoSuchImage, self.create(IMAGE, c="", caller=BOB))
        self.result(self.delete(IMAGE, a=None, caller=BOB))
        self.assertEqual(self.told(caller=BOB), [f"{IMAGE} b="])
        self.result(self.delete(IMAGE, caller=BOB))
        self.refused(NoSuchImage, self.delete(IMAGE, caller=BOB))

    def test_refused(self) -> None:
        """What is no resource, or not there, is refused; so is a key of Amazon's."""
        self.refused(InvalidId, self.delete("x-1", a=None))
        self.refused(NoSuchInstance, self.delete("i-000000ff", a=None))
        self.refused(MissingParameter, self.delete(a=None))
        self.refused(InvalidParameterValue, self.delete(I1, **{"aws:x": None}))


class DescribeTests(TagsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.result(self.create(I1, Name="web", Stack="prod"))
        self.result(self.create(I2, Name="db", Stack="prod"))
        self.result(self.create(IMAGE, Name="web"))

    def test_filters(self) -> None:
        """Tags are found by each of the filters, exactly or by wildcards."""
        for name, values, told in (
            ("key", ("Stack",), [f"{I1} Stack=prod", f"{I2} Stack=prod"]),
            ("key", ("St?ck",), [f"{I1} Stack=prod", f"{I2} Stack=prod"]),
            ("value", ("web",), [f"{IMAGE} Name=web", f"{I1} Name=web"]),
            ("value", ("d*",), [f"{I2} Name=db"]),
            ("resource-id", (I2,), [f"{I2} Name=db", f"{I2} Stack=prod"]),
            ("resource-id", ("emi-*",), [f"{IMAGE} Name=web"]),
            ("resource-id", ("i-000000ff",), []),
            ("resource-type", ("image",), [f"{IMAGE} Name=web"]),
            ("tag:Name", ("web",), [f"{IMAGE} Name=web", f"{I1} Name=web"]),
            ("tag:Name", ("prod",), []),
        ):
            self.assertEqual(self.told((name, values)), told, (name, values))

    def test_together(self) -> None:
        """All filters must hold of the same tag."""
        self.assertEqual(
            self.told(("key", ("Name",)), ("value", ("web", "prod"))),
            [f"{IMAGE} Name=web", f"{I1} Name=web"],
        )
        self.assertEqual(self.told(("key", ("Stack",)), ("value", ("web",))), [])

    def test_unknown(self) -> None:
        """There are no others."""
        for name in "tag-key", "owner-id", "tag":
            self.refused(InvalidFilter, self.describe((name, ("x",))))

    def test_pages(self) -> None:
        """In pages, each tag is told once, whatever comes and goes between."""
        everything = self.told()
        first = self.result(self.describe(max_results=2))
        self.assertEqual(len(first.tags), 2)
        self.result(self.delete(first.tags[-1].resource_id))
        self.result(self.create(IMAGE, AAA="new"))
        rest = self.told(next_token=first.next_token)
        self.assertTrue(set(rest) < set(everything))
        self.assertEqual(rest[-2:], everything[-2:])

    def test_every_page(self) -> None:
        """Pages of any size give all, in one order."""
        for size in range(1, 7):
            seen: list[str] = []
            token = None
            while True:
                page = self.result(self.describe(max_results=size, next_token=token))
                seen.extend(f"{t.resource_id} {t.key}={t.value}" for t in page.tags)
                token = page.next_token
                if token is None:
                    break
            self.assertEqual(seen, self.told())

    def test_filtered_pages(self) -> None:
        """A page is of what passes the filters."""
        name = ("key", ("Name",))
        first = self.result(self.describe(name, max_results=2))
        self.assertEqual([t.value for t in first.tags], ["web", "web"])
        self.assertEqual(
            self.told(name, max_results=2, next_token=first.next_token),
            [f"{I2} Name=db"],
        )

    def test_bad_pages(self) -> None:
        """A size or a token that may not be one is refused."""
        self.refused(InvalidParameterValue, self.describe(max_results=0))
        self.refused(InvalidNextToken, self.describe(next_token="?"))

    def test_many(self) -> None:
        """Many are told over several turns."""
        for n in range(3, 3 * STEP):
            self.instance(n)
            self.result(self.create(f"i-{n:08x}", n=str(n)))
        waiting = ensureDeferred(self.describe(("value", ("7*",))))
        self.assertNoResult(waiting)
        self.clock.pump([0] * 20)
        told = self.successResultOf(waiting)
        self.assertEqual(len(told.tags), 11)
