"""
Secondary private addresses of network interfaces: given and taken away.

The primary one stays as long as the interface does.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Acknowledgement, Request
from euca_tw.api.shapes import Operation, shape, wire


@shape("AssignPrivateIpAddressesType")
class AssignPrivateIpAddresses(Request):
    """
    Give an interface these addresses, or so many of the subnet's free ones.

    @ivar allow_reassignment: take them away from other interfaces.
    """

    network_interface_id: str = wire("networkInterfaceId")
    private_ip_addresses: tuple[str, ...] = wire(
        "privateIpAddressesSet",
        query="PrivateIpAddress",
        leaf="privateIpAddress",
        item_type="AssignPrivateIpAddressesSetItemRequestType",
        list_type="AssignPrivateIpAddressesSetRequestType",
        at_least=1,
        required=False,
    )
    secondary_private_ip_address_count: int | None = wire(
        "secondaryPrivateIpAddressCount"
    )
    allow_reassignment: bool | None = wire("allowReassignment")


@shape("AssignPrivateIpAddressesResponseType")
class AssignPrivateIpAddressesResponse(Acknowledgement):
    """The interface has them."""


@shape("UnassignPrivateIpAddressesType")
class UnassignPrivateIpAddresses(Request):
    network_interface_id: str = wire("networkInterfaceId")
    private_ip_addresses: tuple[str, ...] = wire(
        "privateIpAddressesSet",
        query="PrivateIpAddress",
        leaf="privateIpAddress",
        item_type="AssignPrivateIpAddressesSetItemRequestType",
        list_type="AssignPrivateIpAddressesSetRequestType",
        at_least=1,
    )


@shape("UnassignPrivateIpAddressesResponseType")
class UnassignPrivateIpAddressesResponse(Acknowledgement):
    """They are free again."""


OPERATIONS = (
    Operation(
        "AssignPrivateIpAddresses",
        AssignPrivateIpAddresses,
        AssignPrivateIpAddressesResponse,
        since="2012-06-15",
    ),
    Operation(
        "UnassignPrivateIpAddresses",
        UnassignPrivateIpAddresses,
        UnassignPrivateIpAddressesResponse,
        since="2012-06-15",
    ),
)
