"""
C{twistd euca-clc}: its command line, and where its clusters are: elsewhere, or,
with C{--all-in-one}, in the same process.
"""

from __future__ import annotations

from datetime import UTC, datetime

from attrs import evolve
from twisted.internet import reactor as real_reactor
from twisted.python import usage

from euca_tw.admin.carriers import carrier, carriers, trunk_ends
from euca_tw.admin.cloud import NAME, Cloud, Neighbours
from euca_tw.admin.configuration import Configuration
from euca_tw.admin.daemon import (
    Daemon,
    Machine,
    Part,
    make_or_exit,
    overridden,
    path_or_none,
    prepare,
    real_machine,
)
from euca_tw.admin.identities import own_identity
from euca_tw.admin.sections import ClusterControllerSection
from euca_tw.admin.tier import pinned_peers
from euca_tw.api.cluster import CLUSTER
from euca_tw.api.head import HEAD
from euca_tw.api.node import NODE
from euca_tw.cc.networks import Carriers
from euca_tw.cc.tap import cluster_of
from euca_tw.common.certificates import KeyAndCertificate
from euca_tw.common.config import ConfigError
from euca_tw.model.networks import Role
from euca_tw.overlay.settings import MANAGED
from euca_tw.soap.keys import load_identity
from euca_tw.soap.memory import MemoryPeers
from euca_tw.vnet.tap import head_of

#: Where the parts of a cloud in one process are, to each other.
_CLUSTER_URL = "http://cluster.memory/axis2/services/EucalyptusCC"
_NODE_URL = "http://node.memory/axis2/services/EucalyptusNC"
_HEAD_URL = "http://head.memory/axis2/services/EucalyptusHead"
_HERE = "127.0.0.1"


class Options(usage.Options):
    """What may be said on the command line, in place of the configuration."""

    optFlags = [
        ["all-in-one", None, "A whole cloud in this process: one cluster, one node."],
    ]
    optParameters = [
        ["config", "c", None, "The configuration (else /etc/euca_tw/euca.toml)."],
        ["state-dir", None, None, "Where to keep state; made if it is not there."],
        ["listen", None, None, "Where to listen: an endpoint, such as tcp:8773."],
        [
            "hypervisor",
            None,
            None,
            "With --all-in-one: a libvirt URI (qemu:///system), or memory.",
        ],
    ]
    longdesc = "Serves EC2's API, and runs the clusters of a private cloud by it."


def elsewhere(
    configuration: Configuration, machine: Machine, pems: KeyAndCertificate
) -> Neighbours:
    """
    The clusters of the configuration, over HTTP.

    @raise ConfigError:
    """
    identity = load_identity(pems.key_pem, pems.certificate_pem)
    certificates = {each.url: each.certificate for each in configuration.clusters}
    return Neighbours(
        urls={each.name: each.url for each in configuration.clusters},
        peers=pinned_peers(machine, CLUSTER, identity, certificates),
        ends=trunk_ends(configuration.clusters),
    )


def all_in_one(configuration: Configuration, machine: Machine) -> Neighbours:
    """
    One cluster with one node, in this process.

    @raise ConfigError:
    """
    # A cloud controller alone needs nothing of a node, and none of its libraries.
    from euca_tw.nodectl.tap import node_of

    state_dir = configuration.cloud.state_dir
    nodes, clusters = MemoryPeers(machine.reactor), MemoryPeers(machine.reactor)
    node_section = evolve(configuration.node_controller, state_dir=state_dir / "node")
    mode = configuration.network.mode
    node, node_parts = node_of(node_section, machine, _NODE_URL, configuration.network)
    nodes.serve(_NODE_URL, NODE, node.dispatch)
    section = evolve(
        configuration.cluster_controller,
        state_dir=state_dir / "cluster",
        head_url=_HEAD_URL,
        head_address=_HERE,
    )
    found: Carriers | None = None
    head_parts: tuple[Part, ...] = ()
    if mode == MANAGED:
        found, head_parts = _head(configuration, section, machine)
    cluster, cluster_parts = cluster_of(
        section, machine, nodes, (_NODE_URL,), mode, found
    )
    clusters.serve(_CLUSTER_URL, CLUSTER, cluster.dispatch)
    return Neighbours(
        urls={section.name: _CLUSTER_URL},
        peers=clusters,
        parts=(*node_parts, *head_parts, *cluster_parts),
        is_imagined=node_section.hypervisor == "memory",
    )


def _head(
    configuration: Configuration, section: ClusterControllerSection, machine: Machine
) -> tuple[Carriers, tuple[Part, ...]]:
    """
    The head of the one cluster, in this process.

    @raise ConfigError: networks are not in memory; one machine cannot be both
        head and node in the kernel.
    """
    if configuration.node_controller.hypervisor != "memory":
        reason = (
            "is managed, if nothing else is said, and then one process cannot be node "
            'and head, but with --hypervisor memory: set mode = "static", or run the '
            "daemons of a site of one machine (docs/networking.md)"
        )
        raise ConfigError("the configuration", "network", "mode", reason)
    state_dir = configuration.cloud.state_dir / "head"
    of_head = evolve(configuration.head, state_dir=state_dir, carries="memory")
    head, parts = head_of(of_head, machine, _HEAD_URL)
    heads = MemoryPeers(machine.reactor)
    heads.serve(_HEAD_URL, HEAD, head.dispatch)
    where = "cluster_controller", "head_address"
    node = carrier(section, _NODE_URL, _HERE, Role.NODE, where)
    return carriers(section, (node,), heads.peer(_HEAD_URL)), parts


def daemon_of(
    configuration: Configuration, machine: Machine, *, is_all_in_one: bool
) -> Daemon:
    """
    The whole daemon.

    @raise ConfigError:
    @raise OSError:
    """
    section = configuration.cloud
    pems = own_identity(
        section.keys_dir,
        "cloud",
        section.key,
        section.certificate,
        datetime.now(UTC),
    )
    if is_all_in_one:
        around = all_in_one(configuration, machine)
    else:
        around = elsewhere(configuration, machine, pems)
    return Cloud(configuration, machine, pems, around).daemon()


def configured(configuration: Configuration, options: Options) -> Configuration:
    """The configuration, and what the command line says in place of it."""
    given = {
        "state_dir": path_or_none(options["state-dir"]),
        "listen": options["listen"],
    }
    of_node = {"hypervisor": options["hypervisor"]}
    return evolve(
        configuration,
        cloud=overridden(configuration.cloud, given),
        node_controller=overridden(configuration.node_controller, of_node),
    )


def makeService(options: Options) -> Daemon:
    """@raise SystemExit: something of the operator's is wrong."""

    def make(configuration: Configuration) -> Daemon:
        whole = configured(configuration, options)
        is_all_in_one = bool(options["all-in-one"])
        is_real = whole.node_controller.hypervisor != "memory"
        # Those who run domains must come by their disks, which are below it.
        mode = 0o711 if is_all_in_one and is_real else 0o700
        prepare((whole.cloud.state_dir,), mode)
        if is_all_in_one:
            for name in ("node", "cluster"):
                prepare((whole.cloud.state_dir / name,), mode=0o711)
            if whole.network.is_managed:
                prepare((whole.cloud.state_dir / "head",))
        machine = real_machine(real_reactor)
        return daemon_of(whole, machine, is_all_in_one=is_all_in_one)

    return make_or_exit(NAME, options["config"], make)
