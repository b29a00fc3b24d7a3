"""
A cloud of 1,000 nodes in which nobody asks for anything: what it costs to listen to
them all.

Processor time of the cloud controller and the cluster controller, each a process,
over a few rounds of their long polls; and of the nodes, which are in one process
here, by their number.  The limit is a share of one core, for both controllers
together.

    python -m bench.idle [NODES]
"""

from __future__ import annotations

import subprocess
import sys
from threading import Event
from time import perf_counter

from bench.load import cpu_s
from bench.tiers import running, site, wait_until_ready
from euca_tw.cc.settings import ClusterSettings

NODES = 1_000
#: Of the smallest type, on a node of memory.
ROOM = 64
SHARE = 0.02
#: After the start: what is said then is said once.
SETTLE_S = 30.0
ROUNDS = 2


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else NODES
    seconds = ROUNDS * ClusterSettings().hold_s(count)
    with site(count) as file:
        nodes = subprocess.Popen((sys.executable, "-m", "bench.tiers", file))
        try:
            with running(file) as tiers:
                before = perf_counter()
                wait_until_ready(tiers, count * ROOM)
                print(
                    f"{count:,} nodes are known after {perf_counter() - before:.0f} s",
                    flush=True,
                )
                Event().wait(SETTLE_S)
                pids = (tiers.clc.pid, tiers.cc.pid, nodes.pid)
                before, began = perf_counter(), [*map(cpu_s, pids)]
                Event().wait(seconds)
                lasted = perf_counter() - before
                spent = [cpu_s(pid) - b for pid, b in zip(pids, began, strict=True)]
        finally:
            nodes.terminate()
            nodes.wait()
    return tell(count, lasted, *spent)


def tell(count: int, lasted: float, clc_s: float, cc_s: float, nodes_s: float) -> int:
    """@return: the status to exit with."""
    both_s = clc_s + cc_s
    rows = (
        ("cloud controller", clc_s),
        ("cluster controller", cc_s),
        ("both", both_s),
        ("a node", nodes_s / count),
    )
    print(f"{'':22}{'CPU s a minute':>16}{'of a core':>12}{'of the limit':>15}")
    for who, cpu in rows:
        share = cpu / lasted
        print(
            f"{who:22}{cpu / lasted * 60:16.4f}{share * 100:10.3f} %"
            f"{share / SHARE:13.2f} x"
        )
    print(
        f"(Over {lasted:.0f} s, in which each node was asked {ROUNDS} times or more.  "
        f"The limit is {SHARE * 100:.0f} % of a core.\nThe original asked every node "
        "for everything every 6 s.)"
    )
    return 0 if both_s / lasted <= SHARE else 1


if __name__ == "__main__":
    sys.exit(main())
