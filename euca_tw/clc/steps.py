"""The steps of the cloud's plan: what one cluster is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IReactorTime

from euca_tw.api import cluster as api
from euca_tw.api.shapes import Operation
from euca_tw.clc.orders import behavior_told
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.common.batch import Batch
from euca_tw.common.convergence import Setback
from euca_tw.model.records import Instance
from euca_tw.soap.interfaces import IPeer, PeerRefused, PeerUnreachable

#: In whose name clusters are spoken to.
_CLOUD = "eucalyptus"
_TERMINATE = api.CLUSTER.named("TerminateInstances")
_DESCRIBE = api.CLUSTER.named("DescribeInstances")
_REBOOT = api.CLUSTER.named("RebootInstances")


class Steps:
    """
    Talks to one cluster; everything is idempotent by instance, but a reboot.
    What is told of many instances in one turn is one message.
    """

    def __init__(
        self, peer: IPeer, clock: IReactorTime, settings: ConvergenceSettings
    ) -> None:
        self._peer = peer
        self._timeout_s = settings.call_timeout_s
        self._launches: Batch[api.Launch, api.RefusedLaunch | None] = Batch(
            clock, self._launch
        )
        self._ends: Batch[str, None] = Batch(clock, self._terminate)
        self._looks: Batch[str, bool] = Batch(clock, self._look)
        self._stops: Batch[api.Stop, None] = Batch(clock, self._stop)
        self._starts: Batch[api.Launch, api.RefusedLaunch | None] = Batch(
            clock, self._start
        )

    async def launch(self, launch: api.Launch) -> api.RefusedLaunch | None:
        """
        Have the cluster take an instance on.

        @return: why it will not; None if it has.
        @raise Setback: nothing is known.
        """
        return await self._launches.ask(launch)

    async def terminate(self, instance_id: str) -> None:
        """
        Have the cluster end an instance, and never launch it again.

        @raise Setback: nothing is known.
        """
        await self._ends.ask(instance_id)

    async def has(self, instance_id: str) -> bool:
        """
        Whether the cluster has given an instance to a node, and so has to end it.

        @raise Setback: nothing is known.
        """
        return await self._looks.ask(instance_id)

    async def halt(self, instance: Instance) -> None:
        """
        Have the cluster stop an instance, if it was not started since.

        @raise Setback: nothing is known.
        """
        await self._stops.ask(
            api.Stop(
                instance_id=instance.instance_id,
                starts=instance.starts,
                is_forced=instance.is_stop_forced,
            )
        )

    async def start_again(self, launch: api.Launch) -> api.RefusedLaunch | None:
        """
        Have the cluster run again an instance that has stopped there.

        @return: why it will not, for now; None if it will.
        @raise Setback: nothing is known.
        """
        return await self._starts.ask(launch)

    async def reboot(self, instance_id: str) -> None:
        """
        Have the cluster reboot an instance.

        @raise Setback: nothing is known.
        """
        await self._call(_REBOOT, api.RebootInstances(instance_ids=(instance_id,)))

    async def tell_behavior(self, instance_id: str, stops_itself: bool) -> None:
        """
        Have an instance's node know what becomes of it when its guest switches it
        off.

        @raise Setback: nothing is known.
        """
        request = api.SetShutdownBehavior(
            user_id=_CLOUD,
            instance_id=instance_id,
            shutdown_behavior=behavior_told(stops_itself),
        )
        await self._call(api.SET_SHUTDOWN_BEHAVIOR, request)

    def stop(self) -> Deferred[Any]:
        """Break off what is under way."""
        batches = (
            *(self._launches, self._ends, self._looks),
            *(self._stops, self._starts),
        )
        return DeferredList([each.stop() for each in batches])

    async def _launch(
        self, launches: Sequence[api.Launch]
    ) -> list[api.RefusedLaunch | None]:
        request = api.LaunchInstances(user_id=_CLOUD, launches=tuple(launches))
        told = await self._call(api.LAUNCH_INSTANCES, request)
        refused = {each.instance_id: each for each in told.refused}
        return [refused.get(each.instance_id) for each in launches]

    async def _start(
        self, launches: Sequence[api.Launch]
    ) -> list[api.RefusedLaunch | None]:
        request = api.StartInstances(user_id=_CLOUD, launches=tuple(launches))
        told = await self._call(api.START_INSTANCES, request)
        refused = {each.instance_id: each for each in told.refused}
        return [refused.get(each.instance_id) for each in launches]

    async def _stop(self, stops: Sequence[api.Stop]) -> list[None]:
        request = api.StopInstances(user_id=_CLOUD, stops=tuple(stops))
        await self._call(api.STOP_INSTANCES, request)
        return [None for _ in stops]

    async def _terminate(self, instance_ids: Sequence[str]) -> list[None]:
        request = api.TerminateInstances(
            user_id=_CLOUD, instance_ids=tuple(instance_ids)
        )
        await self._call(_TERMINATE, request)
        return [None for _ in instance_ids]

    async def _look(self, instance_ids: Sequence[str]) -> list[bool]:
        request = api.DescribeInstances(
            user_id=_CLOUD, instance_ids=tuple(instance_ids)
        )
        told = await self._call(_DESCRIBE, request)
        known = {each.instance_id for each in told.instances}
        return [each in known for each in instance_ids]

    async def _call(self, operation: Operation, request: Any) -> Any:
        try:
            return await self._peer.call(operation, request, self._timeout_s)
        except (PeerUnreachable, PeerRefused) as e:
            raise Setback(str(e)) from None
