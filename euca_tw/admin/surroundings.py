"""
The subjects that answer for what surrounds instances, as a configuration has it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from twisted.internet.interfaces import IReactorTime

from euca_tw.admin.configuration import Configuration
from euca_tw.clc.account import Account
from euca_tw.clc.default_network import DefaultNetwork
from euca_tw.clc.instance_types import InstanceTypes
from euca_tw.clc.interfaces import IClusters
from euca_tw.clc.network_interfaces import NetworkInterfaces
from euca_tw.clc.placement_groups import PlacementGroups
from euca_tw.clc.vpc_changes import VpcChanges
from euca_tw.clc.vpcs import Vpcs
from euca_tw.clc.zones import Zones
from euca_tw.model.identifiers import Minter
from euca_tw.overlay.settings import SYSTEM
from euca_tw.store.interfaces import IStore


def default_network(configuration: Configuration) -> DefaultNetwork | None:
    """What is told of as a default VPC; None where networks are not managed."""
    network = configuration.network
    if not network.is_managed:
        return None
    return DefaultNetwork(region=configuration.cloud.region, carving=network.carving)


def domain_of_names(configuration: Configuration) -> str:
    """What the names of instances end in; C{""} where the site names them."""
    network = configuration.network
    return "" if network.mode == SYSTEM else network.domain


def surroundings(
    configuration: Configuration,
    *,
    url: str,
    store: IStore,
    clusters: IClusters,
    clock: IReactorTime,
    minter: Minter,
) -> tuple[object, ...]:
    """@param url: under which users reach the cloud."""
    region, quotas = configuration.cloud.region, configuration.quotas
    types, network = configuration.machine_types, default_network(configuration)
    return (
        Zones(clusters=clusters, region=region, machine_types=types),
        Account(
            store=store,
            quotas=quotas,
            region=region,
            endpoint=urlsplit(url).netloc,
            network=network,
        ),
        InstanceTypes(clusters=clusters, region=region, machine_types=types),
        Vpcs(store=store, clusters=clusters, network=network),
        VpcChanges(clusters=clusters, network=network),
        NetworkInterfaces(
            store=store,
            clock=clock,
            network=network,
            domain=domain_of_names(configuration),
        ),
        PlacementGroups(store=store, minter=minter, quotas=quotas),
    )
