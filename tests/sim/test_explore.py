"""
Tests for L{euca_tw.sim.explore}: what it finds of a cloud that is well, which is
nothing, and of clouds that are broken in known ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.cc import plan as cluster_plan
from euca_tw.cc.converge import Placements
from euca_tw.cc.room import Room
from euca_tw.clc import converge, launches, power
from euca_tw.clc.clusters import Clusters
from euca_tw.clc.interfaces import IClusters, Zone
from euca_tw.clc.launches import Launches
from euca_tw.clc.steps import Steps
from euca_tw.common.convergence import NotKept
from euca_tw.model.lifecycle import Phase, Wanted
from euca_tw.model.records import Instance
from euca_tw.nodectl import plan as node_plan
from euca_tw.nodectl.accounting import Ledger
from euca_tw.nodectl.life import Goal, Life
from euca_tw.nodectl.node import NodeController
from euca_tw.nodectl.records import HostedInstance
from euca_tw.sim.case import read_case
from euca_tw.sim.distributions import stream
from euca_tw.sim.draw import case, world
from euca_tw.sim.explore import Finding, explore, keep, verdict
from euca_tw.store.interfaces import Change, IStore, Put, StoreUnusable

#: So many cases show whatever breaks a cloud.
ENOUGH = 150
SEEDS = Path(__file__).parent / "seeds"


class ExploreCase(SynchronousTestCase):
    """Disks that are full, as they are at times, are told of in the log."""

    def tearDown(self) -> None:
        self.flushLoggedErrors(StoreUnusable, NotKept)
        super().tearDown()


class ExploreTests(ExploreCase):
    """A cloud that is well."""

    def test_nothing(self) -> None:
        """Whatever befalls it, nothing is found that must not be."""
        shares: list[tuple[float, int]] = []
        found = [
            *explore(range(150), progress=lambda share, n: shares.append((share, n)))
        ]
        self.assertEqual(found, [])
        self.assertEqual((len(shares), shares[-1]), (15, (1.0, 150)))

    def test_in_a_scenario(self) -> None:
        """The cloud may be given; its users and faults are drawn all the same."""
        base = world(stream(1, "base"))
        first, second = case(1, base), case(2, base)
        self.assertEqual(first.scenario.clusters, base.clusters)
        self.assertNotEqual(first.requests, second.requests)
        self.assertEqual([*explore([1, 2], base=base)], [])

    def test_repeated(self) -> None:
        """A seed is the same case, and has the same verdict, each time."""
        self.assertEqual(case(17), case(17))
        self.patch(Launches, "_free", free_or_not)
        seed = next(explore(range(100))).seed
        self.assertEqual(verdict(case(seed)), verdict(case(seed)))

    def test_several_processes(self) -> None:
        """What is found does not depend on who looks."""
        [small, *_] = (base := world(stream(1, "base"))).kinds
        # A cloud that has no room for anything is never ready.
        base = evolve(base, kinds=(evolve(small, cores=64),))
        seeds = range(12)
        alone = {each.seed: each.violations for each in explore(seeds, base=base)}
        shared = explore(seeds, base=base, jobs=2)
        self.assertEqual({each.seed: each.violations for each in shared}, alone)
        self.assertEqual(alone.keys(), set(seeds))

    def test_kept(self) -> None:
        """What was found is written, smaller than it was, and shows the same."""
        self.patch(Launches, "_free", free_or_not)
        finding = next(explore(range(100)))
        file, small = keep(finding, None, Path(self.mktemp()))
        before = case(finding.seed)
        self.assertLess(len(small.requests), len(before.requests))
        read = read_case(file)
        self.assertEqual(read.requests, small.requests)
        self.assertEqual(verdict(read), small.found)


class SeedTests(ExploreCase):
    """Cases that have found something once."""

    def test_all(self) -> None:
        """They find nothing any more."""
        files = sorted(SEEDS.glob("*.toml"))
        self.assertTrue(files)
        for file in files:
            self.assertEqual(verdict(read_case(file)), (), file.name)

    def test_still(self) -> None:
        """They would find it again, were it not mended."""
        for name, cls, method, broken in (
            ("durable-first", Clusters, "hold", hold_nothing),
            ("never-heard", Steps, "has", has_nothing),
        ):
            kept = read_case(SEEDS / f"{name}.toml")
            patch = self.patch(cls, method, broken)
            self.assertTrue(verdict(kept), name)
            patch.restore()
            self.assertEqual(verdict(kept), (), name)


# --- clouds that are broken ------------------------------------------------------


def hold_nothing(self: Clusters, instances: Iterable[Instance]) -> Callable[[], None]:
    """What is not durable yet is acted upon."""
    names: dict[str, list[str]] = {}
    for each in instances:
        names.setdefault(each.zone, []).append(each.instance_id)

    def release() -> None:
        for zone, here in names.items():
            self._loop_of(zone)._convergence.wake_all(here)

    return release


async def intend_hastily(
    store: IStore,
    clusters: IClusters,
    changes: Iterable[Change],
    instances: Iterable[Instance],
) -> None:
    """An answer does not wait for its commit."""
    store.commit(*changes)
    clusters.hold(instances)()


async def accept_again(self: NodeController, launch: Any) -> str:
    """What a node has already it takes on anew."""
    await self._guests.keep(
        HostedInstance(
            instance_id=launch.instance_id, launch=launch, began_at=self.now()
        )
    )
    return ""


async def place_again(self: Placements, wanted: Iterable[Any]) -> tuple[Any, ...]:
    """What a cluster has placed already it places anew."""
    placed, refused = self._place(list(wanted))
    await self._amend(*map(Put, placed))
    return tuple(refused)


def free_or_not(self: Launches, zone: Zone) -> Iterator[int]:
    """Places in the address range are given whoever has them."""
    yield from range(zone.addresses)


async def has_nothing(self: Steps, instance_id: str) -> bool:
    """What was never told of was never placed."""
    return False


class MutantTests(ExploreCase):
    """What breaks a cloud is found, within so many cases."""

    def found(self) -> Finding:
        finding = next(explore(range(ENOUGH)), None)
        assert finding is not None, f"nothing was found in {ENOUGH} cases"
        return finding

    def shows(self, *texts: str) -> None:
        """@param texts: any of these."""
        told = "\n".join(self.found().violations)
        self.assertTrue(any(text in told for text in texts), told)

    def test_answer_before_commit(self) -> None:
        """A request that is answered before it is durable."""
        self.patch(launches, "intend", intend_hastily)
        self.patch(power, "intend", intend_hastily)
        self.shows("was acknowledged, and")

    def test_act_before_commit(self) -> None:
        """A cluster that is told of what is not durable."""
        self.patch(Clusters, "hold", hold_nothing)
        self.shows("the cloud says nothing of it", "the cloud has no record of it")

    def test_launched_twice_by_node(self) -> None:
        """A node whose launch is not idempotent."""
        self.patch(NodeController, "accept", accept_again)
        self.shows("was running, and is staging", "comes back")

    def test_launched_twice_by_cluster(self) -> None:
        """A cluster whose launch is not idempotent."""
        self.patch(Placements, "launch", place_again)
        self.shows("is owned by", "and on", "comes back", "runs on")

    def test_address_kept(self) -> None:
        """A public address that is not taken from what ends."""
        for module in (power, converge):
            self.patch(module, "without_address", lambda store, instance_id: ())
        self.shows("is somebody's still")

    def test_place_given_twice(self) -> None:
        """A private address that two instances have."""
        self.patch(Launches, "_free", free_or_not)
        self.shows("is owned by")

    def test_ended_before_its_domain(self) -> None:
        """An instance that is told to have ended while it runs."""
        entry = Goal.ENDED, Life.SHUTTING_DOWN, node_plan.Look.RUNNING
        self.entry(node_plan.TABLE, entry, node_plan._release)
        self.shows("and runs on")

    def test_crashed_and_run_again(self) -> None:
        """A domain that is started, and nobody asked for it."""

        def run_again(case: Any) -> Any:
            return node_plan.Become(evolve(case.record, life=Life.BOOTING))

        crashed = node_plan.Look.CRASHED
        first = Goal.RUNNING, Life.RUNNING, crashed
        self.entry(node_plan.TABLE, first, run_again)
        then = Goal.RUNNING, Life.BOOTING, crashed
        self.entry(node_plan.TABLE, then, node_plan._boot)
        self.shows("began 2 times")

    def test_silence_is_death(self) -> None:
        """A node that is not heard, and declared to have lost what it had."""
        entry = Wanted.RUNNING, Phase.EXTANT, cluster_plan.Look.UNHEARD
        self.entry(cluster_plan.TABLE, entry, cluster_plan._removed)
        self.shows("and runs on", "and the cloud says nothing of it")

    def test_forgotten_at_once(self) -> None:
        """A node that does not remember what has ended."""

        def forget(case: Any) -> Any:
            return node_plan.Forget()

        entry = Goal.ENDED, Life.TERMINATED, node_plan.Look.ABSENT
        self.entry(node_plan.TABLE, entry, forget)
        self.found()

    def test_promised_twice(self) -> None:
        """A node that is given more than it has, and takes it."""
        self.patch(Ledger, "refusal", lambda self, wanted: "")
        self.patch(Room, "free", lambda self, view: view.free)
        self.shows(" promise ", "is overfilled")

    def test_never_told_of(self) -> None:
        """An instance that is told to have ended since nothing was heard of it."""
        self.patch(Steps, "has", has_nothing)
        self.shows("and runs on")

    def entry(self, table: dict[Any, Any], key: Any, entry: Any) -> None:
        before = table[key]
        self.addCleanup(table.__setitem__, key, before)
        table[key] = entry
