"""
The domain that is to be, as libvirt's XML; and whose a found domain is.

Pure.  What differs between hypervisors is a value,
L{euca_tw.nodectl.machines.Machine}, not a branch.
Every domain that is written here carries our own metadata element, with the
mark of the node controller that made it and the instance's identifier; a
domain without it is somebody else's, whatever its name.
"""

from __future__ import annotations

import re

from attrs import frozen
from lxml import etree

from euca_tw.nodectl.interfaces import Disk, DomainSpec, Nic
from euca_tw.nodectl.machines import Board, Machine

#: Of the metadata element.  It stands in domains that may be older than the
#: daemon that reads them, so it is never changed.
NAMESPACE = "urn:euca-tw:instance:1"

#: libvirt wants a prefix under which to keep the element.
PREFIX = "euca"

#: Of a core, where all want it; libvirt's own for a domain of one.
_SHARES = 1024
#: In which a domain's time is counted.
_PERIOD_US = 100_000

_DEVICE = re.compile(r"(?:/dev/)?(?:xv|v|s|h)d(?P<which>[a-z]+)\Z")


#: Where a container finds its further disks, by their serial numbers: where EC2's
#: first images mounted theirs.  Nothing in it could swap.
_MOUNTED = {"ephemeral0": "/mnt"}


def domain_xml(spec: DomainSpec, machine: Machine, mark: str) -> str:
    """
    @param mark: of the node controller; it finds its domains by it.
    @raise ValueError: a text in C{spec} cannot stand in XML.
    """
    domain = etree.Element("domain", type=machine.domain_type)
    _add(domain, "name", spec.name)
    _add(domain, "uuid", spec.uuid)
    metadata = _add(domain, "metadata")
    etree.SubElement(
        metadata,
        etree.QName(NAMESPACE, "instance"),
        {"id": spec.name, "mark": mark, **({"memo": spec.memo} if spec.memo else {})},
        nsmap={PREFIX: NAMESPACE},
    )
    _size(domain, spec, machine)
    board = machine.with_disk if spec.kernel is None else machine.with_kernel
    os = _boot(domain, spec, machine, board)
    if machine.has_firmware_tables:
        _identity(domain, os, spec.uuid)
    _features(domain, machine, board)
    if machine.cpu_mode is not None:
        _add(domain, "cpu", mode=machine.cpu_mode)
    clock = _add(domain, "clock", offset="utc")
    if machine.has_virtio:
        _add(clock, "timer", name="hpet", present="no")
    # A guest that shuts down or crashes has ended; one that reboots goes on.
    _add(domain, "on_poweroff", "destroy")
    _add(domain, "on_reboot", "restart")
    _add(domain, "on_crash", "destroy")

    devices = _add(domain, "devices")
    if machine.emulator is not None:
        _add(devices, "emulator", machine.emulator)
    if machine.has_virtio:
        _add(devices, "controller", type="usb", model="none")
    for disk in spec.disks:
        if machine.disk_bus is None:
            _file_system(devices, disk, is_root=disk is spec.disks[0])
        else:
            _disk(devices, disk, machine, machine.disk_bus)
    for nic in spec.nics:
        _nic(devices, nic, machine)
    _console(devices, spec.console, board)
    if machine.has_virtio:
        _add(devices, "memballoon", model="virtio")
        source = _add(devices, "rng", model="virtio")
        _add(source, "backend", "/dev/urandom", model="random")
        # By it a guest that panics can say so, and is not taken for running.
        _add(devices, "panic", model="isa")
    return etree.tostring(domain, encoding="unicode", pretty_print=True)


@frozen(kw_only=True)
class Found:
    """
    What our metadata element in a domain says.

    @ivar memo: as L{DomainSpec} had it.
    """

    instance_id: str
    memo: str


def found_in(xml: str, mark: str) -> Found | None:
    """
    Whose domain this is, and what it carries.

    @param xml: of a domain, or of our metadata element alone, which libvirt
        gives without its namespace to those who ask by that.
    @return: None if it is not one of C{mark}'s.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(xml, parser)
    except etree.XMLSyntaxError:
        return None
    name = etree.QName(NAMESPACE, "instance")
    is_element = root.tag in (name, name.localname)
    found = root if is_element else root.find(f"metadata/{name}")
    if found is None or found.get("mark") != mark:
        return None
    return Found(instance_id=found.get("id", ""), memo=found.get("memo", ""))


def device_name(device: str, machine: Machine) -> str:
    """
    A disk's name in the guest: C{vda} is C{xvda} on Xen.

    @raise ValueError: C{device} is no name of a disk.
    """
    match = _DEVICE.match(device)
    if match is None:
        raise ValueError(f"{device!r} is no name of a disk")
    return machine.disk_prefix + match["which"]


def _add(
    parent: etree._Element, tag: str, text: str | None = None, **attributes: str
) -> etree._Element:
    child = etree.SubElement(parent, tag, attributes)
    child.text = text
    return child


def _size(domain: etree._Element, spec: DomainSpec, machine: Machine) -> None:
    _add(domain, "memory", str(spec.memory_mib), unit="MiB")
    if machine.overhead_mib:
        most = str(spec.memory_mib + machine.overhead_mib)
        _add(_add(domain, "memtune"), "hard_limit", most, unit="MiB")
    _add(domain, "vcpu", str(spec.cores))
    if machine.caps_processors:
        tuning = _add(domain, "cputune")
        _add(tuning, "shares", str(_SHARES * spec.cores))
        # Of each core, all of one of the machine's; a container's are not told
        # apart.
        counted = spec.cores if machine.is_container else 1
        _add(tuning, "period", str(_PERIOD_US))
        _add(tuning, "quota", str(_PERIOD_US * counted))


def _identity(domain: etree._Element, os: etree._Element, uuid: str) -> None:
    # Whose UUID begins with "ec2" and is also its serial number is taken for an
    # instance of EC2, so that systems as they are ask for their metadata.
    tables = _add(domain, "sysinfo", type="smbios")
    system = _add(tables, "system")
    for name, value in (
        ("manufacturer", "euca_tw"),
        ("product", "instance"),
        ("serial", uuid),
        ("uuid", uuid),
    ):
        _add(system, "entry", value, name=name)
    _add(os, "smbios", mode="sysinfo")


def _boot(
    domain: etree._Element, spec: DomainSpec, machine: Machine, board: Board
) -> etree._Element:
    os = _add(domain, "os")
    kind = _add(os, "type", board.os_type, arch=machine.arch)
    if board.machine is not None:
        kind.set("machine", board.machine)
    if board.init is not None:
        _add(os, "init", board.init)
        return os
    if spec.kernel is None:
        if board.loader is None:
            _add(os, "boot", dev="hd")
        else:
            _add(os, "kernel", board.loader)
        return os
    _add(os, "kernel", spec.kernel)
    if spec.ramdisk is not None:
        _add(os, "initrd", spec.ramdisk)
    root = device_name(spec.disks[0].device, machine) if spec.disks else "ram0"
    ours = machine.kernel_arguments.replace("{root}", f"/dev/{root}")
    _add(os, "cmdline", f"{ours} {spec.command_line}".strip())
    return os


def _features(domain: etree._Element, machine: Machine, board: Board) -> None:
    if not board.features:
        return
    features = _add(domain, "features")
    for name in board.features:
        _add(features, name)
    if machine.translation_cache_mib is not None:
        emulator = _add(features, "tcg")
        _add(emulator, "tb-cache", str(machine.translation_cache_mib), unit="MiB")


def _file_system(devices: etree._Element, disk: Disk, *, is_root: bool) -> None:
    where = "/" if is_root else _MOUNTED.get(disk.serial)
    if where is None:
        return
    element = _add(devices, "filesystem", type="file", accessmode="passthrough")
    # libvirt attaches it to a loop device; the node controller may not.
    _add(element, "driver", type="loop", format=disk.format)
    _add(element, "source", file=disk.path)
    _add(element, "target", dir=where)


def _disk(devices: etree._Element, disk: Disk, machine: Machine, bus: str) -> None:
    element = _add(devices, "disk", type="file", device="disk")
    # Where an instance's disk ends with the instance, and that with the host's
    # power, flushing it to the platter would protect nothing.
    is_careless = machine.has_virtio and not machine.flushes
    cache = {"cache": "unsafe"} if is_careless else {}
    _add(element, "driver", name="qemu", type=disk.format, **cache)
    _add(element, "source", file=disk.path)
    if disk.backing is not None and machine.has_virtio:
        # Told outright, libvirt need not open the file to find out.
        backing = _add(element, "backingStore", type="file")
        _add(backing, "format", type="raw")
        _add(backing, "source", file=disk.backing)
    _add(
        element,
        "target",
        dev=device_name(disk.device, machine),
        bus=bus,
    )
    if disk.serial and machine.has_virtio:
        _add(element, "serial", disk.serial)


def _nic(devices: etree._Element, nic: Nic, machine: Machine) -> None:
    element = _add(devices, "interface", type="bridge")
    _add(element, "mac", address=nic.mac_address)
    _add(element, "source", bridge=nic.bridge)
    _add(element, "target", dev=nic.target)
    if machine.nic_model is not None:
        _add(element, "model", type=machine.nic_model)


def _console(devices: etree._Element, path: str, board: Board) -> None:
    if board.console == "stream":
        _add(devices, "console", type="pty")
    elif board.console == "xen":
        console = _add(devices, "console", type="pty")
        _add(console, "target", type="xen", port="0")
    elif board.console == "file":
        serial = _add(devices, "serial", type="file")
        _add(serial, "source", path=path, append="on")
        _add(serial, "target", port="0")
    else:
        serial = _add(devices, "serial", type="pty")
        _add(serial, "log", file=path, append="on")
        _add(serial, "target", port="0")
