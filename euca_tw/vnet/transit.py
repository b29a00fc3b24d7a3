"""
The transit network: by it heads hand each other what is for networks that only one
of their clusters has.

Pure.  A network like any other, whose members are the heads; but nothing in it is
for all, and nothing is passed on that came by it: see Note [One step].
"""

# Note [One step]
#
# A head knows of each network that its cluster does not have which clusters have it,
# without its members, and hands what is for it to the head of one of these.  That
# one carries the network, and passes it on as what comes from any other network.  If
# it does not (it was told so already, or not yet), it drops it: what has come by the
# transit network never goes into it again, whatever heads were told, so nothing goes
# round.
#
# Note [Addresses of one link]
#
# A route names whom it goes by with an address.  Those of heads are each head's own
# business: nobody else is told of them, and no packet has one, but for errors that a
# head tells of.  So heads need not agree on them, and an address that two names lead
# to is one's, and the next one the other's.  They are of those that are of one link
# only (RFC 3927), which no network of instances may have; there is no route to the
# range, so what else of it a machine uses is not touched.
# What heads do agree on is a head's MAC address, made of its cluster's name.

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network

from euca_tw.model.networks import (
    TRANSIT_NUMBER,
    Carried,
    Extent,
    Machine,
    Member,
    Network,
    TrunkEnd,
    View,
)
from euca_tw.vnet.paths import heads_of

#: Of heads; the first is nobody's.  See Note [Addresses of one link].
RANGE = IPv4Network("169.254.192.0/18")
NETWORK = Network(number=TRANSIT_NUMBER, subnet=RANGE)


@lru_cache(1 << 12)
def mac_address(cluster: str) -> str:
    """Of its head, in the transit network."""
    return (b"\xd2" + sha256(f"transit {cluster}".encode()).digest()[:5]).hex(":")


def addresses(here: str, others: Iterable[str]) -> Mapping[str, IPv4Address]:
    """
    Of the heads of clusters, as the one of C{here} knows them.  Which they are
    depends on who else there is only where two would have the same.
    """
    found: dict[str, IPv4Address] = {}
    taken = {0}
    # For more than there is room for there is none.
    for cluster in (here, *sorted(others)[: RANGE.num_addresses - 2]):
        digest = sha256(f"address {cluster}".encode()).digest()
        place = int.from_bytes(digest[:4], "big") % RANGE.num_addresses
        while place in taken:
            place = (place + 1) % RANGE.num_addresses
        taken.add(place)
        found[cluster] = RANGE[place]
    return found


def peers(here: str, extents: Iterable[Extent]) -> frozenset[str]:
    """The clusters with which one has not all networks in common."""
    several = {each.clusters for each in extents}
    everywhere: frozenset[str] = frozenset().union(*several) | {here}
    found: set[str] = {here}
    for clusters in several:
        found |= everywhere - clusters if here in clusters else clusters
        if len(found) == len(everywhere):
            break
    return frozenset(found - {here})


def between(view: View) -> Carried | None:
    """
    The transit network, as the machine must carry it that the view is of, with
    heads as its members; None: it has no part in it.
    """
    here = view.machines.get(view.here)
    if here is None or not view.networks or not view.extents:
        return None
    heads = heads_of(view.machines.values())
    if heads.get(here.cluster) != here:
        return None
    known = peers(here.cluster, view.extents.values()) & heads.keys()
    if not known:
        return None
    return Carried(
        network=NETWORK,
        members=frozenset(
            Member(
                instance_id=f"the head of {cluster}",
                network=TRANSIT_NUMBER,
                mac_address=mac_address(cluster),
                private_ip=address,
                machine=heads[cluster].name,
                cluster=cluster,
            )
            for cluster, address in addresses(here.cluster, known).items()
        ),
    )


def next_hops(
    view: View, transit: Carried, numbers: Iterable[int]
) -> Mapping[int, IPv4Address]:
    """
    To whom goes what is for a network that this head does not carry, by the
    network's number.

    @param transit: as the view has it L{between} heads.
    @param numbers: of networks; of those that are nowhere else there is none.
    """
    here = view.machines[view.here]
    heads = {
        member.cluster: view.machines[member.machine] for member in transit.members
    }
    by_cluster = {member.cluster: member.private_ip for member in transit.members}
    del heads[here.cluster]
    able = frozenset(heads)
    badness = {each: _badness(here, head, view.ends) for each, head in heads.items()}
    found: dict[int, IPv4Address] = {}
    for number in numbers:
        extent = view.extents.get(number)
        if extent is None or number in view.networks:
            continue
        if some := extent.clusters & able:
            found[number] = by_cluster[_chosen(here.cluster, number, some, badness)]
    return found


def gateway(view: View, head: Machine, number: int) -> Machine | None:
    """
    The head to which another one hands what is for a network; None: to nobody.

    @param view: knows the heads, the trunks and where that network is.
    """
    extent = view.extents.get(number)
    heads = heads_of(view.machines.values())
    if extent is None:
        return None
    some = (extent.clusters & heads.keys()) - {head.cluster}
    if not some:
        return None
    badness = {each: _badness(head, heads[each], view.ends) for each in some}
    return heads[_chosen(head.cluster, number, some, badness)]


def is_by_vxlan(one: Machine, other: Machine) -> bool:
    """Whether two heads reach each other without the trunk."""
    return one.is_routed and other.is_routed


def _badness(here: Machine, to: Machine, ends: Mapping[str, TrunkEnd]) -> int:
    """0: it is reached by VXLAN, 1: by the trunk, 2: by none of them."""
    if is_by_vxlan(here, to):
        return 0
    return 1 if ends.keys() >= {here.cluster, to.cluster} else 2


def _chosen(
    here: str, number: int, able: Collection[str], badness: Mapping[str, int]
) -> str:
    """
    One of the clusters that can be reached best: by chance, but always the same,
    and, where one comes or goes, of few networks another than before.
    """
    if len(able) == 1:
        return next(iter(able))
    return min(
        able,
        key=lambda each: (
            badness[each],
            sha256(f"{here} {number} {each}".encode()).digest(),
        ),
    )
