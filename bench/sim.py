"""
The simulator: what a life-cycle of an instance costs (asked for, placed, started,
told of, ended, told of again), with the real controllers; and how that grows with
the nodes, and with the instances that are there already.

Processor time of this process.  What daemons do whether or not anybody asks for
anything is measured by itself, and taken off.

    python -m bench.sim
    python -m bench.sim full      (10,000 nodes and 100,000 life-cycles, once)
"""

from __future__ import annotations

import gc
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter, process_time

from attrs import frozen
from twisted.logger import globalLogBeginner

from euca_tw.sim.run import Simulation
from euca_tw.sim.scenario import Scenario, read_scenario

#: What is to be reached: so many life-cycles on so many nodes, in so many seconds.
CYCLES, NODES, WITHIN_S = 100_000, 10_000, 600.0
#: The original's limits: of nodes and of instances in a cluster, and of clusters.
MOST_NODES, MOST_INSTANCES, MOST_CLUSTERS = 1_024, 2_048, 8

#: Nodes, in how many clusters, as XML or not, and how many users come.
BY_NODES = (
    (100, 1, False, 800),
    (100, 1, True, 800),
    (1_000, 1, False, 800),
    (1_000, 10, False, 800),
    (10_000, 10, False, 1_500),
    (10_000, 100, False, 1_500),
)
#: How many instances live in a cluster of so many nodes, while so many come and go.
BY_INSTANCES = (0, 2_048, 8_192)
CLUSTER_NODES, COMING = 500, 600
DURATION_S = 120.0

_TEXT = """
[run]
duration_s = {duration_s}
settle_s = {settle_s}
[[type]]
name = "m1.small"
cores = 1
memory_mib = 1024
disk_gib = 10
[[image]]
size_mib = 100
[network]
is_xml = {is_xml}
"""
_POISSON = """
[workload]
kind = "poisson"
per_hour = {per_hour}
lifetime_s = {lifetime_s}
"""
_TRACE = """
[workload]
kind = "trace"
file = "trace.csv"
"""
_CLUSTER = """
[[cluster]]
name = "c{number}"
nodes = {nodes}
cores = 32
memory_mib = 65536
disk_gib = 500
"""


def scenario(
    nodes: int,
    clusters: int,
    workload: str,
    *,
    is_xml: bool = False,
    duration_s: float = DURATION_S,
    settle_s: float = 0.0,
    trace: str = "",
) -> Scenario:
    """Of nodes that are alike, evenly in clusters."""
    text = _TEXT.format(
        is_xml=str(is_xml).lower(), duration_s=duration_s, settle_s=settle_s
    )
    for number in range(clusters):
        text += _CLUSTER.format(number=number, nodes=nodes // clusters)
    # (It is kept until the process ends: a trace is read as it is needed.)
    directory = Path(tempfile.mkdtemp(prefix="bench-sim-"))
    (directory / "trace.csv").write_text(trace, encoding="utf-8")
    file = directory / "scenario.toml"
    file.write_text(text + workload, encoding="utf-8")
    return read_scenario(file)


def evenly(launches: int, duration_s: float, lifetime_s: object = 10.0) -> str:
    """Users that come so many in a run."""
    return _POISSON.format(per_hour=launches * 3600 / duration_s, lifetime_s=lifetime_s)


@frozen(kw_only=True)
class Cost:
    """
    @ivar start_s: until all daemons have started and the cloud knows what it has.
    @ivar idle_s: of a simulated hour in which nobody asks for anything.
    @ivar cycle_ms: of a life-cycle.
    """

    start_s: float
    idle_s: float
    cycle_ms: float


def cost_of_nodes(nodes: int, clusters: int, is_xml: bool, launches: int) -> Cost:
    """Of one cloud: first with nobody, then with users, what is more."""
    began = process_time()
    users = evenly(launches, DURATION_S)
    simulation = Simulation(scenario(nodes, clusters, users, is_xml=is_xml))
    simulation.make_ready()
    ready = process_time()
    simulation.site.run(DURATION_S)
    idle_s = process_time() - ready
    busy_from = process_time()
    summary = simulation.run()
    busy_s = process_time() - busy_from
    assert summary.is_sound, [*summary.as_table()]
    # Of those that have only begun, half is done.
    cycles = (summary.counts["taken"] + summary.counts["terminated"]) / 2
    return Cost(
        start_s=ready - began,
        idle_s=idle_s * 3600 / DURATION_S,
        cycle_ms=1000 * (busy_s - idle_s) / cycles,
    )


def cost_of_instances(there: int) -> Cost:
    """Of one cluster in which so many live: idle, and while others come and go."""
    quiet_s, rest_s = 120.0, 30.0
    rows = [f"{n * 60 / there:.3f},1e9,m1.small" for n in range(there)]
    begin_s = 60 + rest_s + quiet_s
    rows += [
        f"{begin_s + n * DURATION_S / COMING:.3f},10,m1.small" for n in range(COMING)
    ]
    trace = "arrival,lifetime,type\n" + "\n".join(rows) + "\n"
    of = scenario(CLUSTER_NODES, 1, _TRACE, duration_s=1e6, trace=trace)
    simulation = Simulation(of)
    began = process_time()
    simulation.make_ready()
    simulation.users.begin()
    simulation.site.run(60 + rest_s)
    marks = [process_time()]
    for seconds in (quiet_s, DURATION_S + rest_s):
        simulation.site.run(seconds)
        marks.append(process_time())
    idle_s, busy_s = marks[1] - marks[0], marks[2] - marks[1]
    assert simulation.events.count["terminated"] == COMING
    busy_s -= idle_s * (DURATION_S + rest_s) / quiet_s
    return Cost(
        start_s=marks[0] - began,
        idle_s=idle_s * 3600 / quiet_s,
        cycle_ms=1000 * busy_s / COMING,
    )


def by_nodes() -> None:
    print(
        f"{'nodes':>8}{'clusters':>9}{'messages':>10}{'start s':>9}{'idle h s':>10}"
        f"{'cycle ms':>10}{'cycles/s':>10}{f'{CYCLES:,} take':>15}"
        f"{'of the most nodes, clusters':>30}"
    )
    for nodes, clusters, is_xml, launches in BY_NODES:
        found = cost_of_nodes(nodes, clusters, is_xml, launches)
        gc.collect()
        all_s = found.cycle_ms / 1000 * CYCLES
        limits = (
            f"{nodes / clusters / MOST_NODES:.1f} times, "
            f"{clusters / MOST_CLUSTERS:.1f} times"
        )
        print(
            f"{nodes:>8,}{clusters:>9}{'XML' if is_xml else 'records':>10}"
            f"{found.start_s:>9.1f}{found.idle_s:>10.1f}{found.cycle_ms:>10.1f}"
            f"{1000 / found.cycle_ms:>10.0f}{all_s / 60:>11.0f} min{limits:>30}",
            flush=True,
        )
    print(
        f"(The original had room for {MOST_NODES:,} nodes in a cluster and "
        f"{MOST_CLUSTERS} clusters.)\n"
    )


def by_instances() -> None:
    print(
        f"{'instances':>10} that live in a cluster of {CLUSTER_NODES} nodes"
        f"{'idle h s':>10}{'cycle ms':>10}{'of the most':>14}"
    )
    for there in BY_INSTANCES:
        found = cost_of_instances(there)
        gc.collect()
        limit = f"{there / MOST_INSTANCES:.1f} times"
        print(
            f"{there:>10,}{'':39}{found.idle_s:>10.1f}{found.cycle_ms:>10.1f}"
            f"{limit:>14}",
            flush=True,
        )
    print(f"(The original had room for {MOST_INSTANCES:,} instances in a cluster.)\n")


def full() -> None:
    """What is to be reached, done once."""
    duration_s, clusters = 2400.0, 10
    life = '{ kind = "exponential", mean = 240.0 }'
    of = scenario(
        NODES,
        clusters,
        evenly(round(CYCLES * 1.12), duration_s, life),
        duration_s=duration_s,
        settle_s=120.0,
    )
    began = process_time()
    summary = Simulation(of).run()
    took_s = process_time() - began
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    cycles = summary.counts["terminated"]
    print(
        f"{cycles:,} life-cycles on {NODES:,} nodes in {clusters} clusters, "
        f"{duration_s / 60:.0f} min of them: {took_s:.0f} s of a processor "
        f"({took_s / WITHIN_S:.2f} of what it may take), all in all "
        f"{1000 * took_s / cycles:.1f} ms each; {peak_mib:,.0f} MiB at most; "
        f"{'sound' if summary.is_sound else 'NOT SOUND'}"
    )


def main() -> int:
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    gc.set_threshold(200_000, 50, 100)
    began = perf_counter()
    if sys.argv[1:] == ["full"]:
        full()
    else:
        by_nodes()
        by_instances()
    print(f"(This took {perf_counter() - began:.0f} s.)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
