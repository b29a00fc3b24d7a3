"""
Rules of security groups for what goes out; only groups in a VPC have them.

They are said like those for what comes in (see L{euca_tw.api.ec2.groups}), but
the group always by its id: names are unique only within a VPC.
"""

from __future__ import annotations

from typing import TypeVar

from euca_tw.api.ec2.common import Acknowledgement, Request
from euca_tw.api.ec2.groups import IpPermission, RulesForm
from euca_tw.api.shapes import Operation, members, shape, wire


@members
class Egress(Request):
    """Rules of a group."""

    group_id: str = wire("groupId")
    ip_permissions: tuple[IpPermission, ...] = wire("ipPermissions")


@shape("AuthorizeSecurityGroupEgressType")
class AuthorizeSecurityGroupEgress(Egress):
    """Let traffic out."""


@shape("AuthorizeSecurityGroupEgressResponseType")
class AuthorizeSecurityGroupEgressResponse(Acknowledgement):
    """It may go out."""


@shape("RevokeSecurityGroupEgressType")
class RevokeSecurityGroupEgress(Egress):
    """Let it out no more."""


@shape("RevokeSecurityGroupEgressResponseType")
class RevokeSecurityGroupEgressResponse(Acknowledgement):
    """It may not go out by that rule."""


Rules = TypeVar("Rules", bound=Egress)


@members
class EgressForm(RulesForm):
    """C{SourceSecurityGroupName} is, in spite of its name, where traffic goes."""

    group_id: str = wire("groupId")

    def _made(self, cls: type[Rules]) -> Rules:
        return cls(
            is_dry_run=self.is_dry_run,
            group_id=self.group_id,
            ip_permissions=self.permissions(),
        )


@shape("AuthorizeSecurityGroupEgressForm")
class AuthorizeSecurityGroupEgressForm(EgressForm):
    def request(self) -> AuthorizeSecurityGroupEgress:
        return self._made(AuthorizeSecurityGroupEgress)


@shape("RevokeSecurityGroupEgressForm")
class RevokeSecurityGroupEgressForm(EgressForm):
    def request(self) -> RevokeSecurityGroupEgress:
        return self._made(RevokeSecurityGroupEgress)


OPERATIONS = (
    Operation(
        "AuthorizeSecurityGroupEgress",
        AuthorizeSecurityGroupEgress,
        AuthorizeSecurityGroupEgressResponse,
        since="2011-01-01",
        query_form=AuthorizeSecurityGroupEgressForm,
    ),
    Operation(
        "RevokeSecurityGroupEgress",
        RevokeSecurityGroupEgress,
        RevokeSecurityGroupEgressResponse,
        since="2011-01-01",
        query_form=RevokeSecurityGroupEgressForm,
    ),
)
