"""Images that nodes make, as the cloud sees to them: L{euca_tw.clc.makings}."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import evolve

from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.interfaces import Making, StoredImage
from euca_tw.clc.makings import Makings
from euca_tw.clc.settings import ConvergenceSettings
from euca_tw.model.identifiers import ImageId
from euca_tw.model.records import Image, ImageState, Instance, InstanceState
from euca_tw.store.interfaces import Delete
from tests.clc.cloud import CloudTestCase

ID = ImageId("emi-00000002")
MADE = StoredImage(size_bytes=7, sha256="ab" * 32)
SETTINGS = ConvergenceSettings(image_poll_s=5, image_deadline_s=3600)


class MakingsTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.images = MemoryImageStore()
        self.begin()
        self.image(ID, state=ImageState.PENDING, made_of="i-00000001", made_in="one")
        self.instance()

    def begin(self) -> None:
        self.makings = Makings(
            store=self.store,
            clusters=self.clusters,
            images=self.images,
            clock=self.clock,
            random=Random(1),
            settings=SETTINGS,
        )
        self.addCleanup(lambda: self.makings.stop())

    def pump(self, seconds: float = 0) -> None:
        self.clock.pump([0] * 10 + [seconds] + [0] * 10)

    def tell(self, stage: str, **given: Any) -> None:
        self.clusters.makings[ID] = Making(stage=stage, **given)

    @property
    def kept(self) -> Image:
        found = self.store.get(Image, ID)
        assert found is not None
        return found

    def test_sent(self) -> None:
        """It is asked for until it is sent, now and then; then it is there."""
        self.tell("wanted")
        self.makings.begin(ID)
        self.pump()
        self.assertEqual(len(self.clusters.asked_images), 1)
        self.assertEqual(self.clusters.asked_images[0], (ID, self.images.upload_of(ID)))
        for count, seconds in (1, 0.24), (2, 0.01), (2, 0.49), (3, 0.01):
            self.pump(seconds)
            self.assertEqual(len(self.clusters.asked_images), count)
        self.tell("sent", made=MADE)
        self.pump(1)
        self.assertEqual(self.kept.state, ImageState.AVAILABLE)
        self.assertEqual((self.kept.size_bytes, self.kept.sha256), (7, "ab" * 32))
        self.pump(100)
        self.assertEqual(len(self.clusters.asked_images), 4)

    def test_long(self) -> None:
        """Of one that takes long it is asked seldom."""
        self.tell("captured")
        self.makings.begin(ID)
        for _ in range(60):
            self.pump(1)
        self.assertLess(len(self.clusters.asked_images), 17)

    def test_arrived(self) -> None:
        """What has come is there at once, whatever its cluster has told."""
        self.makings.arrived(ID, MADE)
        self.pump()
        self.assertEqual(self.kept.state, ImageState.AVAILABLE)

    def test_failed(self) -> None:
        """What its node cannot make has failed, and says why."""
        self.tell("failed", reason="The node's disk is full")
        self.makings.begin(ID)
        self.pump()
        self.assertEqual(self.kept.state, ImageState.FAILED)
        self.assertEqual(self.kept.state_reason, "The node's disk is full")

    def test_started_anew(self) -> None:
        """What was under way when the daemon ended is asked for again."""
        self.tell("captured")
        self.makings.begin(ID)
        self.pump()
        self.makings.stop()
        self.begin()
        self.makings.start()
        self.pump()
        self.assertEqual(len(self.clusters.asked_images), 2)

    def test_unreachable(self) -> None:
        """A cluster that cannot be asked is asked again."""
        self.makings.begin(ID)
        self.pump()
        self.tell("sent", made=MADE)
        self.pump(10)
        self.assertEqual(self.kept.state, ImageState.AVAILABLE)

    def test_never_reached(self) -> None:
        """One that cannot be asked for all the time is the reason, in the end."""
        self.makings.begin(ID)
        for _ in range(80):
            self.pump(60)
        self.assertEqual(self.kept.state, ImageState.FAILED)
        self.assertEqual(
            self.kept.state_reason, "Its cluster or its node cannot be asked"
        )

    def test_late(self) -> None:
        """What is not there in time has failed, for the last reason that was told."""
        self.tell("finished", reason="The cloud controller does not answer")
        self.makings.begin(ID)
        self.pump()
        self.pump(3599)
        self.assertEqual(self.kept.state, ImageState.PENDING)
        self.pump(1)
        self.pump()
        self.assertEqual(self.kept.state, ImageState.FAILED)
        self.assertIn("does not answer", self.kept.state_reason)

    def test_unknown(self) -> None:
        """Not to be known of is not to have failed, while the instance lives."""
        self.tell("unknown")
        self.makings.begin(ID)
        self.pump(60)
        self.assertEqual(self.kept.state, ImageState.PENDING)
        self.pump(3600)
        self.pump()
        self.assertEqual(self.kept.state_reason, "It was not made in time")

    def test_unknown_and_ended(self) -> None:
        """Of an instance that has ended, and that nobody knows, there is none."""
        for ended in True, False:
            self.image(ID, state=ImageState.PENDING, made_of="i-00000001")
            if ended:
                self.instance(state=InstanceState.TERMINATED)
            else:
                gone = Delete(Instance, "i-00000001")
                self.successResultOf(self.store.commit(gone))
            self.tell("unknown")
            self.makings.begin(ID)
            self.pump(1)
            self.assertEqual(self.kept.state_reason, "Its instance has ended")

    def test_lost(self) -> None:
        """What a node says that it has sent, and is not here, has failed."""

        async def arrived(image_id: str, made: StoredImage) -> None:
            return None

        self.patch(MemoryImageStore, "arrived", lambda _, *asked: arrived(*asked))
        self.tell("sent", made=MADE)
        self.makings.begin(ID)
        self.pump()
        self.assertEqual(self.kept.state_reason, "It was lost on its way")

    def test_deregistered(self) -> None:
        """What comes when nobody wants it any more is deleted."""
        self.put(evolve(self.kept, state=ImageState.DEREGISTERED))
        self.images.locations[ID] = "here"
        self.makings.begin(ID)
        self.makings.arrived(ID, MADE)
        self.pump()
        self.assertEqual(self.images.locations, {})
        self.assertEqual(self.clusters.asked_images, [])

    def test_changed_meanwhile(self) -> None:
        """What was changed of it meanwhile stays changed."""
        self.tell("wanted")
        self.makings.begin(ID)
        self.pump()
        self.put(evolve(self.kept, is_public=True))
        self.tell("sent", made=MADE)
        self.pump(5)
        self.assertEqual(self.kept.state, ImageState.AVAILABLE)
        self.assertTrue(self.kept.is_public)
