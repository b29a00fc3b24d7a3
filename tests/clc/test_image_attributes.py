"""Attributes of images."""

from __future__ import annotations

from typing import Any

from euca_tw.api.ec2.common import AttributeValue
from euca_tw.api.ec2.image_attributes import (
    DescribeImageAttribute,
    LaunchPermission,
    LaunchPermissionChange,
    ModifyImageAttribute,
    ResetImageAttribute,
)
from euca_tw.api.errors import (
    AuthFailure,
    ImageUnavailable,
    InvalidAttributeValue,
    InvalidParameterValue,
    MalformedImageId,
    MissingParameter,
    NoSuchImage,
    ResourceLimitExceeded,
    UnsupportedOperation,
)
from euca_tw.api.shapes import Empty
from euca_tw.clc.image_attributes import ImageAttributes
from euca_tw.model.callers import Caller
from euca_tw.model.records import Image, ImageKind, ImageState
from tests.clc.cloud import ADMIN, ALICE, BOB, BOB_ID, CloudTestCase

IMAGE = "emi-00000001"
ALL = LaunchPermission(group="all")
FOR_BOB = LaunchPermission(user_id=BOB_ID)


class AttributesTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image()
        self.attributes = ImageAttributes(store=self.store)

    def kept(self) -> Image:
        found = self.store.get(Image, IMAGE)
        assert found is not None
        return found

    def describe(self, attribute: str, caller: Caller = ALICE) -> Any:
        return self.attributes.describe_image_attribute(
            caller, DescribeImageAttribute(image_id=IMAGE, **{attribute: Empty()})
        )

    def modify(self, caller: Caller = ALICE, **change: Any) -> Any:
        return self.attributes.modify_image_attribute(
            caller, ModifyImageAttribute(image_id=IMAGE, **change)
        )

    def permit(self, *add: Any, remove: Any = None, caller: Caller = ALICE) -> Any:
        change = LaunchPermissionChange(add=add or None, remove=remove)
        return self.modify(caller, launch_permission=change)


class DescribeTests(AttributesTestCase):
    def test_permissions(self) -> None:
        """The owner is told who may launch an image."""
        self.image(is_public=True, launch_permissions=(BOB_ID,))
        told = self.result(self.describe("launch_permission"))
        self.assertEqual(told.launch_permissions, (ALL, FOR_BOB))
        self.assertEqual(told.image_id, IMAGE)
        self.image()
        told = self.result(self.describe("launch_permission"))
        self.assertEqual(told.launch_permissions, ())

    def test_permissions_of_anothers(self) -> None:
        """Nobody else is."""
        self.image(is_public=True)
        self.refused(AuthFailure, self.describe("launch_permission", BOB))
        self.result(self.describe("launch_permission", ADMIN))

    def test_others(self) -> None:
        """Each other attribute is told, and it alone."""
        self.image(
            kernel_id="eki-00000001",
            ramdisk_id="eri-00000001",
            product_codes=("abc",),
            description="d",
        )
        for asked, field, told_value in [
            ("kernel", "kernel", "eki-00000001"),
            ("ramdisk", "ramdisk", "eri-00000001"),
            ("description", "description", "d"),
            ("sriov_net_support", "sriov_net_support", None),
        ]:
            told = self.result(self.describe(asked))
            self.assertEqual(getattr(told, field).value, told_value)
            self.assertIsNone(told.launch_permissions)
        [code] = self.result(self.describe("product_codes")).product_codes
        self.assertEqual(code.product_code, "abc")

    def test_unset(self) -> None:
        """What is not set is told as nothing."""
        for asked in "kernel", "ramdisk", "description":
            told = self.result(self.describe(asked))
            self.assertIsNone(getattr(told, asked).value)

    def test_devices(self) -> None:
        """A machine image's disk is told by its names; others have none."""
        told = self.result(self.describe("block_device_mapping"))
        names = [(d.virtual_device, d.device_name) for d in told.block_device_mappings]
        self.assertEqual(names, [("ami", "sda1"), ("root", "/dev/sda1")])
        self.image(kind=ImageKind.KERNEL)
        told = self.result(self.describe("block_device_mapping"))
        self.assertEqual(told.block_device_mappings, ())

    def test_refusals(self) -> None:
        """What is not there, or cannot be told, is refused."""
        self.refused(NoSuchImage, self.describe("kernel", BOB))
        self.refused(UnsupportedOperation, self.describe("instance_type_category"))
        asked = DescribeImageAttribute(image_id=IMAGE)
        self.refused(
            MissingParameter, self.attributes.describe_image_attribute(ALICE, asked)
        )
        asked = DescribeImageAttribute(image_id="x", kernel=Empty())
        self.refused(
            MalformedImageId, self.attributes.describe_image_attribute(ALICE, asked)
        )
        self.image(state=ImageState.DEREGISTERED)
        self.refused(ImageUnavailable, self.describe("kernel"))


class ModifyTests(AttributesTestCase):
    def test_add(self) -> None:
        """Accounts, or all, may launch it from now on."""
        self.assertTrue(self.result(self.permit(FOR_BOB)).is_success)
        self.assertEqual(self.kept().launch_permissions, (BOB_ID,))
        self.assertFalse(self.kept().is_public)
        self.result(self.permit(ALL))
        self.assertTrue(self.kept().is_public)

    def test_add_again(self) -> None:
        """Permitted twice is permitted."""
        self.result(self.permit(FOR_BOB))
        self.result(self.permit(FOR_BOB, ALL, ALL))
        self.assertEqual(self.kept().launch_permissions, (BOB_ID,))

    def test_remove(self) -> None:
        """Accounts, or all, may launch it no more; twice is no harm."""
        self.image(is_public=True, launch_permissions=(BOB_ID,))
        for _ in range(2):
            self.result(self.permit(remove=(FOR_BOB,)))
            self.assertEqual(self.kept().launch_permissions, ())
            self.assertTrue(self.kept().is_public)
        self.result(self.permit(remove=(ALL,)))
        self.assertFalse(self.kept().is_public)

    def test_both(self) -> None:
        """A request of Query may add some and remove others."""
        self.image(is_public=True)
        self.result(self.permit(FOR_BOB, remove=(ALL,)))
        self.assertEqual(self.kept().launch_permissions, (BOB_ID,))
        self.assertFalse(self.kept().is_public)

    def test_nobody(self) -> None:
        """What is no account number, and no group, is refused."""
        for bad in [
            LaunchPermission(group="some"),
            LaunchPermission(user_id="bob"),
            LaunchPermission(user_id="1" * 13),
            LaunchPermission(),
        ]:
            self.refused(InvalidAttributeValue, self.permit(FOR_BOB, bad))
        self.assertEqual(self.kept().launch_permissions, ())

    def test_too_many(self) -> None:
        """There is an end to permissions."""
        many = [LaunchPermission(user_id=f"{n:012}") for n in range(1001)]
        self.refused(ResourceLimitExceeded, self.permit(*many))
        self.result(self.permit(*many[:1000]))

    def test_product_codes(self) -> None:
        """Product codes are added, each once."""
        self.result(self.modify(product_codes=("a", "b")))
        self.result(self.modify(product_codes=("b", "c")))
        self.assertEqual(self.kept().product_codes, ("a", "b", "c"))
        self.refused(MissingParameter, self.modify(product_codes=("",)))
        many = tuple(str(n) for n in range(17))
        self.refused(ResourceLimitExceeded, self.modify(product_codes=many))

    def test_description(self) -> None:
        """The description is replaced, also by none."""
        self.result(self.modify(description=AttributeValue(value="web")))
        self.assertEqual(self.kept().description, "web")
        self.result(self.modify(description=AttributeValue(value="")))
        self.assertEqual(self.kept().description, "")
        long = AttributeValue(value="x" * 256)
        self.refused(InvalidParameterValue, self.modify(description=long))

    def test_refusals(self) -> None:
        """Nothing said, or another's image, is refused."""
        self.refused(MissingParameter, self.modify())
        self.refused(NoSuchImage, self.permit(ALL, caller=BOB))
        self.image(is_public=True)
        self.refused(AuthFailure, self.permit(ALL, caller=BOB))


class ResetTests(AttributesTestCase):
    def reset(self, caller: Caller = ALICE, **given: Any) -> Any:
        given = given or {"launch_permission": Empty()}
        return self.attributes.reset_image_attribute(
            caller, ResetImageAttribute(image_id=IMAGE, **given)
        )

    def test_reset(self) -> None:
        """An image is its owner's alone again."""
        self.image(is_public=True, launch_permissions=(BOB_ID,))
        self.assertTrue(self.result(self.reset()).is_success)
        self.assertEqual(self.kept().launch_permissions, ())
        self.assertFalse(self.kept().is_public)

    def test_kernel(self) -> None:
        """A kernel is for everybody again."""
        self.image(kind=ImageKind.KERNEL)
        self.result(self.reset())
        self.assertTrue(self.kept().is_public)

    def test_refusals(self) -> None:
        """Nothing said, or another's image, is refused."""
        self.refused(MissingParameter, self.reset(launch_permission=None))
        self.refused(NoSuchImage, self.reset(BOB))
