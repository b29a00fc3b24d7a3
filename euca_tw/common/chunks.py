"""
Bodies of the transfer encoding C{chunked}, taken apart.

Stricter than twisted.web's own, and it keeps nothing: extensions and trailers
are thrown away, and there may not be more around a body than in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import define

#: The longest line of a chunk's size and its extensions.
SIZE_LINE = 1024
#: The trailers of a body.
TRAILERS = 8192
#: What may be around the data, beyond as much as there is of them.
FRAMING = 65536

_match_size = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t -~\x80-\xff]*)?").fullmatch
_is_text = re.compile(rb"[\t -~\x80-\xff]*").fullmatch


class BadChunks(ValueError):
    """They are none; the text says why."""


@define(eq=False)
class Chunks:
    """
    @ivar _take: called with data.
    @ivar _finish: called with what came behind the body, once.
    """

    _take: Callable[[bytes], object]
    _finish: Callable[[bytes], object]
    _held: bytes = b""
    _left: int = 0
    _is_behind_data: bool = False
    _is_in_trailers: bool = False
    _trailers: int = 0
    _framing: int = 0
    _taken: int = 0

    def dataReceived(self, data: bytes) -> None:
        """@raise BadChunks: nothing may be given any more."""
        held, at = self._held + data, 0
        while at < len(held):
            if self._left:
                piece = held[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._taken += len(piece)
                self._is_behind_data = not self._left
                self._take(piece)
                continue
            end = self._line_end(held, at)
            if end < 0:
                break
            line, at = held[at:end], end + 2
            self._count(len(line) + 2)
            if self._is_behind_data:
                self._is_behind_data = False
            elif not self._is_in_trailers:
                self._begin(line)
            elif line:
                self._skip(line)
            else:
                self._held = b""
                self._finish(held[at:])
                return
        self._held = held[at:]

    def _line_end(self, held: bytes, at: int) -> int:
        """Where the line ends; less than 0 if that is not known yet."""
        end = held.find(b"\r\n", at)
        length = (end if end >= 0 else len(held)) - at
        if self._is_behind_data:
            if not b"\r\n".startswith(held[at : at + 2]):
                raise BadChunks("A chunk is longer than its size")
        elif length > (TRAILERS if self._is_in_trailers else SIZE_LINE):
            raise BadChunks("A line between chunks is too long")
        return end

    def _count(self, framing: int) -> None:
        self._framing += framing
        if self._framing > FRAMING + self._taken:
            raise BadChunks("There is more between the chunks than in them")

    def _begin(self, line: bytes) -> None:
        found = _match_size(line)
        if found is None:
            raise BadChunks("A chunk's size is not a hexadecimal number")
        self._left = int(found[1], 16)
        self._is_in_trailers = not self._left

    def _skip(self, trailer: bytes) -> None:
        self._trailers += len(trailer) + 2
        if self._trailers > TRAILERS:
            raise BadChunks("The trailers are too long")
        if _is_text(trailer) is None:
            raise BadChunks("A trailer has characters that no header may have")


__all__ = ["FRAMING", "SIZE_LINE", "TRAILERS", "BadChunks", "Chunks"]
