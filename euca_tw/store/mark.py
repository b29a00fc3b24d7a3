"""
The mark: how far into the future messages may have been taken.

Nothing that was made at the mark or later was ever taken.  It is a small file
beside a memory of messages (L{euca_tw.store.replay_file}) which is not put on the
disk when it is written, as that would cost more than all else.  The mark is, but
seldom: it is set some seconds ahead.  So when the memory was lost with the power,
it is known from where on messages can be taken without it.

It also tells the processes that share the memory whether one of them is alone,
by a lock (C{flock}) on the file.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from attrs import define

from euca_tw.store.interfaces import StoreUnusable

#: As long whatever the number, so that it is written over in one sector.
_FORM = b"%020d\n"


@define(eq=False)
class Mark:
    """Everything here blocks, and may raise C{OSError}."""

    _path: Path
    _handle: int = -1

    def open(self) -> bool:
        """
        Make the file if there is none, and wait for who is alone with it.

        @return: whether we are, until L{share}; else we share it already.
        """
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if self.is_alone():
            return True
        fcntl.flock(self._handle, fcntl.LOCK_SH)
        return False

    def is_alone(self) -> bool:
        """Become so, if nobody shares it.  If somebody does, we do not any more."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def share(self) -> None:
        """Let others in."""
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def read(self) -> int | None:
        """
        The mark; None if it was never set.

        @raise StoreUnusable: the file is something else.
        """
        content = os.pread(self._handle, 100, 0)
        if not content.strip(b"\0"):  # what a power failure may leave of a new one
            return None
        try:
            moment = int(content)
        except ValueError:
            moment = -1
        if content != _FORM % moment:
            raise StoreUnusable(
                f"{self._path} is not what euca_tw writes there: name another file for "
                "the memory of messages, or, if it was damaged, remove it"
            )
        return moment

    def set(self, moment: int) -> None:
        """It is on the disk when this returns."""
        is_new = not os.fstat(self._handle).st_size
        os.pwrite(self._handle, _FORM % moment, 0)
        os.fdatasync(self._handle)
        if is_new:
            directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)

    def close(self) -> None:
        """Let go of the file and the lock."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
