"""
The filters of C{DescribeImages}: all that EC2 documents.

What images of this cloud never have (volumes, a platform, an owner's alias, …)
is known, and finds nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from euca_tw.api.ec2.images import Image
from euca_tw.clc.filters import Reads, one, truth


def _nothing(image: Image) -> Iterable[str]:
    return ()


IMAGE_FILTERS: dict[str, Reads[Image]] = {
    "architecture": one(lambda i: i.architecture),
    "block-device-mapping.delete-on-termination": _nothing,
    "block-device-mapping.device-name": lambda i: (
        mapping.device_name for mapping in i.block_device_mappings
    ),
    "block-device-mapping.encrypted": _nothing,
    "block-device-mapping.snapshot-id": _nothing,
    "block-device-mapping.volume-size": _nothing,
    "block-device-mapping.volume-type": _nothing,
    "creation-date": one(lambda i: i.creation_date),
    "description": one(lambda i: i.description),
    "ena-support": _nothing,
    "free-tier-eligible": truth(lambda i: False),
    "hypervisor": one(lambda i: i.hypervisor),
    "image-allowed": truth(lambda i: True),
    "image-id": one(lambda i: i.image_id),
    "image-type": one(lambda i: i.image_type),
    "is-public": truth(lambda i: i.is_public),
    "kernel-id": one(lambda i: i.kernel_id),
    "manifest-location": one(lambda i: i.image_location),
    "name": one(lambda i: i.name),
    "owner-alias": one(lambda i: i.image_owner_alias),
    "owner-id": one(lambda i: i.image_owner_id),
    "platform": one(lambda i: i.platform),
    "product-code": lambda i: (c.product_code for c in i.product_codes),
    "product-code.type": _nothing,
    "ramdisk-id": one(lambda i: i.ramdisk_id),
    "root-device-name": one(lambda i: i.root_device_name),
    "root-device-type": one(lambda i: i.root_device_type),
    "source-image-id": one(lambda i: i.source_image_id),
    "source-image-region": one(lambda i: i.source_image_region),
    "source-instance-id": one(lambda i: i.source_instance_id),
    "sriov-net-support": _nothing,
    "state": one(lambda i: i.image_state),
    "state-reason-code": one(lambda i: i.state_reason.code if i.state_reason else None),
    "state-reason-message": one(
        lambda i: i.state_reason.message if i.state_reason else None
    ),
    "virtualization-type": one(lambda i: i.virtualization_type),
}


def tagged(image: Image) -> Iterable[tuple[str, str]]:
    """The tags of an image, as the filters on them want them."""
    return ((tag.key, tag.value) for tag in image.tags)
