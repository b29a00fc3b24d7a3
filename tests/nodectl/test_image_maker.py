"""Images of disks in files, and their way to the cloud controller."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc.arrivals import Arrivals
from euca_tw.common.in_thread import PooledThreads, in_this_thread
from euca_tw.common.uploading import Piece, read_piece, written_answer
from euca_tw.nodectl.image_maker import FileImageMaker
from euca_tw.nodectl.interfaces import FinishedImage, MakingFailed, MakingRefused
from euca_tw.nodectl.memory import MemoryInstanceStore
from euca_tw.nodectl.memory_images import MemoryImageMaker
from euca_tw.nodectl.room import Room
from euca_tw.nodectl.sending import Sender
from tests.fakes.qemu_img import MemoryQemuImg
from tests.fakes.threads import MemoryPool
from tests.nodectl.test_storage import ROOT
from tests.suites.image_maker import (
    ID,
    INSTANCE,
    ImageMakerUnderTest,
    make_iimage_maker_tests,
)

KEY = "key"


class MemoryCloud:
    """
    What takes images: the cloud controller's own L{Arrivals}.

    @ivar statuses: which the next requests are answered with, in place of
        being taken; 0: not at all.
    @ivar asked: the offset and length of each piece that came.
    """

    def __init__(self, directory: Path) -> None:
        self.sent: dict[str, FinishedImage] = {}
        self.statuses: list[int] = []
        self.asked: list[tuple[int, int]] = []
        self.reason = b"for a reason"
        self.arrivals = Arrivals(
            directory=directory,
            in_thread=in_this_thread,
            largest_bytes=1 << 20,
            least_free_bytes=0,
            arrived=self.arrived,
        )

    def arrived(self, image_id: str, stored: Any) -> None:
        made = FinishedImage(size_bytes=stored.size_bytes, sha256=stored.sha256)
        self.sent[image_id] = made

    async def post(
        self, url: str, headers: Mapping[str, str], data: bytes
    ) -> tuple[int, bytes]:
        read = read_piece(ID, headers.get)
        assert read is not None
        piece, signature = read
        assert signature == piece.signature(KEY, data)
        self.asked.append((piece.offset, len(data)))
        if self.statuses:
            status = self.statuses.pop(0)
            if status:
                return status, self.reason
            raise MakingFailed("the cloud controller does not answer")
        told = await self.arrivals.take(piece, data)
        status = 201 if told.is_whole else 202 if told.is_checking else 200
        return status, written_answer(told.received)


class Files:
    """A node's directory, its maker, and the cloud controller."""

    def __init__(self, test: SynchronousTestCase, form: str = "qcow2") -> None:
        self.directory = Path(test.mktemp())
        self.directory.mkdir()
        self.form = form
        self.reactor = MemoryQemuImg()
        self.cloud = MemoryCloud(self.directory / "clc")
        cache = self.directory / "instances" / "cache"
        cache.mkdir(parents=True)
        self.free_bytes = 1 << 30
        self.maker = FileImageMaker(
            reactor=self.reactor,
            in_thread=in_this_thread,
            room=Room(
                directory=cache, keep_bytes=1 << 40, free=lambda _: self.free_bytes
            ),
            instances=self.directory / "instances",
            post=self.post,
        )

    async def post(self, url: str, headers: Mapping[str, str], data: bytes) -> Any:
        return await self.cloud.post(url, headers, data)

    def write(self, instance_id: str, content: str) -> None:
        here = self.directory / "instances" / instance_id
        here.mkdir(exist_ok=True)
        (here / f"root.{self.form}").write_text(content)
        (here / "image").write_text("an image")

    def end(self, instance_id: str) -> None:
        for path in (self.directory / "instances" / instance_id).iterdir():
            path.unlink()

    def under_test(self) -> ImageMakerUnderTest:
        return ImageMakerUnderTest(
            maker=self.maker,
            write=self.write,
            end=self.end,
            sent=self.cloud.sent,
            pass_time=lambda: self.reactor.advance(1),
        )


def memory(test: SynchronousTestCase) -> ImageMakerUnderTest:
    clock = Clock()
    instances = MemoryInstanceStore(clock, {})
    maker = MemoryImageMaker(clock, instances)

    def write(instance_id: str, content: str) -> None:
        staging = instances.stage(instance_id, ROOT, None, None, 1)
        test.successResultOf(Deferred.fromCoroutine(staging))

    def end(instance_id: str) -> None:
        discarding = instances.discard(instance_id)
        test.successResultOf(Deferred.fromCoroutine(discarding))

    return ImageMakerUnderTest(
        maker=maker,
        write=write,
        end=end,
        sent=maker.sent,
        pass_time=lambda: clock.advance(1),
    )


class MemoryImageMakerContract(make_iimage_maker_tests(memory)):
    """L{MemoryImageMaker}."""


class Qcow2Contract(make_iimage_maker_tests(lambda test: Files(test).under_test())):
    """L{FileImageMaker} of overlays."""


class RawContract(
    make_iimage_maker_tests(lambda test: Files(test, "raw").under_test())
):
    """L{FileImageMaker} of raw disks."""


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.files = Files(self)
        self.maker, self.reactor = self.files.maker, self.files.reactor
        self.files.write(INSTANCE, "what it was")
        self.here = self.files.directory / "instances" / "making" / ID

    def did(self, work: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def failed(self, kind: type[Exception], work: Any) -> str:
        failure = self.failureResultOf(Deferred.fromCoroutine(work), kind)
        return str(failure.value)

    def test_at_that_moment(self) -> None:
        """An image is of the disk as it was, over the image that this lies over."""
        self.did(self.maker.capture(ID, INSTANCE))
        self.files.write(INSTANCE, "what it has become")
        self.did(self.maker.finish(ID))
        whole = (self.here / "whole.qcow2").read_text()
        self.assertEqual(whole, "what it was over an image")

    def test_command(self) -> None:
        """The disk is read as what it is, over what is said, at low priority."""
        self.did(self.maker.capture(ID, INSTANCE))
        self.did(self.maker.finish(ID))
        measured, converted = (each.command for each in self.reactor.processes)
        options = (
            f"driver=qcow2,file.driver=file,file.filename={self.here}/captured.qcow2,"
            "backing.driver=raw,backing.file.driver=file,"
            f"backing.file.filename={self.here}/image"
        )
        measure = ("qemu-img", "measure", "--output=json", "-O", "qcow2")
        convert = ("nice", "-n", "19", "ionice", "-c", "3", "qemu-img", "convert")
        given = ("--image-opts", options)
        self.assertEqual(measured, (*measure, *given))
        part = f"{self.here}/whole.part"
        self.assertEqual(converted, (*convert, "-O", "qcow2", *given, part))

    def test_one_file(self) -> None:
        """What it was made of is deleted when it is one file."""
        self.did(self.maker.capture(ID, INSTANCE))
        names = {path.name for path in self.here.iterdir()}
        self.assertEqual(names, {"captured.qcow2", "image"})
        self.did(self.maker.finish(ID))
        self.assertEqual([p.name for p in self.here.iterdir()], ["whole.qcow2"])

    def test_private(self) -> None:
        """None of it is for everybody on the machine."""
        self.did(self.maker.capture(ID, INSTANCE))
        for path in self.here, self.here.parent:
            self.assertEqual(path.stat().st_mode & 0o777, 0o700)

    def test_killed(self) -> None:
        """What was left half done is done anew."""
        self.here.mkdir(parents=True)
        (self.here / "captured.part").write_text("half")
        (self.here / "whole.part").write_text("half")
        self.did(self.maker.capture(ID, INSTANCE))
        self.did(self.maker.finish(ID))
        self.assertIn("what it was", (self.here / "whole.qcow2").read_text())

    def test_no_room_to_capture(self) -> None:
        """A full disk is told; nothing is left of it."""
        self.files.write(INSTANCE, "x" * 100_000)
        self.files.free_bytes = 0
        why = self.failed(MakingRefused, self.maker.capture(ID, INSTANCE))
        self.assertIn("the node's disk is full", why)
        self.assertEqual([p.name for p in self.here.iterdir()], ["image"])

    def test_stopped(self) -> None:
        """A copy that is given up ends soon, and nothing is left of it."""
        pool = MemoryPool()
        self.maker.in_thread = PooledThreads(pool, pool)
        capturing = Deferred.fromCoroutine(self.maker.capture(ID, INSTANCE))
        work = pool.given[0]

        def cancelled_first() -> Any:
            capturing.cancel()
            return work[1]()

        pool.given[0] = (work[0], cancelled_first)
        self.assertIsNotNone(pool.perform().check(MakingFailed))
        self.assertNoResult(capturing)
        pool.perform()
        self.failureResultOf(capturing, CancelledError)
        self.assertEqual([p.name for p in self.here.iterdir()], ["image"])

    def test_no_room_to_finish(self) -> None:
        """So it is when it is to be one file."""
        self.did(self.maker.capture(ID, INSTANCE))
        self.reactor.required = 1 << 40
        why = self.failed(MakingRefused, self.maker.finish(ID))
        self.assertIn("the node's disk is full", why)

    def test_spoilt(self) -> None:
        """A disk that cannot be read is told, and may be tried again."""
        self.did(self.maker.capture(ID, INSTANCE))
        self.reactor.complaint = b"Image is corrupt"
        why = self.failed(MakingFailed, self.maker.finish(ID))
        self.assertEqual(why, "its disk cannot be read: Image is corrupt")
        self.reactor.complaint = b""
        self.did(self.maker.finish(ID))

    def test_names(self) -> None:
        """Nothing outside of its own directory is ever touched."""
        for name in "", "..", "emi-1/..", "eki-00000001":
            self.failed(MakingRefused, self.maker.capture(name, INSTANCE))
            self.failed(MakingRefused, self.maker.discard(name))
        self.failed(MakingRefused, self.maker.capture(ID, "../cache"))

    def test_unreadable(self) -> None:
        """
        A disk that is another user's is read by who may set its mode; then it
        is as it was.
        """
        disk = self.files.directory / "instances" / INSTANCE / "root.qcow2"
        real_open = Path.open
        modes: list[int] = []

        def guarded(path: Path, *arguments: Any, **named: Any) -> Any:
            if path == disk:
                modes.append(disk.stat().st_mode & 0o777)
                if not modes[-1] & 0o004:
                    raise PermissionError(13, "Permission denied")
                self.assertEqual(disk.parent.stat().st_mode & 0o777, 0o700)
            return real_open(path, *arguments, **named)

        disk.chmod(0o600)
        self.patch(Path, "open", guarded)
        self.did(self.maker.capture(ID, INSTANCE))
        self.assertEqual(modes, [0o600, 0o644])
        self.assertEqual(disk.stat().st_mode & 0o777, 0o600)
        self.assertEqual(disk.parent.stat().st_mode & 0o777, 0o711)


CONTENT = bytes(range(256)) * 10


class SenderTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        self.path = self.directory / "whole"
        self.path.write_bytes(CONTENT)
        self.clock = Clock()
        self.cloud = MemoryCloud(self.directory / "clc")

    def send(self) -> Deferred[None]:
        sender = Sender(
            post=self.cloud.post,
            clock=self.clock,
            in_thread=in_this_thread,
            piece_bytes=1000,
        )
        whole = Piece(
            image_id=ID,
            offset=0,
            size_bytes=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
        )
        return Deferred.fromCoroutine(sender.send(self.path, whole, "http://x", KEY))

    def test_pieces(self) -> None:
        """It is asked what is there, then piece follows piece; at last, whether
        all is well."""
        sending = self.send()
        self.assertNoResult(sending)
        self.clock.advance(1)
        self.successResultOf(sending)
        self.assertEqual(
            self.cloud.asked, [(0, 0), (0, 1000), (1000, 1000), (2000, 560), (2560, 0)]
        )
        self.assertEqual((self.directory / "clc" / ID).read_bytes(), CONTENT)

    def test_broken_off(self) -> None:
        """What is broken off goes on from where it was."""
        self.cloud.statuses = [200, 0]
        self.cloud.reason = written_answer(0)
        self.failureResultOf(self.send(), MakingFailed)
        sending = self.send()
        self.clock.advance(1)
        self.successResultOf(sending)
        self.cloud.asked.clear()

    def test_goes_on(self) -> None:
        """What is there is not sent again."""
        whole = self.cloud.arrivals
        piece = Piece(
            image_id=ID,
            offset=0,
            size_bytes=len(CONTENT),
            sha256=hashlib.sha256(CONTENT).hexdigest(),
        )
        self.successResultOf(Deferred.fromCoroutine(whole.take(piece, CONTENT[:1500])))
        sending = self.send()
        self.clock.advance(1)
        self.successResultOf(sending)
        self.assertEqual(self.cloud.asked[:2], [(0, 0), (1500, 1000)])

    def test_refused(self) -> None:
        """What will not be taken is not sent again, and the reason is told."""
        for status in 400, 403, 410, 413, 507:
            self.cloud.statuses = [status]
            refusal = self.failureResultOf(self.send(), MakingRefused)
            self.assertIn("for a reason", str(refusal.value))

    def test_not_now(self) -> None:
        """What may be taken later is said to be so."""
        for status in 500, 503:
            self.cloud.statuses = [status]
            failure = self.failureResultOf(self.send(), MakingFailed)
            self.assertNotIsInstance(failure.value, MakingRefused)

    def test_damaged(self) -> None:
        """What arrives damaged again and again is given up."""
        self.path.write_bytes(bytes(len(CONTENT)))
        sending = self.send()
        for _ in range(10):
            self.clock.advance(1)
        failure = self.failureResultOf(sending, MakingRefused)
        self.assertIn("damaged", str(failure.value))
        sent = sum(length for _, length in self.cloud.asked)
        self.assertEqual(sent, 3 * len(CONTENT))

    def test_silent(self) -> None:
        """A cloud controller that says nothing is not waited for for ever."""
        waiting: Deferred[Any] = Deferred()
        self.patch(self.cloud, "post", lambda *asked: waiting)
        sending = self.send()
        self.clock.advance(59)
        self.assertNoResult(sending)
        self.clock.advance(1)
        self.failureResultOf(sending, MakingFailed)
