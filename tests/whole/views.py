"""What each machine of a site must know of networks, by the cloud's own records."""

from __future__ import annotations

from collections.abc import Iterator

from euca_tw.clc import network_entries
from euca_tw.model.networks import TrunkEnd, View
from euca_tw.model.records import (
    Address,
    GroupNetwork,
    Instance,
    KnownMachine,
    SecurityGroup,
)
from euca_tw.overlay.chart import Place, Scope
from euca_tw.overlay.entries import Entry
from tests.overlay.world import extents_of, view_of
from tests.whole.site import Site, head_of, url_of


def known(site: Site) -> Iterator[Entry]:
    """All that the cloud's disk says of networks."""
    records = site.daemons["cloud"].disk.records
    for record in records.values():
        match record:
            case GroupNetwork(is_over=False):
                yield network_entries.network_of(record)
            case SecurityGroup():
                yield network_entries.group_of(record)
            case KnownMachine():
                yield network_entries.machine_of(record)
            case Instance():
                member = network_entries.member_of(record)
                if member is not None:
                    yield member
            case Address():
                holder = records.get((Instance, record.instance_id))
                elastic = network_entries.elastic_of(record, holder)
                if elastic is not None:
                    yield elastic
    for name in site.cluster_nodes:
        yield TrunkEnd(cluster=name, endpoint=f"{name}:8776", certificate=name)


def wanted(site: Site) -> dict[str, View]:
    """By the daemon's name."""
    entries: list[Entry] = [*known(site)]
    entries += [*extents_of(entries)]
    return {
        name: view_of(entries, url_of(name), place)
        for name, place in _places(site).items()
    }


def carried(site: Site) -> dict[str, View | None]:
    """The same, as it is."""
    return {
        **{node: machine.host.view for node, machine in site.machines.items()},
        **{head_of(name): host.view for name, host in site.heads.items()},
    }


def are_right(site: Site) -> bool:
    """
    Whether every machine carries what it must, and nothing else; and answers on
    the bridges of its networks.
    """
    return carried(site) == wanted(site) and all(
        machine.host.view is not None
        and {f"evb{number:06x}" for number in machine.host.view.networks}
        == machine.responders.serving.keys()
        for machine in site.machines.values()
    )


def _places(site: Site) -> dict[str, Place]:
    places = {}
    for cluster, nodes in site.cluster_nodes.items():
        places[head_of(cluster)] = Place(Scope.HEAD, cluster)
        for node in nodes:
            places[node] = Place(Scope.NODE, url_of(node))
    return places
