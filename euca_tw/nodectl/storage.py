"""
Instances' disks and consoles, in files.

Each instance has a directory by its name, with its disks.  Its image lies in it
as a hard link to the cached one, as do kernel and ramdisk: so an instance has
all that it needs, whatever becomes of the cache.  Everyone on the machine can
come by, for domains run as a user of their own, whom libvirt gives the disks.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from attrs import Factory, define, field
from zope.interface import implementer

from euca_tw.common.in_thread import InThread
from euca_tw.common.one_at_a_time import OneAtATime
from euca_tw.common.process import IProcessReactor
from euca_tw.model.identifiers import is_identifier
from euca_tw.nodectl.console import CONSOLE, Consoles, is_of_console
from euca_tw.nodectl.further_disks import FurtherDisks
from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import (
    NO_EXTRAS,
    Console,
    Extras,
    IInstanceStore,
    ImageSource,
    StagedInstance,
    StagingFailed,
    StagingRefused,
)
from euca_tw.nodectl.root_disk import RootDisks

_GIB, _MIB = 1 << 30, 1 << 20


def _absolute(path: Path) -> Path:
    return path.absolute()


@implementer(IInstanceStore)
@define(eq=False, kw_only=True)
class FileInstanceStore:
    """
    @ivar directory: where the instances' directories are; every directory
        above it must let the user pass that domains run as.
    @ivar disk_gib: room for disks; see L{room_gib}.
    @ivar root_disks: makes those that instances boot from.
    @ivar console_elsewhere: where the hypervisor itself keeps the output of
        consoles that are not written to the instance's directory, with
        C{{name}} for the domain's name (Xen:
        C{/var/log/xen/console/guest-{name}.log}).
    """

    reactor: IProcessReactor
    in_thread: InThread
    cache: ImageCache
    # Others are told of what is in it, who have their own idea of where they are.
    directory: Path = field(converter=_absolute)
    disk_gib: int
    console_elsewhere: str | None = None
    root_disks: RootDisks = Factory(
        lambda self: RootDisks(
            reactor=self.reactor,
            in_thread=self.in_thread,
            room=self.cache.room,
            qemu_img=self.cache.qemu_img,
        ),
        takes_self=True,
    )
    _further: FurtherDisks = field(
        default=Factory(
            lambda self: FurtherDisks(
                reactor=self.reactor, in_thread=self.in_thread, room=self.cache.room
            ),
            takes_self=True,
        ),
        init=False,
    )
    _locks: dict[str, OneAtATime] = field(factory=dict, init=False)

    async def stage(
        self,
        instance_id: str,
        root: ImageSource,
        kernel: ImageSource | None,
        ramdisk: ImageSource | None,
        disk_gib: int,
        extras: Extras = NO_EXTRAS,
        *,
        has_run: bool = False,
    ) -> StagedInstance:
        here = self._here(instance_id)
        if here is None:
            raise StagingFailed(f"{instance_id!r} is no identifier of an instance")
        lock = self._locks.setdefault(instance_id, OneAtATime())
        try:
            async with lock:
                await self.in_thread(lambda: _prepare(here))
                for source, name in ((kernel, "kernel"), (ramdisk, "ramdisk")):
                    if source is not None:
                        await self.cache.link(source, _boots(here, name, source))
                await self.cache.link(root, here / "image")
                disk = await self.root_disks.make(
                    here,
                    image_id=root.image_id,
                    disk_bytes=_root_bytes(disk_gib, extras),
                    public_key=extras.public_key,
                    has_run=has_run,
                )
                further = await self._further.make(here, instance_id, extras)
        except OSError as error:
            raise StagingFailed(f"the node's disk: {error.strerror}") from error
        finally:
            self._unlock(instance_id)
        return StagedInstance(
            disk=disk,
            further=further,
            kernel=str(_boots(here, "kernel", kernel)) if kernel else None,
            ramdisk=str(_boots(here, "ramdisk", ramdisk)) if ramdisk else None,
            console=str(here / CONSOLE),
        )

    async def discard(self, instance_id: str) -> None:
        await self._remove(instance_id, _discard)
        # Its image may now be one too many.
        await self.cache.trim()

    async def forget(self, instance_id: str) -> None:
        await self._remove(instance_id, shutil.rmtree)

    def directory_of(self, instance_id: str) -> str:
        return str(self.directory / instance_id)

    async def console(self, instance_id: str) -> Console:
        if self._here(instance_id) is None:
            return Console()
        return await self.in_thread(lambda: self.consoles.read(instance_id))

    @property
    def consoles(self) -> Consoles:
        """Where they are."""
        return Consoles(directory=self.directory, elsewhere=self.console_elsewhere)

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

    async def _remove(self, instance_id: str, remove: Callable[[Path], object]) -> None:
        here = self._here(instance_id)
        if here is None:
            return

        def work() -> None:
            try:
                remove(here)
            except FileNotFoundError:
                return

        lock = self._locks.setdefault(instance_id, OneAtATime())
        try:
            async with lock:
                await self.in_thread(work)
        finally:
            self._unlock(instance_id)

    def _unlock(self, instance_id: str) -> None:
        lock = self._locks.get(instance_id)
        if lock is not None and not lock.is_wanted:
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
    console = here / CONSOLE
    console.touch()
    console.chmod(0o600)


def _boots(here: Path, name: str, source: ImageSource) -> Path:
    """By its image, for a stopped instance may be given another."""
    return here / f"{name}.{source.image_id}"


def _root_bytes(disk_gib: int, extras: Extras) -> int:
    """What the further disks leave of all; 0 for no size in particular."""
    if not disk_gib:
        return 0
    further = extras.ephemeral_gib * _GIB + extras.swap_mib * _MIB
    left = disk_gib * _GIB - further
    if left <= 0:
        raise StagingRefused(
            f"this type of instance has {disk_gib} GiB of disk, and its ephemeral "
            "and swap disks leave nothing for the root"
        )
    return left


def _discard(here: Path) -> None:
    for path in here.iterdir():
        if is_of_console(path.name):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
