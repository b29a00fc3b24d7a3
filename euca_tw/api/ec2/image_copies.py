"""
Images made of what is there: of an instance, or of another region's image.

The answer comes at once; the new image is C{pending} until all is copied.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Request, Response, TagSpecification
from euca_tw.api.ec2.devices import BlockDeviceMapping
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreateImageType")
class CreateImage(Request):
    """
    An image of an instance.

    @ivar name: unique among the user's images.
    @ivar no_reboot: do not shut the instance down for it; then its file
        systems may be caught halfway through a change.
    @ivar block_device_mappings: what the image has in place of, or besides,
        what the instance has.
    """

    instance_id: str = wire("instanceId")
    name: str = wire("name")
    description: str | None = wire("description")
    no_reboot: bool | None = wire("noReboot")
    block_device_mappings: tuple[BlockDeviceMapping, ...] = wire(
        "blockDeviceMapping", since="2012-07-20", required=False
    )
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("CreateImageResponseType")
class CreateImageResponse(Response):
    image_id: str = wire("imageId")


@shape("CopyImageType")
class CopyImage(Request):
    """
    A copy in the region that is asked.

    @ivar name: of the copy, unique among the user's images.
    @ivar client_token: the same token again copies nothing more.
    """

    source_region: str = wire("sourceRegion")
    source_image_id: str = wire("sourceImageId")
    name: str = wire("name")
    description: str | None = wire("description")
    client_token: str | None = wire("clientToken")
    copies_tags: bool | None = wire("copyImageTags", since="2016-11-15")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("CopyImageResponseType")
class CopyImageResponse(Response):
    """@ivar image_id: of the copy."""

    image_id: str = wire("imageId")


OPERATIONS = (
    Operation("CreateImage", CreateImage, CreateImageResponse, since="2009-10-31"),
    Operation("CopyImage", CopyImage, CopyImageResponse, since="2013-02-01"),
)
