"""Tests for L{euca_tw.sim.compare}."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.sim.compare import MEASURES, Comparison, estimate, variants
from euca_tw.sim.summary import Summary
from tests.sim.cases import ScenarioCase
from tests.sim.test_charts import summary


def run(seed: int, refused: int, *violations: str) -> Summary:
    delays = {"until taken": [1.0, 3.0], "until running": [4.0, 9.0]}
    return summary(
        seed=seed,
        counts={"taken": 10, "refused": refused},
        delays=delays,
        violations=violations,
    )


class VariantTests(ScenarioCase):
    def test_product(self) -> None:
        """Each scheduler is tried with each placement, in all clusters."""
        made = variants(
            self.scenario(), ("greedy", "best-fit"), ("round-robin", "greedy")
        )
        self.assertEqual(
            [each.name for each in made],
            [
                *("greedy / round-robin", "greedy / greedy"),
                *("best-fit / round-robin", "best-fit / greedy"),
            ],
        )
        last = made[-1].scenario
        self.assertEqual(last.cloud.placement, "greedy")
        self.assertEqual({each.scheduler for each in last.clusters}, {"best-fit"})

    def test_its_own(self) -> None:
        """Of what nothing is said the scenario's own is tried."""
        [made] = variants(self.scenario(), (), ())
        self.assertEqual((made.name, made.scenario.cloud.placement), _AS_IT_IS)
        [made] = variants(self.scenario(), ("greedy",), ())
        self.assertEqual((made.name, made.scenario.cloud.placement), _GREEDY)


_AS_IT_IS = "as it is", "least-loaded"
_GREEDY = "greedy", "least-loaded"


class EstimateTests(SynchronousTestCase):
    def test_interval(self) -> None:
        """
        The interval is Student's: of 1 to 5, whose deviation is 1.58, by 2.776 times
        that over the root of 5.
        """
        found = estimate([1.0, 2.0, 3.0, 4.0, 5.0])
        self.assertEqual((found.mean, found.half), (3.0, 1.962928))
        self.assertEqual(str(found), "3.000 ± 1.963")

    def test_one(self) -> None:
        """Of one value it is not known how far it is off."""
        self.assertEqual(str(estimate([2.5])), "2.500")

    def test_many(self) -> None:
        """Of very many it is the normal distribution's."""
        found = estimate([0.0, 2.0] * 500)
        self.assertEqual(found.mean, 1.0)
        self.assertEqual(found.half, 0.062012)


class ComparisonTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.comparison = Comparison(
            runs={
                "one": [run(1, 10), run(2, 20)],
                "other": [run(1, 13), run(2, 23)],
            }
        )

    def test_differences(self) -> None:
        """What differs between seeds alone is not in the difference."""
        means = self.comparison.means("other")["refused"]
        self.assertEqual((means.mean, means.half), (18.0, 63.53))
        differs = self.comparison.differences("other")["refused"]
        self.assertEqual((differs.mean, differs.half), (3.0, 0.0))

    def test_table(self) -> None:
        """Each measure has a line, of the means and of the differences."""
        lines = [*self.comparison.as_table()]
        self.assertIn("mean over 2 seeds (1 to 2)", lines[0])
        self.assertEqual(lines[1].split(), ["one", "other"])
        refused = [each.split() for each in lines if each.startswith("refused")]
        self.assertEqual(
            refused,
            [
                ["refused", *["15.000", "±", "63.530", "18.000", "±", "63.530"]],
                ["refused", *["3.000", "±", "0.000"]],
            ],
        )
        self.assertIn("difference from one, seed by seed", lines)
        self.assertEqual(len({len(each) for each in lines[1 : 2 + len(MEASURES)]}), 1)

    def test_json(self) -> None:
        """As JSON it has each seed's values too."""
        told = json.loads(self.comparison.as_json())
        self.assertEqual(told["other"]["seeds"], [1, 2])
        self.assertEqual(told["other"]["values"]["refused"], [13, 23])
        self.assertEqual(told["other"]["differences"]["refused"]["mean"], 3.0)
        self.assertEqual(told["one"]["values"]["running s, p99"], [9.0, 9.0])

    def test_unsound(self) -> None:
        """A run that found what must not be is named, with its seed."""
        comparison = Comparison(runs={"one": [run(1, 0), run(7, 0, "late")]})
        self.assertEqual(comparison.unsound, ["one, seed 7: late"])
        self.assertEqual([*comparison.as_table()][-1], "unsound: one, seed 7: late")
