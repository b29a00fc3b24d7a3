"""Tests for L{euca_tw.sim.sweep}: a launch and its end, and a crash at each moment."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from attrs import evolve

from euca_tw.clc import launches
from euca_tw.sim.case import Case, Request, read_case
from euca_tw.sim.life import Moment
from euca_tw.sim.sweep import sweep
from tests.sim.test_explore import ExploreCase, intend_hastily

LIFE = Path(__file__).parents[2] / "docs" / "cases" / "life.toml"


def short() -> Case:
    """Of one instance, in a static network."""
    life = read_case(LIFE)
    requests = (
        Request(at_s=0.1, verb="launch", launch=1),
        Request(at_s=2.0, verb="terminate", launch=1),
    )
    run = evolve(life.scenario.run, duration_s=6.0)
    network = evolve(life.scenario.network, mode="static")
    scenario = evolve(life.scenario, run=run, network=network)
    return evolve(life, requests=requests, scenario=scenario)


class SweepTests(ExploreCase):
    def test_each_moment(self) -> None:
        """Whichever daemon dies, before or after whatever step, it ends well."""
        came: Counter[tuple[str, str]] = Counter()
        shares: list[float] = []
        for strike in sweep(short(), progress=lambda share, n: shares.append(share)):
            *_, crash = strike.case.scenario.planned
            came[crash.target, crash.moment] += 1
            self.assertEqual(strike.violations, (), crash)
            self.assertEqual(crash.nth, came[crash.target, crash.moment])
        for name, moments in (
            ("cloud", (Moment.COMMITTED, Moment.ASKED, Moment.ANSWERING)),
            ("north", (Moment.COMMITTING, Moment.TOLD, Moment.HEARING)),
            ("north-00000", (Moment.ACTING, Moment.ACTED, Moment.TOLD)),
        ):
            for moment in moments:
                self.assertGreater(came[name, moment.value], 1, (name, moment))
        self.assertEqual((shares, shares[-1]), (sorted(shares), 1.0))

    def test_found(self) -> None:
        """What is broken is found at the moment at which it shows."""
        self.patch(launches, "intend", intend_hastily)
        first = next(each for each in sweep(short()) if each.violations)
        self.assertIn("was acknowledged, and", first.violations[0])

    def test_documented(self) -> None:
        """The case of the documentation is one."""
        verbs = [each.verb for each in read_case(LIFE).requests]
        self.assertEqual((len(verbs), verbs[-1]), (7, "terminate"))
