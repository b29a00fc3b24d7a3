"""
Security groups: who may talk to whom.

Each account has a group called C{default}, made when it is first spoken of and
never deleted; its members may talk to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, evolve
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.groups import (
    AuthorizeSecurityGroupIngress,
    AuthorizeSecurityGroupIngressResponse,
    CreateSecurityGroup,
    CreateSecurityGroupResponse,
    DeleteSecurityGroup,
    DeleteSecurityGroupResponse,
    DescribeSecurityGroups,
    DescribeSecurityGroupsResponse,
    Ingress,
    RevokeSecurityGroupIngress,
    RevokeSecurityGroupIngressResponse,
    UserIdGroupPair,
)
from euca_tw.api.ec2.groups import SecurityGroup as SecurityGroupView
from euca_tw.api.errors import (
    AuthFailure,
    DuplicateGroup,
    DuplicatePermission,
    GroupInUse,
    InvalidParameterValue,
    MalformedGroupId,
    MissingParameter,
    NoSuchGroup,
    NoSuchPermission,
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
    rules_of_it = rules.open_to(_as_source(made))
    await store.commit(Put(evolve(made, permissions=rules_of_it)))


def _new_id(store: IStore, minter: Minter) -> GroupId:
    return GroupId(
        minter.mint("sg", lambda made: store.get(SecurityGroup, made) is not None)
    )


def _as_source(group: SecurityGroup) -> GroupSource:
    return GroupSource(
        owner_id=group.owner_id, group_id=group.group_id, group_name=group.name
    )


def _sources(group: SecurityGroup) -> Iterator[GroupSource]:
    return (each.group for each in group.permissions if each.group is not None)


_FILTERS: dict[str, Reads[SecurityGroup]] = {
    "description": one(lambda g: g.description),
    "group-id": one(lambda g: g.group_id),
    "group-name": one(lambda g: g.name),
    "owner-id": one(lambda g: g.owner_id),
    "ip-permission.cidr": lambda g: (p.cidr for p in g.permissions if p.cidr),
    "ip-permission.from-port": lambda g: (str(p.from_port) for p in g.permissions),
    "ip-permission.to-port": lambda g: (str(p.to_port) for p in g.permissions),
    "ip-permission.protocol": lambda g: (p.protocol for p in g.permissions),
    "ip-permission.group-id": lambda g: (s.group_id for s in _sources(g)),
    "ip-permission.group-name": lambda g: (s.group_name for s in _sources(g)),
    "ip-permission.user-id": lambda g: (s.owner_id for s in _sources(g)),
    "ip-permission.ipv6-cidr": lambda g: (),
    "ip-permission.prefix-list-id": lambda g: (),
    # What instances send is never held back; where it is told, by one rule.
    **{
        f"egress.ip-permission.{name}": lambda g: ()
        for name in (
            *("cidr", "from-port", "group-id", "group-name", "ipv6-cidr"),
            *("prefix-list-id", "protocol", "to-port", "user-id"),
        )
    },
}

#: Those on the one rule that groups in a VPC have for what they send.
_EGRESS_FILTERS: dict[str, Reads[SecurityGroup]] = {
    "egress.ip-permission.cidr": lambda g: (r.cidr_ip for r in views.EGRESS.ip_ranges),
    "egress.ip-permission.protocol": lambda g: (views.EGRESS.ip_protocol,),
}

#: Which of them an index of the records answers.
_INDEXES = {"group-id": KEY, "owner-id": "owner_id"}


@define(eq=False, kw_only=True)
class Groups:
    """
    The operations on security groups.

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
        group = self._group(caller.account_id, request.group_id, request.group_name)
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
            for source in _sources(other)
        )

    async def describe_security_groups(
        self, caller: Caller, request: DescribeSecurityGroups
    ) -> DescribeSecurityGroupsResponse:
        await have_default_group(self.store, self.minter, caller.account_id)

        def tagged(group: SecurityGroup) -> views.Pairs:
            return tags_of(self.store, caller.account_id, group.group_id)

        own: Reads[SecurityGroup] = one(lambda group: self.vpc_id)
        known = {**_FILTERS, "vpc-id": own, **(_EGRESS_FILTERS if self.vpc_id else {})}
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
            weigh=lambda group: 1 + len(group.permissions),
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

    async def authorize_security_group_ingress(
        self, caller: Caller, request: AuthorizeSecurityGroupIngress
    ) -> AuthorizeSecurityGroupIngressResponse:
        await have_default_group(self.store, self.minter, caller.account_id)
        group, asked = self._rules(caller, request)
        present = set(group.permissions)
        for rule in asked:
            if rule in present:
                raise DuplicatePermission(rules.told(rule))
        permissions = (*group.permissions, *asked)
        need(
            self.store,
            self.quotas,
            caller,
            "permissions_per_group",
            more=len(asked),
            held=len(group.permissions),
        )
        await self.store.commit(Put(evolve(group, permissions=permissions)))
        return AuthorizeSecurityGroupIngressResponse()

    async def revoke_security_group_ingress(
        self, caller: Caller, request: RevokeSecurityGroupIngress
    ) -> RevokeSecurityGroupIngressResponse:
        await have_default_group(self.store, self.minter, caller.account_id)
        group, asked = self._rules(caller, request)
        for rule in asked:
            if rule not in group.permissions:
                raise NoSuchPermission(rules.told(rule))
        left = tuple(rule for rule in group.permissions if rule not in asked)
        await self.store.commit(Put(evolve(group, permissions=left)))
        return RevokeSecurityGroupIngressResponse()

    def _rules(
        self, caller: Caller, request: Ingress
    ) -> tuple[SecurityGroup, tuple[Permission, ...]]:
        """The group and the rules that a request names."""
        if request.user_id and request.user_id not in (
            caller.account_id,
            caller.user_name,
        ):
            raise AuthFailure("A group's rules are changed by its owner alone")
        _check_names(request.group_id, request.group_name)
        rules.permissions(request.ip_permissions, _source_as_said)
        group = self._group(caller.account_id, request.group_id, request.group_name)

        def source_of(pair: UserIdGroupPair) -> GroupSource:
            owner = pair.user_id or caller.account_id
            return _as_source(self._group(owner, pair.group_id, pair.group_name))

        return group, rules.permissions(request.ip_permissions, source_of)

    def _group(
        self, owner: str, group_id: str | None, name: str | None
    ) -> SecurityGroup:
        """One group, by whichever of its two names is said."""
        _check_names(group_id, name)
        [found] = groups_named(
            self.store,
            owner,
            () if group_id or not name else (name,),
            (group_id,) if group_id else (),
        )
        return found


def _check_names(group_id: str | None, name: str | None) -> None:
    """
    Whether a group is named.

    @raise MissingParameter: it is not.
    @raise MalformedGroupId: it is by what is no identifier.
    """
    if not (group_id or name):
        raise MissingParameter("groupName")
    if group_id and not is_identifier(group_id, "sg"):
        raise MalformedGroupId(group_id)


def _source_as_said(pair: UserIdGroupPair) -> GroupSource:
    """A source of traffic, whether or not it is there."""
    _check_names(pair.group_id, pair.group_name)
    return GroupSource(
        owner_id=AccountId(pair.user_id or ""),
        group_id=GroupId(pair.group_id or ""),
        group_name=pair.group_name or "",
    )
