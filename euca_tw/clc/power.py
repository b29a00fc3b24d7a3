"""
Instances that users switch off and on: stop, start, reboot, terminate.

Of several that are named all are looked at before any is touched.  What is so
already, or on its way there, is left as it is, and is no refusal.
"""

from __future__ import annotations

from collections import Counter

from attrs import define
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.instance_states import (
    StartInstances,
    StartInstancesResponse,
    StopInstances,
    StopInstancesResponse,
)
from euca_tw.api.ec2.instances import (
    InstanceStateChange,
    RebootInstances,
    RebootInstancesResponse,
    TerminateInstances,
    TerminateInstancesResponse,
)
from euca_tw.api.errors import (
    IncorrectInstanceState,
    MissingParameter,
    TerminationProtected,
)
from euca_tw.clc import views
from euca_tw.clc.access import instances_of
from euca_tw.clc.addresses import without_address
from euca_tw.clc.intent import intend
from euca_tw.clc.interfaces import IClusters
from euca_tw.clc.limits import need
from euca_tw.common.clock import utc_now
from euca_tw.common.evolved import evolve
from euca_tw.model.callers import Caller
from euca_tw.model.lifecycle import USER_SHUTDOWN, condemned, starting, stopping
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Instance, InstanceState
from euca_tw.store.interfaces import Change, IStore, Put

_WHY = "User initiated shutdown"


@define(eq=False, kw_only=True)
class Power:
    """The operations that say whether an instance shall run."""

    store: IStore
    clusters: IClusters
    clock: IReactorTime
    quotas: Quotas

    async def stop_instances(
        self, caller: Caller, request: StopInstances
    ) -> StopInstancesResponse:
        """
        Each keeps its disks and its private address, and loses its public one.
        One that stops already may so be hurried.
        """
        before = self._named(caller, request.instance_ids)
        told = await self._change(
            before, [self._halted(each, bool(request.force)) for each in before]
        )
        return StopInstancesResponse(instances=told)

    def _halted(self, instance: Instance, is_forced: bool) -> Instance:
        match instance.state:
            case InstanceState.STOPPED:
                return instance
            case InstanceState.STOPPING:
                return evolve(
                    instance, is_stop_forced=instance.is_stop_forced or is_forced
                )
            case InstanceState.RUNNING:
                # What is told of its last end was told of another.
                return evolve(
                    stopping(self._by_user(instance), USER_SHUTDOWN, _WHY),
                    is_stop_forced=is_forced,
                )
        raise _not_from(instance, "stopped")

    async def start_instances(
        self, caller: Caller, request: StartInstances
    ) -> StartInstancesResponse:
        """
        Each runs again where its disks are, if there is room for it; else it
        stays stopped, and says why.
        """
        before = self._named(caller, request.instance_ids)
        now = utc_now(self.clock)
        after = []
        more: Counter[str] = Counter()
        for each in before:
            if each.state in (InstanceState.PENDING, InstanceState.RUNNING):
                after.append(each)
            elif each.state is InstanceState.STOPPED:
                after.append(starting(each, now))
                more["instances"] += 1
                more["cores"] += each.cores
                more["memory_mib"] += each.memory_mib
            else:
                raise _not_from(each, "started")
        for of, count in more.items():
            need(self.store, self.quotas, caller, of, count)
        return StartInstancesResponse(instances=await self._change(before, after))

    async def reboot_instances(
        self, caller: Caller, request: RebootInstances
    ) -> RebootInstancesResponse:
        """Those that run."""
        before = self._named(caller, request.instance_ids)
        for each in before:
            if each.state is not InstanceState.RUNNING:
                raise _not_from(each, "rebooted")
        await self._change(
            before,
            [evolve(each, reboots_wanted=each.reboots_wanted + 1) for each in before],
        )
        return RebootInstancesResponse()

    async def terminate_instances(
        self, caller: Caller, request: TerminateInstances
    ) -> TerminateInstancesResponse:
        """None of them, if one is protected."""
        before = self._named(caller, request.instance_ids)
        told = await self._change(before, [self._ended(each) for each in before])
        return TerminateInstancesResponse(instances=told)

    def _ended(self, instance: Instance) -> Instance:
        if instance.wanted is InstanceState.TERMINATED or not instance.is_live:
            return instance
        if instance.is_protected:
            raise TerminationProtected(instance.instance_id)
        ending = condemned(instance, USER_SHUTDOWN, _WHY)
        return self._by_user(ending)

    def _by_user(self, instance: Instance) -> Instance:
        now = utc_now(self.clock)
        return evolve(
            instance, transition_reason=f"User initiated ({now:%Y-%m-%d %H:%M:%S} GMT)"
        )

    def _named(self, caller: Caller, ids: tuple[str, ...]) -> list[Instance]:
        if not ids:
            raise MissingParameter("instancesSet")
        return instances_of(self.store, caller, ids)

    async def _change(
        self, before: list[Instance], after: list[Instance]
    ) -> tuple[InstanceStateChange, ...]:
        """Have it be so, and tell what has changed."""
        # Those that do not change too: so this waits for what has changed them.
        changes: list[Change] = [Put(each) for each in after]
        for each in after:
            if each.wanted is not InstanceState.RUNNING:
                changes.extend(without_address(self.store, each.instance_id))
        await intend(
            self.store, self.clusters, changes, [each for each in after if each.is_live]
        )
        return tuple(map(views.state_change, before, after))


def _not_from(instance: Instance, action: str) -> IncorrectInstanceState:
    return IncorrectInstanceState(instance.instance_id, instance.state.value, action)
