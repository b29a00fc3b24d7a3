"""Tests for L{euca_tw.sim.invariants}."""

from __future__ import annotations

from typing import Any

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.model.capacity import Resources
from euca_tw.model.records import Instance, InstanceState
from euca_tw.sim.invariants import End, Watchman, final
from tests.fakes.instances import instance

ONE = Resources(cores=1, memory_mib=100, disk_gib=0)
ROOM = Resources(cores=2, memory_mib=1000, disk_gib=0)


class WatchmanTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.watchman = Watchman()

    def began(self, name: str, node: str = "a", at_s: float = 1.0) -> None:
        self.watchman.began(at_s, name, node, ONE, ROOM)

    def test_as_it_must_be(self) -> None:
        """Domains may begin, end, and others take their room."""
        for name in ("i-1", "i-2", "i-3", "i-4"):
            self.began(name)
            self.watchman.ceased(name, "a", ONE)
            self.watchman.told_ended(2.0, name)
        self.assertEqual((self.watchman.violations, self.watchman.count), ([], 0))

    def test_two_places(self) -> None:
        """An instance that runs twice is seen."""
        self.began("i-1", "a")
        self.began("i-1", "b")
        self.assertEqual(
            self.watchman.violations, ["at 1.000 s: i-1 runs on b, and on a too"]
        )

    def test_too_full(self) -> None:
        """A node that has more than it can hold is seen."""
        for name in ("i-1", "i-2", "i-3"):
            self.began(name)
        [violation] = self.watchman.violations
        self.assertIn("a is overfilled by i-3", violation)

    def test_ended_and_runs(self) -> None:
        """What is told to have ended, and runs, is seen."""
        self.began("i-1")
        self.watchman.told_ended(2.0, "i-1")
        self.assertEqual(
            self.watchman.violations,
            ["at 2.000 s: i-1 is told to have ended, and runs on a"],
        )

    def test_back_from_the_dead(self) -> None:
        """What runs after it ended is seen."""
        self.watchman.told_ended(1.0, "i-1")
        self.began("i-1", at_s=3.0)
        self.assertEqual(
            self.watchman.violations,
            ["at 3.000 s: i-1 runs on a after it was told to have ended"],
        )

    def test_many(self) -> None:
        """Of very many that are alike only the first are kept; all are counted."""
        for number in range(50):
            self.watchman.note(1.0, f"{number}")
        self.assertEqual((len(self.watchman.violations), self.watchman.count), (20, 50))


class FinalTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.one = instance(state=InstanceState.RUNNING, node="a")
        self.name = self.one.instance_id

    def found(self, *instances: Instance, **given: Any) -> list[str]:
        end: dict[str, Any] = {
            "domains": {self.name: "a"},
            "acknowledged": (),
            "dead": (),
            **given,
        }
        return [*final(End(instances=instances, **end))]

    def test_well(self) -> None:
        """All that is wanted runs where it is told to."""
        self.assertEqual(self.found(self.one, acknowledged=(self.name,)), [])

    def test_forgotten(self) -> None:
        """What was acknowledged and is not known is told."""
        self.assertEqual(
            self.found(domains={}, acknowledged=("i-9",)),
            ["i-9 was acknowledged, and is forgotten"],
        )

    def test_not_running(self) -> None:
        """What shall run and is not told to is told; silent is not running."""
        pending = evolve(self.one, state=InstanceState.PENDING)
        self.assertIn("is told to be pending", self.found(pending)[0])
        silent = evolve(self.one, is_silent=True)
        self.assertIn("running, and silent", self.found(silent)[0])

    def test_on_a_dead_node(self) -> None:
        """What a dead node has cannot be asked for."""
        silent = evolve(self.one, is_silent=True)
        self.assertEqual(self.found(silent, domains={}, dead=("a",)), [])

    def test_no_domain(self) -> None:
        """What is told to run and does not, or elsewhere, is told."""
        self.assertIn("and does not", self.found(self.one, domains={})[0])
        elsewhere = self.found(self.one, domains={self.name: "b"})
        self.assertIn("runs on b in place of a", elsewhere[0])

    def test_unwanted(self) -> None:
        """What runs and nobody wants is told."""
        ended = evolve(
            self.one, wanted=InstanceState.TERMINATED, state=InstanceState.TERMINATED
        )
        self.assertIn("nobody wants it", self.found(ended)[0])
        self.assertIn("nobody wants it", self.found()[0])

    def test_stopped(self) -> None:
        """What shall be stopped is told to be, and has its disk and nothing more."""
        stopped = evolve(
            self.one, wanted=InstanceState.STOPPED, state=InstanceState.STOPPED
        )
        disks = [(self.name, "a")]
        self.assertEqual(self.found(stopped, domains={}, disks=disks), [])
        self.assertIn("nobody wants it", self.found(stopped, disks=disks)[0])
        stopping = evolve(stopped, state=InstanceState.STOPPING)
        told = self.found(stopping, domains={}, disks=disks)
        self.assertIn("shall be stopped, and is told to be stopping", told[0])

    def test_disks(self) -> None:
        """Who lives has a disk where he is, and nobody else has one."""
        self.assertEqual(self.found(self.one, disks=[(self.name, "a")]), [])
        self.assertIn("has no disk on a", self.found(self.one, disks=[])[0])
        more = [(self.name, "a"), (self.name, "b"), ("i-2", "dead")]
        told = self.found(self.one, disks=more, dead=("dead",))
        self.assertEqual(told, [f"{self.name} has a disk on b, and nobody wants it"])
