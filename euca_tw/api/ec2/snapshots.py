"""
Snapshots: what was on a volume at one moment, to make volumes and images of.

An attached volume can be taken, too; what its guest has not written out by
then is not in the snapshot.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, members, shape, wire


@shape("CreateSnapshotType")
class CreateSnapshot(Request):
    volume_id: str = wire("volumeId")
    description: str | None = wire("description", since="2009-08-15")


@members
class CreatedSnapshot:
    """
    What is known of a snapshot from the first.

    @ivar status: C{pending}, C{completed} or C{error}.
    @ivar start_time: the moment whose data it has.
    @ivar progress: of the copying, in percent (C{80%}).
    @ivar volume_size: GiB; a string.
    """

    snapshot_id: str = wire("snapshotId")
    volume_id: str = wire("volumeId")
    status: str = wire("status")
    start_time: datetime = wire("startTime")
    progress: str = wire("progress")
    owner_id: str = wire("ownerId", since="2009-08-15")
    volume_size: str = wire("volumeSize", since="2009-08-15")


@shape("CreateSnapshotResponseType")
class CreateSnapshotResponse(CreatedSnapshot, Response):
    """@ivar is_encrypted: as its volume is."""

    is_encrypted: bool = wire("encrypted", since="2014-05-01")
    description: str | None = wire("description", since="2009-08-15")


@shape("DeleteSnapshotType")
class DeleteSnapshot(Request):
    snapshot_id: str = wire("snapshotId")


@shape("DeleteSnapshotResponseType")
class DeleteSnapshotResponse(Acknowledgement):
    """It is gone; volumes that were made of it stay."""


@shape("DescribeSnapshotsType")
class DescribeSnapshots(Request):
    """
    No condition: all that the user may make volumes of.

    @ivar owners: account numbers, C{self}, or C{amazon} and its like.
    @ivar restorable_by: who may make volumes of it: account numbers, C{self},
        or C{all} (the public ones).
    """

    snapshot_ids: tuple[str, ...] = wire(
        "snapshotSet",
        query="SnapshotId",
        leaf="snapshotId",
        item_type="DescribeSnapshotsSetItemType",
    )
    owners: tuple[str, ...] = wire(
        "ownersSet",
        query="Owner",
        leaf="owner",
        item_type="DescribeSnapshotsOwnerType",
        list_type="DescribeSnapshotsOwnersType",
        since="2009-08-15",
        required=False,
    )
    restorable_by: tuple[str, ...] = wire(
        "restorableBySet",
        query="RestorableBy",
        leaf="user",
        item_type="DescribeSnapshotsRestorableByType",
        since="2009-08-15",
        required=False,
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )


@shape(
    "DescribeSnapshotsSetItemResponseType",
    list_type="DescribeSnapshotsSetResponseType",
)
class Snapshot(CreatedSnapshot):
    """
    @ivar owner_alias: C{amazon}, C{self}; not there for others.
    @ivar is_encrypted: as its volume was.
    """

    description: str | None = wire("description", since="2009-08-15")
    owner_alias: str | None = wire("ownerAlias", since="2009-10-31")
    is_encrypted: bool | None = wire("encrypted", since="2014-05-01")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)


@shape("DescribeSnapshotsResponseType")
class DescribeSnapshotsResponse(Response):
    snapshots: tuple[Snapshot, ...] = wire("snapshotSet")


@shape("CopySnapshotType")
class CopySnapshot(Request):
    """
    Copy a snapshot into the region that is asked, from another or its own.

    @ivar destination_region: the region that is asked.
    @ivar presigned_url: of this very request, signed by the caller for the
        source's region; with it an encrypted snapshot can be fetched there.
    """

    source_region: str = wire("sourceRegion")
    source_snapshot_id: str = wire("sourceSnapshotId")
    description: str | None = wire("description")
    destination_region: str | None = wire("destinationRegion", since="2014-06-15")
    presigned_url: str | None = wire("presignedUrl", since="2014-06-15")


@shape("CopySnapshotResponseType")
class CopySnapshotResponse(Response):
    """@ivar snapshot_id: of the copy."""

    snapshot_id: str = wire("snapshotId")


OPERATIONS = (
    Operation(
        "CreateSnapshot",
        CreateSnapshot,
        CreateSnapshotResponse,
        since="2008-05-05",
    ),
    Operation("CopySnapshot", CopySnapshot, CopySnapshotResponse, since="2012-12-01"),
    Operation(
        "DescribeSnapshots",
        DescribeSnapshots,
        DescribeSnapshotsResponse,
        since="2008-05-05",
    ),
    Operation(
        "DeleteSnapshot",
        DeleteSnapshot,
        DeleteSnapshotResponse,
        since="2008-05-05",
    ),
)
