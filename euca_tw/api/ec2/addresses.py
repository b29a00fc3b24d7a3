"""
Elastic addresses: public addresses that belong to a user, not an instance.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import (
    Acknowledgement,
    Filter,
    Request,
    Response,
    Tag,
    TagSpecification,
)
from euca_tw.api.shapes import Operation, shape, wire


@shape("AllocateAddressType")
class AllocateAddress(Request):
    """
    @ivar domain: C{vpc}, or nothing.
    @ivar address: that it shall be, as one that was released; None: any.
    """

    domain: str | None = wire("domain", since="2011-01-01")
    address: str | None = wire("address", since="2016-11-15")
    tag_specifications: tuple[TagSpecification, ...] = wire(
        "tagSpecificationSet",
        query="TagSpecification",
        since="2016-11-15",
        required=False,
    )


@shape("AllocateAddressResponseType")
class AllocateAddressResponse(Response):
    """@ivar domain: C{standard}, or C{vpc}."""

    public_ip: str = wire("publicIp")
    domain: str = wire("domain", since="2011-01-01")
    allocation_id: str | None = wire("allocationId", since="2011-01-01")


@shape("ReleaseAddressType")
class ReleaseAddress(Request):
    """@ivar allocation_id: names an address in a VPC."""

    public_ip: str | None = wire(
        "publicIp", required=True, choice="address", choice_since="2011-01-01"
    )
    allocation_id: str | None = wire(
        "allocationId", since="2011-01-01", choice="address"
    )


@shape("ReleaseAddressResponseType")
class ReleaseAddressResponse(Acknowledgement):
    """It is another's now."""


@shape("AssociateAddressType")
class AssociateAddress(Request):
    """
    One address, and one instance or network interface that gets it.

    @ivar allow_reassociation: take it away from another (in a VPC).
    """

    public_ip: str | None = wire(
        "publicIp", required=True, choice="address", choice_since="2011-01-01"
    )
    allocation_id: str | None = wire(
        "allocationId", since="2011-01-01", choice="address"
    )
    network_interface_id: str | None = wire(
        "networkInterfaceId", since="2011-12-01", choice="target"
    )
    instance_id: str | None = wire(
        "instanceId", required=True, choice="target", choice_since="2011-12-01"
    )
    private_ip_address: str | None = wire("privateIpAddress", since="2012-06-15")
    allow_reassociation: bool | None = wire("allowReassociation", since="2012-06-15")


@shape("AssociateAddressResponseType")
class AssociateAddressResponse(Acknowledgement):
    """@ivar association_id: of an address in a VPC."""

    association_id: str | None = wire("associationId", since="2011-01-01")


@shape("DisassociateAddressType")
class DisassociateAddress(Request):
    public_ip: str | None = wire(
        "publicIp", required=True, choice="address", choice_since="2011-01-01"
    )
    association_id: str | None = wire(
        "associationId", since="2011-01-01", choice="address"
    )


@shape("DisassociateAddressResponseType")
class DisassociateAddressResponse(Acknowledgement):
    """The instance has it no more."""


@shape("DescribeAddressesType")
class DescribeAddresses(Request):
    """No names: all of the user's."""

    public_ips: tuple[str, ...] = wire(
        "publicIpsSet",
        query="PublicIp",
        leaf="publicIp",
        item_type="DescribeAddressesItemType",
        list_type="DescribeAddressesInfoType",
    )
    allocation_ids: tuple[str, ...] = wire(
        "allocationIdsSet",
        query="AllocationId",
        leaf="allocationId",
        item_type="AllocationIdSetItemType",
        since="2011-01-01",
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="Filter", since="2010-08-31", required=False
    )


@shape(
    "DescribeAddressesResponseItemType", list_type="DescribeAddressesResponseInfoType"
)
class Address:
    """
    @ivar instance_id: who has it; None: nobody.
    @ivar domain: C{standard}, or C{vpc}.
    """

    public_ip: str = wire("publicIp")
    allocation_id: str | None = wire("allocationId", since="2011-01-01")
    domain: str = wire("domain", since="2011-01-01")
    instance_id: str | None = wire("instanceId")
    association_id: str | None = wire("associationId", since="2011-01-01")
    network_interface_id: str | None = wire("networkInterfaceId", since="2011-12-01")
    network_interface_owner_id: str | None = wire(
        "networkInterfaceOwnerId", since="2011-12-01"
    )
    private_ip_address: str | None = wire("privateIpAddress", since="2012-06-15")
    tags: tuple[Tag, ...] = wire("tagSet", since="2016-11-15", required=False)


@shape("DescribeAddressesResponseType")
class DescribeAddressesResponse(Response):
    addresses: tuple[Address, ...] = wire("addressesSet")


OPERATIONS = (
    Operation(
        "AllocateAddress",
        AllocateAddress,
        AllocateAddressResponse,
        since="2008-02-01",
    ),
    Operation(
        "ReleaseAddress",
        ReleaseAddress,
        ReleaseAddressResponse,
        since="2008-02-01",
    ),
    Operation(
        "AssociateAddress",
        AssociateAddress,
        AssociateAddressResponse,
        since="2008-02-01",
    ),
    Operation(
        "DisassociateAddress",
        DisassociateAddress,
        DisassociateAddressResponse,
        since="2008-02-01",
    ),
    Operation(
        "DescribeAddresses",
        DescribeAddresses,
        DescribeAddressesResponse,
        since="2008-02-01",
    ),
)
