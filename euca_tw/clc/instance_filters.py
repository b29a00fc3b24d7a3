"""
The filters of DescribeInstances: what each looks at, and which an index answers.

Of what instances do not have here (volumes, profiles) the filters are known
all the same, and find nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from euca_tw.api.ec2.instances import Instance as InstanceView
from euca_tw.clc import views
from euca_tw.clc.default_network import attachment_id, interface_id
from euca_tw.clc.filters import Reads, one
from euca_tw.clc.narrowing import KEY
from euca_tw.model.records import Instance

#: What a request shows: the record and its view.
Shown = tuple[Instance, InstanceView]

_OF_NOTHING = (
    "affinity",
    *(
        f"block-device-mapping.{of}"
        for of in (
            *("attach-time", "delete-on-termination", "device-name", "status"),
            "volume-id",
        )
    ),
    "host-id",
    *(
        f"network-interface.{of}"
        for of in (
            *("addresses.association.allocation-id", "association.allocation-id"),
            *("addresses.association.association-id", "association.association-id"),
            *("ipv6-addresses.ipv6-address", "requester-id", "description"),
        )
    ),
    "iam-instance-profile.arn",
    *("instance-lifecycle", "spot-instance-request-id"),
    "outpost-arn",
    "requester-id",
)


def _card(read: Callable[[Shown], str | None]) -> Reads[Shown]:
    """Of the one network interface that an instance has as long as it lives."""
    return one(lambda pair: (read(pair) or None) if pair[0].is_live else None)


_PUBLIC = _card(
    lambda pair: (
        pair[1].ip_address if pair[1].ip_address != pair[1].private_ip_address else None
    )
)
_PRIVATE = _card(lambda pair: pair[0].private_ip)
_INTERFACE = {
    "addresses.association.public-ip": _PUBLIC,
    "addresses.primary": _card(lambda pair: "true"),
    "addresses.private-ip-address": _PRIVATE,
    "association.public-ip": _PUBLIC,
    "attachment.attachment-id": _card(lambda pair: attachment_id(pair[0].instance_id)),
    "attachment.delete-on-termination": _card(lambda pair: "true"),
    "attachment.device-index": _card(lambda pair: "0"),
    "attachment.instance-id": _card(lambda pair: pair[0].instance_id),
    "attachment.instance-owner-id": _card(lambda pair: pair[0].owner_id),
    "attachment.status": _card(lambda pair: "attached"),
    "availability-zone": _card(lambda pair: pair[0].zone),
    "group-id": lambda pair: (g.group_id for g in pair[0].groups if pair[0].is_live),
    "group-name": lambda pair: (g.name for g in pair[0].groups if pair[0].is_live),
    "mac-address": _card(lambda pair: pair[0].mac_address),
    "network-interface-id": _card(lambda pair: interface_id(pair[0].instance_id)),
    "owner-id": _card(lambda pair: pair[0].owner_id),
    "private-dns-name": _card(lambda pair: pair[1].private_dns_name),
    "requester-managed": _card(lambda pair: "false"),
    "source-dest-check": _card(lambda pair: "true"),
    "status": _card(lambda pair: "in-use"),
    "subnet-id": _card(lambda pair: pair[1].subnet_id),
    "vpc-id": _card(lambda pair: pair[1].vpc_id),
}

FILTERS: Mapping[str, Reads[Shown]] = {
    **{name: lambda pair: () for name in _OF_NOTHING},
    **{f"network-interface.{name}": reads for name, reads in _INTERFACE.items()},
    "architecture": one(lambda pair: pair[1].architecture),
    "availability-zone": one(lambda pair: pair[0].zone),
    "client-token": one(lambda pair: pair[0].client_token or None),
    "dns-name": one(lambda pair: pair[1].dns_name or None),
    "group-id": lambda pair: (g.group_id for g in pair[0].groups),
    "group-name": lambda pair: (g.name for g in pair[0].groups),
    "hypervisor": one(lambda pair: pair[1].hypervisor),
    "image-id": one(lambda pair: pair[0].image_id),
    "instance-id": one(lambda pair: pair[0].instance_id),
    "instance-state-code": one(lambda pair: str(pair[0].state.code)),
    "instance-state-name": one(lambda pair: pair[0].state.value),
    "instance-type": one(lambda pair: pair[0].instance_type),
    "instance.group-id": lambda pair: (g.group_id for g in pair[0].groups),
    "instance.group-name": lambda pair: (g.name for g in pair[0].groups),
    "ip-address": one(lambda pair: pair[1].ip_address),
    "kernel-id": one(lambda pair: pair[0].kernel_id),
    "key-name": one(lambda pair: pair[1].key_name),
    "launch-index": one(lambda pair: pair[1].launch_index),
    "launch-time": one(lambda pair: views.moment_told(pair[0].since)),
    "monitoring-state": one(
        lambda pair: pair[1].monitoring.state if pair[1].monitoring else None
    ),
    "owner-id": one(lambda pair: pair[0].owner_id),
    "placement-group-name": one(lambda pair: pair[0].placement_group or None),
    "platform": one(lambda pair: pair[1].platform),
    "private-dns-name": one(lambda pair: pair[1].private_dns_name or None),
    "private-ip-address": one(lambda pair: pair[1].private_ip_address),
    "product-code": lambda pair: (c.product_code for c in pair[1].product_codes),
    "product-code.type": lambda pair: (c.type for c in pair[1].product_codes),
    "ramdisk-id": one(lambda pair: pair[0].ramdisk_id),
    "reason": one(lambda pair: pair[1].reason or None),
    "reservation-id": one(lambda pair: pair[0].reservation_id),
    "root-device-name": one(lambda pair: pair[1].root_device_name),
    "root-device-type": one(lambda pair: pair[1].root_device_type),
    "source-dest-check": lambda pair: ("true",),
    "state-reason-code": one(
        lambda pair: pair[1].state_reason.code if pair[1].state_reason else None
    ),
    "state-reason-message": one(
        lambda pair: pair[1].state_reason.message if pair[1].state_reason else None
    ),
    "subnet-id": one(lambda pair: pair[1].subnet_id),
    "tenancy": one(
        lambda pair: pair[1].placement.tenancy if pair[1].placement else None
    ),
    "virtualization-type": one(lambda pair: pair[1].virtualization_type),
    "vpc-id": one(lambda pair: pair[1].vpc_id),
}


def place_of(record: Instance) -> str:
    """By which long answers are put in order: that of their launch."""
    at = record.launched_at.isoformat(timespec="milliseconds")
    return f"{at}/{record.reservation_id}/{record.launch_index:06}"


#: The filters that an index of the records answers.
INDEXES: Mapping[str, str] = {
    "availability-zone": "zone",
    "group-id": "group_ids",
    "image-id": "image_id",
    "instance-id": KEY,
    "instance-state-name": "state_name",
    "instance.group-id": "group_ids",
    "private-ip-address": "private_ip",
    "reservation-id": "reservation_id",
}
