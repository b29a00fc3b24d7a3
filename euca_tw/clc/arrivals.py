"""
Images that nodes send, piece by piece, into the directory of images.

What has come lies beside the image's name, under that and its digest: a piece is
taken only where the last one ended, and of the same whole, so that pieces may
come twice, or from a node that was started anew.  When all is there it is read
once more; what is what it should be gets its name.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from attrs import Factory, define, field, frozen
from twisted.logger import Logger

from euca_tw.clc.interfaces import StoredImage
from euca_tw.common.background import Background
from euca_tw.common.files import locked
from euca_tw.common.in_thread import InThread, stopped_by
from euca_tw.common.one_at_a_time import OneAtATime
from euca_tw.common.uploading import FULL, TOO_LARGE, Piece
from euca_tw.model.identifiers import ImageId

_CHUNK_BYTES = 1 << 20


@frozen
class NotTaken(Exception):
    """
    @ivar status: of the answer; see L{euca_tw.common.uploading}.
    @ivar reason: for the user.
    """

    status: int
    reason: str


@frozen(kw_only=True)
class Progress:
    """
    @ivar received: how much of the image is there.
    @ivar is_checking: that is all of it, and it is being read once more.
    @ivar is_whole: it has its name.
    """

    received: int
    is_checking: bool = False
    is_whole: bool = False


def free_bytes(directory: Path) -> int:
    """What the file system there has left for us."""
    stat = os.statvfs(directory)
    return stat.f_bavail * stat.f_frsize


@define(eq=False, kw_only=True)
class Arrivals:
    """
    @ivar directory: of the images.
    @ivar largest_bytes: no image may be larger.
    @ivar least_free_bytes: of the disk, to be left alone.
    @ivar arrived: told of each image that has come, on the reactor.
    """

    directory: Path
    in_thread: InThread
    largest_bytes: int
    least_free_bytes: int = 256 << 20
    free: Callable[[Path], int] = free_bytes
    arrived: Callable[[ImageId, StoredImage], object] = lambda image_id, stored: None
    background: Background = Factory(Background)
    _log: ClassVar[Logger] = Logger()
    _locks: dict[str, OneAtATime] = field(factory=dict, init=False)
    _checking: set[str] = field(factory=set, init=False)

    async def take(self, piece: Piece, data: bytes) -> Progress:
        """
        Take the next piece of an image, if that is what it is; C{b""} only
        asks how much is there.

        @raise NotTaken:
        """
        image_id = piece.image_id
        if piece.size_bytes > self.largest_bytes:
            raise NotTaken(
                TOO_LARGE, f"It is larger than {self.largest_bytes >> 20} MiB"
            )
        lock = self._locks.setdefault(image_id, OneAtATime())
        try:
            async with lock:
                if image_id in self._checking:
                    return Progress(received=piece.size_bytes, is_checking=True)
                return await self._taken(piece, data)
        except OSError as error:
            self._log.error(
                "{image_id} cannot be taken: {reason}",
                image_id=image_id,
                reason=str(error),
            )
            raise NotTaken(
                FULL, f"The image store cannot be written: {error.strerror}"
            ) from error
        finally:
            if not lock.is_wanted:
                self._locks.pop(image_id, None)

    async def _taken(self, piece: Piece, data: bytes) -> Progress:
        path = self.directory / piece.image_id
        received = await self.in_thread(lambda: self._append(path, piece, data))
        if received is None:
            return Progress(received=piece.size_bytes, is_whole=True)
        if received < piece.size_bytes:
            return Progress(received=received)
        self._checking.add(piece.image_id)
        what = f"checking {piece.image_id}"
        self.background.run(what, self._check(path, piece))
        return Progress(received=received, is_checking=True)

    def _append(self, path: Path, piece: Piece, data: bytes) -> int | None:
        """How much of it is there; None: it has its name."""
        # Its pieces may come to different cloud controllers.
        with locked(path.parent):
            return None if path.exists() else self._appended(path, piece, data)

    def _appended(self, path: Path, piece: Piece, data: bytes) -> int:
        part = _part(path, piece)
        if not part.exists():
            # Of another whole: its node has made it anew.
            remove_parts(path)
        self._check_room(part, piece)
        with part.open("ab") as writing:
            os.fchmod(writing.fileno(), 0o600)
            received = os.fstat(writing.fileno()).st_size
            if piece.offset == received and received + len(data) <= piece.size_bytes:
                writing.write(data)
                received += len(data)
        return received

    def _check_room(self, part: Path, piece: Piece) -> None:
        """
        Each time, for several images may be on their way: of a disk that is full
        the cloud itself could keep nothing.

        @raise NotTaken: there is none for what has still to come.
        """
        there = part.stat().st_size if part.exists() else 0
        wanted = piece.size_bytes - there
        left = self.free(part.parent) - self.least_free_bytes
        if wanted > max(0, left):
            raise NotTaken(FULL, _no_room(wanted, left))

    async def _check(self, path: Path, piece: Piece) -> None:
        stopping = threading.Event()
        try:
            is_right = await stopped_by(
                stopping.set,
                self.in_thread(lambda: _settled(path, piece, stopping)),
            )
        except OSError as error:
            # The node asks again; so it is tried again.
            self._log.error(
                "{image_id} cannot be kept: {reason}",
                image_id=piece.image_id,
                reason=str(error),
            )
            return
        finally:
            stopping.set()
            self._checking.discard(piece.image_id)
        if is_right:
            stored = StoredImage(size_bytes=piece.size_bytes, sha256=piece.sha256)
            self.arrived(ImageId(piece.image_id), stored)
        else:
            self._log.warn(
                "{image_id} has come damaged, and is asked for again",
                image_id=piece.image_id,
            )


def remove_parts(path: Path) -> None:
    """Delete what has come of an image that never got its name."""
    for part in path.parent.glob(f".{path.name}.*.sent"):
        part.unlink(missing_ok=True)


def _part(path: Path, piece: Piece) -> Path:
    return path.with_name(f".{path.name}.{piece.sha256[:32]}.sent")


def _no_room(size_bytes: int, left: int) -> str:
    return (
        f"The image store is full: {-(-size_bytes >> 20)} MiB are needed and "
        f"{max(0, left) >> 20} MiB are free for it"
    )


def _settled(path: Path, piece: Piece, stopping: threading.Event) -> bool:
    """Give it its name, or delete it if it is not what it should be."""
    part, digest = _part(path, piece), hashlib.sha256()
    try:
        reading = part.open("rb")
    except FileNotFoundError:
        if path.exists():
            return True  # another cloud controller was faster
        raise
    with reading:
        while chunk := reading.read(_CHUNK_BYTES):
            if stopping.is_set():
                return False
            digest.update(chunk)
        if digest.hexdigest() != piece.sha256:
            part.unlink(missing_ok=True)
            return False
        os.fsync(reading.fileno())
    with locked(path.parent):
        if not path.exists():
            part.rename(path)
    sync_directory(path.parent)
    return True


def sync_directory(path: Path) -> None:
    """Make the names in it last."""
    directory = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
