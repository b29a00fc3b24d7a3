"""
Placement groups: instances of one group run close to each other.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    Request,
    Response,
    Tag,
    TagSpecification,
)
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreatePlacementGroupType")
class CreatePlacementGroup(Request):
    """
    @ivar group_name: unique among the user's placement groups.
    @ivar strategy: C{cluster}.
    """

    group_name: str = wire("groupName")
    strategy: str = wire("strategy")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("DeletePlacementGroupType")
class DeletePlacementGroup(Request):
    """No instance may be left in it."""

    group_name: str = wire("groupName")


@shape("DeletePlacementGroupResponseType")
class DeletePlacementGroupResponse(Acknowledgement):
    """It will be gone."""


@shape("DescribePlacementGroupsType")
class DescribePlacementGroups(Request):
    """@ivar group_names: none: all of the user's."""

    group_names: tuple[str, ...] = wire(
        "placementGroupSet",
        query="GroupName",
        leaf="groupName",
        item_type="DescribePlacementGroupItemType",
        list_type="DescribePlacementGroupsInfoType",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )
    group_ids: tuple[str, ...] = wire(
        "groupIdSet", query="GroupId", since="2016-11-15", required=False
    )


@shape("PlacementGroupInfoType", list_type="PlacementGroupSetType")
class PlacementGroup:
    """
    @ivar strategy: C{cluster}.
    @ivar state: C{pending}, C{available}, C{deleting} or C{deleted}.
    """

    group_name: str = wire("groupName")
    strategy: str = wire("strategy")
    state: str = wire("state")
    group_id: str | None = wire("groupId", since="2016-11-15")
    tags: tuple[Tag, ...] = wire("tagSet", since="2016-11-15", required=False)


@shape("CreatePlacementGroupResponseType")
class CreatePlacementGroupResponse(Acknowledgement):
    """Instances can be launched into it once it is C{available}."""

    placement_group: PlacementGroup | None = wire("placementGroup", since="2016-11-15")


@shape("DescribePlacementGroupsResponseType")
class DescribePlacementGroupsResponse(Response):
    placement_groups: tuple[PlacementGroup, ...] = wire("placementGroupSet")


OPERATIONS = (
    Operation(
        "CreatePlacementGroup",
        CreatePlacementGroup,
        CreatePlacementGroupResponse,
        since="2010-06-15",
    ),
    Operation(
        "DescribePlacementGroups",
        DescribePlacementGroups,
        DescribePlacementGroupsResponse,
        since="2010-06-15",
    ),
    Operation(
        "DeletePlacementGroup",
        DeletePlacementGroup,
        DeletePlacementGroupResponse,
        since="2010-06-15",
    ),
)
