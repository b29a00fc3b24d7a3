"""
Tests for what Query says otherwise than SOAP: L{euca_tw.api.ec2.egress}.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.api.ec2.egress import (
    AuthorizeSecurityGroupEgress,
    AuthorizeSecurityGroupEgressForm,
    RevokeSecurityGroupEgress,
    RevokeSecurityGroupEgressForm,
)
from euca_tw.api.ec2.groups import IpPermission, IpRange, UserIdGroupPair
from euca_tw.api.errors import (
    ApiError,
    InvalidParameterCombination,
    MissingParameter,
)

WEB = IpPermission(
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
    ip_ranges=(IpRange(cidr_ip="192.0.2.0/24"),),
)


class Egress(SynchronousTestCase):
    """Rules."""

    def permissions(self, **said: Any) -> tuple[IpPermission, ...]:
        form = AuthorizeSecurityGroupEgressForm(group_id="sg-1", **said)
        return form.request().ip_permissions

    def refusal(self, **said: Any) -> ApiError:
        form = AuthorizeSecurityGroupEgressForm(group_id="sg-1", **said)
        return self.assertRaises(ApiError, form.request)

    def test_nested(self) -> None:
        """Nested rules are taken as they are."""
        form = AuthorizeSecurityGroupEgressForm(
            group_id="sg-1", ip_permissions=(WEB,), is_dry_run=True
        )
        self.assertEqual(
            form.request(),
            AuthorizeSecurityGroupEgress(
                group_id="sg-1", ip_permissions=(WEB,), is_dry_run=True
            ),
        )

    def test_flat_range(self) -> None:
        """A flat rule with a network is one rule."""
        form = RevokeSecurityGroupEgressForm(
            group_id="sg-1",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            cidr_ip="192.0.2.0/24",
        )
        self.assertEqual(
            form.request(),
            RevokeSecurityGroupEgress(group_id="sg-1", ip_permissions=(WEB,)),
        )

    def test_both(self) -> None:
        """A flat rule comes after the nested ones."""
        self.assertEqual(
            self.permissions(ip_permissions=(WEB,), ip_protocol="icmp"),
            (WEB, IpPermission(ip_protocol="icmp")),
        )

    def test_none(self) -> None:
        """Without any rule there is none: what that means is not for us."""
        self.assertEqual(self.permissions(), ())

    def test_flat_group(self) -> None:
        """A group and a protocol are one rule, for traffic to that group."""
        pair = UserIdGroupPair(user_id="111122223333", group_name="names")
        self.assertEqual(
            self.permissions(
                ip_protocol="udp",
                from_port=53,
                to_port=53,
                source_security_group_name="names",
                source_security_group_owner_id="111122223333",
            ),
            (
                IpPermission(
                    ip_protocol="udp", from_port=53, to_port=53, groups=(pair,)
                ),
            ),
        )

    def test_whole_group(self) -> None:
        """A group alone may be sent everything."""
        permissions = self.permissions(source_security_group_name="names")
        self.assertEqual(
            [(p.ip_protocol, p.from_port, p.to_port) for p in permissions],
            [("tcp", 1, 65535), ("udp", 1, 65535), ("icmp", -1, -1)],
        )
        self.assertEqual(
            {p.groups for p in permissions}, {(UserIdGroupPair(group_name="names"),)}
        )

    def test_refusals(self) -> None:
        """Half a rule, or one for a network and a group, is refused."""
        for said, refusal in (
            (
                {"source_security_group_owner_id": "111122223333"},
                MissingParameter("SourceSecurityGroupName"),
            ),
            ({"cidr_ip": "0.0.0.0/0"}, MissingParameter("IpProtocol")),
            ({"from_port": 443}, MissingParameter("IpProtocol")),
            ({"to_port": 443}, MissingParameter("IpProtocol")),
        ):
            self.assertEqual(repr(self.refusal(**said)), repr(refusal))
        self.assertIsInstance(
            self.refusal(cidr_ip="0.0.0.0/0", source_security_group_name="names"),
            InvalidParameterCombination,
        )
