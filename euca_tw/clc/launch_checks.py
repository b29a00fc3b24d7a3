"""
Whether a request to launch instances is right, whatever room there is.
"""

from __future__ import annotations

from collections.abc import Mapping

from attrs import define, frozen

from euca_tw.api.ec2.instances import (
    RunInstanceItem,
    RunInstances,
)
from euca_tw.api.errors import (
    ImageUnavailable,
    InvalidParameterCombination,
    InvalidParameterValue,
    NoSuchZone,
    UnsupportedOperation,
)
from euca_tw.clc.access import check_usable, image_of_kind
from euca_tw.clc.checks import checked_user_data
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.groups import (
    DEFAULT,
    check_group_ids,
    groups_named,
)
from euca_tw.clc.interfaces import IClusters
from euca_tw.clc.keypairs import find_key_pair
from euca_tw.clc.launch_requests import (
    groups_asked,
    refuse_what_is_not_here,
    stops_itself,
    subnet_asked,
)
from euca_tw.clc.placement_groups import find_placement_group
from euca_tw.clc.tags import tags_for
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import (
    ImageId,
)
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    GroupName,
    Image,
    ImageKind,
    ImageState,
    KeyPair,
)
from euca_tw.store.interfaces import IStore


@frozen(kw_only=True)
class SoundLaunch:
    """
    A request that was found to be right.

    @ivar zone: the only one that will do; None for any.
    """

    at_least: int
    at_most: int
    image: Image
    kernel_id: ImageId | None
    ramdisk_id: ImageId | None
    machine: MachineType
    key: KeyPair | None
    groups: tuple[GroupName, ...]
    user_data: str
    zone: str | None
    placement_group: str
    tags: Mapping[str, str]
    client_token: str
    is_protected: bool
    is_monitored: bool
    stops_itself: bool


@define(eq=False, kw_only=True)
class LaunchChecks:
    """
    Finds what a request names.

    @ivar default_type: of instances, when the request names none.
    @ivar network: what users are told of managed ones, if they can be described.
    """

    store: IStore
    clusters: IClusters
    quotas: Quotas
    machine_types: Mapping[str, MachineType]
    default_type: str
    network: DefaultNetwork | None = None

    def checked(self, caller: Caller, request: RunInstances) -> SoundLaunch:
        """@raise ApiError: it is not; says why."""
        refuse_what_is_not_here(request)
        [item, *others] = request.items
        if others:
            raise InvalidParameterCombination(
                "One request launches one image: send one for each item"
            )
        if not 1 <= item.min_count <= item.max_count:
            raise InvalidParameterValue(
                "minCount",
                str(item.min_count),
                f"It is between 1 and maxCount ({item.max_count}).",
            )
        machine = self._machine(request.instance_type or self.default_type)
        user_data = checked_user_data(
            request.encoded_user_data, self.quotas.user_data_bytes
        )
        # There are no volumes, and so none to have tags.
        tags = tags_for(request.tag_specifications, "instance", "volume")["instance"]
        is_stopped_by_itself = stops_itself(
            request.instance_initiated_shutdown_behavior
        )
        names, ids = groups_asked(request)
        if not names and not ids:
            names = (DEFAULT,)
        check_group_ids(ids)
        # What is said is right; is it there?
        image = image_of_kind(self.store, caller, item.image_id, ImageKind.MACHINE)
        kernel = self._asked_for(caller, request.kernel_id, ImageKind.KERNEL)
        ramdisk = self._asked_for(caller, request.ramdisk_id, ImageKind.RAMDISK)
        groups = groups_named(self.store, caller.account_id, names, ids)
        key, zone = self._key(caller, item), self._zone(request)
        placement_group = self._placement_group(caller, request)
        # It is; can it be used?
        kernel_id = self._boots(kernel, image.kernel_id)
        ramdisk_id = self._boots(ramdisk, image.ramdisk_id)
        if ramdisk_id is not None and kernel_id is None:
            raise InvalidParameterCombination("A ramdisk needs a kernel")
        check_usable(image)
        return SoundLaunch(
            at_least=item.min_count,
            at_most=item.max_count,
            image=image,
            kernel_id=kernel_id,
            ramdisk_id=ramdisk_id,
            machine=machine,
            key=key,
            groups=tuple(GroupName(group_id=g.group_id, name=g.name) for g in groups),
            user_data=user_data,
            zone=zone,
            placement_group=placement_group,
            tags=tags,
            client_token=request.client_token or "",
            is_protected=bool(request.disable_api_termination),
            is_monitored=bool(request.monitoring and request.monitoring.is_enabled),
            stops_itself=is_stopped_by_itself,
        )

    def _asked_for(
        self, caller: Caller, image_id: str | None, kind: ImageKind
    ) -> Image | None:
        """The kernel or ramdisk that is asked for, to which he must have access."""
        if not image_id:
            return None
        return image_of_kind(self.store, caller, image_id, kind)

    def _boots(self, asked: Image | None, own: ImageId | None) -> ImageId | None:
        """The kernel or ramdisk: that, or the image's own, which comes with it."""
        if asked is None and own is None:
            return None
        found = asked or (own and self.store.get(Image, own))
        if not found:
            raise ImageUnavailable(str(own), ImageState.DEREGISTERED.value)
        check_usable(found)
        return found.image_id

    def _machine(self, name: str) -> MachineType:
        try:
            return self.machine_types[name]
        except KeyError:
            known = ", ".join(self.machine_types)
            raise InvalidParameterValue(
                "instanceType", name, f"This cloud has {known}."
            ) from None

    def _key(self, caller: Caller, item: RunInstanceItem) -> KeyPair | None:
        if not item.key_name:
            return None
        return find_key_pair(self.store, caller.account_id, item.key_name)

    def _zone(self, request: RunInstances) -> str | None:
        zone = request.placement and request.placement.availability_zone
        known = [each.name for each in self.clusters.zones()]
        if zone and zone not in known:
            raise NoSuchZone(zone)
        subnet_id = subnet_asked(request)
        if not subnet_id:
            return zone or None
        if self.network is None:
            raise UnsupportedOperation("This cloud does not have VPCs")
        its_zone = self.network.zone_of(subnet_id, known)
        if zone and zone != its_zone:
            raise InvalidParameterCombination(
                f"The subnet {subnet_id} is in {its_zone}, and not in {zone}"
            )
        return its_zone

    def _placement_group(self, caller: Caller, request: RunInstances) -> str:
        name = (request.placement and request.placement.group_name) or ""
        if name:
            find_placement_group(self.store, caller.account_id, name)
        return name
