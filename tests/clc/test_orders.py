"""Tests of L{euca_tw.clc.orders}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.clc import orders
from euca_tw.model.capacity import MachineType
from euca_tw.model.identifiers import AccountId, ImageId
from euca_tw.model.records import Image, ImageKind, ImageState
from tests.fakes.instances import instance
from tests.fakes.launches import NOW


def image(image_id: str, kind: ImageKind) -> Image:
    return Image(
        image_id=ImageId(image_id),
        kind=kind,
        owner_id=AccountId("000000000001"),
        location=f"/images/{image_id}",
        state=ImageState.AVAILABLE,
        registered_at=NOW,
        sha256="ab" * 32 if kind is ImageKind.MACHINE else "",
        product_codes=("A1B2",),
    )


IMAGES = {
    each.image_id: each
    for each in (
        image("emi-00000001", ImageKind.MACHINE),
        image("eki-00000001", ImageKind.KERNEL),
    )
}


class LaunchTests(SynchronousTestCase):
    def test_all_that_a_node_needs(self) -> None:
        """A launch says what to boot, where from, and what metadata tells."""
        told = orders.launch(
            instance(kernel_id=ImageId("eki-00000001"), key_name="mine"),
            IMAGES.get,
            lambda image: f"http://cloud/{image.image_id}",
        )
        self.assertEqual(told.root.url, "http://cloud/emi-00000001")
        self.assertEqual(told.root.sha256, "ab" * 32)
        assert told.kernel is not None
        self.assertIsNone(told.kernel.sha256)
        self.assertIsNone(told.ramdisk)
        self.assertEqual((told.key_name, told.public_key), ("mine", None))
        self.assertEqual(told.manifest_path, "/images/emi-00000001")
        self.assertEqual(told.product_codes, ("A1B2",))
        self.assertEqual(told.group_names, ("default",))

    def test_further_disks(self) -> None:
        """A launch says what of the type's disk is further disks, if any is."""
        plain = orders.launch(instance(), IMAGES.get, lambda image: "")
        self.assertEqual((plain.ephemeral_gib, plain.swap_mib), (None, None))
        whole = instance(ephemeral_gib=1, swap_mib=512)
        told = orders.launch(whole, IMAGES.get, lambda image: "")
        self.assertEqual((told.ephemeral_gib, told.swap_mib), (1, 512))

    def test_gone(self) -> None:
        """An image that is not there any more is named."""
        lost = instance(kernel_id=ImageId("eki-0000000f"))
        with self.assertRaises(orders.ImageGone) as caught:
            orders.launch(lost, IMAGES.get, lambda image: "")
        self.assertEqual(str(caught.exception), "eki-0000000f")


class RoomTests(SynchronousTestCase):
    def test_displaces(self) -> None:
        """An instance takes the room of as many others as its largest part."""
        small = MachineType(name="s", cores=1, memory_mib=128, disk_gib=2)
        large = MachineType(name="l", cores=4, memory_mib=256, disk_gib=100)
        size = orders.size(instance())
        self.assertEqual(orders.displaces(size, small), 1)
        self.assertEqual(orders.displaces(size, large), 1)
        size = orders.size(instance(cores=3, disk_gib=9))
        self.assertEqual(orders.displaces(size, small), 5)
