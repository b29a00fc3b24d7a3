"""
An image on its way into a file: counted, expanded, and with its holes.

Blocks; it is called in threads, by one at a time.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

from attrs import Factory, define, field

from euca_tw.nodectl.expand import Expanding
from euca_tw.nodectl.room import Room
from euca_tw.nodectl.sparse import SparseWriter

_PIECE_BYTES = 1 << 20


class GivenUp(Exception):
    """Nobody wants it any more."""


@define(eq=False, kw_only=True)
class Arriving:
    """
    @ivar name: by which L{Room} counts it.
    @ivar is_expanded: whether what is compressed shall be expanded.
    """

    name: str
    path: Path
    room: Room
    largest_bytes: int
    is_expanded: bool
    _writer: SparseWriter | None = field(default=None, init=False)
    _expanding: Expanding | None = field(default=None, init=False)
    _is_over: bool = field(default=False, init=False)
    # Who gives up does not wait for the thread that writes.
    _lock: Lock = field(default=Factory(Lock), init=False)

    def begin(self, length: int | None) -> None:
        """
        It comes from its beginning.

        @raise NoRoom:
        @raise OSError:
        """
        with self._lock:
            self._check()
            if self._writer is not None:
                self._writer.restart()
                self.room.again(self.name)
            if length is not None:
                self.room.promise(self.name, length)
            if self._writer is None:
                self._writer = SparseWriter.at(self.path)
            if self.is_expanded:
                self._expanding = Expanding(self._put, self.largest_bytes)

    def write(self, data: bytes) -> None:
        """
        @raise CannotExpand:
        @raise NoRoom:
        @raise OSError:
        """
        with self._lock:
            self._check()
            if self._expanding is not None:
                self._expanding.write(data)
            else:
                self._put(data)

    def finish(self, header_bytes: int) -> bytes:
        """
        All has come.

        @return: how the file begins.
        @raise CannotExpand:
        """
        with self._lock:
            self._check()
            if self._expanding is not None:
                self._expanding.finish()
            self._is_over = True
            return self._writer.close(header_bytes) if self._writer else b""

    def give_up(self) -> None:
        """
        No more of it is written; the file is gone, and its room given back.
        """
        with self._lock:
            self._is_over = True
            if self._writer is not None:
                self._writer.close()
            self.path.unlink(missing_ok=True)
            self.room.settle(self.name)

    def _check(self) -> None:
        if self._is_over:
            raise GivenUp

    def _put(self, data: bytes) -> None:
        assert self._writer is not None
        # What has no room is not written, or little of it.
        for start in range(0, len(data), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            self.room.taken(self.name, self._writer.write(piece))
