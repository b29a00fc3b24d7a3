"""
The room that fetched images take, kept within bounds.

What is fetched is counted before it comes: its promised room is taken from what
others may have, so that of two that do not both fit one does.  Images that no
instance has are thrown out, those first that were used longest ago, while all
take more than they may or the disk is short.  Some of the disk is left alone
always: the disks of running instances grow into it.

Blocks, and may be called in several threads.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import RLock

from attrs import Factory, define, field

from euca_tw.nodectl.interfaces import StagingRefused

_MIB = 1 << 20
#: What turns out larger than promised is promised more, so much at a time.
_STEP_BYTES = 16 * _MIB


def free_bytes(directory: Path) -> int:
    """What the file system there has left for us."""
    stat = os.statvfs(directory)
    return stat.f_bavail * stat.f_frsize


class NoRoom(StagingRefused):
    """The node's disk has no room for what shall come."""


@define(eq=False)
class _Coming:
    promised: int = 0
    written: int = 0


@define(eq=False, kw_only=True)
class Room:
    """
    @ivar directory: of the images; those whose names begin with a dot are on
        their way and not counted by their size.
    @ivar keep_bytes: what all may take, those that are on their way included;
        more only where instances have them.
    @ivar least_free_bytes: of the disk, to be left alone.
    @ivar free: what there is left.
    """

    directory: Path
    keep_bytes: int
    least_free_bytes: int = 0
    free: Callable[[Path], int] = free_bytes
    _coming: dict[str, _Coming] = field(factory=dict, init=False)
    _lock: RLock = field(default=Factory(RLock), init=False)

    def promise(self, name: str, size_bytes: int) -> None:
        """
        Something of that name will take so much, all in all.

        @raise NoRoom: it cannot have it; nothing is promised more than before.
        """
        with self._lock:
            coming = self._coming.get(name) or _Coming()
            more = size_bytes - coming.promised
            if more <= 0:
                return
            self._make_room(more)
            short = more - self._left()
            if short > 0:
                free = max(0, more - short)
                raise NoRoom(
                    f"the node's disk is full: {_mib(more)} MiB more are needed and "
                    f"{free // _MIB} MiB are free for it"
                )
            coming.promised = size_bytes
            self._coming[name] = coming

    def taken(self, name: str, size_bytes: int) -> None:
        """
        Something of that name is about to take so much of what it was promised,
        or more.

        @raise NoRoom:
        """
        with self._lock:
            coming = self._coming.get(name) or _Coming()
            after = coming.written + size_bytes
            if after > coming.promised:
                self.promise(name, after + _STEP_BYTES)
                coming = self._coming[name]
            coming.written = after

    def again(self, name: str) -> None:
        """What it took is given back; the promise stays."""
        with self._lock:
            if name in self._coming:
                self._coming[name].written = 0

    def settle(self, name: str) -> None:
        """It is there under its own name, or will not come."""
        with self._lock:
            self._coming.pop(name, None)

    def trim(self) -> None:
        """Throw out what may be, if there is too much."""
        with self._lock:
            if self.directory.exists():
                self._make_room(0)

    def _left(self) -> int:
        """What is free and promised to nobody."""
        unwritten = sum(
            max(0, each.promised - each.written) for each in self._coming.values()
        )
        return self.free(self.directory) - self.least_free_bytes - unwritten

    def _make_room(self, more: int) -> None:
        found = [
            (path, path.stat())
            for path in self.directory.iterdir()
            if not path.name.startswith(".")
        ]
        coming = sum(max(e.promised, e.written) for e in self._coming.values())
        taken = sum(stat.st_blocks * 512 for _, stat in found) + coming + more
        for path, stat in sorted(found, key=lambda each: each[1].st_mtime):
            if taken <= self.keep_bytes and more <= self._left():
                break
            # Whoever has it has it by a further name.
            if stat.st_nlink == 1:
                path.unlink(missing_ok=True)
                taken -= stat.st_blocks * 512


def _mib(size_bytes: int) -> int:
    return -(-size_bytes // _MIB)
