"""
The disk that an instance boots from, made of its image.

Either a qcow2 overlay, which takes room only for what the instance writes and
is made in the same time whatever the image's size; or a raw copy, for
hypervisors that read no qcow2, which shares the image's blocks where the file
system can.  A user's key is put onto it before it has its name.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import ClassVar, Literal

from attrs import define
from twisted.logger import Logger

from euca_tw.common.in_thread import InThread
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.nodectl.interfaces import (
    Disk,
    StagingFailed,
    StagingRefused,
)
from euca_tw.nodectl.keys import KeyInjector, NotInjected
from euca_tw.nodectl.partitions import is_partitioned
from euca_tw.nodectl.patches import Patch, patch_qcow2, patch_raw, write_files
from euca_tw.nodectl.room import Room
from euca_tw.nodectl.sparse import sparse_copy

_GIB, _MIB = 1 << 30, 1 << 20
#: An empty overlay takes 0.2 MiB.
_OVERLAY_BYTES = _MIB
#: The tables of a file system, copied while a key is put in; seldom so many.
_MOST_TABLES = 256 * _MIB
_CREATE_S = 60.0
_WORK = ".work"
_PART = "root.part"


@define(eq=False, kw_only=True)
class RootDisks:
    """
    @ivar format: of the disks that are made.
    @ivar is_mounted: the node's own kernel mounts them, for containers: so an
        image must be a file system, and have no partitions.
    @ivar injector: None: no keys are put onto disks.
    @ivar qemu_img: the program that makes overlays.
    """

    reactor: IProcessReactor
    in_thread: InThread
    room: Room
    injector: KeyInjector | None = None
    format: Literal["qcow2", "raw"] = "qcow2"
    is_mounted: bool = False
    qemu_img: str = "qemu-img"
    _log: ClassVar[Logger] = Logger()

    async def make(
        self,
        here: Path,
        *,
        image_id: str,
        disk_bytes: int,
        public_key: str,
        has_run: bool = False,
    ) -> Disk:
        """
        Make it, if it is not there.

        @param here: the instance's directory; its image is in it.
        @param disk_bytes: how large it shall be; 0: as its image.
        @param has_run: it must be there.
        @raise StagingFailed:
        @raise OSError:
        """
        image, part = here / "image", here / _PART
        disk = here / f"root.{self.format}"
        made = Disk(
            path=str(disk),
            format=self.format,
            backing=str(image) if self.format == "qcow2" else None,
            serial="root",
        )
        if await self.in_thread(disk.exists):
            return made
        if has_run:
            raise StagingRefused("its root disk is gone")
        size = await self.in_thread(lambda: image.stat().st_size)
        if disk_bytes and size > disk_bytes:
            has = f"{disk_bytes / _GIB:.4g}"
            raise StagingRefused(
                f"{image_id} needs a disk of {-(-size // _GIB)} GiB, and this "
                f"type of instance has {has} GiB"
            )
        if self.is_mounted and await self.in_thread(lambda: _has_partitions(image)):
            raise StagingRefused(
                f"{image_id} is a disk with partitions, which a container cannot "
                "have for its root: use an image of one file system"
            )
        promised = f"{here.name}.root"
        try:
            await self._create(image, part, max(size, disk_bytes), promised)
            if public_key and self.injector is not None:
                await self._inject(self.injector, here, image_id, public_key)
            await self.in_thread(lambda: _rename(part, disk))
        finally:
            await self.in_thread(lambda: part.unlink(missing_ok=True))
            await self.in_thread(lambda: self.room.settle(promised))
        return made

    async def _create(self, image: Path, part: Path, size: int, promised: str) -> None:
        await self.in_thread(lambda: part.unlink(missing_ok=True))
        if self.format == "raw":
            await self.in_thread(lambda: self._copy(image, part, size, promised))
            return
        await self.in_thread(lambda: self.room.promise(promised, _OVERLAY_BYTES))
        create = (self.qemu_img, "create", "-q", "-f", "qcow2", "-F", "raw")
        command = (*create, "-b", image, part, size)
        try:
            await run(self.reactor, *map(str, command), timeout_s=_CREATE_S)
        except CommandFailed as failed:
            raise StagingFailed(f"the disk cannot be made: {failed.text}") from failed

    def _copy(self, image: Path, part: Path, size: int, promised: str) -> None:
        sparse_copy(image, part, lambda piece: self.room.taken(promised, piece))
        with part.open("r+b") as writing:
            writing.truncate(size)

    async def _inject(
        self, injector: KeyInjector, here: Path, image_id: str, key: str
    ) -> None:
        """An image that cannot have the key is run without it."""
        work, promised = here / _WORK, f"{here.name}.key"
        began = self.reactor.seconds()
        try:
            await self.in_thread(lambda: self._begin_work(work, promised))
            patches = await injector.patches(work, key)
            await self._patch(here, work, patches)
        except NotInjected as why:
            self._log.warn(
                "{instance_id} runs without its key in {image}: {why}",
                instance_id=here.name,
                image=image_id,
                why=str(why),
            )
        except CommandFailed as failed:
            raise StagingFailed(f"the disk cannot be made: {failed.text}") from failed
        else:
            self._log.info(
                "{instance_id} has its key: {count} changes in {seconds:.3f} s",
                instance_id=here.name,
                count=len(patches),
                seconds=self.reactor.seconds() - began,
            )
        finally:
            await self.in_thread(lambda: shutil.rmtree(work, ignore_errors=True))
            await self.in_thread(lambda: self.room.settle(promised))

    def _begin_work(self, work: Path, promised: str) -> None:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(mode=0o700)
        taken = (work.parent / "image").stat().st_blocks * 512
        # Twice: before, and after.
        self.room.promise(promised, 2 * min(taken, _MOST_TABLES) + _MIB)

    async def _patch(self, here: Path, work: Path, patches: tuple[Patch, ...]) -> None:
        if self.format == "raw":
            await self.in_thread(lambda: patch_raw(here / _PART, patches))
            return
        commands = await self.in_thread(lambda: write_files(work, patches))
        await patch_qcow2(self.reactor, work, f"../{_PART}", commands)


def _has_partitions(image: Path) -> bool:
    with image.open("rb") as reading:
        handle = reading.fileno()
        return is_partitioned(
            lambda offset, size: os.pread(handle, size, offset),
            os.fstat(handle).st_size,
        )


def _rename(part: Path, disk: Path) -> None:
    # The hypervisor gives it to the user that it runs the domain as.
    part.chmod(0o600)
    part.rename(disk)
