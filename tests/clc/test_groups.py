"""Security groups."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import ensureDeferred

from euca_tw.api.ec2.common import Tag, TagSpecification
from euca_tw.api.ec2.groups import (
    AuthorizeSecurityGroupIngress,
    CreateSecurityGroup,
    DeleteSecurityGroup,
    DescribeSecurityGroups,
    IpPermission,
    IpRange,
    RevokeSecurityGroupIngress,
    SecurityGroup,
    UserIdGroupPair,
)
from euca_tw.api.errors import (
    AuthFailure,
    DuplicateGroup,
    DuplicatePermission,
    GroupInUse,
    InvalidFilter,
    InvalidParameterValue,
    InvalidTagType,
    MalformedGroupId,
    MissingParameter,
    NoSuchGroup,
    NoSuchPermission,
    NoSuchVpc,
    ReservedGroup,
    RulesPerSecurityGroupLimitExceeded,
    SecurityGroupLimitExceeded,
)
from euca_tw.clc.group_rules import GroupRules
from euca_tw.clc.groups import Groups
from euca_tw.clc.pace import STEP
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import GroupId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import GroupName, InstanceState, Permission, ResourceTags
from euca_tw.model.records import SecurityGroup as SecurityGroupRecord
from tests.clc.cloud import (
    ADMIN,
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    AskedFilter,
    CloudTestCase,
)

TAGGED = (
    TagSpecification(
        resource_type="security-group", tags=(Tag(key="team", value="web"),)
    ),
)
QUOTAS = Quotas(security_groups=3, permissions_per_group=5)
SSH = IpPermission(
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    ip_ranges=(IpRange(cidr_ip="0.0.0.0/0"),),
)


def from_group(**named: Any) -> IpPermission:
    return IpPermission(
        ip_protocol="tcp", from_port=80, to_port=80, groups=(UserIdGroupPair(**named),)
    )


class GroupsTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.groups = Groups(
            store=self.store,
            clock=self.clock,
            minter=self.minter,
            quotas=QUOTAS,
        )
        self.rules = GroupRules(store=self.store, minter=self.minter, quotas=QUOTAS)

    def create(self, name: str = "web", caller: Caller = ALICE, **given: Any) -> Any:
        return self.groups.create_security_group(
            caller,
            CreateSecurityGroup(
                **{"group_name": name, "group_description": "for tests", **given}
            ),
        )

    def made(self, name: str = "web", caller: Caller = ALICE) -> str:
        group_id: str = self.result(self.create(name, caller)).group_id
        return group_id

    def delete(self, caller: Caller = ALICE, **named: str) -> Any:
        return self.groups.delete_security_group(caller, DeleteSecurityGroup(**named))

    def described(self, caller: Caller = ALICE, **asked: Any) -> list[SecurityGroup]:
        return list(self.result(self.describe(caller, **asked)).groups)

    def describe(self, caller: Caller = ALICE, **asked: Any) -> Any:
        return self.groups.describe_security_groups(
            caller, DescribeSecurityGroups(**asked)
        )

    def names(self, caller: Caller = ALICE, **asked: Any) -> set[str]:
        return {each.group_name for each in self.described(caller, **asked)}


class CreateTests(GroupsTestCase):
    def test_create(self) -> None:
        """A group has a name, a description and an id, and lets nobody in."""
        group_id = self.made()
        [told] = self.described(group_ids=(group_id,))
        self.assertEqual(told.group_name, "web")
        self.assertEqual(told.group_description, "for tests")
        self.assertEqual(told.owner_id, ALICE_ID)
        self.assertEqual(told.ip_permissions, ())

    def test_duplicate(self) -> None:
        """A name is taken once by an account, and free for others."""
        self.made()
        self.refused(DuplicateGroup, self.create())
        self.made(caller=BOB)

    def test_default(self) -> None:
        """Nobody makes a group called default."""
        self.refused(ReservedGroup, self.create("default"))

    def test_named_as_an_id(self) -> None:
        """A name that could be an id is refused."""
        self.refused(InvalidParameterValue, self.create("sg-12345678"))

    def test_texts(self) -> None:
        """Name and description are needed, printable, and not too long."""
        self.refused(MissingParameter, self.create(""))
        self.refused(MissingParameter, self.create(group_description=""))
        self.refused(InvalidParameterValue, self.create("x" * 256))
        self.refused(InvalidParameterValue, self.create("a\nb"))

    def test_not_here(self) -> None:
        """There are no VPCs."""
        self.refused(NoSuchVpc, self.create(vpc_id="vpc-1"))

    def test_tags(self) -> None:
        """A group may be tagged as it is made."""
        made = self.result(self.create(tag_specifications=TAGGED))
        [told] = self.described(group_names=("web",))
        for tags in made.tags, told.tags:
            self.assertEqual([(t.key, t.value) for t in tags], [("team", "web")])
        others = (TagSpecification(resource_type="image", tags=()),)
        self.refused(InvalidTagType, self.create("x", tag_specifications=others))

    def test_limit(self) -> None:
        """An account has so many groups; an administrator any number."""
        for name in "abc":
            self.made(name)
            self.made(name, ADMIN)
        self.refused(SecurityGroupLimitExceeded, self.create("d"))
        self.made("d", ADMIN)


class DeleteTests(GroupsTestCase):
    def test_by_name(self) -> None:
        """A group is deleted by its name."""
        self.made()
        self.assertTrue(self.result(self.delete(group_name="web")).is_success)
        self.assertEqual(self.names(), {"default"})

    def test_by_id(self) -> None:
        """A group is deleted by its id."""
        self.result(self.delete(group_id=self.made()))
        self.assertEqual(self.names(), {"default"})

    def test_tags(self) -> None:
        """Its tags go with it."""
        told = self.result(self.create(tag_specifications=TAGGED))
        answer = self.result(self.delete(group_name="web"))
        self.assertEqual(answer.group_id, told.group_id)
        self.assertEqual(len(self.store.all(ResourceTags)), 0)

    def test_unnamed(self) -> None:
        """Without a name nothing is deleted."""
        self.refused(MissingParameter, self.delete())

    def test_nothing(self) -> None:
        """A group that is not there is refused."""
        self.refused(NoSuchGroup, self.delete(group_name="web"))
        self.refused(NoSuchGroup, self.delete(group_id="sg-00000000"))
        self.refused(MalformedGroupId, self.delete(group_id="web"))

    def test_anothers(self) -> None:
        """Another's group is as if it were not there, for administrators too."""
        group_id = self.made()
        for caller in BOB, ADMIN:
            self.refused(NoSuchGroup, self.delete(caller, group_name="web"))
            self.refused(NoSuchGroup, self.delete(caller, group_id=group_id))

    def test_default(self) -> None:
        """The default group is never deleted, by name or by id."""
        self.refused(ReservedGroup, self.delete(group_name="default"))
        [default] = self.described()
        self.refused(ReservedGroup, self.delete(group_id=default.group_id))

    def test_used_by_an_instance(self) -> None:
        """A group is kept while an instance lives in it."""
        group_id = self.made()
        groups = (GroupName(group_id=GroupId(group_id), name="web"),)
        self.instance(groups=groups)
        self.refused(GroupInUse, self.delete(group_name="web"))
        self.instance(groups=groups, state=InstanceState.TERMINATED)
        self.result(self.delete(group_name="web"))

    def test_used_by_a_rule(self) -> None:
        """A group is kept while a rule of its owner's other groups names it."""
        self.made()
        self.made("db")
        asked = {"group_name": "db", "ip_permissions": (from_group(group_name="web"),)}
        self.result(
            self.rules.authorize_security_group_ingress(
                ALICE, AuthorizeSecurityGroupIngress(**asked)
            )
        )
        self.refused(GroupInUse, self.delete(group_name="web"))
        self.result(
            self.rules.revoke_security_group_ingress(
                ALICE, RevokeSecurityGroupIngress(**asked)
            )
        )
        self.result(self.delete(group_name="web"))

    def test_used_by_itself(self) -> None:
        """A group that lets its own members in can be deleted."""
        self.made()
        self.result(
            self.rules.authorize_security_group_ingress(
                ALICE,
                AuthorizeSecurityGroupIngress(
                    group_name="web", ip_permissions=(from_group(group_name="web"),)
                ),
            )
        )
        self.result(self.delete(group_name="web"))


class DescribeTests(GroupsTestCase):
    def test_default(self) -> None:
        """Everybody has a default group, whose members may talk to each other."""
        [told] = self.described()
        self.assertEqual(told.group_name, "default")
        protocols = {each.ip_protocol for each in told.ip_permissions}
        self.assertEqual(protocols, {"tcp", "udp", "icmp"})
        [pair] = told.ip_permissions[0].groups
        self.assertEqual((pair.user_id, pair.group_name), (ALICE_ID, "default"))

    def test_default_stays(self) -> None:
        """The default group is made once."""
        self.assertEqual(self.described(), self.described(group_names=("default",)))

    def test_own(self) -> None:
        """Everybody is told of his own groups."""
        self.made()
        self.assertEqual(self.names(), {"default", "web"})
        self.assertEqual(self.names(BOB), {"default"})

    def test_named(self) -> None:
        """Groups are told by name and by id, each once."""
        group_id = self.made()
        told = self.described(group_names=("web", "web"), group_ids=(group_id,))
        self.assertEqual([each.group_id for each in told], [group_id])

    def test_nothing(self) -> None:
        """A group that is not there, or another's, is refused."""
        group_id = self.made()
        self.refused(NoSuchGroup, self.describe(BOB, group_names=("web",)))
        self.refused(NoSuchGroup, self.describe(BOB, group_ids=(group_id,)))
        self.refused(MalformedGroupId, self.describe(group_ids=("web",)))

    def test_pages(self) -> None:
        """Groups are told in pages, if asked for."""
        self.made()
        first = self.result(self.describe(max_results=1))
        second = self.result(self.describe(next_token=first.next_token))
        names = {g.group_name for g in (*first.groups, *second.groups)}
        self.assertEqual(names, {"default", "web"})

    def test_filters(self) -> None:
        """Each filter finds the group that has it, and no other."""
        group_id = self.result(self.create(tag_specifications=TAGGED)).group_id
        self.made("db")
        self.result(
            self.rules.authorize_security_group_ingress(
                ALICE,
                AuthorizeSecurityGroupIngress(
                    group_name="web", ip_permissions=(SSH, from_group(group_name="db"))
                ),
            )
        )
        [db] = self.described(group_names=("db",))
        for name, value in [
            ("group-name", "w?b"),
            ("group-id", group_id),
            ("ip-permission.cidr", "0.0.0.0/0"),
            ("ip-permission.from-port", "22"),
            ("ip-permission.to-port", "80"),
            ("ip-permission.group-name", "db"),
            ("ip-permission.group-id", db.group_id),
            ("tag:team", "w*"),
            ("tag-key", "team"),
            ("tag-value", "web"),
        ]:
            found = self.names(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(found, {"web"}, name)
        for name, value, names in [
            ("description", "for *", {"web", "db"}),
            ("owner-id", ALICE_ID, {"web", "db", "default"}),
            ("ip-permission.protocol", "tcp", {"web", "default"}),
            ("ip-permission.user-id", ALICE_ID, {"web", "default"}),
            ("vpc-id", "*", set()),
            ("ip-permission.ipv6-cidr", "*", set()),
            ("ip-permission.prefix-list-id", "*", set()),
            ("egress.ip-permission.cidr", "*", set()),
        ]:
            found = self.names(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(found, names, name)
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ("y",)),)))

    def test_many_rules(self) -> None:
        """Groups with many rules are told some in each step, and all of them."""
        rules = tuple(
            Permission(protocol="tcp", from_port=n, to_port=n, cidr="192.0.2.0/24")
            for n in range(STEP)
        )
        ids = [GroupId(f"sg-0000000{n}") for n in range(3)]
        for group_id in ids:
            self.put(
                SecurityGroupRecord(
                    group_id=group_id,
                    owner_id=ALICE_ID,
                    name=group_id,
                    description="for tests",
                    permissions=rules,
                )
            )
        answer = ensureDeferred(self.describe(group_ids=tuple(ids)))
        self.assertFalse(answer.called)
        self.clock.advance(0)
        told = self.successResultOf(answer).groups
        self.assertEqual([each.group_id for each in told], ids)
        self.assertEqual({len(each.ip_permissions) for each in told}, {STEP})


class RulesTests(GroupsTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.group_id = self.made()

    def authorize(
        self, *rules: IpPermission, caller: Caller = ALICE, **named: Any
    ) -> Any:
        named = named or {"group_name": "web"}
        return self.rules.authorize_security_group_ingress(
            caller, AuthorizeSecurityGroupIngress(ip_permissions=rules, **named)
        )

    def revoke(self, *rules: IpPermission, caller: Caller = ALICE, **named: Any) -> Any:
        named = named or {"group_name": "web"}
        return self.rules.revoke_security_group_ingress(
            caller, RevokeSecurityGroupIngress(ip_permissions=rules, **named)
        )

    def told(self) -> tuple[IpPermission, ...]:
        [group] = self.described(group_names=("web",))
        return group.ip_permissions

    def test_authorize(self) -> None:
        """A rule that was added is told."""
        self.assertTrue(self.result(self.authorize(SSH)).is_success)
        self.assertEqual(self.told(), (SSH,))

    def test_by_id(self) -> None:
        """The group may be named by its id."""
        self.result(self.authorize(SSH, group_id=self.group_id))
        self.assertEqual(self.told(), (SSH,))

    def test_default(self) -> None:
        """The default group has rules like others, before anybody saw it."""
        self.result(
            self.authorize(SSH, group_name="default"),
        )

    def test_duplicate(self) -> None:
        """A rule that is there already is refused."""
        self.result(self.authorize(SSH))
        refusal = self.refused(DuplicatePermission, self.authorize(SSH))
        self.assertIn("peer: 0.0.0.0/0", refusal.message)

    def test_limit(self) -> None:
        """A group has so many rules; an administrator's any number."""
        ranges = tuple(IpRange(cidr_ip=f"{n}.0.0.0/8") for n in range(10, 16))
        many = IpPermission(ip_protocol="udp", from_port=1, to_port=1, ip_ranges=ranges)
        self.refused(RulesPerSecurityGroupLimitExceeded, self.authorize(many))
        self.assertEqual(self.told(), ())
        self.made(caller=ADMIN)
        self.result(self.authorize(many, caller=ADMIN))

    def test_revoke(self) -> None:
        """A rule that was taken away is told no more; others are."""
        self.result(self.authorize(SSH, from_group(group_name="web")))
        self.assertTrue(self.result(self.revoke(SSH)).is_success)
        [left] = self.told()
        self.assertEqual(left.from_port, 80)

    def test_described(self) -> None:
        """
        What is said of a rule with one source is told with that, and makes it no
        other rule.
        """
        said = IpPermission(
            ip_protocol="tcp",
            from_port=22,
            to_port=22,
            ip_ranges=(
                IpRange(cidr_ip="192.0.2.0/24", description="home"),
                IpRange(cidr_ip="198.51.100.0/24"),
            ),
            groups=(UserIdGroupPair(group_name="web", description="each other"),),
        )
        self.result(self.authorize(said))
        [told] = self.told()
        self.assertEqual([each.description for each in told.ip_ranges], ["home", None])
        self.assertEqual([each.description for each in told.groups], ["each other"])
        plain = IpPermission(
            ip_protocol="tcp",
            from_port=22,
            to_port=22,
            ip_ranges=(IpRange(cidr_ip="192.0.2.0/24", description="another"),),
        )
        self.refused(DuplicatePermission, self.authorize(plain))
        self.result(self.revoke(plain))
        [told] = self.told()
        self.assertEqual([each.cidr_ip for each in told.ip_ranges], ["198.51.100.0/24"])

    def test_revoke_nothing(self) -> None:
        """A rule that is not there cannot be taken away."""
        self.refused(NoSuchPermission, self.revoke(SSH))

    def test_group_sources(self) -> None:
        """A source group is named by name or id, one's own or with its owner."""
        bobs = self.made("friends", BOB)
        self.result(self.authorize(from_group(user_id=BOB_ID, group_name="friends")))
        [[pair]] = [rule.groups for rule in self.told()]
        self.assertEqual((pair.group_id, pair.group_name), (bobs, "friends"))
        same = from_group(user_id=BOB_ID, group_id=bobs)
        self.refused(DuplicatePermission, self.authorize(same))

    def test_no_group_source(self) -> None:
        """A source group that is not there is refused."""
        bobs = self.made("friends", BOB)
        for pair in (
            from_group(group_name="friends"),
            from_group(group_id=bobs),
            from_group(user_id=BOB_ID, group_name="web"),
            from_group(user_id="999999999999", group_name="default"),
        ):
            self.refused(NoSuchGroup, self.authorize(pair))
        self.refused(MissingParameter, self.authorize(from_group()))

    def test_anothers(self) -> None:
        """Nobody changes another's rules."""
        self.refused(NoSuchGroup, self.authorize(SSH, caller=BOB))
        self.refused(AuthFailure, self.authorize(SSH, group_name="web", user_id=BOB_ID))
        self.refused(AuthFailure, self.revoke(SSH, group_name="web", user_id=BOB_ID))

    def test_own_name(self) -> None:
        """The first dates name the caller himself, by account or by user name."""
        self.result(self.authorize(SSH, group_name="web", user_id=ALICE_ID))
        self.result(self.revoke(SSH, group_name="web", user_id="alice"))

    def test_unnamed(self) -> None:
        """Without a group there is nothing to change."""
        self.refused(MissingParameter, self.authorize(SSH, group_name=None))
