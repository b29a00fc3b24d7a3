"""The operations on tags."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial

from attrs import define, evolve
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from euca_tw.api.ec2.common import TagOfResource
from euca_tw.api.ec2.tags import (
    CreateTags,
    CreateTagsResponse,
    DeleteTags,
    DeleteTagsResponse,
    DescribeTags,
    DescribeTagsResponse,
)
from euca_tw.api.errors import (
    InvalidParameterValue,
    MissingParameter,
    TagLimitExceeded,
)
from euca_tw.clc.filters import AskedFilter, Reads, chooser, is_exact, one
from euca_tw.clc.limits import need
from euca_tw.clc.pace import Turn
from euca_tw.clc.paging import asked_page
from euca_tw.clc.taggable import resource_type_of
from euca_tw.clc.tags import MOST_TAGS, checked_key, checked_tags
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import ResourceTags, tags_key
from euca_tw.store.interfaces import Change, Delete, IStore, Put

#: EC2's limit on the resources of one request.
MOST_RESOURCES = 1000

#: So many resources are looked at, or changed, in one reactor step.
STEP = 100


_FILTERS: dict[str, Reads[TagOfResource]] = {
    "key": one(lambda told: told.key),
    "resource-id": one(lambda told: told.resource_id),
    "resource-type": one(lambda told: told.resource_type),
    "value": one(lambda told: told.value),
}


@define(eq=False, kw_only=True)
class Tags:
    """
    The operations on tags.  Of a request that names many resources all are
    looked at first; then they are changed, L{STEP} of them in one commit.
    """

    store: IStore
    clock: IReactorTime
    quotas: Quotas

    async def create_tags(
        self, caller: Caller, request: CreateTags
    ) -> CreateTagsResponse:
        ids = _checked_ids(request.resource_ids)
        if not request.tags:
            raise MissingParameter("Tag")
        tags = checked_tags(request.tags)

        def changed(record: ResourceTags) -> ResourceTags:
            after = dict(record.tags) | tags
            if len(after) > MOST_TAGS:
                raise TagLimitExceeded(MOST_TAGS)
            return evolve(record, tags=tuple(sorted(after.items())))

        await self._change(ids, lambda each: self._seen(caller, each), changed, caller)
        return CreateTagsResponse()

    async def delete_tags(
        self, caller: Caller, request: DeleteTags
    ) -> DeleteTagsResponse:
        """
        Without a tag in the request: all of them.  Who once tagged what he may
        not see any more can still take his tags away.
        """
        ids = _checked_ids(request.resource_ids)
        for each in request.tags:
            checked_key(each.key)

        keys = {each.key for each in request.tags if each.value is None}
        pairs = {(each.key, each.value) for each in request.tags}

        def changed(record: ResourceTags) -> ResourceTags:
            if not request.tags:
                return evolve(record, tags=())
            left = (
                pair
                for pair in record.tags
                if pair[0] not in keys and pair not in pairs
            )
            return evolve(record, tags=tuple(left))

        await self._change(ids, lambda each: self._tagged(caller, each), changed)
        return DeleteTagsResponse()

    async def _change(
        self,
        ids: Sequence[str],
        find: Callable[[str], ResourceTags],
        changed: Callable[[ResourceTags], ResourceTags],
        charged: Caller | None = None,
    ) -> None:
        """
        @param find: the tags of a resource, none if there are none; raises what
            speaks against it.
        @param charged: who needs to have room for more of them.
        """

        def changes(step: Iterable[str]) -> list[tuple[ResourceTags, ResourceTags]]:
            before = [find(each) for each in step]
            return [(each, changed(each)) for each in before]

        def check(more: int) -> None:
            if charged is not None:
                need(self.store, self.quotas, charged, "tags", max(0, more))

        steps = [ids[start : start + STEP] for start in range(0, len(ids), STEP)]
        if len(steps) > 1:
            more = 0
            for step in steps:
                more += _more(changes(step))
                await deferLater(self.clock, 0)
            check(more)
        for number, step in enumerate(steps):
            if number:
                await deferLater(self.clock, 0)
            found = changes(step)
            check(_more(found))
            await self.store.commit(*_kept(found))

    def _seen(self, caller: Caller, resource_id: str) -> ResourceTags:
        """
        The caller's tags of what he may see.

        @raise ApiError: he may not, or it is not there; see L{resource_type_of}.
        """
        resource_type = resource_type_of(self.store, caller, resource_id)
        key = tags_key(caller.account_id, resource_id)
        return self.store.get(ResourceTags, key) or ResourceTags(
            owner_id=AccountId(caller.account_id),
            resource_id=resource_id,
            resource_type=resource_type,
            tags=(),
        )

    def _tagged(self, caller: Caller, resource_id: str) -> ResourceTags:
        """The caller's tags, if he has any there, of what else he may see."""
        key = tags_key(caller.account_id, resource_id)
        found = self.store.get(ResourceTags, key)
        return found if found is not None else self._seen(caller, resource_id)

    async def describe_tags(
        self, caller: Caller, request: DescribeTags
    ) -> DescribeTagsResponse:
        asked = asked_page(request.max_results, request.next_token)
        passes = chooser(_filters(request.filters), request.filters)
        found = self._records(caller.account_id, request.filters)
        records = sorted(found, key=lambda record: record.resource_id)
        told: list[TagOfResource] = []
        turn = Turn(self.clock)
        for start in range(0, len(records), STEP):
            if start:
                await turn.next()
            for each in _in(records[start : start + STEP]):
                if turn.is_over():
                    await turn.next()
                if asked.has(_place(each)) and passes(each):
                    told.append(each)
            if asked.most is not None and len(told) > asked.most:
                break
        shown = asked.cut(told, _place)
        return DescribeTagsResponse(tags=shown.items, next_token=shown.next_token)

    def _records(
        self, account_id: str, asked: Iterable[AskedFilter]
    ) -> Collection[ResourceTags]:
        """As few as the indexes can tell, with all that the filters want."""
        least: Collection[ResourceTags]
        least = self.store.where(ResourceTags, "owner_id", account_id)
        for each in asked:
            if not all(map(is_exact, each.values)):
                continue
            values = dict.fromkeys(each.values)
            views: list[Collection[ResourceTags]]
            if each.name == "resource-id":
                keys = [tags_key(account_id, value) for value in values]
                found = [self.store.get(ResourceTags, key) for key in keys]
                views = [[record] for record in found if record is not None]
            elif each.name in ("key", "value"):
                views = [
                    self.store.where(ResourceTags, f"{each.name}s", (account_id, value))
                    for value in values
                ]
            else:
                continue
            if sum(map(len, views)) < len(least):
                least = list({r.key: r for view in views for r in view}.values())
        return least


def _filters(asked: Iterable[AskedFilter]) -> dict[str, Reads[TagOfResource]]:
    """The known filters, and C{tag:<key>} of each key that is asked for."""
    known = dict(_FILTERS)
    for each in asked:
        prefix, colon, wanted = each.name.partition(":")
        if prefix == "tag" and colon:
            known[each.name] = partial(_value_of, wanted)
    return known


def _value_of(wanted: str, told: TagOfResource) -> Iterable[str]:
    return (told.value or "",) if told.key == wanted else ()


def _more(changes: Iterable[tuple[ResourceTags, ResourceTags]]) -> int:
    """How many tags there will be besides those that there are."""
    return sum(after.count - before.count for before, after in changes)


def _kept(changes: Iterable[tuple[ResourceTags, ResourceTags]]) -> Iterator[Change]:
    """What to commit, of those that are not as they shall be."""
    for before, after in changes:
        if after.tags == before.tags:
            continue
        yield Put(after) if after.tags else Delete(ResourceTags, after.key)


def _checked_ids(ids: Iterable[str]) -> list[str]:
    """
    @raise MissingParameter: there are none.
    @raise InvalidParameterValue: there are too many.
    """
    found = list(dict.fromkeys(ids))
    if not found:
        raise MissingParameter("ResourceId")
    if len(found) > MOST_RESOURCES:
        raise InvalidParameterValue(
            "ResourceId", "...", f"It names more than {MOST_RESOURCES} resources."
        )
    return found


def _in(records: Iterable[ResourceTags]) -> Iterator[TagOfResource]:
    return (
        TagOfResource(
            resource_id=record.resource_id,
            resource_type=record.resource_type,
            key=key,
            value=value,
        )
        for record in records
        for key, value in record.tags
    )


def _place(told: TagOfResource) -> str:
    """A blank is less than all that an identifier has in it."""
    return f"{told.resource_id} {told.key}"
