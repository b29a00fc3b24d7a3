"""
The cloud's records: what the cloud controller keeps.

Frozen values; a change is a new value put in the store.  Each says under which
key it is kept (C{key}) and by which fields it can be found (C{INDEXES}).  Times
are aware datetimes in UTC; sizes are in the unit that the name tells.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import ClassVar

from attrs import Factory, field, frozen
from attrs.validators import in_

from euca_tw.model.identifiers import (
    AccountId,
    GroupId,
    ImageId,
    InstanceId,
    ReservationId,
    derived_identifier,
)
from euca_tw.model.sharing import SHARING_RECORDS
from euca_tw.model.usage import UsageMeter, UsageMonth


class InstanceState(Enum):
    """EC2's names; L{code} gives EC2's numbers."""

    PENDING = "pending"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"

    @property
    def code(self) -> int:
        return _CODES[self.value]


_CODES = {
    "pending": 0,
    "running": 16,
    "shutting-down": 32,
    "terminated": 48,
    "stopping": 64,
    "stopped": 80,
}


class ImageKind(Enum):
    MACHINE = "machine"
    KERNEL = "kernel"
    RAMDISK = "ramdisk"


class ImageState(Enum):
    """PENDING: its bytes are on their way into the cloud's image store."""

    PENDING = "pending"
    AVAILABLE = "available"
    FAILED = "failed"
    DEREGISTERED = "deregistered"


@frozen(kw_only=True)
class Limit:
    """
    What one account may hold of something, in place of what all may.

    @ivar of: a field of L{euca_tw.model.quotas.Quotas}.
    @ivar most: likewise.
    """

    of: str
    most: int


@frozen(kw_only=True)
class User:
    """
    A user and the account that is his own.

    @ivar expires_at: from when on he is not let in; None: he always is.
    @ivar limits: his own, by name.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("name",)

    account_id: AccountId
    name: str
    is_admin: bool = False
    is_active: bool = True
    created_at: datetime
    expires_at: datetime | None = None
    limits: tuple[Limit, ...] = ()

    @property
    def key(self) -> str:
        return self.account_id


@frozen(kw_only=True)
class AccessKey:
    """
    What signs Query requests.

    @ivar sealed_secret: the secret, as L{euca_tw.clc.sealing} seals it.
    @ivar created_at: None if it was made before that was kept.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("account_id",)
    #: At first the secret was kept in clear, as C{secret}.
    UPGRADES: ClassVar[tuple[str, ...]] = ("seal_secret",)

    key_id: str
    sealed_secret: bytes = field(repr=False)
    account_id: AccountId
    is_active: bool = True
    created_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.key_id


@frozen(kw_only=True)
class UserCertificate:
    """
    What signs SOAP requests.

    @ivar fingerprint: SHA-256 over the DER bytes, lower-case hex.
    @ivar created_at: None if it was made before that was kept.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("account_id",)

    fingerprint: str
    pem: str
    account_id: AccountId
    is_active: bool = True
    created_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.fingerprint


@frozen(kw_only=True)
class Image:
    """
    @ivar location: what the user registered: a path on the CLC's machine, or
        an http(s) URL.  Of what was made here, its owner and its name.
    @ivar sha256: of the stored bytes, lower-case hex; empty until AVAILABLE.
    @ivar made_of: the instance whose disk it was; None: of none.
    @ivar made_in: that instance's zone.
    @ivar made_on: the service tag of its node.
    @ivar is_rebooted: that instance is shut down for it.
    @ivar copy_of: the image that it is a copy of; None: of none.
    @ivar client_token: with which the copy was asked for.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id", "state")
    TOTALS: ClassVar[dict[str, tuple[str, ...]]] = {"owner_id": ("size_bytes",)}

    image_id: ImageId
    kind: ImageKind
    owner_id: AccountId
    location: str
    state: ImageState
    registered_at: datetime
    architecture: str = "x86_64"
    is_public: bool = False
    launch_permissions: tuple[AccountId, ...] = ()
    product_codes: tuple[str, ...] = ()
    kernel_id: ImageId | None = None
    ramdisk_id: ImageId | None = None
    name: str = ""
    description: str = ""
    root_device_name: str = "/dev/sda1"
    size_bytes: int = 0
    sha256: str = ""
    state_reason: str = ""
    made_of: InstanceId | None = None
    made_in: str = ""
    made_on: str = ""
    is_rebooted: bool = False
    copy_of: ImageId | None = None
    client_token: str = ""

    @property
    def key(self) -> str:
        return self.image_id

    @property
    def is_being_made(self) -> bool:
        """Whether a node is to send it."""
        return self.state is ImageState.PENDING and self.made_of is not None


@frozen(kw_only=True)
class KeyPair:
    """
    @ivar fingerprint: as EC2 gives it: of RSA keys pairs of hex digits with
        colons.
    @ivar public_key: one line of authorized_keys.
    @ivar key_type: C{rsa} or C{ed25519}.
    @ivar created_at: None if it was made before that was kept.
    @ivar key_pair_id: those made before there were any have one by their name.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id", "key_pair_id")

    owner_id: AccountId
    name: str
    fingerprint: str
    public_key: str
    key_type: str = "rsa"
    created_at: datetime | None = None
    key_pair_id: str = Factory(
        lambda self: derived_identifier("key", self.key), takes_self=True
    )

    @property
    def key(self) -> str:
        return f"{self.owner_id}/{self.name}"


@frozen(kw_only=True)
class GroupSource:
    """Members of another security group, as a source of traffic, or where it goes."""

    owner_id: AccountId
    group_id: GroupId
    group_name: str


@frozen(kw_only=True)
class Permission:
    """
    One rule: a protocol, a range, and one source; of what goes out, one destination.

    @ivar protocol: C{tcp}, C{udp}, C{icmp}, or an IP protocol number.
    @ivar from_port: of ICMP, the type; -1 is all.
    @ivar cidr: that network, else C{group} is set.
    @ivar description: its user's; a rule is the same whatever is said of it.
    """

    protocol: str
    from_port: int
    to_port: int
    cidr: str | None = None
    group: GroupSource | None = None
    description: str = field(default="", eq=False)


#: What a group lets out that nobody changed.
EVERYTHING = Permission(protocol="-1", from_port=-1, to_port=-1, cidr="0.0.0.0/0")


@frozen(kw_only=True)
class SecurityGroup:
    """
    @ivar permissions: what may come in.
    @ivar egress: what may go out, if it is in a VPC; those made before there was such
        a thing let out everything.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id",)

    group_id: GroupId
    owner_id: AccountId
    name: str
    description: str
    permissions: tuple[Permission, ...] = ()
    egress: tuple[Permission, ...] = (EVERYTHING,)

    @property
    def key(self) -> str:
        return self.group_id


@frozen(kw_only=True)
class Address:
    """
    A public address that a user holds.

    @ivar domain: as was asked: C{standard} or C{vpc}.
    @ivar allocation_id: those allocated before there were any have one by the
        address.
    """

    INDEXES: ClassVar[tuple[str, ...]] = (
        "owner_id",
        "instance_id",
        "allocation_id",
        "association_id",
    )

    public_ip: str
    owner_id: AccountId
    instance_id: InstanceId | None = None
    domain: str = "standard"
    allocation_id: str = Factory(
        lambda self: derived_identifier("eipalloc", self.public_ip), takes_self=True
    )

    @property
    def key(self) -> str:
        return self.public_ip

    @property
    def association_id(self) -> str | None:
        """Names that this instance has it; None: none has."""
        if self.instance_id is None:
            return None
        of = f"{self.allocation_id}/{self.instance_id}"
        return derived_identifier("eipassoc", of)


@frozen(kw_only=True)
class GroupName:
    """A group that an instance was launched in."""

    group_id: GroupId
    name: str


#: What users can ask for.
WANTED_STATES = (
    InstanceState.RUNNING,
    InstanceState.STOPPED,
    InstanceState.TERMINATED,
)


@frozen(kw_only=True)
class Instance:
    """
    What a user asked for, and what has been seen of it.

    @ivar wanted: RUNNING, STOPPED or TERMINATED: what shall be.
    @ivar state: what users are told.
    @ivar user_data: base64 text, as it came.
    @ivar zone: the cluster that it was placed in.
    @ivar network: the number of the L{GroupNetwork} that it is in; 0 where
        networks are not managed.
    @ivar network_index: its place in the address range of the network, else of
        the cluster.
    @ivar private_ip: C{""} until the cluster has told it; in a network it is
        given by the cloud.
    @ivar node: the service tag (URL) of the node that has it, C{""} before.
    @ivar is_silent: its cluster or node has not been heard of; C{state} is
        the last that was known.
    @ivar reboots_wanted: how often a reboot was asked for; C{reboots_done}
        follows.
    @ivar starts: how often it was started anew, after it was stopped; goes with
        all that clusters are told of it, so that what comes late is known.
    @ivar started_at: when it was last started anew, if ever.
    @ivar is_stop_forced: its guest is not to be waited for.
    @ivar is_protected: it is not to be terminated.
    @ivar is_monitored: its user wants to have it monitored.
    @ivar stops_itself: when its guest switches itself off it is stopped, and
        not ended; C{is_told_to_stop}: its node was told so.
    @ivar placement_group: of its owner; C{""} for none.
    """

    INDEXES: ClassVar[tuple[str, ...]] = (
        "owner_id",
        "reservation_id",
        "zone",
        "image_id",
        "live_in",
        "starting_in",
        "occupies",
        "charged_to",
        "member_of",
        "state_name",
        "private_ip",
    )
    MANY_INDEXES: ClassVar[tuple[str, ...]] = ("group_ids", "placed_in", "needs_images")
    TOTALS: ClassVar[dict[str, tuple[str, ...]]] = {
        "charged_to": ("cores", "memory_mib")
    }

    instance_id: InstanceId
    reservation_id: ReservationId
    owner_id: AccountId
    image_id: ImageId
    kernel_id: ImageId | None = None
    ramdisk_id: ImageId | None = None
    instance_type: str
    cores: int
    memory_mib: int
    disk_gib: int
    ephemeral_gib: int = 0
    swap_mib: int = 0
    key_name: str = ""
    public_key: str = ""
    groups: tuple[GroupName, ...]
    user_data: str = ""
    launch_index: int
    launched_at: datetime
    client_token: str = ""
    zone: str
    network: int = 0
    network_index: int
    mac_address: str
    wanted: InstanceState = field(
        default=InstanceState.RUNNING, validator=in_(WANTED_STATES)
    )
    state: InstanceState = InstanceState.PENDING
    state_reason_code: str = ""
    state_reason: str = ""
    transition_reason: str = ""
    private_ip: str = ""
    node: str = ""
    is_silent: bool = False
    reboots_wanted: int = 0
    reboots_done: int = 0
    starts: int = 0
    started_at: datetime | None = None
    is_stop_forced: bool = False
    is_protected: bool = False
    is_monitored: bool = False
    stops_itself: bool = False
    is_told_to_stop: bool = False
    placement_group: str = ""
    ended_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.instance_id

    @property
    def is_live(self) -> bool:
        """Whether it holds what it was given: a place, an address, a disk."""
        return self.state is not InstanceState.TERMINATED

    @property
    def since(self) -> datetime:
        """When it was launched, or was last started anew."""
        return self.started_at or self.launched_at

    @property
    def state_name(self) -> str:
        """EC2's name of its state."""
        return self.state.value

    @property
    def group_ids(self) -> tuple[GroupId, ...]:
        """The groups that it was launched in."""
        return tuple(dict.fromkeys([group.group_id for group in self.groups]))

    @property
    def live_in(self) -> str:
        """The zone, while it lives; then nothing that another has too."""
        return self.zone if self.is_live else f"ended/{self.instance_id}"

    @property
    def starting_in(self) -> str:
        """The zone, until it runs or shall end; then nothing that another has."""
        is_starting = (
            self.wanted is InstanceState.RUNNING and self.state is InstanceState.PENDING
        )
        return self.zone if is_starting else f"started/{self.instance_id}"

    @property
    def occupies(self) -> str:
        """
        The place in its zone's or network's address range (L{place_in},
        L{place_in_network}), while it lives; then nothing that another has too.
        """
        if not self.is_live:
            return f"ended/{self.instance_id}"
        if self.network:
            return place_in_network(self.network, self.network_index)
        return place_in(self.zone, self.network_index)

    @property
    def placed_in(self) -> tuple[str, ...]:
        """The key of its L{PlacementGroup}, while it lives."""
        if not (self.is_live and self.placement_group):
            return ()
        return (placement_group_key(self.owner_id, self.placement_group),)

    @property
    def needs_images(self) -> tuple[ImageId, ...]:
        """The images that it may have to be made of, while it lives."""
        if not self.is_live:
            return ()
        needed = (self.image_id, self.kernel_id, self.ramdisk_id)
        return tuple(dict.fromkeys([each for each in needed if each]))

    @property
    def charged_to(self) -> str:
        """Whose limit it counts against; nobody's, once it shall end."""
        if self.is_live and self.wanted is InstanceState.RUNNING:
            return self.owner_id
        return f"ended/{self.instance_id}"

    @property
    def member_of(self) -> str:
        """Its network, while it lives; then nothing that another has too."""
        if self.is_live and self.network:
            return f"network/{self.network}"
        return f"none/{self.instance_id}"


def place_in(zone: str, network_index: int) -> str:
    """One of the places in a zone's address range, as L{Instance.occupies}."""
    return f"{zone}/{network_index}"


def place_in_network(number: int, network_index: int) -> str:
    """One of the places in a network's address range, likewise."""
    return f"network {number}/{network_index}"


@frozen(kw_only=True)
class ClientToken:
    """
    One idempotent RunInstances.

    @ivar digest: SHA-256 over the request's parameters, hex.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    owner_id: AccountId
    token: str
    digest: str
    reservation_id: ReservationId

    @property
    def key(self) -> str:
        return f"{self.owner_id}/{self.token}"


@frozen(kw_only=True)
class PlacementGroup:
    """
    Instances that run close to each other.

    @ivar group_id: C{pg-…}.
    @ivar strategy: C{cluster}: all of them in one zone.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id", "group_id")

    owner_id: AccountId
    name: str
    group_id: str
    strategy: str = "cluster"

    @property
    def key(self) -> str:
        return placement_group_key(self.owner_id, self.name)


def placement_group_key(owner_id: str, name: str) -> str:
    """Under which an account's L{PlacementGroup} of a name is kept."""
    return f"{owner_id}/{name}"


@frozen(kw_only=True)
class GroupNetwork:
    """
    The network of a security group's instances, from its first to its last.

    @ivar zones: in which it has, or had, an instance.
    @ivar is_over: it had its last.  No instance is put into it any more; it is
        forgotten, and its number and its addresses are others', when no machine
        has anything of it.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("serves",)

    number: int
    subnet: str
    group_id: GroupId
    zones: tuple[str, ...] = ()
    is_over: bool = False

    @property
    def key(self) -> str:
        return str(self.number)

    @property
    def serves(self) -> str:
        """The group, until it is over; then nothing that another has too."""
        return f"over/{self.number}" if self.is_over else self.group_id


@frozen(kw_only=True)
class LostCluster:
    """
    A cluster that was declared lost, and not found again since: what was in it has
    ended, and nothing is given to it.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    name: str
    declared_at: datetime

    @property
    def key(self) -> str:
        return self.name


@frozen(kw_only=True)
class KnownMachine:
    """
    A machine that carries networks, as its cluster told last.

    @ivar role: C{head} or C{node}.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("cluster",)

    name: str
    cluster: str
    role: str
    address: str
    is_routed: bool = False
    mtu: int = 1500

    @property
    def key(self) -> str:
        return self.name


@frozen(kw_only=True)
class ResourceTags:
    """
    What one account has noted on one resource.

    @ivar owner_id: who noted it, whosoever the resource is.
    @ivar resource_type: C{instance}, C{image}, …
    @ivar tags: keys and values, by key; never none.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id", "resource_id")
    MANY_INDEXES: ClassVar[tuple[str, ...]] = ("pairs", "keys", "values")
    TOTALS: ClassVar[dict[str, tuple[str, ...]]] = {"owner_id": ("count",)}

    owner_id: AccountId
    resource_id: str
    resource_type: str
    tags: tuple[tuple[str, str], ...]

    @property
    def key(self) -> str:
        return tags_key(self.owner_id, self.resource_id)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.tags)

    @property
    def pairs(self) -> tuple[tuple[str, str, str], ...]:
        """Whose tags, key and value of each."""
        return tuple((self.owner_id, key, value) for key, value in self.tags)

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """Whose tags, and the key of each."""
        return tuple((self.owner_id, key) for key, _ in self.tags)

    @property
    def values(self) -> tuple[tuple[str, str], ...]:
        """Whose tags, and the values that occur."""
        return tuple({(self.owner_id, value): None for _, value in self.tags})


def tags_key(owner_id: str, resource_id: str) -> str:
    """Under which an account's L{ResourceTags} of a resource are kept."""
    return f"{owner_id}/{resource_id}"


@frozen(kw_only=True)
class NetworkRevision:
    """
    How many commits a cloud controller ever made of what clusters are told of
    networks; kept with each of them.  The revision is the sum: if all counted in
    one, of any two commits at a time one would be too late.

    @ivar by: C{""}: of the only one, or of those that are no more.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    number: int
    by: str = ""

    @property
    def key(self) -> str:
        return f"revision/{self.by}" if self.by else "revision"


@frozen(kw_only=True)
class NetworkRun:
    """
    One run of a cloud controller, in which it told clusters of networks.

    @ivar epoch: by which clusters know it.
    @ivar began: the revision at its start; none of an earlier run is greater.
    @ivar ended: the revision at the start of the next run; None: it is the last.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    epoch: str
    began: int
    ended: int | None = None

    @property
    def key(self) -> str:
        return self.epoch


@frozen(kw_only=True)
class Restored:
    """
    This state was restored from a backup, and not every cluster was heard since.

    @ivar made_at: of when the backup is.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ()

    at: datetime
    made_at: datetime

    @property
    def key(self) -> str:
        return "restored"


#: Every kind of record that a cloud controller keeps.
CLOUD_RECORDS: tuple[type, ...] = (
    User,
    AccessKey,
    UserCertificate,
    Image,
    KeyPair,
    SecurityGroup,
    Address,
    Instance,
    ClientToken,
    GroupNetwork,
    KnownMachine,
    LostCluster,
    ResourceTags,
    PlacementGroup,
    UsageMeter,
    UsageMonth,
    NetworkRevision,
    NetworkRun,
    Restored,
    *SHARING_RECORDS,
)
