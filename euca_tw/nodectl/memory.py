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
    NO_EXTRAS,
    Console,
    Disk,
    Domain,
    DomainRefused,
    DomainSpec,
    DomainState,
    Extras,
    HypervisorUnavailable,
    IHypervisor,
    IInstanceStore,
    ImageSource,
    StagedInstance,
    StagingFailed,
    StagingRefused,
)

_UP = (DomainState.RUNNING, DomainState.PAUSED)

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
    @ivar written_at: when, by the same.
    @ivar boot_s: from the start of a domain to the last line of its boot.
    @ivar deaf: domains whose guests do not heed that they shall shut down.
    """

    clock: IReactorTime
    _capacity: Resources
    boot_s: float = 0.1
    consoles: dict[str, bytes] = Factory(dict)
    deaf: set[str] = Factory(set)
    written_at: dict[str, float] = Factory(dict)
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

    async def memo(self, name: str) -> str:
        self._ask()
        guest = self._guests.get(name)
        return "" if guest is None else guest.spec.memo

    def document(self, spec: DomainSpec) -> str:
        return f"<domain type='memory'><name>{spec.name}</name></domain>\n"

    async def shut_down(self, name: str) -> bool:
        self._ask()
        guest = self._guests.get(name)
        if guest is None or guest.state is not DomainState.RUNNING:
            return False
        if name not in self.deaf:
            self.clock.callLater(0, self._has_heard, guest)
        return True

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

    async def hold(self, name: str) -> bool:
        self._ask()
        guest = self._guests.get(name)
        if guest is None or guest.state not in _UP:
            return False
        self._pause(guest, DomainState.PAUSED)
        return True

    async def release(self, name: str) -> None:
        self._ask()
        guest = self._guests.get(name)
        if guest is not None and guest.state is DomainState.PAUSED:
            self._pause(guest, DomainState.RUNNING)

    async def capacity(self) -> Resources:
        self._ask()
        return evolve(self._capacity, disk_gib=0)

    # What happens to real ones by itself

    def power_off(self, name: str) -> None:
        """The guest has shut itself down."""
        self._stay(name, DomainState.HALTED)

    def crash(self, name: str) -> None:
        """The guest has crashed."""
        spec = self._guests[name].spec
        self._print(spec, "Kernel panic - not syncing: crashed as asked")
        self._stay(name, DomainState.CRASHED)

    def kill(self, name: str) -> None:
        """Somebody on the machine has ended the domain."""
        self._stay(name, DomainState.KILLED)

    def vanish(self, name: str) -> None:
        """The domain is gone, and nothing tells why: the machine lost power."""
        self._end(name)

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

    def _stay(self, name: str, state: DomainState) -> None:
        """A domain that has ended stays until it is destroyed or run anew."""
        guest = self._guests[name]
        guest.halt()
        guest.state = state
        self._tell(name)

    def _pause(self, guest: _Guest, state: DomainState) -> None:
        """(What it was about to say when it was held it says all the same.)"""
        if guest.state is not state:
            guest.state = state
            self._tell(guest.spec.name)

    def _has_heard(self, guest: _Guest) -> None:
        name = guest.spec.name
        if self._guests.get(name) is guest and guest.state is DomainState.RUNNING:
            self._stay(name, DomainState.HALTED)

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
        self.written_at[spec.console] = self.clock.seconds()


@implementer(IInstanceStore)
@define(eq=False)
class MemoryInstanceStore:
    """
    Every image is there at once, except those that are said to be missing.

    @ivar consoles, written_at: of the L{MemoryHypervisor} that the domains run
        on.
    @ivar missing: identifiers of images that cannot be had.
    @ivar is_full: there is no room for the disks of one more.
    @ivar stage_s: how long it takes to stage an instance.
    """

    clock: IReactorTime
    consoles: dict[str, bytes]
    disk_gib: int = 1000
    stage_s: float = 0.0
    missing: set[str] = Factory(set)
    is_full: bool = False
    written_at: dict[str, float] = Factory(dict)
    _staged: dict[str, StagedInstance] = field(factory=dict, init=False)
    _discarded: set[str] = field(factory=set, init=False)

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
        if self.stage_s:
            await deferLater(self.clock, self.stage_s)
        for source in (root, kernel, ramdisk):
            if source is not None and source.image_id in self.missing:
                raise StagingFailed(f"{source.image_id} cannot be fetched: not found")
        if has_run and not self.has_disk(instance_id):
            raise StagingRefused("its root disk is gone")
        if self.is_full and not self.has_disk(instance_id):
            raise StagingRefused("the node's disk is full")
        here = f"memory:/instances/{instance_id}"
        self._discarded.discard(instance_id)
        self._staged[instance_id] = staged = StagedInstance(
            disk=Disk(path=f"{here}/root.qcow2", backing=_cached(root)),
            kernel=_cached(kernel) if kernel else None,
            ramdisk=_cached(ramdisk) if ramdisk else None,
            console=f"{here}/console.log",
            further=_further(here, extras),
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
            self.written_at.pop(staged.console, None)

    def directory_of(self, instance_id: str) -> str:
        return f"memory:/instances/{instance_id}"

    async def console(self, instance_id: str) -> Console:
        staged = self._staged.get(instance_id)
        if staged is None:
            return Console()
        return Console(
            output=self.consoles.get(staged.console, b"")[-CONSOLE_BYTES:],
            written_at=self.written_at.get(staged.console),
        )

    async def kept(self) -> tuple[str, ...]:
        return tuple(self._staged)

    def disk_capacity_gib(self) -> int:
        return self.disk_gib

    def has_disk(self, instance_id: str) -> bool:
        """Whether the instance has a disk, not only a console."""
        return instance_id in self._staged and instance_id not in self._discarded


def _further(here: str, extras: Extras) -> tuple[Disk, ...]:
    wanted = (("ephemeral0", extras.ephemeral_gib), ("swap", extras.swap_mib))
    names = [name for name, size in wanted if size]
    return tuple(
        Disk(path=f"{here}/{name}.raw", format="raw", device=f"vd{letter}")
        for name, letter in zip(names, "bc", strict=False)
    )


def _cached(source: ImageSource) -> str:
    return f"memory:/images/{source.image_id}"
