"""What the operations answer, on the wire of every date."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from attrs import evolve
from lxml import etree

from euca_tw.api.ec2 import (
    account,
    addresses,
    egress,
    groups,
    image_attributes,
    images,
    instance_attributes,
    instance_states,
    instance_status,
    instance_types,
    instances,
    keypairs,
    monitoring,
    network_interfaces,
    placement_groups,
    subnets,
    tags,
    vpc_attributes,
    vpcs,
    zones,
)
from euca_tw.api.ec2.common import AttributeValue, Tag, TagSpecification
from euca_tw.api.ec2.table import EC2, QUERY_VERSIONS
from euca_tw.api.encode import element
from euca_tw.api.shapes import Empty, shape_of
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
from euca_tw.clc.public_keys import NewKey
from euca_tw.clc.tagging import Tags
from euca_tw.clc.vpcs import Vpcs
from euca_tw.clc.zones import Zones
from euca_tw.common.in_thread import in_this_thread
from euca_tw.model.identifiers import GroupId, Minter
from euca_tw.model.quotas import Quotas
from euca_tw.model.records import (
    ImageKind,
    ImageState,
    InstanceState,
    SecurityGroup,
)
from euca_tw.soap.decode import decode
from tests.clc.cloud import ADMIN, ALICE, ALICE_ID, NOW, TYPES, CloudTestCase
from tests.clc.test_vpcs import network

ONE = "i-00000001"
DB = "sg-0000000d"
IP = "192.0.2.1"
#: C{ssh-keygen -t ed25519}, in base64.
PUBLIC_KEY = (
    "c3NoLWVkMjU1MTkgQUFBQUMzTnphQzFsWkRJMU5URTVBQUFBSUNtME1ZQUF4VVNBRkliK2hrQzRk"
    "TC9qOW8zYThzazNPQ2MxV1lpTWdYSzQ="
)
NETWORK = network()
TAGS = (Tag(key="Name", value="w<&>b"), Tag(key="empty", value=""))
SSH = groups.IpPermission(
    ip_protocol="tcp",
    from_port=22,
    to_port=22,
    ip_ranges=(groups.IpRange(cidr_ip="0.0.0.0/0"),),
    groups=(groups.UserIdGroupPair(user_id="000000000001", group_name="web"),),
)
PERMISSIONS = image_attributes.LaunchPermissionChange(
    add=(image_attributes.LaunchPermission(group="all"),)
)


def asked() -> Iterator[Any]:
    """A user's day: every operation, with something to tell."""
    yield images.RegisterImage(image_location="/i", name="debian")
    yield images.DescribeImages()
    image = {"image_id": "emi-00000001"}
    yield image_attributes.ModifyImageAttribute(launch_permission=PERMISSIONS, **image)
    yield image_attributes.ModifyImageAttribute(product_codes=("abc",), **image)
    for name in (
        *("launch_permission", "product_codes", "kernel", "ramdisk"),
        *("block_device_mapping", "description", "sriov_net_support"),
    ):
        yield image_attributes.DescribeImageAttribute(**{name: Empty()}, **image)
    yield keypairs.CreateKeyPair(
        key_name="k",
        tag_specifications=(TagSpecification(resource_type="key-pair", tags=TAGS),),
    )
    yield keypairs.ImportKeyPair(key_name="own", public_key_material=PUBLIC_KEY)
    yield keypairs.DescribeKeyPairs()
    yield groups.CreateSecurityGroup(group_name="web", group_description="d")
    rules = {"group_name": "web", "ip_permissions": (SSH,)}
    yield groups.AuthorizeSecurityGroupIngress(**rules)
    by_id = {"group_id": DB, "ip_permissions": (SSH,)}
    yield egress.AuthorizeSecurityGroupEgress(**by_id)
    yield tags.CreateTags(
        resource_ids=(ONE, "emi-00000001"),
        tags=TAGS,
    )
    yield groups.DescribeSecurityGroups()
    yield tags.DescribeTags()
    yield tags.DeleteTags(
        resource_ids=(ONE,), tags=(tags.TagToDelete(key="empty", value=None),)
    )
    yield groups.RevokeSecurityGroupIngress(**rules)
    yield egress.RevokeSecurityGroupEgress(**by_id)
    yield instances.RunInstances(
        min_count=1, max_count=2, key_name="k", client_token="t", **image
    )
    yield addresses.AllocateAddress(
        tag_specifications=(TagSpecification(resource_type="elastic-ip", tags=TAGS),)
    )
    yield addresses.DescribeAddresses()
    yield addresses.AssociateAddress(public_ip=IP, instance_id=ONE)
    yield addresses.DescribeAddresses()
    yield instances.DescribeInstances()
    yield instances.RebootInstances(instance_ids=(ONE,))
    yield instance_status.DescribeInstanceStatus(include_all_instances=True)
    yield instance_status.ReportInstanceStatus(
        instance_ids=(ONE,), status="impaired", reason_codes=("other",)
    )
    yield monitoring.MonitorInstances(instance_ids=(ONE,))
    yield instances.DescribeInstances()
    for name in (
        *("instance_type", "kernel", "ramdisk", "user_data", "root_device_name"),
        *("disable_api_termination", "instance_initiated_shutdown_behavior"),
        *("block_device_mapping", "source_dest_check", "groups", "product_codes"),
        *("ebs_optimized", "sriov_net_support"),
    ):
        yield instance_attributes.DescribeInstanceAttribute(
            instance_id=ONE, **{name: Empty()}
        )
    yield instance_attributes.ModifyInstanceAttribute(
        instance_id=ONE,
        instance_initiated_shutdown_behavior=AttributeValue(value="stop"),
    )
    yield instance_attributes.ResetInstanceAttribute(
        instance_id=ONE, source_dest_check=Empty()
    )
    yield instance_states.StopInstances(instance_ids=(ONE,))
    yield instances.DescribeInstances()
    yield instance_states.StartInstances(instance_ids=("i-00000002",))
    yield instances.GetConsoleOutput(instance_id=ONE)
    yield instances.ConfirmProductInstance(product_code="abc", instance_id=ONE)
    yield addresses.DisassociateAddress(public_ip=IP)
    yield addresses.ReleaseAddress(public_ip=IP)
    yield zones.DescribeAvailabilityZones()
    yield zones.DescribeRegions()
    yield account.DescribeAccountAttributes()
    yield instance_types.DescribeInstanceTypes()
    yield instance_types.DescribeInstanceTypeOfferings()
    yield vpcs.DescribeVpcs()
    yield subnets.DescribeSubnets()
    for name in "enable_dns_support", "enable_dns_hostnames":
        yield vpc_attributes.DescribeVpcAttribute(
            vpc_id=NETWORK.vpc_id, **{name: Empty()}
        )
    yield vpc_attributes.DescribeVpcAttributes(vpc_id=NETWORK.vpc_id)
    yield network_interfaces.DescribeNetworkInterfaces()
    yield placement_groups.CreatePlacementGroup(group_name="near", strategy="cluster")
    yield placement_groups.DescribePlacementGroups()
    yield placement_groups.DeletePlacementGroup(group_name="near")
    yield instances.TerminateInstances(instance_ids=(ONE,))
    yield groups.DeleteSecurityGroup(group_name="web")
    yield keypairs.DeleteKeyPair(key_name="k")
    yield image_attributes.ResetImageAttribute(launch_permission=Empty(), **image)
    yield images.DeregisterImage(**image)


class WireTests(CloudTestCase):
    def setUp(self) -> None:
        super().setUp()
        store, clusters, clock = self.store, self.clusters, self.clock
        quotas, minter = Quotas(), Minter(Random(1))
        self.dispatch = Dispatcher(
            EC2,
            Addresses(
                store=store,
                clusters=clusters,
                minter=minter,
                quotas=quotas,
                pool=(IP,),
            ),
            Groups(store=store, clock=clock, minter=minter, quotas=quotas),
            GroupRules(
                store=store, minter=minter, quotas=quotas, vpc_id=NETWORK.vpc_id
            ),
            ImageAttributes(store=store),
            Images(
                store=store,
                imports=Imports(store=store, images=MemoryImageStore()),
                clock=clock,
                minter=minter,
                quotas=quotas,
            ),
            Instances(store=store, clusters=clusters, clock=clock),
            Power(store=store, clusters=clusters, clock=clock, quotas=quotas),
            InstanceAttributes(
                store=store, clusters=clusters, quotas=quotas, machine_types=TYPES
            ),
            InstanceStatuses(store=store, clock=clock),
            KeyPairs(
                store=store,
                clock=clock,
                minter=minter,
                quotas=quotas,
                in_thread=in_this_thread,
                new_key=lambda _: NewKey(private="p", public="q", fingerprint="aa"),
            ),
            Tags(store=store, clock=clock, quotas=quotas),
            Launches(
                store=store,
                clusters=clusters,
                clock=clock,
                minter=minter,
                quotas=quotas,
                machine_types=TYPES,
            ),
            Zones(clusters=clusters, region="here"),
            Account(
                store=store,
                quotas=quotas,
                region="here",
                endpoint="here:8773",
                network=NETWORK,
            ),
            InstanceTypes(clusters=clusters, region="here", machine_types=TYPES),
            Vpcs(store=store, clusters=clusters, network=NETWORK),
            NetworkInterfaces(store=store, clock=clock, network=NETWORK),
            PlacementGroups(store=store, minter=minter, quotas=quotas),
        )
        self.image()
        self.image("eki-00000001", kind=ImageKind.KERNEL, is_public=True)
        self.image("emi-00000002", state=ImageState.FAILED, state_reason="why")
        self.instance(1)
        self.instance(2, state=InstanceState.PENDING, private_ip="", node="")
        self.instance(
            3,
            state=InstanceState.TERMINATED,
            ended_at=NOW,
            image_id="emi-99999999",
            state_reason_code="Server.X",
            state_reason="why",
        )
        self.clusters.consoles[ONE] = b"hello"
        self.put(
            SecurityGroup(
                group_id=GroupId(DB), owner_id=ALICE_ID, name="db", description="d"
            )
        )

    def test_every_answer_at_every_date(self) -> None:
        """
        Every answer is right at every date that knows the operation: nothing
        that the date requires is missing, nothing is there that it knows not.
        """
        told = set()
        for request in asked():
            operation = EC2.named(type(request).__name__)
            answer = self.result(self.dispatch(operation, ALICE, request))
            told.add(operation.name)
            if operation.name == "MonitorInstances":
                # Another name for the same request, and for its answer.
                operation = EC2.named("UnmonitorInstances")
                answer = self.result(self.dispatch(operation, ALICE, request))
                told.add(operation.name)
            self.assertIsInstance(answer, operation.response)
            answer = evolve(answer, request_id="request")
            for version in QUERY_VERSIONS:
                if operation.lives_in(version) and _is_tellable(answer, version):
                    self.read(operation, version, answer)
        self.assertEqual(told, {each.name for each in self.dispatch.answered})

    def read(self, operation: Any, version: Any, answer: Any) -> None:
        namespace = EC2.namespace_of(version)
        shape = shape_of(operation.response)
        text = element(f"{operation.name}Response", namespace, shape, version, answer)
        read = decode(shape, version, etree.fromstring(text), namespace)
        self.assertIsInstance(read, operation.response, (operation.name, version))
        again = element(f"{operation.name}Response", namespace, shape, version, read)
        self.assertEqual(again, text)

    def test_administrator(self) -> None:
        """An administrator's list of everybody's is told in the same way."""
        operation = EC2.named("DescribeInstances")
        answer = self.result(
            self.dispatch(operation, ADMIN, instances.DescribeInstances())
        )
        self.assertEqual(len(answer.reservations), 3)
        for version in QUERY_VERSIONS:
            self.read(operation, version, evolve(answer, request_id="request"))


def _is_tellable(answer: Any, version: Any) -> bool:
    """Whether a date knows the attribute that an answer is about."""
    about_one = (
        image_attributes.DescribeImageAttributeResponse,
        instance_attributes.DescribeInstanceAttributeResponse,
    )
    if not isinstance(answer, about_one):
        return True
    return any(
        getattr(answer, field.python) is not None
        for field in shape_of(type(answer)).at(version)
        if field.choice
    )
