"""
What of a machine is for instances, what is promised, and why there is no room.

Pure.
"""

from __future__ import annotations

from attrs import define, field

from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.nodectl.settings import NodeSettings


def for_instances(measured: Resources, settings: NodeSettings) -> Resources:
    """
    What may be promised to instances.

    What the site says that there is goes before what was measured; the
    machine's own reserve is taken from what was measured alone.  Either is
    promised as often as the site's ratios say.
    """
    set_ = settings
    cores = set_.cores or max(0, measured.cores - set_.cores_reserve)
    memory = set_.memory_mib or max(0, measured.memory_mib - set_.memory_reserve_mib)
    disk = set_.disk_gib or max(0, measured.disk_gib - set_.disk_reserve_gib)
    return Resources(
        cores=int(cores * set_.cores_overcommit),
        memory_mib=int(memory * set_.memory_overcommit),
        disk_gib=int(disk * set_.disk_overcommit),
    )


def lack(wanted: Resources, free: Resources, machine: Resources) -> str:
    """
    What there is too little of, how much there is, and how much is asked for;
    C{""} if there is room.
    """
    found = (
        ("too few cores", "", wanted.cores, free.cores, machine.cores),
        (
            *("too little memory", " MiB"),
            *(wanted.memory_mib, free.memory_mib, machine.memory_mib),
        ),
        ("too little disk", " GiB", wanted.disk_gib, free.disk_gib, machine.disk_gib),
    )
    return "; ".join(
        f"{what}: {asked}{unit} needed, {max(0, left)}{unit} of {whole}{unit} free"
        for what, unit, asked, left, whole in found
        if asked > left
    )


@define
class Ledger:
    """
    What is promised to each instance, and to all of them.

    @ivar machine: what there is for instances; nothing until it is known.
    """

    machine: Resources = NOTHING
    _held: dict[str, Resources] = field(factory=dict, init=False)
    _taken: Resources = field(default=NOTHING, init=False)

    @property
    def free(self) -> Resources:
        """What is not promised to any."""
        return self.machine - self._taken

    def hold(self, instance_id: str, taken: Resources) -> bool:
        """Promise that to an instance; whether it is other than before."""
        before = self._held.pop(instance_id, NOTHING)
        if taken != NOTHING:
            self._held[instance_id] = taken
        self._taken = self._taken - before + taken
        return taken != before

    def refusal(self, wanted: Resources) -> str:
        """Why there is no room; C{""} if there is."""
        if self.machine == NOTHING:
            return "its hypervisor does not answer yet"
        return lack(wanted, self.free, self.machine)
