"""
What the cloud does next for one instance.

L{TABLE} holds what the user asked for (wanted) and what users were told (state)
against what the instance's cluster says (look), the whole product.

An instance ends only when its node says so, through its cluster.  What the
cluster does not know may be on a node that does not answer; so

 - one that never ran is launched again: clusters take a launch once;
 - one that ran stays as it is, told to be silent, until its cluster knows it
   again or its user ends it;
 - one that shall end is asked to end, again and again.  One that was never on
   any node, as far as was ever told, has ended when the cluster has said that
   it will not launch it any more.

A cluster or a node that the site took out of its configuration is lost: what
was there can be ended by its user, and has ended then.  It is not ended for
him, since a slip in a configuration must not end what runs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto

from attrs import evolve, frozen

from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import (
    NO_CAPACITY,
    SERVER_ERROR,
    Phase,
    condemned,
    running,
    terminated,
)
from euca_tw.model.records import Instance, InstanceState


class Look(Enum):
    """
    What an instance's cluster says of it.

    UNHEARD: the cluster does not answer, or has not yet told all.  MISSING:
    it does not know it.  LOST: the site has no such cluster any more.
    """

    UNHEARD = auto()
    MISSING = auto()
    PENDING = auto()
    EXTANT = auto()
    TEARDOWN = auto()
    LOST = auto()


LOOKS = {
    Phase.PENDING: Look.PENDING,
    Phase.EXTANT: Look.EXTANT,
    Phase.TEARDOWN: Look.TEARDOWN,
}


@frozen(kw_only=True)
class Seen:
    """
    What a cluster says of an instance.

    @ivar refusal: why it was not taken, when it was last launched.
    @ivar is_refusal_final: it will not be later either.
    @ivar is_silent: its cluster or its node has not been heard of for long.
    """

    look: Look
    private_ip: str = ""
    node: str = ""
    reason_code: str = ""
    reason: str = ""
    refusal: str = ""
    is_refusal_final: bool = False
    is_silent: bool = False


@frozen(kw_only=True)
class Limits:
    """As L{euca_tw.clc.settings.ConvergenceSettings} has them."""

    launch_deadline_s: float
    ended_kept_s: float


@frozen
class Become:
    """Keep this of the instance from now on."""

    instance: Instance


@frozen
class Launch:
    """Have its cluster take it on."""


@frozen
class Terminate:
    """Have its cluster end it."""


@frozen
class Reboot:
    """
    Have its cluster reboot it.

    @ivar count: how many of the reboots asked for are done then.
    """

    count: int


@frozen
class Forget:
    """Keep nothing of it."""


Step = Launch | Terminate | Reboot | Forget
Decision = Step | Become | Rest


@frozen(kw_only=True)
class _Case:
    instance: Instance
    seen: Seen
    now: datetime
    limits: Limits

    @property
    def deadline(self) -> float:
        return self.instance.launched_at.timestamp() + self.limits.launch_deadline_s

    @property
    def is_overdue(self) -> bool:
        return self.now.timestamp() >= self.deadline

    def refreshed(self) -> Instance:
        """The record with what is told of where and how it is."""
        seen, instance = self.seen, self.instance
        return evolve(
            instance,
            private_ip=seen.private_ip or instance.private_ip,
            node=seen.node or instance.node,
            is_silent=seen.is_silent,
        )


def _rest(case: _Case) -> Decision:
    """Nothing to do, but to note what is told."""
    refreshed = case.refreshed()
    return Rest() if refreshed == case.instance else Become(refreshed)


def _launch(case: _Case) -> Decision:
    seen = case.seen
    if seen.is_refusal_final:
        ended = terminated(case.instance, case.now, NO_CAPACITY, seen.refusal)
        return Become(ended)
    if case.is_overdue:
        why = seen.refusal or "It could not be placed in time"
        return Become(condemned(case.instance, NO_CAPACITY, why))
    return Launch()


def _come(case: _Case) -> Decision:
    """It is on its way, as far as is known."""
    if case.is_overdue:
        why = case.seen.reason or "It did not run in time"
        return Become(condemned(case.instance, SERVER_ERROR, why))
    decision = _rest(case)
    return Rest(case.deadline) if isinstance(decision, Rest) else decision


def _runs(case: _Case) -> Decision:
    seen = case.seen
    return Become(running(case.refreshed(), seen.private_ip, seen.node))


def _serve(case: _Case) -> Decision:
    decision = _rest(case)
    instance = case.instance
    if isinstance(decision, Rest) and instance.reboots_wanted > instance.reboots_done:
        return Reboot(instance.reboots_wanted)
    return decision


def _missed(case: _Case) -> Decision:
    """It ran, and nobody knows it now."""
    instance = evolve(case.instance, is_silent=True)
    return Rest() if instance == case.instance else Become(instance)


def _ended(case: _Case) -> Decision:
    code = case.seen.reason_code or SERVER_ERROR
    return Become(terminated(case.instance, case.now, code, case.seen.reason))


def _condemn(case: _Case) -> Decision:
    """What shall not be is on its way out, whatever else was told."""
    return Become(condemned(case.instance, SERVER_ERROR, "It has ended"))


def _terminate(case: _Case) -> Decision:
    decision = _rest(case)
    return Terminate() if isinstance(decision, Rest) else decision


def _lost(case: _Case) -> Decision:
    why = "Its cluster was taken out of the cloud"
    return Become(terminated(case.instance, case.now, SERVER_ERROR, why))


def _retire(case: _Case) -> Decision:
    ended_at = case.instance.ended_at or case.instance.launched_at
    until = ended_at.timestamp() + case.limits.ended_kept_s
    return Rest(until) if case.now.timestamp() < until else Forget()


def _end_again(case: _Case) -> Decision:
    """It came back from far away."""
    return Terminate()


_R, _E = InstanceState.RUNNING, InstanceState.TERMINATED
_PENDING, _RUNNING = InstanceState.PENDING, InstanceState.RUNNING
_ENDING, _ENDED = InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED

TABLE: dict[tuple[InstanceState, InstanceState, Look], Callable[[_Case], Decision]] = {
    # Shall run, does not yet.
    (_R, _PENDING, Look.UNHEARD): _come,
    (_R, _PENDING, Look.MISSING): _launch,
    (_R, _PENDING, Look.PENDING): _come,
    (_R, _PENDING, Look.EXTANT): _runs,
    (_R, _PENDING, Look.TEARDOWN): _ended,
    (_R, _PENDING, Look.LOST): _come,
    # Shall run, and does.
    (_R, _RUNNING, Look.UNHEARD): _rest,
    (_R, _RUNNING, Look.MISSING): _missed,
    (_R, _RUNNING, Look.PENDING): _rest,
    (_R, _RUNNING, Look.EXTANT): _serve,
    (_R, _RUNNING, Look.TEARDOWN): _ended,
    (_R, _RUNNING, Look.LOST): _missed,
    # Never so: what is told to end is not wanted.
    (_R, _ENDING, Look.UNHEARD): _condemn,
    (_R, _ENDING, Look.MISSING): _condemn,
    (_R, _ENDING, Look.PENDING): _condemn,
    (_R, _ENDING, Look.EXTANT): _condemn,
    (_R, _ENDING, Look.TEARDOWN): _condemn,
    (_R, _ENDING, Look.LOST): _condemn,
    (_R, _ENDED, Look.UNHEARD): _condemn,
    (_R, _ENDED, Look.MISSING): _condemn,
    (_R, _ENDED, Look.PENDING): _condemn,
    (_R, _ENDED, Look.EXTANT): _condemn,
    (_R, _ENDED, Look.TEARDOWN): _condemn,
    (_R, _ENDED, Look.LOST): _condemn,
    # Shall end, and nobody was told.
    (_E, _PENDING, Look.UNHEARD): _condemn,
    (_E, _PENDING, Look.MISSING): _condemn,
    (_E, _PENDING, Look.PENDING): _condemn,
    (_E, _PENDING, Look.EXTANT): _condemn,
    (_E, _PENDING, Look.TEARDOWN): _ended,
    (_E, _PENDING, Look.LOST): _condemn,
    (_E, _RUNNING, Look.UNHEARD): _condemn,
    (_E, _RUNNING, Look.MISSING): _condemn,
    (_E, _RUNNING, Look.PENDING): _condemn,
    (_E, _RUNNING, Look.EXTANT): _condemn,
    (_E, _RUNNING, Look.TEARDOWN): _ended,
    (_E, _RUNNING, Look.LOST): _condemn,
    # Shall end.
    (_E, _ENDING, Look.UNHEARD): _rest,
    (_E, _ENDING, Look.MISSING): _terminate,
    (_E, _ENDING, Look.PENDING): _terminate,
    (_E, _ENDING, Look.EXTANT): _terminate,
    (_E, _ENDING, Look.TEARDOWN): _ended,
    (_E, _ENDING, Look.LOST): _lost,
    # Has ended.
    (_E, _ENDED, Look.UNHEARD): _retire,
    (_E, _ENDED, Look.MISSING): _retire,
    (_E, _ENDED, Look.PENDING): _end_again,
    (_E, _ENDED, Look.EXTANT): _end_again,
    (_E, _ENDED, Look.TEARDOWN): _retire,
    (_E, _ENDED, Look.LOST): _retire,
}


def plan(instance: Instance, seen: Seen, now: datetime, limits: Limits) -> Decision:
    """What to do next for this instance."""
    case = _Case(instance=instance, seen=seen, now=now, limits=limits)
    return TABLE[instance.wanted, instance.state, seen.look](case)


def after_terminate(instance: Instance, seen: Seen, now: datetime) -> Instance | None:
    """
    What becomes of an instance whose cluster has said that it will not be
    launched any more; None if that remains to be told.
    """
    if instance.state is _ENDING and seen.look is Look.MISSING and not instance.node:
        return terminated(instance, now, SERVER_ERROR, "It was never placed")
    return None
