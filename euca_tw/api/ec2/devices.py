"""
Block devices: how disks are to be, and how they are.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.shapes import Empty, shape, wire


@shape("EbsBlockDeviceType")
class EbsBlockDevice:
    """
    A volume made with the instance.

    @ivar volume_size: GiB.
    @ivar volume_type: C{standard}, C{io1} or C{gp2}.
    @ivar iops: operations per second, of an C{io1} volume.
    """

    snapshot_id: str | None = wire("snapshotId")
    volume_size: int | None = wire("volumeSize")
    delete_on_termination: bool | None = wire("deleteOnTermination")
    volume_type: str | None = wire("volumeType", since="2012-07-20")
    iops: int | None = wire("iops", since="2012-07-20")
    is_encrypted: bool | None = wire("encrypted", since="2014-05-01")


@shape("BlockDeviceMappingItemType", list_type="BlockDeviceMappingType")
class BlockDeviceMapping:
    """
    What an instance finds behind a device name.

    Until 2009-10-31 only a virtual device, named before its device; since
    then one of three, after it.

    @ivar device_name: C{/dev/sda2} or C{sda2}.
    @ivar early_virtual_name: C{virtual_name}, until 2009-10-31.
    @ivar virtual_name: C{ephemeral0}, C{ami}, C{root}, C{swap}.
    @ivar no_device: suppress what the image maps there.
    """

    early_virtual_name: str | None = wire(
        "virtualName", until="2009-10-31", required=True
    )
    device_name: str = wire("deviceName")
    virtual_name: str | None = wire(
        "virtualName", since="2009-10-31", choice="what", required=True
    )
    ebs: EbsBlockDevice | None = wire("ebs", since="2009-10-31", choice="what")
    no_device: Empty | None = wire("noDevice", since="2009-10-31", choice="what")

    @classmethod
    def of_virtual(cls, virtual_name: str, device_name: str) -> BlockDeviceMapping:
        """A virtual device, for every date."""
        return cls(
            early_virtual_name=virtual_name,
            device_name=device_name,
            virtual_name=virtual_name,
        )

    @property
    def virtual_device(self) -> str | None:
        """C{virtual_name}, whichever date said it."""
        return self.early_virtual_name or self.virtual_name


@shape("EbsInstanceBlockDeviceMappingResponseType")
class AttachedVolume:
    """@ivar status: C{attaching}, C{attached}, C{detaching}, C{detached}."""

    volume_id: str = wire("volumeId")
    status: str = wire("status")
    attach_time: datetime = wire("attachTime")
    delete_on_termination: bool | None = wire("deleteOnTermination")


@shape(
    "InstanceBlockDeviceMappingResponseItemType",
    list_type="InstanceBlockDeviceMappingResponseType",
)
class InstanceBlockDevice:
    """What an instance has behind a device name."""

    device_name: str = wire("deviceName")
    ebs: AttachedVolume | None = wire("ebs", choice="what")
