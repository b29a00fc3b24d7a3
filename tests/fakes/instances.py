"""Records of instances, for tests of what is made of them."""

from __future__ import annotations

from typing import Any

from euca_tw.model.identifiers import (
    AccountId,
    GroupId,
    ImageId,
    InstanceId,
    ReservationId,
)
from euca_tw.model.records import GroupName, Instance
from tests.fakes.launches import NOW


def instance(number: int = 1, **given: Any) -> Instance:
    """A small instance that was just launched in zone C{one}."""
    return Instance(
        **{
            "instance_id": InstanceId(f"i-{number:08x}"),
            "reservation_id": ReservationId(f"r-{number:08x}"),
            "owner_id": AccountId("000000000001"),
            "image_id": ImageId("emi-00000001"),
            "instance_type": "m1.small",
            "cores": 1,
            "memory_mib": 128,
            "disk_gib": 2,
            "groups": (GroupName(group_id=GroupId("sg-00000001"), name="default"),),
            "launch_index": 0,
            "launched_at": NOW,
            "zone": "one",
            "network_index": number,
            "mac_address": f"d0:0d:00:00:00:{number:02x}",
            **given,
        }
    )
