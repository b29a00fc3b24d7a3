"""
What becomes of a placement by what the cloud asks, or a node tells first.  Pure.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.cluster import Launch, RefusedLaunch, Stop
from euca_tw.api.node import NcChangedInstance
from euca_tw.cc.records import NODE_LOST, Placement, ended
from euca_tw.common.evolved import evolve
from euca_tw.model.lifecycle import (
    SERVER_ERROR,
    USER_SHUTDOWN,
    Phase,
    Wanted,
    phase_told,
)

_WANTED = {
    Phase.TEARDOWN: Wanted.ENDED,
    Phase.STOPPING: Wanted.STOPPED,
    Phase.STOPPED: Wanted.STOPPED,
}


def ending(known: Placement) -> Placement:
    """It shall end; why it stopped, if it did, is not why."""
    if known.wanted is Wanted.ENDED:
        return known
    return evolve(known, wanted=Wanted.ENDED, reason_code="", reason="")


def halting(known: Placement, stop: Stop) -> Placement:
    """It shall stop, if it was not started since that was asked."""
    if known.wanted is Wanted.ENDED or known.starts > stop.starts:
        return known
    return evolve(
        known,
        wanted=Wanted.STOPPED,
        starts=stop.starts,
        is_forced=known.is_forced or stop.is_forced,
    )


def starting(known: Placement, launch: Launch) -> Placement:
    """It shall run again, as that, if it was not started so often before."""
    starts = launch.starts or 0
    if known.wanted is Wanted.ENDED or known.starts >= starts:
        return known
    return evolve(
        known,
        launch=launch,
        wanted=Wanted.RUNNING,
        starts=starts,
        is_forced=False,
        reason_code="",
        reason="",
    )


def stays(known: Placement) -> Placement:
    """Its node would not start it: as before that was asked, so it may be again."""
    return evolve(known, wanted=Wanted.STOPPED, starts=known.starts_told)


def learned(
    told: NcChangedInstance, node: str, now: datetime, *, is_lost: bool = False
) -> Placement:
    """
    An instance that a node tells of, and nobody gave to it.

    @param is_lost: the node was declared so: what it tells of has ended, for here.
    """
    phase = phase_of(told)
    wanted = _WANTED.get(phase, Wanted.RUNNING)
    is_told_why = wanted is not Wanted.RUNNING
    found = Placement(
        instance_id=told.instance.instance_id,
        launch=None,
        node=node,
        wanted=wanted,
        phase=phase,
        reason_code=(told.reason_code or "") if is_told_why else "",
        reason=(told.reason or "") if is_told_why else "",
        was_seen=True,
        placed_at=now,
        ended_at=now if phase is Phase.TEARDOWN else None,
        starts=told.starts or 0,
        starts_told=told.starts or 0,
    )
    if is_lost and phase is not Phase.TEARDOWN:
        return ended(found, now, SERVER_ERROR, NODE_LOST)
    return found


def never_placed(instance_id: str, now: datetime) -> Placement:
    """It is to be known as ended, should it ever come."""
    return Placement(
        instance_id=instance_id,
        launch=None,
        node="",
        wanted=Wanted.ENDED,
        reason_code=USER_SHUTDOWN,
        reason="It was ended before it was placed",
        placed_at=now,
    )


def refused(launch: Launch, reason: str, *, is_final: bool) -> RefusedLaunch:
    """The cloud is told why it will not be done, and whether ever."""
    return RefusedLaunch(
        instance_id=launch.instance_id, reason=reason, is_final=is_final
    )


def phase_of(told: NcChangedInstance) -> Phase:
    """What a node says of it."""
    return phase_told(told.instance.state_name, told.life)
