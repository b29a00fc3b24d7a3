"""
Attributes of an account: what the cloud offers the user who asks.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Filter, Request, Response
from euca_tw.api.shapes import Operation, shape, wire


@shape("DescribeAccountAttributesType")
class DescribeAccountAttributes(Request):
    """
    @ivar attribute_names: none: all.
    @ivar filters: which only SOAP can say.
    """

    attribute_names: tuple[str, ...] = wire(
        "accountAttributeNameSet",
        query="AttributeName",
        leaf="attributeName",
        item_type="AccountAttributeNameSetItemType",
        at_least=1,
        at_least_until="2013-02-01",
        required=False,
    )
    filters: tuple[Filter, ...] = wire(
        "filterSet", query="", since="2013-02-01", required=False
    )


@shape("AccountAttributeSetItemType")
class AccountAttribute:
    """
    @ivar name: C{supported-platforms}, whose values are C{EC2} and C{VPC};
        C{default-vpc}, whose value is its id, or C{none}.
    """

    name: str = wire("attributeName")
    values: tuple[str, ...] = wire(
        "attributeValueSet",
        leaf="attributeValue",
        item_type="AccountAttributeValueSetItemType",
        at_least=1,
        at_least_until="2013-02-01",
    )


@shape("DescribeAccountAttributesResponseType")
class DescribeAccountAttributesResponse(Response):
    attributes: tuple[AccountAttribute, ...] = wire(
        "accountAttributeSet",
        at_least=1,
        at_least_until="2013-02-01",
        required=False,
    )


OPERATIONS = (
    Operation(
        "DescribeAccountAttributes",
        DescribeAccountAttributes,
        DescribeAccountAttributesResponse,
        since="2012-12-01",
    ),
)
