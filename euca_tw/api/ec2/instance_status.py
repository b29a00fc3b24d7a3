"""
How instances fare: the checks made on them, and what is scheduled for them.

The system's status is that of what the instance runs on, the instance's that
of the guest itself.  Users may report what the checks do not see.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response
from euca_tw.api.ec2.instances import InstanceState
from euca_tw.api.shapes import Operation, shape, wire


@shape("DescribeInstanceStatusType")
class DescribeInstanceStatus(Request):
    """
    @ivar instance_ids: none: all of the user's.
    @ivar next_token: as the last answer had it, for what comes after it.
    @ivar include_all_instances: those that do not run, too.
    """

    instance_ids: tuple[str, ...] = wire(
        "instancesSet",
        query="InstanceId",
        leaf="instanceId",
        item_type="InstanceIdType",
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)
    next_token: str | None = wire("nextToken")
    max_results: int | None = wire("maxResults")
    include_all_instances: bool | None = wire("includeAllInstances", since="2012-05-01")


@shape("InstanceStatusEventType", list_type="InstanceStatusEventsSetType")
class ScheduledEvent:
    """
    What will be done to an instance, or to what it runs on.

    @ivar code: C{instance-reboot}, C{instance-stop}, C{instance-retirement},
        C{system-reboot} or C{system-maintenance}.
    @ivar not_before: the earliest that it begins.
    @ivar not_after: the latest that it ends.
    """

    code: str = wire("code")
    description: str = wire("description")
    not_before: datetime = wire("notBefore")
    not_after: datetime | None = wire("notAfter")


@shape("InstanceStatusDetailsSetItemType")
class StatusCheck:
    """
    @ivar name: C{reachability}.
    @ivar status: C{passed}, C{failed}, C{initializing} or
        C{insufficient-data}.
    @ivar impaired_since: the moment it failed, if it did.
    """

    name: str = wire("name")
    status: str = wire("status")
    impaired_since: datetime | None = wire("impairedSince", since="2012-05-01")


@shape("InstanceStatusType")
class StatusOfChecks:
    """
    @ivar status: of all checks together: C{ok}, C{impaired},
        C{initializing}, C{insufficient-data}; C{not-applicable}, if the
        instance does not run.
    """

    status: str = wire("status")
    checks: tuple[StatusCheck, ...] = wire("details", required=False)


@shape("InstanceStatusItemType")
class InstanceStatus:
    instance_id: str = wire("instanceId")
    availability_zone: str = wire("availabilityZone")
    events: tuple[ScheduledEvent, ...] = wire("eventsSet", required=False)
    state: InstanceState = wire("instanceState")
    system_status: StatusOfChecks = wire("systemStatus", since="2011-12-15")
    instance_status: StatusOfChecks = wire("instanceStatus", since="2011-12-15")


@shape("DescribeInstanceStatusResponseType")
class DescribeInstanceStatusResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    statuses: tuple[InstanceStatus, ...] = wire("instanceStatusSet")
    next_token: str | None = wire("nextToken")


@shape("ReportInstanceStatusType")
class ReportInstanceStatus(Request):
    """
    @ivar status: that they have in truth: C{ok} or C{impaired}.
    @ivar end_time: None: it is still so.
    @ivar reason_codes: C{instance-stuck-in-state}, C{unresponsive},
        C{not-accepting-credentials}, C{password-not-available},
        C{performance-network}, C{performance-instance-store},
        C{performance-ebs-volume}, C{performance-other} or C{other}.
    """

    instance_ids: tuple[str, ...] = wire(
        "instancesSet",
        query="InstanceId",
        leaf="instanceId",
        item_type="InstanceIdType",
    )
    status: str = wire("status")
    start_time: datetime | None = wire("startTime")
    end_time: datetime | None = wire("endTime")
    reason_codes: tuple[str, ...] = wire(
        "reasonCodesSet",
        query="ReasonCode",
        leaf="reasonCode",
        item_type="ReportInstanceStatusReasonCodeSetItemType",
        list_type="ReportInstanceStatusReasonCodesSetType",
        at_least=1,
    )
    description: str | None = wire("description")


@shape("ReportInstanceStatusResponseType")
class ReportInstanceStatusResponse(Acknowledgement):
    """It is noted; no status changes by it."""


OPERATIONS = (
    Operation(
        "DescribeInstanceStatus",
        DescribeInstanceStatus,
        DescribeInstanceStatusResponse,
        since="2011-11-01",
    ),
    Operation(
        "ReportInstanceStatus",
        ReportInstanceStatus,
        ReportInstanceStatusResponse,
        since="2011-12-15",
    ),
)
