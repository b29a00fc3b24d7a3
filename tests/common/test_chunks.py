"""Tests for L{euca_tw.common.chunks}."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import _ChunkedTransferDecoder, _MalformedChunkedDataError

from euca_tw.common.chunks import FRAMING, SIZE_LINE, TRAILERS, BadChunks, Chunks

PIECES = st.one_of(
    st.sampled_from(
        [
            *(b"3\r\nabc\r\n", b"0\r\n\r\n", b"0\r\n", b"\r\n", b"A;b=c\r\n"),
            *(b"0123456789", b"T: x\r\n", b"\r", b"\n", b"-1\r\n", b"0x1\r\n"),
            *(b"1_0\r\n", b"g\r\n", b"3;\x00\r\n", b" 3\r\n", b"3;\n\r\nabc\r\n"),
        ]
    ),
    st.binary(max_size=4),
)


def chunked(*bodies: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in (*bodies, b""))


class Read:
    """What a decoder makes of bytes."""

    def __init__(self, decoder: Any = Chunks) -> None:
        self.taken = b""
        self.rest: bytes | None = None
        self.decoder = decoder(self._take, self._finish)

    def _take(self, data: bytes) -> None:
        self.taken += data

    def _finish(self, rest: bytes) -> None:
        assert self.rest is None
        self.rest = rest

    def give(self, *pieces: bytes) -> Read:
        for piece in pieces:
            if self.rest is None:
                self.decoder.dataReceived(piece)
        return self


class ChunksTests(SynchronousTestCase):
    def refused(self, *pieces: bytes) -> str:
        return str(self.assertRaises(BadChunks, Read().give, *pieces))

    def test_body(self) -> None:
        """Chunks are put together; what follows belongs to others."""
        read = Read().give(b"2;a=b\r\nab\r\n1\r\nc\r\n0\r\nT: x\r\n\r\nGET")
        self.assertEqual((read.taken, read.rest), (b"abc", b"GET"))

    @given(st.lists(st.binary(min_size=1)), st.integers(1, 5))
    def test_parts(self, bodies: list[bytes], size: int) -> None:
        """However they are cut on their way."""
        sent = chunked(*bodies)
        parts = [sent[n : n + size] for n in range(0, len(sent), size)]
        read = Read().give(*parts)
        self.assertEqual((read.taken, read.rest), (b"".join(bodies), b""))

    def test_sizes(self) -> None:
        """A size is a hexadecimal number, and nothing else."""
        for size in (b"", b"g", b"-1", b"+1", b"0x1", b"1_0", b" 1", b"1 ", b"1" * 16):
            self.assertIn("hexadecimal", self.refused(size + b"\r\na\r\n"))

    def test_behind(self) -> None:
        """A chunk is as long as it says."""
        for sent in (b"1\r\nab\r\n", b"1\r\na\n", b"1\r\na\rb"):
            self.assertIn("longer than its size", self.refused(sent))

    def test_extensions(self) -> None:
        """An extension may not be long, nor hide the end of a line."""
        self.assertIn("too long", self.refused(b"1;" + b"a" * SIZE_LINE))
        self.assertIn("too long", self.refused(*[b"1;" + b"a" * 100] * 20))
        for odd in (b"\n", b"\r", b"\x00"):
            self.refused(b"1;a" + odd + b"b\r\na\r\n")

    def test_trailers(self) -> None:
        """Trailers are thrown away, and have an end."""
        end = b"0\r\n" + b"A: b\r\n" * 100 + b"\r\n"
        self.assertEqual(Read().give(end).rest, b"")
        self.assertIn("too long", self.refused(b"0\r\n", b"a" * (TRAILERS + 1)))
        self.assertIn("too long", self.refused(b"0\r\n", b"A: b\r\n" * TRAILERS))
        self.assertIn("characters", self.refused(b"0\r\nA: b\nc\r\n"))

    def test_framing(self) -> None:
        """There may not be much more around the data than there is of them."""
        chunk = b"1;" + b"x" * 1000 + b"\r\na\r\n"
        self.assertIn("more between", self.refused(*[chunk] * (FRAMING // 1000 + 2)))
        Read().give(*[b"5\r\nabcde\r\n"] * 100_000)

    def test_nothing_kept(self) -> None:
        """Of what was taken, nothing is kept."""
        read = Read().give(b"100000\r\n" + b"a" * 65536)
        self.assertEqual(read.decoder._held, b"")

    @given(st.lists(PIECES, max_size=12))
    def test_stricter(self, pieces: list[bytes]) -> None:
        """What it takes, twisted.web's own decoder takes for the same."""
        read = Read()
        try:
            read.give(*pieces)
        except BadChunks:
            return
        other = Read(_ChunkedTransferDecoder)
        try:
            other.give(*pieces)
        except _MalformedChunkedDataError:
            self.fail(f"twisted.web refuses {pieces}")
        self.assertEqual((read.taken, read.rest), (other.taken, other.rest))
