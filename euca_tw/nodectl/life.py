"""
The life of a domain, as its node sees it.

Pure.  A node's controller above knows the original's three phases; here are the
seven steps that they are made of, which of them may follow which, and the phase
that each is told as.
"""

from __future__ import annotations

from enum import Enum

from euca_tw.model.lifecycle import Phase


class Goal(Enum):
    """What shall become of an instance."""

    RUNNING = "running"
    STOPPED = "stopped"
    ENDED = "ended"


class Life(Enum):
    """
    How far an instance has come.

    STAGING: its disk is being made.  BOOTING: its domain is about to run, or
    does and was not seen yet.  RUNNING: its domain was seen to run.  STOPPING:
    its guest shall shut itself down.  STOPPED: it has no domain, and its disk
    is kept.  SHUTTING_DOWN: it shall end.  TERMINATED: it has.
    """

    STAGING = "staging"
    BOOTING = "booting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"


_S = Life

#: What may follow each.  A record that comes from elsewhere (a domain that was
#: found) may begin anywhere.
FOLLOWS: dict[Life, frozenset[Life]] = {
    _S.STAGING: frozenset({_S.BOOTING, _S.RUNNING, _S.SHUTTING_DOWN}),
    # What was started anew and does not come up stays stopped.
    _S.BOOTING: frozenset({_S.RUNNING, _S.STOPPING, _S.SHUTTING_DOWN}),
    # What the machine took down with it may be run again.
    _S.RUNNING: frozenset({_S.BOOTING, _S.STOPPING, _S.SHUTTING_DOWN}),
    _S.STOPPING: frozenset({_S.STOPPED, _S.SHUTTING_DOWN}),
    # By itself, a stopped domain runs only if somebody else has started it.
    _S.STOPPED: frozenset({_S.BOOTING, _S.STOPPING, _S.RUNNING, _S.SHUTTING_DOWN}),
    _S.SHUTTING_DOWN: frozenset({_S.TERMINATED}),
    _S.TERMINATED: frozenset(),
}


def phase_of(life: Life, has_run: bool) -> Phase:
    """
    As it is told to the controller above.

    @param has_run: its domain was ever seen to run.
    """
    if life is Life.TERMINATED:
        return Phase.TEARDOWN
    return Phase.EXTANT if has_run else Phase.PENDING
