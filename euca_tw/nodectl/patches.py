"""
What was changed in a copy of an image, put onto a disk that began as it.

A copy here may be far from whole (only a file system's own tables are in it);
so what is compared is the copy before with the copy after.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from attrs import frozen

from euca_tw.common.process import IProcessReactor, run
from euca_tw.nodectl.sparse import extents

_TIMEOUT_S = 60.0


@frozen(kw_only=True)
class Patch:
    """Bytes that are to stand at an offset of a disk."""

    offset: int
    data: bytes


def changes(
    before: Path, after: Path, block_bytes: int, offset: int
) -> Iterator[Patch]:
    """
    What differs, in order, what lies together as one.  It blocks.

    @param offset: of the copies on the disk.
    """
    with before.open("rb") as old, after.open("rb") as new:
        for extent in extents(new.fileno()):
            first = extent.start - extent.start % block_bytes
            data, begins = b"", first
            for at in range(first, extent.stop, block_bytes):
                block = os.pread(new.fileno(), block_bytes, at)
                if block != os.pread(old.fileno(), block_bytes, at):
                    begins = begins if data else at
                    data += block
                elif data:
                    yield Patch(offset=offset + begins, data=data)
                    data = b""
            if data:
                yield Patch(offset=offset + begins, data=data)


def patch_raw(disk: Path, patches: Iterable[Patch]) -> None:
    """Write them.  It blocks."""
    with disk.open("r+b") as writing:
        for patch in patches:
            writing.seek(patch.offset)
            writing.write(patch.data)


def write_files(directory: Path, patches: Iterable[Patch]) -> bytes:
    """
    Write the patches' data into files there, for L{patch_qcow2}.  It blocks.

    @return: the commands.
    """
    commands = []
    for n, patch in enumerate(patches):
        (directory / f"patch-{n}").write_bytes(patch.data)
        commands.append(f"write -q -s patch-{n} {patch.offset} {len(patch.data)}\n")
    return "".join(commands).encode()


async def patch_qcow2(
    reactor: IProcessReactor, directory: Path, disk: str, commands: bytes
) -> None:
    """
    Carry out what L{write_files} said, without a mount and without rights.

    @param disk: relative to C{directory}.
    @raise CommandFailed: the disk is spoilt.
    """
    await run(
        reactor,
        *("qemu-io", "-f", "qcow2", disk),
        stdin=commands,
        timeout_s=_TIMEOUT_S,
        directory=str(directory),
    )
