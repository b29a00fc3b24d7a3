"""The images that a node has fetched."""

from __future__ import annotations

import gzip
import hashlib
import lzma
import os
import stat
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers

from euca_tw.common.in_thread import in_this_thread
from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import (
    ImageSource,
    StagingFailed,
    StagingRefused,
)
from euca_tw.nodectl.room import NoRoom, Room
from tests.fakes.qemu_img import MemoryQemuImg
from tests.fakes.web import MemoryAnswer, MemoryWeb
from tests.nodectl.test_qcow2 import header


class ImageCacheTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.web = MemoryWeb()
        self.reactor = MemoryQemuImg()
        self.directory = Path(self.mktemp())
        self.users = Path(self.mktemp())
        self.users.mkdir()
        self.room = Room(directory=self.directory, keep_bytes=1 << 30)
        self.cache = ImageCache(
            reactor=self.reactor,
            agent=self.web,
            in_thread=in_this_thread,
            room=self.room,
            qemu_img="sh",
        )

    def source(
        self, content: bytes, image_id: str = "emi-00000001", sha256: str | None = None
    ) -> ImageSource:
        url = f"http://clc/{image_id}?token=secret"
        self.web.pages[url] = content
        if sha256 is None:
            sha256 = hashlib.sha256(content).hexdigest()
        return ImageSource(image_id=image_id, url=url, sha256=sha256)

    def link(self, source: ImageSource, name: str = "one") -> Deferred[None]:
        return Deferred.fromCoroutine(self.cache.link(source, self.users / name))

    def linked(self, source: ImageSource, name: str = "one") -> bytes:
        self.successResultOf(self.link(source, name))
        return (self.users / name).read_bytes()

    def refusal(self, source: ImageSource) -> str:
        failure = self.failureResultOf(self.link(source), StagingFailed)
        if self.directory.exists():
            self.assertEqual(list(self.directory.iterdir()), [])
        self.assertNotIn("secret", str(failure.value))
        return str(failure.value)

    def kept(self) -> set[str]:
        return {path.name for path in self.directory.iterdir()}

    def test_fetched_once(self) -> None:
        """An image is fetched once, and then had by all."""
        source = self.source(b"an image")
        self.assertEqual(self.linked(source, "one"), b"an image")
        self.assertEqual(self.linked(source, "two"), b"an image")
        self.assertEqual(len(self.web.asked), 1)
        self.assertTrue((self.users / "one").samefile(self.users / "two"))

    def test_linked_already(self) -> None:
        """Who has the image already needs nothing."""
        (self.users / "one").write_bytes(b"mine")
        self.assertEqual(self.linked(self.source(b"an image")), b"mine")
        self.assertEqual(self.web.asked, [])

    def test_one_fetch_for_many(self) -> None:
        """Those who ask while it comes wait for the same fetch."""
        source = self.source(b"an image")
        self.web.answers = [answer := MemoryAnswer()]
        waiting = [self.link(source, name) for name in ("one", "two")]
        waiting[0].cancel()
        self.failureResultOf(waiting[0], CancelledError)
        answer.say(b"an image")
        answer.end()
        self.successResultOf(waiting[1])
        self.assertEqual(len(self.web.asked), 1)
        self.assertFalse((self.users / "one").exists())

    def test_nobody_waits(self) -> None:
        """When nobody waits any more the fetch is given up."""
        source = self.source(b"an image")
        self.web.answers = [answer := MemoryAnswer()]
        waiting = [self.link(source, name) for name in ("one", "two")]
        for each in waiting:
            each.cancel()
            self.failureResultOf(each, CancelledError)
        self.assertEqual(answer.flow, ["stop"])
        self.assertEqual(self.kept(), set())
        self.assertEqual(self.linked(source), b"an image")

    def test_all_are_told(self) -> None:
        """When a fetch fails all who wait for it are told."""
        source = self.source(b"an image")
        self.web.answers = [answer := MemoryAnswer()]
        waiting = [self.link(source, name) for name in ("one", "two")]
        answer.say(b"another")
        answer.end()
        for each in waiting:
            self.failureResultOf(each, StagingFailed)

    def test_wrong_checksum(self) -> None:
        """What is not what it should be is not kept."""
        told = self.refusal(self.source(b"an image", sha256="0" * 64))
        digest = hashlib.sha256(b"an image").hexdigest()
        self.assertEqual(
            told, f"emi-00000001 cannot be fetched: its SHA-256 is {digest}"
        )

    def test_no_checksum(self) -> None:
        """An image without a checksum is known by its identifier."""
        self.assertEqual(self.linked(self.source(b"an image", sha256="")), b"an image")
        self.assertEqual(self.kept(), {"emi-00000001"})

    def test_bad_names(self) -> None:
        """What would make a strange name of a file is refused unasked."""
        for image_id, sha256 in (
            ("../../etc/passwd", ""),
            ("emi-1", ""),
            ("i-00000001", ""),
            ("emi-00000001", "../x"),
            ("emi-00000001", "A" * 64),
        ):
            self.refusal(ImageSource(image_id=image_id, url="http://x/", sha256=sha256))
        self.assertEqual(self.web.asked, [])

    def test_unreachable(self) -> None:
        """Why an image cannot be had is told."""
        self.web.is_up = False
        self.assertEqual(
            self.refusal(self.source(b"an image")),
            "emi-00000001 cannot be fetched: the web server cannot be reached",
        )

    def test_disk_error(self) -> None:
        """Where there is no place for images nothing can be had."""
        self.directory.write_bytes(b"in the way")
        self.failureResultOf(self.link(self.source(b"an image")), OSError)

    def test_target_cannot_be(self) -> None:
        """When the further name cannot be given, that is the matter."""
        linking = self.link(self.source(b"an image"), "nowhere/one")
        self.failureResultOf(linking, FileNotFoundError)

    def test_holes(self) -> None:
        """Zeros take no room, and are zeros all the same."""
        content = b"a" + bytes(1 << 20) + b"b" + bytes(1 << 20)
        self.assertEqual(self.linked(self.source(content)), content)
        self.assertLess((self.users / "one").stat().st_blocks * 512, 1 << 19)

    def test_content(self) -> None:
        """What is fetched is what was sent, byte by byte."""
        content = Random(1).randbytes(300_001)
        self.assertEqual(self.linked(self.source(content)), content)

    def test_readable(self) -> None:
        """Whatever the daemon's umask, domains may read it."""
        before = os.umask(0o077)
        try:
            self.linked(self.source(b"an image"))
        finally:
            os.umask(before)
        mode = stat.S_IMODE((self.users / "one").stat().st_mode)
        self.assertEqual(mode, 0o644)
        self.assertEqual(stat.S_IMODE(self.directory.stat().st_mode), 0o755)

    def test_qcow2(self) -> None:
        """An image that comes as qcow2 is made raw, once."""
        source = self.source(header())
        self.assertEqual(self.linked(source, "one"), b"raw of " + header())
        self.assertEqual(self.linked(source, "two"), b"raw of " + header())
        verbs = [process.command[1] for process in self.reactor.processes]
        self.assertEqual(verbs, ["measure", "convert"])
        self.assertEqual(self.kept(), {source.sha256})

    def test_qcow2_refused(self) -> None:
        """A qcow2 image that names another file is never opened."""
        self.assertEqual(
            self.refusal(self.source(header(backing_at=104))),
            "emi-00000001 cannot be fetched: it needs another file under it",
        )
        self.assertEqual(self.reactor.processes, [])

    def test_qcow2_broken(self) -> None:
        """A qcow2 image that cannot be made raw is not kept."""
        self.reactor.complaint = b"qemu-img: /node/images/.x.part: corrupt"
        self.assertEqual(
            self.refusal(self.source(header())),
            "emi-00000001 cannot be fetched: its qcow2 cannot be read",
        )

    def test_thrown_out(self) -> None:
        """When there are too many, those go first that were used longest ago."""
        self.room.keep_bytes = 20_000
        sources = [
            self.source(Random(n).randbytes(8000), f"emi-0000000{n}") for n in range(3)
        ]
        for n, source in enumerate(sources[:2]):
            self.linked(source)
            (self.users / "one").unlink()
            os.utime(self.directory / source.sha256, (1000 + n, 1000 + n))
        self.linked(sources[0])
        (self.users / "one").unlink()
        self.linked(sources[2])
        self.assertEqual(self.kept(), {sources[0].sha256, sources[2].sha256})

    def test_in_use(self) -> None:
        """An image that an instance has stays, however many there are."""
        self.room.keep_bytes = 1
        one = self.source(Random(1).randbytes(8000), "emi-00000001")
        two = self.source(Random(2).randbytes(8000), "emi-00000002")
        self.linked(one, "one")
        self.linked(two, "two")
        self.assertEqual(self.kept(), {one.sha256, two.sha256})

    def test_too_large_for_bounds(self) -> None:
        """What instances have counts, but never stands in another's way."""
        self.room.keep_bytes = 20_000
        one, two, three = (
            self.source(Random(n).randbytes(8000), f"emi-0000000{n}") for n in range(3)
        )
        self.linked(one, "one")
        self.linked(two, "two")
        (self.users / "two").unlink()
        self.linked(three, "three")
        self.assertEqual(self.kept(), {one.sha256, three.sha256})

    def test_full_disk(self) -> None:
        """What the disk has no room for is refused unread, and nothing is lost."""
        other = self.source(b"another", "emi-00000002")
        self.linked(other, "two")
        free = {"bytes": (6 << 20) + 1000}
        self.room.free = lambda directory: free["bytes"]
        self.room.least_free_bytes = 6 << 20
        source = self.source(Random(1).randbytes(1001))
        failure = self.failureResultOf(self.link(source), NoRoom)
        self.assertEqual(
            str(failure.value),
            "emi-00000001 cannot be fetched: the node's disk is full: 1 MiB more are "
            "needed and 0 MiB are free for it",
        )
        self.assertEqual(self.kept(), {other.sha256})
        free["bytes"] += 1
        self.assertEqual(len(self.linked(source)), 1001)

    def test_full_disk_makes_room(self) -> None:
        """Images that no instance has make room before anything is refused."""
        other = self.source(Random(1).randbytes(10_000), "emi-00000002")
        self.linked(other)
        (self.users / "one").unlink()
        self.room.free = lambda directory: (
            0 if (self.directory / other.sha256).exists() else 10_000
        )
        source = self.source(Random(2).randbytes(9000))
        self.assertEqual(len(self.linked(source)), 9000)
        self.assertEqual(self.kept(), {source.sha256})

    def test_disk_fills_up(self) -> None:
        """When the disk fills up while it comes, what came is removed."""
        self.room.free = lambda directory: (20 << 20) if not answer.flow else 0
        content = Random(1).randbytes(1 << 20)
        source = self.source(content)
        self.web.answers = [answer := MemoryAnswer()]
        linking = self.link(source)
        answer.say(content)
        self.assertNoResult(linking)
        self.room.free = lambda directory: 0
        for _ in range(40):
            answer.say(content)
        self.failureResultOf(linking, NoRoom)
        self.assertEqual(answer.flow, ["stop"])
        self.assertEqual(self.kept(), set())

    def test_promised_to_one(self) -> None:
        """Of two images that do not both fit, the first that comes is had."""
        self.room.free = lambda directory: 10_000
        one = self.source(Random(1).randbytes(8000), "emi-00000001")
        two = self.source(Random(2).randbytes(8000), "emi-00000002")
        self.web.answers = [answer := MemoryAnswer(length=8000)]
        linking = self.link(one)
        self.failureResultOf(self.link(two, "two"), NoRoom)
        answer.say(self.web.pages[one.url])
        answer.end()
        self.successResultOf(linking)
        self.assertEqual(self.kept(), {one.sha256})

    def test_broken_off(self) -> None:
        """What is broken off goes on where it was."""
        content = Random(1).randbytes(100_000)
        source = self.source(content)
        tag = {"ETag": ['"a"']}
        part = Headers({**tag, "Content-Range": ["bytes 60000-99999/100000"]})
        first = MemoryAnswer(headers=Headers(tag))
        second = MemoryAnswer(206, headers=part)
        self.web.answers = [first, second]
        linking = self.link(source)
        first.say(content[:60_000])
        first.end(ConnectionDone())
        self.reactor.advance(1)
        second.say(content[60_000:])
        second.end()
        self.successResultOf(linking)
        self.assertEqual((self.users / "one").read_bytes(), content)

    def test_broken_off_expanded(self) -> None:
        """Neither does what is expanded on its way begin anew."""
        content = Random(1).randbytes(5000) * 40
        packed = lzma.compress(content)
        source = self.source(packed)
        half = len(packed) // 2
        last = len(packed) - 1
        said = {"ETag": ['"a"'], "Content-Range": [f"bytes {half}-{last}/{last + 1}"]}
        first = MemoryAnswer(headers=Headers({"ETag": ['"a"']}))
        second = MemoryAnswer(206, headers=Headers(said))
        self.web.answers = [first, second]
        linking = self.link(source)
        first.say(packed[:half])
        first.end(ConnectionDone())
        self.reactor.advance(1)
        second.say(packed[half:])
        second.end()
        self.successResultOf(linking)
        self.assertEqual((self.users / "one").read_bytes(), content)

    def test_begun_anew(self) -> None:
        """Where the server cannot go on, what was expanded is void."""
        content = Random(1).randbytes(5000) * 40
        packed = gzip.compress(content)
        source = self.source(packed)
        self.web.answers = [first := MemoryAnswer()]
        linking = self.link(source)
        first.say(packed[: len(packed) // 2])
        first.end(ConnectionDone())
        self.reactor.advance(1)
        self.successResultOf(linking)
        self.assertEqual((self.users / "one").read_bytes(), content)

    def test_expanded(self) -> None:
        """A compressed image is expanded, with its holes, and known as it came."""
        content = b"a" + bytes(1 << 20) + b"b"
        for packed in (gzip.compress(content), lzma.compress(content)):
            source = self.source(packed)
            self.assertEqual(self.linked(source), content)
            self.assertLess((self.users / "one").stat().st_blocks * 512, 1 << 19)
            self.assertIn(source.sha256, self.kept())
            (self.users / "one").unlink()

    def test_qcow2_compressed(self) -> None:
        """A compressed qcow2 is expanded, then judged, then made raw."""
        source = self.source(gzip.compress(header()))
        self.assertEqual(self.linked(source), b"raw of " + header())
        hostile = self.source(gzip.compress(header(backing_at=104)))
        (self.users / "one").unlink()
        self.failureResultOf(self.link(hostile), StagingRefused)

    def test_bomb(self) -> None:
        """What expands beyond all bounds is given up on the way."""
        self.cache.largest_bytes = 4 << 20
        packed = gzip.compress(bytes(1 << 28))
        self.assertLess(len(packed), 4 << 20)
        self.assertEqual(
            self.refusal(self.source(packed)),
            "emi-00000001 cannot be fetched: it expands to more than 4194304 bytes",
        )

    def test_boot_files(self) -> None:
        """Kernels and ramdisks stay as they come, whatever else has their bytes."""
        packed = gzip.compress(b"a cpio archive")
        ramdisk = self.source(packed, "eri-00000001")
        self.assertEqual(self.linked(ramdisk, "ramdisk"), packed)
        self.assertEqual(self.linked(self.source(packed), "one"), b"a cpio archive")
        kernel = self.source(header(backing_at=104), "eki-00000001")
        self.assertEqual(self.linked(kernel, "kernel"), header(backing_at=104))

    def test_qcow2_fills_disk(self) -> None:
        """A qcow2 image is made raw only where there is room for all of it."""
        self.room.free = lambda directory: 10_000
        self.reactor.required = 20_000
        self.failureResultOf(self.link(self.source(header())), NoRoom)
        verbs = [process.command[1] for process in self.reactor.processes]
        self.assertEqual(verbs, ["measure"])
        self.assertEqual(self.kept(), set())
        self.reactor.required = 9000
        self.assertEqual(self.linked(self.source(header())), b"raw of " + header())

    def test_asked_while_given_up(self) -> None:
        """Who asks while a fetch is being given up has one of his own."""
        source = self.source(b"an image")
        held: list[Callable[[], None]] = []

        def in_thread(work: Callable[[], Any]) -> Deferred[Any]:
            waiting: Deferred[Any] = Deferred()
            held.append(lambda: maybeDeferred(work).chainDeferred(waiting))
            return waiting

        self.web.answers = [MemoryAnswer()]
        first = self.link(source, "one")
        self.cache.in_thread = in_thread
        first.cancel()
        self.failureResultOf(first, CancelledError)
        second = self.link(source, "two")
        for _ in range(30):
            if held:
                held.pop(0)()
        self.successResultOf(second)
        self.assertEqual((self.users / "two").read_bytes(), b"an image")

    def test_left_by_crash(self) -> None:
        """What a killed daemon left on its way is removed by the next."""
        self.directory.mkdir()
        (self.directory / ".x.part").write_bytes(b"half")
        self.linked(self.source(b"an image"))
        self.assertEqual(len(self.kept()), 1)

    def test_after_crash(self) -> None:
        """What a crash left half written is not taken for the image."""
        source = self.source(b"an image")
        self.directory.mkdir()
        (self.directory / f".{source.sha256}.part").write_bytes(b"half of an image")
        self.assertEqual(self.linked(source), b"an image")
        self.assertEqual(self.kept(), {source.sha256})
