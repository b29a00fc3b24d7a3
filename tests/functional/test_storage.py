"""Instances' disks, made by the real qemu-img of what a real server gives."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

from attrs import evolve
from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SkipTest, TestCase
from twisted.web.client import Agent
from twisted.web.server import Site
from twisted.web.static import File

from euca_tw.common.in_thread import PooledThreads
from euca_tw.nodectl.image_maker import FileImageMaker
from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import (
    DomainSpec,
    ImageSource,
    MakingFailed,
    StagingFailed,
)
from euca_tw.nodectl.qcow2 import HEADER_BYTES, refusal
from euca_tw.nodectl.room import Room
from euca_tw.nodectl.storage import FileInstanceStore
from tests.functional import libvirtd
from tests.functional.images import call
from tests.functional.test_libvirt import boot_sector, make_hypervisor, until
from tests.suites.instance_store import (
    InstanceStoreUnderTest,
    make_iinstancestore_tests,
)


class Place:
    """A directory, a web server of images, and stores on both."""

    def __init__(self, test: TestCase, parent: Path | None = None) -> None:
        if shutil.which("qemu-img") is None:
            raise SkipTest("needs qemu-img: run tools/setup")
        self.directory = Path(mkdtemp(dir=parent))
        self.directory.chmod(0o755)
        test.addCleanup(shutil.rmtree, self.directory)
        self.images = self.directory / "served"
        self.images.mkdir()
        self.pool = ThreadPool(1, 4, "storage")
        self.pool.start()
        test.addCleanup(self.pool.stop)
        site = Site(File(str(self.images)))
        port = reactor.listenTCP(0, site, interface="127.0.0.1")  # type: ignore[attr-defined]
        test.addCleanup(port.stopListening)
        self.url = f"http://127.0.0.1:{port.getHost().port}"

    def store(self) -> FileInstanceStore:
        in_thread = PooledThreads(reactor, self.pool)
        real: Any = reactor
        return FileInstanceStore(
            reactor=real,
            in_thread=in_thread,
            cache=ImageCache(
                reactor=real,
                agent=Agent(real),
                in_thread=in_thread,
                room=Room(directory=self.directory / "images", keep_bytes=1 << 30),
            ),
            directory=self.directory / "instances",
            disk_gib=10,
        )

    def serve(self, image_id: str, content: bytes) -> ImageSource:
        (self.images / image_id).write_bytes(content)
        return self.source(image_id, hashlib.sha256(content).hexdigest())

    def source(self, image_id: str, sha256: str = "") -> ImageSource:
        return ImageSource(
            image_id=image_id, url=f"{self.url}/{image_id}", sha256=sha256
        )


def append(path: str, text: bytes) -> None:
    with Path(path).open("ab") as console:
        console.write(text)


def under_test(test: TestCase) -> InstanceStoreUnderTest:
    place = Place(test)
    return InstanceStoreUnderTest(
        store=place.store(),
        again=place.store,
        root=place.serve("emi-00000001", b"root" * 100_000),
        kernel=place.serve("eki-00000001", b"kernel" * 1000),
        ramdisk=place.serve("eri-00000001", b"ramdisk" * 1000),
        absent=place.source("emi-00000bad"),
        write=append,
    )


class FileInstanceStoreSuite(make_iinstancestore_tests(under_test)):
    """The suite of all instance stores, on files, with all that is real."""


def qemu_img(*arguments: str | Path) -> None:
    subprocess.run(("qemu-img", *arguments), check=True)


def content(path: str | None) -> bytes:
    assert path is not None
    return Path(path).read_bytes()


def info(path: str) -> dict[str, Any]:
    said = subprocess.run(
        ("qemu-img", "info", "--output=json", "-U", path),
        check=True,
        capture_output=True,
    )
    found: dict[str, Any] = json.loads(said.stdout)
    return found


class DiskTests(TestCase):
    timeout = 180

    def setUp(self) -> None:
        self.place = Place(self)
        self.store = self.place.store()

    async def test_overlay(self) -> None:
        """A disk is as large as was asked for, and takes no room."""
        root = self.place.serve("emi-00000001", Random(1).randbytes(3_000_000))
        staged = await self.store.stage("i-00000001", root, None, None, 2)
        found = info(staged.disk.path)
        self.assertEqual(found["format"], "qcow2")
        self.assertEqual(found["virtual-size"], 2 << 30)
        self.assertEqual(found["backing-filename"], staged.disk.backing)
        self.assertEqual(found["backing-filename-format"], "raw")
        self.assertLess(found["actual-size"], 1 << 20)

    async def test_qcow2(self) -> None:
        """An image that comes as qcow2 is the same disk when it is raw."""
        raw = self.place.directory / "raw"
        raw.write_bytes(Random(1).randbytes(1 << 20))
        qcow2 = self.place.directory / "qcow2"
        qemu_img("convert", "-c", "-f", "raw", "-O", "qcow2", raw, qcow2)
        root = self.place.serve("emi-00000001", qcow2.read_bytes())
        staged = await self.store.stage("i-00000001", root, None, None, 1)
        self.assertEqual(content(staged.disk.backing), raw.read_bytes())

    async def test_hostile_qcow2(self) -> None:
        """An image that names a file of the node is refused."""
        qcow2 = self.place.directory / "qcow2"
        create = ("create", "-q", "-f", "qcow2", "-F", "raw", "-b")
        qemu_img(*create, "/etc/passwd", qcow2)
        root = self.place.serve("emi-00000001", qcow2.read_bytes())
        with self.assertRaises(StagingFailed) as failed:
            await self.store.stage("i-00000001", root, None, None, 1)
        self.assertIn("it needs another file under it", str(failed.exception))

    async def test_large(self) -> None:
        """While a large image comes nothing else waits."""
        size = 64 << 20
        large = Random(1).randbytes(1 << 20) * (size >> 20)
        root = self.place.serve("emi-00000001", large)
        late: list[float] = []
        clock: Any = reactor
        before = clock.seconds()

        def tick() -> None:
            nonlocal before, ticking
            late.append(clock.seconds() - before - 0.005)
            before = clock.seconds()
            ticking = clock.callLater(0.005, tick)

        ticking = clock.callLater(0.005, tick)
        try:
            staged = await self.store.stage("i-00000001", root, None, None, 1)
        finally:
            ticking.cancel()
        self.assertTrue(content(staged.disk.backing) == large)
        # The server is in this process too; alone, the median is under 1 ms.
        self.assertLess(sorted(late)[len(late) // 2], 0.05)


class ImageMakerTests(TestCase):
    """Images of disks, made by the real qemu-img."""

    timeout = 180

    async def check(self, store: FileInstanceStore, place: Place) -> None:
        root = place.serve("emi-00000001", Random(1).randbytes(3_000_000))
        staged = await store.stage("i-00000001", root, None, None, 1)
        disk = Path(staged.disk.path)
        for write in "write -q -P 7 1M 64k", "write -q -P 9 512M 64k":
            call("qemu-io", "-f", staged.disk.format, "-c", write, disk)
        before = place.directory / "before"
        qemu_img("convert", "-f", staged.disk.format, "-O", "raw", disk, before)

        async def post(url: str, headers: Any, data: bytes) -> tuple[int, bytes]:
            raise MakingFailed("there is nobody")

        maker = FileImageMaker(
            reactor=store.reactor,
            in_thread=store.in_thread,
            room=store.cache.room,
            instances=store.directory,
            post=post,
        )
        await maker.capture("emi-00000002", "i-00000001")
        await store.discard("i-00000001")
        made = await maker.finish("emi-00000002")
        [whole] = (store.directory / "making" / "emi-00000002").iterdir()
        self.assertEqual(
            (whole.stat().st_size, hashlib.sha256(whole.read_bytes()).hexdigest()),
            (made.size_bytes, made.sha256),
        )
        # Of 1 GiB it has what is not empty.
        self.assertLess(made.size_bytes, 8 << 20)
        found = info(str(whole))
        self.assertEqual((found["format"], found["virtual-size"]), ("qcow2", 1 << 30))
        self.assertNotIn("backing-filename", found)
        self.assertIsNone(refusal(whole.read_bytes()[:HEADER_BYTES], 1 << 30))
        qemu_img("compare", "-q", "-f", "qcow2", "-F", "raw", whole, before)
        await maker.discard("emi-00000002")
        self.assertEqual(await maker.kept(), ())

    async def test_qcow2(self) -> None:
        """An overlay and what it lies over are one file, the same disk."""
        place = Place(self)
        await self.check(place.store(), place)

    async def test_raw(self) -> None:
        """So is a raw disk, of which what is empty takes no room."""
        place = Place(self)
        store = place.store()
        store.root_disks.format = "raw"
        await self.check(store, place)


class DomainTests(TestCase):
    timeout = 180

    async def test_boot(self) -> None:
        """What is staged boots, whatever the daemon's umask, and is discarded."""
        before = os.umask(0o077)
        self.addCleanup(os.umask, before)
        sandbox = libvirtd.shared()
        place = Place(self, sandbox.directory)
        store = place.store()
        hypervisor = make_hypervisor(sandbox.uri)
        await hypervisor.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(hypervisor.stop()))
        root = place.serve("emi-00000001", boot_sector("it boots\r\n"))
        names = [f"i-0000000{n}" for n in range(3)]

        async def run(name: str) -> None:
            staged = await store.stage(name, root, None, None, 1)
            spec = DomainSpec(
                name=name,
                uuid=f"5a5a5a5a-0000-4000-8000-0000{name[2:]}",
                cores=1,
                memory_mib=16,
                disks=(staged.disk,),
                nics=(),
                console=staged.console,
            )
            await hypervisor.run(evolve(spec))

        await gatherResults(
            [Deferred.fromCoroutine(run(name)) for name in names], consumeErrors=True
        )
        for name in names:
            console = Path(place.directory, "instances", name, "console.log")
            await until(lambda path=console: path.read_bytes() != b"")
            await hypervisor.destroy(name)
            await store.discard(name)
            self.assertEqual((await store.console(name)).output, b"it boots\r\n")
            await store.forget(name)
        self.assertEqual(await store.kept(), ())
