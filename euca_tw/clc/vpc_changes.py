"""
What would make or delete VPCs and subnets: all of it is refused, for the default
network is the only one, and takes the whole range.

Where there is a default VPC, refused as EC2 refuses who has all that he may have;
where there is none, as what this cloud does not have.
"""

from __future__ import annotations

from typing import NoReturn

from attrs import define

from euca_tw.api.ec2.subnets import CreateSubnet, DeleteSubnet
from euca_tw.api.ec2.vpcs import CreateVpc, DeleteVpc
from euca_tw.api.errors import (
    ImpossibleSubnetRange,
    ImpossibleVpcRange,
    InvalidParameterValue,
    NoSuchVpc,
    NoSuchZone,
    SubnetConflict,
    SubnetIsDefault,
    UnsupportedOperation,
    VpcIsDefault,
    VpcLimitExceeded,
)
from euca_tw.clc.checks import checked_network
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.interfaces import IClusters
from euca_tw.clc.tags import tags_for
from euca_tw.model.callers import Caller

_TENANCIES = ("default", "dedicated")
#: EC2's limits on the prefixes of VPCs and subnets.
_WIDEST, _NARROWEST = 16, 28


@define(eq=False, kw_only=True)
class VpcChanges:
    """
    The operations that would change what networks there are.

    @ivar network: None where instances have none that could be described.
    """

    clusters: IClusters
    network: DefaultNetwork | None = None

    async def create_vpc(self, caller: Caller, request: CreateVpc) -> NoReturn:
        """
        @raise VpcLimitExceeded: there is one already.
        """
        _default(self.network)
        asked = checked_network("cidrBlock", request.cidr_block)
        tenancy = request.instance_tenancy or _TENANCIES[0]
        if tenancy not in _TENANCIES:
            raise InvalidParameterValue(
                "instanceTenancy", tenancy, f"It is {' or '.join(_TENANCIES)}."
            )
        tags_for(request.tag_specifications, "vpc")
        if not _WIDEST <= asked.prefixlen <= _NARROWEST:
            raise ImpossibleVpcRange(request.cidr_block)
        raise VpcLimitExceeded

    async def delete_vpc(self, caller: Caller, request: DeleteVpc) -> NoReturn:
        """
        @raise NoSuchVpc: it is not there.
        @raise VpcIsDefault: it is the one.
        """
        network = _default(self.network)
        _find(network, request.vpc_id)
        raise VpcIsDefault(request.vpc_id)

    async def create_subnet(self, caller: Caller, request: CreateSubnet) -> NoReturn:
        """
        @raise NoSuchVpc: it is not there.
        @raise NoSuchZone: likewise.
        @raise ImpossibleSubnetRange: it could be no part of the VPC.
        @raise SubnetConflict: it is a part of what each zone's subnet has.
        """
        network = _default(self.network)
        asked = checked_network("cidrBlock", request.cidr_block)
        tags_for(request.tag_specifications, "subnet")
        _find(network, request.vpc_id)
        zone = request.availability_zone
        if zone and zone not in self._zones():
            raise NoSuchZone(zone)
        if not (
            _WIDEST <= asked.prefixlen <= _NARROWEST
            and asked.subnet_of(network.carving.range)
        ):
            raise ImpossibleSubnetRange(request.cidr_block)
        raise SubnetConflict(request.cidr_block)

    async def delete_subnet(self, caller: Caller, request: DeleteSubnet) -> NoReturn:
        """
        @raise NoSuchSubnet: it is not there.
        @raise SubnetIsDefault: it is a zone's.
        """
        network = _default(self.network)
        network.zone_of(request.subnet_id, self._zones())
        raise SubnetIsDefault(request.subnet_id)

    def _zones(self) -> list[str]:
        return [zone.name for zone in self.clusters.zones()]


def _default(network: DefaultNetwork | None) -> DefaultNetwork:
    """@raise UnsupportedOperation: there is none."""
    if network is None:
        raise UnsupportedOperation(
            "In this cloud no instance is in a VPC: its networks are the operator's, "
            "and no VPC or subnet can be made or deleted"
        )
    return network


def _find(network: DefaultNetwork, vpc_id: str) -> None:
    if vpc_id != network.vpc_id:
        raise NoSuchVpc(vpc_id)
