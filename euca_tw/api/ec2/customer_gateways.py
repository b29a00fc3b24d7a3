"""
Customer gateways: routers on the users' own premises, the far ends of VPN
connections.  The cloud only knows of them; it does not run them.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Acknowledgement, Filter, Request, Response, Tag
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreateCustomerGatewayType")
class CreateCustomerGateway(Request):
    """
    @ivar type: of its VPN connections: C{ipsec.1}.
    @ivar ip_address: where it is on the Internet.
    @ivar bgp_asn: the number of its network in BGP; since 2012-08-15 who has
        only static routes may leave it out.
    """

    type: str = wire("type")
    ip_address: str = wire("ipAddress")
    bgp_asn: int | None = wire("bgpAsn", required=((None, "2012-08-15"),))


@shape("CustomerGatewayType")
class CustomerGateway:
    """
    @ivar customer_gateway_id: C{cgw-} and hex digits.
    @ivar state: C{pending}, C{available}, C{deleting} or C{deleted}.
    """

    customer_gateway_id: str = wire("customerGatewayId")
    state: str = wire("state")
    type: str = wire("type")
    ip_address: str = wire("ipAddress")
    bgp_asn: int | None = wire("bgpAsn", required=((None, "2012-08-15"),))
    tags: tuple[Tag, ...] = wire("tagSet", since="2010-08-31", required=False)


@shape("CreateCustomerGatewayResponseType")
class CreateCustomerGatewayResponse(Response):
    customer_gateway: CustomerGateway = wire("customerGateway")


@shape("DescribeCustomerGatewaysType")
class DescribeCustomerGateways(Request):
    """@ivar customer_gateway_ids: none: all of the user's."""

    customer_gateway_ids: tuple[str, ...] = wire(
        "customerGatewaySet",
        query="CustomerGatewayId",
        leaf="customerGatewayId",
        item_type="CustomerGatewayIdSetItemType",
        required=False,
    )
    filters: tuple[Filter, ...] = wire("filterSet", query="Filter", required=False)


@shape("DescribeCustomerGatewaysResponseType")
class DescribeCustomerGatewaysResponse(Response):
    customer_gateways: tuple[CustomerGateway, ...] = wire("customerGatewaySet")


@shape("DeleteCustomerGatewayType")
class DeleteCustomerGateway(Request):
    """One that no VPN connection leads to."""

    customer_gateway_id: str = wire("customerGatewayId")


@shape("DeleteCustomerGatewayResponseType")
class DeleteCustomerGatewayResponse(Acknowledgement):
    """It will be forgotten."""


OPERATIONS = (
    Operation(
        "CreateCustomerGateway",
        CreateCustomerGateway,
        CreateCustomerGatewayResponse,
        since="2009-07-15",
    ),
    Operation(
        "DescribeCustomerGateways",
        DescribeCustomerGateways,
        DescribeCustomerGatewaysResponse,
        since="2009-07-15",
    ),
    Operation(
        "DeleteCustomerGateway",
        DeleteCustomerGateway,
        DeleteCustomerGatewayResponse,
        since="2009-07-15",
    ),
)
