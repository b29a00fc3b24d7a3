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

from attrs import field, frozen

from euca_tw.model.identifiers import (
    AccountId,
    GroupId,
    ImageId,
    InstanceId,
    ReservationId,
)


class InstanceState(Enum):
    """EC2's names; L{code} gives EC2's numbers."""

    PENDING = "pending"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"

    @property
    def code(self) -> int:
        return {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}[
            self.value
        ]


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
class User:
    """
    A user and the account that is his own.

    @ivar expires_at: from when on he is not let in; None: he always is.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("name",)

    account_id: AccountId
    name: str
    is_admin: bool = False
    is_active: bool = True
    created_at: datetime
    expires_at: datetime | None = None

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
        an http(s) URL.
    @ivar sha256: of the stored bytes, lower-case hex; empty until AVAILABLE.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id",)

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

    @property
    def key(self) -> str:
        return self.image_id


@frozen(kw_only=True)
class KeyPair:
    """
    @ivar fingerprint: as EC2 gives it, pairs of hex digits with colons.
    @ivar public_key: one line of authorized_keys.
    """

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id",)

    owner_id: AccountId
    name: str
    fingerprint: str
    public_key: str

    @property
    def key(self) -> str:
        return f"{self.owner_id}/{self.name}"


@frozen(kw_only=True)
class GroupSource:
    """Members of another security group, as a source of traffic."""

    owner_id: AccountId
    group_id: GroupId
    group_name: str


@frozen(kw_only=True)
class Permission:
    """
    One rule: a protocol, a range, and one source.

    @ivar protocol: C{tcp}, C{udp}, C{icmp}, or an IP protocol number.
    @ivar from_port: of ICMP, the type; -1 is all.
    @ivar cidr: the source network, else C{group} is set.
    """

    protocol: str
    from_port: int
    to_port: int
    cidr: str | None = None
    group: GroupSource | None = None


@frozen(kw_only=True)
class SecurityGroup:
    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id",)

    group_id: GroupId
    owner_id: AccountId
    name: str
    description: str
    permissions: tuple[Permission, ...] = ()

    @property
    def key(self) -> str:
        return self.group_id


@frozen(kw_only=True)
class Address:
    """A public address that a user holds."""

    INDEXES: ClassVar[tuple[str, ...]] = ("owner_id", "instance_id")

    public_ip: str
    owner_id: AccountId
    instance_id: InstanceId | None = None

    @property
    def key(self) -> str:
        return self.public_ip


@frozen(kw_only=True)
class GroupName:
    """A group that an instance was launched in."""

    group_id: GroupId
    name: str


@frozen(kw_only=True)
class Instance:
    """
    What a user asked for, and what has been seen of it.

    @ivar wanted: RUNNING or TERMINATED: what shall be.
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
    )

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
    wanted: InstanceState = InstanceState.RUNNING
    state: InstanceState = InstanceState.PENDING
    state_reason_code: str = ""
    state_reason: str = ""
    transition_reason: str = ""
    private_ip: str = ""
    node: str = ""
    is_silent: bool = False
    reboots_wanted: int = 0
    reboots_done: int = 0
    ended_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.instance_id

    @property
    def is_live(self) -> bool:
        """Whether it holds what it was given: a place, an address, a disk."""
        return self.state is not InstanceState.TERMINATED

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
)
