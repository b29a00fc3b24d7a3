"""
Attributes of instances: what they are, what their guest is told, what ends them.

What the node must make anew (type, kernel, ramdisk) and what the guest read when it
began (its user data) can be changed only of a stopped instance.  Its disks stay as
they were made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import define, evolve

from euca_tw.api.ec2.common import (
    NullableAttributeValue,
    NullableBooleanAttributeValue,
)
from euca_tw.api.ec2.instance_attributes import (
    DescribeInstanceAttribute,
    DescribeInstanceAttributeResponse,
    ModifyInstanceAttribute,
    ModifyInstanceAttributeResponse,
    ResetInstanceAttribute,
    ResetInstanceAttributeResponse,
)
from euca_tw.api.errors import (
    ImageUnavailable,
    IncorrectInstanceState,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from euca_tw.clc import views
from euca_tw.clc.access import check_usable, instance_of, usable_image_of
from euca_tw.clc.checks import checked_user_data, unsupported
from euca_tw.clc.groups import check_group_ids, groups_named
from euca_tw.clc.intent import intend
from euca_tw.clc.interfaces import IClusters
from euca_tw.clc.launch_requests import stops_itself
from euca_tw.model.callers import Caller
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import ImageId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    GroupName,
    Image,
    ImageKind,
    ImageState,
    Instance,
    InstanceState,
)
from euca_tw.store.interfaces import IStore, Put


@define(eq=False, kw_only=True)
class InstanceAttributes:
    """The operations on attributes of instances."""

    store: IStore
    clusters: IClusters
    quotas: Quotas
    machine_types: Mapping[str, MachineType]

    async def describe_instance_attribute(
        self, caller: Caller, request: DescribeInstanceAttribute
    ) -> DescribeInstanceAttributeResponse:
        instance = instance_of(self.store, caller, request.instance_id)
        image = self.store.get(Image, instance.image_id)
        for name, read in _TOLD.items():
            if getattr(request, name) is not None:
                said: dict[str, Any] = {
                    _ANSWERED.get(name, name): read(instance, image)
                }
                return DescribeInstanceAttributeResponse(
                    instance_id=instance.instance_id, **said
                )
        raise MissingParameter("attribute")

    async def modify_instance_attribute(
        self, caller: Caller, request: ModifyInstanceAttribute
    ) -> ModifyInstanceAttributeResponse:
        """One attribute; what it is already is no refusal."""
        self._check(request)
        instance = instance_of(self.store, caller, request.instance_id)
        await self._keep(self._changed(caller, instance, request))
        return ModifyInstanceAttributeResponse()

    def _check(self, asked: ModifyInstanceAttribute) -> None:
        """@raise ApiError: what is wrong with it, whatever the instance is."""
        if asked.instance_type is not None:
            self._machine(asked.instance_type.value)
        if asked.user_data is not None:
            checked_user_data(asked.user_data.value, self.quotas.user_data_bytes)
        if asked.instance_initiated_shutdown_behavior is not None:
            said = asked.instance_initiated_shutdown_behavior.value
            if not said:
                raise MissingParameter("instanceInitiatedShutdownBehavior")
            stops_itself(said)
        if asked.group_ids is not None:
            if not asked.group_ids:
                raise MissingParameter("groupId")
            check_group_ids(asked.group_ids)

    def _changed(
        self, caller: Caller, instance: Instance, asked: ModifyInstanceAttribute
    ) -> Instance:
        if asked.instance_type is not None:
            return self._of_type(instance, asked.instance_type.value)
        if asked.kernel is not None:
            kernel = self._boots(caller, asked.kernel.value, ImageKind.KERNEL)
            return evolve(_stopped(instance, "given another kernel"), kernel_id=kernel)
        if asked.ramdisk is not None:
            if instance.kernel_id is None:
                raise InvalidParameterCombination("A ramdisk needs a kernel")
            ramdisk = self._boots(caller, asked.ramdisk.value, ImageKind.RAMDISK)
            return evolve(
                _stopped(instance, "given another ramdisk"), ramdisk_id=ramdisk
            )
        if asked.user_data is not None:
            data = checked_user_data(asked.user_data.value, self.quotas.user_data_bytes)
            return evolve(_stopped(instance, "given other user data"), user_data=data)
        if asked.disable_api_termination is not None:
            return evolve(instance, is_protected=asked.disable_api_termination.is_set)
        if asked.instance_initiated_shutdown_behavior is not None:
            said = asked.instance_initiated_shutdown_behavior.value
            return evolve(instance, stops_itself=stops_itself(said))
        if asked.group_ids is not None:
            return self._in_groups(instance, asked.group_ids)
        return _as_it_is(instance, asked)

    def _of_type(self, instance: Instance, name: str) -> Instance:
        """Its disks stay as they are."""
        machine = self._machine(name)
        return evolve(
            _stopped(instance, "given another type"),
            instance_type=machine.name,
            cores=machine.cores,
            memory_mib=machine.memory_mib,
        )

    def _machine(self, name: str) -> MachineType:
        """@raise InvalidParameterValue: there is none of that name."""
        machine = self.machine_types.get(name)
        if machine is None:
            known = ", ".join(self.machine_types)
            raise InvalidParameterValue(
                "instanceType", name, f"This cloud has {known}."
            )
        return machine

    def _boots(self, caller: Caller, image_id: str, kind: ImageKind) -> Any:
        return usable_image_of(self.store, caller, image_id, kind).image_id

    def _in_groups(self, instance: Instance, group_ids: tuple[str, ...]) -> Instance:
        """Its network stays that of the group that it was launched in first."""
        if not instance.is_live:
            raise IncorrectInstanceState(
                instance.instance_id, instance.state.value, "given other groups"
            )
        found = groups_named(self.store, instance.owner_id, (), group_ids)
        named = tuple(GroupName(group_id=g.group_id, name=g.name) for g in found)
        return evolve(instance, groups=named)

    async def reset_instance_attribute(
        self, caller: Caller, request: ResetInstanceAttribute
    ) -> ResetInstanceAttributeResponse:
        """To what its image says, as long as that is known."""
        instance = instance_of(self.store, caller, request.instance_id)
        image = self.store.get(Image, instance.image_id)
        if request.kernel is not None:
            own = image.kernel_id if image else instance.kernel_id
            self._check_there(own, instance.kernel_id)
            changed = evolve(_stopped(instance, "given another kernel"), kernel_id=own)
        elif request.ramdisk is not None:
            own = image.ramdisk_id if image else instance.ramdisk_id
            self._check_there(own, instance.ramdisk_id)
            changed = evolve(
                _stopped(instance, "given another ramdisk"), ramdisk_id=own
            )
        elif request.source_dest_check is not None:
            # Nobody can have switched it off.
            changed = instance
        else:
            raise MissingParameter("attribute")
        await self._keep(changed)
        return ResetInstanceAttributeResponse()

    def _check_there(self, wanted: ImageId | None, present: ImageId | None) -> None:
        """
        What the instance has it may go on with; what it has not must be there.

        @raise ImageUnavailable: it was deregistered.
        """
        if wanted is None or wanted == present:
            return
        found = self.store.get(Image, wanted)
        if found is None:
            raise ImageUnavailable(wanted, ImageState.DEREGISTERED.value)
        check_usable(found)

    async def _keep(self, instance: Instance) -> None:
        await intend(self.store, self.clusters, (Put(instance),), (instance,))


def _stopped(instance: Instance, action: str) -> Instance:
    """@raise IncorrectInstanceState: it is not."""
    if instance.state is not InstanceState.STOPPED:
        raise IncorrectInstanceState(
            instance.instance_id, instance.state.value, f"{action} (only stopped ones)"
        )
    return instance


def _as_it_is(instance: Instance, asked: ModifyInstanceAttribute) -> Instance:
    """
    What cannot be otherwise here may be asked to be as it is.

    @raise UnsupportedOperation: it is asked to be otherwise.
    @raise MissingParameter: nothing is asked.
    """
    if asked.block_devices is not None:
        unsupported("volumes, and other devices cannot be changed", True)
    elif asked.source_dest_check is not None:
        unsupported(
            "instances that forward what is not theirs",
            not asked.source_dest_check.is_set,
        )
    elif asked.ebs_optimized is not None:
        unsupported("volumes", asked.ebs_optimized.is_set)
    elif asked.sriov_net_support is not None:
        unsupported("network cards that are shared by SR-IOV", True)
    else:
        raise MissingParameter("attribute")
    return instance


_Tells = Callable[[Instance, Image | None], Any]

#: What each attribute of a request is answered with.
_TOLD: Mapping[str, _Tells] = {
    "instance_type": lambda it, _: NullableAttributeValue(value=it.instance_type),
    "kernel": lambda it, _: NullableAttributeValue(value=it.kernel_id),
    "ramdisk": lambda it, _: NullableAttributeValue(value=it.ramdisk_id),
    "user_data": lambda it, _: NullableAttributeValue(value=it.user_data or None),
    "disable_api_termination": lambda it, _: NullableBooleanAttributeValue(
        is_set=it.is_protected
    ),
    "instance_initiated_shutdown_behavior": lambda it, _: NullableAttributeValue(
        value="stop" if it.stops_itself else "terminate"
    ),
    "root_device_name": lambda _, image: NullableAttributeValue(
        value=image.root_device_name if image else None
    ),
    # Only volumes are told there, and there are none.
    "block_device_mapping": lambda _, __: (),
    "source_dest_check": lambda _, __: NullableBooleanAttributeValue(is_set=True),
    "groups": lambda it, _: views.group_items(it.groups),
    "product_codes": lambda _, image: (
        views.product_codes(image.product_codes) if image else ()
    ),
    "ebs_optimized": lambda _, __: NullableBooleanAttributeValue(is_set=False),
    "sriov_net_support": lambda _, __: NullableAttributeValue(value=None),
}
#: Under which name, where it is another.
_ANSWERED = {"block_device_mapping": "block_devices"}
