"""Files with holes."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.sparse import SparseWriter, extents, sparse_copy

BLOCK = 64 * 1024
#: A file, as runs of something and of nothing.
RUNS = st.lists(
    st.tuples(st.sampled_from([b"\0", b"x"]), st.integers(1, 5 * BLOCK)), max_size=6
)


def joined(runs: list[tuple[bytes, int]]) -> bytes:
    return b"".join(what * size for what, size in runs)


def room(path: Path) -> int:
    return path.stat().st_blocks * 512


class SparseWriterTests(SynchronousTestCase):
    @given(RUNS, st.integers(5000, 3 * BLOCK))
    def test_content(self, runs: list[tuple[bytes, int]], piece: int) -> None:
        """Whatever is written, in whatever pieces, is there."""
        path, content = Path(self.mktemp()), joined(runs)
        path.parent.mkdir(exist_ok=True)
        writer = SparseWriter.at(path)
        for start in range(0, len(content), piece):
            writer.write(content[start : start + piece])
        self.assertEqual(writer.size_bytes, len(content))
        self.assertEqual(writer.close(10), content[:10])
        self.assertTrue(path.read_bytes() == content)

    def test_holes(self) -> None:
        """Zeros take no room, however they fall into pieces; what does is told."""
        path = Path(self.mktemp())
        writer = SparseWriter.at(path)
        taken = writer.write(b"a" * 1000)
        for _ in range(100):
            taken += writer.write(bytes(100_001))
        taken += writer.write(b"b")
        writer.close()
        self.assertLessEqual(room(path), 2 * BLOCK)
        self.assertLessEqual(taken, 2 * BLOCK)
        self.assertEqual(path.stat().st_size, 1000 + 100 * 100_001 + 1)

    def test_restart(self) -> None:
        """What is begun anew has nothing of what was there."""
        path = Path(self.mktemp())
        writer = SparseWriter.at(path)
        writer.write(b"x" * 3 * BLOCK)
        writer.restart()
        writer.write(bytes(2 * BLOCK) + b"y")
        writer.close()
        self.assertEqual(path.read_bytes(), bytes(2 * BLOCK) + b"y")

    def test_closed_twice(self) -> None:
        """To close it twice is as good as once."""
        writer = SparseWriter.at(Path(self.mktemp()))
        self.assertEqual(writer.close(1), b"")
        self.assertEqual(writer.close(1), b"")


class SparseCopyTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.source = Path(self.mktemp())
        self.source.parent.mkdir(exist_ok=True)
        self.target = self.source.with_name("copy")
        self.target.unlink(missing_ok=True)

    @given(RUNS)
    def test_content(self, runs: list[tuple[bytes, int]]) -> None:
        """A copy is as the original."""
        self.setUp()
        content = joined(runs)
        writer = SparseWriter.at(self.source)
        writer.write(content)
        writer.close()
        sparse_copy(self.source, self.target)
        self.assertTrue(self.target.read_bytes() == content)

    def test_holes(self) -> None:
        """What are holes in the original are holes in the copy."""
        with self.source.open("wb") as writing:
            writing.truncate(1 << 34)
            writing.seek(1 << 33)
            writing.write(b"x" * 5000)
        pieces: list[int] = []
        is_shared = sparse_copy(self.source, self.target, pieces.append)
        self.assertEqual(self.target.stat().st_size, 1 << 34)
        self.assertLessEqual(room(self.target), 8192)
        self.assertEqual(sum(pieces), 0 if is_shared else 8192)

    def test_shared(self) -> None:
        """Where the file system can share blocks nothing is copied."""
        asked: list[Any] = []

        def ioctl(*arguments: Any) -> int:
            asked.append(arguments[1])
            return 0

        self.source.write_bytes(b"x")
        self.patch(fcntl, "ioctl", ioctl)
        self.assertTrue(sparse_copy(self.source, self.target))
        self.assertEqual(asked, [0x40049409])
        self.assertEqual(self.target.stat().st_size, 0)

    def test_not_shared(self) -> None:
        """Where it cannot, it is copied, however it says that it cannot."""
        self.source.write_bytes(b"x" * 100)
        for number in (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY):

            def ioctl(*arguments: Any, number: int = number) -> int:
                raise OSError(number, os.strerror(number))

            self.patch(fcntl, "ioctl", ioctl)
            self.assertFalse(sparse_copy(self.source, self.target))
            self.assertEqual(self.target.read_bytes(), b"x" * 100)
            self.target.unlink()

    def test_full(self) -> None:
        """A copy that cannot be finished is not there."""

        def ioctl(*arguments: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        self.source.write_bytes(b"x")
        self.patch(fcntl, "ioctl", ioctl)
        with self.assertRaises(OSError):
            sparse_copy(self.source, self.target)
        self.assertFalse(self.target.exists())

    def test_stopped(self) -> None:
        """Whoever counts the pieces may end it."""

        def stop(size: int) -> None:
            raise ZeroDivisionError

        self.patch(fcntl, "ioctl", _cannot)
        self.source.write_bytes(b"x")
        with self.assertRaises(ZeroDivisionError):
            sparse_copy(self.source, self.target, stop)
        self.assertFalse(self.target.exists())

    def test_in_the_way(self) -> None:
        """A file that is there is not written over."""
        self.source.write_bytes(b"x")
        self.target.write_bytes(b"mine")
        with self.assertRaises(FileExistsError):
            sparse_copy(self.source, self.target)
        self.assertEqual(self.target.read_bytes(), b"mine")

    def test_extents(self) -> None:
        """Where there is anything is told, within what is asked of."""
        with self.source.open("wb") as writing:
            writing.truncate(10 * BLOCK)
            for at in (2, 3, 7):
                writing.seek(at * BLOCK)
                writing.write(b"x" * BLOCK)
        with self.source.open("rb") as reading:
            handle = reading.fileno()
            found = list(extents(handle))
            within = list(extents(handle, 3 * BLOCK, 7 * BLOCK + 1))
        self.assertEqual(
            found, [range(2 * BLOCK, 4 * BLOCK), range(7 * BLOCK, 8 * BLOCK)]
        )
        self.assertEqual(
            within, [range(3 * BLOCK, 4 * BLOCK), range(7 * BLOCK, 7 * BLOCK + 1)]
        )


def _cannot(*arguments: Any) -> int:
    raise OSError(errno.EOPNOTSUPP, "Operation not supported")
