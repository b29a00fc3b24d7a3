"""
Which way a frame goes.

Pure.  A head sends a frame of its own cluster's instances to each cluster that it
is for: straight to that cluster's head, or, where there is no connection, to a
third head that has one.  That is all that ever happens to it, so nothing goes in
circles:

  - what comes out of the trunk is from another cluster's instance or router, and
    only what is from one of our own goes into it; what is from a router is for one
    instance, and was routed, which happens to no packet for ever;
  - only a frame that is straight from its own cluster's head is passed on, and
    what was passed on is marked, and taken by whom it is for or by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from attrs import frozen

from euca_tw.model.networks import ROUTER_MAC, Carried, View
from euca_tw.vnet.paths import carriers_of, heads_of, paths
from euca_tw.vnet.trunk.frames import Kind, cluster_id

_ARP, _IP = b"\x08\x06", b"\x08\x00"
#: Of an Ethernet frame, where its kind stands, and where ARP names who is asked.
_KIND, _ASKED = slice(12, 14), slice(38, 42)
_ROUTER = bytes.fromhex(ROUTER_MAC.replace(":", ""))
#: As much of a frame as is looked at, where it goes in and where it comes out.
HEAD, HEAD_OF_ARRIVED = 42, 14


@frozen(kw_only=True)
class Table:
    """
    Of one network.

    @ivar here: the MAC addresses of the cluster's own instances.
    @ivar away: of others' instances; by them, their cluster.
    @ivar clusters: those of C{away}, each once.
    @ivar router: the address, which each cluster's own head has.
    """

    here: frozenset[bytes]
    away: Mapping[bytes, int]
    clusters: tuple[int, ...]
    router: bytes


def make_table(view: View, carried: Carried) -> Table | None:
    """
    None if the network does not go into the trunk from here: there is no other
    cluster that has it, or it goes to all of them by VXLAN.
    """
    here = view.machines[view.here]
    carriers = carriers_of(view, carried, heads_of(view.machines.values()))
    if not paths(here, carriers).has_trunk:
        return None
    own, away = set[bytes](), dict[bytes, int]()
    for member in carried.members:
        machine = view.machines.get(member.machine)
        if machine is None:
            continue
        mac = bytes.fromhex(member.mac_address.replace(":", ""))
        if machine.cluster == here.cluster:
            own.add(mac)
        else:
            away[mac] = cluster_id(machine.cluster)
    return Table(
        here=frozenset(own),
        away=away,
        clusters=tuple(sorted(set(away.values()))),
        router=carried.network.router.packed,
    )


def destinations(table: Table, head: bytes) -> tuple[int, ...]:
    """
    The clusters that a frame from the bridge is for.

    @param head: the frame's first L{HEAD} bytes, or all of it if it is shorter.
    """
    if not (head[6:12] in table.here or _is_routed(head)):
        return ()
    if not head[0] & 1:
        cluster = table.away.get(head[:6])
        return () if cluster is None else (cluster,)
    if head[_KIND] == _ARP and head[_ASKED] == table.router:
        return ()
    return table.clusters


def is_welcome(table: Table, source: int, head: bytes) -> bool:
    """
    Whether a frame from the trunk goes on to the bridge: it is from an instance
    of the cluster that it is said to be from, for one of ours or for many; or from
    that cluster's router, for one of ours.

    @param head: the frame's first L{HEAD_OF_ARRIVED} bytes.
    """
    if _is_routed(head):
        return source in table.clusters and head[:6] in table.here
    return table.away.get(head[6:12]) == source and (
        bool(head[0] & 1) or head[:6] in table.here
    )


def _is_routed(head: bytes) -> bool:
    """Whether a head took it from another network, for one instance."""
    return head[6:12] == _ROUTER and not head[0] & 1 and head[_KIND] == _IP


class Fate:
    """What is done with a frame from the trunk."""

    DROP, DELIVER, PASS_ON = range(3)


def fate(here: int, peer: int, kind: int, destination: int, source: int) -> int:
    """
    @param here, peer: who received it from whom; 0 of one that has not greeted.
    @param kind, destination, source: what its header says.
    """
    if not peer:
        return Fate.DROP
    match kind:
        case Kind.DIRECT if source == peer and destination == here:
            return Fate.DELIVER
        case Kind.RELAYED if source not in (peer, here) and destination == here:
            return Fate.DELIVER
        case Kind.TO_RELAY if source == peer and destination not in (peer, here):
            return Fate.PASS_ON
    return Fate.DROP


@frozen
class Hop:
    """
    @ivar cluster: whose head the frame is given to.
    @ivar kind: what it is marked as.
    """

    cluster: int
    kind: int


def next_hops(
    here: int,
    linked: Iterable[int],
    reach: Mapping[int, frozenset[int]],
) -> dict[int, Hop]:
    """
    The way to each cluster that there is one to.

    @param linked: the clusters whose heads we are connected to.
    @param reach: of these, whom each passes frames on to.
    """
    direct = frozenset(linked)
    hops = {each: Hop(each, Kind.DIRECT) for each in direct}
    others = {one for via in direct for one in reach.get(via, ())} - direct - {here}
    for other in others:
        able = (via for via in direct if other in reach.get(via, ()))
        # By chance, but always the same: so pairs spread over those who can.
        via = min(able, key=lambda each: _chance(here, other, each))
        hops[other] = Hop(via, Kind.TO_RELAY)
    return hops


def _chance(here: int, other: int, via: int) -> bytes:
    return sha256(b"%d %d %d" % (here, other, via)).digest()
