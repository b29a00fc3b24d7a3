"""
Tags and filters with many of both: 10,000 instances with 50,000 tags, told by an
indexed filter and tagged anew; against going through all of them, in the same run.

Processor time of the operation alone, in this process: no door, no wire.  Garbage
is looked for as in a daemon.

    python -m bench.tags
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from time import process_time
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from euca_tw.api.ec2.common import Filter, Tag
from euca_tw.api.ec2.instances import DescribeInstances
from euca_tw.api.ec2.tags import CreateTags, DescribeTags
from euca_tw.clc.instances import Instances
from euca_tw.clc.tagging import Tags
from euca_tw.common.garbage import Garbage
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import (
    AccountId,
    GroupId,
    ImageId,
    InstanceId,
    ReservationId,
)
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import GroupName, Instance, InstanceState, ResourceTags
from euca_tw.store.interfaces import Put
from euca_tw.store.memory import MemoryStore
from tests.fakes.clusters import RecordingClusters

INSTANCES, ROUNDS, MS = 10_000, 9, 1000
MOST_INDEXED_MS = 10.0
ME = AccountId("000000000001")
CALLER = Caller(account_id=ME, user_name="me")
NOW = datetime(2026, 11, 26, tzinfo=UTC)


def instance(number: int) -> Instance:
    group = GroupName(group_id=GroupId(f"sg-{number % 100:08x}"), name="web")
    return Instance(
        instance_id=InstanceId(f"i-{number:08x}"),
        reservation_id=ReservationId(f"r-{number // 10:08x}"),
        owner_id=ME,
        image_id=ImageId(f"emi-{number % 50:08x}"),
        instance_type="m1.small",
        cores=1,
        memory_mib=128,
        disk_gib=2,
        groups=(group,),
        launch_index=number % 10,
        launched_at=NOW,
        zone="one",
        network_index=number,
        mac_address="d0:0d:00:00:00:01",
        state=InstanceState.RUNNING,
        private_ip=f"10.0.{number // 256}.{number % 256}",
        node="http://node/",
    )


def tags_of(number: int) -> ResourceTags:
    return ResourceTags(
        owner_id=ME,
        resource_id=f"i-{number:08x}",
        resource_type="instance",
        tags=(
            ("Cost", "x"),
            ("Name", f"web-{number}"),
            ("Role", f"role-{number % 200}"),
            ("Shard", str(number % 7)),
            ("Stack", "prod"),
        ),
    )


class Cloud:
    """The operations, on a store in memory."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryStore(), Clock()
        self.instances = Instances(
            store=self.store, clusters=RecordingClusters(), clock=self.clock
        )
        self.tags = Tags(store=self.store, clock=self.clock, quotas=Quotas())
        self.steps: list[float] = []
        for number in range(INSTANCES):
            self.store.commit(Put(instance(number)), Put(tags_of(number)))

    def run(self, ask: Callable[[], Any]) -> Any:
        """An answer; what each reactor step of it took is noted."""
        answers: list[Any] = []
        begun = process_time()
        Deferred.fromCoroutine(ask()).addCallback(answers.append)
        self.steps.append(process_time() - begun)
        while not answers:
            [call] = self.clock.calls  # one step of it after the other
            self.clock.calls.clear()
            call.called = 1
            begun = process_time()
            call.func(*call.args, **call.kw)
            self.steps.append(process_time() - begun)
        return answers[0]


def measured(cloud: Cloud, asks: Sequence[Callable[[], Any]]) -> tuple[float, float]:
    """Medians: of an answer, and of its longest step; in ms."""
    wholes, longest = [], []
    for ask in asks:
        cloud.steps = []
        cloud.run(ask)
        wholes.append(sum(cloud.steps) * MS)
        longest.append(max(cloud.steps) * MS)
    return statistics.median(wholes[1:]), statistics.median(longest[1:])


def main() -> int:
    cloud = Cloud()
    Garbage().begin()

    def told(**wanted: str) -> list[Callable[[], Any]]:
        filters = tuple(
            Filter(name=name.replace("__", ":").replace("_", "-"), values=(value,))
            for name, value in wanted.items()
        )
        request = DescribeInstances(filters=filters)
        return [lambda: cloud.instances.describe_instances(CALLER, request)] * ROUNDS

    def tagged(count: int) -> list[Callable[[], Any]]:
        ids = tuple(f"i-{number:08x}" for number in range(count))
        return [
            lambda n=n: cloud.tags.create_tags(
                CALLER, CreateTags(resource_ids=ids, tags=(Tag(key="t", value=str(n)),))
            )
            for n in range(ROUNDS)
        ]

    status = 0
    whole, _ = measured(cloud, told())
    print(f"{'':44}{'CPU ms':>9}{'longest':>9}{'of all':>9}")
    for what, asks, most in (
        ("all instances", told(), None),
        ("tag:Name, 1 of them", told(tag__Name="web-77"), MOST_INDEXED_MS),
        ("tag:Role, 50 of them", told(tag__Role="role-7"), MOST_INDEXED_MS),
        ("tag-value, 50 of them", told(tag_value="role-9"), MOST_INDEXED_MS),
        ("reservation-id, 10", told(reservation_id="r-00000007"), MOST_INDEXED_MS),
        ("group-id, 100", told(group_id="sg-00000003"), MOST_INDEXED_MS),
        ("image-id, 200", told(image_id="emi-00000003"), MOST_INDEXED_MS),
        ("state, none", told(instance_state_name="stopped"), MOST_INDEXED_MS),
        ("private-ip, 1", told(private_ip_address="10.0.3.3"), MOST_INDEXED_MS),
        ("tag:Name with a wildcard, 111", told(tag__Name="web-77*"), None),
        (
            "a page of 100",
            [
                lambda: cloud.instances.describe_instances(
                    CALLER, DescribeInstances(max_results=100)
                )
            ]
            * ROUNDS,
            None,
        ),
        (
            "all 50,000 tags",
            [lambda: cloud.tags.describe_tags(CALLER, DescribeTags())] * ROUNDS,
            None,
        ),
        ("CreateTags on 1", tagged(1), MOST_INDEXED_MS),
        ("CreateTags on 1,000", tagged(1000), None),
    ):
        cost, longest = measured(cloud, asks)
        is_late = most is not None and cost > most
        status |= is_late
        print(
            f"{what:44}{cost:9.2f}{longest:9.2f}{cost / whole:8.3f}x"
            f"{'  TOO SLOW' if is_late else ''}"
        )
    return status


if __name__ == "__main__":
    sys.exit(main())
