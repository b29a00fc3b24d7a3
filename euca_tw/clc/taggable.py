"""What can have tags: which resource an identifier is of, and who may tag it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen

from euca_tw.api.errors import InvalidId
from euca_tw.clc.access import IMAGE_PREFIXES, instance_of, present_image_of
from euca_tw.clc.addresses import address_allocated
from euca_tw.clc.groups import group_with_id
from euca_tw.clc.keypairs import key_pair_with_id
from euca_tw.clc.placement_groups import placement_group_with_id
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import is_identifier
from euca_tw.model.records import SecurityGroup
from euca_tw.store.interfaces import IStore


@frozen
class Taggable:
    """
    A type of resource.

    @ivar resource_type: EC2's word for it.
    @ivar find: the resource with that identifier, if the caller may see it;
        raises the refusal of its type if not.
    """

    resource_type: str
    find: Callable[[IStore, Caller, str], object]


def _own_group(store: IStore, caller: Caller, group_id: str) -> SecurityGroup:
    return group_with_id(store, caller.account_id, group_id)


_IMAGE = Taggable("image", present_image_of)

#: By what identifiers begin with.
TAGGABLE: Mapping[str, Taggable] = {
    "i": Taggable("instance", instance_of),
    **dict.fromkeys(IMAGE_PREFIXES, _IMAGE),
    "sg": Taggable("security-group", _own_group),
    "key": Taggable("key-pair", key_pair_with_id),
    "pg": Taggable("placement-group", placement_group_with_id),
    "eipalloc": Taggable("elastic-ip", address_allocated),
}


def resource_type_of(store: IStore, caller: Caller, resource_id: str) -> str:
    """
    The type of a resource that the caller may tag.

    @raise InvalidId: it is no identifier of what can have tags.
    @raise ApiError: it is not there, or not for the caller: as its type has it.
    """
    prefix = resource_id.partition("-")[0]
    kind = TAGGABLE.get(prefix)
    if kind is None or not is_identifier(resource_id, prefix):
        raise InvalidId(resource_id)
    kind.find(store, caller, resource_id)
    return kind.resource_type
