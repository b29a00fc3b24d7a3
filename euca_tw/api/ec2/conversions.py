"""
Conversion tasks: disk images of other hypervisors, made into volumes and
instances.

The user puts an image into S3 in parts, with a manifest that names them; a
task fetches the parts and writes them to a volume, or to those of a new
instance.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Acknowledgement, Filter, GroupItem, Request, Tag
from euca_tw.api.ec2.instances import MonitoringRequest, UserData
from euca_tw.api.shapes import Operation, members, shape, wire

# --- what a task is ---------------------------------------------------------


@shape("DiskImageDescriptionType")
class DiskImageDescription:
    """
    An image, as it was found.

    @ivar format: C{VMDK}, C{RAW} or C{VHD}.
    @ivar import_manifest_url: signed, so that the cloud may fetch it.
    """

    format: str = wire("format")
    size_bytes: int = wire("size", xsd="long")
    import_manifest_url: str = wire("importManifestUrl")
    checksum: str | None = wire("checksum")


@shape("DiskImageVolumeDescriptionType")
class DiskImageVolumeDescription:
    """
    The volume that an image is written to.

    @ivar size: GiB.
    """

    size: int = wire("size", xsd="integer")
    volume_id: str = wire("id")


@shape("ImportVolumeTaskDetailsType")
class VolumeImport:
    bytes_converted: int = wire("bytesConverted", xsd="long")
    availability_zone: str = wire("availabilityZone")
    description: str | None = wire("description")
    image: DiskImageDescription = wire("image")
    volume: DiskImageVolumeDescription = wire("volume")


@shape("ImportInstanceVolumeDetailItemType")
class InstanceVolumeImport:
    """
    One of the volumes of an instance that is imported.

    @ivar status: of this volume's import.
    @ivar status_message: how far it is, or what went wrong, for people.
    """

    bytes_converted: int = wire("bytesConverted", xsd="long")
    availability_zone: str = wire("availabilityZone")
    image: DiskImageDescription = wire("image")
    description: str | None = wire("description")
    volume: DiskImageVolumeDescription = wire("volume")
    status: str = wire("status")
    status_message: str | None = wire("statusMessage")


@shape("ImportInstanceTaskDetailsType")
class InstanceImport:
    """@ivar platform: C{Windows}, or not there."""

    volumes: tuple[InstanceVolumeImport, ...] = wire("volumes")
    instance_id: str | None = wire("instanceId")
    platform: str | None = wire("platform")
    description: str | None = wire("description")


@shape("ConversionTaskType")
class ConversionTask:
    """
    The import of a volume, or of an instance.

    @ivar conversion_task_id: C{import-vol-…} or C{import-i-…}.
    @ivar expiration_time: if the image is not in S3 by then, the task is
        cancelled; C{2012-03-01T08:00:00Z}, a string.
    @ivar state: C{active}, C{cancelling}, C{cancelled} or C{completed}.
    @ivar status_message: how far it is, or what went wrong, for people.
    """

    conversion_task_id: str = wire("conversionTaskId")
    expiration_time: str | None = wire("expirationTime")
    import_volume: VolumeImport | None = wire(
        "importVolume", choice="what", required=False
    )
    import_instance: InstanceImport | None = wire(
        "importInstance", choice="what", required=False
    )
    state: str = wire("state")
    status_message: str | None = wire("statusMessage")
    tags: tuple[Tag, ...] = wire("tagSet", since="2011-01-01", required=False)


@members
class TaskBegun:
    """
    The new task.

    @ivar request_id: filled in by the door that answers.
    """

    request_id: str | None = wire("requestId", since="2012-03-01", required=True)
    conversion_task: ConversionTask = wire("conversionTask")


# --- images to import -------------------------------------------------------


@shape("DiskImageDetailType")
class DiskImageDetail:
    """
    An image, as the user tells of it.

    @ivar format: C{VMDK}, C{RAW} or C{VHD}.
    @ivar import_manifest_url: signed, so that the cloud may fetch it.
    """

    format: str = wire("format")
    size_bytes: int = wire("bytes", xsd="long")
    import_manifest_url: str = wire("importManifestUrl")


@shape("DiskImageVolumeType")
class DiskImageVolume:
    """
    The volume to make for an image.

    @ivar size: GiB.
    """

    size: int = wire("size", xsd="integer")


@shape("ImportVolumeType")
class ImportVolume(Request):
    availability_zone: str = wire("availabilityZone")
    image: DiskImageDetail = wire("image")
    description: str | None = wire("description")
    volume: DiskImageVolume = wire("volume")


@shape("ImportVolumeResponseType")
class ImportVolumeResponse(TaskBegun):
    """It makes the volume."""


@shape("DiskImageType")
class DiskImage:
    image: DiskImageDetail = wire("image")
    description: str | None = wire("description")
    volume: DiskImageVolume = wire("volume")


# --- ImportInstance ---------------------------------------------------------


@shape("InstancePlacementType")
class InstancePlacement:
    """@ivar tenancy: C{default} or C{dedicated}."""

    availability_zone: str | None = wire("availabilityZone")
    group_name: str | None = wire("groupName")
    tenancy: str | None = wire("tenancy", since="2011-02-28", soap=False)


@shape("ImportInstanceGroupItemType")
class ImportInstanceGroup:
    """A security group, by its id or its name."""

    group_id: str | None = wire("groupId")
    group_name: str | None = wire("groupName")


@shape("ImportInstanceLaunchSpecificationType")
class ImportLaunchSpecification:
    """
    What to launch when the volumes are there.

    @ivar architecture: C{i386} or C{x86_64}.
    @ivar early_groups: C{groups}, until 2012-05-01.
    @ivar groups: Query asks by C{security_group_ids} and
        C{security_group_names} instead.
    @ivar early_user_data: C{user_data}, as SOAP says it; Query said
        C{user_data_text}, in base64, too.
    @ivar monitoring: Query says C{is_monitored} instead.
    @ivar instance_initiated_shutdown_behavior: C{stop} or C{terminate}.
    """

    architecture: str = wire("architecture")
    early_groups: tuple[GroupItem, ...] = wire(
        "groupSet", query="", until="2012-05-01", required=False
    )
    groups: tuple[ImportInstanceGroup, ...] = wire(
        "groupSet", query="", since="2012-05-01", required=False
    )
    security_group_ids: tuple[str, ...] = wire(
        "groupId", since="2011-01-01", soap=False
    )
    security_group_names: tuple[str, ...] = wire("groupName", soap=False)
    additional_info: str | None = wire("additionalInfo", soap=False)
    early_user_data: UserData | None = wire("userData", query="", until="2014-10-01")
    user_data_text: str | None = wire("userData", until="2014-10-01", soap=False)
    user_data: UserData | None = wire("userData", since="2014-10-01")
    instance_type: str = wire("instanceType")
    placement: InstancePlacement | None = wire("placement")
    monitoring: MonitoringRequest | None = wire("monitoring", query="")
    is_monitored: bool | None = wire("monitoring", soap=False)
    subnet_id: str | None = wire("subnetId")
    instance_initiated_shutdown_behavior: str | None = wire(
        "instanceInitiatedShutdownBehavior"
    )
    private_ip_address: str | None = wire("privateIpAddress")


@shape("ImportInstanceType")
class ImportInstance(Request):
    """
    @ivar keep_partial_imports: if not every image can be imported, keep what
        could be.
    @ivar platform: C{Windows}.
    """

    description: str | None = wire("description")
    launch_specification: ImportLaunchSpecification = wire("launchSpecification")
    disk_images: tuple[DiskImage, ...] = wire("diskImageSet", query="DiskImage")
    keep_partial_imports: bool | None = wire(
        "keepPartialImports", query="", since="2011-01-01"
    )
    platform: str = wire("platform")


@shape("ImportInstanceResponseType")
class ImportInstanceResponse(TaskBegun):
    """It makes the instance."""


# --- the other operations ---------------------------------------------------


@shape("DescribeConversionTasksType")
class DescribeConversionTasks(Request):
    """
    @ivar conversion_task_ids: none: all of the user's.
    @ivar filters: Query took them until 2016-09-15; SOAP never did.
    """

    conversion_task_ids: tuple[str, ...] = wire(
        "conversionTaskIdSet",
        query="ConversionTaskId",
        leaf="conversionTaskId",
        leaf_required=(("2011-01-01", None),),
        item_type="ConversionTaskIdItemType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", until="2016-09-15", soap=False, required=False
    )


@shape("DescribeConversionTasksResponseType")
class DescribeConversionTasksResponse:
    """@ivar request_id: filled in by the door that answers."""

    request_id: str | None = wire("requestId", since="2012-03-01", required=True)
    conversion_tasks: tuple[ConversionTask, ...] = wire("conversionTasks")


@shape("CancelConversionTaskType")
class CancelConversionTask(Request):
    """@ivar reason_message: why, for people."""

    conversion_task_id: str = wire("conversionTaskId")
    reason_message: str | None = wire("reasonMessage", soap=False)


@shape("CancelConversionTaskResponseType")
class CancelConversionTaskResponse(Acknowledgement):
    """It is given up; what it made goes."""


OPERATIONS = (
    Operation(
        "ImportInstance",
        ImportInstance,
        ImportInstanceResponse,
        since="2010-11-15",
    ),
    Operation(
        "ImportVolume",
        ImportVolume,
        ImportVolumeResponse,
        since="2010-11-15",
    ),
    Operation(
        "DescribeConversionTasks",
        DescribeConversionTasks,
        DescribeConversionTasksResponse,
        since="2010-11-15",
    ),
    Operation(
        "CancelConversionTask",
        CancelConversionTask,
        CancelConversionTaskResponse,
        since="2010-11-15",
    ),
)
