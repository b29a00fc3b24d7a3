"""
The images that a node has fetched, kept for the next instance.

A file here is whole and, where its checksum is known, right: it arrives beside
its name and is renamed.  All are raw, with holes where they are zero: an image
that comes compressed is expanded on its way, and one that comes as qcow2 is
made raw once, so that nothing ever follows what a user has written in its
header.  (Raw is also the better base for many disks: holes cost as little as
what qcow2 leaves out, all guests share the host's cache of it, and none pays for
expanding clusters, or for tables between it and the bytes.)

Instances have an image by a hard link, so the file system itself counts its
users: an image is thrown out of the cache only when nobody else has it, and
even then it would go on for whoever has.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import ClassVar

from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.iweb import IAgent

from euca_tw.common.download import DownloadFailed, download
from euca_tw.common.in_thread import InThread
from euca_tw.common.process import CommandFailed, IProcessReactor, run
from euca_tw.model.identifiers import IMAGE_PREFIXES, is_identifier
from euca_tw.nodectl.arriving import Arriving
from euca_tw.nodectl.expand import CannotExpand
from euca_tw.nodectl.interfaces import ImageSource, StagingFailed, StagingRefused
from euca_tw.nodectl.qcow2 import HEADER_BYTES, is_qcow2, refusal
from euca_tw.nodectl.room import NoRoom, Room

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
#: How often the server may break off in turn.
_TRIES = 4


@define(eq=False)
class _Fetch:
    """An image on its way, and who waits for it."""

    waiting: list[Deferred[None]] = field(factory=list)
    running: Deferred[None] | None = None


@define(eq=False, kw_only=True)
class ImageCache:
    """
    @ivar room: its directory is that of the images, on the same file system as
        the instances' directories.
    @ivar largest_bytes: a larger image is refused, expanded or not.
    @ivar idle_s: how long the server of images may say nothing.
    @ivar convert_s: how long it may take to make a qcow2 image raw.
    @ivar qemu_img: the program that makes disks.
    """

    reactor: IProcessReactor
    agent: IAgent
    in_thread: InThread
    room: Room
    largest_bytes: int = 64 << 30
    idle_s: float = 60.0
    convert_s: float = 900.0
    qemu_img: str = "qemu-img"
    _log: ClassVar[Logger] = Logger()
    _is_prepared: bool = field(default=False, init=False)
    _fetches: dict[str, _Fetch] = field(factory=dict, init=False)

    @property
    def directory(self) -> Path:
        """Of the images."""
        return self.room.directory

    async def link(self, source: ImageSource, target: Path) -> None:
        """
        Give the image a further name, C{target}, fetching it first if need be;
        nothing happens if C{target} is there.

        @raise StagingFailed: it cannot be had.
        @raise OSError: C{target} cannot be made.
        """
        name = _name(source)
        cached = self.directory / name
        await self.in_thread(self._prepare)
        while not await self.in_thread(lambda: _linked(cached, target)):
            await self._fetched(name, source)

    async def trim(self) -> None:
        """Throw out what no instance has, if there is too much."""
        await self.in_thread(self.room.trim)

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
            if failure is None or failure.check(CancelledError):
                # Who came while it was being given up looks again.
                waiting.callback(None)
            else:
                waiting.errback(failure)

    async def _bring(self, name: str, source: ImageSource) -> None:
        began = self.reactor.seconds()
        part = self.directory / f".{name}.part"
        raw = self.directory / f".{name}.raw"
        arriving = Arriving(
            name=name,
            path=part,
            room=self.room,
            largest_bytes=self.largest_bytes,
            is_expanded=_is_disk(source),
        )
        try:
            whole = await self._downloaded(source, arriving, raw)
            size = await self.in_thread(lambda: _keep(whole, self.directory / name))
        except (DownloadFailed, CannotExpand) as failed:
            raise _not_had(source, str(failed)) from failed
        except NoRoom as failed:
            raise NoRoom(f"{source.image_id} cannot be fetched: {failed}") from None
        except OSError as error:
            raise _not_had(source, f"the node's disk: {error.strerror}") from error
        except CommandFailed as failed:
            self._log.warn(
                "{image} cannot be made raw: {why}",
                image=source.image_id,
                why=str(failed),
            )
            raise _refused(source, "its qcow2 cannot be read") from failed
        finally:
            await self.in_thread(lambda: self._clean_up(arriving, raw))
        self._log.info(
            "fetched {image}: {size} bytes in {seconds:.3f} s",
            image=source.image_id,
            size=size,
            seconds=self.reactor.seconds() - began,
        )

    async def _downloaded(
        self, source: ImageSource, arriving: Arriving, raw: Path
    ) -> Path:
        """The image, raw, in one of the two files."""
        got = await download(
            self.agent,
            self.reactor,
            self.in_thread,
            source.url,
            arriving.write,
            largest_bytes=self.largest_bytes,
            idle_s=self.idle_s,
            begin=arriving.begin,
            tries=_TRIES,
        )
        # Before anything is made of it.
        if source.sha256 and got.sha256 != source.sha256:
            raise _not_had(source, f"its SHA-256 is {got.sha256}")
        header = await self.in_thread(lambda: arriving.finish(HEADER_BYTES))
        if not (_is_disk(source) and is_qcow2(header)):
            return arriving.path
        why = refusal(header, self.largest_bytes)
        if why is not None:
            raise _refused(source, why)
        await self._convert(arriving, raw)
        return raw

    async def _convert(self, arriving: Arriving, raw: Path) -> None:
        """
        @raise NoRoom:
        @raise CommandFailed:
        """
        part = str(arriving.path)
        measure = (self.qemu_img, "measure", "--output=json", "-f", "qcow2")
        # As qcow2 it would take what it takes as a raw file with holes, and a
        # little more; of a raw file its length alone would be told.
        said = await run(self.reactor, *measure, "-O", "qcow2", part, timeout_s=60)
        required = int(json.loads(said)["required"])
        await self.in_thread(lambda: self.room.promise(raw.name, required))
        convert = (self.qemu_img, "convert", "-f", "qcow2", "-O", "raw")
        await run(self.reactor, *convert, part, str(raw), timeout_s=self.convert_s)

    def _clean_up(self, arriving: Arriving, raw: Path) -> None:
        arriving.give_up()
        raw.unlink(missing_ok=True)
        self.room.settle(raw.name)

    def _prepare(self) -> None:
        """Once: what a daemon that was killed left on its way is removed."""
        if self._is_prepared:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        # Those who run domains must come by, whatever the daemon's umask is.
        self.directory.chmod(0o755)
        for path in self.directory.glob(".*"):
            path.unlink()
        self._is_prepared = True


def _keep(part: Path, path: Path) -> int:
    """Under its name, and safe there."""
    with part.open("rb") as written:
        os.fsync(written.fileno())
        size = os.fstat(written.fileno()).st_size
    part.chmod(0o644)
    part.rename(path)
    return size


def _is_disk(source: ImageSource) -> bool:
    """Kernels and ramdisks are what they are, compressed or not."""
    return source.image_id.startswith(IMAGE_PREFIXES["machine"])


def _name(source: ImageSource) -> str:
    """Under which the image is kept: what it is, if that is known."""
    if not is_identifier(source.image_id, *IMAGE_PREFIXES.values()):
        raise StagingFailed(f"{source.image_id!r} is no identifier of an image")
    if not source.sha256:
        return source.image_id
    if _SHA256.match(source.sha256) is None:
        raise _not_had(source, "its checksum is no SHA-256")
    return source.sha256 if _is_disk(source) else f"{source.sha256}.boot"


def _not_had(source: ImageSource, why: str) -> StagingFailed:
    return StagingFailed(f"{source.image_id} cannot be fetched: {why}")


def _refused(source: ImageSource, why: str) -> StagingRefused:
    return StagingRefused(f"{source.image_id} cannot be fetched: {why}")


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
