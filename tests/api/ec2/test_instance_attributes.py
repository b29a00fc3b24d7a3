"""
Tests for what Query says otherwise than SOAP:
L{euca_tw.api.ec2.instance_attributes}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.common import AttributeValue, BooleanAttributeValue
from euca_tw.api.ec2.instance_attributes import (
    AttachedVolumeChange,
    BlockDeviceChange,
    DescribeInstanceAttribute,
    DescribeInstanceAttributeForm,
    ModifyInstanceAttribute,
    ModifyInstanceAttributeForm,
    ResetInstanceAttribute,
    ResetInstanceAttributeForm,
)
from euca_tw.api.errors import (
    ApiError,
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from euca_tw.api.shapes import Empty, Version
from euca_tw.query.parameters import read

VERSION = Version("2014-06-15")

#: The attributes that are one text, and those that are true or false.
TEXTS = {
    "instanceType": "instance_type",
    "kernel": "kernel",
    "ramdisk": "ramdisk",
    "userData": "user_data",
    "instanceInitiatedShutdownBehavior": "instance_initiated_shutdown_behavior",
    "sriovNetSupport": "sriov_net_support",
}
BOOLEANS = {
    "disableApiTermination": "disable_api_termination",
    "sourceDestCheck": "source_dest_check",
    "ebsOptimized": "ebs_optimized",
}
LISTS = {"blockDeviceMapping": "block_device_mapping", "groupSet": "groups"}


class Describe(SynchronousTestCase):
    """C{Attribute} of DescribeInstanceAttribute."""

    def test_each(self) -> None:
        """Every attribute can be asked for by its name."""
        others = {"rootDeviceName": "root_device_name", "productCodes": "product_codes"}
        for attribute, member in {**TEXTS, **BOOLEANS, **LISTS, **others}.items():
            form = DescribeInstanceAttributeForm(
                instance_id="i-1", attribute=attribute, is_dry_run=True
            )
            self.assertEqual(
                form.request(),
                DescribeInstanceAttribute(
                    instance_id="i-1", is_dry_run=True, **{member: Empty()}
                ),
            )

    def test_unknown(self) -> None:
        """Others are refused by name."""
        form = DescribeInstanceAttributeForm(instance_id="i-1", attribute="colour")
        refusal = self.assertRaises(InvalidParameterValue, form.request)
        self.assertEqual((refusal.parameter, refusal.value), ("Attribute", "colour"))


class Reset(SynchronousTestCase):
    """C{Attribute} of ResetInstanceAttribute."""

    def test_each(self) -> None:
        """What comes of the image can be reset, and the check of traffic."""
        for attribute, member in (
            ("kernel", "kernel"),
            ("ramdisk", "ramdisk"),
            ("sourceDestCheck", "source_dest_check"),
        ):
            form = ResetInstanceAttributeForm(
                instance_id="i-1", attribute=attribute, is_dry_run=True
            )
            self.assertEqual(
                form.request(),
                ResetInstanceAttribute(
                    instance_id="i-1", is_dry_run=True, **{member: Empty()}
                ),
            )

    def test_others(self) -> None:
        """Nothing else can."""
        form = ResetInstanceAttributeForm(instance_id="i-1", attribute="userData")
        self.assertRaises(InvalidParameterValue, form.request)


def change(**said: Any) -> ModifyInstanceAttribute:
    """What SOAP would say."""
    return ModifyInstanceAttribute(instance_id="i-1", **said)


class Modify(SynchronousTestCase):
    """ModifyInstanceAttribute."""

    def made(self, **said: Any) -> ModifyInstanceAttribute:
        return ModifyInstanceAttributeForm(instance_id="i-1", **said).request()

    def refusal(self, **said: Any) -> ApiError:
        refusal: ApiError = self.assertRaises(ApiError, self.made, **said)
        return refusal

    def asked(self, **parameters: str) -> ModifyInstanceAttribute:
        """What comes of these parameters, dots written as C{__}."""
        named = {name.replace("__", "."): said for name, said in parameters.items()}
        named["InstanceId"] = "i-1"
        form: ModifyInstanceAttributeForm = read(
            ModifyInstanceAttributeForm, VERSION, named
        )
        return form.request()

    def test_old_form(self) -> None:
        """Of old an attribute was named, and its value given as a text."""
        for attribute, member in TEXTS.items():
            self.assertEqual(
                self.made(attribute=attribute, value="x"),
                change(**{member: AttributeValue(value="x")}),
            )

    def test_old_form_of_booleans(self) -> None:
        """True and false are known however they are printed."""
        for attribute, member in BOOLEANS.items():
            for text, is_set in (("true", True), ("False", False), ("1", True)):
                value = BooleanAttributeValue(is_set=is_set)
                self.assertEqual(
                    self.made(attribute=attribute, value=text),
                    change(**{member: value}),
                )

    def test_new_form(self) -> None:
        """Now each has its own parameter, and its name may be given too."""
        for attribute, member, value in (
            *((a, m, AttributeValue(value="x")) for a, m in TEXTS.items()),
            *((a, m, BooleanAttributeValue(is_set=False)) for a, m in BOOLEANS.items()),
            (
                "blockDeviceMapping",
                "block_devices",
                (BlockDeviceChange(device_name="/dev/sdb", no_device=Empty()),),
            ),
            ("groupSet", "group_ids", ("sg-1", "sg-2")),
        ):
            expected = change(is_dry_run=True, **{member: value})
            for named in ({}, {"attribute": attribute}):
                said = {member: value, **named}
                self.assertEqual(self.made(is_dry_run=True, **said), expected)

    def test_empty_value(self) -> None:
        """An empty text is a value."""
        expected = change(user_data=AttributeValue(value=""))
        self.assertEqual(self.asked(UserData__Value=""), expected)
        self.assertEqual(self.asked(Attribute="userData", Value=""), expected)

    def test_volume(self) -> None:
        """Of a device it need not be said which volume is behind it."""
        made = self.asked(
            BlockDeviceMapping__1__DeviceName="/dev/sda1",
            BlockDeviceMapping__1__Ebs__DeleteOnTermination="true",
        )
        self.assertEqual(
            made.block_devices,
            (
                BlockDeviceChange(
                    device_name="/dev/sda1",
                    ebs=AttachedVolumeChange(delete_on_termination=True),
                ),
            ),
        )

    def test_missing(self) -> None:
        """What is missing is named."""
        for said, parameter in (
            ({}, "Attribute"),
            ({"value": "x"}, "Attribute"),
            ({"attribute": "kernel"}, "Value"),
            ({"attribute": "sourceDestCheck"}, "Value"),
            ({"attribute": "groupSet"}, "GroupId.1"),
            ({"attribute": "groupSet", "value": "sg-1"}, "GroupId.1"),
            ({"attribute": "blockDeviceMapping"}, "BlockDeviceMapping.1"),
        ):
            self.assertEqual(
                repr(self.refusal(**said)), repr(MissingParameter(parameter))
            )

    def test_too_much(self) -> None:
        """One attribute is changed at a time, and said in one way."""
        kernel, off = AttributeValue(value="x"), BooleanAttributeValue(is_set=False)
        for said, reason in (
            (
                {"kernel": kernel, "ebs_optimized": off},
                "Only one attribute at a time; these are kernel, ebsOptimized",
            ),
            (
                {"kernel": kernel, "attribute": "ramdisk", "value": "y"},
                "Only one attribute at a time; these are kernel, ramdisk",
            ),
            (
                {"kernel": kernel, "attribute": "kernel", "value": "x"},
                "The parameter Value does not go with Kernel",
            ),
            (
                {"group_ids": ("sg-1",), "value": "sg-2"},
                "The parameter Value does not go with GroupId",
            ),
        ):
            self.assertEqual(
                repr(self.refusal(**said)), repr(InvalidParameterCombination(reason))
            )
        self.assertRaises(
            InvalidParameterCombination,
            self.asked,
            Kernel__Value="x",
            Ramdisk__Value="y",
        )

    def test_invalid(self) -> None:
        """What is no attribute that can be changed, or no value, is refused."""
        for attribute in ("colour", "rootDeviceName", "productCodes"):
            refusal = self.refusal(attribute=attribute, value="x")
            self.assertIsInstance(refusal, InvalidParameterValue)
        self.assertEqual(
            repr(self.refusal(attribute="ebsOptimized", value="yes")),
            repr(InvalidParameterValue("Value", "yes", "It must be true or false.")),
        )
