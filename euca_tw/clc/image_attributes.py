"""Attributes of images: who may launch them, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import define, evolve

from euca_tw.api.ec2.common import NullableAttributeValue
from euca_tw.api.ec2.image_attributes import (
    DescribeImageAttribute,
    DescribeImageAttributeResponse,
    LaunchPermission,
    LaunchPermissionChange,
    ModifyImageAttribute,
    ModifyImageAttributeResponse,
    ResetImageAttribute,
    ResetImageAttributeResponse,
)
from euca_tw.api.errors import (
    InvalidAttributeValue,
    MissingParameter,
    ResourceLimitExceeded,
)
from euca_tw.clc import views
from euca_tw.clc.access import own_image_of, present_image_of
from euca_tw.clc.checks import checked_text, is_account, unsupported
from euca_tw.clc.images import is_public_at_first
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import Image
from euca_tw.store.interfaces import IStore, Put

EVERYBODY = "all"
MOST_PERMISSIONS = 1000
MOST_PRODUCT_CODES = 16


@define(eq=False, kw_only=True)
class ImageAttributes:
    """The operations on attributes of images."""

    store: IStore

    async def describe_image_attribute(
        self, caller: Caller, request: DescribeImageAttribute
    ) -> DescribeImageAttributeResponse:
        """Who may launch an image is told to its owner alone."""
        unsupported("that attribute", request.instance_type_category is not None)
        if request.launch_permission is not None:
            image = own_image_of(self.store, caller, request.image_id)
            return DescribeImageAttributeResponse(
                image_id=image.image_id, launch_permissions=_permissions(image)
            )
        image = present_image_of(self.store, caller, request.image_id)
        return _told(image, request)

    async def modify_image_attribute(
        self, caller: Caller, request: ModifyImageAttribute
    ) -> ModifyImageAttributeResponse:
        changed = _changing(request)
        image = own_image_of(self.store, caller, request.image_id)
        await self.store.commit(Put(changed(image)))
        return ModifyImageAttributeResponse()

    async def reset_image_attribute(
        self, caller: Caller, request: ResetImageAttribute
    ) -> ResetImageAttributeResponse:
        if request.launch_permission is None:
            raise MissingParameter("attribute")
        image = own_image_of(self.store, caller, request.image_id)
        reset = evolve(
            image, is_public=is_public_at_first(image.kind), launch_permissions=()
        )
        await self.store.commit(Put(reset))
        return ResetImageAttributeResponse()


def _told(
    image: Image, request: DescribeImageAttribute
) -> DescribeImageAttributeResponse:
    if request.product_codes is not None:
        return DescribeImageAttributeResponse(
            image_id=image.image_id,
            product_codes=views.product_codes(image.product_codes),
        )
    if request.block_device_mapping is not None:
        return DescribeImageAttributeResponse(
            image_id=image.image_id, block_device_mappings=views.block_devices(image)
        )
    if request.kernel is not None:
        return DescribeImageAttributeResponse(
            image_id=image.image_id,
            kernel=NullableAttributeValue(value=image.kernel_id),
        )
    if request.ramdisk is not None:
        return DescribeImageAttributeResponse(
            image_id=image.image_id,
            ramdisk=NullableAttributeValue(value=image.ramdisk_id),
        )
    if request.description is not None:
        return DescribeImageAttributeResponse(
            image_id=image.image_id,
            description=NullableAttributeValue(value=image.description or None),
        )
    if request.sriov_net_support is not None:
        return DescribeImageAttributeResponse(
            image_id=image.image_id,
            sriov_net_support=NullableAttributeValue(value=None),
        )
    raise MissingParameter("attribute")


def _permissions(image: Image) -> tuple[LaunchPermission, ...]:
    users = tuple(LaunchPermission(user_id=each) for each in image.launch_permissions)
    return (*((LaunchPermission(group=EVERYBODY),) if image.is_public else ()), *users)


def _changing(request: ModifyImageAttribute) -> Callable[[Image], Image]:
    """
    What a request makes of an image.

    @raise MissingParameter: it names no attribute.
    @raise InvalidAttributeValue: no such group, or no account number.
    @raise InvalidParameterValue: a text is not of its form.
    """
    if request.launch_permission is not None:
        return _permitting(request.launch_permission)
    if request.product_codes is not None:
        codes = [checked_text("productCode", each) for each in request.product_codes]
        return lambda image: _with_product_codes(image, codes)
    if request.description is not None:
        text = request.description.value
        described = checked_text("description", text) if text else ""
        return lambda image: evolve(image, description=described)
    raise MissingParameter("attribute")


def _permitting(change: LaunchPermissionChange) -> Callable[[Image], Image]:
    """Permissions are added and taken away; both may be done twice."""
    added, is_added_for_all = _read(change.add or ())
    removed, is_removed_for_all = _read(change.remove or ())

    def permitted(image: Image) -> Image:
        """@raise ResourceLimitExceeded: there would be too many."""
        permitted = dict.fromkeys((*image.launch_permissions, *added))
        for each in removed:
            permitted.pop(each, None)
        if len(permitted) > MOST_PERMISSIONS:
            raise ResourceLimitExceeded("launch permissions", MOST_PERMISSIONS)
        is_public = (image.is_public or is_added_for_all) and not is_removed_for_all
        return evolve(image, launch_permissions=tuple(permitted), is_public=is_public)

    return permitted


def _read(permissions: Iterable[LaunchPermission]) -> tuple[list[AccountId], bool]:
    """The accounts, and whether everybody is among them."""
    accounts, is_for_all = [], False
    for each in permissions:
        if each.group is not None:
            if each.group != EVERYBODY:
                raise InvalidAttributeValue("group", each.group)
            is_for_all = True
        else:
            user_id = each.user_id or ""
            if not is_account(user_id):
                raise InvalidAttributeValue("userId", user_id)
            accounts.append(AccountId(user_id))
    return accounts, is_for_all


def _with_product_codes(image: Image, added: Iterable[str]) -> Image:
    codes = tuple(dict.fromkeys((*image.product_codes, *added)))
    if len(codes) > MOST_PRODUCT_CODES:
        raise ResourceLimitExceeded("product codes", MOST_PRODUCT_CODES)
    return evolve(image, product_codes=codes)
