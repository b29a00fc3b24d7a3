"""
What a cluster controller does next for one instance.

L{TABLE} holds what shall be (wanted) and what was told so far (phase) against
what the instance's node says now (look), the whole product.

What has stopped and was not asked to, has so been switched off by its guest, or
did not come up again: it is then wanted to be as it is.  Which is which is known
by the number of its starts: a node that has not made the last of them is behind,
and is told.

The node is the truth about its instances.  Not to be told of is not to have
ended: a node that does not answer ends nothing, and neither does a node that
answers and does not know an instance that ran on it, for its domain may be
running still (the node lost its records).  Such an instance stays as it is and
is told as silent, until it is asked to end: then its node remembers it as
ended, and destroys the domain should there be one.  An instance that never ran
is launched again, on the same node.

What was on a node that was declared lost has ended, whatever that node says: it is
not known to be so, but held to be, and should the node come back it is told to end
it all.  What is on a node that the site took out of its configuration has ended as
soon as it shall.  It is not ended for that alone, since a slip in a configuration
must not end what runs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto

from attrs import frozen

from euca_tw.cc.records import NODE_LOST, Placement, ended
from euca_tw.common.convergence import Rest
from euca_tw.common.evolved import evolve
from euca_tw.model.lifecycle import SERVER_ERROR, Phase, Wanted


class Look(Enum):
    """
    What an instance's node says of it.

    UNHEARD: the node does not answer, or has not yet told all.  ABSENT: it
    does not know it.  REMOVED: the site has no such node any more.  LOST: the node
    was declared lost, and it is not known here that this has ended.
    """

    UNHEARD = auto()
    ABSENT = auto()
    PENDING = auto()
    EXTANT = auto()
    STOPPING = auto()
    STOPPED = auto()
    TEARDOWN = auto()
    REMOVED = auto()
    LOST = auto()


LOOKS = {
    Phase.PENDING: Look.PENDING,
    Phase.EXTANT: Look.EXTANT,
    Phase.STOPPING: Look.STOPPING,
    Phase.STOPPED: Look.STOPPED,
    Phase.TEARDOWN: Look.TEARDOWN,
}
_PHASES = {look: phase for phase, look in LOOKS.items()}


@frozen(kw_only=True)
class Seen:
    """
    What nodes say of an instance.

    @ivar reason_code: with C{reason}: why it ended or stopped, as its node tells.
    @ivar starts: how often it was started anew, as its node tells.
    @ivar strays: other nodes that have it pending or extant.
    @ivar is_heard: the cloud controller has the last that was told of it.
    """

    look: Look
    reason_code: str = ""
    reason: str = ""
    starts: int = 0
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
class Start:
    """Tell its node, where it has stopped, to run it again."""

    node: str


@frozen
class Stop:
    """Tell its node to stop it."""

    node: str


@frozen
class Terminate:
    """Tell a node to end it."""

    node: str


@frozen
class Forget:
    """Keep nothing of it."""


Step = Launch | Start | Stop | Terminate | Forget
Decision = Step | Become | Rest


@frozen(kw_only=True)
class _Case:
    placement: Placement
    seen: Seen
    now: datetime
    ended_kept_s: float

    @property
    def is_behind(self) -> bool:
        """Its node does not know of its last start."""
        return self.seen.starts < self.placement.starts


def _wait(case: _Case) -> Decision:
    return Rest()


def _launch(case: _Case) -> Decision:
    if case.placement.starts:
        # It was stopped there, and has a disk, which another launch would not
        # give it back.
        return Rest()
    if case.placement.launch is None:
        # Learned from a node that has lost it since; the cloud controller
        # knows what it was and will launch it again.
        return Forget()
    return Launch(case.placement.node)


def _seen(case: _Case) -> Decision:
    if case.placement.was_seen:
        return Rest()
    return Become(evolve(case.placement, was_seen=True))


def _note(case: _Case) -> Decision:
    """Keep what its node says."""
    seen, before = case.seen, case.placement
    after = evolve(
        before, was_seen=True, phase=_PHASES[seen.look], starts_told=seen.starts
    )
    return Rest() if after == before else Become(after)


def _runs(case: _Case) -> Decision:
    return Start(case.placement.node) if case.is_behind else _note(case)


def _comes_again(case: _Case) -> Decision:
    """It has stopped, and is on its way back."""
    return Start(case.placement.node) if case.is_behind else _note(case)


def _stands(case: _Case) -> Decision:
    """It stops, or has, and shall run."""
    if case.is_behind:
        return Start(case.placement.node)
    seen = case.seen
    return Become(
        evolve(
            case.placement,
            wanted=Wanted.STOPPED,
            was_seen=True,
            phase=_PHASES[seen.look],
            starts_told=seen.starts,
            reason_code=seen.reason_code,
            reason=seen.reason,
        )
    )


def _stop(case: _Case) -> Decision:
    """It runs, and shall not."""
    decision = _note(case)
    return Stop(case.placement.node) if isinstance(decision, Rest) else decision


def _stops(case: _Case) -> Decision:
    decision = _note(case)
    is_to_tell = case.is_behind or case.placement.is_forced
    if isinstance(decision, Rest) and is_to_tell:
        return Stop(case.placement.node)
    return decision


def _has_stopped(case: _Case) -> Decision:
    decision = _note(case)
    if isinstance(decision, Rest) and case.is_behind:
        # A start that is on its way there must come too late.
        return Stop(case.placement.node)
    return decision


def _has_ended(case: _Case) -> Decision:
    seen = case.seen
    code = seen.reason_code or SERVER_ERROR
    return Become(ended(case.placement, case.now, code, seen.reason))


def _removed(case: _Case) -> Decision:
    why = "Its node was taken out of the cluster"
    return Become(ended(case.placement, case.now, SERVER_ERROR, why))


def _lost(case: _Case) -> Decision:
    return Become(ended(case.placement, case.now, SERVER_ERROR, NODE_LOST))


def _end(case: _Case) -> Decision:
    """What has ended is not wanted (a record that says otherwise is mended)."""
    return Become(evolve(case.placement, wanted=Wanted.ENDED))


def _terminate(case: _Case) -> Decision:
    if not case.placement.node:
        # Every node has told all that it has, and none has this.
        return Become(ended(case.placement, case.now, SERVER_ERROR, ""))
    return Terminate(case.placement.node)


def _end_again(case: _Case) -> Decision:
    """It has ended, and came back from far away."""
    node = case.placement.node
    return Terminate(node) if node else _retire(case)


def _retire(case: _Case) -> Decision:
    placement, now = case.placement, case.now.timestamp()
    until = (placement.ended_at or placement.placed_at).timestamp() + case.ended_kept_s
    if now < until:
        return Rest(until)
    return Forget() if case.seen.is_heard else Rest(now + case.ended_kept_s)


_Entry = Callable[[_Case], Decision]


def _row(*entries: _Entry) -> dict[Look, _Entry]:
    """@param entries: in the order of L{Look}."""
    return dict(zip(Look, entries, strict=True))


_R, _S, _E = Wanted.RUNNING, Wanted.STOPPED, Wanted.ENDED

# In the order of L{Look}: unheard, absent, pending, extant, stopping, stopped,
# teardown, removed, lost.
_LIVE = _row(
    *(_wait, _wait, _comes_again, _runs, _stands, _stands, _has_ended, _wait, _lost)
)
_HALTING = _row(*[_wait] * 3, _stop, _stops, _has_stopped, _has_ended, _wait, _lost)
# A node that does not know it is told all the same: a launch may be on its way
# there, and must come too late.
_ENDING = _row(_wait, *[_terminate] * 5, _has_ended, _removed, _lost)
# Has ended; a node that has it all the same came back from far away.
_ENDED = _row(*[_retire] * 2, *[_end_again] * 4, *[_retire] * 3)
# Never so.
_MENDED = _row(*[_end] * 9)

_ROWS: dict[tuple[Wanted, Phase], dict[Look, _Entry]] = {
    (_R, Phase.PENDING): _row(
        *(_wait, _launch, _seen, _runs, _stands, _stands, _has_ended, _wait, _lost)
    ),
    # It runs; where its node was switched off, it may be on its way again.
    (_R, Phase.EXTANT): _row(
        *(_wait, _wait, _wait, _runs, _stands, _stands, _has_ended, _wait, _lost)
    ),
    # It is to be started, or was.
    (_R, Phase.STOPPING): _LIVE,
    (_R, Phase.STOPPED): _LIVE,
    (_R, Phase.TEARDOWN): _MENDED,
    # It comes up first, and stops then.
    (_S, Phase.PENDING): _row(
        *(_wait, _wait, _seen, _stop, _stops, _has_stopped, _has_ended, _wait, _lost)
    ),
    (_S, Phase.EXTANT): _HALTING,
    (_S, Phase.STOPPING): _HALTING,
    (_S, Phase.STOPPED): _HALTING,
    (_S, Phase.TEARDOWN): _MENDED,
    (_E, Phase.PENDING): _ENDING,
    (_E, Phase.EXTANT): _ENDING,
    (_E, Phase.STOPPING): _ENDING,
    (_E, Phase.STOPPED): _ENDING,
    (_E, Phase.TEARDOWN): _ENDED,
}

TABLE: dict[tuple[Wanted, Phase, Look], _Entry] = {
    (wanted, phase, look): entry
    for (wanted, phase), row in _ROWS.items()
    for look, entry in row.items()
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
