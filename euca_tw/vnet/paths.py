"""
How the machines that carry a network reach each other.

Pure.  Seen from one machine, of one network.  All machines that carry a network
know the same of it, so all decide alike, and a frame that one sends is looked for
where it arrives.
"""

# Note [One way for a broadcast]
#
# Between two clusters there are two ways: by VXLAN from machine to machine, when
# every machine on either side can be reached from everywhere, else by the heads
# and the trunk between them.  A frame to one instance takes whichever way is open
# between the two clusters.
# A broadcast must not: where some clusters are joined by the one and some by the
# other way, a head that was reached by VXLAN would send the frame into the trunk
# once more, and it would go round for ever.  So broadcasts of a network go by
# VXLAN everywhere, and then no head has a port to the trunk; or inside each cluster
# by VXLAN and between them by the trunk only.

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from ipaddress import IPv4Address
from typing import Final, Literal, TypeAlias

from attrs import frozen

from euca_tw.model.networks import Carried, Machine, Role, View

#: What VXLAN adds to a frame: IP 20, UDP 8, VXLAN 8, Ethernet 14.
VXLAN_OVERHEAD = 50


class Way(Enum):
    """TRUNK: by this machine's port to the trunk."""

    TRUNK = "trunk"


TRUNK: Final = Way.TRUNK

#: Where a frame goes next: to a machine's address by VXLAN, or into the trunk.
Hop: TypeAlias = IPv4Address | Literal[Way.TRUNK]


@frozen(kw_only=True)
class Paths:
    """
    @ivar hops: by name of machine; one that cannot be reached, and the one that
        this is seen from, are not in it.
    @ivar flood: to whom by VXLAN a frame goes that is for all.
    @ivar head: of the own cluster.
    @ivar has_trunk: whether this machine has a port to the trunk for it.
    @ivar mtu: of the instances' largest packets.
    """

    hops: Mapping[str, Hop]
    flood: frozenset[IPv4Address]
    head: Machine | None
    has_trunk: bool
    mtu: int


def heads_of(machines: Iterable[Machine]) -> Mapping[str, Machine]:
    """The head of each cluster; of several, the first by name."""
    heads = sorted(
        (each for each in machines if each.role is Role.HEAD),
        key=lambda head: head.name,
        reverse=True,
    )
    return {head.cluster: head for head in heads}


def carriers_of(
    view: View, carried: Carried, heads: Mapping[str, Machine]
) -> frozenset[Machine]:
    """
    Those that have an instance of the network, the heads of their clusters, and
    the one that this is seen from.

    @param heads: L{heads_of} the view's machines.
    """
    names = {member.machine for member in carried.members} | {view.here}
    having = {view.machines[name] for name in names if name in view.machines}
    clusters = {machine.cluster for machine in having}
    return frozenset(having | {heads[each] for each in clusters if each in heads})


def paths(here: Machine, carriers: frozenset[Machine]) -> Paths:
    """@param carriers: of the network; C{here} is among them."""
    heads = heads_of(carriers)
    clusters = {machine.cluster for machine in carriers}
    closed = {machine.cluster for machine in carriers if not machine.is_routed}
    is_flat = len(clusters) == 1 or not closed
    head = heads.get(here.cluster)
    by_heads: Hop | None = None
    if head is not None:
        by_heads = TRUNK if head == here else head.address

    def hop(to: Machine) -> Hop | None:
        if to.cluster == here.cluster or not closed & {to.cluster, here.cluster}:
            return to.address
        return by_heads

    others = [machine for machine in carriers if machine != here]
    return Paths(
        hops={to.name: way for to in others if (way := hop(to)) is not None},
        flood=frozenset(
            to.address for to in others if is_flat or to.cluster == here.cluster
        ),
        head=head,
        has_trunk=head == here and not is_flat,
        mtu=min(machine.mtu for machine in carriers) - VXLAN_OVERHEAD,
    )
