"""What went through the trunk, and what did not, counted."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import asdict, define, frozen


@define(eq=False)
class Counters:
    """
    Of one network, or of one peer.

    @ivar frames_out, bytes_out: into the trunk.
    @ivar frames_in, bytes_in: out of it.
    @ivar passed_on: frames of two others, by way of here.
    @ivar full: frames that were dropped since the peer took no more.
    @ivar nowhere: for clusters to which there is no way.
    @ivar unwelcome: that came from the trunk and should not have.
    @ivar unwritten: that the kernel did not take.
    """

    frames_out: int = 0
    bytes_out: int = 0
    frames_in: int = 0
    bytes_in: int = 0
    passed_on: int = 0
    full: int = 0
    nowhere: int = 0
    unwelcome: int = 0
    unwritten: int = 0


def counted(counters: Counters) -> Mapping[str, int]:
    """As they are now, by name."""
    return asdict(counters)


@frozen(kw_only=True)
class PeerReport:
    """
    @ivar by: the cluster by which frames for it go, its own if straight; empty if
        there is no way.
    @ivar since: when it was connected, in seconds since 1970; None if it is not.
    @ivar connections: how many there were.
    @ivar trouble: why there is none; empty if all is well.
    @ivar networks: how many it carries.
    """

    name: str
    by: str
    where: str
    since: float | None
    rtt_s: float | None
    connections: int
    trouble: str
    networks: int
    counts: Mapping[str, int]


@frozen(kw_only=True)
class NetworkReport:
    """@ivar device: the TAP's name."""

    number: int
    device: str
    counts: Mapping[str, int]


@frozen(kw_only=True)
class Report:
    """How a trunk is doing."""

    cluster: str
    peers: tuple[PeerReport, ...]
    networks: tuple[NetworkReport, ...]
