"""
From a node's record to what others are told: the controller above, the
hypervisor, the network, and the instance itself.  Pure.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from datetime import UTC, datetime
from uuid import UUID, uuid5

from euca_tw.api.cluster import ImageSource as ToldSource
from euca_tw.api.cluster import Launch, NetConfig
from euca_tw.api.node import (
    NcChangedInstance,
    NcReadConsoleResponse,
    NodeInstance,
    NodeMachineType,
)
from euca_tw.model.hostnames import DOMAIN, private_hostname
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.nodectl import memo
from euca_tw.nodectl.interfaces import (
    Console,
    DomainSpec,
    Extras,
    ImageSource,
    Lease,
    Nic,
    StagedInstance,
)
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.records import HostedInstance

_NO_ADDRESS = "0.0.0.0"  # noqa: S104 - the contract's word for none
#: Of the others the state's name says enough: each more that were told would be
#: a message more for the next to wait for.
_TOLD_LIVES = (Life.STOPPING, Life.STOPPED)
_DOMAINS = UUID("6f2a3b1e-5f0b-4a57-9a52-6575636174e0")


def told(record: HostedInstance, trouble: str, service_tag: str) -> NcChangedInstance:
    """
    What the cluster controller is told.

    @param trouble: why it does not run yet, if there is anything to say.
    """
    launch = record.launch
    # Why it ends is told with its end, not before: that would be a message
    # more for its end to wait for.
    is_over = record.life is Life.TERMINATED or record.wanted is Goal.STOPPED
    return NcChangedInstance(
        instance=instance(record, service_tag),
        reason_code=record.reason_code or None if is_over else None,
        reason=(record.reason if is_over else "") or trouble or None,
        network_index=launch.network_index if launch else -1,
        instance_type_name=(launch.instance_type.name or "") if launch else "",
        life=_life_told(record),
        starts=record.starts or None,
    )


def _life_told(record: HostedInstance) -> str | None:
    if record.is_off_for_image and record.wanted is Goal.RUNNING:
        return None
    if record.is_starting:
        return "starting"
    return record.life.value if record.life in _TOLD_LIVES else None


def instance(record: HostedInstance, service_tag: str) -> NodeInstance:
    """As the original's node tells of it."""
    launch, phase = record.launch, record.phase.value
    if launch is None:
        return NodeInstance(
            reservation_id="",
            instance_id=record.instance_id,
            image_id="",
            kernel_id="",
            user_id="",
            key_name="",
            instance_type=NodeMachineType(),
            state_name=phase,
            service_tag=service_tag,
        )
    of = launch.instance_type
    return NodeInstance(
        reservation_id=launch.reservation_id,
        instance_id=launch.instance_id,
        image_id=launch.root.image_id,
        kernel_id=launch.kernel.image_id if launch.kernel else "",
        ramdisk_id=launch.ramdisk.image_id if launch.ramdisk else None,
        user_id=launch.owner_id,
        key_name=launch.public_key or "",
        instance_type=NodeMachineType(memory=of.memory, cores=of.cores, disk=of.disk),
        net_params=NetConfig(
            private_mac_address=launch.mac_address,
            public_mac_address=launch.mac_address,
            vlan=0,
            private_ip=launch.private_ip or _NO_ADDRESS,
            public_ip=launch.public_ip or _NO_ADDRESS,
        ),
        state_name=phase,
        launch_time=launch.launch_time,
        user_data=launch.user_data,
        launch_index=str(launch.launch_index),
        group_names=launch.group_names,
        service_tag=service_tag,
    )


def source(told: ToldSource) -> ImageSource:
    """Where an image is fetched."""
    return ImageSource(image_id=told.image_id, url=told.url, sha256=told.sha256 or "")


def extras(launch: Launch) -> Extras:
    """What its disks are to have besides its image."""
    return Extras(
        ephemeral_gib=launch.ephemeral_gib or 0,
        swap_mib=launch.swap_mib or 0,
        public_key=launch.public_key or "",
    )


def lease(launch: Launch, domain: str = DOMAIN) -> Lease:
    """What its card is told by DHCP."""
    private_ip = launch.private_ip or ""
    return Lease(
        instance_id=launch.instance_id,
        mac_address=launch.mac_address,
        private_ip=private_ip,
        prefix_length=launch.prefix_length or 0,
        router=launch.router or "",
        nameservers=launch.nameservers,
        hostname=private_hostname(private_ip, domain),
    )


def domain_uuid(instance_id: str) -> str:
    """
    Always the same.  As Amazon documents of its instances, it begins with
    C{ec2}: by that a system knows where it runs.
    """
    return "ec2" + str(uuid5(_DOMAINS, instance_id))[3:]


def domain(
    launch: Launch, staged: StagedInstance, nic: Nic, command_line: str
) -> DomainSpec:
    """
    The domain to be run; the same each time.

    @param command_line: of those that are given their kernel.
    """
    of = launch.instance_type
    has_kernel = staged.kernel is not None
    return DomainSpec(
        name=launch.instance_id,
        uuid=domain_uuid(launch.instance_id),
        cores=of.cores or 1,
        memory_mib=of.memory or 128,
        kernel=staged.kernel,
        ramdisk=staged.ramdisk,
        command_line=command_line if has_kernel else "",
        disks=(staged.disk, *staged.further),
        nics=(nic,),
        console=staged.console,
        memo=memo.written(launch),
    )


def console(found: Console) -> NcReadConsoleResponse:
    """What an instance wrote."""
    at = found.written_at
    return NcReadConsoleResponse(
        output=b64encode(found.output).decode("ascii"),
        written_at=None if at is None else datetime.fromtimestamp(int(at), UTC),
    )


def facts(record: HostedInstance) -> dict[str, str]:
    """What hooks are told besides the instance's name."""
    launch = record.launch
    if launch is None:
        return {}
    return {
        "EUCA_OWNER_ID": launch.owner_id,
        "EUCA_IMAGE_ID": launch.root.image_id,
        "EUCA_MAC_ADDRESS": launch.mac_address,
        "EUCA_PRIVATE_IP": launch.private_ip or "",
    }


def metadata(launch: Launch, domain: str = DOMAIN) -> InstanceMetadata:
    """What the instance may know of itself."""
    private_ip = launch.private_ip or ""
    return InstanceMetadata(
        instance_id=launch.instance_id,
        reservation_id=launch.reservation_id,
        image_id=launch.root.image_id,
        kernel_id=launch.kernel.image_id if launch.kernel else "",
        ramdisk_id=launch.ramdisk.image_id if launch.ramdisk else "",
        instance_type=launch.instance_type.name or "",
        launch_index=launch.launch_index,
        security_groups=launch.group_names,
        zone=launch.zone,
        mac_address=launch.mac_address,
        private_ip=private_ip,
        public_ip=launch.public_ip or "",
        hostname=private_hostname(private_ip, domain),
        key_name=launch.key_name or "",
        public_key=launch.public_key or "",
        user_data=b64decode(launch.user_data) if launch.user_data else None,
        manifest_path=launch.manifest_path or "",
        product_codes=launch.product_codes,
        block_devices=_block_devices(launch),
    )


def _block_devices(launch: Launch) -> tuple[tuple[str, str], ...]:
    """EC2's names; guests find a disk by the letter, whatever the rest."""
    letters = iter("bc")
    return (
        ("ami", "sda1"),
        *((("ephemeral0", f"sd{next(letters)}"),) if launch.ephemeral_gib else ()),
        ("root", "/dev/sda1"),
        *((("swap", f"sd{next(letters)}"),) if launch.swap_mib else ()),
    )
