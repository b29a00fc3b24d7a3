"""
What a node does next for one instance.

L{TABLE} holds what shall be (wanted), how far it has come (life) and what the
hypervisor says (look) against each other, the whole product; each entry is a
small function that knows the parts besides the domain: disk and card.  Nothing
here acts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum, auto

from attrs import frozen

from euca_tw.common.convergence import Rest
from euca_tw.common.evolved import evolve
from euca_tw.model.lifecycle import INSTANCE_SHUTDOWN, SERVER_ERROR
from euca_tw.nodectl.decisions import (
    Attach,
    Become,
    Decision,
    Destroy,
    Detach,
    Discard,
    Forget,
    Reboot,
    Run,
    ShutDown,
    Stage,
)
from euca_tw.nodectl.interfaces import DomainState
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.records import HostedInstance, condemned, halted, moved


class Look(Enum):
    """
    What the hypervisor says of the domain; UNKNOWN: not yet, or too old.  The
    others are as of L{DomainState}.
    """

    UNKNOWN = auto()
    ABSENT = auto()
    RUNNING = auto()
    SHUTOFF = auto()
    HALTED = auto()
    CRASHED = auto()
    KILLED = auto()


_LOOKS = {
    None: Look.ABSENT,
    DomainState.RUNNING: Look.RUNNING,
    DomainState.PAUSED: Look.RUNNING,
    DomainState.SHUTOFF: Look.SHUTOFF,
    DomainState.HALTED: Look.HALTED,
    DomainState.CRASHED: Look.CRASHED,
    DomainState.KILLED: Look.KILLED,
}


def look_of(domain: DomainState | None) -> Look:
    """@param domain: None for one that is not listed."""
    return _LOOKS[domain]


@frozen(kw_only=True)
class Parts:
    """
    What this process knows of an instance's parts, besides its record.

    @ivar known_since: when this very process first knew of it.
    @ivar was_seen: its domain was seen running by this very process.
    @ivar is_shutdown_asked: its guest was asked to shut itself down; by this
        very process, and since it last began to run.
    @ivar is_deaf: its guest cannot be asked.
    @ivar must_be_off: for a while, so that an image is made of its disk; then
        it runs again, if it shall.
    @ivar is_held: its guest stands still for a moment.
    @ivar refusal: why it will never run.
    @ivar trouble: why the last step did not succeed.
    @ivar is_heard: the controller above knows that it has ended.
    """

    look: Look = Look.UNKNOWN
    known_since: datetime | None = None
    was_seen: bool = False
    is_staged: bool = False
    is_attached: bool = False
    is_detached: bool = False
    is_reboot_asked: bool = False
    is_shutdown_asked: bool = False
    is_deaf: bool = False
    must_be_off: bool = False
    is_held: bool = False
    refusal: str = ""
    trouble: str = ""
    is_heard: bool = False


@frozen(kw_only=True)
class Limits:
    """As L{euca_tw.nodectl.settings.NodeSettings} has them."""

    launch_deadline_s: float
    ended_kept_s: float
    stop_grace_s: float = 60.0
    terminate_grace_s: float = 0.0
    restart_on_host_boot: bool = False


@frozen(kw_only=True)
class _Case:
    record: HostedInstance
    parts: Parts
    now: datetime
    limits: Limits

    def condemned(self, code: str, reason: str) -> Become:
        return Become(condemned(self.record, code, reason, self.now))

    def failed(self, reason: str) -> Become:
        """
        It does not come up: it has ended, unless its user has started it anew,
        or had an image made of it, for then there is a disk that he would miss.
        """
        has_been_off = self.record.starts or self.record.is_off_for_image
        if has_been_off and self.record.life is Life.BOOTING:
            return Become(halted(self.record, SERVER_ERROR, reason, self.now))
        return self.condemned(SERVER_ERROR, reason)


def _wait(case: _Case) -> Decision:
    return Rest()


# --- coming up ---------------------------------------------------------------


def _failed(case: _Case) -> Become | None:
    """Why it does not come up, if it does not."""
    if case.parts.refusal:
        return case.failed(case.parts.refusal)
    if case.now.timestamp() >= _deadline(case):
        return case.failed(case.parts.trouble or "It did not run in time")
    return None


def _deadline(case: _Case) -> float:
    began_at = case.record.began_at
    # The time in which nobody was there to see to it does not count.
    since = max(began_at, case.parts.known_since or began_at)
    return since.timestamp() + case.limits.launch_deadline_s


def _come(case: _Case) -> Decision:
    """Nothing is known of its domain yet."""
    return _failed(case) or Rest(_deadline(case))


def _stage(case: _Case) -> Decision:
    failed = _failed(case)
    if failed is not None:
        return failed
    if not case.parts.is_staged:
        return Stage()
    return Become(moved(case.record, Life.BOOTING))


def _boot(case: _Case) -> Decision:
    failed = _failed(case)
    if failed is not None:
        return failed
    if not case.parts.is_staged:
        # By another process; to stage again is to find its disk.
        return Stage()
    return Run() if case.parts.is_attached else Attach()


def _began(case: _Case) -> Decision:
    running = moved(case.record, Life.RUNNING, has_run=True, is_off_for_image=False)
    return Become(running)


# --- running -----------------------------------------------------------------


def _serve(case: _Case) -> Decision:
    if not case.parts.is_attached:
        return Attach()
    return Reboot() if case.parts.is_reboot_asked else Rest()


def _vanished(case: _Case) -> Decision:
    if case.parts.was_seen:
        return _halted(case)
    why = "Its domain was gone when the node controller was started"
    if case.limits.restart_on_host_boot:
        again = moved(case.record, Life.BOOTING, began_at=case.now)
        return Become(again, f"{why}; it is run again")
    return case.condemned(SERVER_ERROR, why)


def _halted(case: _Case) -> Decision:
    why = "Instance initiated shutdown"
    # Of one that shall stop, and comes up first, the disk is wanted too.
    shall_stop = case.record.wanted is Goal.STOPPED and case.record.life is Life.BOOTING
    if case.record.stops_itself or shall_stop:
        return Become(halted(case.record, INSTANCE_SHUTDOWN, why, case.now))
    return case.condemned(INSTANCE_SHUTDOWN, why)


def _crashed(case: _Case) -> Decision:
    return case.condemned(SERVER_ERROR, "The guest has crashed")


def _killed(case: _Case) -> Decision:
    why = "Its domain was ended on its node, and not by this cloud"
    return case.condemned(SERVER_ERROR, why)


# --- stopping ----------------------------------------------------------------


def _stop(case: _Case) -> Decision:
    return Become(moved(case.record, Life.STOPPING, since=case.now))


def _shut_down(case: _Case, grace_s: float) -> Decision:
    """Its guest is asked, and given time, and then not asked any more."""
    parts = case.parts
    # A record of old may not say since when; then it is for long.
    since = case.record.since or case.record.began_at
    if parts.is_deaf or case.now >= since + timedelta(seconds=grace_s):
        return Destroy()
    if not parts.is_shutdown_asked:
        return ShutDown()
    return Rest(since.timestamp() + grace_s)


def _halt(case: _Case) -> Decision:
    return _shut_down(case, 0 if case.record.is_forced else case.limits.stop_grace_s)


def _stopped(case: _Case) -> Decision:
    if not case.parts.is_detached:
        return Detach()
    return Become(moved(case.record, Life.STOPPED))


def _start(case: _Case) -> Decision:
    return Become(moved(case.record, Life.BOOTING, began_at=case.now))


# --- ending ------------------------------------------------------------------


def _mend(case: _Case) -> Decision:
    """What has ended is not wanted (a record that says otherwise is mended)."""
    return case.condemned(SERVER_ERROR, "It has ended")


def _begin_to_end(case: _Case) -> Decision:
    """(A record that does not say so yet is mended.)"""
    return Become(moved(case.record, Life.SHUTTING_DOWN, since=case.now))


def _end(case: _Case) -> Decision:
    return _shut_down(case, case.limits.terminate_grace_s)


def _destroy(case: _Case) -> Decision:
    return Destroy()


def _release(case: _Case) -> Decision:
    if not case.parts.is_detached:
        return Detach()
    return Become(moved(case.record, Life.TERMINATED, ended_at=case.now))


def _clean_up(case: _Case) -> Decision:
    record = case.record
    if not record.is_clean:
        return Discard()
    ended_at = record.ended_at or record.began_at
    until = ended_at.timestamp() + case.limits.ended_kept_s
    if case.now.timestamp() < until:
        return Rest(until)
    if not case.parts.is_heard:
        # Who does not yet know that it ended might think that it was lost.
        return Rest(case.now.timestamp() + case.limits.ended_kept_s)
    return Forget()


_Entry = Callable[[_Case], Decision]


def _row(*entries: _Entry) -> dict[Look, _Entry]:
    """@param entries: in the order of L{Look}."""
    return dict(zip(Look, entries, strict=True))


def _always(entry: _Entry) -> dict[Look, _Entry]:
    return dict.fromkeys(Look, entry)


_R, _S, _E = Goal.RUNNING, Goal.STOPPED, Goal.ENDED

# A domain that is there but off, with no reason, is what a launch leaves that
# was broken off; to run it is to go on.
_STAGING = _row(_come, _stage, _began, _stage, _halted, _crashed, _killed)
_BOOTING = _row(_come, _boot, _began, _boot, _halted, _crashed, _killed)
_RUNNING = _row(_serve, _vanished, _serve, _vanished, _halted, _crashed, _killed)
_STOPPING = _row(_wait, _stopped, _halt, *[_destroy] * 4)
_ENDING = _row(_wait, _release, _end, *[_destroy] * 4)
# A domain that is there all the same (it was not told of, or its controller
# lost its records) has no business here.
_ENDED = _row(_wait, _clean_up, *[_destroy] * 5)

_ROWS: dict[tuple[Goal, Life], dict[Look, _Entry]] = {
    (_R, Life.STAGING): _STAGING,
    (_R, Life.BOOTING): _BOOTING,
    (_R, Life.RUNNING): _RUNNING,
    # It stops first, and begins then.
    (_R, Life.STOPPING): _STOPPING,
    (_R, Life.STOPPED): _row(_wait, _start, _began, *[_start] * 4),
    # Never so.
    (_R, Life.SHUTTING_DOWN): _always(_mend),
    (_R, Life.TERMINATED): _always(_mend),
    # It comes up first, and stops then.
    (_S, Life.STAGING): _STAGING,
    (_S, Life.BOOTING): _BOOTING,
    (_S, Life.RUNNING): _always(_stop),
    (_S, Life.STOPPING): _STOPPING,
    # Somebody else may have started it.
    (_S, Life.STOPPED): _row(_wait, _wait, _stop, *[_destroy] * 4),
    # Never so.
    (_S, Life.SHUTTING_DOWN): _always(_mend),
    (_S, Life.TERMINATED): _always(_mend),
    # Never so: it is condemned in one go.
    (_E, Life.STAGING): _always(_begin_to_end),
    (_E, Life.BOOTING): _always(_begin_to_end),
    (_E, Life.RUNNING): _always(_begin_to_end),
    (_E, Life.STOPPING): _always(_begin_to_end),
    (_E, Life.STOPPED): _always(_begin_to_end),
    # Has ended only when the domain is known to be gone and the card to be
    # taken off, for then another may get its address.
    (_E, Life.SHUTTING_DOWN): _ENDING,
    (_E, Life.TERMINATED): _ENDED,
}

TABLE: dict[tuple[Goal, Life, Look], _Entry] = {
    (goal, life, look): entry
    for (goal, life), row in _ROWS.items()
    for look, entry in row.items()
}


def plan(
    record: HostedInstance, parts: Parts, now: datetime, limits: Limits
) -> Decision:
    """What to do next for this instance."""
    case = _Case(record=record, parts=parts, now=now, limits=limits)
    is_put_off = parts.must_be_off and record.wanted is Goal.RUNNING
    goal = Goal.STOPPED if is_put_off else record.wanted
    decision = TABLE[goal, record.life, parts.look](case)
    if parts.is_held and isinstance(decision, ShutDown | Reboot):
        # It could not hear it.
        return Rest()
    begins = is_put_off and record.life is Life.RUNNING
    if begins and isinstance(decision, Become):
        return Become(evolve(decision.record, is_off_for_image=True), decision.why)
    return decision
