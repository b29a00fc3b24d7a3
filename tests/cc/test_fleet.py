"""Tests of L{euca_tw.cc.fleet}, on whole clouds: each scheduler, and strangers'."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import LogLevel, capturedLogs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from euca_tw.api import cluster as api
from euca_tw.cc.cluster import ClusterController
from euca_tw.cc.interfaces import IScheduler, Node, Wish
from euca_tw.cc.orders import phase_of
from euca_tw.cc.records import Placement, group_of, needs
from euca_tw.cc.schedule import PowerSave, RankedScheduler, SpreadByGroup, by_place
from euca_tw.model.capacity import NOTHING, MachineType
from euca_tw.model.lifecycle import Phase
from tests.fakes.launches import launch
from tests.whole.judgement import is_launched, is_sound
from tests.whole.site import Site, url_of
from tests.whole.test_storm import Storm

TYPES = tuple(
    MachineType(name=f"m{cores}", cores=cores, memory_mib=256 * cores, disk_gib=1)
    for cores in (1, 2)
)


@implementer(IScheduler)
class Heeding:
    """
    One scheduler, and what it was told.

    @ivar told: the nodes that may be chosen, by URL.
    """

    def __init__(self, scheduler: IScheduler) -> None:
        self.scheduler = scheduler
        self.told: dict[str, Node] = {}

    def node_changed(self, node: Node) -> None:
        self.told[node.url] = node
        self.scheduler.node_changed(node)

    def node_gone(self, url: str) -> None:
        self.told.pop(url, None)
        self.scheduler.node_gone(url)

    def pick(self, wish: Wish) -> str | None:
        return self.scheduler.pick(wish)


def counted(controller: ClusterController) -> dict[str, Node]:
    """What a scheduler ought to know, counted from all that is kept and told."""
    found = {}
    placements = controller._store.all(Placement)
    for place, view in enumerate(controller._nodes.views.values()):
        if not (view.is_known and view.is_well):
            continue
        on = [
            each
            for each in placements
            if each.node == view.url
            and each.launch is not None
            and each.phase is not Phase.TEARDOWN
        ]
        coming = [each for each in on if each.instance_id not in view.instances]
        there = [
            told
            for told in view.instances.values()
            if phase_of(told) is not Phase.TEARDOWN
        ]
        promised = sum((needs(each.launch) for each in coming), NOTHING)
        found[view.url] = Node(
            url=view.url,
            place=place,
            machine=view.machine,
            free=view.free - promised,
            instances=len(there) + len(coming),
            groups=dict(Counter(group_of(each.launch) for each in on)),
        )
    return found


class StormTests(SynchronousTestCase):
    def storm(self, seed: int, make: Any) -> None:
        """Rage, with the scheduler's knowledge held against all that there is."""
        storm = Storm(seed)
        site = storm.site
        heeding: list[Heeding] = []

        def scheduler(random: Random) -> tuple[str, IScheduler]:
            heeding.append(Heeding(make()))
            return "heeding", heeding[-1]

        def always(site: Site) -> bool:
            for name in ("north", "south"):
                controller = site.daemons[name].service
                if controller is not None:
                    fleet = controller._placements._fleet
                    room = fleet.room_for(TYPES)
                    found = counted(controller)
                    self.assertEqual(fleet._scheduler.told, found, name)
                    nodes = [(each.machine, each.free) for each in found.values()]
                    held = [sum(m.times(t) for m, _ in nodes) for t in TYPES]
                    left = [sum(f.times(t) for _, f in nodes) for t in TYPES]
                    self.assertEqual(room, [*zip(held, left, strict=True)], name)
            return is_sound(site)

        site.scheduler = scheduler
        site.kill("north", "south")
        site.start("north", "south")
        site.always = always
        storm.rage()
        storm.calm()
        site.run_until(lambda: is_launched(site), 900)
        self.assertTrue(storm.taken)

    def test_power_save(self) -> None:
        """Whatever happens, what a scheduler was told is what there is."""
        self.storm(1, PowerSave)

    def test_spread_by_group(self) -> None:
        """So it is with another one, in another storm."""
        self.storm(2, SpreadByGroup)


@implementer(IScheduler)
class Stranger:
    """Somebody else's, which says and does what it is told to."""

    def __init__(self, says: Any = None, raises: bool = False) -> None:
        self.says, self.raises = says, raises

    def node_changed(self, node: Node) -> None:
        if self.raises:
            raise RuntimeError("theirs is broken")

    def node_gone(self, url: str) -> None:
        pass

    def pick(self, wish: Wish) -> Any:
        if self.raises:
            raise RuntimeError("theirs is broken")
        return self.says


class StrangerTests(SynchronousTestCase):
    def launched(self, scheduler: Any) -> tuple[Site, list[dict[str, Any]]]:
        """An instance is launched; what the log has of it."""
        site = Site({"north": ("north-1",)})
        site.scheduler = lambda random: ("theirs", scheduler)
        with capturedLogs() as logged:
            site.start()
            site.run(30)
            waiting = site.cloud.launch("north")
            site.run(5)
            self.successResultOf(waiting)
        return site, logged

    def test_raises(self) -> None:
        """One that fails is told by its name; nothing is placed, all goes on."""
        site, logged = self.launched(Stranger(raises=True))
        self.assertEqual(site.domains(), [])
        failures = [each for each in logged if "log_failure" in each]
        self.assertEqual({each["name"] for each in failures}, {"theirs"})
        self.assertEqual([each["call"] for each in failures], ["node_changed", "pick"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)
        # Nothing of it is kept: with another scheduler it runs.
        site.scheduler = lambda random: ("greedy", RankedScheduler(by_place))
        site.kill("north")
        site.start("north")
        site.run_until(lambda: is_launched(site), 300)
        self.assertEqual(len(site.domains()), 1)

    def test_unsound(self) -> None:
        """What it may not choose is not taken: no node that is not there."""
        for says in ("http://nowhere/", 7, ["unhashable"]):
            site, logged = self.launched(Stranger(says))
            self.assertEqual(site.domains(), [])
            errors = [e for e in logged if e["log_level"] is LogLevel.error]
            self.assertEqual({e["name"] for e in errors}, {"theirs"})

    def test_overfills(self) -> None:
        """Nor a node that is full."""
        site = Site({"north": ("north-1",)})
        site.scheduler = lambda random: ("theirs", Stranger(url_of("north-1")))
        site.start("north", "north-1")
        site.run(5)
        request = api.LaunchInstances(launches=tuple(launch(n) for n in range(1, 6)))
        peer = site.peers.peer(url_of("north"))
        with capturedLogs() as logged:
            waiting = Deferred.fromCoroutine(
                peer.call(api.LAUNCH_INSTANCES, request, 100)
            )
            site.run(5)
        [refused] = self.successResultOf(waiting).refused
        self.assertEqual((refused.instance_id, refused.is_final), ("i-00000005", False))
        self.assertIn("theirs", [each.get("name") for each in logged])


class SleepTests(SynchronousTestCase):
    def test_told(self) -> None:
        """The log says which nodes could sleep, and which no more."""
        site = Site({"north": ("north-1", "north-2")})
        site.scheduler = lambda random: ("power-save", PowerSave())
        with capturedLogs() as logged:
            site.start()
            site.run(30)
            for _ in range(2):
                site.cloud.launch("north")
                site.run(10)
        told = [
            (each["node"], "could sleep" in each["log_format"])
            for each in logged
            if "sleep" in each["log_format"]
        ]
        self.assertEqual(
            told,
            [
                (url_of("north-1"), True),
                (url_of("north-2"), True),
                (url_of("north-1"), True),
            ],
        )
