"""
The steps for an instance, taken: its cluster is told, and what came of it is kept.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from euca_tw.api import cluster as api
from euca_tw.clc import decisions, orders, plan
from euca_tw.clc.interfaces import IImageStore
from euca_tw.clc.network_entries import network_of
from euca_tw.clc.steps import Steps
from euca_tw.common.clock import utc_now
from euca_tw.common.convergence import Setback
from euca_tw.common.evolved import evolve
from euca_tw.model.lifecycle import (
    NO_CAPACITY,
    SERVER_ERROR,
    may_stay_stopped,
    stopped,
    terminated,
)
from euca_tw.model.records import GroupNetwork, Image, Instance
from euca_tw.store.interfaces import IStore


@frozen(eq=False, kw_only=True)
class Taking:
    """
    @ivar network_mode: see L{orders.launch}.
    @ivar refusals: why the cluster did not take what was launched, by instance.
    @ivar seen: what the cluster says of an instance.
    @ivar become: has an instance be another.
    """

    store: IStore
    images: IImageStore
    clock: IReactorTime
    network_mode: str | None
    steps: Steps
    refusals: dict[str, api.RefusedLaunch]
    seen: Callable[[str], plan.Seen]
    become: Callable[[Instance, Instance], Awaitable[None]]

    async def take(self, instance_id: str, step: decisions.Step) -> None:
        """@raise Setback: it could not be taken now."""
        if isinstance(step, decisions.Terminate):
            # Also one that nobody knows any more.
            await self.steps.terminate(instance_id)
            await self._terminated(instance_id)
        record = self.store.get(Instance, instance_id)
        if record is None:
            return
        match step:
            case decisions.Launch():
                await self._launch(record)
            case decisions.Start():
                await self._start(record)
            case decisions.TellBehavior(stops_itself):
                await self.steps.tell_behavior(instance_id, stops_itself)
                await self._note(instance_id, is_told_to_stop=stops_itself)
            case decisions.Stop():
                await self.steps.halt(record)
            case decisions.Reboot(count):
                await self.steps.reboot(instance_id)
                await self._note(instance_id, reboots_done=count)

    def _order(self, record: Instance) -> api.Launch:
        """@raise orders.ImageGone:"""
        kept = self.store.get(GroupNetwork, str(record.network))
        return orders.launch(
            record,
            lambda of: self.store.get(Image, of),
            self.images.url_of,
            network_of(kept) if kept is not None else None,
            self.network_mode,
        )

    async def _start(self, record: Instance) -> None:
        """Of one that is refused it is told why, and no more is tried."""
        try:
            launch = self._order(record)
        except orders.ImageGone as e:
            code, why = SERVER_ERROR, f"The image {e} is not there any more"
        else:
            refusal = await self.steps.start_again(launch)
            if refusal is None:
                return
            code, why = NO_CAPACITY, refusal.reason
        now = self.store.get(Instance, record.instance_id)
        # Its user may have ended it meanwhile.
        if now is not None and may_stay_stopped(now, record.starts):
            await self.become(now, stopped(now, code, why))

    async def _launch(self, record: Instance) -> None:
        name = record.instance_id
        try:
            launch = self._order(record)
        except orders.ImageGone as e:
            why = f"The image {e} is not there any more"
            await self.become(
                record, terminated(record, utc_now(self.clock), SERVER_ERROR, why)
            )
            return
        refusal = await self.steps.launch(launch)
        if refusal is None:
            self.refusals.pop(name, None)
            return
        self.refusals[name] = refusal
        if not refusal.is_final:
            raise Setback(refusal.reason)

    async def _terminated(self, instance_id: str) -> None:
        """
        Its cluster will not launch it any more.

        @raise Setback: it cannot be asked whether it has.
        """
        record = self.store.get(Instance, instance_id)
        if record is None or not plan.may_be_nowhere(record, self.seen(instance_id)):
            return
        if await self.steps.has(instance_id):
            return
        now = self.store.get(Instance, instance_id)
        if now is not None and plan.may_be_nowhere(now, self.seen(instance_id)):
            await self.become(now, plan.never_placed(now, utc_now(self.clock)))

    async def _note(self, instance_id: str, **done: Any) -> None:
        """What has been done is kept, if the instance is."""
        record = self.store.get(Instance, instance_id)
        if record is not None:
            await self.become(record, evolve(record, **done))


__all__ = ["Taking"]
