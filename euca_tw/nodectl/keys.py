"""
A user's public key, put into an image of ext2, ext3 or ext4, for guests that do
not ask for it by the metadata service.

Nothing is mounted, nothing needs root, and the image itself is only read.
e2image copies the file system's own tables out of it (a few MiB of any image;
what is in files stays where it is), debugfs adds the key to that copy, and what
has changed in it is put onto the instance's disk: see L{patches}.

The image is a user's, and may be made to deceive.  No word of it, and none of
the key, becomes part of a command: files have names of ours.  The programs that
read it are L{confined <Confined>}.
"""

# Note [What debugfs says]: it ends with status 0 whatever happens, so what it
# did is read back.  What is parsed of its output could be forged by an image
# (by a symbolic link to something with line breaks), to the harm of nobody but
# the guests of that image.

from __future__ import annotations

import os
import re
from pathlib import Path

from attrs import define, field, frozen

from euca_tw.common.in_thread import InThread
from euca_tw.common.process import CommandFailed
from euca_tw.common.together import Together
from euca_tw.nodectl.confine import Confined
from euca_tw.nodectl.partitions import FileSystem, Read, file_systems
from euca_tw.nodectl.patches import Patch, changes
from euca_tw.nodectl.sparse import sparse_copy

_HOME, _SSH, _KEYS = "/root", "/root/.ssh", "/root/.ssh/authorized_keys"
_LONGEST_KEYS = 64 * 1024
_LONGEST_KEY = 16 * 1024
#: What a journal had may be more, but then it is not only a key that is put in.
_MOST_CHANGED = 64 << 20
#: From where a work directory is, the image.
IMAGE = "../image"

_STAT = re.compile(
    r"Inode: \d+ +Type: (?P<kind>[A-Za-z ]+?) +Mode: +(?P<mode>\d+).*?"
    r"^User: +(?P<user>\d+) +Group: +(?P<group>\d+).*?Size: (?P<size>\d+)",
    re.DOTALL | re.MULTILINE,
)


class NotInjected(Exception):
    """The key was not put in; the text says why, of the image."""


@frozen(kw_only=True)
class _Found:
    """What there is at a path."""

    kind: str
    mode: int
    owner: tuple[int, int]
    size: int


@define(eq=False, kw_only=True)
class KeyInjector:
    """Finds out what is to be changed on a disk so that it has a key."""

    in_thread: InThread
    confined: Confined
    # What is found out at this moment, for all whose image and key are the same.
    _together: Together[tuple[Patch, ...] | NotInjected] = field(
        factory=Together, init=False
    )

    async def patches(self, work: Path, key: str) -> tuple[Patch, ...]:
        """
        @param work: an empty directory of its own, for whatever comes up;
            L{IMAGE} is found from there.
        @param key: a line of authorized_keys.
        @raise NotInjected: this image cannot have it.
        @raise OSError:
        """

        async def find_out() -> tuple[Patch, ...] | NotInjected:
            try:
                return await self._found_out(work, key)
            except NotInjected as why:
                return why

        image = await self.in_thread((work / IMAGE).stat)
        which = (image.st_dev, image.st_ino, image.st_mtime_ns, key)
        found = await self._together.get(which, find_out)
        if isinstance(found, NotInjected):
            raise NotInjected(str(found))
        return found

    async def _found_out(self, work: Path, key: str) -> tuple[Patch, ...]:
        line = _line(key)
        found = await self.in_thread(lambda: _file_systems(work / IMAGE))
        if not found:
            raise NotInjected("it has no file system of ext2, ext3 or ext4")
        try:
            one = await self._root(work, found)
            return await self._patches(work, one, line)
        except CommandFailed as failed:
            why = _last_line(failed.text)
            raise NotInjected(f"its file system cannot be used: {why}") from failed

    async def _root(self, work: Path, found: tuple[FileSystem, ...]) -> FileSystem:
        for one in found:
            said = await self._debugfs(work, one, f"{IMAGE}?offset={one.offset}", _ETC)
            etc = _parsed(said, _ETC).get("/etc")
            if etc is not None and etc.kind == "directory":
                return one
        raise NotInjected("none of its file systems is a root: they have no /etc")

    async def _patches(
        self, work: Path, one: FileSystem, line: bytes
    ) -> tuple[Patch, ...]:
        largest = one.offset + one.size_bytes + (1 << 20)
        await self.confined.run(
            *("e2image", "-r", "-o", str(one.offset), IMAGE, "fs"),
            directory=str(work),
            largest_file_bytes=largest,
        )
        await self.in_thread(lambda: sparse_copy(work / "fs", work / "before"))
        if one.needs_recovery:
            await self._replay(work, largest)
        before = await self._look(work, one)
        for path, kind in ((_HOME, None), (_SSH, "directory"), (_KEYS, "regular")):
            there = before.get(path)
            if there is not None and kind not in (None, there.kind):
                raise NotInjected(f"its {path} is a {there.kind}")
        old = await self._old_keys(work, one, before.get(_KEYS))
        keys = _joined(old, line)
        if keys != old or not _is_right(before):
            await self._write(work, one, before, keys)
            await self._check(work, one, keys)
        return await self.in_thread(lambda: _changes(work, one))

    async def _replay(self, work: Path, largest: int) -> None:
        """Do what is in the journal, as the guest's kernel would."""
        try:
            await self.confined.run(
                *("e2fsck", "-p", "-E", "journal_only", "fs"),
                directory=str(work),
                largest_file_bytes=largest,
            )
        except CommandFailed as failed:
            if failed.status != 1:  # it was mended
                raise

    async def _look(self, work: Path, one: FileSystem) -> dict[str, _Found]:
        return _parsed(await self._debugfs(work, one, "fs", _LOOK), _LOOK)

    async def _old_keys(
        self, work: Path, one: FileSystem, there: _Found | None
    ) -> bytes:
        if there is None or not there.size:
            return b""
        if there.size > _LONGEST_KEYS:
            raise NotInjected(f"its {_KEYS} is larger than {_LONGEST_KEYS} bytes")
        said = await self._debugfs(work, one, "fs", [f"blocks {_KEYS}"])
        numbers = [int(n) for n in re.findall(r"\b\d+\b", said.partition("\n")[2])]
        # What is in files is not in the copy; of this one it is wanted.
        await self.in_thread(lambda: _fill_in(work, one, numbers))
        return await self._read(work, one, there)

    async def _read(self, work: Path, one: FileSystem, there: _Found) -> bytes:
        said = await self.confined.run(
            *("debugfs", "-R", f"cat {_KEYS}", "fs"),
            directory=str(work),
            largest_file_bytes=one.size_bytes,
        )
        # Of a file within its inode it says the rest of the inode too.
        return said[: there.size]

    async def _write(
        self, work: Path, one: FileSystem, before: dict[str, _Found], keys: bytes
    ) -> None:
        await self.in_thread(lambda: (work / "keys").write_bytes(keys) and None)
        commands = []
        if _HOME not in before:
            commands += [f"mkdir {_HOME}", *_owned(_HOME, "040700")]
        # A link is followed within a path, and not at its end.
        commands.append(f"cd {_HOME}/.")
        if _SSH not in before:
            commands.append("mkdir .ssh")
        commands += [*_owned(".ssh", "040700"), "cd .ssh"]
        name = _KEYS.rpartition("/")[2]
        if _KEYS in before:
            commands.append(f"rm {name}")
        commands += [f"write keys {name}", *_owned(name, "0100600")]
        await self._debugfs(work, one, "fs", commands, "-w")

    async def _check(self, work: Path, one: FileSystem, keys: bytes) -> None:
        """See Note [What debugfs says]."""
        after = await self._look(work, one)
        if not _is_right(after) or await self._read(work, one, after[_KEYS]) != keys:
            raise NotInjected("its file system cannot be written to, or is full")

    async def _debugfs(
        self,
        work: Path,
        one: FileSystem,
        file_system: str,
        commands: list[str],
        *options: str,
    ) -> str:
        said = await self.confined.run(
            *("debugfs", *options, "-f", "-", file_system),
            directory=str(work),
            largest_file_bytes=one.offset + one.size_bytes + (1 << 20),
            stdin="".join(f"{command}\n" for command in commands).encode(),
        )
        return said.decode("utf-8", "replace")


_ETC = ["stat /etc"]
_LOOK = [f"stat {path}" for path in (_HOME, _SSH, _KEYS)]


def _line(key: str) -> bytes:
    line = key.strip()
    if not line or len(line) > _LONGEST_KEY or not line.isprintable():
        raise NotInjected("the key is not one line of text")
    return line.encode()


def _joined(old: bytes, line: bytes) -> bytes:
    """The key once, after what is there."""
    if line in old.splitlines():
        return old
    end = b"" if not old or old.endswith(b"\n") else b"\n"
    return old + end + line + b"\n"


def _owned(path: str, mode: str) -> list[str]:
    return [f"sif {path} {of}" for of in (f"mode {mode}", "uid 0", "gid 0")]


def _is_right(found: dict[str, _Found]) -> bool:
    """Whether sshd lets it count."""
    return all(
        (there := found.get(path)) is not None
        and (there.kind, there.mode & 0o7777, there.owner) == (kind, mode, (0, 0))
        for path, kind, mode in (
            (_SSH, "directory", 0o700),
            (_KEYS, "regular", 0o600),
        )
    )


def _parsed(said: str, commands: list[str]) -> dict[str, _Found]:
    """What each C{stat} found, by its path."""
    found = {}
    for command in commands:
        _, is_there, after = said.partition(f"debugfs: {command}\n")
        match = _STAT.match(after) if is_there else None
        if match is not None:
            found[command.partition(" ")[2]] = _Found(
                kind=match["kind"],
                mode=int(match["mode"], 8),
                owner=(int(match["user"]), int(match["group"])),
                size=int(match["size"]),
            )
    return found


def _last_line(text: str) -> str:
    lines = [each for each in text.splitlines() if each.strip()]
    return lines[-1][:200] if lines else ""


def _file_systems(image: Path) -> tuple[FileSystem, ...]:
    with image.open("rb") as reading:
        handle = reading.fileno()
        read: Read = lambda offset, size: os.pread(handle, size, offset)  # noqa: E731
        return file_systems(read, os.fstat(handle).st_size)


def _fill_in(work: Path, one: FileSystem, numbers: list[int]) -> None:
    size = one.block_bytes
    with (work / IMAGE).open("rb") as image:
        for number in numbers[: _LONGEST_KEYS // size + 16]:
            data = os.pread(image.fileno(), size, one.offset + number * size)
            for name in ("fs", "before"):
                _write_where_nothing(work / name, number * size, data)


def _write_where_nothing(path: Path, at: int, data: bytes) -> None:
    with path.open("r+b") as file:
        if not any(os.pread(file.fileno(), len(data), at)):
            os.pwrite(file.fileno(), data, at)


def _changes(work: Path, one: FileSystem) -> tuple[Patch, ...]:
    found, size = [], 0
    for patch in changes(work / "before", work / "fs", one.block_bytes, one.offset):
        size += len(patch.data)
        if size > _MOST_CHANGED:
            raise NotInjected("there is too much in its journal")
        found.append(patch)
    return tuple(found)
