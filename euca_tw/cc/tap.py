"""C{twistd euca-cc}: a cluster controller, put together."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve
from twisted.internet import reactor as real_reactor
from twisted.python import usage

from euca_tw.admin.carriers import carriers_of
from euca_tw.admin.configuration import Configuration, public_url
from euca_tw.admin.daemon import (
    Daemon,
    Machine,
    Part,
    make_or_exit,
    overridden,
    path_or_none,
    prepare,
    real_machine,
    service_part,
    store_part,
)
from euca_tw.admin.policies import scheduler_of
from euca_tw.admin.sections import ClusterControllerSection
from euca_tw.admin.tier import identity_of, pinned_caller, pinned_peers, tier_parts
from euca_tw.api.cluster import CLUSTER
from euca_tw.api.node import NODE
from euca_tw.cc.cluster import ClusterController
from euca_tw.cc.networks import Carriers
from euca_tw.cc.records import CLUSTER_RECORDS
from euca_tw.overlay.settings import STATIC
from euca_tw.soap.interfaces import IPeers

NAME = "euca-cc"
PATH = "axis2/services/EucalyptusCC"

#: Many launches in one message, each with its user's data.
_MAX_BODY_BYTES = 64 << 20


class Options(usage.Options):
    """What may be said on the command line, in place of the configuration."""

    optParameters = [
        ["config", "c", None, "The configuration (else /etc/euca_tw/euca.toml)."],
        ["state-dir", None, None, "Where to keep state; made if it is not there."],
        ["listen", None, None, "Where to listen: an endpoint, such as tcp:8774."],
    ]
    longdesc = "Runs one cluster (availability zone) of a private EC2."


def cluster_of(
    section: ClusterControllerSection,
    machine: Machine,
    peers: IPeers,
    nodes: Iterable[str],
    network_mode: str = STATIC,
    carriers: Carriers | None = None,
) -> tuple[ClusterController, tuple[Part, ...]]:
    """
    A cluster controller without a port, and the parts that keep it going.

    @param nodes: URLs.
    @param carriers: of managed networks.
    @raise ConfigError: the scheduler cannot be used.
    """
    store = machine.make_store(section.state_dir / "cluster.db", CLUSTER_RECORDS)
    controller = ClusterController(
        name=section.name,
        nodes=nodes,
        peers=peers,
        store=store,
        clock=machine.reactor,
        random=machine.random,
        settings=section,
        scheduler=(section.scheduler, scheduler_of(section, machine.random)),
        network_mode=network_mode,
        carriers=carriers,
    )
    return controller, (store_part(store), service_part(controller))


def daemon_of(configuration: Configuration, machine: Machine) -> Daemon:
    """
    The whole daemon.

    @raise ConfigError:
    @raise OSError:
    """
    section = configuration.cluster_controller
    identity = identity_of(
        section.state_dir, "cluster", section.key, section.certificate
    )
    certificates = {node.url: node.certificate for node in configuration.nodes}
    peers = pinned_peers(machine, NODE, identity, certificates)
    controller, parts = cluster_of(
        section,
        machine,
        peers,
        certificates,
        configuration.network.mode,
        carriers_of(configuration, machine, identity),
    )
    listening = tier_parts(
        machine,
        section="cluster_controller",
        state_dir=section.state_dir,
        listen=section.listen,
        url=public_url("cluster_controller", section.listen, section.url, PATH),
        api=CLUSTER,
        dispatch=controller.dispatch,
        identity=identity,
        callers=pinned_caller(
            "cluster_controller",
            "cloud_certificate",
            section.cloud_certificate,
            "cloud",
        ),
        max_body_bytes=_MAX_BODY_BYTES,
    )
    return Daemon(NAME, machine, (*parts, *listening))


def configured(configuration: Configuration, options: Options) -> Configuration:
    """The configuration, and what the command line says in place of it."""
    given = {
        "state_dir": path_or_none(options["state-dir"]),
        "listen": options["listen"],
    }
    section = overridden(configuration.cluster_controller, given)
    return evolve(configuration, cluster_controller=section)


def makeService(options: Options) -> Daemon:
    """@raise SystemExit: something of the operator's is wrong."""

    def make(configuration: Configuration) -> Daemon:
        whole = configured(configuration, options)
        prepare((whole.cluster_controller.state_dir,))
        return daemon_of(whole, real_machine(real_reactor))

    return make_or_exit(NAME, options["config"], make)
