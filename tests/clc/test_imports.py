"""The bytes of images, brought in and forgotten."""

from __future__ import annotations

from typing import Any

from attrs import Factory, define, evolve
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import globalLogPublisher
from zope.interface import implementer
from zope.interface.verify import verifyObject

from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.imports import Imports
from euca_tw.clc.interfaces import IImageStore, ImportFailed, StoredImage
from euca_tw.model.identifiers import ImageId
from euca_tw.model.records import (
    Image,
    ImageKind,
    ImageState,
    Instance,
    InstanceState,
    User,
)
from euca_tw.store.memory import MemoryStore
from tests.clc.cloud import ALICE_ID, NOW, CloudTestCase

PENDING, AVAILABLE = ImageState.PENDING, ImageState.AVAILABLE
FAILED, DEREGISTERED = ImageState.FAILED, ImageState.DEREGISTERED
ONE = ImageId("emi-00000001")
STORED = StoredImage(size_bytes=7, sha256="00")


@implementer(IImageStore)
@define(eq=False)
class SlowImageStore(MemoryImageStore):
    """
    An image store whose answers a test gives, but for what is there.

    @ivar adding: what was asked for and waits.
    """

    adding: list[tuple[str, str, bool, Deferred[StoredImage]]] = Factory(list)
    removed: list[str] = Factory(list)

    def add(self, image_id: Any, location: str, is_admin: bool) -> Any:
        waiting: Deferred[StoredImage] = Deferred()
        self.adding.append((image_id, location, is_admin, waiting))
        return waiting

    def remove(self, image_id: Any) -> Any:
        self.removed.append(image_id)
        return succeed(None)

    def url_of(self, image: Image) -> str:
        return f"slow:///{image.image_id}"


class ImportsTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.slow = SlowImageStore()
        self.imports = Imports(store=self.store, images=self.slow)

    def state(self, image_id: str = "emi-00000001") -> ImageState | None:
        found = self.store.get(Image, image_id)
        return found and found.state

    def test_interface(self) -> None:
        """The slow store is one."""
        self.assertTrue(verifyObject(IImageStore, self.slow))

    def test_arrives(self) -> None:
        """An image whose bytes have arrived is available."""
        self.imports.begin(self.image(state=PENDING), False)
        self.assertEqual(self.state(), PENDING)
        [(image_id, location, is_admin, waiting)] = self.slow.adding
        self.assertEqual((image_id, is_admin), ("emi-00000001", False))
        self.assertEqual(location, "/images/emi-00000001")
        waiting.callback(STORED)
        kept = self.store.get(Image, "emi-00000001")
        self.assertEqual(
            (kept.state, kept.size_bytes, kept.sha256), (AVAILABLE, 7, "00")
        )

    def test_changed_meanwhile(self) -> None:
        """What was changed of the image meanwhile stays changed."""
        image = self.image(state=PENDING)
        self.imports.begin(image, False)
        self.put(evolve(image, is_public=True))
        self.slow.adding[0][3].callback(STORED)
        kept = self.store.get(Image, "emi-00000001")
        self.assertEqual((kept.state, kept.is_public), (AVAILABLE, True))

    def test_fails(self) -> None:
        """An image whose bytes cannot be had says why, and so does the log."""
        events: list[Any] = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.imports.begin(self.image(state=PENDING), False)
        self.slow.adding[0][3].errback(ImportFailed("It is not there"))
        kept = self.store.get(Image, "emi-00000001")
        self.assertEqual((kept.state, kept.state_reason), (FAILED, "It is not there"))
        [told] = [e for e in events if e.get("image_id") == "emi-00000001"]
        self.assertEqual(told["reason"], "It is not there")

    def test_bug(self) -> None:
        """What nobody foresaw is logged, and tried again after a restart."""
        self.imports.begin(self.image(state=PENDING), False)
        self.slow.adding[0][3].errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.state(), PENDING)

    def test_copied(self) -> None:
        """A copy has the bytes of what it is a copy of; nothing is brought in."""
        self.image(size_bytes=7, sha256="00")
        self.slow.locations[ONE] = "/there"
        self.imports.begin(
            self.image("emi-00000002", state=PENDING, copy_of=ONE), False
        )
        kept = self.store.get(Image, "emi-00000002")
        self.assertEqual(
            (kept.state, kept.size_bytes, kept.sha256), (AVAILABLE, 7, "00")
        )
        self.assertEqual(self.slow.adding, [])
        self.assertIn("emi-00000002", self.slow.locations)

    def test_copied_of_nothing(self) -> None:
        """A copy of what is gone has failed, and says so."""
        self.imports.begin(
            self.image("emi-00000002", state=PENDING, copy_of=ONE), False
        )
        kept = self.store.get(Image, "emi-00000002")
        self.assertEqual(kept.state, FAILED)
        self.assertEqual(kept.state_reason, f"{ONE} is not there any more")

    def test_copied_from_meanwhile(self) -> None:
        """What is copied from is kept until the copy is there."""
        self.image(state=DEREGISTERED)
        self.image("emi-00000002", state=PENDING, copy_of=ONE)
        self.imports.begin_sweep()
        self.assertEqual(self.state(), DEREGISTERED)

    def test_copied_then_swept(self) -> None:
        """And no longer."""
        self.slow.locations[ONE] = "/there"
        self.image(state=DEREGISTERED)
        copy = self.image("emi-00000002", state=PENDING, copy_of=ONE)
        self.imports.begin(copy, False)
        self.assertEqual(self.state("emi-00000002"), AVAILABLE)
        self.assertIsNone(self.state())

    def test_made_elsewhere(self) -> None:
        """What a node makes is not brought in."""
        self.image(state=PENDING, made_of="i-00000001")
        self.imports.resume()
        self.assertEqual(self.slow.adding, [])
        self.assertEqual(self.state(), PENDING)

    def test_deregistered_meanwhile(self) -> None:
        """Bytes that come for a deregistered image are thrown away."""
        image = self.image(state=PENDING)
        self.imports.begin(image, False)
        self.put(evolve(image, state=DEREGISTERED))
        self.slow.adding[0][3].callback(STORED)
        self.assertIn("emi-00000001", self.slow.removed)
        self.assertIsNone(self.state())

    def test_forgotten_meanwhile(self) -> None:
        """Also when the image was forgotten before they came."""
        image = self.image(state=PENDING)
        self.imports.begin(image, False)
        self.put(evolve(image, state=DEREGISTERED))
        self.imports.begin_sweep()
        self.assertIsNone(self.state())
        self.slow.removed.clear()
        self.slow.adding[0][3].errback(ImportFailed("too late"))
        self.assertEqual(self.slow.removed, ["emi-00000001"])

    def test_stopped(self) -> None:
        """An import that was stopped is still under way, as the record says."""
        self.imports.begin(self.image(state=PENDING), False)
        self.successResultOf(self.imports.background.stop())
        self.assertEqual(self.state(), PENDING)

    def test_resume(self) -> None:
        """After a restart what was under way begins anew, and nothing else."""
        self.image("emi-00000001", state=PENDING)
        self.image("emi-00000002", state=FAILED)
        self.image("emi-00000003")
        self.imports.resume()
        [(image_id, _, is_admin, _)] = self.slow.adding
        self.assertEqual((image_id, is_admin), ("emi-00000001", False))

    def test_resume_administrators(self) -> None:
        """What an administrator registered is brought in as his."""
        for is_admin in True, False:
            user = User(
                account_id=ALICE_ID, name="a", is_admin=is_admin, created_at=NOW
            )
            self.put(user)
            self.image(state=PENDING)
            self.imports.resume()
            self.assertEqual(self.slow.adding.pop()[2], is_admin)

    def test_sweep(self) -> None:
        """Deregistered images go when no instance needs them."""
        self.image("emi-00000001", state=DEREGISTERED)
        self.image("emi-00000002")
        one = self.instance(1, image_id="emi-00000001")
        self.imports.begin_sweep()
        self.assertEqual(self.state("emi-00000001"), DEREGISTERED)
        self.put(evolve(one, state=InstanceState.TERMINATED))
        self.imports.resume()
        self.assertIsNone(self.state("emi-00000001"))
        self.assertEqual(self.state("emi-00000002"), AVAILABLE)
        self.assertEqual(self.slow.removed, ["emi-00000001"])

    def test_sweep_kernels(self) -> None:
        """Kernels and ramdisks are needed as images are."""
        self.image("eki-00000001", state=DEREGISTERED, kind=ImageKind.KERNEL)
        self.image("eri-00000001", state=DEREGISTERED, kind=ImageKind.RAMDISK)
        self.instance(1, kernel_id="eki-00000001", ramdisk_id="eri-00000001")
        self.imports.begin_sweep()
        self.assertEqual(self.slow.removed, [])

    def test_sweep_is_cheap(self) -> None:
        """What it costs to look for who needs an image is not up to how many live."""
        for number in range(1, 4):
            self.instance(number, image_id="emi-00000002")
        self.image(state=DEREGISTERED)
        walked: list[type] = []
        all_of = self.store.all

        class Watched(MemoryStore):
            def all(self, kind: Any) -> Any:
                walked.append(kind)
                return all_of(kind)

        self.imports.store = Watched(tables=self.store._tables)
        self.imports.begin_sweep()
        self.assertIsNone(self.state())
        self.assertNotIn(Instance, walked)

    def test_at_once(self) -> None:
        """A store that answers at once makes an image available at once."""
        self.imports.images = MemoryImageStore()
        self.imports.begin(self.image(state=PENDING), True)
        self.assertEqual(self.state(), AVAILABLE)

    def test_unremovable(self) -> None:
        """An image that cannot be removed is kept, and the log has it."""
        self.image(state=DEREGISTERED)
        self.patch(self.slow.__class__, "remove", lambda *_: fail(OSError("disk")))
        self.imports.begin_sweep()
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.assertEqual(self.state(), DEREGISTERED)
