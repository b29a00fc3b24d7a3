"""What every L{IStore} does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from euca_tw.model.identifiers import (
    AccountId,
    GroupId,
    ImageId,
    InstanceId,
    ReservationId,
)
from euca_tw.model.records import (
    Address,
    GroupName,
    GroupSource,
    Image,
    ImageKind,
    ImageState,
    Instance,
    KeyPair,
    Permission,
    ResourceTags,
    SecurityGroup,
)
from euca_tw.store.interfaces import Delete, IStore, Put

OWNER = AccountId("000000000001")
OTHER = AccountId("000000000002")


def key_pair(name: str, owner: AccountId = OWNER) -> KeyPair:
    return KeyPair(owner_id=owner, name=name, fingerprint="aa:bb", public_key="ssh-rsa")


def address(ip: str, instance_id: str | None = None) -> Address:
    instance = None if instance_id is None else InstanceId(instance_id)
    return Address(public_ip=ip, owner_id=OWNER, instance_id=instance)


def image(number: int, **given: Any) -> Image:
    return Image(
        **{
            "image_id": ImageId(f"emi-{number:08x}"),
            "kind": ImageKind.MACHINE,
            "owner_id": OWNER,
            "location": "/images/root.img",
            "state": ImageState.AVAILABLE,
            "registered_at": datetime(2026, 11, 23, 8, tzinfo=UTC),
            **given,
        }
    )


def tags(resource_id: str, **noted: str) -> ResourceTags:
    return ResourceTags(
        owner_id=OWNER,
        resource_id=resource_id,
        resource_type="instance",
        tags=tuple(noted.items()),
    )


def names(found: Any) -> list[str]:
    return [each.name for each in found]


def make_istore_tests(
    factory: Callable[[SynchronousTestCase], Any],
) -> type[SynchronousTestCase]:
    """
    @param factory: makes, of the running test, an opened store that is empty
        and whose commits fire before C{commit} returns.
    """

    class IStoreTests(SynchronousTestCase):
        def setUp(self) -> None:
            self.store = factory(self)

        def commit(self, *changes: Any) -> None:
            self.assertIsNone(self.successResultOf(self.store.commit(*changes)))

        def test_interface(self) -> None:
            """It provides L{IStore}."""
            verifyObject(IStore, self.store)

        def test_nothing(self) -> None:
            """A new store has nothing."""
            self.assertIsNone(self.store.get(KeyPair, "x"))
            self.assertEqual(len(self.store.all(KeyPair)), 0)
            self.assertEqual(list(self.store.where(KeyPair, "owner_id", OWNER)), [])

        def test_put(self) -> None:
            """What was put is found by its class and key, and only so."""
            record = key_pair("one")
            self.commit(Put(record))
            self.assertEqual(self.store.get(KeyPair, record.key), record)
            self.assertIsNone(self.store.get(SecurityGroup, record.key))
            self.assertIsNone(self.store.get(KeyPair, "one"))

        def test_at_once(self) -> None:
            """Memory has a change as soon as commit has returned."""
            waiting = self.store.commit(Put(key_pair("one")))
            self.assertEqual(names(self.store.all(KeyPair)), ["one"])
            self.successResultOf(waiting)

        def test_replace(self) -> None:
            """A record takes the place of the one with its key."""
            for name in "abc":
                self.commit(Put(key_pair(name)))
            changed = evolve(key_pair("b"), fingerprint="changed")
            self.commit(Put(changed))
            self.assertEqual(self.store.get(KeyPair, changed.key), changed)
            self.assertEqual(names(self.store.all(KeyPair)), ["a", "b", "c"])
            found = self.store.where(KeyPair, "owner_id", OWNER)
            self.assertEqual(names(found), ["a", "b", "c"])
            self.assertIn(changed, found)
            self.assertNotIn(key_pair("b"), found)

        def test_delete(self) -> None:
            """What was deleted is nowhere any more."""
            self.commit(Put(key_pair("a")), Put(key_pair("b")))
            self.commit(Delete(KeyPair, key_pair("a").key))
            self.assertIsNone(self.store.get(KeyPair, key_pair("a").key))
            self.assertEqual(names(self.store.all(KeyPair)), ["b"])
            self.assertEqual(names(self.store.where(KeyPair, "owner_id", OWNER)), ["b"])

        def test_delete_nothing(self) -> None:
            """To delete what is not there changes nothing."""
            self.commit(Put(key_pair("a")))
            self.commit(Delete(KeyPair, "nothing"), Delete(Image, "emi-1"))
            self.assertEqual(names(self.store.all(KeyPair)), ["a"])

        def test_put_again(self) -> None:
            """A record put after its deletion is the youngest."""
            self.commit(Put(key_pair("a")), Put(key_pair("b")))
            self.commit(Delete(KeyPair, key_pair("a").key), Put(key_pair("a")))
            self.assertEqual(names(self.store.all(KeyPair)), ["b", "a"])

        def test_where(self) -> None:
            """Records are found by a field of their class's indexes."""
            for name in "abc":
                self.commit(Put(key_pair(name)), Put(key_pair(name, OTHER)))
            found = self.store.where(KeyPair, "owner_id", OTHER)
            self.assertEqual([each.owner_id for each in found], [OTHER] * 3)
            self.assertEqual(names(found), ["a", "b", "c"])

        def test_where_follows(self) -> None:
            """A record whose indexed field changes is found by the new value."""
            self.commit(Put(address("10.0.0.1")), Put(address("10.0.0.2")))
            self.commit(Put(address("10.0.0.1", "i-1")))
            free = self.store.where(Address, "instance_id", None)
            taken = self.store.where(Address, "instance_id", InstanceId("i-1"))
            self.assertEqual([a.public_ip for a in free], ["10.0.0.2"])
            self.assertEqual([a.public_ip for a in taken], ["10.0.0.1"])

        def test_where_by_age(self) -> None:
            """What comes back under a value stands there by its age."""
            for last in "123":
                self.commit(Put(address(f"10.0.0.{last}")))
            self.commit(Put(address("10.0.0.1", "i-1")))
            self.commit(Put(address("10.0.0.1")))
            free = self.store.where(Address, "instance_id", None)
            self.assertEqual(
                [a.public_ip for a in free], ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
            )

        def test_where_many(self) -> None:
            """A record is found by each value of a field that has many."""
            self.commit(Put(tags("i-1", a="1", b="2")), Put(tags("i-2", a="1")))
            for value, ids in (
                ((OWNER, "a", "1"), ["i-1", "i-2"]),
                ((OWNER, "b", "2"), ["i-1"]),
                ((OWNER, "b", "1"), []),
                ((OTHER, "a", "1"), []),
            ):
                found = self.store.where(ResourceTags, "pairs", value)
                self.assertEqual([each.resource_id for each in found], ids)
                self.assertEqual(len(found), len(ids))

        def test_where_many_follows(self) -> None:
            """By the values that it has now, and by none when it is gone."""
            self.commit(Put(tags("i-1", a="1", b="2")), Put(tags("i-2", a="1")))
            self.commit(Put(tags("i-1", b="2", c="3")))

            def found(key: str) -> list[str]:
                records = self.store.where(ResourceTags, "keys", (OWNER, key))
                return [each.resource_id for each in records]

            self.assertEqual([found(key) for key in "abc"], [["i-2"], ["i-1"], ["i-1"]])
            self.commit(Put(tags("i-1", a="1")))
            self.assertEqual([found(key) for key in "abc"], [["i-1", "i-2"], [], []])
            self.commit(Delete(ResourceTags, tags("i-1", a="1").key))
            self.assertEqual([found(key) for key in "abc"], [["i-2"], [], []])

        def test_where_in_any_order(self) -> None:
            """Whatever comes and goes, what is found is told by its age."""
            ips = [f"10.0.0.{n}" for n in range(9)]
            self.commit(*(Put(address(ip)) for ip in ips))
            for n in (5, 2, 8, 2, 0, 7, 5):
                self.commit(Put(address(ips[n], "i-1")))
                self.commit(Put(address(ips[n])))
            free = self.store.where(Address, "instance_id", None)
            self.assertEqual([a.public_ip for a in free], ips)
            for n in (3, 1):
                self.commit(Put(address(ips[n], "i-1")))
            taken = self.store.where(Address, "instance_id", InstanceId("i-1"))
            self.assertIn(address(ips[3], "i-1"), taken)
            self.assertEqual([a.public_ip for a in taken], [ips[1], ips[3]])

        def test_where_unindexed(self) -> None:
            """To ask by a field that is no index is a mistake."""
            self.assertRaises(ValueError, self.store.where, KeyPair, "name", "a")

        def test_total(self) -> None:
            """
            What a class sums up is that of the records that are there, by the
            value that they have now.
            """

            def total(owner: AccountId) -> int:
                found: int = self.store.total(Image, "owner_id", owner, "size_bytes")
                return found

            self.assertEqual(total(OWNER), 0)
            one, two = image(1, size_bytes=5), image(2, size_bytes=2**40)
            self.commit(Put(one), Put(two))
            self.assertEqual((total(OWNER), total(OTHER)), (5 + 2**40, 0))
            self.commit(
                Put(evolve(one, size_bytes=7)), Put(evolve(two, owner_id=OTHER))
            )
            self.assertEqual((total(OWNER), total(OTHER)), (7, 2**40))
            self.commit(Delete(Image, two.key))
            self.assertEqual((total(OWNER), total(OTHER)), (7, 0))

        def test_total_reopened(self) -> None:
            """Closed and opened again, it has the same totals."""
            self.commit(Put(image(1, size_bytes=5)), Put(image(2, size_bytes=6)))
            self.successResultOf(self.store.close())
            self.successResultOf(self.store.open())
            self.assertEqual(
                self.store.total(Image, "owner_id", OWNER, "size_bytes"), 11
            )

        def test_total_unknown(self) -> None:
            """To ask for what is not summed up is a mistake."""
            for field, of in (("owner_id", "location"), ("image_id", "size_bytes")):
                self.assertRaises(ValueError, self.store.total, Image, field, OWNER, of)

        def test_views_change(self) -> None:
            """A view shows what the store has at the moment of looking."""
            everything = self.store.all(KeyPair)
            of_owner = self.store.where(KeyPair, "owner_id", OWNER)
            self.commit(Put(key_pair("a")))
            self.assertEqual(names(everything), ["a"])
            self.assertEqual(names(of_owner), ["a"])
            self.commit(Delete(KeyPair, key_pair("a").key))
            self.assertEqual(len(everything), 0)
            self.assertEqual(len(of_owner), 0)

        def test_change_while_looking(self) -> None:
            """The store may be changed while a view is gone through."""
            self.commit(Put(key_pair("a")), Put(key_pair("b")))
            for each in self.store.all(KeyPair):
                self.commit(Delete(KeyPair, each.key))
            self.assertEqual(len(self.store.all(KeyPair)), 0)

        def test_in_order(self) -> None:
            """The changes of one commit are made in their order."""
            record = key_pair("a")
            self.commit(Put(record), Delete(KeyPair, record.key))
            self.assertIsNone(self.store.get(KeyPair, record.key))

        def test_empty_commit(self) -> None:
            """A commit of nothing is fine."""
            self.commit()

        def test_reopened(self) -> None:
            """Closed and opened again, it has what it had, in its order."""
            kept = everything()
            self.commit(*(Put(each) for each in kept))
            self.commit(Put(key_pair("b")), Put(key_pair("a")))
            self.commit(Put(evolve(key_pair("b"), fingerprint="new")))
            self.successResultOf(self.store.close())
            self.successResultOf(self.store.open())
            for each in kept:
                self.assertEqual(self.store.get(type(each), each.key), each)
            self.assertEqual(names(self.store.all(KeyPair)), ["b", "a"])

    return IStoreTests


def everything() -> list[Any]:
    """Records with something in every sort of field."""
    moment = datetime(2026, 11, 23, 8, 0, 0, 123456, UTC)
    source = GroupSource(
        owner_id=OTHER, group_id=GroupId("sg-00000002"), group_name="web"
    )
    return [
        SecurityGroup(
            group_id=GroupId("sg-00000001"),
            owner_id=OWNER,
            name='näme "<&>\x00\U0001f600',
            description="",
            permissions=(
                Permission(protocol="tcp", from_port=22, to_port=22, cidr="0.0.0.0/0"),
                Permission(protocol="icmp", from_port=-1, to_port=-1, group=source),
            ),
        ),
        tags("i-00000001", Name="näme", empty=""),
        Image(
            image_id=ImageId("emi-00000001"),
            kind=ImageKind.MACHINE,
            owner_id=OWNER,
            location="/images/root.img",
            state=ImageState.AVAILABLE,
            registered_at=moment,
            launch_permissions=(OTHER,),
            kernel_id=ImageId("eki-00000001"),
            size_bytes=2**40,
        ),
        Instance(
            instance_id=InstanceId("i-00000001"),
            reservation_id=ReservationId("r-00000001"),
            owner_id=OWNER,
            image_id=ImageId("emi-00000001"),
            instance_type="m1.small",
            cores=1,
            memory_mib=128,
            disk_gib=2,
            groups=(GroupName(group_id=GroupId("sg-00000001"), name="default"),),
            launch_index=0,
            launched_at=moment,
            zone="cluster1",
            network_index=3,
            mac_address="d0:0d:00:00:00:01",
            is_silent=True,
            ended_at=moment,
        ),
    ]
