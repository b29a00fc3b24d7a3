"""
The node's operations as the original published them, in terms of ours.

Volumes and power are not this release's: they are refused, which on the wire is
C{return=false}.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from attrs import define, field

from euca_tw.api import node as api
from euca_tw.api.cluster import ClusterMachineType, ImageSource, Launch
from euca_tw.api.errors import (
    InsufficientInstanceCapacity,
    NoSuchInstance,
    UnsupportedOperation,
)
from euca_tw.model.capacity import Resources
from euca_tw.model.lifecycle import Phase
from euca_tw.nodectl import reports
from euca_tw.nodectl.interfaces import IInstanceStore
from euca_tw.nodectl.records import HostedInstance

Answer = Callable[[Any], Awaitable[Any]]


class Node(Protocol):
    """What the original's operations are translated to."""

    url: str

    @property
    def machine(self) -> Resources: ...
    @property
    def free(self) -> Resources: ...
    def now(self) -> Any: ...
    def records(self, instance_ids: tuple[str, ...]) -> tuple[HostedInstance, ...]: ...
    def told_all(self) -> None: ...
    async def accept(self, launch: Launch) -> str: ...
    async def end(self, instance_id: str) -> Phase: ...
    async def reboot(self, instance_id: str) -> bool: ...


#: The original's numbers of what an instance was and became.
_STATES = {Phase.PENDING: "13", Phase.EXTANT: "14", Phase.TEARDOWN: "15"}


@define
class OriginalNode:
    """@ivar answers: by the operation's name."""

    _node: Node
    _instances: IInstanceStore
    answers: dict[str, Answer] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.answers = {
            "ncPowerDown": self._not_here,
            "ncAttachVolume": self._not_here,
            "ncDetachVolume": self._not_here,
            "ncStartNetwork": self._start_network,
            "ncRunInstance": self._run_instance,
            "ncDescribeInstances": self._describe_instances,
            "ncTerminateInstance": self._terminate_instance,
            "ncRebootInstance": self._reboot_instance,
            "ncGetConsoleOutput": self._get_console_output,
            "ncDescribeResource": self._describe_resource,
        }

    async def _not_here(self, request: Any) -> Any:
        raise UnsupportedOperation("This node has no volumes and does not power down")

    async def _start_network(
        self, request: api.NcStartNetwork
    ) -> api.NcStartNetworkResponse:
        """There is one network, and it is there."""
        return api.NcStartNetworkResponse(network_status="SUCCESS", status_message=0)

    async def _run_instance(
        self, request: api.NcRunInstance
    ) -> api.NcRunInstanceResponse:
        launch = self._launch(request)
        refusal = await self._node.accept(launch)
        if refusal:
            raise InsufficientInstanceCapacity(1, "", refusal)
        [record] = self._node.records((launch.instance_id,))
        return api.NcRunInstanceResponse(
            instance=reports.instance(record, self._node.url)
        )

    def _launch(self, request: api.NcRunInstance) -> Launch:
        of = request.instance_type
        index = request.launch_index or ""
        return Launch(
            instance_id=request.instance_id,
            reservation_id=request.reservation_id,
            owner_id=request.user_id or "",
            root=ImageSource(image_id=request.image_id, url=request.image_url),
            kernel=_source(request.kernel_id, request.kernel_url),
            ramdisk=_source(request.ramdisk_id, request.ramdisk_url),
            instance_type=ClusterMachineType(
                name="", memory=of.memory, cores=of.cores, disk=of.disk
            ),
            public_key=request.key_name or None,
            user_data=request.user_data or None,
            launch_index=int(index) if index.isdigit() else 0,
            launch_time=self._node.now(),
            group_names=request.group_names,
            zone="",
            network_index=-1,
            mac_address=request.private_mac_address,
        )

    async def _describe_instances(
        self, request: api.NcDescribeInstances
    ) -> api.NcDescribeInstancesResponse:
        records = self._node.records(request.instance_ids)
        if not request.instance_ids:
            self._node.told_all()
        return api.NcDescribeInstancesResponse(
            instances=tuple(reports.instance(r, self._node.url) for r in records)
        )

    async def _terminate_instance(
        self, request: api.NcTerminateInstance
    ) -> api.NcTerminateInstanceResponse:
        before = await self._node.end(request.instance_id)
        return api.NcTerminateInstanceResponse(
            instance_id=request.instance_id,
            shutdown_state=_STATES[Phase.TEARDOWN],
            previous_state=_STATES[before],
        )

    async def _reboot_instance(
        self, request: api.NcRebootInstance
    ) -> api.NcRebootInstanceResponse:
        return api.NcRebootInstanceResponse(
            status=await self._node.reboot(request.instance_id)
        )

    async def _get_console_output(
        self, request: api.NcGetConsoleOutput
    ) -> api.NcGetConsoleOutputResponse:
        if not self._node.records((request.instance_id,)):
            raise NoSuchInstance(request.instance_id)
        console = await self._instances.console(request.instance_id)
        return api.NcGetConsoleOutputResponse(
            console_output=b64encode(console.output).decode("ascii")
        )

    async def _describe_resource(
        self, request: api.NcDescribeResource
    ) -> api.NcDescribeResourceResponse:
        machine, free = self._node.machine, self._node.free
        return api.NcDescribeResourceResponse(
            node_status="OK",
            memory_size_max=machine.memory_mib,
            memory_size_available=max(0, free.memory_mib),
            disk_size_max=machine.disk_gib,
            disk_size_available=max(0, free.disk_gib),
            number_of_cores_max=machine.cores,
            number_of_cores_available=max(0, free.cores),
            public_subnets="none",
        )


def _source(image_id: str | None, url: str | None) -> ImageSource | None:
    if not image_id or not url:
        return None
    return ImageSource(image_id=image_id, url=url)
