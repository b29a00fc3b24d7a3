"""
How volumes are: what checks of them found, and what their owner may do.

When the data on a volume may be inconsistent, the cloud stops its I/O, until
the owner has looked and asks for C{EnableVolumeIO} (or has said beforehand
that I/O is to go on; see L{euca_tw.api.ec2.volume_attributes}).
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response
from euca_tw.api.shapes import Operation, shape, wire


@shape("DescribeVolumeStatusType")
class DescribeVolumeStatus(Request):
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
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)
    max_results: int | None = wire("maxResults", xsd="integer")
    next_token: str | None = wire("nextToken")


@shape("VolumeStatusDetailsItemType")
class VolumeCheck:
    """
    @ivar name: C{io-enabled} or C{io-performance}.
    @ivar status: of C{io-enabled}, C{passed} or C{failed}; of
        C{io-performance}, C{normal}, C{degraded}, C{severely-degraded},
        C{stalled}, C{not-applicable} or C{insufficient-data}.
    """

    name: str = wire("name")
    status: str = wire("status")


@shape("VolumeStatusInfoType")
class VolumeChecks:
    """
    @ivar status: of all of them together: C{ok}, C{warning}, C{impaired} or
        C{insufficient-data}.
    """

    status: str = wire("status")
    details: tuple[VolumeCheck, ...] = wire("details")


@shape("VolumeStatusEventItemType", list_type="VolumeStatusEventsSetType")
class VolumeEvent:
    """
    What has befallen a volume.

    @ivar description: for people.
    @ivar not_before: when it began, at the earliest.
    @ivar not_after: when it ended, at the latest.
    @ivar event_id: C{evol-} and hex digits.
    @ivar event_type: C{potential-data-inconsistency}, or the performance
        that was found: C{io-performance:degraded}.
    """

    description: str = wire("description")
    not_before: datetime = wire("notBefore")
    not_after: datetime = wire("notAfter")
    event_id: str = wire("eventId")
    event_type: str = wire("eventType")


@shape("VolumeStatusActionItemType", list_type="VolumeStatusActionsSetType")
class VolumeAction:
    """
    What the owner may do about an event.

    @ivar description: for people.
    @ivar code: C{enable-volume-io}.
    """

    description: str = wire("description")
    code: str = wire("code")
    event_id: str = wire("eventId")
    event_type: str = wire("eventType")


@shape("VolumeStatusItemType")
class VolumeStatus:
    volume_id: str = wire("volumeId")
    availability_zone: str = wire("availabilityZone")
    volume_status: VolumeChecks = wire("volumeStatus")
    events: tuple[VolumeEvent, ...] = wire("eventsSet")
    actions: tuple[VolumeAction, ...] = wire("actionsSet")


@shape("DescribeVolumeStatusResponseType")
class DescribeVolumeStatusResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    volume_statuses: tuple[VolumeStatus, ...] = wire("volumeStatusSet")
    next_token: str | None = wire("nextToken")


@shape("EnableVolumeIOType")
class EnableVolumeIO(Request):
    """Let it be read and written again, its data inconsistent or not."""

    volume_id: str = wire("volumeId")


@shape("EnableVolumeIOResponseType")
class EnableVolumeIOResponse(Acknowledgement):
    """I/O is enabled."""


OPERATIONS = (
    Operation(
        "DescribeVolumeStatus",
        DescribeVolumeStatus,
        DescribeVolumeStatusResponse,
        since="2012-03-01",
    ),
    Operation(
        "EnableVolumeIO",
        EnableVolumeIO,
        EnableVolumeIOResponse,
        since="2012-03-01",
    ),
)
