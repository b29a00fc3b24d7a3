"""
Network interfaces of instances, as they are asked for and as they are.
"""

from __future__ import annotations

from datetime import datetime

from euca_tw.api.ec2.common import GroupItem
from euca_tw.api.shapes import shape, wire


@shape(
    "PrivateIpAddressesSetItemRequestType", list_type="PrivateIpAddressesSetRequestType"
)
class PrivateAddressWanted:
    """@ivar is_primary: the one that the interface is known by."""

    private_ip_address: str = wire("privateIpAddress")
    is_primary: bool | None = wire("primary")


@shape(
    "InstanceNetworkInterfaceSetItemRequestType",
    list_type="InstanceNetworkInterfaceSetRequestType",
)
class NetworkInterfaceWanted:
    """
    An interface to make for an instance, or to attach to it.

    @ivar network_interface_id: an existing one; else one is made.
    @ivar device_index: 0 is the first.
    """

    network_interface_id: str | None = wire("networkInterfaceId")
    device_index: int = wire("deviceIndex")
    subnet_id: str | None = wire("subnetId")
    description: str | None = wire("description")
    private_ip_address: str | None = wire("privateIpAddress")
    group_ids: tuple[str, ...] = wire(
        "groupSet",
        query="SecurityGroupId",
        leaf="groupId",
        item_type="SecurityGroupIdSetItemType",
        required=False,
    )
    delete_on_termination: bool | None = wire("deleteOnTermination")
    private_ip_addresses: tuple[PrivateAddressWanted, ...] = wire(
        "privateIpAddressesSet",
        query="PrivateIpAddresses",
        since="2012-06-15",
        required=False,
    )
    secondary_private_ip_address_count: int | None = wire(
        "secondaryPrivateIpAddressCount", since="2012-06-15"
    )
    associate_public_ip_address: bool | None = wire(
        "associatePublicIpAddress", since="2013-07-15"
    )


@shape("InstanceNetworkInterfaceAssociationType")
class InterfaceAssociation:
    """The public address that an interface is reached by."""

    public_ip: str = wire("publicIp")
    public_dns_name: str | None = wire("publicDnsName", since="2012-12-01")
    ip_owner_id: str | None = wire("ipOwnerId")


@shape("InstanceNetworkInterfaceAttachmentType")
class InterfaceAttachment:
    """@ivar status: C{attaching}, C{attached}, C{detaching}, C{detached}."""

    attachment_id: str = wire("attachmentId")
    device_index: int = wire("deviceIndex")
    status: str = wire("status")
    attach_time: datetime = wire("attachTime")
    delete_on_termination: bool = wire("deleteOnTermination")


@shape("InstancePrivateIpAddressesSetItemType")
class InterfacePrivateAddress:
    private_ip_address: str | None = wire("privateIpAddress")
    private_dns_name: str | None = wire("privateDnsName", since="2012-12-01")
    is_primary: bool | None = wire("primary")
    association: InterfaceAssociation | None = wire("association")


@shape("InstanceNetworkInterfaceSetItemType")
class InstanceNetworkInterface:
    """@ivar status: C{available} or C{in-use}."""

    network_interface_id: str = wire("networkInterfaceId")
    subnet_id: str | None = wire("subnetId")
    vpc_id: str | None = wire("vpcId")
    description: str | None = wire("description")
    owner_id: str = wire("ownerId")
    status: str = wire("status")
    mac_address: str | None = wire(
        "macAddress", since="2012-12-01", required=((None, "2013-02-01"),)
    )
    private_ip_address: str | None = wire("privateIpAddress")
    private_dns_name: str | None = wire("privateDnsName")
    source_dest_check: bool | None = wire("sourceDestCheck")
    groups: tuple[GroupItem, ...] = wire("groupSet", required=False)
    attachment: InterfaceAttachment = wire("attachment")
    association: InterfaceAssociation | None = wire("association")
    private_ip_addresses: tuple[InterfacePrivateAddress, ...] = wire(
        "privateIpAddressesSet", since="2012-06-15", required=False
    )
