"""
A node without a machine: domains and disks that are only remembered.

A whole cloud runs on these, on a laptop and in tests.
The domains live in the L{MemoryHypervisor}, not in the daemon that uses it: a
node controller that is started anew on the same object finds them, as it would
with libvirt.  What the real parts would do by themselves (boot, print, crash)
happens here on the clock or by the methods for it.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import Factory, define, evolve, field
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from zope.interface import implementer

from euca_tw.model.capacity import Resources
from euca_tw.nodectl.interfaces import (
    Disk,
    Domain,
    DomainRefused,
    DomainSpec,
    DomainState,
    HypervisorUnavailable,
    IHypervisor,
    IInstanceStore,
    ImageSource,
    StagedInstance,
    StagingFailed,
)

#: Of a console's output, this much is told.
CONSOLE_BYTES = 64 * 1024


@define(kw_only=True)
class _Guest:
    """A domain and what it is doing."""

    spec: DomainSpec
    state: DomainState = DomainState.RUNNING
    booting: IDelayedCall | None = None

    def halt(self) -> None:
        """Whatever it was doing, it does no more."""
        if self.booting is not None and self.booting.active():
            self.booting.cancel()
        self.booting = None


@implementer(IHypervisor)
@define(eq=False)
class MemoryHypervisor:
    """
    @ivar consoles: what the domains have written, by the path of the console.
        As files do, it outlives the domain.
    @ivar boot_s: from the start of a domain to the last line of its boot.
    """

    clock: IReactorTime
    _capacity: Resources
    boot_s: float = 0.1
    consoles: dict[str, bytes] = Factory(dict)
    _guests: dict[str, _Guest] = field(factory=dict, init=False)
    _taken_mib: int = field(default=0, init=False)
    _subscribers: tuple[Callable[[str | None], None], ...] = field(
        default=(), init=False
    )
    _is_up: bool = field(default=True, init=False)
    _is_started: bool = field(default=False, init=False)

    # IHypervisor

    def start(self) -> Deferred[None]:
        self._is_started = True
        return succeed(None)

    def stop(self) -> Deferred[None]:
        self._is_started = False
        self._subscribers = ()
        return succeed(None)

    def subscribe(self, changed: Callable[[str | None], None]) -> None:
        self._subscribers = (*self._subscribers, changed)

    async def list(self) -> tuple[Domain, ...]:
        self._ask()
        return tuple(
            Domain(name=name, state=guest.state) for name, guest in self._guests.items()
        )

    async def find(self, name: str) -> Domain | None:
        self._ask()
        guest = self._guests.get(name)
        return None if guest is None else Domain(name=name, state=guest.state)

    async def run(self, spec: DomainSpec) -> None:
        self._ask()
        found = self._guests.get(spec.name)
        if found is not None and found.state is DomainState.RUNNING:
            return
        given_up_mib = 0 if found is None else found.spec.memory_mib
        free_mib = self._capacity.memory_mib - self._taken_mib + given_up_mib
        if spec.memory_mib > free_mib:
            raise DomainRefused(
                f"{spec.name} needs {spec.memory_mib} MiB of memory; "
                f"{max(0, free_mib)} MiB are free"
            )
        self._taken_mib += spec.memory_mib - given_up_mib
        self._guests[spec.name] = guest = _Guest(spec=spec)
        self._boot(guest)
        self._tell(spec.name)

    async def destroy(self, name: str) -> None:
        self._ask()
        if name in self._guests:
            self._end(name)

    async def reboot(self, name: str) -> None:
        self._ask()
        guest = self._guests.get(name)
        if guest is not None and guest.state is DomainState.RUNNING:
            self._boot(guest)
            self._tell(name)

    async def capacity(self) -> Resources:
        self._ask()
        return evolve(self._capacity, disk_gib=0)

    # What happens to real ones by itself

    def power_off(self, name: str) -> None:
        """The guest has shut itself down: its domain is gone."""
        self._end(name)

    def crash(self, name: str) -> None:
        """The guest has crashed; its domain stays until it is destroyed."""
        guest = self._guests[name]
        guest.halt()
        guest.state = DomainState.CRASHED
        self._print(guest.spec, "Kernel panic - not syncing: crashed as asked")
        self._tell(name)

    def disconnect(self) -> None:
        """The hypervisor's daemon has died; the domains go on."""
        self._is_up = False

    def reconnect(self) -> None:
        """The hypervisor's daemon is there again."""
        self._is_up = True
        self._tell(None)

    def spec_of(self, name: str) -> DomainSpec:
        """What the domain was made from."""
        return self._guests[name].spec

    # Within

    def _ask(self) -> None:
        """To ask anything of a hypervisor one must be connected to it."""
        if not self._is_started:
            raise HypervisorUnavailable("not connected to the memory hypervisor")
        if not self._is_up:
            raise HypervisorUnavailable("the memory hypervisor is down")

    def _tell(self, name: str | None) -> None:
        """Later, as a real one does: never inside a call."""
        for changed in self._subscribers:
            self.clock.callLater(0, self._deliver, changed, name)

    def _deliver(self, changed: Callable[[str | None], None], name: str | None) -> None:
        if changed in self._subscribers:
            changed(name)

    def _end(self, name: str) -> None:
        guest = self._guests.pop(name)
        guest.halt()
        self._taken_mib -= guest.spec.memory_mib
        self._tell(name)

    def _boot(self, guest: _Guest) -> None:
        guest.halt()
        spec = guest.spec
        self._print(
            spec,
            f"Linux version 0 (memory hypervisor): {spec.cores} CPU, "
            f"{spec.memory_mib} MiB",
            f"Kernel command line: {spec.command_line}",
        )
        guest.booting = self.clock.callLater(
            self.boot_s,
            self._print,
            spec,
            f"instance-id: {spec.name}",
            *(f"network: {nic.mac_address} on {nic.bridge}" for nic in spec.nics),
            "READY",
            "",
            f"{spec.name} login:",
        )

    def _print(self, spec: DomainSpec, *lines: str) -> None:
        written = "".join(f"{line}\r\n" for line in lines).encode()
        kept = self.consoles.get(spec.console, b"") + written
        self.consoles[spec.console] = kept[-CONSOLE_BYTES:]


@implementer(IInstanceStore)
@define(eq=False)
class MemoryInstanceStore:
    """
    Every image is there at once, except those that are said to be missing.

    @ivar consoles: of the L{MemoryHypervisor} that the domains run on.
    @ivar missing: identifiers of images that cannot be had.
    @ivar stage_s: how long it takes to stage an instance.
    """

    clock: IReactorTime
    consoles: dict[str, bytes]
    disk_gib: int = 1000
    stage_s: float = 0.0
    missing: set[str] = Factory(set)
    _staged: dict[str, StagedInstance] = field(factory=dict, init=False)
    _discarded: set[str] = field(factory=set, init=False)

    async def stage(
        self,
        instance_id: str,
        root: ImageSource,
        kernel: ImageSource | None,
        ramdisk: ImageSource | None,
        disk_gib: int,
    ) -> StagedInstance:
        if self.stage_s:
            await deferLater(self.clock, self.stage_s)
        for source in (root, kernel, ramdisk):
            if source is not None and source.image_id in self.missing:
                raise StagingFailed(f"{source.image_id} cannot be fetched: not found")
        here = f"memory:/instances/{instance_id}"
        self._discarded.discard(instance_id)
        self._staged[instance_id] = staged = StagedInstance(
            disk=Disk(path=f"{here}/root.qcow2", backing=_cached(root)),
            kernel=_cached(kernel) if kernel else None,
            ramdisk=_cached(ramdisk) if ramdisk else None,
            console=f"{here}/console.log",
        )
        return staged

    async def discard(self, instance_id: str) -> None:
        if instance_id in self._staged:
            self._discarded.add(instance_id)

    async def forget(self, instance_id: str) -> None:
        self._discarded.discard(instance_id)
        staged = self._staged.pop(instance_id, None)
        if staged is not None:
            self.consoles.pop(staged.console, None)

    async def console_output(self, instance_id: str) -> bytes:
        staged = self._staged.get(instance_id)
        written = self.consoles.get(staged.console, b"") if staged else b""
        return written[-CONSOLE_BYTES:]

    async def kept(self) -> tuple[str, ...]:
        return tuple(self._staged)

    def disk_capacity_gib(self) -> int:
        return self.disk_gib

    def has_disk(self, instance_id: str) -> bool:
        """Whether the instance has a disk, not only a console."""
        return instance_id in self._staged and instance_id not in self._discarded


def _cached(source: ImageSource) -> str:
    return f"memory:/images/{source.image_id}"
