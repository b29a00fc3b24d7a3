"""Where on a disk there are file systems."""

from __future__ import annotations

import struct
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.partitions import FileSystem, file_systems, is_partitioned

SECTOR = 512
MIB = 1 << 20
ROOT = UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
DATA = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")


def ext(
    blocks: int = 1024, log_size: int = 2, features: int = 0, more: int = 0
) -> bytes:
    """How a file system begins."""
    superblock = bytearray(1024)
    struct.pack_into("<I", superblock, 4, blocks)
    struct.pack_into("<I", superblock, 24, log_size)
    superblock[56:58] = b"\x53\xef"
    struct.pack_into("<I", superblock, 96, features)
    struct.pack_into("<I", superblock, 0x150, more)
    return bytes(1024) + bytes(superblock)


def entry(kind: int, start: int, sectors: int) -> bytes:
    return struct.pack("<B3xB3xII", 0, kind, start, sectors)


def table(*entries: bytes) -> bytes:
    return bytes(446) + b"".join(entries).ljust(64, b"\0") + b"\x55\xaa"


class Disk:
    """Bytes here and there, and nothing else."""

    def __init__(self, size: int, **parts: bytes) -> None:
        self.size = size
        self.parts = {int(at[1:]): data for at, data in parts.items()}

    def put(self, at: int, data: bytes) -> None:
        self.parts[at] = data

    def read(self, offset: int, size: int) -> bytes:
        found = bytearray(max(0, min(size, self.size - offset)))
        for at, data in self.parts.items():
            for n, byte in enumerate(data):
                if 0 <= at + n - offset < len(found):
                    found[at + n - offset] = byte
        return bytes(found)

    def found(self) -> tuple[FileSystem, ...]:
        return file_systems(self.read, self.size)

    def offsets(self) -> list[int]:
        return [one.offset for one in self.found()]


class FileSystemTests(SynchronousTestCase):
    def test_whole(self) -> None:
        """A disk that is one file system."""
        disk = Disk(4 * MIB, _0=ext(1024))
        [one] = disk.found()
        self.assertEqual(
            one, FileSystem(offset=0, size_bytes=4 * MIB, block_bytes=4096)
        )

    def test_nothing(self) -> None:
        """A disk of something else, or too short for anything."""
        self.assertEqual(Disk(4 * MIB).found(), ())
        self.assertEqual(Disk(100).found(), ())
        self.assertEqual(Disk(0).found(), ())

    def test_too_large(self) -> None:
        """What says that it is larger than its place is none."""
        self.assertEqual(Disk(4 * MIB, _0=ext(1025)).found(), ())
        self.assertEqual(Disk(4 * MIB, _0=ext(0)).found(), ())
        self.assertEqual(Disk(4 * MIB, _0=ext(1, features=0x80, more=1)).found(), ())
        self.assertEqual(Disk(4 * MIB, _0=ext(1, log_size=7)).found(), ())
        self.assertEqual(Disk(4 * MIB, _0=ext(1, log_size=1 << 31)).found(), ())

    def test_journal(self) -> None:
        """Whether its journal has anything is told; a mere journal is none."""
        [one] = Disk(4 * MIB, _0=ext(features=4)).found()
        self.assertTrue(one.needs_recovery)
        self.assertEqual(Disk(4 * MIB, _0=ext(features=8)).found(), ())

    def test_mbr(self) -> None:
        """Of partitions those that are of the family, in their order."""
        disk = Disk(40 * MIB)
        starts = (2048, 3 * 2048, 10 * 2048)
        disk.put(0, table(*(entry(0x83, at, 8192) for at in starts)))
        disk.put(starts[0] * SECTOR, ext())
        disk.put(starts[2] * SECTOR, ext())
        self.assertEqual(disk.offsets(), [MIB, 10 * MIB])

    def test_beyond(self) -> None:
        """What lies beyond the disk, or is larger than its partition, is not."""
        disk = Disk(8 * MIB)
        disk.put(0, table(entry(0x83, 2048, 100), entry(0x83, 1 << 31, 8192)))
        disk.put(MIB, ext())
        self.assertEqual(disk.offsets(), [])

    def test_logical(self) -> None:
        """Logical partitions are found by their chain."""
        disk = Disk(40 * MIB)
        disk.put(0, table(entry(0x83, 2048, 2048), entry(0x05, 4096, 70_000)))
        disk.put(4096 * SECTOR, table(entry(0x83, 2048, 8192), entry(0x05, 20480, 9)))
        disk.put((4096 + 20480) * SECTOR, table(entry(0x83, 2048, 8192)))
        disk.put((4096 + 2048) * SECTOR, ext())
        disk.put((4096 + 20480 + 2048) * SECTOR, ext())
        self.assertEqual(disk.offsets(), [3 * MIB, 13 * MIB])

    def test_circle(self) -> None:
        """A chain that leads in a circle ends."""
        disk = Disk(40 * MIB)
        disk.put(0, table(entry(0x0F, 4096, 70_000)))
        disk.put(4096 * SECTOR, table(entry(0x83, 2048, 8192), entry(0x05, 0, 9)))
        disk.put((4096 + 2048) * SECTOR, ext())
        self.assertEqual(disk.offsets(), [3 * MIB])

    def gpt(self, *partitions: tuple[UUID, int, int]) -> Disk:
        disk = Disk(64 * MIB)
        disk.put(0, table(entry(0xEE, 1, 0xFFFFFFFF)))
        header = b"EFI PART".ljust(72, b"\0") + struct.pack("<QII", 2, 128, 128)
        disk.put(SECTOR, header)
        for n, (kind, first, last) in enumerate(partitions):
            there = kind.bytes_le + bytes(16) + struct.pack("<QQ", first, last)
            disk.put(2 * SECTOR + n * 128, there)
        return disk

    def test_gpt(self) -> None:
        """What is told to be a root comes first."""
        disk = self.gpt(
            (DATA, 2048, 20_000), (DATA, 40_960, 60_000), (ROOT, 81_920, 99_999)
        )
        for at in (2048, 40_960, 81_920):
            disk.put(at * SECTOR, ext())
        self.assertEqual(disk.offsets(), [40 * MIB, MIB, 20 * MIB])

    def test_gpt_hostile(self) -> None:
        """Nonsense in its table is passed over."""
        disk = self.gpt((ROOT, 2048, 1), (ROOT, 0, 100), (ROOT, 2048, 1 << 60))
        disk.put(MIB, ext())
        self.assertEqual(disk.offsets(), [])
        disk.put(SECTOR, b"EFI PART".ljust(72, b"\0") + struct.pack("<QII", 2, 128, 1))
        self.assertEqual(disk.offsets(), [])
        disk.put(SECTOR, b"EFI PART".ljust(72, b"\xff") + b"\xff" * 16)
        self.assertEqual(disk.offsets(), [])

    @given(st.binary(min_size=16, max_size=64), st.binary(max_size=600), st.booleans())
    def test_any(self, entries: bytes, gpt: bytes, is_gpt: bool) -> None:
        """Whatever a disk says, what is found lies within it."""
        disk = Disk(4 * MIB)
        disk.put(0, bytes(446) + entries.ljust(64, b"\0") + b"\x55\xaa")
        disk.put(SECTOR, (b"EFI PART" if is_gpt else b"") + gpt)
        for one in disk.found():
            self.assertLessEqual(one.offset + one.size_bytes, disk.size)


class IsPartitionedTests(SynchronousTestCase):
    def test_partitions(self) -> None:
        """A disk with a table of partitions has them, whatever is in them."""
        disk = Disk(8 * MIB, _0=table(entry(0x83, 2048, 2048)))
        self.assertTrue(is_partitioned(disk.read, disk.size))

    def test_file_system(self) -> None:
        """A file system has none, though its first sector looks like a table."""
        disk = Disk(8 * MIB, _0=ext())
        disk.put(446, table(entry(0x83, 2048, 2048))[446:])
        self.assertFalse(is_partitioned(disk.read, disk.size))

    def test_neither(self) -> None:
        """What is neither has none."""
        self.assertFalse(is_partitioned(Disk(MIB).read, MIB))
        self.assertFalse(is_partitioned(Disk(10).read, 10))
