"""
Images of instances' disks, made in files.

An image in the making has a directory by its name: first with a copy of the
instance's disk as it was at one moment, and with the image that this lies over,
by a hard link; then, in their place, with one file that needs no other.  So once
it was captured it does not matter what becomes of the instance.

A copy shares the blocks of the disk where the file system can (XFS, Btrfs).  The
one file is qcow2, whatever the disk was: what is empty takes no room in it, and
no time on its way.  It is made at the lowest priority, one at a time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar

from attrs import Factory, define, field
from twisted.logger import Logger
from zope.interface import implementer

from euca_tw.common.in_thread import InThread, stopped_by
from euca_tw.common.one_at_a_time import OneAtATime
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.common.uploading import Piece
from euca_tw.model.identifiers import IMAGE_PREFIXES, is_identifier
from euca_tw.nodectl.interfaces import (
    FinishedImage,
    IImageMaker,
    MakingFailed,
    MakingRefused,
)
from euca_tw.nodectl.room import NoRoom, Room
from euca_tw.nodectl.sending import Post, Sender
from euca_tw.nodectl.sparse import sparse_copy_of

#: In the directory of the instances, whose names are others.
DIRECTORY = "making"
_FORMATS = ("qcow2", "raw")
_BASE, _WHOLE = "image", "whole.qcow2"
_CHUNK_BYTES = 1 << 20
_MEASURE_S = 60.0
_AT_LEISURE = ("nice", "-n", "19", "ionice", "-c", "3")


@implementer(IImageMaker)
@define(eq=False, kw_only=True)
class FileImageMaker:
    """
    @ivar room: of the file system that all this is on.
    @ivar instances: the directory of the instances' directories.
    @ivar post: to the cloud controller.
    @ivar finish_s: how long it may take to make one file of what was captured.
    """

    reactor: IProcessReactor
    in_thread: InThread
    room: Room
    instances: Path
    post: Post
    finish_s: float = 4 * 3600.0
    qemu_img: str = "qemu-img"
    _log: ClassVar[Logger] = Logger()
    _sender: Sender = field(
        default=Factory(
            lambda self: Sender(
                post=self.post, clock=self.reactor, in_thread=self.in_thread
            ),
            takes_self=True,
        ),
        init=False,
    )
    _one: OneAtATime = field(factory=OneAtATime, init=False)

    async def capture(self, image_id: str, instance_id: str) -> None:
        here, promised = self._here(image_id), f"{image_id}.captured"
        if not is_identifier(instance_id, "i"):
            raise MakingRefused(f"{instance_id!r} is no identifier of an instance")
        began, of = self.reactor.seconds(), self.instances / instance_id
        stopping = threading.Event()

        def before_piece(size: int) -> None:
            if stopping.is_set():
                raise MakingFailed("it was stopped")
            self.room.taken(promised, size)

        try:
            is_shared = await stopped_by(
                stopping.set, self.in_thread(lambda: _capture(here, of, before_piece))
            )
        except NoRoom as failed:
            raise MakingRefused(str(failed)) from failed
        except OSError as error:
            raise MakingFailed(f"the node's disk: {error.strerror}") from error
        finally:
            stopping.set()
            await self.in_thread(lambda: self.room.settle(promised))
        self._log.info(
            "{instance_id} is captured for {image_id} in {seconds:.3f} s{how}",
            instance_id=instance_id,
            image_id=image_id,
            seconds=self.reactor.seconds() - began,
            how=", by shared blocks" if is_shared else "",
        )

    async def finish(self, image_id: str) -> FinishedImage:
        here, promised = self._here(image_id), f"{image_id}.whole"
        stopping = threading.Event()
        try:
            async with self._one:
                if not await self.in_thread((here / _WHOLE).exists):
                    await self._convert(here, promised)
                return await stopped_by(
                    stopping.set,
                    self.in_thread(lambda: _measured(here / _WHOLE, stopping)),
                )
        except NoRoom as failed:
            raise MakingRefused(str(failed)) from failed
        except CommandFailed as failed:
            self._log.warn(
                "{image_id} cannot be made: {why}", image_id=image_id, why=str(failed)
            )
            raise MakingFailed(f"its disk cannot be read: {failed.text}") from failed
        except OSError as error:
            raise MakingFailed(f"the node's disk: {error.strerror}") from error
        finally:
            stopping.set()
            await self.in_thread(lambda: self.room.settle(promised))

    async def _convert(self, here: Path, promised: str) -> None:
        captured = await self.in_thread(lambda: _captured(here))
        if captured is None:
            raise MakingRefused("what was captured for it is gone")
        began, options = self.reactor.seconds(), _options(captured)
        measure = (self.qemu_img, "measure", "--output=json", "-O", "qcow2")
        said = await run(
            self.reactor, *measure, "--image-opts", options, timeout_s=_MEASURE_S
        )
        required = int(json.loads(said)["required"])
        await self.in_thread(lambda: self.room.promise(promised, required))
        part = here / "whole.part"
        convert = (*_AT_LEISURE, self.qemu_img, "convert", "-O", "qcow2")
        await run(
            self.reactor,
            *(*convert, "--image-opts", options, str(part)),
            timeout_s=self.finish_s,
        )
        await self.in_thread(lambda: _settle(part, here))
        self._log.info(
            "{image_id} is one file in {seconds:.3f} s",
            image_id=here.name,
            seconds=self.reactor.seconds() - began,
        )

    async def send(
        self, image_id: str, finished: FinishedImage, url: str, key: str
    ) -> None:
        whole = Piece(
            image_id=image_id,
            offset=0,
            size_bytes=finished.size_bytes,
            sha256=finished.sha256,
        )
        began = self.reactor.seconds()
        try:
            await self._sender.send(self._here(image_id) / _WHOLE, whole, url, key)
        except FileNotFoundError as error:
            raise MakingRefused("the file that was made is gone") from error
        except OSError as error:
            raise MakingFailed(f"the node's disk: {error.strerror}") from error
        self._log.info(
            "{image_id} is sent: {size} bytes in {seconds:.3f} s",
            image_id=image_id,
            size=finished.size_bytes,
            seconds=self.reactor.seconds() - began,
        )

    async def discard(self, image_id: str) -> None:
        here = self._here(image_id)
        await self.in_thread(lambda: shutil.rmtree(here, ignore_errors=True))

    async def kept(self) -> tuple[str, ...]:
        return await self.in_thread(self._kept)

    def _kept(self) -> tuple[str, ...]:
        try:
            names = [path.name for path in (self.instances / DIRECTORY).iterdir()]
        except FileNotFoundError:
            return ()
        return tuple(sorted(filter(_is_image, names)))

    def _here(self, image_id: str) -> Path:
        """@raise MakingRefused:"""
        if not _is_image(image_id):
            raise MakingRefused(f"{image_id!r} is no identifier of an image")
        return self.instances / DIRECTORY / image_id


def _is_image(name: str) -> bool:
    return is_identifier(name, IMAGE_PREFIXES["machine"])


def _capture(here: Path, of: Path, before_piece: Callable[[int], object]) -> bool:
    """
    Copy an instance's disk, unless that was done.

    @return: whether it shares the blocks of what it was copied from.
    """
    if (here / _WHOLE).exists() or _captured(here) is not None:
        return False
    here.mkdir(mode=0o700, parents=True, exist_ok=True)
    here.parent.chmod(0o700)
    disk = next((p for n in _FORMATS if (p := of / f"root.{n}").exists()), None)
    if disk is None:
        raise MakingRefused(f"{of.name} has no disk any more")
    base, part = here / _BASE, here / "captured.part"
    if disk.suffix == ".qcow2" and not base.exists():
        base.hardlink_to(of / "image")
    part.unlink(missing_ok=True)
    with _opened(disk) as reading:
        is_shared = sparse_copy_of(reading, part, before_piece)
    _sync(part)
    part.rename(here / f"captured{disk.suffix}")
    return is_shared


def _captured(here: Path) -> Path | None:
    paths = (here / f"captured.{each}" for each in _FORMATS)
    return next((path for path in paths if path.exists()), None)


def _options(captured: Path) -> str:
    """
    As the programs want it: what lies over what is said here, and nothing of it
    is read from the disk.
    """
    if captured.suffix == ".raw":
        return f"driver=raw,file.driver=file,file.filename={_quoted(captured)}"
    base = captured.with_name(_BASE)
    return (
        f"driver=qcow2,file.driver=file,file.filename={_quoted(captured)},"
        f"backing.driver=raw,backing.file.driver=file,"
        f"backing.file.filename={_quoted(base)}"
    )


def _quoted(path: Path) -> str:
    return str(path).replace(",", ",,")


@contextmanager
def _opened(disk: Path) -> Iterator[BinaryIO]:
    """
    A disk that may be, by now, of the user that domains run as, and of nobody
    else to read.  Who may set its mode (C{CAP_FOWNER}) may look all the same;
    for that moment nobody else comes by.
    """
    try:
        reading = disk.open("rb")
    except PermissionError:
        above = disk.parent
        above.chmod(0o700)
        try:
            disk.chmod(0o644)
            try:
                reading = disk.open("rb")
            finally:
                disk.chmod(0o600)
        finally:
            above.chmod(0o711)
    with reading:
        yield reading


def _settle(part: Path, here: Path) -> None:
    """It is whole; what it was made of is needed no more."""
    _sync(part)
    part.rename(here / _WHOLE)
    for path in here.iterdir():
        if path.name != _WHOLE:
            path.unlink()


def _sync(path: Path) -> None:
    with path.open("rb") as written:
        os.fsync(written.fileno())


def _measured(path: Path, stopping: threading.Event) -> FinishedImage:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as reading:
        while chunk := reading.read(_CHUNK_BYTES):
            if stopping.is_set():
                raise MakingFailed("it was stopped")
            digest.update(chunk)
            size += len(chunk)
    return FinishedImage(size_bytes=size, sha256=digest.hexdigest())
