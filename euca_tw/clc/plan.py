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

What was asked to stop is told so until it has, and what was asked to start again
likewise, with the number of its starts.  One that has stopped after its last start
without having been asked to was switched off by its guest, and ends, unless its
user wants it to be stopped then; or it did not come up again: it stays stopped, as
one does that its node has no room for.

What was in a cluster that was declared lost has ended, whatever that cluster says;
should it come back it is told to end it all.  What is in a cluster that the site took
out of its configuration can be ended by its user, and has ended then.  It is not
ended for him, since a slip in a configuration must not end what runs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from enum import Enum, auto

from attrs import frozen

from euca_tw.clc.decisions import (
    Become,
    Decision,
    Forget,
    Launch,
    Reboot,
    Start,
    Stop,
    TellBehavior,
    Terminate,
)
from euca_tw.common.convergence import Rest
from euca_tw.common.evolved import evolve
from euca_tw.model.lifecycle import (
    INSTANCE_SHUTDOWN,
    NO_CAPACITY,
    SERVER_ERROR,
    USER_SHUTDOWN,
    Phase,
    condemned,
    running,
    stopped,
    stopping,
    terminated,
)
from euca_tw.model.records import Instance, InstanceState


class Look(Enum):
    """
    What an instance's cluster says of it.

    UNHEARD: the cluster does not answer, or has not yet told all.  MISSING: it does
    not know it.  REMOVED: the site has none such any more.  LOST: it was declared so.
    """

    UNHEARD = auto()
    MISSING = auto()
    PENDING = auto()
    EXTANT = auto()
    STOPPING = auto()
    STOPPED = auto()
    TEARDOWN = auto()
    REMOVED = auto()
    LOST = auto()


_EVER = datetime.min.replace(tzinfo=UTC)
_USERS = "User initiated shutdown"

LOOKS = {
    Phase.PENDING: Look.PENDING,
    Phase.EXTANT: Look.EXTANT,
    Phase.STOPPING: Look.STOPPING,
    Phase.STOPPED: Look.STOPPED,
    Phase.TEARDOWN: Look.TEARDOWN,
}


@frozen(kw_only=True)
class Seen:
    """
    What a cluster says of an instance.

    @ivar starts: after how many starts it was so.
    @ivar refusal: why it was not taken, when it was last launched.
    @ivar is_refusal_final: it will not be later either.
    @ivar is_silent: its cluster or its node has not been heard of for long.
    """

    look: Look
    private_ip: str = ""
    node: str = ""
    reason_code: str = ""
    reason: str = ""
    starts: int = 0
    refusal: str = ""
    is_refusal_final: bool = False
    is_silent: bool = False


@frozen(kw_only=True)
class Limits:
    """
    As L{euca_tw.clc.settings.ConvergenceSettings} has them.

    @ivar since: the cloud controller listens to clusters since then.  What came to
        run before could not be heard of, so no deadline is over sooner than if it
        had begun then; for long after a restore, that would end what runs.
    """

    launch_deadline_s: float
    ended_kept_s: float
    since: datetime = _EVER


@frozen(kw_only=True)
class _Case:
    instance: Instance
    seen: Seen
    now: datetime
    limits: Limits

    @property
    def deadline(self) -> float:
        since = max(self.instance.since, self.limits.since)
        return since.timestamp() + self.limits.launch_deadline_s

    @property
    def is_stale(self) -> bool:
        """It should have run long ago."""
        late = self.now - self.instance.since
        return late.total_seconds() >= self.limits.launch_deadline_s

    @property
    def is_overdue(self) -> bool:
        return self.now.timestamp() >= self.deadline

    @property
    def is_behind(self) -> bool:
        """Its cluster does not know of its last start."""
        return self.seen.starts < self.instance.starts

    @property
    def _starts(self) -> int:
        """A cluster knows of more only if they were forgotten here, by a restore."""
        instance = self.instance
        if instance.wanted is InstanceState.RUNNING:
            return max(instance.starts, self.seen.starts)
        return instance.starts

    def refreshed(self) -> Instance:
        """The record with what is told of where and how it is."""
        seen, instance = self.seen, self.instance
        private_ip = seen.private_ip or instance.private_ip
        node, starts = seen.node or instance.node, self._starts
        # Most often it is as it was; then no other record is made of it.
        if (private_ip, node, starts, seen.is_silent) == (
            *(instance.private_ip, instance.node, instance.starts),
            instance.is_silent,
        ):
            return instance
        return evolve(
            instance,
            private_ip=private_ip,
            node=node,
            starts=starts,
            is_silent=seen.is_silent,
        )


def _rest(case: _Case) -> Decision:
    """Nothing to do, but to note what is told."""
    refreshed = case.refreshed()
    return Rest() if refreshed is case.instance else Become(refreshed)


def _launch(case: _Case) -> Decision:
    seen = case.seen
    if case.instance.starts:
        # It was stopped somewhere, and has a disk there.
        return _come(case)
    if seen.is_refusal_final:
        ended = terminated(case.instance, case.now, NO_CAPACITY, seen.refusal)
        return Become(ended)
    # It is not launched again then: it may have run, and ended, before a restore.
    if case.is_stale:
        why = seen.refusal or "It could not be placed in time"
        return Become(condemned(case.instance, NO_CAPACITY, why))
    return Launch()


def _come(case: _Case) -> Decision:
    """It is on its way, as far as is known."""
    if case.is_overdue:
        why = case.seen.reason or "It did not run in time"
        if case.instance.starts:
            return Become(stopping(case.instance, SERVER_ERROR, why))
        return Become(condemned(case.instance, SERVER_ERROR, why))
    decision = _rest(case)
    return Rest(case.deadline) if isinstance(decision, Rest) else decision


def _start(case: _Case) -> Decision:
    """It stops, or has, and shall run."""
    if not case.is_behind:
        return _halts(case)
    decision = _come(case)
    return Start() if isinstance(decision, Rest) else decision


def _halts(case: _Case) -> Decision:
    """It stops, or has, and was not asked to."""
    seen, wants_disk = case.seen, case.instance.stops_itself
    code = seen.reason_code or INSTANCE_SHUTDOWN
    why = seen.reason or "Instance initiated shutdown"
    if seen.reason_code == INSTANCE_SHUTDOWN and not wants_disk:
        return Become(condemned(case.refreshed(), code, why))
    become = stopped if seen.look is Look.STOPPED else stopping
    return Become(become(case.refreshed(), code, why))


def _stop(case: _Case) -> Decision:
    """It runs, and shall not."""
    decision = _rest(case)
    return Stop() if isinstance(decision, Rest) else decision


def _stops(case: _Case) -> Decision:
    decision = _rest(case)
    is_to_tell = case.is_behind or case.instance.is_stop_forced
    return Stop() if is_to_tell and isinstance(decision, Rest) else decision


def _has_stopped(case: _Case) -> Decision:
    if case.is_behind:
        # A start that is on its way there must come too late.
        return _stop(case)
    return Become(stopped(case.refreshed(), USER_SHUTDOWN, _USERS))


def _stays(case: _Case) -> Decision:
    return _stop(case) if case.is_behind else _rest(case)


def _mend_stop(case: _Case) -> Decision:
    """What shall stop is on its way there, whatever else was told."""
    return Become(stopping(case.instance, USER_SHUTDOWN, _USERS))


def _mend_wish(case: _Case) -> Decision:
    """What was told to be stopped is not wanted."""
    return Become(evolve(case.instance, wanted=InstanceState.STOPPED))


def _runs(case: _Case) -> Decision:
    if case.is_behind:
        return _start(case)
    seen = case.seen
    return Become(running(case.refreshed(), seen.private_ip, seen.node))


def _serve(case: _Case) -> Decision:
    decision = _rest(case)
    instance = case.instance
    is_still = isinstance(decision, Rest)
    if is_still and instance.stops_itself is not instance.is_told_to_stop:
        return TellBehavior(instance.stops_itself)
    if is_still and instance.reboots_wanted > instance.reboots_done:
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


def _removed(case: _Case) -> Decision:
    why = "Its cluster was taken out of the cloud"
    return Become(terminated(case.instance, case.now, SERVER_ERROR, why))


def _lost(case: _Case) -> Decision:
    why = "Its cluster did not answer any more and was declared lost"
    return Become(terminated(case.instance, case.now, SERVER_ERROR, why))


def _retire(case: _Case) -> Decision:
    ended_at = case.instance.ended_at or case.instance.launched_at
    until = ended_at.timestamp() + case.limits.ended_kept_s
    return Rest(until) if case.now.timestamp() < until else Forget()


def _end_again(case: _Case) -> Decision:
    """It came back from far away."""
    return Terminate()


_Entry = Callable[[_Case], Decision]


def _row(*entries: _Entry) -> dict[Look, _Entry]:
    """@param entries: in the order of L{Look}."""
    return dict(zip(Look, entries, strict=True))


def _always(entry: _Entry) -> dict[Look, _Entry]:
    return dict.fromkeys(Look, entry)


_S = InstanceState
_RUN, _STOP, _END = _S.RUNNING, _S.STOPPED, _S.TERMINATED

# In the order of L{Look}: unheard, missing, pending, extant, stopping, stopped,
# teardown, removed, lost.
_CONDEMNED = _row(*[_condemn] * 6, _ended, _condemn, _condemn)

_ROWS: dict[tuple[InstanceState, InstanceState], dict[Look, _Entry]] = {
    (_RUN, _S.PENDING): _row(
        *(_come, _launch, _come, _runs, _start, _start, _ended, _come, _lost)
    ),
    (_RUN, _S.RUNNING): _row(
        *(_rest, _missed, _rest, _serve, _halts, _halts, _ended, _missed, _lost)
    ),
    # Never so: what is told to stop, or to end, is not wanted.
    (_RUN, _S.STOPPING): _always(_mend_wish),
    (_RUN, _S.STOPPED): _always(_mend_wish),
    (_RUN, _S.SHUTTING_DOWN): _always(_condemn),
    (_RUN, _S.TERMINATED): _always(_condemn),
    # Shall stop, and nobody was told.
    (_STOP, _S.PENDING): _always(_mend_stop),
    (_STOP, _S.RUNNING): _always(_mend_stop),
    (_STOP, _S.STOPPING): _row(
        *(_rest, _missed, _stop, _stop, _stops, _has_stopped, _ended, _missed, _lost)
    ),
    (_STOP, _S.STOPPED): _row(
        *(_rest, _missed, _rest, _stop, _stays, _stays, _ended, _missed, _lost)
    ),
    (_STOP, _S.SHUTTING_DOWN): _always(_condemn),
    (_STOP, _S.TERMINATED): _always(_condemn),
    # Shall end, and nobody was told.
    (_END, _S.PENDING): _CONDEMNED,
    (_END, _S.RUNNING): _CONDEMNED,
    (_END, _S.STOPPING): _CONDEMNED,
    (_END, _S.STOPPED): _CONDEMNED,
    (_END, _S.SHUTTING_DOWN): _row(
        *(_rest, *[_terminate] * 5, _ended, _removed, _lost)
    ),
    (_END, _S.TERMINATED): _row(*[_retire] * 2, *[_end_again] * 4, *[_retire] * 3),
}

TABLE: dict[tuple[InstanceState, InstanceState, Look], _Entry] = {
    (wanted, state, look): entry
    for (wanted, state), row in _ROWS.items()
    for look, entry in row.items()
}


def plan(instance: Instance, seen: Seen, now: datetime, limits: Limits) -> Decision:
    """What to do next for this instance."""
    case = _Case(instance=instance, seen=seen, now=now, limits=limits)
    return TABLE[instance.wanted, instance.state, seen.look](case)


def may_be_nowhere(instance: Instance, seen: Seen) -> bool:
    """
    Whether an instance that is to end may never have been given to a node: its
    cluster has not told of it.

    What was told may be older than the launch: once the cluster has said that it
    will not launch it any more, it is to be asked whether it has it.
    """
    return (
        instance.state is _S.SHUTTING_DOWN
        and seen.look is Look.MISSING
        and not instance.node
    )


def never_placed(instance: Instance, now: datetime) -> Instance:
    """What becomes of an instance that its cluster does not have, and will not."""
    return terminated(instance, now, SERVER_ERROR, "It was never placed")
