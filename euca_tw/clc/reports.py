"""
What is known of clusters, and how those hear of it who do not lead their work.

Room is counted alike by all: what the cluster told, less what it could not yet count
in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping

from euca_tw.clc import orders
from euca_tw.clc.cluster_view import ClusterView
from euca_tw.clc.interfaces import Stranger, TroubledNode, Zone
from euca_tw.model.capacity import MachineType
from euca_tw.model.records import Instance, LostCluster
from euca_tw.model.sharing import (
    ClusterReport,
    ReportedNode,
    ReportedRoom,
    ReportedStranger,
)
from euca_tw.store.interfaces import IStore


def available(
    store: IStore,
    zone: str,
    room: Mapping[str, int],
    counted: Collection[str],
    machine_types: Mapping[str, MachineType],
) -> Mapping[str, int]:
    """
    For how many more instances of each type there is room.

    @param room: as the cluster told.
    @param counted: of the instances that start there, at least those that are in
        that.
    """
    on_their_way = Counter(
        orders.size(record)
        for record in store.where(Instance, "starting_in", zone)
        if record.instance_id not in counted
    )
    found = {}
    for name, most in room.items():
        machine = machine_types.get(name)
        taken = 0
        if machine is not None:
            taken = sum(
                count * orders.displaces(size, machine)
                for size, count in on_their_way.items()
            )
        found[name] = max(0, most - taken)
    return found


def report_of(
    zone: str,
    view: ClusterView,
    counted: Collection[str],
    strangers: Collection[Stranger],
) -> ClusterReport:
    """What others are to know of a cluster."""
    return ClusterReport(
        zone=zone,
        is_reachable=view.is_well,
        why=view.why,
        epoch=view.epoch or "",
        addresses=view.addresses,
        room=tuple(
            ReportedRoom(name=name, available=n, most=view.most.get(name, n))
            for name, n in sorted(view.room.items())
        ),
        counted=tuple(sorted(counted)),
        strangers=tuple(
            ReportedStranger(
                instance_id=each.instance_id,
                owner_id=each.owner_id,
                private_ip=each.private_ip,
                network_index=each.network_index,
            )
            for each in strangers
        ),
        nodes=tuple(
            ReportedNode(url=each.url, state=each.state, since=each.since)
            for each in view.nodes
        ),
    )


def zone_of(
    store: IStore, report: ClusterReport, machine_types: Mapping[str, MachineType]
) -> Zone:
    """What is known of a cluster by what another passed on."""
    lost = store.get(LostCluster, report.zone)
    return Zone(
        name=report.zone,
        is_reachable=report.is_reachable and lost is None,
        why=report.why,
        lost_since=None if lost is None else lost.declared_at,
        nodes=[
            TroubledNode(url=each.url, state=each.state, since=each.since)
            for each in report.nodes
        ],
        available=available(
            store,
            report.zone,
            {each.name: each.available for each in report.room},
            frozenset(report.counted),
            machine_types,
        ),
        addresses=report.addresses,
        most={each.name: each.most for each in report.room},
        strangers=[
            Stranger(
                instance_id=each.instance_id,
                owner_id=each.owner_id,
                private_ip=each.private_ip,
                network_index=each.network_index,
            )
            for each in report.strangers
        ],
    )


def unknown_zone(name: str) -> Zone:
    """A cluster that nobody has heard of yet."""
    return Zone(name=name, is_reachable=False, available={}, addresses=0)


__all__ = ["available", "report_of", "unknown_zone", "zone_of"]
