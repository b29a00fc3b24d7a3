"""
Instances' disks and consoles, in files.

Each instance has a directory by its name.  Its disk is a qcow2 overlay on the
image, which lies in the same directory as a hard link to the cached one, as do
kernel and ramdisk: so an instance has all that it needs, whatever becomes of
the cache.  Files and directories can be read by everyone on the machine, for
domains run as a user of their own, whom libvirt gives the disks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from attrs import define, field
from twisted.internet.defer import DeferredLock
from zope.interface import implementer

from euca_tw.common.in_thread import InThread
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.model.identifiers import is_identifier
from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import (
    Disk,
    IInstanceStore,
    ImageSource,
    StagedInstance,
    StagingFailed,
)

#: Of a console's output, this much is told.
CONSOLE_BYTES = 64 * 1024

_GIB = 1 << 30
_CONSOLE = "console.log"


@implementer(IInstanceStore)
@define(eq=False, kw_only=True)
class FileInstanceStore:
    """
    @ivar directory: where the instances' directories are; every directory
        above it must let the user pass that domains run as.
    @ivar disk_gib: room for disks; see L{room_gib}.
    @ivar console_elsewhere: where the hypervisor itself keeps the output of
        consoles that are not written to the instance's directory, with
        C{{name}} for the domain's name (Xen: C{/var/log/xen/guest-{name}.log}).
    """

    reactor: IProcessReactor
    in_thread: InThread
    cache: ImageCache
    directory: Path
    disk_gib: int
    console_elsewhere: str | None = None
    _locks: dict[str, DeferredLock] = field(factory=dict, init=False)

    async def stage(
        self,
        instance_id: str,
        root: ImageSource,
        kernel: ImageSource | None,
        ramdisk: ImageSource | None,
        disk_gib: int,
    ) -> StagedInstance:
        here = self._here(instance_id)
        if here is None:
            raise StagingFailed(f"{instance_id!r} is no identifier of an instance")
        lock = self._locks.setdefault(instance_id, DeferredLock())
        try:
            async with lock:
                await self.in_thread(lambda: _prepare(here))
                for source, name in ((kernel, "kernel"), (ramdisk, "ramdisk")):
                    if source is not None:
                        await self.cache.link(source, here / name)
                await self.cache.link(root, here / "image")
                await self._overlay(root, here, disk_gib)
        except OSError as error:
            raise StagingFailed(f"the node's disk: {error.strerror}") from error
        finally:
            self._unlock(instance_id)
        return StagedInstance(
            disk=Disk(path=str(here / "root.qcow2"), backing=str(here / "image")),
            kernel=str(here / "kernel") if kernel else None,
            ramdisk=str(here / "ramdisk") if ramdisk else None,
            console=str(here / _CONSOLE),
        )

    async def discard(self, instance_id: str) -> None:
        await self._remove(instance_id, _discard)

    async def forget(self, instance_id: str) -> None:
        await self._remove(instance_id, shutil.rmtree)

    async def console_output(self, instance_id: str) -> bytes:
        here = self._here(instance_id)
        if here is None:
            return b""
        # libvirt begins a new file when one is long; the old one is "….0".
        consoles = [here / _CONSOLE, here / f"{_CONSOLE}.0"]
        if self.console_elsewhere is not None:
            elsewhere = self.console_elsewhere.replace("{name}", instance_id)
            consoles.append(Path(elsewhere))
        return await self.in_thread(lambda: _tail(consoles))

    async def kept(self) -> tuple[str, ...]:
        return await self.in_thread(self._kept)

    def disk_capacity_gib(self) -> int:
        return self.disk_gib

    def _here(self, instance_id: str) -> Path | None:
        if not is_identifier(instance_id, "i"):
            return None
        return self.directory / instance_id

    def _kept(self) -> tuple[str, ...]:
        try:
            names = [path.name for path in self.directory.iterdir()]
        except FileNotFoundError:
            return ()
        return tuple(sorted(name for name in names if is_identifier(name, "i")))

    async def _overlay(self, root: ImageSource, here: Path, disk_gib: int) -> None:
        disk, image = here / "root.qcow2", here / "image"
        part = here / "root.part"
        has_disk, size = await self.in_thread(
            lambda: (disk.exists(), image.stat().st_size)
        )
        if has_disk:
            return
        if disk_gib and size > disk_gib * _GIB:
            raise StagingFailed(
                f"{root.image_id} needs a disk of {-(-size // _GIB)} GiB, and this "
                f"type of instance has {disk_gib} GiB"
            )
        create = (self.cache.qemu_img, "create", "-q", "-f", "qcow2", "-F", "raw")
        command = (*create, "-b", image, part, max(size, disk_gib * _GIB))
        try:
            await run(self.reactor, *map(str, command), timeout_s=60)
        except CommandFailed as failed:
            raise StagingFailed(f"the disk cannot be made: {failed.text}") from failed
        await self.in_thread(lambda: _rename(part, disk))

    async def _remove(self, instance_id: str, remove: Callable[[Path], object]) -> None:
        here = self._here(instance_id)
        if here is None:
            return

        def work() -> None:
            try:
                remove(here)
            except FileNotFoundError:
                return

        lock = self._locks.setdefault(instance_id, DeferredLock())
        try:
            async with lock:
                await self.in_thread(work)
        finally:
            self._unlock(instance_id)

    def _unlock(self, instance_id: str) -> None:
        lock = self._locks.get(instance_id)
        if lock is not None and not lock.locked:
            del self._locks[instance_id]


def room_gib(directory: Path) -> int:
    """
    How much room the file system at C{directory} has for instances' disks,
    what they take now included.  Blocks for as long as it takes to look at
    every file below.
    """
    directory.mkdir(parents=True, exist_ok=True)
    stat = os.statvfs(directory)
    taken = {
        (each.st_dev, each.st_ino): each.st_blocks * 512
        for each in (path.lstat() for path in directory.rglob("*"))
    }
    return max(1, (stat.f_bavail * stat.f_frsize + sum(taken.values())) // _GIB)


def _prepare(here: Path) -> None:
    """
    The instance's directory, with a console to be written and read.  Those who
    run domains may pass; what a guest says and keeps is not for everybody on
    the machine.
    """
    here.mkdir(parents=True, exist_ok=True)
    # The daemon's umask may be anything.
    here.parent.chmod(0o711)
    here.chmod(0o711)
    console = here / _CONSOLE
    console.touch()
    console.chmod(0o600)


def _rename(part: Path, disk: Path) -> None:
    # The hypervisor gives it to the user that it runs the domain as.
    part.chmod(0o600)
    part.rename(disk)


def _discard(here: Path) -> None:
    for path in here.iterdir():
        if not path.name.startswith(_CONSOLE):
            path.unlink(missing_ok=True)


def _tail(newest_first: list[Path]) -> bytes:
    said = b""
    for path in newest_first:
        try:
            reading = path.open("rb")
        except FileNotFoundError:
            continue
        with reading:
            size = reading.seek(0, os.SEEK_END)
            wanted = CONSOLE_BYTES - len(said)
            reading.seek(max(0, size - wanted))
            said = reading.read(wanted) + said
        if len(said) >= CONSOLE_BYTES:
            break
    return said
