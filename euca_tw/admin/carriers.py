"""What carries managed networks, put together, for nodes and heads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from euca_tw.admin.configuration import Configuration
from euca_tw.admin.daemon import Machine
from euca_tw.admin.identities import read_certificate
from euca_tw.admin.namespaces import settings_of
from euca_tw.admin.sections import ClusterControllerSection, ClusterSection, NodeSection
from euca_tw.admin.tier import pinned_peers
from euca_tw.admin.values import address_of
from euca_tw.api.head import HEAD
from euca_tw.cc.networks import Carriers
from euca_tw.common.config import ConfigError
from euca_tw.common.secret import kept_secret
from euca_tw.model.networks import Machine as Carrier
from euca_tw.model.networks import Role, TrunkEnd
from euca_tw.model.tokens import TokenMaker
from euca_tw.overlay.settings import STATIC
from euca_tw.soap.interfaces import IPeer
from euca_tw.soap.keys import Identity
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.host import Mending, NetworkHost
from euca_tw.vnet.links_host import LinksHost
from euca_tw.vnet.nft import Nft
from euca_tw.vnet.public_addresses import PublicAddresses
from euca_tw.vnet.rules import Rules

_FILE = "the configuration"
_OF_NODE = "node", "network_address"
#: Of a node: all that leaves goes by the head.
NO_WAY_OUT = FilterSettings()


def trunk_ends(clusters: Iterable[ClusterSection]) -> tuple[TrunkEnd, ...]:
    """
    Where the trunks are, for all heads.

    @raise ConfigError: a certificate is none.
    """
    return tuple(
        TrunkEnd(
            cluster=each.name,
            endpoint=each.trunk,
            certificate=read_certificate(each.trunk_certificate).decode("ascii"),
        )
        for each in clusters
        if each.trunk_certificate is not None
    )


def carriers_of(
    configuration: Configuration, machine: Machine, identity: Identity
) -> Carriers | None:
    """
    The machines of a cluster that carry its networks; None where these are not
    managed.

    @raise ConfigError: what must be known of one of them is not.
    """
    if not configuration.network.is_managed:
        return None
    section = configuration.cluster_controller
    if not section.head_url or section.head_certificate is None:
        key = "head_certificate" if section.head_url else "head_url"
        reason = (
            "is missing: networks are managed, if nothing else is said, and have "
            "their routers on the cluster's head; name one (docs/networking.md tells "
            f'how one machine is head and node), or set mode = "{STATIC}" in [network]'
        )
        raise ConfigError(_FILE, "cluster_controller", key, reason)
    certificates = {section.head_url: section.head_certificate}
    peers = pinned_peers(machine, HEAD, identity, certificates)
    nodes = tuple(_node(section, node) for node in configuration.nodes)
    found = carriers(section, nodes, peers.peer(section.head_url))
    _check_beside(configuration, found)
    return found


def _check_beside(configuration: Configuration, found: Carriers) -> None:
    """@raise ConfigError: a head that is in a namespace does not reach a node."""
    if not configuration.head.namespace or found.head is None:
        return
    cable = settings_of(configuration)
    for node in found.nodes if found.head.address == cable.head else ():
        if node.address != cable.machine:
            reason = (
                f"{node.name} is at {node.address}, and the head, in the namespace "
                f"{cable.name} of its machine, reaches a node at {cable.machine} only: "
                "say that of the one beside it, and for more nodes have the head on a "
                "machine of its own (docs/networking.md)"
            )
            raise ConfigError(_FILE, *_OF_NODE, reason)


def carriers(
    section: ClusterControllerSection, nodes: tuple[Carrier, ...], head: IPeer
) -> Carriers:
    """@raise ConfigError: it is not known where the head is, or nobody gets there."""
    where = "cluster_controller", "head_address"
    found = carrier(section, section.head_url, section.head_address, Role.HEAD, where)
    for one, other, place in (
        *((node, found, _OF_NODE) for node in nodes),
        *((found, node, where) for node in nodes),
    ):
        # All may be there where all is in memory.
        if one.address.is_loopback and not other.address.is_loopback:
            reason = (
                f"{one.name} is at {one.address}, where {other.name} cannot send "
                f"packets to it from {other.address}: say an address that it can"
            )
            raise ConfigError(_FILE, *place, reason)
    return Carriers(nodes=nodes, head=found, head_peer=head)


def _node(section: ClusterControllerSection, node: NodeSection) -> Carrier:
    return carrier(section, node.url, node.network_address, Role.NODE, _OF_NODE)


def carrier(
    section: ClusterControllerSection,
    url: str,
    address: str,
    role: Role,
    where: tuple[str, str],
) -> Carrier:
    """
    A machine of a cluster that carries networks.

    @param where: section and key of C{address}.
    @raise ConfigError: its address is not known.
    """
    try:
        found = address_of(url, address)
    except ValueError as error:
        raise ConfigError(_FILE, *where, str(error)) from error
    return Carrier(
        name=url,
        cluster=section.name,
        role=role,
        address=found,
        is_routed=section.is_routed,
        mtu=section.network_mtu,
    )


def kernel_host(
    machine: Machine, filters: FilterSettings = NO_WAY_OUT
) -> tuple[NetworkHost, Mending]:
    """
    The kernel of this machine, and what sees to it that it stays as it is made.

    @raise ConfigError: it cannot be had.
    """
    try:
        from euca_tw.vnet.netlink import KernelLinks
    except ImportError as missing:
        reason = (
            f"managed networks need pyroute2 ({missing}): "
            "pip install 'euca_tw[node]' or 'euca_tw[head]'"
        )
        raise ConfigError(_FILE, "network", "mode", reason) from missing
    reactor, in_thread = machine.reactor, machine.in_thread
    host = NetworkHost(
        rules=Rules(Nft(reactor, in_thread), in_thread, filters),
        links=LinksHost(KernelLinks(), in_thread),
        public=(
            PublicAddresses(reactor, in_thread, filters.outer)
            if filters.outer
            else None
        ),
    )
    mending = Mending(host=host, clock=reactor, random=machine.random)
    return host, mending


def token_maker(machine: Machine, state_dir: Path) -> TokenMaker:
    """Of the metadata service; its tokens are good after a restart as well."""
    secret = kept_secret(state_dir / "keys" / "metadata", machine.random)
    return TokenMaker(secret, machine.reactor.seconds)
