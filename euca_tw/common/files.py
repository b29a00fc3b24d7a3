"""Files that only their owner may read, whole or not at all."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

#: What L{locked} locks, in a directory.
LOCK = ".lock"


class OpenToOthers(OSError):
    """A directory that shall be private has something in it, and is not."""


def make_private_directory(path: Path, mode: int = 0o700) -> None:
    """
    See that there is a directory which only its owner may enter.  One that is
    there and empty is made so; one that is not empty is left as it is.

    @param mode: C{0o711}: others may pass, but not look.
    @raise OpenToOthers: it is not empty, and others may do more.
    @raise OSError: there cannot be such a directory.
    """
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    if not path.stat().st_mode & 0o777 & ~mode:
        return
    if any(path.iterdir()):
        raise OpenToOthers(
            0,
            f"{path} is open to others: close it (chmod {mode:o}), or name another",
        )
    path.chmod(mode)


def write_private_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """
    Write files of mode 0600, each in place of one of its name, on the disk
    when this returns.  The directory is made, of mode 0700, if there is none.

    @raise OSError: they cannot be written.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, content in files.items():
        part = directory / f".{name}.part"
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(handle)
        part.rename(directory / name)
    sync(directory)


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """
    Have a directory for oneself, among all processes that ask by this, on all
    machines that share it (if the file system has locks across them); it is made, of
    mode 0700, if there is none.  Waits.

    @raise OSError: it cannot be locked.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """
    Have a file, or which names a directory has, on the disk.

    @raise OSError: it is not there, or the disk failed.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def give_name(part: Path, path: Path) -> None:
    """
    Rename a file, with what is in it on the disk before and the name after, but
    never over another.

    @raise FileExistsError: there is one of that name.
    @raise OSError: it cannot be.
    """
    sync(part)
    try:
        os.link(part, path)
    except FileExistsError:
        raise
    except OSError:  # of file systems that cannot have two names for one file
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        part.rename(path)
    else:
        part.unlink()
    sync(path.parent)
