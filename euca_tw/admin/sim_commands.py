"""
C{euca-tw sim}: a cloud that is only simulated.

What needs Twisted is imported where it is used.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic
from typing import Any

from euca_tw.admin.asked import say
from euca_tw.admin.client import Refused

#: A run makes many things and keeps most of them for a while: to look so often
#: for what can be collected, as programs do by themselves, takes a fifth of it.
_COLLECT_AFTER = 200_000
_UNSOUND = "the run found what must not be; see above"


def sim_run(asked: argparse.Namespace) -> None:
    from euca_tw.sim.charts import charts
    from euca_tw.sim.scenario import read_scenario

    scenario = _seeded(read_scenario(asked.scenario), asked.seed)
    draw = _drawing(asked)
    opened = asked.events.open("w", encoding="utf-8") if asked.events else nullcontext()
    _unlogged()
    with opened as sink, _seldom_collecting():
        summary = _run(scenario, sink, _progress(asked))
    if asked.json:
        asked.json.write_text(summary.as_json(), encoding="utf-8")
    draw(charts(summary))
    for line in summary.as_table():
        say(line.rstrip())
    if not summary.is_sound:
        raise Refused(_UNSOUND)


def sim_compare(asked: argparse.Namespace) -> None:
    from euca_tw.sim.charts import compared
    from euca_tw.sim.compare import Comparison, variants
    from euca_tw.sim.scenario import check_policies, read_scenario

    scenario = _seeded(read_scenario(asked.scenario), asked.seed)
    check_policies(asked.scenario, asked.scheduler, asked.placement)
    draw = _drawing(asked)
    tried = variants(scenario, asked.scheduler, asked.placement)
    progress, whole = _progress(asked), len(tried) * asked.seeds
    runs: dict[str, list[Any]] = {each.name: [] for each in tried}
    done = launches = 0
    _unlogged()
    with _seldom_collecting():
        # Seed by seed: what is broken off has been fair to all.
        for n in range(asked.seeds):
            for each in tried:
                seeded = _seeded(each.scenario, scenario.run.seed + n)
                before = done, launches

                def told(share: float, more: int, before: Any = before) -> None:
                    progress((before[0] + share) / whole, before[1] + more)

                summary = _run(seeded, None, told)
                runs[each.name].append(summary)
                done, launches = done + 1, launches + summary.counts.get("asked", 0)
    comparison = Comparison(runs=runs)
    if asked.json:
        asked.json.write_text(comparison.as_json(), encoding="utf-8")
    draw(compared(runs))
    for line in comparison.as_table():
        say(line.rstrip())
    if comparison.unsound:
        raise Refused(_UNSOUND)


def sim_check(asked: argparse.Namespace) -> None:
    from euca_tw.sim.scenario import read_scenario

    scenario = read_scenario(asked.scenario)
    nodes = sum(each.nodes for each in scenario.clusters)
    say(f"{asked.scenario} is fine: {nodes} nodes, {scenario.run.duration_s:g} s")


def sim_explore(asked: argparse.Namespace) -> None:
    from euca_tw.sim.explore import SHRUNK, explore, keep
    from euca_tw.sim.progress import ProgressBar
    from euca_tw.sim.scenario import read_scenario

    base = read_scenario(asked.scenario) if asked.scenario is not None else None
    if asked.seeds < 1 or asked.jobs < 1:
        raise Refused("--seeds and --jobs must be 1 or more")
    _unlogged()
    progress = _untold if asked.quiet else ProgressBar(sys.stderr, monotonic, "cases")
    seeds = range(asked.first, asked.first + asked.seeds)
    with _seldom_collecting():
        found = [*explore(seeds, base=base, jobs=asked.jobs, progress=progress)]
        found.sort(key=lambda each: each.seed)
        for number, each in enumerate(found):
            say(f"seed {each.seed}: {each.violations[0]}")
            if number < SHRUNK:
                file, small = keep(each, base, asked.keep)
                requests, faults = len(small.requests), len(small.scenario.planned)
                say(f"  comes to {requests} requests and {faults} faults in {file}")
    say(f"{len(seeds)} cases were run; {len(found)} found what must not be")
    if found:
        raise Refused("the exploration found what must not be; see above")


def sim_replay(asked: argparse.Namespace) -> None:
    from euca_tw.sim.case import read_case
    from euca_tw.sim.explore import verdict

    case = read_case(asked.case)
    _unlogged()
    found = verdict(case)
    for what in found:
        say(what)
    if found:
        raise Refused("the case shows what must not be; see above")
    say(f"{asked.case} shows nothing that must not be")


def sim_sweep(asked: argparse.Namespace) -> None:
    from euca_tw.sim.case import read_case
    from euca_tw.sim.progress import ProgressBar
    from euca_tw.sim.sweep import sweep

    case = read_case(asked.case)
    _unlogged()
    progress = _untold if asked.quiet else ProgressBar(sys.stderr, monotonic, "crashes")
    crashes = found = 0
    with _seldom_collecting():
        for strike in sweep(case, progress=progress):
            crashes += 1
            found += bool(strike.violations)
            of = strike.case.scenario.planned[-1]
            for what in strike.violations[:1]:
                say(f"{of.target} dies {of.moment} for time {of.nth}: {what}")
    say(f"{crashes} crashes were tried; {found} showed what must not be")
    if found:
        raise Refused("the case shows what must not be; see above")


def _unlogged() -> None:
    """What daemons log is not told; their bugs are, by the run itself."""
    from twisted.logger import globalLogBeginner

    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)


def _seeded(scenario: Any, seed: int | None) -> Any:
    from attrs import evolve

    if seed is None:
        return scenario
    return evolve(scenario, run=evolve(scenario.run, seed=seed))


def _run(scenario: Any, sink: Any, progress: Callable[[float, int], None]) -> Any:
    """@raise Refused: the cloud of the scenario does not come up."""
    from euca_tw.sim.run import NotReady, Simulation

    try:
        return Simulation(scenario, sink).run(progress)
    except NotReady as error:
        raise Refused(str(error)) from None


def _drawing(asked: argparse.Namespace) -> Callable[[Mapping[str, Any]], None]:
    """
    What draws charts where they are wanted.

    @raise Refused: it cannot, which is told before a long run and not after it.
    """
    as_png: Callable[[Any], bytes] | None = None
    if asked.png:
        if not asked.plots:
            raise Refused("--png is of --plots DIR, which is not given")
        try:
            from euca_tw.sim.png import png
        except ImportError:
            raise Refused(
                "--png needs Pillow: pip install 'euca_tw[plots]', or leave --png out "
                "and have SVG"
            ) from None
        as_png = png
    if asked.plots:
        asked.plots.mkdir(parents=True, exist_ok=True)

    def draw(charts: Mapping[str, Any]) -> None:
        for name, chart in charts.items() if asked.plots else ():
            (asked.plots / f"{name}.svg").write_bytes(chart.svg())
            if as_png is not None:
                (asked.plots / f"{name}.png").write_bytes(as_png(chart))

    return draw


def _progress(asked: argparse.Namespace) -> Callable[[float, int], None]:
    from euca_tw.sim.progress import ProgressBar

    return _untold if asked.quiet else ProgressBar(sys.stderr, monotonic)


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


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, map(str.strip, text.split(",")))))


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def sim_commands(command: Callable[..., argparse.ArgumentParser], into: Any) -> None:
    """Its verbs."""
    run = command(
        into,
        "run",
        sim_run,
        "run a scenario, and tell what came of it",
    )
    compare = command(
        into,
        "compare",
        sim_compare,
        "run a scenario with several policies, and tell how they differ",
    )
    check = command(into, "check", sim_check, "say what is wrong with a scenario")
    for naming in (run, compare, check):
        naming.add_argument("scenario", type=Path, metavar="SCENARIO.toml")
    for running in (run, compare):
        running.add_argument(
            "--seed", type=int, metavar="N", help="in place of the scenario's own"
        )
        running.add_argument(
            "--json", type=Path, metavar="FILE", help="where to write it as JSON, too"
        )
        running.add_argument(
            "--plots", type=Path, metavar="DIR", help="where to draw charts, as SVG"
        )
        running.add_argument(
            "--png", action="store_true", help="draw them as PNG besides"
        )
        running.add_argument(
            "--quiet", action="store_true", help="do not tell how far it is"
        )
    run.add_argument(
        "--events", type=Path, metavar="FILE", help="where to write events, as JSONL"
    )
    for kind in ("scheduler", "placement"):
        compare.add_argument(
            f"--{kind}", type=_names, default=(), metavar="A,B,…", help="to be tried"
        )
    compare.add_argument(
        "--seeds",
        type=_count,
        default=5,
        metavar="N",
        help="how many to run with each, from the first on (5)",
    )
    _explore_commands(command, into)


def _explore_commands(
    command: Callable[..., argparse.ArgumentParser], into: Any
) -> None:
    explore = command(
        into,
        "explore",
        sim_explore,
        "run many short cases at random, and find what must not be",
    )
    explore.add_argument(
        "scenario",
        type=Path,
        nargs="?",
        metavar="SCENARIO.toml",
        help="the cloud; without it each case has a small one of its own",
    )
    explore.add_argument(
        "--seeds", type=int, default=1000, metavar="N", help="how many cases (1000)"
    )
    explore.add_argument(
        "--first", type=int, default=0, metavar="S", help="the first one's seed (0)"
    )
    explore.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="J",
        help="how many processes (one for each processor)",
    )
    explore.add_argument(
        "--keep",
        type=Path,
        default=Path("found"),
        metavar="DIR",
        help="where to write cases that found something, made small (found)",
    )
    explore.add_argument(
        "--quiet", action="store_true", help="do not tell how far it is"
    )
    replay = command(
        into, "replay", sim_replay, "run a case that was kept, and tell what it shows"
    )
    replay.add_argument("case", type=Path, metavar="CASE.toml")
    sweep = command(
        into,
        "sweep",
        sim_sweep,
        "run a case with a crash of each daemon at every moment of it",
    )
    sweep.add_argument("case", type=Path, metavar="CASE.toml")
    sweep.add_argument("--quiet", action="store_true", help="do not tell how far it is")
