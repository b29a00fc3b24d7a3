"""
What goes wrong in a run, brought about: as planned, and at random.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, field

from euca_tw.sim.distributions import Distribution, stream
from euca_tw.sim.events import Events
from euca_tw.sim.fault_plan import Fault
from euca_tw.sim.scenario import Scenario
from euca_tw.sim.site import Site

_HOUR_S = 3600.0


@define(eq=False)
class Misfortune:
    """
    Brings faults about, and ends them.

    @ivar dead: nodes that have lost their power for good.
    """

    _scenario: Scenario
    _site: Site
    _events: Events
    dead: set[str] = field(factory=set, init=False)
    _began_at: float = field(default=0.0, init=False)
    _is_over: bool = field(default=False, init=False)
    #: How many hold each daemon down.
    _down: dict[str, int] = field(factory=dict, init=False)

    def begin(self) -> None:
        """From now on."""
        self._began_at = self._site.clock.seconds()
        for fault in self._scenario.planned:
            self._site.clock.callLater(fault.at_s, self._happen, fault)
        faults = self._scenario.faults
        for kind, per_hour, lasts, chosen in (
            ("crash", faults.crashes_per_hour, faults.down_s, self._any),
            ("death", faults.deaths_per_hour, None, self._any_node),
            ("partition", faults.partitions_per_hour, faults.apart_s, self._any_way),
        ):
            if per_hour:
                random = stream(self._scenario.run.seed, "faults", kind)
                self._await_next(kind, per_hour / _HOUR_S, lasts, chosen, random)

    def end(self) -> None:
        """Nothing goes wrong any more; all that can be mended is."""
        self._is_over = True
        self._site.network.mend_all()
        for name in tuple(self._down):
            self._come_back(name)

    # --- at random -----------------------------------------------------------

    def _await_next(self, *of: Any) -> None:
        _, per_s, _, _, random = of
        self._site.clock.callLater(random.expovariate(per_s), self._at_random, of)

    def _at_random(self, of: tuple[Any, ...]) -> None:
        if self._is_over:
            return
        kind: str
        lasts: Distribution | None
        choose: Callable[[Random], tuple[str, str]]
        kind, _, lasts, choose, random = of
        target, other = choose(random)
        for_s = 0.0 if lasts is None else lasts.draw(random)
        self._happen(
            Fault(kind=kind, at_s=0.0, for_s=for_s, target=target, other=other)
        )
        self._await_next(*of)

    def _any(self, random: Random) -> tuple[str, str]:
        return random.choice(tuple(self._site.daemons)), ""

    def _any_node(self, random: Random) -> tuple[str, str]:
        return random.choice(tuple(self._site.machines)), ""

    def _any_way(self, random: Random) -> tuple[str, str]:
        cluster = random.choice(self._scenario.clusters)
        return cluster.name, random.choice(("cloud", *cluster.node_names))

    # --- what happens --------------------------------------------------------

    def _happen(self, fault: Fault) -> None:
        if self._is_over:
            return
        others = {"with": fault.other} if fault.other else {}
        self._tell(
            fault.kind, daemon=fault.target, for_s=round(fault.for_s, 6), **others
        )
        if fault.kind == "partition":
            self._site.network.cut(fault.target, fault.other)
            self._after(fault.for_s, self._join, fault.target, fault.other)
            return
        self._go_down(fault.target)
        if fault.kind == "death":
            self._site.machines[fault.target].hypervisor.lose_power()
        if fault.kind == "death" and not fault.for_s:
            self.dead.add(fault.target)
        else:
            self._after(fault.for_s, self._may_come_back, fault.target)

    def _go_down(self, name: str) -> None:
        self._down[name] = self._down.get(name, 0) + 1
        if self._site.is_alive(name):
            self._site.kill(name)

    def _may_come_back(self, name: str) -> None:
        """The last that holds it down lets it go."""
        self._down[name] -= 1
        if not self._down[name]:
            self._come_back(name)

    def _come_back(self, name: str) -> None:
        del self._down[name]
        if name not in self.dead and not self._site.is_alive(name):
            self._site.start(name)
            self._tell("restart", daemon=name)

    def _join(self, one: str, other: str) -> None:
        self._site.network.mend(one, other)
        self._tell("joined", daemon=one, **{"with": other})

    def _after(self, for_s: float, do: Callable[..., None], *of: str) -> None:
        def once() -> None:
            if not self._is_over:
                do(*of)

        self._site.clock.callLater(for_s, once)

    def _tell(self, event: str, **fields: object) -> None:
        at_s = self._site.clock.seconds() - self._began_at
        self._events.tell(at_s, event, **fields)
