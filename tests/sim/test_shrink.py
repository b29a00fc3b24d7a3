"""Tests for L{euca_tw.sim.shrink}: on checks that look at a case, and run nothing."""

from __future__ import annotations

from attrs import evolve
from twisted.trial.unittest import SynchronousTestCase

from euca_tw.sim.case import Case, Request
from euca_tw.sim.draw import case
from euca_tw.sim.fault_plan import Fault, Faults
from euca_tw.sim.shrink import Shrinker, kind_of


def large() -> Case:
    """One with much in it that has nothing to do with anything."""
    of = case(3)
    verbs = ("launch", "stop", "start", "reboot", "terminate") * 3
    requests = tuple(
        Request(at_s=5.0 + n, verb=verb, launch=n, count=3, zone="north")
        for n, verb in enumerate(verbs)
    )
    planned = tuple(
        Fault(kind="crash", at_s=6.0 + n, target=name)
        for n, name in enumerate(of.scenario.daemons)
    )
    scenario = evolve(of.scenario, planned=planned, faults=Faults(loss=0.1, delay=0.2))
    return evolve(of, scenario=scenario, requests=requests)


class ShrinkTests(SynchronousTestCase):
    def test_fewest(self) -> None:
        """What it takes is left: these two requests, and that fault."""

        def check(of: Case) -> list[str]:
            verbs = [each.verb for each in of.requests]
            targets = [each.target for each in of.scenario.planned]
            ok = "stop" in verbs and "start" in verbs and "cloud" in targets
            return ["it is lost"] if ok else []

        small = Shrinker(check).shrink(large())
        self.assertEqual(
            sorted(each.verb for each in small.requests), ["start", "stop"]
        )
        self.assertEqual([each.target for each in small.scenario.planned], ["cloud"])
        self.assertEqual(small.found, ("it is lost",))
        # Nor do messages get lost, nor is more asked for than need be.
        self.assertEqual(small.scenario.faults, Faults())
        self.assertEqual(
            [(each.count, each.zone) for each in small.requests], [(1, "")] * 2
        )
        [cluster] = small.scenario.clusters
        self.assertEqual(cluster.nodes, 1)

    def test_needs_loss(self) -> None:
        """What needs lost messages keeps them, and not those that are late."""
        small = Shrinker(lambda of: ["lost"] if of.scenario.faults.loss else []).shrink(
            large()
        )
        self.assertEqual(small.scenario.faults, Faults(loss=0.1))
        self.assertEqual((small.requests, small.scenario.planned), ((), ()))

    def test_same_kind(self) -> None:
        """A smaller case that shows something else is not taken."""

        def check(of: Case) -> list[str]:
            if len(of.requests) > 3:
                return ["at 1.5 s: i-0000000a runs on north-00001"]
            return ["at 2 s: i-0000000b is forgotten"] if of.requests else []

        self.assertEqual(len(Shrinker(check).shrink(large()).requests), 4)

    def test_bounded(self) -> None:
        """It ends after so many runs, with the smallest by then."""
        shrinker = Shrinker(lambda of: ["always"], most=3)
        small = shrinker.shrink(large())
        self.assertEqual(shrinker.runs, 3)
        self.assertLess(small.size, large().size)

    def test_nothing(self) -> None:
        """What shows nothing cannot be made smaller."""
        shrinker = Shrinker(lambda of: [])
        error = self.assertRaises(ValueError, shrinker.shrink, large())
        self.assertIn("nothing wrong", str(error))

    def test_kind(self) -> None:
        """Of which instance, daemon and moment ever, it is the same."""
        one = "at 1.234 s: i-00ab12cd runs on north-00001, and on north-00000 too"
        other = "at 20.0 s: i-12345678 runs on south-00002, and on south-00001 too"
        self.assertEqual(kind_of(one), kind_of(other))
        self.assertNotEqual(kind_of(one), kind_of("at 1.234 s: i-00ab12cd is lost"))
        # Of a bug, what was raised, and not where.
        self.assertEqual(kind_of("x failed\n  line 3\nKeyError: 'a'"), "KeyError: 'a'")
