"""
Picking a node: processor time of one pick and of telling what it changed, with
100, 1,000 and 10,000 nodes, for each scheduler that is shipped; against a walk over
all nodes, in the same run.

The nodes are of three sizes and two thirds full, the instances of four sizes and a
hundred groups, and each that comes takes the place of one that goes: what is
measured is a cluster that is used.  "late" is what one pick of a hundred takes, or
more; "told" is one change of one node.  The ratio is to both.

    python -m bench.policies
"""

from __future__ import annotations

import gc
import sys
from random import Random
from time import process_time

from euca_tw.cc.interfaces import Node, Wish
from euca_tw.model.capacity import Resources
from euca_tw.policies.found import find, make
from euca_tw.policies.interfaces import SCHEDULER
from tests.suites.policies import NAIVE, Site, able

SIZES, PICKS, WALKS, US = (100, 1_000, 10_000), 3_000, 20, 1e6
MOST_US = 100.0
MACHINES = ((8, 16384, 500), (16, 65536, 1000), (64, 131072, 4000))
TYPES = ((1, 2048, 10), (2, 4096, 20), (2, 8192, 80), (8, 16384, 160))


def resources(cores: int, memory_mib: int, disk_gib: int) -> Resources:
    return Resources(cores=cores, memory_mib=memory_mib, disk_gib=disk_gib)


class TimedSite(Site):
    """@ivar told: how long each telling took."""

    told: list[float]

    def put(self, node: Node) -> None:
        self.nodes[node.url] = node
        begun = process_time()
        self.scheduler.node_changed(node)
        self.told.append(process_time() - begun)


def wish(random: Random) -> Wish:
    return Wish(
        needs=resources(*random.choice(TYPES)), group=f"me/{random.randrange(100)}"
    )


def filled(site: Site, size: int, random: Random) -> None:
    """Nodes, each two thirds full."""
    for place in range(size):
        machine = resources(*random.choice(MACHINES))
        url = f"http://node{place:05}/"
        site.put(Node(url=url, place=place, machine=machine, free=machine))
        while site.nodes[url].free.cores > machine.cores // 3:
            each = wish(random)
            if not site.nodes[url].free.holds(each.needs):
                break
            site.take(url, each)


def main() -> int:
    status = 0
    print(f"{'':18}{'nodes':>7}{'pick us':>9}{'late':>8}{'told us':>9}{'walk':>9}")
    for policy in find().policies:
        if policy.kind != SCHEDULER or policy.name not in NAIVE:
            continue
        naive = NAIVE[policy.name]
        for size in SIZES:
            random = Random(size)
            site = TimedSite(make(policy, random))
            site.told = []
            filled(site, size, random)
            gc.collect()
            gc.freeze()
            picks, walks, site.told = [], [], []
            for number in range(PICKS):
                each = wish(random)
                if number < WALKS:
                    begun = process_time()
                    could = able(site.nodes.values(), each)
                    if could:
                        naive(could, each, "")
                    walks.append(process_time() - begun)
                begun = process_time()
                url = site.pick(each)
                picks.append(process_time() - begun)
                if url is None:
                    continue
                site.take(url, each)
                site.end(random.randrange(1 << 30))
            gc.unfreeze()
            mean = sum(picks) / len(picks) * US
            late = sorted(picks)[-PICKS // 100] * US
            telling = sum(site.told) / len(site.told) * US
            walk = sum(walks) / len(walks) * US
            is_late = mean + telling > MOST_US
            status |= is_late
            print(
                f"{policy.name:18}{size:7,}{mean:9.1f}{late:8.1f}{telling:9.1f}"
                f"{walk / (mean + telling):8.0f}x{'  TOO SLOW' if is_late else ''}"
            )
    return status


if __name__ == "__main__":
    sys.exit(main())
