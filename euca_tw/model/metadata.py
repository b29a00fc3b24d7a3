"""
What an instance may know of itself: the tree at 169.254.169.254.

Only the tree; who asks, and by what protocol, is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from attrs import frozen

#: The dates of EC2's metadata that are served.  EC2's later ones, from
#: 2014-02-25 on, say C{network/} of every card, which guests then rely on to
#: set up their cards; they find these here and set them up by DHCP.
VERSIONS = (
    "1.0",
    "2007-01-19",
    "2007-03-01",
    "2007-08-29",
    "2007-10-10",
    "2007-12-15",
    "2008-02-01",
    "2008-09-01",
    "2009-04-04",
    "2011-01-01",
    "2011-05-01",
    "2012-01-12",
)

#: When EC2 added what was not there from the first; by the top of its path.
_SINCE = {
    "local-hostname": "2007-01-19",
    "public-hostname": "2007-01-19",
    "public-ipv4": "2007-01-19",
    "product-codes": "2007-03-01",
    "instance-type": "2007-08-29",
    "ancestor-ami-ids": "2007-10-10",
    "ramdisk-id": "2007-10-10",
    "block-device-mapping": "2007-12-15",
    "kernel-id": "2008-02-01",
    "placement": "2008-02-01",
    "instance-action": "2008-09-01",
    "mac": "2011-01-01",
}


@frozen(kw_only=True)
class InstanceMetadata:
    """
    The facts from which the metadata tree is made.

    @ivar public_key: one line of authorized_keys; C{""} for none.
    @ivar user_data: the bytes, decoded; None if none were given.
    @ivar public_ip: C{""} for none.
    @ivar block_devices: names of C{block-device-mapping/} and what they say.
    """

    instance_id: str
    reservation_id: str
    image_id: str
    kernel_id: str
    ramdisk_id: str
    instance_type: str
    launch_index: int
    security_groups: tuple[str, ...]
    zone: str
    mac_address: str
    private_ip: str
    public_ip: str
    hostname: str
    key_name: str
    public_key: str
    user_data: bytes | None
    manifest_path: str = ""
    product_codes: tuple[str, ...] = ()
    ancestor_image_ids: tuple[str, ...] = ()
    block_devices: tuple[tuple[str, str], ...] = (
        ("ami", "sda1"),
        ("root", "/dev/sda1"),
    )


#: A directory by name, or what is said.  A directory named C{0=my-key} is
#: listed so, and found as C{0}.
Node: TypeAlias = "Mapping[str, Node] | bytes"


def answer(metadata: InstanceMetadata, path: str) -> bytes | None:
    """
    What is said at C{path}: a value or, for a directory, its listing.

    @param path: absolute, with or without a closing slash; nothing in it is
        decoded.
    @return: None where there is nothing.
    """
    segments = [segment for segment in path.split("/") if segment]
    if not segments:
        return "\n".join((*VERSIONS, "latest")).encode()
    version, *below = segments
    if version == "latest":
        version = VERSIONS[-1]
    if version not in VERSIONS:
        return None
    node: Node | None = _tree(metadata, version)
    for segment in below:
        if not isinstance(node, Mapping):
            return None
        node = _child(node, segment)
    if not below:
        return "\n".join(_names(node)).encode()
    return _listing(node) if isinstance(node, Mapping) else node


def _child(directory: Mapping[str, Node], segment: str) -> Node | None:
    for name, node in directory.items():
        if name.partition("=")[0] == segment:
            return node
    return None


def _names(node: Node | None) -> tuple[str, ...]:
    return tuple(node) if isinstance(node, Mapping) else ()


def _listing(directory: Mapping[str, Node]) -> bytes:
    return "\n".join(
        f"{name}/" if isinstance(node, Mapping) and "=" not in name else name
        for name, node in directory.items()
    ).encode()


def _tree(metadata: InstanceMetadata, version: str) -> Mapping[str, Node]:
    top: dict[str, Node] = {
        "meta-data": {
            name: node
            for name, node in _metadata(metadata).items()
            if node and _SINCE.get(name, VERSIONS[0]) <= version
        }
    }
    if metadata.user_data is not None:
        top["user-data"] = metadata.user_data
    return top


def _metadata(metadata: InstanceMetadata) -> Mapping[str, Node]:
    """All that any version says; what does not exist is empty."""
    public_key = metadata.public_key.strip()
    return {
        "ami-id": metadata.image_id.encode(),
        "ami-launch-index": b"%d" % metadata.launch_index,
        # What EC2 says of an image that has none.
        "ami-manifest-path": (metadata.manifest_path or "(unknown)").encode(),
        "ancestor-ami-ids": "\n".join(metadata.ancestor_image_ids).encode(),
        "block-device-mapping": {
            name: device.encode() for name, device in metadata.block_devices
        },
        "hostname": metadata.hostname.encode(),
        "instance-action": b"none",
        "instance-id": metadata.instance_id.encode(),
        "instance-type": metadata.instance_type.encode(),
        "kernel-id": metadata.kernel_id.encode(),
        "local-hostname": metadata.hostname.encode(),
        "local-ipv4": metadata.private_ip.encode(),
        "mac": metadata.mac_address.encode(),
        "placement": {"availability-zone": metadata.zone.encode()},
        "product-codes": "\n".join(metadata.product_codes).encode(),
        # The original's rule while there is no DNS: the address is the name.
        "public-hostname": metadata.public_ip.encode(),
        "public-ipv4": metadata.public_ip.encode(),
        "public-keys": {
            f"0={metadata.key_name}": {"openssh-key": f"{public_key}\n".encode()}
        }
        if public_key
        else {},
        "ramdisk-id": metadata.ramdisk_id.encode(),
        "reservation-id": metadata.reservation_id.encode(),
        "security-groups": "\n".join(metadata.security_groups).encode(),
    }
