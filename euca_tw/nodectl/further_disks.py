"""
The disks of an instance besides its root: ephemeral0, and swap.

Files with holes, formatted by ordinary programs of an ordinary user: no mount,
no loop device.  An empty disk of any size takes a few MiB.
"""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid5

from attrs import define, frozen

from euca_tw.common.in_thread import InThread
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.nodectl.interfaces import Disk, Extras, StagingFailed
from euca_tw.nodectl.room import Room

_GIB, _MIB = 1 << 30, 1 << 20
_FORMAT_S = 120.0
_DISKS = UUID("c8a1c0de-5f0b-4a57-9a52-6575636174e0")


@frozen(kw_only=True)
class _Wanted:
    """@ivar format: the program that formats it; the file's name is added."""

    name: str
    size_bytes: int
    format: tuple[str, ...]
    written_bytes: int


@define(eq=False, kw_only=True)
class FurtherDisks:
    """Makes them; those that are there are kept as they are."""

    reactor: IProcessReactor
    in_thread: InThread
    room: Room

    async def make(
        self, here: Path, instance_id: str, extras: Extras
    ) -> tuple[Disk, ...]:
        """
        @param here: the instance's directory.
        @raise StagingFailed:
        @raise OSError:
        """
        disks = []
        for letter, wanted in zip("bc", _wanted(instance_id, extras), strict=False):
            path = here / f"{wanted.name}.raw"
            if not await self.in_thread(path.exists):
                await self._make(path, wanted, f"{instance_id}.{wanted.name}")
            disks.append(
                Disk(
                    path=str(path),
                    format="raw",
                    device=f"vd{letter}",
                    serial=wanted.name,
                )
            )
        return tuple(disks)

    async def _make(self, path: Path, wanted: _Wanted, promised: str) -> None:
        part = path.with_name(f".{path.name}.part")
        try:
            await self.in_thread(
                lambda: self.room.promise(promised, wanted.written_bytes)
            )
            await self.in_thread(lambda: _make_empty(part, wanted.size_bytes))
            await run(
                self.reactor,
                *wanted.format,
                str(part),
                timeout_s=_FORMAT_S,
            )
            await self.in_thread(lambda: part.rename(path) and None)
        except CommandFailed as failed:
            raise StagingFailed(
                f"the disk {wanted.name} cannot be made: {failed.text}"
            ) from failed
        finally:
            await self.in_thread(lambda: part.unlink(missing_ok=True))
            await self.in_thread(lambda: self.room.settle(promised))


def _wanted(instance_id: str, extras: Extras) -> list[_Wanted]:
    wanted = []
    if extras.ephemeral_gib:
        uuid = str(uuid5(_DISKS, f"{instance_id}/ephemeral0"))
        size = extras.ephemeral_gib * _GIB
        # What kernels know since ext4 was new, and nothing later.  Its tables
        # are holes, which are zeros already, so nobody need write them.
        named = ("-L", "ephemeral0", "-U", uuid)
        features = ("-t", "ext4", "-O", "^64bit,^metadata_csum", "-m", "0")
        how = f"root_owner=0:0,hash_seed={uuid},lazy_itable_init=0,lazy_journal_init=1"
        wanted.append(
            _Wanted(
                name="ephemeral0",
                size_bytes=size,
                format=("mke2fs", "-q", "-F", *features, *named, "-E", how),
                written_bytes=_MIB + size // 1000,
            )
        )
    if extras.swap_mib:
        uuid = str(uuid5(_DISKS, f"{instance_id}/swap"))
        wanted.append(
            _Wanted(
                name="swap",
                size_bytes=extras.swap_mib * _MIB,
                format=("mkswap", "-L", "swap", "-U", uuid),
                written_bytes=_MIB,
            )
        )
    return wanted


def _make_empty(path: Path, size_bytes: int) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    # Whatever the umask is: mkswap warns of what others may read.
    path.chmod(0o600)
    with path.open("r+b") as writing:
        writing.truncate(size_bytes)
