"""
Attributes of volumes: whether I/O goes on by itself, what one must have bought.

C{autoEnableIO} is about a volume whose data may be inconsistent: if it is set,
I/O is enabled at once, else when the owner asks for it (see
L{euca_tw.api.ec2.volume_status}).
"""

from __future__ import annotations

from euca_tw.api.ec2.attribute_forms import naming
from euca_tw.api.ec2.common import (
    Acknowledgement,
    BooleanAttributeValue,
    NullableBooleanAttributeValue,
    ProductCode,
    Request,
    Response,
)
from euca_tw.api.shapes import Empty, Operation, shape, wire


@shape("DescribeVolumeAttributeType")
class DescribeVolumeAttribute(Request):
    """Exactly one of the attributes is there, and is asked for."""

    volume_id: str = wire("volumeId")
    auto_enable_io: Empty | None = wire(
        "autoEnableIO", choice="attribute", choice_since="2012-04-01"
    )
    product_codes: Empty | None = wire(
        "productCodes", since="2012-04-01", choice="attribute"
    )


@shape("DescribeVolumeAttributeResponseType")
class DescribeVolumeAttributeResponse(Response):
    """
    Exactly the attribute that was asked for is there; a list may be empty.
    """

    volume_id: str = wire("volumeId")
    auto_enable_io: NullableBooleanAttributeValue | None = wire(
        "autoEnableIO", choice="attribute", choice_since="2012-04-01"
    )
    product_codes: tuple[ProductCode, ...] | None = wire(
        "productCodes", since="2012-04-01", choice="attribute"
    )


@shape("DescribeVolumeAttributeForm")
class DescribeVolumeAttributeForm(Request):
    """How Query asks for an attribute."""

    volume_id: str = wire("volumeId")
    attribute: str = wire("attribute")

    def request(self) -> DescribeVolumeAttribute:
        """
        @raise InvalidParameterValue: there is no such attribute.
        """
        return naming(
            DescribeVolumeAttribute,
            self.attribute,
            is_dry_run=self.is_dry_run,
            volume_id=self.volume_id,
        )


@shape("ModifyVolumeAttributeType")
class ModifyVolumeAttribute(Request):
    volume_id: str = wire("volumeId")
    auto_enable_io: BooleanAttributeValue = wire("autoEnableIO")


@shape("ModifyVolumeAttributeResponseType")
class ModifyVolumeAttributeResponse(Acknowledgement):
    """It is changed."""


OPERATIONS = (
    Operation(
        "ModifyVolumeAttribute",
        ModifyVolumeAttribute,
        ModifyVolumeAttributeResponse,
        since="2012-03-01",
    ),
    Operation(
        "DescribeVolumeAttribute",
        DescribeVolumeAttribute,
        DescribeVolumeAttributeResponse,
        since="2012-03-01",
        query_form=DescribeVolumeAttributeForm,
    ),
)
