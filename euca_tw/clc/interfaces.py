"""What the cloud's operations need of what runs beside them."""

from __future__ import annotations

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from datetime import datetime

from attrs import field, frozen
from zope.interface import Interface

from euca_tw.model.identifiers import ImageId
from euca_tw.model.records import Image, Instance


@frozen(kw_only=True)
class Stranger:
    """
    An instance that a cluster runs and the cloud knows nothing of.

    @ivar network_index: its place in the cluster's range of addresses; -1: it has
        none there.
    """

    instance_id: str
    owner_id: str
    private_ip: str
    network_index: int


@frozen(kw_only=True)
class TroubledNode:
    """
    @ivar state: C{silent} or C{lost}.
    @ivar since: of one that is lost.
    """

    url: str
    state: str
    since: datetime | None = None


@frozen(kw_only=True)
class Zone:
    """
    A cluster, as its cloud controller knows it at this moment.

    @ivar name: the availability zone's name.
    @ivar is_reachable: False while the cluster has not been heard of, or is lost.
    @ivar available: for each machine type's name, how many more instances the
        cluster had room for when it last told, less those launched since.
    @ivar addresses: how many instances its address range can hold;
        C{network_index} runs from 0 to one less.
    @ivar most: for each machine type's name, how many the cluster has room for
        with nothing in it; nothing of what it has not told of.
    @ivar strangers: what runs there and nobody here knows of; a view.
    @ivar lost_since: when it was declared lost; None: it was not, or was found
        again since.
    @ivar nodes: those that are silent or lost, when it last told.
    @ivar why: why it is not reached; C{""} if it is, or was not tried yet.
    """

    name: str
    is_reachable: bool
    available: Mapping[str, int]
    addresses: int
    most: Mapping[str, int] = field(factory=dict)
    strangers: Collection[Stranger] = ()
    lost_since: datetime | None = None
    nodes: Collection[TroubledNode] = ()
    why: str = ""


@frozen(kw_only=True)
class Console:
    """
    What an instance's console has shown.

    @ivar output: raw; the last 64 KiB.
    @ivar written_at: when it last showed anything; None if it never did, or it
        is not known.
    """

    output: bytes = b""
    written_at: datetime | None = None


class IClusters(Interface):
    """The clusters of this cloud, and the work that goes on in them."""

    def zones() -> tuple[Zone, ...]:
        """Every cluster, by name."""

    def hold(instances: Iterable[Instance]) -> Callable[[], None]:
        """
        What shall be of these is about to be committed.  Begin nothing for them
        until what is returned is called: when that is durable, or was not made, as
        others overtook it; then see to what is.  If nothing will be durable any
        more, it is not to be called.
        """

    def console(instance: Instance) -> Awaitable[Console]:
        """
        What the instance's console has shown.

        @raise euca_tw.api.errors.Unavailable: its cluster cannot be asked.
        """

    def make_image(image: Image, upload: Upload) -> Awaitable[Making]:
        """
        Have the node of C{image.made_of} make an image of it; asked again, only
        tell how far it has come.

        @raise euca_tw.api.errors.Unavailable: its cluster, or node, cannot be
            asked.
        """


@frozen(kw_only=True)
class ZoneRoom:
    """
    What a zone can take of one launch.

    @ivar zone: its name; no two have the same.
    @ivar count: how many instances of the launch's type, 0 or more.
    @ivar is_used: something is in it already, as far as instances of this type
        have less room than they would in an empty zone.
    """

    zone: str
    count: int
    is_used: bool = False


@frozen(kw_only=True)
class LaunchWish:
    """
    Zones that are wanted for one launch.

    @ivar count: for how many instances at most, 1 or more.
    @ivar last: the zone that an instance was placed in last, by this process;
        C{""} for none.
    @ivar members: how many instances the first security group of the launch has
        in a zone, by the zone's name; costs as much as it has members.
    """

    count: int
    last: str = ""
    members: Callable[[str], int] = lambda zone: 0


class IPlacement(Interface):
    """
    Which clusters the instances of a launch go to, where its user says nothing of
    that, and they are in no placement group.

    Its answers follow from what it is asked, and from the random source that it
    was made with: nothing else, not the time, and no input or output.
    """

    def zones(rooms: Sequence[ZoneRoom], wish: LaunchWish) -> Sequence[str]:
        """
        The zone of each instance.

        @param rooms: of the zones that are in reach and will do, by name.
        @return: as many as C{wish.count}, or as all rooms together take if that
            is less; no zone oftener than its room's C{count}.
        """


class ImportFailed(Exception):
    """An image's bytes could not be had; the text says why, for the user."""


@frozen(kw_only=True)
class StoredImage:
    """@ivar sha256: lower-case hex."""

    size_bytes: int
    sha256: str


@frozen(kw_only=True)
class Upload:
    """
    Where a node sends an image.

    @ivar key: with which it signs; see L{euca_tw.common.uploading}.
    """

    url: str
    key: str = field(repr=False)


@frozen(kw_only=True)
class Making:
    """
    How far a node has come with an image.

    @ivar stage: as of L{euca_tw.api.cluster.MakeImageResponse}.
    @ivar reason: why it failed, or does not go on.
    @ivar made: what it is to be, once that is known.
    """

    stage: str
    reason: str = ""
    made: StoredImage | None = None


class IImageStore(Interface):
    """The bytes of images, and where nodes fetch them."""

    def add(image_id: ImageId, location: str, is_admin: bool) -> Awaitable[StoredImage]:
        """
        Bring in what lies at C{location} (a path, or an http(s) URL).  Done
        again, it gives the same answer.

        @raise ImportFailed: it is not there, not allowed, or too large.
        """

    def share(image_id: ImageId, of: Image) -> Awaitable[StoredImage]:
        """
        Have the bytes of an image that is there be another's, too: no second
        copy is made, and each can be removed without the other.  Done again,
        it gives the same answer.

        @raise ImportFailed: it is not there.
        """

    def upload_of(image_id: ImageId) -> Upload:
        """Where a node sends that image, when it has made it."""

    def arrived(image_id: ImageId, made: StoredImage) -> Awaitable[StoredImage | None]:
        """
        What a node says that it has sent; None if it is not there.

        @param made: as the node says.
        """

    def remove(image_id: ImageId) -> Awaitable[None]:
        """
        Delete it, and what of it has come so far; nothing happens if it is not
        there.
        """

    def url_of(image: Image) -> str:
        """
        Where a node fetches it: only who was told this URL can guess it.
        """
