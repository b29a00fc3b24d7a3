"""
Files with holes: written, copied, and read where there is anything.

Everything here blocks; it is called in threads.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from attrs import define

_BLOCK_BYTES = 64 * 1024
_NOTHING = bytes(_BLOCK_BYTES)
_PIECE_BYTES = 16 << 20
#: Linux: have a file share all blocks of another.
_FICLONE = 0x40049409
#: How file systems say that they, or these two files, share no blocks.
_UNSHARED = frozenset(
    {errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS}
)


@define(eq=False)
class SparseWriter:
    """
    Writes a file in order, leaving holes where it is zero.

    @ivar size_bytes: of the file so far.
    """

    _file: BinaryIO
    size_bytes: int = 0

    @classmethod
    def at(cls, path: Path) -> SparseWriter:
        """A new file in place of any that is there."""
        path.unlink(missing_ok=True)
        return cls(path.open("w+b"))

    def write(self, data: bytes | memoryview) -> int:
        """@return: how many bytes take room."""
        taken, start = 0, 0
        while start < len(data):
            # Holes are whole blocks, so it is cut where blocks begin.
            room = _BLOCK_BYTES - self.size_bytes % _BLOCK_BYTES
            block = data[start : start + room]
            if block == _NOTHING[: len(block)]:
                self._file.seek(len(block), os.SEEK_CUR)
            else:
                self._file.write(block)
                taken += len(block)
            self.size_bytes += len(block)
            start += len(block)
        return taken

    def restart(self) -> None:
        """All that was written is void."""
        self._file.seek(0)
        self._file.truncate()
        self.size_bytes = 0

    def close(self, header_bytes: int = 0) -> bytes:
        """@return: how the file begins."""
        if self._file.closed:
            return b""
        with self._file as file:
            file.truncate(self.size_bytes)
            file.seek(0)
            return file.read(header_bytes)


def extents(handle: int, start: int = 0, end: int | None = None) -> Iterator[range]:
    """Where in an open file there is anything but holes, in order."""
    end = os.fstat(handle).st_size if end is None else end
    while start < end:
        try:
            begins = os.lseek(handle, start, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                return
            raise
        if begins >= end:
            return
        start = min(end, os.lseek(handle, begins, os.SEEK_HOLE))
        yield range(begins, start)


def sparse_copy(
    source: Path,
    target: Path,
    before_piece: Callable[[int], object] = lambda size: None,
) -> bool:
    """
    Copy a file, holes as holes.  Where the file system can (XFS, Btrfs) the
    copy shares the blocks of the original and takes none of its own until it
    is written to.

    @param target: must not be there; it is not when this raises.
    @param before_piece: called with the size of each piece that is going to
        take room; what it raises ends the copy.
    @return: whether the blocks are shared.
    @raise OSError: it cannot be done.
    """
    with source.open("rb") as reading:
        return sparse_copy_of(reading, target, before_piece)


def sparse_copy_of(
    reading: BinaryIO,
    target: Path,
    before_piece: Callable[[int], object] = lambda size: None,
) -> bool:
    """L{sparse_copy}, of a file that is open."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    writing = os.open(target, flags, 0o600)
    try:
        if _clone(reading.fileno(), writing):
            return True
        for extent in extents(reading.fileno()):
            for at in range(extent.start, extent.stop, _PIECE_BYTES):
                piece = min(_PIECE_BYTES, extent.stop - at)
                before_piece(piece)
                _copy(reading.fileno(), writing, at, piece)
        os.ftruncate(writing, os.fstat(reading.fileno()).st_size)
        return False
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    finally:
        os.close(writing)


def _clone(reading: int, writing: int) -> bool:
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError as error:
        if error.errno in _UNSHARED:
            return False
        raise
    return True


def _copy(reading: int, writing: int, at: int, size: int) -> None:
    while size:
        data = os.pread(reading, min(size, 1 << 20), at)
        if not data:
            return
        os.pwrite(writing, data, at)
        at += len(data)
        size -= len(data)
