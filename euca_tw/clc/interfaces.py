"""What the cloud's operations need of what runs beside them."""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime

from attrs import frozen
from zope.interface import Interface

from euca_tw.model.identifiers import ImageId
from euca_tw.model.records import Image, Instance


@frozen(kw_only=True)
class Zone:
    """
    A cluster, as its cloud controller knows it at this moment.

    @ivar name: the availability zone's name.
    @ivar is_reachable: False while the cluster has not been heard of.
    @ivar available: for each machine type's name, how many more instances the
        cluster had room for when it last told, less those launched since.
    @ivar addresses: how many instances its address range can hold;
        C{network_index} runs from 0 to one less.
    """

    name: str
    is_reachable: bool
    available: Mapping[str, int]
    addresses: int


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

    def wake(instances: Iterable[Instance]) -> None:
        """
        What shall be of these has changed (their records are committed): make
        it so.  Returns at once.
        """

    def console(instance: Instance) -> Awaitable[Console]:
        """
        What the instance's console has shown.

        @raise euca_tw.api.errors.Unavailable: its cluster cannot be asked.
        """


class ImportFailed(Exception):
    """An image's bytes could not be had; the text says why, for the user."""


@frozen(kw_only=True)
class StoredImage:
    """@ivar sha256: lower-case hex."""

    size_bytes: int
    sha256: str


class IImageStore(Interface):
    """The bytes of images, and where nodes fetch them."""

    def add(image_id: ImageId, location: str, is_admin: bool) -> Awaitable[StoredImage]:
        """
        Bring in what lies at C{location} (a path, or an http(s) URL).  Done
        again, it gives the same answer.

        @raise ImportFailed: it is not there, not allowed, or too large.
        """

    def remove(image_id: ImageId) -> Awaitable[None]:
        """Delete it; nothing happens if it is not there."""

    def url_of(image: Image) -> str:
        """
        Where a node fetches it: only who was told this URL can guess it.
        """
