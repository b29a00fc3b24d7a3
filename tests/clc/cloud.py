"""Records, and callers, for tests of the cloud's operations."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

from attrs import define
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.errors import ApiError
from euca_tw.common.clock import utc_now
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import (
    AccountId,
    GroupId,
    ImageId,
    InstanceId,
    Minter,
    ReservationId,
    mac_address,
)
from euca_tw.model.records import (
    GroupName,
    Image,
    ImageKind,
    ImageState,
    Instance,
    InstanceState,
)
from euca_tw.store.interfaces import Put
from euca_tw.store.memory import MemoryStore
from tests.fakes.clusters import RecordingClusters

E = TypeVar("E", bound=ApiError)

ALICE_ID, BOB_ID = AccountId("000000000001"), AccountId("000000000002")
ALICE = Caller(account_id=ALICE_ID, user_name="alice")
BOB = Caller(account_id=BOB_ID, user_name="bob")
ADMIN = Caller(account_id="000000000009", user_name="admin", is_admin=True)

TYPES = {
    t.name: t
    for t in (
        MachineType(name="m1.small", cores=1, memory_mib=128, disk_gib=2),
        MachineType(name="m1.large", cores=2, memory_mib=512, disk_gib=10),
    )
}
NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


@define
class AskedFilter:
    name: str
    values: tuple[str, ...]


class CloudTestCase(SynchronousTestCase):
    """A store, a clock and clusters; and how to ask."""

    def setUp(self) -> None:
        self.store = MemoryStore()
        self.clock = Clock()
        self.clock.advance(NOW.timestamp())
        self.clusters = RecordingClusters()
        self.minter = Minter(Random(1))

    def result(self, answer: Awaitable[Any]) -> Any:
        """What an operation answers, at once."""
        return self.successResultOf(_deferred(answer))

    def refused(self, kind: type[E], answer: Awaitable[Any]) -> E:
        """The refusal that an operation answers with."""
        failure = self.failureResultOf(_deferred(answer), kind)
        refusal: E = failure.value
        self.assertTrue(refusal.message)
        return refusal

    def put(self, *records: Any) -> None:
        self.successResultOf(self.store.commit(*map(Put, records)))

    def image(self, image_id: str = "emi-00000001", **given: Any) -> Image:
        """Alice's, available, in the store."""
        image = Image(
            **{
                "image_id": ImageId(image_id),
                "kind": ImageKind.MACHINE,
                "owner_id": ALICE_ID,
                "location": f"/images/{image_id}",
                "state": ImageState.AVAILABLE,
                "registered_at": NOW,
                **given,
            }
        )
        self.put(image)
        return image

    def instance(self, number: int = 1, **given: Any) -> Instance:
        """Alice's, running, in the store."""
        instance_id = InstanceId(f"i-{number:08x}")
        instance = Instance(
            **{
                "instance_id": instance_id,
                "reservation_id": ReservationId(f"r-{number:08x}"),
                "owner_id": ALICE_ID,
                "image_id": ImageId("emi-00000001"),
                "instance_type": "m1.small",
                "cores": 1,
                "memory_mib": 128,
                "disk_gib": 2,
                "groups": (GroupName(group_id=GroupId("sg-00000001"), name="default"),),
                "launch_index": 0,
                "launched_at": utc_now(self.clock),
                "zone": "one",
                "network_index": number,
                "mac_address": mac_address(instance_id),
                "state": InstanceState.RUNNING,
                "private_ip": f"10.0.0.{number}",
                "node": "http://node/",
                **given,
            }
        )
        self.put(instance)
        return instance


def _deferred(answer: Awaitable[Any]) -> Deferred[Any]:
    return answer if isinstance(answer, Deferred) else ensureDeferred(answer)
