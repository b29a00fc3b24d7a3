"""
Tags: what accounts have noted on resources, and what may be noted.

Tags are those of the account that made them: who tags what another has shared
with him sees his own tags there, and nobody else does.  They are kept apart from
what they are on, and go with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from euca_tw.api.ec2.common import Tag, TagSpecification
from euca_tw.api.errors import (
    InvalidParameterValue,
    InvalidTagType,
    MissingParameter,
    TagLimitExceeded,
)
from euca_tw.model.identifiers import AccountId
from euca_tw.model.records import ResourceTags, tags_key
from euca_tw.store.interfaces import Delete, IStore, Put

#: Keys and values, by key.
Pairs = tuple[tuple[str, str], ...]

MOST_TAGS = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256
_RESERVED = "aws:"

#: What XML cannot say, and so no answer could.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def tags_of(store: IStore, account_id: str, resource_id: str) -> Pairs:
    """
    What an account has noted on a resource.  The very same tuple, until that is
    changed.
    """
    found = store.get(ResourceTags, tags_key(account_id, resource_id))
    return found.tags if found is not None else ()


def with_tags(
    account_id: str, resource_type: str, resource_id: str, tags: Mapping[str, str]
) -> tuple[Put, ...]:
    """What to commit so that these are an account's tags of a new resource."""
    if not tags:
        return ()
    made = ResourceTags(
        owner_id=AccountId(account_id),
        resource_id=resource_id,
        resource_type=resource_type,
        tags=tuple(sorted(tags.items())),
    )
    return (Put(made),)


def without_tags(store: IStore, resource_id: str) -> tuple[Delete, ...]:
    """What to commit with a resource's end, so that nobody's tags outlive it."""
    return tuple(
        Delete(ResourceTags, each.key)
        for each in store.where(ResourceTags, "resource_id", resource_id)
    )


def checked_tags(tags: Iterable[Tag]) -> dict[str, str]:
    """
    The tags of a request, by key; of any number.

    @raise MissingParameter: one has no key.
    @raise InvalidParameterValue: a key or a value may not be one, or a key is
        there twice.
    """
    found: dict[str, str] = {}
    for each in tags:
        key = checked_key(each.key)
        if key in found:
            raise InvalidParameterValue("Tag", key, "The tag key is there twice.")
        found[key] = _checked("Tag.Value", each.value or "", LONGEST_VALUE)
    return found


def checked_key(key: str | None) -> str:
    """
    @raise MissingParameter: there is none.
    @raise InvalidParameterValue: it may not be a user's.
    """
    if not key:
        raise MissingParameter("Tag.Key")
    if key.lower().startswith(_RESERVED):
        raise InvalidParameterValue(
            "Tag.Key", key, f"Tag keys starting with '{_RESERVED}' are reserved."
        )
    return _checked("Tag.Key", key, LONGEST_KEY)


def _checked(parameter: str, text: str, longest: int) -> str:
    if len(text) > longest:
        raise InvalidParameterValue(
            parameter, text, f"It is longer than {longest} characters."
        )
    if _UNSPEAKABLE.search(text):
        raise InvalidParameterValue(
            parameter, text, "It has characters that XML does not have."
        )
    return text


def tags_for(
    specifications: Iterable[TagSpecification], *resource_types: str
) -> dict[str, dict[str, str]]:
    """
    The tags that a request has for what it makes, by the type of resource.

    @param resource_types: what it makes.
    @raise InvalidTagType: there are tags for something else.
    @raise InvalidParameterValue: see L{checked_tags}; or a type is there twice.
    @raise TagLimitExceeded: there are more than a resource may have.
    """
    found: dict[str, dict[str, str]] = {each: {} for each in resource_types}
    said = set()
    for each in specifications:
        if each.resource_type not in found:
            raise InvalidTagType(each.resource_type)
        if each.resource_type in said:
            raise InvalidParameterValue(
                "TagSpecification", each.resource_type, "The type is there twice."
            )
        said.add(each.resource_type)
        tags = checked_tags(each.tags)
        if len(tags) > MOST_TAGS:
            raise TagLimitExceeded(MOST_TAGS)
        found[each.resource_type] = tags
    return found
