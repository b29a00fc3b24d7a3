"""
C{euca.toml} as a whole: which sections it has, and what it must satisfy.

One file may serve all daemons of a machine; each reads its own sections
(L{euca_tw.admin.sections}).
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from attrs import Factory, frozen

from euca_tw.admin.sections import (
    CloudSection,
    ClusterControllerSection,
    ClusterSection,
    HeadSection,
    ImagesSection,
    LimitsSection,
    NodeControllerSection,
    NodeSection,
)
from euca_tw.admin.values import url_of
from euca_tw.common.config import ConfigError, read_section, read_toml
from euca_tw.model.capacity import MachineType
from euca_tw.model.quotas import Quotas
from euca_tw.overlay.settings import NetworkSettings


def _machine(name: str, cores: int, memory_mib: int, disk_gib: int) -> MachineType:
    return MachineType(name=name, cores=cores, memory_mib=memory_mib, disk_gib=disk_gib)


#: The original's five types, and names that today's clients ask for.
MACHINE_TYPES: tuple[MachineType, ...] = (
    _machine("m1.small", 1, 128, 2),
    _machine("c1.medium", 1, 256, 5),
    _machine("m1.large", 2, 512, 10),
    _machine("m1.xlarge", 2, 1024, 20),
    _machine("c1.xlarge", 4, 2048, 20),
    _machine("t1.micro", 1, 128, 2),
    _machine("t2.nano", 1, 128, 2),
    _machine("t2.micro", 1, 128, 2),
    _machine("t2.small", 1, 256, 5),
    _machine("t2.medium", 2, 512, 10),
    _machine("t3.nano", 1, 128, 2),
    _machine("t3.micro", 1, 128, 2),
    _machine("t3.small", 1, 256, 5),
    _machine("t3.medium", 2, 512, 10),
    _machine("m5.large", 2, 1024, 20),
)


def _by_name(machines: Iterable[MachineType]) -> Mapping[str, MachineType]:
    return {machine.name: machine for machine in machines}


@frozen(kw_only=True)
class Configuration:
    """A whole file."""

    cloud: CloudSection = Factory(CloudSection)
    limits: LimitsSection = Factory(LimitsSection)
    quotas: Quotas = Factory(Quotas)
    images: ImagesSection = Factory(ImagesSection)
    network: NetworkSettings = Factory(NetworkSettings)
    machine_types: Mapping[str, MachineType] = Factory(lambda: _by_name(MACHINE_TYPES))
    clusters: tuple[ClusterSection, ...] = ()
    cluster_controller: ClusterControllerSection = Factory(ClusterControllerSection)
    nodes: tuple[NodeSection, ...] = ()
    node_controller: NodeControllerSection = Factory(NodeControllerSection)
    head: HeadSection = Factory(HeadSection)


#: Sections that stand once.
SECTIONS: Mapping[str, type] = {
    "cloud": CloudSection,
    "limits": LimitsSection,
    "quotas": Quotas,
    "images": ImagesSection,
    "network": NetworkSettings,
    "cluster_controller": ClusterControllerSection,
    "node_controller": NodeControllerSection,
    "head": HeadSection,
}
#: Sections that stand once for each thing: their class, and where they go.
LISTS: Mapping[str, tuple[type, str]] = {
    "cluster": (ClusterSection, "clusters"),
    "node": (NodeSection, "nodes"),
}


#: Read when no other file is named, if it is there.
DEFAULT_FILE = Path("/etc/euca_tw/euca.toml")


def configuration_of(file: Path | None) -> Configuration:
    """
    @param file: None for L{DEFAULT_FILE}, or all defaults.
    @raise ConfigError:
    """
    if file is None:
        if not DEFAULT_FILE.exists():
            return Configuration()
        file = DEFAULT_FILE
    return read_configuration(file)


def public_url(section: str, listen: str, url: str, path: str = "") -> str:
    """
    Under which others reach a daemon: what is configured, else what can be
    told of where it listens.

    @param path: of the service, added to what was told.
    @raise ConfigError: it must be configured.
    """
    try:
        return url or f"{url_of(listen, socket.gethostname())}{path}"
    except ValueError as error:
        raise ConfigError("the configuration", section, "url", str(error)) from error


def read_configuration(file: Path) -> Configuration:
    """
    @raise ConfigError: with the file, the section, the key and the reason.
    """
    return parse_configuration(read_toml(file), file)


def parse_configuration(tables: Mapping[str, Any], file: Path) -> Configuration:
    """
    @param file: where C{tables} come from; relative paths go from there.
    @raise ConfigError:
    """
    known = [*SECTIONS, "machine_types", *LISTS]
    values: dict[str, Any] = {}
    for name, table in tables.items():
        if name in SECTIONS:
            cls = SECTIONS[name]
            values[name] = read_section(cls, table, file=file, section=name)
        elif name in LISTS:
            cls, into = LISTS[name]
            values[into] = _entries(cls, table, file, name)
        elif name == "machine_types":
            values[name] = _machine_types(table, file)
        else:
            reason = f"there is no such section; there are {', '.join(known)}"
            raise ConfigError(str(file), name, "", reason)
    return Configuration(**values)


def _entries(cls: type, table: object, file: Path, name: str) -> tuple[Any, ...]:
    if not isinstance(table, list):
        reason = f"stands once for each: [[{name}]]"
        raise ConfigError(str(file), name, "", reason)
    entries: tuple[Any, ...] = tuple(
        read_section(cls, each, file=file, section=name) for each in table
    )
    for key in ("name", "url"):
        values = [getattr(entry, key) for entry in entries if hasattr(entry, key)]
        for value in values:
            if values.count(value) > 1:
                raise ConfigError(str(file), name, key, f"{value} stands twice")
    return entries


def _machine_types(table: object, file: Path) -> Mapping[str, MachineType]:
    if not isinstance(table, dict) or not table:
        reason = "must be a section with at least one machine type"
        raise ConfigError(str(file), "machine_types", "", reason)
    found = []
    for name, each in table.items():
        section = f"machine_types.{name}"
        machine = read_section(MachineType, each, file=file, section=section, name=name)
        for key in ("cores", "memory_mib", "disk_gib"):
            if getattr(machine, key) <= 0:
                raise ConfigError(str(file), section, key, "must be more than 0")
        for key in ("ephemeral_gib", "swap_mib"):
            if getattr(machine, key) < 0:
                raise ConfigError(str(file), section, key, "must not be less than 0")
        further_mib = machine.ephemeral_gib * 1024 + machine.swap_mib
        if further_mib >= machine.disk_gib * 1024:
            reason = "must leave something for the root disk, besides further disks"
            raise ConfigError(str(file), section, "disk_gib", reason)
        found.append(machine)
    return _by_name(found)
