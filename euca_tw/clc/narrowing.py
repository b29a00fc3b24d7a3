"""
What may pass the filters of a request, found by the store's indexes: so who asks
for a few of many does not have all of them looked at.

What is found is still to be held against every filter: an index tells of one of
them, and of exact values.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from euca_tw.clc.access import shown_instances
from euca_tw.clc.filters import AskedFilter, is_exact
from euca_tw.model.callers import Caller
from euca_tw.model.records import Instance, ResourceTags
from euca_tw.store.interfaces import IStore, R

#: In the place of an index: the filter is on the key of the records.
KEY = ""

#: Keys of the records that are sought.
_Keys = Callable[[], Iterable[str]]


def narrowed(
    store: IStore,
    kind: type[R],
    indexes: Mapping[str, str],
    asked: Iterable[AskedFilter],
    tagged_by: str | None,
    otherwise: Collection[R],
) -> Collection[R]:
    """
    As few records as the indexes can tell, with all that pass the filters among
    them; of whomever they are.

    @param indexes: the filters that an index of C{kind} answers, and which it
        is: one of its C{INDEXES} or C{MANY_INDEXES}, or L{KEY}.
    @param tagged_by: the account whose tags are meant, where a record's key is
        the identifier that tags are on; None, where it is not.
    @param otherwise: what is gone through if the indexes tell no less.
    """
    least, keys = len(otherwise), None
    for each in asked:
        found = _found(store, kind, indexes, each, tagged_by)
        if found is not None and found[0] < least:
            least, keys = found
    if keys is None:
        return otherwise
    records = (store.get(kind, key) for key in dict.fromkeys(keys()))
    return [each for each in records if each is not None]


def _found(
    store: IStore,
    kind: type[R],
    indexes: Mapping[str, str],
    asked: AskedFilter,
    tagged_by: str | None,
) -> tuple[int, _Keys] | None:
    """How many records an index has for a filter, and which; None: it has none."""
    values = tuple(dict.fromkeys(asked.values))
    if not all(map(is_exact, values)):
        return None
    index = indexes.get(asked.name)
    if index == KEY:
        return len(values), lambda: values
    if index is not None:
        views = [store.where(kind, index, value) for value in values]
        return _all_of(views, lambda record: record.key)
    if tagged_by is None:
        return None
    tagged = _tagged(store, asked.name, values, tagged_by)
    if tagged is None:
        return None
    return _all_of(tagged, lambda record: record.resource_id)


def _all_of(
    views: Collection[Collection[Any]], key: Callable[[Any], str]
) -> tuple[int, _Keys]:
    return sum(map(len, views)), lambda: (key(each) for view in views for each in view)


def _tagged(
    store: IStore, name: str, values: Iterable[str], account_id: str
) -> list[Collection[ResourceTags]] | None:
    index: str
    of: Callable[[str], object]
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        index, of = "pairs", lambda value: (account_id, key, value)
    elif name in ("tag-key", "tag-value"):
        index = "keys" if name == "tag-key" else "values"
        of = lambda value: (account_id, value)  # noqa: E731
    else:
        return None
    return [store.where(ResourceTags, index, of(value)) for value in values]


def instances_that_may_pass(
    store: IStore,
    caller: Caller,
    indexes: Mapping[str, str],
    asked: Iterable[AskedFilter],
) -> Collection[Instance]:
    """L{narrowed}, of the instances that the caller may see."""
    seen = shown_instances(store, caller)
    found = narrowed(store, Instance, indexes, asked, caller.account_id, seen)
    if found is seen or caller.is_admin:
        return found
    return [each for each in found if each.owner_id == caller.account_id]
