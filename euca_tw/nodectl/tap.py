"""
C{twistd euca-nc}: a node controller, put together.
"""

from __future__ import annotations

from functools import partial

from attrs import evolve
from twisted.internet import reactor as real_reactor
from twisted.python import usage

from euca_tw.admin.carriers import token_maker
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
from euca_tw.admin.modes import mode_part
from euca_tw.admin.names import names_of, names_parts
from euca_tw.admin.namespaces import claim_part
from euca_tw.admin.node_doors import hooks_of, managed_network, memory_doors, real_doors
from euca_tw.admin.sections import NodeControllerSection
from euca_tw.admin.tier import identity_of, pinned_caller, tier_parts
from euca_tw.api.node import NODE
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.nodectl.interfaces import INodeNetwork
from euca_tw.nodectl.networks import NodeNetworks, living
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.records import NODE_RECORDS, HostedInstance
from euca_tw.overlay.settings import STATIC, SYSTEM, NetworkSettings
from euca_tw.vnet.bridge import BridgeNodeNetwork
from euca_tw.vnet.memory import MemoryNodeNetwork
from euca_tw.vnet.system import SystemNodeNetwork

NAME = "euca-nc"
PATH = "axis2/services/EucalyptusNC"

#: The launch of one instance has its user's data in it, and no more.
_MAX_BODY_BYTES = 1 << 20

_FLAT = NetworkSettings(mode=STATIC)


class Options(usage.Options):
    """What may be said on the command line, in place of the configuration."""

    optParameters = [
        ["config", "c", None, "The configuration (else /etc/euca_tw/euca.toml)."],
        ["state-dir", None, None, "Where to keep state; made if it is not there."],
        ["listen", None, None, "Where to listen: an endpoint, such as tcp:8775."],
        ["hypervisor", None, None, "A libvirt URI (qemu:///system), or memory."],
    ]
    longdesc = "Runs the instances of a private EC2 on this machine."


def node_of(
    section: NodeControllerSection,
    machine: Machine,
    url: str,
    network: NetworkSettings = _FLAT,
) -> tuple[NodeController, tuple[Part, ...]]:
    """
    A node without a port, and the parts that keep it going.

    @param url: its service tag.
    @param network: of its instances.
    @raise ConfigError:
    @raise OSError:
    """
    found: list[NodeController] = []
    is_real = section.hypervisor != "memory"
    doors = real_doors(section, machine) if is_real else memory_doors(section, machine)
    store = machine.make_store(section.state_dir / "node.db", NODE_RECORDS)
    networks: NodeNetworks | None = None
    door: INodeNetwork
    mending: tuple[Part, ...] = ()

    def metadata_of(private_ip: str) -> InstanceMetadata | None:
        return found[0].metadata_of(private_ip)

    if network.is_managed:
        managed, mending = managed_network(
            section, machine, metadata_of, is_real=is_real, network=network
        )
        networks, door = NodeNetworks(url, store, managed), managed
    elif not is_real:
        door = MemoryNodeNetwork(section.bridge)
    elif network.mode == SYSTEM:
        door = SystemNodeNetwork(section.bridge)
    else:
        subnet = section.bridge_settings.interface.network
        names = names_of(section, machine, network.domain, str(subnet))
        mending = names_parts(names)
        door = BridgeNodeNetwork(
            machine.reactor,
            section.bridge_settings,
            metadata_of,
            token_maker(machine, section.state_dir),
            names,
        )
    controller = NodeController(
        url=url,
        store=store,
        hypervisor=doors.hypervisor,
        instances=doors.instances,
        network=door,
        hooks=hooks_of(section, machine),
        clock=machine.reactor,
        random=machine.random,
        settings=section,
        network_mode=network.mode,
        networks=networks,
        maker=doors.maker,
        domain=network.domain,
    )
    found.append(controller)
    keeping = map(service_part, doors.keepers)
    # What is imagined has ended with the process that did so.
    kept = partial(store.all, HostedInstance)
    of_one_mode = mode_part(network.mode, lambda: living(kept()) if is_real else {})
    claim = (claim_part(),) if network.is_managed and is_real else ()
    begin = (store_part(store), of_one_mode, *claim)
    parts = (*begin, *keeping, service_part(controller), *mending)
    return controller, parts


def daemon_of(configuration: Configuration, machine: Machine) -> Daemon:
    """
    The whole daemon.

    @raise ConfigError:
    @raise OSError:
    """
    section = configuration.node_controller
    url = public_url("node_controller", section.listen, section.url, PATH)
    controller, parts = node_of(section, machine, url, configuration.network)
    listening = tier_parts(
        machine,
        section="node_controller",
        state_dir=section.state_dir,
        listen=section.listen,
        url=url,
        api=NODE,
        dispatch=controller.dispatch,
        identity=identity_of(
            section.state_dir, "node", section.key, section.certificate
        ),
        callers=pinned_caller(
            "node_controller",
            "cluster_certificate",
            section.cluster_certificate,
            "cluster",
        ),
        max_body_bytes=_MAX_BODY_BYTES,
    )
    return Daemon(NAME, machine, (*parts, *listening))


def configured(configuration: Configuration, options: Options) -> Configuration:
    """The configuration, and what the command line says in place of it."""
    given = {
        "state_dir": path_or_none(options["state-dir"]),
        "listen": options["listen"],
        "hypervisor": options["hypervisor"],
    }
    section = overridden(configuration.node_controller, given)
    return evolve(configuration, node_controller=section)


def makeService(options: Options) -> Daemon:
    """@raise SystemExit: something of the operator's is wrong."""

    def make(configuration: Configuration) -> Daemon:
        whole = configured(configuration, options)
        prepare((whole.node_controller.state_dir,), mode=0o711)
        return daemon_of(whole, real_machine(real_reactor))

    return make_or_exit(NAME, options["config"], make)
