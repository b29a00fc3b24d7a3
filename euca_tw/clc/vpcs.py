"""
The default network, told of as VPCs and subnets are.

There is no other, and none can be made: see L{euca_tw.clc.vpc_changes}.
Where networks are not managed there is none: see docs/compatibility.md,
"EC2-Classic and the default VPC".
"""

from __future__ import annotations

from attrs import define

from euca_tw.api.ec2.common import BooleanAttributeValue
from euca_tw.api.ec2.subnets import DescribeSubnets, DescribeSubnetsResponse, Subnet
from euca_tw.api.ec2.vpc_attributes import (
    DescribeVpcAttribute,
    DescribeVpcAttributeResponse,
    DescribeVpcAttributes,
    DescribeVpcAttributesResponse,
)
from euca_tw.api.ec2.vpcs import DescribeVpcs, DescribeVpcsResponse, Vpc
from euca_tw.api.errors import NoSuchSubnet, NoSuchVpc
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.filters import Reads, chooser, one, truth
from euca_tw.clc.interfaces import IClusters
from euca_tw.clc.paging import asked_page
from euca_tw.model.callers import Caller
from euca_tw.model.records import Instance
from euca_tw.store.interfaces import IStore

_AVAILABLE = "available"
#: In place of options that a user made.
_DHCP_OPTIONS = "default"
_TENANCY = "default"
#: The attributes of the VPC.  That a site's nodes answer no names is not known here.
_HAS_NAME_SERVER, _NAMES_PUBLIC_ADDRESSES = True, False

_VPC_FILTERS: dict[str, Reads[Vpc]] = {
    "cidr": one(lambda vpc: vpc.cidr_block),
    "cidr-block": one(lambda vpc: vpc.cidr_block),
    "dhcp-options-id": one(lambda vpc: vpc.dhcp_options_id),
    "is-default": truth(lambda vpc: bool(vpc.is_default)),
    "isDefault": truth(lambda vpc: bool(vpc.is_default)),
    "owner-id": one(lambda vpc: vpc.owner_id),
    "state": one(lambda vpc: vpc.state),
    "vpc-id": one(lambda vpc: vpc.vpc_id),
}

_SUBNET_FILTERS: dict[str, Reads[Subnet]] = {
    "availability-zone": one(lambda subnet: subnet.availability_zone),
    "availabilityZone": one(lambda subnet: subnet.availability_zone),
    "availability-zone-id": one(lambda subnet: subnet.availability_zone_id),
    "available-ip-address-count": one(
        lambda subnet: str(subnet.available_ip_address_count)
    ),
    "cidr": one(lambda subnet: subnet.cidr_block),
    "cidr-block": one(lambda subnet: subnet.cidr_block),
    "cidrBlock": one(lambda subnet: subnet.cidr_block),
    "default-for-az": truth(lambda subnet: bool(subnet.is_default_for_az)),
    "defaultForAz": truth(lambda subnet: bool(subnet.is_default_for_az)),
    "map-public-ip-on-launch": truth(
        lambda subnet: bool(subnet.map_public_ip_on_launch)
    ),
    "owner-id": one(lambda subnet: subnet.owner_id),
    "state": one(lambda subnet: subnet.state),
    "subnet-id": one(lambda subnet: subnet.subnet_id),
    "vpc-id": one(lambda subnet: subnet.vpc_id),
}


def _untagged(thing: object) -> tuple[tuple[str, str], ...]:
    """What is everybody's has nobody's tags."""
    return ()


@define(eq=False, kw_only=True)
class Vpcs:
    """
    The operations on VPCs and subnets that there are.

    @ivar network: None where instances have none that could be described.
    """

    store: IStore
    clusters: IClusters
    network: DefaultNetwork | None = None

    async def describe_vpcs(
        self, caller: Caller, request: DescribeVpcs
    ) -> DescribeVpcsResponse:
        passes = chooser(_VPC_FILTERS, request.filters, _untagged)
        asked = asked_page(request.max_results, request.next_token)
        known = {vpc.vpc_id: vpc for vpc in self._vpcs(caller)}
        for vpc_id in request.vpc_ids:
            if vpc_id not in known:
                raise NoSuchVpc(vpc_id)
        told = asked.pick(
            filter(passes, known.values()),
            lambda vpc: vpc.vpc_id,
        )
        return DescribeVpcsResponse(vpcs=told.items, next_token=told.next_token)

    def _vpcs(self, caller: Caller) -> tuple[Vpc, ...]:
        if self.network is None:
            return ()
        vpc = Vpc(
            vpc_id=self.network.vpc_id,
            state=_AVAILABLE,
            cidr_block=self.network.cidr,
            dhcp_options_id=_DHCP_OPTIONS,
            instance_tenancy=_TENANCY,
            is_default=True,
            owner_id=caller.account_id,
        )
        return (vpc,)

    async def describe_subnets(
        self, caller: Caller, request: DescribeSubnets
    ) -> DescribeSubnetsResponse:
        passes = chooser(_SUBNET_FILTERS, request.filters, _untagged)
        asked = asked_page(request.max_results, request.next_token)
        known = {subnet.subnet_id: subnet for subnet in self._subnets(caller)}
        wanted = dict.fromkeys(request.subnet_ids)
        for subnet_id in wanted:
            if subnet_id not in known:
                raise NoSuchSubnet(subnet_id)
        told = asked.pick(
            (
                subnet
                for subnet_id, subnet in known.items()
                if (not wanted or subnet_id in wanted) and passes(subnet)
            ),
            lambda subnet: subnet.subnet_id,
        )
        return DescribeSubnetsResponse(subnets=told.items, next_token=told.next_token)

    def _subnets(self, caller: Caller) -> tuple[Subnet, ...]:
        """Of each zone."""
        network = self.network
        if network is None:
            return ()
        zones = [zone.name for zone in self.clusters.zones()]
        taken = sum(len(self.store.where(Instance, "live_in", zone)) for zone in zones)
        return tuple(
            Subnet(
                subnet_id=network.subnet_id(zone),
                state=_AVAILABLE,
                vpc_id=network.vpc_id,
                cidr_block=network.cidr,
                available_ip_address_count=max(0, network.room - taken),
                availability_zone=zone,
                availability_zone_id=zone,
                is_default_for_az=True,
                map_public_ip_on_launch=False,
                owner_id=caller.account_id,
            )
            for zone in zones
        )

    async def describe_vpc_attribute(
        self, caller: Caller, request: DescribeVpcAttribute
    ) -> DescribeVpcAttributeResponse:
        """
        The name server of the cloud answers its instances, by their own names too,
        unless a site has switched that off; their public addresses have none.
        """
        self._find(request.vpc_id)
        if request.enable_dns_support is not None:
            return DescribeVpcAttributeResponse(
                vpc_id=request.vpc_id,
                enable_dns_support=BooleanAttributeValue(is_set=_HAS_NAME_SERVER),
            )
        return DescribeVpcAttributeResponse(
            vpc_id=request.vpc_id,
            enable_dns_hostnames=BooleanAttributeValue(is_set=_NAMES_PUBLIC_ADDRESSES),
        )

    async def describe_vpc_attributes(
        self, caller: Caller, request: DescribeVpcAttributes
    ) -> DescribeVpcAttributesResponse:
        """See L{describe_vpc_attribute}."""
        self._find(request.vpc_id)
        return DescribeVpcAttributesResponse(
            vpc_id=request.vpc_id,
            enable_dns_support=_HAS_NAME_SERVER,
            enable_dns_hostnames=_NAMES_PUBLIC_ADDRESSES,
        )

    def _find(self, vpc_id: str) -> None:
        """@raise NoSuchVpc:"""
        if self.network is None or vpc_id != self.network.vpc_id:
            raise NoSuchVpc(vpc_id)
