"""
Export tasks: instances, written to S3 as disk images for other hypervisors.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Acknowledgement, Request, Response
from euca_tw.api.shapes import Operation, shape, wire


@shape("ExportToS3TaskType")
class ExportToS3:
    """
    Where to write the image, and how.

    @ivar disk_image_format: C{VMDK}, C{RAW} or C{VHD}.
    @ivar container_format: C{ova}; None: the bare disk image.
    @ivar s3_prefix: what the key begins with; the task's id and the format
        come after it.
    """

    disk_image_format: str | None = wire("diskImageFormat")
    container_format: str | None = wire("containerFormat")
    s3_bucket: str = wire("s3Bucket")
    s3_prefix: str | None = wire("s3Prefix", required=True, query_optional=True)


@shape("CreateInstanceExportTaskType")
class CreateInstanceExportTask(Request):
    """@ivar target_environment: C{citrix}, C{vmware} or C{microsoft}."""

    description: str | None = wire("description")
    instance_id: str = wire("instanceId")
    target_environment: str | None = wire(
        "targetEnvironment", required=True, query_optional=True
    )
    export_to_s3: ExportToS3 | None = wire("exportToS3")


@shape("InstanceExportTaskResponseType")
class InstanceExport:
    """@ivar target_environment: C{citrix}, C{vmware} or C{microsoft}."""

    instance_id: str = wire("instanceId")
    target_environment: str | None = wire("targetEnvironment")


@shape("ExportToS3TaskResponseType")
class ExportedToS3:
    """
    Where the image is written, and how.

    @ivar disk_image_format: C{VMDK}, C{RAW} or C{VHD}.
    @ivar container_format: C{ova}; None: the bare disk image.
    """

    disk_image_format: str = wire("diskImageFormat")
    container_format: str | None = wire("containerFormat")
    s3_bucket: str = wire("s3Bucket")
    s3_key: str = wire("s3Key")


@shape("ExportTaskResponseType", list_type="ExportTaskSetResponseType")
class ExportTask:
    """
    @ivar export_task_id: C{export-i-…}.
    @ivar state: C{active}, C{cancelling}, C{cancelled} or C{completed}.
    @ivar status_message: how far it is, or what went wrong, for people.
    """

    export_task_id: str = wire("exportTaskId")
    description: str | None = wire("description")
    state: str = wire("state")
    status_message: str | None = wire("statusMessage")
    instance_export: InstanceExport | None = wire("instanceExport")
    export_to_s3: ExportedToS3 | None = wire("exportToS3")


@shape("CreateInstanceExportTaskResponseType")
class CreateInstanceExportTaskResponse(Response):
    export_task: ExportTask = wire("exportTask")


@shape("DescribeExportTasksType")
class DescribeExportTasks(Request):
    """@ivar export_task_ids: none: all of the user's."""

    export_task_ids: tuple[str, ...] = wire(
        "exportTaskIdSet",
        query="ExportTaskId",
        leaf="exportTaskId",
        item_type="ExportTaskIdType",
    )


@shape("DescribeExportTasksResponseType")
class DescribeExportTasksResponse(Response):
    export_tasks: tuple[ExportTask, ...] = wire("exportTaskSet")


@shape("CancelExportTaskType")
class CancelExportTask(Request):
    export_task_id: str = wire("exportTaskId")


@shape("CancelExportTaskResponseType")
class CancelExportTaskResponse(Acknowledgement):
    """It is given up; what was written goes."""


OPERATIONS = (
    Operation(
        "CreateInstanceExportTask",
        CreateInstanceExportTask,
        CreateInstanceExportTaskResponse,
        since="2012-05-01",
    ),
    Operation(
        "DescribeExportTasks",
        DescribeExportTasks,
        DescribeExportTasksResponse,
        since="2012-05-01",
    ),
    Operation(
        "CancelExportTask",
        CancelExportTask,
        CancelExportTaskResponse,
        since="2012-05-01",
    ),
)
