"""From a cluster's records to what the cloud controller is told.  Pure."""

from __future__ import annotations

from euca_tw.api.cluster import (
    ChangedInstance,
    ClusterInstance,
    ClusterMachineType,
    Launch,
    NetConfig,
)
from euca_tw.api.node import NcChangedInstance
from euca_tw.cc.plan import Look, Seen
from euca_tw.cc.records import Placement
from euca_tw.common.evolved import evolve
from euca_tw.model.capacity import MachineType
from euca_tw.model.lifecycle import Phase, words_of

_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - the contract's word for none


def told(
    placement: Placement,
    seen: Seen,
    sighting: NcChangedInstance | None,
    is_silent: bool,
) -> ChangedInstance:
    """
    @param sighting: the last that its node told of it.
    @param is_silent: its node does not answer.
    """
    reason_code, reason = placement.reason_code, placement.reason
    has_ended = placement.phase is Phase.TEARDOWN
    # Why it ends is told with its end, not before: that would be a message more
    # for its end to wait for.
    if sighting is not None and not has_ended and seen.look is Look.PENDING:
        reason_code, reason = sighting.reason_code or "", sighting.reason or ""
    has_run = placement.phase in (Phase.EXTANT, Phase.STOPPING, Phase.STOPPED)
    is_lost = has_run and seen.look is Look.ABSENT
    if is_lost:
        reason = "Its node does not know it any more"
    return ChangedInstance(
        instance=_instance(placement, sighting),
        reason_code=reason_code or None,
        reason=reason or None,
        is_silent=not has_ended and (is_silent or is_lost),
        life=words_of(placement.phase)[1],
        starts=placement.starts_told or None,
    )


def _instance(
    placement: Placement, sighting: NcChangedInstance | None
) -> ClusterInstance:
    if placement.launch is not None:
        base = of_launch(placement.launch)
    elif sighting is not None:
        base = of_sighting(sighting)
    else:
        base = ClusterInstance(instance_id=placement.instance_id)
    return evolve(  # type: ignore[misc]
        base,
        state_name=words_of(placement.phase)[0],
        service_tag=placement.node,
    )


def of_launch(launch: Launch) -> ClusterInstance:
    """An instance as it was launched."""
    return ClusterInstance(
        image_id=launch.root.image_id,
        kernel_id=launch.kernel.image_id if launch.kernel else None,
        ramdisk_id=launch.ramdisk.image_id if launch.ramdisk else None,
        instance_id=launch.instance_id,
        instance_type=launch.instance_type,
        key_name=launch.public_key,
        launch_time=launch.launch_time,
        net_params=NetConfig(
            private_mac_address=launch.mac_address,
            public_mac_address=launch.mac_address,
            vlan=0,
            private_ip=launch.private_ip or _NO_ADDRESS,
            public_ip=launch.public_ip or _NO_ADDRESS,
        ),
        owner_id=launch.owner_id,
        reservation_id=launch.reservation_id,
        user_data=launch.user_data,
        launch_index=str(launch.launch_index),
        network_index=launch.network_index,
        group_names=launch.group_names,
    )


def of_sighting(sighting: NcChangedInstance) -> ClusterInstance:
    """An instance as its node tells of it."""
    of = sighting.instance
    return ClusterInstance(
        image_id=of.image_id,
        kernel_id=of.kernel_id or None,
        ramdisk_id=of.ramdisk_id,
        instance_id=of.instance_id,
        instance_type=ClusterMachineType(
            name=sighting.instance_type_name,
            memory=of.instance_type.memory,
            cores=of.instance_type.cores,
            disk=of.instance_type.disk,
        ),
        key_name=of.key_name,
        launch_time=of.launch_time,
        net_params=of.net_params,
        owner_id=of.user_id,
        reservation_id=of.reservation_id,
        user_data=of.user_data,
        launch_index=of.launch_index,
        network_index=sighting.network_index,
        group_names=of.group_names,
    )


def machine_of(told: ClusterMachineType) -> MachineType:
    """A machine type as the contract has it."""
    return MachineType(
        name=told.name or "",
        cores=told.cores or 0,
        memory_mib=told.memory or 0,
        disk_gib=told.disk or 0,
    )
