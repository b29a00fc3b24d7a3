"""
The subjects of a cloud, put together: what answers EC2's operations, as a
configuration has it.
"""

from __future__ import annotations

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from euca_tw.admin.configuration import Configuration
from euca_tw.admin.surroundings import (
    default_network,
    domain_of_names,
    surroundings,
)
from euca_tw.api.ec2.table import EC2
from euca_tw.clc.addresses import Addresses
from euca_tw.clc.anew import Anew
from euca_tw.clc.clusters import Clusters
from euca_tw.clc.dispatch import Dispatcher
from euca_tw.clc.group_rules import GroupRules
from euca_tw.clc.groups import Groups
from euca_tw.clc.image_attributes import ImageAttributes
from euca_tw.clc.image_copies import ImageCopies
from euca_tw.clc.images import Images
from euca_tw.clc.imports import Imports
from euca_tw.clc.instance_attributes import InstanceAttributes
from euca_tw.clc.instance_status import InstanceStatuses
from euca_tw.clc.instances import Instances
from euca_tw.clc.interfaces import IPlacement
from euca_tw.clc.keypairs import KeyPairs
from euca_tw.clc.launches import Launches
from euca_tw.clc.makings import Makings
from euca_tw.clc.networks import CloudNetworks
from euca_tw.clc.power import Power
from euca_tw.clc.tagging import Tags
from euca_tw.common.in_thread import InThread
from euca_tw.model.identifiers import Minter
from euca_tw.store.interfaces import IStore


@frozen(kw_only=True, eq=False)
class Parts:
    """
    What subjects are given besides.

    @ivar url: under which users reach the cloud.
    @ivar networks: None where they are not managed.
    @ivar pool: the public addresses that the cloud has to give.
    @ivar anew: where several cloud controllers share the store.
    """

    url: str
    store: IStore
    clusters: Clusters
    networks: CloudNetworks | None
    imports: Imports
    makings: Makings
    clock: IReactorTime
    minter: Minter
    in_thread: InThread
    pool: tuple[str, ...]
    placement: IPlacement
    anew: Anew | None = None


def dispatcher(whole: Configuration, parts: Parts) -> Dispatcher:
    """What answers every operation that the cloud has."""
    store, clock, minter = parts.store, parts.clock, parts.minter
    quotas, network = whole.quotas, default_network(whole)
    domain = domain_of_names(whole)
    return Dispatcher(
        EC2,
        Instances(
            store=store,
            clusters=parts.clusters,
            clock=clock,
            network=network,
            domain=domain,
        ),
        Power(store=store, clusters=parts.clusters, clock=clock, quotas=quotas),
        InstanceAttributes(
            store=store,
            clusters=parts.clusters,
            quotas=quotas,
            machine_types=whole.machine_types,
        ),
        InstanceStatuses(store=store, clock=clock),
        Launches(
            store=store,
            clusters=parts.clusters,
            clock=clock,
            minter=minter,
            quotas=quotas,
            machine_types=whole.machine_types,
            placement=parts.placement,
            placement_name=whole.cloud.placement,
            default_type=next(iter(whole.machine_types)),
            networks=parts.networks,
            network=network,
            domain=domain,
        ),
        Images(
            store=store,
            imports=parts.imports,
            clock=clock,
            minter=minter,
            quotas=quotas,
            region=whole.cloud.region,
        ),
        ImageAttributes(store=store),
        ImageCopies(
            store=store,
            makings=parts.makings,
            imports=parts.imports,
            clock=clock,
            minter=minter,
            quotas=quotas,
            region=whole.cloud.region,
        ),
        KeyPairs(
            store=store,
            clock=clock,
            minter=minter,
            quotas=quotas,
            in_thread=parts.in_thread,
        ),
        Groups(
            store=store,
            clock=clock,
            minter=minter,
            quotas=quotas,
            vpc_id=network.vpc_id if network else None,
        ),
        GroupRules(
            store=store,
            minter=minter,
            quotas=quotas,
            vpc_id=network.vpc_id if network else None,
        ),
        Addresses(
            store=store,
            clusters=parts.clusters,
            minter=minter,
            quotas=quotas,
            pool=parts.pool,
            networks=parts.networks,
        ),
        *surroundings(
            whole,
            url=parts.url,
            store=store,
            clusters=parts.clusters,
            clock=clock,
            minter=minter,
        ),
        Tags(store=store, clock=clock, quotas=quotas),
        anew=parts.anew,
    )
