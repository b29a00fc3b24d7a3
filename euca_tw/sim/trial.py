"""
One run of a L{Case}: what was not as it must be, at any step of it or in the end.

When its users and its faults are over the cloud has a time to come to what its users
want (C{settle_s}), and stays there.  Then everything is ended, and nothing may be
left: no domain, no disk, no address that is held, no room that is promised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, field

from euca_tw.cc.records import Placement
from euca_tw.model.capacity import NOTHING, Resources
from euca_tw.model.records import Address, GroupNetwork, Instance, InstanceState
from euca_tw.nodectl.records import HostedInstance, held
from euca_tw.sim.audit import Audit
from euca_tw.sim.bugs import bugs
from euca_tw.sim.case import Case
from euca_tw.sim.causes import Causes
from euca_tw.sim.events import Events
from euca_tw.sim.fault_plan import Faults
from euca_tw.sim.faults import Misfortune
from euca_tw.sim.invariants import End, Watchman, final
from euca_tw.sim.script import Script
from euca_tw.sim.site import Site, name_of

#: By then a cloud without faults has heard of all that it has.
_READY_S = 60.0
#: So often it is looked whether all is well; and so long it has to stay so.
_LOOK_S = 1.0
_CALM_S = 5.0
_S = InstanceState


@define(eq=False)
class Trial:
    """
    @ivar watchman: what it found so far.
    @ivar events: of faults; they are only counted.
    """

    case: Case
    events: Events = field(factory=lambda: Events(None), init=False)
    site: Site = field(init=False)
    watchman: Watchman = field(factory=Watchman, init=False)
    causes: Causes = field(factory=Causes, init=False)
    audit: Audit = field(init=False)
    script: Script = field(init=False)
    _began_at: float = field(init=False)
    _disks: dict[tuple[str, str], None] = field(factory=dict, init=False)
    _faults: Misfortune = field(init=False)

    def __attrs_post_init__(self) -> None:
        scenario = self.case.scenario
        rooms = {n: each.machine for each in scenario.clusters for n in each.node_names}
        self.audit = Audit(
            causes=self.causes,
            note=self._note,
            now=lambda: self.site.clock.seconds(),
            rooms=rooms,
            ended_kept_s=scenario.tiers.cloud_ended_kept_s,
        )
        self.site = Site(
            scenario, self, self._told, self.audit.wrote, self.audit.carried
        )
        self._began_at = self.site.clock.seconds()
        self.script = Script(
            case=self.case, site=self.site, causes=self.causes, note=self._note
        )
        self._faults = Misfortune(scenario, self.site, self.events, self.audit.lost)

    # --- what the world tells ------------------------------------------------

    def domain_began(self, name: str, node: str, needs: Resources) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.watchman.began(self._now, name, node, needs, self.audit.rooms[node])
        self.audit.began(name)

    def domain_ceased(self, name: str, node: str, needs: Resources) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self.watchman.ceased(name, node, needs)
        self.audit.ceased(name, node)

    def guest_ready(self, name: str) -> None:
        """See L{euca_tw.sim.machines.Sees}."""

    def disk_made(self, name: str, node: str) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self._disks[name, node] = None
        self.audit.disk_made(name, node)

    def disk_gone(self, name: str, node: str) -> None:
        """See L{euca_tw.sim.machines.Sees}."""
        self._disks.pop((name, node), None)
        self.audit.disk_gone(name, node)

    def _told(self, record: Instance) -> None:
        if record.state is _S.TERMINATED:
            self.watchman.told_ended(self._now, record.instance_id)

    @property
    def _now(self) -> float:
        return self.site.clock.seconds() - self._began_at

    def _note(self, what: str) -> None:
        self.watchman.note(self._now, what)

    # --- the run -------------------------------------------------------------

    def run(self) -> tuple[str, ...]:
        """What was not as it must be; what daemons log as bugs of theirs, too."""
        with bugs() as found:
            self._run()
        return (*self.watchman.violations, *found)

    def _run(self) -> None:
        run = self.case.scenario.run
        network = self.site.network
        unreliable, network.faults = network.faults, Faults()
        self.site.start_all()
        if not self._come_to(self._ready, _READY_S):
            return
        network.faults = unreliable
        self._began_at = self.site.clock.seconds()
        self.script.begin()
        self._faults.begin()
        self.site.run(run.duration_s)
        self.script.stop()
        self._faults.end()
        if self._come_to_rest(run.settle_s) and self._end_all():
            self._come_to(self._left, run.settle_s)

    def _come_to_rest(self, within_s: float) -> bool:
        """Go on until all is well, and has been for a while."""
        until = self.site.clock.seconds() + within_s
        while self._come_to(self._amiss, until - self.site.clock.seconds()):
            self.site.run(_CALM_S)
            if next(self._amiss(), None) is None:
                return True
        return False

    def _come_to(self, amiss: Callable[[], Iterator[str]], within_s: float) -> bool:
        """Go on until nothing is amiss; what is then still is a violation."""
        until = self.site.clock.seconds() + within_s
        while next(amiss(), None) is not None:
            if self.site.clock.seconds() >= until:
                for what in amiss():
                    self._note(f"{what}, after {within_s:g} s")
                return False
            self.site.run(_LOOK_S)
        return True

    def _end_all(self) -> bool:
        """Whether that was acknowledged."""
        cloud = self.site.cloud
        assert cloud is not None
        live = [each.key for each in self._instances() if each.is_live]
        if not live:
            return True
        self.causes.ends.update(live)
        answers: list[object] = []
        cloud.terminate(*live).addBoth(answers.append)
        self.site.run(_LOOK_S)
        if not answers or not hasattr(answers[0], "instances"):
            self._note(f"they may not be ended: {answers}")
            return False
        return True

    # --- what is amiss -------------------------------------------------------

    def _ready(self) -> Iterator[str]:
        cloud = self.site.cloud
        kinds = [each.name for each in self.case.scenario.kinds]
        if cloud is None or not cloud.is_ready(kinds):
            yield "the cloud is not ready"

    def _instances(self) -> Iterator[Instance]:
        for record in self.site.daemons["cloud"].disk.records.values():
            if isinstance(record, Instance):
                yield record

    def _amiss(self) -> Iterator[str]:
        """When its users want nothing else any more."""
        instances = [*self._instances()]
        ended = [each for each in instances if each.wanted is _S.TERMINATED]
        for each in ended:
            if each.is_live and not self._is_dead(each):
                yield f"{each.key} shall end, and is {each.state.value}"
        known = {each.instance_id for each in instances}
        yield from final(
            End(
                instances=instances,
                domains=self.watchman.domains,
                acknowledged=[each for each in self.script.taken if each in known],
                dead=self._faults.dead,
                node_of=name_of,
                disks=self._disks,
            )
        )
        yield from self._carried_amiss()

    def _carried_amiss(self) -> Iterator[str]:
        """Managed networks have the cards of those who run, and of nobody else."""
        networks = self.site.networks
        if networks is None:
            return
        live = {each.instance_id: each for each in self._instances() if each.is_live}
        for machine, view in networks.views.items():
            if machine in self._faults.dead:
                continue
            for network in view.networks.values() if view is not None else ():
                for member in network.members:
                    if member.instance_id not in live:
                        yield f"{machine} carries {member.instance_id}, which has ended"
        for name, each in live.items():
            node = name_of(each.node)
            is_here = each.wanted is _S.RUNNING and node not in self._faults.dead
            view = networks.views.get(node)
            carried = view.networks.get(each.network) if view is not None else None
            members = carried.members if carried is not None else ()
            if is_here and name not in {member.instance_id for member in members}:
                yield f"{node} does not carry the network of {name}"

    def _is_dead(self, record: Instance) -> bool:
        """Whether nobody can say what it is."""
        key = Placement, record.key
        found = self.site.daemons[record.zone].disk.records.get(key)
        placed = found.node if found is not None else record.node
        return name_of(placed) in self._faults.dead

    def _left(self) -> Iterator[str]:
        """When everything has been ended."""
        yield from self._amiss()
        alive = {each.key for each in self._instances() if each.is_live}
        for record in self.site.daemons["cloud"].disk.records.values():
            if isinstance(record, Address) and record.instance_id is not None:
                is_left = record.instance_id not in alive
            else:
                # A dead machine may carry it still.
                is_left = isinstance(record, GroupNetwork) and not self._faults.dead
            if is_left:
                yield f"{type(record).__name__} {record.key} is somebody's still"
        for name in self.site.machines:
            if name in self._faults.dead:
                continue
            for record in self.site.daemons[name].disk.records.values():
                if isinstance(record, HostedInstance) and held(record) != NOTHING:
                    yield f"{name} has room promised to {record.key} still"
