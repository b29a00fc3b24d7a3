"""The image that a new cloud has."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import PurePath

from attrs import evolve
from twisted.internet.defer import ensureDeferred, fail

from euca_tw.clc.demo import DemoImage
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.interfaces import ImportFailed
from euca_tw.model.records import Image, ImageKind, ImageState, User
from tests.clc.cloud import ALICE_ID, CloudTestCase

ADMIN = User(
    account_id=ALICE_ID,
    name="admin",
    is_admin=True,
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
)


class Empty(MemoryImageStore):
    """Has no image to give."""

    def add(self, image_id: object, location: str, is_admin: bool) -> object:  # type: ignore[override]
        return fail(ImportFailed(f"{location} is not there"))


class DemoImageTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.images = MemoryImageStore()

    def demo(self, directory: str = "/demo") -> DemoImage:
        return DemoImage(
            store=self.store,
            images=self.images,
            clock=self.clock,
            minter=self.minter,
            directory=PurePath(directory),
        )

    def of_kind(self, kind: ImageKind) -> Image:
        [found] = [each for each in self.store.all(Image) if each.kind is kind]
        return found

    def test_registered(self) -> None:
        """A kernel, a ramdisk and a root that boots with them, for everybody."""
        self.result(self.demo().register(ADMIN))
        for image in self.store.all(Image):
            self.assertTrue(image.is_public)
            self.assertIs(image.state, ImageState.AVAILABLE)
            self.assertEqual(len(image.sha256), 64)
        root = self.of_kind(ImageKind.MACHINE)
        self.assertEqual(root.location, "/demo/root.img")
        self.assertEqual(root.kernel_id, self.of_kind(ImageKind.KERNEL).image_id)
        self.assertEqual(root.ramdisk_id, self.of_kind(ImageKind.RAMDISK).image_id)
        self.assertRegex(root.image_id, r"\Aemi-[0-9a-f]{8}\Z")

    def test_once(self) -> None:
        """It is registered once, and not again when it was deregistered."""
        self.result(self.demo().register(ADMIN))
        root = evolve(self.of_kind(ImageKind.MACHINE), state=ImageState.DEREGISTERED)
        self.put(root)
        self.result(self.demo().register(ADMIN))
        self.assertEqual(len(self.store.all(Image)), 3)
        self.result(self.demo("/other").register(ADMIN))
        self.assertEqual(len(self.store.all(Image)), 6)

    def test_missing(self) -> None:
        """If a file is not there, there is no image at all."""
        self.images = Empty()
        failed = self.failureResultOf(
            ensureDeferred(self.demo().register(ADMIN)), ImportFailed
        )
        self.assertIn("/demo/vmlinuz", str(failed.value))
        self.assertEqual(len(self.store.all(Image)), 0)
