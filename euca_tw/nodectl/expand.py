"""
Images that come compressed, expanded on their way: gzip and xz.

What arrives may be made to expand to anything: it is expanded piece by piece,
never more at a time than a piece, up to a limit, and with bounded memory.
Blocks; it is called in threads.
"""

from __future__ import annotations

import lzma
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from attrs import define

_PIECE_BYTES = 1 << 20
#: What xz -9 needs is 65 MiB; a file may ask for gigabytes.
_XZ_MEMORY_BYTES = 128 << 20
_GZIP, _XZ = b"\x1f\x8b\x08", b"\xfd7zXZ\x00"
_LONGEST_MAGIC = len(_XZ)


class CannotExpand(Exception):
    """The text says why."""


class _Stream(Protocol):
    """One compressed stream, of which there may be several in a file."""

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        """@return: at most a piece, and whether there may be more of it."""

    def rest(self) -> bytes | None:
        """What follows the stream; None while it has not ended."""


@define(eq=False)
class Expanding:
    """
    Writes on what it is given, expanded if it is compressed.

    @ivar largest_bytes: of what is written on.
    """

    _write: Callable[[bytes], Any]
    largest_bytes: int
    _head: bytes = b""
    _make: Callable[[], _Stream] | None = None
    _stream: _Stream | None = None
    _is_known: bool = False
    _size: int = 0

    @property
    def is_compressed(self) -> bool:
        """Whether it is, as far as one knows."""
        return self._make is not None

    def write(self, data: bytes) -> None:
        """
        @raise CannotExpand:
        @raise Exception: what the writer beyond raises.
        """
        if not self._is_known:
            self._head += data
            if len(self._head) < _LONGEST_MAGIC:
                return
            data, self._head = self._head, b""
            self._know(data)
        self._pass(data)

    def finish(self) -> None:
        """
        There is no more.

        @raise CannotExpand: there should be.
        """
        if not self._is_known:
            self._know(self._head)
            self._pass(self._head)
        if self._stream is not None:
            raise CannotExpand("it is cut off")

    def _know(self, head: bytes) -> None:
        self._is_known = True
        if head.startswith(_GZIP):
            self._make = _Gzip
        elif head.startswith(_XZ):
            self._make = _Xz

    def _pass(self, data: bytes) -> None:
        if self._make is None:
            self._on(data)
            return
        while True:
            if self._stream is None:
                # Streams may be padded with zeros.
                data = data.lstrip(b"\0")
                if not data:
                    return
                self._stream = self._make()
            try:
                piece, is_more = self._stream.feed(data)
            except (zlib.error, lzma.LZMAError) as error:
                raise CannotExpand(f"it cannot be expanded: {error}") from error
            self._on(piece)
            data = b""
            rest = self._stream.rest()
            if rest is not None:
                self._stream, data = None, rest
            elif not is_more:
                return

    def _on(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self.largest_bytes:
            what = "it expands to" if self.is_compressed else "it has"
            raise CannotExpand(f"{what} more than {self.largest_bytes} bytes")
        if piece:
            self._write(piece)


class _Gzip:
    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(wbits=31)

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        unread = self._zlib.unconsumed_tail + data
        piece = self._zlib.decompress(unread, _PIECE_BYTES)
        is_more = bool(self._zlib.unconsumed_tail) or len(piece) == _PIECE_BYTES
        return piece, is_more

    def rest(self) -> bytes | None:
        return self._zlib.unused_data if self._zlib.eof else None


class _Xz:
    def __init__(self) -> None:
        self._lzma = lzma.LZMADecompressor(lzma.FORMAT_XZ, _XZ_MEMORY_BYTES)

    def feed(self, data: bytes) -> tuple[bytes, bool]:
        piece = self._lzma.decompress(data, _PIECE_BYTES)
        return piece, not self._lzma.eof and not self._lzma.needs_input

    def rest(self) -> bytes | None:
        return self._lzma.unused_data if self._lzma.eof else None
