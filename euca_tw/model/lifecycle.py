"""
The life of an instance, as the tiers tell it and as users are told.

Nodes and clusters know three phases, the original's: L{Phase}.  Users know
EC2's four states.  A life goes forward only; here is what may follow what, and
the changes to an L{Instance} record that each step forward is.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum

from attrs import evolve

from euca_tw.model.records import Instance, InstanceState


class Phase(Enum):
    """
    What nodes say.

    PENDING: accepted, on its way.  EXTANT: its domain runs.  TEARDOWN: it has
    ended, its domain is gone, its card is taken off; this does not change.
    """

    PENDING = "Pending"
    EXTANT = "Extant"
    TEARDOWN = "Teardown"


class Wanted(Enum):
    """What a tier below the cloud shall do with an instance."""

    RUNNING = "running"
    ENDED = "ended"


#: EC2's codes of why a state was reached.
USER_SHUTDOWN = "Client.UserInitiatedShutdown"
INSTANCE_SHUTDOWN = "Client.InstanceInitiatedShutdown"
NO_CAPACITY = "Server.InsufficientInstanceCapacity"
SERVER_ERROR = "Server.InternalError"

#: What may follow each state.
FOLLOWS: dict[InstanceState, frozenset[InstanceState]] = {
    InstanceState.PENDING: frozenset(
        {
            InstanceState.RUNNING,
            InstanceState.SHUTTING_DOWN,
            InstanceState.TERMINATED,
        }
    ),
    InstanceState.RUNNING: frozenset(
        {InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED}
    ),
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
        private_ip=private_ip,
        node=node,
        is_silent=False,
    )


def condemned(instance: Instance, reason_code: str, reason: str) -> Instance:
    """
    It shall end.  A reason that stands already is the earlier one, and stays.
    """
    state = instance.state
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


def _with_reason(instance: Instance, code: str, reason: str) -> Instance:
    if instance.state_reason_code.startswith(("Client.", "Server.")):
        return instance
    return evolve(
        instance,
        state_reason_code=code,
        state_reason=reason,
        transition_reason=instance.transition_reason or f"{code}: {reason}",
    )
