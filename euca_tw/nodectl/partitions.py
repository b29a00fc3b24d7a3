"""
Where on a disk there are ext2, ext3 and ext4 file systems; pure.

The whole disk may be one, or it has partitions, by an MBR or a GPT.  What is
read was written by a user: every number in it is taken for what it may be.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from uuid import UUID

from attrs import frozen

#: Reads so many bytes at an offset; fewer, where there are no more.
Read = Callable[[int, int], bytes]

_SECTOR = 512
_MOST_PARTITIONS = 128
_EXTENDED = (0x05, 0x0F, 0x85)
_PROTECTIVE = 0xEE
#: "Linux root" of a processor of the x86 family, as the Discoverable Partitions
#: Specification names it.
_ROOTS = (
    UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
    UUID("44479540-f297-41b2-9af7-d131d5f0458a"),
)

_NEEDS_RECOVERY = 0x4
_JOURNAL_DEVICE = 0x8
_64BIT = 0x80


@frozen(kw_only=True)
class FileSystem:
    """
    @ivar offset: where on the disk it begins.
    @ivar size_bytes: as it says itself; it lies within the disk.
    @ivar needs_recovery: there is something in its journal.
    """

    offset: int
    size_bytes: int
    block_bytes: int
    needs_recovery: bool = False


def file_systems(read: Read, disk_bytes: int) -> tuple[FileSystem, ...]:
    """Those that there are; first those of which it is told that they are roots."""
    whole = _file_system(read, 0, disk_bytes)
    if whole is not None:
        return (whole,)
    found: list[tuple[FileSystem, bool]] = []
    for start, size, is_root in _partitions(read, disk_bytes):
        one = _file_system(read, start, min(size, disk_bytes - start))
        if one is not None and one not in [each for each, _ in found]:
            found.append((one, is_root))
    return tuple(one for one, _ in sorted(found, key=lambda each: not each[1]))


def is_partitioned(read: Read, disk_bytes: int) -> bool:
    """Whether it has partitions, and is not itself a file system."""
    if _file_system(read, 0, disk_bytes) is not None:
        return False
    return any(True for _ in _partitions(read, disk_bytes))


def _file_system(read: Read, offset: int, room: int) -> FileSystem | None:
    block = read(offset + 1024, 1024)
    if len(block) < 1024 or block[56:58] != b"\x53\xef":
        return None
    (blocks,) = struct.unpack_from("<I", block, 4)
    (log_size,) = struct.unpack_from("<I", block, 24)
    (features,) = struct.unpack_from("<I", block, 96)
    if features & _64BIT:
        blocks |= struct.unpack_from("<I", block, 0x150)[0] << 32
    if log_size > 6 or features & _JOURNAL_DEVICE:
        return None
    block_bytes = 1024 << log_size
    if not 0 < blocks * block_bytes <= room:
        return None
    return FileSystem(
        offset=offset,
        size_bytes=blocks * block_bytes,
        block_bytes=block_bytes,
        needs_recovery=bool(features & _NEEDS_RECOVERY),
    )


def _partitions(read: Read, disk_bytes: int) -> Iterator[tuple[int, int, bool]]:
    """Offset and size of each, within the disk, and whether it is told a root."""
    entries = _mbr(read(0, _SECTOR))
    if any(kind == _PROTECTIVE for kind, _, _ in entries):
        found = _gpt(read)
    else:
        found = _primary_and_logical(read, entries)
    for count, (start, sectors, is_root) in enumerate(found):
        if count == _MOST_PARTITIONS:
            return
        if 0 < start * _SECTOR < disk_bytes:
            yield start * _SECTOR, sectors * _SECTOR, is_root


def _mbr(sector: bytes) -> list[tuple[int, int, int]]:
    """Kind, start and size in sectors of the four entries that are used."""
    if len(sector) < _SECTOR or sector[510:] != b"\x55\xaa":
        return []
    entries = [
        (sector[at + 4], *struct.unpack_from("<II", sector, at + 8))
        for at in range(446, 510, 16)
    ]
    return [each for each in entries if each[0] and each[2]]


def _primary_and_logical(
    read: Read, entries: list[tuple[int, int, int]]
) -> Iterator[tuple[int, int, bool]]:
    for kind, start, sectors in entries:
        if kind not in _EXTENDED:
            yield start, sectors, False
            continue
        # A chain of tables, each with a partition and where the next table is,
        # which a hostile one may lead in a circle.
        table = start
        for _ in range(_MOST_PARTITIONS):
            links = _mbr(read(table * _SECTOR, _SECTOR))
            following = None
            for kind_here, start_here, size in links:
                if kind_here in _EXTENDED:
                    following = start + start_here
                else:
                    yield table + start_here, size, False
            if following is None:
                break
            table = following


def _gpt(read: Read) -> Iterator[tuple[int, int, bool]]:
    header = read(_SECTOR, _SECTOR)
    if len(header) < _SECTOR or not header.startswith(b"EFI PART"):
        return
    (at,) = struct.unpack_from("<Q", header, 72)
    count, size = struct.unpack_from("<II", header, 80)
    if not 128 <= size <= 4096 or at > 1 << 40:
        return
    for n in range(min(count, _MOST_PARTITIONS)):
        entry = read(at * _SECTOR + n * size, 128)
        if len(entry) < 128:
            return
        kind = UUID(bytes_le=entry[:16])
        first, last = struct.unpack_from("<QQ", entry, 32)
        if kind.int and first <= last < 1 << 50:
            yield first, last - first + 1, kind in _ROOTS
