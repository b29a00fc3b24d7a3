"""What a node keeps: one record for each instance that it was told of."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import evolve, frozen

from euca_tw.api.cluster import Launch
from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.lifecycle import Phase, Wanted


@frozen(kw_only=True)
class HostedInstance:
    """
    An instance that shall be here, is, or has ended.

    @ivar launch: as it was asked for; None: it was ended before it ever came,
        and is remembered so that it will not be launched too late.
    @ivar wanted: ENDED once it was asked to end, ended by itself or failed.
    @ivar began_at: when it was accepted.
    @ivar ended_at: when TEARDOWN was reached.
    @ivar is_clean: its disk is deleted (its console is not, yet).
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    instance_id: str
    launch: Launch | None
    wanted: Wanted = Wanted.RUNNING
    phase: Phase = Phase.PENDING
    reason_code: str = ""
    reason: str = ""
    began_at: datetime
    ended_at: datetime | None = None
    is_clean: bool = False

    @property
    def key(self) -> str:
        return self.instance_id


#: Every kind of record that a node controller keeps.
NODE_RECORDS: tuple[type, ...] = (HostedInstance,)


def condemned(record: HostedInstance, reason_code: str, reason: str) -> HostedInstance:
    """It shall end; the first reason stays."""
    if record.wanted is Wanted.ENDED:
        return record
    return evolve(record, wanted=Wanted.ENDED, reason_code=reason_code, reason=reason)


def needs(launch: Launch) -> Resources:
    """What an instance takes of its node."""
    of = launch.instance_type
    return Resources(
        cores=of.cores or 0, memory_mib=of.memory or 0, disk_gib=of.disk or 0
    )


def held(record: HostedInstance) -> Resources:
    """What an instance takes of its node at this point of its life."""
    if record.launch is None or record.is_clean:
        return NOTHING
    whole = needs(record.launch)
    if record.phase is Phase.TEARDOWN:
        return evolve(NOTHING, disk_gib=whole.disk_gib)
    return whole
