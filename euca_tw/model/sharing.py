"""
What the cloud controllers that share one state tell each other by it.

Of what a cluster tells, only the one that leads its work hears; what users of the
others have to know of that is here.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import frozen


@frozen(kw_only=True)
class Controller:
    """
    A cloud controller that runs, or was killed a moment ago.

    @ivar name: no other was or will be called so.
    @ivar listen: where, as an endpoint; for operators.
    @ivar host, pid: its process.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    name: str
    listen: str
    host: str
    pid: int
    started_at: datetime

    @property
    def key(self) -> str:
        return self.name


@frozen(kw_only=True)
class Leadership:
    """
    Which cloud controller began a duty last; whether it still leads it says its
    lease.

    @ivar holder: the L{Controller}'s name.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    duty: str
    holder: str
    since: datetime

    @property
    def key(self) -> str:
        return self.duty


@frozen(kw_only=True)
class ReportedRoom:
    """@ivar name: of a machine type."""

    name: str
    available: int
    most: int


@frozen(kw_only=True)
class ReportedStranger:
    """As L{euca_tw.clc.interfaces.Stranger}."""

    instance_id: str
    owner_id: str
    private_ip: str
    network_index: int


@frozen(kw_only=True)
class ReportedNode:
    """As L{euca_tw.clc.interfaces.TroubledNode}."""

    url: str
    state: str
    since: datetime | None = None


@frozen(kw_only=True)
class ClusterReport:
    """
    What a cluster told last, as who leads its work passes it on.

    @ivar is_reachable: it answered the last time.
    @ivar why: why it did not; C{""} if it did.
    @ivar epoch: of the cluster's run.
    @ivar addresses: how many instances its address range can hold.
    @ivar room: told before those that are not C{counted} came.
    @ivar counted: of the instances that start there, those that are in C{room}.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    zone: str
    is_reachable: bool
    epoch: str
    addresses: int
    room: tuple[ReportedRoom, ...] = ()
    counted: tuple[str, ...] = ()
    strangers: tuple[ReportedStranger, ...] = ()
    nodes: tuple[ReportedNode, ...] = ()
    why: str = ""

    @property
    def key(self) -> str:
        return self.zone


@frozen(kw_only=True)
class FeedStanding:
    """
    How it stands with a cluster's knowledge of networks, as who tells it passes it
    on.

    @ivar is_held: it holds on to networks that this state knows nothing of.
    @ivar has_told: it has taken this state's.
    @ivar is_accepted: an operator wants it to take them all the same.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    zone: str
    is_held: bool = False
    has_told: bool = False
    is_accepted: bool = False

    @property
    def key(self) -> str:
        return self.zone


#: Every kind of record by which they do.
SHARING_RECORDS: tuple[type, ...] = (
    Controller,
    Leadership,
    ClusterReport,
    FeedStanding,
)
