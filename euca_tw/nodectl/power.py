"""
Instances that shall stop and keep their disk, and start again from it.

What is asked carries the number of the instance's starts, so that of a stop and
a start it does not matter which comes late, or twice.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import define, evolve

from euca_tw.api.cluster import Launch
from euca_tw.nodectl.accounting import Ledger
from euca_tw.nodectl.converge import Guests
from euca_tw.nodectl.life import Goal
from euca_tw.nodectl.records import HostedInstance, held
from euca_tw.store.interfaces import IStore


@define(eq=False)
class Power:
    """@ivar now: tells the time."""

    _store: IStore
    _guests: Guests
    _ledger: Ledger
    _now: Callable[[], datetime]

    async def stop(
        self, instance_id: str, *, is_forced: bool = False, starts: int | None = None
    ) -> str:
        """
        Have an instance stopped: its guest is asked to shut down, its domain
        ends, its disk is kept.

        @param is_forced: its guest is not waited for.
        @param starts: how often it was started when this was asked; None:
            whatever it is.
        @return: why not; C{""} if it is, is stopped already, or was started
            since.
        """
        record = self._store.get(HostedInstance, instance_id)
        if record is None or record.launch is None:
            return "it is not here"
        if record.wanted is Goal.ENDED or not record.has_run:
            return f"it is {record.life.value}"
        asked_at = record.starts if starts is None else starts
        if record.starts > asked_at:
            return ""
        launch = record.launch
        if asked_at > record.starts:
            # A start that was asked before this, and comes after, is too late.
            launch = evolve(launch, starts=asked_at)  # type: ignore[misc]
        stopping = evolve(
            record,
            wanted=Goal.STOPPED,
            launch=launch,
            is_forced=record.is_forced or is_forced,
            is_off_for_image=False,
        )
        if stopping != record:
            await self._guests.keep(stopping)
        return ""

    async def start(self, instance_id: str, launch: Launch | None = None) -> str:
        """
        Have a stopped instance run again, from the disk that it had.

        @param launch: as what it shall run from now on; None: as it was.
        @return: why not; C{""} if it does, or was started so often before.
        """
        record = self._store.get(HostedInstance, instance_id)
        if record is None or record.launch is None:
            return "it is not here"
        if record.wanted is Goal.ENDED:
            return f"it is {record.life.value}"
        if launch is None:
            if record.wanted is Goal.RUNNING:
                return ""
            count = record.starts + 1
            launch = evolve(record.launch, starts=count)  # type: ignore[misc]
        if (launch.starts or 0) <= record.starts:
            return ""
        starting = evolve(
            record,
            wanted=Goal.RUNNING,
            launch=launch,
            began_at=self._now(),
            reason_code="",
            reason="",
            is_forced=False,
            is_off_for_image=False,
        )
        refusal = self._ledger.refusal(held(starting) - held(record))
        if refusal:
            return refusal
        kept = self._guests.keep(starting)
        self._ledger.hold(instance_id, held(starting))
        await kept
        return ""

    async def set_behavior(self, instance_id: str, behavior: str | None) -> bool:
        """
        Say what becomes of an instance when its guest switches itself off.

        @param behavior: as L{Launch.shutdown_behavior}.
        @return: it is here.
        """
        record = self._store.get(HostedInstance, instance_id)
        if record is None or record.launch is None:
            return False
        launch = evolve(  # type: ignore[misc]
            record.launch, shutdown_behavior=behavior
        )
        if launch != record.launch:
            await self._guests.keep(evolve(record, launch=launch))
        return True
