"""Tests for L{euca_tw.sim.tenants}: what users do with what they have."""

from __future__ import annotations

from collections import Counter

from tests.sim.cases import SMALL
from tests.sim.test_run import RunCase

STOPPING = SMALL.replace(
    "[workload]",
    "[workload]\nstop_share = 0.6\nstop_after_s = 8\nstopped_s = 6\nretry_s = 4",
)


class ManyTests(RunCase):
    def test_many(self) -> None:
        """Several that are asked for at once all run, and end one by one."""
        many = 'count = { kind = "uniform", low = 2, high = 3 }\npatience_s = 200\n'
        summary, events = self.sound(self.scenario(SMALL + many))
        asked = {e["launch"]: e["count"] for e in self.of(events, "asked")}
        self.assertEqual(set(asked.values()), {2, 3})
        taken = Counter(e["launch"] for e in self.of(events, "taken"))
        self.assertEqual({asked[launch] == n for launch, n in taken.items()}, {True})
        self.assertEqual(summary.counts["running"], summary.counts["taken"])
        instances = [e["instance"] for e in self.of(events, "terminated")]
        self.assertEqual(len(instances), len(set(instances)))

    def test_all_or_none(self) -> None:
        """Where there is no room for all there is none for one."""
        scenario = self.scenario(
            SMALL + "count = 3\n", ("nodes = 3", "nodes = 1"), ("= 40.0", "= 4000.0")
        )
        summary, events = self.sound(scenario)
        self.assertEqual(summary.counts["taken"], 3)
        self.assertIn("room for 1 more", self.of(events, "refused")[0]["reason"])


class StopTests(RunCase):
    def test_stop_and_start(self) -> None:
        """
        Instances that are stopped keep their place on their node, take none of its
        room, and run there again.
        """
        summary, events = self.sound(self.scenario(STOPPING))
        count = summary.counts
        self.assertGreater(count["stopping"], 5)
        self.assertGreater(count["starting"], 5)
        # None is asked to stop that does not, unless it is ended before.
        self.assertLess(count["stopping"] - count["stopped"], count["leaving"])
        nodes: dict[str, set[str]] = {}
        for each in self.of(events, "running"):
            nodes.setdefault(each["instance"], set()).add(each["node"])
        self.assertEqual({len(each) for each in nodes.values()}, {1})
        self.assertTrue(summary.delays["until running again"])
        # It is not staged anew, only started: at once, where there is room.
        self.assertLess(min(summary.delays["until running again"]), 3)
        self.assertEqual(count["running"], count["taken"] + len(summary.delays[_AGAIN]))

    def test_through_crashes(self) -> None:
        """Whatever daemon dies meanwhile, what was asked for comes about, once."""
        faults = "[faults]\ncrashes_per_hour = 300\ndown_s = 6\ndelay = 0.02\n"
        summary, _ = self.sound(self.scenario(STOPPING + faults))
        self.assertGreater(summary.counts["crash"], 3)
        self.assertGreater(summary.counts["starting"], 3)


_AGAIN = "until running again"


class PlacementTests(RunCase):
    def test_placement(self) -> None:
        """Which cluster an instance goes to is the placement's to say."""
        clusters = SMALL + SMALL[SMALL.index("[[cluster]]") : SMALL.index("[[type]]")]
        head, _, tail = clusters.rpartition('"north"')
        both = f'{head}"south"{tail}'
        used = {}
        for name in ("greedy", "round-robin"):
            scenario = self.scenario(f'{both}[cloud]\nplacement = "{name}"\n')
            summary, events = self.sound(scenario)
            self.assertEqual(summary.policies["cloud"], name)
            first = self.of(events, "running")[:6]
            used[name] = Counter(each["node"].split("-")[0] for each in first)
        self.assertEqual(used["greedy"]["north"], 6)
        self.assertEqual(set(used["round-robin"]), {"north", "south"})
