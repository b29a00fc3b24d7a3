"""
What a cluster controller says to its cluster's head, the machine where its networks
have their routers and their way out.

All of it is of our own: the original's cluster controller was its own head.
"""

from __future__ import annotations

from euca_tw.api.cluster import RELEASE, ClusterMessage
from euca_tw.api.networks import NetworkChanges, NetworkPosition
from euca_tw.api.shapes import Api, Operation, shape, wire
from euca_tw.api.style import AXIS2


@shape("setHeadNetworksType")
class SetHeadNetworks(ClusterMessage):
    """
    What the head must know of networks; as L{euca_tw.api.cluster.SetNetworks}.

    @ivar name: by which the others know it.
    """

    name: str = wire("name")
    changes: NetworkChanges = wire("changes")


@shape("setHeadNetworksResponseType")
class SetHeadNetworksResponse(ClusterMessage):
    """It is kept there; what follows from it may still be under way."""

    position: NetworkPosition = wire("position")


@shape("waitForHeadType")
class WaitForHead(ClusterMessage):
    """
    A long poll: is answered when the head is not the one that was known, or its
    trouble is another.

    @ivar epoch: as the last answer had it; none at first.
    @ivar since: likewise.
    @ivar timeout_s: answer by then, changes or none.
    """

    epoch: str | None = wire("epoch")
    since: int = wire("since", xsd="long")
    timeout_s: int = wire("timeoutSeconds")


@shape("waitForHeadResponseType")
class WaitForHeadResponse(ClusterMessage):
    """
    @ivar epoch: another with each start of the head.
    @ivar trouble: why it does not carry what it shall, for people.
    """

    epoch: str = wire("epoch")
    sequence: int = wire("sequence", xsd="long")
    trouble: str | None = wire("trouble")


def _operation(request: type, response: type) -> Operation:
    return Operation(request.__name__, request, response)


SET_HEAD_NETWORKS = _operation(SetHeadNetworks, SetHeadNetworksResponse)
WAIT_FOR_HEAD = _operation(WaitForHead, WaitForHeadResponse)

HEAD = Api(
    name="EucalyptusHead",
    namespace="http://eucalyptus.ucsb.edu/",
    versions=(RELEASE,),
    operations=(SET_HEAD_NETWORKS, WAIT_FOR_HEAD),
    style=AXIS2,
)
