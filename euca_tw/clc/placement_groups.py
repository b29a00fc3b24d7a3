"""
Placement groups: instances of one group run close to each other.

What is close here is one cluster: all instances of a group are in the zone that
its first was placed in, until it has none.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define

from euca_tw.api.ec2.placement_groups import (
    CreatePlacementGroup,
    CreatePlacementGroupResponse,
    DeletePlacementGroup,
    DeletePlacementGroupResponse,
    DescribePlacementGroups,
    DescribePlacementGroupsResponse,
)
from euca_tw.api.ec2.placement_groups import PlacementGroup as PlacementGroupView
from euca_tw.api.errors import (
    DuplicatePlacementGroup,
    InvalidParameterValue,
    NoSuchPlacementGroup,
    PlacementGroupInUse,
)
from euca_tw.clc import views
from euca_tw.clc.checks import checked_text
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.limits import need
from euca_tw.clc.tags import tags_for, tags_of, with_tags, without_tags
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Instance, PlacementGroup, placement_group_key
from euca_tw.store.interfaces import Delete, IStore, Put

CLUSTER = "cluster"
RESOURCE_TYPE = "placement-group"


def find_placement_group(store: IStore, owner: str, name: str) -> PlacementGroup:
    """
    An account's placement group.

    @raise NoSuchPlacementGroup:
    """
    found = store.get(PlacementGroup, placement_group_key(owner, name))
    if found is None:
        raise NoSuchPlacementGroup(name)
    return found


def placement_group_with_id(
    store: IStore, caller: Caller, group_id: str
) -> PlacementGroup:
    """
    A caller's placement group.

    @raise NoSuchPlacementGroup:
    """
    for found in store.where(PlacementGroup, "group_id", group_id):
        if found.owner_id == caller.account_id:
            return found
    raise NoSuchPlacementGroup(group_id)


def _view(record: PlacementGroup, tags: views.Pairs) -> PlacementGroupView:
    """What users are told of it: it is there at once."""
    return PlacementGroupView(
        group_name=record.name,
        strategy=record.strategy,
        state="available",
        group_id=record.group_id,
        tags=views.tag_set(tags),
    )


_FILTERS: dict[str, Reads[PlacementGroup]] = {
    "group-id": one(lambda group: group.group_id),
    "group-name": one(lambda group: group.name),
    "state": lambda group: ("available",),
    "strategy": one(lambda group: group.strategy),
}


@define(eq=False, kw_only=True)
class PlacementGroups:
    """The operations on placement groups."""

    store: IStore
    minter: Minter
    quotas: Quotas

    async def create_placement_group(
        self, caller: Caller, request: CreatePlacementGroup
    ) -> CreatePlacementGroupResponse:
        name = checked_text("groupName", request.group_name)
        if request.strategy != CLUSTER:
            raise InvalidParameterValue(
                "strategy", request.strategy, f"This cloud has {CLUSTER}."
            )
        tags = tags_for(request.tag_specifications, RESOURCE_TYPE)[RESOURCE_TYPE]
        key = placement_group_key(caller.account_id, name)
        if self.store.get(PlacementGroup, key) is not None:
            raise DuplicatePlacementGroup(name)
        need(self.store, self.quotas, caller, "placement_groups")
        need(self.store, self.quotas, caller, "tags", len(tags))
        group = PlacementGroup(
            owner_id=AccountId(caller.account_id),
            name=name,
            group_id=self._new_id(),
            strategy=request.strategy,
        )
        tagged = with_tags(group.owner_id, RESOURCE_TYPE, group.group_id, tags)
        await self.store.commit(Put(group), *tagged)
        view = _view(group, tuple(sorted(tags.items())))
        return CreatePlacementGroupResponse(placement_group=view)

    def _new_id(self) -> str:
        def is_taken(made: str) -> bool:
            return bool(self.store.where(PlacementGroup, "group_id", made))

        return self.minter.mint("pg", is_taken)

    async def delete_placement_group(
        self, caller: Caller, request: DeletePlacementGroup
    ) -> DeletePlacementGroupResponse:
        name = checked_text("groupName", request.group_name)
        group = find_placement_group(self.store, caller.account_id, name)
        members = len(self.store.where(Instance, "placed_in", group.key))
        if members:
            raise PlacementGroupInUse(name, members)
        await self.store.commit(
            Delete(PlacementGroup, group.key),
            *without_tags(self.store, group.group_id),
        )
        return DeletePlacementGroupResponse()

    async def describe_placement_groups(
        self, caller: Caller, request: DescribePlacementGroups
    ) -> DescribePlacementGroupsResponse:
        def tagged(group: PlacementGroup) -> views.Pairs:
            return tags_of(self.store, caller.account_id, group.group_id)

        passes = chooser(_FILTERS, request.filters, tagged)
        found: Iterable[PlacementGroup]
        if request.group_names or request.group_ids:
            by_name = (
                find_placement_group(self.store, caller.account_id, name)
                for name in request.group_names
            )
            by_id = (
                placement_group_with_id(self.store, caller, group_id)
                for group_id in request.group_ids
            )
            found = {group.key: group for group in (*by_name, *by_id)}.values()
        else:
            found = self.store.where(PlacementGroup, "owner_id", caller.account_id)
        return DescribePlacementGroupsResponse(
            placement_groups=tuple(
                _view(group, tagged(group)) for group in filter(passes, found)
            )
        )
