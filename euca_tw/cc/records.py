"""What a cluster controller keeps: which instance it gave to which node."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from attrs import frozen

from euca_tw.api.cluster import Launch
from euca_tw.common.evolved import evolve
from euca_tw.model.capacity import Resources
from euca_tw.model.lifecycle import Phase, Wanted


@frozen(kw_only=True)
class Placement:
    """
    An instance and its node.  It is durable before the node is told, so that
    a launch that is repeated goes to the same node.

    @ivar launch: as it is sent to the node; None: the instance was learned
        from its node, or ended before it was ever placed.
    @ivar node: the node's URL; C{""}: none was ever chosen.
    @ivar phase: the last that its node told, TEARDOWN for good.
    @ivar was_seen: its node has told of it.
    @ivar starts: how often it was to be started anew; C{starts_told}: how often
        it had been when its node told of C{phase}.
    @ivar is_forced: when it stops, its guest is not waited for.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("node",)

    instance_id: str
    launch: Launch | None
    node: str
    wanted: Wanted = Wanted.RUNNING
    phase: Phase = Phase.PENDING
    reason_code: str = ""
    reason: str = ""
    was_seen: bool = False
    placed_at: datetime
    ended_at: datetime | None = None
    starts: int = 0
    starts_told: int = 0
    is_forced: bool = False

    @property
    def key(self) -> str:
        return self.instance_id


@frozen(kw_only=True)
class KnownNode:
    """
    A node that has once told all its instances to this very store: what was
    on it then has a L{Placement}.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    url: str
    known_since: datetime

    @property
    def key(self) -> str:
        return self.url


@frozen(kw_only=True)
class LostNode:
    """
    A node that was declared lost, and not found again since: what was on it has
    ended, and nothing is given to it.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    url: str
    declared_at: datetime

    @property
    def key(self) -> str:
        return self.url


@frozen(kw_only=True)
class PublicAddress:
    """
    @ivar source: the public address.
    @ivar dest: the private address it stands for; C{0.0.0.0} for none.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    source: str
    dest: str

    @property
    def key(self) -> str:
        return self.source


@frozen(kw_only=True)
class StartedNetwork:
    """A security group's network, as the original's cloud has it started."""

    INDEXES: ClassVar[tuple[str, ...]] = ()

    user: str
    name: str
    vlan: int

    @property
    def key(self) -> str:
        return str(self.vlan)


@frozen(kw_only=True)
class NetworksTold:
    """
    Which state of the cloud's was told last, whatever is known of it still.

    @ivar epoch: of the run of the cloud controller that told it.
    @ivar revision: of its state.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    epoch: str
    revision: int

    @property
    def key(self) -> str:
        return "told"


#: Every kind of record that a cluster controller keeps.
CLUSTER_RECORDS: tuple[type, ...] = (
    Placement,
    KnownNode,
    LostNode,
    PublicAddress,
    StartedNetwork,
    NetworksTold,
)


#: Why what was on a node has ended.
NODE_LOST = "Its node did not answer any more and was declared lost"


def ended(
    placement: Placement, now: datetime, reason_code: str, reason: str
) -> Placement:
    """It has ended; a reason that stands already is the earlier one."""
    return evolve(
        placement,
        wanted=Wanted.ENDED,
        phase=Phase.TEARDOWN,
        ended_at=now,
        reason_code=placement.reason_code or reason_code,
        reason=placement.reason if placement.reason_code else reason,
    )


def group_of(launch: Launch) -> str:
    """The account and the first security group of an instance; C{""}: it has none."""
    if not launch.group_names:
        return ""
    return f"{launch.owner_id}/{launch.group_names[0]}"


def needs(launch: Launch) -> Resources:
    """What an instance takes of its node."""
    of = launch.instance_type
    return Resources(
        cores=of.cores or 0, memory_mib=of.memory or 0, disk_gib=of.disk or 0
    )
