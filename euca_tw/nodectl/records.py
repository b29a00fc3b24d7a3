"""What a node keeps: one record for each instance that it was told of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from attrs import frozen

from euca_tw.api.cluster import Launch
from euca_tw.common.evolved import evolve
from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.lifecycle import Phase
from euca_tw.nodectl.life import FOLLOWS, Goal, Life, phase_of
from euca_tw.nodectl.making_records import ImageMaking
from euca_tw.overlay.kept import OVERLAY_RECORDS


def _with_life(body: dict[str, Any]) -> dict[str, Any]:
    """At first a record had the phase that is told, and no steps within it."""
    phase, is_condemned = body.pop("phase"), body["wanted"] == "ended"
    life = {"Pending": "staging", "Extant": "running", "Teardown": "terminated"}[phase]
    if is_condemned and life != "terminated":
        life = "shutting-down"
    return {**body, "life": life, "has_run": phase == "Extant"}


@frozen(kw_only=True)
class HostedInstance:
    """
    An instance that shall be here, is, or has ended.

    @ivar launch: as it was asked for; None: it was ended before it ever came,
        and is remembered so that it will not be launched too late.
    @ivar wanted: ENDED once it was asked to end, ended by itself or failed.
    @ivar has_run: its domain was seen to run.
    @ivar began_at: when it was accepted, or was last to start.
    @ivar since: from when on its guest is given time to shut itself down.
    @ivar is_forced: it is given none when it is stopped.
    @ivar is_off_for_image: it stops, is stopped or comes up again, and nobody
        has asked for that: an image is made of its disk.
    @ivar was_off: it had no domain, and was to have none, when it was to end.
    @ivar ended_at: when it was TERMINATED.
    @ivar is_clean: its disk is deleted (its console is not, yet).
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()
    UPGRADES: ClassVar[tuple[Callable[[dict[str, Any]], dict[str, Any]], ...]] = (
        _with_life,
    )

    instance_id: str
    launch: Launch | None
    wanted: Goal = Goal.RUNNING
    life: Life = Life.STAGING
    has_run: bool = False
    reason_code: str = ""
    reason: str = ""
    began_at: datetime
    since: datetime | None = None
    ended_at: datetime | None = None
    is_clean: bool = False
    is_forced: bool = False
    is_off_for_image: bool = False
    was_off: bool = False

    @property
    def key(self) -> str:
        return self.instance_id

    @property
    def starts(self) -> int:
        """How often it was started anew."""
        return (self.launch.starts or 0) if self.launch else 0

    @property
    def stops_itself(self) -> bool:
        """When its guest switches itself off, it is stopped and not ended."""
        may = self.launch is not None and self.launch.shutdown_behavior == "stop"
        return may and Life.STOPPING in FOLLOWS[self.life]

    @property
    def is_starting(self) -> bool:
        """It has run, was stopped by its user, and shall run again."""
        if self.is_off_for_image:
            return False
        is_down = self.life in (Life.STOPPING, Life.STOPPED, Life.BOOTING)
        return self.has_run and is_down and self.wanted is Goal.RUNNING

    @property
    def phase(self) -> Phase:
        """As it is told."""
        return phase_of(self.life, self.has_run)


#: Every kind of record that a node controller keeps.
NODE_RECORDS: tuple[type, ...] = (HostedInstance, ImageMaking, *OVERLAY_RECORDS)


def moved(record: HostedInstance, life: Life, **changes: Any) -> HostedInstance:
    """It has come to another step of its life."""
    assert life in FOLLOWS[record.life], f"{record.life} to {life}"
    return evolve(record, life=life, **changes)


def condemned(
    record: HostedInstance, reason_code: str, reason: str, now: datetime
) -> HostedInstance:
    """It shall end; the first reason stays."""
    if record.wanted is Goal.ENDED:
        return record
    ending = evolve(
        record,
        wanted=Goal.ENDED,
        reason_code=reason_code,
        reason=reason,
        was_off=_is_off(record),
    )
    if Life.SHUTTING_DOWN in FOLLOWS[record.life]:
        ending = evolve(ending, life=Life.SHUTTING_DOWN, since=now)
    return ending


def halted(
    record: HostedInstance, reason_code: str, reason: str, now: datetime
) -> HostedInstance:
    """It stops, without having been asked to."""
    return moved(
        record,
        Life.STOPPING,
        wanted=Goal.STOPPED,
        since=now,
        reason_code=reason_code,
        reason=reason,
    )


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
    is_off = _is_off(record) or record.was_off or record.life is Life.TERMINATED
    return evolve(NOTHING, disk_gib=whole.disk_gib) if is_off else whole


def _is_off(record: HostedInstance) -> bool:
    """It has no domain, and shall have none."""
    return record.life is Life.STOPPED and record.wanted is not Goal.RUNNING
