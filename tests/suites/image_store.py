"""What every L{IImageStore} does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.clc.interfaces import IImageStore, ImportFailed
from euca_tw.model.identifiers import AccountId, ImageId
from euca_tw.model.records import Image, ImageKind, ImageState

ONE, OTHER = ImageId("emi-00000001"), ImageId("emi-00000002")


def image(image_id: ImageId) -> Image:
    return Image(
        image_id=image_id,
        kind=ImageKind.MACHINE,
        owner_id=AccountId("000000000001"),
        location="/somewhere",
        state=ImageState.AVAILABLE,
        registered_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def make_iimage_store_tests(
    factory: Callable[[SynchronousTestCase], tuple[Any, str, str]],
) -> type[SynchronousTestCase]:
    """
    @param factory: makes, of the running test, an empty store that answers at
        once, and two locations at which different bytes lie.
    """

    class IImageStoreTests(SynchronousTestCase):
        def setUp(self) -> None:
            self.store, self.location, self.another = factory(self)

        def add(self, image_id: ImageId, location: str) -> Any:
            return self.successResultOf(self.store.add(image_id, location, True))

        def test_interface(self) -> None:
            """It provides the interface."""
            self.assertTrue(verifyObject(IImageStore, self.store))

        def test_add(self) -> None:
            """What was added has a size and a digest."""
            stored = self.add(ONE, self.location)
            self.assertGreater(stored.size_bytes, 0)
            self.assertRegex(stored.sha256, r"\A[0-9a-f]{64}\Z")

        def test_content(self) -> None:
            """Different bytes have different digests."""
            self.assertNotEqual(
                self.add(ONE, self.location).sha256,
                self.add(OTHER, self.another).sha256,
            )

        def test_add_again(self) -> None:
            """Adding an image once more gives the same answer."""
            self.assertEqual(self.add(ONE, self.location), self.add(ONE, self.location))

        def test_is_kept(self) -> None:
            """An image that is there stays as it is."""
            stored = self.add(ONE, self.location)
            self.assertEqual(self.add(ONE, self.another), stored)

        def test_remove(self) -> None:
            """An image that was removed can be added anew."""
            stored = self.add(ONE, self.location)
            self.successResultOf(self.store.remove(ONE))
            self.assertNotEqual(self.add(ONE, self.another), stored)

        def test_remove_nothing(self) -> None:
            """Removing what is not there does nothing."""
            self.successResultOf(self.store.remove(ONE))

        def test_share(self) -> None:
            """
            Of two images with the same bytes each is there without the other.
            """
            stored = self.add(ONE, self.location)
            shared = evolve(
                image(ONE), size_bytes=stored.size_bytes, sha256=stored.sha256
            )
            for _ in "once", "and again":
                told = self.successResultOf(self.store.share(OTHER, shared))
                self.assertEqual(told, stored)
            self.successResultOf(self.store.remove(ONE))
            self.assertEqual(self.add(OTHER, self.another), stored)
            self.successResultOf(self.store.remove(OTHER))
            self.assertNotEqual(self.add(OTHER, self.another), stored)

        def test_share_nothing(self) -> None:
            """What is not there cannot be shared."""
            sharing = self.store.share(OTHER, image(ONE))
            failure = self.failureResultOf(sharing, ImportFailed)
            self.assertIn(ONE, str(failure.value))

        def test_upload(self) -> None:
            """Each image is sent to one place, its own, by a key of its own."""
            upload = self.store.upload_of(ONE)
            self.assertIn("://", upload.url)
            self.assertEqual(upload, self.store.upload_of(ONE))
            self.assertNotEqual(upload, self.store.upload_of(OTHER))
            self.assertNotIn(upload.key or "(none)", repr(upload))

        def test_arrived(self) -> None:
            """What is there has arrived, and is told as it is."""
            stored = self.add(ONE, self.location)
            self.assertEqual(
                self.successResultOf(self.store.arrived(ONE, stored)), stored
            )

        def test_url(self) -> None:
            """Each image has one URL, its own."""
            url = self.store.url_of(image(ONE))
            self.assertIn("://", url)
            self.assertEqual(url, self.store.url_of(image(ONE)))
            self.assertNotEqual(url, self.store.url_of(image(OTHER)))

    return IImageStoreTests
