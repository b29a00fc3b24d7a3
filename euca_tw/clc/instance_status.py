"""
How instances fare, as far as this cloud knows, and whether they are monitored.

What is known is whether an instance's cluster and node are heard of: that is the
system's status.  What goes on inside a guest nobody here can tell, so the
instance's own check says that there is no data for it.
"""

from __future__ import annotations

from attrs import define, evolve, frozen
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.instance_status import (
    DescribeInstanceStatus,
    DescribeInstanceStatusResponse,
    InstanceStatus,
    ReportInstanceStatus,
    ReportInstanceStatusResponse,
    StatusCheck,
    StatusOfChecks,
)
from euca_tw.api.ec2.monitoring import (
    InstanceMonitoring,
    MonitorInstances,
    MonitorInstancesResponse,
)
from euca_tw.api.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from euca_tw.clc import views
from euca_tw.clc.access import instances_of
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.instance_filters import INDEXES, place_of
from euca_tw.clc.narrowing import instances_that_may_pass
from euca_tw.clc.paging import asked_page, paged
from euca_tw.model.callers import Caller
from euca_tw.model.records import Instance, InstanceState
from euca_tw.store.interfaces import IStore, Put

_REACHABILITY = "reachability"
_REASONS = (
    *("instance-stuck-in-state", "unresponsive", "not-accepting-credentials"),
    *("password-not-available", "performance-network", "performance-instance-store"),
    *("performance-ebs-volume", "performance-other", "other"),
)


@frozen
class _Fares:
    """The system's status, and the instance's; of each the one check there is."""

    system: str
    system_check: str
    guest: str
    guest_check: str


_RUNS = _Fares("ok", "passed", "insufficient-data", "insufficient-data")
_IS_SILENT = _Fares("impaired", "failed", *["insufficient-data"] * 2)
_BEGINS = _Fares(*["initializing"] * 4)
_IS_OFF = _Fares("not-applicable", "", "not-applicable", "")


def _fares(instance: Instance) -> _Fares:
    if instance.state is InstanceState.RUNNING:
        return _IS_SILENT if instance.is_silent else _RUNS
    return _BEGINS if instance.state is InstanceState.PENDING else _IS_OFF


def _checks(status: str, check: str) -> StatusOfChecks:
    checks = (StatusCheck(name=_REACHABILITY, status=check),) if check else ()
    return StatusOfChecks(status=status, checks=checks)


def _status(instance: Instance) -> InstanceStatus:
    fares = _fares(instance)
    return InstanceStatus(
        instance_id=instance.instance_id,
        availability_zone=instance.zone,
        state=views.STATES[instance.state],
        system_status=_checks(fares.system, fares.system_check),
        instance_status=_checks(fares.guest, fares.guest_check),
    )


_FILTERS: dict[str, Reads[Instance]] = {
    "availability-zone": one(lambda each: each.zone),
    "instance-state-code": one(lambda each: str(each.state.code)),
    "instance-state-name": one(lambda each: each.state.value),
    "instance-status.reachability": one(lambda each: _fares(each).guest_check or None),
    "instance-status.status": one(lambda each: _fares(each).guest),
    "system-status.reachability": one(lambda each: _fares(each).system_check or None),
    "system-status.status": one(lambda each: _fares(each).system),
    # Nothing is ever scheduled.
    **{
        f"event.{of}": lambda each: ()
        for of in (
            *("code", "description", "instance-event-id", "not-after", "not-before"),
            "not-before-deadline",
        )
    },
}


@define(eq=False, kw_only=True)
class InstanceStatuses:
    """The operations on how instances fare."""

    store: IStore
    clock: IReactorTime

    async def describe_instance_status(
        self, caller: Caller, request: DescribeInstanceStatus
    ) -> DescribeInstanceStatusResponse:
        """Of those that run, unless all are asked for."""
        if request.instance_ids and request.max_results is not None:
            raise InvalidParameterCombination(
                "The parameter instancesSet cannot be used with maxResults"
            )
        passes = chooser(_FILTERS, request.filters)
        asked = asked_page(request.max_results, request.next_token)
        found = (
            instances_of(self.store, caller, request.instance_ids)
            if request.instance_ids
            else instances_that_may_pass(self.store, caller, INDEXES, request.filters)
        )

        def shown(each: Instance) -> InstanceStatus | None:
            is_meant = (
                request.include_all_instances or each.state is InstanceState.RUNNING
            )
            return _status(each) if is_meant and passes(each) else None

        told = await paged(self.clock, list(found), place_of, asked, shown)
        return DescribeInstanceStatusResponse(
            statuses=told.items, next_token=told.next_token
        )

    async def report_instance_status(
        self, caller: Caller, request: ReportInstanceStatus
    ) -> ReportInstanceStatusResponse:
        """It is found right, and changes nothing: as EC2 has it."""
        if not request.instance_ids:
            raise MissingParameter("instancesSet")
        if request.status not in ("ok", "impaired"):
            raise InvalidParameterValue(
                "status", request.status, "It is ok or impaired."
            )
        for reason in request.reason_codes:
            if reason not in _REASONS:
                known = ", ".join(_REASONS)
                raise InvalidParameterValue(
                    "reasonCode", reason, f"It is one of {known}."
                )
        instances_of(self.store, caller, request.instance_ids)
        return ReportInstanceStatusResponse()

    async def monitor_instances(
        self, caller: Caller, request: MonitorInstances
    ) -> MonitorInstancesResponse:
        return await self._monitored(caller, request, is_monitored=True)

    async def unmonitor_instances(
        self, caller: Caller, request: MonitorInstances
    ) -> MonitorInstancesResponse:
        return await self._monitored(caller, request, is_monitored=False)

    async def _monitored(
        self, caller: Caller, request: MonitorInstances, *, is_monitored: bool
    ) -> MonitorInstancesResponse:
        """It is noted for those who monitor; all of them, or none."""
        if not request.instance_ids:
            raise MissingParameter("instancesSet")
        found = instances_of(self.store, caller, request.instance_ids)
        after = [evolve(each, is_monitored=is_monitored) for each in found]
        await self.store.commit(*map(Put, after))
        return MonitorInstancesResponse(
            instances=tuple(
                InstanceMonitoring(
                    instance_id=each.instance_id, monitoring=views.monitoring(each)
                )
                for each in after
            )
        )
