"""
An index tells the same as going through all.

A value that is escaped is the same value to a filter, and no index is asked for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from euca_tw.model.identifiers import GroupId, InstanceId
from euca_tw.model.records import (
    Address,
    GroupName,
    InstanceState,
    ResourceTags,
    SecurityGroup,
)
from tests.clc.cloud import ADMIN, ALICE, ALICE_ID, BOB, BOB_ID
from tests.clc.refusals.table import QUERY_DATE
from tests.clc.refusals.world import World
from tests.query.requests import signed_2

#: Filters by the operation, with the values that they may have.
FILTERS = {
    "DescribeInstances": {
        "availability-zone": ("one", "two"),
        "group-id": ("sg-000000c1", "sg-000000c2"),
        "image-id": ("emi-00000001", "emi-000000ff"),
        "instance-id": ("i-000000c1", "i-000000c2", "i-0000000b"),
        "instance-state-name": ("running", "stopped", "terminated"),
        "private-ip-address": ("10.0.0.193", ""),
        "reservation-id": ("r-000000c1",),
    },
    "DescribeInstanceStatus": {
        "availability-zone": ("one", "two"),
        "instance-state-name": ("running",),
    },
    "DescribeNetworkInterfaces": {
        "attachment.instance-id": ("i-000000c1",),
        "availability-zone": ("one", "two"),
        "group-id": ("sg-000000c1",),
        "owner-id": (ALICE_ID, BOB_ID),
        "private-ip-address": ("10.0.0.193",),
    },
    "DescribeAddresses": {
        "allocation-id": ("eipalloc-000000c1", "eipalloc-000000c2"),
        "instance-id": ("i-000000c1",),
        "public-ip": ("192.0.2.101", "192.0.2.102"),
    },
    "DescribeSecurityGroups": {
        "group-id": ("sg-000000c1", "sg-0000000b"),
        "owner-id": (ALICE_ID, BOB_ID),
    },
    "DescribeKeyPairs": {"key-pair-id": ("key-00000001",)},
    "DescribeImages": {
        "image-id": ("emi-00000001", "emi-0000000b"),
        "owner-id": (ALICE_ID, BOB_ID),
        "state": ("available",),
    },
    "DescribeTags": {
        "key": ("Name", "Stack"),
        "value": ("c1", "prod"),
        "resource-id": ("i-000000c1", "eipalloc-000000c1"),
        "resource-type": ("instance",),
        "tag:Name": ("c1",),
    },
}
#: What all that can have tags is found by.
TAGS = {"tag:Name": ("c1", "c2"), "tag-key": ("Stack", "None"), "tag-value": ("prod",)}
UNTAGGED = ("DescribeTags", "DescribeInstanceStatus")


def cases() -> Iterator[tuple[str, list[tuple[str, tuple[str, ...]]]]]:
    """Each filter with each value and all, and each two filters together."""
    for operation, known in FILTERS.items():
        filters = known | ({} if operation in UNTAGGED else TAGS)
        pairs = list(filters.items())
        for name, values in pairs:
            for some in (*((value,) for value in values), values):
                yield operation, [(name, some)]
        for first, second in pairwise(pairs):
            yield operation, [first, second]


class IndexTests(World):
    def setUp(self) -> None:
        super().setUp()
        for number, state, zone in (
            (0xC1, InstanceState.RUNNING, "one"),
            (0xC2, InstanceState.STOPPED, "two"),
            (0xC3, InstanceState.TERMINATED, "one"),
        ):
            group = GroupName(group_id=GroupId(f"sg-{number:08x}"), name=f"g{number}")
            self.instance(number, state=state, zone=zone, groups=(group,))
            self.put(
                SecurityGroup(
                    group_id=group.group_id,
                    owner_id=ALICE_ID,
                    name=group.name,
                    description="for tests",
                ),
                Address(
                    public_ip=f"192.0.2.{number - 92}",
                    owner_id=ALICE_ID,
                    allocation_id=f"eipalloc-{number:08x}",
                    instance_id=InstanceId(f"i-{number:08x}"),
                ),
                *(
                    ResourceTags(
                        owner_id=owner,
                        resource_id=f"{prefix}-{number:08x}",
                        resource_type=kind,
                        tags=(("Name", f"{number:x}"), ("Stack", "prod")),
                    )
                    for prefix, kind in (
                        ("i", "instance"),
                        ("sg", "security-group"),
                        ("eipalloc", "elastic-ip"),
                    )
                    for owner in (ALICE_ID, BOB_ID)
                ),
            )

    def told(self, operation: str, filters: list[tuple[str, tuple[str, ...]]]) -> str:
        asked = {"Action": operation, "Version": QUERY_DATE}
        for n, (name, values) in enumerate(filters, 1):
            asked[f"Filter.{n}.Name"] = name
            for m, value in enumerate(values, 1):
                asked[f"Filter.{n}.Value.{m}"] = value
        reply = self.reply(self.query.answer(signed_2(asked)))
        text = b"".join(reply.body).decode()
        self.assertEqual(reply.status, 200, text)
        return text

    def items(self, told: str) -> list[str]:
        """What is told of, in any order."""
        words = re.findall(r"<(?:\w+Id|publicIp|key|value)>[^<]*</", told)
        return sorted(word for word in words if "requestId" not in word)

    def test_same(self) -> None:
        """Whoever asks, for whatever."""
        found = 0
        for caller in ALICE, BOB, ADMIN:
            self.keys.caller = caller
            for operation, filters in cases():
                escaped = [
                    (name, tuple(f"\\{v}" if v else v for v in values))
                    for name, values in filters
                ]
                by_index = self.items(self.told(operation, filters))
                gone_through = self.items(self.told(operation, escaped))
                self.assertEqual(by_index, gone_through, (operation, filters))
                found += bool(by_index)
        self.assertGreater(found, 50)
