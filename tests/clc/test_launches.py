"""RunInstances."""

from __future__ import annotations

import base64
from random import Random
from typing import Any

from attrs import evolve
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred

from euca_tw.api.ec2.common import GroupItem
from euca_tw.api.ec2.devices import BlockDeviceMapping, EbsBlockDevice
from euca_tw.api.ec2.instance_interfaces import (
    NetworkInterfaceWanted,
    PrivateAddressWanted,
)
from euca_tw.api.ec2.instances import (
    InstanceProfileRequest,
    LicenseRequest,
    MonitoringRequest,
    PlacementRequest,
    RunInstanceItem,
    RunInstances,
    UserData,
)
from euca_tw.api.errors import (
    IdempotentInstanceTerminated,
    IdempotentParameterMismatch,
    ImageUnavailable,
    InstanceLimitExceeded,
    InsufficientInstanceCapacity,
    InvalidParameterCombination,
    InvalidParameterValue,
    MalformedGroupId,
    MalformedImageId,
    MalformedUserData,
    NoSuchGroup,
    NoSuchImage,
    NoSuchKeyPair,
    NoSuchZone,
    UnsupportedOperation,
)
from euca_tw.clc.interfaces import Stranger
from euca_tw.clc.launches import Launches
from euca_tw.model.identifiers import GroupId, Minter, mac_address
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    ClientToken,
    ImageKind,
    ImageState,
    Instance,
    InstanceState,
    KeyPair,
    SecurityGroup,
)
from euca_tw.store.interfaces import Delete
from tests.clc.cloud import (
    ADMIN,
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    NOW,
    TYPES,
    CloudTestCase,
)
from tests.fakes.clusters import RecordingClusters, roomy_zone

#: What no network interface is here, or what one request must not say of several.
INTERFACES = (
    *(
        (NetworkInterfaceWanted(**{"device_index": 0, **given}),)
        for given in (
            {"device_index": 1},
            {"network_interface_id": "eni-00000001"},
            {"subnet_id": "subnet-1"},
            {"description": "mine"},
            {"private_ip_address": "10.0.0.9"},
            {
                "private_ip_addresses": (
                    PrivateAddressWanted(private_ip_address="10.0.0.9"),
                )
            },
            {"secondary_private_ip_address_count": 1},
            {"delete_on_termination": False},
            {"associate_public_ip_address": True},
        )
    ),
    (NetworkInterfaceWanted(device_index=0), NetworkInterfaceWanted(device_index=1)),
)
IMAGE, KERNEL, RAMDISK = "emi-00000001", "eki-00000001", "eri-00000001"


class LaunchTestCase(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.image()
        self.launches = self.with_clusters()

    def with_clusters(self, *zones: Any, **quotas: int) -> Launches:
        if zones:
            self.clusters = RecordingClusters(zones)
        self.launches = Launches(
            store=self.store,
            clusters=self.clusters,
            clock=self.clock,
            minter=self.minter,
            quotas=Quotas(**quotas),
            machine_types=TYPES,
        )
        return self.launches

    def run_(self, least: int = 1, most: int | None = None, **given: Any) -> Any:
        caller = given.pop("caller", ALICE)
        return self.launches.run_instances(
            caller,
            RunInstances(
                **{
                    "image_id": IMAGE,
                    "min_count": least,
                    "max_count": least if most is None else most,
                    **given,
                }
            ),
        )

    def ran(self, *counts: int, **given: Any) -> list[Instance]:
        """The records of what was launched."""
        told = self.result(self.run_(*counts, **given))
        return [self.store.get(Instance, each.instance_id) for each in told.instances]

    def group(self, name: str, **given: Any) -> str:
        group_id = GroupId(f"sg-{len(self.store.all(SecurityGroup)) + 16:08x}")
        self.put(
            SecurityGroup(
                **{
                    "group_id": group_id,
                    "owner_id": ALICE_ID,
                    "name": name,
                    "description": "d",
                    **given,
                }
            )
        )
        return group_id


class LaunchTests(LaunchTestCase):
    def test_answer(self) -> None:
        """The answer is the reservation, its instances pending."""
        told = self.result(self.run_(2))
        self.assertRegex(told.reservation_id, r"\Ar-[0-9a-f]{8}\Z")
        self.assertEqual(told.owner_id, ALICE_ID)
        self.assertEqual([g.name_as_id for g in told.groups], ["default"])
        self.assertEqual([i.launch_index for i in told.instances], ["0", "1"])
        self.assertEqual({i.state.name for i in told.instances}, {"pending"})
        self.assertEqual({i.launch_time for i in told.instances}, {NOW})

    def test_record(self) -> None:
        """What is kept is all that is needed to run it."""
        [kept] = self.ran()
        self.assertEqual(kept.owner_id, ALICE_ID)
        self.assertEqual(kept.image_id, IMAGE)
        self.assertEqual(
            (kept.instance_type, kept.cores, kept.memory_mib, kept.disk_gib),
            ("m1.small", 1, 128, 2),
        )
        self.assertEqual(kept.zone, "one")
        self.assertEqual(kept.mac_address, mac_address(kept.instance_id))
        self.assertEqual(kept.wanted, InstanceState.RUNNING)
        self.assertEqual(kept.state, InstanceState.PENDING)

    def test_wakes(self) -> None:
        """The zones of the instances learn of them, each once."""
        self.ran(3)
        self.assertEqual(self.clusters.woken, ["one"])

    def test_item_list(self) -> None:
        """The first dates' list of one item is a launch like any other."""
        item = RunInstanceItem(image_id=IMAGE, min_count=2, max_count=2)
        [one, two] = self.ran(instances=(item,), image_id=None, min_count=None)
        self.assertEqual(one.reservation_id, two.reservation_id)

    def test_several_items(self) -> None:
        """A list of several items is refused: each is a request of its own."""
        item = RunInstanceItem(image_id=IMAGE, min_count=1, max_count=1)
        self.refused(InvalidParameterCombination, self.run_(instances=(item, item)))

    def test_type(self) -> None:
        """An instance has the type that was asked for."""
        [kept] = self.ran(instance_type="m1.large")
        self.assertEqual((kept.instance_type, kept.memory_mib), ("m1.large", 512))

    def test_further_disks(self) -> None:
        """What the type has besides its root disk is kept with the instance."""
        small = evolve(TYPES["m1.small"], ephemeral_gib=1, swap_mib=512)
        self.launches.machine_types = {**TYPES, "m1.small": small}
        [kept] = self.ran(instance_type="m1.small")
        self.assertEqual((kept.ephemeral_gib, kept.swap_mib), (1, 512))

    def test_unknown_type(self) -> None:
        """A type that this cloud has not is refused, naming those that it has."""
        refusal = self.refused(
            InvalidParameterValue, self.run_(instance_type="t2.nano")
        )
        self.assertIn("m1.small, m1.large", refusal.message)

    def test_counts(self) -> None:
        """The least is at least one, and not over the most."""
        for least, most in (0, 1), (-1, 5), (2, 1):
            self.refused(InvalidParameterValue, self.run_(least, most))

    def test_not_here(self) -> None:
        """What this cloud has not is refused rather than left out."""
        ebs = BlockDeviceMapping(device_name="sdb", ebs=EbsBlockDevice(volume_size=1))
        for asked in [
            {"subnet_id": "subnet-1"},
            {"private_ip_address": "10.0.0.1"},
            *({"network_interfaces": each} for each in INTERFACES),
            {"iam_instance_profile": InstanceProfileRequest(name="p")},
            {"license": LicenseRequest(pool="p")},
            {"ebs_optimized": True},
            {"block_device_mappings": (ebs,)},
            {"placement": PlacementRequest(tenancy="dedicated")},
        ]:
            self.refused(UnsupportedOperation, self.run_(**asked))
        self.assertEqual(len(self.store.all(Instance)), 0)

    def test_groups_of_an_interface(self) -> None:
        """The groups may be those of the one interface that an instance has."""
        web = self.group("web")
        first = NetworkInterfaceWanted(
            device_index=0,
            group_ids=(web,),
            delete_on_termination=True,
            associate_public_ip_address=False,
        )
        self.ran(network_interfaces=(first,))
        [made] = self.store.all(Instance)
        self.assertEqual([each.group_id for each in made.groups], [web])
        refusal = self.refused(
            InvalidParameterCombination,
            self.run_(network_interfaces=(first,), security_group_names=("web",)),
        )
        self.assertIn("Network interfaces", refusal.message)

    def test_interface_without_groups(self) -> None:
        """An interface that says nothing is the one that an instance has anyway."""
        self.ran(network_interfaces=(NetworkInterfaceWanted(device_index=0),))
        [made] = self.store.all(Instance)
        self.assertEqual([each.name for each in made.groups], ["default"])

    def test_wishes(self) -> None:
        """What shall protect, monitor and stop it is kept, and is off if not said."""
        self.ran()
        self.ran(
            disable_api_termination=True,
            monitoring=MonitoringRequest(is_enabled=True),
            instance_initiated_shutdown_behavior="stop",
        )
        plain, other = self.store.all(Instance)
        for made, is_so in ((plain, False), (other, True)):
            self.assertEqual(
                (made.is_protected, made.is_monitored, made.stops_itself),
                (is_so, is_so, is_so),
            )
        refusal = self.refused(
            InvalidParameterValue,
            self.run_(instance_initiated_shutdown_behavior="explode"),
        )
        self.assertIn("explode", refusal.message)

    def test_means_nothing(self) -> None:
        """What changes nothing is no reason to refuse."""
        self.ran(
            additional_info="x",
            addressing_type="public",
            block_device_mappings=(BlockDeviceMapping.of_virtual("ephemeral0", "sdb"),),
            disable_api_termination=False,
            ebs_optimized=False,
            instance_initiated_shutdown_behavior="terminate",
            monitoring=MonitoringRequest(is_enabled=False),
            placement=PlacementRequest(tenancy="default"),
        )

    def test_cancelled(self) -> None:
        """A launch that nobody waits for any more goes on, once it is durable."""
        waiting: Deferred[None] = Deferred()
        commit = self.store.commit

        def slow(*changes: Any) -> Deferred[None]:
            commit(*changes)
            return waiting

        self.group("default")
        self.patch(type(self.store), "commit", lambda _, *changes: slow(*changes))
        running = ensureDeferred(self.run_())
        self.assertNoResult(running)
        running.cancel()
        self.failureResultOf(running, CancelledError)
        self.assertEqual((self.clusters.held, self.clusters.woken), (["one"], []))
        waiting.callback(None)
        self.assertEqual((self.clusters.held, self.clusters.woken), ([], ["one"]))


class ImageTests(LaunchTestCase):
    def boot(self, **given: Any) -> None:
        self.image(KERNEL, kind=ImageKind.KERNEL, is_public=True, **given)
        self.image(RAMDISK, kind=ImageKind.RAMDISK, is_public=True)

    def test_own_kernel(self) -> None:
        """The image's kernel and ramdisk come with it, also where they are hidden."""
        self.boot()
        self.image(IMAGE, kernel_id=KERNEL, ramdisk_id=RAMDISK, is_public=True)
        self.image(KERNEL, kind=ImageKind.KERNEL)
        [kept] = self.ran(caller=BOB)
        self.assertEqual((kept.kernel_id, kept.ramdisk_id), (KERNEL, RAMDISK))

    def test_other_kernel(self) -> None:
        """A request may name others."""
        self.boot()
        self.image(IMAGE, kernel_id="eki-99999999")
        [kept] = self.ran(kernel_id=KERNEL, ramdisk_id=RAMDISK)
        self.assertEqual((kept.kernel_id, kept.ramdisk_id), (KERNEL, RAMDISK))

    def test_whole_disk(self) -> None:
        """An image without a kernel boots from its disk."""
        [kept] = self.ran()
        self.assertEqual((kept.kernel_id, kept.ramdisk_id), (None, None))

    def test_ramdisk_alone(self) -> None:
        """A ramdisk without a kernel boots nothing."""
        self.boot()
        self.refused(InvalidParameterCombination, self.run_(ramdisk_id=RAMDISK))

    def test_no_image(self) -> None:
        """An image that is not there, not for the caller, or none is refused."""
        self.refused(NoSuchImage, self.run_(image_id="emi-99999999"))
        self.refused(NoSuchImage, self.run_(image_id="ami-12345678"))
        self.refused(MalformedImageId, self.run_(image_id="banana"))
        self.refused(NoSuchImage, self.run_(caller=BOB))

    def test_not_a_machine(self) -> None:
        """Each image is launched as what it is."""
        self.boot()
        self.refused(NoSuchImage, self.run_(image_id=KERNEL))
        self.refused(NoSuchImage, self.run_(kernel_id=RAMDISK))
        self.refused(NoSuchImage, self.run_(kernel_id=KERNEL, ramdisk_id=IMAGE))

    def test_not_available(self) -> None:
        """An image whose bytes are not here yet, or no more, is refused."""
        for state in ImageState:
            self.image(state=state)
            if state is not ImageState.AVAILABLE:
                refusal = self.refused(ImageUnavailable, self.run_())
                self.assertIn(state.value, refusal.message)

    def test_kernel_not_available(self) -> None:
        """An image whose kernel is not here, or no more, is refused."""
        self.boot(state=ImageState.PENDING)
        self.image(IMAGE, kernel_id=KERNEL)
        self.refused(ImageUnavailable, self.run_())
        self.refused(ImageUnavailable, self.run_(kernel_id=KERNEL))
        self.image(IMAGE, kernel_id="eki-99999999")
        self.refused(ImageUnavailable, self.run_())

    def test_permitted(self) -> None:
        """Public images and those that one was permitted are for him too."""
        self.image(is_public=True)
        self.ran(caller=BOB)
        self.image(launch_permissions=(BOB_ID,))
        self.ran(caller=BOB)


class KeyGroupDataTests(LaunchTestCase):
    def test_key(self) -> None:
        """The public key goes with the instance."""
        pair = KeyPair(
            owner_id=ALICE_ID, name="k", fingerprint="", public_key="ssh-rsa AAAA k"
        )
        self.put(pair)
        [kept] = self.ran(key_name="k")
        self.assertEqual((kept.key_name, kept.public_key), ("k", "ssh-rsa AAAA k"))
        self.image(is_public=True)
        self.refused(NoSuchKeyPair, self.run_(key_name="k", caller=BOB))

    def test_no_key(self) -> None:
        """A key that is not there is refused; an empty name is none."""
        self.refused(NoSuchKeyPair, self.run_(key_name="k"))
        [kept] = self.ran(key_name="")
        self.assertEqual((kept.key_name, kept.public_key), ("", ""))

    def test_default_group(self) -> None:
        """Who names no group is in the default one, made when it is needed."""
        [one] = self.ran()
        [two] = self.ran(security_group_names=("default",))
        self.assertEqual([g.name for g in one.groups], ["default"])
        self.assertEqual(one.groups, two.groups)
        self.assertEqual(len(self.store.all(SecurityGroup)), 1)

    def test_groups(self) -> None:
        """Groups are named by SOAP and Query, by name and by id, each once."""
        web, db = self.group("web"), self.group("db")
        for asked in [
            {"groups": (GroupItem(name_as_id="web"), GroupItem(name_as_id="db"))},
            {"groups": (GroupItem(group_id=web), GroupItem(group_name="db"))},
            {"security_group_names": ("web", "db", "web")},
            {"security_group_ids": (db,), "security_group_names": ("web",)},
            {"security_group_ids": (web, db)},
        ]:
            [kept] = self.ran(**asked)
            self.assertEqual(sorted(g.group_id for g in kept.groups), [web, db])
        self.assertEqual(len(self.store.all(SecurityGroup)), 2)

    def test_no_group(self) -> None:
        """A group that is not there, or another's, is refused."""
        bobs = self.group("bobs", owner_id=BOB_ID)
        self.refused(NoSuchGroup, self.run_(security_group_names=("bobs",)))
        self.refused(NoSuchGroup, self.run_(security_group_ids=(bobs,)))
        self.refused(MalformedGroupId, self.run_(security_group_ids=("bobs",)))

    def test_user_data(self) -> None:
        """User data comes by SOAP or Query, and is kept as base64."""
        text = base64.b64encode(b"hello").decode()
        for asked in {"user_data": UserData(data=text)}, {"user_data_text": text}:
            [kept] = self.ran(**asked)
            self.assertEqual(kept.user_data, text)

    def test_bad_user_data(self) -> None:
        """User data that is not base64, or too much, is refused."""
        self.refused(MalformedUserData, self.run_(user_data_text="#!/bin/sh"))
        large = base64.b64encode(bytes(16385)).decode()
        self.refused(InvalidParameterValue, self.run_(user_data_text=large))


class RoomTests(LaunchTestCase):
    def test_as_many_as_there_is_room_for(self) -> None:
        """Between the least and the most, as many run as there is room for."""
        self.with_clusters(roomy_zone("one", available={"m1.small": 3}))
        self.assertEqual(len(self.ran(1, 5)), 3)

    def test_too_few(self) -> None:
        """With no room for the least, none run, and the refusal says why."""
        self.with_clusters(roomy_zone("one", available={"m1.small": 3}))
        refusal = self.refused(InsufficientInstanceCapacity, self.run_(4, 5))
        self.assertIn("zone one has room for 3 more", refusal.message)
        self.assertEqual(len(self.store.all(Instance)), 0)
        self.assertEqual(self.clusters.woken, [])

    def test_no_such_room(self) -> None:
        """A zone that never told of a type has no room for it."""
        self.with_clusters(roomy_zone("one", available={}))
        self.refused(InsufficientInstanceCapacity, self.run_())

    def test_addresses(self) -> None:
        """Every instance of a zone has a place of its own in its range."""
        self.with_clusters(roomy_zone("one", addresses=3))
        [first] = self.ran()
        taken = {first.network_index, *(i.network_index for i in self.ran(2))}
        self.assertEqual(taken, {0, 1, 2})
        self.refused(InsufficientInstanceCapacity, self.run_())
        self.put(evolve(first, state=InstanceState.SHUTTING_DOWN))
        self.refused(InsufficientInstanceCapacity, self.run_())
        self.put(evolve(first, state=InstanceState.TERMINATED))
        [again] = self.ran()
        self.assertEqual(again.network_index, first.network_index)

    def test_strangers(self) -> None:
        """What runs there and nobody knows of has its place all the same."""
        stranger = Stranger(
            instance_id="i-00000099",
            owner_id="000000000009",
            private_ip="10.0.0.3",
            network_index=1,
        )
        zone = evolve(roomy_zone("one", addresses=3), strangers=(stranger,))
        self.with_clusters(zone)
        self.assertEqual({i.network_index for i in self.ran(1, 5)}, {0, 2})
        self.refused(InsufficientInstanceCapacity, self.run_())

    def test_rests(self) -> None:
        """A place that was given back is another's only when all were given."""
        self.with_clusters(roomy_zone("one", addresses=3))
        [first] = self.ran()
        self.put(evolve(first, state=InstanceState.TERMINATED))
        places = [each.network_index for _ in range(3) for each in self.ran()]
        self.assertEqual(places, [1, 2, 0])

    def test_two_zones(self) -> None:
        """Places are each zone's own."""
        self.with_clusters(roomy_zone("one", addresses=1), roomy_zone("two"))
        self.ran(placement=PlacementRequest(availability_zone="one"))
        [kept] = self.ran(placement=PlacementRequest(availability_zone="two"))
        self.assertEqual((kept.zone, kept.network_index), ("two", 0))
        self.assertEqual(self.clusters.woken, ["one", "two"])

    def test_named_zone(self) -> None:
        """A named zone is the only one that will do."""
        self.with_clusters(roomy_zone("one", addresses=1), roomy_zone("two"))
        self.refused(
            InsufficientInstanceCapacity,
            self.run_(2, placement=PlacementRequest(availability_zone="one")),
        )

    def test_no_such_zone(self) -> None:
        """A zone that is not there is refused."""
        self.refused(
            NoSuchZone, self.run_(placement=PlacementRequest(availability_zone="x"))
        )

    def test_any_zone(self) -> None:
        """A placement that names no zone leaves it to the cloud."""
        [kept] = self.ran(placement=PlacementRequest())
        self.assertEqual(kept.zone, "one")

    def test_unreachable(self) -> None:
        """Nothing is launched where nobody has been heard of."""
        self.with_clusters(roomy_zone("one", is_reachable=False), roomy_zone("two"))
        [kept] = self.ran()
        self.assertEqual(kept.zone, "two")
        refusal = self.refused(
            InsufficientInstanceCapacity,
            self.run_(placement=PlacementRequest(availability_zone="one")),
        )
        self.assertIn("no zone is in reach", refusal.message)

    def test_limit(self) -> None:
        """A user may have so many instances; what ends counts no more."""
        self.with_clusters(instances=3)
        kept = self.ran(2)
        self.refused(InstanceLimitExceeded, self.run_(2))
        self.assertEqual(len(self.ran(1, 2)), 1)
        self.refused(InstanceLimitExceeded, self.run_())
        self.put(evolve(kept[0], wanted=InstanceState.TERMINATED))
        self.put(evolve(kept[1], state=InstanceState.TERMINATED))
        self.assertEqual(len(self.ran(1, 9)), 2)

    def test_administrator(self) -> None:
        """No limit binds an administrator."""
        self.with_clusters(instances=1)
        self.assertEqual(len(self.ran(3, caller=ADMIN)), 3)


class TokenTests(LaunchTestCase):
    def test_same(self) -> None:
        """The same token with the same request launches nothing more."""
        first = self.result(self.run_(2, client_token="t"))
        again = self.result(self.run_(2, client_token="t"))
        self.assertEqual(first, again)
        self.assertEqual(len(self.store.all(Instance)), 2)

    def test_told(self) -> None:
        """An instance tells the token that it was launched with."""
        [kept] = self.ran(client_token="t")
        self.assertEqual(kept.client_token, "t")

    def test_state(self) -> None:
        """What is answered again is how it is now."""
        [kept] = self.ran(client_token="t")
        self.put(evolve(kept, state=InstanceState.RUNNING))
        again = self.result(self.run_(client_token="t"))
        self.assertEqual(again.instances[0].state.name, "running")

    def test_mismatch(self) -> None:
        """The same token with another request is refused."""
        self.ran(client_token="t")
        for other in {"instance_type": "m1.large"}, {"user_data_text": "aGVsbG8="}:
            self.refused(
                IdempotentParameterMismatch, self.run_(client_token="t", **other)
            )

    def test_others(self) -> None:
        """A token is each account's own."""
        self.image(is_public=True)
        self.ran(client_token="t")
        [kept] = self.ran(client_token="t", caller=BOB)
        self.assertEqual(kept.owner_id, BOB_ID)

    def test_dry_run(self) -> None:
        """To have asked whether it would be allowed is no other request."""
        self.ran(client_token="t")
        self.result(self.run_(client_token="t", is_dry_run=False))

    def test_without(self) -> None:
        """Without a token every request launches."""
        self.assertNotEqual(self.ran()[0].reservation_id, self.ran()[0].reservation_id)
        self.assertEqual(len(self.store.all(ClientToken)), 0)

    def test_refused(self) -> None:
        """A request that was refused does not use up its token."""
        self.refused(NoSuchKeyPair, self.run_(client_token="t", key_name="k"))
        self.ran(client_token="t")

    def test_later(self) -> None:
        """A token that was used is answered though nothing would fit any more."""
        first = self.result(self.run_(client_token="t"))
        self.with_clusters(roomy_zone("one", available={}))
        again = self.result(self.run_(client_token="t"))
        self.assertEqual(again.reservation_id, first.reservation_id)

    def test_long(self) -> None:
        """A token has up to 64 characters."""
        self.ran(client_token="t" * 64)
        self.refused(InvalidParameterValue, self.run_(client_token="t" * 65))

    def test_forgotten(self) -> None:
        """A token whose instances are forgotten launches nothing anew."""
        [kept] = self.ran(client_token="t")
        self.result(self.store.commit(Delete(Instance, kept.key)))
        self.refused(IdempotentInstanceTerminated, self.run_(client_token="t"))


class MintingTests(LaunchTestCase):
    def test_unique(self) -> None:
        """No identifier is given twice, however often chance would have it."""

        class Narrow(Random):
            def getrandbits(self, bits: int) -> int:
                return super().getrandbits(3)

        self.launches.minter = Minter(Narrow(1))
        self.group("default")
        self.launches.quotas = Quotas(instances=100)
        ids = {each.instance_id for _ in range(4) for each in self.ran(2)}
        self.assertEqual(len(ids), 8)
        reservations = {each.reservation_id for each in self.store.all(Instance)}
        self.assertEqual(len(reservations), 4)


class CallerTests(LaunchTestCase):
    def test_owner(self) -> None:
        """Instances are the caller's, an administrator's too."""
        [kept] = self.ran(caller=ADMIN)
        self.assertEqual(kept.owner_id, ADMIN.account_id)
