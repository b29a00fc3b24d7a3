"""
What users are told: records as the shapes of the EC2 API.

Pure; whether a caller may see a thing was decided before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from attrs import Factory, define

from euca_tw.api.ec2 import addresses, groups, images, instances, keypairs, zones
from euca_tw.api.ec2.common import GroupItem, ProductCode, StateReason, Tag
from euca_tw.api.ec2.devices import BlockDeviceMapping
from euca_tw.clc.default_network import DefaultNetwork, interface_id, interface_of
from euca_tw.clc.rules import WITH_PORTS
from euca_tw.model.hostnames import private_hostname
from euca_tw.model.lifecycle import SERVER_ERROR
from euca_tw.model.records import (
    Address,
    GroupName,
    Image,
    ImageKind,
    Instance,
    InstanceState,
    KeyPair,
    Permission,
    SecurityGroup,
)

STATES: Mapping[InstanceState, instances.InstanceState] = {
    state: instances.InstanceState(code=state.code, name=state.value)
    for state in InstanceState
}

#: Tags: keys and values.
Pairs = tuple[tuple[str, str], ...]

#: What is the same for every instance of this cloud.
_MONITORED = instances.Monitoring(state="enabled")
_NOT_MONITORED = instances.Monitoring(state="disabled")
_INSTANCE_STORE = "instance-store"
_TENANCY = "default"
#: Regions and zones are there for everybody.
NO_OPT_IN = "opt-in-not-required"


def state_change(before: Instance, after: Instance) -> instances.InstanceStateChange:
    """What a request has done to an instance."""
    return instances.InstanceStateChange.of(
        before.instance_id,
        previous=STATES[before.state],
        current=STATES[after.state],
    )


def monitoring(record: Instance) -> instances.Monitoring:
    """Whether its user wants to have it monitored."""
    return _MONITORED if record.is_monitored else _NOT_MONITORED


def moment_told(moment: datetime) -> str:
    """A moment as text, to the millisecond, as the encoder tells it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def virtualization(kernel_id: str | None) -> str:
    """EC2's word for how an image boots."""
    return "hvm" if kernel_id is None else "paravirtual"


def product_codes(codes: Iterable[str]) -> tuple[ProductCode, ...]:
    return tuple(ProductCode(product_code=code, type="devpay") for code in codes)


def tag_set(tags: Iterable[tuple[str, str]]) -> tuple[Tag, ...]:
    return tuple(Tag(key=key, value=value) for key, value in tags)


def group_items(names: Iterable[GroupName]) -> tuple[GroupItem, ...]:
    return tuple(GroupItem.of(each.group_id, each.name) for each in names)


def private_name(private_ip: str, domain: str) -> str:
    """
    What an instance is called inside the cloud.

    @param domain: what names of instances end in; C{""} where they have none: then
        the address stands for it.
    """
    return private_hostname(private_ip, domain) if domain else private_ip


def _why(record: Instance) -> StateReason | None:
    """Why it is in its state, or that this is only the last that is known."""
    code, why = record.state_reason_code, record.state_reason
    if not code and record.is_silent:
        code = SERVER_ERROR
        why = "It has not been heard of lately, and is told of as it last was"
    return StateReason(code=code, message=f"{code}: {why}") if code else None


def instance(
    record: Instance,
    image: Image | None,
    public_ip: str,
    tags: Pairs = (),
    network: DefaultNetwork | None = None,
    domain: str = "",
) -> instances.Instance:
    """
    @param network: that it is in, if that can be described.
    @param domain: see L{private_name}.
    @param image: what it was launched from, if it is still known.
    @param public_ip: the address that its owner associated, C{""} for none;
        then the private one is told, which is all it can be reached by.
    """
    has_ended = record.state is InstanceState.TERMINATED
    is_off = has_ended or record.state is InstanceState.STOPPED
    private_ip = "" if has_ended else record.private_ip
    reached_by = "" if is_off else public_ip or private_ip
    return instances.Instance(
        instance_id=record.instance_id,
        image_id=record.image_id,
        state=STATES[record.state],
        private_dns_name=private_name(private_ip, domain),
        dns_name=reached_by,
        reason=record.transition_reason,
        key_name=record.key_name or None,
        launch_index=str(record.launch_index),
        product_codes=product_codes(image.product_codes) if image else (),
        instance_type=record.instance_type,
        launch_time=record.since,
        placement=instances.Placement(
            availability_zone=record.zone,
            group_name=record.placement_group,
            tenancy=_TENANCY,
        ),
        kernel_id=record.kernel_id,
        ramdisk_id=record.ramdisk_id,
        monitoring=monitoring(record),
        subnet_id=network.subnet_id(record.zone) if network else None,
        vpc_id=network.vpc_id if network else None,
        source_dest_check=True if network else None,
        private_ip_address=private_ip or None,
        ip_address=reached_by or None,
        groups=group_items(record.groups),
        state_reason=_why(record),
        architecture=image.architecture if image else None,
        root_device_type=_INSTANCE_STORE,
        root_device_name=image.root_device_name if image else None,
        virtualization_type=virtualization(record.kernel_id),
        client_token=record.client_token or None,
        tags=tag_set(tags),
        network_interfaces=(
            (
                interface_of(
                    record,
                    group_items(record.groups),
                    public_ip,
                    network,
                    private_name(record.private_ip, domain),
                ),
            )
            if network and record.is_live and record.private_ip
            else ()
        ),
    )


@define(eq=False)
class InstanceViews:
    """
    Views of instances and of their reservations, made once for each state of
    their records: most of what a Describe tells is as it was the last time, and
    what was written of it is kept as long as the view.
    """

    _made: dict[
        str, tuple[tuple[Instance, Image | None, str, Pairs], instances.Instance]
    ] = Factory(dict)
    _together: dict[str, instances.Reservation] = Factory(dict)
    network: DefaultNetwork | None = None
    domain: str = ""

    def of(
        self,
        record: Instance,
        image: Image | None,
        public_ip: str,
        tags: Pairs = (),
    ) -> instances.Instance:
        """See L{instance}."""
        known = self._made.get(record.instance_id)
        if known is not None:
            (of, of_image, of_ip, of_tags), made = known
            if (
                of is record
                and of_image is image
                and of_ip == public_ip
                and (of_tags is tags or of_tags == tags)
            ):
                return made
        made = instance(record, image, public_ip, tags, self.network, self.domain)
        self._made[record.instance_id] = (record, image, public_ip, tags), made
        return made

    def keep(self, most: int) -> None:
        """Start anew if there are more than that: most are of no use then."""
        if len(self._made) > most:
            self._made.clear()
        if len(self._together) > most:
            self._together.clear()

    def reservations(
        self, shown: Iterable[tuple[Instance, instances.Instance]]
    ) -> tuple[instances.Reservation, ...]:
        """See L{reservations}."""
        told = []
        for made in reservations(shown):
            known = self._together.get(made.reservation_id)
            if known != made:
                known = self._together[made.reservation_id] = made
            told.append(known)
        return tuple(told)


def reservations(
    shown: Iterable[tuple[Instance, instances.Instance]],
) -> tuple[instances.Reservation, ...]:
    """Instances as what they were launched by, in the order given."""
    together: dict[str, tuple[Instance, list[instances.Instance]]] = {}
    for record, view in shown:
        found = together.get(record.reservation_id)
        if found is None:
            together[record.reservation_id] = (record, [view])
        else:
            found[1].append(view)
    return tuple(
        instances.Reservation(
            reservation_id=record.reservation_id,
            owner_id=record.owner_id,
            groups=views[0].groups,
            instances=tuple(views),
        )
        for record, views in together.values()
    )


def image(record: Image, tags: Pairs = (), region: str = "") -> images.Image:
    """@param region: the cloud's one."""
    is_machine = record.kind is ImageKind.MACHINE
    failure = SERVER_ERROR if record.made_of else "Client.ImportFailed"
    return images.Image(
        image_id=record.image_id,
        image_location=record.location,
        image_state=record.state.value,
        image_owner_id=record.owner_id,
        creation_date=moment_told(record.registered_at),
        is_public=record.is_public,
        product_codes=product_codes(record.product_codes),
        architecture=record.architecture,
        image_type=record.kind.value,
        kernel_id=record.kernel_id,
        ramdisk_id=record.ramdisk_id,
        state_reason=(
            StateReason(code=failure, message=f"{failure}: {record.state_reason}")
            if record.state_reason
            else None
        ),
        name=record.name or None,
        description=record.description or None,
        root_device_type=_INSTANCE_STORE if is_machine else None,
        root_device_name=record.root_device_name if is_machine else None,
        virtualization_type=virtualization(record.kernel_id) if is_machine else None,
        tags=tag_set(tags),
        source_instance_id=record.made_of,
        source_image_id=record.copy_of,
        source_image_region=region or None if record.copy_of else None,
    )


def block_devices(record: Image) -> tuple[BlockDeviceMapping, ...]:
    """How an image's disk is known to its instances."""
    if record.kind is not ImageKind.MACHINE:
        return ()
    device = record.root_device_name
    return (
        BlockDeviceMapping.of_virtual("ami", device.removeprefix("/dev/")),
        BlockDeviceMapping.of_virtual("root", device),
    )


def key_pair(
    record: KeyPair, tags: Pairs = (), *, with_public_key: bool = False
) -> keypairs.KeyPairItem:
    return keypairs.KeyPairItem(
        key_name=record.name,
        key_fingerprint=record.fingerprint,
        key_pair_id=record.key_pair_id,
        key_type=record.key_type,
        public_key=record.public_key if with_public_key else None,
        create_time=record.created_at,
        tags=tag_set(tags),
    )


def permissions(
    records: Iterable[Permission],
) -> tuple[groups.IpPermission, ...]:
    """
    Rules of the same protocol and ports are told as one, with many sources.  Where a
    protocol has no ports none are told.
    """
    together: dict[tuple[str, int, int], list[Permission]] = {}
    for each in records:
        ports = (each.protocol, each.from_port, each.to_port)
        together.setdefault(ports, []).append(each)
    return tuple(
        groups.IpPermission(
            ip_protocol=protocol,
            from_port=from_port if protocol in WITH_PORTS else None,
            to_port=to_port if protocol in WITH_PORTS else None,
            groups=tuple(
                groups.UserIdGroupPair(
                    user_id=each.group.owner_id,
                    group_id=each.group.group_id,
                    group_name=each.group.group_name,
                    description=each.description or None,
                )
                for each in rules
                if each.group is not None
            ),
            ip_ranges=tuple(
                groups.IpRange(cidr_ip=each.cidr, description=each.description or None)
                for each in rules
                if each.cidr is not None
            ),
        )
        for (protocol, from_port, to_port), rules in together.items()
    )


def security_group(
    record: SecurityGroup, tags: Pairs = (), vpc_id: str | None = None
) -> groups.SecurityGroup:
    """@param vpc_id: that it is in; of groups in none no rules of egress are told."""
    return groups.SecurityGroup(
        vpc_id=vpc_id,
        owner_id=record.owner_id,
        group_id=record.group_id,
        group_name=record.name,
        group_description=record.description,
        ip_permissions=permissions(record.permissions),
        ip_permissions_egress=permissions(record.egress) if vpc_id else None,
        tags=tag_set(tags),
    )


def address(
    record: Address, holder: Instance | None, tags: Pairs = ()
) -> addresses.Address:
    """
    @param holder: the instance that has it.
    """
    return addresses.Address(
        public_ip=record.public_ip,
        allocation_id=record.allocation_id,
        domain=record.domain,
        instance_id=holder.instance_id if holder else None,
        association_id=record.association_id if holder else None,
        network_interface_id=interface_id(holder.instance_id) if holder else None,
        network_interface_owner_id=holder.owner_id if holder else None,
        private_ip_address=(holder.private_ip or None) if holder else None,
        tags=tag_set(tags),
    )


def zone(name: str, is_reachable: bool, region: str) -> zones.AvailabilityZone:
    """Its name is its identifier too: it is the same for all accounts."""
    return zones.AvailabilityZone(
        zone_name=name,
        zone_state="available" if is_reachable else "unavailable",
        region_name=region,
        messages=() if is_reachable else ("The cluster has not been heard of.",),
        zone_id=name,
        opt_in_status=NO_OPT_IN,
        group_name=region,
        network_border_group=region,
        zone_type="availability-zone",
    )
