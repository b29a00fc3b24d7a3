"""
Attributes of network interfaces: their description and security groups, their
attachment, and whether source and destination of traffic are checked.

SOAP says which attribute by the element that stands there.  So does Query for
a change and a reset; only what is to be described it names in C{Attribute}.
"""

from __future__ import annotations

from euca_tw.api.ec2.attribute_forms import naming
from euca_tw.api.ec2.common import (
    Acknowledgement,
    BooleanAttributeValue,
    GroupItem,
    NullableAttributeValue,
    Request,
    Response,
)
from euca_tw.api.ec2.network_interfaces import NetworkInterfaceAttachment
from euca_tw.api.shapes import Empty, Operation, shape, wire

# --- DescribeNetworkInterfaceAttribute --------------------------------------


@shape("DescribeNetworkInterfaceAttributeType")
class DescribeNetworkInterfaceAttribute(Request):
    """Exactly one of the attributes is there, and is asked for."""

    network_interface_id: str = wire("networkInterfaceId")
    description: Empty | None = wire("description", choice="attribute")
    source_dest_check: Empty | None = wire("sourceDestCheck", choice="attribute")
    groups: Empty | None = wire("groupSet", choice="attribute")
    attachment: Empty | None = wire("attachment", choice="attribute")


@shape("DescribeNetworkInterfaceAttributeResponseType")
class DescribeNetworkInterfaceAttributeResponse(Response):
    """Exactly the attribute that was asked for is there."""

    network_interface_id: str = wire("networkInterfaceId")
    description: NullableAttributeValue | None = wire("description", choice="attribute")
    source_dest_check: BooleanAttributeValue | None = wire(
        "sourceDestCheck", choice="attribute"
    )
    groups: tuple[GroupItem, ...] | None = wire("groupSet", choice="attribute")
    attachment: NetworkInterfaceAttachment | None = wire(
        "attachment", choice="attribute"
    )


@shape("DescribeNetworkInterfaceAttributeForm")
class DescribeNetworkInterfaceAttributeForm(Request):
    """How Query asks for an attribute."""

    network_interface_id: str = wire("networkInterfaceId")
    attribute: str = wire("attribute")

    def request(self) -> DescribeNetworkInterfaceAttribute:
        """
        @raise InvalidParameterValue: there is no such attribute.
        """
        return naming(
            DescribeNetworkInterfaceAttribute,
            self.attribute,
            is_dry_run=self.is_dry_run,
            network_interface_id=self.network_interface_id,
        )


# --- ModifyNetworkInterfaceAttribute ----------------------------------------


@shape("ModifyNetworkInterfaceAttachmentType")
class AttachmentChange:
    """@ivar attachment_id: the one that the interface has now."""

    attachment_id: str = wire("attachmentId")
    delete_on_termination: bool = wire("deleteOnTermination")


@shape("ModifyNetworkInterfaceAttributeType")
class ModifyNetworkInterfaceAttribute(Request):
    """
    Exactly one of the attributes is there, and is changed.

    @ivar group_ids: in place of all that it has.
    """

    network_interface_id: str = wire("networkInterfaceId")
    description: NullableAttributeValue | None = wire("description", choice="attribute")
    source_dest_check: BooleanAttributeValue | None = wire(
        "sourceDestCheck", choice="attribute"
    )
    group_ids: tuple[str, ...] | None = wire(
        "groupSet",
        query="SecurityGroupId",
        leaf="groupId",
        item_type="SecurityGroupIdSetItemType",
        choice="attribute",
    )
    attachment: AttachmentChange | None = wire("attachment", choice="attribute")


@shape("ModifyNetworkInterfaceAttributeResponseType")
class ModifyNetworkInterfaceAttributeResponse(Acknowledgement):
    """It is changed."""


# --- ResetNetworkInterfaceAttribute -----------------------------------------


@shape("ResetNetworkInterfaceAttributeType")
class ResetNetworkInterfaceAttribute(Request):
    """@ivar source_dest_check: back to true; in Query any text will do."""

    network_interface_id: str = wire("networkInterfaceId")
    source_dest_check: Empty | None = wire("sourceDestCheck", choice="attribute")


@shape("ResetNetworkInterfaceAttributeResponseType")
class ResetNetworkInterfaceAttributeResponse(Acknowledgement):
    """It is reset."""


OPERATIONS = (
    Operation(
        "ModifyNetworkInterfaceAttribute",
        ModifyNetworkInterfaceAttribute,
        ModifyNetworkInterfaceAttributeResponse,
        since="2011-12-01",
    ),
    Operation(
        "ResetNetworkInterfaceAttribute",
        ResetNetworkInterfaceAttribute,
        ResetNetworkInterfaceAttributeResponse,
        since="2011-12-01",
    ),
    Operation(
        "DescribeNetworkInterfaceAttribute",
        DescribeNetworkInterfaceAttribute,
        DescribeNetworkInterfaceAttributeResponse,
        since="2011-12-01",
        query_form=DescribeNetworkInterfaceAttributeForm,
    ),
)
