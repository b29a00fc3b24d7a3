"""Files that only their owner may read, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def make_private_directory(path: Path) -> None:
    """
    See that there is a directory which only its owner may enter.

    @raise OSError: there cannot be.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)


def write_private_files(directory: Path, files: Mapping[str, bytes]) -> None:
    """
    Write files of mode 0600 in a directory of mode 0700, each in place of one
    of its name, on the disk when this returns.

    @raise OSError: they cannot be written.
    """
    make_private_directory(directory)
    for name, content in files.items():
        part = directory / f".{name}.part"
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as writing:
            writing.write(content)
            writing.flush()
            os.fsync(handle)
        part.rename(directory / name)
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
