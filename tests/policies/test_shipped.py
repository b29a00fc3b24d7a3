"""Every policy that is shipped, by the suites of its kind."""

from __future__ import annotations

from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from euca_tw.policies.found import find, make
from euca_tw.policies.interfaces import PLACEMENT, SCHEDULER
from tests.suites.policies import (
    NAIVE,
    make_iplacement_tests,
    make_ischeduler_tests,
)

NAMES = {
    "greedy",
    "round-robin",
    "power-save",
    "least-loaded",
    "best-fit",
    "spread-by-group",
}


def _cases() -> None:
    """A test case of this module for each."""
    for policy in find().policies:
        if policy.name not in NAMES:
            continue  # a stranger's, installed here
        words = "".join(word.title() for word in policy.name.split("-"))
        name = f"{words}{policy.kind.title()}Tests"
        if policy.kind == SCHEDULER:
            case = make_ischeduler_tests(partial(make, policy), NAIVE[policy.name])
        else:
            case = make_iplacement_tests(partial(make, policy))
        case.__name__ = case.__qualname__ = name
        case.__module__ = __name__
        globals()[name] = case


_cases()


class ShippedTests(SynchronousTestCase):
    def test_names(self) -> None:
        """Six of each kind are shipped, under the same names, and none is broken."""
        found = find()
        for kind in (PLACEMENT, SCHEDULER):
            self.assertLessEqual(NAMES, set(found.names(kind)))
            self.assertLessEqual(NAMES, {*NAIVE})
        broken = [each.plugin for each in found.broken]
        self.assertFalse([each for each in broken if "euca_tw_shipped" in each])
