"""
A node's doors to the world, as its configuration has them: its hypervisor, its disks,
its networks, its hooks.

libvirt is imported only where a libvirt hypervisor is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, frozen
from twisted.application.service import Service
from twisted.logger import Logger
from twisted.web.client import BrowserLikeRedirectAgent

from euca_tw.admin.carriers import kernel_host, token_maker
from euca_tw.admin.daemon import Machine, Part, service_part
from euca_tw.admin.names import names_of, names_parts
from euca_tw.admin.sections import NodeControllerSection
from euca_tw.common.config import ConfigError
from euca_tw.common.uploading import LONGEST_ANSWER
from euca_tw.model.capacity import Resources
from euca_tw.model.metadata import InstanceMetadata
from euca_tw.nodectl.confine import Confined
from euca_tw.nodectl.console import ConsoleKeeper
from euca_tw.nodectl.container_consoles import ContainerConsoles
from euca_tw.nodectl.hooks import DirectoryHooks, NoHooks
from euca_tw.nodectl.image_maker import FileImageMaker
from euca_tw.nodectl.images import ImageCache
from euca_tw.nodectl.interfaces import (
    IHooks,
    IHypervisor,
    IImageMaker,
    IInstanceStore,
    MakingFailed,
)
from euca_tw.nodectl.keys import KeyInjector
from euca_tw.nodectl.machines import KVM, LXC, MACHINES, QEMU, XEN
from euca_tw.nodectl.machines import Machine as DomainMachine
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from euca_tw.nodectl.memory_images import MemoryImageMaker
from euca_tw.nodectl.room import Room
from euca_tw.nodectl.root_disk import RootDisks
from euca_tw.nodectl.sending import Post
from euca_tw.nodectl.storage import FileInstanceStore, room_gib
from euca_tw.overlay.settings import NetworkSettings
from euca_tw.soap.http import NoAnswer, pooled_agent, post
from euca_tw.vnet.filter_settings import FilterSettings
from euca_tw.vnet.interfaces import INetworkHost, IResponders
from euca_tw.vnet.managed import ManagedNodeNetwork
from euca_tw.vnet.memory import MemoryNetworkHost, MemoryResponders
from euca_tw.vnet.responders import BridgeResponders

if TYPE_CHECKING:
    from euca_tw.nodectl.kvm_probe import Trial

#: A machine of memory, unless the configuration says otherwise.
_IMAGINED = Resources(cores=64, memory_mib=1 << 16, disk_gib=1000)
#: Of the name of a file that libvirt attaches to a loop device, so many bytes.
_LONGEST_LOOP = 63
#: Where xenconsoled keeps it, if nobody tells it otherwise.
_XEN_CONSOLE = "/var/log/xen/console/guest-{name}.log"


@frozen(kw_only=True)
class NodeDoors:
    """A node's doors to the world, of one kind."""

    hypervisor: IHypervisor
    instances: IInstanceStore
    maker: IImageMaker
    keepers: tuple[Service, ...] = ()


def memory_doors(section: NodeControllerSection, machine: Machine) -> NodeDoors:
    """Of a machine of memory."""
    clock = machine.reactor
    capacity = evolve(
        _IMAGINED,
        cores=section.cores or _IMAGINED.cores,
        memory_mib=section.memory_mib or _IMAGINED.memory_mib,
    )
    hypervisor = MemoryHypervisor(clock, capacity)
    disk_gib = section.disk_gib or _IMAGINED.disk_gib
    instances = MemoryInstanceStore(
        clock, hypervisor.consoles, disk_gib, written_at=hypervisor.written_at
    )
    return NodeDoors(
        hypervisor=hypervisor,
        instances=instances,
        maker=MemoryImageMaker(clock, instances),
    )


def managed_network(
    section: NodeControllerSection,
    machine: Machine,
    metadata_of: Callable[[str], InstanceMetadata | None],
    *,
    is_real: bool,
    network: NetworkSettings,
) -> tuple[ManagedNodeNetwork, tuple[Part, ...]]:
    """
    The networks that the cloud manages, and what keeps them as they are made.

    @param metadata_of: the facts of the instance with a private address.
    @param is_real: they are the kernel's, not in memory.
    @raise ConfigError:
    """
    host: INetworkHost = MemoryNetworkHost()
    responders: IResponders = MemoryResponders()
    parts: tuple[Part, ...] = ()
    if is_real:
        names = names_of(section, machine, network.domain, network.private_range)
        filters = FilterSettings(serves_names=names is not None)
        host, mends = kernel_host(machine, filters)
        mends.mended = lambda: managed.mended()
        parts = (service_part(mends), *names_parts(names))
        tokens = token_maker(machine, section.state_dir)
        responders = BridgeResponders(machine.reactor, tokens, names)
    managed = ManagedNodeNetwork(
        host=host,
        responders=responders,
        metadata_of=metadata_of,
        clock=machine.reactor,
        random=machine.random,
    )
    return managed, parts


def real_doors(section: NodeControllerSection, machine: Machine) -> NodeDoors:
    """
    Of this machine, by libvirt.

    @raise ConfigError: it cannot be had, or not so.
    @raise OSError:
    """
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
    domains = domains_of(section)
    directory = section.instances_dir or section.state_dir / "instances"
    if domains.is_container:
        check_names(directory)
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
        machine=limited(domains, section),
        faster=_faster(section, directory),
        mark=section.mark,
    )
    maker = FileImageMaker(
        reactor=reactor,
        in_thread=machine.in_thread,
        room=cache.room,
        instances=directory,
        post=_poster(machine),
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
    return NodeDoors(
        hypervisor=hypervisor,
        instances=instances,
        maker=maker,
        keepers=(keeper, writer) if domains.is_container else (keeper,),
    )


def _poster(machine: Machine) -> Post:
    """What sends images to the cloud controller."""
    agent = pooled_agent(machine.reactor)

    async def post_piece(
        url: str, headers: Mapping[str, str], data: bytes
    ) -> tuple[int, bytes]:
        try:
            return await post(agent, url, headers, data, LONGEST_ANSWER)
        except NoAnswer as failed:
            raise MakingFailed(
                f"the cloud controller does not answer: {failed.reason}"
            ) from None

    return post_piece


def _injector(machine: Machine) -> KeyInjector:
    confined = Confined(reactor=machine.reactor)
    return KeyInjector(in_thread=machine.in_thread, confined=confined)


def hooks_of(section: NodeControllerSection, machine: Machine) -> IHooks:
    """The site's own programs, if it has any."""
    if section.hooks_dir is None:
        return NoHooks()
    return DirectoryHooks(
        reactor=machine.reactor,
        in_thread=machine.in_thread,
        directory=section.hooks_dir,
        deadline_s=section.hook_deadline_s,
    )


def domains_of(section: NodeControllerSection) -> DomainMachine:
    """What domains are made of, where nothing faster is found to work."""
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
    return Trial(machine=limited(KVM, section), disk=disk)


def limited(domains: DomainMachine, section: NodeControllerSection) -> DomainMachine:
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


def check_names(directory: Path) -> None:
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
