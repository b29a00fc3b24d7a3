"""Registering, describing and deregistering images."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from euca_tw.api.ec2.devices import BlockDeviceMapping, EbsBlockDevice
from euca_tw.api.ec2.images import DeregisterImage, DescribeImages, RegisterImage
from euca_tw.api.errors import (
    AuthFailure,
    ImageInUse,
    ImageUnavailable,
    InvalidFilter,
    InvalidParameterCombination,
    InvalidParameterValue,
    MalformedImageId,
    MalformedImageName,
    MalformedUserId,
    MissingParameter,
    NoSuchImage,
    ResourceLimitExceeded,
    UnauthorizedOperation,
    UnsupportedOperation,
)
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.images import Images
from euca_tw.clc.imports import Imports
from euca_tw.model.callers import Caller
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Image, ImageKind, ImageState
from tests.clc.cloud import (
    ADMIN,
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    NOW,
    AskedFilter,
    CloudTestCase,
)

KERNEL, RAMDISK = "eki-00000001", "eri-00000001"


class ImagesTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.imports = Imports(store=self.store, images=MemoryImageStore())
        self.images = Images(
            store=self.store,
            imports=self.imports,
            clock=self.clock,
            minter=self.minter,
            quotas=Quotas(images=3),
            region="here",
        )

    def register(
        self, location: str | None = "/i", caller: Caller = ALICE, **given: Any
    ) -> Any:
        return self.images.register_image(
            caller, RegisterImage(image_location=location, **given)
        )

    def registered(self, *asked: Any, **given: Any) -> Image:
        """The record of what was registered."""
        image_id = self.result(self.register(*asked, **given)).image_id
        found = self.store.get(Image, image_id)
        assert found is not None
        return found


class RegisterTests(ImagesTestCase):
    def test_register(self) -> None:
        """An image is its user's own, and soon available."""
        kept = self.registered("/images/debian.img")
        self.assertRegex(kept.image_id, r"\Aemi-[0-9a-f]{8}\Z")
        self.assertEqual(kept.owner_id, ALICE_ID)
        self.assertEqual(kept.kind, ImageKind.MACHINE)
        self.assertEqual(kept.location, "/images/debian.img")
        self.assertEqual(kept.state, ImageState.AVAILABLE)
        self.assertEqual(kept.registered_at, NOW)
        self.assertFalse(kept.is_public)

    def test_described(self) -> None:
        """What the later dates say of an image is kept."""
        kept = self.registered(
            name="debian 12 (web)",
            description="a web server",
            architecture="i386",
            root_device_name="/dev/vda1",
            virtualization_type="hvm",
        )
        self.assertEqual(
            (kept.name, kept.description, kept.architecture, kept.root_device_name),
            ("debian 12 (web)", "a web server", "i386", "/dev/vda1"),
        )

    def test_web(self) -> None:
        """An image may come from the web."""
        self.registered("https://images.example/debian.img?version=12")

    def test_locations(self) -> None:
        """What is neither path nor web address is refused."""
        for text in "debian.img", "ftp://x/y", "http://", "file:///x", "bucket/m.xml":
            self.refused(InvalidParameterValue, self.register(text))
        self.refused(InvalidParameterValue, self.register("/a\n"))
        self.refused(InvalidParameterValue, self.register("/" + "a" * 1024))
        self.refused(MissingParameter, self.register(""))
        self.refused(MissingParameter, self.register(None))

    def test_kinds_by_name(self) -> None:
        """As in the original, a file's name tells kernels and ramdisks."""
        for location, prefix in [
            ("/boot/vmlinuz-6.1", "eki"),
            ("/boot/eki-demo", "eki"),
            ("/boot/initrd.img", "eri"),
            ("http://h/eri.gz?x=/y", "eri"),
            ("/boot/linux", "emi"),
            ("/vmlinuz/disk", "emi"),
        ]:
            kept = self.registered(location, ADMIN)
            self.assertEqual(kept.image_id[:3], prefix)

    def test_kinds_by_parameter(self) -> None:
        """As in the original, a kernel id of C{true} makes it a kernel."""
        kept = self.registered("/x", ADMIN, kernel_id="true")
        self.assertEqual((kept.kind, kept.kernel_id), (ImageKind.KERNEL, None))
        kept = self.registered("/x", ADMIN, ramdisk_id="yes")
        self.assertEqual((kept.kind, kept.ramdisk_id), (ImageKind.RAMDISK, None))

    def test_kernels_are_administrators(self) -> None:
        """Only administrators register kernels and ramdisks, for everybody."""
        self.assertTrue(self.registered("/vmlinuz", ADMIN).is_public)
        for location in "/vmlinuz", "/initrd":
            self.refused(UnauthorizedOperation, self.register(location))
        self.refused(UnauthorizedOperation, self.register(kernel_id="true"))

    def test_boots(self) -> None:
        """An image may come with a kernel and a ramdisk, here already or soon."""
        self.image(KERNEL, kind=ImageKind.KERNEL, state=ImageState.PENDING)
        self.image(RAMDISK, kind=ImageKind.RAMDISK)
        kept = self.registered("/vmlinuz", kernel_id=KERNEL, ramdisk_id=RAMDISK)
        self.assertEqual(kept.kind, ImageKind.MACHINE)
        self.assertEqual((kept.kernel_id, kept.ramdisk_id), (KERNEL, RAMDISK))

    def test_boots_nothing(self) -> None:
        """A kernel that is not there, hidden, or none is refused."""
        self.image(KERNEL, kind=ImageKind.KERNEL, owner_id=BOB_ID)
        self.image(RAMDISK, kind=ImageKind.RAMDISK)
        self.refused(NoSuchImage, self.register(kernel_id=KERNEL))
        self.refused(NoSuchImage, self.register(kernel_id="eki-99999999"))
        self.refused(NoSuchImage, self.register(kernel_id=RAMDISK))
        self.refused(MalformedImageId, self.register(kernel_id="x"))
        self.refused(InvalidParameterCombination, self.register(ramdisk_id=RAMDISK))
        self.image(KERNEL, kind=ImageKind.KERNEL, state=ImageState.DEREGISTERED)
        self.refused(ImageUnavailable, self.register(kernel_id=KERNEL))

    def test_names(self) -> None:
        """A name has a form, and is an account's only once."""
        for name in "ab", "a" * 129, "a&b", "a\nb", "\N{SNOWMAN}" * 3:
            self.refused(MalformedImageName, self.register(name=name))
        first = self.registered(name="web")
        refusal = self.refused(ImageInUse, self.register(name="web"))
        self.assertIn(first.image_id, refusal.message)
        self.registered("/i", BOB, name="web")
        self.put(evolve(first, state=ImageState.DEREGISTERED))
        self.registered(name="web")

    def test_values(self) -> None:
        """An architecture or a way to boot that is not known is refused."""
        for asked in [
            {"architecture": "m68k"},
            {"virtualization_type": "emulated"},
            {"description": "x" * 256},
            {"root_device_name": "a\nb"},
        ]:
            self.refused(InvalidParameterValue, self.register(**asked))

    def test_not_here(self) -> None:
        """What this cloud has not is refused rather than left out."""
        ebs = BlockDeviceMapping(device_name="sda", ebs=EbsBlockDevice())
        for asked in [
            {"block_device_mappings": (ebs,)},
            {"sriov_net_support": "simple"},
            {"ena_support": True},
        ]:
            self.refused(UnsupportedOperation, self.register(**asked))
        self.registered(
            block_device_mappings=(BlockDeviceMapping.of_virtual("ephemeral0", "sdb"),),
            ena_support=False,
        )

    def test_limit(self) -> None:
        """An account has so many images; an administrator any number."""
        for _ in range(3):
            self.registered()
            self.registered("/i", ADMIN)
        self.refused(ResourceLimitExceeded, self.register())
        self.registered("/i", ADMIN)


class DeregisterTests(ImagesTestCase):
    def deregister(self, image_id: str, caller: Caller = ALICE) -> Any:
        return self.images.deregister_image(caller, DeregisterImage(image_id=image_id))

    def test_deregister(self) -> None:
        """A deregistered image is gone, record and bytes."""
        kept = self.registered()
        self.assertTrue(self.result(self.deregister(kept.image_id)).is_success)
        self.refused(NoSuchImage, self.deregister(kept.image_id))
        self.assertEqual(self.imports.images.locations, {})

    def test_in_use(self) -> None:
        """While an instance needs it, it stays, but is launched no more."""
        kept = self.registered()
        self.instance(1, image_id=kept.image_id)
        self.result(self.deregister(kept.image_id))
        self.refused(ImageUnavailable, self.deregister(kept.image_id))
        self.assertIn(kept.image_id, self.imports.images.locations)

    def test_administrator(self) -> None:
        """An administrator deregisters anybody's."""
        self.result(self.deregister(self.image().image_id, ADMIN))

    def test_refusals(self) -> None:
        """What is another's, or not there, is refused."""
        self.image()
        self.refused(NoSuchImage, self.deregister("emi-00000001", BOB))
        self.image(is_public=True)
        self.refused(AuthFailure, self.deregister("emi-00000001", BOB))
        self.refused(NoSuchImage, self.deregister("emi-99999999"))
        self.refused(MalformedImageId, self.deregister("banana"))


class DescribeTests(ImagesTestCase):
    def describe(self, *ids: str, caller: Caller = ALICE, **asked: Any) -> Any:
        return self.images.describe_images(
            caller, DescribeImages(image_ids=ids, **asked)
        )

    def told(self, *ids: str, **asked: Any) -> list[str]:
        answer = self.result(self.describe(*ids, **asked))
        return [each.image_id for each in answer.images]

    def test_visible(self) -> None:
        """One sees one's own, the public, and what one was permitted."""
        self.image("emi-00000001")
        self.image("emi-00000002", is_public=True)
        self.image("emi-00000003", launch_permissions=(BOB_ID,))
        own = ["emi-00000001", "emi-00000002", "emi-00000003"]
        self.assertEqual(self.told(), own)
        self.assertEqual(self.told(caller=BOB), own[1:])
        self.assertEqual(self.told(caller=ADMIN), own)

    def test_item(self) -> None:
        """An image is told with all that is known of it."""
        self.image(
            kernel_id=KERNEL, ramdisk_id=RAMDISK, name="web", product_codes=("abc",)
        )
        [told] = self.result(self.describe()).images
        self.assertEqual(told.image_location, "/images/emi-00000001")
        self.assertEqual(told.image_state, "available")
        self.assertEqual(told.image_owner_id, ALICE_ID)
        self.assertEqual((told.is_public, told.image_type), (False, "machine"))
        self.assertEqual((told.kernel_id, told.ramdisk_id), (KERNEL, RAMDISK))
        self.assertEqual(told.virtualization_type, "paravirtual")
        self.assertEqual(told.creation_date, "2026-11-23T08:00:00.000Z")
        self.assertEqual((told.name, told.description), ("web", None))

    def test_kernel(self) -> None:
        """A kernel has no root device."""
        self.image(KERNEL, kind=ImageKind.KERNEL)
        [told] = self.result(self.describe()).images
        self.assertEqual((told.image_type, told.root_device_name), ("kernel", None))

    def test_failed(self) -> None:
        """An image that could not be had says why."""
        self.image(state=ImageState.FAILED, state_reason="It is not there")
        [told] = self.result(self.describe()).images
        self.assertEqual(told.image_state, "failed")
        self.assertEqual(
            told.state_reason.message, "Client.ImportFailed: It is not there"
        )

    def test_made(self) -> None:
        """Of what was made or copied here it is told what of, and why it failed."""
        self.image(
            "emi-00000001",
            made_of="i-00000001",
            state=ImageState.FAILED,
            state_reason="Its instance has ended",
        )
        self.image("emi-00000002", copy_of="emi-0000000f")
        made, copied = self.result(self.describe()).images
        self.assertEqual(made.source_instance_id, "i-00000001")
        self.assertEqual(made.state_reason.code, "Server.InternalError")
        self.assertEqual(
            made.state_reason.message, "Server.InternalError: Its instance has ended"
        )
        self.assertIsNone(made.source_image_region)
        self.assertEqual(copied.source_image_id, "emi-0000000f")
        self.assertEqual(copied.source_image_region, "here")

    def test_deregistered(self) -> None:
        """A deregistered image is not told."""
        self.image(state=ImageState.DEREGISTERED)
        self.assertEqual(self.told(), [])
        self.refused(ImageUnavailable, self.describe("emi-00000001"))

    def test_named(self) -> None:
        """Only those that are named are told, each once."""
        self.image("emi-00000001")
        self.image("emi-00000002")
        self.assertEqual(self.told("emi-00000002", "emi-00000002"), ["emi-00000002"])
        self.refused(NoSuchImage, self.describe("emi-00000002", caller=BOB))
        self.refused(MalformedImageId, self.describe("banana"))

    def test_owners(self) -> None:
        """Images are found by their owners."""
        self.image("emi-00000001")
        self.image("emi-00000002", owner_id=BOB_ID, is_public=True)
        self.assertEqual(self.told(owners=("self",)), ["emi-00000001"])
        self.assertEqual(self.told(owners=(BOB_ID,)), ["emi-00000002"])
        self.assertEqual(len(self.told(owners=("self", BOB_ID))), 2)
        self.assertEqual(self.told(owners=("amazon",)), [])

    def test_no_accounts(self) -> None:
        """What can be nobody's account is refused."""
        for asked in (
            {"owners": ("bob",)},
            {"owners": ("self", "0000000001")},
            {"owners": ("all",)},
            {"executable_by": ("amazon",)},
            {"executable_by": ("",)},
        ):
            refusal = self.refused(MalformedUserId, self.describe(**asked))
            self.assertEqual(refusal.code, "InvalidUserID.Malformed")

    def test_executable_by(self) -> None:
        """Images are found by who was permitted to launch them."""
        self.image("emi-00000001")
        self.image("emi-00000002", is_public=True)
        self.image("emi-00000003", launch_permissions=(BOB_ID,))
        for asked, caller, found in [
            ("all", ALICE, ["emi-00000002"]),
            ("self", BOB, ["emi-00000003"]),
            ("self", ALICE, []),
            (BOB_ID, ALICE, ["emi-00000003"]),
            (BOB_ID, ADMIN, ["emi-00000003"]),
        ]:
            told = self.told(executable_by=(asked,), caller=caller)
            self.assertEqual(told, found, asked)

    def test_others_permissions(self) -> None:
        """Who else was permitted is known to the owner alone."""
        self.image(is_public=True, launch_permissions=(ALICE_ID,))
        self.assertEqual(self.told(executable_by=(ALICE_ID,), caller=BOB), [])

    def test_pages(self) -> None:
        """Images are told in pages, if asked for; not those that are named."""
        self.image("emi-00000002")
        self.image("emi-00000001")
        first = self.result(self.describe(max_results=1))
        second = self.result(self.describe(next_token=first.next_token))
        ids = [each.image_id for each in (*first.images, *second.images)]
        self.assertEqual(ids, ["emi-00000001", "emi-00000002"])
        self.refused(
            InvalidParameterCombination, self.describe("emi-00000001", max_results=1)
        )

    def test_documented_filters(self) -> None:
        """Every filter that EC2 documents is known."""
        documented = """
            architecture block-device-mapping.delete-on-termination
            block-device-mapping.device-name block-device-mapping.encrypted
            block-device-mapping.snapshot-id block-device-mapping.volume-size
            block-device-mapping.volume-type creation-date description ena-support
            free-tier-eligible hypervisor image-allowed image-id image-type is-public
            kernel-id manifest-location name owner-alias owner-id platform
            product-code product-code.type ramdisk-id root-device-name
            root-device-type source-image-id source-image-region source-instance-id
            sriov-net-support state state-reason-code state-reason-message tag:x
            tag-key virtualization-type
        """
        self.image()
        for name in documented.split():
            self.told(filters=(AskedFilter(name, ("nothing of the kind",)),))

    def test_filters(self) -> None:
        """Each filter finds the image that has it, and no other."""
        self.image(
            "emi-00000001",
            architecture="i386",
            description="d",
            is_public=True,
            kernel_id=KERNEL,
            ramdisk_id=RAMDISK,
            name="web",
            product_codes=("abc",),
            root_device_name="/dev/vda",
            state=ImageState.FAILED,
            state_reason="x",
            location="/here",
            made_of="i-00000001",
            copy_of="emi-0000000f",
        )
        self.image(KERNEL, kind=ImageKind.KERNEL, registered_at=NOW.replace(year=2020))
        for name, value in [
            ("architecture", "i386"),
            ("creation-date", "2026-*"),
            ("description", "d"),
            ("image-id", "emi-*"),
            ("image-type", "machine"),
            ("is-public", "true"),
            ("kernel-id", KERNEL),
            ("manifest-location", "/here"),
            ("name", "w?b"),
            ("product-code", "abc"),
            ("ramdisk-id", RAMDISK),
            ("root-device-name", "/dev/vda"),
            ("root-device-type", "instance-store"),
            ("state", "failed"),
            ("source-image-id", "emi-0000000f"),
            ("source-image-region", "here"),
            ("source-instance-id", "i-00000001"),
            ("state-reason-code", "Server.InternalError"),
            ("state-reason-message", "*: x"),
            ("virtualization-type", "paravirtual"),
        ]:
            found = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(found, ["emi-00000001"], name)
        for name, value, count in [
            ("owner-id", ALICE_ID, 2),
            ("owner-alias", "*", 0),
            ("platform", "*", 0),
            ("free-tier-eligible", "false", 2),
            ("image-allowed", "true", 2),
            ("block-device-mapping.volume-size", "*", 0),
            ("product-code.type", "*", 0),
        ]:
            found = self.told(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(len(found), count, name)
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))
