"""
One case, and each daemon killed at every single moment of it, one after the other:
before and after each commit, each message, and each act upon the world.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import count

from attrs import evolve, frozen

from euca_tw.sim.case import Case
from euca_tw.sim.fault_plan import Fault
from euca_tw.sim.life import Moment
from euca_tw.sim.trial import Trial


@frozen
class Strike:
    """
    @ivar case: with the crash.
    @ivar violations: what it showed.
    """

    case: Case
    violations: tuple[str, ...]


def sweep(
    of: Case,
    down_s: float = 3.0,
    progress: Callable[[float, int], None] = lambda share, done: None,
) -> Iterator[Strike]:
    """
    What came of each crash, in the order of daemons and moments.

    @param down_s: how long a daemon that was killed stays away.
    @param progress: told which share is done, and how many crashes.
    """
    daemons = [*of.scenario.daemons]
    places = [(name, moment) for name in daemons for moment in Moment]
    done = 0
    gc.collect()
    gc.freeze()
    try:
        for number, (name, moment) in enumerate(places):
            for nth in count(1):
                case = _struck(of, name, moment, nth, down_s)
                trial = Trial(case)
                found = trial.run()
                came = trial.events.count.get("crash", 0)
                del trial
                gc.collect()
                if came == len(_crashes(of)):
                    break  # there is no such moment any more
                done += 1
                yield Strike(case, found)
                progress(number / len(places), done)
        progress(1.0, done)
    finally:
        gc.unfreeze()


def _crashes(of: Case) -> list[Fault]:
    return [each for each in of.scenario.planned if each.kind == "crash"]


def _struck(of: Case, name: str, moment: Moment, nth: int, down_s: float) -> Case:
    crash = Fault(
        kind="crash", at_s=0.0, for_s=down_s, target=name, moment=moment.value, nth=nth
    )
    scenario = evolve(of.scenario, planned=(*of.scenario.planned, crash))
    return evolve(of, scenario=scenario)
