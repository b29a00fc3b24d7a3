"""
The life of an instance, as the tiers tell it and as users are told.

Nodes and clusters tell the original's three states, and a word besides of what
is stopped, stops or starts again: all in all five L{Phase}s.  Users know EC2's
six states.  Here is what may follow what, and the changes to an L{Instance}
record that each step is.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from euca_tw.common.evolved import evolve
from euca_tw.model.records import Instance, InstanceState


class Phase(Enum):
    """
    What nodes say.

    PENDING: accepted, on its way.  EXTANT: its domain runs.  STOPPING: its guest
    shuts itself down.  STOPPED: its domain is gone, its card is taken off, its
    disk is kept.  TEARDOWN: it has ended, all of these are gone; this does not
    change.
    """

    PENDING = "Pending"
    EXTANT = "Extant"
    STOPPING = "Stopping"
    STOPPED = "Stopped"
    TEARDOWN = "Teardown"


#: What is told of a phase besides the original's name of the state.
LIVES = {
    "starting": Phase.PENDING,
    "stopping": Phase.STOPPING,
    "stopped": Phase.STOPPED,
}
_TOLD: dict[Phase, str] = {
    phase: life for life, phase in LIVES.items() if phase is not Phase.PENDING
}


def phase_told(state_name: str, life: str | None) -> Phase:
    """
    @param state_name: C{Pending}, C{Extant} or C{Teardown}.
    @param life: C{starting}, C{stopping} or C{stopped}, of what has run; a word
        that is not known says nothing.
    @raise ValueError: there is no such state.
    """
    return LIVES.get(life or "") or Phase(state_name)


def words_of(phase: Phase) -> tuple[str, str | None]:
    """What L{phase_told} reads."""
    life = _TOLD.get(phase)
    return (Phase.EXTANT if life else phase).value, life


class Wanted(Enum):
    """What a tier below the cloud shall do with an instance."""

    RUNNING = "running"
    STOPPED = "stopped"
    ENDED = "ended"


#: EC2's codes of why a state was reached.
USER_SHUTDOWN = "Client.UserInitiatedShutdown"
INSTANCE_SHUTDOWN = "Client.InstanceInitiatedShutdown"
NO_CAPACITY = "Server.InsufficientInstanceCapacity"
SERVER_ERROR = "Server.InternalError"

_ENDS = (InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED)

#: What may follow each state.
FOLLOWS: dict[InstanceState, frozenset[InstanceState]] = {
    InstanceState.PENDING: frozenset(
        {
            InstanceState.RUNNING,
            # It was started anew, and that failed, or it switched itself off.
            InstanceState.STOPPING,
            InstanceState.STOPPED,
            *_ENDS,
        }
    ),
    InstanceState.RUNNING: frozenset(
        {InstanceState.STOPPING, InstanceState.STOPPED, *_ENDS}
    ),
    InstanceState.STOPPING: frozenset({InstanceState.STOPPED, *_ENDS}),
    InstanceState.STOPPED: frozenset({InstanceState.PENDING, *_ENDS}),
    InstanceState.SHUTTING_DOWN: frozenset({InstanceState.TERMINATED}),
    InstanceState.TERMINATED: frozenset(),
}


def may_follow(before: InstanceState, after: InstanceState) -> bool:
    """Whether an instance may come from one state into the other."""
    return after in FOLLOWS[before]


def running(instance: Instance, private_ip: str, node: str) -> Instance:
    """It runs."""
    assert may_follow(instance.state, InstanceState.RUNNING)
    return evolve(
        instance,
        state=InstanceState.RUNNING,
        state_reason_code="",
        state_reason="",
        transition_reason="",
        private_ip=private_ip,
        node=node,
        is_silent=False,
    )


def stopping(instance: Instance, reason_code: str, reason: str) -> Instance:
    """It shall stop, and keep its disk and its private address."""
    assert may_follow(instance.state, InstanceState.STOPPING)
    return _halting(instance, InstanceState.STOPPING, reason_code, reason)


def stopped(instance: Instance, reason_code: str, reason: str) -> Instance:
    """It has stopped.  Of what was asked to, the reason stands already."""
    assert may_follow(instance.state, InstanceState.STOPPED)
    return _halting(instance, InstanceState.STOPPED, reason_code, reason)


def _halting(
    instance: Instance, state: InstanceState, reason_code: str, reason: str
) -> Instance:
    return _with_reason(
        evolve(
            instance,
            wanted=InstanceState.STOPPED,
            state=state,
            # What was asked for before is not done after the next start.
            reboots_done=instance.reboots_wanted,
        ),
        reason_code,
        reason,
    )


def may_stay_stopped(instance: Instance, starts: int) -> bool:
    """Whether that start of it is what is under way still."""
    is_starting = instance.state is InstanceState.PENDING
    return is_starting and 0 < starts == instance.starts


def starting(instance: Instance, now: datetime) -> Instance:
    """A stopped one shall run again."""
    assert may_follow(instance.state, InstanceState.PENDING)
    return evolve(
        instance,
        wanted=InstanceState.RUNNING,
        state=InstanceState.PENDING,
        state_reason_code="",
        state_reason="",
        transition_reason="",
        starts=instance.starts + 1,
        started_at=now,
        is_stop_forced=False,
        is_told_to_stop=instance.stops_itself,
    )


def condemned(instance: Instance, reason_code: str, reason: str) -> Instance:
    """
    It shall end.  A reason that stands already is the earlier one, and stays.
    """
    state, instance = instance.state, _without_old_reason(instance)
    if may_follow(state, InstanceState.SHUTTING_DOWN):
        state = InstanceState.SHUTTING_DOWN
    return _with_reason(
        evolve(instance, wanted=InstanceState.TERMINATED, state=state),
        reason_code,
        reason,
    )


def terminated(
    instance: Instance, now: datetime, reason_code: str, reason: str
) -> Instance:
    """It has ended: what it held may be given to others."""
    assert may_follow(instance.state, InstanceState.TERMINATED)
    instance = _without_old_reason(instance)
    return _with_reason(
        evolve(
            instance,
            wanted=InstanceState.TERMINATED,
            state=InstanceState.TERMINATED,
            ended_at=now,
            is_silent=False,
        ),
        reason_code,
        reason,
    )


def _without_old_reason(instance: Instance) -> Instance:
    """Why it stopped is not why it ends."""
    if instance.state not in (InstanceState.STOPPING, InstanceState.STOPPED):
        return instance
    return evolve(instance, state_reason_code="", state_reason="", transition_reason="")


def _with_reason(instance: Instance, code: str, reason: str) -> Instance:
    if instance.state_reason_code.startswith(("Client.", "Server.")):
        return instance
    return evolve(
        instance,
        state_reason_code=code,
        state_reason=reason,
        transition_reason=instance.transition_reason or f"{code}: {reason}",
    )
