"""
One run of a scenario, from its beginning to its summary.

Everything in it comes from the scenario and its seed: no other clock, and no other
source of chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import define, field
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from zope.interface import provider

from euca_tw.model.capacity import Resources
from euca_tw.model.records import Instance
from euca_tw.sim.distributions import stream
from euca_tw.sim.events import Events, Sink
from euca_tw.sim.faults import Misfortune
from euca_tw.sim.invariants import End, Watchman, final
from euca_tw.sim.scenario import Scenario
from euca_tw.sim.site import Site, name_of
from euca_tw.sim.summary import Summary, Usage
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
    users: Users = field(init=False)
    watchman: Watchman = field(factory=Watchman, init=False)
    _usage: dict[str, Usage] = field(init=False)
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
        self.site = Site(scenario, self, self._told)
        images = zip(self.site.image_ids, scenario.images, strict=True)
        self.users = Users(
            site=self.site,
            events=self.events,
            watchman=self.watchman,
            arrivals=scenario.arrivals(stream(run.seed, "workload")),
            image=chooser({name: each.weight for name, each in images}),
            random=stream(run.seed, "images"),
            patience_s=scenario.workload.patience_s,
            retry_s=scenario.workload.retry_s,
        )
        self._faults = Misfortune(scenario, self.site, self.events)

    # --- what the world tells ------------------------------------------------

    def domain_began(self, name: str, node: str, needs: Resources) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.watchman.began(self.users.now, name, node, needs, self._room[node])
        self._use(needs.cores, needs.memory_mib)

    def domain_ceased(self, name: str, node: str, needs: Resources) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.watchman.ceased(name, node, needs)
        self._use(-needs.cores, -needs.memory_mib)

    def guest_ready(self, name: str) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.users.ready(name)

    def _use(self, cores: float, memory_mib: float) -> None:
        self._usage["cores"].change(self.users.now, cores)
        self._usage["memory"].change(self.users.now, memory_mib)

    def _told(self, record: Instance) -> None:
        self.users.told(record)

    # --- the run -------------------------------------------------------------

    def run(self, progress: Progress = lambda share, launches: None) -> Summary:
        """
        Do all of it, but for L{make_ready} if that was done.

        @raise NotReady: it does not begin.
        """
        run = self._scenario.run
        with _bugs() as bugs:
            if not self._is_ready:
                self.make_ready()
            self.users.begin()
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
                self.watchman.note(self.users.now, what)
        return self._summary(bugs)

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
        clock, began_at = self.site.clock, self.users.began_at
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
            acknowledged=tuple(self.users.live),
            dead=frozenset(self._faults.dead),
            node_of=name_of,
        )

    def _summary(self, bugs: list[str]) -> Summary:
        scenario = self._scenario
        hidden = self.watchman.count - len(self.watchman.violations)
        further = [f"and {hidden} more"] if hidden else []
        return Summary(
            seed=scenario.run.seed,
            duration_s=scenario.run.duration_s,
            nodes=len(self._room),
            policies={each.name: each.scheduler for each in scenario.clusters},
            counts={**self.events.count, "steps": self.site.clock.steps},
            delays=self.users.delays,
            usage={name: usage.shares() for name, usage in self._usage.items()},
            violations=(*self.watchman.violations, *further),
            bugs=tuple(bugs),
        )


@contextmanager
def _bugs() -> Iterator[list[str]]:
    """What daemons log as bugs of their own, meanwhile."""
    found: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_level") is LogLevel.critical:
            failure = event.get("log_failure")
            trace = failure.getTraceback() if failure is not None else ""
            found.append(f"{event.get('log_format') or 'failure'}\n{trace}".strip())

    globalLogPublisher.addObserver(observe)
    try:
        yield found
    finally:
        globalLogPublisher.removeObserver(observe)
