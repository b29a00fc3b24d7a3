"""
Volumes: disks of a zone, with a life apart from the instances that have them.

Sizes are whole GiB; the wire has them as strings.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, members, shape, wire


@shape("CreateVolumeType")
class CreateVolume(Request):
    """
    @ivar size: GiB; None: that of the snapshot.
    @ivar snapshot_id: whose data it begins with; None: it is empty.
    @ivar volume_type: C{standard}, C{io1} or C{gp2}; C{standard}, if it is
        not said.
    @ivar iops: operations per second, of an C{io1} volume.
    """

    size: str | None = wire("size")
    snapshot_id: str | None = wire("snapshotId")
    availability_zone: str = wire("availabilityZone")
    volume_type: str | None = wire("volumeType", since="2012-07-20")
    iops: int | None = wire("iops", since="2012-07-20")
    is_encrypted: bool | None = wire("encrypted", since="2014-05-01")


@members
class CreatedVolume:
    """
    What is known of a volume from the first.

    @ivar size: GiB.
    @ivar snapshot_id: C{""} if it was made of none.
    @ivar status: C{creating}, C{available}, C{in-use}, C{deleting},
        C{deleted} or C{error}.
    """

    volume_id: str = wire("volumeId")
    size: str = wire("size")
    snapshot_id: str = wire("snapshotId")
    availability_zone: str = wire("availabilityZone")
    status: str = wire("status")
    create_time: datetime = wire("createTime")


@shape("CreateVolumeResponseType")
class CreateVolumeResponse(CreatedVolume, Response):
    """@ivar iops: operations per second; None of a C{standard} volume."""

    volume_type: str = wire("volumeType", since="2012-07-20")
    iops: int | None = wire("iops", since="2012-07-20")
    is_encrypted: bool | None = wire("encrypted", since="2014-05-01")


@shape("DeleteVolumeType")
class DeleteVolume(Request):
    volume_id: str = wire("volumeId")


@shape("DeleteVolumeResponseType")
class DeleteVolumeResponse(Acknowledgement):
    """It will be gone."""


# --- attachments ------------------------------------------------------------


@members
class Attachment:
    """
    A volume, and the instance that has it.

    @ivar device: the name it was attached under (C{/dev/sdf}).
    @ivar status: C{attaching}, C{attached}, C{detaching} or C{detached}.
    """

    volume_id: str = wire("volumeId")
    instance_id: str = wire("instanceId")
    device: str = wire("device")
    status: str = wire("status")
    attach_time: datetime = wire("attachTime")


@shape("AttachmentSetItemResponseType", list_type="AttachmentSetResponseType")
class VolumeAttachment(Attachment):
    """@ivar delete_on_termination: the volume ends with the instance."""

    delete_on_termination: bool = wire("deleteOnTermination", since="2009-10-31")


@shape("AttachVolumeType")
class AttachVolume(Request):
    """@ivar device: C{/dev/sdf} or C{sdf}; what the guest calls it may differ."""

    volume_id: str = wire("volumeId")
    instance_id: str = wire("instanceId")
    device: str = wire("device")


@shape("AttachVolumeResponseType")
class AttachVolumeResponse(Attachment, Response):
    """The new attachment."""


@shape("DetachVolumeType")
class DetachVolume(Request):
    """
    The volume says which attachment is meant; what else is there must agree.

    @ivar force: do not wait for the guest to let it go; data may be lost.
    """

    volume_id: str = wire("volumeId")
    instance_id: str | None = wire("instanceId")
    device: str | None = wire("device")
    force: bool | None = wire("force")


@shape("DetachVolumeResponseType")
class DetachVolumeResponse(Attachment, Response):
    """The attachment that ends."""


# --- DescribeVolumes --------------------------------------------------------


@shape("DescribeVolumesType")
class DescribeVolumes(Request):
    """
    @ivar volume_ids: none: all of the user's.
    @ivar next_token: as the last answer had it, for what comes after it.
    """

    volume_ids: tuple[str, ...] = wire(
        "volumeSet",
        query="VolumeId",
        leaf="volumeId",
        item_type="DescribeVolumesSetItemType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    next_token: str | None = wire("nextToken", since="2014-09-01")
    max_results: int | None = wire("maxResults", since="2014-09-01")


@shape("DescribeVolumesSetItemResponseType", list_type="DescribeVolumesSetResponseType")
class Volume(CreatedVolume):
    """
    @ivar attachments: none, or one.
    @ivar iops: operations per second; None of a C{standard} volume.
    """

    attachments: tuple[VolumeAttachment, ...] = wire("attachmentSet")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)
    volume_type: str = wire("volumeType", since="2012-07-20")
    iops: int | None = wire("iops", since="2012-07-20")
    is_encrypted: bool | None = wire("encrypted", since="2014-05-01")


@shape("DescribeVolumesResponseType")
class DescribeVolumesResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    volumes: tuple[Volume, ...] = wire("volumeSet")
    next_token: str | None = wire("nextToken", since="2014-09-01")


OPERATIONS = (
    Operation("CreateVolume", CreateVolume, CreateVolumeResponse, since="2008-05-05"),
    Operation(
        "DescribeVolumes",
        DescribeVolumes,
        DescribeVolumesResponse,
        since="2008-05-05",
    ),
    Operation("AttachVolume", AttachVolume, AttachVolumeResponse, since="2008-05-05"),
    Operation("DetachVolume", DetachVolume, DetachVolumeResponse, since="2008-05-05"),
    Operation("DeleteVolume", DeleteVolume, DeleteVolumeResponse, since="2008-05-05"),
)
