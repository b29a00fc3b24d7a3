"""
The network that a cloud with managed networks tells its users of, as EC2's default
VPC.

It is one range, from which every security group's network has its addresses, in
whatever zones its instances are.  So each zone's subnet is told with the whole
range: no address of it belongs to one zone.  Identifiers are derived from names,
and so are the same after any restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from attrs import frozen

from euca_tw.api.ec2.common import GroupItem
from euca_tw.api.ec2.instance_interfaces import (
    InstanceNetworkInterface,
    InterfaceAssociation,
    InterfaceAttachment,
    InterfacePrivateAddress,
)
from euca_tw.api.errors import NoSuchSubnet
from euca_tw.model.identifiers import derived_identifier
from euca_tw.model.ranges import Carving
from euca_tw.model.records import Instance


@frozen(kw_only=True)
class DefaultNetwork:
    """@ivar carving: how groups' networks are given from the range."""

    region: str
    carving: Carving

    @cached_property
    def vpc_id(self) -> str:
        return derived_identifier("vpc", self.region)

    @property
    def cidr(self) -> str:
        """The whole range."""
        return str(self.carving.range)

    @cached_property
    def room(self) -> int:
        """How many instances all networks together have addresses for."""
        return self.carving.count * self.carving.network(0).room

    def subnet_id(self, zone: str) -> str:
        """Of what a zone has of it."""
        return derived_identifier("subnet", f"{self.region}/{zone}")

    def zone_of(self, subnet_id: str, zones: Iterable[str]) -> str:
        """
        The zone whose subnet it is, of these.

        @raise NoSuchSubnet: it is of none.
        """
        for zone in zones:
            if self.subnet_id(zone) == subnet_id:
                return zone
        raise NoSuchSubnet(subnet_id)


def interface_id(instance_id: str) -> str:
    """Of the one interface that an instance has."""
    return f"eni-{instance_id.partition('-')[2]}"


def attachment_id(instance_id: str) -> str:
    """By which it is attached."""
    return f"eni-attach-{instance_id.partition('-')[2]}"


def interface_of(
    record: Instance,
    groups: tuple[GroupItem, ...],
    public_ip: str,
    network: DefaultNetwork,
    private_name: str,
) -> InstanceNetworkInterface:
    """The one interface of an instance, as that shows it in the default network."""
    association = (
        InterfaceAssociation(public_ip=public_ip, ip_owner_id=record.owner_id)
        if public_ip
        else None
    )
    return InstanceNetworkInterface(
        network_interface_id=interface_id(record.instance_id),
        subnet_id=network.subnet_id(record.zone),
        vpc_id=network.vpc_id,
        description="",
        owner_id=record.owner_id,
        status="in-use",
        mac_address=record.mac_address,
        private_ip_address=record.private_ip,
        private_dns_name=private_name,
        source_dest_check=True,
        groups=groups,
        attachment=InterfaceAttachment(
            attachment_id=attachment_id(record.instance_id),
            device_index=0,
            status="attached",
            attach_time=record.launched_at,
            delete_on_termination=True,
        ),
        association=association,
        private_ip_addresses=(
            InterfacePrivateAddress(
                private_ip_address=record.private_ip,
                private_dns_name=private_name,
                is_primary=True,
                association=association,
            ),
        ),
    )
