"""
Bundling: a Windows instance's root disk becomes an image in an S3 bucket.

It takes long, so it is a task, which is looked at and may be cancelled.  Who
asks for it signs an upload policy, by which the bundle is stored in his name.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Filter, Request, Response
from euca_tw.api.shapes import Operation, shape, wire


@shape("BundleInstanceS3StorageType")
class S3Storage:
    """
    @ivar prefix: of the names of all the bundle's files.
    @ivar access_key_id: whose secret key signed the policy.
    @ivar upload_policy: base64 of S3's JSON.
    @ivar upload_policy_signature: base64 of the HMAC-SHA1 of
        C{upload_policy}.
    """

    bucket: str = wire("bucket")
    prefix: str = wire("prefix")
    access_key_id: str | None = wire("awsAccessKeyId", query="AWSAccessKeyId")
    upload_policy: str | None = wire("uploadPolicy")
    upload_policy_signature: str | None = wire("uploadPolicySignature")


@shape("BundleInstanceTaskStorageType")
class BundleStorage:
    """Where the bundle goes; S3 is all there is."""

    s3: S3Storage = wire("S3")


@shape("BundleInstanceTaskErrorType")
class BundleTaskError:
    """
    @ivar code: EC2's word for it (C{Client.S3Error}).
    @ivar message: a sentence for people.
    """

    code: str = wire("code")
    message: str = wire("message")


@shape("BundleInstanceTaskType", list_type="BundleInstanceTasksSetType")
class BundleTask:
    """
    @ivar bundle_id: C{bun-1a2b3c4d}.
    @ivar state: C{pending}, C{waiting-for-shutdown}, C{bundling},
        C{storing}, C{cancelling}, C{complete} or C{failed}.
    @ivar progress: C{70%}.
    @ivar error: why it failed, if it did.
    """

    instance_id: str = wire("instanceId")
    bundle_id: str = wire("bundleId")
    state: str = wire("state")
    start_time: datetime = wire("startTime")
    update_time: datetime = wire("updateTime")
    storage: BundleStorage = wire("storage")
    progress: str | None = wire("progress")
    error: BundleTaskError | None = wire("error")


@shape("BundleInstanceType")
class BundleInstance(Request):
    instance_id: str = wire("instanceId")
    storage: BundleStorage = wire("storage")


@shape("BundleInstanceResponseType")
class BundleInstanceResponse(Response):
    task: BundleTask = wire("bundleInstanceTask")


@shape("DescribeBundleTasksType")
class DescribeBundleTasks(Request):
    """@ivar bundle_ids: none: all of the user's."""

    bundle_ids: tuple[str, ...] = wire(
        "bundlesSet",
        query="BundleId",
        leaf="bundleId",
        item_type="DescribeBundleTasksItemType",
        list_type="DescribeBundleTasksInfoType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )


@shape("DescribeBundleTasksResponseType")
class DescribeBundleTasksResponse(Response):
    tasks: tuple[BundleTask, ...] = wire("bundleInstanceTasksSet")


@shape("CancelBundleTaskType")
class CancelBundleTask(Request):
    bundle_id: str = wire("bundleId")


@shape("CancelBundleTaskResponseType")
class CancelBundleTaskResponse(Response):
    task: BundleTask = wire("bundleInstanceTask")


OPERATIONS = (
    Operation(
        "BundleInstance",
        BundleInstance,
        BundleInstanceResponse,
        since="2008-08-08",
    ),
    Operation(
        "DescribeBundleTasks",
        DescribeBundleTasks,
        DescribeBundleTasksResponse,
        since="2008-08-08",
    ),
    Operation(
        "CancelBundleTask",
        CancelBundleTask,
        CancelBundleTaskResponse,
        since="2008-08-08",
    ),
)
