"""
Another's things, by every operation that can name one.

Each request is right, and answered to its owner; who is not the owner is told
what he would be told if there were no such thing, or that it is not his, and
nothing changes.
"""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred

from euca_tw.api.ec2 import (
    addresses,
    egress,
    groups,
    image_attributes,
    images,
    instance_attributes,
    instance_states,
    instance_status,
    instances,
    monitoring,
    network_interfaces,
    placement_groups,
    tags,
)
from euca_tw.api.ec2.common import AttributeValue, BooleanAttributeValue, Tag
from euca_tw.api.ec2.keypairs import DeleteKeyPair, DescribeKeyPairs
from euca_tw.api.ec2.table import EC2
from euca_tw.api.errors import (
    ApiError,
    AuthFailure,
    NoSuchAddress,
    NoSuchAllocation,
    NoSuchAssociation,
    NoSuchGroup,
    NoSuchImage,
    NoSuchInstance,
    NoSuchKeyPair,
    NoSuchNetworkInterface,
    NoSuchPlacementGroup,
)
from euca_tw.api.shapes import Empty
from euca_tw.clc.account import Account
from euca_tw.clc.addresses import Addresses
from euca_tw.clc.dispatch import Dispatcher
from euca_tw.clc.group_rules import GroupRules
from euca_tw.clc.groups import Groups
from euca_tw.clc.image_attributes import ImageAttributes
from euca_tw.clc.image_store import MemoryImageStore
from euca_tw.clc.images import Images
from euca_tw.clc.imports import Imports
from euca_tw.clc.instance_attributes import InstanceAttributes
from euca_tw.clc.instance_status import InstanceStatuses
from euca_tw.clc.instance_types import InstanceTypes
from euca_tw.clc.instances import Instances
from euca_tw.clc.keypairs import KeyPairs
from euca_tw.clc.launches import Launches
from euca_tw.clc.network_interfaces import NetworkInterfaces
from euca_tw.clc.placement_groups import PlacementGroups
from euca_tw.clc.power import Power
from euca_tw.clc.tagging import Tags
from euca_tw.clc.vpcs import Vpcs
from euca_tw.clc.zones import Zones
from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.callers import Caller
from euca_tw.model.identifiers import GroupId, InstanceId
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    CLOUD_RECORDS,
    Address,
    ClientToken,
    ImageKind,
    KeyPair,
    Permission,
    PlacementGroup,
    ResourceTags,
    SecurityGroup,
)
from tests.clc.cloud import ALICE, ALICE_ID, BOB, BOB_ID, TYPES, CloudTestCase

#: Alice's.
INSTANCE, IMAGE, PUBLIC = "i-00000001", "emi-00000001", "emi-00000002"
KERNEL, RAMDISK = "eki-00000001", "eri-00000001"
GROUP, KEY, ADDRESS, TOKEN = "sg-0000000a", "alices", "192.0.2.1", "once"
#: Bob's.
HIS_INSTANCE, HIS_IMAGE, HIS_ADDRESS = "i-0000000b", "emi-0000000b", "192.0.2.2"

KEY_ID, ALLOCATION = "key-00000001", "eipalloc-00000001"
HER_ADDRESS = Address(
    public_ip=ADDRESS,
    owner_id=ALICE_ID,
    instance_id=InstanceId(INSTANCE),
    allocation_id=ALLOCATION,
)
ASSOCIATION = HER_ADDRESS.association_id

SSH = groups.IpPermission(
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    ip_ranges=(groups.IpRange(cidr_ip="10.0.0.0/8"),),
)


def from_group(**named: str) -> groups.IpPermission:
    source = groups.UserIdGroupPair(**named)
    return evolve(SSH, ip_ranges=(), groups=(source,))


def launch(**given: Any) -> instances.RunInstances:
    asked = {"image_id": HIS_IMAGE, "min_count": 1, "max_count": 1, **given}
    return instances.RunInstances(**asked)


LAUNCHABLE = image_attributes.LaunchPermissionChange(
    add=(image_attributes.LaunchPermission(user_id=BOB_ID),)
)

Refused = type[ApiError]

#: What Bob asks, and what he is told.
NAMED: tuple[tuple[str, Any, Refused], ...] = (
    # Instances.
    (
        "DescribeInstances",
        instances.DescribeInstances(instance_ids=(INSTANCE,)),
        NoSuchInstance,
    ),
    (
        "DescribeInstances",
        instances.DescribeInstances(instance_ids=(HIS_INSTANCE, INSTANCE)),
        NoSuchInstance,
    ),
    (
        "TerminateInstances",
        instances.TerminateInstances(instance_ids=(INSTANCE,)),
        NoSuchInstance,
    ),
    (
        "TerminateInstances",
        instances.TerminateInstances(instance_ids=(HIS_INSTANCE, INSTANCE)),
        NoSuchInstance,
    ),
    (
        "RebootInstances",
        instances.RebootInstances(instance_ids=(HIS_INSTANCE, INSTANCE)),
        NoSuchInstance,
    ),
    *(
        (name, request, NoSuchInstance)
        for ids in ((INSTANCE,), (HIS_INSTANCE, INSTANCE))
        for name, request in (
            ("StopInstances", instance_states.StopInstances(instance_ids=ids)),
            ("StartInstances", instance_states.StartInstances(instance_ids=ids)),
            ("MonitorInstances", monitoring.MonitorInstances(instance_ids=ids)),
            ("UnmonitorInstances", monitoring.MonitorInstances(instance_ids=ids)),
            (
                "DescribeInstanceStatus",
                instance_status.DescribeInstanceStatus(instance_ids=ids),
            ),
            (
                "ReportInstanceStatus",
                instance_status.ReportInstanceStatus(
                    instance_ids=ids, status="ok", reason_codes=("other",)
                ),
            ),
        )
    ),
    (
        "DescribeInstanceAttribute",
        instance_attributes.DescribeInstanceAttribute(
            instance_id=INSTANCE, user_data=Empty()
        ),
        NoSuchInstance,
    ),
    (
        "ModifyInstanceAttribute",
        instance_attributes.ModifyInstanceAttribute(
            instance_id=INSTANCE,
            disable_api_termination=BooleanAttributeValue(is_set=True),
        ),
        NoSuchInstance,
    ),
    (
        "ModifyInstanceAttribute",
        instance_attributes.ModifyInstanceAttribute(
            instance_id=HIS_INSTANCE, group_ids=(GROUP,)
        ),
        NoSuchGroup,
    ),
    (
        "ResetInstanceAttribute",
        instance_attributes.ResetInstanceAttribute(
            instance_id=INSTANCE, kernel=Empty()
        ),
        NoSuchInstance,
    ),
    (
        "GetConsoleOutput",
        instances.GetConsoleOutput(instance_id=INSTANCE),
        NoSuchInstance,
    ),
    (
        "ConfirmProductInstance",
        instances.ConfirmProductInstance(product_code="A1", instance_id=INSTANCE),
        NoSuchInstance,
    ),
    # Launches.
    ("RunInstances", launch(image_id=IMAGE), NoSuchImage),
    ("RunInstances", launch(kernel_id=KERNEL), NoSuchImage),
    ("RunInstances", launch(kernel_id=KERNEL, ramdisk_id=RAMDISK), NoSuchImage),
    ("RunInstances", launch(key_name=KEY), NoSuchKeyPair),
    ("RunInstances", launch(security_group_names=("web",)), NoSuchGroup),
    ("RunInstances", launch(security_group_ids=(GROUP,)), NoSuchGroup),
    # Images.
    ("DescribeImages", images.DescribeImages(image_ids=(IMAGE,)), NoSuchImage),
    ("DeregisterImage", images.DeregisterImage(image_id=IMAGE), NoSuchImage),
    ("DeregisterImage", images.DeregisterImage(image_id=PUBLIC), AuthFailure),
    (
        "RegisterImage",
        images.RegisterImage(image_location="/i", kernel_id=KERNEL),
        NoSuchImage,
    ),
    *(
        (
            "DescribeImageAttribute",
            image_attributes.DescribeImageAttribute(image_id=IMAGE, **{name: Empty()}),
            NoSuchImage,
        )
        for name in ("launch_permission", "product_codes", "kernel", "description")
    ),
    (
        "DescribeImageAttribute",
        image_attributes.DescribeImageAttribute(
            image_id=PUBLIC, launch_permission=Empty()
        ),
        AuthFailure,
    ),
    *(
        (
            "ModifyImageAttribute",
            image_attributes.ModifyImageAttribute(image_id=image, **change),
            refused,
        )
        for change in (
            {"launch_permission": LAUNCHABLE},
            {"product_codes": ("A1",)},
            {"description": AttributeValue(value="his")},
        )
        for image, refused in ((IMAGE, NoSuchImage), (PUBLIC, AuthFailure))
    ),
    *(
        (
            "ResetImageAttribute",
            image_attributes.ResetImageAttribute(
                image_id=image, launch_permission=Empty()
            ),
            refused,
        )
        for image, refused in ((IMAGE, NoSuchImage), (PUBLIC, AuthFailure))
    ),
    # Key pairs.
    ("DescribeKeyPairs", DescribeKeyPairs(key_names=(KEY,)), NoSuchKeyPair),
    (
        "DescribeKeyPairs",
        DescribeKeyPairs(key_pair_ids=(KEY_ID,)),
        NoSuchKeyPair,
    ),
    ("DeleteKeyPair", DeleteKeyPair(key_pair_id=KEY_ID), NoSuchKeyPair),
    # Tags.
    *(
        (name, request, refused)
        for hers, refused in (
            (INSTANCE, NoSuchInstance),
            (IMAGE, NoSuchImage),
            (GROUP, NoSuchGroup),
            (KEY_ID, NoSuchKeyPair),
            (ALLOCATION, NoSuchAllocation),
        )
        for name, request in (
            (
                "CreateTags",
                tags.CreateTags(
                    resource_ids=(hers,), tags=(Tag(key="new", value="his"),)
                ),
            ),
            ("DeleteTags", tags.DeleteTags(resource_ids=(hers,))),
        )
    ),
    # Groups.
    (
        "DescribeSecurityGroups",
        groups.DescribeSecurityGroups(group_names=("web",)),
        NoSuchGroup,
    ),
    (
        "DescribeSecurityGroups",
        groups.DescribeSecurityGroups(group_ids=(GROUP,)),
        NoSuchGroup,
    ),
    (
        "DeleteSecurityGroup",
        groups.DeleteSecurityGroup(group_name="web"),
        NoSuchGroup,
    ),
    ("DeleteSecurityGroup", groups.DeleteSecurityGroup(group_id=GROUP), NoSuchGroup),
    *(
        (name, kind(ip_permissions=(SSH,), **group), refused)
        for name, kind in (
            ("AuthorizeSecurityGroupIngress", groups.AuthorizeSecurityGroupIngress),
            ("RevokeSecurityGroupIngress", groups.RevokeSecurityGroupIngress),
        )
        for group, refused in (
            ({"group_name": "web"}, NoSuchGroup),
            ({"group_id": GROUP}, NoSuchGroup),
            ({"group_name": "web", "user_id": ALICE_ID}, AuthFailure),
            ({"group_id": GROUP, "user_id": "alice"}, AuthFailure),
            ({"group_id": GROUP, "user_id": BOB_ID}, NoSuchGroup),
        )
    ),
    *(
        (name, kind(group_id=GROUP, ip_permissions=(SSH,)), NoSuchGroup)
        for name, kind in (
            ("AuthorizeSecurityGroupEgress", egress.AuthorizeSecurityGroupEgress),
            ("RevokeSecurityGroupEgress", egress.RevokeSecurityGroupEgress),
        )
    ),
    *(
        (
            "AuthorizeSecurityGroupIngress",
            groups.AuthorizeSecurityGroupIngress(
                group_name="default", ip_permissions=(from_group(**source),)
            ),
            NoSuchGroup,
        )
        for source in ({"group_id": GROUP}, {"group_name": "web"})
    ),
    # Addresses.
    (
        "DescribeAddresses",
        addresses.DescribeAddresses(public_ips=(ADDRESS,)),
        NoSuchAddress,
    ),
    (
        "DescribeAddresses",
        addresses.DescribeAddresses(public_ips=(HIS_ADDRESS, ADDRESS)),
        NoSuchAddress,
    ),
    (
        "DescribeAddresses",
        addresses.DescribeAddresses(allocation_ids=(ALLOCATION,)),
        NoSuchAllocation,
    ),
    ("ReleaseAddress", addresses.ReleaseAddress(public_ip=ADDRESS), NoSuchAddress),
    (
        "ReleaseAddress",
        addresses.ReleaseAddress(allocation_id=ALLOCATION),
        NoSuchAllocation,
    ),
    (
        "DisassociateAddress",
        addresses.DisassociateAddress(association_id=ASSOCIATION),
        NoSuchAssociation,
    ),
    (
        "AssociateAddress",
        addresses.AssociateAddress(
            public_ip=HIS_ADDRESS, network_interface_id="eni-00000001"
        ),
        NoSuchNetworkInterface,
    ),
    (
        "DisassociateAddress",
        addresses.DisassociateAddress(public_ip=ADDRESS),
        NoSuchAddress,
    ),
    (
        "AssociateAddress",
        addresses.AssociateAddress(public_ip=ADDRESS, instance_id=HIS_INSTANCE),
        NoSuchAddress,
    ),
    (
        "AssociateAddress",
        addresses.AssociateAddress(public_ip=HIS_ADDRESS, instance_id=INSTANCE),
        NoSuchInstance,
    ),
    # What surrounds them.
    (
        "DescribeNetworkInterfaces",
        network_interfaces.DescribeNetworkInterfaces(
            network_interface_ids=("eni-00000001",)
        ),
        NoSuchNetworkInterface,
    ),
    (
        "DescribePlacementGroups",
        placement_groups.DescribePlacementGroups(group_names=("near",)),
        NoSuchPlacementGroup,
    ),
    (
        "DescribePlacementGroups",
        placement_groups.DescribePlacementGroups(group_ids=("pg-00000001",)),
        NoSuchPlacementGroup,
    ),
    (
        "DeletePlacementGroup",
        placement_groups.DeletePlacementGroup(group_name="near"),
        NoSuchPlacementGroup,
    ),
    (
        "RunInstances",
        launch(placement=instances.PlacementRequest(group_name="near")),
        NoSuchPlacementGroup,
    ),
)

#: What names nothing that there is already, or names in one's own account, or what
#: is everybody's.
UNNAMED = {
    "AllocateAddress",
    "CreatePlacementGroup",
    "DescribeAccountAttributes",
    "DescribeInstanceTypeOfferings",
    "DescribeInstanceTypes",
    "DescribeRegions",
    "DescribeSubnets",
    "DescribeVpcAttribute",
    "DescribeVpcAttributes",
    "DescribeVpcs",
    "CreateKeyPair",
    "CreateSecurityGroup",
    "DescribeAvailabilityZones",
    "DescribeTags",
    "ImportKeyPair",
}


class OwnershipTests(CloudTestCase):
    """Alice has one of everything; so has Bob."""

    def setUp(self) -> None:
        super().setUp()
        self.image(IMAGE, product_codes=("A1",))
        self.image(PUBLIC, is_public=True)
        self.image(KERNEL, kind=ImageKind.KERNEL)
        self.image(RAMDISK, kind=ImageKind.RAMDISK)
        self.image(HIS_IMAGE, owner_id=BOB_ID)
        self.instance(0x1, client_token=TOKEN)
        self.instance(0xB, owner_id=BOB_ID, image_id=HIS_IMAGE, client_token="")
        self.clusters.consoles[INSTANCE] = b"secret"
        self.put(
            KeyPair(
                owner_id=ALICE_ID,
                name=KEY,
                fingerprint="f",
                public_key="p",
                key_pair_id=KEY_ID,
            ),
            *(
                ResourceTags(
                    owner_id=ALICE_ID,
                    resource_id=resource_id,
                    resource_type="x",
                    tags=(("Name", "secret"),),
                )
                for resource_id in (INSTANCE, PUBLIC, GROUP, KEY_ID, ALLOCATION)
            ),
            SecurityGroup(
                group_id=GroupId(GROUP),
                owner_id=ALICE_ID,
                name="web",
                description="d",
                permissions=(
                    Permission(
                        protocol="tcp", from_port=22, to_port=22, cidr="10.0.0.0/8"
                    ),
                ),
            ),
            PlacementGroup(owner_id=ALICE_ID, name="near", group_id="pg-00000001"),
            HER_ADDRESS,
            Address(public_ip=HIS_ADDRESS, owner_id=BOB_ID),
            ClientToken(
                owner_id=ALICE_ID, token=TOKEN, digest="d", reservation_id="r-00000001"
            ),
        )
        given = {"store": self.store, "clusters": self.clusters, "clock": self.clock}
        self.imports = Imports(store=self.store, images=MemoryImageStore())
        quotas = Quotas()
        self.dispatch = Dispatcher(
            EC2,
            Instances(**given),
            Power(**given, quotas=quotas),
            InstanceAttributes(
                store=self.store,
                clusters=self.clusters,
                quotas=quotas,
                machine_types=TYPES,
            ),
            InstanceStatuses(store=self.store, clock=self.clock),
            Launches(**given, minter=self.minter, quotas=quotas, machine_types=TYPES),
            Images(
                store=self.store,
                clock=self.clock,
                imports=self.imports,
                minter=self.minter,
                quotas=quotas,
            ),
            ImageAttributes(store=self.store),
            KeyPairs(
                store=self.store,
                clock=self.clock,
                minter=self.minter,
                quotas=quotas,
                in_thread=in_this_thread,
            ),
            Groups(
                store=self.store,
                clock=self.clock,
                minter=self.minter,
                quotas=quotas,
            ),
            GroupRules(
                store=self.store,
                minter=self.minter,
                quotas=quotas,
                vpc_id="vpc-00000001",
            ),
            Addresses(
                store=self.store,
                clusters=self.clusters,
                minter=self.minter,
                quotas=quotas,
                pool=(ADDRESS, HIS_ADDRESS),
            ),
            Tags(store=self.store, clock=self.clock, quotas=quotas),
            Zones(clusters=self.clusters, region="home"),
            Account(
                store=self.store, quotas=quotas, region="home", endpoint="home:8773"
            ),
            InstanceTypes(clusters=self.clusters, region="home", machine_types=TYPES),
            Vpcs(store=self.store, clusters=self.clusters),
            NetworkInterfaces(store=self.store, clock=self.clock),
            PlacementGroups(store=self.store, minter=self.minter, quotas=quotas),
        )

    def ask(self, name: str, request: Any, caller: Caller = BOB) -> Any:
        operation = EC2.find(name, max(EC2.versions))
        assert operation is not None
        return self.dispatch(operation, caller, request)

    def kept(self) -> dict[str, Any]:
        """All records but the default group that everybody is given."""
        return {
            f"{kind.__name__} {record.key}": record
            for kind in CLOUD_RECORDS
            for record in self.store.all(kind)
            if getattr(record, "name", "") != "default"
        }

    def test_others(self) -> None:
        """What is another's is not there, or not his, and stays as it is."""
        before = self.kept()
        for name, request, refused in NAMED:
            self.refused(refused, self.ask(name, request))
            self.assertEqual(self.kept(), before, (name, request))
        self.assertEqual(self.clusters.woken, [])

    def test_every_operation(self) -> None:
        """The table has every operation that can name what there is."""
        asked = {name for name, _, _ in NAMED} | UNNAMED | {"DeleteKeyPair"}
        self.assertEqual(asked, {each.name for each in self.dispatch.answered})

    def test_own_names(self) -> None:
        """Names of key pairs are each account's own: he deletes none of hers."""
        before = self.kept()
        self.result(self.ask("DeleteKeyPair", DeleteKeyPair(key_name=KEY)))
        self.assertEqual(self.kept(), before)

    def test_own_tokens(self) -> None:
        """So are tokens: with hers he launches his own, and sees none of hers."""
        answer = self.result(self.ask("RunInstances", launch(client_token=TOKEN)))
        self.assertNotEqual(answer.reservation_id, "r-00000001")
        self.assertEqual(answer.owner_id, BOB_ID)

    def test_lists(self) -> None:
        """Who names nothing is told of his own, and of what is for everybody."""
        for name, request, own in (
            ("DescribeInstances", instances.DescribeInstances(), HIS_INSTANCE),
            ("DescribeKeyPairs", DescribeKeyPairs(), ""),
            ("DescribeAddresses", addresses.DescribeAddresses(), HIS_ADDRESS),
            (
                "DescribeSecurityGroups",
                groups.DescribeSecurityGroups(),
                "default group",
            ),
            ("DescribeTags", tags.DescribeTags(), ""),
            ("DescribeImages", images.DescribeImages(), PUBLIC),
            (
                "DescribeImages",
                images.DescribeImages(owners=(ALICE_ID,), executable_by=("all",)),
                PUBLIC,
            ),
        ):
            told = repr(self.result(self.ask(name, request)))
            self.assertIn(own, told)
            for hers in (INSTANCE, IMAGE, KERNEL, GROUP, KEY, ADDRESS, "secret"):
                self.assertNotIn(f"'{hers}'", told)

    def test_owner(self) -> None:
        """She herself is answered; so it is the owner that makes the difference."""
        for name, request, refused in NAMED:
            his = (HIS_INSTANCE, HIS_IMAGE, HIS_ADDRESS, BOB_ID)
            if any(each in repr(request) for each in his):
                continue
            self.setUp()
            outcome = Deferred.fromCoroutine(self.ask(name, request, ALICE))
            outcome.addErrback(lambda failure: failure.value)
            answer = self.successResultOf(outcome)
            self.assertFalse(isinstance(answer, refused), (name, request))
