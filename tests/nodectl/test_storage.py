"""Instances' disks and consoles, in files."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from euca_tw.common.in_thread import in_this_thread
from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import (
    Extras,
    ImageSource,
    StagedInstance,
    StagingFailed,
    StagingRefused,
)
from euca_tw.nodectl.room import NoRoom, Room
from euca_tw.nodectl.storage import FileInstanceStore, room_gib
from tests.fakes.qemu_img import MemoryQemuImg
from tests.fakes.web import MemoryAnswer, MemoryWeb
from tests.suites.instance_store import (
    ID,
    InstanceStoreUnderTest,
    make_iinstancestore_tests,
)

CONTENT = {
    "emi-00000001": b"a root file system" * 1000,
    "eki-00000001": b"a kernel" * 100,
    "eri-00000001": b"a ramdisk" * 100,
}


def source(image_id: str) -> ImageSource:
    content = CONTENT.get(image_id, b"")
    return ImageSource(
        image_id=image_id,
        url=f"http://clc/{image_id}",
        sha256=hashlib.sha256(content).hexdigest() if content else "",
    )


ROOT, KERNEL, RAMDISK = (source(image_id) for image_id in CONTENT)


def a_web() -> MemoryWeb:
    return MemoryWeb({f"http://clc/{each}": text for each, text in CONTENT.items()})


def a_store(
    directory: Path, reactor: MemoryQemuImg | None = None, web: MemoryWeb | None = None
) -> FileInstanceStore:
    reactor = reactor or MemoryQemuImg()
    return FileInstanceStore(
        reactor=reactor,
        in_thread=in_this_thread,
        cache=ImageCache(
            reactor=reactor,
            agent=web or a_web(),
            in_thread=in_this_thread,
            room=Room(directory=directory / "images", keep_bytes=1 << 30),
            qemu_img="sh",
        ),
        directory=directory / "instances",
        disk_gib=10,
    )


def append(path: str, text: bytes) -> None:
    with Path(path).open("ab") as console:
        console.write(text)


def under_test(test: TestCase) -> InstanceStoreUnderTest:
    directory = Path(test.mktemp()).resolve()
    return InstanceStoreUnderTest(
        store=a_store(directory),
        again=lambda: a_store(directory),
        root=ROOT,
        kernel=KERNEL,
        ramdisk=RAMDISK,
        absent=source("emi-00000bad"),
        write=append,
    )


class FileInstanceStoreSuite(make_iinstancestore_tests(under_test)):
    """The suite of all instance stores, on files, with a playful qemu-img."""


class FileInstanceStoreTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).resolve()
        self.reactor = MemoryQemuImg()
        self.web = a_web()
        self.store = a_store(self.directory, self.reactor, self.web)
        self.here = self.directory / "instances" / ID

    def stage(
        self, disk_gib: int = 1, root: ImageSource = ROOT, instance_id: str = ID
    ) -> Deferred[StagedInstance]:
        return Deferred.fromCoroutine(
            self.store.stage(instance_id, root, KERNEL, RAMDISK, disk_gib)
        )

    def test_files(self) -> None:
        """An instance has its image, kernel and ramdisk by names of its own."""
        staged = self.successResultOf(self.stage())
        assert staged.disk.backing and staged.kernel and staged.ramdisk
        self.assertEqual(
            [
                Path(path).read_bytes()
                for path in (staged.disk.backing, staged.kernel, staged.ramdisk)
            ],
            list(CONTENT.values()),
        )

    def test_relative(self) -> None:
        """
        What a hypervisor is told is whole paths, also where our own directory
        is not told as one.
        """
        relative = self.directory.relative_to(Path.cwd())
        self.store = a_store(relative, self.reactor, self.web)
        staged = self.successResultOf(self.stage())
        self.assertEqual(Path(staged.disk.path), self.here / "root.qcow2")
        self.assertTrue(
            Path(staged.disk.path).read_text().endswith(f" on {self.here}/image")
        )

    def test_disk(self) -> None:
        """The disk is as large as the instance's type has it."""
        staged = self.successResultOf(self.stage(disk_gib=2))
        self.assertEqual(
            Path(staged.disk.path).read_text(),
            f"overlay of {2 << 30} bytes on {self.here}/image",
        )

    def test_disk_of_no_size(self) -> None:
        """Where no size is told the disk is as large as the image."""
        staged = self.successResultOf(self.stage(disk_gib=0))
        self.assertIn("overlay of 18000 bytes", Path(staged.disk.path).read_text())

    def test_large_image(self) -> None:
        """An image that is larger than the disk may be is refused."""
        self.directory.mkdir()
        with (self.directory / "large").open("wb") as large:
            large.truncate((1 << 30) + 1)
        self.here.mkdir(parents=True)
        (self.directory / "large").rename(self.here / "image")
        failure = self.failureResultOf(self.stage(), StagingFailed)
        self.assertEqual(
            str(failure.value),
            "emi-00000001 needs a disk of 2 GiB, and this type of instance has 1 GiB",
        )
        self.successResultOf(self.stage(disk_gib=2))

    def test_disk_is_kept(self) -> None:
        """Staged again, an instance has the disk that it has written to."""
        staged = self.successResultOf(self.stage())
        Path(staged.disk.path).write_text("written to")
        self.successResultOf(self.stage())
        self.assertEqual(Path(staged.disk.path).read_text(), "written to")

    def test_console_is_kept(self) -> None:
        """Staged again, an instance has the console that it has written to."""
        staged = self.successResultOf(self.stage())
        append(staged.console, b"boot")
        self.successResultOf(self.stage())
        self.assertEqual(Path(staged.console).read_bytes(), b"boot")

    def test_modes(self) -> None:
        """Whatever the daemon's umask, domains can come by, and others not read."""
        before = os.umask(0o077)
        try:
            self.successResultOf(self.stage())
        finally:
            os.umask(before)
        for path, mode in (
            (self.here.parent, 0o711),
            (self.here, 0o711),
            (self.here / "console.log", 0o600),
            (self.here / "root.qcow2", 0o600),
        ):
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), mode, str(path))

    def test_no_disk_made(self) -> None:
        """Why a disk cannot be made is told; then it may be tried again."""
        self.reactor.complaint = b"qemu-img: no room"
        failure = self.failureResultOf(self.stage(), StagingFailed)
        self.assertEqual(
            str(failure.value), "the disk cannot be made: qemu-img: no room"
        )
        self.reactor.complaint = b""
        self.successResultOf(self.stage())

    def further(self, disk_gib: int = 3, **extras: Any) -> Deferred[StagedInstance]:
        wanted = Extras(**{"ephemeral_gib": 1, "swap_mib": 512, **extras})
        return Deferred.fromCoroutine(
            self.store.stage(ID, ROOT, None, None, disk_gib, wanted)
        )

    def test_further(self) -> None:
        """Of the type's disk further disks have theirs, and the root the rest."""
        staged = self.successResultOf(self.further())
        sizes = [Path(disk.path).stat().st_size for disk in staged.further]
        self.assertEqual(sizes, [1 << 30, 512 << 20])
        for disk in staged.further:
            self.assertEqual(stat.S_IMODE(Path(disk.path).stat().st_mode), 0o600)
        self.assertIn(f"overlay of {1536 << 20}", Path(staged.disk.path).read_text())
        ephemeral, swap = self.reactor.formatted
        self.assertIn("ephemeral0", ephemeral)
        self.assertIn("swap", swap)

    def test_further_are_the_same(self) -> None:
        """An instance's disks have the same identifiers whenever they are made."""
        self.successResultOf(self.further())
        before = list(self.reactor.formatted)
        self.successResultOf(self.store.forget(ID))
        self.reactor.formatted.clear()
        self.successResultOf(self.further())
        self.assertEqual(self.reactor.formatted, before)
        uuids = [command[command.index("-U") + 1] for command in before]
        self.assertEqual(len(set(uuids)), 2)

    def test_further_are_kept(self) -> None:
        """Staged again, an instance has the disks that it has written to."""
        staged = self.successResultOf(self.further())
        for disk in staged.further:
            Path(disk.path).write_text("written to")
        self.successResultOf(self.further())
        for disk in staged.further:
            self.assertEqual(Path(disk.path).read_text(), "written to")

    def test_further_not_made(self) -> None:
        """Why one cannot be made is told, and nothing half made is left."""
        self.successResultOf(self.further(ephemeral_gib=0, swap_mib=0))
        self.reactor.complaint = b"mke2fs: no"
        failure = self.failureResultOf(self.further(), StagingFailed)
        self.assertEqual(
            str(failure.value), "the disk ephemeral0 cannot be made: mke2fs: no"
        )
        names = {path.name for path in self.here.iterdir()}
        self.assertEqual(names, {"console.log", "image", "root.qcow2"})

    def test_nothing_for_the_root(self) -> None:
        """Further disks that leave nothing for the root are refused."""
        failure = self.failureResultOf(self.further(1), StagingRefused)
        self.assertIn("leave nothing for the root", str(failure.value))

    def test_no_room(self) -> None:
        """Where the disk has no room for one more, it is refused."""
        self.successResultOf(self.stage())
        self.store.cache.room.free = lambda directory: 1000
        staging = self.stage(instance_id="i-00000002")
        failure = self.failureResultOf(staging, NoRoom)
        self.assertIn("the node's disk is full", str(failure.value))
        # What is there already needs none.
        self.successResultOf(self.stage())
        self.assertFalse((self.here.parent / "i-00000002" / "root.part").exists())

    def test_left_at_work(self) -> None:
        """What a crash left of work on a disk goes with the disk."""
        self.successResultOf(self.stage())
        (self.here / ".work").mkdir()
        (self.here / ".work" / "fs").write_text("half")
        self.successResultOf(self.store.discard(ID))
        self.assertEqual([path.name for path in self.here.iterdir()], ["console.log"])

    def test_half_made(self) -> None:
        """A disk that was being made when the daemon died is made anew."""
        self.reactor.is_held = True
        staging = self.stage()
        (process,) = self.reactor.processes
        Path(process.command[-2]).write_text("half")
        staging.cancel()
        self.failureResultOf(staging, CancelledError)
        self.assertEqual(process.signals, ["KILL"])
        self.reactor.is_held = False
        staged = self.successResultOf(self.stage())
        self.assertIn("overlay", Path(staged.disk.path).read_text())

    def test_whole_disk(self) -> None:
        """
        An image with partitions is refused where disks are mounted by the node's
        kernel, and nothing is made of it; elsewhere it is as good as any.
        """
        table = bytes(446) + struct.pack("<4xB3xII", 0x83, 1, 99)
        CONTENT["emi-0000000d"] = table.ljust(510, b"\0") + b"\x55\xaa" + bytes(50000)
        self.addCleanup(CONTENT.pop, "emi-0000000d")
        self.store = a_store(self.directory)
        self.store.root_disks.format = "raw"
        self.store.root_disks.is_mounted = True
        failure = self.failureResultOf(
            self.stage(root=source("emi-0000000d")), StagingRefused
        )
        self.assertIn("partitions", str(failure.value))
        self.assertFalse((self.here / "root.raw").exists())
        self.store.root_disks.is_mounted = False
        self.successResultOf(self.stage(root=source("emi-0000000d")))
        self.assertTrue((self.here / "root.raw").exists())

    def test_node_disk(self) -> None:
        """What is the matter with the node's disk is told."""
        self.directory.mkdir()
        (self.directory / "instances").write_text("in the way")
        failure = self.failureResultOf(self.stage(), StagingFailed)
        self.assertIn("the node's disk: ", str(failure.value))

    def test_discard(self) -> None:
        """A discarded instance gives all back but its console."""
        self.successResultOf(self.stage())
        (self.here / "console.log.0").write_text("older")
        self.successResultOf(self.store.discard(ID))
        self.assertEqual(
            {path.name for path in self.here.iterdir()},
            {"console.log", "console.log.0"},
        )

    def test_discard_waits(self) -> None:
        """What is being staged is discarded when that is over."""
        self.web.answers = [answer := MemoryAnswer()]
        staging = self.stage(root=evolve(ROOT))
        discarding = Deferred.fromCoroutine(self.store.discard(ID))
        self.assertNoResult(discarding)
        answer.say(CONTENT["eki-00000001"])
        answer.end()
        self.successResultOf(staging)
        self.successResultOf(discarding)
        self.assertEqual([path.name for path in self.here.iterdir()], ["console.log"])

    def test_rolled_console(self) -> None:
        """A console that libvirt has begun anew is read across its files."""
        self.successResultOf(self.stage())
        (self.here / "console.log.0").write_bytes(b"x" * 70_000 + b"older ")
        append(str(self.here / "console.log"), b"newer")
        said = self.successResultOf(self.store.console(ID)).output
        self.assertEqual(len(said), 65536)
        self.assertTrue(said.endswith(b"xolder newer"))

    def test_console_elsewhere(self) -> None:
        """Where the hypervisor keeps consoles itself they are read there."""
        self.store.console_elsewhere = f"{self.directory}/guest-{{name}}.log"
        self.successResultOf(self.stage())
        append(f"{self.directory}/guest-{ID}.log", b"xen")
        self.assertEqual(self.successResultOf(self.store.console(ID)).output, b"xen")

    def test_strange_names(self) -> None:
        """What is no identifier of an instance names nothing here."""
        for name in ("", "..", "../../etc", "i-1", "i-00000001/../i-00000002"):
            self.failureResultOf(self.stage(instance_id=name), StagingFailed)
            self.successResultOf(self.store.discard(name))
            self.successResultOf(self.store.forget(name))
            self.assertEqual(self.successResultOf(self.store.console(name)).output, b"")

    def test_others_things(self) -> None:
        """Files that are nobody's instance are not taken for one."""
        (self.directory / "instances" / "lost+found").mkdir(parents=True)
        self.assertEqual(self.successResultOf(self.store.kept()), ())

    def test_no_locks_left(self) -> None:
        """Nothing is remembered of instances that are not being worked on."""
        self.successResultOf(self.stage())
        self.successResultOf(self.store.forget(ID))
        self.assertEqual(self.store._locks, {})


class RoomTests(SynchronousTestCase):
    def test_room(self) -> None:
        """There is room for what is free, and for what is taken by instances."""
        directory = Path(self.mktemp())
        room = room_gib(directory)
        self.assertGreaterEqual(room, 1)
        (directory / "disk").write_bytes(b"x" * 100_000)
        self.assertLessEqual(abs(room_gib(directory) - room), 1)
