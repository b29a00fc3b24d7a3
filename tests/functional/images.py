"""Disk images of all kinds, made by ordinary programs, for tests."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
from pathlib import Path
from uuid import UUID

from twisted.trial.unittest import SkipTest

MIB = 1 << 20
PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
ROOT_OF_X86_64 = UUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
DATA = UUID("0fc63daf-8483-4772-8e79-3d69d8477de4")


def skip_without(*programs: str) -> None:
    """@raise SkipTest: one is not here."""
    for program in programs:
        if shutil.which(program, path=PATH) is None:
            raise SkipTest(f"needs {program}: run tools/setup")


def call(*command: object, given: str = "") -> str:
    """What a program says, errors with it."""
    ended = subprocess.run(
        [str(word) for word in command],
        check=False,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=120,
        env={**os.environ, "PATH": PATH, "LC_ALL": "C"},
    )
    if ended.returncode:
        raise AssertionError(f"{command}: {ended.stdout}")
    return ended.stdout


def ext(
    path: Path,
    *options: str,
    mib: int = 16,
    files: dict[str, bytes] | None = None,
    commands: str = "",
) -> Path:
    """
    A file system of the ext family, with C{/etc} in it.

    @param commands: to debugfs, when it is made.
    """
    tree = path.with_name(f"{path.name}.tree")
    (tree / "etc").mkdir(parents=True)
    (tree / "etc" / "hostname").write_bytes(b"guest\n")
    for name, content in (files or {}).items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(content)
    path.unlink(missing_ok=True)
    with path.open("wb") as image:
        image.truncate(mib * MIB)
    call("mke2fs", "-q", "-F", *(options or ("-t", "ext4")), "-d", tree, path)
    shutil.rmtree(tree)
    if commands:
        call("debugfs", "-w", "-f", "-", path, given=commands)
    return path


def whole(path: Path, *partitions: tuple[int, Path]) -> Path:
    """A disk without a table of partitions, with files at MiB of it."""
    end = max(at * MIB + part.stat().st_size for at, part in partitions)
    with path.open("wb") as disk:
        for at, part in partitions:
            disk.seek(at * MIB)
            disk.write(part.read_bytes())
        disk.truncate(end + MIB)
    return path


def mbr(path: Path, *partitions: tuple[int, Path]) -> Path:
    """With an MBR."""
    whole(path, *partitions)
    with path.open("r+b") as disk:
        for n, (at, part) in enumerate(partitions):
            disk.seek(446 + 16 * n)
            sectors = part.stat().st_size // 512
            disk.write(struct.pack("<B3xB3xII", 0, 0x83, at * 2048, sectors))
        disk.seek(510)
        disk.write(b"\x55\xaa")
    return path


def gpt(path: Path, *partitions: tuple[int, Path, UUID]) -> Path:
    """With a GPT, whose checksums nobody looks at."""
    whole(path, *((at, part) for at, part, _ in partitions))
    with path.open("r+b") as disk:
        disk.seek(446)
        disk.write(struct.pack("<B3xB3xII", 0, 0xEE, 1, 0xFFFFFFFF))
        disk.seek(510)
        disk.write(b"\x55\xaa")
        disk.write(b"EFI PART".ljust(72, b"\0"))
        disk.write(struct.pack("<QII", 2, 128, 128))
        for n, (at, part, kind) in enumerate(partitions):
            disk.seek(1024 + 128 * n)
            first = at * 2048
            last = first + part.stat().st_size // 512 - 1
            disk.write(kind.bytes_le + bytes(16) + struct.pack("<QQ", first, last))
    return path


def file_in(disk: Path, name: str, offset: int = 0) -> bytes:
    """What is in a file of an image."""
    ended = subprocess.run(
        ["debugfs", "-R", f"cat {name}", f"{disk}?offset={offset}"],
        check=True,
        capture_output=True,
        env={**os.environ, "PATH": PATH},
    )
    # Of a file within its inode it says the rest of the inode too.
    return ended.stdout.rstrip(b"\0")


def stat_in(disk: Path, name: str, offset: int = 0) -> str:
    """What debugfs says of it."""
    return call("debugfs", "-R", f"stat {name}", f"{disk}?offset={offset}")
