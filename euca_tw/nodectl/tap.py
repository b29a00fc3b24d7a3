"""
C{twistd euca-nc}: a node controller, put together.

libvirt is imported only where a libvirt hypervisor is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen
from twisted.application.service import Service
from twisted.internet import reactor as real_reactor
from twisted.logger import Logger
from twisted.python import usage
from twisted.web.client import BrowserLikeRedirectAgent

from euca_tw.admin.carriers import kernel_host, token_maker
from euca_tw.admin.configuration import (
    Configuration,
    NodeControllerSection,
    public_url,
)
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
from euca_tw.admin.tier import identity_of, pinned_caller, tier_parts
from euca_tw.api.node import NODE
from euca_tw.common.config import ConfigError
from euca_tw.model.capacity import Resources
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.nodectl.confine import Confined
from euca_tw.nodectl.console import ConsoleKeeper
from euca_tw.nodectl.container_consoles import ContainerConsoles
from euca_tw.nodectl.hooks import DirectoryHooks, NoHooks
from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import (
    IHooks,
    IHypervisor,
    IInstanceStore,
    INodeNetwork,
)
from euca_tw.nodectl.keys import KeyInjector
from euca_tw.nodectl.machines import (
    KVM,
    LXC,
    MACHINES,
    QEMU,
    XEN,
)
from euca_tw.nodectl.machines import (
    Machine as DomainMachine,
)
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from euca_tw.nodectl.networks import NodeNetworks
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.records import NODE_RECORDS
from euca_tw.nodectl.room import Room
from euca_tw.nodectl.root_disk import RootDisks
from euca_tw.nodectl.storage import FileInstanceStore, room_gib
from euca_tw.overlay.settings import MANAGED, STATIC, SYSTEM
from euca_tw.soap.http import pooled_agent
from euca_tw.vnet.bridge import BridgeNodeNetwork
from euca_tw.vnet.interfaces import INetworkHost, IResponders
from euca_tw.vnet.managed import ManagedNodeNetwork
from euca_tw.vnet.memory import (
    MemoryNetworkHost,
    MemoryNodeNetwork,
    MemoryResponders,
)
from euca_tw.vnet.responders import BridgeResponders
from euca_tw.vnet.system import SystemNodeNetwork

if TYPE_CHECKING:
    from euca_tw.nodectl.kvm_probe import Trial

NAME = "euca-nc"
PATH = "axis2/services/EucalyptusNC"

#: A machine of memory, unless the configuration says otherwise.
_IMAGINED = Resources(cores=64, memory_mib=1 << 16, disk_gib=1000)
#: The launch of one instance has its user's data in it, and no more.
_MAX_BODY_BYTES = 1 << 20
#: Of the name of a file that libvirt attaches to a loop device, so many bytes.
_LONGEST_LOOP = 63
#: Where xenconsoled keeps it, if nobody tells it otherwise.
_XEN_CONSOLE = "/var/log/xen/console/guest-{name}.log"


class Options(usage.Options):
    """What may be said on the command line, in place of the configuration."""

    optParameters = [
        ["config", "c", None, "The configuration (else /etc/euca_tw/euca.toml)."],
        ["state-dir", None, None, "Where to keep state; made if it is not there."],
        ["listen", None, None, "Where to listen: an endpoint, such as tcp:8775."],
        ["hypervisor", None, None, "A libvirt URI (qemu:///system), or memory."],
    ]
    longdesc = "Runs the instances of a private EC2 on this machine."


@frozen(kw_only=True)
class _Doors:
    """A node's doors to the world, of one kind."""

    hypervisor: IHypervisor
    instances: IInstanceStore
    keepers: tuple[Service, ...] = ()


def node_of(
    section: NodeControllerSection,
    machine: Machine,
    url: str,
    network_mode: str = STATIC,
) -> tuple[NodeController, tuple[Part, ...]]:
    """
    A node without a port, and the parts that keep it going.

    @param url: its service tag.
    @param network_mode: of L{euca_tw.overlay.settings}.
    @raise ConfigError:
    @raise OSError:
    """
    found: list[NodeController] = []
    is_real = section.hypervisor != "memory"
    if is_real:
        doors = _real_doors(section, machine)
    else:
        doors = _memory_doors(section, machine)
    store = machine.make_store(section.state_dir / "node.db", NODE_RECORDS)
    networks: NodeNetworks | None = None
    network: INodeNetwork
    mending: tuple[Part, ...] = ()

    def metadata_of(private_ip: str) -> InstanceMetadata | None:
        return found[0].metadata_of(private_ip)

    if network_mode == MANAGED:
        managed, mending = _managed(section, machine, metadata_of, is_real=is_real)
        networks, network = NodeNetworks(url, store, managed), managed
    elif not is_real:
        network = MemoryNodeNetwork(section.bridge)
    elif network_mode == SYSTEM:
        network = SystemNodeNetwork(section.bridge)
    else:
        network = BridgeNodeNetwork(
            machine.reactor,
            section.bridge_settings,
            metadata_of,
            token_maker(machine, section.state_dir),
        )
    controller = NodeController(
        url=url,
        store=store,
        hypervisor=doors.hypervisor,
        instances=doors.instances,
        network=network,
        hooks=_hooks(section, machine),
        clock=machine.reactor,
        random=machine.random,
        settings=section,
        network_mode=network_mode,
        networks=networks,
    )
    found.append(controller)
    keeping = map(service_part, doors.keepers)
    parts = (store_part(store), *keeping, service_part(controller), *mending)
    return controller, parts


def _memory_doors(section: NodeControllerSection, machine: Machine) -> _Doors:
    clock = machine.reactor
    capacity = evolve(
        _IMAGINED,
        cores=section.cores or _IMAGINED.cores,
        memory_mib=section.memory_mib or _IMAGINED.memory_mib,
    )
    hypervisor = MemoryHypervisor(clock, capacity)
    disk_gib = section.disk_gib or _IMAGINED.disk_gib
    return _Doors(
        hypervisor=hypervisor,
        instances=MemoryInstanceStore(
            clock, hypervisor.consoles, disk_gib, written_at=hypervisor.written_at
        ),
    )


def _managed(
    section: NodeControllerSection,
    machine: Machine,
    metadata_of: Callable[[str], InstanceMetadata | None],
    *,
    is_real: bool,
) -> tuple[ManagedNodeNetwork, tuple[Part, ...]]:
    host: INetworkHost = MemoryNetworkHost()
    responders: IResponders = MemoryResponders()
    mending: tuple[Part, ...] = ()
    if is_real:
        host, mends = kernel_host(machine)
        mends.mended = lambda: network.mended()
        mending = (service_part(mends),)
        tokens = token_maker(machine, section.state_dir)
        responders = BridgeResponders(machine.reactor, tokens)
    network = ManagedNodeNetwork(
        host=host,
        responders=responders,
        metadata_of=metadata_of,
        clock=machine.reactor,
        random=machine.random,
    )
    return network, mending


def _real_doors(section: NodeControllerSection, machine: Machine) -> _Doors:
    try:
        from euca_tw.nodectl.libvirt import LibvirtHypervisor
    except ImportError as error:
        reason = (
            f"{section.hypervisor} needs libvirt-python ({error}): "
            "pip install 'euca_tw[node]'"
        )
        raise ConfigError(
            "the configuration", "node_controller", "hypervisor", reason
        ) from error
    reactor = machine.reactor
    domains = _domains(section)
    directory = section.instances_dir or section.state_dir / "instances"
    if domains.is_container:
        _check_names(directory)
    room = room_gib(directory)  # makes it, too
    _warn_of_closed(directory)
    cache = ImageCache(
        reactor=reactor,
        agent=BrowserLikeRedirectAgent(pooled_agent(reactor)),
        in_thread=machine.in_thread,
        room=Room(
            directory=directory / "cache",
            keep_bytes=section.image_cache_gib << 30,
            least_free_bytes=section.least_free_mib << 20,
        ),
    )
    instances = FileInstanceStore(
        reactor=reactor,
        in_thread=machine.in_thread,
        cache=cache,
        directory=directory,
        disk_gib=section.disk_gib or room,
        console_elsewhere=(
            _XEN_CONSOLE if domains.domain_type == XEN.domain_type else None
        ),
        root_disks=RootDisks(
            reactor=reactor,
            in_thread=machine.in_thread,
            room=cache.room,
            injector=_injector(machine) if section.inject_keys else None,
            format="raw" if domains.is_container else "qcow2",
            is_mounted=domains.is_container,
        ),
    )
    hypervisor = LibvirtHypervisor(
        reactor=reactor,
        random=machine.random,
        uri=section.hypervisor,
        machine=_limited(domains, section),
        faster=_faster(section, directory),
        mark=section.mark,
    )
    keeper = ConsoleKeeper(
        clock=reactor,
        in_thread=machine.in_thread,
        consoles=instances.consoles,
        most_bytes=section.console_mib << 20,
    )
    writer = ContainerConsoles(
        reactor=reactor,
        in_thread=machine.in_thread,
        hypervisor=hypervisor,
        path_of=instances.consoles.here,
    )
    return _Doors(
        hypervisor=hypervisor,
        instances=instances,
        keepers=(keeper, writer) if domains.is_container else (keeper,),
    )


def _injector(machine: Machine) -> KeyInjector:
    confined = Confined(reactor=machine.reactor)
    return KeyInjector(in_thread=machine.in_thread, confined=confined)


def _hooks(section: NodeControllerSection, machine: Machine) -> IHooks:
    if section.hooks_dir is None:
        return NoHooks()
    return DirectoryHooks(
        reactor=machine.reactor,
        in_thread=machine.in_thread,
        directory=section.hooks_dir,
        deadline_s=section.hook_deadline_s,
    )


def _domains(section: NodeControllerSection) -> DomainMachine:
    if section.domain_type:
        return MACHINES[section.domain_type]
    if section.hypervisor.startswith("xen"):
        return XEN
    if section.hypervisor.startswith("lxc"):
        return LXC
    return QEMU


def _faster(section: NodeControllerSection, directory: Path) -> Trial | None:
    """KVM is tried where nobody says what domains shall be."""
    from euca_tw.nodectl.kvm_probe import Trial

    if section.domain_type or not section.hypervisor.startswith("qemu"):
        return None
    disk = directory.absolute() / "trial.img"
    return Trial(machine=_limited(KVM, section), disk=disk)


def _limited(domains: DomainMachine, section: NodeControllerSection) -> DomainMachine:
    """As the site will have them; Xen has limits of its own, and no cgroups."""
    if domains.domain_type == XEN.domain_type:
        return domains
    return evolve(
        domains,
        caps_processors=section.caps_processors,
        # Containers have no emulator.
        overhead_mib=0 if domains.is_container else section.emulator_memory_mib,
        # A disk that is to outlive the machine's power is worth the flushing.
        flushes=section.restart_on_host_boot,
    )


def _check_names(directory: Path) -> None:
    """@raise ConfigError: libvirt cannot attach what is in it to loop devices."""
    longest = directory.absolute() / "i-00000000" / "ephemeral0.raw"
    too_many = len(bytes(longest)) - _LONGEST_LOOP
    if too_many > 0:
        reason = (
            f"{directory.absolute()} is too long a name by {too_many} bytes, for "
            "disks of containers"
        )
        raise ConfigError(
            "the configuration", "node_controller", "instances_dir", reason
        )


def _warn_of_closed(directory: Path) -> None:
    """Domains run as a user of their own, who must get at their disks."""
    for each in (directory, *directory.absolute().parents):
        if not each.stat().st_mode & 0o001:
            Logger(namespace=__name__).warn(
                "{closed} cannot be passed by others (chmod o+x): if the hypervisor "
                "runs domains as another user, they will not find their disks in "
                "{directory}",
                closed=str(each),
                directory=str(directory),
            )
            return


def daemon_of(configuration: Configuration, machine: Machine) -> Daemon:
    """
    The whole daemon.

    @raise ConfigError:
    @raise OSError:
    """
    section = configuration.node_controller
    url = public_url("node_controller", section.listen, section.url, PATH)
    controller, parts = node_of(section, machine, url, configuration.network.mode)
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
