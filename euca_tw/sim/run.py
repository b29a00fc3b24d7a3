"""
One run of a scenario, from its beginning to its summary.

Everything in it comes from the scenario and its seed: no other clock, and no other
source of chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from attrs import define, field

from euca_tw.cc.interfaces import IRestful
from euca_tw.model.capacity import Resources
from euca_tw.model.records import Instance
from euca_tw.policies.found import scheduler_named
from euca_tw.sim.audit import Audit
from euca_tw.sim.bugs import bugs
from euca_tw.sim.causes import Causes
from euca_tw.sim.distributions import stream
from euca_tw.sim.events import Events, Sink
from euca_tw.sim.faults import Misfortune
from euca_tw.sim.invariants import End, Watchman, final
from euca_tw.sim.power import Meter
from euca_tw.sim.scenario import Scenario
from euca_tw.sim.site import Site, name_of
from euca_tw.sim.summary import Summary, Usage, Waits
from euca_tw.sim.tenants import Tenants
from euca_tw.sim.users import Users
from euca_tw.sim.workload import chooser

#: By then a cloud without faults has heard of all that it has.
_READY_S = 600.0
#: After so many steps it is told how far a run is.
_STEPS = 5000

#: Called now and then with the share of the run that is over, and the launches.
Progress = Callable[[float, int], None]


class NotReady(Exception):
    """The cloud that a scenario describes does not come up; the text says why."""


@define(eq=False)
class Simulation:
    """
    @ivar site: what is simulated.
    @ivar watchman: what it found so far.
    """

    _scenario: Scenario
    _sink: Sink | None = None
    site: Site = field(init=False)
    events: Events = field(init=False)
    causes: Causes = field(init=False)
    audit: Audit = field(init=False)
    tenants: Tenants = field(init=False)
    users: Users = field(init=False)
    watchman: Watchman = field(factory=Watchman, init=False)
    _usage: dict[str, Usage] = field(init=False)
    _meter: Meter = field(init=False)
    _room: dict[str, Resources] = field(init=False)
    _faults: Misfortune = field(init=False)
    _is_ready: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        scenario = self._scenario
        run, clusters = scenario.run, scenario.clusters
        self._room = {name: c.machine for c in clusters for name in c.node_names}
        rooms = self._room.values()
        self._usage = {
            "cores": Usage(sum(each.cores for each in rooms), run.duration_s),
            "memory": Usage(sum(each.memory_mib for each in rooms), run.duration_s),
        }
        self.events = Events(self._sink)
        self.causes = Causes()
        self.audit = Audit(
            causes=self.causes,
            note=lambda what: self.watchman.note(self.tenants.now, what),
            now=lambda: self.site.daemons["cloud"].clock.seconds(),
            rooms=self._room,
            ended_kept_s=scenario.tiers.cloud_ended_kept_s,
        )
        self.site = Site(
            scenario, self, self._told, self.audit.wrote, self.audit.carried
        )
        images = zip(self.site.image_ids, scenario.images, strict=True)
        self.tenants = Tenants(
            site=self.site,
            events=self.events,
            watchman=self.watchman,
            causes=self.causes,
            workload=scenario.workload,
            random=stream(run.seed, "tenants"),
            queueing=Waits(run.duration_s),
        )
        self.users = Users(
            tenants=self.tenants,
            arrivals=scenario.arrivals(stream(run.seed, "workload")),
            image=chooser({name: each.weight for name, each in images}),
            random=stream(run.seed, "images"),
            patience_s=scenario.workload.patience_s,
            retry_s=scenario.workload.retry_s,
        )
        self._faults = Misfortune(scenario, self.site, self.events, self.audit.lost)
        self._meter = Meter(
            power=scenario.power,
            clock=self.site.clock,
            duration_s=run.duration_s,
            cores={name: room.cores for name, room in self._room.items()},
            sleepers=frozenset(_sleepers(scenario)),
        )
        self._faults.switched = self._meter.switch

    # --- what the world tells ------------------------------------------------

    def domain_began(self, name: str, node: str, needs: Resources) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.watchman.began(self.tenants.now, name, node, needs, self._room[node])
        self.audit.began(name)
        self._use(node, needs.cores, needs.memory_mib)

    def domain_ceased(self, name: str, node: str, needs: Resources) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.watchman.ceased(name, node, needs)
        self.audit.ceased(name, node)
        self._use(node, -needs.cores, -needs.memory_mib)

    def guest_ready(self, name: str) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.tenants.ready(name)

    def disk_made(self, name: str, node: str) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.audit.disk_made(name, node)

    def disk_gone(self, name: str, node: str) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.audit.disk_gone(name, node)

    def _use(self, node: str, cores: float, memory_mib: float) -> None:
        self._meter.use(node, cores)
        self._usage["cores"].change(self.tenants.now, cores)
        self._usage["memory"].change(self.tenants.now, memory_mib)

    def _told(self, record: Instance) -> None:
        self.tenants.told(record)

    # --- the run -------------------------------------------------------------

    def run(self, progress: Progress = lambda share, launches: None) -> Summary:
        """
        Do all of it, but for L{make_ready} if that was done.

        @raise NotReady: it does not begin.
        """
        run = self._scenario.run
        with bugs() as found:
            if not self._is_ready:
                self.make_ready()
            self.users.begin()
            self._meter.begin()
            self._faults.begin()
            whole_s = run.duration_s + run.settle_s
            for until_s, end in (
                (run.duration_s, self._end_of_load),
                (whole_s, lambda: None),
            ):
                self._go(until_s, whole_s, progress)
                end()
            # Without time to settle much may be under way, as it must be.
            for what in final(self._end()) if run.settle_s else ():
                self.watchman.note(self.tenants.now, what)
        return self._summary(found)

    def make_ready(self) -> None:
        """
        Start all daemons, and wait until the cloud knows what it has.

        @raise NotReady: it does not come to that.
        """
        self.site.start_all()
        until = self.site.clock.seconds() + _READY_S
        kinds = [each.name for each in self._scenario.kinds]
        while True:
            cloud = self.site.cloud
            if cloud is not None and cloud.is_ready(kinds):
                self._is_ready = True
                return
            if self.site.clock.seconds() >= until:
                raise NotReady(
                    f"{self._scenario.file}: after {_READY_S:g} s a cluster has no "
                    "room for any machine type, or does not answer"
                )
            self.site.run(1.0)

    def _go(self, until_s: float, whole_s: float, progress: Progress) -> None:
        clock, began_at = self.site.clock, self.tenants.began_at
        until = began_at + until_s
        more = True
        while more:
            for _ in range(_STEPS):
                more = self.site.step(until)
                if not more:
                    break
            share = (clock.seconds() - began_at) / whole_s
            progress(share, self.events.count.get("asked", 0))

    def _end_of_load(self) -> None:
        self.users.stop()
        self._faults.end()

    def _end(self) -> End:
        records = self.site.daemons["cloud"].disk.records.values()
        instances = [each for each in records if isinstance(each, Instance)]
        return End(
            instances=instances,
            domains=self.watchman.domains,
            acknowledged=tuple(self.tenants.live),
            dead=frozenset(self._faults.dead),
            node_of=name_of,
        )

    def _summary(self, found: list[str]) -> Summary:
        scenario = self._scenario
        hidden = self.watchman.count - len(self.watchman.violations)
        further = [f"and {hidden} more"] if hidden else []
        return Summary(
            seed=scenario.run.seed,
            duration_s=scenario.run.duration_s,
            nodes=len(self._room),
            policies={
                "cloud": scenario.cloud.placement,
                **{each.name: each.scheduler for each in scenario.clusters},
            },
            counts={**self.events.count, "steps": self.site.clock.steps},
            delays=self.tenants.delays,
            usage={name: usage.shares() for name, usage in self._usage.items()},
            watts=self._meter.drawn.shares(),
            queueing=self.tenants.queueing.means(),
            violations=(*self.watchman.violations, *further),
            bugs=tuple(found),
        )


def _sleepers(scenario: Scenario) -> Iterator[str]:
    """Nodes whose scheduler leaves some empty on purpose."""
    for cluster in scenario.clusters:
        chance = Random(0)  # noqa: S311 (nothing is chosen)
        if IRestful.providedBy(scheduler_named(cluster.scheduler, chance)):
            yield from cluster.node_names
