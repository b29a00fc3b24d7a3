"""
What is to be simulated: a scenario, read strictly from TOML.

A key or section that is not known is refused with its name, as in a daemon's
configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import attrs
from attrs import Factory, frozen

from euca_tw.common.config import ConfigError, checked, read_section, read_toml
from euca_tw.model.capacity import MachineType, Resources
from euca_tw.overlay.settings import MANAGED, STATIC, check_private_range
from euca_tw.policies.found import PolicyNotFound, find, policy_named
from euca_tw.policies.interfaces import PLACEMENT, SCHEDULER
from euca_tw.sim.demand import Workload, arrivals
from euca_tw.sim.distributions import (
    Constant,
    Distribution,
    Exponential,
    check_amount,
    check_positive,
    read_distribution,
)
from euca_tw.sim.fault_plan import Fault, Faults, check_targets
from euca_tw.sim.power import Power
from euca_tw.sim.workload import Arrival

C = TypeVar("C")


def _check_policy(kind: str, name: str) -> None:
    try:
        policy_named(kind, name, find())
    except PolicyNotFound as error:
        raise ValueError(str(error)) from None


def _check_scheduler(name: str) -> None:
    _check_policy(SCHEDULER, name)


def _check_placement(name: str) -> None:
    _check_policy(PLACEMENT, name)


def _check_subnet(text: str) -> None:
    try:
        IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no subnet: {error}") from None


def _check_name(name: str) -> None:
    if not name or not name.isascii() or not name.replace("-", "").isalnum():
        raise ValueError(f"{name!r} must be of letters, digits and hyphens")
    if name == "cloud":
        raise ValueError("'cloud' is the cloud controller")


@frozen(kw_only=True)
class Run:
    """
    @ivar seed: all chance comes from it.
    @ivar duration_s: so long users come, and load is measured.
    @ivar settle_s: so long the cloud goes on after that, without faults, before it
        is looked at whether all is as it should be; 0: that is not looked at.
    """

    seed: int = 1
    duration_s: float = checked(check_positive)
    settle_s: float = checked(check_amount, 300.0)


@frozen(kw_only=True)
class Cluster:
    """
    @ivar nodes: how many, all alike.
    @ivar cores, memory_mib, disk_gib: what each has.
    @ivar scheduler: the policy by which nodes are chosen.
    @ivar subnet: of the instances; as many can run as it has addresses.
    """

    name: str = checked(_check_name)
    nodes: int = checked(check_positive)
    cores: int = checked(check_positive)
    memory_mib: int = checked(check_positive)
    disk_gib: int = checked(check_positive)
    scheduler: str = checked(_check_scheduler, "least-loaded")
    subnet: str = checked(_check_subnet, "10.64.0.0/12")

    @property
    def machine(self) -> Resources:
        """One node."""
        return Resources(
            cores=self.cores, memory_mib=self.memory_mib, disk_gib=self.disk_gib
        )

    @property
    def head_name(self) -> str:
        """Of the daemon that carries managed networks on its head."""
        return f"{self.name}-head"

    @property
    def node_names(self) -> tuple[str, ...]:
        """Of all of them, in order."""
        return tuple(f"{self.name}-{n:05d}" for n in range(self.nodes))


@frozen(kw_only=True)
class Kind:
    """A machine type, and how often it is asked for beside others."""

    name: str
    cores: int = checked(check_positive)
    memory_mib: int = checked(check_positive)
    disk_gib: int = checked(check_positive)
    weight: float = checked(check_amount, 1.0)

    @property
    def machine(self) -> MachineType:
        """As the cloud has it."""
        return MachineType(
            name=self.name,
            cores=self.cores,
            memory_mib=self.memory_mib,
            disk_gib=self.disk_gib,
        )


@frozen(kw_only=True)
class ImageSize:
    """An image, and how often it is asked for beside others."""

    size_mib: int = checked(check_positive)
    weight: float = checked(check_amount, 1.0)


@frozen(kw_only=True)
class Times:
    """
    How long the world takes.

    @ivar fetch_mib_s: at which rate a node fetches an image that it has not.
    @ivar staging_s: to make an instance's disk of an image that it has.
    @ivar start_s: until the hypervisor has started a domain.
    @ivar boot_s: from there until the guest can be used.
    @ivar stop_s: until it has ended one.
    @ivar commit_s: until what a daemon keeps is on its disk.
    """

    fetch_mib_s: float = checked(check_positive, 100.0)
    staging_s: Distribution = Factory(lambda: Constant(value=1.0))
    start_s: Distribution = Factory(lambda: Constant(value=0.5))
    boot_s: Distribution = Factory(lambda: Constant(value=10.0))
    stop_s: Distribution = Factory(lambda: Constant(value=0.2))
    commit_s: Distribution = Factory(lambda: Constant(value=0.002))


def _check_mode(mode: str) -> None:
    if mode not in (STATIC, MANAGED):
        raise ValueError(f"{mode!r} is none of {STATIC}, {MANAGED}")


def _check_power(count: int) -> None:
    if count < 8 or count & (count - 1):
        raise ValueError(f"{count} must be a power of two, and 8 or more")


@frozen(kw_only=True)
class Wire:
    """
    @ivar latency_s: of each message.
    @ivar is_xml: messages are written as XML and read again; else the records
        themselves are passed, which comes to the same and is faster.
    """

    latency_s: Distribution = Factory(lambda: Exponential(mean=0.0005))
    is_xml: bool = False
    mode: str = checked(_check_mode, STATIC)
    private_range: str = checked(check_private_range, "10.128.0.0/9")
    addresses_per_network: int = checked(_check_power, 256)

    @property
    def is_managed(self) -> bool:
        """Whether there are heads."""
        return self.mode == MANAGED


@frozen(kw_only=True)
class CloudSection:
    """@ivar placement: the policy by which clusters are chosen."""

    placement: str = checked(_check_placement, "least-loaded")


@frozen(kw_only=True)
class Tiers:
    """
    What the site has set; as in the daemons' configuration.

    @ivar cloud_ended_kept_s: how long the cloud tells of what has ended.
    """

    poll_s: float = checked(check_positive, 55.0)
    silent_after_s: float = checked(check_positive, 30.0)
    launch_deadline_s: float = checked(check_positive, 600.0)
    cloud_ended_kept_s: float = checked(check_amount, 3600.0)


@frozen(kw_only=True)
class Scenario:
    """Everything that is said of one run."""

    file: Path
    run: Run
    clusters: tuple[Cluster, ...]
    kinds: tuple[Kind, ...]
    images: tuple[ImageSize, ...] = (ImageSize(size_mib=1024),)
    times: Times = Factory(Times)
    network: Wire = Factory(Wire)
    workload: Workload
    tiers: Tiers = Factory(Tiers)
    cloud: CloudSection = Factory(CloudSection)
    power: Power = Factory(Power)
    faults: Faults = Factory(Faults)
    planned: tuple[Fault, ...] = ()

    @property
    def daemons(self) -> Iterator[str]:
        """All their names: the cloud's, each cluster's and its nodes'."""
        yield "cloud"
        for cluster in self.clusters:
            yield cluster.name
            if self.network.is_managed:
                yield cluster.head_name
            yield from cluster.node_names

    def arrivals(self, random: Random) -> Iterator[Arrival]:
        """What users ask for; without end, unless a trace has one."""
        weights = {each.name: each.weight for each in self.kinds}
        types = {each.name: each.machine for each in self.kinds}
        return arrivals(self.workload, weights, types, random)


#: Which section, or list of them, becomes what.
_ONE: dict[str, type] = {
    "run": Run,
    "times": Times,
    "network": Wire,
    "workload": Workload,
    "tiers": Tiers,
    "cloud": CloudSection,
    "power": Power,
    "faults": Faults,
}
_MANY: dict[str, tuple[str, type]] = {
    "cluster": ("clusters", Cluster),
    "type": ("kinds", Kind),
    "image": ("images", ImageSize),
    "fault": ("planned", Fault),
}


def read_scenario(file: Path) -> Scenario:
    """
    @raise ConfigError: it cannot be read, or says what it may not.
    """
    return scenario_of(read_toml(file), file)


def scenario_of(told: Mapping[str, Any], file: Path) -> Scenario:
    """
    @param told: what a file says; C{file} is its name, for the text of a refusal.
    @raise ConfigError: it says what it may not.
    """
    made: dict[str, Any] = {}
    for name, table in told.items():
        if name in _ONE:
            made[name] = _section(_ONE[name], table, file, name)
        elif name in _MANY:
            into, cls = _MANY[name]
            if not isinstance(table, list):
                raise ConfigError(
                    str(file), name, "", f"must be written as [[{name}]], once for each"
                )
            made[into] = tuple(
                _section(cls, each, file, f"{name} {n}")
                for n, each in enumerate(table, start=1)
            )
        else:
            known = ", ".join(sorted({*_ONE, *_MANY}))
            raise ConfigError(
                str(file), name, "", f"there is no such section; there are {known}"
            )
    for section, into in (
        *(("run", "run"), ("workload", "workload")),
        *(("cluster", "clusters"), ("type", "kinds")),
    ):
        if not made.get(into):
            raise ConfigError(str(file), section, "", "is missing")
    scenario = Scenario(file=file, **made)
    _check_whole(scenario)
    return scenario


def check_policies(
    file: Path, schedulers: Iterable[str], placements: Iterable[str]
) -> None:
    """@raise ConfigError: there is none of such a name."""
    for section, key, kind, names in (
        ("cluster", "scheduler", SCHEDULER, schedulers),
        ("cloud", "placement", PLACEMENT, placements),
    ):
        for name in names:
            try:
                _check_policy(kind, name)
            except ValueError as error:
                raise ConfigError(str(file), section, key, str(error)) from None


def _section(cls: type[C], table: object, file: Path, section: str) -> C:
    """As L{read_section}, and with distributions."""
    if not isinstance(table, dict):
        return read_section(cls, table, file=file, section=section)
    drawn = {
        each.name: read_distribution(
            table[each.name], file=file, section=f"{section}.{each.name}"
        )
        for each in attrs.fields(cls)  # type: ignore[arg-type]
        if each.type == "Distribution" and each.name in table
    }
    rest = {key: value for key, value in table.items() if key not in drawn}
    return read_section(cls, rest, file=file, section=section, **drawn)


def _check_whole(scenario: Scenario) -> None:
    def refuse(section: str, key: str, reason: str) -> ConfigError:
        return ConfigError(str(scenario.file), section, key, reason)

    def check_different(section: str, names: list[str]) -> None:
        for name in names:
            if names.count(name) > 1:
                raise refuse(section, "name", f"there are two that are called {name!r}")

    check_different("type", [each.name for each in scenario.kinds])
    check_different("cluster", [each.name for each in scenario.clusters])
    if scenario.workload.kind == "trace" and scenario.workload.file is None:
        raise refuse("workload", "file", "is missing, of a trace")
    weighs: tuple[tuple[str, Callable[[Scenario], float]], ...] = (
        ("type", lambda of: sum(each.weight for each in of.kinds)),
        ("image", lambda of: sum(each.weight for each in of.images)),
    )
    for section, total in weighs:
        if not total(scenario):
            raise refuse(section, "weight", "must be more than 0 of one at least")
    try:
        nodes = frozenset(n for each in scenario.clusters for n in each.node_names)
        check_targets(scenario.planned, frozenset(scenario.daemons), nodes)
    except ValueError as error:
        raise refuse("fault", "", str(error)) from None
