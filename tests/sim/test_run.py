"""Tests for L{euca_tw.sim.run}: small clouds, from their beginning to their end."""

from __future__ import annotations

import json
from collections import Counter
from io import StringIO
from typing import Any

from attrs import evolve

from euca_tw.model.capacity import NOTHING
from euca_tw.sim.life import Moment
from euca_tw.sim.run import NotReady, Simulation
from euca_tw.sim.scenario import Scenario
from euca_tw.sim.summary import Summary
from tests.sim.cases import SMALL, ScenarioCase


class RunCase(ScenarioCase):
    def run_(self, scenario: Scenario) -> tuple[Summary, list[dict[str, Any]]]:
        into = StringIO()
        self.simulation = Simulation(scenario, into)
        summary = self.simulation.run()
        self.text = into.getvalue()
        return summary, [json.loads(line) for line in self.text.splitlines()]

    def sound(self, scenario: Scenario) -> tuple[Summary, list[dict[str, Any]]]:
        summary, events = self.run_(scenario)
        self.assertEqual((summary.violations, summary.bugs), ((), ()))
        return summary, events

    def of(self, events: list[dict[str, Any]], event: str) -> list[dict[str, Any]]:
        return [each for each in events if each["event"] == event]


class RunTests(RunCase):
    def test_small(self) -> None:
        """Users come, have what they ask for as long as they want, and leave."""
        summary, events = self.sound(self.scenario())
        count = summary.counts
        self.assertGreater(count["asked"], 10)
        self.assertEqual(count["asked"], count["taken"] + count.get("refused", 0))
        self.assertEqual(count["running"], count["taken"])
        self.assertEqual(count["terminated"], count["leaving"])
        self.assertEqual(count["steps"], self.simulation.site.clock.steps)
        self.assertEqual([e["at"] for e in events], sorted(e["at"] for e in events))
        self.assertEqual(
            {e["node"] for e in self.of(events, "running")},
            {"north-00000", "north-00001", "north-00002"},
        )
        # One second to stage, half a one to start; ten to boot.
        self.assertGreater(min(summary.delays["until running"]), 1.5)
        self.assertLess(max(summary.delays["until running"]), 15)
        self.assertGreater(min(summary.delays["until ready"]), 11.5)
        self.assertGreater(max(summary.usage["cores"]), 0.1)

    def test_repeated(self) -> None:
        """With its seed a run is the same to the byte, with another it is another."""
        storm = self.scenario(
            SMALL + "[faults]\ncrashes_per_hour = 200\nloss = 0.02\ndelay = 0.02\n"
        )
        summary, _ = self.run_(storm)
        first = self.text, summary.as_json()
        summary, _ = self.run_(storm)
        self.assertEqual((self.text, summary.as_json()), first)
        summary, _ = self.run_(evolve(storm, run=evolve(storm.run, seed=4)))
        self.assertNotEqual(self.text, first[0])

    def test_carried(self) -> None:
        """Whether records are passed or written as XML comes to the same."""
        short = ("duration_s = 120.0", "duration_s = 40.0")
        self.sound(self.scenario(SMALL, short))
        by_records = self.text
        self.assertIn("terminated", by_records)
        self.sound(self.scenario(SMALL + "[network]\nis_xml = true\n", short))
        self.assertEqual(self.text, by_records)

    def test_managed(self) -> None:
        """Networks may be managed: machines carry those of whom they run."""
        scenario = self.scenario(SMALL + '[network]\nmode = "managed"\n')
        self.sound(scenario)
        networks = self.simulation.site.networks
        assert networks is not None
        self.assertEqual(
            sorted(networks.hosts),
            ["north-00000", "north-00001", "north-00002", "north-head"],
        )
        runs: dict[str, set[str]] = {}
        for name, node in self.simulation.watchman.domains.items():
            runs.setdefault(node, set()).add(name)
        self.assertTrue(runs)
        for node, names in runs.items():
            view = networks.views[node]
            assert view is not None
            [network] = view.networks.values()
            here = {each.instance_id for each in network.members}
            self.assertLessEqual(names, here)

    def test_managed_storm(self) -> None:
        """Whatever befalls them, and their heads, it ends as it must."""
        faults = "[faults]\ncrashes_per_hour = 300\nloss = 0.02\ndown_s = 15\n"
        summary, _ = self.sound(
            self.scenario(SMALL + '[network]\nmode = "managed"\n' + faults)
        )
        self.assertGreater(summary.counts["crash"], 3)

    def test_full(self) -> None:
        """Who finds no room is refused with the reason, after he has waited."""
        scenario = self.scenario(
            SMALL, ("nodes = 3", "nodes = 1"), ("mean = 40.0", "mean = 400.0")
        )
        summary, events = self.sound(scenario)
        [first, *_] = self.of(events, "refused")
        self.assertEqual(first["code"], "InsufficientInstanceCapacity")
        self.assertIn("room for 0 more", first["reason"])
        # A node has room for four.
        self.assertEqual(Counter(e["event"] for e in events)["running"], 4)
        self.assertEqual(max(summary.usage["cores"]), 1.0)

    def test_patience(self) -> None:
        """Who is patient has his instance when another has left."""
        scenario = self.scenario(SMALL, ("nodes = 3", "nodes = 1"))
        patient = evolve(scenario.workload, patience_s=100.0, retry_s=5.0)
        summary, _ = self.sound(evolve(scenario, workload=patient))
        self.assertGreater(max(summary.delays["until taken"]), 5)

    def test_never_ready(self) -> None:
        """A cloud that has no room for anything does not begin."""
        scenario = self.scenario(SMALL, ("cores = 1", "cores = 64"))
        error: Any = self.assertRaises(NotReady, self.run_, scenario)
        self.assertIn("no room for any machine type", str(error))

    def test_progress(self) -> None:
        """It is told how far a run is, up to its end."""
        shares: list[float] = []
        short = ("duration_s = 120.0", "duration_s = 20.0")
        Simulation(self.scenario(SMALL, short)).run(
            lambda share, launches: shares.append(share)
        )
        self.assertEqual((shares, shares[-1]), (sorted(shares), 1.0))


class FaultTests(RunCase):
    """What goes wrong, and what the cloud makes of it."""

    def faulty(self, faults: str, text: str = SMALL) -> Scenario:
        return self.scenario(text + faults)

    def fault(self, kind: str, target: str, **given: Any) -> str:
        lines = {"kind": kind, "target": target, "at_s": 30, "for_s": 20, **given}
        told = "\n".join(f"{key} = {json.dumps(v)}" for key, v in lines.items())
        return f"[[fault]]\n{told}\n"

    def test_crash_of_each(self) -> None:
        """Whatever daemon is killed and started again, nothing is lost or doubled."""
        faults = "".join(
            self.fault("crash", name, at_s=at_s)
            for name, at_s in (("cloud", 20), ("north", 45), ("north-00001", 70))
        )
        summary, events = self.sound(self.faulty(faults))
        self.assertEqual(summary.counts["crash"], summary.counts["restart"])
        self.assertEqual(
            [(e["at"], e["daemon"]) for e in self.of(events, "restart")],
            [(40.0, "cloud"), (65.0, "north"), (90.0, "north-00001")],
        )
        self.assertEqual(summary.counts.get("failed", 0), 0)

    def test_crash_at_each_moment(self) -> None:
        """Nor if it is killed in the midst of what it does, before or after it."""
        for moment in Moment:
            faults = "".join(
                self.fault("crash", name, at_s=at_s, moment=moment.value, nth=2)
                for name, at_s in (("cloud", 20), ("north", 45), ("north-00001", 70))
            )
            summary, events = self.sound(self.faulty(faults))
            struck = {each["daemon"] for each in self.of(events, "crash")}
            expected = {"cloud", "north", "north-00001"}
            match moment:
                case Moment.ACTING | Moment.ACTED:
                    expected = {"north-00001"}
                case Moment.ASKING | Moment.ASKED | Moment.HEARING:
                    expected -= {"north-00001"}
                case Moment.TOLD:
                    expected -= {"cloud"}
            self.assertEqual(struck, expected, moment)
            self.assertEqual(summary.counts["restart"], len(expected))

    def test_hypervisor(self) -> None:
        """What a hypervisor that does not answer keeps from coming comes later."""
        summary, _ = self.sound(
            self.faulty(self.fault("hypervisor", "north-00001", for_s=40))
        )
        self.assertEqual(summary.counts["answers"], 1)
        self.assertGreater(max(summary.delays["until running"]), 10)

    def test_partition(self) -> None:
        """Who cannot be reached for a while is heard again."""
        summary, _ = self.sound(
            self.faulty(self.fault("partition", "cloud", other="north", for_s=50))
        )
        self.assertEqual(summary.counts["joined"], 1)
        self.assertGreater(max(summary.delays["until running"]), 10)

    def test_death_for_good(self) -> None:
        """A dead node's instances are not lost: what they are is not known."""
        summary, events = self.sound(
            self.faulty(self.fault("death", "north-00002", for_s=0))
        )
        there = {
            e["instance"]
            for e in self.of(events, "running")
            if e["node"] == "north-00002"
        }
        self.assertTrue(there)
        self.assertTrue(
            all(
                e["at"] < 31
                for e in self.of(events, "running")
                if e["node"] == "north-00002"
            )
        )
        self.assertEqual(summary.counts.get("failed", 0), 0)

    def test_power_comes_back(self) -> None:
        """Instances whose node lost its power have failed, with the reason."""
        lasting = SMALL.replace("mean = 40.0", "mean = 900.0")
        _, events = self.sound(self.faulty(self.fault("death", "north-00002"), lasting))
        failed = self.of(events, "failed")
        self.assertTrue(failed)
        self.assertIn("domain was gone", failed[0]["reason"])

    def test_storm(self) -> None:
        """All of it at once, at random: it ends as it must."""
        faults = (
            "[faults]\ncrashes_per_hour = 300\npartitions_per_hour = 60\n"
            "loss = 0.02\nduplication = 0.05\ndelay = 0.05\n"
            "down_s = 15\napart_s = 15\n"
        )
        summary, _ = self.sound(self.faulty(faults))
        self.assertGreater(summary.counts["crash"], 3)

    def test_violation_is_told(self) -> None:
        """What must not be is in the summary, which is then not sound."""
        scenario = self.scenario(SMALL, ("duration_s = 120.0", "duration_s = 5.0"))
        simulation = Simulation(scenario)
        simulation.make_ready()
        simulation.domain_began("i-00000bad", "north-00000", NOTHING)
        summary = simulation.run()
        self.assertIn("i-00000bad runs on north-00000", "\n".join(summary.violations))
        self.assertFalse(summary.is_sound)

    def test_bug_is_told(self) -> None:
        """So is a failure of ours; the others go on meanwhile."""
        scenario = self.scenario(SMALL, ("duration_s = 120.0", "duration_s = 5.0"))
        simulation = Simulation(scenario)
        simulation.make_ready()

        def fail() -> None:
            raise ZeroDivisionError

        simulation.site.clock.callLater(1, fail)
        summary = simulation.run()
        self.assertTrue(summary.bugs[0].startswith("a step failed"))
        self.assertIn("ZeroDivisionError", summary.bugs[0])
        self.assertFalse(summary.is_sound)
        self.flushLoggedErrors(ZeroDivisionError)
