"""
Attributes of instances: their type, their user data, what a shutdown does, …

SOAP says which attribute by the element that stands there, Query by its name
in C{Attribute}, or by a parameter of its own; the forms turn one into the
other.  Most attributes can be changed only while the instance is stopped.
"""

from __future__ import annotations

from typing import Any

from euca_tw.api.ec2.attribute_forms import check_attribute, naming
from euca_tw.api.ec2.common import (
    Acknowledgement,
    AttributeValue,
    BooleanAttributeValue,
    GroupItem,
    NullableAttributeValue,
    NullableBooleanAttributeValue,
    ProductCode,
    Request,
    Response,
)
from euca_tw.api.ec2.devices import InstanceBlockDevice
from euca_tw.api.errors import (
    InvalidParameterCombination,
    InvalidParameterValue,
    MissingParameter,
)
from euca_tw.api.scalars import NotOfType, boolean
from euca_tw.api.shapes import Empty, Field, Operation, members, shape, shape_of, wire

# --- DescribeInstanceAttribute ----------------------------------------------


@shape("DescribeInstanceAttributeType")
class DescribeInstanceAttribute(Request):
    """Exactly one of the attributes is there, and is asked for."""

    instance_id: str = wire("instanceId")
    instance_type: Empty | None = wire("instanceType", choice="attribute")
    kernel: Empty | None = wire("kernel", choice="attribute")
    ramdisk: Empty | None = wire("ramdisk", choice="attribute")
    user_data: Empty | None = wire("userData", choice="attribute")
    disable_api_termination: Empty | None = wire(
        "disableApiTermination", choice="attribute"
    )
    instance_initiated_shutdown_behavior: Empty | None = wire(
        "instanceInitiatedShutdownBehavior", choice="attribute"
    )
    root_device_name: Empty | None = wire("rootDeviceName", choice="attribute")
    block_device_mapping: Empty | None = wire("blockDeviceMapping", choice="attribute")
    source_dest_check: Empty | None = wire(
        "sourceDestCheck", since="2011-01-01", choice="attribute"
    )
    groups: Empty | None = wire("groupSet", since="2011-01-01", choice="attribute")
    product_codes: Empty | None = wire(
        "productCodes", since="2012-04-01", choice="attribute"
    )
    ebs_optimized: Empty | None = wire(
        "ebsOptimized", since="2012-07-20", choice="attribute"
    )
    sriov_net_support: Empty | None = wire(
        "sriovNetSupport", since="2013-10-15", choice="attribute"
    )


@shape("DescribeInstanceAttributeResponseType")
class DescribeInstanceAttributeResponse(Response):
    """
    Exactly the attribute that was asked for is there; a list may be empty.

    @ivar user_data: base64 text.
    @ivar instance_initiated_shutdown_behavior: C{stop} or C{terminate}.
    @ivar sriov_net_support: C{simple}, or not set.
    """

    instance_id: str = wire("instanceId")
    instance_type: NullableAttributeValue | None = wire(
        "instanceType", choice="attribute"
    )
    kernel: NullableAttributeValue | None = wire("kernel", choice="attribute")
    ramdisk: NullableAttributeValue | None = wire("ramdisk", choice="attribute")
    user_data: NullableAttributeValue | None = wire("userData", choice="attribute")
    disable_api_termination: NullableBooleanAttributeValue | None = wire(
        "disableApiTermination", choice="attribute"
    )
    instance_initiated_shutdown_behavior: NullableAttributeValue | None = wire(
        "instanceInitiatedShutdownBehavior", choice="attribute"
    )
    root_device_name: NullableAttributeValue | None = wire(
        "rootDeviceName", choice="attribute"
    )
    block_devices: tuple[InstanceBlockDevice, ...] | None = wire(
        "blockDeviceMapping", choice="attribute"
    )
    source_dest_check: NullableBooleanAttributeValue | None = wire(
        "sourceDestCheck", since="2011-01-01", choice="attribute"
    )
    groups: tuple[GroupItem, ...] | None = wire(
        "groupSet", since="2011-01-01", choice="attribute"
    )
    product_codes: tuple[ProductCode, ...] | None = wire(
        "productCodes", since="2012-04-01", choice="attribute"
    )
    ebs_optimized: NullableBooleanAttributeValue | None = wire(
        "ebsOptimized", since="2012-07-20", choice="attribute"
    )
    sriov_net_support: NullableAttributeValue | None = wire(
        "sriovNetSupport", since="2013-10-15", choice="attribute"
    )


@shape("DescribeInstanceAttributeForm")
class DescribeInstanceAttributeForm(Request):
    """How Query asks for an attribute."""

    instance_id: str = wire("instanceId")
    attribute: str = wire("attribute")

    def request(self) -> DescribeInstanceAttribute:
        """
        @raise InvalidParameterValue: there is no such attribute.
        """
        return naming(
            DescribeInstanceAttribute,
            self.attribute,
            is_dry_run=self.is_dry_run,
            instance_id=self.instance_id,
        )


# --- ModifyInstanceAttribute ------------------------------------------------


@shape("InstanceEbsBlockDeviceType")
class AttachedVolumeChange:
    """
    @ivar volume_id: Query may leave it out: the one that is behind the device.
    """

    volume_id: str | None = wire("volumeId", required=True, query_optional=True)
    delete_on_termination: bool | None = wire("deleteOnTermination")


@shape("InstanceBlockDeviceMappingItemType", list_type="InstanceBlockDeviceMappingType")
class BlockDeviceChange:
    """
    What an instance is to have behind a device name: one of three.

    @ivar virtual_name: C{ephemeral0}, C{swap}.
    @ivar no_device: take away what is mapped there.
    """

    device_name: str = wire("deviceName")
    virtual_name: str | None = wire("virtualName", choice="what")
    ebs: AttachedVolumeChange | None = wire("ebs", choice="what")
    no_device: Empty | None = wire("noDevice", choice="what")


@members
class InstanceAttributeChange(Request):
    """
    Exactly one of the attributes is there, and is changed; Query may leave
    them all out, and give C{Attribute} and C{Value}.

    @ivar user_data: base64 text.
    @ivar instance_initiated_shutdown_behavior: C{stop} or C{terminate}.
    @ivar group_ids: the security groups that it is in from now on; only in a
        VPC.
    @ivar sriov_net_support: C{simple}.
    """

    instance_id: str = wire("instanceId")
    instance_type: AttributeValue | None = wire(
        "instanceType", choice="attribute", query_optional=True
    )
    kernel: AttributeValue | None = wire(
        "kernel", choice="attribute", query_optional=True
    )
    ramdisk: AttributeValue | None = wire(
        "ramdisk", choice="attribute", query_optional=True
    )
    user_data: AttributeValue | None = wire(
        "userData", choice="attribute", query_optional=True
    )
    disable_api_termination: BooleanAttributeValue | None = wire(
        "disableApiTermination", choice="attribute", query_optional=True
    )
    instance_initiated_shutdown_behavior: AttributeValue | None = wire(
        "instanceInitiatedShutdownBehavior", choice="attribute", query_optional=True
    )
    block_devices: tuple[BlockDeviceChange, ...] | None = wire(
        "blockDeviceMapping", choice="attribute", query_optional=True
    )
    source_dest_check: BooleanAttributeValue | None = wire(
        "sourceDestCheck", since="2011-01-01", choice="attribute", query_optional=True
    )
    group_ids: tuple[str, ...] | None = wire(
        "groupSet",
        query="GroupId",
        leaf="groupId",
        item_type="SecurityGroupIdSetItemType",
        since="2011-01-01",
        choice="attribute",
        query_optional=True,
    )
    ebs_optimized: BooleanAttributeValue | None = wire(
        "ebsOptimized", since="2012-07-20", choice="attribute", query_optional=True
    )
    sriov_net_support: AttributeValue | None = wire(
        "sriovNetSupport", since="2013-10-15", choice="attribute", query_optional=True
    )


@shape("ModifyInstanceAttributeType")
class ModifyInstanceAttribute(InstanceAttributeChange):
    """As SOAP says it."""


@shape("ModifyInstanceAttributeResponseType")
class ModifyInstanceAttributeResponse(Acknowledgement):
    """It is changed."""


@shape("ModifyInstanceAttributeForm")
class ModifyInstanceAttributeForm(InstanceAttributeChange):
    """
    How Query says a change: by C{Kernel.Value} and its like, or as of old:
    C{Attribute} and C{Value}.

    @ivar attribute: may be named with its own parameter, too.
    @ivar value: of an attribute that is no list.
    """

    attribute: str | None = wire("attribute")
    value: str | None = wire("value")

    def request(self) -> ModifyInstanceAttribute:
        """
        @raise MissingParameter: no change is said, or only half of one.
        @raise InvalidParameterCombination: more than one is.
        @raise InvalidParameterValue: no such attribute, or no value of it.
        """
        field = self._attribute()
        return ModifyInstanceAttribute(
            is_dry_run=self.is_dry_run,
            instance_id=self.instance_id,
            **{field.python: self._change(field)},
        )

    def _attribute(self) -> Field:
        known = {
            f.wire: f for f in shape_of(ModifyInstanceAttribute).fields if f.choice
        }
        said = [n for n, f in known.items() if getattr(self, f.python) is not None]
        if self.attribute is not None:
            check_attribute(self.attribute, known)
            if self.attribute not in said:
                said.append(self.attribute)
        if not said:
            raise MissingParameter("Attribute")
        if len(said) > 1:
            raise InvalidParameterCombination(
                f"Only one attribute at a time; these are {', '.join(said)}"
            )
        return known[said[0]]

    def _change(self, field: Field) -> Any:
        change = getattr(self, field.python)
        if change is not None:
            if self.value is not None:
                raise InvalidParameterCombination(
                    f"The parameter Value does not go with {field.query}"
                )
            return change
        if field.many:
            raise MissingParameter(f"{field.query}.1")
        if self.value is None:
            raise MissingParameter("Value")
        if field.of is BooleanAttributeValue:
            return BooleanAttributeValue(is_set=_boolean(self.value))
        return AttributeValue(value=self.value)


def _boolean(value: str) -> bool:
    try:
        return boolean(value.lower())
    except NotOfType as refused:
        raise InvalidParameterValue("Value", value, f"{refused.reason}.") from None


# --- ResetInstanceAttribute -------------------------------------------------


@shape("ResetInstanceAttributeType")
class ResetInstanceAttribute(Request):
    """
    Back to what the image says, or to the source and destination being
    checked.
    """

    instance_id: str = wire("instanceId")
    kernel: Empty | None = wire("kernel", choice="attribute")
    ramdisk: Empty | None = wire("ramdisk", choice="attribute")
    source_dest_check: Empty | None = wire(
        "sourceDestCheck", since="2011-01-01", choice="attribute"
    )


@shape("ResetInstanceAttributeResponseType")
class ResetInstanceAttributeResponse(Acknowledgement):
    """It is reset."""


@shape("ResetInstanceAttributeForm")
class ResetInstanceAttributeForm(Request):
    """How Query says it."""

    instance_id: str = wire("instanceId")
    attribute: str = wire("attribute")

    def request(self) -> ResetInstanceAttribute:
        """
        @raise InvalidParameterValue: that attribute cannot be reset.
        """
        return naming(
            ResetInstanceAttribute,
            self.attribute,
            is_dry_run=self.is_dry_run,
            instance_id=self.instance_id,
        )


OPERATIONS = (
    Operation(
        "DescribeInstanceAttribute",
        DescribeInstanceAttribute,
        DescribeInstanceAttributeResponse,
        since="2009-10-31",
        query_form=DescribeInstanceAttributeForm,
    ),
    Operation(
        "ModifyInstanceAttribute",
        ModifyInstanceAttribute,
        ModifyInstanceAttributeResponse,
        since="2009-10-31",
        query_form=ModifyInstanceAttributeForm,
    ),
    Operation(
        "ResetInstanceAttribute",
        ResetInstanceAttribute,
        ResetInstanceAttributeResponse,
        since="2009-10-31",
        query_form=ResetInstanceAttributeForm,
    ),
)
