"""
C{euca-tw sim}: a cloud that is only simulated.

What needs Twisted is imported where it is used.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any

from euca_tw.admin.asked import say
from euca_tw.admin.client import Refused

#: A run makes many things and keeps most of them for a while: to look so often
#: for what can be collected, as programs do by themselves, takes a fifth of it.
_COLLECT_AFTER = 200_000


def sim_run(asked: argparse.Namespace) -> None:
    from attrs import evolve
    from twisted.logger import globalLogBeginner

    from euca_tw.sim.plots import delays_chart, usage_chart
    from euca_tw.sim.progress import ProgressBar
    from euca_tw.sim.run import NotReady, Simulation
    from euca_tw.sim.scenario import read_scenario

    scenario = read_scenario(asked.scenario)
    if asked.seed is not None:
        scenario = evolve(scenario, run=evolve(scenario.run, seed=asked.seed))
    # What daemons log is not told; their bugs are, by the run itself.
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    opened = asked.events.open("w", encoding="utf-8") if asked.events else nullcontext()
    progress = _untold if asked.quiet else ProgressBar(sys.stderr, monotonic)
    try:
        with opened as sink, _seldom_collecting():
            summary = Simulation(scenario, sink).run(progress)
    except NotReady as error:
        raise Refused(str(error)) from None
    if asked.json:
        asked.json.write_text(summary.as_json(), encoding="utf-8")
    if asked.plots:
        asked.plots.mkdir(parents=True, exist_ok=True)
        (asked.plots / "usage.svg").write_bytes(usage_chart(summary).svg())
        (asked.plots / "delays.svg").write_bytes(delays_chart(summary).svg())
    for line in summary.as_table():
        say(line.rstrip())
    if not summary.is_sound:
        raise Refused("the run found what must not be; see above")


def _untold(share: float, launches: int) -> None:
    """Nobody wants to know."""


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    usual = gc.get_threshold()
    gc.set_threshold(_COLLECT_AFTER, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


def sim_check(asked: argparse.Namespace) -> None:
    from euca_tw.sim.scenario import read_scenario

    scenario = read_scenario(asked.scenario)
    nodes = sum(each.nodes for each in scenario.clusters)
    say(f"{asked.scenario} is fine: {nodes} nodes, {scenario.run.duration_s:g} s")


def sim_commands(command: Callable[..., argparse.ArgumentParser], into: Any) -> None:
    """Its verbs."""
    run = command(
        into,
        "run",
        sim_run,
        "run a scenario, and tell what came of it",
    )
    check = command(into, "check", sim_check, "say what is wrong with a scenario")
    for naming in (run, check):
        naming.add_argument("scenario", type=Path, metavar="SCENARIO.toml")
    run.add_argument(
        "--seed", type=int, metavar="N", help="in place of the scenario's own"
    )
    run.add_argument(
        "--events", type=Path, metavar="FILE", help="where to write events, as JSONL"
    )
    run.add_argument(
        "--json", type=Path, metavar="FILE", help="where to write the summary, as JSON"
    )
    run.add_argument(
        "--plots", type=Path, metavar="DIR", help="where to draw charts, as SVG"
    )
    run.add_argument("--quiet", action="store_true", help="do not tell how far it is")
