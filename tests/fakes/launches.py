"""Launches, for tests of clusters and nodes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from euca_tw.api.cluster import ClusterMachineType, ImageSource, Launch

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
SMALL = ClusterMachineType(name="m1.small", cores=1, memory=128, disk=2)


def launch(number: int = 1, **given: Any) -> Launch:
    """A small instance, with all that a node needs."""
    return Launch(
        **{
            "instance_id": f"i-{number:08x}",
            "reservation_id": "r-00000001",
            "owner_id": "000000000001",
            "root": ImageSource(image_id="emi-00000001", url="http://images/root"),
            "kernel": ImageSource(image_id="eki-00000001", url="http://images/kernel"),
            "ramdisk": ImageSource(image_id="eri-00000001", url="http://images/ram"),
            "instance_type": SMALL,
            "key_name": "mine",
            "public_key": "ssh-rsa AAAA mine",
            "user_data": "IyEvYmluL3NoCg==",
            "launch_index": 0,
            "launch_time": NOW,
            "group_names": ("default",),
            "zone": "one",
            "network_index": number,
            "mac_address": f"d0:0d:00:00:00:{number:02x}",
            "private_ip": f"10.90.0.{number}",
            "prefix_length": 20,
            "router": "10.90.0.1",
            "nameservers": ("10.90.0.2",),
            "manifest_path": "/images/demo",
            "product_codes": ("A1B2",),
            **given,
        }
    )
