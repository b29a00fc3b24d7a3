"""
Stopping instances, and starting them again.

Only an instance whose root device is a volume can be stopped: it keeps its id
and its volumes, and runs nowhere.  Its states are then 64 C{stopping} and 80
C{stopped}.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Request, Response
from euca_tw.api.ec2.instances import InstanceStateChange
from euca_tw.api.shapes import Operation, shape, wire


@shape("StartInstancesType")
class StartInstances(Request):
    """@ivar additional_info: reserved; said by Query alone."""

    instance_ids: tuple[str, ...] = wire(
        "instancesSet",
        query="InstanceId",
        leaf="instanceId",
        item_type="InstanceIdType",
    )
    additional_info: str | None = wire("additionalInfo", soap=False)


@shape("StartInstancesResponseType")
class StartInstancesResponse(Response):
    instances: tuple[InstanceStateChange, ...] = wire("instancesSet")


@shape("StopInstancesType")
class StopInstances(Request):
    """@ivar force: do not wait for the guest to shut itself down."""

    instance_ids: tuple[str, ...] = wire(
        "instancesSet",
        query="InstanceId",
        leaf="instanceId",
        item_type="InstanceIdType",
    )
    force: bool | None = wire("force")


@shape("StopInstancesResponseType")
class StopInstancesResponse(Response):
    instances: tuple[InstanceStateChange, ...] = wire("instancesSet")


OPERATIONS = (
    Operation(
        "StartInstances",
        StartInstances,
        StartInstancesResponse,
        since="2009-10-31",
    ),
    Operation(
        "StopInstances",
        StopInstances,
        StopInstancesResponse,
        since="2009-10-31",
    ),
)
