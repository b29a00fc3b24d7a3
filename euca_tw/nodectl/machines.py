"""
What domains are made of on each kind of hypervisor: values, and nothing else.

Pure.  L{euca_tw.nodectl.domain_xml} writes domains by them.
"""

from __future__ import annotations

from typing import Literal

from attrs import evolve, frozen


@frozen(kw_only=True)
class Board:
    """
    What a guest finds itself on.

    @ivar os_type: libvirt's word for how it boots (C{hvm}, C{linux}, C{exe}).
    @ivar machine: the machine type of the emulator or hypervisor; None: it has
        no such thing.
    @ivar features: names of empty elements under C{features}.
    @ivar console: C{logged}: a serial port that is logged by libvirt's virtlogd,
        so that its terminal stays free for C{virsh console}; C{file}: a serial
        port that the emulator writes to the file by itself; C{xen}: Xen's own,
        which xenconsoled writes where it is configured to; C{stream}: a terminal
        that nobody logs, see L{euca_tw.nodectl.container_consoles}.
    @ivar loader: a path on the node, of what is booted in place of a kernel and
        boots the guest's own disk; None: the board does that by itself.
    @ivar init: a path in the guest's root, of a container's first program: it
        has the machine's own kernel, and is given none; None: it is no container.
    """

    os_type: str
    machine: str | None
    features: tuple[str, ...] = ()
    console: Literal["logged", "file", "xen", "stream"] = "logged"
    loader: str | None = None
    init: str | None = None


@frozen(kw_only=True)
class Machine:
    """
    How domains are made on one kind of hypervisor.

    @ivar with_kernel: for guests that are given a kernel from outside.
    @ivar with_disk: for guests that boot from their own disk.
    @ivar disk_bus: None: there is none, and a guest finds file systems that are
        mounted: the first disk is its root.
    @ivar kernel_arguments: what every kernel is told before its own command
        line; C{{root}} is the root disk's device.
    @ivar translation_cache_mib: of an emulator that translates; its own
        default costs 120 MiB more in every domain.
    @ivar emulator: a path; None for the hypervisor's own choice.
    @ivar cpu_mode: None for the hypervisor's own choice.
    @ivar has_firmware_tables: its boards tell a guest who it is: by its
        domain's UUID, which is also its serial number.
    @ivar caps_processors: whether a domain has no more of the machine's
        processors than it has cores, and of what is short a part by its cores.
        The machine must have cgroups.
    @ivar overhead_mib: a domain's emulator may take so much memory besides the
        guest's, and is killed if it takes more; 0: as much as it likes.
    @ivar flushes: whether what a guest flushes to its disk is flushed to the
        machine's: else a disk may be damaged by what takes the machine down.
    @ivar keeps_ended: whether libvirt is to keep a domain that has ended, and
        how it did.  Xen's driver tells one that reboots from one that is off
        only by not keeping it.
    """

    domain_type: str
    with_kernel: Board
    with_disk: Board
    disk_bus: str | None
    disk_prefix: str
    nic_model: str | None
    kernel_arguments: str
    arch: str = "x86_64"
    emulator: str | None = None
    cpu_mode: str | None = None
    translation_cache_mib: int | None = None
    has_virtio: bool = True
    has_firmware_tables: bool = False
    caps_processors: bool = False
    overhead_mib: int = 0
    flushes: bool = False
    keeps_ended: bool = True

    @property
    def is_container(self) -> bool:
        """Whether its guests have the machine's own kernel."""
        return self.with_disk.init is not None


_PC = Board(os_type="hvm", machine="pc", features=("acpi", "apic"))
_PVH = Board(os_type="xenpvh", machine="xenpvh", console="xen")

#: Software emulation: runs anywhere.
QEMU = Machine(
    domain_type="qemu",
    with_kernel=_PC,
    with_disk=_PC,
    disk_bus="virtio",
    disk_prefix="vd",
    nic_model="virtio",
    # Under emulation address randomisation and the cures for speculation
    # protect nothing, and cost a fifth of the boot.
    kernel_arguments="root={root} console=ttyS0 loglevel=4 mitigations=off nokaslr",
    translation_cache_mib=32,
    has_firmware_tables=True,
)

KVM = Machine(
    domain_type="kvm",
    with_kernel=_PC,
    with_disk=_PC,
    disk_bus="virtio",
    disk_prefix="vd",
    nic_model="virtio",
    kernel_arguments="root={root} console=ttyS0 loglevel=4",
    cpu_mode="host-passthrough",
    has_firmware_tables=True,
)

XEN = Machine(
    domain_type="xen",
    with_kernel=Board(os_type="linux", machine="xenpv", console="xen"),
    with_disk=Board(
        os_type="hvm",
        machine="xenfv",
        features=("acpi", "apic", "pae"),
        console="file",
    ),
    disk_bus="xen",
    disk_prefix="xvd",
    # Beside it Xen would emulate another card, of another name, which the
    # bridge's rules do not know.
    nic_model="netfront",
    kernel_arguments="root={root} console=hvc0 loglevel=4",
    has_virtio=False,
    keeps_ended=False,
)

#: Guests of Xen without an emulated machine, on processors that virtualize.
XEN_PVH = evolve(
    XEN,
    with_kernel=_PVH,
    with_disk=evolve(_PVH, loader="/usr/lib/grub-xen/grub-i386-xen_pvh.bin"),
)

_CONTAINER = Board(
    os_type="exe",
    machine=None,
    # Without it one that has no card has all of the machine's.
    features=("privnet",),
    console="stream",
    init="/sbin/init",
)

#: Containers: guests with the machine's own kernel, for crowds on one machine.
LXC = Machine(
    domain_type="lxc",
    with_kernel=_CONTAINER,
    with_disk=_CONTAINER,
    disk_bus=None,
    disk_prefix="vd",
    nic_model=None,
    kernel_arguments="",
    has_virtio=False,
)

#: By the name that a configuration gives them.
MACHINES = {"qemu": QEMU, "kvm": KVM, "xen": XEN, "xen-pvh": XEN_PVH, "lxc": LXC}
