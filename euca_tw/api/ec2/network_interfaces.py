"""
Network interfaces: made in a subnet of a VPC, attached to an instance and
detached again, with addresses, a MAC address and security groups of their own.

How an instance shows those it has is L{euca_tw.api.ec2.instance_interfaces}:
other types, that say less.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    GroupItem,
    Request,
    Response,
    Tag,
)
from euca_tw.api.ec2.instance_interfaces import PrivateAddressWanted
from euca_tw.api.shapes import Operation, shape, wire


@shape("NetworkInterfaceAttachmentType")
class NetworkInterfaceAttachment:
    """
    What an interface is attached to.

    @ivar attachment_id: C{eni-attach-…}.
    @ivar device_index: 0 is the instance's first.
    @ivar status: C{attaching}, C{attached}, C{detaching}, C{detached}.
    """

    attachment_id: str = wire("attachmentId")
    instance_id: str | None = wire("instanceId")
    instance_owner_id: str | None = wire("instanceOwnerId")
    device_index: int = wire("deviceIndex")
    status: str = wire("status")
    attach_time: datetime = wire("attachTime")
    delete_on_termination: bool = wire("deleteOnTermination")


@shape("NetworkInterfaceAssociationType")
class NetworkInterfaceAssociation:
    """
    The elastic address that a private one is reached by.

    @ivar allocation_id: C{eipalloc-…}.
    @ivar association_id: C{eipassoc-…}.
    """

    public_ip: str = wire("publicIp")
    public_dns_name: str | None = wire("publicDnsName", since="2012-12-01")
    ip_owner_id: str | None = wire("ipOwnerId")
    allocation_id: str | None = wire("allocationId")
    association_id: str | None = wire("associationId")


@shape("NetworkInterfacePrivateIpAddressesSetItemType")
class NetworkInterfacePrivateAddress:
    """@ivar is_primary: the one that the interface is known by."""

    private_ip_address: str = wire("privateIpAddress")
    private_dns_name: str | None = wire("privateDnsName", since="2012-12-01")
    is_primary: bool = wire("primary")
    association: NetworkInterfaceAssociation | None = wire("association")


@shape("NetworkInterfaceType")
class NetworkInterface:
    """
    @ivar network_interface_id: C{eni-…}.
    @ivar requester_id: who made it in the owner's name.
    @ivar is_requester_managed: who made it looks after it, too; the owner
        leaves it alone.
    @ivar status: C{available}, C{attaching}, C{in-use} or C{detaching}.
    @ivar private_ip_address: the primary one.
    @ivar source_dest_check: what is neither from nor for one of its addresses
        is dropped; false for a router.
    @ivar association: of the primary address.
    """

    network_interface_id: str = wire("networkInterfaceId")
    subnet_id: str | None = wire("subnetId")
    vpc_id: str | None = wire("vpcId")
    availability_zone: str | None = wire("availabilityZone")
    description: str | None = wire("description")
    owner_id: str = wire("ownerId")
    requester_id: str | None = wire("requesterId")
    is_requester_managed: bool | None = wire("requesterManaged")
    status: str = wire("status")
    mac_address: str = wire("macAddress")
    private_ip_address: str = wire("privateIpAddress")
    private_dns_name: str | None = wire("privateDnsName")
    source_dest_check: bool = wire("sourceDestCheck")
    groups: tuple[GroupItem, ...] = wire("groupSet")
    attachment: NetworkInterfaceAttachment | None = wire("attachment")
    association: NetworkInterfaceAssociation | None = wire("association")
    tags: tuple[Tag, ...] = wire("tagSet", required=False)
    private_ip_addresses: tuple[NetworkInterfacePrivateAddress, ...] = wire(
        "privateIpAddressesSet", since="2012-06-15", required=False
    )
    interface_type: str | None = wire("interfaceType", since="2016-11-15")


# --- making and ending them -------------------------------------------------


@shape("CreateNetworkInterfaceType")
class CreateNetworkInterface(Request):
    """
    @ivar private_ip_address: the primary one; None: it is among
        C{private_ip_addresses}, or any that is free in the subnet.
    @ivar group_ids: none: the VPC's default group.
    @ivar secondary_private_ip_address_count: how many more addresses, any
        that are free.
    """

    subnet_id: str = wire("subnetId")
    description: str | None = wire("description")
    private_ip_address: str | None = wire("privateIpAddress")
    group_ids: tuple[str, ...] = wire(
        "groupSet",
        query="SecurityGroupId",
        leaf="groupId",
        item_type="SecurityGroupIdSetItemType",
        required=False,
    )
    private_ip_addresses: tuple[PrivateAddressWanted, ...] = wire(
        "privateIpAddressesSet",
        query="PrivateIpAddresses",
        since="2012-06-15",
        required=False,
    )
    secondary_private_ip_address_count: int | None = wire(
        "secondaryPrivateIpAddressCount", since="2012-06-15"
    )


@shape("CreateNetworkInterfaceResponseType")
class CreateNetworkInterfaceResponse(Response):
    network_interface: NetworkInterface = wire("networkInterface")


@shape("DeleteNetworkInterfaceType")
class DeleteNetworkInterface(Request):
    """It must not be attached."""

    network_interface_id: str = wire("networkInterfaceId")


@shape("DeleteNetworkInterfaceResponseType")
class DeleteNetworkInterfaceResponse(Acknowledgement):
    """It is gone."""


@shape("DescribeNetworkInterfacesType")
class DescribeNetworkInterfaces(Request):
    """@ivar network_interface_ids: none: all of the user's."""

    network_interface_ids: tuple[str, ...] = wire(
        "networkInterfaceIdSet",
        query="NetworkInterfaceId",
        leaf="networkInterfaceId",
        item_type="NetworkInterfaceIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)
    max_results: int | None = wire("maxResults", since="2016-11-15")
    next_token: str | None = wire("nextToken", since="2016-11-15")


@shape("DescribeNetworkInterfacesResponseType")
class DescribeNetworkInterfacesResponse(Response):
    network_interfaces: tuple[NetworkInterface, ...] = wire("networkInterfaceSet")
    next_token: str | None = wire("nextToken", since="2016-11-15")


# --- attaching and detaching ------------------------------------------------


@shape("AttachNetworkInterfaceType")
class AttachNetworkInterface(Request):
    """@ivar device_index: from 1; 0 is the one it was launched with."""

    network_interface_id: str = wire("networkInterfaceId")
    instance_id: str = wire("instanceId")
    device_index: int = wire("deviceIndex")


@shape("AttachNetworkInterfaceResponseType")
class AttachNetworkInterfaceResponse(Response):
    """@ivar attachment_id: what to detach it by."""

    attachment_id: str = wire("attachmentId")


@shape("DetachNetworkInterfaceType")
class DetachNetworkInterface(Request):
    """@ivar force: even if the instance does not let go of it."""

    attachment_id: str = wire("attachmentId")
    force: bool | None = wire("force")


@shape("DetachNetworkInterfaceResponseType")
class DetachNetworkInterfaceResponse(Acknowledgement):
    """It will be done."""


OPERATIONS = (
    Operation(
        "CreateNetworkInterface",
        CreateNetworkInterface,
        CreateNetworkInterfaceResponse,
        since="2011-12-01",
    ),
    Operation(
        "DescribeNetworkInterfaces",
        DescribeNetworkInterfaces,
        DescribeNetworkInterfacesResponse,
        since="2011-12-01",
    ),
    Operation(
        "AttachNetworkInterface",
        AttachNetworkInterface,
        AttachNetworkInterfaceResponse,
        since="2011-12-01",
    ),
    Operation(
        "DetachNetworkInterface",
        DetachNetworkInterface,
        DetachNetworkInterfaceResponse,
        since="2011-12-01",
    ),
    Operation(
        "DeleteNetworkInterface",
        DeleteNetworkInterface,
        DeleteNetworkInterfaceResponse,
        since="2011-12-01",
    ),
)
