"""Images that come compressed."""

from __future__ import annotations

import gzip
import lzma
import tracemalloc
from collections.abc import Callable
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.nodectl.expand import CannotExpand, Expanding

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "several gzip": lambda data: (
        gzip.compress(data[: len(data) // 2]) + gzip.compress(data[len(data) // 2 :])
    ),
    "several xz, padded": lambda data: (
        lzma.compress(data[: len(data) // 2])
        + bytes(8)
        + lzma.compress(data[len(data) // 2 :])
        + bytes(4)
    ),
    "nothing": lambda data: b"plain " + data,
}


class ExpandingTests(SynchronousTestCase):
    def expanded(
        self, packed: bytes, piece: int = 1 << 16, largest: int = 1 << 30
    ) -> bytes:
        written = bytearray()
        expanding = Expanding(written.extend, largest)
        for start in range(0, len(packed), piece):
            expanding.write(packed[start : start + piece])
        expanding.finish()
        return bytes(written)

    def refusal(self, packed: bytes, largest: int = 1 << 30) -> str:
        with self.assertRaises(CannotExpand) as refused:
            self.expanded(packed, largest=largest)
        return str(refused.exception)

    @given(
        st.binary(max_size=3000), st.sampled_from(list(PACKERS)), st.integers(1, 100)
    )
    def test_any(self, data: bytes, packer: str, piece: int) -> None:
        """However it is packed, and in whatever pieces it comes, it is had."""
        expected = data if packer != "nothing" else b"plain " + data
        self.assertEqual(self.expanded(PACKERS[packer](data), piece), expected)

    def test_large(self) -> None:
        """What is larger than a piece is had whole."""
        data = Random(1).randbytes(1 << 16) * 80
        for packer in (gzip.compress, lzma.compress):
            self.assertTrue(self.expanded(packer(data)) == data)

    def test_short(self) -> None:
        """What is too short to be told is what it is."""
        for data in (b"", b"\x1f", b"\xfd7zX"):
            self.assertEqual(self.expanded(data), data)

    def test_cut_off(self) -> None:
        """Half of it is refused."""
        data = Random(1).randbytes(100_000)
        for packer in (gzip.compress, lzma.compress):
            packed = packer(data)
            self.assertEqual(self.refusal(packed[: len(packed) // 2]), "it is cut off")
            self.assertEqual(self.refusal(packed[:-1]), "it is cut off")

    def test_damaged(self) -> None:
        """What is damaged is refused: by its own checksum at the latest."""
        data = Random(1).randbytes(10_000)
        for packer in (gzip.compress, lzma.compress):
            packed = bytearray(packer(data))
            packed[5000] ^= 1
            self.assertIn("it cannot be expanded", self.refusal(bytes(packed)))

    def test_followed(self) -> None:
        """What is followed by something else is refused."""
        for packer in (gzip.compress, lzma.compress):
            self.refusal(packer(b"data") + b"something else, long enough")

    def test_bomb(self) -> None:
        """What expands beyond the limit is refused, and held in pieces till then."""
        for packer in (gzip.compress, lzma.compress):
            packed = packer(bytes(200 << 20))
            seen = [0]
            expanding = Expanding(
                lambda data, seen=seen: seen.append(seen.pop() + len(data)),  # type: ignore[misc]
                largest_bytes=150 << 20,
            )
            tracemalloc.start()
            try:
                with self.assertRaises(CannotExpand):
                    expanding.write(packed)
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            self.assertLessEqual(seen[0], 150 << 20)
            self.assertLess(peak, 16 << 20)

    def test_memory(self) -> None:
        """What needs gigabytes of memory to be expanded is refused."""
        filters = [{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1 << 28}]
        packed = lzma.compress(b"small", filters=filters)
        self.assertIn("emory", self.refusal(packed))
        self.assertEqual(self.expanded(lzma.compress(b"small", preset=9)), b"small")
