"""
Attributes of images: who may launch them, what one must have bought, …

SOAP says which attribute by the element that stands there, Query by the name
in C{Attribute}; the forms turn one into the other.
"""

from __future__ import annotations

from typing import Any

from euca_tw.api.ec2.attribute_forms import changes, check_attribute, naming
from euca_tw.api.ec2.common import (
    Acknowledgement,
    AttributeValue,
    NullableAttributeValue,
    ProductCode,
    Request,
    Response,
)
from euca_tw.api.ec2.devices import BlockDeviceMapping
from euca_tw.api.errors import (
    InvalidParameterCombination,
    MissingParameter,
)
from euca_tw.api.shapes import Empty, Operation, shape, wire


@shape("LaunchPermissionItemType", list_type="LaunchPermissionListType")
class LaunchPermission:
    """
    Who may launch an image: one of two.

    @ivar group: C{all}, which is everybody.
    """

    user_id: str | None = wire("userId", choice="who")
    group: str | None = wire("group", choice="who")


# --- DescribeImageAttribute -------------------------------------------------


@shape("DescribeImageAttributeType")
class DescribeImageAttribute(Request):
    """Exactly one of the attributes is there, and is asked for."""

    image_id: str = wire("imageId")
    launch_permission: Empty | None = wire("launchPermission", choice="attribute")
    product_codes: Empty | None = wire(
        "productCodes", since="2007-03-01", choice="attribute"
    )
    kernel: Empty | None = wire("kernel", since="2008-02-01", choice="attribute")
    ramdisk: Empty | None = wire("ramdisk", since="2008-02-01", choice="attribute")
    sriov_net_support: Empty | None = wire(
        "sriovNetSupport", since="2013-10-15", choice="attribute"
    )
    block_device_mapping: Empty | None = wire(
        "blockDeviceMapping", since="2008-02-01", choice="attribute"
    )
    description: Empty | None = wire(
        "description", since="2009-10-31", choice="attribute"
    )
    instance_type_category: Empty | None = wire(
        "instanceTypeCategory", since="2012-03-01", choice="attribute"
    )


@shape("DescribeImageAttributeResponseType")
class DescribeImageAttributeResponse(Response):
    """
    Exactly the attribute that was asked for is there; a list may be empty.
    """

    image_id: str = wire("imageId")
    launch_permissions: tuple[LaunchPermission, ...] | None = wire(
        "launchPermission", choice="attribute"
    )
    product_codes: tuple[ProductCode, ...] | None = wire(
        "productCodes",
        since="2007-03-01",
        choice="attribute",
        early_types=("2012-03-01", "ProductCodeListType", "ProductCodeItemType"),
    )
    kernel: NullableAttributeValue | None = wire(
        "kernel", since="2008-02-01", choice="attribute"
    )
    ramdisk: NullableAttributeValue | None = wire(
        "ramdisk", since="2008-02-01", choice="attribute"
    )
    description: NullableAttributeValue | None = wire(
        "description", since="2009-10-31", choice="attribute"
    )
    sriov_net_support: NullableAttributeValue | None = wire(
        "sriovNetSupport", since="2013-10-15", choice="attribute"
    )
    block_device_mappings: tuple[BlockDeviceMapping, ...] | None = wire(
        "blockDeviceMapping", since="2008-02-01", choice="attribute"
    )


@shape("DescribeImageAttributeForm")
class DescribeImageAttributeForm(Request):
    """How Query asks for an attribute."""

    image_id: str = wire("imageId")
    attribute: str = wire("attribute")

    def request(self) -> DescribeImageAttribute:
        """
        @raise InvalidParameterValue: there is no such attribute.
        """
        return naming(
            DescribeImageAttribute,
            self.attribute,
            unknown=("instanceTypeCategory",),
            is_dry_run=self.is_dry_run,
            image_id=self.image_id,
        )


# --- ModifyImageAttribute ---------------------------------------------------


@shape("LaunchPermissionOperationType")
class LaunchPermissionChange:
    """
    Of the two SOAP says one; Query may say both.

    @ivar add: who may launch it from now on, too.
    @ivar remove: who may no more.
    """

    add: tuple[LaunchPermission, ...] | None = wire("add", choice="change")
    remove: tuple[LaunchPermission, ...] | None = wire("remove", choice="change")


@shape("ModifyImageAttributeType")
class ModifyImageAttribute(Request):
    """
    Exactly one of the attributes is there, and is changed.

    @ivar product_codes: added to those that are there.
    """

    image_id: str = wire("imageId")
    launch_permission: LaunchPermissionChange | None = wire(
        "launchPermission", choice="attribute"
    )
    product_codes: tuple[str, ...] | None = wire(
        "productCodes",
        query="ProductCode",
        leaf="productCode",
        item_type="ProductCodeItemType",
        list_type="ProductCodeListType",
        since="2007-03-01",
        choice="attribute",
    )
    description: AttributeValue | None = wire(
        "description", since="2009-10-31", choice="attribute"
    )


@shape("ModifyImageAttributeResponseType")
class ModifyImageAttributeResponse(Acknowledgement):
    """It is changed."""


@shape("LaunchPermissionForm")
class LaunchPermissionForm:
    """How Query says L{LaunchPermissionChange}."""

    add: tuple[LaunchPermission, ...] = wire("add", required=False)
    remove: tuple[LaunchPermission, ...] = wire("remove", required=False)


@shape("ModifyImageAttributeForm")
class ModifyImageAttributeForm(Request):
    """
    How Query says a change: by C{LaunchPermission.Add.1.UserId} and its like,
    or as of old: C{Attribute}, C{OperationType}, C{UserId.1}, C{UserGroup.1}.

    @ivar operation_type: C{add} or C{remove}.
    @ivar value: of the attribute C{description}.
    """

    image_id: str = wire("imageId")
    attribute: str | None = wire("attribute")
    operation_type: str | None = wire("operationType")
    user_ids: tuple[str, ...] = wire("userId", required=False)
    user_groups: tuple[str, ...] = wire("userGroup", required=False)
    product_codes: tuple[str, ...] = wire(
        "productCode", since="2007-03-01", required=False
    )
    value: str | None = wire("value", since="2009-10-31")
    launch_permission: LaunchPermissionForm | None = wire("launchPermission")
    description: AttributeValue | None = wire("description", since="2009-10-31")

    def request(self) -> ModifyImageAttribute:
        """
        @raise MissingParameter: no change is said.
        @raise InvalidParameterCombination: more than one attribute is.
        @raise InvalidParameterValue: no such attribute or operation.
        """
        change = {
            "launchPermission": self._permissions,
            "productCodes": self._product_codes,
            "description": self._description,
        }[self._attribute()]
        return ModifyImageAttribute(
            is_dry_run=self.is_dry_run, image_id=self.image_id, **change()
        )

    def _attribute(self) -> str:
        said = {
            "launchPermission": self.launch_permission is not None
            or bool(self.user_ids or self.user_groups),
            "productCodes": bool(self.product_codes),
            "description": self.description is not None,
        }
        if self.attribute is not None:
            check_attribute(self.attribute, said)
            said[self.attribute] = True
        chosen = [name for name, is_said in said.items() if is_said]
        if not chosen:
            raise MissingParameter("Attribute")
        if len(chosen) > 1:
            raise InvalidParameterCombination(
                f"Only one attribute at a time; these are {', '.join(chosen)}"
            )
        return chosen[0]

    def _product_codes(self) -> dict[str, Any]:
        if not self.product_codes:
            raise MissingParameter("ProductCode.1")
        return {"product_codes": self.product_codes}

    def _description(self) -> dict[str, Any]:
        if self.description is not None:
            return {"description": self.description}
        if self.value is None:
            raise MissingParameter("Value")
        return {"description": AttributeValue(value=self.value)}

    def _permissions(self) -> dict[str, Any]:
        form = self.launch_permission or LaunchPermissionForm()
        flat = tuple(LaunchPermission(user_id=u) for u in self.user_ids) + tuple(
            LaunchPermission(group=g) for g in self.user_groups
        )
        add, remove = changes(self.operation_type, flat, form.add, form.remove)
        if not add and not remove:
            raise MissingParameter("LaunchPermission.Add.1.UserId")
        change = LaunchPermissionChange(add=add or None, remove=remove or None)
        return {"launch_permission": change}


# --- ResetImageAttribute ----------------------------------------------------


@shape("ResetImageAttributeType")
class ResetImageAttribute(Request):
    """Back to what it was when the image was registered."""

    image_id: str = wire("imageId")
    launch_permission: Empty | None = wire("launchPermission", choice="attribute")


@shape("ResetImageAttributeResponseType")
class ResetImageAttributeResponse(Acknowledgement):
    """It is reset."""


@shape("ResetImageAttributeForm")
class ResetImageAttributeForm(Request):
    """How Query says it."""

    image_id: str = wire("imageId")
    attribute: str = wire("attribute")

    def request(self) -> ResetImageAttribute:
        """
        @raise InvalidParameterValue: that attribute cannot be reset.
        """
        return naming(
            ResetImageAttribute,
            self.attribute,
            is_dry_run=self.is_dry_run,
            image_id=self.image_id,
        )


OPERATIONS = (
    Operation(
        "ModifyImageAttribute",
        ModifyImageAttribute,
        ModifyImageAttributeResponse,
        since="2006-10-01",
        query_form=ModifyImageAttributeForm,
    ),
    Operation(
        "ResetImageAttribute",
        ResetImageAttribute,
        ResetImageAttributeResponse,
        since="2006-10-01",
        query_form=ResetImageAttributeForm,
    ),
    Operation(
        "DescribeImageAttribute",
        DescribeImageAttribute,
        DescribeImageAttributeResponse,
        since="2006-10-01",
        query_form=DescribeImageAttributeForm,
    ),
)
