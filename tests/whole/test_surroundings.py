"""Placement groups, the default network and usage, over whole clouds."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, ensureDeferred

from euca_tw.api.ec2.instances import PlacementRequest, RunInstances
from euca_tw.api.ec2.network_interfaces import DescribeNetworkInterfaces
from euca_tw.api.ec2.placement_groups import CreatePlacementGroup
from euca_tw.api.ec2.subnets import DescribeSubnets
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.metering import Metering
from euca_tw.clc.network_interfaces import NetworkInterfaces
from euca_tw.clc.placement_groups import PlacementGroups
from euca_tw.clc.usage import instance_hours
from euca_tw.clc.vpcs import Vpcs
from euca_tw.common.clock import utc_now
from euca_tw.model.identifiers import Minter
from euca_tw.model.quotas import Quotas
from euca_tw.overlay.settings import MANAGED, NetworkSettings
from tests.whole.case import WholeTestCase
from tests.whole.cloud import ALICE, IMAGE
from tests.whole.judgement import is_ended, is_launched

HOUR_S = 3600


class PlacementTests(WholeTestCase):
    def test_together(self) -> None:
        """
        Launch after launch into a group goes to its cluster, while what is in none
        goes where there is the most room.
        """
        groups = PlacementGroups(
            store=self.site.cloud.store, minter=Minter(Random(1)), quotas=Quotas()
        )
        made = CreatePlacementGroup(group_name="near", strategy="cluster")
        self.answered(groups.create_placement_group(ALICE, made))
        first = self.launch_into("near", "south")
        others = [self.launch_into(group) for group in ("", "near", "", "near")]
        self.until(lambda: is_launched(self.site))
        zones = [self.instance(name).zone for name in (first, *others)]
        self.assertEqual(zones, ["south", "north", "south", "north", "south"])

    def launch_into(self, group: str, zone: str | None = None) -> str:
        request = RunInstances(
            image_id=IMAGE,
            min_count=1,
            max_count=1,
            instance_type="m1.small",
            placement=PlacementRequest(group_name=group, availability_zone=zone),
        )
        told = self.answered(self.site.cloud.launches.run_instances(ALICE, request))
        name: str = told.instances[0].instance_id
        return name

    def answered(self, asked: Any) -> Any:
        answer: Deferred[Any] = ensureDeferred(asked)
        self.site.run_until(lambda: bool(answer.called), 5)
        return self.successResultOf(answer)


class NetworkTests(WholeTestCase):
    """Where networks are managed."""

    network = NetworkSettings(mode=MANAGED)

    def test_interfaces(self) -> None:
        """Every instance's interface has an address of its subnet, in any zone."""
        names = {*self.running("north", 2), *self.running("south")}
        store, clusters = self.site.cloud.store, self.site.cloud.clusters
        described = DefaultNetwork(region="here", carving=self.network.carving)
        subnets = {
            each.subnet_id: each
            for each in self.successResultOf(
                ensureDeferred(
                    Vpcs(
                        store=store, clusters=clusters, network=described
                    ).describe_subnets(ALICE, DescribeSubnets())
                )
            ).subnets
        }
        self.assertEqual(
            {each.availability_zone for each in subnets.values()}, {"north", "south"}
        )
        told = self.successResultOf(
            ensureDeferred(
                NetworkInterfaces(
                    store=store, clock=self.site.clock, network=described
                ).describe_network_interfaces(ALICE, DescribeNetworkInterfaces())
            )
        ).network_interfaces
        self.assertEqual({each.attachment.instance_id for each in told}, names)
        for each in told:
            subnet = subnets[each.subnet_id]
            self.assertEqual(subnet.availability_zone, each.availability_zone)
            address = IPv4Address(each.private_ip_address)
            self.assertIn(address, IPv4Network(subnet.cidr_block))
            self.assertEqual(
                subnet.available_ip_address_count, described.room - len(names)
            )


class UsageTests(WholeTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.measure()

    def measure(self) -> None:
        """As the cloud controller's present life does."""
        store = self.site.cloud.store
        metering = Metering(store=store, clock=self.site.clock)
        store.watch(metering.changed)
        started = ensureDeferred(metering.start())
        self.site.run_until(lambda: bool(started.called), 5)

    def hours(self) -> float:
        store, now = self.site.cloud.store, utc_now(self.site.clock)
        return sum(instance_hours(store, ALICE.account_id, now, None).values())

    def test_hours(self) -> None:
        """
        What ran counts from when it ran until it ended, whichever cluster it was
        in, and though the cloud controller was killed and gone for a while.
        """
        names = (*self.running("north", 2), *self.running("south"))
        before = self.hours()
        self.site.run(HOUR_S)
        self.assertAlmostEqual(self.hours() - before, 3, 2)
        self.site.kill("cloud")
        self.site.run(HOUR_S)
        self.site.start("cloud")
        self.measure()
        self.assertAlmostEqual(self.hours() - before, 6, 2)
        asked = self.site.cloud.terminate(*names)
        self.site.run_until(lambda: asked.called, 5)
        self.until(lambda: is_ended(self.site))
        ended = self.hours()
        self.site.run(HOUR_S)
        self.assertEqual(self.hours(), ended)
        self.assertAlmostEqual(ended - before, 6, 1)
