"""
Security groups; their rules are L{euca_tw.clc.group_rules}'.

Each account has a group called C{default}, made when it is first spoken of and
never deleted; its members may talk to each other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from attrs import define, evolve
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.groups import (
    CreateSecurityGroup,
    CreateSecurityGroupResponse,
    DeleteSecurityGroup,
    DeleteSecurityGroupResponse,
    DescribeSecurityGroups,
    DescribeSecurityGroupsResponse,
)
from euca_tw.api.ec2.groups import SecurityGroup as SecurityGroupView
from euca_tw.api.errors import (
    DuplicateGroup,
    GroupInUse,
    InvalidParameterValue,
    MalformedGroupId,
    MissingParameter,
    NoSuchGroup,
    NoSuchVpc,
    ReservedGroup,
)
from euca_tw.clc import rules, views
from euca_tw.clc.checks import checked_text
from euca_tw.clc.filters import Reads, chooser, one
from euca_tw.clc.limits import need
from euca_tw.clc.narrowing import KEY, narrowed
from euca_tw.clc.paging import asked_page, paged
from euca_tw.clc.tags import tags_for, tags_of, with_tags, without_tags
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId, GroupId, Minter, is_identifier
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import GroupSource, Instance, Permission, SecurityGroup
from euca_tw.store.interfaces import Delete, IStore, Put

DEFAULT = "default"
RESOURCE_TYPE = "security-group"


def find_group(store: IStore, owner: str, name: str) -> SecurityGroup | None:
    """An account's group of that name."""
    for group in store.where(SecurityGroup, "owner_id", owner):
        if group.name == name:
            return group
    return None


def group_with_id(store: IStore, owner: str, group_id: str) -> SecurityGroup:
    """
    @raise MalformedGroupId: it is no group's identifier.
    @raise NoSuchGroup: it is not there, or not the account's.
    """
    if not is_identifier(group_id, "sg"):
        raise MalformedGroupId(group_id)
    found = store.get(SecurityGroup, GroupId(group_id))
    if found is None or found.owner_id != owner:
        raise NoSuchGroup(group_id)
    return found


def check_group_ids(ids: Iterable[str]) -> None:
    """@raise MalformedGroupId: one is no group's identifier."""
    for group_id in ids:
        if not is_identifier(group_id, "sg"):
            raise MalformedGroupId(group_id)


def groups_named(
    store: IStore, owner: str, names: Iterable[str], ids: Iterable[str]
) -> tuple[SecurityGroup, ...]:
    """
    An account's groups, each once.

    @raise MalformedGroupId: no group's identifier.
    @raise NoSuchGroup: one is not there, or not the account's.
    """
    wanted = tuple(ids)
    check_group_ids(wanted)
    found: dict[str, SecurityGroup] = {}
    for name in names:
        group = find_group(store, owner, name)
        if group is None:
            raise NoSuchGroup(name)
        found[group.group_id] = group
    for group_id in wanted:
        group = group_with_id(store, owner, group_id)
        found[group.group_id] = group
    return tuple(found.values())


def check_named(group_id: str | None, name: str | None) -> None:
    """
    Whether a group is named.

    @raise MissingParameter: it is not.
    @raise MalformedGroupId: it is by what is no identifier.
    """
    if not (group_id or name):
        raise MissingParameter("groupName")
    if group_id and not is_identifier(group_id, "sg"):
        raise MalformedGroupId(group_id)


def group_named(
    store: IStore, owner: str, group_id: str | None, name: str | None
) -> SecurityGroup:
    """
    One group of an account's, by whichever of its two names is said.

    @raise MissingParameter: none is.
    @raise MalformedGroupId: no group's identifier.
    @raise NoSuchGroup: it is not there, or not the account's.
    """
    check_named(group_id, name)
    [found] = groups_named(
        store,
        owner,
        () if group_id or not name else (name,),
        (group_id,) if group_id else (),
    )
    return found


async def have_default_group(store: IStore, minter: Minter, owner: str) -> None:
    """Make an account's default group, if it has none."""
    if find_group(store, owner, DEFAULT) is not None:
        return
    made = SecurityGroup(
        group_id=_new_id(store, minter),
        owner_id=AccountId(owner),
        name=DEFAULT,
        description="default group",
    )
    rules_of_it = rules.open_to(as_source(made))
    await store.commit(Put(evolve(made, permissions=rules_of_it)))


def _new_id(store: IStore, minter: Minter) -> GroupId:
    return GroupId(
        minter.mint("sg", lambda made: store.get(SecurityGroup, made) is not None)
    )


def as_source(group: SecurityGroup) -> GroupSource:
    """As rules name it."""
    return GroupSource(
        owner_id=group.owner_id, group_id=group.group_id, group_name=group.name
    )


def _named_by(permissions: Iterable[Permission]) -> Iterator[GroupSource]:
    return (each.group for each in permissions if each.group is not None)


def _filters_on(
    prefix: str, rules_of: Callable[[SecurityGroup], Iterable[Permission]]
) -> dict[str, Reads[SecurityGroup]]:
    """Those on rules, one way."""

    def with_ports(group: SecurityGroup) -> Iterator[Permission]:
        return (p for p in rules_of(group) if p.protocol in rules.WITH_PORTS)

    return {
        f"{prefix}.cidr": lambda g: (p.cidr for p in rules_of(g) if p.cidr),
        f"{prefix}.from-port": lambda g: (str(p.from_port) for p in with_ports(g)),
        f"{prefix}.to-port": lambda g: (str(p.to_port) for p in with_ports(g)),
        f"{prefix}.protocol": lambda g: (p.protocol for p in rules_of(g)),
        f"{prefix}.group-id": lambda g: (s.group_id for s in _named_by(rules_of(g))),
        f"{prefix}.group-name": lambda g: (
            s.group_name for s in _named_by(rules_of(g))
        ),
        f"{prefix}.user-id": lambda g: (s.owner_id for s in _named_by(rules_of(g))),
        f"{prefix}.ipv6-cidr": lambda g: (),
        f"{prefix}.prefix-list-id": lambda g: (),
    }


_FILTERS: dict[str, Reads[SecurityGroup]] = {
    "description": one(lambda g: g.description),
    "group-id": one(lambda g: g.group_id),
    "group-name": one(lambda g: g.name),
    "owner-id": one(lambda g: g.owner_id),
    **_filters_on("ip-permission", lambda g: g.permissions),
}

#: Of groups in a VPC, and of those in none.
_EGRESS_FILTERS = _filters_on("egress.ip-permission", lambda g: g.egress)
_NO_EGRESS_FILTERS = _filters_on("egress.ip-permission", lambda g: ())

#: Which of them an index of the records answers.
_INDEXES = {"group-id": KEY, "owner-id": "owner_id"}


@define(eq=False, kw_only=True)
class Groups:
    """
    The operations on security groups as such.

    @ivar vpc_id: of the default network, if it can be described.
    """

    store: IStore
    clock: IReactorTime
    minter: Minter
    quotas: Quotas
    vpc_id: str | None = None

    async def create_security_group(
        self, caller: Caller, request: CreateSecurityGroup
    ) -> CreateSecurityGroupResponse:
        name = checked_text("groupName", request.group_name)
        if is_identifier(name, "sg"):
            raise InvalidParameterValue("groupName", name, "It has the form of an id.")
        description = checked_text("groupDescription", request.group_description)
        tags = tags_for(request.tag_specifications, RESOURCE_TYPE)[RESOURCE_TYPE]
        if name == DEFAULT:
            raise ReservedGroup(name)
        if request.vpc_id and request.vpc_id != self.vpc_id:
            raise NoSuchVpc(request.vpc_id)
        if find_group(self.store, caller.account_id, name) is not None:
            raise DuplicateGroup(name)
        need(self.store, self.quotas, caller, "security_groups")
        need(self.store, self.quotas, caller, "tags", len(tags))
        group = SecurityGroup(
            group_id=_new_id(self.store, self.minter),
            owner_id=AccountId(caller.account_id),
            name=name,
            description=description,
        )
        tagged = with_tags(group.owner_id, RESOURCE_TYPE, group.group_id, tags)
        await self.store.commit(Put(group), *tagged)
        return CreateSecurityGroupResponse(
            group_id=group.group_id, tags=views.tag_set(sorted(tags.items()))
        )

    async def delete_security_group(
        self, caller: Caller, request: DeleteSecurityGroup
    ) -> DeleteSecurityGroupResponse:
        if request.group_name == DEFAULT:
            raise ReservedGroup(DEFAULT)
        group = group_named(
            self.store, caller.account_id, request.group_id, request.group_name
        )
        if group.name == DEFAULT:
            raise ReservedGroup(group.name)
        if self._is_in_use(group):
            raise GroupInUse(group.name)
        await self.store.commit(
            Delete(SecurityGroup, group.key),
            *without_tags(self.store, group.group_id),
        )
        return DeleteSecurityGroupResponse(group_id=group.group_id)

    def _is_in_use(self, group: SecurityGroup) -> bool:
        """By an instance, or by the rules of another group of its owner."""
        members = self.store.where(Instance, "group_ids", group.group_id)
        if any(instance.is_live for instance in members):
            return True
        return any(
            source.group_id == group.group_id
            for other in self.store.where(SecurityGroup, "owner_id", group.owner_id)
            if other is not group
            for source in _named_by((*other.permissions, *other.egress))
        )

    async def describe_security_groups(
        self, caller: Caller, request: DescribeSecurityGroups
    ) -> DescribeSecurityGroupsResponse:
        await have_default_group(self.store, self.minter, caller.account_id)

        def tagged(group: SecurityGroup) -> views.Pairs:
            return tags_of(self.store, caller.account_id, group.group_id)

        own: Reads[SecurityGroup] = one(lambda group: self.vpc_id)
        of_egress = _EGRESS_FILTERS if self.vpc_id else _NO_EGRESS_FILTERS
        known = {**_FILTERS, "vpc-id": own, **of_egress}
        passes = chooser(known, request.filters, tagged)
        asked = asked_page(request.max_results, request.next_token)

        def shown(group: SecurityGroup) -> SecurityGroupView | None:
            if not passes(group):
                return None
            return views.security_group(group, tagged(group), self.vpc_id)

        told = await paged(
            self.clock,
            tuple(self._named(caller, request)),
            lambda group: group.group_id,
            asked,
            shown,
            weigh=lambda group: 1 + len(group.permissions) + len(group.egress),
        )
        return DescribeSecurityGroupsResponse(
            groups=told.items, next_token=told.next_token
        )

    def _named(
        self, caller: Caller, request: DescribeSecurityGroups
    ) -> Iterable[SecurityGroup]:
        """Those that are named; all that may pass, if none is."""
        account_id = caller.account_id
        if request.group_names or request.group_ids:
            return groups_named(
                self.store, account_id, request.group_names, request.group_ids
            )
        own = self.store.where(SecurityGroup, "owner_id", account_id)
        found = narrowed(
            self.store, SecurityGroup, _INDEXES, request.filters, account_id, own
        )
        return [each for each in found if each.owner_id == account_id]
