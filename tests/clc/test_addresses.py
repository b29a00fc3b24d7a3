"""Public addresses."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from euca_tw.api.ec2.addresses import (
    AllocateAddress,
    AssociateAddress,
    DescribeAddresses,
    DisassociateAddress,
    ReleaseAddress,
)
from euca_tw.api.ec2.common import Tag, TagSpecification
from euca_tw.api.errors import (
    AddressInUse,
    AddressLimitExceeded,
    AlreadyAssociated,
    IncorrectInstanceState,
    InsufficientAddressCapacity,
    InvalidFilter,
    InvalidParameterValue,
    InvalidTagType,
    MalformedAddress,
    MalformedInstanceId,
    MissingParameter,
    NoSuchAddress,
    NoSuchAllocation,
    NoSuchAssociation,
    NoSuchInstance,
    NoSuchNetworkInterface,
    UnsupportedOperation,
)
from euca_tw.clc.addresses import Addresses, public_addresses, without_address
from euca_tw.model.callers import Caller
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import Address, Instance, InstanceState, ResourceTags
from euca_tw.store.codec import Codec, Row
from euca_tw.store.interfaces import Delete
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
    TagSpecification(resource_type="elastic-ip", tags=(Tag(key="team", value="web"),)),
)
POOL = ("192.0.2.1", "192.0.2.2", "192.0.2.3")


class AddressesTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.addresses = Addresses(
            store=self.store,
            clusters=self.clusters,
            minter=self.minter,
            quotas=Quotas(addresses=2),
            pool=POOL,
        )

    def allocate(self, caller: Caller = ALICE, **given: Any) -> Any:
        return self.addresses.allocate_address(caller, AllocateAddress(**given))

    def allocated(self, caller: Caller = ALICE, **given: Any) -> str:
        public_ip: str = self.result(self.allocate(caller, **given)).public_ip
        return public_ip

    def associate(self, caller: Caller = ALICE, **given: Any) -> Any:
        return self.addresses.associate_address(caller, AssociateAddress(**given))

    def associated(self, public_ip: str, instance: Instance) -> None:
        done = self.associate(public_ip=public_ip, instance_id=instance.instance_id)
        self.assertTrue(self.result(done).is_success)

    def describe(self, caller: Caller = ALICE, **asked: Any) -> Any:
        return self.addresses.describe_addresses(caller, DescribeAddresses(**asked))

    def holders(self, caller: Caller = ALICE, **asked: Any) -> dict[str, str | None]:
        told = self.result(self.describe(caller, **asked)).addresses
        return {each.public_ip: each.instance_id for each in told}


class AllocateTests(AddressesTestCase):
    def test_allocate(self) -> None:
        """An address from the pool is the caller's, and nobody's else."""
        told = self.result(self.allocate())
        self.assertEqual((told.public_ip, told.domain), (POOL[0], "standard"))
        self.assertRegex(told.allocation_id, r"\Aeipalloc-[0-9a-f]{8}\Z")
        self.assertEqual(self.allocated(BOB), POOL[1])
        self.assertEqual(self.holders(), {POOL[0]: None})

    def test_that_one(self) -> None:
        """One that was released may be had again by who asks for it, if it is free."""
        self.assertEqual(self.allocated(address=POOL[2]), POOL[2])
        self.refused(AddressInUse, self.allocate(BOB, address=POOL[2]))
        self.result(
            self.addresses.release_address(ALICE, ReleaseAddress(public_ip=POOL[2]))
        )
        self.assertEqual(self.allocated(BOB, address=POOL[2]), POOL[2])
        self.assertEqual(self.allocated(address=POOL[0]), POOL[0])
        self.assertEqual(self.allocated(), POOL[1])
        self.refused(NoSuchAddress, self.allocate(BOB, address="192.0.2.77"))
        self.refused(MalformedAddress, self.allocate(BOB, address="192.0.2"))

    def test_limit(self) -> None:
        """An account has so many addresses; an administrator any number."""
        self.allocated()
        self.allocated()
        self.refused(AddressLimitExceeded, self.allocate())

    def test_administrator(self) -> None:
        """No limit but the pool's binds an administrator."""
        for _ in POOL:
            self.allocated(ADMIN)
        self.refused(InsufficientAddressCapacity, self.allocate(ADMIN))

    def test_no_pool(self) -> None:
        """A cloud without public addresses has none to give."""
        self.addresses.pool = ()
        self.refused(InsufficientAddressCapacity, self.allocate())

    def test_domain(self) -> None:
        """The domain is what was asked for, and EC2 knows two."""
        self.assertEqual(self.result(self.allocate(domain="vpc")).domain, "vpc")
        self.result(self.allocate(domain="standard"))
        told = self.result(self.describe()).addresses
        self.assertEqual([each.domain for each in told], ["vpc", "standard"])
        refused = self.refused(InvalidParameterValue, self.allocate(domain="lan"))
        self.assertIn("(lan)", refused.message)

    def test_tags(self) -> None:
        """An address may be tagged as it is allocated."""
        self.result(self.allocate(tag_specifications=TAGGED))
        [told] = self.result(self.describe()).addresses
        self.assertEqual([(t.key, t.value) for t in told.tags], [("team", "web")])
        others = (TagSpecification(resource_type="image", tags=()),)
        self.refused(InvalidTagType, self.allocate(tag_specifications=others))

    def test_before_identifiers(self) -> None:
        """One allocated when there were no allocation ids has one by its address."""
        self.put(Address(public_ip="192.0.2.3", owner_id=ALICE_ID))
        [told] = self.result(self.describe()).addresses
        self.assertRegex(told.allocation_id, r"\Aeipalloc-[0-9a-f]{17}\Z")
        body = '{"public_ip":"192.0.2.3","owner_id":"000000000001","instance_id":null}'
        kept = Codec.of((Address,)).record(Row("Address", "192.0.2.3", 1, body))
        self.assertEqual(kept.allocation_id, told.allocation_id)
        found = self.holders(allocation_ids=(told.allocation_id,))
        self.assertEqual(found, {"192.0.2.3": None})

    def test_rests(self) -> None:
        """An address that was given back is not at once another's."""
        first = self.allocated()
        self.result(
            self.addresses.release_address(ALICE, ReleaseAddress(public_ip=first))
        )
        self.assertEqual([self.allocated(ADMIN) for _ in POOL], [*POOL[1:], POOL[0]])


class ReleaseTests(AddressesTestCase):
    def release(self, caller: Caller = ALICE, **given: Any) -> Any:
        return self.addresses.release_address(caller, ReleaseAddress(**given))

    def test_release(self) -> None:
        """An address that was released is told no more, and free."""
        public_ip = self.allocated()
        self.assertTrue(self.result(self.release(public_ip=public_ip)).is_success)
        self.assertEqual(self.holders(), {})
        self.refused(NoSuchAddress, self.release(public_ip=public_ip))

    def test_in_use(self) -> None:
        """An address is released from its instance too, whose zone learns of it."""
        public_ip, instance = self.allocated(), self.instance()
        self.associated(public_ip, instance)
        self.clusters.woken.clear()
        self.result(self.release(public_ip=public_ip))
        self.assertEqual(self.clusters.woken, ["one"])

    def test_refusals(self) -> None:
        """What is not the caller's address is refused."""
        public_ip = self.allocated()
        self.refused(NoSuchAddress, self.release(BOB, public_ip=public_ip))
        self.refused(NoSuchAddress, self.release(ADMIN, public_ip=public_ip))
        self.refused(NoSuchAddress, self.release(public_ip="192.0.2.9"))
        self.refused(MalformedAddress, self.release(public_ip="192.0.2.999"))
        self.refused(MissingParameter, self.release())
        self.refused(NoSuchAllocation, self.release(allocation_id="eipalloc-1"))
        allocation_id = self.result(self.describe()).addresses[0].allocation_id
        self.refused(NoSuchAllocation, self.release(BOB, allocation_id=allocation_id))

    def test_by_allocation(self) -> None:
        """It may be named by its allocation, and its tags go with it."""
        told = self.result(self.allocate(tag_specifications=TAGGED))
        self.result(self.release(allocation_id=told.allocation_id))
        self.assertEqual(self.holders(), {})
        self.assertEqual(len(self.store.all(ResourceTags)), 0)


class AssociateTests(AddressesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.public_ip = self.allocated()
        self.one = self.instance(1)

    def test_associate(self) -> None:
        """The instance has the address, and its zone learns of it."""
        self.associated(self.public_ip, self.one)
        self.assertEqual(self.holders(), {self.public_ip: self.one.instance_id})
        self.assertEqual(self.clusters.woken, ["one"])

    def test_pending(self) -> None:
        """An instance that does not run yet may have an address."""
        self.associated(self.public_ip, self.instance(2, state=InstanceState.PENDING))

    def test_moves(self) -> None:
        """An address given to another instance is taken from the first."""
        self.associated(self.public_ip, self.one)
        other = self.instance(2, zone="two")
        self.clusters.woken.clear()
        self.associated(self.public_ip, other)
        self.assertEqual(self.holders(), {self.public_ip: other.instance_id})
        self.assertEqual(self.clusters.woken, ["one", "two"])

    def test_one_each(self) -> None:
        """An instance has one address: the last that it was given."""
        second = self.allocated()
        self.associated(self.public_ip, self.one)
        self.associated(second, self.one)
        self.assertEqual(
            self.holders(), {self.public_ip: None, second: self.one.instance_id}
        )

    def test_again(self) -> None:
        """The same association again changes nothing."""
        self.associated(self.public_ip, self.one)
        self.associated(self.public_ip, self.one)
        self.assertEqual(self.holders(), {self.public_ip: self.one.instance_id})

    def test_no_move_wanted(self) -> None:
        """Who does not want to take it from another is refused."""
        self.associated(self.public_ip, self.one)
        other = self.instance(2)
        asked = {"public_ip": self.public_ip, "allow_reassociation": False}
        self.refused(
            AlreadyAssociated, self.associate(instance_id=other.instance_id, **asked)
        )
        self.result(self.associate(instance_id=self.one.instance_id, **asked))

    def test_states(self) -> None:
        """An instance on its way out gets no address."""
        for state in InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED:
            ending = self.instance(2, state=state)
            self.refused(
                IncorrectInstanceState,
                self.associate(
                    public_ip=self.public_ip, instance_id=ending.instance_id
                ),
            )

    def test_refusals(self) -> None:
        """What is not the caller's, is not there, or is not named is refused."""
        bobs = self.instance(2, owner_id=BOB_ID)
        ip, own = self.public_ip, self.one.instance_id
        for kind, caller, asked in [
            (NoSuchInstance, ALICE, {"public_ip": ip, "instance_id": bobs.instance_id}),
            (NoSuchInstance, ALICE, {"public_ip": ip, "instance_id": "i-99999999"}),
            (MalformedInstanceId, ALICE, {"public_ip": ip, "instance_id": "x"}),
            (NoSuchAddress, BOB, {"public_ip": ip, "instance_id": bobs.instance_id}),
            (MissingParameter, ALICE, {"instance_id": own}),
            (MissingParameter, ALICE, {"public_ip": ip}),
            (NoSuchAllocation, ALICE, {"allocation_id": "x", "instance_id": own}),
            (
                NoSuchNetworkInterface,
                ALICE,
                {"public_ip": ip, "network_interface_id": "eni-00000002"},
            ),
            (
                NoSuchNetworkInterface,
                ALICE,
                {"public_ip": ip, "network_interface_id": "eni-1"},
            ),
            (
                UnsupportedOperation,
                ALICE,
                {"public_ip": ip, "instance_id": own, "private_ip_address": "10.9.9.9"},
            ),
        ]:
            self.refused(kind, self.associate(caller, **asked))

    def test_administrators(self) -> None:
        """Not even an administrator's address goes to another's instance."""
        public_ip = self.allocated(ADMIN)
        self.refused(
            NoSuchInstance,
            self.associate(
                ADMIN, public_ip=public_ip, instance_id=self.one.instance_id
            ),
        )

    def test_identifiers(self) -> None:
        """Address and instance may be named by allocation and interface."""
        [address] = self.result(self.describe()).addresses
        done = self.result(
            self.associate(
                allocation_id=address.allocation_id,
                network_interface_id="eni-00000001",
                private_ip_address="10.0.0.1",
            )
        )
        [told] = self.result(self.describe()).addresses
        self.assertEqual(told.instance_id, self.one.instance_id)
        self.assertEqual(told.association_id, done.association_id)
        self.assertEqual(told.network_interface_id, "eni-00000001")
        self.assertEqual(told.private_ip_address, "10.0.0.1")
        self.refused(
            NoSuchAssociation,
            self.disassociate(BOB, association_id=done.association_id),
        )
        self.result(self.disassociate(association_id=done.association_id))
        self.assertEqual(self.holders(), {self.public_ip: None})
        self.refused(
            NoSuchAssociation, self.disassociate(association_id=done.association_id)
        )

    def test_association_ids(self) -> None:
        """An association has the same name as long as it lasts, others have others."""
        other = self.instance(2)
        ids = [
            self.result(
                self.associate(public_ip=self.public_ip, instance_id=each)
            ).association_id
            for each in (self.one.key, self.one.key, other.key)
        ]
        self.assertEqual(ids[0], ids[1])
        self.assertNotEqual(ids[1], ids[2])
        self.refused(NoSuchAssociation, self.disassociate(association_id=ids[0]))

    def test_administrators_interface(self) -> None:
        """Nor to another's network interface."""
        public_ip = self.allocated(ADMIN)
        asked = {"public_ip": public_ip, "network_interface_id": "eni-00000001"}
        self.refused(NoSuchNetworkInterface, self.associate(ADMIN, **asked))

    def disassociate(self, caller: Caller = ALICE, **given: Any) -> Any:
        return self.addresses.disassociate_address(caller, DisassociateAddress(**given))

    def test_disassociate(self) -> None:
        """An address that was taken from its instance is still the user's."""
        self.associated(self.public_ip, self.one)
        self.clusters.woken.clear()
        self.assertTrue(
            self.result(self.disassociate(public_ip=self.public_ip)).is_success
        )
        self.assertEqual(self.holders(), {self.public_ip: None})
        self.assertEqual(self.clusters.woken, ["one"])

    def test_disassociate_refusals(self) -> None:
        """What is not the caller's address is refused; nobody's is not."""
        self.result(self.disassociate(public_ip=self.public_ip))
        self.refused(NoSuchAddress, self.disassociate(BOB, public_ip=self.public_ip))
        self.refused(NoSuchAssociation, self.disassociate(association_id="x"))
        self.refused(MissingParameter, self.disassociate())

    def test_ended(self) -> None:
        """An instance that has ended has no address, whatever is kept."""
        self.associated(self.public_ip, self.one)
        self.put(evolve(self.one, state=InstanceState.TERMINATED))
        self.assertEqual(self.holders(), {self.public_ip: None})
        other = self.instance(2)
        asked = {"public_ip": self.public_ip, "allow_reassociation": False}
        self.result(self.associate(instance_id=other.instance_id, **asked))

    def test_forgotten(self) -> None:
        """An instance that is forgotten has no address."""
        gone = evolve(self.one, instance_id="i-77777777")
        self.put(gone)
        self.associated(self.public_ip, gone)
        self.result(self.store.commit(Delete(Instance, gone.key)))
        self.assertEqual(self.holders(), {self.public_ip: None})

    def test_without_address(self) -> None:
        """An instance's address can be dropped together with other changes."""
        self.associated(self.public_ip, self.one)
        self.result(self.store.commit(*without_address(self.store, self.one.key)))
        self.assertEqual(self.holders(), {self.public_ip: None})
        self.assertEqual(without_address(self.store, self.one.key), ())

    def test_public_addresses(self) -> None:
        """Everybody learns the addresses of what he sees."""
        self.allocated(BOB)
        self.associated(self.public_ip, self.one)
        expected = {self.one.instance_id: self.public_ip}
        self.assertEqual(public_addresses(self.store, ALICE), expected)
        self.assertEqual(public_addresses(self.store, ADMIN), expected)
        self.assertEqual(public_addresses(self.store, BOB), {})


class DescribeTests(AddressesTestCase):
    def test_own(self) -> None:
        """Everybody is told of his own: all, or those that are named."""
        first, second = self.allocated(), self.allocated()
        self.assertEqual(set(self.holders()), {first, second})
        self.assertEqual(set(self.holders(public_ips=(second, second))), {second})
        for caller in BOB, ADMIN:
            self.assertEqual(self.holders(caller), {})

    def test_refusals(self) -> None:
        """What is not the caller's address is refused."""
        first = self.allocated()
        self.refused(NoSuchAddress, self.describe(BOB, public_ips=(first,)))
        self.refused(MalformedAddress, self.describe(public_ips=("banana",)))
        self.refused(NoSuchAllocation, self.describe(allocation_ids=("x",)))

    def test_tagged(self) -> None:
        """One of several is found by its tags."""
        told = self.result(self.allocate(tag_specifications=TAGGED))
        self.allocated()
        for name, value in ("tag:team", "web"), ("tag-key", "team"):
            shown = self.holders(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(set(shown), {told.public_ip})

    def test_filters(self) -> None:
        """Addresses are found by what they are and who has them."""
        first, second = self.allocated(), self.allocated()
        instance = self.instance()
        self.associated(first, instance)
        told = {a.public_ip: a for a in self.result(self.describe()).addresses}
        for name, value, found in [
            ("public-ip", second, {second}),
            ("instance-id", instance.instance_id, {first}),
            ("domain", "standard", {first, second}),
            ("domain", "vpc", set()),
            ("allocation-id", told[first].allocation_id, {first}),
            ("association-id", told[first].association_id, {first}),
            ("association-id", "*", {first}),
            ("network-interface-id", "eni-00000001", {first}),
            ("network-interface-owner-id", ALICE_ID, {first}),
            ("private-ip-address", "10.0.0.1", {first}),
            ("network-border-group", "*", set()),
            ("tag:team", "*", set()),
            ("tag-key", "none", set()),
        ]:
            shown = self.holders(filters=(AskedFilter(name, (value,)),))
            self.assertEqual(set(shown), found, name)
        self.refused(InvalidFilter, self.describe(filters=(AskedFilter("x", ()),)))
