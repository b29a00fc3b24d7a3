"""
Images: registering, describing and deregistering them.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    ProductCode,
    Request,
    Response,
    StateReason,
    Tag,
    TagSpecification,
)
from euca_tw.api.ec2.devices import BlockDeviceMapping
from euca_tw.api.shapes import Operation, shape, wire


@shape("RegisterImageType")
class RegisterImage(Request):
    """
    @ivar image_location: until 2009-10-31 this alone; its manifest, or where
        its bytes are.
    @ivar name: unique among the user's images.
    @ivar architecture: C{i386} or C{x86_64}.
    """

    image_location: str | None = wire("imageLocation", required=((None, "2009-10-31"),))
    name: str | None = wire("name", since="2009-10-31", required=True)
    description: str | None = wire("description", since="2009-10-31")
    architecture: str | None = wire("architecture", since="2009-10-31")
    kernel_id: str | None = wire("kernelId", since="2009-10-31")
    ramdisk_id: str | None = wire("ramdiskId", since="2009-10-31")
    root_device_name: str | None = wire("rootDeviceName", since="2009-10-31")
    block_device_mappings: tuple[BlockDeviceMapping, ...] = wire(
        "blockDeviceMapping", since="2009-10-31", required=False
    )
    virtualization_type: str | None = wire("virtualizationType", since="2013-10-15")
    sriov_net_support: str | None = wire("sriovNetSupport", since="2013-10-15")
    ena_support: bool | None = wire("enaSupport", since="2016-11-15")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("RegisterImageResponseType")
class RegisterImageResponse(Response):
    image_id: str = wire("imageId")


@shape("DeregisterImageType")
class DeregisterImage(Request):
    image_id: str = wire("imageId")


@shape("DeregisterImageResponseType")
class DeregisterImageResponse(Acknowledgement):
    """It launches no more; what runs goes on."""


@shape("DescribeImagesType")
class DescribeImages(Request):
    """
    No condition: all that the user may launch.

    @ivar executable_by: account numbers, C{self}, or C{all} (the public
        ones).
    @ivar owners: account numbers, C{self}, or C{amazon} and its like.
    @ivar includes_deprecated, includes_disabled: there are none here.
    """

    executable_by: tuple[str, ...] = wire(
        "executableBySet",
        query="ExecutableBy",
        leaf="user",
        item_type="DescribeImagesExecutableByType",
        list_type="DescribeImagesExecutableBySetType",
        since="2006-10-01",
        required=((None, "2007-01-03"),),
    )
    image_ids: tuple[str, ...] = wire(
        "imagesSet",
        query="ImageId",
        leaf="imageId",
        item_type="DescribeImagesItemType",
        list_type="DescribeImagesInfoType",
    )
    owners: tuple[str, ...] = wire(
        "ownersSet",
        query="Owner",
        leaf="owner",
        item_type="DescribeImagesOwnerType",
        list_type="DescribeImagesOwnersType",
        since="2006-10-01",
        required=((None, "2007-01-03"),),
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    includes_deprecated: bool | None = wire("includeDeprecated", since="2016-11-15")
    includes_disabled: bool | None = wire("includeDisabled", since="2016-11-15")
    next_token: str | None = wire("nextToken", since="2016-11-15")
    max_results: int | None = wire("maxResults", since="2016-11-15")


@shape("DescribeImagesResponseItemType", list_type="DescribeImagesResponseInfoType")
class Image:
    """
    @ivar image_state: C{available}, C{pending}, C{failed} or
        C{deregistered}.
    @ivar architecture: C{i386} or C{x86_64}.
    @ivar image_type: C{machine}, C{kernel} or C{ramdisk}.
    @ivar platform: C{windows}, or not there.
    @ivar image_owner_alias: C{amazon}, C{self}; not there for others.
    @ivar root_device_type: C{instance-store} or C{ebs}.
    @ivar virtualization_type: C{hvm} or C{paravirtual}.
    @ivar creation_date: C{2016-11-15T08:00:00.000Z}; a string.
    @ivar source_instance_id: of what it was made of by L{CreateImage}.
    @ivar source_image_id: of what it is a copy of.
    """

    image_id: str = wire("imageId")
    image_location: str | None = wire("imageLocation", required=((None, "2009-10-31"),))
    image_state: str = wire("imageState")
    image_owner_id: str = wire("imageOwnerId")
    creation_date: str | None = wire("creationDate", since="2016-11-15")
    is_public: bool = wire("isPublic")
    product_codes: tuple[ProductCode, ...] = wire(
        "productCodes", since="2007-03-01", required=False
    )
    architecture: str | None = wire("architecture", since="2008-02-01")
    image_type: str | None = wire("imageType", since="2008-02-01")
    kernel_id: str | None = wire("kernelId", since="2008-02-01")
    ramdisk_id: str | None = wire("ramdiskId", since="2008-02-01")
    platform: str | None = wire("platform", since="2008-08-08")
    sriov_net_support: str | None = wire("sriovNetSupport", since="2013-10-15")
    state_reason: StateReason | None = wire("stateReason", since="2009-10-31")
    image_owner_alias: str | None = wire("imageOwnerAlias", since="2009-10-31")
    name: str | None = wire("name", since="2009-10-31")
    description: str | None = wire("description", since="2009-10-31")
    root_device_type: str | None = wire("rootDeviceType", since="2009-10-31")
    root_device_name: str | None = wire("rootDeviceName", since="2009-10-31")
    block_device_mappings: tuple[BlockDeviceMapping, ...] = wire(
        "blockDeviceMapping", since="2009-10-31", required=False
    )
    virtualization_type: str | None = wire("virtualizationType", since="2010-06-15")
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)
    hypervisor: str | None = wire("hypervisor", since="2010-11-15")
    source_instance_id: str | None = wire("sourceInstanceId", since="2016-11-15")
    source_image_id: str | None = wire("sourceImageId", since="2016-11-15")
    source_image_region: str | None = wire("sourceImageRegion", since="2016-11-15")


@shape("DescribeImagesResponseType")
class DescribeImagesResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    images: tuple[Image, ...] = wire("imagesSet")
    next_token: str | None = wire("nextToken", since="2016-11-15")


OPERATIONS = (
    Operation("RegisterImage", RegisterImage, RegisterImageResponse),
    Operation("DeregisterImage", DeregisterImage, DeregisterImageResponse),
    Operation("DescribeImages", DescribeImages, DescribeImagesResponse),
)
