"""What a site may set about a cluster."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address, IPv4Network

from attrs import frozen

from euca_tw.common.changes import LONGEST_WAIT_S
from euca_tw.common.silence import OPERATOR


@frozen(kw_only=True)
class ClusterSettings:
    """
    @ivar subnet: of the instances.
    @ivar first_address: how far from the subnet's first address the instance
        with network index 0 has its own; below are the router and its like.
    @ivar router: C{""} is the subnet's first address.
    @ivar poll_s: how long a node may hold a question, or longer:
    @ivar questions_per_s: so many a second all nodes together are asked at most,
        while there is nothing to tell.
    @ivar call_timeout_s: how long it may take to answer any other.
    @ivar silent_after_s: a node not heard of for so long is silent.
    @ivar lost_after_s: no node that is silent for less may be declared lost.
    @ivar declare_lost: who does: of L{euca_tw.common.silence.DECLARERS}.
    @ivar settle_s: after a start, so long is waited for nodes that do not
        answer before anything is placed without them.
    @ivar placing_s: so long at most a launch waits for its node's word before
        the cloud controller is answered.
    @ivar ended_kept_s: how long an ended instance is told of; longer than
        its node does.
    @ivar longest_wait_s: a long poll is answered by then.
    """

    subnet: str = "10.90.0.0/20"
    first_address: int = 10
    router: str = ""
    nameservers: tuple[str, ...] = ()
    poll_s: float = 55.0
    questions_per_s: float = 4.0
    call_timeout_s: float = 20.0
    silent_after_s: float = 30.0
    lost_after_s: float = 900.0
    declare_lost: str = OPERATOR
    settle_s: float = 15.0
    placing_s: float = 10.0
    ended_kept_s: float = 300.0
    retry_first_s: float = 1.0
    retry_ceiling_s: float = 30.0
    longest_wait_s: float = LONGEST_WAIT_S

    def hold_s(self, nodes: int) -> float:
        """How long each of so many nodes may hold a question."""
        slow_s = nodes / self.questions_per_s
        return max(self.poll_s, min(slow_s, LONGEST_WAIT_S))

    @property
    def network(self) -> IPv4Network:
        """The subnet, parsed."""
        return _parsed(self.subnet)

    @property
    def router_address(self) -> str:
        """What guests are told to route through."""
        return self.router or str(self.network.network_address + 1)

    @property
    def addresses(self) -> int:
        """How many instances the range holds."""
        return max(0, self.network.num_addresses - self.first_address - 1)

    def address_of(self, network_index: int) -> IPv4Address:
        """The private address of the instance with that index."""
        return self.network.network_address + self.first_address + network_index


@cache
def _parsed(subnet: str) -> IPv4Network:
    return IPv4Network(subnet)
