"""
Machines that do worse than they should: slow and full disks, clocks that are wrong.

Of several that ail a machine in one way the last counts, until it is over.
"""

from __future__ import annotations

from attrs import define, field

from euca_tw.sim.fault_plan import Fault
from euca_tw.sim.site import Site

_Where = tuple[str, str]


@define(eq=False)
class Ailments:
    """What ails each machine, by the kind of fault."""

    _site: Site
    _ailing: dict[_Where, list[Fault]] = field(factory=dict, init=False)

    def befall(self, fault: Fault) -> None:
        """From now on, until L{heal}."""
        where = fault.kind, fault.target
        self._ailing.setdefault(where, []).append(fault)
        self._set(where, fault)

    def heal(self, fault: Fault) -> bool:
        """It is over; whether nothing of its kind ails the machine any more."""
        where = fault.kind, fault.target
        faults = self._ailing[where]
        faults.remove(fault)
        if faults:
            self._set(where, faults[-1])
            return False
        self._healed(where)
        return True

    def heal_all(self) -> None:
        """Everything is over."""
        for where in tuple(self._ailing):
            self._healed(where)

    def _healed(self, where: _Where) -> None:
        del self._ailing[where]
        self._set(where, None)

    def _set(self, where: _Where, fault: Fault | None) -> None:
        kind, target = where
        daemon, machine = self._site.daemons[target], self._site.machines.get(target)
        match kind:
            case "slow-disk":
                daemon.disk.slowness = 1.0 if fault is None else fault.factor
                if machine is not None:
                    machine.instances.slowness = daemon.disk.slowness
            case "full-disk":
                daemon.disk.is_full = fault is not None
            case "full-images":
                assert machine is not None
                machine.instances.is_full = fault is not None
            case "clock" if fault is not None:
                daemon.clock.set(fault.by_s, fault.drift_ppm)
            case "clock":
                daemon.clock.set(0.0)
