"""Attributes of instances."""

from __future__ import annotations

import base64
from typing import Any

from attrs import evolve

from euca_tw.api.ec2.common import (
    AttributeValue,
    BooleanAttributeValue,
    NullableAttributeValue,
    NullableBooleanAttributeValue,
)
from euca_tw.api.ec2.instance_attributes import (
    BlockDeviceChange,
    DescribeInstanceAttribute,
    ModifyInstanceAttribute,
    ResetInstanceAttribute,
)
from euca_tw.api.errors import (
    ImageUnavailable,
    IncorrectInstanceState,
    InvalidParameterCombination,
    InvalidParameterValue,
    MalformedInstanceId,
    MalformedUserData,
    MissingParameter,
    NoSuchGroup,
    NoSuchImage,
    NoSuchInstance,
    UnsupportedOperation,
)
from euca_tw.api.shapes import Empty
from euca_tw.clc.instance_attributes import InstanceAttributes
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import GroupId, ImageId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    ImageKind,
    ImageState,
    Instance,
    InstanceState,
    SecurityGroup,
)
from tests.clc.cloud import ALICE, ALICE_ID, BOB, BOB_ID, TYPES, CloudTestCase

KERNEL, RAMDISK = ImageId("eki-00000001"), ImageId("eri-00000001")
STOPPED = {"state": InstanceState.STOPPED, "wanted": InstanceState.STOPPED}


def text(value: str | None) -> NullableAttributeValue:
    return NullableAttributeValue(value=value)


def yes_or_no(is_set: bool) -> NullableBooleanAttributeValue:
    return NullableBooleanAttributeValue(is_set=is_set)


class AttributesTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image(product_codes=("abc",), root_device_name="/dev/vda")
        self.image(KERNEL, kind=ImageKind.KERNEL)
        self.image(RAMDISK, kind=ImageKind.RAMDISK)
        self.attributes = InstanceAttributes(
            store=self.store,
            clusters=self.clusters,
            quotas=Quotas(user_data_bytes=16),
            machine_types=TYPES,
        )

    def kept(self, instance: Instance) -> Instance:
        found = self.store.get(Instance, instance.key)
        assert found is not None
        return found

    def describe(self, name: str, caller: Caller = ALICE, of: str = "") -> Any:
        return self.attributes.describe_instance_attribute(
            caller,
            DescribeInstanceAttribute(
                instance_id=of or "i-00000001", **{name: Empty()}
            ),
        )

    def modify(self, caller: Caller = ALICE, **change: Any) -> Any:
        return self.attributes.modify_instance_attribute(
            caller, ModifyInstanceAttribute(instance_id="i-00000001", **change)
        )

    def reset(self, name: str) -> Any:
        return self.attributes.reset_instance_attribute(
            ALICE,
            ResetInstanceAttribute(instance_id="i-00000001", **{name: Empty()}),
        )


class DescribeTests(AttributesTestCase):
    def test_each(self) -> None:
        """Exactly the attribute that is asked for is told, as it is."""
        one = self.instance(
            1,
            kernel_id=KERNEL,
            ramdisk_id=RAMDISK,
            user_data="aGVsbG8=",
            is_protected=True,
            stops_itself=True,
        )
        for name, answered, value in (
            ("instance_type", "instance_type", text("m1.small")),
            ("kernel", "kernel", text(KERNEL)),
            ("ramdisk", "ramdisk", text(RAMDISK)),
            ("user_data", "user_data", text("aGVsbG8=")),
            ("disable_api_termination", "disable_api_termination", yes_or_no(True)),
            (
                *["instance_initiated_shutdown_behavior"] * 2,
                text("stop"),
            ),
            ("root_device_name", "root_device_name", text("/dev/vda")),
            ("block_device_mapping", "block_devices", ()),
            ("source_dest_check", "source_dest_check", yes_or_no(True)),
            ("ebs_optimized", "ebs_optimized", yes_or_no(False)),
            ("sriov_net_support", "sriov_net_support", text(None)),
        ):
            told = self.result(self.describe(name))
            self.assertEqual(told.instance_id, one.instance_id)
            self.assertEqual(getattr(told, answered), value, name)
        [group] = self.result(self.describe("groups")).groups
        self.assertEqual(group.group_id, "sg-00000001")
        [code] = self.result(self.describe("product_codes")).product_codes
        self.assertEqual(code.product_code, "abc")

    def test_not_set(self) -> None:
        """What was never said is told as EC2's default, or as not set."""
        self.instance(1)
        told = self.result(self.describe("user_data"))
        self.assertEqual(told.user_data, text(None))
        told = self.result(self.describe("disable_api_termination"))
        self.assertEqual(told.disable_api_termination, yes_or_no(False))
        told = self.result(self.describe("instance_initiated_shutdown_behavior"))
        self.assertEqual(told.instance_initiated_shutdown_behavior, text("terminate"))

    def test_image_is_gone(self) -> None:
        """Of an image that is not known any more nothing is told."""
        self.instance(1, image_id="emi-99999999")
        told = self.result(self.describe("root_device_name"))
        self.assertEqual(told.root_device_name, text(None))
        self.assertEqual(self.result(self.describe("product_codes")).product_codes, ())

    def test_refusals(self) -> None:
        """What is another's, or no instance, is refused."""
        self.instance(1)
        self.refused(NoSuchInstance, self.describe("kernel", BOB))
        self.refused(MalformedInstanceId, self.describe("kernel", of="x"))
        self.refused(
            MissingParameter,
            self.attributes.describe_instance_attribute(
                ALICE, DescribeInstanceAttribute(instance_id="i-00000001")
            ),
        )


class ModifyTests(AttributesTestCase):
    def test_while_stopped(self) -> None:
        """What its node makes anew is changed of a stopped one; its disks stay."""
        one = self.instance(1, **STOPPED)
        for change in (
            {"instance_type": AttributeValue(value="m1.large")},
            {"kernel": AttributeValue(value=KERNEL)},
            {"ramdisk": AttributeValue(value=RAMDISK)},
            {"user_data": AttributeValue(value="aGVs\nbG8=")},
        ):
            self.assertTrue(self.result(self.modify(**change)).is_success)
        kept = self.kept(one)
        self.assertEqual(
            (kept.instance_type, kept.cores, kept.memory_mib, kept.disk_gib),
            ("m1.large", 2, 512, one.disk_gib),
        )
        self.assertEqual((kept.kernel_id, kept.ramdisk_id), (KERNEL, RAMDISK))
        self.assertEqual(kept.user_data, "aGVsbG8=")
        self.assertEqual(self.clusters.woken, ["one"] * 4)

    def test_only_while_stopped(self) -> None:
        """Of others it is refused, with their state, and nothing changes."""
        for state in set(InstanceState) - {InstanceState.STOPPED}:
            one = self.instance(1, state=state, kernel_id=KERNEL)
            for change in (
                {"instance_type": AttributeValue(value="m1.large")},
                {"kernel": AttributeValue(value=KERNEL)},
                {"ramdisk": AttributeValue(value=RAMDISK)},
                {"user_data": AttributeValue(value="aGVsbG8=")},
            ):
                refusal = self.refused(IncorrectInstanceState, self.modify(**change))
                self.assertEqual(refusal.code, "IncorrectInstanceState")
                self.assertIn(state.value, refusal.message)
            for name in ("kernel", "ramdisk"):
                self.refused(IncorrectInstanceState, self.reset(name))
            self.assertEqual(self.kept(one), one)

    def test_at_any_time(self) -> None:
        """What is the cloud's alone may be changed while it runs."""
        one = self.instance(1)
        on = BooleanAttributeValue(is_set=True)
        self.result(self.modify(disable_api_termination=on))
        self.result(
            self.modify(
                instance_initiated_shutdown_behavior=AttributeValue(value="stop")
            )
        )
        kept = self.kept(one)
        self.assertEqual((kept.is_protected, kept.stops_itself), (True, True))
        off = BooleanAttributeValue(is_set=False)
        self.result(self.modify(disable_api_termination=off))
        self.assertFalse(self.kept(one).is_protected)

    def test_groups(self) -> None:
        """An instance may be put into other groups of its owner's."""
        one = self.instance(1)
        for group_id, owner in (("sg-0000000a", ALICE_ID), ("sg-0000000b", BOB_ID)):
            self.put(
                SecurityGroup(
                    group_id=GroupId(group_id),
                    owner_id=owner,
                    name="web",
                    description="d",
                )
            )
        self.result(self.modify(group_ids=("sg-0000000a",)))
        [group] = self.kept(one).groups
        self.assertEqual((group.group_id, group.name), ("sg-0000000a", "web"))
        self.refused(NoSuchGroup, self.modify(group_ids=("sg-0000000b",)))
        self.refused(MissingParameter, self.modify(group_ids=()))
        self.instance(1, state=InstanceState.TERMINATED)
        self.refused(IncorrectInstanceState, self.modify(group_ids=("sg-0000000a",)))

    def test_values(self) -> None:
        """What cannot be is refused, and told."""
        self.instance(1, **STOPPED)
        self.image("eki-00000002", kind=ImageKind.KERNEL, state=ImageState.PENDING)
        long = base64.b64encode(b"x" * 17).decode()
        for kind, change in (
            (InvalidParameterValue, {"instance_type": AttributeValue(value="huge")}),
            (NoSuchImage, {"kernel": AttributeValue(value=RAMDISK)}),
            (ImageUnavailable, {"kernel": AttributeValue(value="eki-00000002")}),
            (InvalidParameterCombination, {"ramdisk": AttributeValue(value=RAMDISK)}),
            (MalformedUserData, {"user_data": AttributeValue(value="!")}),
            (InvalidParameterValue, {"user_data": AttributeValue(value=long)}),
            (
                InvalidParameterValue,
                {"instance_initiated_shutdown_behavior": AttributeValue(value="x")},
            ),
            (
                MissingParameter,
                {"instance_initiated_shutdown_behavior": AttributeValue(value="")},
            ),
            (MissingParameter, {}),
        ):
            self.refused(kind, self.modify(**change))

    def test_as_it_is(self) -> None:
        """What cannot be otherwise may be asked to be as it is, and nothing else."""
        one = self.instance(1)
        on, off = (BooleanAttributeValue(is_set=each) for each in (True, False))
        self.result(self.modify(source_dest_check=on))
        self.result(self.modify(ebs_optimized=off))
        for change in (
            {"source_dest_check": off},
            {"ebs_optimized": on},
            {"sriov_net_support": AttributeValue(value="simple")},
            {"block_devices": (BlockDeviceChange(device_name="/dev/sdb"),)},
        ):
            self.refused(UnsupportedOperation, self.modify(**change))
        self.assertEqual(self.kept(one), one)

    def test_anothers(self) -> None:
        """Nobody changes another's."""
        self.instance(1)
        on = BooleanAttributeValue(is_set=True)
        self.refused(NoSuchInstance, self.modify(BOB, disable_api_termination=on))


class ResetTests(AttributesTestCase):
    def test_of_the_image(self) -> None:
        """Kernel and ramdisk are again what the image says."""
        one = self.instance(1, kernel_id="eki-9", ramdisk_id="eri-9", **STOPPED)
        self.image(kernel_id=KERNEL, ramdisk_id=RAMDISK)
        self.result(self.reset("kernel"))
        self.result(self.reset("ramdisk"))
        kept = self.kept(one)
        self.assertEqual((kept.kernel_id, kept.ramdisk_id), (KERNEL, RAMDISK))

    def test_image_is_gone(self) -> None:
        """Of an image that is not known any more, they stay as they are."""
        one = self.instance(1, image_id="emi-99999999", kernel_id=KERNEL, **STOPPED)
        self.result(self.reset("kernel"))
        self.result(self.reset("ramdisk"))
        self.assertEqual(self.kept(one), one)

    def test_kernel_is_gone(self) -> None:
        """What the image says must be there still, unless the instance has it."""
        gone = "eki-0000dead"
        one = self.instance(1, kernel_id=KERNEL, ramdisk_id=RAMDISK, **STOPPED)
        self.image(kernel_id=gone, ramdisk_id=gone)
        for name in "kernel", "ramdisk":
            refusal = self.refused(ImageUnavailable, self.reset(name))
            self.assertIn(gone, refusal.message)
        self.image(gone, kind=ImageKind.KERNEL, state=ImageState.DEREGISTERED)
        self.refused(ImageUnavailable, self.reset("kernel"))
        self.assertEqual(self.kept(one), one)
        self.put(evolve(one, kernel_id=gone))
        self.result(self.reset("kernel"))
        self.assertEqual(self.kept(one).kernel_id, gone)

    def test_checks(self) -> None:
        """Source and destination are checked always."""
        one = self.instance(1)
        self.result(self.reset("source_dest_check"))
        self.assertEqual(self.kept(one), one)
        self.refused(
            MissingParameter,
            self.attributes.reset_instance_attribute(
                ALICE, ResetInstanceAttribute(instance_id="i-00000001")
            ),
        )
