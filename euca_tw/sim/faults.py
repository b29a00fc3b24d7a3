"""
What goes wrong in a run, brought about: as planned, and at random.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from attrs import define, field

from euca_tw.sim.ailments import Ailments
from euca_tw.sim.distributions import Distribution, stream
from euca_tw.sim.events import Events
from euca_tw.sim.fault_plan import AILMENTS, Fault
from euca_tw.sim.life import Moment
from euca_tw.sim.scenario import Scenario
from euca_tw.sim.site import Site

_HOUR_S = 3600.0
#: Who watches over a daemon starts it so long after it has ended by itself.
_RESTART_S = 1.0


@define(eq=False)
class Misfortune:
    """
    Brings faults about, and ends them.

    @ivar losing: told of each instance that a machine is about to lose, and which.
    @ivar switched: told of each node that loses its power, or has it again.
    @ivar dead: nodes that have lost their power for good.
    """

    _scenario: Scenario
    _site: Site
    _events: Events
    losing: Callable[[str, str], object] = lambda name, node: None
    switched: Callable[[str, bool], object] = lambda name, is_on: None
    dead: set[str] = field(factory=set, init=False)
    _began_at: float = field(default=0.0, init=False)
    _is_over: bool = field(default=False, init=False)
    #: How many hold each daemon down.
    _down: dict[str, int] = field(factory=dict, init=False)
    #: How many keep each hypervisor from answering.
    _deaf: dict[str, int] = field(factory=dict, init=False)

    _ailments: Ailments = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._ailments = Ailments(self._site)
        self._site.ended = self._ended_itself

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
            ("slow-disk", faults.slow_disks_per_hour, faults.ailing_s, self._any),
            ("full-disk", faults.full_disks_per_hour, faults.ailing_s, self._any),
            (
                *("full-images", faults.full_images_per_hour),
                *(faults.ailing_s, self._any_node),
            ),
            ("clock", faults.wrong_clocks_per_hour, faults.ailing_s, self._any),
        ):
            if per_hour:
                random = stream(self._scenario.run.seed, "faults", kind)
                self._await_next(kind, per_hour / _HOUR_S, lasts, chosen, random)

    def end(self) -> None:
        """Nothing goes wrong any more; all that can be mended is."""
        self._is_over = True
        self._site.lift_dooms()
        self._site.network.mend_all()
        self._ailments.heal_all()
        for name in tuple(self._deaf):
            self._answer(name)
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
        by_s, faults = 0.0, self._scenario.faults
        if kind == "clock":
            by_s = faults.wrong_by_s.draw(random) * random.choice((1, -1))
        self._happen(
            Fault(
                kind=kind,
                at_s=0.0,
                for_s=for_s,
                target=target,
                other=other,
                factor=faults.slow_factor,
                by_s=by_s,
            )
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
        if fault.moment:
            moment = Moment(fault.moment)
            self._site.doom(
                fault.target, moment, fault.nth, lambda: self._struck(fault)
            )
            return
        self._come_about(fault)

    def _struck(self, fault: Fault) -> None:
        """A daemon has ceased in the midst of what it did."""
        self._come_about(fault)
        if self._is_over:
            # It did as faults ended.
            self._may_come_back(fault.target)

    def _come_about(self, fault: Fault) -> None:
        others: dict[str, Any] = {"with": fault.other} if fault.other else {}
        if fault.kind == "clock":
            others = {"by_s": round(fault.by_s, 6), "drift_ppm": fault.drift_ppm}
        self._tell(
            fault.kind, daemon=fault.target, for_s=round(fault.for_s, 6), **others
        )
        if fault.kind in AILMENTS:
            self._ailments.befall(fault)
            self._after(fault.for_s, self._heal, fault)
            return
        if fault.kind == "partition":
            self._site.network.cut(fault.target, fault.other)
            self._after(fault.for_s, self._join, fault.target, fault.other)
            return
        if fault.kind == "hypervisor":
            self._deaf[fault.target] = self._deaf.get(fault.target, 0) + 1
            self._site.machines[fault.target].hypervisor.disconnect()
            self._after(fault.for_s, self._may_answer, fault.target)
            return
        self._go_down(fault.target)
        if fault.kind == "death":
            hypervisor = self._site.machines[fault.target].hypervisor
            for name in hypervisor.names:
                self.losing(name, fault.target)
            hypervisor.lose_power()
            self.switched(fault.target, False)
        if fault.kind == "death" and not fault.for_s:
            self.dead.add(fault.target)
        else:
            self._after(fault.for_s, self._may_come_back, fault.target)

    def _heal(self, fault: Fault) -> None:
        if self._ailments.heal(fault):
            self._tell("healed", daemon=fault.target, of=fault.kind)

    def _ended_itself(self, name: str) -> None:
        """What it has to keep it could not; it is started again, as services are."""
        self._tell("ended", daemon=name)
        self._site.clock.callLater(_RESTART_S, self._start_again, name)

    def _start_again(self, name: str) -> None:
        held = name in self._down or name in self.dead
        if not held and not self._site.is_alive(name):
            self._site.start(name)
            self._tell("restart", daemon=name)

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
        if name not in self.dead and name in self._site.machines:
            self.switched(name, True)
        if name not in self.dead and not self._site.is_alive(name):
            self._site.start(name)
            self._tell("restart", daemon=name)

    def _may_answer(self, name: str) -> None:
        self._deaf[name] -= 1
        if not self._deaf[name]:
            self._answer(name)

    def _answer(self, name: str) -> None:
        del self._deaf[name]
        self._site.machines[name].hypervisor.reconnect()
        self._tell("answers", daemon=name)

    def _join(self, one: str, other: str) -> None:
        self._site.network.mend(one, other)
        self._tell("joined", daemon=one, **{"with": other})

    def _after(self, for_s: float, do: Callable[..., None], *of: str | Fault) -> None:
        def once() -> None:
            if not self._is_over:
                do(*of)

        self._site.clock.callLater(for_s, once)

    def _tell(self, event: str, **fields: object) -> None:
        at_s = self._site.clock.seconds() - self._began_at
        self._events.tell(at_s, event, **fields)
