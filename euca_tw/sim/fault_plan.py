"""
What shall go wrong, as a scenario says it: at an instant, or at random.

Only words and their meaning; who brings it about is L{euca_tw.sim.faults}.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import Factory, frozen

from euca_tw.common.config import checked
from euca_tw.sim.distributions import (
    Constant,
    Distribution,
    Exponential,
    check_amount,
)

#: C{crash}: a daemon is killed, and started again later.  C{death}: a machine loses
#: its power, and what ran on it.  C{partition}: nothing passes between two daemons.
KINDS = ("crash", "death", "partition")


def _check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is none of {', '.join(KINDS)}")


def check_share(share: float) -> None:
    """@raise ValueError: it is no share of a whole."""
    if not 0 <= share <= 1:
        raise ValueError(f"{share} must be from 0 to 1")


@frozen(kw_only=True)
class Fault:
    """
    One that happens at an instant.

    @ivar at_s: since the beginning.
    @ivar for_s: then it is over; 0: it lasts, which is for C{death} only.
    @ivar target: the daemon: C{cloud}, a cluster's or a node's name.
    @ivar other: of C{partition}: the other daemon.
    """

    kind: str = checked(_check_kind)
    at_s: float = checked(check_amount)
    for_s: float = checked(check_amount, 30.0)
    target: str
    other: str = ""


@frozen(kw_only=True)
class Faults:
    """
    Those at random, from the beginning to the end of a run.

    @ivar crashes_per_hour: of all daemons together.
    @ivar deaths_per_hour: of nodes, for good.
    @ivar partitions_per_hour: between a cluster and one of its nodes, or the cloud.
    @ivar down_s, apart_s: how long each crash, each partition lasts.
    @ivar loss, duplication, delay: the share of messages that are lost, come
        twice, or come C{delayed_s} later: so later ones overtake them.
    """

    crashes_per_hour: float = checked(check_amount, 0.0)
    deaths_per_hour: float = checked(check_amount, 0.0)
    partitions_per_hour: float = checked(check_amount, 0.0)
    down_s: Distribution = Factory(lambda: Exponential(mean=30.0))
    apart_s: Distribution = Factory(lambda: Exponential(mean=60.0))
    loss: float = checked(check_share, 0.0)
    duplication: float = checked(check_share, 0.0)
    delay: float = checked(check_share, 0.0)
    delayed_s: Distribution = Factory(lambda: Constant(value=1.0))


def check_targets(
    faults: Iterable[Fault], daemons: frozenset[str], nodes: frozenset[str]
) -> None:
    """
    @param daemons: all of them, those of C{nodes} too.
    @raise ValueError: one is of a daemon that is not, or of none that it may be of.
    """
    for fault in faults:
        named = [fault.target]
        if fault.kind == "partition":
            named.append(fault.other)
        elif fault.other:
            raise ValueError(f"a {fault.kind} is of one daemon: other must not be set")
        for name in named:
            if name not in daemons:
                raise ValueError(f"there is no daemon {name!r}")
        if fault.target == fault.other:
            raise ValueError(f"{fault.target} cannot be apart from itself")
        if fault.kind == "death" and fault.target not in nodes:
            raise ValueError(f"a death is of a node, and {fault.target} is none")
        if fault.kind != "death" and not fault.for_s:
            raise ValueError(f"a {fault.kind} must end: for_s must be more than 0")
