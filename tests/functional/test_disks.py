"""Instances' disks on real file systems: shared, formatted, and full."""

from __future__ import annotations

import gzip
import lzma
import os
import subprocess
import tempfile
from pathlib import Path
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import SkipTest, TestCase

from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import Extras, StagingFailed
from euca_tw.nodectl.room import NoRoom, Room
from euca_tw.nodectl.root_disk import RootDisks
from euca_tw.nodectl.storage import FileInstanceStore
from tests.functional.images import MIB, call, skip_without
from tests.functional.test_storage import Place, content, info

KIB = 1 << 10


def taken(*directories: Path) -> int:
    """How many bytes of the disk they have, each file once: C{du}."""
    said = call("du", "-s", "-k", "-c", *directories)
    return int(said.splitlines()[-1].split()[0]) * KIB


def stat(path: str | Path) -> os.stat_result:
    return Path(path).stat()


def begins(path: Path, size: int) -> bytes:
    with path.open("rb") as reading:
        return reading.read(size)


def sound(image: Path) -> None:
    """@raise AssertionError: it is no file system without fault."""
    call("e2fsck", "-fn", image)


class SharedTests(TestCase):
    timeout = 120

    async def test_hundred(self) -> None:
        """A hundred instances of an image share one copy of it."""
        place = Place(self)
        store = place.store()
        root = place.serve("emi-00000001", Random(1).randbytes(32 * MIB))
        names = [f"i-{n:08x}" for n in range(1, 101)]
        for start in range(0, 100, 10):
            await gatherResults(
                Deferred.fromCoroutine(store.stage(name, root, None, None, 10))
                for name in names[start : start + 10]
            )
        here = place.directory
        whole = taken(here / "images", here / "instances")
        print(f"\n  100 instances of 32 MiB take {whole / MIB:.1f} MiB")
        self.assertEqual(len(await store.kept()), 100)
        self.assertLess(whole, 32 * MIB + 100 * 256 * KIB)
        self.assertEqual(taken(here / "images") // MIB, 32)

    async def test_raw(self) -> None:
        """A raw disk is the image, of the size asked for, with its holes."""
        place = Place(self)
        store = place.store()
        store.root_disks = RootDisks(
            reactor=store.reactor,
            in_thread=store.in_thread,
            room=store.cache.room,
            format="raw",
        )
        image = Random(1).randbytes(MIB) + bytes(64 * MIB) + b"end"
        root = place.serve("emi-00000001", image)
        staged = await store.stage("i-00000001", root, None, None, 1)
        self.assertEqual((staged.disk.format, staged.disk.backing), ("raw", None))
        disk = Path(staged.disk.path)
        self.assertEqual(stat(disk).st_size, 1 << 30)
        self.assertTrue(begins(disk, len(image)) == image)
        self.assertLess(stat(disk).st_blocks * 512, 2 * MIB)
        again = await store.stage("i-00000001", root, None, None, 1)
        self.assertEqual(again, staged)


class FurtherTests(TestCase):
    timeout = 180

    async def test_formatted(self) -> None:
        """Ephemeral and swap disks are what they are called, and take no room."""
        skip_without("mke2fs", "mkswap", "blkid", "e2fsck")
        place = Place(self)
        store = place.store()
        root = place.serve("emi-00000001", b"root" * 1000)
        extras = Extras(ephemeral_gib=20, swap_mib=512)
        staged = await store.stage("i-00000001", root, None, None, 30, extras)
        ephemeral, swap = staged.further
        self.assertEqual((ephemeral.device, swap.device), ("vdb", "vdc"))
        self.assertEqual({disk.format for disk in staged.further}, {"raw"})
        self.assertEqual(stat(ephemeral.path).st_size, 20 << 30)
        self.assertEqual(stat(swap.path).st_size, 512 * MIB)
        said = call("blkid", "-p", "-o", "export", ephemeral.path)
        self.assertIn("LABEL=ephemeral0\n", said)
        self.assertIn("TYPE=ext4\n", said)
        said = call("blkid", "-p", "-o", "export", swap.path)
        self.assertIn("LABEL=swap\n", said)
        self.assertIn("TYPE=swap\n", said)
        sound(Path(ephemeral.path))
        took = taken(Path(ephemeral.path), Path(swap.path))
        print(f"\n  20 GiB ephemeral and 512 MiB swap take {took / MIB:.1f} MiB")
        self.assertLess(took, 8 * MIB)
        modes = {stat(disk.path).st_mode & 0o777 for disk in staged.further}
        self.assertEqual(modes, {0o600})

    async def test_root_has_the_rest(self) -> None:
        """The root disk is what the further ones leave of the type's disk."""
        place = Place(self)
        store = place.store()
        root = place.serve("emi-00000001", b"root" * 1000)
        extras = Extras(ephemeral_gib=2, swap_mib=512)
        staged = await store.stage("i-00000001", root, None, None, 4, extras)
        said = call("qemu-img", "info", staged.disk.path)
        self.assertIn(f"({1536 * MIB} bytes)", said)


class SmallDisk:
    """
    A file system of its own, so small that it is soon full: in the mount
    namespace of a process, so that nothing is left of it when that ends.
    """

    def __init__(self, test: TestCase, mib: int) -> None:
        if os.geteuid() != 0:
            raise SkipTest("needs root, for a file system of its own")
        point = Path(tempfile.mkdtemp())
        test.addCleanup(point.rmdir)
        mount = f"mount -t tmpfs -o size={mib}m tmpfs {point}; echo; exec sleep 600"
        keeper = subprocess.Popen(
            ("unshare", "--mount", "--propagation", "private", "sh", "-c", mount),
            stdout=subprocess.PIPE,
        )

        def end() -> None:
            keeper.kill()
            keeper.wait()

        test.addCleanup(end)
        assert keeper.stdout is not None
        keeper.stdout.readline()
        keeper.stdout.close()
        self.directory = Path(f"/proc/{keeper.pid}/root{point}")

    @property
    def free(self) -> int:
        stat = os.statvfs(self.directory)
        return stat.f_bavail * stat.f_frsize


class FullDiskTests(TestCase):
    """A disk of 64 MiB, of which 8 are left alone."""

    timeout = 120

    def setUp(self) -> None:
        self.disk = SmallDisk(self, 64)
        self.place = Place(self)
        whole = self.place.store()
        self.room = Room(
            directory=self.disk.directory / "images",
            keep_bytes=1 << 30,
            least_free_bytes=8 * MIB,
        )
        cache = ImageCache(
            reactor=whole.reactor,
            agent=whole.cache.agent,
            in_thread=whole.in_thread,
            room=self.room,
        )
        self.store = FileInstanceStore(
            reactor=whole.reactor,
            in_thread=whole.in_thread,
            cache=cache,
            directory=self.disk.directory / "instances",
            disk_gib=1,
        )

    def files(self) -> set[str]:
        directory = self.disk.directory
        return {str(p.relative_to(directory)) for p in directory.rglob("*")}

    async def refused(self, image_id: str, data: bytes, **how: Any) -> str:
        """
        Stage one that cannot be; see that whatever was there before is there,
        and nothing else but its own directory, and that no guest was robbed.
        """
        root = self.place.serve(image_id, data)
        before, free = self.files(), self.disk.free
        with self.assertRaises(StagingFailed) as refused:
            await self.store.stage("i-0000000f", root, None, None, 1, **how)
        await self.store.discard("i-0000000f")
        await self.store.forget("i-0000000f")
        self.assertEqual(self.files(), before)
        self.assertEqual(self.disk.free, free)
        return str(refused.exception)

    async def test_image(self) -> None:
        """An image that does not fit is refused, and harms nobody."""
        data = Random(1).randbytes(30 * MIB)
        root = self.place.serve("emi-00000001", data)
        staged = await self.store.stage("i-00000001", root, None, None, 1)
        disk = content(staged.disk.path)
        for packed in (
            Random(2).randbytes(40 * MIB),
            # These tell no length that they need.
            gzip.compress(Random(3).randbytes(MIB) * 40),
            lzma.compress(Random(4).randbytes(MIB) * 40, preset=0),
        ):
            told = await self.refused("emi-00000002", packed)
            self.assertIn(
                "emi-00000002 cannot be fetched: the node's disk is full", told
            )
        self.assertEqual(content(staged.disk.path), disk)
        self.assertTrue(content(staged.disk.backing) == data)
        again = await self.store.stage("i-00000002", root, None, None, 1)
        self.assertEqual(info(again.disk.path)["virtual-size"], 1 << 30)

    async def test_qcow2(self) -> None:
        """Neither does a qcow2 image that is too large when it is raw."""
        small = self.place.serve("emi-00000001", b"small" * 1000)
        await self.store.stage("i-00000001", small, None, None, 1)
        raw = self.place.directory / "raw"
        qcow2 = self.place.directory / "qcow2"
        # Of what repeats within a cluster little is left.
        raw.write_bytes(b"".join(bytes([n % 255 + 1]) * 65536 for n in range(3200)))
        call("qemu-img", "convert", "-c", "-O", "qcow2", raw, qcow2)
        self.assertLess(qcow2.stat().st_size, 8 * MIB)
        told = await self.refused("emi-00000002", qcow2.read_bytes())
        self.assertIn("the node's disk is full: 201 MiB more are needed", told)

    async def test_further(self) -> None:
        """Neither do disks that are to be made."""
        root = self.place.serve("emi-00000001", b"root" * 1000)
        await self.store.stage("i-00000001", root, None, None, 1)
        with (self.disk.directory / "others").open("wb") as others:
            others.write(bytes(self.disk.free - 9 * MIB))
        extras = Extras(ephemeral_gib=8)
        told = await self.refused("emi-00000001", b"root" * 1000, extras=extras)
        self.assertIn("leave nothing for the root", told)
        root = self.place.source("emi-00000001")
        with self.assertRaises(NoRoom):
            await self.store.stage("i-00000003", root, None, None, 9, extras)

    async def test_at_once(self) -> None:
        """Of many at once those run that fit; the others leave nothing."""
        roots = [
            self.place.serve(f"emi-0000000{n}", Random(n).randbytes(12 * MIB))
            for n in range(1, 9)
        ]

        async def stage(n: int) -> str | None:
            name = f"i-0000000{n}"
            try:
                await self.store.stage(name, roots[n - 1], None, None, 1)
            except NoRoom:
                await self.store.forget(name)
                return None
            return name

        staging = [Deferred.fromCoroutine(stage(n)) for n in range(1, 9)]
        names = [name for name in await gatherResults(staging) if name is not None]
        self.assertEqual(len(names), 4)
        self.assertEqual(sorted(await self.store.kept()), sorted(names))
        self.assertGreaterEqual(self.disk.free, 6 * MIB)
        images = [each for each in self.files() if each.startswith("images/")]
        self.assertEqual(len(images), 4)

    async def test_makes_room(self) -> None:
        """When an instance has ended its image makes room for another."""
        first = self.place.serve("emi-00000001", Random(1).randbytes(40 * MIB))
        second = self.place.serve("emi-00000002", Random(2).randbytes(40 * MIB))
        await self.store.stage("i-00000001", first, None, None, 1)
        with self.assertRaises(NoRoom):
            await self.store.stage("i-00000002", second, None, None, 1)
        await self.store.discard("i-00000001")
        await self.store.stage("i-00000002", second, None, None, 1)
