"""Images made of instances and of images: L{euca_tw.clc.image_copies}."""

from __future__ import annotations

from random import Random
from typing import Any

from attrs import evolve

from euca_tw.api.ec2.common import Tag, TagSpecification
from euca_tw.api.ec2.devices import BlockDeviceMapping, EbsBlockDevice
from euca_tw.api.ec2.image_copies import CopyImage, CreateImage
from euca_tw.api.errors import (
    IdempotentParameterMismatch,
    ImageInUse,
    ImageUnavailable,
    IncorrectInstanceState,
    InvalidParameterValue,
    InvalidTagType,
    MalformedImageId,
    MalformedImageName,
    MalformedInstanceId,
    MissingParameter,
    NoSuchImage,
    NoSuchInstance,
    ResourceLimitExceeded,
    UnauthorizedOperation,
    UnsupportedOperation,
)
from euca_tw.clc.image_copies import ImageCopies
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.imports import Imports
from euca_tw.clc.interfaces import Making
from euca_tw.clc.makings import Makings
from euca_tw.clc.tags import tags_of
from euca_tw.model.callers import Caller
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Image, ImageKind, ImageState, InstanceState
from tests.clc.cloud import ADMIN, ALICE, ALICE_ID, BOB, BOB_ID, CloudTestCase

KERNEL, RAMDISK = "eki-00000001", "eri-00000001"
SOURCE = "emi-00000001"


class CopiesTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.images = MemoryImageStore({SOURCE: "/there"})  # type: ignore[dict-item]
        self.imports = Imports(store=self.store, images=self.images)
        self.makings = Makings(
            store=self.store,
            clusters=self.clusters,
            images=self.images,
            clock=self.clock,
            random=Random(1),
        )
        self.addCleanup(lambda: self.makings.stop())
        self.copies = ImageCopies(
            store=self.store,
            makings=self.makings,
            imports=self.imports,
            clock=self.clock,
            minter=self.minter,
            quotas=Quotas(images=3, image_mib=2),
            region="here",
        )

    def kept(self, image_id: str) -> Image:
        found = self.store.get(Image, image_id)
        assert found is not None
        return found

    @property
    def count(self) -> int:
        return len(self.store.all(Image))


class CreateTests(CopiesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image(
            architecture="arm64", root_device_name="/dev/xvda", product_codes=("C",)
        )
        self.instance(kernel_id=KERNEL, ramdisk_id=RAMDISK, zone="one")

    def create(self, caller: Caller = ALICE, **given: Any) -> Any:
        asked = {"instance_id": "i-00000001", "name": "of mine", **given}
        return self.copies.create_image(caller, CreateImage(**asked))

    def created(self, **given: Any) -> Image:
        return self.kept(self.result(self.create(**given)).image_id)

    def test_created(self) -> None:
        """
        It is pending, has what the instance and its image have, and is its
        owner's alone; what is to become of it is in its record.
        """
        image = self.created(description="one more")
        self.assertEqual(image.state, ImageState.PENDING)
        self.assertEqual((image.made_of, image.made_in), ("i-00000001", "one"))
        self.assertTrue(image.is_rebooted)
        self.assertEqual((image.kernel_id, image.ramdisk_id), (KERNEL, RAMDISK))
        self.assertEqual((image.owner_id, image.is_public), (ALICE_ID, False))
        self.assertEqual((image.name, image.description), ("of mine", "one more"))
        self.assertEqual(image.location, f"{ALICE_ID}/of mine")
        self.assertEqual(image.architecture, "arm64")
        self.assertEqual(image.root_device_name, "/dev/xvda")
        self.assertEqual(image.product_codes, ("C",))
        self.clock.pump([0, 0, 0])
        self.assertEqual(
            [image_id for image_id, _ in self.clusters.asked_images], [image.image_id]
        )

    def test_no_reboot(self) -> None:
        """Who says NoReboot has his instance left running."""
        self.assertFalse(self.created(no_reboot=True).is_rebooted)

    def test_image_gone(self) -> None:
        """An instance whose image was forgotten gives one all the same."""
        self.instance(image_id="emi-0000000f")
        self.assertEqual(self.created().architecture, "x86_64")

    def test_states(self) -> None:
        """An instance that is neither running nor stopped gives none."""
        for state in InstanceState:
            self.instance(state=state)
            if state in (InstanceState.RUNNING, InstanceState.STOPPED):
                self.created(name=f"of {state.value}")
            else:
                refusal = self.refused(IncorrectInstanceState, self.create())
                self.assertIn(state.value, refusal.message)

    def test_others(self) -> None:
        """Another's instance is not there; to administrators it is."""
        self.refused(NoSuchInstance, self.create(BOB))
        self.refused(NoSuchInstance, self.create(instance_id="i-0000000f"))
        self.refused(MalformedInstanceId, self.create(instance_id="emi-00000001"))
        self.assertEqual(
            self.kept(self.result(self.create(ADMIN)).image_id).owner_id,
            ADMIN.account_id,
        )

    def test_names(self) -> None:
        """A name is needed, of EC2's form, and given once by each account."""
        self.refused(MissingParameter, self.create(name=""))
        for name in "ab", "a" * 129, "semi;colon", "new\nline":
            self.refused(MalformedImageName, self.create(name=name))
        first = self.created()
        refusal = self.refused(ImageInUse, self.create())
        self.assertEqual(refusal.code, "InvalidAMIName.Duplicate")
        self.assertIn(first.image_id, refusal.message)
        self.put(evolve(first, state=ImageState.DEREGISTERED))
        self.created()

    def test_description(self) -> None:
        """A description is printable, and not too long."""
        for text in "x" * 256, "new\nline":
            self.refused(InvalidParameterValue, self.create(description=text))

    def test_volumes(self) -> None:
        """What asks for volumes is refused; what only names disks is not."""
        volume = BlockDeviceMapping(
            device_name="/dev/sdf", ebs=EbsBlockDevice(volume_size=1)
        )
        refusal = self.refused(
            UnsupportedOperation, self.create(block_device_mappings=(volume,))
        )
        self.assertIn("volumes", refusal.message)
        disk = BlockDeviceMapping.of_virtual("ephemeral0", "/dev/sdb")
        self.created(block_device_mappings=(disk,))

    def test_limit(self) -> None:
        """An account has no more images than it may."""
        self.created(name="two")
        self.created(name="three")
        self.refused(ResourceLimitExceeded, self.create())
        self.put(evolve(self.kept(SOURCE), owner_id=BOB_ID))
        self.created()

    def test_size_limit(self) -> None:
        """Nor larger ones together."""
        self.image(size_bytes=2 << 20)
        self.refused(ResourceLimitExceeded, self.create())
        self.assertEqual(self.count, 1)

    def test_tags(self) -> None:
        """It is tagged as is asked; tags of other things are refused."""
        wanted = TagSpecification(
            resource_type="image", tags=(Tag(key="for", value="me"),)
        )
        image = self.created(tag_specifications=(wanted,))
        self.assertEqual(
            tags_of(self.store, ALICE_ID, image.image_id), (("for", "me"),)
        )
        other = evolve(wanted, resource_type="instance")  # type: ignore[misc]
        self.refused(
            InvalidTagType, self.create(name="more", tag_specifications=(other,))
        )

    def test_nothing_made(self) -> None:
        """What is refused leaves nothing."""
        self.refused(MalformedImageName, self.create(name="ab"))
        self.clusters.makings = {"x": Making(stage="wanted")}
        self.assertEqual(self.count, 1)


class CopyTests(CopiesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image(
            size_bytes=7,
            sha256="ab" * 32,
            kernel_id=KERNEL,
            ramdisk_id=RAMDISK,
            product_codes=("C",),
            launch_permissions=(BOB_ID,),
            root_device_name="/dev/xvda",
            name="first",
        )

    def copy(self, caller: Caller = ALICE, **given: Any) -> Any:
        asked = {
            "source_region": "here",
            "source_image_id": SOURCE,
            "name": "second",
            **given,
        }
        return self.copies.copy_image(caller, CopyImage(**asked))

    def copied(self, caller: Caller = ALICE, **given: Any) -> Image:
        return self.kept(self.result(self.copy(caller, **given)).image_id)

    def test_copied(self) -> None:
        """
        It has the same bytes, and what the other is; who may launch that is
        not copied.
        """
        image = self.copied(description="of the first")
        self.assertEqual(image.state, ImageState.AVAILABLE)
        self.assertEqual((image.size_bytes, image.sha256), (7, "ab" * 32))
        self.assertEqual(image.copy_of, SOURCE)
        self.assertEqual((image.kernel_id, image.ramdisk_id), (KERNEL, RAMDISK))
        self.assertEqual(image.product_codes, ("C",))
        self.assertEqual(image.launch_permissions, ())
        self.assertEqual((image.name, image.description), ("second", "of the first"))
        self.assertEqual(image.root_device_name, "/dev/xvda")
        self.assertEqual(set(self.images.locations), {SOURCE, image.image_id})

    def test_by_who_may_launch(self) -> None:
        """Who may launch an image may copy it, and has the copy for his own."""
        self.assertEqual(self.copied(BOB).owner_id, BOB_ID)
        self.put(evolve(self.kept(SOURCE), launch_permissions=()))
        self.refused(NoSuchImage, self.copy(BOB, name="third"))

    def test_sources(self) -> None:
        """Only what is there can be copied."""
        self.refused(MalformedImageId, self.copy(source_image_id="i-00000001"))
        self.refused(NoSuchImage, self.copy(source_image_id="emi-0000000f"))
        for state in ImageState:
            self.put(evolve(self.kept(SOURCE), state=state))
            if state is not ImageState.AVAILABLE:
                self.refused(ImageUnavailable, self.copy())

    def test_region(self) -> None:
        """Of another region than this cloud nothing can be copied."""
        refusal = self.refused(
            InvalidParameterValue, self.copy(source_region="us-east-1")
        )
        self.assertIn("us-east-1", refusal.message)
        self.assertIn("one region, here", refusal.message)

    def test_names(self) -> None:
        """A name is needed, and is the copy's own."""
        self.refused(MissingParameter, self.copy(name=""))
        self.refused(MalformedImageName, self.copy(name="ab"))
        self.refused(ImageInUse, self.copy(name="first"))

    def test_token(self) -> None:
        """The same token again makes nothing more; nor with other parameters."""
        first = self.copied(client_token="a token")
        self.assertEqual(self.copied(client_token="a token"), first)
        for other in {"name": "third"}, {"description": "other"}:
            self.refused(
                IdempotentParameterMismatch, self.copy(client_token="a token", **other)
            )
        self.assertNotEqual(
            self.copied(client_token="another", name="third").image_id, first.image_id
        )
        self.refused(InvalidParameterValue, self.copy(client_token="x" * 65))

    def test_token_of_another(self) -> None:
        """Tokens are each account's own."""
        self.assertNotEqual(
            self.copied(client_token="a token"),
            self.copied(BOB, client_token="a token"),
        )

    def test_kernels(self) -> None:
        """Kernels are copied by administrators alone, and stay public."""
        self.image(KERNEL, kind=ImageKind.KERNEL, is_public=True)
        self.images.locations[KERNEL] = "/kernel"  # type: ignore[index]
        self.refused(UnauthorizedOperation, self.copy(source_image_id=KERNEL))
        image = self.copied(ADMIN, source_image_id=KERNEL)
        self.assertTrue(image.image_id.startswith("eki-"))
        self.assertTrue(image.is_public)

    def test_deregistered(self) -> None:
        """With one of them the other's bytes are not gone."""
        image = self.copied()
        self.put(evolve(self.kept(SOURCE), state=ImageState.DEREGISTERED))
        self.imports.begin_sweep()
        self.assertEqual([*self.images.locations], [image.image_id])

    def test_limit(self) -> None:
        """Copies count as images, and as large as they are."""
        self.copied()
        self.copied(name="third")
        self.refused(ResourceLimitExceeded, self.copy(name="fourth"))
        self.refused(
            ResourceLimitExceeded, self.copy(name="fourth", source_image_id=SOURCE)
        )

    def test_tags(self) -> None:
        """The source's tags go with it where that is asked for."""
        wanted = TagSpecification(
            resource_type="image", tags=(Tag(key="for", value="me"),)
        )
        image = self.copied(tag_specifications=(wanted,))
        again = self.copied(
            source_image_id=image.image_id, name="third", copies_tags=True
        )
        self.assertEqual(
            tags_of(self.store, ALICE_ID, again.image_id), (("for", "me"),)
        )
