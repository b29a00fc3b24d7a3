"""
Tags: what users note on their resources, a key and a value each.

A resource has a key once; its value may be empty.  Keys that begin with
C{aws:} are not the user's to write.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    Request,
    Response,
    Tag,
    TagOfResource,
)
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreateTagsType")
class CreateTags(Request):
    """Every tag is put on every resource; one of the same key is replaced."""

    resource_ids: tuple[str, ...] = wire(
        "resourcesSet",
        query="ResourceId",
        leaf="resourceId",
        item_type="ResourceIdSetItemType",
    )
    tags: tuple[Tag, ...] = wire("tagSet", query="Tag")


@shape("CreateTagsResponseType")
class CreateTagsResponse(Acknowledgement):
    """Each resource has each of them."""


@shape("DeleteTagsSetItemType")
class TagToDelete:
    """
    @ivar value: C{""}, too, is a value that it must have to be deleted; None:
        whatever its value.
    """

    key: str | None = wire("key")
    value: str | None = wire("value")


@shape("DeleteTagsType")
class DeleteTags(Request):
    resource_ids: tuple[str, ...] = wire(
        "resourcesSet",
        query="ResourceId",
        leaf="resourceId",
        item_type="ResourceIdSetItemType",
    )
    tags: tuple[TagToDelete, ...] = wire("tagSet", query="Tag")


@shape("DeleteTagsResponseType")
class DeleteTagsResponse(Acknowledgement):
    """They are gone, or were not there."""


@shape("DescribeTagsType")
class DescribeTags(Request):
    """
    No filters: all tags of the user's.

    @ivar next_token: as the last answer had it, for what comes after it.
    """

    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)
    max_results: int | None = wire("maxResults", since="2013-10-15")
    next_token: str | None = wire("nextToken", since="2013-10-15")


@shape("DescribeTagsResponseType")
class DescribeTagsResponse(Response):
    """@ivar next_token: there is more; None: that was all."""

    tags: tuple[TagOfResource, ...] = wire("tagSet")
    next_token: str | None = wire("nextToken", since="2013-10-15")


OPERATIONS = (
    Operation("CreateTags", CreateTags, CreateTagsResponse, since="2010-08-31"),
    Operation("DescribeTags", DescribeTags, DescribeTagsResponse, since="2010-08-31"),
    Operation("DeleteTags", DeleteTags, DeleteTagsResponse, since="2010-08-31"),
)
