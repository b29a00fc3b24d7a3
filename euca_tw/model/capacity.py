"""Machine types, and how much room there is for them."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class MachineType:
    """
    One of EC2's instance types, as this cloud has it.

    @ivar disk_gib: of all its disks together.
    @ivar ephemeral_gib, swap_mib: what of it is a disk formatted for use, and
        one to swap on; 0 for none.  The rest is the root disk's.
    """

    name: str
    cores: int
    memory_mib: int
    disk_gib: int
    ephemeral_gib: int = 0
    swap_mib: int = 0


@frozen(kw_only=True)
class Resources:
    """An amount of what a node has."""

    cores: int
    memory_mib: int
    disk_gib: int

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            cores=self.cores + other.cores,
            memory_mib=self.memory_mib + other.memory_mib,
            disk_gib=self.disk_gib + other.disk_gib,
        )

    def __sub__(self, other: Resources) -> Resources:
        return Resources(
            cores=self.cores - other.cores,
            memory_mib=self.memory_mib - other.memory_mib,
            disk_gib=self.disk_gib - other.disk_gib,
        )

    def holds(self, other: Resources) -> bool:
        """Whether C{other} fits in."""
        return (
            self.cores >= other.cores
            and self.memory_mib >= other.memory_mib
            and self.disk_gib >= other.disk_gib
        )

    def times(self, machine: MachineType) -> int:
        """How many instances of a type fit in, at least none."""
        wanted = (machine.cores, machine.memory_mib, machine.disk_gib)
        room = (self.cores, self.memory_mib, self.disk_gib)
        return max(0, min(r // w for r, w in zip(room, wanted, strict=True) if w))


NOTHING = Resources(cores=0, memory_mib=0, disk_gib=0)
