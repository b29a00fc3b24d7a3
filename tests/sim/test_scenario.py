"""Tests for L{euca_tw.sim.scenario}."""

from __future__ import annotations

from pathlib import Path

from euca_tw.model.capacity import MachineType, Resources
from euca_tw.sim.distributions import Exponential
from euca_tw.sim.fault_plan import Fault
from euca_tw.sim.scenario import read_scenario
from tests.sim.cases import SMALL, ScenarioCase

DOCS = Path(__file__).parents[2] / "docs"


class ScenarioTests(ScenarioCase):
    def test_read(self) -> None:
        """What is said is there, and what is not has its default."""
        read = self.scenario()
        self.assertEqual((read.run.seed, read.run.duration_s), (3, 120.0))
        [cluster] = read.clusters
        self.assertEqual(
            cluster.machine, Resources(cores=4, memory_mib=8192, disk_gib=100)
        )
        self.assertEqual(
            cluster.node_names, ("north-00000", "north-00001", "north-00002")
        )
        self.assertEqual(
            [each.machine for each in read.kinds],
            [MachineType(name="m1.small", cores=1, memory_mib=1024, disk_gib=10)],
        )
        self.assertEqual(read.workload.lifetime_s, Exponential(mean=40.0))
        self.assertEqual(read.tiers.poll_s, 55.0)
        self.assertEqual([*read.daemons], ["cloud", "north", *cluster.node_names])

    def test_documented(self) -> None:
        """The scenarios of the documentation are right."""
        files = sorted((DOCS / "scenarios").glob("*.toml"))
        self.assertTrue(files)
        for file in files:
            self.assertTrue(read_scenario(file).clusters)

    def test_faults(self) -> None:
        """Faults that are planned are read."""
        more = '[[fault]]\nkind="crash"\nat_s=5\ntarget="north-00002"\n'
        self.assertEqual(
            self.scenario(SMALL + more).planned,
            (Fault(kind="crash", at_s=5.0, for_s=30.0, target="north-00002"),),
        )

    def test_refusals(self) -> None:
        """What is not known, missing or wrong is refused with its name."""
        for before, after, reason in (
            (
                "[run]",
                "[ran]",
                "[ran] there is no such section; there are cloud,",
            ),
            ("seed = 3", "seeds = 3", "[run] seeds: there is no such option"),
            ("duration_s = 120.0", "", "[run] duration_s: is missing"),
            ("120.0", "0", "[run] duration_s: 0.0 must be more than 0"),
            ("[[cluster]]", "[cluster]", "[cluster] must be written as [[cluster]]"),
            ("cores = 4", "cores = 4.5", "[cluster 1] cores: 4.5 must be a whole"),
            ('"north"', '"cloud"', "name: 'cloud' is the cloud controller"),
            ('"north"', '"a b"', "[cluster 1] name: 'a b' must be of letters"),
            ('"poisson"', '"often"', "[workload] kind: 'often' is none of poisson"),
            ('"poisson"', '"trace"', "[workload] file: is missing, of a trace"),
            ("mean = 40.0", "mean = 0", "[workload.lifetime_s] mean: 0.0 must be more"),
            ("disk_gib = 10\n", "disk_gib = 10\nweight = 0\n", "[type] weight: must"),
        ):
            self.assertIn(reason, self.refusal((before, after)))

    def test_refused_additions(self) -> None:
        """So is what does not go with the rest."""
        kind = SMALL[SMALL.index("[[type]]") : SMALL.index("[workload]")]
        fault = '[[fault]]\nat_s = 1\nkind = "{}"\ntarget = "{}"\n{}\n'
        for more, reason in (
            (kind, "[type] name: there are two that are called 'm1.small'"),
            (fault.format("crash", "east", ""), "there is no daemon 'east'"),
            (fault.format("partition", "north", ""), "there is no daemon ''"),
            (fault.format("crash", "north", "for_s = 0"), "a crash must end"),
            (fault.format("crash", "north", 'other = "cloud"'), "other must not be"),
            (fault.format("death", "north", ""), "a death is of a node"),
            (fault.format("partition", "north", 'other = "north"'), "from itself"),
            (fault.format("hypervisor", "north", ""), "a hypervisor is of a node"),
            (fault.format("crash", "north", 'moment = "noon"'), "moment: 'noon' is"),
            (
                fault.format("death", "north-00000", 'moment = "told"'),
                "moment is of a crash",
            ),
            (fault.format("flood", "north", ""), "kind: 'flood' is none of crash"),
            ('[network]\nmode = "system"\n', "mode: 'system' is none of static, mana"),
            ("[network]\naddresses_per_network = 12\n", "12 must be a power of two"),
            ("[faults]\nloss = 1.5\n", "[faults] loss: 1.5 must be from 0 to 1"),
        ):
            self.assertIn(reason, self.refusal(text=SMALL + more))

    def test_cluster_of_unknown_policy(self) -> None:
        """A policy must be one that clusters have."""
        self.assertIn(
            "[cluster 1] scheduler: 'magic' is none of best-fit",
            self.refusal(("cores = 4", 'cores = 4\nscheduler = "magic"')),
        )
