"""
Instances that were launched: telling of them, rebooting and ending them.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable

from attrs import Factory, define, evolve
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.instances import (
    ConfirmProductInstance,
    ConfirmProductInstanceResponse,
    DescribeInstances,
    DescribeInstancesResponse,
    GetConsoleOutput,
    GetConsoleOutputResponse,
    RebootInstances,
    RebootInstancesResponse,
    TerminateInstances,
    TerminateInstancesResponse,
)
from euca_tw.api.ec2.instances import Instance as InstanceView
from euca_tw.api.errors import (
    IncorrectInstanceState,
    InvalidParameterCombination,
    MalformedInstanceId,
    MissingParameter,
    NoSuchInstance,
    Unavailable,
)
from euca_tw.clc import views
from euca_tw.clc.access import instance_of, instances_of, shown_instances
from euca_tw.clc.addresses import public_addresses, without_address
from euca_tw.clc.checks import checked_text
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.intent import intend
from euca_tw.clc.interfaces import Console, IClusters
from euca_tw.clc.pace import STEP, paced
from euca_tw.clc.paging import page
from euca_tw.common.clock import utc_now
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import InstanceId, is_identifier
from euca_tw.model.lifecycle import USER_SHUTDOWN, condemned
from euca_tw.model.records import Image, Instance, InstanceState
from euca_tw.store.interfaces import Change, IStore, Put

#: So much of a console's output is told, from its end.
CONSOLE_BYTES = 65536

#: What a request shows: the record and its view.
Shown = tuple[Instance, InstanceView]


_FILTERS: dict[str, Reads[Shown]] = {
    "architecture": one(lambda pair: pair[1].architecture),
    "availability-zone": one(lambda pair: pair[0].zone),
    "client-token": one(lambda pair: pair[0].client_token),
    "dns-name": one(lambda pair: pair[1].dns_name),
    "group-id": lambda pair: (g.group_id for g in pair[0].groups),
    "group-name": lambda pair: (g.name for g in pair[0].groups),
    "image-id": one(lambda pair: pair[0].image_id),
    "instance-id": one(lambda pair: pair[0].instance_id),
    "instance-state-code": one(lambda pair: str(pair[0].state.code)),
    "instance-state-name": one(lambda pair: pair[0].state.value),
    "instance-type": one(lambda pair: pair[0].instance_type),
    "instance.group-id": lambda pair: (g.group_id for g in pair[0].groups),
    "instance.group-name": lambda pair: (g.name for g in pair[0].groups),
    "ip-address": one(lambda pair: pair[1].ip_address),
    "kernel-id": one(lambda pair: pair[0].kernel_id),
    "key-name": one(lambda pair: pair[1].key_name),
    "launch-index": one(lambda pair: pair[1].launch_index),
    "launch-time": one(lambda pair: views.moment_told(pair[0].launched_at)),
    "monitoring-state": lambda pair: ("disabled",),
    "owner-id": one(lambda pair: pair[0].owner_id),
    "private-dns-name": one(lambda pair: pair[1].private_dns_name),
    "private-ip-address": one(lambda pair: pair[1].private_ip_address),
    "product-code": lambda pair: (c.product_code for c in pair[1].product_codes),
    "ramdisk-id": one(lambda pair: pair[0].ramdisk_id),
    "reason": one(lambda pair: pair[1].reason),
    "reservation-id": one(lambda pair: pair[0].reservation_id),
    "root-device-name": one(lambda pair: pair[1].root_device_name),
    "root-device-type": one(lambda pair: pair[1].root_device_type),
    "state-reason-code": one(lambda pair: pair[0].state_reason_code),
    "subnet-id": lambda pair: (),
    "tenancy": lambda pair: ("default",),
    "virtualization-type": one(lambda pair: pair[1].virtualization_type),
    "vpc-id": lambda pair: (),
}


@define(eq=False, kw_only=True)
class Instances:
    """The operations on instances that there are."""

    store: IStore
    clusters: IClusters
    clock: IReactorTime
    _views: views.InstanceViews = Factory(views.InstanceViews)

    async def describe_instances(
        self, caller: Caller, request: DescribeInstances
    ) -> DescribeInstancesResponse:
        """The caller's own; to administrators, all."""
        found: Iterable[Instance]
        if request.instance_ids:
            if request.max_results is not None:
                raise InvalidParameterCombination(
                    "The parameter instancesSet cannot be used with maxResults"
                )
            found = instances_of(self.store, caller, request.instance_ids)
        else:
            found = shown_instances(self.store, caller)
        passes = chooser(_FILTERS, request.filters)
        shown = self._shown(caller)
        listed = list(found)
        if len(listed) <= STEP:
            pairs = list(map(shown, listed))
        else:
            pairs = await paced(self.clock, listed, shown)
        self._views.keep(2 * len(self.store.all(Instance)) + 1000)
        told = page(
            filter(passes, pairs) if request.filters else pairs,
            _place,
            request.max_results,
            request.next_token,
        )
        return DescribeInstancesResponse(
            reservations=self._views.reservations(told.items),
            next_token=told.next_token,
        )

    def _shown(self, caller: Caller) -> Callable[[Instance], Shown]:
        public = public_addresses(self.store, caller)

        def shown(each: Instance) -> Shown:
            image = self.store.get(Image, each.image_id)
            public_ip = public.get(each.instance_id, "")
            return each, self._views.of(each, image, public_ip)

        return shown

    async def terminate_instances(
        self, caller: Caller, request: TerminateInstances
    ) -> TerminateInstancesResponse:
        """All of them are looked at before any is touched."""
        before = self._named(caller, request.instance_ids)
        after = [self._ended(each) for each in before]
        changes: list[Change] = [Put(each) for each in after]
        for each in before:
            changes.extend(without_address(self.store, each.instance_id))
        live = [each for each in before if each.is_live]
        await intend(self.store, self.clusters, changes, live)
        return TerminateInstancesResponse(
            instances=tuple(map(views.state_change, before, after))
        )

    def _ended(self, instance: Instance) -> Instance:
        if instance.wanted is InstanceState.TERMINATED or not instance.is_live:
            return instance
        now = utc_now(self.clock)
        return evolve(
            condemned(instance, USER_SHUTDOWN, "User initiated shutdown"),
            transition_reason=f"User initiated ({now:%Y-%m-%d %H:%M:%S} GMT)",
        )

    async def reboot_instances(
        self, caller: Caller, request: RebootInstances
    ) -> RebootInstancesResponse:
        """All of them are looked at before any is touched."""
        asked = self._named(caller, request.instance_ids)
        for each in asked:
            if each.state is not InstanceState.RUNNING:
                raise IncorrectInstanceState(
                    each.instance_id, each.state.value, "rebooted"
                )
        await intend(
            self.store,
            self.clusters,
            [
                Put(evolve(each, reboots_wanted=each.reboots_wanted + 1))
                for each in asked
            ],
            asked,
        )
        return RebootInstancesResponse()

    def _named(self, caller: Caller, ids: tuple[str, ...]) -> list[Instance]:
        if not ids:
            raise MissingParameter("instancesSet")
        return instances_of(self.store, caller, ids)

    async def get_console_output(
        self, caller: Caller, request: GetConsoleOutput
    ) -> GetConsoleOutputResponse:
        """
        Nothing, of an instance that no node has yet.  Of one that has ended, as
        long as its node keeps it; then nothing.
        """
        instance = instance_of(self.store, caller, request.instance_id)
        console = Console()
        if instance.node:
            try:
                console = await self.clusters.console(instance)
            except Unavailable:
                if instance.is_live:
                    raise
        return GetConsoleOutputResponse(
            instance_id=instance.instance_id,
            timestamp=console.written_at or utc_now(self.clock),
            output=base64.b64encode(console.output[-CONSOLE_BYTES:]).decode("ascii"),
        )

    async def confirm_product_instance(
        self, caller: Caller, request: ConfirmProductInstance
    ) -> ConfirmProductInstanceResponse:
        """
        Whether an instance runs an image of the caller's that has the code.
        Who has neither learns nothing of the instance.
        """
        code = checked_text("productCode", request.product_code)
        if not is_identifier(request.instance_id, "i"):
            raise MalformedInstanceId(request.instance_id)
        instance = self.store.get(Instance, InstanceId(request.instance_id))
        if instance is None or not instance.is_live:
            raise NoSuchInstance(request.instance_id)
        image = self.store.get(Image, instance.image_id)
        if (
            image is not None
            and (caller.is_admin or image.owner_id == caller.account_id)
            and code in image.product_codes
        ):
            return ConfirmProductInstanceResponse(owner_id=instance.owner_id)
        if not (caller.is_admin or instance.owner_id == caller.account_id):
            raise NoSuchInstance(request.instance_id)
        return ConfirmProductInstanceResponse(is_success=False)


def _place(shown: Shown) -> str:
    """In the order of their launch."""
    record, _ = shown
    at = record.launched_at.isoformat(timespec="milliseconds")
    return f"{at}/{record.reservation_id}/{record.launch_index:06}"
