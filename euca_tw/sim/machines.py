"""
Nodes' machines, simulated: hypervisors and disks that take the time they are said
to take.

They are the memory ones of the product, which outlive the daemons that use them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Protocol

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.interfaces import (
    NO_EXTRAS,
    DomainSpec,
    DomainState,
    Extras,
    ImageSource,
    StagedInstance,
)
from euca_tw.nodectl.memory import MemoryHypervisor, MemoryInstanceStore
from euca_tw.nodectl.memory_images import MemoryImageMaker
from euca_tw.sim.scenario import Times


class Sees(Protocol):
    """Who is told of domains, at once."""

    def domain_began(self, name: str, node: str, needs: Resources) -> None:
        """One runs."""

    def domain_ceased(self, name: str, node: str, needs: Resources) -> None:
        """It runs no more."""

    def guest_ready(self, name: str) -> None:
        """It has booted."""

    def disk_made(self, name: str, node: str) -> None:
        """An instance has a disk there; perhaps it had."""

    def disk_gone(self, name: str, node: str) -> None:
        """It has it no more."""


@define(eq=False, kw_only=True)
class SimulatedHypervisor(MemoryHypervisor):
    """
    @ivar node: the name of its node.
    @ivar clock: the world's, not a daemon's.
    """

    node: str
    random: Random = field(repr=False)
    times: Times
    sees: Sees
    _seen: dict[str, Resources] = field(factory=dict, init=False)

    async def run(self, spec: DomainSpec) -> None:
        await _passed(self.clock, self.times.start_s.draw(self.random))
        self.boot_s = self.times.boot_s.draw(self.random)
        await super().run(spec)
        guest = self._guests[spec.name]

        def booted() -> None:
            if self._guests.get(spec.name) is guest:
                self.sees.guest_ready(spec.name)

        self.clock.callLater(self.boot_s, booted)

    async def destroy(self, name: str) -> None:
        await _passed(self.clock, self.times.stop_s.draw(self.random))
        await super().destroy(name)

    @property
    def names(self) -> tuple[str, ...]:
        """Of all domains."""
        return tuple(self._guests)

    @property
    def running(self) -> tuple[str, ...]:
        """Of those that run."""
        return tuple(self._seen)

    def lose_power(self) -> None:
        """Whatever ran is gone."""
        for name in self.names:
            self.vanish(name)

    def _tell(self, name: str | None) -> None:
        super()._tell(name)
        if name is None:
            return
        guest, before = self._guests.get(name), self._seen.get(name)
        if guest is not None and guest.state is DomainState.RUNNING:
            if before is None:
                needs = Resources(
                    cores=guest.spec.cores, memory_mib=guest.spec.memory_mib, disk_gib=0
                )
                self._seen[name] = needs
                self.sees.domain_began(name, self.node, needs)
        elif before is not None:
            del self._seen[name]
            self.sees.domain_ceased(name, self.node, before)


@define(eq=False, kw_only=True)
class SimulatedInstanceStore(MemoryInstanceStore):
    """
    @ivar node: the name of its node.
    @ivar size_mib: of an image.
    @ivar slowness: of the disk: to write takes so many times as long as it should.
    """

    node: str
    random: Random = field(repr=False)
    times: Times
    sees: Sees
    size_mib: Callable[[str], int]
    slowness: float = 1.0
    _have: set[str] = field(factory=set, init=False)

    async def stage(
        self,
        instance_id: str,
        root: ImageSource,
        kernel: ImageSource | None,
        ramdisk: ImageSource | None,
        disk_gib: int,
        extras: Extras = NO_EXTRAS,
        *,
        has_run: bool = False,
    ) -> StagedInstance:
        if root.image_id not in self._have:
            fetch_s = self.size_mib(root.image_id) / self.times.fetch_mib_s
            await _passed(self.clock, fetch_s * self.slowness)
            self._have.add(root.image_id)
        staging_s = self.times.staging_s.draw(self.random) * self.slowness
        await _passed(self.clock, staging_s)
        staged = await super().stage(
            instance_id, root, kernel, ramdisk, disk_gib, extras, has_run=has_run
        )
        self.sees.disk_made(instance_id, self.node)
        return staged

    async def discard(self, instance_id: str) -> None:
        await super().discard(instance_id)
        self.sees.disk_gone(instance_id, self.node)


async def _passed(clock: IReactorTime, seconds: float) -> None:
    if seconds:
        await deferLater(clock, seconds)


@define(kw_only=True)
class Machine:
    """What a node controller finds when it is started."""

    hypervisor: SimulatedHypervisor
    instances: SimulatedInstanceStore
    maker: MemoryImageMaker


def machine(
    *,
    clock: IReactorTime,
    node: str,
    random: Random,
    room: Resources,
    times: Times,
    size_mib: Callable[[str], int],
    sees: Sees,
) -> Machine:
    """One that was never used."""
    hypervisor = SimulatedHypervisor(
        clock=clock,
        capacity=room,
        node=node,
        random=random,
        times=times,
        sees=sees,
    )
    instances = SimulatedInstanceStore(
        clock=clock,
        consoles=hypervisor.consoles,
        written_at=hypervisor.written_at,
        disk_gib=room.disk_gib,
        node=node,
        random=random,
        times=times,
        sees=sees,
        size_mib=size_mib,
    )
    return Machine(
        hypervisor=hypervisor,
        instances=instances,
        maker=MemoryImageMaker(clock, instances),
    )
