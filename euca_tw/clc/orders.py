"""From the cloud's records to what a cluster is told to launch.  Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from euca_tw.api.cluster import ClusterMachineType, ImageSource, Launch
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import ImageId
from euca_tw.model.networks import Network
from euca_tw.model.records import Image, Instance

T = TypeVar("T")

#: Cores, memory in MiB, disk in GiB.
Size = tuple[int, int, int]


class ImageGone(Exception):
    """An image that the instance needs is not there any more."""


def launch(
    instance: Instance,
    image_of: Callable[[ImageId], Image | None],
    url_of: Callable[[Image], str],
    network: Network | None = None,
    mode: str | None = None,
) -> Launch:
    """
    All that a node needs.

    @param network: that it is in, where networks are managed.
    @param mode: of the cloud's networks; None: the first that there was.
    @raise ImageGone: with the image's identifier.
    """

    def source(image_id: ImageId) -> ImageSource:
        image = image_of(image_id)
        if image is None:
            raise ImageGone(image_id)
        return ImageSource(
            image_id=image_id, url=url_of(image), sha256=image.sha256 or None
        )

    root = image_of(instance.image_id)
    kernel_id, ramdisk_id = instance.kernel_id, instance.ramdisk_id
    return Launch(
        instance_id=instance.instance_id,
        reservation_id=instance.reservation_id,
        owner_id=instance.owner_id,
        root=source(instance.image_id),
        kernel=source(kernel_id) if kernel_id else None,
        ramdisk=source(ramdisk_id) if ramdisk_id else None,
        instance_type=ClusterMachineType(
            name=instance.instance_type,
            cores=instance.cores,
            memory=instance.memory_mib,
            disk=instance.disk_gib,
        ),
        key_name=instance.key_name or None,
        public_key=instance.public_key or None,
        user_data=instance.user_data or None,
        launch_index=instance.launch_index,
        launch_time=instance.since,
        group_names=tuple(group.name for group in instance.groups),
        zone=instance.zone,
        network_index=instance.network_index,
        mac_address=instance.mac_address,
        manifest_path=root.location if root else None,
        product_codes=root.product_codes if root else (),
        ephemeral_gib=instance.ephemeral_gib or None,
        swap_mib=instance.swap_mib or None,
        private_ip=instance.private_ip if network else None,
        prefix_length=network.subnet.prefixlen if network else None,
        router=str(network.router) if network else None,
        network_mode=mode,
        starts=instance.starts or None,
        shutdown_behavior=behavior_told(instance.is_told_to_stop),
    )


def behavior_told(stops_itself: bool) -> str | None:
    """As the contract has it."""
    return "stop" if stops_itself else None


def machine_type(machine: MachineType) -> ClusterMachineType:
    """A machine type as the contract has it."""
    return ClusterMachineType(
        name=machine.name,
        cores=machine.cores,
        memory=machine.memory_mib,
        disk=machine.disk_gib,
    )


def size(of: Instance | MachineType) -> Size:
    """How large it is."""
    return of.cores, of.memory_mib, of.disk_gib


def displaces(taken: Size, machine: MachineType) -> int:
    """How many of a machine type there is no room for where so much is taken."""
    return max(-(-n // h) for n, h in zip(taken, size(machine), strict=True) if h)
