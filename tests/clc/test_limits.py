"""What accounts may still have."""

from __future__ import annotations

from typing import Any

from attrs import evolve

from euca_tw.api.errors import (
    AddressLimitExceeded,
    ApiError,
    InstanceLimitExceeded,
    ResourceLimitExceeded,
    RulesPerSecurityGroupLimitExceeded,
    SecurityGroupLimitExceeded,
    VcpuLimitExceeded,
)
from euca_tw.clc.limits import (
    HELD,
    PLENTY,
    left,
    limits_of,
    may_launch_more,
    need,
)
from euca_tw.model.identifiers import GroupId
from euca_tw.model.quotas import LIMITS, NO_LIMITS, UNLIMITED, Quotas
from euca_tw.model.records import (
    Address,
    ImageState,
    InstanceState,
    KeyPair,
    Limit,
    PlacementGroup,
    ResourceTags,
    SecurityGroup,
    User,
)
from tests.clc.cloud import ADMIN, ALICE, ALICE_ID, BOB, NOW, TYPES, CloudTestCase

#: By the name of a limit: the refusal, and what its message tells.
REFUSALS: dict[str, tuple[type[ApiError], str]] = {
    "instances": (InstanceLimitExceeded, "instance limit of 3"),
    "cores": (VcpuLimitExceeded, "vCPU limit of 3"),
    "memory_mib": (ResourceLimitExceeded, "MiB of memory has been reached: 3"),
    "addresses": (AddressLimitExceeded, "addresses has been reached: 3"),
    "key_pairs": (ResourceLimitExceeded, "key pairs has been reached: 3"),
    "security_groups": (SecurityGroupLimitExceeded, "groups has been reached: 3"),
    "permissions_per_group": (
        RulesPerSecurityGroupLimitExceeded,
        "rules per security group has been reached: 3",
    ),
    "placement_groups": (ResourceLimitExceeded, "placement groups has been"),
    "images": (ResourceLimitExceeded, "images has been reached: 3"),
    "image_mib": (ResourceLimitExceeded, "MiB of images has been reached: 3"),
    "tags": (ResourceLimitExceeded, "tags has been reached: 3"),
}


class LimitsTests(CloudTestCase):
    def user(self, *limits: Limit, **given: Any) -> None:
        self.put(
            User(
                **{
                    "account_id": ALICE_ID,
                    "name": "alice",
                    "created_at": NOW,
                    "limits": limits,
                    **given,
                }
            )
        )

    def test_for_all(self) -> None:
        """An account of which nothing else is said has the limits of all."""
        quotas = Quotas(addresses=7)
        self.assertEqual(limits_of(self.store, quotas, ALICE_ID), quotas)
        self.user()
        self.assertEqual(limits_of(self.store, quotas, ALICE_ID), quotas)

    def test_own(self) -> None:
        """An account's own limits stand in place of those, and of those only."""
        self.user(Limit(of="addresses", most=0), Limit(of="images", most=UNLIMITED))
        found = limits_of(self.store, Quotas(addresses=7), ALICE_ID)
        self.assertEqual(found, Quotas(addresses=0, images=UNLIMITED))

    def test_forgotten(self) -> None:
        """A limit that there is no more, or that no account can have, is nothing."""
        self.user(Limit(of="moons", most=1), Limit(of="user_data_bytes", most=1))
        self.assertEqual(limits_of(self.store, Quotas(), ALICE_ID), Quotas())

    def test_administrator(self) -> None:
        """Administrators are not limited, whatever is said."""
        self.user(Limit(of="addresses", most=0), is_admin=True)
        self.assertEqual(limits_of(self.store, Quotas(), ALICE_ID), NO_LIMITS)
        for of in LIMITS:
            need(self.store, Quotas(**{of: 0}), ADMIN, of, held=10**6)

    def test_refusals(self) -> None:
        """Up to each limit there is room, and beyond it EC2's own refusal."""
        self.assertEqual(REFUSALS.keys(), set(LIMITS))
        for of, (kind, text) in REFUSALS.items():
            quotas = Quotas(**{of: 3})
            need(self.store, quotas, ALICE, of, more=2, held=1)
            refusal = self.assertRaises(
                kind, need, self.store, quotas, ALICE, of, more=3, held=1
            )
            self.assertIn(text, refusal.message)

    def test_unlimited(self) -> None:
        """Without a limit there is room for anything."""
        quotas = Quotas(addresses=UNLIMITED)
        self.assertEqual(
            left(self.store, quotas, ALICE, "addresses"), (PLENTY, UNLIMITED)
        )

    def test_lowered(self) -> None:
        """Who holds more than he may keeps it, and gets no more."""
        for last in (1, 2):
            self.put(Address(public_ip=f"192.0.2.{last}", owner_id=ALICE_ID))
        self.assertEqual(
            left(self.store, Quotas(addresses=1), ALICE, "addresses"), (0, 1)
        )

    def test_held(self) -> None:
        """All that an account holds is counted, and nothing of another's."""
        small = self.instance(1)
        self.instance(2, cores=4, memory_mib=512)
        self.instance(3, state=InstanceState.TERMINATED)
        self.instance(4, wanted=InstanceState.TERMINATED)
        self.instance(5, owner_id=BOB.account_id)
        self.put(evolve(small, cores=2))
        self.image("emi-00000001", size_bytes=(1 << 20) + 1)
        self.image("emi-00000002", state=ImageState.PENDING)
        # Kept as long as an instance needs it: it has its place, and is no image.
        gone = ImageState.DEREGISTERED
        self.image("emi-00000003", state=gone, size_bytes=1 << 20)
        self.image("emi-00000004", state=gone, owner_id=BOB.account_id)
        self.put(
            Address(public_ip="192.0.2.1", owner_id=ALICE_ID),
            KeyPair(owner_id=ALICE_ID, name="k", fingerprint="aa", public_key="p"),
            SecurityGroup(
                group_id=GroupId("sg-00000001"),
                owner_id=ALICE_ID,
                name="g",
                description="d",
            ),
            PlacementGroup(owner_id=ALICE_ID, name="p", group_id="pg-00000001"),
            ResourceTags(
                owner_id=ALICE_ID,
                resource_id="i-00000001",
                resource_type="instance",
                tags=(("a", "1"), ("b", "2")),
            ),
        )
        found = {of: count(self.store, ALICE_ID) for of, count in HELD.items()}
        self.assertEqual(
            found,
            {
                "instances": 2,
                "cores": 6,
                "memory_mib": 640,
                "addresses": 1,
                "key_pairs": 1,
                "security_groups": 1,
                "placement_groups": 1,
                "images": 2,
                "image_mib": 3,
                "tags": 2,
            },
        )

    def test_launches(self) -> None:
        """As many are launched as the scarcest of a caller's limits allows."""
        self.instance(1)  # of 1 core and 128 MiB
        large = TYPES["m1.large"]  # of 2 and 512
        for quotas, most in (
            (Quotas(), 19),
            (Quotas(cores=10), 4),
            (Quotas(memory_mib=1200), 2),
            (Quotas(instances=3, cores=100), 2),
        ):
            found = may_launch_more(self.store, quotas, ALICE, large, 1)
            self.assertEqual(found, most, quotas)
        any_number = may_launch_more(self.store, Quotas(), ADMIN, large, 1)
        self.assertGreater(any_number, 10**6)

    def test_launches_refused(self) -> None:
        """No room for the least that is asked for is refused by what is scarce."""
        large = TYPES["m1.large"]
        for kind, quotas in (
            (InstanceLimitExceeded, Quotas(instances=1)),
            (VcpuLimitExceeded, Quotas(cores=3)),
            (ResourceLimitExceeded, Quotas(memory_mib=1023)),
        ):
            self.assertRaises(
                kind, may_launch_more, self.store, quotas, ALICE, large, 2
            )


class QuotasTests(CloudTestCase):
    def test_not_less_than_nothing(self) -> None:
        """A limit is 0 or more, or there is none."""
        self.assertEqual(Quotas(images=0).images, 0)
        self.assertRaises(ValueError, Quotas, images=-2)
        self.assertRaises(ValueError, Quotas, user_data_bytes=-1)
