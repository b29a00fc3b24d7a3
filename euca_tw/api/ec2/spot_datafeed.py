"""
The spot datafeed: files that tell a user, hour by hour, what spot instances
were used and what they cost.

They are written to a bucket of the user's.  An account has one subscription,
or none; so it needs no name.
"""

from __future__ import annotations

from euca_tw.api.ec2.common import Acknowledgement, Request, Response
from euca_tw.api.ec2.spot import SpotInstanceStateFault
from euca_tw.api.shapes import Operation, shape, wire


@shape("CreateSpotDatafeedSubscriptionType")
class CreateSpotDatafeedSubscription(Request):
    """@ivar prefix: of the files' names; Query may leave it out."""

    bucket: str = wire("bucket")
    prefix: str | None = wire("prefix", required=True, query_optional=True)


@shape("SpotDatafeedSubscriptionType")
class SpotDatafeedSubscription:
    """
    @ivar prefix: of the files' names; C{""} if there is none.
    @ivar state: C{Active} or C{Inactive}.
    @ivar fault: why files cannot be written; None: they can.
    """

    owner_id: str = wire("ownerId")
    bucket: str = wire("bucket")
    prefix: str = wire("prefix")
    state: str = wire("state")
    fault: SpotInstanceStateFault | None = wire("fault")


@shape("CreateSpotDatafeedSubscriptionResponseType")
class CreateSpotDatafeedSubscriptionResponse(Response):
    subscription: SpotDatafeedSubscription = wire("spotDatafeedSubscription")


@shape("DescribeSpotDatafeedSubscriptionType")
class DescribeSpotDatafeedSubscription(Request):
    """Who has none is refused."""


@shape("DescribeSpotDatafeedSubscriptionResponseType")
class DescribeSpotDatafeedSubscriptionResponse(Response):
    subscription: SpotDatafeedSubscription = wire("spotDatafeedSubscription")


@shape("DeleteSpotDatafeedSubscriptionType")
class DeleteSpotDatafeedSubscription(Request):
    """Files that are written already stay."""


@shape("DeleteSpotDatafeedSubscriptionResponseType")
class DeleteSpotDatafeedSubscriptionResponse(Acknowledgement):
    """It is gone."""


OPERATIONS = (
    Operation(
        "CreateSpotDatafeedSubscription",
        CreateSpotDatafeedSubscription,
        CreateSpotDatafeedSubscriptionResponse,
        since="2009-11-30",
    ),
    Operation(
        "DescribeSpotDatafeedSubscription",
        DescribeSpotDatafeedSubscription,
        DescribeSpotDatafeedSubscriptionResponse,
        since="2009-11-30",
    ),
    Operation(
        "DeleteSpotDatafeedSubscription",
        DeleteSpotDatafeedSubscription,
        DeleteSpotDatafeedSubscriptionResponse,
        since="2009-11-30",
    ),
)
