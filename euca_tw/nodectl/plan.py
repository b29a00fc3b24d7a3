"""
What a node does next for one instance.

L{TABLE} holds what shall be (wanted), how far it has come (phase) and what the
hypervisor says (look) against each other, the whole product; each entry is a
small function that knows the parts besides the domain: disk and card.  Nothing
here acts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from typing import ClassVar

from attrs import evolve, frozen

from euca_tw.common.convergence import Rest
from euca_tw.model.lifecycle import INSTANCE_SHUTDOWN, SERVER_ERROR, Phase, Wanted
from euca_tw.nodectl.interfaces import DomainState
from euca_tw.nodectl.records import HostedInstance, condemned


class Look(Enum):
    """What the hypervisor says of the domain; UNKNOWN: not yet, or too old."""

    UNKNOWN = auto()
    ABSENT = auto()
    RUNNING = auto()
    SHUTOFF = auto()
    CRASHED = auto()


_LOOKS = {
    None: Look.ABSENT,
    DomainState.RUNNING: Look.RUNNING,
    DomainState.PAUSED: Look.RUNNING,
    DomainState.SHUTOFF: Look.SHUTOFF,
    DomainState.CRASHED: Look.CRASHED,
}


def look_of(domain: DomainState | None) -> Look:
    """@param domain: None for one that is not listed."""
    return _LOOKS[domain]


@frozen(kw_only=True)
class Parts:
    """
    What this process knows of an instance's parts, besides its record.

    @ivar was_seen: its domain was seen running by this very process.
    @ivar refusal: why the hypervisor will never run it.
    @ivar trouble: why the last step did not succeed.
    @ivar is_heard: the controller above knows that it has ended.
    """

    look: Look = Look.UNKNOWN
    was_seen: bool = False
    is_staged: bool = False
    is_attached: bool = False
    is_detached: bool = False
    is_reboot_asked: bool = False
    refusal: str = ""
    trouble: str = ""
    is_heard: bool = False


@frozen(kw_only=True)
class Limits:
    """As L{euca_tw.nodectl.settings.NodeSettings} has them."""

    launch_deadline_s: float
    ended_kept_s: float


@frozen
class Become:
    """Keep this of the instance from now on."""

    record: HostedInstance


@frozen
class Stage:
    """Make its disk.  May take long, and may be broken off."""

    may_be_cut: ClassVar[bool] = True


@frozen
class Attach:
    """Serve its card."""


@frozen
class Run:
    """Run its domain."""


@frozen
class Reboot:
    """Reboot its guest."""


@frozen
class Destroy:
    """End its domain at once."""


@frozen
class Detach:
    """Serve its card no more."""


@frozen
class Discard:
    """Delete its disk."""


@frozen
class Forget:
    """Delete all that is left of it."""


Step = Stage | Attach | Run | Reboot | Destroy | Detach | Discard | Forget
Decision = Step | Become | Rest


@frozen(kw_only=True)
class _Case:
    record: HostedInstance
    parts: Parts
    now: datetime
    limits: Limits


def _wait(case: _Case) -> Decision:
    return Rest()


def _bring_up(case: _Case) -> Decision:
    record, parts = case.record, case.parts
    if parts.refusal:
        return Become(condemned(record, SERVER_ERROR, parts.refusal))
    deadline = record.began_at.timestamp() + case.limits.launch_deadline_s
    if case.now.timestamp() >= deadline:
        why = parts.trouble or "It did not run in time"
        return Become(condemned(record, SERVER_ERROR, why))
    if parts.look is Look.UNKNOWN:
        return Rest(deadline)
    if not parts.is_staged:
        return Stage()
    return Run() if parts.is_attached else Attach()


def _began(case: _Case) -> Decision:
    return Become(evolve(case.record, phase=Phase.EXTANT))


def _serve(case: _Case) -> Decision:
    if not case.parts.is_attached:
        return Attach()
    return Reboot() if case.parts.is_reboot_asked else Rest()


def _vanished(case: _Case) -> Decision:
    if case.parts.was_seen:
        return _shut_down(case)
    why = "Its domain was gone when the node controller was started"
    return Become(condemned(case.record, SERVER_ERROR, why))


def _shut_down(case: _Case) -> Decision:
    why = "Instance initiated shutdown"
    return Become(condemned(case.record, INSTANCE_SHUTDOWN, why))


def _crashed(case: _Case) -> Decision:
    return Become(condemned(case.record, SERVER_ERROR, "The guest has crashed"))


def _end(case: _Case) -> Decision:
    """What has ended is not wanted (a record that says otherwise is mended)."""
    return Become(condemned(case.record, SERVER_ERROR, "It has ended"))


def _destroy(case: _Case) -> Decision:
    return Destroy()


def _release(case: _Case) -> Decision:
    if not case.parts.is_detached:
        return Detach()
    return Become(evolve(case.record, phase=Phase.TEARDOWN, ended_at=case.now))


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


_R, _E = Wanted.RUNNING, Wanted.ENDED
_P, _X, _T = Phase.PENDING, Phase.EXTANT, Phase.TEARDOWN

TABLE: dict[tuple[Wanted, Phase, Look], Callable[[_Case], Decision]] = {
    # On its way.  A domain that is defined but not running is what a launch
    # leaves that was broken off; to run it is to go on.
    (_R, _P, Look.UNKNOWN): _bring_up,
    (_R, _P, Look.ABSENT): _bring_up,
    (_R, _P, Look.RUNNING): _began,
    (_R, _P, Look.SHUTOFF): _bring_up,
    (_R, _P, Look.CRASHED): _crashed,
    # Has run.
    (_R, _X, Look.UNKNOWN): _serve,
    (_R, _X, Look.ABSENT): _vanished,
    (_R, _X, Look.RUNNING): _serve,
    (_R, _X, Look.SHUTOFF): _shut_down,
    (_R, _X, Look.CRASHED): _crashed,
    # Never so.
    (_R, _T, Look.UNKNOWN): _end,
    (_R, _T, Look.ABSENT): _end,
    (_R, _T, Look.RUNNING): _end,
    (_R, _T, Look.SHUTOFF): _end,
    (_R, _T, Look.CRASHED): _end,
    # Shall end; has ended only when the domain is known to be gone and the
    # card to be taken off, for then another may get its address.
    (_E, _P, Look.UNKNOWN): _wait,
    (_E, _P, Look.ABSENT): _release,
    (_E, _P, Look.RUNNING): _destroy,
    (_E, _P, Look.SHUTOFF): _destroy,
    (_E, _P, Look.CRASHED): _destroy,
    (_E, _X, Look.UNKNOWN): _wait,
    (_E, _X, Look.ABSENT): _release,
    (_E, _X, Look.RUNNING): _destroy,
    (_E, _X, Look.SHUTOFF): _destroy,
    (_E, _X, Look.CRASHED): _destroy,
    # Has ended.  A domain that is there all the same (it was not told of, or
    # its controller lost its records) has no business here.
    (_E, _T, Look.UNKNOWN): _wait,
    (_E, _T, Look.ABSENT): _clean_up,
    (_E, _T, Look.RUNNING): _destroy,
    (_E, _T, Look.SHUTOFF): _destroy,
    (_E, _T, Look.CRASHED): _destroy,
}


def plan(
    record: HostedInstance, parts: Parts, now: datetime, limits: Limits
) -> Decision:
    """What to do next for this instance."""
    case = _Case(record=record, parts=parts, now=now, limits=limits)
    return TABLE[record.wanted, record.phase, parts.look](case)
