"""
Detailed monitoring of instances: switching it on and off.

Both operations have the same request and the same answer; C{monitoring} then
tells what is on its way: C{pending} is about to be enabled, C{disabling} about
to be disabled.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Request, Response
from euca_tw.api.ec2.instances import Monitoring
from euca_tw.api.shapes import Operation, shape, wire


@shape("MonitorInstancesType")
class MonitorInstances(Request):
    instance_ids: tuple[str, ...] = wire(
        "instancesSet",
        query="InstanceId",
        leaf="instanceId",
        item_type="MonitorInstancesSetItemType",
        at_least=1,
    )


@shape("MonitorInstancesResponseSetItemType")
class InstanceMonitoring:
    instance_id: str = wire("instanceId")
    monitoring: Monitoring = wire("monitoring")


@shape("MonitorInstancesResponseType")
class MonitorInstancesResponse(Response):
    instances: tuple[InstanceMonitoring, ...] = wire("instancesSet", at_least=1)


OPERATIONS = (
    Operation(
        "MonitorInstances",
        MonitorInstances,
        MonitorInstancesResponse,
        since="2009-04-04",
    ),
    Operation(
        "UnmonitorInstances",
        MonitorInstances,
        MonitorInstancesResponse,
        since="2009-04-04",
    ),
)
