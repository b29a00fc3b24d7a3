"""
What a cluster controller does next for one instance.

L{TABLE} holds what shall be (wanted) and what was told so far (phase) against
what the instance's node says now (look), the whole product.

The node is the truth about its instances.  Not to be told of is not to have
ended: a node that does not answer ends nothing, and neither does a node that
answers and does not know an instance that ran on it, for its domain may be
running still (the node lost its records).  Such an instance stays as it is and
is told as silent, until it is asked to end: then its node remembers it as
ended, and destroys the domain should there be one.  An instance that never ran
is launched again, on the same node.

A node that the site took out of its configuration is lost: what was there has
ended as soon as it shall.  It is not ended for that alone, since a slip in a
configuration must not end what runs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto

from attrs import evolve, frozen

from euca_tw.cc.records import Placement, ended
from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import SERVER_ERROR, Phase, Wanted


class Look(Enum):
    """
    What an instance's node says of it.

    UNHEARD: the node does not answer, or has not yet told all.  ABSENT: it
    does not know it.  LOST: the site has no such node any more.
    """

    UNHEARD = auto()
    ABSENT = auto()
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
    What nodes say of an instance.

    @ivar reason_code: with C{reason}: why it ended, as its node tells.
    @ivar strays: other nodes that have it pending or extant.
    @ivar is_heard: the cloud controller has the last that was told of it.
    """

    look: Look
    reason_code: str = ""
    reason: str = ""
    strays: tuple[str, ...] = ()
    is_heard: bool = False


@frozen
class Become:
    """Keep this of the instance from now on."""

    placement: Placement


@frozen
class Launch:
    """Tell its node to run it."""

    node: str


@frozen
class Terminate:
    """Tell a node to end it."""

    node: str


@frozen
class Forget:
    """Keep nothing of it."""


Step = Launch | Terminate | Forget
Decision = Step | Become | Rest


@frozen(kw_only=True)
class _Case:
    placement: Placement
    seen: Seen
    now: datetime
    ended_kept_s: float


def _wait(case: _Case) -> Decision:
    return Rest()


def _launch(case: _Case) -> Decision:
    if case.placement.launch is None:
        # Learned from a node that has lost it since; the cloud controller
        # knows what it was and will launch it again.
        return Forget()
    return Launch(case.placement.node)


def _seen(case: _Case) -> Decision:
    if case.placement.was_seen:
        return Rest()
    return Become(evolve(case.placement, was_seen=True))


def _runs(case: _Case) -> Decision:
    return Become(evolve(case.placement, was_seen=True, phase=Phase.EXTANT))


def _has_ended(case: _Case) -> Decision:
    seen = case.seen
    code = seen.reason_code or SERVER_ERROR
    return Become(ended(case.placement, case.now, code, seen.reason))


def _node_lost(case: _Case) -> Decision:
    why = "Its node was taken out of the cluster"
    return Become(ended(case.placement, case.now, SERVER_ERROR, why))


def _end(case: _Case) -> Decision:
    """What has ended is not wanted (a record that says otherwise is mended)."""
    return Become(evolve(case.placement, wanted=Wanted.ENDED))


def _terminate(case: _Case) -> Decision:
    if not case.placement.node:
        # Every node has told all that it has, and none has this.
        return Become(ended(case.placement, case.now, SERVER_ERROR, ""))
    return Terminate(case.placement.node)


def _retire(case: _Case) -> Decision:
    placement, now = case.placement, case.now.timestamp()
    until = (placement.ended_at or placement.placed_at).timestamp() + case.ended_kept_s
    if now < until:
        return Rest(until)
    return Forget() if case.seen.is_heard else Rest(now + case.ended_kept_s)


_R, _E = Wanted.RUNNING, Wanted.ENDED
_P, _X, _T = Phase.PENDING, Phase.EXTANT, Phase.TEARDOWN

TABLE: dict[tuple[Wanted, Phase, Look], Callable[[_Case], Decision]] = {
    (_R, _P, Look.UNHEARD): _wait,
    (_R, _P, Look.ABSENT): _launch,
    (_R, _P, Look.PENDING): _seen,
    (_R, _P, Look.EXTANT): _runs,
    (_R, _P, Look.TEARDOWN): _has_ended,
    (_R, _P, Look.LOST): _wait,
    (_R, _X, Look.UNHEARD): _wait,
    (_R, _X, Look.ABSENT): _wait,
    (_R, _X, Look.PENDING): _wait,
    (_R, _X, Look.EXTANT): _wait,
    (_R, _X, Look.TEARDOWN): _has_ended,
    (_R, _X, Look.LOST): _wait,
    # Never so.
    (_R, _T, Look.UNHEARD): _end,
    (_R, _T, Look.ABSENT): _end,
    (_R, _T, Look.PENDING): _end,
    (_R, _T, Look.EXTANT): _end,
    (_R, _T, Look.TEARDOWN): _end,
    (_R, _T, Look.LOST): _end,
    # A node that does not know it is told all the same: a launch may be on
    # its way there, and must come too late.
    (_E, _P, Look.UNHEARD): _wait,
    (_E, _P, Look.ABSENT): _terminate,
    (_E, _P, Look.PENDING): _terminate,
    (_E, _P, Look.EXTANT): _terminate,
    (_E, _P, Look.TEARDOWN): _has_ended,
    (_E, _P, Look.LOST): _node_lost,
    (_E, _X, Look.UNHEARD): _wait,
    (_E, _X, Look.ABSENT): _terminate,
    (_E, _X, Look.PENDING): _terminate,
    (_E, _X, Look.EXTANT): _terminate,
    (_E, _X, Look.TEARDOWN): _has_ended,
    (_E, _X, Look.LOST): _node_lost,
    # Has ended; a node that has it all the same came back from far away.
    (_E, _T, Look.UNHEARD): _retire,
    (_E, _T, Look.ABSENT): _retire,
    (_E, _T, Look.PENDING): _terminate,
    (_E, _T, Look.EXTANT): _terminate,
    (_E, _T, Look.TEARDOWN): _retire,
    (_E, _T, Look.LOST): _retire,
}


def plan(
    placement: Placement, seen: Seen, now: datetime, ended_kept_s: float
) -> Decision:
    """What to do next for this instance."""
    if seen.strays:
        first = seen.strays[0]
        is_astray = not placement.was_seen and seen.look in (Look.ABSENT, Look.UNHEARD)
        if is_astray and placement.wanted is Wanted.RUNNING:
            # Where it is said to be it is not, or nobody knows; it is here.
            return Become(evolve(placement, node=first, was_seen=True))
        return Terminate(first)
    case = _Case(placement=placement, seen=seen, now=now, ended_kept_s=ended_kept_s)
    return TABLE[placement.wanted, placement.phase, seen.look](case)
