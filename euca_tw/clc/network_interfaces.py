"""
Network interfaces: each instance has one, with which it comes and goes.

It is told of as soon as it has an address, which where networks are not managed is
when its cluster has told.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define
from twisted.internet.interfaces import IReactorTime

from euca_tw.api.ec2.network_interfaces import (
    DescribeNetworkInterfaces,
    DescribeNetworkInterfacesResponse,
    NetworkInterface,
    NetworkInterfaceAssociation,
    NetworkInterfaceAttachment,
    NetworkInterfacePrivateAddress,
)
from euca_tw.clc import views
from euca_tw.clc.access import instance_with_interface
from euca_tw.clc.default_network import DefaultNetwork, attachment_id, interface_id
from euca_tw.clc.filters import Reads, chooser, one, truth
from euca_tw.clc.narrowing import KEY, instances_that_may_pass
from euca_tw.clc.paging import asked_page, paged
from euca_tw.model.callers import Caller
from euca_tw.model.records import Address, Instance
from euca_tw.store.interfaces import IStore

_DEVICE_INDEX = 0
_IN_USE, _ATTACHED = "in-use", "attached"

#: An interface that an instance has, and the instance.
_Shown = tuple[Instance, NetworkInterface]
_Reads = Reads[_Shown]


def _attachment(read: Callable[[NetworkInterfaceAttachment], str | None]) -> _Reads:
    return one(lambda pair: read(a) if (a := pair[1].attachment) else None)


def _association(read: Callable[[NetworkInterfaceAssociation], str | None]) -> _Reads:
    return one(lambda pair: read(a) if (a := pair[1].association) else None)


_PUBLIC_IP = _association(lambda it: it.public_ip)
_PUBLIC_OWNER = _association(lambda it: it.ip_owner_id)
_PRIVATE_IP: _Reads = one(lambda pair: pair[1].private_ip_address)

_FILTERS: dict[str, _Reads] = {
    "addresses.association.owner-id": _PUBLIC_OWNER,
    "addresses.association.public-ip": _PUBLIC_IP,
    "addresses.primary": lambda pair: ("true",),
    "addresses.private-ip-address": _PRIVATE_IP,
    "association.allocation-id": _association(lambda it: it.allocation_id),
    "association.association-id": _association(lambda it: it.association_id),
    "association.ip-owner-id": _PUBLIC_OWNER,
    "association.public-dns-name": lambda pair: (),
    "association.public-ip": _PUBLIC_IP,
    "attachment.attach-time": _attachment(lambda it: views.moment_told(it.attach_time)),
    "attachment.attachment-id": _attachment(lambda it: it.attachment_id),
    "attachment.delete-on-termination": lambda pair: ("true",),
    "attachment.device-index": _attachment(lambda it: str(it.device_index)),
    "attachment.instance-id": _attachment(lambda it: it.instance_id),
    "attachment.instance-owner-id": _attachment(lambda it: it.instance_owner_id),
    "attachment.status": _attachment(lambda it: it.status),
    "availability-zone": one(lambda pair: pair[1].availability_zone),
    "availability-zone-id": one(lambda pair: pair[1].availability_zone),
    "description": one(lambda pair: pair[1].description),
    "group-id": lambda pair: (group.group_id for group in pair[0].groups),
    "group-name": lambda pair: (group.name for group in pair[0].groups),
    "interface-type": one(lambda pair: pair[1].interface_type),
    "ipv6-addresses.ipv6-address": lambda pair: (),
    "mac-address": one(lambda pair: pair[1].mac_address),
    "network-interface-id": one(lambda pair: pair[1].network_interface_id),
    "operator.managed": lambda pair: ("false",),
    "operator.principal": lambda pair: (),
    "owner-id": one(lambda pair: pair[1].owner_id),
    "private-dns-name": one(lambda pair: pair[1].private_dns_name),
    "private-ip-address": _PRIVATE_IP,
    "requester-id": lambda pair: (),
    "requester-managed": truth(lambda pair: bool(pair[1].is_requester_managed)),
    "source-dest-check": truth(lambda pair: pair[1].source_dest_check),
    "status": one(lambda pair: pair[1].status),
    "subnet-id": one(lambda pair: pair[1].subnet_id),
    "vpc-id": one(lambda pair: pair[1].vpc_id),
}

#: Which of them an index of instances answers.
_INDEXES = {
    "attachment.instance-id": KEY,
    "availability-zone": "live_in",
    "group-id": "group_ids",
    "owner-id": "owner_id",
    "private-ip-address": "private_ip",
    "addresses.private-ip-address": "private_ip",
}


def network_interface(
    record: Instance,
    address: Address | None,
    network: DefaultNetwork | None,
    domain: str = "",
) -> NetworkInterface:
    """
    @param record: which has a private address.
    @param address: the public one that its owner associated.
    @param network: None where instances have none that could be described.
    @param domain: see L{views.private_name}.
    """
    name = views.private_name(record.private_ip, domain) if domain else None
    association = (
        NetworkInterfaceAssociation(
            public_ip=address.public_ip,
            ip_owner_id=address.owner_id,
            allocation_id=address.allocation_id,
            association_id=address.association_id,
        )
        if address is not None
        else None
    )
    return NetworkInterface(
        network_interface_id=interface_id(record.instance_id),
        subnet_id=network.subnet_id(record.zone) if network else None,
        vpc_id=network.vpc_id if network else None,
        availability_zone=record.zone,
        description="",
        owner_id=record.owner_id,
        is_requester_managed=False,
        status=_IN_USE,
        mac_address=record.mac_address,
        private_ip_address=record.private_ip,
        private_dns_name=name,
        source_dest_check=True,
        groups=views.group_items(record.groups),
        attachment=NetworkInterfaceAttachment(
            attachment_id=attachment_id(record.instance_id),
            instance_id=record.instance_id,
            instance_owner_id=record.owner_id,
            device_index=_DEVICE_INDEX,
            status=_ATTACHED,
            attach_time=record.launched_at,
            delete_on_termination=True,
        ),
        association=association,
        private_ip_addresses=(
            NetworkInterfacePrivateAddress(
                private_ip_address=record.private_ip,
                private_dns_name=name,
                is_primary=True,
                association=association,
            ),
        ),
        interface_type="interface",
    )


def _untagged(pair: _Shown) -> tuple[tuple[str, str], ...]:
    """An interface has no tags; its instance has."""
    return ()


def _has_interface(record: Instance) -> bool:
    return record.is_live and record.private_ip != ""


@define(eq=False, kw_only=True)
class NetworkInterfaces:
    """
    The operation on network interfaces that there is.

    @ivar network: None where instances have none that could be described.
    @ivar domain: what names of instances end in; C{""} where they have none.
    """

    store: IStore
    clock: IReactorTime
    network: DefaultNetwork | None = None
    domain: str = ""

    async def describe_network_interfaces(
        self, caller: Caller, request: DescribeNetworkInterfaces
    ) -> DescribeNetworkInterfacesResponse:
        """Those of the caller's instances; to administrators, of all."""
        passes = chooser(_FILTERS, request.filters, _untagged)
        asked = asked_page(request.max_results, request.next_token)

        def shown(record: Instance) -> NetworkInterface | None:
            if not _has_interface(record):
                return None
            held = self.store.where(Address, "instance_id", record.instance_id)
            view = network_interface(
                record, next(iter(held), None), self.network, self.domain
            )
            return view if passes((record, view)) else None

        told = await paged(
            self.clock,
            self._records(caller, request),
            lambda record: interface_id(record.instance_id),
            asked,
            shown,
        )
        return DescribeNetworkInterfacesResponse(
            network_interfaces=told.items, next_token=told.next_token
        )

    def _records(
        self, caller: Caller, request: DescribeNetworkInterfaces
    ) -> list[Instance]:
        """The instances that may have what is asked for."""
        named = dict.fromkeys(request.network_interface_ids)
        if named:
            return [instance_with_interface(self.store, caller, each) for each in named]
        return list(
            instances_that_may_pass(self.store, caller, _INDEXES, request.filters)
        )
