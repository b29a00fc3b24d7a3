"""
A case that shows something, made smaller for as long as it shows it: fewer requests
and faults, messages that arrive, fewer machines, less time.

Delta debugging: see A. Zeller and R. Hildebrandt, "Simplifying and Isolating
Failure-Inducing Input", 2002.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from attrs import define, evolve, field

from euca_tw.sim.case import Case, Request
from euca_tw.sim.fault_plan import Fault, Faults

#: What a case shows.
Check = Callable[[Case], Sequence[str]]

#: What differs from run to run in the text of one and the same violation.
_CHANCE = re.compile(r"\bi-[0-9a-f]+|[a-z]+-\d{5}|\d+(\.\d+)*")


def kind_of(what: str) -> str:
    """What it is, of which instance, daemon and moment ever."""
    return _CHANCE.sub("#", what.splitlines()[-1] if what else "")


@define
class Shrinker:
    """
    @ivar check: runs a case.
    @ivar most: so many are run.
    @ivar runs: how many were.
    """

    _check: Check
    most: int = 500
    runs: int = field(default=0, init=False)
    _kind: str = field(default="", init=False)
    _found: tuple[str, ...] = field(default=(), init=False)

    def shrink(self, case: Case) -> Case:
        """
        The smallest that shows the first that it shows.

        @raise ValueError: it shows nothing.
        """
        found = tuple(self._check(case))
        if not found:
            raise ValueError("there is nothing wrong with this case")
        self._kind, self._found = kind_of(found[0]), found
        before = None
        while before != case and self.runs < self.most:
            before = case
            case = self._fewer(case)
            for simpler in (_sound, _plainer, _smaller, _shorter):
                case = self._simplify(case, simpler)
        return evolve(case, found=self._found)

    def _shows(self, case: Case) -> bool:
        if self.runs >= self.most:
            return False
        self.runs += 1
        found = tuple(self._check(case))
        shows = any(kind_of(what) == self._kind for what in found)
        if shows:
            self._found = found
        return shows

    def _fewer(self, case: Case) -> Case:
        """Without the requests and faults that have nothing to do with it."""
        events: list[Any] = [*case.scenario.planned, *case.requests]
        size = len(events) // 2 or 1
        while events:
            for start in range(0, len(events), size):
                rest = events[:start] + events[start + size :]
                smaller = _with_events(case, rest)
                if self._shows(smaller):
                    case, events = smaller, rest
                    break
            else:
                if size == 1:
                    break
                size = max(1, size // 2)
            size = max(1, min(size, len(events)))
        return case

    def _simplify(self, case: Case, simpler: Callable[[Case], Iterator[Case]]) -> Case:
        """By one way of being simpler, as often as it goes."""
        while True:
            for each in simpler(case):
                if each != case and self._shows(each):
                    case = each
                    break
            else:
                return case


def _with_events(case: Case, events: Sequence[Fault | Request]) -> Case:
    faults = tuple(each for each in events if isinstance(each, Fault))
    requests = tuple(each for each in events if isinstance(each, Request))
    return evolve(
        case, scenario=evolve(case.scenario, planned=faults), requests=requests
    )


def _sound(case: Case) -> Iterator[Case]:
    """Messages arrive."""
    faults = case.scenario.faults
    kinds = ("loss", "duplication", "delay")
    for without in (kinds, *((of,) for of in kinds)):
        changes: dict[str, Any] = dict.fromkeys(without, 0.0)
        simpler = evolve(faults, **changes)
        if simpler.loss == simpler.duplication == simpler.delay == 0.0:
            simpler = Faults()
        yield evolve(case, scenario=evolve(case.scenario, faults=simpler))


def _smaller(case: Case) -> Iterator[Case]:
    """Fewer machines, of which nobody speaks."""
    scenario = case.scenario
    named = {name for each in scenario.planned for name in (each.target, each.other)}
    named |= {each.zone for each in case.requests}
    kinds = {each.kind for each in case.requests}
    used = tuple(
        each
        for n, each in enumerate(scenario.kinds)
        if each.name in kinds or ("" in kinds and not n)
    )
    if used:
        yield evolve(case, scenario=evolve(scenario, kinds=used))
    for of in scenario.clusters:
        others = tuple(each for each in scenario.clusters if each is not of)
        if others and not named & {of.name, *of.node_names}:
            yield evolve(case, scenario=evolve(scenario, clusters=others))
        if of.nodes > 1 and of.node_names[-1] not in named:
            fewer = evolve(of, nodes=of.nodes - 1)
            clusters = tuple(
                fewer if each is of else each for each in scenario.clusters
            )
            yield evolve(case, scenario=evolve(scenario, clusters=clusters))


def _plainer(case: Case) -> Iterator[Case]:
    """Requests for less."""
    for n, each in enumerate(case.requests):
        for changes in (
            {"zone": ""},
            {"stops_itself": False},
            {"is_forced": False},
            {"kind": ""},
            {"address": 0},
            {"member": 0},
            {"count": max(1, each.count - 1)},
        ):
            plainer = evolve(each, **changes)
            if plainer != each:
                requests = (*case.requests[:n], plainer, *case.requests[n + 1 :])
                yield evolve(case, requests=requests)


def _shorter(case: Case) -> Iterator[Case]:
    """Less time before, between and after."""
    scenario = case.scenario
    events: list[Fault | Request] = [*scenario.planned, *case.requests]
    last = max((each.at_s for each in events), default=0.0)
    run = evolve(scenario.run, duration_s=float(int(last) + 2))
    if run.duration_s < scenario.run.duration_s:
        yield evolve(case, scenario=evolve(scenario, run=run))
    first = min((each.at_s for each in events), default=0.0)
    if first >= 1.0:
        by_s = float(int(first))
        yield _with_events(
            case, [evolve(each, at_s=round(each.at_s - by_s, 4)) for each in events]
        )
