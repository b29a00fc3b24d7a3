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
    check_positive,
)
from euca_tw.sim.life import Moment

#: C{crash}: a daemon is killed, and started again later.  C{death}: a machine loses
#: its power, and what ran on it.  C{partition}: nothing passes between two daemons.
#: C{hypervisor}: that of a node does not answer, and what runs goes on.
KINDS = ("crash", "death", "partition", "hypervisor")
#: What a machine does worse than it should.  C{slow-disk}: writes take longer.
#: C{full-disk}: a daemon cannot keep anything.  C{full-images}: a node has no room
#: for instances' disks.  C{clock}: it is wrong.
AILMENTS = ("slow-disk", "full-disk", "full-images", "clock")


def _check_kind(kind: str) -> None:
    if kind not in (*KINDS, *AILMENTS):
        raise ValueError(f"{kind!r} is none of {', '.join((*KINDS, *AILMENTS))}")


def _check_moment(moment: str) -> None:
    known = [each.value for each in Moment]
    if moment and moment not in known:
        raise ValueError(f"{moment!r} is none of {', '.join(known)}")


def _check_factor(factor: float) -> None:
    if not 1 <= factor < float("inf"):
        raise ValueError(f"{factor} must be 1 or more")


def _check_finite(seconds: float) -> None:
    if not -float("inf") < seconds < float("inf"):
        raise ValueError(f"{seconds} must be a number of seconds")


def _check_drift(drift_ppm: float) -> None:
    if not -1e6 < drift_ppm <= 1e6:
        raise ValueError(f"{drift_ppm} must be from -1,000,000 to 1,000,000")


def check_share(share: float) -> None:
    """@raise ValueError: it is no share of a whole."""
    if not 0 <= share <= 1:
        raise ValueError(f"{share} must be from 0 to 1")


@frozen(kw_only=True)
class Fault:
    """
    One that happens at an instant.

    @ivar at_s: since the beginning.
    @ivar moment: of C{crash}: it comes about in the midst of what the daemon does
        from then on: the C{nth} time that it is at this L{Moment}.  C{""}: at once.
    @ivar for_s: then it is over; 0: it lasts, which is for C{death} only.
    @ivar target: the daemon: C{cloud}, a cluster's or a node's name.
    @ivar other: of C{partition}: the other daemon.
    @ivar factor: of C{slow-disk}: writes take so many times as long.
    @ivar by_s: of C{clock}: it is so far ahead; behind, if it is below 0.
    @ivar drift_ppm: of C{clock}: from then on it gains so many millionths.
    """

    kind: str = checked(_check_kind)
    at_s: float = checked(check_amount)
    for_s: float = checked(check_amount, 30.0)
    target: str
    other: str = ""
    moment: str = checked(_check_moment, "")
    nth: int = checked(check_positive, 1)
    factor: float = checked(_check_factor, 20.0)
    by_s: float = checked(_check_finite, 0.0)
    drift_ppm: float = checked(_check_drift, 0.0)


@frozen(kw_only=True)
class Faults:
    """
    Those at random, from the beginning to the end of a run.

    @ivar crashes_per_hour: of all daemons together.
    @ivar deaths_per_hour: of nodes, for good.
    @ivar partitions_per_hour: between a cluster and one of its nodes, or the cloud.
    @ivar down_s, apart_s: how long each crash, each partition lasts.
    @ivar slow_disks_per_hour, full_disks_per_hour: of all daemons' machines.
    @ivar full_images_per_hour: of nodes.
    @ivar wrong_clocks_per_hour: of all daemons' machines.
    @ivar ailing_s: how long each of these lasts.
    @ivar slow_factor: how many times as long writes take on a slow disk.
    @ivar wrong_by_s: by how much a clock is wrong; ahead or behind, by chance.
    @ivar loss, duplication, delay: the share of messages that are lost, come
        twice, or come C{delayed_s} later: so later ones overtake them.
    """

    crashes_per_hour: float = checked(check_amount, 0.0)
    deaths_per_hour: float = checked(check_amount, 0.0)
    partitions_per_hour: float = checked(check_amount, 0.0)
    down_s: Distribution = Factory(lambda: Exponential(mean=30.0))
    apart_s: Distribution = Factory(lambda: Exponential(mean=60.0))
    slow_disks_per_hour: float = checked(check_amount, 0.0)
    full_disks_per_hour: float = checked(check_amount, 0.0)
    full_images_per_hour: float = checked(check_amount, 0.0)
    wrong_clocks_per_hour: float = checked(check_amount, 0.0)
    ailing_s: Distribution = Factory(lambda: Exponential(mean=60.0))
    slow_factor: float = checked(_check_factor, 20.0)
    wrong_by_s: Distribution = Factory(lambda: Exponential(mean=10.0))
    loss: float = checked(check_share, 0.0)
    duplication: float = checked(check_share, 0.0)
    delay: float = checked(check_share, 0.0)
    delayed_s: Distribution = Factory(lambda: Constant(value=1.0))


#: Kinds that befall nodes only.
_OF_NODES = ("death", "hypervisor", "full-images")


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
        if fault.kind in _OF_NODES and fault.target not in nodes:
            raise ValueError(f"a {fault.kind} is of a node, and {fault.target} is none")
        if fault.kind != "crash" and fault.moment:
            raise ValueError(f"a {fault.kind} is at an instant: moment is of a crash")
        if fault.kind == "clock" and not (fault.by_s or fault.drift_ppm):
            raise ValueError("a clock that is wrong needs by_s, drift_ppm or both")
        if fault.kind != "death" and not fault.for_s:
            raise ValueError(f"a {fault.kind} must end: for_s must be more than 0")
