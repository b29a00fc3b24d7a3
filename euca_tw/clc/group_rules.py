"""
What security groups let in, and what they let out: who may talk to whom.

Rules of what goes out are had by groups in a VPC.  A group begins with one that lets
out everything.
"""

from __future__ import annotations

from collections.abc import Iterable

from attrs import define, evolve

from euca_tw.api.ec2.egress import (
    AuthorizeSecurityGroupEgress,
    AuthorizeSecurityGroupEgressResponse,
    Egress,
    RevokeSecurityGroupEgress,
    RevokeSecurityGroupEgressResponse,
)
from euca_tw.api.ec2.groups import (
    AuthorizeSecurityGroupIngress,
    AuthorizeSecurityGroupIngressResponse,
    Ingress,
    IpPermission,
    RevokeSecurityGroupIngress,
    RevokeSecurityGroupIngressResponse,
    UserIdGroupPair,
)
from euca_tw.api.errors import (
    AuthFailure,
    DuplicatePermission,
    InvalidParameterValue,
    NoSuchPermission,
)
from euca_tw.clc import rules
from euca_tw.clc.groups import as_source, check_named, group_named, have_default_group
from euca_tw.clc.limits import need
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import AccountId, GroupId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import GroupSource, Permission, SecurityGroup
from euca_tw.store.interfaces import IStore, Put


@define(eq=False, kw_only=True)
class GroupRules:
    """
    The operations on rules of security groups.

    @ivar vpc_id: that all groups are in, if there is one.
    """

    store: IStore
    minter: Minter
    quotas: Quotas
    vpc_id: str | None = None

    async def authorize_security_group_ingress(
        self, caller: Caller, request: AuthorizeSecurityGroupIngress
    ) -> AuthorizeSecurityGroupIngressResponse:
        rules.refuse_ipv6(request.ip_permissions)
        group, asked = await self._ingress(caller, request)
        more = self._more(caller, group.permissions, asked)
        await self.store.commit(Put(evolve(group, permissions=more)))
        return AuthorizeSecurityGroupIngressResponse()

    async def revoke_security_group_ingress(
        self, caller: Caller, request: RevokeSecurityGroupIngress
    ) -> RevokeSecurityGroupIngressResponse:
        group, asked = await self._ingress(caller, request)
        left = _left(group.permissions, asked)
        await self.store.commit(Put(evolve(group, permissions=left)))
        return RevokeSecurityGroupIngressResponse()

    async def authorize_security_group_egress(
        self, caller: Caller, request: AuthorizeSecurityGroupEgress
    ) -> AuthorizeSecurityGroupEgressResponse:
        rules.refuse_ipv6(request.ip_permissions)
        group, asked = await self._egress(caller, request)
        more = self._more(caller, group.egress, asked)
        await self.store.commit(Put(evolve(group, egress=more)))
        return AuthorizeSecurityGroupEgressResponse()

    async def revoke_security_group_egress(
        self, caller: Caller, request: RevokeSecurityGroupEgress
    ) -> RevokeSecurityGroupEgressResponse:
        group, asked = await self._egress(caller, request)
        left = _left(group.egress, asked)
        await self.store.commit(Put(evolve(group, egress=left)))
        return RevokeSecurityGroupEgressResponse()

    async def _ingress(
        self, caller: Caller, request: Ingress
    ) -> tuple[SecurityGroup, tuple[Permission, ...]]:
        if request.user_id and request.user_id not in (
            caller.account_id,
            caller.user_name,
        ):
            raise AuthFailure("A group's rules are changed by its owner alone")
        return await self._asked(
            caller, request.group_id, request.group_name, request.ip_permissions
        )

    async def _egress(
        self, caller: Caller, request: Egress
    ) -> tuple[SecurityGroup, tuple[Permission, ...]]:
        asked = await self._asked(
            caller, request.group_id, None, request.ip_permissions
        )
        if self.vpc_id is None:
            raise InvalidParameterValue(
                "groupId",
                request.group_id,
                "It is in no VPC, as no group of this cloud is: only groups in a VPC "
                "have rules for what goes out.",
            )
        return asked

    async def _asked(
        self,
        caller: Caller,
        group_id: str | None,
        name: str | None,
        said: Iterable[IpPermission],
    ) -> tuple[SecurityGroup, tuple[Permission, ...]]:
        """The group and the rules that a request names."""
        check_named(group_id, name)
        rules.permissions(said, _source_as_said)
        await have_default_group(self.store, self.minter, caller.account_id)
        group = group_named(self.store, caller.account_id, group_id, name)

        def source_of(pair: UserIdGroupPair) -> GroupSource:
            owner = pair.user_id or caller.account_id
            return as_source(
                group_named(self.store, owner, pair.group_id, pair.group_name)
            )

        return group, rules.permissions(said, source_of)

    def _more(
        self,
        caller: Caller,
        held: tuple[Permission, ...],
        asked: tuple[Permission, ...],
    ) -> tuple[Permission, ...]:
        """
        @raise DuplicatePermission: a rule is there already.
        @raise RulesPerSecurityGroupLimitExceeded: they are too many, one way.
        """
        present = set(held)
        for rule in asked:
            if rule in present:
                raise DuplicatePermission(rules.told(rule))
        need(
            self.store,
            self.quotas,
            caller,
            "permissions_per_group",
            more=len(asked),
            held=len(held),
        )
        return (*held, *asked)


def _left(
    held: tuple[Permission, ...], asked: tuple[Permission, ...]
) -> tuple[Permission, ...]:
    """@raise NoSuchPermission: a rule is not there."""
    for rule in asked:
        if rule not in held:
            raise NoSuchPermission(rules.told(rule))
    return tuple(rule for rule in held if rule not in asked)


def _source_as_said(pair: UserIdGroupPair) -> GroupSource:
    """A group that a rule names, whether or not it is there."""
    check_named(pair.group_id, pair.group_name)
    return GroupSource(
        owner_id=AccountId(pair.user_id or ""),
        group_id=GroupId(pair.group_id or ""),
        group_name=pair.group_name or "",
    )
