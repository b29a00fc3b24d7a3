"""
The bytes of images: files in the cloud controller's state directory, or only
remembered.

A file has its name when it is whole: bytes arrive beside it and are renamed.
So whatever bears an image's identifier is that image, also after a crash.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat
import threading
from pathlib import Path
from typing import BinaryIO

from attrs import Factory, define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IAgent
from zope.interface import implementer

from euca_tw.clc.arrivals import remove_parts, sync_directory
from euca_tw.clc.interfaces import IImageStore, ImportFailed, StoredImage, Upload
from euca_tw.common.download import DownloadFailed, download
from euca_tw.common.in_thread import InThread, stopped_by
from euca_tw.model.identifiers import IMAGE_PREFIXES, ImageId, is_identifier
from euca_tw.model.records import Image

_CHUNK_BYTES = 1 << 20
#: How often a web server may break off in turn.
_TRIES = 4


@implementer(IImageStore)
@define(eq=False, kw_only=True)
class FileImageStore:
    """
    @ivar directory: where the images lie; made if it is not there.
    @ivar base_url: under which L{euca_tw.clc.image_resource.ImageResource} is
        served as C{images}, as nodes reach it.
    @ivar secret: what tokens are made with; see L{kept_secret}.
    @ivar import_directories: below which users who are not administrators may
        name files.
    @ivar users_may_fetch: whether they may name web addresses, which are fetched
        from where this process is.
    @ivar largest_bytes: no image may be larger.
    @ivar idle_s: how long a web server may say nothing.
    @ivar by: what tells this process from others that have the same directory.
    """

    directory: Path
    base_url: str
    secret: bytes = field(repr=False)
    agent: IAgent
    clock: IReactorTime
    in_thread: InThread
    import_directories: tuple[Path, ...] = ()
    users_may_fetch: bool = True
    largest_bytes: int = 64 << 30
    idle_s: float = 60.0
    by: str = ""

    async def add(
        self, image_id: ImageId, location: str, is_admin: bool
    ) -> StoredImage:
        path = self._path(image_id)
        stopping = threading.Event()
        try:
            present = await stopped_by(
                stopping.set,
                self.in_thread(lambda: self._measured(path, stopping)),
            )
            if present is not None:
                return present
            # Another may write on, who does not know yet that this is not his task.
            part = path.with_name(f".{image_id}{self.by}.part")
            try:
                stored = await self._bring(part, location, is_admin, stopping)
                await self.in_thread(lambda: _settle(part, path))
            except BaseException:
                part.unlink(missing_ok=True)
                raise
            return stored
        except OSError as error:
            raise ImportFailed(
                f"The image store cannot be written: {error.strerror}"
            ) from error
        finally:
            stopping.set()

    async def _bring(
        self, part: Path, location: str, is_admin: bool, stopping: threading.Event
    ) -> StoredImage:
        if location.startswith(("http://", "https://")):
            if not (is_admin or self.users_may_fetch):
                raise ImportFailed(
                    "In this cloud only administrators register images from the web"
                )
            return await self._fetch(part, location)
        allowed = None if is_admin else self.import_directories
        return await stopped_by(
            stopping.set,
            self.in_thread(
                lambda: _copy(location, part, allowed, self.largest_bytes, stopping)
            ),
        )

    async def _fetch(self, part: Path, location: str) -> StoredImage:
        with part.open("wb") as into:

            def begin(length: int | None) -> None:
                into.seek(0)
                into.truncate()

            try:
                told = await download(
                    self.agent,
                    self.clock,
                    self.in_thread,
                    location,
                    into.write,
                    largest_bytes=self.largest_bytes,
                    idle_s=self.idle_s,
                    begin=begin,
                    tries=_TRIES,
                )
            except DownloadFailed as failed:
                reason = str(failed)
                raise ImportFailed(f"{reason[:1].upper()}{reason[1:]}") from failed
        return StoredImage(size_bytes=told.size_bytes, sha256=told.sha256)

    def _measured(self, path: Path, stopping: threading.Event) -> StoredImage | None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            reading = path.open("rb")
        except FileNotFoundError:
            return None
        with reading:
            return _pour(reading, None, None, stopping)

    async def share(self, image_id: ImageId, of: Image) -> StoredImage:
        path, source = self._path(image_id), self._path(of.image_id)
        try:
            await self.in_thread(lambda: _link(source, path))
        except FileNotFoundError as error:
            raise ImportFailed(f"{of.image_id} is not there any more") from error
        except OSError as error:
            raise ImportFailed(
                f"The image store cannot be written: {error.strerror}"
            ) from error
        return StoredImage(size_bytes=of.size_bytes, sha256=of.sha256)

    def upload_of(self, image_id: ImageId) -> Upload:
        return Upload(
            url=f"{self.base_url.rstrip('/')}/uploads/{image_id}",
            key=self._token(f"uploads/{image_id}"),
        )

    async def arrived(self, image_id: ImageId, made: StoredImage) -> StoredImage | None:
        path, stopping = self._path(image_id), threading.Event()
        return await stopped_by(
            stopping.set, self.in_thread(lambda: self._measured(path, stopping))
        )

    async def remove(self, image_id: ImageId) -> None:
        path = self._path(image_id)

        def work() -> None:
            path.unlink(missing_ok=True)
            remove_parts(path)
            _remove_other_parts(path)

        await self.in_thread(work)

    def url_of(self, image: Image) -> str:
        return (
            f"{self.base_url.rstrip('/')}/images/{image.image_id}"
            f"?token={self._token(image.image_id)}"
        )

    def path_of(self, image_id: str, token: str) -> Path | None:
        """
        The file to serve to who shows C{token}; None if he may not have it,
        or there is none.
        """
        if not is_identifier(image_id, *IMAGE_PREFIXES.values()):
            return None
        expected = self._token(image_id)
        if not hmac.compare_digest(expected.encode(), token.encode()):
            return None
        path = self._path(image_id)
        return path if path.is_file() else None

    def _path(self, image_id: str) -> Path:
        return self.directory / image_id

    def _token(self, of: str) -> str:
        return hmac.new(self.secret, of.encode(), hashlib.sha256).hexdigest()


def _copy(
    location: str,
    part: Path,
    allowed: tuple[Path, ...] | None,
    largest_bytes: int,
    stopping: threading.Event,
) -> StoredImage:
    """
    Copy the file at C{location}, which must lie below one of C{allowed}.
    What was opened is judged, not the name it had a moment before.
    """
    refusal = ImportFailed(
        f"{location} is not below a directory that users may import from"
    )
    if not _is_below(Path(os.path.realpath(location)), allowed):
        raise refusal
    try:
        handle = os.open(location, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        raise ImportFailed(f"{location} cannot be read: {why}") from error
    try:
        if not _is_below(Path(f"/proc/self/fd/{handle}").readlink(), allowed):
            raise refusal
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ImportFailed(f"{location} is not a file")
        with open(handle, "rb", closefd=False) as reading, part.open("wb") as writing:
            return _pour(reading, writing, largest_bytes, stopping)
    finally:
        os.close(handle)


def _is_below(path: Path, allowed: tuple[Path, ...] | None) -> bool:
    if allowed is None:
        return True
    return any(path.is_relative_to(os.path.realpath(each)) for each in allowed)


def _pour(
    reading: BinaryIO,
    writing: BinaryIO | None,
    largest_bytes: int | None,
    stopping: threading.Event,
) -> StoredImage:
    """Read to the end, writing it down, unless told to stop."""
    digest, size = hashlib.sha256(), 0
    while chunk := reading.read(_CHUNK_BYTES):
        size += len(chunk)
        if largest_bytes is not None and size > largest_bytes:
            raise ImportFailed(f"It is larger than {largest_bytes} bytes")
        if stopping.is_set():
            raise ImportFailed("The import was stopped")
        digest.update(chunk)
        if writing is not None:
            writing.write(chunk)
    return StoredImage(size_bytes=size, sha256=digest.hexdigest())


def _link(source: Path, path: Path) -> None:
    """Another name of the same file: the file system counts them."""
    if not path.exists():
        path.hardlink_to(source)
        sync_directory(path.parent)


def _settle(part: Path, path: Path) -> None:
    """Make what was written last, under its name."""
    with part.open("rb") as written:
        os.fsync(written.fileno())
    part.rename(path)
    _remove_other_parts(path)
    sync_directory(path.parent)


def _remove_other_parts(path: Path) -> None:
    """What others had begun of it."""
    for part in path.parent.glob(f".{path.name}*.part"):
        part.unlink(missing_ok=True)


@implementer(IImageStore)
@define(eq=False)
class MemoryImageStore:
    """
    Takes any location for an image: what a cloud without disks needs.

    @ivar locations: of the images that it has.
    """

    locations: dict[ImageId, str] = Factory(dict)

    def add(
        self, image_id: ImageId, location: str, is_admin: bool
    ) -> Deferred[StoredImage]:
        content = self.locations.setdefault(image_id, location).encode()
        return succeed(
            StoredImage(
                size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
            )
        )

    def share(self, image_id: ImageId, of: Image) -> Deferred[StoredImage]:
        location = self.locations.get(of.image_id)
        if location is None:
            return fail(ImportFailed(f"{of.image_id} is not there any more"))
        self.locations.setdefault(image_id, location)
        return succeed(StoredImage(size_bytes=of.size_bytes, sha256=of.sha256))

    def upload_of(self, image_id: ImageId) -> Upload:
        return Upload(url=f"memory:///uploads/{image_id}", key="")

    def arrived(
        self, image_id: ImageId, made: StoredImage
    ) -> Deferred[StoredImage | None]:
        self.locations.setdefault(image_id, f"sent as {made.sha256}")
        return succeed(made)

    def remove(self, image_id: ImageId) -> Deferred[None]:
        self.locations.pop(image_id, None)
        return succeed(None)

    def url_of(self, image: Image) -> str:
        return f"memory:///images/{image.image_id}"
