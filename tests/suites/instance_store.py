"""What every keeper of instances' disks and consoles does."""

from __future__ import annotations

from collections.abc import Callable

from attrs import evolve, frozen
from twisted.internet.defer import Deferred, gatherResults
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from euca_tw.nodectl.interfaces import (
    Extras,
    IInstanceStore,
    ImageSource,
    StagedInstance,
    StagingFailed,
    StagingRefused,
)

ID = "i-00000001"


@frozen(kw_only=True)
class InstanceStoreUnderTest:
    """
    @ivar again: another one for the same place, as a daemon started anew
        makes it.
    @ivar root: an image that can be had; so are C{kernel} and C{ramdisk}.
    @ivar absent: an image that cannot be had.
    @ivar write: write to a console, by its path, as a domain would.
    """

    store: IInstanceStore
    again: Callable[[], IInstanceStore]
    root: ImageSource
    kernel: ImageSource
    ramdisk: ImageSource
    absent: ImageSource
    write: Callable[[str, bytes], None]


def make_iinstancestore_tests(
    factory: Callable[[TestCase], InstanceStoreUnderTest],
) -> type[TestCase]:
    """
    @param factory: called in C{setUp}; may skip the test, and adds clean-ups
        for what it makes.
    """

    class IInstanceStoreTests(TestCase):
        timeout = 60

        def setUp(self) -> None:
            self.under = factory(self)
            self.store = self.under.store

        async def staged(self, instance_id: str = ID) -> StagedInstance:
            return await self.store.stage(
                instance_id,
                self.under.root,
                self.under.kernel,
                self.under.ramdisk,
                1,
            )

        def test_interface(self) -> None:
            """It provides IInstanceStore."""
            self.assertTrue(verifyObject(IInstanceStore, self.store))

        async def test_stage(self) -> None:
            """A staged instance has a disk, a kernel, a ramdisk, a console."""
            staged = await self.staged()
            self.assertEqual(staged.disk.format, "qcow2")
            for path in (staged.disk.path, staged.console):
                self.assertIn(ID, path)
            for path in (staged.disk.backing, staged.kernel, staged.ramdisk):
                self.assertTrue(path)

        async def test_whole_disk(self) -> None:
            """An image that boots by itself needs neither kernel nor ramdisk."""
            staged = await self.store.stage(ID, self.under.root, None, None, 1)
            self.assertEqual((staged.kernel, staged.ramdisk), (None, None))

        async def test_further(self) -> None:
            """Ephemeral and swap disks follow the root, and stay as they are."""
            extras = Extras(ephemeral_gib=1, swap_mib=64, public_key="ssh-rsa A a")
            sources = (self.under.root, None, None)
            staged = await self.store.stage(ID, *sources, 3, extras)
            ephemeral, swap = staged.further
            self.assertIn("ephemeral0", ephemeral.path)
            self.assertIn("swap", swap.path)
            self.assertEqual((ephemeral.device, swap.device), ("vdb", "vdc"))
            self.assertEqual((ephemeral.format, ephemeral.backing), ("raw", None))
            again = await self.store.stage(ID, *sources, 3, extras)
            self.assertEqual(again, staged)
            await self.store.discard(ID)
            self.assertEqual(await self.store.kept(), (ID,))

        async def test_no_further(self) -> None:
            """Unless they are asked for there are none."""
            self.assertEqual((await self.staged()).further, ())

        async def test_stage_again(self) -> None:
            """Staging an instance again gives the same disk."""
            self.assertEqual(await self.staged(), await self.staged())

        async def test_another_kernel(self) -> None:
            """Staged again with another kernel, it has that, and its disk still."""
            under = self.under
            first = await self.store.stage(ID, under.root, under.kernel, None, 1)
            again = await self.store.stage(
                ID, under.root, under.ramdisk, under.kernel, 1, has_run=True
            )
            self.assertEqual(again.disk, first.disk)
            self.assertNotIn(first.kernel, (None, again.kernel))
            self.assertIsNotNone(again.kernel)
            self.assertIsNotNone(again.ramdisk)

        async def test_stage_at_once(self) -> None:
            """Many instances of one image may be staged at once."""
            staged = await gatherResults(
                [Deferred.fromCoroutine(self.staged(f"i-0000000{n}")) for n in "1234"],
                consumeErrors=True,
            )
            self.assertEqual(len({each.disk.path for each in staged}), 4)

        async def test_absent(self) -> None:
            """An image that cannot be had fails the staging, and is named."""
            for sources in (
                (self.under.absent, None, None),
                (self.under.root, self.under.absent, None),
                (self.under.root, self.under.kernel, self.under.absent),
            ):
                with self.assertRaises(StagingFailed) as failed:
                    await self.store.stage(ID, *sources, 1)
                self.assertIn(self.under.absent.image_id, str(failed.exception))

        async def test_stage_after_failure(self) -> None:
            """What failed may be tried again."""
            with self.assertRaises(StagingFailed):
                await self.store.stage(ID, self.under.absent, None, None, 1)
            self.assertIn(ID, (await self.staged()).disk.path)

        async def test_console(self) -> None:
            """What the instance wrote to its console can be read."""
            staged = await self.staged()
            self.under.write(staged.console, b"hello \xff\r\n")
            self.assertEqual((await self.store.console(ID)).output, b"hello \xff\r\n")

        async def test_console_dated(self) -> None:
            """When an instance last wrote can be told; that it never did, too."""
            self.assertIsNone((await self.store.console(ID)).written_at)
            staged = await self.staged()
            self.assertIsNone((await self.store.console(ID)).written_at)
            self.under.write(staged.console, b"hello")
            self.assertIsNotNone((await self.store.console(ID)).written_at)

        async def test_console_is_bounded(self) -> None:
            """Of a long console the last 64 KiB are told."""
            staged = await self.staged()
            self.under.write(staged.console, b"a" * 100_000 + b"b" * 65_535)
            self.assertEqual(
                (await self.store.console(ID)).output, b"a" + b"b" * 65_535
            )

        async def test_console_of_nothing(self) -> None:
            """Where nothing was written there is nothing to read."""
            self.assertEqual((await self.store.console(ID)).output, b"")
            await self.staged()
            self.assertEqual((await self.store.console(ID)).output, b"")

        async def test_kept(self) -> None:
            """What was staged is kept until it is forgotten."""
            self.assertEqual(await self.store.kept(), ())
            await self.staged()
            self.assertEqual(await self.store.kept(), (ID,))
            await self.store.discard(ID)
            self.assertEqual(await self.store.kept(), (ID,))
            await self.store.forget(ID)
            self.assertEqual(await self.store.kept(), ())

        async def test_discard_keeps_console(self) -> None:
            """The console of a discarded instance can still be read."""
            staged = await self.staged()
            self.under.write(staged.console, b"last words")
            await self.store.discard(ID)
            self.assertEqual((await self.store.console(ID)).output, b"last words")
            await self.store.forget(ID)
            self.assertEqual((await self.store.console(ID)).output, b"")

        async def test_nothing_to_discard(self) -> None:
            """Discarding and forgetting what is not there is done at once."""
            await self.store.discard(ID)
            await self.store.forget(ID)
            self.assertEqual(await self.store.kept(), ())

        async def test_twice(self) -> None:
            """Discarding and forgetting twice is as good as once."""
            await self.staged()
            for _ in range(2):
                await self.store.discard(ID)
            for _ in range(2):
                await self.store.forget(ID)
            self.assertEqual(await self.store.kept(), ())

        async def test_one_of_two(self) -> None:
            """Forgetting one instance leaves the other."""
            await self.staged()
            other = await self.staged("i-00000002")
            self.under.write(other.console, b"here")
            await self.store.forget(ID)
            self.assertEqual(await self.store.kept(), ("i-00000002",))
            self.assertEqual((await self.store.console("i-00000002")).output, b"here")

        async def test_restart(self) -> None:
            """A store made anew on the same place has what was kept."""
            staged = await self.staged()
            self.under.write(staged.console, b"before")
            self.store = self.under.again()
            self.assertEqual(await self.store.kept(), (ID,))
            self.assertEqual((await self.store.console(ID)).output, b"before")
            self.assertEqual(await self.staged(), staged)

        async def test_has_run(self) -> None:
            """What has run keeps its disk; where that is gone it gets no other."""
            sources = (self.under.root, None, None)
            staged = await self.store.stage(ID, *sources, 1)
            again = await self.store.stage(ID, *sources, 1, has_run=True)
            self.assertEqual(again, staged)
            await self.store.discard(ID)
            for _ in range(2):
                with self.assertRaises(StagingRefused):
                    await self.store.stage(ID, *sources, 1, has_run=True)

        async def test_other_checksum(self) -> None:
            """An image known by another checksum is another image."""
            with self.assertRaises(StagingFailed):
                await self.store.stage(
                    ID, evolve(self.under.absent, sha256="0" * 64), None, None, 1
                )

        def test_capacity(self) -> None:
            """There is room for disks."""
            self.assertGreaterEqual(self.store.disk_capacity_gib(), 1)

    return IInstanceStoreTests
