"""
Locks that end with the process that holds them, however it ends.
"""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from attrs import frozen
from demo_cloud.steps import say

_OWNER = "owner"


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """One at a time."""
    with file.open("w") as lock:
        if not _lock(lock):
            say("Another run is preparing the same; this one waits for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@frozen
class OwnDirectory:
    """A directory that is deleted, sooner or later, when its process has ended."""

    path: Path
    _lock: IO[str]

    @classmethod
    def make(cls, parent: Path) -> OwnDirectory:
        """Also deletes those whose process has ended and did not clean up."""
        with alone(parent / "directories"):
            for other in parent.glob("run-*"):
                _delete_if_free(other)
            made = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
            lock = (made / _OWNER).open("w")
            _lock(lock)
        return cls(made, lock)

    def delete(self) -> None:
        """With all that is in it."""
        # What ends meanwhile may take away its own.
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def _delete_if_free(directory: Path) -> None:
    try:
        with (directory / _OWNER).open("r+") as lock:
            is_free = _lock(lock)
    except FileNotFoundError:
        is_free = True
    if is_free:
        shutil.rmtree(directory, ignore_errors=True)


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
