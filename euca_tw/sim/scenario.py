"""
What is to be simulated: a scenario, read strictly from TOML.

A key or section that is not known is refused with its name, as in a daemon's
configuration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import attrs
from attrs import Factory, frozen

from euca_tw.common.config import ConfigError, checked, read_section, read_toml
from euca_tw.model.capacity import MachineType, Resources
from euca_tw.policies.found import PolicyNotFound, find, policy_named
from euca_tw.policies.interfaces import SCHEDULER
from euca_tw.sim import workload
from euca_tw.sim.distributions import (
    Constant,
    Distribution,
    Exponential,
    check_amount,
    check_positive,
    read_distribution,
)
from euca_tw.sim.fault_plan import Fault, Faults, check_targets
from euca_tw.sim.workload import Arrival, chooser

C = TypeVar("C")


def _check_scheduler(name: str) -> None:
    try:
        policy_named(SCHEDULER, name, find())
    except PolicyNotFound as error:
        raise ValueError(str(error)) from None


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


@frozen(kw_only=True)
class Wire:
    """
    @ivar latency_s: of each message.
    @ivar is_xml: messages are written as XML and read again; else the records
        themselves are passed, which comes to the same and is faster.
    """

    latency_s: Distribution = Factory(lambda: Exponential(mean=0.0005))
    is_xml: bool = False


_WORKLOADS = ("poisson", "diurnal", "trace")


def _check_workload(kind: str) -> None:
    if kind not in _WORKLOADS:
        raise ValueError(f"{kind!r} is none of {', '.join(_WORKLOADS)}")


def _check_swing(swing: float) -> None:
    if not 0 <= swing <= 1:
        raise ValueError(f"{swing} must be from 0 to 1")


@frozen(kw_only=True)
class Workload:
    """
    @ivar kind: C{poisson}, C{diurnal} or C{trace}.
    @ivar per_hour: arrivals, in the mean.
    @ivar lifetime_s: of instances; from when they run.
    @ivar swing, peak_s: of C{diurnal}; see L{workload.diurnal}.
    @ivar file: of C{trace}; see L{workload.trace}.
    @ivar patience_s: who is refused for want of room asks again for so long.
    @ivar retry_s: and so long after each time.
    """

    kind: str = checked(_check_workload)
    per_hour: float = checked(check_positive, 60.0)
    lifetime_s: Distribution = Factory(lambda: Exponential(mean=3600.0))
    swing: float = checked(_check_swing, 0.5)
    peak_s: float = checked(check_amount, 14 * 3600.0)
    file: Path | None = None
    patience_s: float = checked(check_amount, 0.0)
    retry_s: float = checked(check_positive, 10.0)


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
    faults: Faults = Factory(Faults)
    planned: tuple[Fault, ...] = ()

    @property
    def daemons(self) -> Iterator[str]:
        """All their names: the cloud's, each cluster's and its nodes'."""
        yield "cloud"
        for cluster in self.clusters:
            yield cluster.name
            yield from cluster.node_names

    def arrivals(self, random: Random) -> Iterator[Arrival]:
        """What users ask for; without end, unless a trace has one."""
        of = self.workload
        if of.kind == "trace":
            assert of.file is not None
            return workload.trace(of.file, [each.name for each in self.kinds])
        choose = chooser({each.name: each.weight for each in self.kinds})
        common: tuple[Any, ...] = (random, of.per_hour, of.lifetime_s, choose)
        if of.kind == "poisson":
            return workload.poisson(*common)
        return workload.diurnal(*common, swing=of.swing, peak_s=of.peak_s)


#: Which section, or list of them, becomes what.
_ONE: dict[str, type] = {
    "run": Run,
    "times": Times,
    "network": Wire,
    "workload": Workload,
    "tiers": Tiers,
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
    told = read_toml(file)
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
