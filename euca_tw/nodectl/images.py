"""
The images that a node has fetched, kept for the next instance.

A file here is whole and, where its checksum is known, right: it arrives beside
its name and is renamed.  All are raw; an image that comes as qcow2 is made raw
once, so that nothing ever follows what a user has written in its header.

Instances have an image by a hard link, so the file system itself counts its
users: an image is thrown out of the cache only when nobody else has it, and
even then it would go on for whoever has.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import BinaryIO, ClassVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IAgent

from euca_tw.common.download import DownloadFailed, download
from euca_tw.common.in_thread import InThread
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.model.identifiers import IMAGE_PREFIXES, is_identifier
from euca_tw.nodectl.interfaces import ImageSource, StagingFailed
from euca_tw.nodectl.qcow2 import HEADER_BYTES, is_qcow2, refusal

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_BLOCK_BYTES = 64 * 1024
_NOTHING = bytes(_BLOCK_BYTES)


@define(eq=False)
class _Fetch:
    """An image on its way, and who waits for it."""

    waiting: list[Deferred[None]] = field(factory=list)
    running: Deferred[None] | None = None


@define(eq=False, kw_only=True)
class ImageCache:
    """
    @ivar directory: on the same file system as the instances' directories.
    @ivar keep_bytes: images that no instance has are thrown out, those first
        that were used longest ago, while all take more than this.
    @ivar largest_bytes: a larger image is refused.
    @ivar idle_s: how long the server of images may say nothing.
    @ivar convert_s: how long it may take to make a qcow2 image raw.
    @ivar qemu_img: the program that makes disks.
    """

    reactor: IProcessReactor
    agent: IAgent
    in_thread: InThread
    directory: Path
    keep_bytes: int = 20 << 30
    largest_bytes: int = 64 << 30
    idle_s: float = 60.0
    convert_s: float = 900.0
    qemu_img: str = "qemu-img"
    _log: ClassVar[Logger] = Logger()
    _fetches: dict[str, _Fetch] = field(factory=dict, init=False)

    async def link(self, source: ImageSource, target: Path) -> None:
        """
        Give the image a further name, C{target}, fetching it first if need be;
        nothing happens if C{target} is there.

        @raise StagingFailed: it cannot be had.
        @raise OSError: C{target} cannot be made.
        """
        name = _name(source)
        cached = self.directory / name
        while not await self.in_thread(lambda: _linked(cached, target)):
            await self._fetched(name, source)

    async def _fetched(self, name: str, source: ImageSource) -> None:
        """
        One fetch for all who ask at the same time; it goes on while anyone
        waits for it.
        """
        waiting: Deferred[None] = Deferred()
        fetch = self._fetches.get(name)
        if fetch is None:
            fetch = self._fetches[name] = _Fetch([waiting])
            fetch.running = Deferred.fromCoroutine(self._fetch(name, source))
        else:
            fetch.waiting.append(waiting)
        try:
            await waiting
        except CancelledError:
            if waiting in fetch.waiting:
                fetch.waiting.remove(waiting)
                if not fetch.waiting and fetch.running is not None:
                    fetch.running.cancel()
            raise

    async def _fetch(self, name: str, source: ImageSource) -> None:
        failure = None
        try:
            await self._bring(name, source)
        except Exception:
            # Whatever it is, those who wait are told it.
            failure = Failure()
        for waiting in self._fetches.pop(name).waiting:
            if failure is None:
                waiting.callback(None)
            else:
                waiting.errback(failure)

    async def _bring(self, name: str, source: ImageSource) -> None:
        began = self.reactor.seconds()
        parts = [self.directory / f".{name}.part", self.directory / f".{name}.raw"]
        try:
            part = await self._downloaded(source, *parts)
            size = await self.in_thread(lambda: self._keep(part, name))
        except DownloadFailed as failed:
            raise _not_had(source, str(failed)) from failed
        except OSError as error:
            raise _not_had(source, f"the node's disk: {error.strerror}") from error
        except CommandFailed as failed:
            self._log.warn(
                "{image} cannot be made raw: {why}",
                image=source.image_id,
                why=str(failed),
            )
            raise _not_had(source, "its qcow2 cannot be read") from failed
        finally:
            await self.in_thread(lambda: _remove(parts))
        self._log.info(
            "fetched {image}: {size} bytes in {seconds:.3f} s",
            image=source.image_id,
            size=size,
            seconds=self.reactor.seconds() - began,
        )

    async def _downloaded(self, source: ImageSource, part: Path, raw: Path) -> Path:
        """The image, raw, in one of the two files."""
        writer = await self.in_thread(lambda: _SparseWriter.at(part))
        try:
            got = await download(
                self.agent,
                self.reactor,
                self.in_thread,
                source.url,
                writer.write,
                largest_bytes=self.largest_bytes,
                idle_s=self.idle_s,
            )
        finally:
            header = await self.in_thread(writer.close)
        if source.sha256 and got.sha256 != source.sha256:
            raise _not_had(source, f"its SHA-256 is {got.sha256}")
        if not is_qcow2(header):
            return part
        why = refusal(header, self.largest_bytes)
        if why is not None:
            raise _not_had(source, why)
        command = (self.qemu_img, "convert", "-f", "qcow2", "-O", "raw", part, raw)
        await run(self.reactor, *map(str, command), timeout_s=self.convert_s)
        return raw

    def _keep(self, part: Path, name: str) -> int:
        """Under its name, and safe there; then there may be too many."""
        with part.open("rb") as written:
            os.fsync(written.fileno())
            size = os.fstat(written.fileno()).st_size
        part.chmod(0o644)
        part.rename(self.directory / name)
        found = [
            (path, path.stat())
            for path in self.directory.iterdir()
            if not path.name.startswith(".")
        ]
        taken = sum(stat.st_blocks * 512 for _, stat in found)
        for path, stat in sorted(found, key=lambda each: each[1].st_mtime):
            if taken <= self.keep_bytes:
                break
            if stat.st_nlink == 1 and path.name != name:
                path.unlink()
                taken -= stat.st_blocks * 512
        return size


@define(eq=False)
class _SparseWriter:
    """Writes a file in order, leaving holes where it is zero."""

    _file: BinaryIO

    @classmethod
    def at(cls, path: Path) -> _SparseWriter:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Those who run domains must come by, whatever the daemon's umask is.
        path.parent.chmod(0o755)
        path.unlink(missing_ok=True)
        return cls(path.open("w+b"))

    def write(self, data: bytes) -> None:
        for start in range(0, len(data), _BLOCK_BYTES):
            block = data[start : start + _BLOCK_BYTES]
            if block == _NOTHING[: len(block)]:
                self._file.seek(len(block), os.SEEK_CUR)
            else:
                self._file.write(block)

    def close(self) -> bytes:
        """@return: how the file begins."""
        with self._file as file:
            file.truncate()
            file.seek(0)
            return file.read(HEADER_BYTES)


def _name(source: ImageSource) -> str:
    """Under which the image is kept: what it is, if that is known."""
    if not is_identifier(source.image_id, *IMAGE_PREFIXES.values()):
        raise StagingFailed(f"{source.image_id!r} is no identifier of an image")
    if not source.sha256:
        return source.image_id
    if _SHA256.match(source.sha256) is None:
        raise _not_had(source, "its checksum is no SHA-256")
    return source.sha256


def _not_had(source: ImageSource, why: str) -> StagingFailed:
    return StagingFailed(f"{source.image_id} cannot be fetched: {why}")


def _linked(cached: Path, target: Path) -> bool:
    """Whether C{target} is there now; False if there is no such image."""
    if target.exists():
        return True
    try:
        target.hardlink_to(cached)
        os.utime(cached)
    except FileNotFoundError:
        if cached.exists():
            raise
        return target.exists()
    return True


def _remove(paths: list[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
