"""What security groups let out."""

from __future__ import annotations

import json
from typing import Any

from attrs import evolve

from euca_tw.api.ec2.egress import (
    AuthorizeSecurityGroupEgress,
    RevokeSecurityGroupEgress,
)
from euca_tw.api.ec2.groups import IpPermission, IpRange, Ipv6Range, SecurityGroup
from euca_tw.api.errors import (
    DuplicatePermission,
    GroupInUse,
    InvalidParameterValue,
    NoSuchGroup,
    NoSuchPermission,
    RulesPerSecurityGroupLimitExceeded,
)
from euca_tw.clc.network_entries import group_of
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import GroupId
from euca_tw.model.networks import Group
from euca_tw.model.records import SecurityGroup as SecurityGroupRecord
from euca_tw.store.codec import Codec
from tests.clc.cloud import ALICE, ALICE_ID, BOB, BOB_ID, AskedFilter
from tests.clc.test_groups import GroupsTestCase, from_group

VPC = "vpc-00000001"
EVERYTHING = IpPermission(ip_protocol="-1", ip_ranges=(IpRange(cidr_ip="0.0.0.0/0"),))
#: As some clients say it.
WITH_PORTS = evolve(EVERYTHING, ip_protocol="all", from_port=0, to_port=0)
HTTPS = IpPermission(
    ip_protocol="tcp",
    from_port=443,
    to_port=443,
    ip_ranges=(IpRange(cidr_ip="192.0.2.0/24"), IpRange(cidr_ip="10.0.0.0/8")),
)


class EgressTests(GroupsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.groups.vpc_id = self.rules.vpc_id = VPC
        self.group_id = self.made()

    def authorize(self, *rules: IpPermission, caller: Caller = ALICE) -> Any:
        asked = AuthorizeSecurityGroupEgress(
            group_id=self.group_id, ip_permissions=rules
        )
        return self.rules.authorize_security_group_egress(caller, asked)

    def revoke(self, *rules: IpPermission, caller: Caller = ALICE) -> Any:
        asked = RevokeSecurityGroupEgress(group_id=self.group_id, ip_permissions=rules)
        return self.rules.revoke_security_group_egress(caller, asked)

    def group(self) -> SecurityGroup:
        [group] = self.described(group_names=("web",))
        return group

    def told(self) -> tuple[IpPermission, ...]:
        told = self.group().ip_permissions_egress
        assert told is not None
        return told

    def entry(self) -> Group:
        """As machines are told of it."""
        record = self.store.get(SecurityGroupRecord, self.group_id)
        assert record is not None
        return group_of(record)

    def test_at_first(self) -> None:
        """A group begins by letting out everything, the default group too."""
        for each in self.described():
            self.assertEqual(each.ip_permissions_egress, (EVERYTHING,))
        self.assertIsNone(self.entry().egress)

    def test_kept_before(self) -> None:
        """What was kept before there were such rules lets out everything."""
        record = SecurityGroupRecord(
            group_id=GroupId("sg-0000000e"),
            owner_id=ALICE_ID,
            name="old",
            description="old",
        )
        codec = Codec.of((SecurityGroupRecord,))
        row = codec.row(record)
        kept = json.loads(row.body)
        del kept["egress"]
        old = codec.record(evolve(row, body=json.dumps(kept)))
        self.assertIsNone(group_of(old).egress)

    def test_revoke_everything(self) -> None:
        """
        The rule that lets out everything can be revoked, with ports or without, and
        then nothing is let out; what comes in stays as it was.
        """
        for said in (EVERYTHING, WITH_PORTS):
            self.assertTrue(self.result(self.revoke(said)).is_success)
            self.assertEqual(self.told(), ())
            self.assertEqual(self.entry().egress, frozenset())
            self.refused(NoSuchPermission, self.revoke(said))
            self.result(self.authorize(said))
            self.assertEqual(self.told(), (EVERYTHING,))
        self.assertEqual(self.group().ip_permissions, ())

    def test_rules(self) -> None:
        """Rules by network and by group are told, and are what machines are told."""
        db = self.made("db")
        self.result(self.revoke(EVERYTHING))
        self.result(self.authorize(HTTPS, from_group(group_id=db)))
        https, to_db = self.told()
        self.assertEqual(https, HTTPS)
        [pair] = to_db.groups
        self.assertEqual((pair.group_id, pair.user_id), (db, ALICE_ID))
        egress = self.entry().egress
        assert egress is not None
        self.assertEqual(
            {str(each.source) for each in egress}, {"192.0.2.0/24", "10.0.0.0/8", db}
        )
        self.assertEqual(self.entry().named, {db})
        self.result(self.revoke(from_group(group_name="db")))
        self.assertEqual(self.told(), (HTTPS,))

    def test_beside_everything(self) -> None:
        """Beside what lets out everything other rules change nothing."""
        self.result(self.authorize(HTTPS))
        self.assertEqual(self.told(), (EVERYTHING, HTTPS))
        self.assertIsNone(self.entry().egress)

    def test_duplicate(self) -> None:
        """A rule that is there already is refused, and so are all of the request."""
        self.refused(DuplicatePermission, self.authorize(HTTPS, EVERYTHING))
        self.assertEqual(self.told(), (EVERYTHING,))

    def test_not_there(self) -> None:
        """Of rules of which one is not there none is revoked."""
        self.refused(NoSuchPermission, self.revoke(EVERYTHING, HTTPS))
        self.assertEqual(self.told(), (EVERYTHING,))

    def test_ipv6(self) -> None:
        """By IPv6 nothing can be let out, and there is no such rule to revoke."""
        said = IpPermission(
            ip_protocol="-1", ipv6_ranges=(Ipv6Range(cidr_ipv6="::/0"),)
        )
        refusal = self.refused(InvalidParameterValue, self.authorize(said))
        self.assertIn("remote-ipv6-range", refusal.message)
        self.refused(NoSuchPermission, self.revoke(said))
        self.assertEqual(self.told(), (EVERYTHING,))

    def test_limit(self) -> None:
        """There are so many rules for either way."""
        ranges = tuple(IpRange(cidr_ip=f"{n}.0.0.0/8") for n in range(10, 15))
        many = evolve(HTTPS, ip_ranges=ranges)
        self.refused(RulesPerSecurityGroupLimitExceeded, self.authorize(many))
        self.result(self.revoke(EVERYTHING))
        self.result(self.authorize(many))

    def test_anothers(self) -> None:
        """Nobody changes another's rules; but they may name another's group."""
        self.refused(NoSuchGroup, self.authorize(HTTPS, caller=BOB))
        self.refused(NoSuchGroup, self.revoke(EVERYTHING, caller=BOB))
        bobs = self.made("friends", BOB)
        self.result(self.authorize(from_group(user_id=BOB_ID, group_id=bobs)))

    def test_in_no_vpc(self) -> None:
        """Groups in no VPC have no such rules, and none is told of them."""
        self.groups.vpc_id = self.rules.vpc_id = None
        for each in (self.authorize(HTTPS), self.revoke(EVERYTHING)):
            refusal = self.refused(InvalidParameterValue, each)
            self.assertIn("in no VPC", refusal.message)
        self.assertIsNone(self.group().ip_permissions_egress)
        self.assertEqual(self.names(filters=(_filter("cidr", "*"),)), set())

    def test_named_by_a_rule(self) -> None:
        """A group is kept while something may go to it by another's rule."""
        db = self.made("db")
        to_db = from_group(group_id=db)
        self.result(self.authorize(to_db))
        self.refused(GroupInUse, self.delete(group_id=db))
        self.result(self.revoke(to_db))
        self.result(self.delete(group_id=db))

    def test_filters(self) -> None:
        """Groups are found by what they let out."""
        db = self.made("db")
        self.result(self.revoke(EVERYTHING))
        self.result(self.authorize(HTTPS, from_group(group_id=db)))
        for name, value, names in [
            ("cidr", "0.0.0.0/0", {"db", "default"}),
            ("cidr", "10.0.0.0/8", {"web"}),
            ("protocol", "-1", {"db", "default"}),
            ("protocol", "tcp", {"web"}),
            ("from-port", "443", {"web"}),
            ("to-port", "*", {"web"}),
            ("group-id", db, {"web"}),
            ("group-name", "db", {"web"}),
            ("user-id", ALICE_ID, {"web"}),
            ("ipv6-cidr", "*", set()),
            ("prefix-list-id", "*", set()),
        ]:
            self.assertEqual(self.names(filters=(_filter(name, value),)), names, name)


def _filter(name: str, value: str) -> AskedFilter:
    return AskedFilter(f"egress.ip-permission.{name}", (value,))
